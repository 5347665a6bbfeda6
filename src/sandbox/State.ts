/**
 * The DNC lists of the sandbox and what is on them.
 *
 * @since 0.1.0
 */
import type { Reason } from "../DncEntry.js"
import * as Table from "./Table.js"

/**
 * What sets lists apart: `rds` is Internal, `rds_custom` Internal-Custom, the others are registries that Genesys Cloud
 * asks itself.
 *
 * @since 0.1.0
 * @category models
 */
export type SourceType = "rds" | "rds_custom" | "dnc.com" | "gryphon"

/**
 * @since 0.1.0
 * @category models
 */
export type ContactMethod = "Email" | "Phone" | "Any" | "WhatsApp"

/**
 * The kinds of contacts, by the name that the published routes have for them.
 *
 * @since 0.1.0
 * @category models
 */
export type Kind = "phonenumbers" | "emailaddresses" | "whatsappnumbers" | "customexclusioncolumns"

/**
 * @since 0.1.0
 */
export const kinds: ReadonlyArray<Kind> = [
  "phonenumbers",
  "emailaddresses",
  "whatsappnumbers",
  "customexclusioncolumns"
]

/**
 * What a later version of a list may change.
 *
 * @since 0.1.0
 * @category models
 */
export interface Settings {
  readonly name: string
  readonly loginId?: string | undefined
  readonly campaignId?: string | undefined
  readonly dncCodes?: ReadonlyArray<string> | undefined
  readonly licenseId?: string | undefined
}

/**
 * A DNC list that exists from the start.
 *
 * @since 0.1.0
 * @category models
 */
export interface ListOptions extends Settings {
  /** A UUID. */
  readonly id: string
  /** `rds` (Internal) takes numbers; `rds_custom` takes values of its column; the others refuse both. */
  readonly dncSourceType: SourceType
  /** Of an Internal list; `Phone` unless said otherwise. */
  readonly contactMethod?: ContactMethod | undefined
  /** Of an Internal-Custom list. */
  readonly customExclusionColumn?: string | undefined
  /** The id of a division; the first one of the sandbox unless said otherwise. */
  readonly divisionId?: string | undefined
}

/**
 * One number on a list.
 *
 * @since 0.1.0
 * @category models
 */
export interface ListEntry {
  /** E.164. */
  readonly phoneNumber: string
  readonly reason: Reason
  /** An ISO 8601 instant with milliseconds; `null` means for ever. */
  readonly expires: string | null
}

/**
 * How many numbers of one request were new, were there as they are, or were there with another value.
 *
 * @since 0.1.0
 * @category models
 */
export type Counts = Table.Counts

/**
 * @since 0.1.0
 * @category models
 */
export interface List extends ListOptions {
  readonly dateCreated: number
  readonly dateModified: () => number
  /** Grows with each request that changes the list. */
  readonly version: () => number
  readonly update: (settings: Settings) => void
  /** Contacts of all kinds that have not expired. */
  readonly size: () => number
  /** The size as it is reported: it lags behind the changes. */
  readonly reportedSize: () => number
  /** Contacts of all kinds, the expired ones included: they take up room until they are purged. */
  readonly records: () => number
  /** Numbers that have not expired, in the order in which they first came. */
  readonly entries: () => Iterable<ListEntry>
  /** As `entries`, for any kind. */
  readonly contacts: (kind: Kind) => Iterable<Table.Contact>
  /** Contacts of all kinds that have not expired, as they are at this moment. */
  readonly snapshot: () => Iterable<Table.Contact>
  /** Gives each number this value, be it stricter or looser; the numbers must be E.164. `created` collects the new ones. */
  readonly put: (
    phoneNumbers: ReadonlyArray<string>,
    reason: Reason,
    expires: string | null,
    created?: Array<string>
  ) => Counts
  /** As `put`, for contacts of any kind and without a reason; they must be good ones of their kind. */
  readonly add: (kind: Kind, contacts: ReadonlyArray<string>, expires: string | null) => void
  readonly remove: (kind: Kind, contacts: ReadonlyArray<string>) => void
  readonly purge: (kind: Kind) => void
  /** Empties one kind, or all of them. */
  readonly clear: (kind?: Kind) => void
  /** How many records these contacts would add. */
  readonly missing: (kind: Kind, contacts: ReadonlyArray<string>) => number
}

/**
 * The digits of an E.164 number as an integer, which a double holds exactly; 0 for any other text.
 *
 * @since 0.1.0
 */
export const parseE164 = (text: string): number => {
  const length = text.length
  if (length < 8 || length > 16 || text.charCodeAt(0) !== 43 || text.charCodeAt(1) === 48) return 0
  let number = 0
  for (let index = 1; index < length; index++) {
    const digit = text.charCodeAt(index) - 48
    if (digit < 0 || digit > 9) return 0
    number = number * 10 + digit
  }
  return number
}

const same = (text: string) => text

/**
 * An empty list, whose size is reported as it was `sizeLagMs` ago.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: ListOptions, now: () => number, sizeLagMs = 0): List => {
  const dateCreated = now()
  const phoneNumbers = Table.make(parseE164, (number) => `+${number}`, now)
  const tables: Readonly<Record<Kind, Table.Table>> = {
    phonenumbers: phoneNumbers,
    emailaddresses: Table.make((address) => address.toLowerCase(), same, now),
    whatsappnumbers: Table.make(same, same, now),
    customexclusioncolumns: Table.make(same, same, now)
  }
  const all = Object.values(tables)
  const sizes: Array<{ readonly since: number; size: number }> = [{ since: Number.NEGATIVE_INFINITY, size: 0 }]
  let settings: Settings = options
  let dateModified = dateCreated
  let version = 1

  const size = () => all.reduce((sum, table) => sum + table.size(), 0)

  /** Forgets the sizes that nobody will be told any more. */
  const forget = (instant: number) => {
    while (sizes.length > 1 && sizes[1].since <= instant - sizeLagMs) sizes.shift()
  }

  const changed = () => {
    const instant = now()
    dateModified = instant
    version += 1
    if (sizeLagMs === 0) return
    forget(instant)
    const last = sizes[sizes.length - 1]
    if (last.since === instant) last.size = size()
    else sizes.push({ since: instant, size: size() })
  }

  return {
    ...options,
    get name() {
      return settings.name
    },
    get loginId() {
      return settings.loginId
    },
    get campaignId() {
      return settings.campaignId
    },
    get dncCodes() {
      return settings.dncCodes
    },
    get licenseId() {
      return settings.licenseId
    },
    dateCreated,
    dateModified: () => dateModified,
    version: () => version,
    update: (next) => {
      settings = next
      changed()
    },
    size,
    reportedSize: () => {
      if (sizeLagMs === 0) return size()
      forget(now())
      return sizes[0].size
    },
    records: () => all.reduce((sum, table) => sum + table.records(), 0),
    *entries() {
      for (const { contact, expires, reason } of phoneNumbers.entries()) {
        yield { phoneNumber: contact, reason, expires }
      }
    },
    contacts: (kind) => tables[kind].entries(),
    snapshot: () => {
      const parts = all.map((table) => table.snapshot())
      return {
        *[Symbol.iterator]() {
          for (const part of parts) yield* part
        }
      }
    },
    put: (numbers, reason, expires, created) => {
      const counts = phoneNumbers.put(numbers, reason, expires, created)
      if (counts.duplicate < numbers.length) changed()
      return counts
    },
    add: (kind, contacts, expires) => {
      const { duplicate } = tables[kind].put(contacts, "UNSPECIFIED", expires)
      if (duplicate < contacts.length) changed()
    },
    remove: (kind, contacts) => {
      if (tables[kind].remove(contacts) > 0) changed()
    },
    purge: (kind) => {
      if (tables[kind].purge() > 0) changed()
    },
    clear: (kind) => {
      if (kind === undefined) for (const table of all) table.clear()
      else tables[kind].clear()
      changed()
    },
    missing: (kind, contacts) => tables[kind].missing(contacts)
  }
}

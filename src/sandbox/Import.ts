/**
 * What becomes of an uploaded file: its rows go onto the list, and those that do not are told to the event log.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Contacts from "./Contacts.js"
import * as Csv from "./Csv.js"
import * as Entries from "./Entries.js"
import type * as Events from "./Events.js"
import * as Expiry from "./Expiry.js"
import * as Lists from "./Lists.js"
import type * as State from "./State.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How long an import is under way before its first row is taken. */
  readonly importDelayMs: number
  /** Whether a file is added to what is on the list, or takes its place; which one is true is not published. */
  readonly uploadMode: "append" | "replace"
  /** Every import fails for this reason, before its first row. */
  readonly importFailure: string | undefined
  readonly refuse: Entries.Options["refuse"]
  readonly maxListRecords: number
  readonly maxOrgRecords: number
  readonly now: () => number
}

/**
 * What the file holds, as its upload was asked for.
 *
 * @since 0.1.0
 * @category models
 */
export interface Upload {
  readonly list: State.List
  /** The columns of each kind, by name. */
  readonly columns: ReadonlyMap<State.Kind, ReadonlyArray<string>>
  readonly expiryColumn: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Dependencies {
  readonly lists: ReadonlyMap<string, State.List>
  readonly events: Events.Events
  /** Told of each step. */
  readonly report: (status: Lists.ImportStatus) => void
}

const rowsPerStep = 5000

/** The columns of a row that are looked at. */
interface Layout {
  readonly width: number
  readonly contacts: ReadonlyArray<readonly [kind: State.Kind, column: number]>
  /** -1 where there is none. */
  readonly expiry: number
}

const layoutOf = (header: ReadonlyArray<string>, { columns, expiryColumn }: Upload): Layout | undefined => {
  const names = header.map((name) => name.trim())
  const contacts = [...columns].flatMap(([kind, wanted]) =>
    wanted.map((name): [State.Kind, number] => [kind, names.indexOf(name)])
  )
  const expiry = expiryColumn === undefined ? -1 : names.indexOf(expiryColumn)
  if (contacts.some(([, column]) => column < 0) || (expiryColumn !== undefined && expiry < 0)) return undefined
  return { width: header.length, contacts, expiry }
}

const linesOf = (text: string): number => {
  let lines = 0
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines += 1
  return text.endsWith("\n") || text === "" ? lines : lines + 1
}

/**
 * Imports a file little by little, so that others are served meanwhile.
 *
 * @since 0.1.0
 * @category constructors
 */
export const run = (
  options: Options,
  { events, lists, report }: Dependencies,
  upload: Upload,
  text: string,
  correlationId: string
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { list } = upload
    const unwanted = Entries.compile(options.refuse)
    let totalRecords = Math.max(0, linesOf(text) - 1)
    let completedRecords = 0

    const status = () => ({
      totalRecords,
      completedRecords,
      percentComplete: totalRecords === 0 ? 0 : Math.min(100, Math.floor((100 * completedRecords) / totalRecords))
    })

    const tell = (level: Events.Event["level"], code: Events.Code, message: string, params: Record<string, string>) =>
      events.add({ errorEntity: Lists.reference(list), level, code, message, params, correlationId })

    const fail = (code: Events.Code, message: string) => {
      tell("ERROR", code, message, {})
      report({ state: "FAILED", ...status(), failureReason: code })
    }

    report({ state: "IN_PROGRESS", ...status() })
    yield* Effect.sleep(options.importDelayMs)
    if (options.importFailure !== undefined) {
      return report({ state: "FAILED", ...status(), failureReason: options.importFailure })
    }
    if (lists.get(list.id.toLowerCase()) !== list) {
      return fail("IMPORT_LIST_NO_LONGER_EXISTS", "The DNC list no longer exists.")
    }
    const rows = Csv.rows(text)
    const header = rows.next().value
    if (header === undefined) return fail("IMPORT_FAILED_TO_READ_HEADERS", "The header of the file cannot be read.")
    const layout = layoutOf(header, upload)
    if (layout === undefined) {
      return fail("IMPORT_COLUMNS_DO_NOT_EXIST_ON_LIST", "The file does not have the columns that were named.")
    }
    if (options.uploadMode === "replace") for (const kind of upload.columns.keys()) list.clear(kind)

    const step = (): "more" | "end" | "full" => {
      const values = new Map<State.Kind, Map<string, string | null>>()
      let outcome: "more" | "end" = "more"
      for (let taken = 0; taken < rowsPerStep; taken++) {
        const next = rows.next()
        if (next.done) {
          outcome = "end"
          break
        }
        completedRecords += 1
        read(next.value, values)
      }
      for (const [kind, contacts] of values) {
        if (!put(kind, contacts)) return "full"
      }
      return outcome
    }

    const read = (row: ReadonlyArray<string> | undefined, values: Map<State.Kind, Map<string, string | null>>) => {
      const line = { row: String(completedRecords) }
      if (row === undefined) {
        return tell("ERROR", "IMPORT_COULD_NOT_PARSE_AN_ENTRY", "Row %{row} cannot be parsed.", line)
      }
      if (row.length !== layout.width) {
        const words = "Row %{row} does not align with the header."
        return tell("ERROR", "IMPORT_ENTRY_DOES_NOT_ALIGN_WITH_HEADERS", words, line)
      }
      const expires = expiryOf(row[layout.expiry]?.trim() ?? "", line)
      if (expires === undefined) return
      for (const [kind, column] of layout.contacts) {
        const contact = row[column].trim()
        if (contact === "" || !isGood(kind, contact, line)) continue
        const contacts = values.get(kind) ?? new Map<string, string | null>()
        values.set(kind, contacts.set(contact, expires))
      }
    }

    /** `undefined` keeps the whole row away. */
    const expiryOf = (text: string, line: { readonly row: string }): string | null | undefined => {
      if (text === "") return null
      const parsed = Expiry.parse(text, options.now())
      if ("expires" in parsed) return parsed.expires
      if (parsed.fault === "past") return new Date(text).toISOString()
      const params = { ...line, value: text }
      if (parsed.fault === "beyond") {
        const words = "The expiration date %{value} of row %{row} is more than 180 days ahead."
        tell("ERROR", "IMPORT_EXPIRATION_DATE_EXCEEDS_MAX_DAYS", words, params)
        return undefined
      }
      const words = "The expiration date %{value} of row %{row} is not valid; the row has no expiration."
      tell("WARNING", "IMPORT_INVALID_EXPIRATION_DATE", words, params)
      return null
    }

    const isGood = (kind: State.Kind, contact: string, line: { readonly row: string }): boolean => {
      if (Contacts.flaw(kind, contact) === undefined && unwanted?.(contact) === undefined) return true
      const code =
        kind === "emailaddresses"
          ? "IMPORT_INVALID_EMAIL_ADDRESSES"
          : /^\+?\d{16,}$/.test(contact)
            ? "EXCEEDED_DNC_PHONE_NUMBER_LENGTH"
            : "IMPORT_INVALID_PHONE_NUMBERS"
      tell("ERROR", code, "Row %{row} holds %{value}, which is not valid.", { ...line, value: contact })
      return false
    }

    /** Whether there was room for all of them. */
    const put = (kind: State.Kind, contacts: ReadonlyMap<string, string | null>): boolean => {
      const free = Contacts.room(options, lists, list)
      let left = Math.min(free.list, free.organization)
      const all = [...contacts.keys()]
      const isFull = list.missing(kind, all) > left
      const groups = new Map<string | null, Array<string>>()
      for (const [contact, expires] of contacts) {
        if (isFull && list.missing(kind, [contact]) > 0 && left-- <= 0) continue
        const group = groups.get(expires)
        if (group === undefined) groups.set(expires, [contact])
        else group.push(contact)
      }
      for (const [expires, group] of groups) list.add(kind, group, expires)
      return !isFull
    }

    for (;;) {
      const outcome = step()
      if (outcome === "full") {
        return fail("EXCEEDED_DNC_RECORD_LIMIT", "The limit on total DNC records is reached.")
      }
      if (outcome === "end") break
      report({ state: "IN_PROGRESS", ...status() })
      yield* Effect.sleep(0)
    }
    totalRecords = completedRecords
    report({ ...status(), percentComplete: 100 })
  })

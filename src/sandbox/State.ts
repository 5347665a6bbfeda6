/**
 * The DNC lists of the sandbox and what is on them. A list holds millions of numbers: an entry is one key and a
 * reference to a value that all entries of the same reason and expiry share.
 *
 * @since 0.1.0
 */
import type { Reason } from "../DncEntry.js"

/**
 * A DNC list that exists from the start.
 *
 * @since 0.1.0
 * @category models
 */
export interface ListOptions {
  /** A UUID. */
  readonly id: string
  readonly name: string
  /** `rds` (Internal) takes numbers; every other source type refuses them. */
  readonly dncSourceType: "rds" | "rds_custom" | "dnc.com" | "gryphon"
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
export interface Counts {
  readonly created: number
  readonly duplicate: number
  readonly updated: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface List extends ListOptions {
  readonly dateCreated: number
  readonly dateModified: () => number
  /** Grows with each request that changes the list. */
  readonly version: () => number
  /** Entries that have not expired. */
  readonly size: () => number
  /** Entries that have not expired, in the order in which their numbers first came. */
  readonly entries: () => Iterable<ListEntry>
  /** Gives each number this value, be it stricter or looser; the numbers must be E.164. `created` collects the new ones. */
  readonly put: (
    phoneNumbers: ReadonlyArray<string>,
    reason: Reason,
    expires: string | null,
    created?: Array<string>
  ) => Counts
  readonly clear: () => void
}

interface Value {
  readonly reason: Reason
  readonly expires: string | null
  readonly expiresAt: number
  count: number
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

/**
 * An empty list.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: ListOptions, now: () => number): List => {
  const dateCreated = now()
  const numbers = new Map<number, Value>()
  const values = new Map<string, Value>()
  let dateModified = dateCreated
  let version = 1

  const intern = (reason: Reason, expires: string | null): Value => {
    const key = `${reason} ${expires}`
    let value = values.get(key)
    if (value === undefined) {
      const expiresAt = expires === null ? Number.POSITIVE_INFINITY : Date.parse(expires)
      value = { reason, expires, expiresAt, count: 0 }
      values.set(key, value)
    }
    return value
  }

  return {
    ...options,
    dateCreated,
    dateModified: () => dateModified,
    version: () => version,
    size: () => {
      const instant = now()
      let size = 0
      for (const value of values.values()) {
        if (value.expiresAt > instant) size += value.count
      }
      return size
    },
    *entries() {
      const instant = now()
      for (const [number, { expires, expiresAt, reason }] of numbers) {
        if (expiresAt > instant) yield { phoneNumber: `+${number}`, reason, expires }
      }
    },
    put: (phoneNumbers, reason, expires, collected) => {
      const instant = now()
      const value = intern(reason, expires)
      let created = 0
      let duplicate = 0
      for (const phoneNumber of phoneNumbers) {
        const number = parseE164(phoneNumber)
        const old = numbers.get(number)
        if (old !== undefined && old.expiresAt > instant) {
          if (old === value) {
            duplicate += 1
            continue
          }
        } else {
          created += 1
          collected?.push(phoneNumber)
        }
        if (old !== undefined) old.count -= 1
        value.count += 1
        numbers.set(number, value)
      }
      if (duplicate < phoneNumbers.length) {
        dateModified = instant
        version += 1
      }
      return { created, duplicate, updated: phoneNumbers.length - created - duplicate }
    },
    clear: () => {
      numbers.clear()
      values.clear()
      dateModified = now()
      version += 1
    }
  }
}

/**
 * The contacts of one kind on one list. A record is one key and a reference to a value that all records of the same
 * reason and expiry share, so that a million of them are no trouble.
 *
 * @since 0.1.0
 */
import type { Reason } from "../DncEntry.js"

/**
 * One contact: a phone number, an e-mail address, a WhatsApp number or the value of a custom column.
 *
 * @since 0.1.0
 * @category models
 */
export interface Contact {
  readonly contact: string
  readonly reason: Reason
  /** An ISO 8601 instant with milliseconds; `null` means for ever. */
  readonly expires: string | null
}

/**
 * How many contacts of one request were new, were there as they are, or were there with another value.
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
export interface Table {
  /** Gives each contact this value, be it stricter or looser. `created` collects the new ones. */
  readonly put: (
    contacts: ReadonlyArray<string>,
    reason: Reason,
    expires: string | null,
    created?: Array<string>
  ) => Counts
  /** How many there were to remove. */
  readonly remove: (contacts: ReadonlyArray<string>) => number
  /** Removes what has expired, and says how much. */
  readonly purge: () => number
  readonly clear: () => void
  /** How many new records these contacts would make. */
  readonly missing: (contacts: ReadonlyArray<string>) => number
  /** Records, the expired ones included: they take up room until they are purged. */
  readonly records: () => number
  /** Records that have not expired. */
  readonly size: () => number
  /** Records that have not expired, in the order in which their contacts first came. */
  readonly entries: () => Iterable<Contact>
  /** As `entries`, but of this moment: what changes later does not change it. */
  readonly snapshot: () => Iterable<Contact>
}

interface Value {
  readonly reason: Reason
  readonly expires: string | null
  readonly expiresAt: number
  count: number
}

/**
 * An empty table, keyed by what `parse` makes of a contact and `format` turns back.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <Key>(parse: (contact: string) => Key, format: (key: Key) => string, now: () => number): Table => {
  const records = new Map<Key, Value>()
  const values = new Map<string, Value>()

  const nameOf = (reason: Reason, expires: string | null) => `${reason} ${expires}`

  const intern = (reason: Reason, expires: string | null): Value => {
    const name = nameOf(reason, expires)
    let value = values.get(name)
    if (value === undefined) {
      const expiresAt = expires === null ? Number.POSITIVE_INFINITY : Date.parse(expires)
      value = { reason, expires, expiresAt, count: 0 }
      values.set(name, value)
    }
    return value
  }

  const leave = (value: Value) => {
    value.count -= 1
    if (value.count === 0) values.delete(nameOf(value.reason, value.expires))
  }

  return {
    put: (contacts, reason, expires, collected) => {
      const instant = now()
      const value = intern(reason, expires)
      let created = 0
      let duplicate = 0
      for (const contact of contacts) {
        const key = parse(contact)
        const old = records.get(key)
        if (old !== undefined && old.expiresAt > instant) {
          if (old === value) {
            duplicate += 1
            continue
          }
        } else {
          created += 1
          collected?.push(contact)
        }
        if (old === value) continue
        if (old !== undefined) leave(old)
        value.count += 1
        records.set(key, value)
      }
      return { created, duplicate, updated: contacts.length - created - duplicate }
    },
    remove: (contacts) => {
      let removed = 0
      for (const contact of contacts) {
        const key = parse(contact)
        const old = records.get(key)
        if (old === undefined) continue
        records.delete(key)
        leave(old)
        removed += 1
      }
      return removed
    },
    purge: () => {
      const instant = now()
      const before = records.size
      for (const [key, value] of records) {
        if (value.expiresAt > instant) continue
        records.delete(key)
        leave(value)
      }
      return before - records.size
    },
    clear: () => {
      records.clear()
      values.clear()
    },
    missing: (contacts) => {
      const keys = new Set<Key>()
      for (const contact of contacts) {
        const key = parse(contact)
        if (!records.has(key)) keys.add(key)
      }
      return keys.size
    },
    records: () => records.size,
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
      for (const [key, { expires, expiresAt, reason }] of records) {
        if (expiresAt > instant) yield { contact: format(key), reason, expires }
      }
    },
    snapshot: () => {
      const instant = now()
      const keys: Array<Key> = []
      const kept: Array<Value> = []
      for (const [key, value] of records) {
        if (value.expiresAt <= instant) continue
        keys.push(key)
        kept.push(value)
      }
      return {
        *[Symbol.iterator]() {
          for (let index = 0; index < keys.length; index++) {
            const { expires, reason } = kept[index]
            yield { contact: format(keys[index]), reason, expires }
          }
        }
      }
    }
  }
}

/**
 * What the contacts of a kind are inside the set: integers below 10^15, whatever they are outside.
 *
 * @since 0.1.0
 */
import type { EntryBlock, Kind } from "../DncEntry.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Codec {
  /** The integers of a block's entries; new texts get new ones. */
  readonly numbers: (block: EntryBlock) => ArrayLike<number>
  /** The integer of a contact, or `NaN` where there can be none in the set. */
  readonly numberOf: (contact: string) => number
  /** The contact of an integer. */
  readonly format: (number: number) => string
  /** The contacts of the integers from `from` to before `to`. */
  readonly formatAll: (numbers: Float64Array, from: number, to: number) => ReadonlyArray<string>
  /** The texts that are held, in the order of their integers from 1. */
  readonly held: ReadonlyArray<string>
  /** Bytes held, about. */
  readonly bytes: () => number
}

/**
 * A codec for one set: of a kind that is no number it holds the texts.
 *
 * @since 0.1.0
 * @category constructors
 */
export const ofKind = (kind: Kind): Codec => {
  switch (kind) {
    case "phone":
    case "whatsapp":
      return e164
    case "email":
      return texts(lowerDomain)
    case "custom":
      return texts((text) => text)
  }
}

/**
 * Numbers in E.164 form: their digits are their integers, and nothing is held.
 *
 * @since 0.1.0
 * @category codecs
 */
export const e164: Codec = {
  numbers: ({ number }) => number,
  numberOf: (contact) => (contact.startsWith("+") ? Number(contact.slice(1)) : Number.NaN),
  format: (number) => `+${number}`,
  formatAll: (numbers, from, to) => formatE164(numbers, from, to),
  held: [],
  bytes: () => 0
}

/**
 * Any texts, by the position in which they first came. `canonical` is how one is written that is looked up, as it stands
 * elsewhere: for entries that is how they are written already.
 *
 * @since 0.1.0
 * @category codecs
 */
export const texts = (canonical: (text: string) => string): Codec => {
  const ofNumber: Array<string> = []
  const ofText = new Map<string, number>()
  let characters = 0
  const intern = (text: string): number => {
    const known = ofText.get(text)
    if (known !== undefined) return known
    // a slice would keep the whole block of the file alive
    const own = Buffer.from(text).toString()
    const number = ofNumber.push(own)
    ofText.set(own, number)
    characters += own.length
    return number
  }
  return {
    numbers: ({ text }) => Array.from(text!, intern),
    numberOf: (contact) => ofText.get(canonical(contact)) ?? Number.NaN,
    format: (number) => ofNumber[number - 1],
    formatAll: (numbers, from, to) => Array.from({ length: to - from }, (_, i) => ofNumber[numbers[from + i] - 1]),
    held: ofNumber,
    // header of a string, entries of the array and of the map
    bytes: () => characters + ofNumber.length * (16 + 8 + 40)
  }
}

/**
 * An address with its domain, in which case has no meaning, in lower case, and its local part as it is.
 *
 * @since 0.1.0
 * @category conversions
 */
export const lowerDomain = (address: string): string => {
  const at = address.lastIndexOf("@") + 1
  return address.slice(0, at) + address.slice(at).toLowerCase()
}

/** A plus sign and 15 digits. */
const longestE164 = 16

/**
 * Numbers from `from` to before `to` in E.164 form, cut from one text: V8 keeps each number that it turns into a string in a cache,
 * so that the strings of a whole run would outlive the young generation.
 */
const formatE164 = (numbers: Float64Array, from: number, to: number): ReadonlyArray<string> => {
  const bytes = Buffer.allocUnsafe(longestE164 * (to - from))
  const ends = new Array<number>(to - from)
  let end = 0
  for (let i = from; i < to; i++) {
    const number = numbers[i]
    const high = Math.floor(number / 1e7)
    const digits = high === 0 ? countDigits(number) : 7 + countDigits(high)
    bytes[end] = 0x2b
    const low = writeDigits(bytes, end + digits, number - high * 1e7, high === 0 ? digits : 7)
    if (high > 0) writeDigits(bytes, low, high, digits - 7)
    end += 1 + digits
    ends[i - from] = end
  }
  const text = bytes.toString("latin1", 0, end)
  const phoneNumbers = new Array<string>(to - from)
  for (let i = 0, start = 0; i < ends.length; start = ends[i++]) phoneNumbers[i] = text.slice(start, ends[i])
  return phoneNumbers
}

/** Of an integer from 0 to 10^8. */
const countDigits = (integer: number): number => {
  let digits = 1
  for (let bound = 10; integer >= bound; bound *= 10) digits++
  return digits
}

/** Writes so many digits of a 32-bit integer, the last one at `at`; returns where the next one to the left goes. */
const writeDigits = (bytes: Uint8Array, at: number, integer: number, digits: number): number => {
  for (let i = 0; i < digits; i++) {
    const rest = (integer / 10) | 0
    bytes[at--] = 48 + integer - rest * 10
    integer = rest
  }
  return at
}

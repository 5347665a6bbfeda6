/**
 * What the contacts of a kind are inside the set: integers below 10^15, whatever they are outside.
 *
 * @since 0.1.0
 */
import * as Packed from "../DncEntry/packed.js"
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
  /** The object with the contacts of these integers as its `phoneNumbers`. */
  readonly withContacts: <A extends object>(
    object: A,
    numbers: Float64Array
  ) => A & { readonly phoneNumbers: ReadonlyArray<string> }
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
  withContacts: (object, numbers) => Packed.withNumbers(object, Packed.pack(numbers)),
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
    withContacts: (object, numbers) => ({
      ...object,
      phoneNumbers: Array.from(numbers, (number) => ofNumber[number - 1])
    }),
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

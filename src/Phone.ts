/**
 * Phone numbers by libphonenumber's rules and full metadata, fifty times as fast: the library's expressions are compiled to
 * tables, which answer for every calling code and every default country; what is written in an irregular way goes to the
 * library itself. The verdicts are the library's, on what it is given as a whole (`extract: false`).
 *
 * @since 0.1.0
 */
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from "libphonenumber-js/max"
import * as Plans from "./Phone/plans.js"
import { type Cut, width } from "./Phone/tables.js"

/**
 * A valid number.
 *
 * @since 0.1.0
 * @category models
 */
export interface PhoneNumber {
  /** In E.164 form, with its plus sign. */
  readonly number: string
  /** ISO 3166 alpha-2; `undefined` for a number that belongs to no certain country, such as `+800…`. */
  readonly country: string | undefined
  /** The digits of an extension that stands behind the number. */
  readonly extension?: string
}

/**
 * The valid number that a text is as a whole, or `undefined`. Without a country, or with one that does not exist, a number in
 * national form is none.
 *
 * @since 0.1.0
 * @category parsing
 * @example
 * import * as Phone from "genesys-dnc/phone"
 *
 * Phone.parse("(415) 555-2671", "US") // { number: "+14155552671", country: "US" }
 * Phone.parse("+44 20 7946 0018") // { number: "+442079460018", country: "GB" }
 * Phone.parse("call me") // undefined
 */
export const parse = (text: string, defaultCountry?: string): PhoneNumber | undefined => {
  const { country, ofText } = parser(defaultCountry)
  const number = ofText(text)
  if (number === 0) return undefined
  if (number > 0) return { number: `+${number}`, country: country() }
  const phone = parsePhoneNumberFromString(text, {
    ...(isCountry(defaultCountry) ? { defaultCountry } : {}),
    extract: false
  })
  if (!phone?.isValid()) return undefined
  return {
    number: phone.number,
    country: phone.country,
    ...(phone.ext === undefined ? {} : { extension: phone.ext })
  }
}

/**
 * Reads numbers without allocating anything. A number is its E.164 digits as an integer, of 15 digits at most; 0 means that
 * there is no valid number, and −1 that the form is not plainly regular, or the number longer than that: {@link parse} knows.
 *
 * @since 0.1.0
 * @category models
 */
export interface Parser {
  readonly ofText: (text: string) => number
  /** The same of the bytes from `from` to before `to`, in ASCII or UTF-8. */
  readonly ofBytes: (bytes: Uint8Array, from: number, to: number) => number
  /** The country of the number that this parser gave last; see {@link PhoneNumber.country}. */
  readonly country: () => string | undefined
}

/**
 * The parser for a default country, which numbers in national form belong to. There is one for each.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * import * as Phone from "genesys-dnc/phone"
 *
 * const { country, ofText } = Phone.parser("DE")
 * ofText("030 23125-123") // 493023125123
 * country() // "DE"
 */
export const parser = (defaultCountry?: string): Parser => {
  const name = isCountry(defaultCountry) ? defaultCountry : ""
  let known = parsers.get(name)
  if (known === undefined) {
    plans ??= Plans.load()
    known = plans === "of another library" ? undecided : make(plans, name)
    parsers.set(name, known)
  }
  return known
}

const parsers = new Map<string, Parser>()

const isCountry = (text: string | undefined): text is CountryCode => text !== undefined && isSupportedCountry(text)

/** Leaves everything to the library. */
const undecided: Parser = { ofText: () => -1, ofBytes: () => -1, country: () => undefined }

/** The tables where they are of the library that is loaded: beside another one they might not say what it says. */
let plans: Plans.Plans | "of another library" | undefined

/** Of a character: a digit's value, what the library passes over in a number, or neither. */
const [passedOver, stranger] = [10, 11]
const kinds = new Uint8Array(256).fill(stranger)
for (let digit = 0; digit < 10; digit++) kinds[48 + digit] = digit
for (const character of " -./()[]") kinds[character.charCodeAt(0)] = passedOver

const [plus, semicolon, tilde] = [43, 59, 126]
/** Of digits in a cell: with fewer, or more, the library has rules of its own. */
const [fewest, most] = [3, 17]
/** Of characters. */
const longestText = 250
const longestNumber = 15

/** What is not regular and yet plainly no number: one digit at most, or a beginning that no number has. */
const irregular = (characters: ArrayLike<number>, from: number, to: number): 0 | -1 => {
  let digits = 0
  let parameters = false
  for (let at = from; at < to; at++) {
    const character = characters[at]
    if (character > 127) return -1
    if (kinds[character] < passedOver) digits++
    if (character === semicolon) parameters = true
  }
  const first = from < to ? characters[from] : semicolon
  const begins = kinds[first] <= passedOver || first === plus || first === tilde
  return digits < 2 || (!begins && !parameters) ? 0 : -1
}

const characters = new Uint16Array(longestText)

const irregularText = (text: string): 0 | -1 => {
  for (let at = 0; at < text.length; at++) characters[at] = text.charCodeAt(at)
  return irregular(characters, 0, text.length)
}

const make = (plans: Plans.Plans, defaultCountry: string): Parser => {
  const { code, codeLength, cuts, exact, general, idd, index, lengths, longest } = plans
  const { nationals, ofCode, prefix, prefixes, root, valid } = plans
  const home = defaultCountry === "" ? -1 : plans.country.indexOf(defaultCountry)

  /** The digits of the cell, and those of a number whose front was replaced. */
  const written = new Uint8Array(most + 1)
  const replaced = new Uint8Array(2 * most)
  /** Where `extract` found the national number, and what is known of it. */
  let found = written
  let start = 0
  let end = 0
  let answer = 0
  /** The plan of the number given last. */
  let last = -1

  /** The first states of an automaton are its answers, which no further digit changes. */
  const [nationalAnswers, prefixAnswers] = [exact.length, cuts.length]

  const nationalAnswer = (plan: number, digits: Uint8Array, from: number, to: number): number => {
    let state = root[plan]
    for (let at = from; at < to && state >= nationalAnswers; at++) state = nationals[state * width + digits[at]]
    return nationals[state * width + width - 1]
  }

  const cutAt = (first: number, from: number, to: number): number => {
    let state = first
    for (let at = from; at < to && state >= prefixAnswers; at++) state = prefixes[state * width + written[at]]
    return prefixes[state * width + width - 1]
  }

  /** The national number without its prefix, unless it is more likely a number with it. */
  const extract = (plan: number, from: number, to: number): void => {
    found = written
    start = from
    end = to
    answer = nationalAnswer(plan, written, from, to)
    const which = cutAt(prefix[plan], from, to)
    if (which !== 0) cutOff(plan, cuts[which], from, to)
  }

  const cutOff = (plan: number, cut: Cut, from: number, to: number): void => {
    const [insert, , keepTo, rest] = cut
    const simple = insert === "" && keepTo === 0
    const digits = simple ? written : replaced
    const [first, behind] = simple ? [from + rest, to] : [0, replace(cut, from, to)]
    const after = nationalAnswer(plan, digits, first, behind)
    const bit = 1 << index[plan]
    if ((general[answer] & bit) !== 0 && (general[after] & bit) === 0) return
    const owner = exact[after] < 0 ? plan : plan - index[plan] + exact[after]
    const length = behind - first
    if ((lengths[owner] & (1 << length)) === 0 && length <= longest[owner]) return
    found = digits
    start = first
    end = behind
    answer = after
  }

  const replace = ([insert, keepFrom, keepTo, rest]: Cut, from: number, to: number): number => {
    let length = 0
    for (let at = 0; at < insert.length; at++) replaced[length++] = insert.charCodeAt(at) - 48
    for (let at = from + keepFrom; at < from + keepTo; at++) replaced[length++] = written[at]
    for (let at = from + rest; at < to; at++) replaced[length++] = written[at]
    return length
  }

  /** Of what `extract` found in the plan, which is asked where none is certain; the country is then that of `otherwise`. */
  const verdict = (plan: number, otherwise: number): number => {
    if (codeLength[plan] + end - start > longestNumber) return -1
    const certain = exact[answer]
    const asked = certain < 0 ? index[plan] : certain
    if ((valid[answer] & (1 << asked)) === 0) return 0
    last = certain < 0 ? otherwise : plan - index[plan] + certain
    let number = code[plan]
    for (let at = start; at < end; at++) number = number * 10 + found[at]
    return number
  }

  const ofPlan = (plan: number, from: number, to: number): number => {
    extract(plan, from, to)
    return verdict(plan, -1)
  }

  /** Of digits that begin with a calling code. */
  const international = (from: number, to: number): number => {
    let value = 0
    for (let at = from; at < to && at < from + 3; at++) {
      value = value * 10 + written[at]
      const plan = ofCode[value]
      if (plan >= 0) return ofPlan(plan, at + 1, to)
      if (value === 0) return 0
    }
    return 0
  }

  const national = (to: number): number => {
    if (home < 0) return -1
    const rest = cuts[cutAt(idd[home], 0, to)][3]
    if (rest > 0 && rest < to && written[rest] !== 0) return international(rest, to)
    const length = codeLength[home]
    const withCode = startsWithCode(length)
    let shorter = 0
    if (withCode) {
      extract(home, length, to)
      shorter = general[answer]
    }
    extract(home, 0, to)
    if (withCode) {
      const bit = 1 << index[home]
      if (((general[answer] & bit) === 0 && (shorter & bit) !== 0) || end - start > longest[home]) {
        return ofPlan(home - index[home], length, to)
      }
    }
    return verdict(home, home)
  }

  const startsWithCode = (length: number): boolean => {
    let value = 0
    for (let at = 0; at < length; at++) value = value * 10 + written[at]
    return value === code[home]
  }

  return {
    ofText: (text) => {
      const length = text.length
      if (length > longestText) return -1
      const first = text.charCodeAt(0)
      let taken = 0
      for (let at = first === plus ? 1 : 0; at < length; at++) {
        const character = text.charCodeAt(at)
        const kind = character < 128 ? kinds[character] : stranger
        if (kind < passedOver && taken < most) written[taken++] = kind
        else if (kind !== passedOver) return irregularText(text)
      }
      if (taken < fewest) return irregularText(text)
      return first === plus ? international(0, taken) : national(taken)
    },
    ofBytes: (bytes, from, to) => {
      if (to - from > longestText) return -1
      const first = bytes[from]
      let taken = 0
      for (let at = first === plus ? from + 1 : from; at < to; at++) {
        const kind = kinds[bytes[at]]
        if (kind < passedOver && taken < most) written[taken++] = kind
        else if (kind !== passedOver) return irregular(bytes, from, to)
      }
      if (taken < fewest) return irregular(bytes, from, to)
      return first === plus ? international(0, taken) : national(taken)
    },
    country: () => plans.country[last]
  }
}

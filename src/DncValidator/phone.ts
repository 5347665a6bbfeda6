/**
 * What a cell that should hold a phone number holds, by libphonenumber's rules and full metadata.
 *
 * @since 0.1.0
 */
import { type CountryCode, type PhoneNumber, parsePhoneNumberFromString } from "libphonenumber-js/max"
import type { Reject } from "../DncEntry.js"
import * as Phone from "../Phone.js"

/** Why a cell is not taken for a number. */
type Refusal = Pick<Reject, "code" | "message">

/**
 * Judges cells; a number in national form is of the country that it was made for.
 */
export interface Judge {
  /** The number that a cell plainly holds, as an integer; 0 where it plainly holds none, −1 where the library has to be asked. */
  readonly ofText: (raw: string) => number
  /** The same of a cell in ASCII. */
  readonly ofBytes: (bytes: Uint8Array, from: number, to: number) => number
  /** The one valid number that a cell holds, or why it is not taken for one; `found` is what the others said of it. */
  readonly judge: (raw: string, found?: number) => number | Refusal
  /** The country of the number given last; one that belongs to no country has `001`. */
  readonly country: () => string
}

export const make = (defaultCountry: CountryCode): Judge => {
  const parser = Phone.parser(defaultCountry)
  const explain = explainerOf(defaultCountry)
  let country = "001"

  const plainly = (number: number): number => {
    if (number < leastNumber) return number === 0 ? 0 : -1
    country = parser.country() ?? "001"
    return number
  }
  const ofText = (raw: string): number => (raw.endsWith(".0") ? -1 : plainly(parser.ofText(raw)))

  return {
    country: () => country,
    ofText,
    ofBytes: (bytes, from, to) =>
      bytes[to - 1] === zero && to - from > 1 && bytes[to - 2] === point
        ? -1
        : plainly(parser.ofBytes(bytes, from, to)),
    judge: (raw, found = ofText(raw)) => {
      if (found > 0) return found
      const phone = found === 0 ? undefined : parsePhoneNumberFromString(raw, { defaultCountry, extract: false })
      if (
        phone === undefined ||
        phone.ext !== undefined ||
        phone.number.length > longestNumber ||
        Number(phone.number.slice(1)) < leastNumber ||
        lettersOrFraction.test(raw) ||
        !phone.isValid()
      ) {
        return explain(raw, phone)
      }
      country = phone.country ?? "001"
      return Number(phone.number.slice(1))
    }
  }
}

const [point, zero, nine] = [46, 48, 57]

/** A plus sign and the 15 digits of E.164: libphonenumber takes 17 for Germany, which a double does not hold. */
const longestNumber = 16

/** Seven digits, as `DncEntry.isE164` has it: libphonenumber takes a German pager of four for valid, and so a cell `1.681`. */
const leastNumber = 1_000_000

/** libphonenumber takes `;isub=12` and `.0` for a part of the number, or for nothing. */
const lettersOrFraction = /[a-z]|^\+?\d+\.0$/i

const invalid = (message: string): Refusal => ({ code: "InvalidPhoneNumber", message })
const ambiguous = (message: string): Refusal => ({ code: "AmbiguousPhoneNumber", message })

const extension = ambiguous("The number has an extension; the list takes whole lines only.")
const rounded = invalid("A spreadsheet has rounded this number; its last digits are lost. Export the column as text.")
const fraction = invalid(
  "A spreadsheet has written this number as a decimal fraction; its digits end before the point. Export the column as text."
)
const noDigits = invalid("The cell holds no digits.")
const letters = ambiguous("The cell holds letters beside the number; it is not guessed at.")
const tooMany = ambiguous("The cell holds more digits than one number has; perhaps two numbers.")
const tooShort = invalid("Too short: an emergency number, a short code or a part of a number.")
const notInPlan = (plan: string): Refusal => invalid(`Not a valid number in the numbering plan of ${plan}.`)
const notInItsPlan = notInPlan("the country of its calling code")

/** Why libphonenumber did not take a cell for one valid number. */
const explainerOf = (country: string): ((raw: string, phone: PhoneNumber | undefined) => Refusal) => {
  const notInPlanOfCountry = notInPlan(describeCountry(country))
  return (raw, phone) => {
    if (phone?.ext !== undefined) return extension
    const hasLetters = holdsLetters(raw)
    if (hasLetters && /^[+-]?\d+(?:[.,]\d+)?[eE]\+?\d+$/.test(raw)) return rounded
    if (raw.endsWith(".0") && /^\+?\d+\.0$/.test(raw)) return fraction
    const digits = countDigits(raw)
    if (digits === 0) return noDigits
    if (hasLetters) return letters
    if (digits > 15 || (phone !== undefined && phone.number.length > longestNumber)) return tooMany
    if (digits <= 6) return tooShort
    return raw.trimStart().startsWith("+") ? notInItsPlan : notInPlanOfCountry
  }
}

const holdsLetters = (text: string): boolean => {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code > 127) return /\p{L}/u.test(text)
    const lower = code | 32
    if (lower > 96 && lower < 123) return true
  }
  return false
}

const countDigits = (text: string): number => {
  let digits = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code > 127) return text.match(/\p{Nd}/gu)?.length ?? 0
    if (code >= zero && code <= nine) digits++
  }
  return digits
}

const countryNames = new Intl.DisplayNames(["en"], { type: "region", fallback: "code" })

/** Asking Intl for a name takes longer than validating a number. */
const remembered = (describe: (code: string) => string): ((code: string) => string) => {
  const known = new Map<string, string>()
  return (code) => {
    let text = known.get(code)
    if (text === undefined) known.set(code, (text = describe(code)))
    return text
  }
}

/** The English name of an ISO 3166 country with its code; `001` is what belongs to no country. */
export const describeCountry = remembered((code) =>
  code === "001" ? "No country (an international number)" : `${countryNames.of(code)} (${code})`
)

/** The sentence for a valid number of a country that is not admitted. */
export const notAllowed = remembered((code) => `${describeCountry(code)} is not among the allowed countries.`)

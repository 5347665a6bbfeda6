/**
 * What a cell that should hold a phone number holds, by libphonenumber's rules and full metadata.
 *
 * @since 0.1.0
 */
import { type CountryCode, type PhoneNumber, parsePhoneNumberFromString } from "libphonenumber-js/max"
import type { Reject, RejectCode } from "../DncEntry.js"
import * as Phone from "../Phone.js"

/**
 * Judges cells; a number in national form is of the country that it was made for.
 */
export interface Judge {
  /** The digits of the one valid number that a cell holds, as an integer, or why it is not taken for one. */
  readonly judge: (raw: string) => number | Pick<Reject, "code" | "message">
  /** The number that a cell in ASCII holds, or 0 where {@link judge} has to be asked. */
  readonly ofBytes: (bytes: Uint8Array, from: number, to: number) => number
  /** The country of the number given last; one that belongs to no country has `001`. */
  readonly country: () => string
}

export const make = (defaultCountry: CountryCode): Judge => {
  const parser = Phone.parser(defaultCountry)
  let country = "001"
  return {
    country: () => country,
    ofBytes: (bytes, from, to) => {
      if (bytes[to - 1] === zero && to - from > 1 && bytes[to - 2] === point) return 0
      const number = parser.ofBytes(bytes, from, to)
      if (number < leastNumber) return 0
      country = parser.country() ?? "001"
      return number
    },
    judge: (raw) => {
      const number = raw.endsWith(".0") ? -1 : parser.ofText(raw)
      if (number >= leastNumber) {
        country = parser.country() ?? "001"
        return number
      }
      const phone = number === 0 ? undefined : parsePhoneNumberFromString(raw, { defaultCountry, extract: false })
      if (
        phone === undefined ||
        phone.ext !== undefined ||
        phone.number.length > longestNumber ||
        Number(phone.number.slice(1)) < leastNumber ||
        lettersOrFraction.test(raw) ||
        !phone.isValid()
      ) {
        const [code, message] = explain(raw, phone, defaultCountry)
        return { code, message }
      }
      country = phone.country ?? "001"
      return Number(phone.number.slice(1))
    }
  }
}

const [point, zero] = [46, 48]

/** A plus sign and the 15 digits of E.164: libphonenumber takes 17 for Germany, which a double does not hold. */
const longestNumber = 16

/** Seven digits, as `DncEntry.isE164` has it: libphonenumber takes a German pager of four for valid, and so a cell `1.681`. */
const leastNumber = 1_000_000

/** libphonenumber takes `;isub=12` and `.0` for a part of the number, or for nothing. */
const lettersOrFraction = /[a-z]|^\+?\d+\.0$/i

/** Why libphonenumber did not take a cell for one valid number. */
const explain = (raw: string, phone: PhoneNumber | undefined, country: string): readonly [RejectCode, string] => {
  if (phone?.ext !== undefined)
    return ["AmbiguousPhoneNumber", "The number has an extension; the list takes whole lines only."]
  if (/^[+-]?\d+(?:[.,]\d+)?[eE]\+?\d+$/.test(raw)) {
    return [
      "InvalidPhoneNumber",
      "A spreadsheet has rounded this number; its last digits are lost. Export the column as text."
    ]
  }
  if (/^\+?\d+\.0$/.test(raw)) {
    return [
      "InvalidPhoneNumber",
      "A spreadsheet has written this number as a decimal fraction; its digits end before the point. Export the column as text."
    ]
  }
  const digits = raw.match(/\p{Nd}/gu)?.length ?? 0
  if (digits === 0) return ["InvalidPhoneNumber", "The cell holds no digits."]
  if (/\p{L}/u.test(raw))
    return ["AmbiguousPhoneNumber", "The cell holds letters beside the number; it is not guessed at."]
  if (digits > 15 || (phone !== undefined && phone.number.length > longestNumber))
    return ["AmbiguousPhoneNumber", "The cell holds more digits than one number has; perhaps two numbers."]
  if (digits <= 6) return ["InvalidPhoneNumber", "Too short: an emergency number, a short code or a part of a number."]
  const plan = /^\s*\+/.test(raw) ? "the country of its calling code" : describeCountry(country)
  return ["InvalidPhoneNumber", `Not a valid number in the numbering plan of ${plan}.`]
}

const countryNames = new Intl.DisplayNames(["en"], { type: "region", fallback: "code" })

/** The English name of an ISO 3166 country with its code; `001` is what belongs to no country. */
export const describeCountry = (code: string): string => {
  let text = described.get(code)
  if (text === undefined) {
    text = code === "001" ? "No country (an international number)" : `${countryNames.of(code)} (${code})`
    described.set(code, text)
  }
  return text
}

/** Asking Intl for a name takes longer than validating a number. */
const described = new Map<string, string>()

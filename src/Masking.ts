/**
 * Phone numbers, addresses and custom values are personal data: wherever nobody asked for a file of them, they are shown
 * masked.
 *
 * @since 0.1.0
 */
import { isOfNumbers, type Kind, type RejectCode } from "./DncEntry.js"

/** Full of digits, and no number. */
const uuid = String.raw`(?<uuid>(?<![\p{L}\p{Nd}])[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}(?![\p{L}\p{Nd}]))`

const date = String.raw`\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`

const time = String.raw`(?<time>${date}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?!\p{Nd}))`

/** What libphonenumber takes for punctuation between the digits of one number. */
const between = String.raw`[\s().\-/[\]~\u00ad\u200b\u2010-\u2015\u2053\u2060\u2212\u223c\u30fc\uff08\uff09\uff0d-\uff0f\uff3b\uff3d\uff5e]`

/** Seven or more digits of any script. */
const number = String.raw`(?:[+\uff0b]\s?)?\(?\p{Nd}(?:${between}{0,3}\p{Nd}){6,}`

/**
 * The local part is bounded so that a long text without an `@` is not gone through again and again. A domain that began with
 * a number is still one once that is masked.
 */
const address = String.raw`(?<local>"[^"\r\n]{1,320}"|[^\s"<>()[\]\\,;:@]{1,320})@(?<domain>(?:[\p{L}\p{N}]|\*+\p{Nd})[^\s"<>()[\]\\,;:@']*)`

const personal = new RegExp(`${address}|${uuid}|${time}|${number}`, "giu")

const numeric = new RegExp(`${uuid}|${time}|${number}`, "giu")

const isoDate = new RegExp(String.raw`^\(?${date}$`)

const digit = /\p{Nd}/gu

/** ITU calling codes of one and two digits; every other one has three. */
const shortCallingCode = /^(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/

const maskAny = (
  found: string,
  local: string | undefined,
  domain: string,
  uuid: string | undefined,
  time: string | undefined
): string => {
  return local === undefined
    ? maskNumeric(found, uuid, time)
    : `${maskLocal(local)}@${domain.replace(numeric, maskNumeric)}`
}

const maskNumeric = (found: string, uuid: string | undefined, time: string | undefined): string =>
  uuid !== undefined || time !== undefined || isoDate.test(found) ? found : maskRun(found)

/** What is masked stays as it is. */
const maskLocal = (local: string): string => {
  if (/\*{3}$|\*{2}\p{Nd}{2}$/u.test(local)) return local
  const [first, ...others] = local
  return others.length === 0 || first === '"' ? "***" : `${first}***`
}

const maskRun = (run: string): string => {
  const digits = run.match(digit)!
  const ascii = /^\+[\s(]*(\d+)/.test(run) ? digits.join("") : undefined
  const callingCode = ascii === undefined ? "" : (shortCallingCode.exec(ascii)?.[0] ?? ascii.slice(0, 3))
  const opening = /^[+\uff0b]/.test(run) ? "+" : run.startsWith("(") && !run.includes(")") ? "(" : ""
  return `${opening}${callingCode}${"*".repeat(digits.length - callingCode.length - 2)}${digits.slice(-2).join("")}`
}

/**
 * Masks every run of seven or more digits in a text, dates and UUIDs excepted, so that only the calling code (where the run
 * begins with a plus sign) and the last two digits stay: `+14155552671` becomes `+1********71`. Of an e-mail address the
 * first character and the domain stay: `j***@example.com`.
 *
 * @since 0.1.0
 */
export const mask = (text: string): string => text.replace(personal, maskAny)

/** Of somebody else's words, in UTF-16 code units. */
const longestWords = 1000

/**
 * What is kept of somebody else's words, as they may go along with each of many numbers.
 *
 * @since 0.1.0
 */
export const brief = (text: string): string => (text.length > longestWords ? `${text.slice(0, longestWords)}…` : text)

/**
 * Of a text that nothing is known of, the last two characters stay, and none of up to four.
 *
 * @since 0.1.0
 */
export const maskValue = (text: string): string => {
  const characters = Array.from(text)
  return characters.length === 0 ? "" : `***${characters.length > 4 ? characters.slice(-2).join("") : ""}`
}

/** Codes of rejects whose raw value is no contact. */
const ofOtherColumns: ReadonlySet<RejectCode> = new Set([
  "UnknownCountry",
  "InvalidExpiration",
  "ExpirationInPast",
  "UnknownReason"
])

/**
 * The raw value of a refused row: where it should have been an address or a custom value, anything in it may be personal.
 *
 * @since 0.1.0
 */
export const maskRaw = (raw: string, code: string, kind: Kind): string =>
  isOfNumbers(kind) || ofOtherColumns.has(code as RejectCode)
    ? mask(raw)
    : kind === "email" && oneAddress.test(raw)
      ? mask(raw)
      : maskValue(raw)

const oneAddress = new RegExp(`^${address}$`, "u")

/**
 * Masks the values of a custom column that a server's words quote; they follow no pattern, so they have to be known.
 *
 * @since 0.1.0
 */
export const maskValues = (text: string, values: ReadonlyArray<string>): string =>
  values.reduce((words, value) => {
    if (!words.includes(value)) return words
    const literal = value.replace(/[$()*+./?[\\\]^{|}]/g, "\\$&")
    return words.replace(new RegExp(`(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])`, "gu"), () => maskValue(value))
  }, text)

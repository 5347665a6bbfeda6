/**
 * Phone numbers are personal data: wherever nobody asked for a file of them, they are shown masked.
 *
 * @since 0.1.0
 */

/** Full of digits, and no number. */
const uuid = String.raw`(?<uuid>(?<![\p{L}\p{Nd}])[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}(?![\p{L}\p{Nd}]))`

const date = String.raw`\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`

const time = String.raw`(?<time>${date}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?!\p{Nd}))`

/** What libphonenumber takes for punctuation between the digits of one number. */
const between = String.raw`[\s().\-/[\]~\u00ad\u200b\u2010-\u2015\u2053\u2060\u2212\u223c\u30fc\uff08\uff09\uff0d-\uff0f\uff3b\uff3d\uff5e]`

/** Seven or more digits of any script. */
const number = String.raw`(?:[+\uff0b]\s?)?\(?\p{Nd}(?:${between}{0,3}\p{Nd}){6,}`

const digitRun = new RegExp(`${uuid}|${time}|${number}`, "giu")

const isoDate = new RegExp(String.raw`^\(?${date}$`)

const digit = /\p{Nd}/gu

/** ITU calling codes of one and two digits; every other one has three. */
const shortCallingCode = /^(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/

const maskRun = (run: string, uuid: string | undefined, time: string | undefined): string => {
  if (uuid !== undefined || time !== undefined || isoDate.test(run)) return run
  const digits = run.match(digit)!
  const ascii = /^\+[\s(]*(\d+)/.test(run) ? digits.join("") : undefined
  const callingCode = ascii === undefined ? "" : (shortCallingCode.exec(ascii)?.[0] ?? ascii.slice(0, 3))
  const opening = /^[+\uff0b]/.test(run) ? "+" : run.startsWith("(") && !run.includes(")") ? "(" : ""
  return `${opening}${callingCode}${"*".repeat(digits.length - callingCode.length - 2)}${digits.slice(-2).join("")}`
}

/**
 * Masks every run of seven or more digits in a text, dates and UUIDs excepted, so that only the calling code (where the run
 * begins with a plus sign) and the last two digits stay: `+14155552671` becomes `+1********71`.
 *
 * @since 0.1.0
 */
export const mask = (text: string): string => text.replace(digitRun, maskRun)

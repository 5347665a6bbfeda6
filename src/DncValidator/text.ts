/**
 * What a cell holds that should hold an e-mail address, or a value of a custom exclusion column.
 *
 * @since 0.1.0
 */
import validator from "validator/lib/isEmail.js"
import type { Kind, Reject, RejectCode } from "../DncEntry.js"
import { lowerDomain } from "../SuppressionSet/codec.js"

/** As it is sent, or why it is not. */
type Judged = string | Pick<Reject, "code" | "message">

/**
 * What judges the cells of a kind that is no number, and the code of an empty one; `undefined` for numbers.
 *
 * @since 0.1.0
 */
export const ofKind = (
  kind: Kind
): { readonly missing: RejectCode; readonly judge: (cell: string) => Judged } | undefined => {
  switch (kind) {
    case "email":
      return { missing: "MissingEmail", judge: judgeEmail }
    case "custom":
      return { missing: "MissingValue", judge: judgeValue }
    default:
      return undefined
  }
}

/** White space aside, what nobody sees in an address. */
const invisible = /[\p{C}\u2028\u2029]/u

/** In a value, joiners are a part of the spelling of some languages. */
const invisibleInText = /[\p{Cc}\p{Cs}\u2028\u2029\u200b\u2060\ufeff]/u

/** A second address, or something beside one: `Name <a@b.example>`, `a@b.example, c@d.example`. */
const beside = /[\s,;<>()"[\]|]|@.*@/u

/**
 * The one address that a cell holds, its domain in lower case; valid by the rules of the validator library, with a domain
 * that has a top level.
 *
 * @since 0.1.0
 */
export const judgeEmail = (cell: string): Judged => {
  const address = cell.trim()
  if (invisible.test(address)) return { code: "InvalidEmail", message: "The cell holds invisible characters." }
  if (!address.includes("@")) return { code: "InvalidEmail", message: "Not an e-mail address: there is no @ in it." }
  if (beside.test(address)) {
    return {
      code: "AmbiguousEmail",
      message: "The cell holds more than one plain e-mail address; it is not guessed at."
    }
  }
  return validator.default(address)
    ? lowerDomain(address)
    : { code: "InvalidEmail", message: "Not a valid e-mail address." }
}

/** In UTF-16 code units; how much Genesys Cloud takes is not published. */
const longestValue = 255

/**
 * Any text of one line, trimmed, of up to 255 characters.
 *
 * @since 0.1.0
 */
export const judgeValue = (cell: string): Judged => {
  const value = cell.trim()
  if (value === "") return { code: "MissingValue", message: "The row has no value." }
  if (invisibleInText.test(value))
    return { code: "InvalidValue", message: "The value holds control characters, or more than one line." }
  return value.length <= longestValue
    ? value
    : { code: "InvalidValue", message: `The value is longer than ${longestValue} characters.` }
}

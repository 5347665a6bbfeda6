/**
 * Which column holds what: by the names that such files use, or as the caller says.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import { isOfNumbers, type Kind, names as kindNames, type RowField, rowFields } from "../DncEntry.js"
import * as Masking from "../Masking.js"
import type { InputError, Named } from "./InputError.js"
import { inputError } from "./InputError.js"

/**
 * The position, from 0, of the column of each field.
 *
 * @since 0.1.0
 * @category models
 */
export interface Mapping {
  readonly phoneNumber: number
  readonly reason: number | undefined
  readonly expires: number | undefined
  readonly country: number | undefined
  readonly requestedAt?: number
}

/**
 * The caller's word on columns: a name (as it stands, else ignoring case) or a number from 1.
 *
 * @since 0.1.0
 * @category models
 */
export type Columns = { readonly [Field in RowField]?: string | number | undefined }

const aliases: Readonly<Record<RowField, ReadonlyArray<string>>> = {
  phoneNumber: [
    ...["phonenumber", "phone", "number", "msisdn", "telephone", "tel", "mobile", "cell", "cellphone", "e164"],
    ...["ani", "dnis"]
  ],
  reason: ["reason", "reasoncode", "optoutreason"],
  expires: [...["expires", "expiry", "expiration", "expirationdate", "expiresat", "expirydate", "expirationdatetime"]],
  country: ["country", "countrycode", "iso", "isocountry"],
  requestedAt: [
    ...["requestedat", "requestedon", "requested", "requestdate", "requesttime", "requestdatetime", "requesteddate"],
    ...["optoutdate", "optouttime", "optoutat", "optedoutat"]
  ]
}

const fieldByAlias: ReadonlyMap<string, RowField> = new Map(
  rowFields.flatMap((field) => aliases[field].map((alias) => [alias, field] as const))
)

/** Names of the column of other kinds than phone numbers. */
const contactAliases: Readonly<Record<Exclude<Kind, "phone">, ReadonlyArray<string>>> = {
  email: [
    ...["email", "emailaddress", "emailaddresses", "emails", "mail", "mailaddress", "emailid"],
    ...["useremail", "contactemail", "customeremail", "primaryemail", "emailaddr"]
  ],
  whatsapp: ["whatsapp", "whatsappnumber", "whatsappnumbers", "whatsappphone", "whatsappid", "waid", "wanumber"],
  custom: ["value", "customvalue", "exclusionvalue", "customexclusionvalue", "customexclusioncolumn", "entry"]
}

const flagOf = (field: RowField, kind: Kind): string => {
  if (field === "requestedAt") return "--requested-column"
  return field !== "phoneNumber" ? `--${field}-column` : kind === "phone" ? "--phone-column" : "--column"
}

/**
 * The field that a column of this name holds, ignoring case, spaces, `_` and `-`. A WhatsApp number may stand under the names
 * of phone numbers.
 *
 * @since 0.1.0
 * @category mapping
 */
export const fieldOf = (name: string, kind: Kind = "phone"): RowField | undefined => {
  const folded = name.toLowerCase().replace(/[\s_\-\uFEFF]/g, "")
  if (kind !== "phone" && contactAliases[kind].includes(folded)) return "phoneNumber"
  const field = fieldByAlias.get(folded)
  return field === "phoneNumber" && !isOfNumbers(kind) ? undefined : field
}

/**
 * True of a value that is a phone number rather than a word.
 *
 * @since 0.1.0
 * @category mapping
 */
export const looksLikePhoneNumber = (value: string): boolean =>
  /^'?[+(]{0,2}\d[\d\s().\-/]*$/.test(value) && value.replace(/\D/g, "").length >= 7

/**
 * True of a value that is of the kind rather than the name of a column; nothing can be said of custom values.
 *
 * @since 0.1.0
 * @category mapping
 */
export const looksLike = (value: string, kind: Kind): boolean =>
  kind === "email" ? /[^\s@]@[^\s@]/.test(value) : kind !== "custom" && looksLikePhoneNumber(value)

/**
 * The names of columns for a message, numbers in them masked.
 *
 * @since 0.1.0
 * @category mapping
 */
export const list = (columns: ReadonlyArray<string>): string =>
  columns
    .slice(0, 40)
    .map((column) => `"${Masking.mask(column.length > 40 ? `${column.slice(0, 40)}…` : column)}"`)
    .join(", ") + (columns.length > 40 ? `, and ${columns.length - 40} more` : "")

/**
 * The mapping of a header, or what is wrong with it.
 *
 * @since 0.1.0
 * @category mapping
 */
export const map = (
  input: Named,
  header: ReadonlyArray<string>,
  chosen: Columns,
  line: number,
  kind: Kind = "phone"
): Either.Either<Mapping, InputError> => {
  const fail = (what: string, hint: string) => Either.left(inputError(input, "Header", what, hint, { line }))
  const found: { [Field in RowField]?: number } = {}
  for (const field of rowFields) {
    const column = chosen[field]
    if (column === undefined) continue
    const positions = lookUp(header, column)
    if (positions.length === 0) {
      return fail(
        `there is no column ${show(column)}; the columns are ${list(header)}`,
        `Correct ${flagOf(field, kind)}.`
      )
    }
    if (positions.length > 1) {
      return fail(
        `${positions.length} columns are named ${show(column)}`,
        `Give ${flagOf(field, kind)} the number of the column: ${numbers(positions)}.`
      )
    }
    const other = rowFields.find((other) => found[other] === positions[0])
    if (other !== undefined) {
      return fail(`column ${show(column)} is asked for as ${other} and as ${field}`, `Correct ${flagOf(field, kind)}.`)
    }
    found[field] = positions[0]
  }
  const taken = new Set(Object.values(found))
  for (const field of rowFields) {
    if (found[field] !== undefined) continue
    const all = header.flatMap((name, index) => (fieldOf(name, kind) === field && !taken.has(index) ? [index] : []))
    const own = all.filter((index) => fieldOf(header[index]) !== field)
    const positions = field === "phoneNumber" && own.length > 0 ? own : all
    if (positions.length > 1) {
      return fail(
        `${positions.length} columns could be the ${field === "phoneNumber" && kind !== "phone" ? kindNames[kind].one : field}: ${list(positions.map((index) => header[index]))}`,
        `Say which one with ${flagOf(field, kind)} and its name or number: ${numbers(positions)}.`
      )
    }
    if (positions.length === 1) found[field] = positions[0]
  }
  if (found.phoneNumber === undefined) {
    const headless = header.some((cell) => looksLike(cell.trim(), kind))
    return fail(
      `no column is named as one of ${kindNames[kind].many}; the columns are ${list(header)}`,
      headless
        ? "The first line looks like a row, not like a header: if there is none, say --no-header."
        : `Name the column with ${flagOf("phoneNumber", kind)} and its name or number.`
    )
  }
  return Either.right({
    phoneNumber: found.phoneNumber,
    reason: found.reason,
    expires: found.expires,
    country: found.country,
    ...(found.requestedAt === undefined ? {} : { requestedAt: found.requestedAt })
  })
}

/**
 * Names for the columns of an input that has no header, such that its file of rejects, which has one, maps by itself.
 *
 * @since 0.1.0
 * @category mapping
 */
export const names = (
  input: Named,
  width: number,
  chosen: Columns,
  kind: Kind = "phone"
): Either.Either<Array<string>, InputError> => {
  const columns = Array.from({ length: width }, (_, index) => `column${index + 1}`)
  for (const field of rowFields) {
    const column = chosen[field] ?? (field === "phoneNumber" ? 1 : undefined)
    if (column === undefined) continue
    const position = Number(column)
    const previous = columns[position - 1]
    if (!Number.isInteger(position) || previous === undefined || previous !== `column${position}`) {
      return Either.left(
        inputError(
          input,
          "Header",
          `has no header, and ${show(column)} is not the number of a free column of its ${width}`,
          `Give ${flagOf(field, kind)} a number from 1 to ${width} that no other field has.`
        )
      )
    }
    columns[position - 1] = field === "phoneNumber" ? kindNames[kind].column : field
  }
  return Either.right(columns)
}

const lookUp = (header: ReadonlyArray<string>, column: string | number): ReadonlyArray<number> => {
  const where = (predicate: (name: string) => boolean) =>
    header.flatMap((name, i) => (predicate(name.trim()) ? [i] : []))
  if (typeof column === "string") {
    const exact = where((name) => name === column.trim())
    if (exact.length > 0) return exact
    const loose = where((name) => name.toLowerCase() === column.trim().toLowerCase())
    if (loose.length > 0 || !/^\s*\d+\s*$/.test(column)) return loose
  }
  const position = Number(column) - 1
  return Number.isInteger(position) && position >= 0 && position < header.length ? [position] : []
}

const show = (column: string | number): string => (typeof column === "number" ? String(column) : `"${column}"`)

const numbers = (positions: ReadonlyArray<number>): string => positions.map((position) => position + 1).join(", ")

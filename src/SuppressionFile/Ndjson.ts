/**
 * Lines of an NDJSON file, one object each, into blocks of rows.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import { type Kind, names as kindNames, type Reject, type RowBlock, type RowField, rowFields } from "../DncEntry.js"
import { copy } from "./Csv.js"
import * as Header from "./Header.js"
import type { InputError, Named } from "./InputError.js"
import { inputError } from "./InputError.js"
import * as Records from "./Records.js"

const shown = 200

/**
 * Turns the lines of one pass into blocks; `requests` says whether their cells have a last one for the time of the request,
 * see {@link saysRequests}. It fails after the last line if not one of them was a row, or if a key that
 * the caller named never came.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  input: Named,
  chosen: Header.Columns,
  kind: Kind = "phone",
  requests = false
): ((records: Records.Records, final: boolean) => Either.Either<RowBlock, InputError>) => {
  const known = new Map<string, RowField | undefined>()
  const fieldOf = (key: string): RowField | undefined => {
    if (known.has(key)) return known.get(key)
    const result = fieldOfKey(key, chosen, kind)
    // Keys may differ from line to line without end.
    if (known.size < 1000) known.set(copy(key), result)
    return result
  }
  const written = rowFields.filter((field) => field !== "requestedAt" || requests)
  const seen = new Set<RowField>()
  let rows = 0
  let firstFault: Reject | undefined

  return (records, final) => {
    const line: Array<number> = []
    const columns: Record<RowField, Array<string>> = {
      phoneNumber: [],
      reason: [],
      expires: [],
      country: [],
      requestedAt: []
    }
    let hasRequests = false
    const malformed: Array<Reject> = []
    for (let record = 0; record < records.start.length; record++) {
      const text = records.text.slice(records.start[record], records.end[record])
      const row =
        records.kind[record] === Records.TOO_LONG
          ? "is longer than a line may be; the rest of it is left out here"
          : toRow(text, fieldOf, kind)
      if (typeof row === "string") {
        const raw = copy(text.slice(0, shown))
        const cells = written.map((field) => (field === "phoneNumber" ? raw : ""))
        malformed.push({ line: records.line[record], raw, code: "MalformedRow", message: row, cells })
      } else {
        line.push(records.line[record])
        for (const field of rowFields) {
          const value = row[field]
          if (value !== undefined) seen.add(field)
          columns[field].push(value ?? "")
        }
        hasRequests ||= row.requestedAt !== undefined
      }
    }
    rows += line.length
    firstFault ??= malformed[0]
    if (final) {
      if (rows === 0 && firstFault !== undefined) {
        return Either.left(
          inputError(
            input,
            "Header",
            `is read as NDJSON, but none of its lines is a row; line ${firstFault.line} ${firstFault.message}`,
            `NDJSON has one JSON object on each line. Name the key of the ${kindNames[kind].one} with ${kind === "phone" ? "--phone-column" : "--column"}; if the file is CSV, say --format csv.`
          )
        )
      }
      const missing = rowFields.find((field) => chosen[field] !== undefined && !seen.has(field))
      if (rows > 0 && missing !== undefined) {
        return Either.left(
          inputError(
            input,
            "Header",
            `has no line with the key "${chosen[missing]}"`,
            `Correct the column of ${missing}.`
          )
        )
      }
    }
    const { requestedAt, ...others } = columns
    return Either.right({
      length: line.length,
      line,
      ...others,
      ...(hasRequests ? { requestedAt } : {}),
      malformed,
      cells: (index) => written.map((field) => copy(columns[field][index]))
    })
  }
}

/**
 * Whether a line of the beginning of an input says when something was asked for.
 *
 * @since 0.1.0
 * @category parsing
 */
export const saysRequests = (head: string, chosen: Header.Columns, kind: Kind): boolean =>
  chosen.requestedAt !== undefined ||
  head
    .split(/[\r\n]+/)
    .some((line) => Object.keys(Object(parse(line))).some((key) => fieldOfKey(key, chosen, kind) === "requestedAt"))

const fieldOfKey = (key: string, chosen: Header.Columns, kind: Kind): RowField | undefined => {
  const field = chosenField(key, chosen) ?? Header.fieldOf(key, kind)
  return field !== undefined && chosen[field] !== undefined && !names(key, chosen[field]) ? undefined : field
}

const names = (key: string, column: string | number | undefined): boolean =>
  typeof column === "string" && key.trim().toLowerCase() === column.trim().toLowerCase()

const chosenField = (key: string, chosen: Header.Columns): RowField | undefined =>
  rowFields.find((field) => names(key, chosen[field]))

/** The row of a line, or what is wrong with it. */
const toRow = (
  text: string,
  fieldOf: (key: string) => RowField | undefined,
  kind: Kind
): { readonly [Field in RowField]?: string } | string => {
  const value = parse(text)
  if (value === undefined) return "is not JSON"
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "is not a JSON object"
  const row: { [Field in RowField]?: string } = {}
  let phoneKey: string | undefined
  for (const key of Object.keys(value)) {
    const field = fieldOf(key)
    if (field === undefined) continue
    const cell = toCell((value as Record<string, unknown>)[key], field)
    if (cell === undefined) return `has a value for "${key}" that is no text`
    if (field === "requestedAt") {
      // two of them are a date that cannot be read, not a row that is lost
      row[field] = row[field] && cell !== "" ? `${row[field]} / ${cell}` : cell || row[field] || ""
      continue
    }
    if (row[field] && cell !== "")
      return `has two keys for the ${field === "phoneNumber" && kind !== "phone" ? kindNames[kind].one : field}`
    row[field] = cell || row[field] || ""
    if (field === "phoneNumber") phoneKey = key
  }
  if (phoneKey === undefined)
    return `has no key of ${kind === "email" ? "an" : "a"} ${kindNames[kind].one}; its keys are ${Header.list(Object.keys(value))}`
  return repeatsKey(text, phoneKey) ? `has the key "${phoneKey}" twice` : row
}

const toCell = (value: unknown, field: RowField): string | undefined => {
  if (typeof value === "string") return value.trim()
  if (value === null) return ""
  if (field === "requestedAt") return JSON.stringify(value).slice(0, shown)
  const numeric = field === "phoneNumber" || field === "reason"
  return numeric && Number.isSafeInteger(value) && (value as number) >= 0 ? String(value) : undefined
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `JSON.parse` keeps the last of two values of a key and says nothing; the first would be a number lost. */
const repeatsKey = (text: string, key: string): boolean => {
  const literal = JSON.stringify(key)
  if (text.indexOf(literal, text.indexOf(literal) + literal.length) === -1) return false
  let depth = 0
  let times = 0
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth++
    else if (token === "}" || token === "]") depth--
    else if (depth === 1 && token.endsWith(":") && token.startsWith(literal)) times++
  }
  return times > 1
}

/**
 * Records of a CSV file into blocks of rows. A record without a quote is cut at its delimiters here; papaparse reads the
 * others, all of a block at once.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import Papa from "papaparse"
import { isOfNumbers, type Kind, names, type Reject, type RowBlock, rowFields } from "../DncEntry.js"
import { unescape } from "./formula.js"
import { looksLike, type Mapping } from "./Header.js"
import type { InputError, Named } from "./InputError.js"
import { inputError } from "./InputError.js"
import * as Records from "./Records.js"

/** How much of a row at fault is shown, in UTF-16 code units. */
const shown = 200

/**
 * @since 0.1.0
 * @category models
 */
export interface Layout {
  readonly input: Named
  readonly delimiter: string
  /** Cells in the header, or in the first row where there is none. */
  readonly width: number
  /** How many of the first cells are the input's own. */
  readonly own: number
  readonly mapping: Mapping
  readonly header: boolean
  readonly kind: Kind
}

/**
 * A cell of one of `rowFields` as it is meant. An apostrophe before a phone number is a spreadsheet's, which keeps the zeros or
 * the plus sign of a text.
 *
 * @since 0.1.0
 * @category parsing
 */
export const meaningOf =
  ({ kind }: Layout) =>
  (cell: string, field: number): string =>
    field === 0 && isOfNumbers(kind) && numberAsText.test(cell) ? cell.slice(1) : unescape(cell)

const numberAsText = /^'[+(\d]/

/**
 * Turns the records of one pass into blocks; `header` says that the first of them is the header, which is dropped.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  layout: Layout
): ((records: Records.Records, header: boolean) => Either.Either<RowBlock, InputError>) => {
  const { delimiter, mapping, width } = layout
  const phoneColumn = mapping.phoneNumber
  const fields = fieldsOf(layout)
  const meaning = meaningOf(layout)

  const trimmed = (text: string, from: number, to: number, field: number): string => {
    if (from === to) return ""
    const head = text.charCodeAt(from)
    const tail = text.charCodeAt(to - 1)
    const value = text.slice(from, to)
    if (head === apostrophe) return meaning(value, field).trim()
    return head > 32 && head < 127 && tail > 32 && tail < 127 ? value : value.trim()
  }

  return (records, header) => {
    const { text } = records
    const from = header && records.start.length > 0 ? 1 : 0
    const parsed = parseQuoted(records, from, delimiter)
    const line: Array<number> = []
    const start: Array<number> = []
    const end: Array<number> = []
    const malformed: Array<Reject> = []
    const values: ReadonlyArray<Array<string>> = rowFields.map(() => [])
    const present = rowFields.map((field) => mapping[field] !== undefined)

    const refuse = (record: number, message: string, cells: ReadonlyArray<string> | undefined): void => {
      const raw = text.slice(records.start[record], Math.min(records.end[record], records.start[record] + shown))
      malformed.push(refusal(layout, raw, records.line[record], message, cells))
    }
    const close = (record: number, cells: number): void => {
      line.push(records.line[record])
      start.push(records.start[record])
      end.push(records.end[record])
      for (let field = 0; field < values.length; field++) {
        if (present[field] && mapping[rowFields[field]]! >= cells) values[field].push("")
      }
    }

    /** The first delimiter at or after where we are, or -1. */
    let mark = text.indexOf(delimiter)
    for (let record = from; record < records.start.length; record++) {
      const stop = records.end[record]
      const kind = records.kind[record]
      if (kind === Records.PLAIN) {
        let at = records.start[record]
        let cells = 0
        let extra = false
        let reached = 0
        while (true) {
          if (mark !== -1 && mark < at) mark = text.indexOf(delimiter, at)
          const to = mark === -1 || mark > stop ? stop : mark
          if (cells < width) {
            const field = fields[cells]
            if (field === 0) reached = 1
            if (field >= 0) values[field].push(trimmed(text, at, to, field))
          } else if (!extra && to > at && text.slice(at, to).trim() !== "") {
            extra = true
          }
          cells++
          if (to >= stop) break
          at = to + 1
        }
        if (extra || reached === 0) {
          for (let field = 0; field < values.length; field++) {
            if (present[field] && mapping[rowFields[field]]! < cells) values[field].pop()
          }
          malformed.push(wrongWidth(layout, text.slice(records.start[record], stop), records.line[record]))
        } else {
          close(record, cells)
        }
      } else if (kind === Records.TOO_LONG) {
        refuse(record, "is longer than a record may be; the rest of the line is left out here", undefined)
      } else {
        const cells = parsed.get(record)
        const hidden =
          cells !== undefined && kind === Records.SPANNING
            ? hidesRow(text.slice(records.start[record], stop), cells, layout)
            : "no"
        if (hidden === "surely" || (cells === undefined && kind === Records.SPANNING)) {
          return Either.left(unsound(layout.input, records.line[record]))
        } else if (cells === undefined) {
          refuse(record, "has text after a closing quote, or a quote that is not closed on its line", undefined)
        } else if (hidden === "perhaps") {
          refuse(record, "has a cell over several lines, one of which looks like a row of its own", cells)
        } else if (cells.length > width && cells.slice(width).some((cell) => cell.trim() !== "")) {
          refuse(record, tooMany(layout, cells.length), cells)
        } else if (cells.length <= phoneColumn) {
          refuse(record, tooFew(layout, cells.length), cells)
        } else {
          for (let column = 0; column < width && column < cells.length; column++) {
            const field = fields[column]
            if (field >= 0) values[field].push(meaning(cells[column], field).trim())
          }
          close(record, cells.length)
        }
      }
    }

    const [phoneNumber, reason, expires, country, requestedAt] = values.map((column, field) =>
      present[field] ? column : undefined
    )
    return Either.right({
      length: line.length,
      line,
      phoneNumber: phoneNumber!,
      reason,
      expires,
      country,
      ...(requestedAt === undefined ? {} : { requestedAt }),
      malformed,
      cells: (index) => ownCells(layout, text.slice(start[index], end[index])).map(copy)
    })
  }
}

/**
 * Index into `rowFields` of what each cell holds, or -1.
 *
 * @since 0.1.0
 * @category parsing
 */
export const fieldsOf = ({ mapping, width }: Layout): Int8Array =>
  Int8Array.from({ length: width }, (_, column) => rowFields.findIndex((field) => mapping[field] === column))

/**
 * The cells of a record under the input's own columns, as they are meant.
 *
 * @since 0.1.0
 * @category parsing
 */
export const ownCells = ({ delimiter, own, width }: Layout, record: string): ReadonlyArray<string> => {
  const cells = split(record, delimiter) ?? []
  return (cells.length === own ? cells : under(cells.slice(0, width), own, undefined)).map(unescape)
}

/**
 * Of a record without a quote that has too few cells, or too many.
 *
 * @since 0.1.0
 * @category parsing
 */
export const wrongWidth = (layout: Layout, record: string, line: number): Reject => {
  const cells = record.split(layout.delimiter)
  const extra = cells.slice(layout.width).some((cell) => cell.trim() !== "")
  const message = extra ? tooMany(layout, cells.length) : tooFew(layout, cells.length)
  return refusal(layout, record.slice(0, shown), line, message, cells)
}

const refusal = (
  { delimiter, mapping, own }: Layout,
  slice: string,
  line: number,
  message: string,
  cells: ReadonlyArray<string> | undefined
): Reject => {
  const raw = copy(slice)
  const fallback = Array.from({ length: own }, (_, column) => (column === mapping.phoneNumber ? raw : ""))
  return {
    line,
    raw,
    code: "MalformedRow",
    message,
    cells: cells === undefined ? fallback : under(cells, own, delimiter).map(meant)
  }
}

const tooFew = ({ kind, mapping }: Layout, cells: number): string =>
  `has ${count(cells)}, the ${names[kind].one} would be in cell ${mapping.phoneNumber + 1}`

const tooMany = ({ header, width }: Layout, cells: number): string =>
  `has ${count(cells)}, ${header ? "the header" : "the first row"} has ${width}`

/**
 * The cells of one record, or nothing if its quoting is wrong.
 *
 * @since 0.1.0
 * @category parsing
 */
export const split = (record: string, delimiter: string): ReadonlyArray<string> | undefined =>
  record.includes('"') ? parse([record], delimiter)?.[0] : cut(record, delimiter)

/** `record.split(delimiter)`, three times as fast on short records. */
const cut = (record: string, delimiter: string): ReadonlyArray<string> => {
  const cells: Array<string> = []
  let from = 0
  for (let to = record.indexOf(delimiter); to >= 0; to = record.indexOf(delimiter, from)) {
    cells.push(record.slice(from, to))
    from = to + 1
  }
  cells.push(record.slice(from))
  return cells
}

/** Reads records together; nothing if it finds a fault, or another number of records. */
const parse = (records: ReadonlyArray<string>, delimiter: string): ReadonlyArray<ReadonlyArray<string>> | undefined => {
  // The line breaks around keep papaparse from taking off a byte order mark, and let it see where the last cell ends.
  const { data, errors } = Papa.parse<Array<string>>(`\n${records.join("\n")}\n`, { delimiter, newline: "\n" })
  return errors.length === 0 && data.length === records.length + 2 ? data.slice(1, -1) : undefined
}

const parseQuoted = (
  records: Records.Records,
  from: number,
  delimiter: string
): ReadonlyMap<number, ReadonlyArray<string>> => {
  const cells = new Map<number, ReadonlyArray<string>>()
  const indices: Array<number> = []
  const texts: Array<string> = []
  for (let record = from; record < records.kind.length; record++) {
    if (records.kind[record] !== Records.QUOTED && records.kind[record] !== Records.SPANNING) continue
    indices.push(record)
    texts.push(records.text.slice(records.start[record], records.end[record]))
  }
  if (indices.length === 0) return cells
  const together = parse(texts, delimiter)
  for (let i = 0; i < indices.length; i++) {
    const found = together === undefined ? split(texts[i], delimiter) : together[i]
    if (found !== undefined) cells.set(indices[i], found)
  }
  return cells
}

/**
 * Whether a line within a record is a row by itself whose number the record does not show: two stray quotes look like one
 * cell, and the number between them would never be seen. `"surely"` for a line as wide as the table, `"perhaps"` for a
 * narrower one; numbers that stand alone on a line of a note are let pass unless they are written as E.164. A custom value
 * has no look of its own: a line as wide as the table is perhaps a row.
 *
 * @since 0.1.0
 * @category parsing
 */
export const hidesRow = (
  record: string,
  cells: ReadonlyArray<string>,
  layout: Pick<Layout, "delimiter" | "width" | "mapping" | "kind">
): "no" | "perhaps" | "surely" => {
  const { kind } = layout
  const column = layout.mapping.phoneNumber
  const core = (text: string) => (isOfNumbers(kind) ? text.replace(/\D/g, "") : text.trim())
  const own = core(cells[column] ?? "")
  let answer: "no" | "perhaps" = "no"
  for (const [index, line] of record.split(/\r\n|\n|\r/).entries()) {
    const alone = line.split(layout.delimiter)
    if (alone.length > layout.width || alone.length <= column) continue
    const contact = alone[column].replaceAll('"', "").trim()
    if (kind === "custom") {
      // the first line is the record's own
      if (index > 0 && alone.length > 1 && alone.length === layout.width && contact !== "" && contact !== own)
        answer = "perhaps"
      continue
    }
    if (!looksLike(contact, kind) || own.includes(core(contact))) continue
    if (alone.length === layout.width) return "surely"
    if (alone.length > 1 || contact.startsWith("+")) answer = "perhaps"
  }
  return answer
}

/**
 * A record that holds what may be rows.
 *
 * @since 0.1.0
 * @category errors
 */
export const unsound = (input: Named, line: number): InputError =>
  inputError(
    input,
    "UnclosedQuote",
    "the record that begins here has a quoted cell over several lines, and among them is what looks like a row",
    `Look for a stray quote from line ${line} on. If the cell is right, take the line breaks out of it.`,
    { line }
  )

/** The cells under `own` columns: missing ones empty; with a delimiter those in excess are joined into the last. */
const under = (cells: ReadonlyArray<string>, own: number, delimiter: string | undefined): ReadonlyArray<string> =>
  Array.from({ length: own }, (_, column) =>
    delimiter !== undefined && column === own - 1 && cells.length > own
      ? cells.slice(column).join(delimiter)
      : (cells[column] ?? "")
  )

const meant = (cell: string): string => copy(unescape(cell))

const apostrophe = 39

const count = (cells: number): string => (cells === 1 ? "1 cell" : `${cells} cells`)

/**
 * A string of its own: a slice keeps the whole text alive that it was cut from.
 *
 * @since 0.1.0
 * @category parsing
 */
export const copy = (slice: string): string => Buffer.from(slice, "utf16le").toString("utf16le")

/**
 * Rows of a CSV file from its bytes, where nothing is odd about them: ASCII without a quote, each line ended by LF or CRLF.
 * A cell is known by where it begins and ends; its text is made for whoever asks. All else is read as text, see `Csv`.
 *
 * @since 0.1.0
 */
import { isAscii } from "node:buffer"
import { type Reject, type RowBlock, rowFields } from "../DncEntry.js"
import type { Layout } from "./Csv.js"
import * as Csv from "./Csv.js"

/**
 * A block of rows by their bytes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Plain {
  readonly bytes: Buffer
  /** For each of `rowFields` where its cells begin, trimmed; `undefined` where the input has no such column. */
  readonly from: ReadonlyArray<Uint32Array | undefined>
  /** And before which byte they end. */
  readonly to: ReadonlyArray<Uint32Array | undefined>
  /** The text of a cell of row `index`, for those that are few: it is cut out of the row's. */
  readonly cell: (field: number, index: number) => string
}

/**
 * The bytes that a block was read from, or `undefined`: a copy of a block, which may differ from it, has its columns only.
 *
 * @since 0.1.0
 */
export const of = (block: RowBlock): Plain | undefined => heldBy(block)?.plain

/**
 * Says that a block is not needed any more, nor any column of it: the next one is read into its memory.
 *
 * @since 0.1.0
 */
export const release = (block: RowBlock): void => heldBy(block)?.release()

/**
 * The text of ASCII.
 *
 * @since 0.1.0
 */
export const text = (bytes: Buffer, from: number, to: number): string => bytes.toString("latin1", from, to)

/** What a block keeps beside its columns. */
const key: unique symbol = Symbol("genesys-dnc/Plain")

interface Held {
  readonly block: RowBlock
  readonly plain: Plain
  readonly release: () => void
}

/** Of the object itself: whoever makes another block of one has its columns judged, and not what they came from. */
const heldBy = (block: RowBlock & { readonly [key]?: Held }): Held | undefined =>
  block[key]?.block === block ? block[key] : undefined

/**
 * What bytes are read into and blocks refer to; it is used again when no block does.
 *
 * @since 0.1.0
 * @category models
 */
export interface Page {
  bytes: Buffer
  blocks: number
}

/** Where lines and cells are: grown as needed, handed from block to block. */
interface Offsets {
  rows: number
  line: Float64Array
  start: Uint32Array
  end: Uint32Array
  from: Array<Uint32Array | undefined>
  to: Array<Uint32Array | undefined>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Reader {
  /**
   * The block of the lines from `from` to before `to`, behind a line feed, and how many lines those are; `undefined` where one
   * of them is not plain. `line` is the number of the first one; `header` says that the first row is none.
   */
  readonly read: (
    page: Page,
    from: number,
    to: number,
    line: number,
    header: boolean
  ) => { readonly block: RowBlock; readonly lines: number; readonly header: boolean } | undefined
}

const [lf, cr, quote, apostrophe] = [10, 13, 34, 39]

/**
 * True of a delimiter that can be told in bytes.
 *
 * @since 0.1.0
 */
export const cuts = (delimiter: string): boolean => delimiter.charCodeAt(0) < 128

/**
 * A reader for one pass over an input; a line longer than `limit` is not plain.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (layout: Layout, limit: number): Reader => {
  const { mapping, width } = layout
  const delimiter = layout.delimiter.charCodeAt(0)
  const fields = Csv.fieldsOf(layout)
  const meaning = Csv.meaningOf(layout)
  const present = rowFields.flatMap((field, index) => (mapping[field] === undefined ? [] : [index]))
  const ends = new Uint8Array(128)
  for (const byte of [delimiter, lf, cr]) ends[byte] = 1
  let spare: Offsets | undefined

  const read: Reader["read"] = (page, from, to, line, header) => {
    const { bytes } = page
    const all = bytes.subarray(from, to)
    if (!isAscii(all) || all.includes(quote)) return undefined
    const offsets = spare ?? makeOffsets(present)
    spare = undefined
    const malformed: Array<Reject> = []
    let row = 0
    let lines = 0
    let skip = header
    for (let at = from; at < to; lines++) {
      if (row === offsets.rows) enlarge(offsets, present)
      const start = at
      let cells = 0
      let extra = false
      for (;;) {
        const cell = at
        while (ends[bytes[at]] === 0) at++
        if (cells >= width) extra ||= trimStart(bytes, cell, at) < at
        else if (fields[cells] >= 0) put(offsets, fields[cells], row, bytes, cell, at)
        cells++
        if (bytes[at] !== delimiter) break
        at++
      }
      const end = at
      at += bytes[end] === cr ? 2 : 1
      if (bytes[at - 1] !== lf) return giveUp(offsets)
      for (let missing = cells; missing < width; missing++) {
        if (fields[missing] >= 0) put(offsets, fields[missing], row, bytes, end, end)
      }
      if (end - start > limit) return giveUp(offsets)
      // a blank line
      if (cells === 1 && trimStart(bytes, start, end) === end) continue
      if (skip) {
        skip = false
      } else if (extra || cells <= mapping.phoneNumber) {
        malformed.push(Csv.wrongWidth(layout, text(bytes, start, end), line + lines))
      } else {
        offsets.line[row] = line + lines
        offsets.start[row] = start
        offsets.end[row] = end
        row++
      }
    }
    return { block: toBlock(page, offsets, row, malformed), lines, header: skip }
  }

  /** Writes a cell as it is meant: trimmed, and without the apostrophe that makes it text to a spreadsheet. */
  const put = (offsets: Offsets, field: number, row: number, bytes: Buffer, from: number, to: number): void => {
    if (from < to) {
      if (bytes[from] === apostrophe) {
        const cell = text(bytes, from, to)
        if (meaning(cell, field) !== cell) from++
      }
      from = trimStart(bytes, from, to)
      while (to > from && isSpace(bytes[to - 1])) to--
    }
    offsets.from[field]![row] = from
    offsets.to[field]![row] = to
  }

  const giveUp = (offsets: Offsets): undefined => {
    spare = offsets
    return undefined
  }

  const toBlock = (page: Page, offsets: Offsets, length: number, malformed: ReadonlyArray<Reject>): RowBlock => {
    let released = false
    const { bytes } = page
    const alive = (): void => {
      if (released) throw new Error("A block of rows was read after it had been released")
    }
    const texts: Array<ReadonlyArray<string> | undefined> = []
    const column = (field: number): ReadonlyArray<string> | undefined => {
      const [from, to] = [offsets.from[field], offsets.to[field]]
      if (from === undefined || to === undefined) return undefined
      alive()
      return (texts[field] ??= Array.from({ length }, (_, i) => text(bytes, from[i], to[i])))
    }
    let lines: Float64Array | undefined
    let [asked, row] = [-1, ""]
    /** Of a row that is refused its cells are asked for one after the other. */
    const rowText = (index: number): string => {
      alive()
      if (index !== asked) [asked, row] = [index, text(bytes, offsets.start[index], offsets.end[index])]
      return row
    }
    const cell = (field: number, index: number): string => {
      const [from, to] = [offsets.from[field], offsets.to[field]]
      if (from === undefined || to === undefined || from[index] === to[index]) return ""
      const start = offsets.start[index]
      return rowText(index).slice(from[index] - start, to[index] - start)
    }
    const block: RowBlock = {
      length,
      get line() {
        alive()
        return (lines ??= offsets.line.slice(0, length))
      },
      get phoneNumber() {
        return column(0)!
      },
      get reason() {
        return column(1)
      },
      get expires() {
        return column(2)
      },
      get country() {
        return column(3)
      },
      malformed,
      cells: (index) => Csv.ownCells(layout, rowText(index))
    }
    if (mapping.requestedAt !== undefined) {
      Object.defineProperty(block, "requestedAt", { enumerable: true, get: () => column(4) })
    }
    page.blocks++
    const held: Held = {
      block,
      plain: { bytes, from: offsets.from, to: offsets.to, cell },
      release: () => {
        if (released) return
        released = true
        page.blocks--
        spare = offsets
      }
    }
    // not enumerable, so that it is not copied
    return Object.defineProperty(block, key, { value: held })
  }

  return { read }
}

/** Fewer than a block of usual rows has, so that short inputs stay small. */
const fewestRows = 512

const makeOffsets = (present: ReadonlyArray<number>): Offsets => {
  const column = () => rowFields.map((_, field) => (present.includes(field) ? new Uint32Array(fewestRows) : undefined))
  return {
    rows: fewestRows,
    line: new Float64Array(fewestRows),
    start: new Uint32Array(fewestRows),
    end: new Uint32Array(fewestRows),
    from: column(),
    to: column()
  }
}

const enlarge = (offsets: Offsets, present: ReadonlyArray<number>): void => {
  const rows = offsets.rows * 2
  const longer = (column: Uint32Array): Uint32Array => {
    const copy = new Uint32Array(rows)
    copy.set(column)
    return copy
  }
  const line = new Float64Array(rows)
  line.set(offsets.line)
  offsets.line = line
  offsets.start = longer(offsets.start)
  offsets.end = longer(offsets.end)
  for (const field of present) {
    offsets.from[field] = longer(offsets.from[field]!)
    offsets.to[field] = longer(offsets.to[field]!)
  }
  offsets.rows = rows
}

const trimStart = (bytes: Buffer, from: number, to: number): number => {
  while (from < to && isSpace(bytes[from])) from++
  return from
}

const isSpace = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13)

/**
 * Rows of CSV as bytes, each cell as papaparse would write it and as no spreadsheet runs it.
 *
 * @since 0.1.0
 */
import { escape } from "../SuppressionFile/formula.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Rows {
  /** Adds a cell to the row that is being written. */
  readonly cell: (text: string) => void
  /** The same for one of few texts. */
  readonly repeated: (text: string) => void
  /** Ends that row. */
  readonly end: () => void
  /** The bytes of all rows since this was asked last; they stay until it is asked again. */
  readonly take: () => Buffer
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (delimiter: string): Rows => {
  const between = Buffer.from(delimiter)
  const quoted = quotedAt(delimiter)
  /** Of ASCII, what needs no quotes wherever it stands within a cell. */
  const plain = new Uint8Array(128).fill(1, space, 127)
  for (const character of ['"', delimiter]) plain[character.charCodeAt(0)] = 0
  const known = new Map<string, Buffer>()
  let bytes = Buffer.alloc(0)
  let spare = bytes
  let length = 0
  let cells = 0

  const reserve = (more: number): void => {
    if (length + more <= bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(4096, 2 * (length + more)))
    bytes.copy(larger, 0, 0, length)
    bytes = larger
  }

  /** With room for so many bytes. */
  const begin = (most: number): void => {
    reserve(between.length + most)
    if (cells++ > 0) for (let i = 0; i < between.length; i++) bytes[length++] = between[i]
  }

  /** Writes a text that is its own bytes; false where it is not. */
  const asItStands = (text: string): boolean => {
    const last = text.length - 1
    if (text.charCodeAt(0) === space || text.charCodeAt(last) === space) return false
    const to = bytes
    let at = length
    for (let i = 0; i <= last; i++) {
      const code = text.charCodeAt(i)
      if (code > 127 || plain[code] === 0) return false
      to[at++] = code
    }
    length = at
    return true
  }

  const cell = (text: string): void => {
    begin(text.length)
    const escaped = escape(text)
    if (escaped === text && asItStands(text)) return
    const written = quoted(escaped)
    reserve(3 * written.length)
    length += bytes.write(written, length)
  }

  return {
    cell,
    repeated: (text) => {
      let same = known.get(text)
      if (same === undefined) {
        if (known.size === mostKnown) return cell(text)
        same = Buffer.from(quoted(escape(text)))
        known.set(text, same)
      }
      begin(same.length)
      bytes.set(same, length)
      length += same.length
    },
    end: () => {
      reserve(1)
      bytes[length++] = lf
      cells = 0
    },
    take: () => {
      const taken = bytes.subarray(0, length)
      const next = spare
      spare = bytes
      bytes = next
      length = 0
      return taken
    }
  }
}

/** Texts whose bytes are kept. */
const mostKnown = 100

const [lf, space] = [10, 32]

/** In quotes where it could be read otherwise, or trimmed. */
const quotedAt = (delimiter: string): ((cell: string) => string) => {
  const special = new RegExp(`["\\r\\n\\uFEFF\\u${delimiter.charCodeAt(0).toString(16).padStart(4, "0")}]`)
  return (cell) =>
    cell.charCodeAt(0) === space || cell.charCodeAt(cell.length - 1) === space || special.test(cell)
      ? `"${cell.replaceAll('"', '""')}"`
      : cell
}

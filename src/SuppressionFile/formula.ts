/**
 * Cells that a spreadsheet would run as a formula. In the files that we write an apostrophe stands before them, as people
 * and spreadsheets write it; whoever reads the files here gets the cells without it.
 *
 * @since 0.1.0
 */

/** Signs of full width are signs to some spreadsheets, and so is what comes after white space. */
const runs = /^(?:[\t\r\n]|[\s\uFEFF]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/

/** Phone numbers and numbers: what is computed of them can do nothing. */
const harmless = /^(?:[+-]?[\d ().\-/]+|[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+)$/

const isFormula = (cell: string): boolean => runs.test(cell) && !harmless.test(cell)

/**
 * The cell as it is written: one that would be run gets an apostrophe, and so does one that would be taken for such a cell.
 *
 * @since 0.1.0
 */
export const escape = (cell: string): string =>
  !isWord(cell.charCodeAt(0)) && !isNumber(cell) && isFormula(cell.replace(/^'+/, "")) ? `'${cell}` : cell

/** A letter or a digit of ASCII: most cells begin with one, and no formula does. */
const isWord = (first: number): boolean => (first > 47 && first < 58) || ((first | 32) > 96 && (first | 32) < 123)

/** Of the harmless cells the most frequent ones, without an expression. */
const isNumber = (cell: string): boolean => {
  if (cell.length < 2 || cell.charCodeAt(0) !== plus) return false
  for (let at = 1; at < cell.length; at++) if (cell.charCodeAt(at) < 48 || cell.charCodeAt(at) > 57) return false
  return true
}

const plus = 43

/**
 * The cell that was meant: of {@link escape}, or of whoever else writes formulas as text.
 *
 * @since 0.1.0
 */
export const unescape = (cell: string): string =>
  cell.charCodeAt(0) === 39 && isFormula(cell.replace(/^'+/, "")) ? cell.slice(1) : cell

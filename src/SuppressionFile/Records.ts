/**
 * Text, in pieces cut anywhere, into records: the physical lines of a file, those joined that a quoted cell spans.
 *
 * A quote only opens at the start of a cell, so a stray one (`5" pipe`) swallows nothing. Quoting that is wrong within
 * one line costs that line alone; wrong over several lines it fails the input, for they may have been rows.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import type { InputError, Named } from "./InputError.js"
import { inputError } from "./InputError.js"

/** No quote in it. */
export const PLAIN = 0
/** Quotes, on one line. */
export const QUOTED = 1
/** A quoted cell with line breaks in it. */
export const SPANNING = 2
/** One line whose quoting is wrong. */
export const MALFORMED = 3
/** One line longer than the limit; `end` may lie before the end of the line. */
export const TOO_LONG = 4

/**
 * Records that end within one piece of text, by their offsets in `text`. Blank lines are not among them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Records {
  readonly text: string
  readonly start: ReadonlyArray<number>
  readonly end: ReadonlyArray<number>
  /** The physical line, from 1, on which each begins; CRLF, LF and CR end a line. */
  readonly line: ReadonlyArray<number>
  readonly kind: ReadonlyArray<number>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Splitter {
  /** Takes the next piece; `final` says that none follows. */
  readonly push: (text: string, final: boolean) => Either.Either<Records, InputError>
  /** The line that begins next, or `undefined` where one has begun that has not ended. */
  readonly line: () => number | undefined
  /** Passes over so many whole lines that were read otherwise. */
  readonly pass: (lines: number) => void
}

/**
 * A splitter for one pass over an input. Without a delimiter quotes mean nothing and every line is a record.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: {
  readonly input: Named
  readonly delimiter: string | undefined
  /** The longest record, in UTF-16 code units. */
  readonly limit: number
}): Splitter => {
  const { delimiter, input, limit } = options
  const delimiterCode = delimiter === undefined ? -1 : delimiter.charCodeAt(0)
  let carry = ""
  /** Where in `carry` the first line begins that has not been looked at. */
  let resume = 0
  let line = 1
  let recordLine = 1
  /** Inside a quoted cell that began on `quoteLine`, at the start of a line. */
  let open = false
  let quoteLine = 1
  /** Inside the rest of a line that was too long. */
  let skipping = false

  const push = (piece: string, final: boolean): Either.Either<Records, InputError> => {
    const text = carry === "" ? piece : carry + piece
    const start: Array<number> = []
    const end: Array<number> = []
    const lines: Array<number> = []
    const kind: Array<number> = []
    const emit = (from: number, to: number, ofKind: number): void => {
      start.push(from)
      end.push(to)
      lines.push(recordLine)
      kind.push(ofKind)
    }
    let recordStart = 0
    let at = resume
    let lf = text.indexOf("\n", at)
    let cr = text.indexOf("\r", at)
    let quote = delimiter === undefined ? -1 : text.indexOf('"', at)

    while (at < text.length) {
      if (lf !== -1 && lf < at) lf = text.indexOf("\n", at)
      if (cr !== -1 && cr < at) cr = text.indexOf("\r", at)
      let stop: number
      let next: number
      if (cr !== -1 && (lf === -1 || cr < lf)) {
        // Whether a line feed follows is only known with the next piece.
        if (cr === text.length - 1 && !final) break
        stop = cr
        next = lf === cr + 1 ? cr + 2 : cr + 1
      } else if (lf !== -1) {
        stop = lf
        next = lf + 1
      } else if (final) {
        stop = next = text.length
      } else {
        break
      }
      if (quote !== -1 && quote < at) quote = text.indexOf('"', at)
      const hasQuote = quote !== -1 && quote < stop
      if (skipping) {
        skipping = false
      } else if (open) {
        if (stop - recordStart > limit) return Either.left(spansTooMuch())
        const state = hasQuote ? scan(text, at, stop, true, delimiterCode) : STILL_OPEN
        if (state === WRONG) return Either.left(closedWrongly(line))
        if (state === OPENED) quoteLine = line
        if (state === CLOSED) {
          open = false
          emit(recordStart, stop, SPANNING)
        }
      } else {
        recordStart = at
        recordLine = line
        if (stop - at > limit) {
          emit(at, stop, TOO_LONG)
        } else if (!hasQuote) {
          if (!isBlank(text, at, stop, delimiter)) emit(at, stop, PLAIN)
        } else {
          const state = scan(text, at, stop, false, delimiterCode)
          if (state === OPENED) {
            open = true
            quoteLine = line
          } else {
            emit(at, stop, state === WRONG ? MALFORMED : QUOTED)
          }
        }
      }
      line++
      at = next
    }

    if (final && open) return Either.left(neverClosed())
    const keepFrom = open ? recordStart : at
    const endsInCr = at < text.length && cr === text.length - 1
    const waiting = text.length - keepFrom - (endsInCr ? 1 : 0)
    if (waiting > limit && !skipping) {
      if (open) return Either.left(spansTooMuch())
      recordLine = line
      emit(at, text.length, TOO_LONG)
      skipping = true
    }
    carry = skipping ? (endsInCr ? "\r" : "") : text.slice(keepFrom)
    resume = skipping ? 0 : at - keepFrom
    return Either.right({ text, start, end, line: lines, kind })
  }

  const neverClosed = () =>
    inputError(
      input,
      "UnclosedQuote",
      "a quoted cell begins here and never ends; the rows after it would be swallowed",
      `Close the quote on line ${quoteLine}, or double it ("") if it belongs to the value.`,
      { line: quoteLine }
    )

  const spansTooMuch = () =>
    inputError(
      input,
      "TooLong",
      `a quoted cell begins here and the record does not end within ${limit} characters`,
      `Close the quote on line ${quoteLine}, or double it ("") if it belongs to the value.`,
      { line: quoteLine }
    )

  const closedWrongly = (at: number) =>
    inputError(
      input,
      "UnclosedQuote",
      `a quoted cell begins here, and on line ${at} a quote is followed by other text; rows may lie between`,
      `Look for a quote that is not closed on line ${quoteLine}, or one that is not doubled ("") by line ${at}.`,
      { line: quoteLine }
    )

  return {
    push,
    line: () => (carry === "" && !open && !skipping ? line : undefined),
    pass: (lines) => {
      line += lines
    }
  }
}

const CLOSED = 0
const STILL_OPEN = 1
const OPENED = 2
const WRONG = 3

/** Follows the quoting of one line as RFC 4180 has it; blanks between a closing quote and the delimiter are let pass. */
const scan = (text: string, from: number, end: number, isOpen: boolean, delimiter: number): number => {
  let state = STILL_OPEN
  let i = from
  if (!isOpen) {
    state = OPENED
    if (text.charCodeAt(i) === 34) i++
    else i = nextQuoted(text, i, end, delimiter)
    if (i === -1) return CLOSED
  }
  while (true) {
    while (i < end && text.charCodeAt(i) !== 34) i++
    if (i >= end) return state
    i++
    if (i < end && text.charCodeAt(i) === 34) {
      i++
      continue
    }
    while (i < end && text.charCodeAt(i) !== delimiter && isSpace(text.charCodeAt(i))) i++
    if (i >= end) return CLOSED
    if (text.charCodeAt(i) !== delimiter) return WRONG
    i = nextQuoted(text, i, end, delimiter)
    if (i === -1) return CLOSED
    state = OPENED
  }
}

/** The offset behind the next quote that follows a delimiter at or after `from`, or -1. */
const nextQuoted = (text: string, from: number, end: number, delimiter: number): number => {
  for (let i = from; i < end - 1; i++) {
    if (text.charCodeAt(i) === delimiter && text.charCodeAt(i + 1) === 34) return i + 2
  }
  return -1
}

const isSpace = (code: number): boolean => code === 32 || (code !== 34 && String.fromCharCode(code).trim() === "")

const isBlank = (text: string, from: number, end: number, delimiter: string | undefined): boolean => {
  if (from === end) return true
  const code = text.charCodeAt(from)
  if (code > 32 && code < 127) return false
  const line = text.slice(from, end)
  return line.trim() === "" && (delimiter === undefined || !line.includes(delimiter))
}

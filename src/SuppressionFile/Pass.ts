/**
 * One pass over an input: its bytes into blocks. Of CSV the lines that are plain are read as bytes, the others as text.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { RowBlock } from "../DncEntry.js"
import * as Csv from "./Csv.js"
import type { InputError } from "./InputError.js"
import * as Plain from "./Plain.js"
import * as Records from "./Records.js"
import * as Source from "./Source.js"

/**
 * @since 0.1.0
 * @category options
 */
export interface Options {
  readonly source: Source.Source
  /** The longest record, in UTF-16 code units. */
  readonly limit: number
  readonly bufferSize: number | undefined
  readonly onBytes: (bytes: Buffer) => void
  /** Run behind the last byte, before the last rows. */
  readonly onEnd: Effect.Effect<void, InputError>
}

/**
 * Each run yields the next block, and `undefined` behind the last one.
 *
 * @since 0.1.0
 * @category models
 */
export type Pass = Effect.Effect<RowBlock | undefined, InputError>

/** Texts die young where there is little of them at once. */
const textSize = 1 << 15

/** Larger ones are no faster, and what is made of their rows outlives the young generation. */
const plainSize = 1 << 16

/** Of so many blocks the bytes are read at once. */
const blocksAtOnce = 16

/**
 * @since 0.1.0
 * @category constructors
 */
export const ndjson = (
  { bufferSize = textSize, limit, onBytes, onEnd, source }: Options,
  toBlock: (records: Records.Records, final: boolean) => Either.Either<RowBlock, InputError>
): Pass => {
  const read = Source.reader(source, bufferSize, onBytes)
  const splitter = Records.make({ input: source, delimiter: undefined, limit })
  let ended = false
  return Effect.gen(function* () {
    while (!ended) {
      const text = yield* read
      if (text === undefined) {
        ended = true
        yield* onEnd
      }
      const block = yield* toBlock(yield* splitter.push(text ?? "", ended), ended)
      if (holdsRows(block)) return block
    }
    return undefined
  })
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const csv = ({ bufferSize = plainSize, limit, onBytes, onEnd, source }: Options, layout: Csv.Layout): Pass => {
  const fill = Source.filler(source, blocksAtOnce * bufferSize, onBytes)
  const plain = Plain.cuts(layout.delimiter) ? Plain.make(layout, limit) : undefined
  const splitter = Records.make({ input: source, delimiter: layout.delimiter, limit })
  const toBlock = Csv.make(layout)
  const makePage = (): Plain.Page => ({
    // and room for the beginning of a line that ended in none of them
    bytes: Buffer.allocUnsafeSlow((blocksAtOnce + 1) * bufferSize + Source.longestCodePoint),
    blocks: 0
  })
  let page = makePage()
  let piece: Source.Piece = { from: 0, to: 0, total: 0, ended: false }
  /** How much of the page has become rows. */
  let at = 0
  let finished = false
  /** The first record to come is the header. */
  let header = layout.header
  /** Before this byte of the page something is not plain, so it is read slice by slice up to there. */
  let slicedTo = 0

  const more = Effect.suspend(() => {
    const held = page.bytes.subarray(at, piece.total)
    if (page.blocks > 0) page = makePage()
    page.bytes.set(held)
    return Effect.flatMap(fill(page.bytes, held.length), (next) => {
      piece = next
      at = next.from
      slicedTo = 0
      return next.ended ? onEnd : Effect.void
    })
  })

  const ofText = (end: number, final: boolean): Either.Either<RowBlock, InputError> => {
    const text = Source.textOf(page.bytes, at, end)
    at = end
    return Either.flatMap(splitter.push(text, final), (records) => {
      const block = toBlock(records, header)
      if (records.start.length > 0) header = false
      return block
    })
  }

  const ofBytes = (end: number): RowBlock | undefined => {
    const line = splitter.line()
    const read = line === undefined ? undefined : plain?.read(page, at, end, line, header)
    if (read === undefined) return undefined
    at = end
    header = read.header
    splitter.pass(read.lines)
    return read.block
  }

  /** Behind the last line that ends within a block's bytes, or else behind the first one of the page. */
  const wholeLines = (): number => {
    const rest = page.bytes.subarray(at, piece.to)
    const last = rest.subarray(0, bufferSize).lastIndexOf(lf)
    return at + 1 + (last === -1 ? rest.indexOf(lf, bufferSize) : last)
  }

  /** The next block of what is in the page, or nothing if more has to be read. */
  const take = (): Either.Either<RowBlock, InputError> | undefined => {
    const sliced = at < slicedTo
    const last = sliced ? slicedTo : wholeLines()
    if (last > at) {
      const whole = sliced ? undefined : ofBytes(last)
      if (whole !== undefined) return Either.right(whole)
      const end = last - at <= textSize ? last : page.bytes.indexOf(lf, at + textSize) + 1
      const slice = sliced || end < last ? ofBytes(end) : undefined
      slicedTo = last
      return slice === undefined ? ofText(end, false) : Either.right(slice)
    }
    if (piece.ended) {
      finished = true
      return ofText(piece.to, true)
    }
    // a line longer than the page
    return at === piece.from && at < piece.to ? ofText(piece.to, false) : undefined
  }

  const next: Pass = Effect.suspend(() => {
    while (!finished) {
      const block = take()
      if (block === undefined) return Effect.zipRight(more, next)
      if (Either.isLeft(block)) return block
      if (holdsRows(block.right)) return block
      Plain.release(block.right)
    }
    return Effect.succeed(undefined)
  })
  return next
}

const lf = 10

const holdsRows = (block: RowBlock): boolean => block.length > 0 || block.malformed.length > 0

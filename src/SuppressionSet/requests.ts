/**
 * When numbers were asked for, and from when they are known to be on the list.
 *
 * @since 0.1.0
 */
import { chunkBits, chunkMask, chunkSize } from "./table.js"

/**
 * In place of the time from which a number is on the list: it is not known to be there; and: it was there before the run.
 *
 * @since 0.1.0
 * @category models
 */
export const isOpen: number = Number.POSITIVE_INFINITY

/**
 * @since 0.1.0
 * @category models
 */
export const wasBefore: number = Number.NEGATIVE_INFINITY

/**
 * By the positions of numbers in their table.
 *
 * @since 0.1.0
 * @category models
 */
export interface Requests {
  /** Whether there is one. */
  readonly any: () => boolean
  /** The earliest request counts, whichever row is the strictest; `Infinity` is none. */
  readonly add: (position: number, requestedAt: number) => void
  /** The earliest request; `Infinity` or nothing where there is none. */
  readonly at: (position: number) => number | undefined
  /** From when numbers are on the list; the first time stands. `undefined`: they are not after all. -1 is no position. */
  readonly honour: (contacts: Iterable<string>, positionOf: (contact: string) => number, at: number | undefined) => void
  /** The number was on the list before the run. */
  readonly settle: (position: number) => void
  /** Every number that was asked for, in order. */
  readonly forEach: (f: (position: number, requestedAt: number, honouredAt: number) => void) => void
  /** Bytes held. */
  readonly bytes: () => number
}

/** Of a chunk of the table; made with its first request. */
interface Chunk {
  readonly at: Float64Array
  /** Positions in the list of moments. */
  readonly honoured: Uint32Array
}

const before = 1

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (): Requests => {
  const chunks: Array<Chunk | undefined> = []
  /** The times from which numbers are on the list: one a batch, so that a number needs its position only. */
  const moments = [isOpen, wasBefore]

  return {
    any: () => chunks.length > 0,
    add: (position, requestedAt) => {
      if (requestedAt === Number.POSITIVE_INFINITY) return
      const { at } = (chunks[position >>> chunkBits] ??= {
        at: new Float64Array(chunkSize).fill(Number.POSITIVE_INFINITY),
        honoured: new Uint32Array(chunkSize)
      })
      if (requestedAt < at[position & chunkMask]) at[position & chunkMask] = requestedAt
    },
    at: (position) => chunks[position >>> chunkBits]?.at[position & chunkMask],
    honour: (contacts, positionOf, at) => {
      if (chunks.length === 0) return
      if (at !== undefined && at !== wasBefore && moments[moments.length - 1] !== at) moments.push(at)
      const moment = at === wasBefore ? before : moments.length - 1
      for (const contact of contacts) {
        const position = positionOf(contact)
        const honoured = position === -1 ? undefined : chunks[position >>> chunkBits]?.honoured
        if (honoured === undefined) continue
        if (at === undefined) honoured[position & chunkMask] = 0
        else if (honoured[position & chunkMask] === 0) honoured[position & chunkMask] = moment
      }
    },
    settle: (position) => {
      const chunk = chunks[position >>> chunkBits]
      if (chunk !== undefined) chunk.honoured[position & chunkMask] = before
    },
    forEach: (f) => {
      for (let which = 0; which < chunks.length; which++) {
        const chunk = chunks[which]
        if (chunk === undefined) continue
        const { at, honoured } = chunk
        for (let i = 0; i < chunkSize; i++) {
          if (at[i] !== Number.POSITIVE_INFINITY) f(which * chunkSize + i, at[i], moments[honoured[i]])
        }
      }
    },
    bytes: () => chunks.reduce((sum, chunk) => (chunk === undefined ? sum : sum + 12 * chunkSize), 0)
  }
}

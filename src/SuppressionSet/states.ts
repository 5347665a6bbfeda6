/**
 * Where the numbers of the set stand: the three highest bits of their values say so.
 *
 * @since 0.1.0
 */
import { chunkBits, chunkMask, chunkSize } from "./table.js"

/**
 * @since 0.1.0
 * @category states
 */
export const waiting = 0

/**
 * @since 0.1.0
 * @category states
 */
export const cutState = 1

/**
 * @since 0.1.0
 * @category states
 */
export const failedState = 2

/**
 * @since 0.1.0
 * @category states
 */
export const settledState = 3

/**
 * @since 0.1.0
 * @category states
 */
export const heldState = 4

/**
 * Taken by a cut that has not come to it yet.
 *
 * @since 0.1.0
 * @category states
 */
export const plannedState = 5

/**
 * @since 0.1.0
 */
export const stateShift = 29

/**
 * The bits of a value without its state.
 *
 * @since 0.1.0
 */
export const valueMask: number = (1 << stateShift) - 1

/**
 * Values by chunk, in the order of arrival.
 *
 * @since 0.1.0
 * @category models
 */
export type Columns = ReadonlyArray<{ readonly value: Uint32Array }>

/**
 * Does something with each value of a number in a state, and its position.
 *
 * @since 0.1.0
 */
export const forEachIn = (
  state: number,
  size: number,
  chunks: Columns,
  f: (value: number, position: number, column: Uint32Array) => void
): void => {
  for (let from = 0; from < size; from += chunkSize) {
    const column = chunks[from >>> chunkBits].value
    const count = Math.min(chunkSize, size - from)
    for (let i = 0; i < count; i++) if (column[i] >>> stateShift === state) f(column[i], from + i, column)
  }
}

/**
 * @since 0.1.0
 */
export const mark = (state: number, value: number, position: number, column: Uint32Array): void => {
  column[position & chunkMask] = ((state << stateShift) | (value & valueMask)) >>> 0
}

/**
 * How many numbers wait in each of so many classes, by the class of each value.
 *
 * @since 0.1.0
 */
export const countWaiting = (
  size: number,
  chunks: Columns,
  classes: number,
  ofValue: ArrayLike<number>
): Uint32Array => {
  const counts = new Uint32Array(classes)
  forEachIn(waiting, size, chunks, (value) => {
    counts[ofValue[value]]++
  })
  return counts
}

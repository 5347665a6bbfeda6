/**
 * What is taken by a cut, put in order by group and served in batches.
 *
 * @since 0.1.0
 */
import { type Columns, cutState, mark, plannedState, stateShift, valueMask } from "./states.js"
import { chunkBits, chunkMask, chunkSize, type Table } from "./table.js"

/** Numbers of a large group that are put in order at once: so long as that takes, answers wait. */
const sliceSize = 1 << 15

/** A group of such a share of all numbers is large: for each of these, the whole set is gone through once. */
const largeShare = 1 / 16

/**
 * The numbers of each batch with the position of its group: `largest` of them but in the last of its group. They stand there
 * until the next batch is asked for. `left` are the numbers of each group; `ofValue` is the group of each value.
 *
 * A large group is put in order a slice at a time, each from where the one before has ended. The numbers of smaller ones
 * may be anywhere, so of these `atOnce` are put in order together.
 *
 * @since 0.1.0
 */
export function* inGroups(
  table: Pick<Table, "size" | "chunks">,
  chunks: Columns,
  left: Uint32Array,
  ofValue: Uint32Array,
  largest: number,
  atOnce: number
): Iterable<readonly [group: number, numbers: Float64Array]> {
  const fitting = Math.max(largest, Math.min(atOnce, sliceSize))
  const slice = fitting - (fitting % largest)
  const isLarge = (id: number): boolean => left[id] > Math.max(slice, table.size() * largeShare)
  const start = new Uint32Array(left.length)
  const next = new Uint32Array(left.length)
  let order = new Float64Array(0)

  /** A counting sort of so many numbers of some groups, each in order of arrival; gives the position behind the last. */
  const fill = (to: Float64Array, missing: number, first: number, last: number, from: number): number => {
    // without `forEachIn`, which is a tenth slower here
    for (let at = from; at < table.size(); at = (at | chunkMask) + 1) {
      const { value: values } = chunks[at >>> chunkBits]
      const numbers = table.chunks[at >>> chunkBits]
      const base = at & ~chunkMask
      const end = Math.min(chunkSize, table.size() - base)
      for (let i = at & chunkMask; i < end; i++) {
        if (values[i] >>> stateShift !== plannedState) continue
        const id = ofValue[values[i] & valueMask]
        if (id < first || id > last) continue
        to[next[id]++] = numbers[i]
        mark(cutState, values[i], i, values)
        if (--missing === 0) return base + i + 1
      }
    }
    return table.size()
  }

  let from = 0
  for (let first = 0; first < left.length; ) {
    const alone = from > 0 || isLarge(first)
    let last = first
    let length = 0
    do {
      start[last] = next[last] = length
      length += alone ? Math.min(left[last], slice) : left[last]
      last++
    } while (!alone && last < left.length && !isLarge(last) && length + left[last] <= atOnce)
    if (order.length < length) order = new Float64Array(length)
    if (length > 0) from = fill(order, length, first, last - 1, from)
    for (let id = first; id < last; id++) {
      for (let at = start[id]; at < next[id]; at += largest) {
        yield [id, order.subarray(at, Math.min(at + largest, next[id]))]
      }
    }
    if (alone) {
      left[first] -= length
      if (left[first] > 0) continue
    }
    from = 0
    first = last
  }
}

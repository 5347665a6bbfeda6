/**
 * A sorted run of fixed-size entries: 8 bytes of a term's digest, and 8 of where in the log its record begins.
 *
 * @since 0.1.0
 */
import type { FileHandle } from "node:fs/promises"

export const entrySize = 16

/** Entries of one segment at most: what is held in memory while one is made. */
export const largest = 1 << 20

export interface Entries {
  readonly high: Uint32Array
  readonly low: Uint32Array
  readonly offsets: Float64Array
  count: number
}

export const entries = (): Entries => ({
  high: new Uint32Array(largest),
  low: new Uint32Array(largest),
  offsets: new Float64Array(largest),
  count: 0
})

/** In the order of their digests, and of their places among equal ones. */
export const encode = ({ count, high, low, offsets }: Entries): Buffer => {
  let order = new Uint32Array(count)
  let next = new Uint32Array(count)
  for (let i = 0; i < count; i++) order[i] = i
  for (const { of, shift } of [
    { of: low, shift: 0 },
    { of: low, shift: 16 },
    { of: high, shift: 0 },
    { of: high, shift: 16 }
  ]) {
    const starts = new Uint32Array(0x10001)
    for (let i = 0; i < count; i++) starts[((of[i] >>> shift) & 0xffff) + 1]++
    for (let i = 1; i < starts.length; i++) starts[i] += starts[i - 1]
    for (let i = 0; i < count; i++) next[starts[(of[order[i]] >>> shift) & 0xffff]++] = order[i]
    ;[order, next] = [next, order]
  }
  const bytes = Buffer.allocUnsafe(count * entrySize)
  for (let i = 0; i < count; i++) {
    const at = order[i]
    bytes.writeUInt32BE(high[at], i * entrySize)
    bytes.writeUInt32BE(low[at], i * entrySize + 4)
    bytes.writeDoubleBE(offsets[at], i * entrySize + 8)
  }
  return bytes
}

export const decode = (bytes: Buffer): Entries => {
  const into = entries()
  into.count = bytes.length / entrySize
  for (let i = 0; i < into.count; i++) {
    into.high[i] = bytes.readUInt32BE(i * entrySize)
    into.low[i] = bytes.readUInt32BE(i * entrySize + 4)
    into.offsets[i] = bytes.readDoubleBE(i * entrySize + 8)
  }
  return into
}

/** Entries that are read at once: a page. */
const page = 256

/** The places of the entries with this digest, of a segment of `count` that begins at `start` in the file. */
export const search = async (
  file: FileHandle,
  start: number,
  count: number,
  digest: Buffer
): Promise<ReadonlyArray<number>> => {
  const buffer = Buffer.alloc(page * entrySize)
  const read = async (first: number, many: number): Promise<void> => {
    const { bytesRead } = await file.read(buffer, 0, many * entrySize, start + first * entrySize)
    if (bytesRead < many * entrySize) throw new Error("the index ends too soon")
  }
  // the first entry that is not before the digest is in [from, to]
  let from = 0
  let to = count
  while (to - from > page) {
    const middle = (from + to) >>> 1
    await read(middle, 1)
    if (buffer.compare(digest, 0, 8, 0, 8) < 0) from = middle + 1
    else to = middle
  }
  const found: Array<number> = []
  for (let at = from; at < count; at += page) {
    const many = Math.min(page, count - at)
    await read(at, many)
    for (let i = 0; i < many; i++) {
      const order = buffer.compare(digest, 0, 8, i * entrySize, i * entrySize + 8)
      if (order > 0) return found
      if (order === 0) found.push(buffer.readDoubleBE(i * entrySize + 8))
    }
  }
  return found
}

/**
 * The lines of a log with their places.
 *
 * @since 0.1.0
 */
import type * as Fs from "node:fs/promises"

const blockSize = 1 << 18

/** Whole lines; what has no end yet is left for another time. */
export async function* linesFrom(file: Fs.FileHandle, from: number, to: number) {
  let rest: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  let offset = from
  for (let at = from; at < to; ) {
    const block = Buffer.allocUnsafe(Math.min(blockSize, to - at))
    const { bytesRead } = await file.read(block, 0, block.length, at)
    if (bytesRead === 0) return
    at += bytesRead
    const bytes = rest.length === 0 ? block.subarray(0, bytesRead) : Buffer.concat([rest, block.subarray(0, bytesRead)])
    let start = 0
    for (;;) {
      const end = bytes.indexOf(0x0a, start)
      if (end === -1) break
      yield { line: bytes.subarray(start, end), offset }
      offset += end - start + 1
      start = end + 1
    }
    rest = bytes.subarray(start)
  }
}

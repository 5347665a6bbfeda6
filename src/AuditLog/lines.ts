/**
 * The lines of a log as bytes, so that what nobody wants of them is never decoded.
 *
 * @since 0.1.0
 */
import type * as Fs from "node:fs/promises"
import type { AuditRecord } from "../AuditSink.js"

/** Bytes that are read at a time. */
export const blockSize = 1 << 18

/**
 * The lines that begin at or behind `from` and end before `to`, without their ends; then what stands behind the last end,
 * if anything does, as one that is not whole.
 *
 * @since 0.1.0
 */
export async function* linesFrom(
  file: Fs.FileHandle,
  from: number,
  to: number
): AsyncGenerator<{ readonly line: Buffer; readonly offset: number; readonly isWhole: boolean }> {
  let rest: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  let offset = from
  for (let at = from; at < to; ) {
    const block = Buffer.allocUnsafe(Math.min(blockSize, to - at))
    const { bytesRead } = await file.read(block, 0, block.length, at)
    if (bytesRead === 0) break
    at += bytesRead
    const bytes = rest.length === 0 ? block.subarray(0, bytesRead) : Buffer.concat([rest, block.subarray(0, bytesRead)])
    let start = 0
    for (;;) {
      const end = bytes.indexOf(0x0a, start)
      if (end === -1) break
      yield { line: bytes.subarray(start, end), offset, isWhole: true }
      offset += end - start + 1
      start = end + 1
    }
    rest = bytes.subarray(start)
  }
  if (rest.length > 0) yield { line: rest, offset, isWhole: false }
}

/**
 * The fields of a record that stand before its operation in canonical JSON are short and hold nothing but themselves: a line
 * that begins so says what it is in its first bytes, and one that does not has to be read.
 */
const beginning =
  /^\{(?:"(?:auditId|complianceStatus|dncListId|hashKeyId|kind|latencyMs)":(?:"(?:[^"\\]|\\.)*"|null|[\d.]+),)*"operation":"([A-Z_]+)"/

/**
 * The operation of a record, from the beginning of its line; nothing where it has to be parsed to be known.
 *
 * @since 0.1.0
 */
export const operationOf = (line: Buffer): AuditRecord["operation"] | undefined =>
  beginning.exec(line.toString("latin1", 0, 1024))?.[1] as AuditRecord["operation"] | undefined

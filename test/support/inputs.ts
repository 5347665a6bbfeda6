import { createHash } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { DncEntry, type Pipeline, type RunReport } from "genesys-dnc"

/** Rows as an input, in blocks of `size`. */
export const input = (name: string, rows: ReadonlyArray<DncEntry.Row>, size = 10): Pipeline.Input => {
  const text = JSON.stringify(rows)
  const blocks: Array<DncEntry.RowBlock> = []
  for (let i = 0; i < rows.length; i += size) blocks.push(DncEntry.rowBlock(rows.slice(i, i + size), i + 1))
  return {
    name,
    bytes: text.length,
    bytesRead: Effect.succeed(text.length),
    blocks: Stream.fromIterable(blocks),
    digest: Effect.sync(() => createHash("sha256").update(text).digest("hex")),
    unchanged: Effect.void
  }
}

/** Outputs that keep what they are given. */
export const outputs = () => {
  const rejected: Array<readonly [input: number, line: number, code: string, raw: string]> = []
  const failed: Array<{
    readonly reason: DncEntry.Reason
    readonly expires: number
    readonly count: number
    readonly phoneNumbers: ReadonlyArray<string>
    readonly error: string
  }> = []
  let finished = 0
  const files: ReadonlyArray<RunReport.OutputFile> = [
    { kind: "rejects", path: "in.rejects.csv", rows: 1, sha256: "0".repeat(64) }
  ]
  const layer: Pipeline.Outputs = {
    rejected: (input, rejects) =>
      Effect.sync(() => {
        for (const { code, line, raw } of rejects) rejected.push([input, line, code, raw])
      }),
    failed: ([{ expires, reason }], { count, error, phoneNumbers }) =>
      Effect.sync(() => {
        failed.push({ reason, expires, count, phoneNumbers, error })
      }),
    finish: Effect.sync(() => {
      finished++
      return files
    })
  }
  return { outputs: layer, rejected, failed, files, finished: () => finished }
}

export const row = (phoneNumber: string, reason?: string, expires?: string): DncEntry.Row => ({
  phoneNumber,
  ...(reason === undefined ? {} : { reason }),
  ...(expires === undefined ? {} : { expires })
})

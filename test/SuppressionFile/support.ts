import * as fs from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Reject } from "../../src/DncEntry.js"
import * as SuppressionFile from "../../src/SuppressionFile.js"
import { folder } from "../support/files.js"

export interface ReadRow {
  readonly line: number
  readonly phoneNumber: string
  readonly reason: string | undefined
  readonly expires: string | undefined
  readonly country: string | undefined
  readonly requestedAt?: string
  readonly cells: ReadonlyArray<string>
}

export const readAll = (file: SuppressionFile.SuppressionFile) =>
  Effect.gen(function* () {
    const rows: Array<ReadRow> = []
    const malformed: Array<Reject> = []
    yield* Stream.runForEach(file.blocks, (block) =>
      Effect.sync(() => {
        malformed.push(...block.malformed)
        for (let i = 0; i < block.length; i++) {
          rows.push({
            line: block.line[i],
            phoneNumber: block.phoneNumber[i],
            reason: block.reason?.[i],
            expires: block.expires?.[i],
            country: block.country?.[i],
            ...(block.requestedAt === undefined ? {} : { requestedAt: block.requestedAt[i] }),
            cells: block.cells(i)
          })
        }
      })
    )
    return { file, rows, malformed, digest: yield* file.digest }
  })

/** Writes the content to a file of its own, opens it and reads it to the end. */
export const read = (content: string | Uint8Array, options: SuppressionFile.Options = {}, name = "in.csv") =>
  Effect.gen(function* () {
    const path = join(yield* folder, name)
    fs.writeFileSync(path, content)
    return yield* readAll(yield* SuppressionFile.open(path, options))
  }).pipe(Effect.scoped)

export const fails = (content: string | Uint8Array, options: SuppressionFile.Options = {}, name = "in.csv") =>
  Effect.flip(read(content, options, name))

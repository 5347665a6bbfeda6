import * as fs from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { openAppend } from "../../src/AuditSink/jsonLines.js"
import { folder } from "../support/files.js"

/** Of one letter each, so that a line that another was written over is told. */
const lineOf = (index: number, size: number): string => String.fromCharCode(0x61 + (index % 26)).repeat(size)

describe("openAppend", () => {
  it.effect.prop(
    "writes every line whole and in its order, though their memory is used again, wherever fibers are put off",
    {
      steps: FastCheck.integer({ min: 10, max: 20 }),
      writers: FastCheck.array(
        FastCheck.record({
          yields: FastCheck.nat(8),
          sizes: FastCheck.array(
            FastCheck.oneof(
              FastCheck.nat(100),
              FastCheck.nat(40_000),
              FastCheck.integer({ min: 60_000, max: 200_000 })
            ),
            { minLength: 1, maxLength: 8 }
          )
        }),
        { minLength: 4, maxLength: 12 }
      )
    },
    ({ steps, writers }) =>
      Effect.gen(function* () {
        const path = join(yield* folder, "lines")
        const asked: Array<string> = []
        const file = yield* openAppend(path)
        const write = (writer: number, size: number) =>
          file.append((allocate) => {
            const line = lineOf(writer, size)
            asked.push(line)
            // more than is wanted, as by one who does not know yet how long it will be
            const bytes = allocate(size + 20).fill("!")
            return bytes.subarray(0, bytes.write(line))
          })
        yield* Effect.forEach(
          writers,
          ({ sizes, yields }, writer) =>
            Effect.forEach(sizes, (size) =>
              Effect.zipRight(Effect.repeatN(Effect.yieldNow(), yields), write(writer, size))
            ),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(fs.readFileSync(path, "utf8"), asked.map((line) => `${line}\n`).join(""))
      }).pipe(Effect.scoped, Effect.withMaxOpsBeforeYield(steps)),
    { fastCheck: { numRuns: 60 } }
  )
})

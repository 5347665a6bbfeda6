/**
 * The long form of `test/model.test.ts`:
 *
 *     npm run model -- [--runs 20000] [--seed N] [--only push|live]
 *
 * The exit code is 1 where a run did not end as the model has it; the case is shown as small as it could be made.
 */
import { parseArgs } from "node:util"
import * as FastCheck from "effect/FastCheck"
import { properties } from "./model.js"

const { values: given } = parseArgs({
  options: {
    runs: { type: "string", default: "20000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    only: { type: "string", default: "" }
  }
})

const seed = Number(given.seed)
process.stdout.write(`seed ${seed}\n`)

for (const [name, property] of Object.entries(properties)) {
  if (!name.includes(given.only)) continue
  const start = performance.now()
  const details = await FastCheck.check(property, { numRuns: Number(given.runs), seed })
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  process.stdout.write(
    `${name}: ${details.numRuns} runs in ${seconds} s, ${details.failed ? "FAILED" : "all as they should be"}\n`
  )
  if (details.failed) {
    process.exitCode = 1
    process.stdout.write(`${FastCheck.defaultReportMessage(details)?.slice(0, 6000)}\n`)
  }
}

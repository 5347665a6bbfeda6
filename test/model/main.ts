/**
 * The long form of `test/model.test.ts`:
 *
 *     npm run model -- [--runs 20000] [--seed N] [--only push|live]
 *
 * The exit code is 1 where a run did not end as the model has it; the case is shown as small as it could be made.
 */
import * as FastCheck from "effect/FastCheck"
import * as Options from "../support/options.js"
import { properties } from "./model.js"

const names = Object.keys(properties)
const given = Options.read(import.meta.url, {
  runs: "20000",
  seed: Options.anySeed(),
  only: names.join(",")
})

const only = Options.chosen("only", given.only, names)
const runs = Options.whole("runs", given.runs, 1)
const seed = Options.whole("seed", given.seed, 0)
process.stdout.write(`seed ${seed}\n`)

for (const [name, property] of Object.entries(properties)) {
  if (!only.includes(name)) continue
  const start = performance.now()
  const details = await FastCheck.check(property, { numRuns: runs, seed })
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  process.stdout.write(
    `${name}: ${details.numRuns} runs in ${seconds} s, ${details.failed ? "FAILED" : "all as they should be"}\n`
  )
  if (details.failed) {
    process.exitCode = 1
    process.stdout.write(`${FastCheck.defaultReportMessage(details)?.slice(0, 6000)}\n`)
  }
}

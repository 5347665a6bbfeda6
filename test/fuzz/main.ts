/**
 * The long form of `test/fuzz.test.ts`:
 *
 *     npm run fuzz -- [--inputs 1000000] [--seed N] [--only PART-OF-A-NAME,…] [--seconds 100]
 *
 * `--seconds` ends a target after so long; the table says how many inputs it had.
 *
 * Each target has its inputs from the seed, which is printed; the exit code is 1 where an input broke a promise, crashed or
 * took longer than two seconds. What did is shown as small as it could be made.
 */
import { parseArgs } from "node:util"
import * as FastCheck from "effect/FastCheck"
import { type Guard, targets } from "./targets.js"

const { values: given } = parseArgs({
  options: {
    inputs: { type: "string", default: "1000000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    only: { type: "string", default: "" },
    seconds: { type: "string", default: "86400" }
  }
})

/** Of one input, in milliseconds of processor time: a machine may be busy with something else. */
const longest = 2000

const inputs = Number(given.inputs)
const seed = Number(given.seed)

const row = (cells: ReadonlyArray<string>): string =>
  cells.map((cell, index) => (index === 0 ? cell.padEnd(32) : cell.padStart(12))).join("")

process.stdout.write(`seed ${seed}\n${row(["target", "inputs", "seconds", "slowest ms", "crashes"])}\n`)

for (const { name, property } of targets) {
  if (!given.only.split(",").some((part) => name.includes(part))) continue
  let slowest = 0
  const measure = (since: NodeJS.CpuUsage): void => {
    const { system, user } = process.cpuUsage(since)
    const took = (system + user) / 1000
    slowest = Math.max(slowest, took)
    if (took > longest) throw new Error(`took ${Math.round(took)} ms`)
  }
  const guard: Guard = (f) => {
    const since = process.cpuUsage()
    const result = f()
    if (result instanceof Promise) return result.finally(() => measure(since)) as typeof result
    measure(since)
    return result
  }
  const start = performance.now()
  const details = await FastCheck.check(property(guard) as FastCheck.IAsyncProperty<unknown>, {
    numRuns: inputs,
    seed,
    interruptAfterTimeLimit: Number(given.seconds) * 1000,
    markInterruptAsFailure: false
  })
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const crashes = details.failed ? 1 : 0
  process.stdout.write(`${row([name, String(details.numRuns), seconds, slowest.toFixed(1), String(crashes)])}\n`)
  if (details.failed) {
    process.exitCode = 1
    process.stdout.write(`${FastCheck.defaultReportMessage(details)?.slice(0, 4000)}\n`)
  }
}

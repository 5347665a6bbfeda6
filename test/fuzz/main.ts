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
import * as FastCheck from "effect/FastCheck"
import * as Options from "../support/options.js"
import { type Guard, targets } from "./targets.js"

const given = Options.read(import.meta.url, {
  inputs: "1000000",
  seed: Options.anySeed(),
  only: "",
  seconds: "86400"
})

/** Of one input, in milliseconds of processor time: a machine may be busy with something else. */
const longest = 2000

const inputs = Options.whole("inputs", given.inputs, 1)
const seed = Options.whole("seed", given.seed, 0)
const seconds = Options.whole("seconds", given.seconds, 1)
const wanted = targets.filter(({ name }) => given.only.split(",").some((part) => name.includes(part)))
if (wanted.length === 0)
  Options.refuse(`--only ${given.only} is in none of ${targets.map(({ name }) => name).join(", ")}`)

const row = (cells: ReadonlyArray<string>): string =>
  cells.map((cell, index) => (index === 0 ? cell.padEnd(32) : cell.padStart(12))).join("")

process.stdout.write(`seed ${seed}\n${row(["target", "inputs", "seconds", "slowest ms", "crashes"])}\n`)

for (const { name, property } of wanted) {
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
    interruptAfterTimeLimit: seconds * 1000,
    markInterruptAsFailure: false
  })
  const took = ((performance.now() - start) / 1000).toFixed(1)
  const crashes = details.failed ? 1 : 0
  process.stdout.write(`${row([name, String(details.numRuns), took, slowest.toFixed(1), String(crashes)])}\n`)
  if (details.failed) {
    process.exitCode = 1
    process.stdout.write(`${FastCheck.defaultReportMessage(details)?.slice(0, 4000)}\n`)
  }
}

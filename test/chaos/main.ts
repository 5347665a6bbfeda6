/**
 * Runs that are killed at random moments and at each named step, and gone on with until they are done.
 *
 *     npm run chaos -- [--runs 200] [--rows 3000] [--kills 3] [--seed 1]
 */
import { availableParallelism } from "node:os"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { compile } from "../support/compiled.js"
import * as Options from "../support/options.js"
import { type Options as Case, type Outcome, once, steps } from "./chaos.js"

const given = Options.read(import.meta.url, { runs: "200", rows: "3000", kills: "3", seed: "1" })
const rows = Options.whole("rows", given.rows, 1)
const kills = Options.whole("kills", given.kills, 0)
const seed = Options.whole("seed", given.seed, 0)

await compile()
const places = [...steps, "any time", "any time", "any time"] as const
const runs = Array.from(
  { length: Options.whole("runs", given.runs, 1) },
  (_, index): Case => ({
    seed: seed + index,
    api: index % 2 === 0 ? "entries" : "platform",
    step: places[Math.floor(index / 2) % places.length],
    rows,
    kills
  })
)

const outcomes: Array<{ readonly options: Case; readonly outcome: Outcome }> = []
const failures: Array<string> = []
const began = Date.now()
await Effect.forEach(
  runs,
  (options) =>
    Effect.map(Effect.exit(Effect.scoped(once(options))), (exit) => {
      if (Exit.isSuccess(exit)) outcomes.push({ options, outcome: exit.value })
      else failures.push(`${JSON.stringify(options)}\n${Cause.pretty(exit.cause)}`)
      process.stderr.write(`\r${outcomes.length + failures.length} of ${runs.length}, ${failures.length} failed`)
    }),
  { concurrency: availableParallelism() }
).pipe(Effect.runPromise)

process.stderr.write("\n")
const sum = (name: keyof Outcome, of: ReadonlyArray<{ readonly outcome: Outcome }>) =>
  of.reduce((total, { outcome }) => total + outcome[name], 0)
const line = (name: string, of: typeof outcomes) =>
  `${name.padEnd(24)}${[
    of.length,
    ...(["kills", "starts", "batches", "repeated", "mayRepeat"] as const).map((key) => sum(key, of))
  ]
    .map((value) => String(value).padStart(10))
    .join("")}\n`
process.stdout.write(
  `${"killed".padEnd(24)}${["runs", "kills", "processes", "batches", "repeated", "at most"].map((word) => word.padStart(10)).join("")}\n`
)
for (const place of new Set(places)) {
  for (const api of ["entries", "platform"] as const) {
    const of = outcomes.filter(({ options }) => options.step === place && options.api === api)
    if (of.length > 0) process.stdout.write(line(`${place}, ${api}`, of))
  }
}
process.stdout.write(line("all", outcomes))
process.stdout.write(`${failures.length} failed; ${Math.round((Date.now() - began) / 1000)} s\n`)
for (const failure of failures) process.stdout.write(`\n${failure}\n`)
process.exitCode = failures.length === 0 ? 0 : 1

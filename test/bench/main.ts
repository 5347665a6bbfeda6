/**
 * Each stage and the whole way, beside other ways to do it: one table, and the same as JSON and as a page with charts.
 *
 *     npm run bench -- [--short] [--only numbers,read,set,way,growth,check]
 *
 * `--short` takes a minute or two, with fewer rows than the goals are for. `--json PATH` and `--html PATH` say where the files go
 * (`bench-results/long.*` or `short.*` unless given), `--runs`, `--rows`, `--latency 0,20` and `--seed` change what is measured, and
 * `--profile FOLDER` leaves a CPU profile of each of the library's programs there.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import * as Options from "../support/options.js"
import * as Checked from "./checked.js"
import * as Growth from "./growth.js"
import { page } from "./page.js"
import type { Part, Results } from "./results.js"
import * as Sections from "./sections.js"
import * as Setup from "./setup.js"
import { render } from "./text.js"
import * as Turns from "./turns.js"

const parts: Readonly<Record<string, (bench: Turns.Bench) => Promise<Part>>> = {
  numbers: Sections.numbers,
  read: Sections.read,
  set: Sections.set,
  way: Sections.way,
  growth: Growth.part,
  check: Checked.part
}

const sizes = {
  long: {
    turns: 3,
    rows: 5_000_000,
    fewRows: 200_000,
    checkedRows: 100_000,
    numbers: 2_000_000,
    fewNumbers: 100_000,
    setRows: 1_000_000,
    growth: [100_000, 1_000_000, 10_000_000]
  },
  short: {
    turns: 2,
    rows: 100_000,
    fewRows: 20_000,
    checkedRows: 20_000,
    numbers: 500_000,
    fewNumbers: 20_000,
    setRows: 1_000_000,
    growth: [10_000, 50_000, 100_000]
  }
}

const given = Options.read(import.meta.url, {
  short: false,
  only: Object.keys(parts).join(","),
  rows: undefined,
  runs: undefined,
  latency: "0,20",
  seed: "1",
  json: undefined,
  html: undefined,
  profile: undefined
})

const size = given.short ? sizes.short : sizes.long
const only = Options.chosen("only", given.only, Object.keys(parts))
const rows = given.rows === undefined ? size.rows : Options.whole("rows", given.rows, 1)
const turns = given.runs === undefined ? size.turns : Options.whole("runs", given.runs, 1)
const seed = Options.whole("seed", given.seed, 0)

const started = performance.now()
const startedAt = new Date().toISOString()
const loadBefore = Setup.load()
const bench = Turns.make({
  ...size,
  rows,
  turns,
  seed,
  fewRows: Math.min(rows, size.fewRows),
  latencies: given.latency.split(",").map((text) => Options.whole("latency", text, 0)),
  flags: given.profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", resolve(given.profile)]
})

const done: Array<Part> = []
for (const name of only) {
  Setup.progress(name)
  done.push(await parts[name](bench))
}

const results: Results = {
  startedAt,
  seconds: (performance.now() - started) / 1000,
  machine: Setup.machine(),
  load: [loadBefore, Setup.load()],
  seed,
  turns,
  short: given.short || rows < sizes.long.rows,
  goals: done.flatMap(({ goals = [] }) => goals),
  sections: done.flatMap(({ sections = [] }) => sections),
  growth: done.flatMap(({ growth = [] }) => growth),
  checked: done.flatMap(({ checked = [] }) => checked)
}

process.stdout.write(render(results))
const name = `bench-results/${given.short ? "short" : "long"}`
for (const [path, content] of [
  [given.json ?? `${name}.json`, `${JSON.stringify(results, undefined, 2)}\n`],
  [given.html ?? `${name}.html`, page(results)]
]) {
  mkdirSync(dirname(resolve(path)), { recursive: true })
  writeFileSync(path, content)
  process.stdout.write(`written: ${path}\n`)
}
process.exit(0)

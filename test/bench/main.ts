/**
 * A file pushed to a sandbox in another process, beside the baseline in a third: rows a second, peak memory, CPU.
 *
 *     node --import tsx test/bench/main.ts [--rows 1000000] [--latency 20] [--runs 3] [--short] [--json PATH]
 *
 * `--latency` takes a list such as `0,20`. `--profile FOLDER` leaves a CPU profile of each push there.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { availableParallelism, loadavg, tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import * as Check from "./check.js"
import { compile } from "./compile.js"
import * as Data from "./data.js"
import * as Processes from "./processes.js"
import { number, spread, spreadText, table } from "./table.js"

const { values: given } = parseArgs({
  options: {
    rows: { type: "string" },
    latency: { type: "string", default: "20" },
    runs: { type: "string" },
    seed: { type: "string", default: "1" },
    short: { type: "boolean", default: false },
    json: { type: "string" },
    profile: { type: "string" }
  }
})

const whole = (name: string, text: string, least: number): number => {
  const value = Number(text)
  if (text.trim() !== "" && Number.isInteger(value) && value >= least) return value
  throw new Error(`--${name} ${text} is not a whole number from ${least}`)
}

const rows = whole("rows", given.rows ?? (given.short ? "50000" : "1000000"), 1)
const runs = whole("runs", given.runs ?? (given.short ? "1" : "3"), 1)
const seed = whole("seed", given.seed, 0)
const latencies = given.latency.split(",").map((text) => whole("latency", text, 0))
const flags = given.profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", resolve(given.profile)]

interface Run extends Processes.Measured {
  readonly list: Check.Inspection
}

const folders: Array<string> = []
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130))

const progress = (text: string): void => void process.stderr.write(`${text}\n`)

const startedAt = new Date()
const loadBefore = loadavg()[0]
const work = mkdtempSync(join(tmpdir(), "genesys-dnc-bench-"))
folders.push(work)
const compiled = compile()
folders.push(compiled)
progress(`making ${number(rows)} rows`)
const corpus = await Data.write(join(work, "suppression.csv"), rows, seed)

let count = 0
/** A new folder for what one run writes. */
const folder = (): string => {
  const path = join(work, String(++count))
  mkdirSync(path)
  return path
}

const once = (program: "push" | "baseline", latencyMs: number): Promise<Run> =>
  Processes.withSandbox(compiled, latencyMs, async (server) => {
    // several times what it takes: a hang ends, a busy machine does not fail
    const limitSeconds = 120 + (rows / 499) * ((latencyMs * 4) / 1000) + rows / 3000
    const task = { ...server, file: corpus.path, folder: folder() }
    const measured = await Processes.measure(compiled, program, task, limitSeconds, program === "push" ? flags : [])
    const list = await Check.inspect(server, corpus)
    const check = program === "push" ? Check.exact : Check.counted
    check(list, measured.numbersOnList, corpus)
    if (measured.rows !== rows) throw new Error(`${program} has read ${measured.rows} of ${rows} rows`)
    rmSync(task.folder, { recursive: true })
    progress(
      `${program.padEnd(8)} ${latencyMs} ms: ${number(measured.rowsPerSecond)} rows/s, ${number(measured.peakRssMB)} MB`
    )
    return { ...measured, list }
  })

const readAlone = async (): Promise<Processes.Measured> => {
  const task = { url: "", listId: "", clientId: "", clientSecret: "", file: corpus.path, folder: folder() }
  const measured = await Processes.measure(compiled, "read", task, 120 + rows / 3000)
  if (measured.rows !== rows || measured.numbersOnList !== corpus.expected.size) {
    throw new Error(`Reading alone finds ${measured.numbersOnList} numbers in ${measured.rows} rows`)
  }
  rmSync(task.folder, { recursive: true })
  progress(`read          : ${number(measured.rowsPerSecond)} rows/s, ${number(measured.peakRssMB)} MB`)
  return measured
}

const pairs = new Map<number, Array<{ readonly ours: Run; readonly baseline: Run }>>()
for (const latencyMs of latencies) {
  const done: Array<{ readonly ours: Run; readonly baseline: Run }> = []
  pairs.set(latencyMs, done)
  for (let run = 0; run < runs; run++) {
    const ours = await once("push", latencyMs)
    done.push({ ours, baseline: await once("baseline", latencyMs) })
  }
}
const reads: Array<Processes.Measured> = []
for (let run = 0; run < runs; run++) reads.push(await readAlone())

const loadAfter = loadavg()[0]
const perSecond = (runs: ReadonlyArray<Run>, stage: "readSeconds" | "sendSeconds"): string =>
  spreadText(runs.map((run) => (stage === "readSeconds" ? run.rows : run.numbersOnList) / run.stages[stage]))

const lines = [
  "",
  `${number(rows)} rows, ${(corpus.bytes / 1e6).toFixed(1)} MB, ${number(corpus.expected.size)} distinct valid numbers, seed ${seed}; ${runs} pair(s), taken in turn`,
  `Node ${process.version}, ${availableParallelism()} cores for client and sandbox, load ${loadBefore.toFixed(1)} at the start and ${loadAfter.toFixed(1)} at the end`,
  "Median (min–max). Rows a second from the start of the work, compiled JavaScript; a fresh sandbox for every run.",
  "`more`: numbers on the list that are not valid; `looser or other`: with another value than the file's strictest.",
  ""
]
const title = ["", "rows/s", "peak RSS MB", "CPU s", "whole process s", "on the list", "more", "looser or other"]
const goals: Array<string> = []
const summaries = latencies.map((latencyMs) => {
  const done = pairs.get(latencyMs) ?? []
  const ratios = done.map(({ baseline, ours }) => ours.rowsPerSecond / baseline.rowsPerSecond)
  const [ours, baseline] = [done.map(({ ours }) => ours), done.map(({ baseline }) => baseline)]
  const row = (name: string, runs: ReadonlyArray<Run>) => [
    name,
    spreadText(runs.map((run) => run.rowsPerSecond)),
    spreadText(runs.map((run) => run.peakRssMB)),
    spreadText(
      runs.map((run) => run.cpuSeconds),
      1
    ),
    spreadText(
      runs.map((run) => run.wallSeconds),
      1
    ),
    number(runs[0].list.onList),
    number(runs[0].list.unexpected),
    number(runs[0].list.otherValue)
  ]
  lines.push(
    `${latencyMs} ms of latency`,
    ...table([title, row("genesys-dnc", ours), row("baseline", baseline)]),
    `  ratio of rows/s, pair by pair: ${spreadText(ratios, 2)}`,
    ""
  )
  const ratio = spread(ratios)
  const peak = Math.max(...ours.map((run) => run.peakRssMB))
  // the goals are for the whole length: in a short run half of the time is the compiler warming up
  if (rows >= 1_000_000) {
    if (latencyMs === 20) goals.push(`at least 2 times the baseline's rows/s at 20 ms: ${verdict(ratio.median >= 2)}`)
    goals.push(`peak RSS under 250 MB at ${latencyMs} ms: ${verdict(peak < 250)}`)
  }
  return {
    latencyMs,
    ratio,
    ours: summary(ours),
    baseline: summary(baseline),
    pairs: done
  }
})

function verdict(met: boolean): string {
  return met ? "met" : "NOT met"
}

function summary(runs: ReadonlyArray<Processes.Measured>) {
  const of = (key: "rowsPerSecond" | "peakRssMB" | "cpuSeconds" | "seconds" | "wallSeconds") =>
    spread(runs.map((run) => run[key]))
  return {
    rowsPerSecond: of("rowsPerSecond"),
    peakRssMB: of("peakRssMB"),
    cpuSeconds: of("cpuSeconds"),
    seconds: of("seconds"),
    wallSeconds: of("wallSeconds")
  }
}

const stages = [["stage", "latency ms", "genesys-dnc", "baseline"]]
stages.push(["read and validate alone, rows/s", "", spreadText(reads.map((run) => run.rowsPerSecond)), ""])
for (const [latencyMs, done] of pairs) {
  const [ours, baseline] = [done.map(({ ours }) => ours), done.map(({ baseline }) => baseline)]
  stages.push(
    [
      "read and validate, rows/s",
      String(latencyMs),
      perSecond(ours, "readSeconds"),
      perSecond(baseline, "readSeconds")
    ],
    ["send, numbers/s", String(latencyMs), perSecond(ours, "sendSeconds"), perSecond(baseline, "sendSeconds")]
  )
}
lines.push(...table(stages), "", ...goals)
process.stdout.write(`${lines.join("\n")}\n`)

if (given.json !== undefined) {
  const { bytes, expected, sha256, unassigned } = corpus
  const figures = {
    startedAt: startedAt.toISOString(),
    machine: {
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      cores: availableParallelism(),
      load: [loadBefore, loadAfter]
    },
    corpus: { rows, seed, bytes, sha256, distinctNumbers: expected.size, unassigned },
    latencies: summaries,
    read: { ...summary(reads), runs: reads }
  }
  writeFileSync(given.json, `${JSON.stringify(figures, undefined, 2)}\n`)
  progress(`${given.json}: ${statSync(given.json).size} bytes`)
}
process.exit(0)

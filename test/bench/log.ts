/**
 * What the audit log costs: a file pushed to a sandbox with the log in memory and in a file, masked, hashed and whole, all in
 * turn, so that whatever else the machine does falls on each of them. Ratios are within one turn.
 *
 *     node --import tsx test/bench/log.ts [--rows 500000] [--latency 0,20] [--runs 5] [--short] [--logs memory,default]
 *
 * `--profile FOLDER` leaves a CPU profile of each push there.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { availableParallelism, loadavg, tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import * as Check from "./check.js"
import * as Child from "./child.js"
import { compile } from "./compile.js"
import * as Data from "./data.js"
import * as Processes from "./processes.js"
import { number, spread, spreadText, table } from "./table.js"

const { values: given } = parseArgs({
  options: {
    rows: { type: "string" },
    latency: { type: "string", default: "0,20" },
    runs: { type: "string" },
    logs: { type: "string", default: "memory,default,masked,hashed,whole" },
    short: { type: "boolean", default: false },
    profile: { type: "string" }
  }
})

const whole = (name: string, text: string, least: number): number => {
  const value = Number(text)
  if (text.trim() !== "" && Number.isInteger(value) && value >= least) return value
  throw new Error(`--${name} ${text} is not a whole number from ${least}`)
}

const rows = whole("rows", given.rows ?? (given.short ? "50000" : "500000"), 1)
const runs = whole("runs", given.runs ?? (given.short ? "2" : "5"), 1)
const latencies = given.latency.split(",").map((text) => whole("latency", text, 0))
const logs = given.logs.split(",").map((name) => {
  const log = Child.logs.find((log) => log === name)
  if (log === undefined) throw new Error(`--logs ${name} is none of ${Child.logs.join(", ")}`)
  return log
})
const flags = given.profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", resolve(given.profile)]

const folders: Array<string> = []
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130))

const work = mkdtempSync(join(tmpdir(), "genesys-dnc-bench-"))
folders.push(work)
const compiled = compile()
folders.push(compiled)
const corpus = await Data.write(join(work, "suppression.csv"), rows, 1)
const loadBefore = loadavg()[0]

let count = 0
const once = (log: Child.Log, latencyMs: number): Promise<Processes.Measured> =>
  Processes.withSandbox(compiled, latencyMs, async (server) => {
    const folder = join(work, String(++count))
    mkdirSync(folder)
    const task = { ...server, file: corpus.path, folder, log }
    const limitSeconds = 120 + (rows / 499) * ((latencyMs * 4) / 1000) + rows / 3000
    const measured = await Processes.measure(compiled, "push", task, limitSeconds, flags)
    Check.exact(await Check.inspect(server, corpus), measured.numbersOnList, corpus)
    rmSync(folder, { recursive: true })
    process.stderr.write(`${log.padEnd(8)} ${latencyMs} ms: ${number(measured.rowsPerSecond)} rows/s\n`)
    return measured
  })

const goals = new Map([
  [0, 0.7],
  [20, 0.9]
])
const lines = [
  "",
  `${number(rows)} rows, ${number(corpus.expected.size)} distinct valid numbers; ${runs} turn(s)`,
  `Node ${process.version}, ${availableParallelism()} cores for client and sandbox, load ${loadBefore.toFixed(1)} at the start`,
  "Median (min–max); ratios of rows/s to the first log of the same turn.",
  ""
]
for (const latencyMs of latencies) {
  const done = new Map<Child.Log, Array<Processes.Measured>>(logs.map((log) => [log, []]))
  for (let run = 0; run < runs; run++) {
    // each is as often the one behind the warm machine as any other
    const turn = logs.map((_, at) => logs[(at + run) % logs.length])
    for (const log of turn) done.get(log)?.push(await once(log, latencyMs))
  }
  const first = done.get(logs[0]) ?? []
  const ratios = (measured: ReadonlyArray<Processes.Measured>) =>
    measured.map(({ rowsPerSecond }, run) => rowsPerSecond / first[run].rowsPerSecond)
  lines.push(
    `${latencyMs} ms of latency`,
    ...table([
      ["log", "rows/s", "ratio", "send, numbers/s", "CPU s", "peak RSS MB"],
      ...Array.from(done, ([log, measured]) => [
        log,
        spreadText(measured.map(({ rowsPerSecond }) => rowsPerSecond)),
        spreadText(ratios(measured), 2),
        spreadText(measured.map(({ numbersOnList, stages }) => numbersOnList / stages.sendSeconds)),
        spreadText(
          measured.map(({ cpuSeconds }) => cpuSeconds),
          1
        ),
        spreadText(measured.map(({ peakRssMB }) => peakRssMB))
      ])
    ])
  )
  const goal = goals.get(latencyMs)
  const durable = done.get("default")
  if (logs[0] === "memory" && durable !== undefined && goal !== undefined) {
    const { median } = spread(ratios(durable))
    lines.push(`  default at least ${goal} of memory: ${median >= goal ? "met" : "NOT met"}`)
  }
  lines.push("")
}
process.stdout.write(`${lines.join("\n")}\n`)
process.exit(0)

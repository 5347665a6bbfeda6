/**
 * What the audit log costs: a file pushed to a sandbox with the log in memory and in a file, masked, hashed and whole, all in
 * turn, so that whatever else the machine does falls on each of them. Ratios are within one turn.
 *
 *     npm run bench:log -- [--rows 500000] [--latency 0,20] [--runs 5] [--short] [--logs memory,default]
 *
 * `--profile FOLDER` leaves a CPU profile of each push there.
 */
import { join, resolve } from "node:path"
import * as Options from "../support/options.js"
import * as Check from "./check.js"
import * as Child from "./child.js"
import * as Data from "./data.js"
import * as Processes from "./processes.js"
import * as Setup from "./setup.js"
import { number, spread, spreadText, table } from "./table.js"

const given = Options.read(import.meta.url, {
  rows: undefined,
  latency: "0,20",
  runs: undefined,
  logs: "memory,default,masked,hashed,whole",
  short: false,
  profile: undefined
})

const rows = Options.whole("rows", given.rows ?? (given.short ? "50000" : "500000"), 1)
const runs = Options.whole("runs", given.runs ?? (given.short ? "2" : "5"), 1)
const latencies = given.latency.split(",").map((text) => Options.whole("latency", text, 0))
const logs = Options.chosen("logs", given.logs, Child.logs)
const flags = given.profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", resolve(given.profile)]

const { compiled, withFolder, work } = Setup.place()
const corpus = await Data.write(join(work, "suppression.csv"), rows, 1)
const machine = Setup.machine()
const loadBefore = Setup.load()

const once = (log: Child.Log, latencyMs: number): Promise<Processes.Measured> =>
  Processes.withServer(compiled, "sandbox", latencyMs, (server) =>
    withFolder(async (folder) => {
      const task = { ...server, file: corpus.path, folder, log }
      const measured = await Processes.measure(compiled, "push", task, Processes.limitSeconds(rows, latencyMs), flags)
      Check.exact(await Check.inspect(server, corpus), corpus, "entries")
      Setup.progress(`${log.padEnd(8)} ${latencyMs} ms: ${number(measured.rowsPerSecond)} rows/s`)
      return measured
    })
  )

const goals = new Map([
  [0, 0.7],
  [20, 0.9]
])
const lines = [
  "",
  `${number(rows)} rows, ${number(corpus.expected.size)} distinct valid numbers; ${runs} turn(s)`,
  `Node ${machine.node}, ${machine.cores} cores for client and sandbox, load ${loadBefore.toFixed(1)} at the start`,
  "Median (min–max); ratios of rows/s to the first log of the same turn.",
  ""
]
for (const latencyMs of latencies) {
  const turns = await Setup.rotated(
    runs,
    logs.map((log) => () => once(log, latencyMs))
  )
  const done = new Map(logs.map((log, which) => [log, turns[which]]))
  const [first] = turns
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
        spreadText(measured.map(({ numbersOnList, stages }) => numbersOnList / stages.send.seconds)),
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

/**
 * How long the command takes to start: the first page of help, a command's own page by the parser, and a number looked up in a
 * log that has its index, beside bare Node, all in turn. Ratios are within one turn.
 *
 *     npm run bench:start -- [--entries 100000] [--runs 15] [--seed 1]
 */
import { spawn } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Options from "../support/options.js"
import * as Data from "./data.js"
import * as Processes from "./processes.js"
import * as Setup from "./setup.js"
import { number, spread, spreadText, table } from "./table.js"

const given = Options.read(import.meta.url, { entries: "100000", runs: "15", seed: "1" })

const entries = Options.whole("entries", given.entries, 1)
const runs = Options.whole("runs", given.runs, 1)
const seed = Options.whole("seed", given.seed, 0)

const place = Setup.place()
const { compiled, work } = place
const main = await place.command()

const corpus = await Data.write(join(work, "suppression.csv"), entries, seed)
const log = join(work, "log", "audit.jsonl")
mkdirSync(join(work, "log"))
await Processes.withServer(compiled, "sandbox", 0, (server) =>
  Processes.measure(
    compiled,
    "push",
    { ...server, file: corpus.path, folder: join(work, "log"), log: "default" },
    120 + entries / 3000
  )
)

/** Says at the end of a process what it took, on a pipe of its own. */
const witness = join(work, "witness.cjs")
writeFileSync(
  witness,
  `process.on("exit", () => {
  const fs = require("node:fs")
  const { maxRSS, systemCPUTime, userCPUTime } = process.resourceUsage()
  let kibibytes = maxRSS
  // what Linux calls maxRSS begins with the peak of the process that started this one
  try { kibibytes = Number(/^VmHWM:\\s+(\\d+)/m.exec(fs.readFileSync("/proc/self/status", "utf8"))[1]) } catch {}
  fs.writeSync(3, JSON.stringify({ cpuMs: (systemCPUTime + userCPUTime) / 1000, peakRssMB: kibibytes * 1024 / 1e6 }))
})
`
)

interface Took {
  readonly wallMs: number
  readonly cpuMs: number
  readonly peakRssMB: number
}

const once = async (args: ReadonlyArray<string>, says: RegExp): Promise<Took> => {
  const before = performance.now()
  const child = spawn(process.execPath, ["--require", witness, ...args], {
    cwd: work,
    stdio: ["ignore", "pipe", "inherit", "pipe"]
  })
  let stdout = ""
  let took = ""
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    stdout += text
  })
  child.stdio[3]!.on("data", (bytes: Buffer) => {
    took += bytes
  })
  // what was started is over when it has ended; what it has said may come a little later
  let wallMs = 0
  child.once("exit", () => {
    wallMs = performance.now() - before
  })
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve))
  if (code !== 0 || !says.test(stdout)) throw new Error(`${args.join(" ")} ended with ${code}, and said: ${stdout}`)
  return { wallMs, ...JSON.parse(took) }
}

const known = `+${corpus.expected.keys().next().value}`
const cases: ReadonlyArray<readonly [name: string, args: ReadonlyArray<string>, says: RegExp]> = [
  ["node -e 0", ["-e", "0"], /^$/],
  ["--help", [main, "--help"], /^Usage$/m],
  ["push --help", [main, "push", "--help"], /--concurrency/],
  ["audit find", [main, "audit", "find", known, "--audit", log], /onto list .*: done/]
]

// the first search makes the index
const index = await once(cases[3][1], cases[3][2])
const machine = Setup.machine()
const loadBefore = Setup.load()
const done = await Setup.rotated(
  runs,
  cases.map(
    ([, args, says]) =>
      () =>
        once(args, says)
  )
)

const of = (which: number, figure: keyof Took) => done[which].map((took) => took[figure])
const ratios = (which: number, figure: keyof Took) =>
  of(which, figure).map((value, run) => value / done[0][run][figure])
const lines = [
  "",
  `${number(entries)} rows in the log, whose index took ${number(index.wallMs)} ms; ${runs} turn(s)`,
  `Node ${machine.node}, ${machine.cores} cores, load ${loadBefore.toFixed(1)} at the start`,
  "Median (min–max); ratios to node -e 0 of the same turn.",
  "",
  ...table([
    ["", "wall ms", "ratio", "CPU ms", "ratio", "peak RSS MB"],
    ...cases.map(([name], which) => [
      name,
      spreadText(of(which, "wallMs")),
      spreadText(ratios(which, "wallMs"), 2),
      spreadText(of(which, "cpuMs")),
      spreadText(ratios(which, "cpuMs"), 2),
      spreadText(of(which, "peakRssMB"), 1)
    ])
  ]),
  "",
  ...(
    [
      ["--help in at most 2.2 times the time of bare Node", spread(ratios(1, "wallMs")).median <= 2.2],
      ["--help in at most 60 MB", spread(of(1, "peakRssMB")).median <= 60]
    ] as const
  ).map(([goal, isMet]) => `  ${goal}: ${isMet ? "met" : "NOT met"}`)
]
process.stdout.write(`${lines.join("\n")}\n`)
process.exit(0)

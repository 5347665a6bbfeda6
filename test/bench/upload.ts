/**
 * When one file beats requests: a million rows to a sandbox with the documented limit of 300 requests a minute, by PATCH and
 * as an upload. The sandbox's windows are ten times as short; what the waits take at full length is added by arithmetic.
 *
 *     node --import tsx test/bench/upload.ts [--rows 1000000] [--import-delay 0] [--export-delay 0]
 *
 * How long Genesys Cloud takes for an import or an export is not published: what the table says of uploads is our side and
 * the sandbox's, and the delays that were given.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { DncEntry, DncUpload, GenesysDnc, HttpClient, Pipeline } from "genesys-dnc"
import { Sandbox } from "genesys-dnc/sandbox"
import * as Options from "../support/options.js"
import { number, table } from "./table.js"

const given = Options.read(import.meta.url, {
  rows: "1000000",
  "import-delay": "0",
  "export-delay": "0",
  // of the process that this program starts: so many entries are on the sandbox's list already
  serve: undefined
})
const rows = Options.whole("rows", given.rows, 1)
const delays = {
  importDelayMs: Options.whole("import-delay", given["import-delay"], 0),
  exportDelayMs: Options.whole("export-delay", given["export-delay"], 0)
}

const limit = { requests: 300, windowSeconds: 60 }
const factor = 10

/** The sandbox in a process of its own, with so many entries on its list already. */
const serve = (seeded: number) =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.make({
      contract: "platform",
      rateLimit: { ...limit, windowSeconds: limit.windowSeconds / factor },
      maxListRecords: 5_000_000,
      maxOrgRecords: 10_000_000,
      ...delays
    })
    yield* sandbox.seed(
      (function* () {
        for (let index = 0; index < seeded; index++) yield { phoneNumber: `+99${String(index).padStart(9, "0")}` }
      })()
    )
    const { clientId, clientSecret, listId, url } = sandbox
    process.stdout.write(`${JSON.stringify({ url, listId, clientId, clientSecret })}\n`)
    yield* Effect.async<void>((resume) => {
      process.stdin.on("close", () => resume(Effect.void)).resume()
    })
  }).pipe(Effect.scoped, Effect.runPromise)

const day = 86_400_000
const firstDay = Math.ceil(Date.now() / day) * day

const blockSize = 5000

/** So many rows of so many ends, each end an hour or so from the next. */
const input = (expiries: number): Pipeline.Input => ({
  name: "bench",
  bytes: rows,
  bytesRead: Effect.succeed(0),
  blocks: Stream.fromIterable(
    (function* () {
      for (let first = 0; first < rows; first += blockSize) {
        yield DncEntry.rowBlock(
          Array.from({ length: Math.min(blockSize, rows - first) }, (_, index) => ({
            phoneNumber: `+33199${String(first + index).padStart(6, "0")}`,
            expires: expiries === 1 ? "" : new Date(firstDay + ((first + index) % expiries) * 3_600_000).toISOString()
          })),
          first + 1
        )
      }
    })()
  ),
  digest: Effect.succeed(""),
  unchanged: Effect.void
})

interface Case {
  readonly name: string
  readonly expiries: number
  readonly seeded: number
  readonly upload?: "append" | "replace"
}

const run = async ({ expiries, seeded, upload }: Case) => {
  const args = ["--import", "tsx", fileURLToPath(import.meta.url), "--serve", String(seeded)]
  const delay = ["--import-delay", String(delays.importDelayMs), "--export-delay", String(delays.exportDelayMs)]
  const child = spawn(process.execPath, [...args, ...delay], { stdio: ["pipe", "pipe", "inherit"] })
  const ended = once(child, "exit")
  const [line] = await once(createInterface(child.stdout), "line")
  const server = JSON.parse(String(line))
  const services = GenesysDnc.layer({
    apiUrl: server.url,
    credentials: { clientId: server.clientId, clientSecret: Redacted.make(server.clientSecret) },
    auditLog: "/dev/null"
  })
  let peak = 0
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, 50)
  const report = await Effect.flatMap(HttpClient.HttpClient, (client) =>
    Pipeline.push([input(expiries)], {
      dncListId: server.listId,
      sizeLag: 0,
      ...(upload === undefined ? {} : { upload: { above: 0, client, import: upload } })
    })
  ).pipe(Effect.provide(Layer.fresh(services)), Effect.runPromise)
  clearInterval(timer)
  child.stdin.end()
  await ended
  if (
    report.outcome !== "completed" ||
    report.totals.accepted !== rows ||
    (upload !== undefined) !== (report.upload !== undefined)
  ) {
    throw new Error(JSON.stringify(report))
  }
  // each full window is waited out at the limit; here it was shorter
  const windows = upload === undefined ? Math.floor((report.batches.cut - 1) / limit.requests) : 0
  const send = report.durationMs.send / 1000
  const full = send + windows * (limit.windowSeconds - limit.windowSeconds / factor)
  return { batches: report.batches.cut, send, full, megabytes: (report.upload?.bytes ?? 0) / 1e6, peak: peak / 1e6 }
}

if (given.serve !== undefined) {
  await serve(Options.whole("serve", given.serve, 0))
  process.exit(0)
}

const cases: ReadonlyArray<Case> = [
  { name: "PATCH, 1 expiry", expiries: 1, seeded: 0 },
  { name: "PATCH, 50 expiries", expiries: 50, seeded: 0 },
  { name: "PATCH, 2,000 expiries", expiries: 2000, seeded: 0 },
  { name: "upload, list empty", expiries: 2000, seeded: 0, upload: "replace" },
  { name: "upload (append), 500,000 on the list", expiries: 2000, seeded: 500_000, upload: "append" },
  { name: "upload (replace), 500,000 on the list", expiries: 2000, seeded: 500_000, upload: "replace" }
]

const lines = [["", "requests", "measured s", "at 300 a minute s", "file MB", "peak RSS MB"]]
const uploads: Array<number> = []
for (const one of cases) {
  process.stderr.write(`${one.name}\n`)
  const { batches, full, megabytes, peak, send } = await run(one)
  if (one.upload !== undefined) uploads.push(full)
  lines.push([
    one.name,
    one.upload === undefined ? number(batches) : "1 file",
    number(send, 1),
    number(full, 1),
    number(megabytes, 1),
    number(peak)
  ])
}
const slowest = Math.max(...uploads)
const breakEven = limit.requests * (1 + Math.floor(slowest / limit.windowSeconds))
process.stdout.write(
  `${[
    "",
    `${number(rows)} numbers, sent (reading them is not counted); windows of ${limit.windowSeconds / factor} s instead of ${limit.windowSeconds} s in "measured"`,
    `import delay ${number(delays.importDelayMs)} ms, export delay ${number(delays.exportDelayMs)} ms: the vendor's are not published`,
    "",
    ...table(lines),
    "",
    `An upload took ${number(slowest, 1)} s at most: requests that fill no second window (${limit.requests}) end sooner, and so do ${number(breakEven)}.`,
    `The command's default threshold is ${number(DncUpload.above)} requests: ${number(Math.floor((DncUpload.above - 1) / limit.requests))} windows, so that an import and two exports may take ${number(Math.floor((DncUpload.above - 1) / limit.requests))} minutes before it loses.`
  ].join("\n")}\n`
)
process.exit(0)

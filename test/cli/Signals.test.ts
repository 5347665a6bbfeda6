/** Processes that run until somebody stops them, and the demonstration. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { GenesysDnc, RunReport } from "genesys-dnc"
import { Sandbox } from "genesys-dnc/sandbox"
import * as ExitCode from "../../src/cli/ExitCode.js"
import {
  csv,
  environment,
  file,
  folder,
  gate,
  mode,
  number,
  onList,
  posts,
  quick,
  readRecords,
  run,
  start,
  until
} from "../support/cli.js"

const timeout = 120_000

/** Eleven batches, of which five are in the air at the gate. */
const fiveInTheAir = Effect.gen(function* () {
  const sandbox = yield* Sandbox.make()
  const before = yield* gate(sandbox)
  const cwd = yield* folder
  Fs.writeFileSync(Path.join(cwd, "optouts.csv"), csv(5400))
  const push = yield* start(["push", "optouts.csv", "--json", "--api", "entries", "--concurrency", "5"], {
    cwd,
    env: { ...environment(sandbox), GENESYS_DNC_API_URL: before.url }
  })
  yield* until("five requests", () => before.arrived() === 5)
  push.signal("SIGINT")
  yield* until("word of the stop", () => push.stderr().includes("Stopping: waiting for the requests on their way"))
  return { sandbox, before, push, auditLog: Path.join(cwd, "genesys-dnc-audit.jsonl") }
})

describe("Ctrl-C", { timeout }, () => {
  it.scopedLive("while sending: what is on its way ends, nothing is begun, everything is accounted for", () =>
    Effect.gen(function* () {
      const { auditLog, before, push, sandbox } = yield* fiveInTheAir
      before.open()
      const { code, stdout } = yield* push.ended
      assert.strictEqual(code, ExitCode.interrupted)
      assert.match(stdout, /^\{[^\n]*\}\n$/)
      const report: RunReport.RunReport & { readonly exitCode: number } = JSON.parse(stdout)
      assert.strictEqual(report.exitCode, ExitCode.interrupted)
      assert.strictEqual(report.outcome, "stopped")
      assert.strictEqual(report.complianceStatus, "INCOMPLETE")
      assert.strictEqual(report.totals.created, 5 * 499)
      assert.strictEqual(report.totals.skipped, 5400 - 5 * 499)
      assert.strictEqual(RunReport.imbalance(report.totals), 0)
      assert.strictEqual(before.arrived(), 5)
      assert.strictEqual(yield* posts(sandbox), 5)
      assert.strictEqual(onList(sandbox).size, 5 * 499)
      const records = readRecords(auditLog)
      const batches = (operation: string) =>
        records.flatMap((record) =>
          record.operation === operation ? [(record.result as { batch: number }).batch] : []
        )
      const sent = batches("BATCH_DONE")
      assert.strictEqual(sent.length, 5)
      // those that were made ready behind them never went out, and the log says so
      const unsent = records.flatMap((record) => (record.operation === "BATCH_FAILED" ? [record.result] : []))
      assert.isTrue(unsent.every(({ attempts, outcome }) => attempts === 0 && outcome === "failed"))
      assert.isAtMost(unsent.length, 3)
      assert.sameMembers(batches("BATCH_INTENDED"), [...sent, ...unsent.map(({ batch }) => batch)])
      const last = records.at(-1)
      assert.strictEqual(last?.operation, "RUN_FINISHED")
      assert.deepStrictEqual(last?.operation === "RUN_FINISHED" && last.result.totals, { ...report.totals })
    })
  )

  it.scopedLive("twice: leaves at once, and the log names every request that went out", () =>
    Effect.gen(function* () {
      const { auditLog, before, push } = yield* fiveInTheAir
      push.signal("SIGINT")
      const { code, stdout } = yield* push.ended
      assert.strictEqual(code, ExitCode.interrupted)
      assert.strictEqual(stdout, "")
      const intended = readRecords(auditLog).flatMap((record) =>
        record.operation === "BATCH_INTENDED" ? [record.result.idempotencyKey] : []
      )
      assert.strictEqual(before.arrived(), 5)
      assert.includeMembers(intended, [...before.keys()])
      assert.isAtMost(intended.length, 8)
    })
  )

  it.scopedLive("while reading: nothing is sent, and no copy of standard input is left", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const cwd = yield* folder
      const tmp = yield* folder
      const copies = () => Fs.readdirSync(tmp).filter((name) => /^genesys-dnc-/.test(name))
      const push = yield* start(["push", "-", "--json", "--api", "entries"], {
        cwd,
        env: { ...environment(sandbox), TMPDIR: tmp }
      })
      push.stdin.write(csv(10))
      const written = (name: string) => {
        const copy = Path.join(tmp, name, "standard-input")
        return Fs.existsSync(copy) && Fs.statSync(copy).size > 0
      }
      yield* until("a copy", () => copies().some(written))
      assert.strictEqual(mode(Path.join(tmp, copies()[0], "standard-input")), 0o600)
      push.signal("SIGINT")
      const { code, stderr, stdout } = yield* push.ended
      assert.strictEqual(code, ExitCode.interrupted)
      assert.match(stderr, /Stopped before anything was sent/)
      assert.strictEqual(stdout, "")
      assert.deepStrictEqual(copies(), [])
      assert.strictEqual(yield* posts(sandbox), 0)
    })
  )
})

describe("npm start", { timeout }, () => {
  it.scopedLive("shows the example going right, whatever the folder says about real accounts", () =>
    Effect.gen(function* () {
      const real = yield* Sandbox.make()
      const cwd = yield* folder
      const lines = Object.entries({ ...environment(real), GENESYS_DNC_LOGIN_URL: real.url })
      Fs.writeFileSync(Path.join(cwd, ".env"), lines.map(([name, value]) => `${name}=${value}\n`).join(""))
      const { code, stderr, stdout } = yield* run([], { cwd, entry: "start" })
      assert.strictEqual(code, ExitCode.done, stderr)
      assert.match(stdout, /All as expected, 5 requests repeated, no number lost or doubled/)
      assert.match(stdout, / 146 {2}read\n/)
      assert.deepStrictEqual((yield* real.stats).requests.token, {})
      const left = Path.join(cwd, "genesys-dnc-demo")
      assert.strictEqual(mode(left), 0o700)
      assert.deepStrictEqual(Fs.readdirSync(left).sort(), [
        "audit.jsonl",
        "audit.jsonl.key",
        "rejects.csv",
        "summary.json"
      ])
      for (const name of Fs.readdirSync(left)) assert.strictEqual(mode(Path.join(left, name)), 0o600, name)
      assert.strictEqual(readRecords(Path.join(left, "audit.jsonl")).at(-1)?.operation, "RUN_FINISHED")
      assert.strictEqual(JSON.parse(Fs.readFileSync(Path.join(left, "summary.json"), "utf8")).totals.read, 146)
    })
  )
})

describe("genesys-dnc sandbox", { timeout }, () => {
  it.scopedLive("says how to reach it, takes numbers, ends on Ctrl-C", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const faults = ["--drops-before", "0.2", "--truncated", "0.2", "--slow", "0.2", "--slow-ms", "20"]
      const refusing = ["--refuse", "+331990000*2", "--refusals", "named"]
      const sandbox = yield* start(["sandbox", "--port", "0", "--print", ...faults, ...refusing], { cwd })
      yield* until("the list", () => /^export GENESYS_DNC_LIST=.*\n/m.test(sandbox.stdout()))
      const said = sandbox.stdout()
      const variables = new Map(Array.from(said.matchAll(/^export (\w+)=(\S+)$/gm), ([, name, value]) => [name, value]))
      assert.match(said, new RegExp(`^Genesys Cloud sandbox at ${variables.get("GENESYS_DNC_API_URL")}, DNC list`))
      const connection = yield* GenesysDnc.connection().pipe(
        Effect.withConfigProvider(ConfigProvider.fromMap(variables))
      )
      const path = yield* file(csv(3))
      const report = yield* GenesysDnc.pushFile(path, { dncListId: variables.get("GENESYS_DNC_LIST") ?? "" }).pipe(
        Effect.provide(GenesysDnc.layer({ ...connection, api: "entries", auditLog: `${path}.audit`, retry: quick }))
      )
      assert.strictEqual(report.totals.created, 2)
      assert.deepStrictEqual(report.rejectsByCode, { RefusedByServer: 1 })
      sandbox.signal("SIGINT")
      const { code, stderr, stdout } = yield* sandbox.ended
      assert.strictEqual(code, ExitCode.interrupted, stderr)
      const printed = stdout.slice(said.length).trimEnd().split("\n")
      assert.deepStrictEqual(
        printed.map((line) => JSON.parse(line).phoneNumber),
        [number(0), number(1)]
      )
    })
  )

  it.scopedLive("says that a port is taken", () =>
    Effect.gen(function* () {
      const { port } = yield* Sandbox.make()
      const { code, stderr, stdout } = yield* run(["sandbox", "--port", String(port)], { cwd: yield* folder })
      assert.strictEqual(code, ExitCode.aborted)
      assert.strictEqual(stdout, "")
      assert.strictEqual(
        stderr,
        `genesys-dnc: Port ${port} of 127.0.0.1 is taken by another program.\n  Choose another port, or 0 for any free one.\n`
      )
    })
  )
})

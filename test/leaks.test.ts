/** Whatever a run leaves beside the files that were asked for holds no secret, no token and no whole contact. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Tracer from "effect/Tracer"
import { GenesysDnc } from "genesys-dnc"
import { Faults, Sandbox } from "genesys-dnc/sandbox"
import { environment, folder, number, quick, readRecords, run } from "./support/cli.js"

const secret = "s3cr3t-of-the-client"

const first = 1000

const many = 40

const all = Array.from({ length: many }, (_, index) => number(first + index))

/** Rows that are valid, and some that are not. */
const rows = (header = "phone,expires") =>
  `${header}\n${all.map((value, index) => `${value},${index < 5 ? new Date(Date.now() + 300 * 86_400_000).toISOString() : ""}`).join("\n")}\n0199001234567,\ncall 0199001235,\n`

const forbidden = [
  ...all.flatMap((value) => [value, value.slice(3)]),
  ...["0199001234567", "0199001235", secret, btoa(`sandbox:${secret}`), "Bearer ey", "authorization: B"]
]

const assertClean = (name: string, text: string) => {
  const found = forbidden.filter((word) => text.includes(word))
  assert.deepStrictEqual(
    found,
    [],
    `${name}: ${found.map((word) => text.slice(Math.max(0, text.indexOf(word) - 200), text.indexOf(word) + 40)).slice(0, 1)}`
  )
}

/** Collects spans as an exporter would, with what they were annotated with and how they ended. */
const spying = (said: Array<string>) =>
  Tracer.make({
    context: (f) => f(),
    span: (name, parent, context, links, startTime, kind) => {
      const attributes = new Map<string, unknown>()
      const span: Tracer.Span = {
        ...{
          _tag: "Span",
          name,
          spanId: String(said.length),
          traceId: "t",
          parent,
          context,
          links,
          kind,
          sampled: true
        },
        ...{ attributes, status: { _tag: "Started", startTime } },
        end: (_, exit) => {
          const ended = Exit.isFailure(exit) ? Cause.pretty(exit.cause) : ""
          said.push(`${name} ${JSON.stringify([...attributes])} ${ended}`)
        },
        attribute: (key, value) => void attributes.set(key, value),
        event: (name, _, attributes) => void said.push(`${name} ${JSON.stringify(attributes)}`),
        addLinks: () => {}
      }
      return span
    }
  })

/** A sandbox that refuses, fails and names numbers. */
const hostile = (contract: "entries" | "platform") =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.make({ clientSecret: secret, contract, refuse: [all[7]] })
    const route = contract === "entries" ? "entries" : "phonenumbers"
    yield* sandbox.inject(Faults.failNext(2, 503, { route, message: `cannot store ${all[3]} now` }))
    yield* sandbox.inject(Faults.failNext(1, 413, { route, message: `too large with ${all[4]}` }))
    return sandbox
  })

describe("nothing that is secret or personal", { timeout: 240_000 }, () => {
  it.scopedLive.each([
    ["entries", "masked"],
    ["entries", "hashed"],
    ["platform", "masked"],
    ["platform", "hashed"]
  ] as const)("through the library: %s, %s", ([contract, numbers]) =>
    Effect.gen(function* () {
      const sandbox = yield* hostile(contract)
      const cwd = yield* folder
      const path = Path.join(cwd, "in.csv")
      Fs.writeFileSync(path, rows())
      const auditLog = Path.join(cwd, "audit.jsonl")
      const said: Array<string> = []
      const logger = Logger.make(({ annotations, cause, message, spans }) => {
        said.push(JSON.stringify([message, [...annotations], cause, [...spans]]))
      })
      const layer = GenesysDnc.layer({
        ...{ apiUrl: sandbox.url, api: contract, retry: quick, auditLog },
        credentials: { clientId: sandbox.clientId, clientSecret: Redacted.make(secret) },
        audit: { numbers, hashKey: Redacted.make("k") }
      })
      const pushed = GenesysDnc.pushFile([path], {
        dncListId: sandbox.listId,
        sizeLag: "1 millis",
        ends: Path.join(cwd, "ends.jsonl"),
        onProgress: (progress) => said.push(JSON.stringify(progress))
      })
      const report = yield* pushed.pipe(
        Effect.provide(layer),
        Effect.either,
        Effect.withTracer(spying(said)),
        Effect.withTracerEnabled(true),
        Effect.provide(Layer.merge(Logger.replace(Logger.defaultLogger, logger), Logger.minimumLogLevel(LogLevel.All)))
      )
      said.push(JSON.stringify(report), String(report))
      const metrics = yield* Metric.snapshot
      said.push(JSON.stringify(metrics))
      const names = new Set(said.map((text) => text.split(" ", 1)[0]))
      assert.isTrue(
        names.has("genesys-dnc/HttpClient.attempt"),
        `${JSON.stringify(report).slice(0, 600)} ${[...names].filter((name) => name.startsWith("genesys"))}`
      )
      assertClean("what the library says", said.join("\n"))
      assertClean("the audit log", Fs.readFileSync(auditLog, "utf8"))
    })
  )

  it.scopedLive("through the command: push, remove, sync, expire, upload, and what they keep", () =>
    Effect.gen(function* () {
      const sandbox = yield* hostile("platform")
      const cwd = yield* folder
      Fs.writeFileSync(Path.join(cwd, "in.csv"), rows())
      Fs.writeFileSync(Path.join(cwd, "out.csv"), `phone\n${all[10]}\n${all[11]}\n0199001235\n`)
      const env = { ...environment(sandbox), GENESYS_DNC_AUDIT_KEY: "k3y" }
      const codes: Array<number> = []
      const now = new Date(Date.now() + 301 * 86_400_000).toISOString()
      for (const [index, args] of [
        ["push", "in.csv", "--size-lag", "1ms"],
        ["push", "in.csv", "--size-lag", "1ms", "--json", "--verify", "--audit-numbers", "hashed"],
        ["push", "in.csv", "--upload-above", "0", "--import", "append", "--size-lag", "1ms"],
        ["remove", "out.csv", "--yes", "--size-lag", "1ms"],
        ["sync", "out.csv", "--yes", "--allow-rejects", "--size-lag", "1ms", "--max-remove", "1"],
        ["sync", "out.csv", "--yes", "--allow-rejects", "--size-lag", "1ms", "--max-remove", "100%"],
        ["expire", "--yes", "--now", now, "--size-lag", "1ms", "--json"],
        ["doctor"],
        ["push", "in.csv", "--list", "../../etc/x"]
      ].entries()) {
        const [command, ...options] = args
        const audit = command === "doctor" ? [] : ["--audit", `audit-${index}.jsonl`]
        const { code, stderr, stdout } = yield* run([command, "--log-level", "all", ...options, ...audit], { cwd, env })
        codes.push(code)
        assertClean(args.join(" "), `${stdout}\n${stderr}`)
        const log = Path.join(cwd, `audit-${index}.jsonl`)
        if (Fs.existsSync(log)) assertClean(`the audit log of ${args.join(" ")}`, Fs.readFileSync(log, "utf8"))
      }
      const runId = (log: string) => readRecords(Path.join(cwd, log))[0].runId ?? ""
      for (const [log, args] of [
        ["audit-0.jsonl", ["runs", "list"]],
        ["audit-0.jsonl", ["runs", "show", runId("audit-0.jsonl")]],
        ["audit-1.jsonl", ["audit", "find", all[10]]],
        ["audit-1.jsonl", ["audit", "find", all[10], "--json"]],
        ["audit-1.jsonl", ["audit", "verify"]],
        ["audit-0.jsonl", ["evidence", runId("audit-0.jsonl"), "--output", "evidence-0", "--json"]],
        ["audit-1.jsonl", ["evidence", runId("audit-1.jsonl"), "--output", "evidence-1"]]
      ] as const) {
        const { code, stderr, stdout } = yield* run([...args, "--audit", log], { cwd, env })
        assert.strictEqual(code, 0, `${args.join(" ")}: ${stderr}`)
        assertClean(args.join(" "), `${stdout}\n${stderr}`)
      }
      assertClean("the index", Fs.readFileSync(Path.join(cwd, "audit-1.jsonl.index"), "latin1"))
      for (const folder of ["evidence-0", "evidence-1"]) {
        const inIt = (name: string) => Fs.readFileSync(Path.join(cwd, folder, name), "utf8")
        const files: ReadonlyArray<{ readonly name?: string }> = JSON.parse(inIt("summary.json")).files
        const names = Fs.readdirSync(Path.join(cwd, folder), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => Path.relative(Path.join(cwd, folder), Path.join(entry.parentPath, entry.name)))
          // what the run itself wrote holds the numbers, and says so
          .filter((name) => !files.some((file) => file.name === name))
        assert.isAbove(names.length, 3)
        for (const name of names) assertClean(`${folder}/${name}`, inIt(name))
      }
      // that each did what it is here for: rejects, a plan that takes too much, a list that is not there
      assert.deepStrictEqual(codes, [3, 3, 3, 3, 5, 3, 0, 0, 1])
    })
  )

  it.scopedLive("addresses and custom values neither", () =>
    Effect.gen(function* () {
      for (const [kind, column, value] of [
        ["email", "email", "jane.roe@example.com"],
        ["custom", "value", "ACCOUNT-PRIVATE-77"]
      ] as const) {
        const fit =
          kind === "email"
            ? ({ dncSourceType: "rds", contactMethod: "Email" } as const)
            : ({ dncSourceType: "rds_custom" } as const)
        const lists = [{ id: Sandbox.defaultListId, name: "x", ...fit }]
        const sandbox = yield* Sandbox.make({ clientSecret: secret, contract: "platform", lists })
        yield* sandbox.inject(Faults.failNext(2, 503, { message: `cannot store ${value} now` }))
        const cwd = yield* folder
        Fs.writeFileSync(Path.join(cwd, "in.csv"), `${column}\n${value}\nx\u0007${value}\n`)
        const { code, stderr, stdout } = yield* run(
          ["push", "--log-level", "all", "in.csv", "--kind", kind, "--size-lag", "1ms", "--json"],
          { cwd, env: environment(sandbox) }
        )
        assert.strictEqual(code, 3, stderr)
        const log = Path.join(cwd, "genesys-dnc-audit.jsonl")
        const text = `${stdout}${stderr}${Fs.readFileSync(log, "utf8")}`
        assert.notInclude(text, value)
        assert.notInclude(text, secret)
      }
    })
  )

  it.scopedLive("names of lists are no paths", () =>
    Effect.gen(function* () {
      const name = "../../owned"
      const sandbox = yield* Sandbox.make({ lists: [{ id: Sandbox.defaultListId, name, dncSourceType: "rds" }] })
      const cwd = Path.join(yield* folder, "a", "b")
      Fs.mkdirSync(cwd, { recursive: true })
      Fs.writeFileSync(Path.join(cwd, "in.csv"), rows())
      const { code } = yield* run(["push", "in.csv", "--list", name, "--size-lag", "1ms"], {
        cwd,
        env: environment(sandbox)
      })
      assert.strictEqual(code, 3)
      assert.deepStrictEqual(Fs.readdirSync(Path.join(cwd, "..", "..")), ["a"])
    })
  )
})

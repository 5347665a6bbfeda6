/** The commands that read the audit log, as processes. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { GenesysDnc } from "genesys-dnc"
import { Sandbox } from "genesys-dnc/sandbox"
import * as ExitCode from "../../src/cli/ExitCode.js"
import { shortIds } from "../../src/cli/runs/words.js"
import { csv, folder, mode, number, readRecords, run, settings } from "../support/cli.js"

const timeout = 120_000

/** One run that was stopped, and one that was completed with rejects, in one log. */
const world = Effect.gen(function* () {
  const sandbox = yield* Sandbox.make({ contract: "entries" })
  const path = yield* folder
  const auditLog = Path.join(path, "audit.jsonl")
  Fs.writeFileSync(Path.join(path, "broken off.csv"), csv(2000))
  Fs.writeFileSync(Path.join(path, "whole.csv"), `phone\n${number(5000)}\n${number(5001)}\n12\n`)
  const push = (name: string, runId: string, stopAfter = Number.POSITIVE_INFINITY) =>
    Effect.gen(function* () {
      const stop = yield* Deferred.make<void>()
      return yield* GenesysDnc.pushFile(Path.join(path, name), {
        dncListId: sandbox.listId,
        runId,
        stop: Deferred.await(stop),
        onProgress: ({ settled }) => {
          if (settled >= stopAfter) Deferred.unsafeDone(stop, Effect.void)
        }
      }).pipe(
        Effect.provide(
          GenesysDnc.layer({ ...settings(sandbox, auditLog), concurrency: 1, policy: { defaultCountry: "GB" } })
        )
      )
    })
  const stopped = yield* push("broken off.csv", ids[0], 1)
  assert.strictEqual(stopped.outcome, "stopped")
  const completed = yield* push("whole.csv", ids[1])
  assert.strictEqual(completed.outcome, "completed")
  const audit = (...words: ReadonlyArray<string>) => run([...words, "--audit", auditLog], { cwd: path })
  return { audit, auditLog, completed, path, sandbox, stopped }
})

const ids = ["11111111-aaaa-4aaa-8aaa-000000000001", "11111111-bbbb-4bbb-8bbb-000000000002"] as const

describe("genesys-dnc runs", { timeout }, () => {
  it.scopedLive("lists the runs, and shows one by the beginning of its id", () =>
    Effect.gen(function* () {
      const { audit, completed, stopped } = yield* world
      const table = yield* audit("runs", "list")
      assert.strictEqual(table.code, 0, table.stderr)
      const [head, first, second, ...rest] = table.stdout.trimEnd().split("\n")
      assert.match(head, /^RUN +STARTED +ACTION +LIST +FILES +ROWS +OUTCOME +BATCHES/)
      assert.match(first, /^11111111-a .* add .*broken off\.csv +2,000 +stopped +\d\/5/)
      assert.match(second, /^11111111-b .*whole\.csv +3 +completed +1\/1 +2 +1 +0$/)
      assert.deepStrictEqual(rest, [])
      const listed = JSON.parse((yield* audit("runs", "list", "--json")).stdout)
      assert.deepStrictEqual(
        listed.map(({ batches, outcome, runId }: { batches: unknown; outcome: string; runId: string }) => [
          runId,
          outcome,
          batches
        ]),
        [
          [ids[0], "stopped", { cut: 5, done: stopped.batches.done }],
          [ids[1], "completed", { cut: 1, done: 1 }]
        ]
      )
      const shown = yield* audit("runs", "show", "11111111-b")
      assert.strictEqual(shown.code, 0, shown.stderr)
      for (const words of [
        `Run ${ids[1]}: completed, VALIDATED_WITH_REJECTS`,
        "whole.csv: 3 rows, SHA-256",
        "whole.csv.rejects.csv, SHA-256",
        "    3  read",
        "    2  created",
        "1 of 1 batches done in 1 requests",
        "Rejected: 1 InvalidPhoneNumber",
        completed.auditHead!
      ])
        assert.include(shown.stdout, words)
      assert.notMatch(shown.stdout, /\+1\d{7}/)
      const json = JSON.parse((yield* audit("runs", "show", ids[1], "--json")).stdout)
      assert.strictEqual(json.requests.length, 1)
      assert.strictEqual(json.stretches[0].last.digest, completed.auditHead)
    })
  )

  it.scopedLive("names the runs that a beginning may mean, and says where there is none", () =>
    Effect.gen(function* () {
      const { audit } = yield* world
      const ambiguous = yield* audit("runs", "show", "1111")
      assert.strictEqual(ambiguous.code, ExitCode.wrongUsage)
      assert.include(ambiguous.stderr, `${ids[0]}, ${ids[1]}`)
      const none = yield* audit("runs", "export", "2")
      assert.strictEqual(none.code, ExitCode.wrongUsage)
      assert.include(none.stderr, "There is no run 2")
    })
  )

  it.scopedLive("resume prints the command that goes on with a run, and it does", () =>
    Effect.gen(function* () {
      const { audit, auditLog, path, sandbox } = yield* world
      const printed = yield* audit("runs", "resume", "11111111-a")
      assert.strictEqual(printed.code, 0, printed.stderr)
      const file = Path.join(path, "broken off.csv")
      const command = printed.stdout.split("\n").find((line) => line.startsWith("  genesys-dnc "))!
      assert.strictEqual(
        command.trim(),
        `genesys-dnc push '${file}' --list ${sandbox.listId} --api-url ${sandbox.url} --api entries --upload-above never --default-country GB --audit ${auditLog}`
      )
      const words = Array.from(command.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, plain]) => quoted ?? plain)
      const resumed = yield* run([...words.slice(1), "--json"], {
        cwd: path,
        env: { GENESYSCLOUD_OAUTHCLIENT_ID: sandbox.clientId, GENESYSCLOUD_OAUTHCLIENT_SECRET: sandbox.clientSecret }
      })
      assert.strictEqual(resumed.code, 0, resumed.stderr)
      const report = JSON.parse(resumed.stdout)
      assert.strictEqual(
        report.runId,
        ids[0],
        JSON.stringify(readRecords(auditLog).filter((r) => r.operation === "RUN_STARTED"))
      )
      assert.isDefined(report.resumed)
      const nothing = yield* audit("runs", "resume", "11111111-a")
      assert.strictEqual(nothing.code, 0)
      assert.include(nothing.stdout, "nothing to go on with")
    })
  )

  it.scopedLive("resume says which file is not what it was", () =>
    Effect.gen(function* () {
      const { audit, path } = yield* world
      Fs.appendFileSync(Path.join(path, "broken off.csv"), "12\n")
      const changed = yield* audit("runs", "resume", ids[0])
      assert.strictEqual(changed.code, ExitCode.badInput)
      assert.include(changed.stdout, "broken off.csv is changed")
      Fs.rmSync(Path.join(path, "broken off.csv"))
      assert.include((yield* audit("runs", "resume", ids[0])).stdout, "broken off.csv is not there")
    })
  )

  it.scopedLive("export writes the run's records as they stand, for the owner alone, and never over the log", () =>
    Effect.gen(function* () {
      const { audit, auditLog, path } = yield* world
      const output = Path.join(path, "run.ndjson")
      const exported = yield* audit("runs", "export", ids[0], "--output", output)
      assert.strictEqual(exported.code, 0, exported.stderr)
      assert.strictEqual(mode(output), 0o600)
      const lines = Fs.readFileSync(auditLog, "utf8").split("\n")
      const own = lines.filter((_, at) => readRecords(auditLog)[at]?.runId === ids[0])
      assert.isAbove(own.length, 3)
      assert.strictEqual(Fs.readFileSync(output, "utf8"), own.map((line) => `${line}\n`).join(""))
      assert.strictEqual((yield* audit("runs", "export", ids[0])).stdout, Fs.readFileSync(output, "utf8"))
      const over = yield* audit("runs", "export", ids[0], "--output", auditLog)
      assert.strictEqual(over.code, ExitCode.wrongUsage)
      assert.strictEqual(Fs.readFileSync(auditLog, "utf8"), lines.join("\n"))
    })
  )

  it.scopedLive("evidence makes a private folder of all that there is to show, and says what is missing", () =>
    Effect.gen(function* () {
      const { audit, auditLog, completed, path } = yield* world
      const output = Path.join(path, "evidence")
      const made = yield* audit("evidence", ids[1], "--output", output)
      assert.strictEqual(made.code, 0, made.stderr)
      const names = Fs.readdirSync(output).sort()
      const rejects = completed.files[0]
      const copy = `${rejects.sha256.slice(0, 8)}-whole.csv.rejects.csv`
      assert.deepStrictEqual(
        names,
        [copy, "certificate.html", "chain.jsonl", "dispositions.csv", "summary.json"].sort()
      )
      assert.strictEqual(mode(output), 0o700)
      for (const name of names) assert.strictEqual(mode(Path.join(output, name)), 0o600)
      const read = (name: string) => Fs.readFileSync(Path.join(output, name), "utf8")
      const summary = JSON.parse(read("summary.json"))
      assert.deepInclude(summary.totals, completed.totals)
      assert.strictEqual(summary.checks.log.fault, undefined)
      assert.deepStrictEqual(summary.checks.run, { sequence: 10, digest: completed.auditHead })
      const before = readRecords(auditLog)[summary.checks.stretches[0].first.sequence - 2]
      assert.strictEqual(summary.checks.stretches[0].first.previous, before.digest)
      assert.strictEqual(read("chain.jsonl"), (yield* audit("runs", "export", ids[1])).stdout)
      assert.match(
        read("dispositions.csv").split("\n")[1],
        /^0,[^,]+,0,request,add,UNSPECIFIED,,2,.*,done,2,0,0,0,0,0,/
      )
      const page = read("certificate.html")
      for (const words of [
        completed.auditHead!,
        `genesys-dnc audit verify --head ${completed.auditHead}`,
        "who ran it"
      ])
        assert.include(page, words)
      assert.notMatch(page, /<script|src=|href=|url\(/)
      // a second time there is something in the way, and what the run wrote has been changed
      assert.strictEqual((yield* audit("evidence", ids[1], "--output", output)).code, ExitCode.wrongUsage)
      Fs.appendFileSync(rejects.path, "x\n")
      Fs.writeFileSync(
        auditLog,
        Fs.readFileSync(auditLog, "utf8").replace('"distinctNumbers":2,', '"distinctNumbers":3,')
      )
      const tampered = yield* audit("evidence", ids[1], "--output", `${output}-2`)
      assert.strictEqual(tampered.code, ExitCode.tampered)
      assert.include(tampered.stdout, "is changed")
      assert.notInclude(Fs.readdirSync(`${output}-2`), copy)
      assert.include(Fs.readFileSync(Path.join(`${output}-2`, "certificate.html"), "utf8"), "NOT as it was written")
      assert.deepStrictEqual(
        Fs.readdirSync(path).filter((name) => name.includes("partial")),
        []
      )
    })
  )

  it("ids are as short as they can be told apart, and no shorter than eight", () => {
    assert.deepStrictEqual(shortIds(["aaaaaaaaaa1", "bbbbbbbbbb1", "aaaaaaaaab2"]), [
      "aaaaaaaaaa",
      "bbbbbbbb",
      "aaaaaaaaab"
    ])
    assert.deepStrictEqual(shortIds(["same", "same"]), ["same", "same"])
  })
})

/** The command as a process: what a scheduler, a pipe and a terminal see of it. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Faults, Sandbox } from "genesys-dnc/sandbox"
import * as ExitCode from "../../src/cli/ExitCode.js"
import { csv, environment, file, folder, mode, number, onList, posts, readRecords, run } from "../support/cli.js"

const timeout = 120_000

const jsonLine = (stdout: string) => {
  assert.match(stdout, /^\{[^\n]*\}\n$/)
  return JSON.parse(stdout)
}

describe("genesys-dnc, wrongly used", { timeout }, () => {
  it.scopedLive.each([
    ["no words", [], /Usage\n/],
    ["an unknown command", ["frobnicate"], /Invalid subcommand.*'push', 'remove'/],
    ["an unknown option", ["push", "optouts.csv", "--lists", "x"], /There is no option --lists/],
    ["a bad value", ["push", "optouts.csv", "--concurrency", "many"], /^--concurrency many is not a whole number/],
    ["no list", ["push", "optouts.csv"], /No list is given\n.*--list ID.*GENESYS_DNC_LIST/],
    [
      "no credentials",
      ["push", "optouts.csv", "--list", Sandbox.defaultListId, "--region", "mypurecloud.de"],
      /No credentials: GENESYSCLOUD_OAUTHCLIENT_ID and GENESYSCLOUD_OAUTHCLIENT_SECRET are not set/
    ]
  ] as ReadonlyArray<readonly [string, ReadonlyArray<string>, RegExp]>)(
    "%s: 2, and nothing is done",
    ([, args, said]) =>
      Effect.gen(function* () {
        const cwd = yield* folder
        Fs.writeFileSync(Path.join(cwd, "optouts.csv"), csv(2))
        const { code, stderr, stdout } = yield* run(args, { cwd })
        assert.match(stderr, said)
        assert.strictEqual(code, ExitCode.wrongUsage)
        assert.strictEqual(stdout, "")
        assert.deepStrictEqual(Fs.readdirSync(cwd), ["optouts.csv"])
      })
  )
})

describe("genesys-dnc push", { timeout }, () => {
  it.scopedLive("standard input onto the list: 0, with the evidence beside it", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const cwd = yield* folder
      const { code, stderr, stdout } = yield* run(["push", "-"], { cwd, env: environment(sandbox), stdin: csv(3) })
      assert.strictEqual(code, ExitCode.done, stderr)
      assert.match(stdout, /standard input → DNC list .* at http/)
      assert.match(stdout, /\n {6}3 {2}read\n {6}3 {2}created /)
      assert.deepStrictEqual([...onList(sandbox).keys()], [number(0), number(1), number(2)])
      const evidence = ["genesys-dnc-audit.jsonl", "genesys-dnc-audit.jsonl.key"]
      assert.deepStrictEqual(Fs.readdirSync(cwd), evidence)
      for (const name of evidence) assert.strictEqual(mode(Path.join(cwd, name)), 0o600)
      // numbers are hashed unless told otherwise, so that they can be found
      const found = yield* run(["audit", "find", number(1)], { cwd })
      assert.strictEqual(found.code, ExitCode.done, found.stderr)
      assert.match(found.stdout, /onto list .*: done/)
      Fs.writeFileSync(Path.join(cwd, "empty.jsonl"), "")
      const empty = yield* run(["audit", "find", number(1), "--audit", "empty.jsonl"], { cwd })
      assert.strictEqual(empty.code, ExitCode.wrongUsage)
      assert.match(empty.stderr, /empty\.jsonl holds no numbers/)
      assert.notInclude(Fs.readFileSync(Path.join(cwd, evidence[0]), "utf8"), number(1))
    })
  )

  it.scopedLive("rejects: 3; flags beat the environment, which beats .env; --json is one line", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ clientSecret: "of-the-dotenv" })
      const cwd = yield* folder
      Fs.writeFileSync(
        Path.join(cwd, ".env"),
        [
          "GENESYS_DNC_API_URL=http://127.0.0.1:9",
          "GENESYS_DNC_LIST=00000000-0000-0000-0000-00000000000e",
          "GENESYSCLOUD_OAUTHCLIENT_ID=nobody",
          "GENESYSCLOUD_OAUTHCLIENT_SECRET=of-the-dotenv",
          ""
        ].join("\n")
      )
      Fs.mkdirSync(Path.join(cwd, "in"))
      Fs.writeFileSync(Path.join(cwd, "in", "a=b.csv"), `${csv(2)}nobody\n`)
      const { code, stderr, stdout } = yield* run(
        ["push", "--json", "in/a=b.csv", `--list=${sandbox.listId.toUpperCase()}`, "--audit=in/log.jsonl"],
        {
          cwd,
          env: {
            GENESYS_DNC_API_URL: sandbox.url,
            GENESYS_DNC_LIST: "00000000-0000-0000-0000-00000000000f",
            GENESYSCLOUD_OAUTHCLIENT_ID: "sandbox"
          }
        }
      )
      const report = jsonLine(stdout)
      assert.strictEqual(code, ExitCode.rejected, stderr)
      assert.strictEqual(report.exitCode, ExitCode.rejected)
      assert.strictEqual(report.totals.created, 2)
      assert.strictEqual(report.complianceStatus, "VALIDATED_WITH_REJECTS")
      assert.deepStrictEqual(report.rejectsByCode, { InvalidPhoneNumber: 1 })
      assert.match(stderr, /sending 2\/2: 3 read, 2 on the list, 1 rejected/)
      assert.deepStrictEqual(Fs.readdirSync(Path.join(cwd, "in")).sort(), [
        "a=b.csv",
        "a=b.csv.rejects.csv",
        "log.jsonl",
        "log.jsonl.key"
      ])
    })
  )

  it.scopedLive("failed rows: 4, and they are in the failed file", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      yield* sandbox.inject(Faults.failNext(1, 500, { route: "entries" }))
      const cwd = yield* folder
      Fs.writeFileSync(Path.join(cwd, "optouts.csv"), csv(2))
      const args = ["push", "optouts.csv", "--api", "entries", "--retry-attempts", "1", "--json"]
      const { code, stderr, stdout } = yield* run(args, { cwd, env: environment(sandbox) })
      assert.strictEqual(code, ExitCode.failed, stderr)
      const report = jsonLine(stdout)
      assert.strictEqual(report.exitCode, ExitCode.failed)
      assert.deepStrictEqual(report.files, [{ ...report.files[0], kind: "failed", path: "optouts.csv.failed.csv" }])
      assert.match(Fs.readFileSync(Path.join(cwd, "optouts.csv.failed.csv"), "utf8"), /^\+33199000001,UNSPECIFIED,,/m)
    })
  )

  it.scopedLive.each([
    ["no such list", {}, ["--list", "00000000-0000-0000-0000-000000000000"], /Check the id of the DNC list/],
    ["wrong secret", { GENESYSCLOUD_OAUTHCLIENT_SECRET: "wr0ng-s3cret" }, [], /Check GENESYSCLOUD_OAUTHCLIENT_ID/],
    ["a log that cannot be written", {}, ["--audit", "."], /The audit log \. cannot be written/]
  ] as ReadonlyArray<readonly [string, Record<string, string>, ReadonlyArray<string>, RegExp]>)(
    "%s: 1, and nothing is sent",
    ([, env, args, said]) =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.make()
        const cwd = yield* folder
        Fs.writeFileSync(Path.join(cwd, "optouts.csv"), csv(2))
        const ended = yield* run(["push", "optouts.csv", "--json", ...args], {
          cwd,
          env: { ...environment(sandbox), ...env }
        })
        assert.match(ended.stderr, said)
        assert.strictEqual(ended.code, ExitCode.aborted)
        const { error, exitCode } = jsonLine(ended.stdout)
        assert.strictEqual(exitCode, ExitCode.aborted)
        assert.match(`${error.message}\n${error.hint}`, said)
        assert.notInclude(ended.stderr + ended.stdout, "wr0ng")
        assert.strictEqual(yield* posts(sandbox), 0)
      })
  )

  it.scopedLive("a permission that is missing shows in the middle: 1, with the summary of what was done", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ permissions: ["outbound:dncList:view"] })
      const cwd = yield* folder
      Fs.writeFileSync(Path.join(cwd, "optouts.csv"), csv(1200))
      const { code, stderr, stdout } = yield* run(
        ["push", "optouts.csv", "--json", "--api", "entries", "--concurrency", "1"],
        {
          cwd,
          env: environment(sandbox)
        }
      )
      const report = jsonLine(stdout)
      assert.strictEqual(code, ExitCode.aborted, stderr)
      assert.strictEqual(report.outcome, "aborted")
      assert.match(report.error.message, /outbound:dnc:add/)
      assert.strictEqual(report.totals.failed + report.totals.skipped, 1200)
      assert.strictEqual(yield* posts(sandbox), 1)
    })
  )

  it.scopedLive("an input that cannot be used: 5", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const cwd = yield* folder
      const { code, stderr, stdout } = yield* run(["push", "none.csv"], {
        cwd,
        env: environment(sandbox),
        entry: "start"
      })
      assert.strictEqual(code, ExitCode.badInput)
      assert.match(stderr, /none\.csv does not exist\n {2}Check the path\.\n$/)
      assert.strictEqual(stdout, "")
    })
  )

  it.scopedLive("too many rejects: 5, and nothing is sent", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const cwd = yield* folder
      Fs.writeFileSync(Path.join(cwd, "optouts.csv"), `${csv(2)}nobody\n`)
      const { code, stderr, stdout } = yield* run(["push", "optouts.csv", "--api", "entries", "--max-rejects=33%"], {
        cwd,
        env: environment(sandbox)
      })
      assert.strictEqual(code, ExitCode.badInput)
      assert.match(
        stderr,
        /1 of 3 rows were refused, more than the limit of 0; nothing was sent \(1 InvalidPhoneNumber\)/
      )
      assert.match(stderr, /Mend the file, with the help of optouts\.csv\.rejects\.csv/)
      assert.strictEqual(stdout, "")
      assert.strictEqual(yield* posts(sandbox), 0)
    })
  )

  it.scopedLive("says nothing that is secret or personal, at any log level", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ clientSecret: "s3cr3t-of-the-client", refuse: [number(7)] })
      yield* sandbox.inject(Faults.failNext(3, 503, { route: "entries", message: `cannot store ${number(3)} now` }))
      const path = yield* file(
        `phone\n${[number(3), number(7), "+3319900", "0199001234567", "call 0199001235"].join("\n")}\n`
      )
      const { code, stderr, stdout } = yield* run(["push", path, "--log-level", "all", "--json"], {
        cwd: Path.dirname(path),
        env: environment(sandbox)
      })
      assert.strictEqual(code, ExitCode.rejected, stderr)
      const log = Fs.readFileSync(Path.join(Path.dirname(path), "genesys-dnc-audit.jsonl"), "utf8")
      assert.include(stderr, "cannot store +33*******03 now")
      assert.strictEqual(readRecords(Path.join(Path.dirname(path), "genesys-dnc-audit.jsonl")).length > 3, true)
      for (const text of [stdout, stderr, log]) {
        for (const secret of ["s3cr3t", btoa("sandbox:s3cr3t-of-the-client"), "Bearer", "199000003", "199000007"]) {
          assert.notInclude(text, secret)
        }
        for (const raw of ["+3319900", "0199001234567", "0199001235"]) assert.notInclude(text, raw)
      }
    })
  )
})

describe("genesys-dnc remove", { timeout: 120_000 }, () => {
  it.scopedLive("asks, and where there is no terminal wants --yes; the list may be named", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ contract: "platform" })
      yield* sandbox.seed(Array.from({ length: 5 }, (_, index) => ({ phoneNumber: number(index) })))
      const cwd = yield* folder
      Fs.writeFileSync(Path.join(cwd, "optins.csv"), csv(2))
      const env = environment(sandbox)
      const unasked = yield* run(["remove", "optins.csv"], { cwd, env })
      assert.strictEqual(unasked.code, ExitCode.wrongUsage)
      assert.match(unasked.stderr, /no terminal to ask on\n.*--yes/)
      assert.strictEqual(onList(sandbox).size, 5)
      const dry = yield* run(["remove", "optins.csv", "--dry-run"], { cwd, env })
      assert.match(dry.stdout, /^ +0 {2}failed +valid, but not known to be off the list$/m)
      const args = ["remove", "optins.csv", "--list", "Sandbox", "--yes", "--verify", "--json"]
      const { code, stderr, stdout } = yield* run(args, { cwd, env })
      assert.strictEqual(code, ExitCode.done, stderr)
      const report = jsonLine(stdout)
      assert.strictEqual(report.action, "remove")
      assert.deepStrictEqual(report.listSize, { before: 5, after: 3 })
      assert.strictEqual(report.verified, 2)
      assert.strictEqual(onList(sandbox).size, 3)
    })
  )
})

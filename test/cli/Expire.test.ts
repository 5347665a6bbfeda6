/** `genesys-dnc expire`, and what `push` keeps for it. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Sandbox } from "genesys-dnc/sandbox"
import * as ExitCode from "../../src/cli/ExitCode.js"
import { before, environment, folder, mode, number, run, start, until } from "../support/cli.js"

const timeout = 120_000
const day = 86_400_000

/** A folder in which two numbers with a far end and one without were pushed. */
const pushed = Effect.gen(function* () {
  const sandbox = yield* Sandbox.make({ contract: "platform", exportDelayMs: 10 })
  const cwd = yield* folder
  const options = { cwd, env: environment(sandbox) }
  const end = new Date(Date.now() + 300 * day).toISOString()
  Fs.writeFileSync(Path.join(cwd, "in.csv"), `phone,expires\n${number(0)},${end}\n${number(1)},${end}\n${number(2)},\n`)
  const ended = yield* run(["push", "in.csv", "--size-lag", "0s"], options)
  const now = new Date(Date.now() + 301 * day).toISOString()
  return {
    sandbox,
    cwd,
    ended,
    now,
    expire: (...args: ReadonlyArray<string>) => run(["expire", "--size-lag", "0s", "--now", now, ...args], options),
    push: (...args: ReadonlyArray<string>) => run(["push", ...args], options)
  }
})

const size = (sandbox: Sandbox.Service) => Array.from(sandbox.entries()).length

describe("genesys-dnc expire", { timeout }, () => {
  it.scopedLive("push says what it kept; expire looks, takes off, and has nothing to do the next time", () =>
    Effect.gen(function* () {
      const { cwd, ended, expire, sandbox } = yield* pushed
      assert.strictEqual(ended.code, ExitCode.done, ended.stderr)
      assert.include(ended.stdout, "2 of their ends are kept in genesys-dnc-ends.jsonl; run genesys-dnc expire")
      assert.strictEqual(mode(Path.join(cwd, "genesys-dnc-ends.jsonl")), 0o600)

      const looked = yield* expire("--dry-run")
      assert.strictEqual(looked.code, ExitCode.done, looked.stderr)
      assert.match(looked.stdout, /^ +2 {2}on the list +would be taken off$/m)
      assert.strictEqual(size(sandbox), 3)

      const done = yield* expire("--yes", "--json")
      assert.strictEqual(done.code, ExitCode.done, done.stderr)
      const { purge, report, ...counts } = JSON.parse(done.stdout)
      assert.deepStrictEqual(counts, {
        exitCode: 0,
        dryRun: false,
        ends: "genesys-dnc-ends.jsonl",
        due: 2,
        toRemove: 2,
        gone: 0,
        changed: 0,
        renewed: 0,
        later: 0
      })
      assert.strictEqual(purge, "done")
      assert.strictEqual(report.totals.accepted, 2)
      assert.deepStrictEqual(
        Array.from(sandbox.entries(), ({ phoneNumber }) => phoneNumber),
        [number(2)]
      )

      const again = yield* expire("--yes")
      assert.strictEqual(again.code, ExitCode.done, again.stderr)
      assert.match(again.stdout, /Nothing to take off: no end that is kept for this list/)
      for (const { stderr, stdout } of [ended, looked, done, again]) assert.notInclude(stdout + stderr, number(0))
    })
  )

  it.scopedLive("Ctrl-C while the first numbers are taken off: they are waited for, and told", () =>
    Effect.gen(function* () {
      const { cwd, now, sandbox } = yield* pushed
      let arrived = 0
      let open = () => {}
      const opened = new Promise<void>((resolve) => {
        open = resolve
      })
      const url = yield* before(sandbox, ({ method }) => {
        if (method !== "PATCH") return undefined
        arrived++
        return opened
      })
      const env = { ...environment(sandbox), GENESYS_DNC_API_URL: url, GENESYS_DNC_LOGIN_URL: url }
      const ends = Path.join(cwd, "genesys-dnc-ends.jsonl")
      Fs.writeFileSync(ends, Fs.readFileSync(ends, "utf8").replaceAll(sandbox.url, url))
      const expire = yield* start(["expire", "--yes", "--json", "--now", now], { cwd, env })
      yield* until("a removal", () => arrived === 1)
      expire.signal("SIGINT")
      yield* until("word of the stop", () => /Stop/.test(expire.stderr()))
      assert.match(expire.stderr(), /Stopping: waiting for the requests on their way/)
      open()
      const { code, stdout } = yield* expire.ended
      assert.strictEqual(code, ExitCode.interrupted)
      const { report } = JSON.parse(stdout)
      assert.strictEqual(report.totals.accepted, 2)
      assert.strictEqual(size(sandbox), 1)
    })
  )

  it.scopedLive("without a terminal it wants --yes, and says where there are no ends", () =>
    Effect.gen(function* () {
      const { expire, sandbox } = yield* pushed
      const unasked = yield* expire()
      assert.strictEqual(unasked.code, ExitCode.wrongUsage)
      assert.include(unasked.stderr, "--yes")
      assert.strictEqual(size(sandbox), 3)
      const elsewhere = yield* expire("--yes", "--ends", "other.jsonl")
      assert.strictEqual(elsewhere.code, ExitCode.done, elsewhere.stderr)
      assert.include(elsewhere.stdout, "there is no file other.jsonl")
    })
  )

  it.scopedLive("the file of ends is no output and no log; where it cannot be written nothing is sent", () =>
    Effect.gen(function* () {
      const { push, sandbox } = yield* pushed
      for (const ends of ["in.csv.rejects.csv", "genesys-dnc-audit.jsonl"]) {
        const { code, stderr } = yield* push("in.csv", "--ends", ends)
        assert.strictEqual(code, ExitCode.wrongUsage, stderr)
      }
      yield* sandbox.reset
      const { code, stderr } = yield* push("in.csv", "--ends", Path.join("no", "folder"))
      assert.strictEqual(code, ExitCode.aborted)
      assert.match(stderr, /intended ends .* cannot be written/)
      assert.strictEqual(size(sandbox), 0)
    })
  )

  it.scopedLive("a purge that the role may not do is a warning, with what it lacks", () =>
    Effect.gen(function* () {
      const permissions = Sandbox.defaults.permissions.filter((name) => name !== "outbound:dnc:delete")
      const sandbox = yield* Sandbox.make({ contract: "platform", exportDelayMs: 10, permissions })
      const { code, stderr } = yield* run(["expire", "--yes"], { cwd: yield* folder, env: environment(sandbox) })
      assert.strictEqual(code, ExitCode.done, stderr)
      assert.include(stderr, "outbound:dnc:delete")
    })
  )
})

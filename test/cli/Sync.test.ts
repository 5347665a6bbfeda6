/** `genesys-dnc sync` as a process. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Faults, Sandbox } from "genesys-dnc/sandbox"
import * as ExitCode from "../../src/cli/ExitCode.js"
import { csv, environment, folder, mode, number, onList, readRecords, run, start, until } from "../support/cli.js"

const timeout = 120_000

/** A list of a hundred numbers, and a file that lacks two of them and has three others. */
const world = Effect.gen(function* () {
  const sandbox = yield* Sandbox.make({ contract: "platform", exportDelayMs: 10 })
  yield* sandbox.seed(Array.from({ length: 100 }, (_, index) => ({ phoneNumber: number(index) })))
  const cwd = yield* folder
  Fs.writeFileSync(Path.join(cwd, "list.csv"), csv(101, 2))
  const numbers = () => [...onList(sandbox).keys()].toSorted()
  const given = Array.from({ length: 101 }, (_, index) => number(2 + index)).toSorted()
  const sync = (...args: ReadonlyArray<string>) =>
    run(["sync", "list.csv", "--size-lag", "0s", ...args], { cwd, env: environment(sandbox) })
  return { sandbox, cwd, numbers, given, sync }
})

const changes = (sandbox: Sandbox.Service) => Effect.map(sandbox.stats, ({ requests }) => requests.phonenumbers)

describe("genesys-dnc sync", { timeout }, () => {
  it.scopedLive("too many removals: 5; a dry run: the plan; then the list, by its name, is equal", () =>
    Effect.gen(function* () {
      const { cwd, given, numbers, sandbox, sync } = yield* world
      const limited = yield* sync("--dry-run", "--json")
      assert.strictEqual(limited.code, ExitCode.badInput, limited.stderr)
      assert.deepInclude(JSON.parse(limited.stdout).error, { tag: "TooManyRemovals", removals: 2, listed: 100 })
      const dry = yield* sync("--dry-run", "--max-remove", "2%")
      assert.strictEqual(dry.code, ExitCode.done, dry.stderr)
      assert.match(dry.stdout, /plan, of 100 entries: 3 to add, .* 2 to remove, 98 as they should be\n/)
      assert.include(dry.stdout, "Plan: list.csv.plan.csv")
      assert.deepStrictEqual(yield* changes(sandbox), {})
      const plan = Path.join(cwd, "list.csv.plan.csv")
      assert.strictEqual(mode(plan), 0o600)
      assert.deepStrictEqual(Fs.readFileSync(plan, "utf8").split("\n").slice(0, 4), [
        "action,phoneNumber,expires,listExpires",
        `remove,${number(0)},,`,
        `remove,${number(1)},,`,
        `add,${number(100)},,`
      ])
      assert.deepStrictEqual(Fs.readdirSync(cwd).toSorted(), ["list.csv", "list.csv.plan.csv"])

      const done = yield* sync("--list", "sandbox", "--yes", "--max-remove", "2", "--verify", "--json")
      assert.strictEqual(done.code, ExitCode.done, done.stderr)
      const report = JSON.parse(done.stdout)
      assert.deepInclude(report, { action: "sync", exitCode: 0, verified: 101 })
      assert.deepInclude(report.sync, { adds: 3, removals: 2, removed: 2 })
      assert.deepStrictEqual(numbers(), given)
      const [started] = readRecords(Path.join(cwd, "genesys-dnc-audit.jsonl"))
      assert.deepStrictEqual(
        started.operation === "RUN_STARTED" ? started.result.sync?.planFile : undefined,
        report.sync.planFile
      )
    })
  )

  it.scopedLive("a removal that fails: 4, and its number in a file of its own, which remove takes", () =>
    Effect.gen(function* () {
      const { cwd, given, numbers, sandbox, sync } = yield* world
      yield* sandbox.seed([{ phoneNumber: number(101) }, { phoneNumber: number(102) }, { phoneNumber: number(100) }])
      yield* sandbox.inject(Faults.failNext(1, 400, { route: "phonenumbers", message: `${number(0)} is kept` }))
      const { code, stderr, stdout } = yield* sync("--yes", "--max-remove", "2")
      assert.strictEqual(code, ExitCode.failed, stderr)
      assert.match(stdout, /removed: 1 of 2 \(1 failed\)\n/)
      assert.match(stdout, /Failed removals: list.csv.failed-removals.csv \(1 rows\)/)
      const removed = yield* run(["remove", "list.csv.failed-removals.csv", "--yes", "--size-lag", "0s"], {
        cwd,
        env: environment(sandbox)
      })
      assert.strictEqual(removed.code, ExitCode.done, removed.stderr)
      assert.deepStrictEqual(numbers(), given)
    })
  )

  it.scopedLive("wrong usage: 2, and nothing is asked of the server; rejected rows: 5", () =>
    Effect.gen(function* () {
      const { cwd, sandbox, sync } = yield* world
      const before = (yield* sandbox.stats).requests
      for (const [args, said] of [
        [[], /no terminal to ask on\n.*--dry-run/],
        [["--yes", "--plan", "list.csv"], /list.csv is the input/]
      ] as const) {
        const { code, stderr } = yield* sync(...args)
        assert.strictEqual(code, ExitCode.wrongUsage)
        assert.match(stderr, said)
      }
      assert.deepStrictEqual((yield* sandbox.stats).requests, before)
      Fs.appendFileSync(Path.join(cwd, "list.csv"), "12\n")
      const { code, stderr } = yield* sync("--yes", "--max-remove", "100%")
      assert.strictEqual(code, ExitCode.badInput)
      assert.match(stderr, /1 of 102 rows were refused.*\n.*list.csv.rejects.csv.*--allow-rejects/)
      assert.deepStrictEqual(yield* changes(sandbox), {})
    })
  )

  it.scopedLive("Ctrl-C while the export is waited for: 130, nothing is changed, no plan", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ contract: "platform", exportDelayMs: "never" })
      const cwd = yield* folder
      Fs.writeFileSync(Path.join(cwd, "list.csv"), csv(10))
      const sync = yield* start(["sync", "list.csv", "--yes"], { cwd, env: environment(sandbox) })
      yield* until("a line of progress", () => sync.stderr().includes("waiting for the export of the list"))
      sync.signal("SIGINT")
      const { code, stderr } = yield* sync.ended
      assert.strictEqual(code, ExitCode.interrupted)
      assert.match(stderr, /Stopped before anything was sent/)
      assert.deepStrictEqual(yield* changes(sandbox), {})
      assert.isFalse(Fs.existsSync(Path.join(cwd, "list.csv.plan.csv")))
    })
  )
})

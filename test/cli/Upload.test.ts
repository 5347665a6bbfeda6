/** `push --upload-above`, as processes against a sandbox. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Sandbox } from "genesys-dnc/sandbox"
import * as ExitCode from "../../src/cli/ExitCode.js"
import { csv, environment, folder, mode, number, run } from "../support/cli.js"

describe("genesys-dnc push --upload-above", { timeout: 120_000 }, () => {
  it.scopedLive("one file, or requests", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ contract: "platform" })
      const cwd = yield* folder
      Fs.writeFileSync(Path.join(cwd, "in.csv"), csv(1500))
      const push = (above: string) =>
        run(["push", "in.csv", "--upload-above", above, "--json", "--size-lag", "1ms"], {
          cwd,
          env: environment(sandbox)
        })
      const uploaded = yield* push("1")
      assert.strictEqual(uploaded.code, ExitCode.done, uploaded.stderr)
      const report = JSON.parse(uploaded.stdout)
      assert.strictEqual(report.upload.rows, 1500)
      assert.strictEqual(report.verified, 1500)
      assert.deepStrictEqual(Fs.readdirSync(cwd).sort(), [
        "genesys-dnc-audit.jsonl",
        "genesys-dnc-audit.jsonl.key",
        "in.csv"
      ])
      const never = yield* push("never")
      assert.strictEqual(never.code, ExitCode.done, never.stderr)
      assert.isUndefined(JSON.parse(never.stdout).upload)
    })
  )

  it.scopedLive("an import that replaces though it was taken to append: 1, and what mends it is beside the input", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ contract: "platform", uploadMode: "replace" })
      yield* sandbox.seed([{ phoneNumber: number(9000) }, { phoneNumber: number(9001) }])
      const cwd = yield* folder
      Fs.writeFileSync(Path.join(cwd, "in.csv"), csv(50))
      const { code, stdout } = yield* run(
        ["push", "in.csv", "--upload-above", "0", "--import", "append", "--size-lag", "1ms"],
        { cwd, env: environment(sandbox) }
      )
      assert.strictEqual(code, ExitCode.aborted)
      assert.match(stdout, /ABORTED\n\n {2}The import replaced the list: 2 of 2 entries/)
      const [copy] = Fs.readdirSync(cwd).filter((name) => name.startsWith("in.csv.list-before-"))
      assert.include(stdout, `genesys-dnc push in.csv.list-before-`)
      assert.strictEqual(mode(Path.join(cwd, copy)), 0o600)
      const mend = ["push", copy, "--upload-above", "never", "--size-lag", "1ms"]
      const mended = yield* run(mend, { cwd, env: environment(sandbox) })
      assert.strictEqual(mended.code, ExitCode.done, mended.stderr)
      assert.strictEqual(Array.from(sandbox.entries()).length, 52)
    })
  )

  it.scopedLive("from standard input: the copy that mends the list outlives the run", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ contract: "platform", uploadMode: "replace" })
      yield* sandbox.seed([{ phoneNumber: number(9000) }])
      const cwd = yield* folder
      const { code, stdout } = yield* run(
        ["push", "-", "--upload-above", "0", "--import", "append", "--size-lag", "1ms", "--json"],
        { cwd, env: environment(sandbox), stdin: csv(50) }
      )
      assert.strictEqual(code, ExitCode.aborted)
      const copy = JSON.parse(stdout).upload.copy
      assert.match(copy, /^stdin\.list-before-/)
      assert.include(Fs.readFileSync(Path.join(cwd, copy), "utf8"), number(9000))
    })
  )

  it.scopedLive.each([["0"], ["never"]])(
    "--upload-above %s: what an export has with a later end is held back: 3",
    ([above]) =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.make({ contract: "platform" })
        const cwd = yield* folder
        const later = new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10)
        const sooner = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10)
        const rows = (from: number, to: number, end: string) =>
          Array.from({ length: to - from }, (_, i) => `${number(from + i)},${end}\n`).join("")
        Fs.writeFileSync(Path.join(cwd, "first.csv"), `phone,expires\n${rows(0, 20, later)}`)
        Fs.writeFileSync(Path.join(cwd, "in.csv"), `phone,expires\n${rows(10, 40, sooner)}`)
        const given = { cwd, env: environment(sandbox) }
        assert.strictEqual((yield* run(["push", "first.csv", "--upload-above", "never"], given)).code, ExitCode.done)
        const before = new Map(Array.from(sandbox.entries(), (entry) => [entry.phoneNumber, entry.expires]))
        const exported = yield* run(["export", "--output", "list.csv"], given)
        assert.strictEqual(exported.code, ExitCode.done, exported.stderr)
        const pushed = yield* run(
          [
            ...["push", "in.csv", "--against-export", "list.csv", "--upload-above", above, "--json"],
            ...["--size-lag", "1ms", "--audit", "another.jsonl"]
          ],
          given
        )
        assert.strictEqual(pushed.code, ExitCode.rejected, pushed.stderr)
        const report = JSON.parse(pushed.stdout)
        assert.strictEqual(report.heldBack, 10)
        assert.strictEqual(report.upload === undefined, above === "never")
        const held = Path.join(cwd, "in.csv.held-back.csv")
        assert.strictEqual(mode(held), 0o600)
        assert.strictEqual(Fs.readFileSync(held, "utf8").trim().split("\n").length, 11)
        const after = new Map(Array.from(sandbox.entries(), (entry) => [entry.phoneNumber, entry.expires]))
        assert.strictEqual(after.size, 40)
        for (const [phoneNumber, expires] of before) assert.strictEqual(after.get(phoneNumber), expires, phoneNumber)
      })
  )

  it.scopedLive.each([["some"], [""]])("%j is no number of requests: 2", ([above]) =>
    Effect.gen(function* () {
      const cwd = yield* folder
      Fs.writeFileSync(Path.join(cwd, "in.csv"), csv(1))
      const { code, stderr } = yield* run(["push", "in.csv", `--upload-above=${above}`], { cwd })
      assert.strictEqual(code, ExitCode.wrongUsage)
      assert.include(stderr, "upload-above")
    })
  )
})

/** What the options do: the commands themselves, in this process. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it, vi } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import type { RunReport } from "genesys-dnc"
import { Faults, Sandbox } from "genesys-dnc/sandbox"
import { fresh } from "../../src/cli/demo.js"
import * as ExitCode from "../../src/cli/ExitCode.js"
import { push, validate } from "../../src/cli/push.js"
import { sandbox as sandboxCommand } from "../../src/cli/sandbox.js"
import { webhook } from "../../src/cli/webhook.js"
import * as Words from "../../src/cli/words.js"
import { assertTotals, environment, file, folder, number, onList, posts, readRecords } from "../support/cli.js"

const command = Command.make("genesys-dnc").pipe(Command.withSubcommands([push, validate, webhook, sandboxCommand]))

interface Invoked {
  readonly code: number
  readonly stdout: string
  /** What the user would be told. */
  readonly said: string
}

const invoke = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}): Effect.Effect<Invoked> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const written = { stdout: "" }
      const stdout = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
        written.stdout += text
        return true
      })
      const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true)
      const log = vi.spyOn(console, "log").mockReturnValue(undefined)
      const error = vi.spyOn(console, "error").mockReturnValue(undefined)
      return { written, spies: [stdout, stderr, log, error], exitCode: process.exitCode }
    }),
    ({ written }) =>
      Command.run(command, { name: "genesys-dnc", version: "0" })(["node", "genesys-dnc", ...Words.arrange(args)]).pipe(
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(env)))),
        Effect.provide(NodeContext.layer),
        Effect.matchEffect({
          onSuccess: () =>
            Effect.sync(() => ({ code: Number(process.exitCode ?? 0), stdout: written.stdout, said: "" })),
          onFailure: (error) =>
            Effect.succeed({
              code: ValidationError.isValidationError(error) ? ExitCode.wrongUsage : ExitCode.ofError(error),
              stdout: written.stdout,
              said: ValidationError.isValidationError(error)
                ? JSON.stringify(error.error)
                : `${error.message}\n${"hint" in error ? error.hint : ""}`
            })
        })
      ),
    ({ exitCode, spies }) =>
      Effect.sync(() => {
        for (const spy of spies) spy.mockRestore()
        process.exitCode = exitCode
      })
  )

const json = (invoked: Invoked): RunReport.RunReport & { readonly exitCode: number } => {
  assert.match(invoked.stdout, /^\{[^\n]*\}\n$/, invoked.said)
  const report = JSON.parse(invoked.stdout)
  assert.strictEqual(report.exitCode, invoked.code)
  return report
}

/** A list to push to, and a folder with a file in it; what is on the list afterwards. */
const pushed = (content: string, ...args: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.make()
    const path = yield* file(content)
    const audit = Path.join(Path.dirname(path), "audit.jsonl")
    const report = json(yield* invoke(["push", path, "--json", "--audit", audit, ...args], environment(sandbox)))
    return { report, list: Object.fromEntries(onList(sandbox)), sandbox, path, audit }
  })

const forEver = "UNSPECIFIED for ever"

describe("the words of the command line", () => {
  it.each([
    [
      ["push", "a", "--list=L", "--json", "b"],
      ["push", "--list", "L", "--json", "--", "a", "b"]
    ],
    [
      ["push", "-", "--dry-run", "-"],
      ["push", "--dry-run", "--", "-", "-"]
    ],
    [
      ["validate", "--reason", "A=X", "c=d.csv", "--json=false", "--reason=B=Y"],
      ["validate", "--reason", "A=X", "--reason", "B=Y", "--json", "false", "--", "c=d.csv"]
    ],
    [
      ["push", "-h"],
      ["push", "--help"]
    ],
    [
      ["push", "--list", "--json"],
      ["push", "--list", "--json"]
    ],
    [
      ["push", "--", "--list", "a"],
      ["push", "--", "--list", "a"]
    ],
    [
      ["webhook", "register", "--url=https://a.example/?b=c"],
      ["webhook", "register", "--url", "https://a.example/?b=c"]
    ]
  ])("%j", (words, arranged) => {
    assert.deepStrictEqual(Words.arrange(words), arranged)
  })
})

describe("options that decide about rows", () => {
  it.scopedLive("--countries", () =>
    Effect.gen(function* () {
      const { list, report } = yield* pushed("phone\n+41446681800\n+13125550102\n", "--countries", "CH")
      assert.deepStrictEqual(list, { "+41446681800": forEver })
      assert.deepStrictEqual(report.countriesNotAllowed, { US: 1 })
      assert.strictEqual(report.exitCode, ExitCode.rejected)
    })
  )

  it.scopedLive("--default-country", () =>
    Effect.gen(function* () {
      const { list } = yield* pushed("phone\n020 7946 0100\n", "--default-country", "gb")
      assert.deepStrictEqual(list, { "+442079460100": forEver })
    })
  )

  it.scopedLive("--reason, several times, in any case", () =>
    Effect.gen(function* () {
      const content = `phone,reason\n${number(1)},OPT_OUT\n${number(2)},Complaint\n${number(3)},OTHER\n`
      const args = ["--reason", "opt_out=CUSTOMER_REQUEST", "--reason", "COMPLAINT=regulatory"]
      const { list, report } = yield* pushed(content, ...args)
      assert.deepStrictEqual(list, {
        [number(1)]: "CUSTOMER_REQUEST for ever",
        [number(2)]: "REGULATORY for ever",
        [number(3)]: forEver
      })
      assert.strictEqual(report.unknownReasons, 1)
      assert.strictEqual(report.exitCode, ExitCode.done)
    })
  )

  it.scopedLive("--strict-reasons", () =>
    Effect.gen(function* () {
      const content = `phone,reason\n${number(1)},OPT_OUT\n${number(2)},REGULATORY\n`
      const { list, report } = yield* pushed(content, "--strict-reasons")
      assert.deepStrictEqual(list, { [number(2)]: "REGULATORY for ever" })
      assert.deepStrictEqual(report.rejectsByCode, { UnknownReason: 1 })
    })
  )

  it.scopedLive("--timezone", () =>
    Effect.gen(function* () {
      const content = `phone,expires\n${number(1)},2035-06-30\n${number(2)},2035-06-30T10:00\n`
      const berlin = yield* pushed(content, "--timezone", "Europe/Berlin")
      assert.deepStrictEqual(berlin.list, {
        [number(1)]: "UNSPECIFIED 2035-06-30T22:00:00.000Z",
        [number(2)]: "UNSPECIFIED 2035-06-30T08:00:00.000Z"
      })
      const anywhere = yield* pushed(content)
      assert.deepStrictEqual(anywhere.list, {
        [number(1)]: "UNSPECIFIED 2035-07-01T12:00:00.000Z",
        [number(2)]: "UNSPECIFIED 2035-06-30T22:00:00.000Z"
      })
    })
  )

  it.scopedLive("--no-header, and columns by number", () =>
    Effect.gen(function* () {
      const content = `a,${number(1)},regulatory\nb,${number(2)},\n`
      const { list } = yield* pushed(content, "--no-header", "--phone-column", "2", "--reason-column=3")
      assert.deepStrictEqual(list, { [number(1)]: "REGULATORY for ever", [number(2)]: forEver })
    })
  )

  it.scopedLive("--phone-column by name, --delimiter", () =>
    Effect.gen(function* () {
      const content = `Kunde!Anschluss!phone\nA!${number(1)}!${number(9)}\n`
      const { list } = yield* pushed(content, "--phone-column", "anschluss", "--delimiter", "!")
      assert.deepStrictEqual(list, { [number(1)]: forEver })
      const tab = yield* pushed(`a,b\tphone\nx\t${number(2)}\n`, "--delimiter", "tab")
      assert.deepStrictEqual(tab.list, { [number(2)]: forEver })
    })
  )

  it.scopedLive("--format", () =>
    Effect.gen(function* () {
      const { list } = yield* pushed(`{"tel":"${number(1)}"}\n`, "--format", "ndjson")
      assert.deepStrictEqual(list, { [number(1)]: forEver })
    })
  )
})

describe("--now", () => {
  it.scopedLive("is the time by which expiries are judged", () =>
    Effect.gen(function* () {
      const path = yield* file(`phone,expires\n${number(1)},2020-01-01T00:00:00Z\n`)
      const validate = (...args: ReadonlyArray<string>) =>
        Effect.map(invoke(["validate", path, "--json", ...args]), (invoked) => json(invoked).rejectsByCode)
      assert.deepStrictEqual(yield* validate(), { ExpirationInPast: 1 })
      assert.deepStrictEqual(yield* validate("--now", "2019-12-31T23:59:59Z"), {})
    })
  )
})

describe("values that cannot be", () => {
  it.scopedLive.each([
    [["--max-rejects", "few"], /neither a number of rows nor a share/],
    [["--max-rejects", "1.5"], /neither a number of rows nor a share/],
    [["--reason", "A=WHATEVER"], /there is no reason WHATEVER\nUse UNSPECIFIED, CUSTOMER_REQUEST, REGULATORY/],
    [["--countries", "US,Germany"], /allowed country "Germany" is not an ISO 3166/],
    [["--default-country", "Germany"], /default country "Germany"/],
    [["--timezone", "Berlin"], /There is no time zone "Berlin"/],
    [["--reason", "OPTOUT"], /--reason OPTOUT gives no meaning to a code\nUse CODE=REASON/],
    [["--concurrency", "x"], /--concurrency x is not a whole number/],
    [["--timeout", "1s", "--timeout=1s"], /--timeout was given twice/],
    [["--timeout"], /--timeout was given twice, or without its value/],
    [["--concurrency", "0"], /--concurrency 0 is less than 1/],
    [["--concurrency", "auto:x"], /--concurrency auto:x is not a whole number, auto or auto:N/],
    [["--concurrency", "auto:"], /--concurrency auto: is not a whole number, auto or auto:N/],
    [["--concurrency", "auto:0"], /--concurrency auto:0 is less than 1/],
    [["--retry-attempts", "0"], /--retry-attempts 0 is less than 1/],
    [["--timeout", "soon"], /--timeout soon is not a duration/],
    [["--retry-for", "3 parsecs"], /--retry-for 3 parsecs is not a duration/],
    [["--list", "Newsletter", "--dry-run"], /"Newsletter" is not the id of a DNC list/],
    [["--list", "../../users/me", "--dry-run"], /is not the id of a DNC list/],
    [["--region", "atlantis-1"], /There is no region "atlantis-1"/],
    [["--api-url", "api.mypurecloud.de"], /--api-url api.mypurecloud.de is not a URL/],
    [["--now", "2026-03-01"], /--now 2026-03-01 is no point in time/],
    [["--format", "xlsx"], /Expected one of.*csv, ndjson/]
  ] as ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]>)("%j: 2", ([args, said]) =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const path = yield* file(`phone\n${number(1)}\n`)
      const audit = Path.join(Path.dirname(path), "audit.jsonl")
      const { GENESYS_DNC_LIST, ...env } = environment(sandbox)
      const list = args[0] === "--list" ? [] : ["--list", String(GENESYS_DNC_LIST)]
      const invoked = yield* invoke(["push", path, "--audit", audit, ...list, ...args], env)
      assert.match(invoked.said, said)
      assert.strictEqual(invoked.code, ExitCode.wrongUsage)
      assert.strictEqual(yield* posts(sandbox), 0)
    })
  )

  it.scopedLive("outputs over the log or an input, both in one file, or nowhere", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const content = `phone\n${number(1)}\nnobody\n`
      const path = yield* file(content)
      const cwd = Path.dirname(path)
      const audit = Path.join(cwd, "audit.jsonl")
      Fs.symlinkSync(audit, Path.join(cwd, "link.csv"))
      for (const [log, given, what] of [
        [audit, ["--rejects", Path.join(cwd, "x", "..", "audit.jsonl")], /cannot be the audit log as well/],
        [audit, ["--failed", `${cwd}/./audit.jsonl`], /cannot be the audit log as well/],
        [`${path}.rejects.csv`, [], /rejects\.csv cannot be the audit log as well/],
        [`${path}.failed.csv`, [], /failed\.csv cannot be the audit log as well/],
        [path, [], /cannot be the audit log as well/],
        // a link to the log, which is not there until it is opened
        [audit, ["--failed", Path.join(cwd, "link.csv")], /link\.csv is .*audit\.jsonl, which is kept/],
        [audit, ["--rejects", Path.join(cwd, "link.csv")], /link\.csv cannot be the audit log as well/],
        [audit, ["--rejects", `${cwd}/o.csv`, "--failed", `${cwd}/./o.csv`], /both the rejected rows and the failed/],
        [audit, ["--rejects", path], /optouts\.csv is the input/],
        [audit, ["--failed", path], /optouts\.csv is the input/],
        [
          audit,
          ["--failed", "/nonexist/f.csv"],
          /f\.csv cannot be written \(there is no folder \/nonexist\)\n.*--failed/
        ],
        [audit, ["--rejects", cwd], /is a folder/]
      ] as const) {
        const args = ["push", path, "--api", "entries", "--audit", log]
        const { code, said } = yield* invoke([...args, ...given], environment(sandbox))
        assert.match(said, what)
        assert.strictEqual(code, ExitCode.wrongUsage)
      }
      assert.strictEqual(Fs.readFileSync(path, "utf8"), content)
      assert.deepStrictEqual(Fs.readdirSync(cwd).sort(), ["audit.jsonl", "audit.jsonl.key", "link.csv", "optouts.csv"])
      assert.strictEqual(yield* posts(sandbox), 0)
    })
  )
})

describe("push", () => {
  it.scopedLive("--dry-run sends nothing, asks for no credentials, and leaves evidence", () =>
    Effect.gen(function* () {
      const path = yield* file(`phone\n${number(1)}\n${number(1)}\nnobody\n`)
      const audit = Path.join(Path.dirname(path), "audit.jsonl")
      const args = ["push", path, "--dry-run", "--json", "--list", Sandbox.defaultListId, "--audit", audit]
      const report = json(yield* invoke(args))
      assert.strictEqual(report.exitCode, ExitCode.rejected)
      assertTotals(report.totals, { read: 3, skipped: 1, duplicateInFile: 1, rejected: 1 })
      assert.strictEqual(report.target, "nowhere")
      assert.deepStrictEqual(
        readRecords(audit).map(({ operation }) => operation),
        ["RUN_STARTED", "RUN_FINISHED"]
      )
    })
  )

  it.scopedLive("several files are one run: one number once, and each reject with its file and line", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ refuse: [number(3)] })
      const cwd = yield* folder
      const at = (name: string) => Path.join(cwd, name)
      Fs.writeFileSync(at("a.csv"), `phone,reason\n${number(1)},\nnobody,\n${number(2)},\n`)
      Fs.writeFileSync(at("b.csv"), `phone,reason\n\n${number(3)},\n${number(1)},REGULATORY\nnoone,\n`)
      const files = [at("a.csv"), at("b.csv")]
      const outputs = ["--rejects", at("r.csv"), "--failed", at("f.csv"), "--audit", at("audit.jsonl")]
      const report = json(yield* invoke(["push", ...files, "--json", ...outputs], environment(sandbox)))
      assertTotals(report.totals, { read: 6, created: 2, duplicateInFile: 1, rejected: 3 })
      assert.deepStrictEqual(
        report.inputs.map(({ rejected, rows }) => [rows, rejected]),
        [
          [3, 1],
          [3, 1]
        ]
      )
      assert.deepStrictEqual(Object.fromEntries(onList(sandbox)), {
        [number(1)]: "REGULATORY for ever",
        [number(2)]: forEver
      })
      assert.deepStrictEqual(
        Fs.readFileSync(at("r.csv"), "utf8")
          .trimEnd()
          .split("\n")
          .map((line) => line.split(",").slice(0, 5)),
        [
          ["phone", "reason", "file", "line", "code"],
          ["nobody", "", at("a.csv"), "3", "InvalidPhoneNumber"],
          ["noone", "", at("b.csv"), "5", "InvalidPhoneNumber"],
          [number(3), "UNSPECIFIED", at("b.csv"), "3", "RefusedByServer"]
        ]
      )
      const recorded = readRecords(at("audit.jsonl"))
        .filter(({ operation }) => operation === "RUN_STARTED" || operation === "RUN_FINISHED")
        .map((record) => record.validationErrors?.map((error) => error.at))
      assert.deepStrictEqual(recorded, [[`${at("a.csv")}:3`, `${at("b.csv")}:5`], [`${at("b.csv")}:3`]])
      assert.isFalse(Fs.existsSync(at("f.csv")))
    })
  )

  it.scopedLive("--failed", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      yield* sandbox.inject(Faults.failNext(1, 503, { route: "entries" }))
      const path = yield* file(`phone\n${number(1)}\n`)
      const failed = Path.join(yield* folder, "failed.csv")
      const once = ["--api", "entries", "--retry-attempts", "1"]
      const args = ["push", path, "--json", "--audit", `${path}.audit`, "--failed", failed, ...once]
      const report = json(yield* invoke(args, environment(sandbox)))
      assert.strictEqual(report.exitCode, ExitCode.failed)
      assert.match(Fs.readFileSync(failed, "utf8"), new RegExp(`^\\${number(1)},UNSPECIFIED,,ServerError,`, "m"))
      assert.deepStrictEqual(Fs.readdirSync(Path.dirname(path)).sort(), [
        "optouts.csv",
        "optouts.csv.audit",
        "optouts.csv.audit.key"
      ])
    })
  )

  it.scopedLive("--max-rejects in rows and as a share, to the row", () =>
    Effect.gen(function* () {
      const content = `phone\n${number(1)}\n${number(2)}\nnobody\nnoone\n`
      for (const [limit, code] of [
        ["1", ExitCode.badInput],
        ["2", ExitCode.rejected],
        ["49.9%", ExitCode.badInput],
        ["50%", ExitCode.rejected]
      ] as const) {
        const sandbox = yield* Sandbox.make()
        const path = yield* file(content)
        const audit = `${path}.audit`
        const args = ["push", path, "--api", "entries", "--audit", audit, "--max-rejects", limit]
        const invoked = yield* invoke(args, environment(sandbox))
        assert.strictEqual(invoked.code, code, limit)
        assert.strictEqual(yield* posts(sandbox), code === ExitCode.badInput ? 0 : 1, limit)
        assert.isTrue(Fs.existsSync(`${path}.rejects.csv`), "to be mended")
      }
    })
  )

  it.scopedLive("--max-rejects 29% takes 29 rows of 100, though 0.29 * 100 < 29", () =>
    Effect.gen(function* () {
      const rows = (bad: number) =>
        Array.from({ length: 100 }, (_, i) => (i < bad ? `nobody${"x".repeat(i)}\n` : `${number(i)}\n`)).join("")
      for (const [bad, code] of [
        [29, ExitCode.rejected],
        [30, ExitCode.badInput]
      ] as const) {
        const path = yield* file(`phone\n${rows(bad)}`)
        const invoked = yield* invoke(["validate", path, "--max-rejects", "29%"])
        assert.strictEqual(invoked.code, code, invoked.said)
      }
    })
  )

  it.scopedLive("--json has its line where a run fails before it sends", () =>
    Effect.gen(function* () {
      const path = yield* file(`phone\n${number(1)}\nnobody\n`)
      const failing = (...args: ReadonlyArray<string>) =>
        Effect.map(invoke(["validate", "--json", ...args]), (invoked) => {
          assert.match(invoked.stdout, /^\{[^\n]*\}\n$/)
          const { error, exitCode } = JSON.parse(invoked.stdout)
          assert.strictEqual(exitCode, invoked.code)
          assert.strictEqual(`${error.message}\n${error.hint}`, invoked.said)
          return error
        })
      const many = yield* failing(path, "--max-rejects", "0")
      assert.strictEqual(many.tag, "TooManyRejects")
      assert.deepStrictEqual(many.rejectsByCode, { InvalidPhoneNumber: 1 })
      assert.deepStrictEqual([many.rejected, many.read, many.files[0].path], [1, 2, `${path}.rejects.csv`])
      assert.strictEqual((yield* failing(`${path}.none`)).reason, "NotFound")
      assert.strictEqual((yield* failing(path, "--max-rejects", "few")).tag, "UsageError")
    })
  )

  it.scopedLive("inputs that cannot be used: 5, and nothing is sent", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const cwd = yield* folder
      const at = (name: string) => Path.join(cwd, name)
      Fs.writeFileSync(at("good.csv"), `phone\n${number(1)}\n`)
      Fs.writeFileSync(at("empty.csv"), "")
      Fs.writeFileSync(at("people.csv"), "name,city\nA,B\n")
      Fs.writeFileSync(at("secret.csv"), `phone\n${number(1)}\n`, { mode: 0o000 })
      const cases: Array<readonly [string, RegExp]> = [
        [at("none.csv"), /none\.csv does not exist/],
        [cwd, /is a directory/],
        [at("empty.csv"), /is empty/],
        [at("people.csv"), /no column is named as one of phone numbers; the columns are "name", "city"/]
      ]
      if (process.getuid?.() !== 0) cases.push([at("secret.csv"), /may not be read/])
      for (const [path, said] of cases) {
        const args = ["push", at("good.csv"), path, "--api", "entries", "--audit", at("audit.jsonl")]
        const invoked = yield* invoke(args, environment(sandbox))
        assert.match(invoked.said, said)
        assert.strictEqual(invoked.code, ExitCode.badInput)
      }
      assert.strictEqual(yield* posts(sandbox), 0)
    })
  )
})

describe("validate", () => {
  it.scopedLive("refuses what push refuses, and counts what push counts", () =>
    Effect.gen(function* () {
      const example = Path.resolve(import.meta.dirname, "../../examples/files/suppression.csv")
      const cwd = yield* folder
      const sandbox = yield* Sandbox.make()
      const at = (name: string) => Path.join(cwd, name)
      const policy = ["--reason", "OPT_OUT=CUSTOMER_REQUEST", "--json"]
      const validated = json(yield* invoke(["validate", example, "--rejects", at("v.csv"), ...policy]))
      const outputs = ["--rejects", at("p.csv"), "--failed", at("f.csv"), "--audit", at("audit.jsonl")]
      const report = json(yield* invoke(["push", example, ...outputs, ...policy], environment(sandbox)))
      assertTotals(validated.totals, { read: 146, skipped: 117, duplicateInFile: 7, rejected: 22 })
      assertTotals(report.totals, { read: 146, created: 117, duplicateInFile: 7, rejected: 22 })
      assert.deepStrictEqual(validated.rejectsByCode, report.rejectsByCode)
      assert.deepStrictEqual(validated.countriesNotAllowed, report.countriesNotAllowed)
      assert.strictEqual(validated.unknownReasons, report.unknownReasons)
      assert.strictEqual(Fs.readFileSync(at("v.csv"), "utf8"), Fs.readFileSync(at("p.csv"), "utf8"))
      assert.strictEqual(validated.exitCode, ExitCode.rejected)
      assert.deepStrictEqual(Fs.readdirSync(cwd).sort(), ["audit.jsonl", "audit.jsonl.key", "p.csv", "v.csv"])
    })
  )
})

describe("webhook", () => {
  it.live("alone is wrong usage", () =>
    Effect.gen(function* () {
      const { code, said } = yield* invoke(["webhook"])
      assert.strictEqual(code, ExitCode.wrongUsage)
      assert.match(said, /register or list/)
    })
  )

  it.scopedLive("is registered once for a name and URL, also by another process, and listed", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const audit = Path.join(yield* folder, "audit.jsonl")
      const register = (url: string) =>
        invoke(["webhook", "register", "--name=DNC", `--url=${url}`, "--audit", audit], environment(sandbox))
      const first = yield* register("https://compliance.example/dnc?a=b")
      assert.match(first.stdout, /^[0-9a-f-]{36}\n$/)
      assert.deepStrictEqual(yield* register("https://compliance.example/dnc?a=b"), first)
      const other = yield* register("https://compliance.example/other")
      assert.notStrictEqual(other.stdout, first.stdout)
      assert.strictEqual((yield* sandbox.webhooks).length, 2)
      const list = yield* invoke(["webhook", "list", "--audit", audit])
      assert.deepStrictEqual(
        list.stdout
          .trimEnd()
          .split("\n")
          .map((line) => [line.split("  ")[0], line.split("  ")[3]]),
        [
          [first.stdout.trimEnd(), "https://compliance.example/dnc?***"],
          [other.stdout.trimEnd(), "https://compliance.example/other"]
        ]
      )
      const insecure = yield* register("http://compliance.example/dnc")
      assert.strictEqual(insecure.code, ExitCode.wrongUsage)
      assert.match(insecure.said, /must be https:/)
    })
  )
})

describe("sandbox", () => {
  it.live("refuses shares that are none", () =>
    Effect.gen(function* () {
      const { code, said } = yield* invoke(["sandbox", "--port", "0", "--errors", "10"])
      assert.strictEqual(code, ExitCode.wrongUsage)
      assert.match(said, /--errors 10 is no share/)
    })
  )

  it.live.each([
    [["--truncated", "0.6", "--slow", "0.5"], /--truncated, --slow: more than all requests/],
    [["--drops-before", "-1"], /--drops-before -1 is no share/],
    [["--refuse", "14155550100"], /--refuse 14155550100 is no number\n.*\+1415\*/]
  ] as const)("refuses faults that there cannot be: %j", ([args, expected]) =>
    Effect.gen(function* () {
      const { code, said } = yield* invoke(["sandbox", "--port", "0", ...args])
      assert.strictEqual(code, ExitCode.wrongUsage)
      assert.match(said, expected)
    })
  )
})

describe("demo", () => {
  it.scopedLive("says where it cannot leave its files", () =>
    Effect.gen(function* () {
      const path = yield* file("")
      const error = yield* Effect.flip(fresh(Path.join(path, "demo")))
      assert.match(error.message, /^The folder .*demo cannot be made here \(ENOTDIR\)$/)
      assert.strictEqual(ExitCode.ofError(error), ExitCode.aborted)
    })
  )
})

describe("--due-table", () => {
  it.scopedLive("says by when; one that is wrong is wrong usage, before anything is read", () =>
    Effect.gen(function* () {
      const path = yield* file("phone,asked,requested_at\n+14155550100,2020-01-01,\n+493012345678,2020-01-01,\n")
      const table = Path.join(Path.dirname(path), "due.json")
      const validated = (...args: ReadonlyArray<string>) =>
        invoke(["validate", path, "--requested-column", "asked", "--json", "--due-table", table, ...args])
      const missing = yield* validated()
      assert.strictEqual(missing.code, ExitCode.wrongUsage)
      assert.include(missing.said, "ENOENT")
      Fs.writeFileSync(table, '{"DE":{"days":-1}}')
      const wrong = yield* validated()
      assert.strictEqual(wrong.code, ExitCode.wrongUsage)
      assert.include(wrong.said, "DE.days")
      Fs.writeFileSync(table, '{"DE":{"days":3650}}')
      const { honour } = json(yield* validated("--now", "2026-01-01T00:00:00Z"))
      assert.deepStrictEqual(honour?.open.pastDue.byCountry, { US: 1 })
    })
  )
})

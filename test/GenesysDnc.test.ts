import * as Fs from "node:fs"
import type * as Http from "node:http"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import {
  AuditSink,
  Contract,
  DncSubmitter,
  DncValidator,
  GenesysDnc,
  GenesysError,
  Region,
  type RunReport,
  type SuppressionFile
} from "genesys-dnc"
import { Faults, Sandbox } from "genesys-dnc/sandbox"
import { Mocks } from "genesys-dnc/testing"
import {
  assertTotals,
  csv,
  file,
  folder,
  mode,
  number,
  onList,
  posts,
  quick,
  readRecords,
  serve,
  settings
} from "./support/cli.js"

const connection = (
  variables: Readonly<Record<string, string>>,
  given?: Parameters<typeof GenesysDnc.connection>[0]
): Effect.Effect<GenesysDnc.Connection, GenesysDnc.ConfigurationError> =>
  GenesysDnc.connection(given).pipe(
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))
  )

const client = { GENESYSCLOUD_OAUTHCLIENT_ID: "id", GENESYSCLOUD_OAUTHCLIENT_SECRET: "s3cret" }

const hosts = (of: Effect.Effect<GenesysDnc.Connection, GenesysDnc.ConfigurationError>) =>
  Effect.map(of, ({ apiUrl, loginUrl }) => [apiUrl, loginUrl])

describe("connection", () => {
  it.effect("knows each of the 18 regions by its AWS name and by its domain", () =>
    Effect.gen(function* () {
      assert.strictEqual(Object.keys(Region.domains).length, 18)
      assert.strictEqual(new Set(Object.values(Region.domains)).size, 18)
      assert.strictEqual(Region.domains["us-east-1"], "mypurecloud.com")
      assert.strictEqual(Region.domains["eu-central-1"], "mypurecloud.de")
      for (const [name, domain] of Object.entries(Region.domains)) {
        const expected = [`https://api.${domain}`, `https://login.${domain}`]
        for (const region of [name, domain, ` ${name.toUpperCase()} `]) {
          assert.deepStrictEqual(yield* hosts(connection({ ...client, GENESYSCLOUD_REGION: region })), expected)
          assert.deepStrictEqual(yield* hosts(connection(client, { region })), expected)
        }
      }
    })
  )

  it.effect("says which regions there are", () =>
    Effect.gen(function* () {
      for (const region of ["atlantis-1", "constructor", "mypurecloud.example"]) {
        const error = yield* Effect.flip(connection({ ...client, GENESYSCLOUD_REGION: region }))
        assert.strictEqual(error.message, `There is no region "${region}"`)
        assert.include(error.hint, "eu-central-1 (mypurecloud.de)")
      }
    })
  )

  it.effect("hosts override the region's; what is given in the call wins", () =>
    Effect.gen(function* () {
      const region = { ...client, GENESYSCLOUD_REGION: "eu-west-1" }
      const api = { ...region, GENESYS_DNC_API_URL: "http://api.test" }
      const both = { ...api, GENESYS_DNC_LOGIN_URL: "http://login.test" }
      const login = { ...region, GENESYS_DNC_LOGIN_URL: "http://login.test" }
      const cases: ReadonlyArray<readonly [Record<string, string>, Parameters<typeof connection>[1], string, string]> =
        [
          [region, {}, "https://api.mypurecloud.ie", "https://login.mypurecloud.ie"],
          [api, {}, "http://api.test", "http://api.test"],
          [both, {}, "http://api.test", "http://login.test"],
          [login, {}, "https://api.mypurecloud.ie", "http://login.test"],
          [both, { apiUrl: "http://given.test" }, "http://given.test", "http://login.test"],
          [both, { loginUrl: "http://given.test" }, "http://api.test", "http://given.test"],
          [both, { region: "us-west-2" }, "https://api.usw2.pure.cloud", "https://login.usw2.pure.cloud"],
          [both, { region: "us-west-2", apiUrl: "http://given.test" }, "http://given.test", "http://given.test"]
        ]
      for (const [variables, given, ...expected] of cases) {
        assert.deepStrictEqual(yield* hosts(connection(variables, given)), expected)
      }
    })
  )

  it.effect("a variable that is set to nothing is not set", () =>
    Effect.gen(function* () {
      const set = { ...client, GENESYSCLOUD_REGION: "eu-west-1" }
      const empty = { GENESYS_DNC_API_URL: "", GENESYS_DNC_LOGIN_URL: " ", GENESYSCLOUD_ACCESS_TOKEN: "" }
      const found = yield* connection({ ...set, ...empty })
      assert.strictEqual(found.apiUrl, "https://api.mypurecloud.ie")
      assert.deepStrictEqual(
        "clientSecret" in found.credentials && Redacted.value(found.credentials.clientSecret),
        "s3cret"
      )
      assert.notInclude(JSON.stringify(found), "s3cret")
      const nowhere = yield* Effect.flip(connection({ ...client, GENESYSCLOUD_REGION: " " }))
      assert.strictEqual(nowhere.message, "Neither GENESYSCLOUD_REGION nor GENESYS_DNC_API_URL is set")
      for (const name of ["GENESYSCLOUD_OAUTHCLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_SECRET"]) {
        const error = yield* Effect.flip(connection({ ...set, [name]: " " }))
        assert.strictEqual(error.message, `No credentials: ${name} is not set`)
      }
    })
  )

  it.effect("takes a token where there is no client", () =>
    Effect.gen(function* () {
      const token = { GENESYSCLOUD_REGION: "eu-west-1", GENESYSCLOUD_ACCESS_TOKEN: "t0ken" }
      const { credentials } = yield* connection(token)
      assert.strictEqual("accessToken" in credentials && Redacted.value(credentials.accessToken), "t0ken")
      assert.isTrue("clientId" in (yield* connection({ ...token, ...client })).credentials)
    })
  )
})

/** Pushes one file to a sandbox, with the log and the outputs beside it. */
const pushed = (
  sandbox: Sandbox.Service,
  path: string | ReadonlyArray<string>,
  options: Partial<GenesysDnc.PushOptions> = {},
  changes: Partial<GenesysDnc.Options> = {}
) => {
  const first = typeof path === "string" ? path : path[0]
  return GenesysDnc.pushFile(path, { dncListId: sandbox.listId, ...options }).pipe(
    Effect.provide(GenesysDnc.layer({ ...settings(sandbox, `${first}.audit`), ...changes }))
  )
}

const utf16 = Buffer.from(`\ufeffphone\n${number(1)}\n`, "utf16le")

describe("inputs that are not what they should be", () => {
  it.scopedLive.each([
    ["empty", "", "Empty"],
    ["blank", " \n\n", "Empty"],
    ["without a column of phone numbers", "name,city\nA,B\n", "Header"],
    ["rows without a header", csv(2).replace("phone\n", ""), "Header"],
    ["an unclosed quote", `phone,note\n${number(1)},"oh\n${number(2)},\n`, "UnclosedQuote"],
    ["a quote that seems to swallow rows", `phone,note\n${number(1)},"x\n${number(2)},y"\n`, "UnclosedQuote"],
    ["UTF-16", utf16, "Encoding"],
    ["UTF-16 without a mark", utf16.subarray(2), "Encoding"],
    ["Latin-1 far down", Buffer.from(`${csv(20_000)}M\xfcller\n`, "latin1"), "Encoding"],
    ["binary", Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 167) % 256)), "Encoding"],
    ["gzip", Buffer.from("1f8b080000000000", "hex"), "Encoding"],
    ["a header of 10 MB", `phone${"x".repeat(10_000_000)}\n`, "TooLong"],
    ["a JSON array", `[{"phone":"${number(1)}"}]`, "Header"]
  ] as ReadonlyArray<readonly [string, string | Buffer, SuppressionFile.InputError["reason"]]>)(
    "%s: refused whole, and nothing is sent",
    ([, content, reason]) =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.make()
        const good = yield* file(csv(3))
        const error = yield* Effect.flip(pushed(sandbox, [good, yield* file(content)]))
        assert.strictEqual(error._tag, "InputError")
        assert.strictEqual("reason" in error && error.reason, reason)
        assert.strictEqual(yield* posts(sandbox), 0)
        assert.strictEqual(onList(sandbox).size, 0)
      })
  )

  const [a, b, c] = [number(1), number(2), number(3)]
  it.scopedLive.each([
    ["a header alone", "phone,reason\n", { read: 0 }, [], {}],
    ["a byte order mark", `\ufeffphone\n${a}\n`, { read: 1 }, [a], {}],
    ["CRLF, and no end to the last line", `phone,x\r\n${a},1\r\n${b},2`, { read: 2 }, [a, b], {}],
    ["semicolons", `name;phone\nA, B;${a}\n`, { read: 1 }, [a], {}],
    ["tabs", `name\tphone\nA;B\t${a}\n`, { read: 1 }, [a], {}],
    ["line breaks in quotes", `phone,note\n${a},"x\n""y"",\r\nz"\n${c},\n`, { read: 2 }, [a, c], {}],
    [
      "a row in the quotes of another",
      `phone,note\n${a},"x\n${b}\ny"\n${c},\n`,
      { read: 2, rejected: 1 },
      [c],
      { MalformedRow: 1 }
    ],
    ["ragged rows", `note,phone\nx\ny,${a}\n,${b},1\n`, { read: 3, rejected: 2 }, [a], { MalformedRow: 2 }],
    [
      "a line of 10 MB",
      `phone\n${a}\n${"9".repeat(10_000_000)}\n${b}\n`,
      { read: 3, rejected: 1 },
      [a, b],
      { MalformedRow: 1 }
    ],
    [
      "NDJSON with a bad line in the middle",
      `{"phone":"${a}"}\n{"phone":"${b}"\n{"phone":"${c}"}\n`,
      { read: 3, rejected: 1 },
      [a, c],
      { MalformedRow: 1 }
    ]
  ] as ReadonlyArray<
    readonly [string, string, Partial<RunReport.Totals>, ReadonlyArray<string>, RunReport.RunReport["rejectsByCode"]]
  >)("%s: every row is counted, and the good ones are on the list", ([, content, totals, numbers, codes]) =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const report = yield* pushed(sandbox, yield* file(content))
      assert.strictEqual(report.outcome, "completed")
      assertTotals(report.totals, { created: numbers.length, ...totals })
      assert.deepStrictEqual(report.rejectsByCode, codes)
      assert.deepStrictEqual([...onList(sandbox).keys()].sort(), numbers.toSorted())
    })
  )

  it.scopedLive.each([
    ["appended to", (path: string) => Fs.appendFileSync(path, `${number(9)}\n`)],
    ["cut", (path: string) => Fs.truncateSync(path, 20)],
    [
      "replaced by one of the same size and time",
      (path: string) => {
        const { atime, mtime, size } = Fs.statSync(path)
        Fs.writeFileSync(`${path}.new`, "x".repeat(size))
        Fs.utimesSync(`${path}.new`, atime, mtime)
        Fs.renameSync(`${path}.new`, path)
      }
    ]
  ] as ReadonlyArray<readonly [string, (path: string) => void]>)(
    "%s while it is read: refused whole, and nothing is sent",
    ([, change]) =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.make()
        const path = yield* file(csv(30_000))
        let changed = false
        const error = yield* Effect.flip(
          pushed(sandbox, path, {
            onProgress: ({ phase }) => {
              if (!changed && phase === "reading") change(path)
              changed = true
            }
          })
        )
        assert.strictEqual("reason" in error && error.reason, "Changed")
        assert.strictEqual(yield* posts(sandbox), 0)
      })
  )

  it.scopedLive("a first file that changes while the second is read: refused, and nothing is sent", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const first = yield* file(csv(10))
      const second = yield* file(csv(20, 10))
      const error = yield* Effect.flip(
        pushed(sandbox, [first, second], {
          onProgress: ({ totals }) => {
            if (totals.read === 30) Fs.appendFileSync(first, `${number(99)}\n`)
          }
        })
      )
      assert.strictEqual("reason" in error && error.reason, "Changed")
      assert.include(error.message, first)
      assert.strictEqual(yield* posts(sandbox), 0)
    })
  )

  it.scopedLive("one that changes while it is sent: what was read is sent, and the digest says what that was", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const path = yield* file(csv(1000))
      let changed = false
      const report = yield* pushed(sandbox, path, {
        concurrency: 1,
        onProgress: ({ phase }) => {
          if (!changed && phase === "sending") Fs.writeFileSync(path, "phone\n")
          changed ||= phase === "sending"
        }
      })
      assert.isTrue(changed)
      assertTotals(report.totals, { read: 1000, created: 1000 })
      assert.strictEqual(report.inputs[0].sha256.length, 64)
      assert.strictEqual(onList(sandbox).size, 1000)
    })
  )
})

describe("servers that are not what they should be", () => {
  const lacking = (url: string) =>
    Effect.gen(function* () {
      const path = yield* file(csv(3))
      const retry = { ...quick, attempts: 2 }
      const credentials = { clientId: "id", clientSecret: Redacted.make("s3cret") }
      const error = yield* GenesysDnc.pushFile(path, { dncListId: Sandbox.defaultListId }).pipe(
        Effect.provide(GenesysDnc.layer({ apiUrl: url, credentials, auditLog: `${path}.audit`, retry })),
        Effect.flip
      )
      assert.deepStrictEqual(readRecords(`${path}.audit`), [])
      return error
    })

  it.scopedLive("a server that is down", () =>
    Effect.gen(function* () {
      const url = yield* Effect.scoped(serve(() => {}))
      const error = yield* lacking(url)
      assert.strictEqual(error._tag, "TransportError")
      assert.include(error.message, "ECONNREFUSED")
    })
  )

  it.scopedLive("one that speaks JSON, but is not Genesys Cloud", () =>
    Effect.gen(function* () {
      const asked: Array<string | undefined> = []
      const answering = (body: Http.RequestListener) =>
        serve((request, response) => {
          asked.push(request.url)
          body(request, response)
        })
      const json = yield* answering((_, response) => response.end('{"ok":true}'))
      assert.match((yield* lacking(json)).message, /token endpoint answered 200, but not with a token/)
      const page = yield* answering((_, response) => response.end("<html>Welcome</html>"))
      assert.match((yield* lacking(page)).message, /an HTML page where JSON was expected/)
      const other = yield* answering((request, response) =>
        response.end(request.url === "/oauth/token" ? '{"access_token":"t","expires_in":60}' : '{"ok":true}')
      )
      assert.match((yield* lacking(other)).message, /does not describe a DNC list/)
      const moved = yield* answering((_, response) => response.writeHead(302, { location: page }).end())
      assert.match((yield* lacking(moved)).message, /302/)
      assert.deepStrictEqual(
        asked.filter((url) => url?.endsWith("/entries")),
        []
      )
    })
  )

  it.scopedLive("HTML with 200, where the list should be and where the counts should be", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      yield* sandbox.inject(Faults.htmlNext(1, { route: "list" }))
      const path = yield* file(csv(600))
      const error = yield* Effect.flip(pushed(sandbox, path))
      assert.strictEqual(error._tag, "UnexpectedResponse")
      assert.strictEqual(yield* posts(sandbox), 0)

      yield* sandbox.inject(Faults.htmlNext(1, { route: "entries" }))
      const report = yield* pushed(sandbox, path, { concurrency: 1 })
      assertTotals(report.totals, { read: 600, failed: 499, created: 101 })
      assert.strictEqual(report.complianceStatus, "INCOMPLETE")
      const failed = report.files.find(({ kind }) => kind === "failed")
      assert.strictEqual(failed?.rows, 499)
      assert.strictEqual(onList(sandbox).size, 101)
    })
  )

  it.scopedLive("a permission that is taken away in the middle stops the run", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const path = yield* file(csv(5000))
      let taken = false
      const report = yield* pushed(sandbox, path, {
        concurrency: 1,
        onProgress: ({ settled }) => {
          if (settled > 0 && !taken) Effect.runSync(sandbox.inject(Faults.failNext(1000, 403, { route: "entries" })))
          taken ||= settled > 0
        }
      })
      assert.strictEqual(report.outcome, "aborted")
      assert.strictEqual(report.error?.tag, "Forbidden")
      assertTotals(report.totals, { read: 5000, created: 499, failed: 499, skipped: 4002 })
      assert.strictEqual(yield* posts(sandbox), 2)
    })
  )
})

describe("evidence", () => {
  /** As the library wires it, but with a log whose disk is full at the `last` record. */
  const withLog = (sandbox: Sandbox.Service, last: number, records: Array<AuditSink.AuditRecord>) =>
    Effect.gen(function* () {
      const memory = yield* AuditSink.AuditSink
      let appended = 0
      return AuditSink.AuditSink.of({
        forEach: memory.forEach,
        append: (event) =>
          ++appended < last
            ? memory.append(event)
            : Effect.fail(new AuditSink.AuditError({ message: "The disk is full", hint: "Buy another." }))
      })
    }).pipe(
      Layer.effect(AuditSink.AuditSink),
      Layer.provide(AuditSink.layerMemory(records, { numbers: "whole" })),
      (sink) =>
        Layer.merge(
          DncValidator.layer(),
          DncSubmitter.layer({ contract: Contract.entries, retry: quick }).pipe(
            Layer.provideMerge(sink),
            // the log of these services is not the one that counts
            Layer.provide(GenesysDnc.layer(settings(sandbox, "/dev/null")))
          )
        )
    )

  it.scopedLive("a log that fails at any record stops the run, and no request goes out unrecorded", () =>
    Effect.gen(function* () {
      // six batches, each with its two records, between the first record and the last
      const content = `phone,expires\n${Array.from({ length: 600 }, (_, i) => `${number(i)},2035-01-0${1 + (i % 6)}\n`).join("")}`
      for (let last = 1; last <= 15; last++) {
        const sandbox = yield* Sandbox.make({ faults: { latencyMs: 2 } })
        const path = yield* file(content)
        const records: Array<AuditSink.AuditRecord> = []
        const exit = yield* GenesysDnc.pushFile(path, { dncListId: sandbox.listId, concurrency: 3 }).pipe(
          Effect.provide(withLog(sandbox, last, records)),
          Effect.either
        )
        const intended = new Set(
          records.flatMap((record) => (record.operation === "BATCH_INTENDED" ? [record.result.idempotencyKey] : []))
        )
        const { keys } = yield* sandbox.stats
        for (const key of Object.keys(keys)) assert.isTrue(intended.has(key), `log of ${last - 1} records`)
        if (exit._tag === "Left") {
          assert.strictEqual(last, 1)
          assert.strictEqual(exit.left._tag, "AuditError")
          assert.deepStrictEqual(keys, {})
          continue
        }
        const { error, outcome, totals } = exit.right
        assertTotals(totals, { read: 600, created: totals.created, failed: totals.failed, skipped: totals.skipped })
        assert.isAtMost(totals.created, onList(sandbox).size)
        assert.strictEqual(outcome, last === 15 ? "completed" : "aborted")
        assert.strictEqual(error?.tag, last === 15 ? undefined : "AuditError")
        if (last > 14) assert.strictEqual(totals.created, 600)
        const failed = totals.failed === 0 ? 0 : Fs.readFileSync(`${path}.failed.csv`, "utf8").split("\n").length - 2
        assert.strictEqual(failed, totals.failed)
      }
    })
  )

  it.scopedLive("what is on the disk names every request, and ends with totals that add up", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const path = yield* file(`${csv(600)}nobody\n`)
      const report = yield* pushed(sandbox, path)
      const records = readRecords(`${path}.audit`)
      const keys = records.flatMap((record) =>
        record.operation === "BATCH_INTENDED" ? [record.result.idempotencyKey] : []
      )
      assert.deepStrictEqual(keys.toSorted(), Object.keys((yield* sandbox.stats).keys).sort())
      const last = records.at(-1)
      assert.deepStrictEqual(last?.operation === "RUN_FINISHED" && last.result.totals, { ...report.totals })
      assert.strictEqual(last?.complianceStatus, "VALIDATED_WITH_REJECTS")
      assert.isTrue(records.every(({ runId }) => runId === report.runId))
    })
  )
})

describe("outputs", () => {
  it.scopedLive("rejects stand under the input's own columns, and go onto the list once mended", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ refuse: [number(5)] })
      const content = `Name;Phone;Reason;Expires\n"A; ""B""";33199x;REGULATORY;2035-06-30T12:00Z\nC;${number(2)};;\n;${number(5)};REGULATORY;\nD;${number(3)};;soon\n`
      const path = yield* file(content)
      const report = yield* pushed(sandbox, path)
      assertTotals(report.totals, { read: 4, created: 1, rejected: 3 })
      const rejects = `${path}.rejects.csv`
      assert.deepStrictEqual(
        report.files.map(({ kind, path, rows }) => [kind, path, rows]),
        [["rejects", rejects, 3]]
      )
      const lines = Fs.readFileSync(rejects, "utf8").trimEnd().split("\n")
      assert.strictEqual(lines[0], "Name;Phone;Reason;Expires;line;code;message")
      assert.match(lines[1], /^"A; ""B""";33199x;REGULATORY;2035-06-30T12:00Z;2;AmbiguousPhoneNumber;/)
      assert.match(lines[2], new RegExp(`^D;\\${number(3)};;soon;5;InvalidExpiration;`))
      assert.match(lines[3], new RegExp(`^;\\${number(5)};REGULATORY;;4;RefusedByServer;`))
      const mended = Fs.readFileSync(rejects, "utf8")
        .replace("33199x", number(1))
        .replace("soon", "2035-06-30T12:00Z")
        .replace(number(5), number(6))
      Fs.writeFileSync(rejects, mended)
      const again = yield* pushed(sandbox, rejects)
      assertTotals(again.totals, { read: 3, created: 3 })
      assert.deepStrictEqual(Object.fromEntries(onList(sandbox)), {
        [number(1)]: "REGULATORY 2035-06-30T12:00:00.000Z",
        [number(2)]: "UNSPECIFIED for ever",
        [number(3)]: "UNSPECIFIED 2035-06-30T12:00:00.000Z",
        [number(6)]: "REGULATORY for ever"
      })
      assert.isFalse(Fs.existsSync(`${rejects}.rejects.csv`))
    })
  )

  it.scopedLive("rejects that are not mended are the same rejects again", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const path = yield* file(`phone,note\nnobody,1\n911,"2\n3"\nx,y,z\n`)
      yield* pushed(sandbox, path)
      const again = yield* pushed(sandbox, `${path}.rejects.csv`)
      assertTotals(again.totals, { read: 3, rejected: 3 })
      const header = (name: string) => Fs.readFileSync(name, "utf8").split("\n")[0]
      assert.strictEqual(header(`${path}.rejects.csv.rejects.csv`), header(`${path}.rejects.csv`))
    })
  )

  it.scopedLive("failed numbers are fed again as they are, at their strictest values", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      yield* sandbox.inject(Faults.failNext(3, 503, { route: "entries" }))
      const rows = [
        `${number(1)},,2035-01-01T00:00:00Z`,
        `${number(1)},REGULATORY,2036-01-01T00:00:00Z`,
        `${number(2)},,`,
        `${number(2)},REGULATORY,2036-01-01T00:00:00Z`,
        `${number(3)},CUSTOMER_REQUEST,2035-06-30`
      ]
      const path = yield* file(`phone,reason,expires\n${rows.join("\n")}\n`)
      const first = yield* pushed(sandbox, path, {}, { retry: { ...quick, attempts: 1 } })
      assertTotals(first.totals, { read: 5, failed: 3, duplicateInFile: 2 })
      assert.strictEqual(onList(sandbox).size, 0)
      const failed = `${path}.failed.csv`
      assert.deepStrictEqual(
        first.files.map(({ kind, path, rows }) => [kind, path, rows]),
        [["failed", failed, 3]]
      )
      const again = yield* pushed(sandbox, failed)
      assertTotals(again.totals, { read: 3, created: 3 })
      assert.deepStrictEqual(Object.fromEntries(onList(sandbox)), {
        [number(1)]: "REGULATORY 2036-01-01T00:00:00.000Z",
        [number(2)]: "UNSPECIFIED for ever",
        [number(3)]: "CUSTOMER_REQUEST 2035-07-01T12:00:00.000Z"
      })
    })
  )

  it.scopedLive("what holds numbers is for its owner alone, whatever was there before", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      yield* sandbox.inject(Faults.failNext(1, 400, { route: "entries", code: "dnc.records.per.list.limit.exceeded" }))
      const path = yield* file(`${csv(1)}nobody\n`)
      for (const name of ["rejects.csv", "failed.csv"]) Fs.writeFileSync(`${path}.${name}`, "old", { mode: 0o666 })
      const report = yield* pushed(sandbox, path)
      assert.strictEqual(report.outcome, "aborted")
      for (const name of ["rejects.csv", "failed.csv", "audit"]) assert.strictEqual(mode(`${path}.${name}`), 0o600)
    })
  )

  it.scopedLive("no output is written over an input, under any of its names", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const cwd = yield* folder
      const at = (name: string) => Path.join(cwd, name)
      const content = `phone\nnobody\n`
      Fs.writeFileSync(at("in.csv"), content)
      Fs.writeFileSync(at("in.csv.rejects.csv"), content)
      Fs.symlinkSync(at("in.csv"), at("link.csv"))
      Fs.linkSync(at("in.csv"), at("hard.csv"))
      for (const [inputs, options] of [
        [[at("in.csv")], { rejectsPath: at("in.csv") }],
        [[at("in.csv")], { rejectsPath: at("link.csv") }],
        [[at("link.csv")], { rejectsPath: at("hard.csv") }],
        [[at("in.csv"), at("in.csv.rejects.csv")], {}]
      ] as const) {
        const error = yield* Effect.flip(pushed(sandbox, inputs, options))
        assert.strictEqual(error._tag, "OutputError")
        for (const name of ["in.csv", "in.csv.rejects.csv"])
          assert.strictEqual(Fs.readFileSync(at(name), "utf8"), content)
      }
      assert.strictEqual(yield* posts(sandbox), 0)
    })
  )

  it.scopedLive("a place that cannot take an output is refused before anything is read", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const path = yield* file(`${csv(2)}nobody\n`)
      const cwd = Path.dirname(path)
      const at = (name: string) => Path.join(cwd, name)
      Fs.symlinkSync(path, at("link.csv"))
      Fs.writeFileSync(at("one.csv"), "")
      Fs.linkSync(at("one.csv"), at("two.csv"))
      for (const [inputs, options, said] of [
        [[path], { failedPath: at("link.csv") }, /link\.csv is the input/],
        [[path], { failedPath: at("none/f.csv") }, /cannot be written \(there is no folder/],
        [[path], { failedPath: `${path}/f.csv` }, /cannot be written \(ENOTDIR\)/],
        [[path], { rejectsPath: cwd }, /is a folder/],
        [[path], { rejectsPath: at("one.csv"), failedPath: at("two.csv") }, /both the rejected rows and the failed/],
        [[path], { failedPath: at("one.csv"), keep: [at("two.csv")] }, /one\.csv is .*two\.csv, which is kept/],
        [[path], { failedPath: at("ends"), ends: at("ends") }, /ends is .*ends, which is kept/],
        [[path, path], {}, /cannot hold the rejected rows of two inputs/]
      ] as const) {
        const error = yield* Effect.flip(
          pushed(sandbox, inputs, { ...options, onProgress: () => assert.fail("something was read") })
        )
        assert.strictEqual("reason" in error && error.reason, "Path")
        assert.match(error.message, said)
      }
      assert.strictEqual(Fs.readFileSync(path, "utf8"), `${csv(2)}nobody\n`)
      assert.strictEqual(yield* posts(sandbox), 0)
      const missing = yield* Effect.flip(pushed(sandbox, at("none/in.csv"), {}, { auditLog: at("audit") }))
      assert.strictEqual("reason" in missing && missing.reason, "NotFound")
      const report = yield* pushed(sandbox, path, { rejectsPath: "/dev/null", failedPath: "/dev/null" })
      assertTotals(report.totals, { read: 3, created: 2, rejected: 1 })
    })
  )

  it.scopedLive("what an earlier run left is named, and stays unless it is replaced", () =>
    Effect.gen(function* () {
      const path = yield* file(csv(1))
      const said: Array<string> = []
      const logger = Logger.make(({ message }) => void said.push(String(message)))
      for (const name of ["rejects.csv", "failed.csv"]) Fs.writeFileSync(`${path}.${name}`, "old")
      yield* pushed(yield* Sandbox.make(), path).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
      assert.deepStrictEqual(
        said.filter((text) => text.includes("of an earlier run")),
        [
          `${path}.rejects.csv is of an earlier run; it stays as it is unless this run has rejected rows too`,
          `${path}.failed.csv is of an earlier run; it stays as it is unless this run has failed numbers too`
        ]
      )
      assert.strictEqual(Fs.readFileSync(`${path}.failed.csv`, "utf8"), "old")
    })
  )
})

describe("validateFile", () => {
  it.scopedLive("goes by a validator that is swapped in, without a network", () =>
    Effect.gen(function* () {
      const path = yield* file(csv(3))
      const report = yield* GenesysDnc.validateFile(path, {}).pipe(
        Effect.provide(Layer.merge(DncValidator.layer({ allowedCountries: ["US"] }), DncSubmitter.layerDryRun()))
      )
      assertTotals(report.totals, { read: 3, rejected: 3 })
      assert.deepStrictEqual(report.countriesNotAllowed, { FR: 3 })
      assert.isTrue(Fs.existsSync(`${path}.rejects.csv`))
    })
  )
})

describe("a failure of the submitter", () => {
  it.scopedLive("is the batch's, not the run's", () =>
    Effect.gen(function* () {
      const path = yield* file(csv(600))
      const records: Array<AuditSink.AuditRecord> = []
      const broken = Mocks.dncSubmitter(() =>
        Effect.fail(new GenesysError.ServerError({ message: "no", hint: "none", status: 500 }))
      )
      const report = yield* GenesysDnc.pushFile(path, { dncListId: Sandbox.defaultListId }).pipe(
        Effect.provide(Layer.mergeAll(DncValidator.layer(), broken, Mocks.auditSink(records)))
      )
      assert.strictEqual(report.outcome, "completed")
      assertTotals(report.totals, { read: 600, failed: 600 })
      assert.deepStrictEqual(
        records.map(({ operation }) => operation),
        ["RUN_STARTED", "RUN_FINISHED"]
      )
    })
  )
})

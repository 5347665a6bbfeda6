/** What goes wrong around the published API, and what the user sees of it: through the library, files and all, or the command. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { DncExport, Doctor, GenesysDnc, type RunReport } from "genesys-dnc"
import { Sandbox } from "genesys-dnc/sandbox"
import * as ExitCode from "../src/cli/ExitCode.js"
import { call } from "./sandbox/support.js"
import { assertTotals, before, environment, folder, number, run, settings } from "./support/cli.js"

const minute = 60_000
const day = 86_400_000

const platform = (options: Partial<Sandbox.Options> = {}) => Sandbox.make({ contract: "platform", ...options })

const iso = (instant: number) => new Date(instant).toISOString()

/** Columns phone and expires. */
const csv = (rows: Iterable<readonly [phoneNumber: string, expires?: number]>) =>
  `phone,expires\n${Array.from(rows, ([phoneNumber, expires]) => `${phoneNumber},${expires === undefined ? "" : iso(expires)}\n`).join("")}`

const plain = (count: number, first = 0) =>
  csv(Array.from({ length: count }, (_, index) => [number(first + index)] as const))

type Change = Partial<GenesysDnc.Options>

const layer = (sandbox: Sandbox.Service, cwd: string, change: Change = {}) =>
  GenesysDnc.layer({ ...settings(sandbox, Path.join(cwd, "audit.jsonl")), api: "platform", ...change })

/** Pushes a file as a program does; the files that it left beside it. */
const push = (
  sandbox: Sandbox.Service,
  text: string,
  change: Change = {},
  options: Partial<GenesysDnc.PushOptions> = {}
) =>
  Effect.gen(function* () {
    const cwd = yield* folder
    const path = Path.join(cwd, "optouts.csv")
    Fs.writeFileSync(path, text)
    const report: RunReport.RunReport = yield* GenesysDnc.pushFile(path, {
      dncListId: sandbox.listId,
      sizeLag: "1 second",
      ...options
    }).pipe(Effect.provide(layer(sandbox, cwd, change)))
    const failed = `${path}.failed.csv`
    const failedNumbers = Fs.existsSync(failed) ? (Fs.readFileSync(failed, "utf8").match(/\+\d+/g) ?? []) : []
    return { report, failed: failedNumbers }
  })

const onList = (sandbox: Sandbox.Service) =>
  new Map(Array.from(sandbox.entries(), ({ expires, phoneNumber }) => [phoneNumber, expires]))

const writes = (sandbox: Sandbox.Service) => Effect.map(sandbox.stats, ({ requests }) => requests.phonenumbers)

const findings = (sandbox: Sandbox.Service, change: Change = {}, work: ReadonlyArray<Doctor.Work> = ["add"]) =>
  Effect.gen(function* () {
    const cwd = yield* folder
    const found = yield* Effect.provide(Doctor.examine(sandbox.listId, work), layer(sandbox, cwd, change))
    return (check: string) => {
      const finding = found.find((finding) => finding.check === check)
      return `${finding?.status} ${finding?.message} ${finding?.fix}`
    }
  })

describe("another region", { timeout: 60_000 }, () => {
  const regions = Effect.all({ home: platform(), abroad: platform({ clientId: "somebody-else" }) })

  it.scopedLive("the login host of another region knows no such client", () =>
    Effect.gen(function* () {
      const { abroad, home } = yield* regions
      const change = { loginUrl: abroad.url }
      const error = yield* Effect.flip(push(home, plain(3), change))
      assert.strictEqual(error._tag, "Unauthorized")
      assert.match("hint" in error ? error.hint : "", /region/)
      assert.match((yield* findings(home, change))("credentials and region"), /^FAIL No token: .*region/)
      assert.deepStrictEqual(yield* writes(home), {})
    })
  )

  it.scopedLive("the API of another region refuses the token, whether it was fetched or given", () =>
    Effect.gen(function* () {
      const { abroad, home } = yield* regions
      const { access_token } = (yield* call(`${home.url}/oauth/token`, {
        method: "POST",
        headers: {
          authorization: `Basic ${btoa(`${home.clientId}:${home.clientSecret}`)}`,
          "content-type": "application/x-www-form-urlencoded"
        },
        body: "grant_type=client_credentials"
      })).body
      const fetched = {
        loginUrl: home.url,
        credentials: { clientId: home.clientId, clientSecret: Redacted.make(home.clientSecret) }
      }
      for (const change of [fetched, { credentials: { accessToken: Redacted.make(access_token as string) } }]) {
        const error = yield* Effect.flip(push(abroad, plain(3), change))
        assert.strictEqual(error._tag, "Unauthorized")
        assert.match("hint" in error ? error.hint : "", /region/)
        assert.match((yield* findings(abroad, change))("credentials and region"), /^FAIL .*another region/)
      }
      assert.deepStrictEqual(yield* writes(abroad), {})
    })
  )

  it.scopedLive("a list that is in another region is not found, by the command: 1, and the hint speaks of it", () =>
    Effect.gen(function* () {
      const id = "0ffca115-cafe-4ace-a11c-0000000000aa"
      const sandbox = yield* platform()
      const cwd = yield* folder
      Fs.writeFileSync(Path.join(cwd, "optouts.csv"), plain(3))
      const ended = yield* run(["push", "optouts.csv", "--list", id], { cwd, env: environment(sandbox) })
      assert.strictEqual(ended.code, ExitCode.aborted)
      assert.match(ended.stderr, /404.*\n.*Check the id of the DNC list and the region/)
      assert.deepStrictEqual(yield* writes(sandbox), {})
      assert.deepStrictEqual(Fs.readdirSync(cwd).sort(), [
        "genesys-dnc-audit.jsonl",
        "genesys-dnc-audit.jsonl.key",
        "optouts.csv"
      ])
    })
  )
})

describe("a role that lacks a permission", { timeout: 60_000 }, () => {
  const without = (permission: string) =>
    platform({ permissions: Sandbox.defaults.permissions.filter((other) => other !== permission) })

  it.scopedLive("outbound:dncList:view: a push goes on unseen, but nothing can be found out about the list", () =>
    Effect.gen(function* () {
      const sandbox = yield* without("outbound:dncList:view")
      const { report } = yield* push(sandbox, plain(3))
      assertTotals(report.totals, { read: 3, accepted: 3 })
      assert.isUndefined(report.listSize)
      const refused = yield* Effect.flip(push(sandbox, plain(3), { api: { detect: sandbox.listId } }))
      assert.strictEqual(refused._tag, "Forbidden")
      assert.match(refused._tag === "Forbidden" ? refused.hint : "", /the permission outbound:dncList:view,/)
      assert.match((yield* findings(sandbox))("permission outbound:dncList:view"), /^FAIL .*outbound:dncList:view/)
    })
  )

  it.scopedLive("outbound:dnc:edit: no number gets onto the list, and all are in the failed file", () =>
    Effect.gen(function* () {
      const sandbox = yield* without("outbound:dnc:edit")
      const { failed, report } = yield* push(sandbox, plain(1200), { concurrency: 1 })
      assertTotals(report.totals, { read: 1200, failed: 1000, skipped: 200 })
      assert.strictEqual(report.outcome, "aborted")
      assert.strictEqual(report.error?.tag, "Forbidden")
      assert.match(
        report.error?.message ?? "",
        /403: You are missing the following permission\(s\): outbound:dnc:edit$/
      )
      assert.match(report.error?.hint ?? "", /the permission outbound:dnc:edit,/)
      assert.strictEqual(failed.length, 1000)
      assert.strictEqual(onList(sandbox).size, 0)
      assert.match((yield* findings(sandbox))("permission outbound:dnc:edit"), /^FAIL .*outbound:dnc:edit/)
    })
  )

  it.scopedLive("outbound:dnc:view: no export, by the command: 1, the permission is named, and no file", () =>
    Effect.gen(function* () {
      const sandbox = yield* without("outbound:dnc:view")
      const cwd = yield* folder
      const ended = yield* run(["export", "--list", sandbox.listId, "--output", "list.csv"], {
        cwd,
        env: environment(sandbox)
      })
      assert.strictEqual(ended.code, ExitCode.aborted)
      assert.match(ended.stderr, /403: You are missing .*\n.*the permission outbound:dnc:view,/)
      assert.deepStrictEqual(Fs.readdirSync(cwd), [])
      const finding = (yield* findings(sandbox, {}, ["export"]))("permission outbound:dnc:view")
      assert.match(finding, /^FAIL .*outbound:dnc:view/)
    })
  )
})

describe("a list that takes no phone numbers", { timeout: 60_000 }, () => {
  it.scopedLive.each([
    ["rds_custom", undefined, /Internal/],
    ["dnc.com", undefined, /Internal/],
    ["gryphon", undefined, /Internal/],
    ["rds", "Email", /Phone or Any/],
    ["rds", "WhatsApp", /Phone or Any/]
  ] as const)("%s %s: nothing is sent, and doctor says so too", ([dncSourceType, contactMethod, said]) =>
    Effect.gen(function* () {
      const list = { id: Sandbox.defaultListId, name: "Other", dncSourceType }
      const sandbox = yield* platform({
        lists: [contactMethod === undefined ? list : { ...list, contactMethod }] as Sandbox.Options["lists"]
      })
      for (const action of ["add", "remove"] as const) {
        const error = yield* Effect.flip(push(sandbox, plain(3), {}, { action }))
        assert.match("hint" in error ? error.hint : "", said)
      }
      assert.match((yield* findings(sandbox))("list type"), /^FAIL /)
      // what doctor asks with adds no number
      assert.deepStrictEqual(Object.keys(yield* writes(sandbox)), contactMethod === undefined ? [] : ["400"])
    })
  )

  it.scopedLive("one for any contact method does", () =>
    Effect.gen(function* () {
      const lists = [{ id: Sandbox.defaultListId, name: "Any", dncSourceType: "rds", contactMethod: "Any" } as const]
      const { report } = yield* push(yield* platform({ lists }), plain(3))
      assertTotals(report.totals, { read: 3, accepted: 3 })
    })
  )
})

describe("in the middle of a run", { timeout: 60_000 }, () => {
  it.scopedLive("the list is deleted: what is under way fails, the rest is not sent, and all of it is counted", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      let patches = 0
      let held = 0
      const url = yield* before(sandbox, ({ headers, method }) => {
        if (method !== "PATCH" || ++patches !== 3) return undefined
        held = onList(sandbox).size
        return fetch(`${sandbox.url}/api/v2/outbound/dnclists/${sandbox.listId}`, {
          method: "DELETE",
          headers: { authorization: headers.authorization ?? "" }
        })
      })
      const { failed, report } = yield* push(sandbox, plain(4500), { apiUrl: url, concurrency: 1 })
      assertTotals(report.totals, { read: 4500, accepted: 2000, failed: 1000, skipped: 1500 })
      assert.strictEqual(report.outcome, "aborted")
      assert.strictEqual(report.error?.tag, "NotFound")
      assert.match(report.error?.hint ?? "", /Check the id of the DNC list/)
      assert.deepStrictEqual(yield* writes(sandbox), { "204": 2, "404": 1 })
      assert.strictEqual(held, 2000)
      assert.strictEqual(new Set(failed).size, 1000)
    })
  )

  it.scopedLive.each([
    ["the organization", { maxOrgRecords: 2500 }, /The organization is full/],
    ["the list", { maxListRecords: 2500 }, /The list is full/]
  ] as const)("%s is full: what is on the list and what is not is known to the number", ([, limit, said]) =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ ...limit, faults: { latencyMs: 2, jitterMs: 10, routes: ["phonenumbers"] } })
      yield* sandbox.seed([{ phoneNumber: number(9999) }])
      const { failed, report } = yield* push(sandbox, plain(8000), { largestBatch: 400 })
      assert.strictEqual(report.outcome, "aborted")
      assert.match(report.error?.hint ?? "", said)
      const list = onList(sandbox)
      const { accepted, failed: count, skipped } = report.totals
      assertTotals(report.totals, { read: 8000, accepted, failed: count, skipped })
      // 6 batches of 400 fit beside the one that is there
      assert.strictEqual(accepted, 2400)
      assert.strictEqual(list.size, accepted + 1)
      assert.strictEqual(new Set(failed).size, count)
      assert.isAtLeast(count, 400)
      assert.isAbove(skipped, 0)
      for (const phoneNumber of failed) assert.isFalse(list.has(phoneNumber))
    })
  )
})

describe("an export that never becomes ready", { timeout: 60_000 }, () => {
  it.scopedLive("ends the command when its time is over: 1, and no file", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ exportDelayMs: 3_600_000 })
      const cwd = yield* folder
      const ended = yield* run(["export", "--list", sandbox.listId, "--output", "list.csv", "--wait", "0"], {
        cwd,
        env: environment(sandbox)
      })
      assert.strictEqual(ended.code, ExitCode.aborted)
      assert.match(ended.stderr, /never became ready: there was none for 0.*\n.*try again later, or wait longer/)
      assert.deepStrictEqual(Fs.readdirSync(cwd), [])
    })
  )

  it.scopedLive("leaves a push that was to be verified aborted, its rows as the server took them", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ exportDelayMs: 3_600_000 })
      const cwd = yield* folder
      const context = yield* Layer.build(GenesysDnc.layerClient(settings(sandbox, Path.join(cwd, "audit.jsonl"))))
      const verify = Stream.provideSomeContext(
        DncExport.stream(sandbox.listId, { longest: Duration.millis(300) }),
        context
      )
      const { report } = yield* push(sandbox, plain(3), {}, { verify })
      assertTotals(report.totals, { read: 3, accepted: 3 })
      assert.strictEqual(report.outcome, "aborted")
      assert.match(report.error?.message ?? "", /never became ready/)
      assert.isUndefined(report.verified)
      assert.strictEqual(onList(sandbox).size, 3)
    })
  )
})

describe("ends and clocks", { timeout: 60_000 }, () => {
  /** Ends around all that matters: soon, some days, the furthest that is taken less an hour, 180 days, beyond. */
  const ends = (now: number) =>
    [
      ...[1, 30, 179].map((days) => days * day),
      180 * day - 61 * minute,
      180 * day - 60 * minute,
      ...[-59, -11, -1, 0, 1, 11].map((minutes) => 180 * day + minutes * minute),
      181 * day,
      3650 * day
    ].map((ahead, index) => [number(index), now + ahead + 17] as const)

  const forEver = (text: string | null | undefined) =>
    text === null ? Number.POSITIVE_INFINITY : Date.parse(String(text))

  it.scopedLive("up to 180 days less an hour an end is kept, to the minute; beyond, the number is there for ever", () =>
    Effect.gen(function* () {
      const now = Math.floor(Date.now() / minute) * minute
      const sandbox = yield* platform({ now: () => now })
      const rows = ends(now)
      const { report } = yield* push(sandbox, csv(rows), {}, { now })
      assertTotals(report.totals, { read: rows.length, accepted: rows.length })
      const list = onList(sandbox)
      const kept = rows.filter(([, end]) => end <= now + 180 * day - 60 * minute)
      assert.strictEqual(kept.length, 4)
      for (const [phoneNumber, end] of rows) {
        const expected =
          end <= now + 180 * day - 60 * minute ? Math.ceil(end / minute) * minute : Number.POSITIVE_INFINITY
        assert.strictEqual(forEver(list.get(phoneNumber)), expected)
      }
      assert.strictEqual(report.withoutExpiry, rows.length - kept.length)
    })
  )

  it.scopedLive.each([
    ["ahead of", -10],
    ["behind", 10]
  ] as const)(
    "a clock ten minutes %s the server's: no number ends sooner than meant, none is refused",
    ([word, minutes]) =>
      Effect.gen(function* () {
        const sandbox = yield* platform({ now: () => Date.now() + minutes * minute })
        const rows = [...ends(Date.now()), [number(100), Date.now() + 11 * minute] as const]
        const { report } = yield* push(sandbox, csv(rows))
        assertTotals(report.totals, { read: rows.length, accepted: rows.length })
        assert.isAbove(report.withoutExpiry, 0)
        const list = onList(sandbox)
        for (const [phoneNumber, end] of rows) {
          const there = forEver(list.get(phoneNumber))
          assert.isTrue(there >= end && (there === Number.POSITIVE_INFINITY || there < end + minute), iso(end))
        }
        const { violations } = yield* sandbox.stats
        assert.deepStrictEqual(violations, [])
        assert.match(
          (yield* findings(sandbox))("clock"),
          new RegExp(`^FAIL This machine's clock is 10 min ${word} the server's`)
        )
      })
  )
})

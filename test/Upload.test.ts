/** Runs that go as one file, through the sandbox: the right list whatever an import does, and totals that add up. */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { afterAll, afterEach, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { AuditSink, Auth, Contract, DncSubmitter, DncValidator, HttpClient, Pipeline, RunReport } from "genesys-dnc"
import { Faults, Sandbox } from "genesys-dnc/sandbox"
import { problemsOfRequest } from "./conformance/contract.js"
import { assertTotals, number, quick, until } from "./support/cli.js"
import { input, outputs, row } from "./support/inputs.js"

const day = 86_400_000

const inDays = (days: number) => new Date(Math.ceil((Date.now() + days * day) / 60_000) * 60_000).toISOString()

const rows = (count: number, first = 0, expires?: string) =>
  Array.from({ length: count }, (_, index) => row(number(first + index), undefined, expires))

// the system's temporary folder, for this file's tests alone
const before = process.env["TMPDIR"]
const temporary = Fs.mkdtempSync(Path.join(Os.tmpdir(), "genesys-dnc-test-"))
beforeAll(() => {
  process.env["TMPDIR"] = temporary
})
afterAll(() => {
  if (before === undefined) delete process.env["TMPDIR"]
  else process.env["TMPDIR"] = before
  Fs.rmSync(temporary, { recursive: true, force: true })
})

/** Folders of files that were to be gone. */
const left = () => Fs.readdirSync(temporary).filter((name) => !name.startsWith("genesys-dnc-list-before-"))

afterEach(() => assert.deepStrictEqual(left(), []))

interface WorldOptions {
  readonly import?: "append" | "replace"
  readonly above?: number
  readonly longest?: Duration.Duration
  readonly quiet?: Duration.Duration
  readonly stop?: Effect.Effect<void>
}

/** Pushes rows to a sandbox as one file, and collects what its requests did against the contract. */
const world = (sandbox: Sandbox.Service, options: WorldOptions = {}) => {
  const problems: Array<string> = []
  const puts: Array<{ readonly headers: Readonly<Record<string, string>>; readonly url: string }> = []
  const judged = Layer.effect(
    PlatformHttpClient.HttpClient,
    Effect.map(PlatformHttpClient.HttpClient, (client) =>
      PlatformHttpClient.tapRequest(client, (request) =>
        Effect.sync(() => {
          if (request.method === "PUT") return void puts.push({ headers: { ...request.headers }, url: request.url })
          if (/\/oauth\/token$|\/downloads?\//.test(request.url)) return
          const body = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : undefined
          const url = new URL(request.url, sandbox.url)
          for (const [name, value] of request.urlParams) url.searchParams.append(name, value)
          const value = body === undefined ? undefined : JSON.parse(body)
          problems.push(...(problemsOfRequest(request.method, url.href, value) ?? [`not published: ${url.pathname}`]))
        })
      )
    )
  ).pipe(Layer.provide(NodeHttpClient.layerUndici))
  const records: Array<AuditSink.AuditRecord> = []
  const services = Layer.merge(
    DncSubmitter.layer({ contract: Contract.platform(), retry: quick }),
    DncValidator.layer()
  ).pipe(
    Layer.provideMerge(HttpClient.layer({ apiUrl: sandbox.url, retry: { ...quick, attempts: 3 } })),
    Layer.provide(
      Auth.layer({
        loginUrl: sandbox.url,
        clientId: sandbox.clientId,
        clientSecret: Redacted.make(sandbox.clientSecret)
      })
    ),
    Layer.provide(judged),
    Layer.provideMerge(AuditSink.layerMemory(records))
  )
  const out = outputs()
  const copy = Path.join(temporary, `genesys-dnc-list-before-${crypto.randomUUID()}.csv`)
  return {
    records,
    out,
    puts,
    /** The copy of the list from before, where it was kept. */
    copy: () => (Fs.existsSync(copy) ? Fs.readFileSync(copy, "utf8").trim().split("\n").slice(1) : undefined),
    push: (given: ReadonlyArray<ReturnType<typeof row>>, more: Partial<Pipeline.Options> = {}) =>
      Effect.gen(function* () {
        const client = yield* HttpClient.HttpClient
        return yield* Pipeline.push([input("in.csv", given, 500)], {
          dncListId: sandbox.listId,
          outputs: out.outputs,
          sizeLag: 0,
          ...(options.stop === undefined ? {} : { stop: options.stop }),
          upload: {
            above: options.above ?? 0,
            client,
            copy,
            import: options.import ?? "replace",
            longest: options.longest ?? Duration.seconds(20),
            quiet: options.quiet ?? Duration.millis(500)
          },
          ...more
        })
      }).pipe(
        Effect.provide(services),
        Effect.tap(() => Effect.sync(() => assert.deepStrictEqual(problems, [])))
      )
  }
}

const onList = (sandbox: Sandbox.Service) =>
  new Map(Array.from(sandbox.entries(), ({ expires, phoneNumber }) => [phoneNumber, expires]))

const platform = (options: Partial<Sandbox.Options> = {}) =>
  Sandbox.make({ contract: "platform", exportDelayMs: 0, importDelayMs: 0, ...options })

const requests = (sandbox: Sandbox.Service) => Effect.map(sandbox.stats, ({ requests }) => requests)

const operations = (records: ReadonlyArray<AuditSink.AuditRecord>) => records.map(({ operation }) => operation)

describe("push as one file", { timeout: 60_000 }, () => {
  for (const uploadMode of ["append", "replace"] as const) {
    for (const assumed of ["append", "replace"] as const) {
      if (uploadMode === "replace" && assumed === "append") continue
      it.scopedLive(`the right list where imports ${uploadMode} and are taken to ${assumed}`, () =>
        Effect.gen(function* () {
          const sandbox = yield* platform({ uploadMode })
          const [soon, month, late] = [inDays(10), inDays(30), inDays(60)]
          yield* sandbox.seed([
            { phoneNumber: number(5000) },
            { phoneNumber: number(5001), expires: soon },
            { phoneNumber: number(0), expires: late },
            { phoneNumber: number(1), expires: soon }
          ])
          const { copy, out, push, puts, records } = world(sandbox, { import: assumed })
          const report = yield* push([...rows(1500, 0, month), ...rows(2, 3000), ...rows(1, 4000, inDays(181))])
          assertTotals(report.totals, { read: 1503, accepted: 1503 })
          assert.strictEqual(report.outcome, "completed", report.error?.message)
          assert.strictEqual(report.verified, 1503)
          assert.deepStrictEqual(report.batches, { cut: 1, done: 1, failed: 0 })
          assert.deepStrictEqual(report.listSize, { before: 4, after: 1505 })
          assert.strictEqual(report.upload?.rows, assumed === "replace" ? 1505 : 1503)
          const list = onList(sandbox)
          assert.strictEqual(list.size, 1505)
          assert.strictEqual(list.get(number(5000)), null)
          assert.strictEqual(list.get(number(5001)), soon)
          assert.strictEqual(list.get(number(0)), late, "the later end stays")
          assert.strictEqual(list.get(number(1)), month)
          assert.strictEqual(list.get(number(3000)), null)
          assert.strictEqual(list.get(number(4000)), null)
          assert.isUndefined(copy())
          assert.deepStrictEqual(out.failed, [])
          assert.strictEqual(puts.length, 1)
          assert.deepStrictEqual(Object.keys(puts[0].headers).sort(), [
            "content-length",
            "content-type",
            "x-amz-meta-upload-key"
          ])
          assert.deepStrictEqual(operations(records), ["RUN_STARTED", "BATCH_INTENDED", "BATCH_DONE", "RUN_FINISHED"])
          const intended = records[1]
          if (intended.operation !== "BATCH_INTENDED") throw new Error("no intention")
          assert.strictEqual(intended.result.contentDigest, report.upload?.sha256)
          assert.strictEqual(intended.result.route, "upload")
          assert.strictEqual(intended.result.size, 1503)
          assert.deepStrictEqual((yield* sandbox.stats).violations, [])
        })
      )
    }
  }

  it.scopedLive("taken to append, and it replaces: aborted, with the copy that mends it", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ uploadMode: "replace" })
      yield* sandbox.seed(Array.from({ length: 40 }, (_, index) => ({ phoneNumber: number(5000 + index) })))
      const { copy, push } = world(sandbox, { import: "append" })
      // more than there were: the size alone tells nothing
      const report = yield* push(rows(1000))
      assert.strictEqual(report.outcome, "aborted")
      assert.match(report.error?.message ?? "", /replaced the list: 40 of 40 entries/)
      assert.match(report.error?.hint ?? "", /push .*list-before.*csv --list .* --upload-above never.*--import replace/)
      assertTotals(report.totals, { read: 1000, accepted: 1000 })
      assert.strictEqual(onList(sandbox).size, 1000)
      assert.strictEqual(copy()?.length, 40)
      assert.strictEqual(Fs.statSync(report.upload?.copy ?? "").mode & 0o777, 0o600)
      const mended = yield* world(sandbox, { above: 100 }).push((copy() ?? []).map((line) => row(line.split(",")[0])))
      assert.strictEqual(mended.outcome, "completed")
      assert.strictEqual(onList(sandbox).size, 1040)
    })
  )

  it.scopedLive("what had expired by then is not missed, nor carried over", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ uploadMode: "replace" })
      yield* sandbox.seed([{ phoneNumber: number(5000), expires: new Date(Date.now() - day).toISOString() }])
      const report = yield* world(sandbox).push(rows(10))
      assert.strictEqual(report.outcome, "completed", report.error?.message)
      assert.strictEqual(onList(sandbox).size, 10)
    })
  )

  it.scopedLive("numbers that are not E.164 stay on the list", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ uploadMode: "replace" })
      const client = yield* Effect.promise(() => token(sandbox))
      yield* Effect.promise(() => client(["317-153-4777", "+1 (317) 555, 2000"]))
      const size = onListOf(sandbox).length
      const report = yield* world(sandbox).push(rows(10))
      assert.strictEqual(report.outcome, "completed", report.error?.message)
      assert.strictEqual(onListOf(sandbox).length, size + 10)
    })
  )

  it.scopedLive("no more requests than the threshold: by requests", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      const report = yield* world(sandbox, { above: 3 }).push(rows(3000))
      assert.isUndefined(report.upload)
      assert.deepStrictEqual((yield* requests(sandbox)).phonenumbers, { 204: 3 })
      const one = yield* world(sandbox, { above: 2 }).push(rows(3000))
      assert.isDefined(one.upload)
    })
  )

  it.scopedLive.each([
    [
      "without the permission to upload",
      { permissions: Sandbox.defaults.permissions.filter((name) => !name.includes("upload")) }
    ],
    [
      "without the permission to export",
      { permissions: Sandbox.defaults.permissions.filter((name) => name !== "outbound:dnc:view") }
    ],
    ["a file that is too large", { maxUploadBytes: 1000 }],
    [
      "a list for any contact method",
      { lists: [{ id: Sandbox.defaultListId, name: "Any", dncSourceType: "rds", contactMethod: "Any" }] }
    ]
  ] as ReadonlyArray<readonly [string, Partial<Sandbox.Options>]>)("%s: by requests", ([, options]) =>
    Effect.gen(function* () {
      const sandbox = yield* platform(options)
      const { copy, push } = world(sandbox)
      const report = yield* push(rows(1200))
      assertTotals(report.totals, { read: 1200, accepted: 1200 })
      assert.strictEqual(report.outcome, "completed")
      assert.isUndefined(report.upload)
      assert.deepStrictEqual((yield* requests(sandbox)).phonenumbers, { 204: 2 })
      assert.isUndefined(copy())
    })
  )

  it.scopedLive("another import is under way: by requests", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ importDelayMs: 1500 })
      const first = yield* Effect.fork(world(sandbox).push(rows(10)))
      yield* until("an import", () => Effect.runSync(sandbox.stats).requests.upload?.[200] === 1)
      const report = yield* world(sandbox).push(rows(10, 100))
      assert.isUndefined(report.upload)
      assert.isDefined((yield* Fiber.join(first)).upload)
      assert.strictEqual(onList(sandbox).size, 20)
    })
  )

  it.scopedLive("an import that fails: all have failed, at their strictest", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ importFailure: "INTERNAL_FAILURE", importDelayMs: 100 })
      yield* sandbox.seed([{ phoneNumber: number(5000) }])
      const { copy, out, push, records } = world(sandbox)
      const report = yield* push([...rows(1500, 0, inDays(3)), ...rows(1500)])
      assertTotals(report.totals, { read: 3000, duplicateInFile: 1500, failed: 1500 })
      assert.strictEqual(report.error?.tag, "ImportError")
      assert.match(report.error?.message ?? "", /INTERNAL_FAILURE/)
      assert.deepStrictEqual(
        out.failed.map(({ error, expires, phoneNumbers }) => [error, expires, phoneNumbers.length]),
        [
          ["ImportError", Number.POSITIVE_INFINITY, 1000],
          ["ImportError", Number.POSITIVE_INFINITY, 500]
        ]
      )
      const failed = records.find(({ operation }) => operation === "BATCH_FAILED")
      assert.strictEqual(failed?.operation === "BATCH_FAILED" && failed.result.outcome, "failed")
      assert.isUndefined(copy(), "the list is as it was")
    })
  )

  it.scopedLive("an import that fails for want of room, after it has replaced the list", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ uploadMode: "replace", maxListRecords: 100 })
      yield* sandbox.seed(Array.from({ length: 90 }, (_, index) => ({ phoneNumber: number(5000 + index) })))
      const { copy, push } = world(sandbox, { import: "append" })
      const report = yield* push(rows(200))
      assertTotals(report.totals, { read: 200, failed: 200 })
      assert.match(report.error?.message ?? "", /EXCEEDED_DNC_RECORD_LIMIT.*90 of 90 entries/)
      assert.strictEqual(copy()?.length, 90)
    })
  )

  it.scopedLive("rows that the event log refuses are rejects with its words, of this run alone", () =>
    Effect.gen(function* () {
      const refuse = [number(7), number(8)]
      const sandbox = yield* platform({ refuse })
      const { out, push } = world(sandbox)
      yield* push(rows(5, 5))
      const report = yield* push(rows(1500))
      assertTotals(report.totals, { read: 1500, accepted: 1498, rejected: 2 })
      assert.strictEqual(report.outcome, "completed")
      assert.strictEqual(report.rejectsByCode.RefusedByServer, 2)
      assert.deepStrictEqual(out.rejected.slice(2), [
        [0, 8, "RefusedByServer", number(7)],
        [0, 9, "RefusedByServer", number(8)]
      ])
      assert.strictEqual(onList(sandbox).size, 1498)
    })
  )

  it.scopedLive("rows that are missing and that nobody names have failed", () =>
    Effect.gen(function* () {
      const refuse = [number(7)]
      const sandbox = yield* platform({
        refuse,
        permissions: Sandbox.defaults.permissions.filter((name) => !name.includes("eventLog"))
      })
      const { out, push } = world(sandbox)
      const report = yield* push(rows(1500))
      assertTotals(report.totals, { read: 1500, accepted: 1499, failed: 1 })
      assert.deepStrictEqual(out.failed[0].phoneNumbers, [number(7)])
      assert.strictEqual(report.complianceStatus, "INCOMPLETE")
    })
  )

  it.scopedLive("an import that does not end: unknown, all have failed, and the copy is kept", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ importDelayMs: 60_000 })
      yield* sandbox.seed([{ phoneNumber: number(5000) }])
      const { copy, push, records } = world(sandbox, { longest: Duration.seconds(2) })
      const report = yield* push(rows(100))
      assertTotals(report.totals, { read: 100, failed: 100 })
      assert.match(report.error?.message ?? "", /has not ended within 2s/)
      assert.match(report.error?.hint ?? "", /list-before/)
      assert.strictEqual(copy()?.length, 1)
      const failed = records.find(({ operation }) => operation === "BATCH_FAILED")
      assert.strictEqual(failed?.operation === "BATCH_FAILED" && failed.result.outcome, "unknown")
    })
  )

  it.scopedLive.each([
    ["lost before it arrives", Faults.dropNext(2, "before", { route: "upload" })],
    ["lost after it has arrived", Faults.dropNext(1, "after", { route: "upload" })],
    ["answered 503", Faults.failNext(2, 503, { route: "upload" })],
    ["met by an address that has ended", Faults.failNext(1, 403, { route: "upload" })]
  ] as const)("a PUT that is %s", ([, fault]) =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.inject(fault)
      const { push, puts } = world(sandbox)
      const report = yield* push(rows(1500))
      assertTotals(report.totals, { read: 1500, accepted: 1500 })
      assert.isDefined(report.upload)
      assert.isAbove(puts.length, 1)
      assert.isTrue(puts.every(({ headers }) => headers["authorization"] === undefined))
    })
  )

  it.scopedLive("a PUT whose answers are all lost, though the file has arrived", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.inject(Faults.dropNext(3, "after", { route: "upload" }))
      const report = yield* world(sandbox).push(rows(1500))
      assertTotals(report.totals, { read: 1500, accepted: 1500 })
      assert.isDefined(report.upload)
    })
  )

  it.scopedLive("a PUT that never arrives: recorded as unknown, and the numbers go by requests", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.inject(Faults.failNext(3, 503, { route: "upload" }))
      const { push, records } = world(sandbox)
      const report = yield* push(rows(1500))
      assertTotals(report.totals, { read: 1500, accepted: 1500 })
      assert.isUndefined(report.upload)
      assert.deepStrictEqual(report.batches, { cut: 2, done: 2, failed: 0 })
      const failed = records.find(({ operation }) => operation === "BATCH_FAILED")
      assert.strictEqual(failed?.operation === "BATCH_FAILED" && failed.result.outcome, "unknown")
    })
  )

  it.scopedLive("an address that is always refused: by requests", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.inject(Faults.failNext(9, 403, { route: "upload" }))
      const { copy, push, puts, records } = world(sandbox)
      const report = yield* push(rows(1500))
      assertTotals(report.totals, { read: 1500, accepted: 1500 })
      assert.strictEqual(puts.length, 3)
      const failed = records.find(({ operation }) => operation === "BATCH_FAILED")
      assert.strictEqual(failed?.operation === "BATCH_FAILED" && failed.result.outcome, "refused")
      assert.isUndefined(copy())
    })
  )

  it.scopedLive("a list that is deleted during its import", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ importDelayMs: 500 })
      const running = yield* Effect.fork(world(sandbox).push(rows(1500)))
      yield* until("an import", () => Effect.runSync(sandbox.stats).requests.upload?.[200] === 1)
      yield* Effect.promise(() => remove(sandbox))
      const report = yield* Fiber.join(running)
      assertTotals(report.totals, { read: 1500, failed: 1500 })
      assert.strictEqual(report.outcome, "aborted")
      assert.strictEqual(report.error?.tag, "NotFound")
    })
  )

  it.scopedLive("the same file once more: its status is as before, what is on the list tells", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      for (let time = 0; time < 2; time++) {
        const report = yield* world(sandbox).push(rows(50))
        assertTotals(report.totals, { read: 50, accepted: 50 })
        assert.strictEqual(report.outcome, "completed")
      }
    })
  )

  it.scopedLive("stopped before the file is sent: nothing is sent", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ exportDelayMs: "never" })
      const stop = yield* Deferred.make<void>()
      const { push, puts } = world(sandbox, { stop: Deferred.await(stop) })
      const running = yield* Effect.fork(push(rows(1500)))
      yield* until("an export", () => Effect.runSync(sandbox.stats).requests.export !== undefined)
      yield* Deferred.succeed(stop, undefined)
      const report = yield* Fiber.join(running)
      assertTotals(report.totals, { read: 1500, skipped: 1500 })
      assert.strictEqual(report.outcome, "stopped")
      assert.deepStrictEqual(puts, [])
    })
  )

  it.scopedLive("stopped during the import: unknown, nothing is claimed, the copy is kept", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ importDelayMs: 60_000 })
      yield* sandbox.seed([{ phoneNumber: number(5000) }])
      const stop = yield* Deferred.make<void>()
      const { copy, push, records } = world(sandbox, { stop: Deferred.await(stop) })
      const running = yield* Effect.fork(push(rows(1500)))
      yield* until("an import", () => Effect.runSync(sandbox.stats).requests.upload?.[200] === 1)
      yield* Deferred.succeed(stop, undefined)
      const report = yield* Fiber.join(running)
      assertTotals(report.totals, { read: 1500, failed: 1500 })
      assert.strictEqual(report.outcome, "stopped")
      assert.strictEqual(copy()?.length, 1)
      const failed = records.find(({ operation }) => operation === "BATCH_FAILED")
      assert.strictEqual(failed?.operation === "BATCH_FAILED" && failed.result.outcome, "unknown")
    })
  )

  it.scopedLive("interrupted during the import: accounted for, and the temporary file is gone", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ importDelayMs: 60_000 })
      const { push, records } = world(sandbox)
      const running = yield* Effect.fork(push(rows(1500)))
      yield* until("an import", () => Effect.runSync(sandbox.stats).requests.upload?.[200] === 1)
      assert.strictEqual(left().length, 1)
      assert.strictEqual(Fs.statSync(Path.join(temporary, left()[0], "upload.csv")).mode & 0o777, 0o600)
      yield* Fiber.interrupt(running)
      assert.deepStrictEqual(operations(records).slice(-2), ["BATCH_FAILED", "RUN_FINISHED"])
      const last = records.at(-1)
      assert.strictEqual(last?.operation === "RUN_FINISHED" && last.result.totals["failed"], 1500)
    })
  )

  it.scopedLive("the export at the end cannot be had: aborted, the copy is kept", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.seed([{ phoneNumber: number(5000) }])
      const { copy, push, records } = world(sandbox)
      const running = push(rows(1500), {
        onProgress: ({ settled }) => {
          if (settled > 0) Effect.runSync(sandbox.inject(Faults.failNext(50, 403, { route: "export" })))
        }
      })
      const report = yield* running
      assert.strictEqual(report.outcome, "aborted")
      assert.match(report.error?.hint ?? "", /list-before/)
      assertTotals(report.totals, { read: 1500, accepted: 1500 })
      assert.isUndefined(report.verified)
      assert.strictEqual(copy()?.length, 1)
      assert.include(operations(records), "BATCH_DONE")
    })
  )

  it("whatever is refused, the totals add up and are true", async () => {
    const digits = FastCheck.integer({ min: 0, max: 9 })
    await FastCheck.assert(
      FastCheck.asyncProperty(
        FastCheck.uniqueArray(digits, { maxLength: 4 }),
        FastCheck.integer({ min: 1, max: 300 }),
        FastCheck.constantFrom("append" as const, "replace" as const),
        FastCheck.boolean(),
        async (refused, count, uploadMode, canRead) => {
          const program = Effect.gen(function* () {
            const sandbox = yield* platform({
              uploadMode,
              refuse: refused.map((digit) => `*${digit}`),
              permissions: Sandbox.defaults.permissions.filter((name) => canRead || !name.includes("eventLog"))
            })
            yield* sandbox.seed([{ phoneNumber: number(5000) }, { phoneNumber: number(3) }])
            const { out, push } = world(sandbox)
            const { totals } = yield* push(rows(count))
            const list = onList(sandbox)
            const there = rows(count).filter(({ phoneNumber }) => list.has(phoneNumber)).length
            assert.strictEqual(RunReport.imbalance(totals), 0)
            assert.strictEqual(totals.accepted, there)
            assert.strictEqual(canRead ? totals.rejected : totals.failed, count - there)
            assert.strictEqual(canRead ? totals.failed : totals.rejected, 0)
            assert.strictEqual(
              out.rejected.length + out.failed.reduce((sum, { phoneNumbers }) => sum + phoneNumbers.length, 0),
              count - there
            )
          })
          await Effect.runPromise(Effect.scoped(program))
        }
      ),
      { numRuns: 15 }
    )
  })
})

/** Adds whatever texts to the list, as another program would. */
const token = async (sandbox: Sandbox.Service) => {
  const answer = await fetch(`${sandbox.url}/oauth/token`, {
    method: "POST",
    headers: {
      authorization: `Basic ${btoa(`${sandbox.clientId}:${sandbox.clientSecret}`)}`,
      "content-type": "application/x-www-form-urlencoded"
    },
    body: "grant_type=client_credentials"
  })
  const { access_token } = (await answer.json()) as { readonly access_token: string }
  return async (phoneNumbers: ReadonlyArray<string>) => {
    await fetch(`${sandbox.url}/api/v2/outbound/dnclists/${sandbox.listId}/phonenumbers`, {
      method: "PATCH",
      headers: { authorization: `Bearer ${access_token}`, "content-type": "application/json" },
      body: JSON.stringify({ action: "Add", phoneNumbers })
    })
    return access_token
  }
}

const remove = async (sandbox: Sandbox.Service) => {
  const bearer = await (await token(sandbox))([])
  await fetch(`${sandbox.url}/api/v2/outbound/dnclists/${sandbox.listId}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${bearer}` }
  })
}

const onListOf = (sandbox: Sandbox.Service) => Array.from(sandbox.contacts("phonenumbers"))

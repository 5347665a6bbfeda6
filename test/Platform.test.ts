/** The published API, from a file to the sandbox's list. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import {
  AuditSink,
  Auth,
  Contract,
  DncExport,
  DncSubmitter,
  DncValidator,
  HttpClient,
  Pipeline,
  type RunReport
} from "genesys-dnc"
import { Faults, Sandbox } from "genesys-dnc/sandbox"
import { assertTotals, number, quick } from "./support/cli.js"
import { input, outputs, row } from "./support/inputs.js"

type Exported = NonNullable<Pipeline.Options["verify"]>

const day = 86_400_000
const forEver = Number.POSITIVE_INFINITY

const inDays = (days: number) => new Date(Date.now() + days * day).toISOString()

const rows = (count: number, first = 0, expires?: string) =>
  Array.from({ length: count }, (_, index) => row(number(first + index), undefined, expires))

/** Pushes rows to a sandbox by the published API. */
const world = (
  sandbox: Sandbox.Service,
  options: Contract.PlatformOptions & {
    readonly action?: "remove"
    readonly auto?: boolean
    readonly concurrency?: number
  } = {}
) => {
  const records: Array<AuditSink.AuditRecord> = []
  const submitterOptions = { contract: Contract.platform(options), retry: quick }
  const services = Layer.merge(
    options.auto ? DncSubmitter.layerAuto(sandbox.listId, submitterOptions) : DncSubmitter.layer(submitterOptions),
    DncValidator.layer()
  ).pipe(
    Layer.provideMerge(HttpClient.layer({ apiUrl: sandbox.url, retry: quick, concurrency: options.concurrency ?? 5 })),
    Layer.provide(
      Auth.layer({
        loginUrl: sandbox.url,
        clientId: sandbox.clientId,
        clientSecret: Redacted.make(sandbox.clientSecret)
      })
    ),
    Layer.provide(NodeHttpClient.layerUndici),
    Layer.provideMerge(AuditSink.layerMemory(records, { numbers: "whole" }))
  )
  const out = outputs()
  return {
    records,
    out,
    push: (
      given: ReadonlyArray<ReturnType<typeof row>>,
      change: (exported: Exported) => Exported | undefined = () => undefined
    ) =>
      Effect.gen(function* () {
        const client = yield* HttpClient.HttpClient
        const verify = change(Stream.provideService(DncExport.stream(sandbox.listId), HttpClient.HttpClient, client))
        return yield* Pipeline.push([input("in.csv", given, 500)], {
          dncListId: sandbox.listId,
          ...(options.action === undefined ? {} : { action: options.action }),
          outputs: out.outputs,
          sizeLag: "2 seconds",
          ...(verify === undefined ? {} : { verify })
        })
      }).pipe(Effect.provide(services))
  }
}

const patches = (sandbox: Sandbox.Service) => Effect.map(sandbox.stats, ({ requests }) => requests.phonenumbers)

const onList = (sandbox: Sandbox.Service) =>
  new Map(Array.from(sandbox.entries(), ({ expires, phoneNumber }) => [phoneNumber, expires]))

const platform = (options: Partial<Sandbox.Options> = {}) => Sandbox.make({ contract: "platform", ...options })

describe("Contract.platform", () => {
  const now = Date.UTC(2026, 10, 25, 12, 0, 30)
  const { group } = Contract.platform()

  it("an expiry is never sooner than meant, a whole minute, and within what Genesys Cloud takes", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.integer({ min: 1, max: 400 * day }), FastCheck.nat({ max: 2 }), (ahead, reason) => {
        const { expires } = group(now + ahead, reason, now)
        assert.isAtLeast(expires, now + ahead)
        if (expires === forEver) return assert.isAbove(ahead, 179 * day)
        assert.strictEqual(expires % 60_000, 0)
        assert.isBelow(expires - (now + ahead), 60_000)
        assert.isAtMost(expires, now + 180 * day)
      })
    )
  })

  it("groups by expiry alone", () => {
    assert.deepStrictEqual(group(forEver, 2, now), { reason: null, expires: forEver })
    assert.deepStrictEqual(group(now + 181 * day, 1, now), { reason: null, expires: forEver })
    assert.deepStrictEqual(group(now + day, 0, now), group(now + day, 2, now))
  })
})

describe("push by the published API", { timeout: 60_000 }, () => {
  it.scopedLive("accepted, with the fewest requests, each end on the list, its size proved", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      const { push, records } = world(sandbox)
      const month = new Date(Math.ceil(Date.now() / day) * day + 30 * day).toISOString()
      const report = yield* push([...rows(2500), ...rows(1001, 3000, month), ...rows(5, 5000, inDays(181)), ...rows(2)])
      assertTotals(report.totals, { read: 3508, accepted: 3506, duplicateInFile: 2 })
      assert.strictEqual(report.contract, "platform")
      assert.deepStrictEqual(report.listSize, { before: 0, after: 3506 })
      assert.strictEqual(report.withoutExpiry, 5)
      // 2,505 for ever and 1,001 to the end of the month
      assert.deepStrictEqual(yield* patches(sandbox), { 204: 3 + 2 })
      const list = onList(sandbox)
      assert.strictEqual(list.get(number(0)), null)
      assert.strictEqual(list.get(number(3000)), month)
      assert.strictEqual(list.get(number(5000)), null)
      const started = records.find(({ operation }) => operation === "RUN_STARTED")
      assert.strictEqual(started?.operation === "RUN_STARTED" && started.result.withoutExpiry, 5)
    })
  )

  it.scopedLive("asked, a list that is not served by entries is served by the published API", () =>
    Effect.gen(function* () {
      const report = (sandbox: Sandbox.Service) => world(sandbox, { auto: true }).push(rows(3))
      assert.strictEqual((yield* report(yield* platform())).contract, "platform")
      const both = yield* Sandbox.make()
      const asked = yield* report(both)
      assert.strictEqual(asked.contract, "entries")
      assert.strictEqual(asked.totals.created, 3)
    })
  )

  it.scopedLive("takes nothing off a list by a contract that cannot, and says by which it can be done", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ contract: "entries" })
      yield* sandbox.seed([{ phoneNumber: number(0) }])
      const error = yield* Effect.flip(world(sandbox, { action: "remove", auto: true }).push(rows(1)))
      assert.strictEqual(error._tag, "BadRequest")
      assert.include(error.hint, "--api platform")
      assert.strictEqual(onList(sandbox).size, 1)
    })
  )

  it.scopedLive("takes numbers off the list", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.seed(Array.from({ length: 10 }, (_, index) => ({ phoneNumber: number(index) })))
      const report = yield* world(sandbox, { action: "remove" }).push([...rows(4), ...rows(1, 0, inDays(3))])
      assertTotals(report.totals, { read: 5, accepted: 4, duplicateInFile: 1 })
      assert.deepStrictEqual(report.listSize, { before: 10, after: 6 })
      assert.strictEqual(onList(sandbox).size, 6)
      assert.deepStrictEqual(yield* patches(sandbox), { 204: 1 })
    })
  )

  it.scopedLive("a 413 halves its batch, and later ones before they are sent", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ maxNumbersPlatform: 300 })
      const report = yield* world(sandbox, { concurrency: 1 }).push(rows(3000))
      assertTotals(report.totals, { read: 3000, accepted: 3000 })
      // 1,000 and 500 are too many, 250 are not
      assert.deepStrictEqual(yield* patches(sandbox), { 413: 2, 204: 12 })
    })
  )

  it.scopedLive("an organization that is full stops the run, and what is on the list is known exactly", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ maxOrgRecords: 2500 })
      const { out, push } = world(sandbox, { concurrency: 1 })
      const report = yield* push(rows(5000))
      assertTotals(report.totals, { read: 5000, accepted: 2000, failed: 1000, skipped: 2000 })
      assert.strictEqual(report.outcome, "aborted")
      assert.match(report.error?.message ?? "", /the limit is 2500/)
      assert.match(report.error?.hint ?? "", /The organization is full/)
      assert.strictEqual(onList(sandbox).size, 2000)
      assert.strictEqual(out.failed.length, 1)
      assert.isFalse(out.failed[0].phoneNumbers.some((phoneNumber) => onList(sandbox).has(phoneNumber)))
    })
  )

  it.scopedLive("a role without outbound:dnc:edit, and one without any right to look", () =>
    Effect.gen(function* () {
      const report = yield* world(yield* platform({ permissions: ["outbound:dncList:view"] })).push(rows(3))
      assert.strictEqual(report.error?.tag, "Forbidden")
      assert.match(report.error?.message ?? "", /outbound:dnc:edit/)
      assertTotals(report.totals, { read: 3, failed: 3 })
      const blind = yield* world(yield* platform({ permissions: ["outbound:dnc:edit"] })).push(rows(3))
      assert.strictEqual(blind.totals.accepted, 3)
      assert.isUndefined(blind.listSize)
    })
  )

  it.scopedLive.each(["rds_custom", "dnc.com", "gryphon"] as const)(
    "a list of the source type %s takes no numbers, and none is sent",
    (dncSourceType) =>
      Effect.gen(function* () {
        const sandbox = yield* platform({
          lists: [{ id: Sandbox.defaultListId, name: "Bought", dncSourceType } as Sandbox.Options["lists"][number]]
        })
        const error = yield* Effect.flip(world(sandbox).push(rows(3)))
        assert.strictEqual("code" in error && error.code, "dnc.source.operation.not.supported")
        assert.match("hint" in error ? String(error.hint) : "", /Internal/)
        assert.deepStrictEqual(yield* patches(sandbox), {})
      })
  )

  it.scopedLive("a list that is deleted in the middle stops the run", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      const message = "There is no such DNC list."
      yield* sandbox.inject(Faults.failNext(1, 404, { route: "phonenumbers", message }))
      const report = yield* world(sandbox, { concurrency: 1 }).push(rows(2500))
      assert.strictEqual(report.error?.tag, "NotFound")
      assertTotals(report.totals, { read: 2500, failed: 1000, skipped: 1500 })
    })
  )

  it.scopedLive(
    "a clock that is ten minutes behind the server's: what has ended there is refused, nothing is lost",
    () =>
      Effect.gen(function* () {
        const sandbox = yield* platform({ now: () => Date.now() + 600_000 })
        const { out, push } = world(sandbox)
        const report = yield* push([...rows(2, 0, inDays(5 / 1440)), ...rows(2, 10)])
        assertTotals(report.totals, { read: 4, accepted: 2, failed: 2 })
        assert.strictEqual(out.failed[0].error, "BadRequest")
      })
  )

  it.scopedLive("a clock that is ten minutes ahead: the furthest end is still taken", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ now: () => Date.now() - 600_000 })
      const report = yield* world(sandbox).push([...rows(2, 0, inDays(180)), ...rows(2, 10, inDays(179.9))])
      assertTotals(report.totals, { read: 4, accepted: 4 })
      assert.strictEqual(report.withoutExpiry, 2)
    })
  )

  it.scopedLive("the size is waited for while it lags, and not for ever", () =>
    Effect.gen(function* () {
      const lagging = yield* world(yield* platform({ sizeLagMs: 600 })).push(rows(30))
      assert.deepStrictEqual(lagging.listSize, { before: 0, after: 30 })
      const stuck = yield* world(yield* platform({ sizeLagMs: 600_000 })).push(rows(30))
      assert.deepStrictEqual(stuck.listSize, { before: 0, after: 0 })
    })
  )

  it.scopedLive("under failures, refusals and lost answers: every number is on the list with its end", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({
        faults: { status5xxRate: 0.1, status429Rate: 0.1, dropAfterRate: 0.05, retryAfterSeconds: 0 },
        seed: 7
      })
      const ends = Array.from({ length: 50 }, (_, index) => inDays(10 + index))
      const given = ends.flatMap((end, index) => rows(100, 100 * index, end))
      const report: RunReport.RunReport = yield* world(sandbox, { largestBatch: 20 }).push(given)
      assertTotals(report.totals, { read: 5000, accepted: 5000 })
      assert.isAbove(report.requests, 250)
      const list = onList(sandbox)
      assert.strictEqual(list.size, 5000)
      for (const [index, end] of ends.entries()) {
        const onIt = Date.parse(String(list.get(number(100 * index))))
        assert.isTrue(onIt >= Date.parse(end) && onIt < Date.parse(end) + 60_000)
      }
      const { openEntries, violations } = yield* sandbox.stats
      assert.isAtMost(openEntries.max, 5)
      assert.deepStrictEqual(violations, [])
    })
  )

  it.scopedLive("verified by an export: all as it was sent", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ exportDelayMs: 20 })
      yield* sandbox.seed([{ phoneNumber: number(9000) }])
      const given = [...rows(1500), ...rows(20, 2000, inDays(30)), ...rows(20, 3000, inDays(300))]
      const report = yield* world(sandbox).push(given, (exported) => exported)
      assertTotals(report.totals, { read: 1540, accepted: 1540 })
      assert.strictEqual(report.verified, 1540)
      const removed = yield* world(sandbox, { action: "remove" }).push(rows(1500), (exported) => exported)
      assert.strictEqual(removed.verified, 1500)
      assert.deepStrictEqual(removed.listSize, { before: 1541, after: 41 })
    })
  )

  it.scopedLive("verified by an export: what is missing, or ends sooner, has failed", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      const { out, push } = world(sandbox)
      const report = yield* push([...rows(10), ...rows(2, 100, inDays(30))], (exported) =>
        exported.pipe(
          Stream.filter(({ phoneNumber }) => phoneNumber !== number(3)),
          Stream.map((entry) => (entry.phoneNumber === number(101) ? { ...entry, expires: Date.now() } : entry))
        )
      )
      assertTotals(report.totals, { read: 12, accepted: 10, failed: 2 })
      assert.strictEqual(report.verified, 10)
      assert.deepStrictEqual(
        out.failed.map(({ error, phoneNumbers }) => [error, ...phoneNumbers]),
        [["NotVerified", number(3), number(101)]]
      )
    })
  )

  it.scopedLive("an export that cannot be had aborts the run; the rows keep their disposition", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ permissions: ["outbound:dnc:edit", "outbound:dncList:view"] })
      const report = yield* world(sandbox).push(rows(10), (exported) => exported)
      assert.strictEqual(report.outcome, "aborted")
      assert.strictEqual(report.error?.tag, "Forbidden")
      assertTotals(report.totals, { read: 10, accepted: 10 })
      assert.isUndefined(report.verified)
    })
  )
})

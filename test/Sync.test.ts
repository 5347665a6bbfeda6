/** A list made equal to files by the published API, against the sandbox. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import {
  AuditSink,
  Auth,
  Contract,
  type DncEntry,
  DncSubmitter,
  DncValidator,
  GenesysDnc,
  HttpClient,
  IntendedEnds,
  Pipeline,
  type RunReport,
  SyncPlan
} from "genesys-dnc"
import { Faults, Sandbox } from "genesys-dnc/sandbox"
import { assertTotals, csv, file, folder, mode, number, quick, readRecords, settings } from "./support/cli.js"
import { input, outputs, row } from "./support/inputs.js"

const day = 86_400_000

const inDays = (days: number) => new Date(Math.ceil(Date.now() / day) * day + days * day).toISOString()

const rows = (count: number, first = 0, expires?: string) =>
  Array.from({ length: count }, (_, index) => row(number(first + index), undefined, expires))

const numbers = (count: number, first = 0) => rows(count, first).map(({ phoneNumber }) => ({ phoneNumber }))

const platform = (options: Partial<Sandbox.Options> = {}) => Sandbox.make({ contract: "platform", ...options })

const onList = (sandbox: Sandbox.Service): Readonly<Record<string, string | null>> =>
  Object.fromEntries(Array.from(sandbox.entries(), ({ expires, phoneNumber }) => [phoneNumber, expires]))

const listOf = (given: ReadonlyArray<DncEntry.Row>) =>
  Object.fromEntries(given.map(({ expires, phoneNumber }) => [phoneNumber, expires ?? null]))

const exportOf = (sandbox: Sandbox.Service) =>
  Stream.suspend(() =>
    Stream.fromIterable(
      Array.from(sandbox.entries(), ({ expires, phoneNumber }) => ({
        phoneNumber,
        expires: expires === null ? Number.POSITIVE_INFINITY : Date.parse(expires)
      }))
    )
  )

interface Change {
  readonly when: "asked" | "answered"
  readonly action: "Add" | "Remove"
  readonly phoneNumbers: ReadonlyArray<string>
}

/** Syncs rows with a sandbox's list, and keeps the requests that change it in their order. */
const world = (
  sandbox: Sandbox.Service,
  options: Contract.PlatformOptions & {
    readonly concurrency?: number
    readonly entries?: boolean
    readonly validates?: DncEntry.Kind
  } = {}
) => {
  const changes: Array<Change> = []
  const observed = Layer.effect(
    PlatformHttpClient.HttpClient,
    Effect.map(PlatformHttpClient.HttpClient, (client) =>
      PlatformHttpClient.transform(client, (answer, request) => {
        if (request.method !== "PATCH") return answer
        const body = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : "{}"
        const note = (when: Change["when"]) => Effect.sync(() => void changes.push({ when, ...JSON.parse(body) }))
        return note("asked").pipe(Effect.zipRight(answer), Effect.ensuring(note("answered")))
      })
    )
  ).pipe(Layer.provide(NodeHttpClient.layerUndici))
  const records: Array<AuditSink.AuditRecord> = []
  const contract = options.entries ? Contract.entries : Contract.platform(options)
  const validator = DncValidator.layer({ kind: options.validates ?? "phone" })
  const services = Layer.merge(DncSubmitter.layer({ contract, retry: quick }), validator).pipe(
    Layer.provideMerge(HttpClient.layer({ apiUrl: sandbox.url, retry: quick, concurrency: options.concurrency ?? 5 })),
    Layer.provide(
      Auth.layer({
        loginUrl: sandbox.url,
        clientId: sandbox.clientId,
        clientSecret: Redacted.make(sandbox.clientSecret)
      })
    ),
    Layer.provide(observed),
    Layer.provideMerge(AuditSink.layerMemory(records, { numbers: "whole" }))
  )
  const out = outputs()
  const failedRemovals: Array<DncEntry.FailedNumbers> = []
  const plans: Array<SyncPlan.SyncPlan> = []
  return {
    changes,
    records,
    out,
    plans,
    failedRemovals,
    sync: (given: ReadonlyArray<DncEntry.Row>, more: Partial<Pipeline.SyncOptions<Pipeline.VerifyError>> = {}) =>
      Pipeline.sync<never, Pipeline.VerifyError>([input("in.csv", given, 500)], {
        dncListId: sandbox.listId,
        outputs: { ...out.outputs, failedRemovals: (why) => Effect.sync(() => void failedRemovals.push(why)) },
        sizeLag: "0 millis",
        exported: exportOf(sandbox),
        maxRemove: { share: 1 },
        writePlan: (plan) =>
          Effect.sync(() => {
            plans.push(plan)
            return { path: "plan.csv", sha256: "0".repeat(64) }
          }),
        ...more
      }).pipe(Effect.provide(services))
  }
}

/** The next request that changes the list is refused for one of its numbers. */
const refuseNext = (phoneNumber: string) =>
  Faults.failNext(1, 400, { route: "phonenumbers", message: `${phoneNumber} is kept` })

const removed = ({ sync }: RunReport.RunReport) => [sync?.removed, sync?.removalsFailed, sync?.removalsSkipped]

describe("sync", { timeout: 60_000 }, () => {
  it.scopedLive("adds, changes, removes, in this order, and says so in report and log", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      const month = inDays(30)
      yield* sandbox.seed([...numbers(60), { phoneNumber: number(60), expires: month }, ...numbers(40, 500)])
      const { changes, records, sync } = world(sandbox, { largestBatch: 10 })
      const given = [...rows(50), ...rows(10, 50, month), ...rows(1, 60), ...rows(30, 100)]
      const report = yield* sync([...given, ...rows(2)], { verify: exportOf(sandbox) })
      assert.deepStrictEqual(onList(sandbox), listOf(given))
      assertTotals(report.totals, { read: 93, duplicateInFile: 2, duplicateOnList: 50, accepted: 41 })
      const plan = {
        listed: 101,
        adds: 30,
        longer: 1,
        shorter: 10,
        unchanged: 50,
        removals: 40,
        expired: 0,
        foreign: 0,
        repeated: 0,
        planFile: { path: "plan.csv", sha256: "0".repeat(64) }
      }
      assert.deepStrictEqual(report.sync, { ...plan, removed: 40, removalsFailed: 0, removalsSkipped: 0 })
      assert.strictEqual(report.action, "sync")
      assert.strictEqual(report.complianceStatus, "VALIDATED")
      assert.strictEqual(report.verified, 91)
      assert.deepStrictEqual(report.listSize, { before: 101, after: 91 })
      assert.deepStrictEqual(report.batches, { cut: 9, done: 9, failed: 0 })
      assert.strictEqual(report.requests, 9)

      const firstRemoval = changes.findIndex(({ action }) => action === "Remove")
      assert.strictEqual(changes.slice(0, firstRemoval).filter(({ when }) => when === "answered").length, 5)
      assert.isFalse(changes.slice(firstRemoval).some(({ action }) => action === "Add"))

      const started = records.find(({ operation }) => operation === "RUN_STARTED")
      assert.deepStrictEqual(started?.operation === "RUN_STARTED" ? started.result.sync : undefined, plan)
      const last = records.at(-1)
      assert.deepStrictEqual(last?.operation === "RUN_FINISHED" ? last.result.sync : undefined, {
        removals: 40,
        removed: 40,
        removalsFailed: 0,
        removalsSkipped: 0
      })
      const batches = records.flatMap((record) => (record.operation === "BATCH_INTENDED" ? [record.result.batch] : []))
      assert.deepStrictEqual(
        batches.toSorted((a, b) => a - b),
        Array.from({ length: 9 }, (_, index) => index)
      )
    })
  )

  it.scopedLive("any list becomes what a plain model says, and what is equal needs no request", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      const ends = [undefined, inDays(10), inDays(20), inDays(300)] as const
      const entry = FastCheck.tuple(FastCheck.nat(30), FastCheck.constantFrom(...ends))
      const one = (listed: ReadonlyArray<readonly [number, string | undefined]>, given: typeof listed, size: number) =>
        Effect.gen(function* () {
          yield* sandbox.reset
          yield* sandbox.seed(
            listed.map(([index, expires]) => ({ phoneNumber: number(index), expires: expires ?? null }))
          )
          const model = new Map<number, string | undefined>()
          for (const [index, expires] of given) {
            const strictest = !model.has(index) || (model.get(index) ?? "9") < (expires ?? "9")
            if (strictest) model.set(index, expires)
          }
          const expected = Object.fromEntries(
            Array.from(model, ([index, expires]) => [
              number(index),
              expires === undefined || expires === ends[3] ? null : expires
            ])
          )
          const before = onList(sandbox)
          const kept = Object.keys(expected).filter((phoneNumber) => before[phoneNumber] === expected[phoneNumber])
          const rowsGiven = given.map(([index, expires]) => row(number(index), undefined, expires))
          const { changes, sync } = world(sandbox, { largestBatch: size })
          const report = yield* sync(rowsGiven, { verify: exportOf(sandbox) })
          assert.deepStrictEqual(onList(sandbox), expected)
          assertTotals(report.totals, {
            read: given.length,
            duplicateInFile: given.length - model.size,
            duplicateOnList: kept.length,
            accepted: model.size - kept.length
          })
          const gone = Object.keys(before).filter((phoneNumber) => !(phoneNumber in expected)).length
          assert.deepStrictEqual(removed(report), [gone, 0, 0])
          assert.strictEqual(report.verified, model.size)
          const sent = changes.flatMap(({ phoneNumbers, when }) => (when === "asked" ? phoneNumbers : []))
          assert.strictEqual(sent.length, model.size - kept.length + gone)
          changes.length = 0
          yield* sync(rowsGiven)
          assert.deepStrictEqual(changes, [])
        })
      yield* Effect.promise(() =>
        FastCheck.assert(
          FastCheck.asyncProperty(
            FastCheck.uniqueArray(entry, { selector: ([index]) => index }),
            FastCheck.array(entry, { minLength: 1 }),
            FastCheck.integer({ min: 1, max: 5 }),
            (listed, given, size) => Effect.runPromise(one(listed, given, size))
          ),
          { numRuns: 40 }
        )
      )
    })
  )

  it.scopedLive("numbers that are on the list for ever, as it cannot say their end, are counted once", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.seed(numbers(2))
      const { records, sync } = world(sandbox)
      // two are so on the list already, three are new
      const report = yield* sync([...rows(5, 0, inDays(300)), ...rows(2, 10)])
      assertTotals(report.totals, { read: 7, duplicateOnList: 2, accepted: 5 })
      assert.strictEqual(report.withoutExpiry, 5)
      const [started] = records
      assert.strictEqual(started.operation === "RUN_STARTED" && started.result.withoutExpiry, 5)
    })
  )

  it.scopedLive("a list for any contact method cannot be compared: a WhatsApp number is no phone number", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({
        lists: [{ id: Sandbox.defaultListId, name: "Any", dncSourceType: "rds", contactMethod: "Any" }]
      })
      const { changes, sync } = world(sandbox)
      const error = yield* Effect.flip(sync(rows(1), { exported: Stream.die("not asked for") }))
      assert.strictEqual(error._tag, "BadRequest")
      assert.match(error.message, /any contact method/)
      assert.deepStrictEqual(changes, [])
    })
  )

  it.scopedLive("a validator of another kind: nothing is compared, nothing is changed", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.seed(numbers(3))
      for (const kind of ["email", "whatsapp"] as const) {
        const { changes, sync } = world(sandbox, { validates: kind })
        const given = kind === "email" ? [row("a@example.com")] : rows(1)
        const error = yield* Effect.flip(sync(given, { exported: Stream.die("not asked for") }))
        assert.strictEqual(error._tag, "BadRequest")
        assert.deepStrictEqual(changes, [])
      }
      assert.deepStrictEqual(onList(sandbox), listOf(rows(3)))
    })
  )

  it.scopedLive("the end of a number that is still there after its removal is not forgotten", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      const ends = IntendedEnds.make(Path.join(yield* folder, "ends.jsonl"))
      const { sync } = world(sandbox)
      yield* sync(rows(4, 0, inDays(300)), { ends })
      const still = Stream.make({ phoneNumber: number(2), expires: Number.POSITIVE_INFINITY })
      const report = yield* sync(rows(2, 0, inDays(300)), {
        ends,
        verify: Stream.concat(exportOf(sandbox), still)
      })
      assert.deepStrictEqual(removed(report), [1, 1, 0])
      const { ends: known } = yield* ends.known({ target: sandbox.url, dncListId: sandbox.listId })
      assert.deepStrictEqual(
        Array.from(known.keys(), (digits) => `+${digits}`),
        [number(0), number(1), number(2)]
      )
    })
  )

  it.scopedLive("an add that fails keeps all removals back", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.seed(numbers(5, 500))
      yield* sandbox.inject(Faults.failNext(20, 503, { route: "phonenumbers" }))
      const { changes, sync } = world(sandbox, { largestBatch: 10, concurrency: 1 })
      const report = yield* sync(rows(20))
      assertTotals(report.totals, { read: 20, failed: 20 })
      assert.deepStrictEqual(removed(report), [0, 0, 5])
      assert.isFalse(changes.some(({ action }) => action === "Remove"))
      assert.deepStrictEqual(onList(sandbox), listOf(rows(5, 500)))
    })
  )

  it.scopedLive("a number that the server refuses keeps all removals back, unless rejects are allowed", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ refuse: [number(3)] })
      yield* sandbox.seed(numbers(5, 500))
      const first = yield* world(sandbox).sync(rows(10))
      assertTotals(first.totals, { read: 10, accepted: 9, rejected: 1 })
      assert.deepStrictEqual(removed(first), [0, 0, 5])
      const second = yield* world(sandbox).sync(rows(10), { allowRejects: true })
      assertTotals(second.totals, { read: 10, duplicateOnList: 9, rejected: 1 })
      assert.deepStrictEqual(removed(second), [5, 0, 0])
    })
  )

  it.scopedLive("an org that is full: nothing is removed to make room", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform({ maxOrgRecords: 12 })
      yield* sandbox.seed(numbers(10, 500))
      const report = yield* world(sandbox).sync(rows(10))
      assert.strictEqual(report.outcome, "aborted")
      assert.deepStrictEqual(removed(report), [0, 0, 10])
      assert.deepStrictEqual(onList(sandbox), listOf(rows(10, 500)))
    })
  )

  it.scopedLive("removals that fail, or that are refused, are told apart from the rows of the file", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.seed(numbers(30, 500))
      const { failedRemovals, out, sync } = world(sandbox, { largestBatch: 10, concurrency: 1 })
      const failing = exportOf(sandbox).pipe(
        Stream.onEnd(sandbox.inject(Faults.failNext(10, 503, { route: "phonenumbers" })))
      )
      const report = yield* sync([...rows(1, 529)], { exported: failing, verify: exportOf(sandbox) })
      assertTotals(report.totals, { read: 1, duplicateOnList: 1 })
      // ten attempts for the first batch; of the others all are taken
      assert.deepStrictEqual(removed(report), [19, 10, 0])
      assert.deepStrictEqual(
        failedRemovals.flatMap(({ error, phoneNumbers }) => phoneNumbers.map((phoneNumber) => [error, phoneNumber])),
        numbers(10, 500).map(({ phoneNumber }) => ["ServerError", phoneNumber])
      )
      assert.strictEqual(Object.keys(onList(sandbox)).length, 11)

      failedRemovals.length = 0
      const refusing = exportOf(sandbox).pipe(Stream.onEnd(sandbox.inject(refuseNext(number(502)))))
      const again = yield* sync(rows(1, 529), { exported: refusing, verify: exportOf(sandbox) })
      assert.deepStrictEqual(removed(again), [9, 1, 0])
      assert.deepStrictEqual(
        failedRemovals.map(({ error, phoneNumbers }) => [error, ...phoneNumbers]),
        [["RefusedByServer", number(502)]]
      )
      assert.deepStrictEqual(Object.keys(onList(sandbox)).toSorted(), [number(502), number(529)])
      assert.strictEqual(again.complianceStatus, "VALIDATED")
      assert.deepStrictEqual(out.failed, [])
      assert.deepStrictEqual(out.rejected, [])
    })
  )

  it.scopedLive("stopped while it adds: it removes nothing; while it removes: it says what is left", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.seed(numbers(60, 500))
      const stopAt = (settled: number) =>
        Effect.gen(function* () {
          const stop = yield* Deferred.make<void>()
          const report = yield* world(sandbox, { largestBatch: 10, concurrency: 1 }).sync(rows(60), {
            stop: Deferred.await(stop),
            verify: Stream.die("not after a stop"),
            onProgress: (progress) => {
              if (progress.settled === settled) Deferred.unsafeDone(stop, Effect.void)
            }
          })
          assert.strictEqual(report.outcome, "stopped")
          return report
        })
      const adding = yield* stopAt(10)
      assert.deepStrictEqual(removed(adding), [0, 0, 60])
      assert.strictEqual(adding.totals.skipped + adding.totals.accepted, 60)
      assert.isAtLeast(adding.totals.skipped, 30)
      assert.deepInclude(onList(sandbox), listOf(rows(60, 500)))

      const removing = yield* stopAt(60 - adding.totals.accepted + 10)
      assert.strictEqual(removing.totals.skipped, 0)
      const [done = 0, failed, skipped = 0] = removed(removing)
      assert.strictEqual(failed, 0)
      assert.strictEqual(done + skipped, 60)
      assert.isAtLeast(skipped, 30)
      assert.strictEqual(Object.keys(onList(sandbox)).length, 60 + skipped)
    })
  )

  it.scopedLive("more removals than the limit, and files without any number, change nothing; the plan is there", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.seed(numbers(100))
      const { changes, out, plans, records, sync } = world(sandbox)
      const error = yield* Effect.flip(sync(rows(89), { maxRemove: { share: 0.1 } }))
      assert.strictEqual(error._tag, "TooManyRemovals")
      assert.include(error.message, "11 of 100 entries would be removed, more than the limit of 10")
      assert.include("hint" in error ? error.hint : "", "The plan is in plan.csv")
      assert.strictEqual(plans.length, 1)
      const usual = yield* Effect.flip(sync(rows(98), { maxRemove: SyncPlan.defaults.maxRemove }))
      assert.strictEqual(usual._tag, "TooManyRemovals")
      for (const nothing of [[], [row("")]]) {
        const empty = yield* Effect.flip(sync(nothing, { allowRejects: true, maxRemove: { share: 1 } }))
        assert.strictEqual(empty._tag, "TooManyRemovals")
        assert.match(empty.message, /no number in the input/)
      }
      assert.strictEqual(out.finished(), 4)
      assert.deepStrictEqual(changes, [])
      assert.deepStrictEqual(records, [])
      assert.strictEqual((yield* sync(rows(90), { maxRemove: { share: 0.1 } })).sync?.removed, 10)
    })
  )

  it.scopedLive("a row whose end has passed keeps nothing back: its number is meant to come off", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.seed(numbers(3))
      const { sync } = world(sandbox)
      const given = [...rows(2), ...rows(1, 2, "2020-01-01")]
      const report = yield* sync(given, { maxRemove: { rows: 1 } })
      assert.strictEqual(report.sync?.removed, 1)
      assert.deepStrictEqual(Object.keys(onList(sandbox)), [number(0), number(1)])
      const { _tag } = yield* Effect.flip(sync([...given, row("nobody")], { maxRemove: { rows: 1 } }))
      assert.strictEqual(_tag, "TooManyRejects")
    })
  )

  it.scopedLive("a refused row ends the run before the export, unless that is allowed", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.seed(numbers(10))
      const { changes, out, sync } = world(sandbox)
      const given = [...rows(9), row("12")]
      const error = yield* Effect.flip(sync(given, { exported: Stream.die("not asked for") }))
      assert.strictEqual(error._tag, "TooManyRejects")
      assert.include("hint" in error ? error.hint : "", "--allow-rejects")
      assert.deepStrictEqual(
        out.rejected.map(([, , code]) => code),
        ["InvalidPhoneNumber"]
      )
      const tooMany = yield* Effect.flip(sync(given, { allowRejects: true, maxRejects: { rows: 0 } }))
      assert.strictEqual(tooMany._tag, "TooManyRejects")
      assert.deepStrictEqual(changes, [])
      const report = yield* sync(given, { allowRejects: true })
      assertTotals(report.totals, { read: 10, duplicateOnList: 9, rejected: 1 })
      assert.strictEqual(report.complianceStatus, "VALIDATED_WITH_REJECTS")
      assert.deepStrictEqual(onList(sandbox), listOf(rows(9)))
    })
  )

  it.scopedLive("an export that fails, and a question that is answered no, change nothing", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.seed(numbers(10))
      const { changes, out, records, sync } = world(sandbox)
      const no = { _tag: "No", message: "", hint: "" }
      const cut = Stream.concat(Stream.take(exportOf(sandbox), 3), Stream.fail(no))
      assert.strictEqual((yield* Effect.flip(sync(rows(5), { exported: cut })))._tag, "No")
      const asked: Array<number> = []
      const confirm: Pipeline.SyncOptions<Pipeline.VerifyError>["confirm"] = (plan, { list }) => {
        asked.push(plan.adds, plan.removals, list?.size ?? 0)
        return Effect.fail(no)
      }
      assert.strictEqual((yield* Effect.flip(sync(rows(15, 5), { confirm })))._tag, "No")
      assert.deepStrictEqual(asked, [10, 5, 10])
      // nothing to do, so nothing to ask
      assert.strictEqual((yield* sync(rows(10), { confirm })).outcome, "completed")
      assert.strictEqual(out.finished(), 3)
      assert.deepStrictEqual(changes, [])
      assert.deepStrictEqual(
        records.map(({ operation }) => operation),
        ["RUN_STARTED", "RUN_FINISHED"]
      )
    })
  )

  it.scopedLive("a dry run makes the plan and nothing else", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.seed(numbers(10))
      const { changes, plans, records, sync } = world(sandbox)
      const report = yield* sync(rows(10, 5), { dryRun: true, confirm: () => Effect.die("nothing to confirm") })
      assertTotals(report.totals, { read: 10, duplicateOnList: 5, skipped: 5 })
      assert.deepStrictEqual(removed(report), [0, 0, 5])
      assert.strictEqual(plans.length, 1)
      assert.strictEqual(report.batches.cut, 2)
      assert.deepStrictEqual([changes, records], [[], []])
    })
  )

  it.scopedLive("by the contract entries nothing can be made equal", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const error = yield* Effect.flip(world(sandbox, { entries: true }).sync(rows(1)))
      assert.strictEqual(error._tag, "BadRequest")
      assert.include("hint" in error ? error.hint : "", "--api platform")
    })
  )

  it.scopedLive("verified: missing, ending at another time, unchanged and gone since, still there", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      const month = inDays(30)
      yield* sandbox.seed([...numbers(10), ...numbers(5, 500)])
      const { failedRemovals, out, sync } = world(sandbox)
      const exported = exportOf(sandbox).pipe(
        Stream.filter(({ phoneNumber }) => ![number(3), number(103)].includes(phoneNumber)),
        Stream.map((entry) => (entry.phoneNumber === number(104) ? { ...entry, expires: Infinity } : entry)),
        Stream.concat(Stream.make({ phoneNumber: number(501), expires: Number.POSITIVE_INFINITY }))
      )
      const report = yield* sync([...rows(10), ...rows(10, 100, month)], { verify: exported })
      assertTotals(report.totals, { read: 20, duplicateOnList: 9, accepted: 8, failed: 3 })
      assert.strictEqual(report.verified, 17)
      assert.deepStrictEqual(removed(report), [4, 1, 0])
      assert.deepStrictEqual(
        out.failed.map(({ error, phoneNumbers }) => [error, ...phoneNumbers]),
        [
          ["NotVerified", number(103), number(104)],
          ["NotVerified", number(3)]
        ]
      )
      assert.deepStrictEqual(
        failedRemovals.map(({ error, phoneNumbers }) => [error, ...phoneNumbers]),
        [["NotVerified", number(501)]]
      )
    })
  )

  it.scopedLive("the list changes between the plan and its end: what others add stays, what they take off shows", () =>
    Effect.gen(function* () {
      const sandbox = yield* platform()
      yield* sandbox.seed([...numbers(10), ...numbers(5, 500)])
      const others = Effect.gen(function* () {
        yield* sandbox.seed(numbers(3, 900))
        yield* Effect.provide(
          Effect.flatMap(DncSubmitter.DncSubmitter, ({ submit }) =>
            submit({
              runId: "other",
              dncListId: sandbox.listId,
              action: "remove",
              index: 0,
              phoneNumbers: [number(2), number(502)],
              reason: null,
              expires: Number.POSITIVE_INFINITY
            })
          ),
          GenesysDnc.layer({ ...settings(sandbox, "/dev/null"), api: "platform" })
        )
      }).pipe(Effect.orDie)
      const { out, sync } = world(sandbox)
      const report = yield* sync(rows(12), { confirm: () => others, verify: exportOf(sandbox) })
      // removing what is gone already is no failure
      assert.deepStrictEqual(removed(report), [5, 0, 0])
      assertTotals(report.totals, { read: 12, duplicateOnList: 9, accepted: 2, failed: 1 })
      assert.deepStrictEqual(
        out.failed.map(({ phoneNumbers }) => phoneNumbers),
        [[number(2)]]
      )
      const expected = [...rows(12).filter(({ phoneNumber }) => phoneNumber !== number(2)), ...rows(3, 900)]
      assert.deepStrictEqual(onList(sandbox), listOf(expected))
    })
  )
})

describe("GenesysDnc.syncFile", { timeout: 60_000 }, () => {
  it.scopedLive("from a file to the list under faults; plan and failed removals for their owner alone", () =>
    Effect.gen(function* () {
      const faults = { status5xxRate: 0.1, dropAfterRate: 0.1 }
      const sandbox = yield* platform({ exportDelayMs: 20, faults, seed: 3 })
      yield* sandbox.seed(numbers(60, 500))
      const path = yield* file(csv(100))
      const audit = `${path}.audit.jsonl`
      const options = {
        dncListId: sandbox.listId,
        maxRemove: { rows: 60 },
        verify: true,
        sizeLag: "0 millis",
        keep: [audit]
      } as const
      const layer = GenesysDnc.layer({ ...settings(sandbox, audit), api: "platform", largestBatch: 7 })
      const first = yield* Effect.provide(GenesysDnc.syncFile(path, options), layer)
      assertTotals(first.totals, { read: 100, accepted: 100 })
      assert.strictEqual(first.verified, 100)
      assert.deepStrictEqual(removed(first), [60, 0, 0])
      assert.deepStrictEqual(first.files, [])
      assert.strictEqual(Fs.readFileSync(`${path}.plan.csv`, "utf8").split("\n").length, 162)

      yield* sandbox.inject(Faults.rates({ status5xxRate: 0, dropAfterRate: 0 }))
      yield* sandbox.seed(numbers(7, 500))
      const confirm = () => sandbox.inject(refuseNext(number(500)))
      const report = yield* Effect.provide(GenesysDnc.syncFile(path, { ...options, confirm }), layer)
      assert.deepStrictEqual(removed(report), [6, 1, 0])
      assert.deepStrictEqual(onList(sandbox), { ...listOf(rows(100)), [number(500)]: null })
      assert.deepStrictEqual(Fs.readdirSync(Path.dirname(path)).toSorted(), [
        "optouts.csv",
        "optouts.csv.audit.jsonl",
        "optouts.csv.audit.jsonl.key",
        "optouts.csv.failed-removals.csv",
        "optouts.csv.plan.csv"
      ])
      for (const kind of ["plan", "failed-removals"]) assert.strictEqual(mode(`${path}.${kind}.csv`), 0o600)
      const [header, line] = Fs.readFileSync(`${path}.failed-removals.csv`, "utf8").split("\n")
      assert.strictEqual(header, "phoneNumber,error,message")
      assert.match(line, new RegExp(`^\\${number(500)},RefusedByServer,`))
      assert.deepStrictEqual(
        report.files.map(({ kind, rows }) => [kind, rows]),
        [["failed-removals", 1]]
      )
      const text = JSON.stringify(readRecords(audit))
      assert.notInclude(text, number(500))
      assert.include(text, report.sync?.planFile?.sha256 ?? "no plan")
    })
  )
})

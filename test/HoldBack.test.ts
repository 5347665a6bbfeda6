/** Rows that would shorten a suppression, by what the log knows: several runs against a list in memory. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import {
  AuditSink,
  Contract,
  DncExport,
  DncSubmitter,
  DncValidator,
  HttpClient,
  IntendedEnds,
  Pipeline,
  RetryPolicy,
  RunReport
} from "genesys-dnc"
import { Mocks, Stub } from "genesys-dnc/testing"
import { folder, number } from "./support/files.js"
import { input, row } from "./support/inputs.js"

const start = Date.UTC(2026, 0, 1)
const day = 86_400_000
const iso = (days: number) => new Date(start + days * day).toISOString()

/** Numbers by index, with the days until their end; none is for ever. */
type Rows = ReadonlyArray<readonly [index: number, days?: number | undefined]>

const inputOf = (rows: Rows): Pipeline.Input => {
  const given = input(
    "in.csv",
    rows.map(([index, days]) => row(number(index), "", days === undefined ? "" : iso(days)))
  )
  return { ...given, contentDigest: given.digest }
}

const hashed = (key: string): AuditSink.Options => ({ numbers: "hashed", hashKey: Redacted.make(key) })

const world = (api: "entries" | "platform" = "platform") => {
  const records: Array<AuditSink.AuditRecord> = []
  const contract = api === "entries" ? Contract.entries : Contract.platform({ largestBatch: 2 })
  const client = HttpClient.layer({
    apiUrl: "https://api.example.test",
    concurrency: 1,
    retry: { ...RetryPolicy.defaults, attempts: 1 }
  }).pipe(Layer.provide(Mocks.auth()))
  const run = (rows: Rows, options: Partial<Pipeline.Options> = {}, audit: AuditSink.Options = { numbers: "whole" }) =>
    Pipeline.push([inputOf(rows)], { dncListId: "list", sizeLag: 0, ...options }).pipe(
      Effect.provide(
        Layer.mergeAll(DncValidator.layer(), DncSubmitter.layer({ contract })).pipe(
          Layer.provideMerge(Layer.mergeAll(client, AuditSink.layerMemory(records, audit)))
        )
      )
    )
  const list = Effect.flatMap(Stub.Stub, (stub) =>
    Effect.map(
      stub.list,
      (entries) =>
        new Map(
          Array.from(entries, ([phoneNumber, { expires }]) => [
            phoneNumber,
            expires === null ? Number.POSITIVE_INFINITY : Date.parse(expires)
          ])
        )
    )
  )
  return { records, run, list, ends: (index: number) => Effect.map(list, (ends) => ends.get(number(index))) }
}

const from2026 = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.zipRight(TestClock.setTime(start), effect)

const inMemory = <A, E, R>(effect: Effect.Effect<A, E, R | Stub.Stub>) => from2026(Effect.provide(effect, Stub.layer))

const balanced = (report: RunReport.RunReport) => assert.strictEqual(RunReport.imbalance(report.totals), 0)

describe("a row that would shorten a suppression", () => {
  for (const [name, audit] of [
    ["whole", { numbers: "whole" }],
    ["hashed", hashed("secret")]
  ] as const) {
    for (const api of ["entries", "platform"] as const) {
      it.effect(`is held back by a log of ${name} numbers, by ${api}, unless it is allowed`, () => {
        const { ends, records, run } = world(api)
        return inMemory(
          Effect.gen(function* () {
            yield* run([[0, 100], [1], [2, 10]], {}, audit)
            const rows: Rows = [
              [0, 50],
              [1, 50],
              [2, 50],
              [3, 50],
              [0, 40]
            ]
            const written: Array<string> = []
            const report = yield* run(
              rows,
              {
                outputs: {
                  ...Pipeline.noOutputs,
                  heldBack: (entries) =>
                    Effect.sync(() => {
                      for (const { expires, phoneNumber, until } of entries)
                        written.push(`${phoneNumber} ${(expires - start) / day} ${(until - start) / day}`)
                    })
                }
              },
              audit
            )
            balanced(report)
            assert.strictEqual(report.heldBack, 2)
            assert.deepInclude(report.totals, { read: 5, skipped: 2, duplicateInFile: 1, failed: 0 })
            assert.strictEqual(report.complianceStatus, "VALIDATED")
            assert.deepStrictEqual(written, [`${number(0)} 50 100`, `${number(1)} 50 Infinity`])
            assert.strictEqual(yield* ends(0), start + 100 * day)
            assert.strictEqual(yield* ends(1), Number.POSITIVE_INFINITY)
            assert.strictEqual(yield* ends(2), start + 50 * day)
            const [started, finished] = [records.findLast((r) => r.operation === "RUN_STARTED"), records.at(-1)]
            assert.strictEqual(started?.operation === "RUN_STARTED" && started.result.heldBack, 2)
            assert.strictEqual(finished?.operation === "RUN_FINISHED" && finished.result.heldBack, 2)
            const allowed = yield* run(rows, { allowShorten: true }, audit)
            assert.strictEqual(allowed.heldBack, 0)
            assert.strictEqual(yield* ends(1), start + 50 * day)
          })
        )
      })
    }
  }

  it.effect("is sent where the log does not tell which numbers it is about: masked, or by another key", () => {
    const { ends, run } = world()
    return inMemory(
      Effect.gen(function* () {
        yield* run([[0, 100]], {}, { numbers: "masked" })
        assert.strictEqual((yield* run([[0, 90]], {}, hashed("one"))).heldBack, 0)
        assert.strictEqual((yield* run([[0, 80]], {}, hashed("two"))).heldBack, 0)
        assert.strictEqual((yield* run([[0, 70]], {}, hashed("two"))).heldBack, 1)
        // a removal that cannot be read may be of anybody
        yield* run([[5]], { action: "remove" }, { numbers: "masked" })
        assert.strictEqual((yield* run([[0, 70]], {}, hashed("two"))).heldBack, 0)
        assert.strictEqual(yield* ends(0), start + 70 * day)
      })
    )
  })

  it.effect("is sent where the number was taken off, and where its batch is not known to be done", () => {
    const { ends, run } = world()
    return inMemory(
      Effect.gen(function* () {
        const stub = yield* Stub.Stub
        yield* run([
          [0, 100],
          [1, 100]
        ])
        yield* run([[0]], { action: "remove" })
        yield* stub.failNext(1, 503, { path: "/phonenumbers" })
        assert.strictEqual((yield* run([[2, 100]])).totals.failed, 1)
        const report = yield* run([
          [0, 50],
          [1, 50],
          [2, 50]
        ])
        assert.strictEqual(report.heldBack, 1)
        assert.deepStrictEqual(yield* Effect.all([ends(0), ends(1), ends(2)]), [
          start + 50 * day,
          start + 100 * day,
          start + 50 * day
        ])
      })
    )
  })

  it.effect("of a failed file that is fed again after a longer push weakens nothing", () => {
    const { ends, run } = world()
    return inMemory(
      Effect.gen(function* () {
        const stub = yield* Stub.Stub
        const failed: Array<readonly [number, number]> = []
        yield* stub.failNext(1, 503, { path: "/phonenumbers", afterChange: true })
        yield* run([[0, 30]], {
          outputs: {
            ...Pipeline.noOutputs,
            failed: (entries) => Effect.sync(() => void failed.push([0, (entries[0].expires - start) / day]))
          }
        })
        assert.deepStrictEqual(failed, [[0, 30]])
        yield* run([[0, 90]])
        assert.strictEqual((yield* run(failed)).heldBack, 1)
        assert.strictEqual(yield* ends(0), start + 90 * day)
      })
    )
  })

  it.effect("stays what it was in a run that is gone on with, under the same keys", () => {
    const { records, run } = world()
    return inMemory(
      Effect.gen(function* () {
        const stub = yield* Stub.Stub
        yield* run([[1, 100], [4]])
        const rows: Rows = [
          [0, 50],
          [1, 50],
          [2, 60],
          [3, 50],
          [4, 50],
          [5, 70]
        ]
        const begun = records.length
        yield* stub.failNext(1, 403, { path: "/phonenumbers" })
        const first = yield* run(rows)
        assert.strictEqual(first.outcome, "aborted")
        const second = yield* run(rows)
        assert.strictEqual(second.runId, first.runId)
        assert.strictEqual(second.outcome, "completed")
        assert.strictEqual(second.heldBack, 2)
        balanced(second)
        const keys = records
          .slice(begun)
          .flatMap((r) => (r.operation === "BATCH_INTENDED" ? [`${r.result.batch} ${r.result.idempotencyKey}`] : []))
        assert.strictEqual(new Set(keys).size, second.batches.cut)
        assert.strictEqual(second.batches.cut, 3)
        yield* stub.failNext(1, 403, { path: "/phonenumbers" })
        yield* run([
          [7, 20],
          [1, 20]
        ])
        // another run has changed what is known meanwhile
        yield* run([[7, 90]])
        const error = yield* Effect.flip(
          run([
            [7, 20],
            [1, 20]
          ])
        )
        assert.strictEqual(error._tag, "CannotResume")
        assert.include(error.message, "2 instead of 1 numbers would be held back")
        assert.strictEqual(
          (yield* run(
            [
              [7, 20],
              [1, 20]
            ],
            { fresh: true }
          )).heldBack,
          2
        )
      })
    )
  })

  it.scoped("whose end is kept is measured by that, not by the list that says for ever", () => {
    const { ends, run } = world()
    return inMemory(
      Effect.gen(function* () {
        const kept = IntendedEnds.make(Path.join(yield* folder, "ends.jsonl"))
        yield* run(
          [
            [0, 200],
            [1, 200]
          ],
          { ends: kept }
        )
        yield* TestClock.adjust("30 days")
        const report = yield* run(
          [
            [0, 200],
            [1, 150]
          ],
          { ends: kept }
        )
        assert.strictEqual(report.heldBack, 1)
        assert.strictEqual(yield* ends(0), start + 200 * day)
        assert.strictEqual(yield* ends(1), Number.POSITIVE_INFINITY)
        assert.strictEqual((yield* kept.known({ target: "https://api.example.test", dncListId: "list" })).ends.size, 1)
      })
    )
  })

  it.scoped("is held back by the ends alone only where their run came onto the list whole", () => {
    const { run } = world()
    const masked: AuditSink.Options = { numbers: "masked" }
    return inMemory(
      Effect.gen(function* () {
        const stub = yield* Stub.Stub
        const kept = IntendedEnds.make(Path.join(yield* folder, "ends.jsonl"))
        yield* stub.failNext(1, 503, { path: "/phonenumbers" })
        yield* run([[0, 200]], { ends: kept }, masked)
        yield* run([[1, 200]], { ends: kept }, masked)
        assert.strictEqual(
          (yield* run(
            [
              [0, 50],
              [1, 50]
            ],
            { ends: kept },
            masked
          )).heldBack,
          1
        )
      })
    )
  })

  it.effect("is held back by an export, and by the later of two entries; found by none, it failed", () => {
    const { ends, run } = world()
    const entry = (index: number, days: number) => ({ phoneNumber: number(index), expires: start + days * day })
    const against = Stream.make(entry(0, 90), entry(0, 10), entry(1, 10))
    return inMemory(
      Effect.gen(function* () {
        const report = yield* run(
          [
            [0, 50],
            [1, 50]
          ],
          { against, verify: Stream.make(entry(0, 90), entry(1, 50)) }
        )
        assert.strictEqual(report.heldBack, 1)
        assert.strictEqual(yield* ends(0), undefined)
        assert.strictEqual(yield* ends(1), start + 50 * day)
        const failed: Array<string> = []
        const gone = yield* run(
          [
            [0, 50],
            [2, 50]
          ],
          {
            against,
            verify: Stream.make(entry(0, 40), entry(2, 50)),
            outputs: {
              ...Pipeline.noOutputs,
              failed: (entries, why) =>
                Effect.sync(() => void failed.push(...entries.map((e) => `${e.phoneNumber} ${why.message}`)))
            }
          }
        )
        balanced(gone)
        assert.deepInclude(gone.totals, { accepted: 1, failed: 1, skipped: 0 })
        assert.strictEqual(gone.heldBack, 0)
        assert.strictEqual(failed.length, 1)
        assert.match(failed[0], new RegExp(`^\\${number(0)} .*--allow-shorten`))
      })
    )
  })

  it.effect("is sent where the list has fewer entries than the log knows", () => {
    const { records, run } = world()
    let size = 2
    return inMemory(
      Effect.gen(function* () {
        yield* run([
          [0, 90],
          [1, 90]
        ])
        const rows = [
          inputOf([
            [0, 50],
            [1, 50]
          ])
        ]
        const push = Pipeline.push(rows, { dncListId: "list", sizeLag: 0 }).pipe(
          Effect.provide(
            Layer.mergeAll(
              DncValidator.layer(),
              AuditSink.layerMemory(records),
              Layer.succeed(DncSubmitter.DncSubmitter, {
                contract: Contract.platform(),
                target: "https://api.example.test",
                concurrency: 1,
                check: (id) => Effect.sync(() => ({ id, name: "", size })),
                submit: (batch) =>
                  Effect.succeed(Mocks.receipt(batch, { created: 0, accepted: batch.phoneNumbers.length }))
              })
            )
          )
        )
        assert.strictEqual((yield* push).heldBack, 2)
        size = 1
        assert.strictEqual((yield* push).heldBack, 0)
      })
    )
  })

  const step = FastCheck.record({
    kind: FastCheck.constantFrom("push", "push", "push", "allowed", "remove"),
    rows: FastCheck.array(
      FastCheck.tuple(
        FastCheck.nat(5),
        FastCheck.option(FastCheck.integer({ min: 1, max: 170 }), { nil: undefined, freq: 6 })
      ),
      { minLength: 1, maxLength: 6 }
    ),
    trouble: FastCheck.option(FastCheck.boolean(), { nil: undefined, freq: 3 })
  })

  it.effect.prop(
    "never ends one that is certain sooner, and nobody is held back who is not suppressed as asked",
    [FastCheck.array(step, { minLength: 2, maxLength: 8 }), FastCheck.boolean(), FastCheck.boolean()],
    ([steps, isHashed, byEntries]) => {
      const { list, run } = world(byEntries ? "entries" : "platform")
      const audit: AuditSink.Options = isHashed ? hashed("k") : { numbers: "whole" }
      return inMemory(
        Effect.gen(function* () {
          const stub = yield* Stub.Stub
          /** Numbers of which the last that was sent was answered. */
          const certain = new Set<string>()
          for (const { kind, rows, trouble } of steps) {
            if (kind === "remove" && byEntries) continue
            const before = yield* list
            if (trouble !== undefined)
              yield* stub.failNext(1, 503, { path: byEntries ? "/entries" : "/phonenumbers", afterChange: trouble })
            const failed = new Set<string>()
            const report = yield* run(
              rows,
              {
                fresh: true,
                action: kind === "remove" ? "remove" : "add",
                allowShorten: kind === "allowed",
                outputs: {
                  ...Pipeline.noOutputs,
                  failed: (_, { phoneNumbers }) => Effect.sync(() => phoneNumbers.forEach((n) => void failed.add(n)))
                }
              },
              audit
            )
            balanced(report)
            const after = yield* list
            const lasting = (n: string, ends: ReadonlyMap<string, number>) => ends.get(n) ?? 0
            if (kind === "push") for (const n of certain) assert.isAtLeast(lasting(n, after), lasting(n, before))
            for (const [index, days] of rows) {
              const n = number(index)
              if (kind === "remove" || failed.has(n)) certain.delete(n)
              else {
                assert.isAtLeast(lasting(n, after), days === undefined ? Number.POSITIVE_INFINITY : start + days * day)
                if (lasting(n, after) !== lasting(n, before) || report.heldBack === 0) certain.add(n)
              }
            }
          }
        })
      )
    },
    { fastCheck: { numRuns: 60 } }
  )
})

describe("DncExport.readFile", () => {
  it.scoped("reads what writeFile wrote, and says what is wrong with another file", () =>
    Effect.gen(function* () {
      const path = Path.join(yield* folder, "list.csv")
      const entries = [
        { phoneNumber: number(0), expires: start },
        { phoneNumber: number(1), expires: Number.POSITIVE_INFINITY }
      ]
      yield* DncExport.writeFile(Stream.fromIterable(entries), { path })
      assert.deepStrictEqual(Array.from(yield* Stream.runCollect(DncExport.readFile(path))), entries)
      for (const text of ["name,town\nAnna,Ulm\n", `{"phoneNumber":"${number(0)}"}\n`, "<html></html>\n"]) {
        Fs.writeFileSync(path, text)
        const error = yield* Effect.flip(Stream.runDrain(DncExport.readFile(path)))
        assert.strictEqual(error._tag, "InputError")
        assert.include(error.message, "is no export of a list")
      }
      const gone = yield* Effect.flip(Stream.runDrain(DncExport.readFile(`${path}.none`)))
      assert.strictEqual(gone.reason, "NotFound")
    })
  )
})

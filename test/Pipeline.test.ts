import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import {
  AuditSink,
  Auth,
  Contract,
  type DncEntry,
  DncSubmitter,
  DncValidator,
  HttpClient,
  Pipeline,
  RunReport
} from "genesys-dnc"
import { Mocks, Stub } from "genesys-dnc/testing"
import { input, outputs, row } from "./support/inputs.js"
import { throughPauses } from "./support/network.js"
import { numbers, refusal } from "./support/server.js"

type Submit = (typeof DncSubmitter.DncSubmitter.Service)["submit"]

const dncListId = "list"

/** The pipeline's services, with a submitter that is a function. */
const world = (submit?: Submit) => {
  const records: Array<AuditSink.AuditRecord> = []
  const batches: Array<DncEntry.Batch> = []
  const submitter = Mocks.dncSubmitter((batch) =>
    Effect.suspend(() => {
      batches.push(batch)
      return submit === undefined ? Effect.succeed(Mocks.receipt(batch)) : submit(batch)
    })
  )
  return {
    records,
    batches,
    finished: () => records.filter((record) => record.operation === "RUN_FINISHED"),
    provide: Effect.provide(Layer.mergeAll(DncValidator.layer(), submitter, Mocks.auditSink(records)))
  }
}

const rows = (count: number, first = 0, reason?: string) => numbers(count, first).map((number) => row(number, reason))

const balanced = (report: RunReport.RunReport) => {
  assert.strictEqual(RunReport.imbalance(report.totals), 0)
  assert.notStrictEqual(report.error?.tag, "Imbalance")
}

/** 499 numbers fill a batch; so many of them, each with rows of its own reason where told. */
const fullBatches = (count: number) => input("full", rows(499 * count), 499)

const auditFails = (after: number) => {
  let appended = 0
  return Layer.succeed(
    AuditSink.AuditSink,
    AuditSink.AuditSink.of({
      forEach: () => Effect.void,
      append: (event) =>
        Effect.suspend(() =>
          appended++ < after
            ? Effect.succeed(event as AuditSink.AuditRecord)
            : Effect.fail(new AuditSink.AuditError({ message: "No space left", hint: "Free some." }))
        )
    })
  )
}

describe("Pipeline.push", () => {
  it.effect("every row ends in one total", () => {
    const { batches, finished, provide, records } = world()
    return Effect.gen(function* () {
      const out = outputs()
      const report = yield* Pipeline.push(
        [
          input("one.csv", [
            row("+14155550100"),
            row("(415) 555-0101", "REGULATORY"),
            row("nonsense"),
            row("+1 415 555 0100", "CUSTOMER_REQUEST"),
            row("+4915112345678901"),
            row("+14155550102", "", "2000-01-01"),
            row("+14155550103", "", "tomorrow")
          ])
        ],
        { dncListId, outputs: out.outputs, runId: "the-run" }
      ).pipe(provideNow)
      balanced(report)
      assert.strictEqual(report.outcome, "completed")
      assert.strictEqual(report.runId, "the-run")
      assert.strictEqual(report.complianceStatus, "VALIDATED_WITH_REJECTS")
      assert.strictEqual(report.totals.read, 7)
      assert.strictEqual(report.totals.created, 2)
      assert.strictEqual(report.totals.duplicateInFile, 1)
      assert.strictEqual(report.totals.rejected, 4)
      assert.strictEqual(report.distinctNumbers, 2)
      assert.deepStrictEqual(
        out.rejected.map(([input, line, code]) => [input, line, code]),
        [
          [0, 3, out.rejected[0][2]],
          [0, 5, out.rejected[1][2]],
          [0, 6, "ExpirationInPast"],
          [0, 7, "InvalidExpiration"]
        ]
      )
      assert.strictEqual(out.finished(), 1)
      assert.deepStrictEqual(report.files, out.files)
      assert.deepStrictEqual(
        records.map(({ operation }) => operation),
        ["RUN_STARTED", "RUN_FINISHED"]
      )
      // the strictest of the two rows
      assert.deepStrictEqual(
        batches.map(({ expires, phoneNumbers, reason }) => [reason, expires, phoneNumbers]).sort(),
        [
          ["CUSTOMER_REQUEST", Number.POSITIVE_INFINITY, ["+14155550100"]],
          ["REGULATORY", Number.POSITIVE_INFINITY, ["+14155550101"]]
        ]
      )
      const last = finished()[0]
      assert.deepStrictEqual(last.operation === "RUN_FINISHED" && last.result.totals, { ...report.totals })
    }).pipe(provide)

    function provideNow<A, E, R>(effect: Effect.Effect<A, E, R>) {
      return Effect.zipRight(TestClock.setTime(Date.UTC(2026, 0, 1)), effect)
    }
  })

  it.effect("several inputs are one run: duplicates across them, each with its rows, rejects and digest", () => {
    const { batches, provide } = world()
    return Effect.gen(function* () {
      const out = outputs()
      const inputs = [
        input("a.csv", [row("+14155550100", "UNSPECIFIED"), row("bad-a")]),
        input("empty.csv", []),
        input("b.csv", [row("+14155550101"), row("+14155550100", "REGULATORY"), row("bad-b")])
      ]
      const report = yield* Pipeline.push(inputs, { dncListId, outputs: out.outputs })
      balanced(report)
      assert.strictEqual(report.totals.duplicateInFile, 1)
      assert.strictEqual(report.totals.created, 2)
      assert.deepStrictEqual(
        report.inputs.map(({ name, rejected, rows }) => [name, rows, rejected]),
        [
          ["a.csv", 2, 1],
          ["empty.csv", 0, 0],
          ["b.csv", 3, 1]
        ]
      )
      assert.strictEqual(report.inputs[2].sha256, yield* inputs[2].digest)
      assert.deepStrictEqual(
        out.rejected.map(([input, line, , raw]) => [input, line, raw]),
        [
          [0, 2, "bad-a"],
          [2, 3, "bad-b"]
        ]
      )
      const strictest = batches.find(({ phoneNumbers }) => phoneNumbers.includes("+14155550100"))
      assert.strictEqual(strictest?.reason, "REGULATORY")
    }).pipe(provide)
  })

  it.effect("batches are full, but the last of each group", () => {
    const { batches, provide } = world()
    return Effect.gen(function* () {
      const report = yield* Pipeline.push([input("a", [...rows(1_100), ...rows(500, 2_000, "REGULATORY")])], {
        dncListId
      })
      balanced(report)
      assert.deepStrictEqual(
        batches.map(({ phoneNumbers, reason }) => [reason, phoneNumbers.length]),
        [
          ["UNSPECIFIED", 499],
          ["UNSPECIFIED", 499],
          ["UNSPECIFIED", 102],
          ["REGULATORY", 499],
          ["REGULATORY", 1]
        ]
      )
      assert.deepStrictEqual(report.batches, { cut: 5, done: 5, failed: 0 })
      assert.deepStrictEqual(
        batches.map(({ index }) => index),
        [0, 1, 2, 3, 4]
      )
    }).pipe(provide)
  })

  describe("maxRejects", () => {
    const mixed = [input("a", [row("+14155550100"), row("bad"), row("worse"), row("+14155550101")])]
    for (const [maxRejects, sent] of [
      [{ rows: 1 }, false],
      [{ rows: 2 }, true],
      [{ share: 0.49 }, false],
      [{ share: 0.5 }, true],
      [{ rows: 0 }, false]
    ] as const) {
      it.effect(`${JSON.stringify(maxRejects)} of 2 in 4 rows`, () => {
        const { batches, provide, records } = world()
        return Effect.gen(function* () {
          const out = outputs()
          const result = yield* Effect.either(Pipeline.push(mixed, { dncListId, maxRejects, outputs: out.outputs }))
          assert.strictEqual(Either.isRight(result), sent)
          assert.strictEqual(batches.length > 0, sent)
          // the file of rejects is what is mended
          assert.strictEqual(out.rejected.length, 2)
          assert.strictEqual(out.finished(), 1)
          if (Either.isLeft(result)) {
            assert.strictEqual(result.left._tag, "TooManyRejects")
            assert.include(result.left.message, "nothing was sent")
            assert.deepStrictEqual(records, [])
          }
        }).pipe(provide)
      })
    }
  })

  it.effect("a list that cannot be seen: fails before anything is read", () => {
    let read = 0
    const { provide } = world()
    return Effect.gen(function* () {
      const blocks = Stream.sync(() => {
        read++
      }).pipe(Stream.drain)
      const error = yield* Effect.flip(
        Pipeline.push([{ ...input("a", []), blocks }], { dncListId }).pipe(
          Effect.provideService(DncSubmitter.DncSubmitter, {
            ...(yield* DncSubmitter.DncSubmitter),
            check: () => Effect.fail(refusal(404))
          })
        )
      )
      assert.strictEqual(error._tag, "NotFound")
      assert.strictEqual(read, 0)
    }).pipe(provide)
  })

  it.effect("an input that fails, or has changed, sends nothing", () => {
    const { batches, provide, records } = world()
    return Effect.gen(function* () {
      const good = input("a", rows(3))
      const broken = { ...good, blocks: Stream.concat(good.blocks, Stream.fail("broken" as const)) }
      assert.strictEqual(yield* Effect.flip(Pipeline.push([broken], { dncListId })), "broken")
      const changed = { ...good, unchanged: Effect.fail("changed" as const) }
      assert.strictEqual(yield* Effect.flip(Pipeline.push([changed], { dncListId })), "changed")
      assert.strictEqual(batches.length, 0)
      assert.strictEqual(records.length, 0)
    }).pipe(provide)
  })

  it.effect(
    "refused rows of many blocks are all written, in order and input by input, also where an input fails",
    () => {
      const { batches, provide } = world()
      return Effect.gen(function* () {
        const mixed = (count: number) =>
          numbers(count).flatMap((number, index) => [row(number), row(`no number ${"x".repeat(index % 7)}`)])
        const lines = (input: number, count: number) => Array.from({ length: count }, (_, i) => [input, 2 * i + 2])
        const out = outputs()
        let writes = 0
        const counted: Pipeline.Outputs = {
          ...out.outputs,
          rejected: (input, rejects) => {
            writes++
            return out.outputs.rejected(input, rejects)
          }
        }
        const [one, two] = [input("one", mixed(1000)), input("two", mixed(3))]
        const report = yield* Pipeline.push([one, two], { dncListId, outputs: counted })
        assert.strictEqual(report.totals.rejected, 1003)
        assert.deepStrictEqual(
          out.rejected.map(([input, line]) => [input, line]),
          [...lines(0, 1000), ...lines(1, 3)]
        )
        assert.isAtMost(writes, 10)

        const failing = outputs()
        const broken = { ...one, blocks: Stream.concat(one.blocks, Stream.fail("broken" as const)) }
        const sent = batches.length
        assert.strictEqual(
          yield* Effect.flip(Pipeline.push([broken], { dncListId, outputs: failing.outputs })),
          "broken"
        )
        assert.strictEqual(failing.rejected.length, 1000)
        const full: Pipeline.Outputs<string> = { ...out.outputs, rejected: () => Effect.fail("disk full") }
        assert.strictEqual(yield* Effect.flip(Pipeline.push([two], { dncListId, outputs: full })), "disk full")
        assert.strictEqual(batches.length, sent)
      }).pipe(provide)
    }
  )

  it.effect("a failure that would meet every batch ends the run, says what to do, and accounts for the rest", () => {
    const { batches, finished, provide } = world((batch) =>
      batch.index < 2 ? Effect.succeed(Mocks.receipt(batch)) : Effect.fail(refusal(403))
    )
    return Effect.gen(function* () {
      const out = outputs()
      const report = yield* Pipeline.push([fullBatches(6)], { dncListId, concurrency: 1, outputs: out.outputs })
      balanced(report)
      assert.strictEqual(report.outcome, "aborted")
      assert.strictEqual(report.error?.tag, "Forbidden")
      assert.include(report.error?.hint, "outbound:dnc:add")
      assert.strictEqual(report.totals.created, 2 * 499)
      assert.strictEqual(report.totals.failed, 499)
      assert.strictEqual(report.totals.skipped, 3 * 499)
      assert.strictEqual(report.complianceStatus, "INCOMPLETE")
      assert.strictEqual(batches.length, 3)
      assert.deepStrictEqual(out.failed[0].phoneNumbers, batches[2].phoneNumbers)
      const last = finished()[0]
      assert.strictEqual(last.operation === "RUN_FINISHED" && last.result.outcome, "aborted")
    }).pipe(provide)
  })

  it.effect("a batch that fails otherwise is written at its strictest values, and the run goes on", () => {
    const { batches, provide } = world((batch) =>
      batch.index === 1 ? Effect.fail(refusal(503)) : Effect.succeed(Mocks.receipt(batch))
    )
    return Effect.gen(function* () {
      const out = outputs()
      const report = yield* Pipeline.push(
        [
          input("a", [
            row("+14155550100", "UNSPECIFIED"),
            row("+14155550101", "UNSPECIFIED", "2090-01-01T00:00:00Z"),
            row("+14155550101", "CUSTOMER_REQUEST", "2099-01-01T00:00:00Z"),
            row("+14155550102", "REGULATORY")
          ])
        ],
        { dncListId, outputs: out.outputs }
      )
      balanced(report)
      assert.strictEqual(report.outcome, "completed")
      assert.isUndefined(report.error)
      assert.strictEqual(batches.length, 3)
      assert.strictEqual(report.totals.created, 2)
      assert.strictEqual(report.totals.failed, 1)
      assert.strictEqual(report.complianceStatus, "INCOMPLETE")
      assert.deepStrictEqual(out.failed, [
        {
          reason: "CUSTOMER_REQUEST",
          expires: Date.UTC(2099, 0, 1),
          count: 1,
          phoneNumbers: ["+14155550101"],
          error: "ServerError"
        }
      ])
    }).pipe(provide)
  })

  it.effect("what the server refuses goes back to the right input and line", () => {
    const { provide, records } = world((batch) =>
      Effect.succeed(
        Mocks.receipt(batch, {
          created: batch.phoneNumbers.length - 2,
          rejected: [
            { phoneNumber: "+14155550101", message: "first" },
            { phoneNumber: "+14155550104", message: "second" }
          ]
        })
      )
    )
    return Effect.gen(function* () {
      const out = outputs()
      const report = yield* Pipeline.push(
        [
          input("a.csv", [row("+14155550100"), row("+14155550101"), row("bad")]),
          input("none.csv", []),
          input("b.csv", [row("+14155550102"), row("+14155550103"), row("+14155550104")])
        ],
        { dncListId, outputs: out.outputs }
      )
      balanced(report)
      assert.deepStrictEqual(out.rejected.slice(1), [
        [0, 2, "RefusedByServer", "+14155550101"],
        [2, 3, "RefusedByServer", "+14155550104"]
      ])
      assert.strictEqual(report.rejectsByCode.RefusedByServer, 2)
      assert.strictEqual(report.totals.rejected, 3)
      assert.strictEqual(records.length, 2)
    }).pipe(provide)
  })

  it.effect("evidence that cannot be written at the start: nothing is sent", () => {
    const { batches, provide } = world()
    return Effect.gen(function* () {
      const error = yield* Effect.flip(
        Pipeline.push([fullBatches(2)], { dncListId }).pipe(Effect.provide(auditFails(0)))
      )
      assert.strictEqual(error._tag, "AuditError")
      assert.strictEqual(batches.length, 0)
    }).pipe(provide)
  })

  it.effect("evidence that cannot be written any more ends the run", () => {
    const { batches, provide } = world((batch) =>
      batch.index === 1
        ? Effect.fail(new AuditSink.AuditError({ message: "No space left", hint: "Free some." }))
        : Effect.succeed(Mocks.receipt(batch))
    )
    return Effect.gen(function* () {
      const report = yield* Pipeline.push([fullBatches(5)], { dncListId, concurrency: 1 })
      balanced(report)
      assert.strictEqual(report.outcome, "aborted")
      assert.strictEqual(report.error?.tag, "AuditError")
      assert.strictEqual(batches.length, 2)
      assert.strictEqual(report.totals.skipped, 3 * 499)
    }).pipe(provide)
  })

  it.effect("a last record that cannot be written is no completed run", () => {
    const { provide } = world()
    return Effect.gen(function* () {
      const report = yield* Pipeline.push([fullBatches(1)], { dncListId }).pipe(Effect.provide(auditFails(1)))
      balanced(report)
      assert.strictEqual(report.outcome, "aborted")
      assert.strictEqual(report.error?.tag, "AuditError")
    }).pipe(provide)
  })

  it.effect("never more batches in the air than allowed, 5 by default", () => {
    const open = { now: 0, most: 0 }
    const { provide } = world((batch) =>
      Effect.suspend(() => {
        open.most = Math.max(open.most, ++open.now)
        return Effect.delay(Effect.succeed(Mocks.receipt(batch)), `${1 + (batch.index % 3)} seconds`)
      }).pipe(Effect.ensuring(Effect.sync(() => open.now--)))
    )
    return Effect.gen(function* () {
      for (const concurrency of [undefined, 1, 3, 8]) {
        open.most = 0
        const report = yield* throughPauses(
          Pipeline.push([fullBatches(17)], { dncListId, ...(concurrency === undefined ? {} : { concurrency }) })
        )
        assert.strictEqual(report.totals.created, 17 * 499)
        assert.strictEqual(open.most, concurrency ?? 5)
      }
    }).pipe(provide)
  })

  it.effect("stop: what is on its way ends, nothing more is begun, the rest is skipped", () => {
    const { batches, finished, provide } = world((batch) =>
      Effect.delay(Effect.succeed(Mocks.receipt(batch)), "10 seconds")
    )
    return Effect.gen(function* () {
      const stop = yield* Deferred.make<void>()
      const running = yield* Effect.fork(
        Pipeline.push([fullBatches(6)], { dncListId, concurrency: 2, stop: Deferred.await(stop) })
      )
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(batches.length, 4)
      yield* Deferred.succeed(stop, undefined)
      yield* TestClock.adjust("5 seconds")
      const report = yield* running
      balanced(report)
      assert.strictEqual(report.outcome, "stopped")
      assert.strictEqual(batches.length, 4)
      assert.strictEqual(report.totals.created, 4 * 499)
      assert.strictEqual(report.totals.skipped, 2 * 499)
      assert.strictEqual(report.complianceStatus, "INCOMPLETE")
      const last = finished()[0]
      assert.strictEqual(last.operation === "RUN_FINISHED" && last.result.outcome, "stopped")
    }).pipe(provide)
  })

  it.effect("stop: pauses end at once, what they were for has failed", () => {
    const { provide } = world(() => Effect.interruptible(Effect.never))
    return Effect.gen(function* () {
      const out = outputs()
      const stop = yield* Deferred.make<void>()
      const running = yield* Effect.fork(
        Pipeline.push([fullBatches(4)], { dncListId, concurrency: 3, stop: Deferred.await(stop), outputs: out.outputs })
      )
      yield* TestClock.adjust("1 seconds")
      yield* Deferred.succeed(stop, undefined)
      const report = yield* running
      balanced(report)
      assert.strictEqual(report.outcome, "stopped")
      assert.strictEqual(report.totals.failed, 3 * 499)
      assert.strictEqual(report.totals.skipped, 499)
      assert.deepStrictEqual(
        out.failed.map(({ error }) => error),
        ["Interrupted", "Interrupted", "Interrupted"]
      )
    }).pipe(provide)
  })

  it.effect("a run that was stopped while it was read begins no batch", () => {
    const { batches, provide } = world()
    return Effect.gen(function* () {
      const report = yield* Pipeline.push([fullBatches(4)], { dncListId, stop: Effect.void })
      balanced(report)
      assert.strictEqual(report.outcome, "stopped")
      assert.strictEqual(batches.length, 0)
      assert.strictEqual(report.totals.skipped, 4 * 499)
    }).pipe(provide)
  })

  it.effect("interruption: what is on its way ends, and the run's last record is written", () => {
    const { batches, finished, provide } = world((batch) =>
      Effect.delay(Effect.succeed(Mocks.receipt(batch)), "10 seconds")
    )
    return Effect.gen(function* () {
      const out = outputs()
      const running = yield* Effect.fork(
        Pipeline.push([fullBatches(6)], { dncListId, concurrency: 2, outputs: out.outputs })
      )
      yield* TestClock.adjust("5 seconds")
      const interruption = yield* Effect.fork(Fiber.interrupt(running))
      yield* TestClock.adjust("5 seconds")
      const exit = yield* Effect.flatten(Fiber.await(interruption))
      assert.isTrue(Exit.isInterrupted(exit))
      assert.strictEqual(batches.length, 2)
      const last = finished()[0]
      assert.isTrue(last.operation === "RUN_FINISHED")
      if (last.operation !== "RUN_FINISHED") return
      assert.strictEqual(last.result.outcome, "stopped")
      assert.strictEqual(last.result.totals["created"], 2 * 499)
      assert.strictEqual(last.result.totals["skipped"], 4 * 499)
      assert.strictEqual(out.finished(), 1)
    }).pipe(provide)
  })

  it.effect(
    "a defect of the submitter: the last record is written, everything accounted for, and the defect surfaces",
    () => {
      const { finished, provide } = world((batch) =>
        batch.index === 1 ? Effect.die(new Error("a defect")) : Effect.succeed(Mocks.receipt(batch))
      )
      return Effect.gen(function* () {
        const out = outputs()
        const cause = yield* Effect.flip(
          Effect.sandbox(Pipeline.push([fullBatches(4)], { dncListId, concurrency: 1, outputs: out.outputs }))
        )
        assert.isTrue(Cause.isDie(cause))
        assert.include(Cause.pretty(cause), "a defect")
        const last = finished()[0]
        assert.isTrue(last.operation === "RUN_FINISHED")
        if (last.operation !== "RUN_FINISHED") return
        assert.strictEqual(last.result.outcome, "aborted")
        assert.strictEqual(last.result.totals["failed"], 499)
        assert.strictEqual(last.result.totals["skipped"], 2 * 499)
        assert.strictEqual(out.failed.length, 1)
      }).pipe(provide)
    }
  )

  it.effect("an onProgress that throws is a defect that surfaces, no batch that is forgotten", () => {
    const { finished, provide } = world()
    return Effect.gen(function* () {
      const cause = yield* Effect.flip(
        Effect.sandbox(
          Pipeline.push([fullBatches(4)], {
            dncListId,
            concurrency: 1,
            onProgress: ({ phase, settled }) => {
              if (phase === "sending" && settled > 0) throw new Error("a progress bar that broke")
            }
          })
        )
      )
      assert.include(Cause.pretty(cause), "a progress bar that broke")
      const last = finished()[0]
      assert.strictEqual(last.operation === "RUN_FINISHED" && last.result.totals["created"], 499)
      assert.strictEqual(last.operation === "RUN_FINISHED" && last.result.totals["skipped"], 3 * 499)
    }).pipe(provide)
  })

  for (const kind of ["fails", "dies"] as const) {
    it.effect(`an output that ${kind} ends the run, and the totals add up all the same`, () => {
      const { finished, provide } = world((batch) =>
        Effect.succeed(
          Mocks.receipt(batch, {
            created: batch.phoneNumbers.length - 5,
            rejected: batch.phoneNumbers.slice(0, 3).map((phoneNumber) => ({ phoneNumber, message: "no" })),
            failed: [
              { count: 1, phoneNumbers: batch.phoneNumbers.slice(3), error: "UnexpectedResponse", message: "short" },
              { count: 1, phoneNumbers: batch.phoneNumbers.slice(3), error: "UnexpectedResponse", message: "short" }
            ]
          })
        )
      )
      return Effect.gen(function* () {
        const out = outputs()
        const broken = {
          ...out.outputs,
          failed: () => (kind === "fails" ? Effect.fail(new Error("disk full")) : Effect.die(new Error("disk full")))
        }
        const exit = yield* Effect.exit(Pipeline.push([fullBatches(3)], { dncListId, concurrency: 1, outputs: broken }))
        if (kind === "dies") assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
        else {
          const report = yield* exit
          balanced(report)
          assert.strictEqual(report.outcome, "aborted")
          assert.include(report.error?.message, "disk full")
        }
        // the other file is whole
        assert.strictEqual(out.rejected.length, 3)
        const last = finished()[0]
        if (last.operation !== "RUN_FINISHED") return assert.fail("no last record")
        const { created, failed, read, rejected, skipped } = last.result.totals
        assert.deepStrictEqual([created, failed, rejected, skipped], [494, 2, 3, 2 * 499])
        assert.strictEqual(read, 3 * 499)
      }).pipe(provide)
    })
  }

  it.effect("a validator that is swapped in is honoured", () => {
    const { batches, provide } = world()
    return Effect.gen(function* () {
      const out = outputs()
      const report = yield* Pipeline.push([input("a", [row("anything"), row("no"), row("other")])], {
        dncListId,
        outputs: out.outputs
      }).pipe(
        Effect.provide(
          Mocks.dncValidator(({ phoneNumber }) =>
            phoneNumber === "no"
              ? Either.left({ code: "InvalidPhoneNumber", message: "I say so" })
              : Either.right({
                  phoneNumber: phoneNumber === "other" ? "+14155550101" : "+14155550100",
                  reason: "CUSTOMER_REQUEST",
                  expires: Number.POSITIVE_INFINITY
                })
          )
        )
      )
      balanced(report)
      assert.deepStrictEqual(batches[0].phoneNumbers, ["+14155550100", "+14155550101"])
      assert.deepStrictEqual(out.rejected, [[0, 2, "InvalidPhoneNumber", "no"]])
    }).pipe(provide)
  })

  it.effect("progress ends with every number settled", () => {
    const { provide } = world()
    return Effect.gen(function* () {
      const seen: Array<readonly [string, number, number]> = []
      yield* Pipeline.push([fullBatches(3)], {
        dncListId,
        onProgress: ({ numbers, phase, settled }) => seen.push([phase, numbers, settled])
      })
      assert.deepStrictEqual(seen.at(-1), ["finished", 3 * 499, 3 * 499])
      assert.strictEqual(seen[0][0], "reading")
    }).pipe(provide)
  })

  it.effect("an empty run is recorded, and complete", () => {
    const { provide, records } = world()
    return Effect.gen(function* () {
      const report = yield* Pipeline.push([input("a", [])], { dncListId })
      balanced(report)
      assert.strictEqual(report.outcome, "completed")
      assert.strictEqual(report.complianceStatus, "VALIDATED")
      assert.strictEqual(records.length, 2)
    }).pipe(provide)
  })

  it.effect("validate counts what would be sent as skipped, and posts and records nothing", () => {
    const { batches, provide, records } = world()
    return Effect.gen(function* () {
      const report = yield* Pipeline.validate([input("a", [...rows(600), ...rows(2), row("bad")])])
      balanced(report)
      assert.strictEqual(report.totals.skipped, 600)
      assert.strictEqual(report.totals.duplicateInFile, 2)
      assert.strictEqual(report.totals.rejected, 1)
      assert.strictEqual(report.batches.cut, 2)
      assert.strictEqual(batches.length, 0)
      assert.strictEqual(records.length, 0)
    }).pipe(provide)
  })
})

/** The whole program over the stub. */
const overStub = (records: Array<AuditSink.AuditRecord> = []) => {
  const auth = Auth.layer({ loginUrl: "https://login.example.test", clientId: "id", clientSecret: Redacted.make("x") })
  const client = HttpClient.layer({ apiUrl: "https://api.example.test" }).pipe(Layer.provide(auth))
  const audit = Mocks.auditSink(records)
  return Effect.provide(
    Layer.mergeAll(
      DncSubmitter.layer({ contract: Contract.entries }).pipe(Layer.provide([client, audit])),
      audit,
      DncValidator.layer()
    ).pipe(Layer.provideMerge(Stub.layer))
  )
}

const someRow = FastCheck.record({
  number: FastCheck.nat({ max: 12 }),
  reason: FastCheck.constantFrom("UNSPECIFIED", "CUSTOMER_REQUEST", "REGULATORY", "WHATEVER", ""),
  expires: FastCheck.constantFrom("", "", "2030-01-01T00:00:00.000Z", "2040-06-01T00:00:00.000Z"),
  bad: FastCheck.constantFrom(false, false, false, false, true)
})

type SomeRow = { readonly number: number; readonly reason: string; readonly expires: string; readonly bad: boolean }

const toRow = ({ bad, expires, number, reason }: SomeRow) =>
  row(bad ? `bad ${number}` : numbers(13)[number], reason, expires)

/** What the list has to hold: for each number no expiry over any, later over earlier, then the stricter reason. */
const strictest = (given: ReadonlyArray<SomeRow>) => {
  const order = ["UNSPECIFIED", "CUSTOMER_REQUEST", "REGULATORY"]
  const list = new Map<string, { readonly reason: string; readonly expires: string | null }>()
  for (const { bad, expires, number, reason } of given) {
    if (bad) continue
    const phoneNumber = numbers(13)[number]
    const next = { reason: order.includes(reason) ? reason : "UNSPECIFIED", expires: expires === "" ? null : expires }
    const rank = (value: typeof next) => `${value.expires ?? "9"}${order.indexOf(value.reason)}`
    const before = list.get(phoneNumber)
    if (before === undefined || rank(next) > rank(before)) list.set(phoneNumber, next)
  }
  return list
}

describe("the whole program", () => {
  it.effect.prop(
    "the list holds each number at its strictest, and the totals add up, whatever the network does",
    {
      files: FastCheck.array(FastCheck.array(someRow, { maxLength: 30 }), { minLength: 1, maxLength: 3 }),
      failures: FastCheck.array(
        FastCheck.record({
          status: FastCheck.constantFrom(0, 408, 409, 429, 500, 503),
          afterChange: FastCheck.boolean()
        }),
        { maxLength: 6 }
      )
    },
    ({ failures, files }) => {
      const records: Array<AuditSink.AuditRecord> = []
      return Effect.gen(function* () {
        const stub = yield* Stub.Stub
        for (const { afterChange, status } of failures) {
          yield* stub.failNext(1, status, { path: "/entries", afterChange })
        }
        const report = yield* throughPauses(
          Pipeline.push(
            files.map((file, i) => input(`${i}.csv`, file.map(toRow), 7)),
            { dncListId }
          )
        )
        balanced(report)
        assert.strictEqual(report.outcome, "completed")
        const all = files.flat()
        const expected = strictest(all)
        assert.deepStrictEqual(new Map([...(yield* stub.list)].sort()), new Map([...expected].sort()))
        assert.strictEqual(report.totals.read, all.length)
        assert.strictEqual(report.totals.created, expected.size)
        assert.strictEqual(report.totals.rejected, all.filter(({ bad }) => bad).length)
        const keys = new Set(
          (yield* stub.received)
            .filter(({ path }) => path.endsWith("/entries"))
            .map(({ headers }) => headers["idempotency-key"])
        )
        const intended = records.flatMap((record) =>
          record.operation === "BATCH_INTENDED" ? [record.result.idempotencyKey] : []
        )
        assert.deepStrictEqual(keys, new Set(intended))
      }).pipe(overStub(records))
    },
    { fastCheck: { numRuns: 60 } }
  )

  it.effect.prop(
    "live: the list holds each number at its strictest, however the rows fall into windows",
    {
      given: FastCheck.array(someRow, { maxLength: 40 }),
      windowRows: FastCheck.integer({ min: 1, max: 10 })
    },
    ({ given, windowRows }) =>
      Effect.gen(function* () {
        const stub = yield* Stub.Stub
        const report = yield* throughPauses(
          Pipeline.live(Stream.fromIterable(given.map(toRow)), { dncListId, windowRows })
        )
        balanced(report)
        assert.strictEqual(report.totals.read, given.length)
        assert.deepStrictEqual(new Map([...(yield* stub.list)].sort()), new Map([...strictest(given)].sort()))
      }).pipe(overStub()),
    { fastCheck: { numRuns: 60 } }
  )
})

describe("the whole program, stopped", () => {
  it.effect("in a pause ends at once, and records that the outcome is unknown", () => {
    const records: Array<AuditSink.AuditRecord> = []
    return Effect.gen(function* () {
      const stub = yield* Stub.Stub
      yield* stub.failNext(1, 429, { path: "/entries", headers: { "retry-after": "200" } })
      const out = outputs()
      const stop = yield* Deferred.make<void>()
      const running = yield* Effect.fork(
        Pipeline.push([fullBatches(3)], {
          dncListId,
          concurrency: 2,
          stop: Deferred.await(stop),
          outputs: out.outputs
        })
      )
      yield* TestClock.adjust("2 seconds")
      yield* Deferred.succeed(stop, undefined)
      const report = yield* running
      balanced(report)
      assert.strictEqual(report.outcome, "stopped")
      assert.strictEqual(report.totals.skipped + report.totals.failed + report.totals.created, 3 * 499)
      assert.strictEqual((yield* stub.list).size, report.totals.created)
      assert.strictEqual(report.durationMs.send, 2_000)
      const intended = records.filter(({ operation }) => operation === "BATCH_INTENDED")
      const settled = records.filter(({ operation }) => operation === "BATCH_DONE" || operation === "BATCH_FAILED")
      assert.strictEqual(settled.length, intended.length)
      const unknown = records.find(({ operation }) => operation === "BATCH_FAILED")
      assert.strictEqual(unknown?.operation === "BATCH_FAILED" && unknown.result.outcome, "unknown")
      assert.strictEqual(records.at(-1)?.operation, "RUN_FINISHED")
    }).pipe(overStub(records))
  })
})

describe("Pipeline.live", () => {
  const started = Effect.gen(function* () {
    const queue = yield* Queue.unbounded<DncEntry.Row>()
    const stop = yield* Deferred.make<void>()
    return { queue, stop, stream: Stream.fromQueue(queue) }
  })

  const sent = (batches: ReadonlyArray<DncEntry.Batch>) =>
    batches.map(({ phoneNumbers, reason }) => [reason, ...phoneNumbers])

  it.effect("a window ends when it is full, or when its time is over", () => {
    const { batches, finished, provide } = world()
    return Effect.gen(function* () {
      const { queue, stop, stream } = yield* started
      const running = yield* Effect.fork(
        Pipeline.live(stream, { dncListId, windowRows: 3, window: "10 seconds", stop: Deferred.await(stop) })
      )
      yield* Queue.offerAll(queue, rows(4))
      yield* TestClock.adjust("1 seconds")
      assert.deepStrictEqual(sent(batches), [["UNSPECIFIED", ...numbers(3)]])
      yield* TestClock.adjust("9 seconds")
      assert.deepStrictEqual(sent(batches).slice(1), [["UNSPECIFIED", numbers(4)[3]]])
      yield* Deferred.succeed(stop, undefined)
      yield* TestClock.adjust("10 seconds")
      const report = yield* running
      balanced(report)
      assert.strictEqual(report.outcome, "stopped")
      assert.strictEqual(report.totals.created, 4)
      const last = finished()[0]
      assert.strictEqual(last.operation === "RUN_FINISHED" && last.result.outcome, "stopped")
    }).pipe(provide)
  })

  it.effect("a stricter value waits for the looser one's batch; a looser one is never sent after it", () => {
    const journal: Array<string> = []
    const { provide } = world((batch) =>
      Effect.gen(function* () {
        journal.push(`begin ${batch.reason}`)
        yield* Effect.sleep("30 seconds")
        journal.push(`end ${batch.reason}`)
        return Mocks.receipt(batch)
      })
    )
    return Effect.gen(function* () {
      const { queue, stream } = yield* started
      const running = yield* Effect.fork(Pipeline.live(Stream.take(stream, 4), { dncListId, windowRows: 1 }))
      const [number] = numbers(1)
      yield* Queue.offerAll(queue, [
        row(number, "UNSPECIFIED"),
        row(number, "REGULATORY"),
        row(number, "CUSTOMER_REQUEST"),
        row(number, "REGULATORY")
      ])
      yield* TestClock.adjust("5 minutes")
      const report = yield* running
      balanced(report)
      assert.deepStrictEqual(journal, ["begin UNSPECIFIED", "end UNSPECIFIED", "begin REGULATORY", "end REGULATORY"])
      assert.strictEqual(report.totals.duplicateInFile, 2)
    }).pipe(provide)
  })

  it.effect("a number whose batch failed is sent again with the next row that names it, at its strictest", () => {
    const { batches, provide } = world((batch) =>
      batch.index === 0 ? Effect.fail(refusal(503)) : Effect.succeed(Mocks.receipt(batch))
    )
    return Effect.gen(function* () {
      const [number] = numbers(1)
      const report = yield* Pipeline.live(
        Stream.make(row(number, "REGULATORY"), row(number, "UNSPECIFIED"), row(number, "UNSPECIFIED")),
        { dncListId, windowRows: 1 }
      )
      balanced(report)
      assert.deepStrictEqual(sent(batches), [
        ["REGULATORY", number],
        ["REGULATORY", number]
      ])
      assert.strictEqual(report.totals.failed, 1)
      assert.strictEqual(report.totals.created, 1)
      assert.strictEqual(report.totals.duplicateInFile, 1)
    }).pipe(provide)
  })

  it.effect("a refused row has its place in the stream", () => {
    const { provide } = world((batch) =>
      Effect.succeed(
        Mocks.receipt(batch, {
          created: 0,
          rejected: batch.phoneNumbers.map((phoneNumber) => ({ phoneNumber, message: "no" }))
        })
      )
    )
    return Effect.gen(function* () {
      const out = outputs()
      const report = yield* Pipeline.live(Stream.make(row("bad"), ...rows(2)), {
        dncListId,
        windowRows: 2,
        outputs: out.outputs
      })
      balanced(report)
      assert.deepStrictEqual(
        out.rejected.map(([, line, code]) => [line, code]),
        [
          [1, "InvalidPhoneNumber"],
          [2, "RefusedByServer"],
          [3, "RefusedByServer"]
        ]
      )
    }).pipe(provide)
  })

  it.effect("a stream that fails: what came is sent, the last record says so, and the failure is the effect's", () => {
    const { batches, finished, provide } = world()
    return Effect.gen(function* () {
      const error = yield* Effect.flip(
        Pipeline.live(Stream.concat(Stream.fromIterable(rows(4)), Stream.fail(new Error("the source broke"))), {
          dncListId,
          windowRows: 2
        })
      )
      assert.strictEqual((error as Error).message, "the source broke")
      assert.isAtLeast(batches.flatMap(({ phoneNumbers }) => phoneNumbers).length, 2)
      const last = finished()[0]
      if (last.operation !== "RUN_FINISHED") return assert.fail("no last record")
      assert.strictEqual(last.result.outcome, "aborted")
      assert.include(last.result.error, "the source broke")
      const { created, read } = last.result.totals
      assert.strictEqual(created, read)
    }).pipe(provide)
  })

  it.effect("a failure that would meet every batch ends it", () => {
    const { batches, provide } = world(() => Effect.fail(refusal(403)))
    return Effect.gen(function* () {
      const report = yield* Pipeline.live(Stream.fromIterable(rows(50)), { dncListId, windowRows: 5 })
      balanced(report)
      assert.strictEqual(report.outcome, "aborted")
      assert.strictEqual(report.error?.tag, "Forbidden")
      assert.strictEqual(batches.length, 1)
    }).pipe(provide)
  })

  it.effect("stop while a window is sent: what is on its way ends, the rest is skipped", () => {
    const { batches, provide } = world((batch) => Effect.delay(Effect.succeed(Mocks.receipt(batch)), "10 seconds"))
    return Effect.gen(function* () {
      const { queue, stop, stream } = yield* started
      const running = yield* Effect.fork(
        Pipeline.live(stream, { dncListId, windowRows: 1_200, concurrency: 1, stop: Deferred.await(stop) })
      )
      yield* Queue.offerAll(queue, rows(1_200))
      yield* TestClock.adjust("5 seconds")
      yield* Deferred.succeed(stop, undefined)
      yield* TestClock.adjust("10 seconds")
      const report = yield* running
      balanced(report)
      assert.strictEqual(report.outcome, "stopped")
      assert.strictEqual(batches.length, 1)
      assert.strictEqual(report.totals.created, 499)
      assert.strictEqual(report.totals.skipped, 701)
    }).pipe(provide)
  })

  it.effect("interruption while it waits for rows: the last record is written", () => {
    const { finished, provide } = world()
    return Effect.gen(function* () {
      const { queue, stream } = yield* started
      const running = yield* Effect.fork(Pipeline.live(stream, { dncListId, windowRows: 2 }))
      yield* Queue.offerAll(queue, rows(2))
      yield* TestClock.adjust("1 seconds")
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(running)))
      const last = finished()[0]
      if (last.operation !== "RUN_FINISHED") return assert.fail("no last record")
      assert.strictEqual(last.result.outcome, "stopped")
      assert.strictEqual(last.result.totals["created"], 2)
    }).pipe(provide)
  })

  it.effect("an output that fails ends it, and what was read is accounted for", () => {
    const { finished, provide } = world()
    return Effect.gen(function* () {
      const out = outputs()
      const broken = { ...out.outputs, rejected: () => Effect.fail(new Error("disk full")) }
      const error = yield* Effect.flip(
        Pipeline.live(Stream.make(...rows(3), row("bad")), { dncListId, windowRows: 4, outputs: broken })
      )
      assert.strictEqual((error as Error).message, "disk full")
      const last = finished()[0]
      if (last.operation !== "RUN_FINISHED") return assert.fail("no last record")
      assert.strictEqual(last.result.outcome, "aborted")
      const { read, ...others } = last.result.totals
      assert.strictEqual(
        Object.values(others).reduce((sum, count) => sum + count, 0),
        read
      )
    }).pipe(provide)
  })

  it.effect("chunks of the source are no windows", () => {
    const { batches, provide } = world()
    return Effect.gen(function* () {
      const report = yield* Pipeline.live(
        Stream.fromChunks(Chunk.fromIterable(rows(7)), Chunk.fromIterable(rows(5, 7))),
        {
          dncListId,
          windowRows: 10
        }
      )
      assert.strictEqual(report.totals.created, 12)
      assert.deepStrictEqual(
        batches.map(({ phoneNumbers }) => phoneNumbers.length),
        [10, 2]
      )
    }).pipe(provide)
  })
})

import { createHmac } from "node:crypto"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { AuditChain, AuditLog, AuditSink } from "genesys-dnc"
import { folder } from "./support/files.js"

const intended = (batch: number, phoneNumbers: ReadonlyArray<string> = ["+14155550100"]): AuditSink.AuditEvent => ({
  operation: "BATCH_INTENDED",
  runId: "run",
  dncListId: "list",
  complianceStatus: "VALIDATED",
  phoneNumbers,
  result: {
    batch,
    idempotencyKey: "0e4b3b3e-4155-8550-8100-141555501001",
    generation: 0,
    size: phoneNumbers.length,
    action: "add",
    reason: "REGULATORY",
    expires: "2027-01-31T00:00:00.000Z",
    contentDigest: "1415555010014155550100"
  }
})

/** Whatever can carry somebody else's words. */
const wordy: ReadonlyArray<AuditSink.AuditEvent> = [
  intended(0),
  {
    operation: "BATCH_DONE",
    runId: "run",
    dncListId: "list",
    complianceStatus: "VALIDATED_WITH_REJECTS",
    phoneNumbers: ["+14155550100"],
    validationErrors: [
      { code: "RefusedByServer", raw: "+14155550100", message: "+1 (415) 555-0100 is refused, 4155550100 too" }
    ],
    result: {
      batch: 0,
      idempotencyKey: "key",
      created: 0,
      duplicate: 0,
      updated: 0,
      accepted: 0,
      rejected: 1,
      shortfall: 0,
      settles: true,
      attempts: 1,
      correlationId: null
    }
  },
  {
    operation: "BATCH_FAILED",
    runId: "run",
    dncListId: "list",
    complianceStatus: "INCOMPLETE",
    result: {
      batch: 0,
      idempotencyKey: "key",
      outcome: "failed",
      error: "BadRequest",
      message: "The server says +14155550100",
      attempts: 1,
      correlationId: null
    }
  },
  {
    operation: "RUN_FINISHED",
    runId: "run",
    dncListId: "list",
    complianceStatus: "INCOMPLETE",
    result: {
      outcome: "aborted",
      error: "It broke at 4155550100",
      totals: { read: 1 },
      listSize: null,
      verified: null,
      rejectsByCode: {},
      files: []
    }
  }
]

const append = (event: AuditSink.AuditEvent) => Effect.flatMap(AuditSink.AuditSink, (sink) => sink.append(event))

const logFile = Effect.map(folder, (path) => join(path, "audit.jsonl"))

const read = (path: string) => fs.readFileSync(path, "utf8")

const lines = (path: string): ReadonlyArray<AuditSink.AuditRecord> => {
  const text = read(path)
  assert.isTrue(text.endsWith("\n"))
  return text
    .slice(0, -1)
    .split("\n")
    .map((line) => JSON.parse(line))
}

const mode = (path: string) => (fs.statSync(path).mode & 0o777).toString(8)

const digits = /(?:\d[\s().-]*){10}/

describe("AuditSink", () => {
  describe("layerFile", () => {
    it.scopedLive("writes one JSON object a line, with an id and the time, for its owner alone", () =>
      Effect.gen(function* () {
        const path = yield* logFile
        yield* Effect.provide(Effect.zipRight(append(intended(1)), append(intended(2))), AuditSink.layerFile(path))
        const [first, second, ...rest] = lines(path)
        assert.strictEqual(rest.length, 0)
        assert.match(first.auditId, /^[0-9a-f-]{36}$/)
        assert.notStrictEqual(first.auditId, second.auditId)
        assert.isAtMost(Math.abs(Date.parse(first.timestamp) - Date.now()), 60_000)
        assert.strictEqual(first.operation, "BATCH_INTENDED")
        assert.strictEqual(first.runId, "run")
        assert.strictEqual(first.operation === "BATCH_INTENDED" && first.result.batch, 1)
        assert.strictEqual(mode(path), "600")
      })
    )

    it.scopedLive("makes an existing log its owner's alone, and appends to it", () =>
      Effect.gen(function* () {
        const path = yield* logFile
        fs.writeFileSync(path, '{"operation":"EARLIER"}\n', { mode: 0o644 })
        fs.chmodSync(path, 0o644)
        yield* Effect.provide(append(intended(1)), AuditSink.layerFile(path))
        assert.strictEqual(mode(path), "600")
        assert.deepStrictEqual(
          lines(path).map(({ operation }) => operation as string),
          ["EARLIER", "BATCH_INTENDED"]
        )
      })
    )

    it.scopedLive("a record is in the file when append returns", () =>
      Effect.gen(function* () {
        const path = yield* logFile
        yield* Effect.gen(function* () {
          for (let i = 0; i < 5; i++) {
            yield* append(intended(i))
            assert.strictEqual(lines(path).length, i + 1)
          }
        }).pipe(Effect.provide(AuditSink.layerFile(path)))
      })
    )

    it.scopedLive("many at once: each line whole, once, and in the order in which they came", () =>
      Effect.gen(function* () {
        const path = yield* logFile
        const completed: Array<number> = []
        yield* Effect.forEach(
          Array.from({ length: 2_000 }, (_, i) => i),
          (i) =>
            Effect.tap(append(intended(i)), () =>
              Effect.sync(() => {
                completed.push(i)
              })
            ),
          { concurrency: "unbounded" }
        ).pipe(Effect.provide(AuditSink.layerFile(path)))
        const written = lines(path).map((record) => record.operation === "BATCH_INTENDED" && record.result.batch)
        assert.deepStrictEqual(written, completed)
        assert.strictEqual(new Set(written).size, 2_000)
      })
    )

    it.scopedLive("what is interrupted while it is written is written", () =>
      Effect.gen(function* () {
        const path = yield* logFile
        yield* Effect.gen(function* () {
          const fibers = yield* Effect.forEach(Array.from({ length: 50 }), (_, i) => Effect.fork(append(intended(i))))
          yield* Effect.yieldNow()
          for (const fiber of fibers) fiber.unsafeInterruptAsFork(fiber.id())
          for (const fiber of fibers) yield* fiber.await
          yield* append(intended(50))
        }).pipe(Effect.provide(AuditSink.layerFile(path)))
        assert.strictEqual(lines(path).length, 51)
      })
    )

    it.scopedLive("a line that a crash cut short does not swallow the next record", () =>
      Effect.gen(function* () {
        const path = yield* logFile
        fs.writeFileSync(path, `${JSON.stringify({ operation: "WHOLE" })}\n{"operation":"CUT SH`)
        yield* Effect.provide(append(intended(1)), AuditSink.layerFile(path))
        const [whole, cut, record, end] = read(path).split("\n")
        assert.strictEqual(whole, '{"operation":"WHOLE"}')
        assert.strictEqual(cut, '{"operation":"CUT SH')
        assert.strictEqual(JSON.parse(record).operation, "BATCH_INTENDED")
        assert.strictEqual(end, "")
        // and who reads the log passes over it
        const seen: Array<string> = []
        yield* AuditLog.forEach(path, ({ operation }) => seen.push(operation))
        assert.deepStrictEqual(seen, ["WHOLE", "BATCH_INTENDED"])
      })
    )

    it.scopedLive("its records are one chain over all that open it, whatever is in between", () =>
      Effect.gen(function* () {
        const path = yield* logFile
        fs.writeFileSync(path, '{"operation":"EARLIER"}\n')
        const many = Effect.forEach(
          Array.from({ length: 100 }),
          (_, i) => append(intended(i, [`+1${"4155550100".repeat(200)}`])),
          {
            concurrency: "unbounded"
          }
        )
        yield* Effect.provide(many, AuditSink.layerFile(path, { numbers: "whole" }))
        fs.appendFileSync(path, '{"operation":"CUT SH')
        const [last] = (yield* Effect.provide(many, AuditSink.layerFile(path))).slice(-1)
        const verifier = AuditChain.verifier(last.digest)
        for (const line of read(path).split("\n")) verifier.take(line)
        assert.deepStrictEqual(verifier.finish(), {
          records: 201,
          unchained: 1,
          torn: 1,
          head: { sequence: 200, digest: last.digest },
          pruned: undefined,
          expectedPruned: false,
          signatures: { found: 0, checked: false, last: undefined },
          fault: undefined
        })
      })
    )

    it.scopedLive(
      "one writer at a time: another, under whatever name of the file, is told so until the first is gone",
      () =>
        Effect.gen(function* () {
          const path = yield* logFile
          const link = `${path}.link`
          yield* Effect.gen(function* () {
            yield* append(intended(1))
            fs.symlinkSync(path, link)
            const error = yield* Effect.flip(
              Effect.provide(append(intended(2)), Layer.fresh(AuditSink.layerFile(link)))
            )
            assert.strictEqual(error._tag, "AuditError")
            assert.include(error.message, "is being written by another run")
            yield* append(intended(3))
          }).pipe(Effect.provide(AuditSink.layerFile(path)))
          yield* Effect.provide(append(intended(4)), AuditSink.layerFile(link))
          assert.strictEqual(lines(path).length, 3)
        })
    )

    it.scopedLive("what somebody else has written meanwhile stops it, as its place in the chain is then unknown", () =>
      Effect.gen(function* () {
        const path = yield* logFile
        yield* Effect.gen(function* () {
          yield* append(intended(1))
          fs.appendFileSync(path, "{}\n")
          const error = yield* Effect.flip(append(intended(2)))
          assert.include(error.message, "another process has written to it")
        }).pipe(Effect.provide(AuditSink.layerFile(path)))
      })
    )

    it.scopedLive.skipIf(!fs.existsSync("/dev/full"))(
      "a full disk is an AuditError, and so is every later append",
      () =>
        Effect.gen(function* () {
          const first = yield* Effect.flip(append(intended(1)))
          assert.strictEqual(first._tag, "AuditError")
          assert.include(first.message, "/dev/full")
          assert.include(first.message, "ENOSPC")
          assert.include(first.hint, "Nothing is sent without evidence")
          const more = yield* Effect.all(
            Array.from({ length: 10 }, () => Effect.flip(append(intended(2)))),
            { concurrency: "unbounded" }
          )
          for (const error of more) assert.strictEqual(error._tag, "AuditError")
        }).pipe(Effect.provide(AuditSink.layerFile("/dev/full")))
    )

    it.scopedLive("a folder, or a folder that is not there, is an AuditError before anything begins", () =>
      Effect.gen(function* () {
        const path = yield* folder
        for (const place of [path, join(path, "no", "such", "folder", "audit.jsonl")]) {
          const error = yield* Effect.flip(Effect.provide(append(intended(1)), AuditSink.layerFile(place)))
          assert.strictEqual(error._tag, "AuditError")
          assert.include(error.message, place)
        }
      })
    )

    it.scopedLive.skipIf(process.getuid?.() === 0)("a file that may not be written is an AuditError", () =>
      Effect.gen(function* () {
        const path = yield* logFile
        fs.writeFileSync(path, "", { mode: 0o400 })
        const error = yield* Effect.flip(Effect.provide(append(intended(1)), AuditSink.layerFile(path)))
        assert.strictEqual(error._tag, "AuditError")
      })
    )

    it.scopedLive("masks by default: no whole number is anywhere in the file", () =>
      Effect.gen(function* () {
        const path = yield* logFile
        yield* Effect.provide(Effect.forEach(wordy, append), AuditSink.layerFile(path))
        const records = lines(path)
        assert.strictEqual(records.length, wordy.length)
        for (const record of records) {
          const { auditId: _, result, ...rest } = record
          const { contentDigest: _1, idempotencyKey: _2, ...said } = result as Record<string, unknown>
          assert.notMatch(JSON.stringify([rest.validationErrors, said]), digits)
          assert.isUndefined(record.phoneNumbers)
        }
        assert.include(read(path), "+1********00")
        // masking is for words: digests, keys and instants are evidence
        const [first] = records
        assert.deepStrictEqual(first.result, intended(0).result)
      })
    )

    it.scopedLive("hashed: the HMAC-SHA-256 of each number, words masked", () =>
      Effect.gen(function* () {
        const path = yield* logFile
        const layer = AuditSink.layerFile(path, { numbers: "hashed", hashKey: Redacted.make("the key") })
        const given = yield* Effect.provide(Effect.forEach(wordy, append), layer)
        const [first, second] = lines(path)
        const hash = createHmac("sha256", "the key").update("+14155550100").digest("hex")
        // looked at once others were written
        assert.deepStrictEqual(given[0].phoneNumbers, [hash])
        assert.deepStrictEqual(first.phoneNumbers, [hash])
        assert.deepStrictEqual(second.phoneNumbers, [hash])
        assert.notMatch(JSON.stringify(second.validationErrors), digits)
        assert.notInclude(read(path), "the key")
      })
    )

    it.scopedLive("whole: as they are", () =>
      Effect.gen(function* () {
        const path = yield* logFile
        yield* Effect.provide(Effect.forEach(wordy, append), AuditSink.layerFile(path, { numbers: "whole" }))
        const [, second] = lines(path)
        assert.deepStrictEqual(second.phoneNumbers, ["+14155550100"])
        assert.strictEqual(second.validationErrors?.[0].raw, "+14155550100")
      })
    )
  })

  for (const [name, layer] of [
    ["layerFile", AuditSink.layerFile(join(tmpdir(), "genesys-dnc-never-written.jsonl"), { numbers: "hashed" })],
    ["layerConsole", AuditSink.layerConsole({ numbers: "hashed" })],
    ["layerMemory", AuditSink.layerMemory([], { numbers: "hashed", hashKey: Redacted.make("") })]
  ] as const) {
    it.effect(`${name}: hashed without a key is an AuditError before anything begins`, () =>
      Effect.gen(function* () {
        const cause = yield* Effect.flip(Effect.sandbox(Effect.scoped(Layer.build(layer))))
        const error = Cause.squash(cause)
        assert.isFalse(Cause.isDie(cause))
        assert.instanceOf(error, AuditSink.AuditError)
        assert.include((error as AuditSink.AuditError).message, "key")
        assert.isFalse(fs.existsSync(join(tmpdir(), "genesys-dnc-never-written.jsonl")))
      })
    )
  }

  it.effect("layerMemory keeps the records in order, at the time of the clock", () => {
    const records: Array<AuditSink.AuditRecord> = []
    return Effect.gen(function* () {
      yield* append(intended(1))
      yield* TestClock.adjust("1 minutes")
      yield* append(intended(2))
      assert.deepStrictEqual(
        records.map(({ timestamp }) => timestamp),
        ["1970-01-01T00:00:00.000Z", "1970-01-01T00:01:00.000Z"]
      )
      assert.isUndefined(records[0].phoneNumbers)
    }).pipe(Effect.provide(AuditSink.layerMemory(records)))
  })

  it.effect("layerConsole logs each record as JSON, masked", () => {
    const logged: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      logged.push(`${logLevel.label} ${String(message)}`)
    })
    return Effect.gen(function* () {
      yield* Effect.forEach(wordy, append)
      assert.strictEqual(logged.length, wordy.length)
      for (const line of logged) {
        assert.isTrue(line.startsWith("INFO {"))
        assert.isString(JSON.parse(line.slice(5)).operation)
      }
      assert.include(logged[2], "+1********00")
      assert.notInclude(logged.slice(1).join(), "4155550100")
    }).pipe(Effect.provide(Layer.merge(AuditSink.layerConsole(), Logger.replace(Logger.defaultLogger, logger))))
  })
})

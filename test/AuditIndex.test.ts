import { createHmac } from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it, vi } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import { AuditIndex, AuditSink } from "genesys-dnc"
import { answer } from "../src/AuditIndex/answer.js"
import * as Segment from "../src/AuditIndex/segment.js"
import { hmac } from "../src/AuditSink/hmac.js"
import { existingKey, keyFor, withKey } from "../src/AuditSink/key.js"
import { folder, mode, number } from "./support/cli.js"

const key = "a key"

const batch = (
  runId: string,
  index: number,
  phoneNumbers: ReadonlyArray<string>,
  outcome: "done" | "failed" | "open",
  action: "add" | "remove" = "add"
): ReadonlyArray<AuditSink.AuditEvent> => {
  const common = { runId, dncListId: "list", phoneNumbers, complianceStatus: "INCOMPLETE" } as const
  const part = { batch: index, idempotencyKey: `${runId}-${index}` }
  const intended: AuditSink.AuditEvent = {
    ...common,
    operation: "BATCH_INTENDED",
    result: {
      ...part,
      generation: 0,
      size: phoneNumbers.length,
      action,
      reason: null,
      expires: null,
      contentDigest: ""
    }
  }
  const end = { attempts: 1, correlationId: null }
  const counts = { created: 0, duplicate: 0, updated: 0, accepted: 1, rejected: 0, shortfall: 0, settles: true }
  switch (outcome) {
    case "open":
      return [intended]
    case "done":
      return [intended, { ...common, operation: "BATCH_DONE", result: { ...part, ...counts, ...end } }]
    case "failed":
      return [
        intended,
        {
          ...common,
          operation: "BATCH_FAILED",
          result: { ...part, ...end, outcome, error: "ServerError", message: "" }
        }
      ]
  }
}

const append = (path: string, options: AuditSink.Options, events: ReadonlyArray<AuditSink.AuditEvent>) =>
  Effect.forEach(events, (event) => Effect.flatMap(AuditSink.AuditSink, ({ append }) => append(event))).pipe(
    Effect.provide(AuditSink.layerFile(path, options))
  )

const hashed: AuditSink.Options = { numbers: "hashed", hashKey: Redacted.make(key) }

const logFile = Effect.map(folder, (path) => Path.join(path, "audit.jsonl"))

const find = (log: string, phoneNumber: string) =>
  Effect.flatMap(AuditIndex.open(log), (index) => answer(index, [...hmac(key).of([phoneNumber]), phoneNumber]))

describe("hmac", () => {
  it.prop(
    "is what node:crypto makes of it, whatever the key and the texts",
    {
      key: FastCheck.string({ unit: "binary", maxLength: 200 }),
      texts: FastCheck.array(
        FastCheck.oneof(
          FastCheck.stringMatching(/^\+\d{7,15}$/),
          FastCheck.string({ unit: "binary-ascii", maxLength: 70 }),
          FastCheck.string({ unit: "binary", maxLength: 600 })
        )
      )
    },
    ({ key, texts }) => {
      assert.deepStrictEqual(
        hmac(key).of(texts),
        texts.map((text) => createHmac("sha256", key).update(text).digest("hex"))
      )
    }
  )

  it("is so at every length around the end of a block", () => {
    const texts = Array.from({ length: 150 }, (_, length) => "1".repeat(length))
    for (const key of ["", "k", "k".repeat(64), "k".repeat(65)]) {
      assert.deepStrictEqual(
        hmac(key).of(texts),
        texts.map((text) => createHmac("sha256", key).update(text).digest("hex"))
      )
    }
  })

  it("is so where there is no WebAssembly", async () => {
    vi.stubGlobal("WebAssembly", undefined)
    vi.resetModules()
    try {
      const Sha256 = await import("../src/AuditSink/sha256.js")
      assert.isUndefined(Sha256.make())
      const { hmac } = await import("../src/AuditSink/hmac.js")
      const texts = ["+14155550100", "+14155550101", "é", "1".repeat(100), ""]
      assert.deepStrictEqual(
        hmac(key).of(texts),
        texts.map((text) => createHmac("sha256", key).update(text).digest("hex"))
      )
    } finally {
      vi.unstubAllGlobals()
      vi.resetModules()
    }
  })
})

describe("Segment", () => {
  it.scopedLive.prop(
    "finds what a plain search finds",
    { values: FastCheck.array(FastCheck.nat(60), { maxLength: 1500, size: "max" }) },
    ({ values }) =>
      Effect.gen(function* () {
        const path = Path.join(yield* folder, "segment")
        const entries = Segment.entries()
        for (const [at, value] of values.entries()) {
          // equal halves and bits of all four parts
          entries.high[at] = Math.imul(value % 8, 0x9e3779b1) >>> 0
          entries.low[at] = Math.imul(value, 0x85ebca6b) >>> 0
          entries.offsets[at] = at
        }
        entries.count = values.length
        Fs.writeFileSync(path, Segment.encode(entries))
        const file = yield* Effect.promise(() => Fs.promises.open(path))
        for (let value = 0; value <= 61; value++) {
          const digest = Buffer.alloc(8)
          digest.writeUInt32BE(Math.imul(value % 8, 0x9e3779b1) >>> 0)
          digest.writeUInt32BE(Math.imul(value, 0x85ebca6b) >>> 0, 4)
          const found = yield* Effect.promise(() => Segment.search(file, 0, values.length, digest))
          assert.deepStrictEqual(
            found,
            values.flatMap((other, at) => (other === value ? [at] : []))
          )
        }
        yield* Effect.promise(() => file.close())
      }),
    { fastCheck: { numRuns: 20 } }
  )
})

describe("AuditIndex", () => {
  it.scopedLive(
    "says what became of a number, by hashes and by whole numbers, and goes on where the log has grown",
    () =>
      Effect.gen(function* () {
        const log = yield* logFile
        yield* append(log, hashed, [
          ...batch("a", 0, [number(1), number(2)], "done"),
          ...batch("a", 1, [number(3)], "failed"),
          ...batch("a", 2, [number(4)], "open")
        ])
        const outcomes = (index: number) =>
          Effect.map(find(log, number(index)), (hits) =>
            hits.map(({ batch, outcome, runId }) => [runId, batch, outcome])
          )
        assert.deepStrictEqual(yield* outcomes(1), [["a", 0, "done"]])
        assert.deepStrictEqual(yield* outcomes(3), [["a", 1, "failed"]])
        assert.deepStrictEqual(yield* outcomes(4), [["a", 2, "unknown"]])
        assert.deepStrictEqual(yield* outcomes(5), [])
        assert.strictEqual(mode(`${log}.index`), 0o600)
        const { size } = Fs.statSync(log)
        yield* append(log, { numbers: "whole" }, batch("b", 0, [number(1)], "done", "remove"))
        const index = yield* AuditIndex.open(log)
        assert.strictEqual(index.read, Fs.statSync(log).size - size)
        assert.strictEqual((yield* AuditIndex.open(log)).read, 0)
        assert.deepInclude(index.coverage, { indexed: 5, whole: 1, masked: 0 })
        const hits = yield* find(log, number(1))
        assert.deepStrictEqual(
          hits.map(({ action, removedAt }) => [action, removedAt]),
          [
            ["add", hits[1].at],
            ["remove", undefined]
          ]
        )
        assert.notInclude(Fs.readFileSync(`${log}.index`, "latin1"), number(1).slice(1))
      })
  )

  it.scopedLive("is made anew where it is not of this log, or is damaged", () =>
    Effect.gen(function* () {
      const log = yield* logFile
      yield* append(log, hashed, batch("a", 0, [number(1), number(2)], "done"))
      yield* AuditIndex.open(log)
      const whole = Fs.readFileSync(`${log}.index`)
      for (const damaged of [whole.subarray(0, -1), Buffer.alloc(0), Buffer.from("no index"), whole.subarray(20)]) {
        Fs.writeFileSync(`${log}.index`, damaged)
        assert.lengthOf(yield* find(log, number(1)), 1)
        assert.deepStrictEqual(Fs.readFileSync(`${log}.index`), whole)
      }
      Fs.rmSync(log)
      yield* append(log, hashed, batch("b", 0, [number(3), number(4)], "done"))
      assert.lengthOf(yield* find(log, number(1)), 0)
      assert.lengthOf(yield* find(log, number(3)), 1)
    })
  )

  it.scopedLive("counts what the log does not hold, and tells keys apart", () =>
    Effect.gen(function* () {
      const log = yield* logFile
      yield* append(log, {}, batch("a", 0, [number(1), number(2)], "done"))
      yield* append(log, hashed, batch("b", 0, [number(1)], "done"))
      yield* append(log, { numbers: "hashed", hashKey: Redacted.make("other") }, batch("c", 0, [number(1)], "done"))
      const { coverage } = yield* AuditIndex.open(log)
      assert.strictEqual(coverage.masked, 2)
      assert.deepStrictEqual(Object.values(coverage.hashed), [1, 1])
      assert.lengthOf(yield* find(log, number(1)), 1)
    })
  )
})

describe("the key of hashed numbers", () => {
  const without = Effect.withConfigProvider(ConfigProvider.fromMap(new Map()))

  it.scopedLive("is made once, by however many at a time, for the owner alone", () =>
    Effect.gen(function* () {
      const log = yield* logFile
      assert.isUndefined(yield* existingKey(log))
      const keys = yield* Effect.all(
        Array.from({ length: 8 }, () => keyFor(log)),
        { concurrency: 8 }
      )
      assert.strictEqual(new Set(keys.map(Redacted.value)).size, 1)
      assert.match(Redacted.value(keys[0]), /^[0-9a-f]{64}$/)
      assert.strictEqual(mode(`${log}.key`), 0o600)
      assert.deepStrictEqual(Fs.readdirSync(Path.dirname(log)), ["audit.jsonl.key"])
      const env = ConfigProvider.fromMap(new Map([["GENESYS_DNC_AUDIT_KEY", "given"]]))
      assert.strictEqual(Redacted.value(yield* Effect.withConfigProvider(keyFor(log), env)), "given")
      Fs.writeFileSync(`${log}.key`, "cut off")
      assert.strictEqual((yield* Effect.flip(keyFor(log)))._tag, "AuditError")
    }).pipe(without)
  )

  it.scopedLive("is made where nothing is said of numbers; where it cannot be, they are masked", () =>
    Effect.gen(function* () {
      const log = yield* logFile
      const { hashKey, numbers } = yield* withKey(log)
      assert.strictEqual(numbers, "hashed")
      assert.strictEqual(Redacted.value(hashKey!), Redacted.value((yield* existingKey(log))!))
      assert.deepStrictEqual(yield* withKey(log, { numbers: "masked" }), { numbers: "masked" })
      assert.deepStrictEqual(yield* withKey(log, { hashKey: Redacted.make("k") }), {
        numbers: "hashed",
        hashKey: Redacted.make("k")
      })
      // no file beside it can have so long a name
      const long = Path.join(Path.dirname(log), "x".repeat(240))
      assert.deepStrictEqual(yield* withKey(long), { numbers: "masked" })
      assert.strictEqual((yield* Effect.flip(withKey(long, { numbers: "hashed" })))._tag, "AuditError")
      // nothing is looked up in a device or a folder, and nothing is left beside it
      const folder = Path.join(Path.dirname(log), "folder")
      Fs.mkdirSync(folder)
      assert.deepStrictEqual(yield* withKey(folder), { numbers: "masked" })
      assert.isFalse(Fs.existsSync(`${folder}.key`))
      assert.deepStrictEqual(yield* withKey(Path.join(folder, "no", "log")), { numbers: "masked" })
      // a key that is damaged is no lack of one
      Fs.writeFileSync(`${log}.key`, "cut off")
      assert.strictEqual((yield* Effect.flip(withKey(log)))._tag, "AuditError")
    }).pipe(without)
  )
})

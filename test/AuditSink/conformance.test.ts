import { createHmac } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { AuditChain, AuditSink } from "genesys-dnc"
import { append, batchOf, intended, type Place, providers, records, refused } from "./support.js"

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

const many = (count: number, phoneNumbers?: ReadonlyArray<string>) =>
  Effect.forEach(upTo(count), (i) => append(intended(i, phoneNumbers)), { concurrency: "unbounded" })

/** The first that differs is all that a failure of thousands should show. */
const same = (actual: ReadonlyArray<unknown>, expected: ReadonlyArray<unknown>) => {
  const at = expected.findIndex((one, i) => JSON.stringify(one) !== JSON.stringify(actual[i]))
  if (at !== -1) assert.deepStrictEqual(actual[at], expected[at], `record ${at}`)
  assert.strictEqual(actual.length, expected.length)
}

/** What the log says, read by a sink that opens it anew: one whole chain, in lines that are those of its records. */
const inspect = (place: Place) =>
  Effect.gen(function* () {
    const found = yield* Effect.provide(records, place.layer())
    const lines = place.lines === undefined ? found.map((record) => JSON.stringify(record)) : yield* place.lines
    same(
      lines.map((line) => JSON.parse(line)),
      found.map((record) => JSON.parse(JSON.stringify(record)))
    )
    const { finish, take } = AuditChain.verifier()
    for (const line of lines) take(line)
    const { fault, head, records: read, torn, unchained } = finish()
    assert.deepStrictEqual(
      { records: read, unchained, torn, head: head.sequence, fault },
      { records: found.length, unchained: 0, torn: 0, head: found.length, fault: undefined }
    )
    return found
  })

for (const { name, place, skip } of providers) {
  describe.skipIf(skip === true)(`AuditSink in ${name}`, () => {
    it.scopedLive("a log that is not there has no records", () =>
      Effect.gen(function* () {
        const { layer } = yield* place
        assert.deepStrictEqual(yield* Effect.provide(records, layer()), [])
      })
    )

    it.scopedLive("what was appended is there when append returns, in order, as it was given back", () =>
      Effect.gen(function* () {
        const here = yield* place
        yield* Effect.gen(function* () {
          const given: Array<AuditSink.AuditRecord> = []
          for (const i of upTo(5)) {
            given.push(yield* append(intended(i)))
            assert.deepStrictEqual(yield* records, given)
            if (here.lines !== undefined) assert.strictEqual((yield* here.lines).length, i + 1)
          }
        }).pipe(Effect.provide(here.layer()))
        assert.deepStrictEqual((yield* inspect(here)).map(batchOf), upTo(5))
      })
    )

    it.scopedLive("500 at once stand once each, in the order in which they came", () =>
      Effect.gen(function* () {
        const here = yield* place
        const given = yield* Effect.provide(many(500), here.layer())
        assert.deepStrictEqual(
          given.map(({ sequence }) => sequence),
          upTo(500).map((i) => i + 1)
        )
        same((yield* inspect(here)).map(AuditChain.canonical), given.map(AuditChain.canonical))
      })
    )

    it.scopedLive("who opens it again continues the chain", () =>
      Effect.gen(function* () {
        const here = yield* place
        for (const round of upTo(3)) {
          const [first] = yield* Effect.provide(many(10), here.layer())
          assert.strictEqual(first.sequence, round * 10 + 1)
        }
        assert.strictEqual((yield* inspect(here)).length, 30)
      })
    )

    it.scopedLive("numbers stand in it masked, hashed or whole", () =>
      Effect.gen(function* () {
        const here = yield* place
        const message = "+1 (415) 555-0100 is refused"
        const both = Effect.zipRight(append(intended(0)), append(refused("+14155550100", message)))
        yield* Effect.provide(both, here.layer())
        yield* Effect.provide(both, here.layer({ numbers: "hashed", hashKey: Redacted.make("the key") }))
        yield* Effect.provide(both, here.layer({ numbers: "whole" }))
        const found = yield* inspect(here)
        const hash = createHmac("sha256", "the key").update("+14155550100").digest("hex")
        assert.deepStrictEqual(
          found.map(({ phoneNumbers }) => phoneNumbers),
          [undefined, undefined, [hash], undefined, ["+14155550100"], undefined]
        )
        const said = found.map(({ validationErrors }) => validationErrors[0]?.raw)
        assert.deepStrictEqual(said, [undefined, "+1********00", undefined, "+1********00", undefined, "+14155550100"])
        assert.notInclude(JSON.stringify(found.slice(0, 4)), "555-0100")
        assert.strictEqual(found[5].validationErrors[0].message, message)
      })
    )

    it.scopedLive("any text is kept as it is", () =>
      Effect.gen(function* () {
        const here = yield* place
        const texts = [
          "\u0000",
          "a\u0000b",
          "\ud800",
          "'; drop table log; --",
          '$1 ? \\ "',
          "\u2028\r\n",
          "Zoë 📞",
          ...FastCheck.sample(FastCheck.string({ unit: "binary" }), 100)
        ]
        yield* Effect.provide(
          Effect.forEach(texts, (text) => append(refused(text, text))),
          here.layer({ numbers: "whole" })
        )
        assert.deepStrictEqual(
          (yield* inspect(here)).map(({ validationErrors }) => validationErrors[0].raw),
          texts
        )
      })
    )

    it.scopedLive("what is interrupted while it is appended leaves no gap and no half of a record", () =>
      Effect.gen(function* () {
        const here = yield* place
        yield* Effect.gen(function* () {
          const fibers = yield* Effect.forEach(upTo(50), (i) => Effect.fork(append(intended(i))))
          yield* Effect.yieldNow()
          for (const fiber of fibers) fiber.unsafeInterruptAsFork(fiber.id())
          for (const fiber of fibers) yield* fiber.await
          yield* append(intended(50))
        }).pipe(Effect.provide(here.layer()))
        const found = yield* inspect(here)
        // those that had begun are there; where nothing is waited for, all of them
        assert.deepStrictEqual(found.map(batchOf), upTo(51))
      })
    )

    it.scopedLive("5,000 records are gone through in order, and from the first again", () =>
      Effect.gen(function* () {
        const here = yield* place
        yield* Effect.provide(many(5_000), here.layer())
        yield* Effect.gen(function* () {
          for (const _ of upTo(2)) same((yield* records).map(batchOf), upTo(5_000))
        }).pipe(Effect.provide(here.layer()))
        yield* inspect(here)
      })
    )

    it.scopedLive("the records of some operations alone, whatever is in the others and in themselves", () =>
      Effect.gen(function* () {
        const here = yield* place
        const lists = [
          "list",
          '","operation":"BATCH_FAILED',
          '\\","operation":"BATCH_INTENDED","',
          "ö".repeat(2000),
          "\u2028"
        ]
        const events = lists.flatMap((dncListId) => [
          { ...intended(0, upTo(499).map(String)), dncListId },
          { ...refused("BATCH_INTENDED", '"operation":"BATCH_INTENDED"'), dncListId }
        ])
        yield* Effect.gen(function* () {
          const all = yield* Effect.forEach(events, append)
          for (const only of [["BATCH_INTENDED"], ["BATCH_DONE", "RUN_STARTED"], ["RUN_FINISHED"], []] as const) {
            const found: Array<AuditSink.AuditRecord> = []
            const wanted = new Set<AuditSink.AuditRecord["operation"]>(only)
            yield* Effect.flatMap(AuditSink.AuditSink, ({ forEach }) => forEach((record) => found.push(record), wanted))
            same(
              found.map(AuditChain.canonical),
              all.filter(({ operation }) => wanted.has(operation)).map(AuditChain.canonical)
            )
          }
        }).pipe(Effect.provide(here.layer({ numbers: "whole" })))
      })
    )

    it.scopedLive("it can be read while it is written: what was there stands in order, none is missing", () =>
      Effect.gen(function* () {
        const here = yield* place
        yield* Effect.gen(function* () {
          yield* many(300)
          const writing = yield* Effect.fork(many(300))
          yield* Effect.yieldNow()
          const found = yield* records
          assert.isAtLeast(found.length, 300)
          assert.deepStrictEqual(
            found.map(({ sequence }) => sequence),
            upTo(found.length).map((i) => i + 1)
          )
          yield* Fiber.join(writing)
        }).pipe(Effect.provide(here.layer()))
        assert.strictEqual((yield* inspect(here)).length, 600)
      })
    )

    if (name !== "memory") {
      it.scopedLive("a second writer is told that there is one, and breaks nothing", () =>
        Effect.gen(function* () {
          const here = yield* place
          const second = Effect.provide(append(intended(99)), Layer.fresh(here.layer()))
          yield* Effect.gen(function* () {
            yield* append(intended(0))
            if (here.secondWriter === "opening") {
              const error = yield* Effect.flip(second)
              assert.instanceOf(error, AuditSink.AuditError)
              assert.include(error.message, "is being written by another run")
              assert.include(error.hint, "Wait until it has ended")
            } else {
              // both have opened it, and the one that appends first goes on
              const opened = yield* Deferred.make<void>()
              const proceed = yield* Deferred.make<void>()
              const late = yield* Effect.fork(
                Effect.gen(function* () {
                  yield* Deferred.succeed(opened, undefined)
                  yield* Deferred.await(proceed)
                  return [yield* Effect.either(append(intended(99))), yield* Effect.either(append(intended(98)))]
                }).pipe(Effect.provide(here.layer()))
              )
              yield* Deferred.await(opened)
              yield* append(intended(1))
              yield* Deferred.succeed(proceed, undefined)
              for (const told of yield* Fiber.join(late)) {
                assert.isTrue(Either.isLeft(told))
                if (Either.isLeft(told)) assert.include(told.left.message, "is being written by another run")
              }
            }
            yield* append(intended(2))
          }).pipe(Effect.provide(here.layer()))
          const batches = (yield* inspect(here)).map(batchOf)
          assert.deepStrictEqual(batches, here.secondWriter === "opening" ? [0, 2] : [0, 1, 2])
          // and once the first is gone there is room for another
          yield* second
          assert.strictEqual((yield* inspect(here)).length, batches.length + 1)
        })
      )

      it.scopedLive("after a failure it refuses everything, even what could be written again", () =>
        Effect.gen(function* () {
          const here = yield* place
          yield* Effect.gen(function* () {
            yield* append(intended(0))
            const mend = yield* here.breakIt!
            for (const told of yield* Effect.all(
              upTo(10).map((i) => Effect.flip(append(intended(i)))),
              { concurrency: "unbounded" }
            )) {
              assert.instanceOf(told, AuditSink.AuditError)
              assert.include(told.hint, "Nothing is sent without evidence")
            }
            yield* mend
            assert.instanceOf(yield* Effect.flip(append(intended(1))), AuditSink.AuditError)
          }).pipe(Effect.provide(here.layer()))
          assert.deepStrictEqual((yield* inspect(here)).map(batchOf), [0])
          yield* Effect.provide(append(intended(2)), here.layer())
          assert.deepStrictEqual((yield* inspect(here)).map(batchOf), [0, 2])
        })
      )
    }
  })
}

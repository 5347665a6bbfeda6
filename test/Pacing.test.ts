import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as GenesysErrors from "../src/GenesysError.js"
import * as Pacing from "../src/Pacing.js"
import { throughPauses } from "./support/network.js"

const counter = () => {
  const open = { now: 0, most: 0, started: [] as Array<number> }
  const request = (took: Duration.DurationInput) =>
    Effect.acquireUseRelease(
      Effect.map(Clock.currentTimeMillis, (now) => {
        open.started.push(now)
        open.most = Math.max(open.most, ++open.now)
      }),
      () => Effect.sleep(took),
      () => Effect.sync(() => open.now--)
    )
  return { open, request }
}

const wrong = new GenesysErrors.BadRequest({ message: "wrong", hint: "", status: 400 })
const refusal = new GenesysErrors.ServerError({ message: "refused", hint: "", status: 503 })

const closeGate = (pacing: Pacing.Pacing, duration: Duration.Duration) =>
  Effect.map(Clock.currentTimeMillis, (now) => pacing.hold(now, duration))

const started = (open: { readonly started: ReadonlyArray<number> }) => open.started.length

describe("Pacing", () => {
  it.effect.prop(
    "never more than so many are open, and all get through, whatever is held and failed",
    {
      concurrency: FastCheck.integer({ min: 1, max: 6 }),
      requests: FastCheck.array(
        FastCheck.record({
          after: FastCheck.integer({ min: 0, max: 5_000 }),
          took: FastCheck.integer({ min: 0, max: 3_000 }),
          hold: FastCheck.option(FastCheck.integer({ min: 0, max: 4_000 })),
          fails: FastCheck.boolean()
        }),
        { maxLength: 30 }
      )
    },
    ({ concurrency, requests }) =>
      Effect.gen(function* () {
        const { open, request } = counter()
        const pacing = Pacing.make({ concurrency, jitter: Duration.millis(500) })
        yield* throughPauses(
          Effect.forEach(
            requests,
            ({ after, fails, hold, took }) =>
              Effect.sleep(after).pipe(
                Effect.zipRight(
                  pacing.run(
                    request(took).pipe(
                      Effect.tap(() => (hold === null ? Effect.void : closeGate(pacing, Duration.millis(hold)))),
                      Effect.tap(() => (fails ? Effect.fail(refusal) : Effect.void))
                    )
                  )
                ),
                Effect.either
              ),
            { concurrency: "unbounded" }
          )
        )
        assert.isAtMost(open.most, concurrency)
        assert.strictEqual(started(open), requests.length)
        assert.strictEqual(open.now, 0)
      }),
    { fastCheck: { numRuns: 40 } }
  )

  it.effect.prop(
    "where the limit is found out: whoever is refused or interrupted, anywhere, keeps no place, and nobody is forgotten",
    {
      upTo: FastCheck.integer({ min: 1, max: 9 }),
      steps: FastCheck.array(
        FastCheck.record({
          does: FastCheck.constantFrom("begins", "begins", "ends", "ends", "is refused", "fails", "is interrupted"),
          which: FastCheck.nat(20)
        }),
        { maxLength: 100 }
      )
    },
    ({ steps, upTo }) =>
      Effect.gen(function* () {
        const pacing = Pacing.make({ concurrency: { upTo }, jitter: Duration.zero })
        const open = new Set<Deferred.Deferred<void, GenesysErrors.GenesysError>>()
        const begun: Array<Fiber.RuntimeFiber<void, GenesysErrors.GenesysError>> = []
        let most = 0
        const begin = Effect.suspend(() => {
          const answer = Deferred.unsafeMake<void, GenesysErrors.GenesysError>(FiberId.none)
          const request = Effect.suspend(() => {
            open.add(answer)
            most = Math.max(most, open.size)
            return Effect.ensuring(
              Deferred.await(answer),
              Effect.sync(() => open.delete(answer))
            )
          })
          return Effect.map(Effect.fork(pacing.run(request)), (fiber) => begun.push(fiber))
        })
        const settled = Effect.repeatN(Effect.yieldNow(), 30)
        const step = ({ does, which }: (typeof steps)[number]) => {
          const request = [...open][which % Math.max(1, open.size)]
          const fiber = begun[which % Math.max(1, begun.length)]
          if (does === "begins") return begin
          if (does === "is interrupted") return fiber === undefined ? Effect.void : Fiber.interrupt(fiber)
          if (request === undefined) return Effect.void
          return does === "ends"
            ? Deferred.succeed(request, undefined)
            : Deferred.fail(request, does === "fails" ? wrong : refusal)
        }
        for (const one of steps) {
          yield* step(one)
          yield* settled
        }
        // all that wait come in, in the end, and again as many are open as may be
        for (let i = 0; i < 150; i++) {
          yield* begin
          yield* settled
          if (i >= upTo) yield* step({ does: "ends", which: i })
        }
        yield* settled
        assert.strictEqual(open.size, upTo)
        while (open.size > 0) {
          yield* step({ does: "ends", which: 0 })
          yield* settled
        }
        assert.strictEqual(most, upTo)
        for (const fiber of begun) assert.isTrue(Option.isSome(yield* Fiber.poll(fiber)))
      }),
    { fastCheck: { numRuns: 40 } }
  )

  it.effect("begins with one, and has one more open with each round of answers that take no longer", () =>
    Effect.gen(function* () {
      const { open, request } = counter()
      const pacing = Pacing.make({ concurrency: { upTo: 4 }, jitter: Duration.zero })
      yield* Effect.fork(
        Effect.all(
          Array.from({ length: 40 }, () => pacing.run(request("1 seconds"))),
          { concurrency: "unbounded" }
        )
      )
      yield* TestClock.adjust("10 seconds")
      const atOnce = Array.from({ length: 11 }, (_, second) => open.started.filter((at) => at === second * 1000).length)
      assert.deepStrictEqual(atOnce, [1, 1, 1, 2, 2, 3, 4, 4, 4, 4, 4])
    })
  )

  it.effect("has one fewer open after refusals, and as many after failures that are the request's own", () =>
    Effect.gen(function* () {
      for (const [error, then] of [
        [refusal, 3],
        [wrong, 4]
      ] as const) {
        const { open, request } = counter()
        const pacing = Pacing.make({ concurrency: { upTo: 4 }, jitter: Duration.zero })
        const all = (requests: ReadonlyArray<Effect.Effect<void, GenesysErrors.GenesysError>>) =>
          throughPauses(Effect.forEach(requests, (one) => Effect.exit(pacing.run(one)), { concurrency: "unbounded" }))
        yield* all(Array.from({ length: 30 }, () => request("1 seconds")))
        assert.strictEqual(open.most, 4)
        yield* all(Array.from({ length: 4 }, () => Effect.zipRight(request("1 seconds"), Effect.fail(error))))
        open.most = 0
        yield* all(Array.from({ length: 4 }, () => request("1 seconds")))
        assert.strictEqual(open.most, then)
      }
    })
  )

  it.effect("uses what is allowed", () =>
    Effect.gen(function* () {
      const { open, request } = counter()
      const pacing = Pacing.make({ concurrency: 4, jitter: Duration.zero })
      yield* Effect.fork(
        Effect.all(
          Array.from({ length: 12 }, () => pacing.run(request("1 seconds"))),
          { concurrency: "unbounded" }
        )
      )
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(open.started, [0, 0, 0, 0, 1000, 1000, 1000, 1000, 2000, 2000, 2000, 2000])
    })
  )

  it.effect("a hold keeps all writers, those too that come later, and each adds a jitter of its own", () =>
    Effect.gen(function* () {
      const { open, request } = counter()
      const pacing = Pacing.make({ concurrency: 20, jitter: Duration.millis(500) })
      yield* closeGate(pacing, Duration.seconds(10))
      const early = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 10 }, () => pacing.run(request(0))),
          { concurrency: "unbounded" }
        )
      )
      yield* TestClock.adjust("5 seconds")
      const late = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 10 }, () => pacing.run(request(0))),
          { concurrency: "unbounded" }
        )
      )
      yield* TestClock.adjust(Duration.millis(4_999))
      assert.strictEqual(started(open), 0)
      yield* TestClock.adjust(Duration.millis(501))
      yield* early
      yield* late
      for (const at of open.started) {
        assert.isAtLeast(at, 10_000)
        assert.isAtMost(at, 10_500)
      }
      assert.isAbove(new Set(open.started).size, 10)
    })
  )

  it.effect("a shorter hold does not shorten the one in force; a longer one does lengthen it", () =>
    Effect.gen(function* () {
      const { open, request } = counter()
      const pacing = Pacing.make({ concurrency: 1, jitter: Duration.zero })
      yield* closeGate(pacing, Duration.seconds(10))
      yield* closeGate(pacing, Duration.seconds(2))
      yield* Effect.fork(pacing.run(request(0)))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(started(open), 0)
      // it sleeps already, and has to look again
      yield* closeGate(pacing, Duration.seconds(20))
      yield* TestClock.adjust("19 seconds")
      assert.strictEqual(started(open), 0)
      yield* TestClock.adjust("1 seconds")
      assert.deepStrictEqual(open.started, [25_000])
    })
  )

  it.effect("a gate that closed while a place was waited for is seen", () =>
    Effect.gen(function* () {
      const { open, request } = counter()
      const pacing = Pacing.make({ concurrency: 1, jitter: Duration.zero })
      yield* Effect.fork(pacing.run(Effect.zipRight(request("1 seconds"), closeGate(pacing, Duration.seconds(30)))))
      yield* TestClock.adjust(0)
      yield* Effect.fork(pacing.run(request(0)))
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(open.started, [0])
      yield* TestClock.adjust("1 seconds")
      assert.deepStrictEqual(open.started, [0, 31_000])
    })
  )

  it.effect("what waits at the gate holds no place", () =>
    Effect.gen(function* () {
      const { open, request } = counter()
      const pacing = Pacing.make({ concurrency: 1, jitter: Duration.seconds(100) })
      yield* closeGate(pacing, Duration.seconds(1))
      // with a place held through the wait, the second could only start after the first
      yield* Effect.fork(
        Effect.all(
          Array.from({ length: 8 }, () => pacing.run(request(0))),
          { concurrency: "unbounded" }
        )
      )
      yield* TestClock.adjust("101 seconds")
      assert.strictEqual(started(open), 8)
    })
  )

  for (const [region, within] of [
    ["interruptible", Effect.interruptible],
    ["uninterruptible", Effect.uninterruptible]
  ] as const) {
    it.effect(`a wait at the gate ends at once when interrupted (${region})`, () =>
      Effect.gen(function* () {
        const { open, request } = counter()
        const pacing = Pacing.make({ concurrency: 1, jitter: Duration.zero })
        yield* closeGate(pacing, Duration.seconds(60))
        const fiber = yield* Effect.fork(within(pacing.run(request(0))))
        yield* TestClock.adjust("1 seconds")
        assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual(started(open), 0)
        yield* pacing.run(Effect.void)
      })
    )

    it.effect(`a wait for a place ends at once when interrupted, and sends nothing (${region})`, () =>
      Effect.gen(function* () {
        const { open, request } = counter()
        const pacing = Pacing.make({ concurrency: 1, jitter: Duration.zero })
        const first = yield* Effect.fork(pacing.run(request("10 seconds")))
        yield* TestClock.adjust("1 seconds")
        const second = yield* Effect.fork(within(pacing.run(request(0))))
        yield* TestClock.adjust("1 seconds")
        assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(second)))
        yield* TestClock.adjust("10 seconds")
        yield* first
        assert.strictEqual(started(open), 1)
        // the place is free again
        yield* pacing.run(request(0))
        assert.strictEqual(started(open), 2)
      })
    )
  }
})

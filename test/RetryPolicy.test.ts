import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { GenesysError, RetryPolicy } from "genesys-dnc"
import { throughPauses } from "./support/network.js"

const failing = (status: number, retryAfter?: number) =>
  GenesysError.fromAnswer({
    request: "POST /",
    status,
    words: undefined,
    code: undefined,
    correlationId: undefined,
    retryAfter: retryAfter === undefined ? undefined : Duration.seconds(retryAfter),
    body: undefined
  })

/** Fails with these in turn, the last one for ever; gives when it was tried, and how it ended. */
const attempts = (
  errors: ReadonlyArray<GenesysError.GenesysError>,
  schedule = RetryPolicy.transient(RetryPolicy.defaults),
  took: Duration.DurationInput = 0
) =>
  Effect.gen(function* () {
    const at: Array<number> = []
    const attempt = Effect.gen(function* () {
      at.push(yield* Clock.currentTimeMillis)
      yield* Effect.sleep(took)
      return yield* Effect.fail(errors[Math.min(at.length, errors.length) - 1])
    })
    const error = yield* Effect.flip(throughPauses(RetryPolicy.repeatFailed(attempt, schedule)))
    return { at, error, pauses: at.slice(1).map((instant, i) => instant - at[i] - Duration.toMillis(took)) }
  })

describe("RetryPolicy", () => {
  it.effect("10 attempts, each pause below its bound, none above the longest", () =>
    Effect.gen(function* () {
      for (let run = 0; run < 40; run++) {
        const { at, pauses } = yield* attempts([failing(503)])
        assert.strictEqual(at.length, 10)
        for (const [i, pause] of pauses.entries()) {
          assert.isAtLeast(pause, 0)
          assert.isAtMost(pause, Math.min(20_000, 250 * 2 ** i))
        }
      }
    })
  )

  it.effect("the pauses are spread over the whole of their range", () =>
    Effect.gen(function* () {
      const shares: Array<number> = []
      for (let run = 0; run < 40; run++) {
        const { pauses } = yield* attempts([failing(503)])
        shares.push(...pauses.slice(3).map((pause, i) => pause / Math.min(20_000, 250 * 2 ** (i + 3))))
      }
      for (let tenth = 0; tenth < 10; tenth++) {
        assert.isTrue(shares.some((share) => share >= tenth / 10 && share <= (tenth + 1) / 10))
      }
    })
  )

  it.effect.prop(
    "for any options: so many attempts, so long, no pause above its bound",
    {
      attempts: FastCheck.integer({ min: 1, max: 12 }),
      first: FastCheck.integer({ min: 1, max: 5_000 }),
      longest: FastCheck.integer({ min: 1, max: 60_000 }),
      duration: FastCheck.integer({ min: 0, max: 200_000 })
    },
    (given) =>
      Effect.gen(function* () {
        const { at, pauses } = yield* attempts(
          [failing(500)],
          RetryPolicy.transient({
            ...RetryPolicy.defaults,
            attempts: given.attempts,
            firstDelay: Duration.millis(given.first),
            longestDelay: Duration.millis(given.longest),
            duration: Duration.millis(given.duration)
          })
        )
        assert.isAtMost(at.length, given.attempts)
        assert.isAtMost(at.at(-1)! - at[0], given.duration)
        for (const [i, pause] of pauses.entries()) {
          assert.isAtMost(pause, Math.min(given.longest, given.first * 2 ** i))
        }
        if (given.duration >= given.attempts * given.longest) assert.strictEqual(at.length, given.attempts)
      }),
    { fastCheck: { numRuns: 40 } }
  )

  it.effect("ends after 10 minutes, even with attempts left", () =>
    Effect.gen(function* () {
      const { at, error } = yield* attempts([failing(503)], undefined, "2 minutes")
      assert.strictEqual(error._tag, "ServerError")
      // counted from the first failure, at 2 minutes
      assert.isAtMost(at.at(-1)!, 12 * 60_000)
      assert.isAtLeast(at.length, 5)
      assert.isBelow(at.length, 10)
    })
  )

  it.effect("a 429 costs time, not attempts", () =>
    Effect.gen(function* () {
      const limited = Array.from({ length: 30 }, () => failing(429, 2))
      const { at, error } = yield* attempts([...limited, failing(503)])
      assert.strictEqual(at.length, 30 + 10)
      assert.strictEqual(error._tag, "ServerError")
    })
  )

  it.effect("Retry-After is waited for in full, and a jitter on top that differs", () =>
    Effect.gen(function* () {
      const { pauses } = yield* attempts([...Array.from({ length: 12 }, () => failing(429, 7)), failing(400)])
      assert.strictEqual(pauses.length, 12)
      for (const pause of pauses) {
        assert.isAtLeast(pause, 7_000)
        assert.isAtMost(pause, 7_500)
      }
      assert.isAbove(new Set(pauses).size, 1)
    })
  )

  it.effect("a 429 without Retry-After backs off like any other", () =>
    Effect.gen(function* () {
      const { pauses } = yield* attempts([...Array.from({ length: 12 }, () => failing(429)), failing(400)])
      assert.strictEqual(pauses.length, 12)
      for (const [i, pause] of pauses.entries()) assert.isAtMost(pause, Math.min(20_000, 250 * 2 ** i))
    })
  )

  it.effect("a Retry-After of 5 minutes is waited for, a longer one fails at once with RateLimited", () =>
    Effect.gen(function* () {
      const waited = yield* attempts([failing(429, 300), failing(400)])
      assert.strictEqual(waited.at.length, 2)
      const { at, error } = yield* attempts([failing(429, 301)])
      assert.strictEqual(at.length, 1)
      assert.strictEqual(error._tag, "RateLimited")
    })
  )

  it.effect("a Retry-After beyond the time left fails with RateLimited at once", () =>
    Effect.gen(function* () {
      const { at, error } = yield* attempts([failing(429, 290), failing(429, 290), failing(429, 290)])
      // 290 s and 290 s fit into 10 minutes, a third time does not
      assert.strictEqual(at.length, 3)
      assert.strictEqual(error._tag, "RateLimited")
      assert.isBelow(at[2], 582_000)
    })
  )

  it.effect("429s end too when the time is over", () =>
    Effect.gen(function* () {
      const { at, error } = yield* attempts([failing(429, 60)])
      assert.strictEqual(error._tag, "RateLimited")
      assert.isAtLeast(at.length, 9)
      assert.isAtMost(at.at(-1)!, 600_000)
    })
  )

  it.effect("no other 4xx is tried again, nor 501", () =>
    Effect.gen(function* () {
      for (const status of [400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422, 501]) {
        const { at } = yield* attempts([failing(status)])
        assert.strictEqual(at.length, 1, String(status))
      }
      for (const status of [408, 500, 502, 503, 504, 599]) {
        const { at } = yield* attempts([failing(status)])
        assert.strictEqual(at.length, 10, String(status))
      }
    })
  )

  it.effect("conflict asks about a 409 within the same bounds, and about nothing else", () =>
    Effect.gen(function* () {
      const schedule = RetryPolicy.conflict(RetryPolicy.defaults)
      const { at, error, pauses } = yield* attempts([failing(409)], schedule)
      assert.strictEqual(at.length, 10)
      assert.strictEqual(error._tag, "IdempotencyConflict")
      for (const [i, pause] of pauses.entries()) assert.isAtMost(pause, Math.min(20_000, 250 * 2 ** i))
      for (const status of [400, 408, 422, 429, 503]) {
        assert.strictEqual((yield* attempts([failing(status)], schedule)).at.length, 1, String(status))
      }
    })
  )

  it.effect("one schedule serves many operations, each with attempts of its own", () =>
    Effect.gen(function* () {
      const schedule = RetryPolicy.transient(RetryPolicy.defaults)
      for (let i = 0; i < 3; i++) assert.strictEqual((yield* attempts([failing(503)], schedule)).at.length, 10)
    })
  )

  it.effect("an attempt is not interrupted, a pause is, at once", () =>
    Effect.gen(function* () {
      let ended = 0
      const attempt = Effect.sleep("10 seconds").pipe(
        Effect.zipRight(Effect.sync(() => ended++)),
        Effect.zipRight(Effect.fail(failing(429, 100)))
      )
      const fiber = yield* Effect.fork(RetryPolicy.repeatFailed(attempt, RetryPolicy.transient(RetryPolicy.defaults)))
      yield* TestClock.adjust("1 seconds")
      const interruption = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* TestClock.adjust("1 seconds")
      assert.isNull(interruption.unsafePoll())
      yield* TestClock.adjust("8 seconds")
      assert.isTrue(Exit.isInterrupted(yield* Effect.flatten(Fiber.await(interruption))))
      assert.strictEqual(ended, 1)
      assert.strictEqual(yield* Clock.currentTimeMillis, 10_000)
    })
  )
})

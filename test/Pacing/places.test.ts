import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Places from "../../src/Pacing/places.js"

const yields = (count: number) => Effect.repeatN(Effect.yieldNow(), count)

describe("Pacing/places", () => {
  it.effect.prop(
    "no more are taken than there are, nobody waits for ever, and who is interrupted has none, wherever fibers are put off",
    {
      count: FastCheck.integer({ min: 1, max: 3 }),
      // a fiber is put off behind so many steps (with fewer Effect itself does not get on)
      steps: FastCheck.integer({ min: 10, max: 40 }),
      holders: FastCheck.array(
        FastCheck.record({
          after: FastCheck.nat(6),
          holds: FastCheck.nat(4),
          interruptedAfter: FastCheck.option(FastCheck.nat(12))
        }),
        { minLength: 1, maxLength: 12 }
      )
    },
    ({ count, holders, steps }) =>
      Effect.gen(function* () {
        const places = Places.make(count)
        let taken = 0
        let most = 0
        const hold = (holds: number) =>
          Effect.uninterruptible(
            Effect.zipRight(
              places.take,
              Effect.suspend(() => {
                most = Math.max(most, ++taken)
                return Effect.map(yields(holds), () => {
                  taken--
                  places.giveBack()
                })
              })
            )
          )
        const fibers = yield* Effect.forEach(holders, ({ after, holds }) =>
          Effect.fork(Effect.zipRight(yields(after), hold(holds)))
        )
        yield* Effect.forEach(
          holders,
          ({ interruptedAfter }, i) =>
            interruptedAfter === null
              ? Effect.void
              : Effect.zipRight(yields(interruptedAfter), Fiber.interrupt(fibers[i])),
          { concurrency: "unbounded" }
        )
        const exits = yield* Effect.forEach(fibers, Fiber.await)
        assert.isAtMost(most, count)
        for (const [i, exit] of exits.entries())
          if (holders[i].interruptedAfter === null) assert.isTrue(Exit.isSuccess(exit))
        // all are free again
        yield* Effect.forEach(Array.from({ length: count }), () => Effect.uninterruptible(places.take))
        assert.strictEqual(taken, 0)
      }).pipe(Effect.withMaxOpsBeforeYield(steps)),
    { fastCheck: { numRuns: 300 } }
  )

  it.effect("a place that is given back while another is about to wait for it is that one's", () =>
    Effect.gen(function* () {
      const steps = Array.from({ length: 30 }, (_, i) => 10 + i)
      for (const [behind, before, holds] of steps.flatMap((behind) =>
        [0, 1, 2, 3].flatMap((before) => [0, 1, 2, 3].map((holds) => [behind, before, holds] as const))
      )) {
        const places = Places.make(1)
        const take = Effect.uninterruptible(places.take)
        const holder = Effect.zipRight(take, Effect.map(yields(holds), places.giveBack))
        // so many steps before it asks, so that it is put off at each of those in which it does
        const waiter = Effect.zipRight(Effect.repeatN(Effect.void, before), take)
        yield* Effect.all([holder, waiter], { concurrency: "unbounded" }).pipe(Effect.withMaxOpsBeforeYield(behind))
      }
    })
  )

  it.effect("fewer of them than are taken: nobody enters until there are enough again", () =>
    Effect.gen(function* () {
      const places = Places.make(3)
      const take = Effect.uninterruptible(places.take)
      yield* Effect.repeatN(take, 2)
      places.resize(1)
      const fiber = yield* Effect.fork(take)
      const entered = Effect.zipRight(
        yields(10),
        Effect.map(Fiber.poll(fiber), ({ _tag }) => _tag === "Some")
      )
      const seen: Array<boolean> = []
      for (let i = 0; i < 3; i++) {
        seen.push(yield* entered)
        places.giveBack()
      }
      assert.deepStrictEqual([...seen, yield* entered], [false, false, false, true])
      places.resize(2)
      yield* take
    })
  )
})

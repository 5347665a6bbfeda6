import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as GroupCommit from "../../src/AuditSink/groupCommit.js"

const yields = (count: number) => Effect.repeatN(Effect.yieldNow(), count)

describe("groupCommit", () => {
  it.effect.prop(
    "all is written once, in its order, behind a failure nothing, and nobody waits for ever, wherever fibers are put off",
    {
      // a fiber is put off behind so many steps (with fewer Effect itself does not get on)
      steps: FastCheck.integer({ min: 10, max: 40 }),
      takes: FastCheck.nat(5),
      writers: FastCheck.array(FastCheck.record({ after: FastCheck.nat(8), interrupted: FastCheck.boolean() }), {
        minLength: 1,
        maxLength: 15
      }),
      fails: FastCheck.option(FastCheck.record({ write: FastCheck.nat(6), dies: FastCheck.boolean() }))
    },
    ({ fails, steps, takes, writers }) =>
      Effect.gen(function* () {
        const asked: Array<number> = []
        const written: Array<number> = []
        let writes = 0
        const append = GroupCommit.make((items: ReadonlyArray<number>) => {
          const failing = writes++ === fails?.write
          if (failing && fails.dies) throw new Error("a defect")
          return Effect.flatMap(yields(takes), () => {
            if (failing) return Effect.fail("full")
            written.push(...items)
            return Effect.void
          })
        })
        const fibers = yield* Effect.forEach(writers, ({ after }, i) =>
          Effect.fork(
            Effect.zipRight(
              yields(after),
              append(() => {
                asked.push(i)
                return i
              })
            )
          )
        )
        yield* yields(4)
        for (const [i, { interrupted }] of writers.entries()) if (interrupted) yield* Fiber.interrupt(fibers[i])
        const exits = yield* Effect.forEach(fibers, Fiber.await)
        assert.deepStrictEqual(written, asked.slice(0, written.length))
        const failed = fails !== null && writes > fails.write
        if (!failed) assert.deepStrictEqual(written, asked)
        else assert.strictEqual(writes, fails.write + 1)
        for (const [i, exit] of exits.entries()) {
          if (writers[i].interrupted) continue
          assert.strictEqual(Exit.isSuccess(exit), written.includes(i))
          if (Exit.isSuccess(exit)) assert.strictEqual(exit.value, i)
        }
      }).pipe(Effect.withMaxOpsBeforeYield(steps)),
    { fastCheck: { numRuns: 300 } }
  )
})

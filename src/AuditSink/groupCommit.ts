/**
 * Durable writes, many at once.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"

interface Waiting<A> {
  readonly item: A
  written: boolean
}

/**
 * What waits while one write is under way shares the next, in the order in which it came; each is asked for when its turn
 * has come to stand behind all those before it, and given back once it is written. What is interrupted is written all the
 * same. After a failed write every later one fails too, as it is then unknown where the log ends.
 *
 * @since 0.1.0
 */
export const make = <A, E>(
  write: (items: ReadonlyArray<A>) => Effect.Effect<void, E>
): Effect.Effect<(item: () => A) => Effect.Effect<A, E>> =>
  Effect.map(Effect.makeSemaphore(1), (mutex) => {
    let waiting: Array<Waiting<A>> = []
    let broken: Cause.Cause<E> | undefined

    const flush = Effect.suspend(() => {
      const group = waiting
      waiting = []
      return Effect.matchCauseEffect(write(group.map(({ item }) => item)), {
        onFailure: (cause) => {
          broken = cause
          return Effect.failCause(cause)
        },
        onSuccess: () => {
          for (const one of group) one.written = true
          return Effect.void
        }
      })
    })

    return (next) =>
      Effect.suspend(() => {
        const one: Waiting<A> = { item: next(), written: false }
        waiting.push(one)
        // whoever holds the mutex writes for all that wait, so those behind it find theirs written
        const turn = Effect.suspend(() =>
          one.written ? Effect.void : broken === undefined ? flush : Effect.failCause(broken)
        )
        return Effect.as(mutex.withPermits(1)(turn), one.item)
      }).pipe(Effect.uninterruptible)
  })

/**
 * Durable writes, many at once.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"

interface Waiting<A, E> {
  readonly item: A
  /** Of who waits for another's write: goes on with what that has come to, or with the next write. */
  resume: ((next: Effect.Effect<void, E>) => void) | undefined
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
): ((item: () => A) => Effect.Effect<A, E>) => {
  let waiting: Array<Waiting<A, E>> = []
  let writing = false
  let broken: Cause.Cause<E> | undefined

  /** Whoever writes does so for all that wait; the first of those who came meanwhile is the next to. */
  const flush = Effect.suspend(() => {
    const group = waiting
    waiting = []
    const ended = <R extends Effect.Effect<void, E>>(result: R): R => {
      for (const { resume } of group) resume?.(result)
      const next = waiting[0]?.resume
      writing = next !== undefined
      if (next !== undefined) {
        waiting[0].resume = undefined
        next(flush)
      }
      return result
    }
    return Effect.matchCauseEffect(
      broken === undefined ? write(group.map(({ item }) => item)) : Effect.failCause(broken),
      {
        onFailure: (cause) => {
          broken = cause
          return ended(Effect.failCause(cause))
        },
        onSuccess: () => ended(Effect.void)
      }
    )
  })

  return (next) =>
    Effect.suspend(() => {
      const one: Waiting<A, E> = { item: next(), resume: undefined }
      waiting.push(one)
      const written = writing
        ? Effect.async<void, E>((resume) => {
            one.resume = resume
          })
        : flush
      writing = true
      return Effect.as(written, one.item)
    }).pipe(Effect.uninterruptible)
}

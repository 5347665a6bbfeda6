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
  resume: ((written: Effect.Effect<void, E>) => void) | undefined
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
    const written = Effect.suspend(() =>
      broken === undefined ? write(group.map(({ item }) => item)) : Effect.failCause(broken)
    )
    return Effect.matchCauseEffect(written, {
      onFailure: (cause) => {
        broken = cause
        return ended(Effect.failCause(cause))
      },
      onSuccess: () => ended(Effect.void)
    })
  })

  // all in one step: between two of them a fiber may be put off, and a write may end
  return (next) =>
    Effect.uninterruptible(
      Effect.async<A, E>((resume) => {
        const one: Waiting<A, E> = { item: next(), resume: undefined }
        const goOn = (written: Effect.Effect<void, E>): void => resume(Effect.as(written, one.item))
        waiting.push(one)
        if (writing) one.resume = goOn
        else {
          writing = true
          goOn(flush)
        }
      })
    )
}

/**
 * Places, each of which one at a time may have. Where one is free, to take it and to give it back are no more than a step
 * each; a semaphore of Effect takes a dozen.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"

/**
 * @since 0.1.0
 * @category models
 */
export interface Places {
  /**
   * Waits for a place, in turn; for whoever cannot be interrupted elsewhere. The wait can be, and so can the asking, and who
   * is has no place.
   */
  readonly take: Effect.Effect<void>
  readonly giveBack: () => void
  /** How many there are; what is taken stays taken. */
  readonly resize: (count: number) => void
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (count: number): Places => {
  /** Below zero where there are fewer places than are taken. */
  let free = count
  // no Set: each table that it outgrows holds the next one, and so all that ever waited until V8's next full collection
  const waiting: Array<() => void> = []

  const letIn = (): void => {
    while (free > 0) {
      const enter = waiting.shift()
      if (enter === undefined) return
      free--
      enter()
    }
  }
  const goAway = (enter: () => void): void => {
    const at = waiting.indexOf(enter)
    if (at !== -1) waiting.splice(at, 1)
  }
  const giveBack = (): void => {
    free++
    letIn()
  }

  const wait = Effect.suspend(() => {
    let given = false
    let enter = (): void => {}
    const entered = Effect.async<void>((resume) => {
      enter = () => {
        given = true
        resume(Effect.void)
      }
      waiting.push(enter)
      // since it was looked, a place may have become free: a fiber may be put off between two steps
      letIn()
    })
    return Effect.catchAllCause(Effect.interruptible(entered), (cause) => {
      goAway(enter)
      // the interruption came between the place and its taker
      if (given) giveBack()
      return Effect.failCause(cause)
    })
  })
  const take = Effect.suspend(() => {
    if (free <= 0) return wait
    free--
    return Effect.void
  })

  return {
    take: Effect.zipRight(Effect.interruptible(Effect.void), take),
    giveBack,
    resize: (to) => {
      free += to - count
      count = to
      letIn()
    }
  }
}

/**
 * How many requests are open at once, the gate that a `Retry-After` closes for all of them, and the allowance of requests
 * that they share.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Allowances from "./Pacing/allowance.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Pacing {
  /** Keeps every writer from sending for so long; a longer hold in force stays. */
  readonly hold: (duration: Duration.Duration) => Effect.Effect<void>
  /**
   * Learns from an answer's `inin-ratelimit-*` headers how many requests are allowed; `retryAfter` of one that was refused.
   * Without such headers everything is.
   */
  readonly learn: (
    headers: Readonly<Record<string, string | undefined>>,
    retryAfter?: Duration.Duration
  ) => Effect.Effect<void>
  /**
   * Runs one request once the gate is open, the allowance has a place and a permit is free. Nothing that waits holds a
   * permit, and all waits can be interrupted wherever they are.
   */
  readonly run: <A, E, R>(request: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: {
  readonly concurrency: number
  /** Added at random, up to this, to each writer's wait at the gate. */
  readonly jitter: Duration.Duration
}): Effect.Effect<Pacing> =>
  Effect.map(Effect.makeSemaphore(options.concurrency), (semaphore) => {
    const allowance = Allowances.make()
    let closedUntil = 0
    let open = 0

    const hold = (duration: Duration.Duration) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        closedUntil = Math.max(closedUntil, now + Duration.toMillis(duration))
      })

    const learn: Pacing["learn"] = (headers, retryAfter) => {
      const said = Allowances.fromHeaders(headers)
      return said === undefined
        ? Effect.void
        : Effect.map(Clock.currentTimeMillis, (now) =>
            // the request of this answer is open still
            allowance.seen(now, open - 1, said, retryAfter === undefined ? undefined : Duration.toMillis(retryAfter))
          )
    }

    const pass: Effect.Effect<void> = Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const pause =
        now < closedUntil
          ? Effect.map(Random.next, (random) => closedUntil - now + random * Duration.toMillis(options.jitter))
          : allowance.wait(now, open)
      if (typeof pause === "number") return pause <= 0 ? Effect.void : again(pause)
      return Effect.flatMap(pause, again)
    })

    const again = (pause: number): Effect.Effect<void> =>
      Effect.zipRight(Effect.interruptible(Effect.sleep(Duration.millis(pause))), pass)

    // both may have changed while the permit was waited for, so they are read again once the permit is held
    const run = <A, E, R>(request: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      pass.pipe(
        Effect.zipRight(
          Effect.acquireUseRelease(
            Effect.interruptible(semaphore.take(1)),
            () =>
              Effect.flatMap(Clock.currentTimeMillis, (now) => {
                if (now < closedUntil || allowance.take(now, open) > 0) return Effect.succeed(Option.none<A>())
                open++
                return Effect.ensuring(
                  Effect.asSome(request),
                  Effect.sync(() => open--)
                )
              }),
            () => semaphore.release(1)
          )
        ),
        Effect.flatMap(Option.match({ onNone: () => run(request), onSome: Effect.succeed }))
      )

    return { hold, learn, run }
  })

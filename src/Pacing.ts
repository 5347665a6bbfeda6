/**
 * How many requests are open at once, and the gate that a `Retry-After` closes for all of them.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"

/**
 * @since 0.1.0
 * @category models
 */
export interface Pacing {
  /** Keeps every writer from sending for so long; a longer hold in force stays. */
  readonly hold: (duration: Duration.Duration) => Effect.Effect<void>
  /**
   * Runs one request once the gate is open and a permit is free. Nothing that waits holds a permit, and both waits can be
   * interrupted wherever they are.
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
    let closedUntil = 0

    const hold = (duration: Duration.Duration) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        closedUntil = Math.max(closedUntil, now + Duration.toMillis(duration))
      })

    const pass: Effect.Effect<void> = Effect.flatMap(Clock.currentTimeMillis, (now) =>
      now >= closedUntil
        ? Effect.void
        : Effect.flatMap(Random.next, (random) =>
            Effect.sleep(Duration.millis(closedUntil - now + random * Duration.toMillis(options.jitter)))
          ).pipe(Effect.interruptible, Effect.zipRight(pass))
    )

    // the gate may have closed while the permit was waited for, so it is read again once the permit is held
    const run = <A, E, R>(request: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      pass.pipe(
        Effect.zipRight(
          Effect.acquireUseRelease(
            Effect.interruptible(semaphore.take(1)),
            () =>
              Effect.flatMap(Clock.currentTimeMillis, (now) =>
                now >= closedUntil ? Effect.asSome(request) : Effect.succeed(Option.none<A>())
              ),
            () => semaphore.release(1)
          )
        ),
        Effect.flatMap(Option.match({ onNone: () => run(request), onSome: Effect.succeed }))
      )

    return { hold, run }
  })

/**
 * How many requests are open at once, set or learnt; the gate that a `Retry-After` closes for all of them; and the
 * allowance of requests that they share.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type { GenesysError } from "./GenesysError.js"
import * as GenesysErrors from "./GenesysError.js"
import * as Allowances from "./Pacing/allowance.js"
import * as Limits from "./Pacing/concurrency.js"

/**
 * Requests open at once: so many, or as many as the server is found to be quickest with, up to so many.
 *
 * @since 0.1.0
 * @category models
 */
export type Concurrency = number | { readonly upTo: number }

/**
 * As many as are ever open at once.
 *
 * @since 0.1.0
 */
export const most = (concurrency: Concurrency): number =>
  typeof concurrency === "number" ? concurrency : concurrency.upTo

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
  readonly run: <A, R>(request: Effect.Effect<A, GenesysError, R>) => Effect.Effect<A, GenesysError, R>
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = ({
  concurrency,
  jitter
}: {
  readonly concurrency: Concurrency
  /** Added at random, up to this, to each writer's wait at the gate. */
  readonly jitter: Duration.Duration
}): Effect.Effect<Pacing> =>
  Effect.map(Effect.makeSemaphore(typeof concurrency === "number" ? concurrency : 1), (semaphore) => {
    const limit = typeof concurrency === "number" ? undefined : Limits.make(concurrency.upTo)
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
          ? Effect.map(Random.next, (random) => closedUntil - now + random * Duration.toMillis(jitter))
          : allowance.wait(now, open)
      if (typeof pause === "number") return pause <= 0 ? Effect.void : again(pause)
      return Effect.flatMap(pause, again)
    })

    const again = (pause: number): Effect.Effect<void> =>
      Effect.zipRight(Effect.interruptible(Effect.sleep(Duration.millis(pause))), pass)

    /** How long the request takes, and how it ends, tells how many may be open. */
    const measured = <A, R>(request: Effect.Effect<A, GenesysError, R>): Effect.Effect<A, GenesysError, R> =>
      limit === undefined
        ? request
        : Effect.flatMap(Clock.currentTimeNanos, (start) => {
            const sent = limit.sent(open)
            return Effect.onExit(request, (exit) =>
              Effect.flatMap(Clock.currentTimeNanos, (end) => {
                const before = limit.limit()
                if (Exit.isSuccess(exit)) limit.answered(sent, Number(end - start) / 1e6)
                else if (isPushback(exit)) limit.refused(sent, allowance.rate())
                return limit.limit() === before ? Effect.void : semaphore.resize(limit.limit())
              })
            )
          })

    // both may have changed while the permit was waited for, so they are read again once the permit is held
    const run = <A, R>(request: Effect.Effect<A, GenesysError, R>): Effect.Effect<A, GenesysError, R> =>
      pass.pipe(
        Effect.zipRight(
          Effect.acquireUseRelease(
            Effect.interruptible(semaphore.take(1)),
            () =>
              Effect.flatMap(Clock.currentTimeMillis, (now) => {
                if (now < closedUntil || allowance.take(now, open) > 0) return Effect.succeed(Option.none<A>())
                open++
                return Effect.ensuring(
                  Effect.asSome(measured(request)),
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

/** Refused as one too many, or by a server that is overburdened, or left without an answer. */
const isPushback = (exit: Exit.Failure<unknown, GenesysError>): boolean =>
  Option.exists(Cause.failureOption(exit.cause), GenesysErrors.isRetryable)

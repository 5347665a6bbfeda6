/**
 * How many requests are open at once, set or learnt; the gate that a `Retry-After` closes for all of them; and the
 * allowance of requests that they share.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type { GenesysError } from "./GenesysError.js"
import * as GenesysErrors from "./GenesysError.js"
import * as Allowances from "./Pacing/allowance.js"
import * as Limits from "./Pacing/concurrency.js"
import * as Places from "./Pacing/places.js"

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
 * How many requests may be open at once, where that is learnt.
 *
 * @since 0.1.0
 * @category metrics
 */
export const concurrencyLimit = Metric.gauge("genesys-dnc/HttpClient.concurrencyLimit")

/**
 * @since 0.1.0
 * @category models
 */
export interface Pacing {
  /** Keeps every writer from sending until so long after `now`; a longer hold in force stays. */
  readonly hold: (now: number, duration: Duration.Duration) => void
  /**
   * Learns from an answer's `inin-ratelimit-*` headers how many requests are allowed; `retryAfter` of one that was refused.
   * Without such headers everything is.
   */
  readonly learn: (
    now: number,
    headers: Readonly<Record<string, string | undefined>>,
    retryAfter?: Duration.Duration
  ) => void
  /**
   * Runs one request once the gate is open, the allowance has a place and so has the number of open requests. Nothing that
   * waits for the others holds a place of the latter, and all waits can be interrupted wherever they are.
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
}): Pacing => {
  const places = Places.make(typeof concurrency === "number" ? concurrency : 1)
  const limit = typeof concurrency === "number" ? undefined : Limits.make(concurrency.upTo)
  const allowance = Allowances.make()
  let closedUntil = 0
  let open = 0

  const hold: Pacing["hold"] = (now, duration) => {
    closedUntil = Math.max(closedUntil, now + Duration.toMillis(duration))
  }

  const learn: Pacing["learn"] = (now, headers, retryAfter) => {
    const said = Allowances.fromHeaders(headers)
    // the request of this answer is open still
    if (said !== undefined) {
      allowance.seen(now, open - 1, said, retryAfter === undefined ? undefined : Duration.toMillis(retryAfter))
    }
  }

  const pass: Effect.Effect<void> = Effect.clockWith((clock) => {
    const now = clock.unsafeCurrentTimeMillis()
    if (now < closedUntil) {
      return Effect.flatMap(Random.next, (random) => again(closedUntil - now + random * Duration.toMillis(jitter)))
    }
    const pause = allowance.wait(now, open)
    return pause <= 0 ? Effect.void : again(pause)
  })

  const again = (pause: number): Effect.Effect<void> =>
    Effect.zipRight(Effect.interruptible(Effect.sleep(Duration.millis(pause))), pass)

  /** How long the request takes, and how it ends, tells how many may be open. */
  const measured = <A, R>(request: Effect.Effect<A, GenesysError, R>): Effect.Effect<A, GenesysError, R> =>
    limit === undefined
      ? request
      : Effect.clockWith((clock) => {
          const start = clock.unsafeCurrentTimeNanos()
          const sent = limit.sent(open)
          return Effect.onExit(request, (exit) =>
            Effect.suspend(() => {
              const before = limit.limit()
              if (Exit.isSuccess(exit)) limit.answered(sent, Number(clock.unsafeCurrentTimeNanos() - start) / 1e6)
              else if (isPushback(exit.cause)) limit.refused(sent, allowance.rate())
              const after = limit.limit()
              if (after === before) return Effect.void
              places.resize(after)
              return Metric.set(concurrencyLimit, after)
            })
          )
        })

  const run = <A, R>(request: Effect.Effect<A, GenesysError, R>): Effect.Effect<A, GenesysError, R> =>
    Effect.uninterruptibleMask((restore) => {
      const entered: Effect.Effect<A, GenesysError, R> = Effect.clockWith((clock) => {
        const now = clock.unsafeCurrentTimeMillis()
        // both may have changed while the place was waited for
        if (now < closedUntil || allowance.take(now, open) > 0) {
          places.giveBack()
          return enter
        }
        open++
        const leave = () => {
          open--
          places.giveBack()
        }
        return Effect.matchCauseEffect(restore(measured(request)), {
          onFailure: (cause) => {
            leave()
            return Effect.failCause(cause)
          },
          onSuccess: (value) => {
            leave()
            return Effect.succeed(value)
          }
        })
      })
      const enter = Effect.zipRight(pass, Effect.zipRight(places.take, entered))
      return enter
    })

  return { hold, learn, run }
}

/** Refused as one too many, or by a server that is overburdened, or left without an answer. */
const isPushback = (cause: Cause.Cause<GenesysError>): boolean =>
  Option.exists(Cause.failureOption(cause), GenesysErrors.isRetryable)

/**
 * When a request is sent again, and how long after. Every schedule of the library is here.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as Interval from "effect/ScheduleInterval"
import type { GenesysError } from "./GenesysError.js"
import * as GenesysErrors from "./GenesysError.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Requests for one operation at most, those answered 429 not counted. */
  readonly attempts: number
  /** For how long, since its first failure, an operation is tried again. */
  readonly duration: Duration.Duration
  /** The longest first pause; it doubles with each further failure. */
  readonly firstDelay: Duration.Duration
  /** The longest pause ever. */
  readonly longestDelay: Duration.Duration
  /** A longer `Retry-After` than this is not waited for. */
  readonly longestRetryAfter: Duration.Duration
  /** What is added to a `Retry-After`, at random up to this, so that writers do not all come back at once. */
  readonly retryAfterJitter: Duration.Duration
}

/**
 * @since 0.1.0
 * @category models
 */
export const defaults: Options = {
  attempts: 10,
  duration: Duration.minutes(10),
  firstDelay: Duration.millis(250),
  longestDelay: Duration.seconds(20),
  longestRetryAfter: Duration.minutes(5),
  retryAfterJitter: Duration.millis(500)
}

/**
 * Transient failures: exponential with full jitter, capped, so many attempts and so long at most. A 429 costs time, not
 * attempts; its `Retry-After` is waited for in full, unless it is longer than the time left.
 *
 * @since 0.1.0
 * @category schedules
 */
export const transient = (options: Options): Schedule.Schedule<number, GenesysError> =>
  bounded(options, GenesysErrors.isRetryable)

/**
 * 409: the request with this key is still being processed, so the same one is asked about again within the same bounds.
 *
 * @since 0.1.0
 * @category schedules
 */
export const conflict = (options: Options): Schedule.Schedule<number, GenesysError> =>
  bounded(options, (error) => error._tag === "IdempotencyConflict")

/**
 * How often an export is asked for that is being made: after a second, then ever more rarely, at most ten seconds apart,
 * for so long.
 *
 * @since 0.1.0
 * @category schedules
 */
export const untilReady = (longest: Duration.Duration): Schedule.Schedule<unknown> =>
  Schedule.exponential(Duration.seconds(1), 1.5).pipe(
    Schedule.union(Schedule.spaced(Duration.seconds(10))),
    Schedule.upTo(longest)
  )

/**
 * Repeats an effect by a schedule. Nothing but the pauses can be interrupted, so the outcome of what was sent is never
 * lost to somebody's haste. Says in the log what it keeps failing with, from the third time on.
 *
 * @since 0.1.0
 */
export const repeatFailed = <A, E extends { readonly message: string }, R>(
  effect: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<number, E>
): Effect.Effect<A, E, R> =>
  Effect.catchAll(effect, (first) =>
    Effect.flatMap(Schedule.driver(schedule), (driver) => {
      let failures = 0
      const again = (error: E): Effect.Effect<A, E, R> =>
        Effect.matchEffect(Effect.interruptible(driver.next(error)), {
          onFailure: () => Effect.fail(error),
          onSuccess: () => {
            const once = Effect.catchAll(effect, again)
            return ++failures < 3
              ? once
              : Effect.zipRight(Effect.logWarning(`${error.message}; trying again after ${failures} failures`), once)
          }
        })
      return again(first)
    })
  ).pipe(Effect.uninterruptible)

interface State {
  readonly since: number
  /** Failures that count against `attempts`. */
  readonly failures: number
  readonly pauses: number
}

const bounded = (
  options: Options,
  while_: (error: GenesysError) => boolean
): Schedule.Schedule<number, GenesysError> => {
  const first = Duration.toMillis(options.firstDelay)
  const longest = Duration.toMillis(options.longestDelay)
  const initial: State = { since: Number.NaN, failures: 0, pauses: 0 }
  return Schedule.makeWithState(initial, (now, error: GenesysError, state) =>
    Effect.map(Random.next, (random) => {
      const since = Number.isNaN(state.since) ? now : state.since
      const limited = error._tag === "RateLimited"
      const failures = state.failures + (limited ? 0 : 1)
      const retryAfter = limited ? error.retryAfter : undefined
      const delay =
        retryAfter === undefined
          ? random * Math.min(longest, first * 2 ** Math.min(state.pauses, 30))
          : Duration.toMillis(retryAfter) + random * Duration.toMillis(options.retryAfterJitter)
      const over =
        !while_(error) ||
        failures >= options.attempts ||
        now + delay > since + Duration.toMillis(options.duration) ||
        (retryAfter !== undefined && Duration.greaterThan(retryAfter, options.longestRetryAfter))
      return [
        { since, failures, pauses: state.pauses + 1 },
        state.pauses + 1,
        over ? ScheduleDecision.done : ScheduleDecision.continueWith(Interval.after(now + delay))
      ] as const
    })
  )
}

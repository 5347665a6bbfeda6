/**
 * The one client that talks to Genesys Cloud: base URL, bearer, timeout, write cap, pacing, retry, and the tagged failures
 * that are left.
 *
 * @since 0.1.0
 */
import * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type * as Redacted from "effect/Redacted"
import { type Answer, send } from "./Answer.js"
import { Auth } from "./Auth.js"
import type { GenesysError } from "./GenesysError.js"
import * as GenesysErrors from "./GenesysError.js"
import * as Pacing from "./Pacing.js"
import * as RetryPolicy from "./RetryPolicy.js"

export type { Answer } from "./Answer.js"

/**
 * A 2xx answer, and what it took.
 *
 * @since 0.1.0
 * @category models
 */
export interface Outcome extends Answer {
  /** HTTP requests sent until this answer. */
  readonly attempts: number
}

/**
 * What an operation took, kept up to date while it runs, so that whoever interrupts it still knows.
 *
 * @since 0.1.0
 * @category models
 */
export interface Trace {
  /** HTTP requests sent so far. */
  attempts: number
  /** The server's id of the last answer, where it gave one. */
  correlationId: string | undefined
}

/**
 * @since 0.1.0
 * @category services
 */
export class HttpClient extends Context.Tag("genesys-dnc/HttpClient")<
  HttpClient,
  {
    /** Where requests go: scheme and host, no slash at the end. */
    readonly apiUrl: string
    /** Requests open at once; whoever asks for more waits. */
    readonly concurrency: number
    /**
     * Sends a request whose URL is a path of the API (`/api/v2/…`). The very same request is sent again where that may
     * help, so whatever must be equal in all attempts (an idempotency key) belongs on it. A failure says in `attempts`
     * how many requests were sent. Interruption ends the waits at once, but waits itself for a request that is on its
     * way. Attempts are added to `trace`.
     */
    readonly execute: (
      request: HttpClientRequest.HttpClientRequest,
      trace?: Trace
    ) => Effect.Effect<Outcome, GenesysError>
  }
>() {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** `https://api.{domain}`. */
  readonly apiUrl: string
  /** Requests open at once. */
  readonly concurrency?: number
  /** Of one attempt. */
  readonly timeout?: Duration.Duration
  readonly retry?: RetryPolicy.Options
}

/**
 * @since 0.1.0
 * @category models
 */
export const defaults = {
  concurrency: 5,
  timeout: Duration.seconds(30),
  retry: RetryPolicy.defaults
} as const

/**
 * Milliseconds from sending one request to its answer, by `status` (an HTTP status or the tag of the failure).
 *
 * @since 0.1.0
 * @category metrics
 */
export const attemptLatency = Metric.timer("genesys-dnc/HttpClient.attempt")

/**
 * Milliseconds from an operation's start to its end, waits and repetitions included.
 *
 * @since 0.1.0
 * @category metrics
 */
export const operationLatency = Metric.timer("genesys-dnc/HttpClient.operation")

/**
 * Requests that were repetitions.
 *
 * @since 0.1.0
 * @category metrics
 */
export const retries = Metric.counter("genesys-dnc/HttpClient.retries", { incremental: true })

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<typeof HttpClient.Service, never, Auth | PlatformHttpClient.HttpClient> =>
  Effect.gen(function* () {
    const auth = yield* Auth
    const concurrency = options.concurrency ?? defaults.concurrency
    const apiUrl = options.apiUrl.replace(/\/+$/, "")
    const retry = options.retry ?? defaults.retry
    const timeout = options.timeout ?? defaults.timeout
    const pacing = yield* Pacing.make({
      concurrency,
      jitter: retry.retryAfterJitter
    })
    // our own spans and metrics tell more than a second pair for each request would
    const client = PlatformHttpClient.withTracerDisabledWhen(yield* PlatformHttpClient.HttpClient, () => true).pipe(
      PlatformHttpClient.mapRequest(HttpClientRequest.prependUrl(apiUrl))
    )

    const execute = (
      request: HttpClientRequest.HttpClientRequest,
      trace: Trace = { attempts: 0, correlationId: undefined }
    ): Effect.Effect<Outcome, GenesysError> =>
      Effect.suspend(() => {
        const before = trace.attempts
        let renewed = false
        const answered = ({ correlationId }: { readonly correlationId?: string | undefined }) =>
          Effect.sync(() => {
            trace.correlationId = correlationId
          })

        const exchange = (token: Redacted.Redacted) =>
          send(client, HttpClientRequest.bearerToken(request, token), timeout).pipe(
            timed(attemptLatency),
            Effect.tapError((error) =>
              error._tag === "RateLimited" &&
              error.retryAfter !== undefined &&
              Duration.lessThanOrEqualTo(error.retryAfter, retry.longestRetryAfter)
                ? pacing.hold(error.retryAfter)
                : Effect.void
            ),
            Effect.tapBoth({ onFailure: answered, onSuccess: answered }),
            Effect.withSpan("genesys-dnc/HttpClient.attempt", { attributes: { attempt: trace.attempts - before } })
          )

        // Auth has its own retries: its failures are final here, so they go through this client's untouched, as a Left
        const attempt: Effect.Effect<Either.Either<Answer, GenesysError>, GenesysError> = Effect.flatMap(
          Effect.either(Effect.interruptible(auth.token)),
          (token) => {
            if (Either.isLeft(token)) return Effect.succeed(Either.left(token.left))
            const counted = Effect.suspend(() => {
              trace.attempts++
              return trace.attempts - before > 1
                ? Effect.zipRight(Metric.increment(retries), exchange(token.right))
                : exchange(token.right)
            })
            return pacing.run(counted).pipe(
              Effect.map(Either.right),
              Effect.catchIf(
                (error) => error._tag === "Unauthorized" && !renewed,
                () => {
                  renewed = true
                  return Effect.zipRight(auth.invalidate(token.right), attempt)
                }
              )
            )
          }
        )

        return RetryPolicy.repeatFailed(attempt, RetryPolicy.transient(retry)).pipe(
          Effect.flatten,
          Effect.mapBoth({
            onFailure: (error) => GenesysErrors.withAttempts(error, trace.attempts - before),
            onSuccess: (answer) => ({ ...answer, attempts: trace.attempts - before })
          })
        )
      }).pipe(
        timed(operationLatency),
        Effect.withSpan("genesys-dnc/HttpClient.execute", {
          attributes: { "http.request.method": request.method, "url.path": request.url }
        }),
        Effect.uninterruptible
      )

    return HttpClient.of({ apiUrl, concurrency, execute })
  })

/** Records milliseconds by `status`: an HTTP status, or the tag of the failure. */
const timed =
  (metric: typeof attemptLatency) =>
  <A extends Answer>(effect: Effect.Effect<A, GenesysError>): Effect.Effect<A, GenesysError> =>
    Effect.flatMap(Clock.currentTimeMillis, (start) => {
      const record = (status: string) =>
        Effect.flatMap(Clock.currentTimeMillis, (end) =>
          Metric.update(Metric.tagged(metric, "status", status), Duration.millis(end - start))
        )
      return Effect.tapBoth(effect, {
        onFailure: (error) => record(error._tag),
        onSuccess: (answer) => record(String(answer.status))
      })
    })

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<HttpClient, never, Auth | PlatformHttpClient.HttpClient> =>
  Layer.effect(HttpClient, make(options))

/**
 * Reads its options from configuration.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config.Wrap<Options>
): Layer.Layer<HttpClient, ConfigError.ConfigError, Auth | PlatformHttpClient.HttpClient> =>
  Layer.effect(HttpClient, Effect.flatMap(Config.unwrap(options), make))

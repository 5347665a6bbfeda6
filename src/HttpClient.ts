/**
 * The one client that talks to Genesys Cloud: base URL, bearer, timeout, write cap, pacing, retry, and the tagged failures
 * that are left.
 *
 * @since 0.1.0
 */
import * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as MetricKey from "effect/MetricKey"
import * as MetricLabel from "effect/MetricLabel"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { type Answer, broken, late, open, parseRetryAfter, send } from "./Answer.js"
import { Auth } from "./Auth.js"
import type { GenesysError } from "./GenesysError.js"
import * as GenesysErrors from "./GenesysError.js"
import * as Puts from "./HttpClient/put.js"
import * as Pacing from "./Pacing.js"
import * as Region from "./Region.js"
import * as RetryPolicy from "./RetryPolicy.js"
import * as Span from "./Span.js"

export type { Answer } from "./Answer.js"
export type { Put } from "./HttpClient/put.js"

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
    /** Requests open at once, at most; whoever asks for more waits. */
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
    /**
     * The bytes that a URL of the API's own host, or of another host of its region, gives. Retried until they begin, not
     * after; a pause between them longer than the timeout of a request fails. Redirections are followed, and the bearer goes
     * to no other host than those: a URL that begins elsewhere fails with `UnexpectedResponse`, and nothing is sent.
     */
    readonly stream: (url: string) => Stream.Stream<Uint8Array, GenesysError>
    /**
     * Brings a file to a signed address of another host: by `https:` (or on this machine), with exactly these headers, no
     * bearer, no redirection followed. Retried as a whole where that may help, as the same bytes in the same place change
     * nothing. A 4xx is `BadRequest`. Attempts are added to `trace`.
     */
    readonly put: (put: Puts.Put, trace?: Trace) => Effect.Effect<void, GenesysError>
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
  readonly concurrency?: Pacing.Concurrency
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

const attemptName = "genesys-dnc/HttpClient.attempt"
const operationName = "genesys-dnc/HttpClient.operation"

/**
 * Milliseconds from sending one request to its answer, by `status` (an HTTP status or the tag of the failure).
 *
 * @since 0.1.0
 * @category metrics
 */
export const attemptLatency = Metric.timer(attemptName)

/**
 * Milliseconds from an operation's start to its end, waits and repetitions included.
 *
 * @since 0.1.0
 * @category metrics
 */
export const operationLatency = Metric.timer(operationName)

export {
  /**
   * How many requests may be open at once, where that is learnt (`concurrency: { upTo }`).
   *
   * @since 0.1.0
   * @category metrics
   */
  concurrencyLimit
} from "./Pacing.js"

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
    const transient = RetryPolicy.transient(retry)
    const timeout = options.timeout ?? defaults.timeout
    const pacing = Pacing.make({ concurrency, jitter: retry.retryAfterJitter })
    const client = yield* PlatformHttpClient.HttpClient
    const ofApi = PlatformHttpClient.mapRequest(client, HttpClientRequest.prependUrl(apiUrl))
    // for what does not go through `send`, which makes none either: our own spans tell more
    const bare = PlatformHttpClient.withTracerDisabledWhen(client, () => true)

    const learn = ({ headers, status }: HttpClientResponse.HttpClientResponse, now: number): void =>
      pacing.learn(
        now,
        headers,
        status === 429 ? (parseRetryAfter(headers["retry-after"], now) ?? Duration.zero) : undefined
      )

    /** Keeps all from sending for as long as a 429 says. */
    const wait = (error: GenesysError, now: number): void => {
      if (
        error._tag === "RateLimited" &&
        error.retryAfter !== undefined &&
        Duration.lessThanOrEqualTo(error.retryAfter, retry.longestRetryAfter)
      ) {
        pacing.hold(now, error.retryAfter)
      }
    }

    /** All attempts of one operation, each with a token that is good at the time; gives how many they were. */
    const repeatedly = <A>(
      once: (token: Redacted.Redacted, attempt: number) => Effect.Effect<A, GenesysError>,
      trace: Trace = { attempts: 0, correlationId: undefined }
    ): Effect.Effect<readonly [value: A, attempts: number], GenesysError> =>
      Effect.suspend(() => {
        const before = trace.attempts
        const attempts = () => trace.attempts - before
        let renewed = false

        const counted = (token: Redacted.Redacted) =>
          Effect.suspend(() => {
            trace.attempts++
            const sent = once(token, attempts())
            return attempts() > 1 ? Effect.zipRight(Metric.increment(retries), sent) : sent
          })

        // Auth has its own retries: its failures are final here, so they go through this client's untouched, as a Left
        const attempt: Effect.Effect<Either.Either<A, GenesysError>, GenesysError> = Effect.matchEffect(
          Effect.interruptible(auth.token),
          {
            onFailure: (error) => Effect.succeed(Either.left(error)),
            onSuccess: (token) =>
              Effect.matchEffect(pacing.run(counted(token)), {
                onFailure: (error) => {
                  if (error._tag !== "Unauthorized" || renewed) return Effect.fail(error)
                  renewed = true
                  return Effect.zipRight(auth.invalidate(token), attempt)
                },
                onSuccess: (value) => Effect.succeed(Either.right(value))
              })
          }
        )
        const failed = (error: GenesysError) => Effect.fail(GenesysErrors.withAttempts(error, attempts()))

        return Effect.matchEffect(RetryPolicy.repeatFailed(attempt, transient), {
          onFailure: failed,
          onSuccess: Either.match({
            onLeft: failed,
            onRight: (value) => Effect.succeed([value, attempts()] as const)
          })
        })
      })

    const execute = (
      request: HttpClientRequest.HttpClientRequest,
      trace: Trace = { attempts: 0, correlationId: undefined }
    ): Effect.Effect<Outcome, GenesysError> => {
      const exchange = (token: Redacted.Redacted, attempt: number) =>
        timedAttempt(send(ofApi, HttpClientRequest.bearerToken(request, token), timeout, learn), (result, now) => {
          trace.correlationId = result.correlationId
          if ("_tag" in result) wait(result, now)
        }).pipe(Span.within("genesys-dnc/HttpClient.attempt", { attempt }))
      return timedOperation(
        Effect.map(repeatedly(exchange, trace), ([answer, attempts]): Outcome => ({ ...answer, attempts }))
      ).pipe(
        Span.within("genesys-dnc/HttpClient.execute", {
          "http.request.method": request.method,
          "url.path": request.url
        }),
        Effect.uninterruptible
      )
    }

    /** Follows redirections: what a host outside of the region gets is the URL alone. */
    const download = (url: URL, token: Redacted.Redacted, left = longestChain): Effect.Effect<Opened, GenesysError> => {
      const request = HttpClientRequest.get(url.href)
      return Effect.flatMap(
        open(bare, mayHaveBearer(apiUrl, url) ? HttpClientRequest.bearerToken(request, token) : request, timeout),
        (response) => {
          if (response.status < 300) return Effect.succeed({ response, url })
          const location = response.headers["location"]
          const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined
          return left > 0 && next !== undefined && (next.protocol === "https:" || mayHaveBearer(apiUrl, next))
            ? download(next, token, left - 1)
            : Effect.fail(
                new GenesysErrors.UnexpectedResponse({
                  message: `GET ${nameOf(url)} was redirected ${left > 0 ? `to ${next?.origin ?? "no URL"}, which is not followed` : "too often"}`,
                  hint: "What is downloaded is expected at the API's own host, or by https: elsewhere.",
                  status: response.status
                })
              )
        }
      )
    }

    const stream = (text: string): Stream.Stream<Uint8Array, GenesysError> => {
      const whole = text.startsWith("/") ? `${apiUrl}${text}` : text
      const url = URL.canParse(whole) ? new URL(whole) : undefined
      if (url === undefined || !mayHaveBearer(apiUrl, url)) {
        return Stream.fail(
          new GenesysErrors.UnexpectedResponse({
            message: `The server names ${url?.origin ?? "what is no URL"} for a download, which is not of the region of ${apiUrl}; the token is not sent there`,
            hint: "Check the API URL. Behind a gateway, downloads have to be led through it too."
          })
        )
      }
      return Stream.unwrap(
        Effect.map(
          repeatedly((token) =>
            Effect.tapError(download(url, token), (error) =>
              Effect.map(Clock.currentTimeMillis, (now) => wait(error, now))
            )
          ),
          ([{ response, url }]) =>
            response.stream.pipe(
              Stream.mapError((error) => broken(`GET ${nameOf(url)}`, error)),
              Stream.timeoutFail(() => late(`More of GET ${nameOf(url)}`, timeout), timeout)
            )
        )
      )
    }

    const put = (put: Puts.Put, trace: Trace = { attempts: 0, correlationId: undefined }) =>
      Effect.suspend(() => {
        const before = trace.attempts
        const once = Effect.suspend(() => {
          trace.attempts++
          return Puts.send(bare, put, timeout)
        })
        return RetryPolicy.repeatFailed(once, transient).pipe(
          Effect.mapError((error) => GenesysErrors.withAttempts(error, trace.attempts - before))
        )
      }).pipe(Effect.withSpan("genesys-dnc/HttpClient.put"))

    return HttpClient.of({ apiUrl, concurrency: Pacing.most(concurrency), execute, stream, put })
  })

interface Opened {
  readonly response: HttpClientResponse.HttpClientResponse
  readonly url: URL
}

/** Redirections in a row that are followed. */
const longestChain = 5

/** A URL without its query, which may be a key to what it names. */
const nameOf = (url: URL): string => `${url.origin}${url.pathname}`

/** True for the API's own origin, and for every host of its region by `https:`. */
const mayHaveBearer = (apiUrl: string, url: URL): boolean => {
  const api = new URL(apiUrl)
  if (url.origin === api.origin) return true
  const domain = Object.values(Region.domains).find((domain) => api.hostname === `api.${domain}`)
  return domain !== undefined && url.protocol === "https:" && url.port === "" && url.hostname.endsWith(`.${domain}`)
}

/** Records milliseconds by `status`: an HTTP status, or the tag of the failure. `ended` is told of either, and the time. */
const timed = (name: string, { keyType }: typeof attemptLatency) => {
  const byStatus = new Map<string, Metric.Metric.Histogram<number>>()
  /** The timer with this tag, but with a key of its own: `Metric.tagged` makes the key and looks it up at each update. */
  const ofStatus = (status: string): Metric.Metric.Histogram<number> => {
    const known = byStatus.get(status)
    if (known !== undefined) return known
    const key = MetricKey.taggedWithLabels(MetricKey.histogram(name, keyType.boundaries), [
      MetricLabel.make("time_unit", "milliseconds"),
      MetricLabel.make("status", status)
    ])
    const made = Metric.fromMetricKey(key)
    byStatus.set(status, made)
    return made
  }
  return <A extends Answer>(
    effect: Effect.Effect<A, GenesysError>,
    ended?: (result: A | GenesysError, now: number) => void
  ): Effect.Effect<A, GenesysError> =>
    Effect.clockWith((clock) => {
      const start = clock.unsafeCurrentTimeMillis()
      const recorded = (result: A | GenesysError, status: string, then: Effect.Effect<A, GenesysError>) => {
        const now = clock.unsafeCurrentTimeMillis()
        ended?.(result, now)
        // in one step, where `Metric.update` takes three
        return FiberRef.getWith(FiberRef.currentMetricLabels, (labels) => {
          ofStatus(status).unsafeUpdate(now - start, labels)
          return then
        })
      }
      return Effect.matchEffect(effect, {
        onFailure: (error) => recorded(error, error._tag, Effect.fail(error)),
        onSuccess: (answer) => recorded(answer, String(answer.status), Effect.succeed(answer))
      })
    })
}

const timedAttempt = timed(attemptName, attemptLatency)
const timedOperation = timed(operationName, operationLatency)

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

/**
 * One HTTP request and what came back: sent, read to its end within the time limit (or left open, to be streamed), and
 * told apart. No retries here.
 *
 * @since 0.1.0
 */
import type * as Headers from "@effect/platform/Headers"
import * as PlatformHttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as Stream from "effect/Stream"
import type { GenesysError } from "./GenesysError.js"
import * as GenesysErrors from "./GenesysError.js"
import { brief, mask } from "./Masking.js"

/**
 * A 2xx answer.
 *
 * @since 0.1.0
 * @category models
 */
export interface Answer {
  readonly status: number
  /** The parsed JSON body; `undefined` where there was none. */
  readonly body: unknown
  readonly correlationId: string | undefined
  /** By lower-case name: `date`, `inin-ratelimit-count`, … */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Sends one request and reads its whole answer. Once sent it is not interrupted: whoever interrupts waits for the answer
 * or for `timeout`, so that what became of the request is known. `begun` is told when the answer begins.
 *
 * @since 0.1.0
 */
export const send = (
  client: PlatformHttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest,
  timeout: Duration.Duration,
  begun?: (response: HttpClientResponse.HttpClientResponse, now: number) => void
): Effect.Effect<Answer, GenesysError> =>
  Effect.clockWith((clock) => {
    const name = `${request.method} ${request.url}`
    const exchange = Effect.flatMap(client.execute(request), (response) => {
      begun?.(response, clock.unsafeCurrentTimeMillis())
      return Effect.map(textOf(response), (text) => ({ response, text }))
    })
    return Effect.flatMap(toItsEnd(exchange, timeout, clock), (exit) => {
      if (exit === undefined) return Effect.fail(late(name, timeout))
      if (Exit.isSuccess(exit)) {
        const { response, text } = exit.value
        return read(name, response.status, response.headers, text, clock.unsafeCurrentTimeMillis())
      }
      return Effect.failCause(Cause.map(exit.cause, (error) => unread(name, error)))
    })
  })

/**
 * How it ended, or `undefined` where it took longer. Whoever interrupts it waits for that. `timeoutFail` takes two more
 * fibers.
 */
const toItsEnd = <A, E>(
  effect: Effect.Effect<A, E>,
  longest: Duration.Duration,
  clock: Clock.Clock
): Effect.Effect<Exit.Exit<A, E> | undefined> =>
  Effect.suspend(() => {
    // not the fiber's own exit: Effect keeps fibers in a Set, whose outgrown tables hold them until V8's next full collection
    let ended: Exit.Exit<A, E> | undefined
    const kept = Effect.map(Effect.exit(Effect.interruptible(untraced(effect))), (exit) => {
      ended = exit
    })
    // daemons: an interruption reaches a fiber's children even while the fiber itself cannot be interrupted
    return Effect.flatMap(Effect.forkDaemon(kept), (fiber) => {
      let isLate = false
      const limit = (): void => {
        isLate = true
        fiber.unsafeInterruptAsFork(fiber.id())
      }
      return Effect.flatMap(after(longest, limit, clock), (cancel) =>
        Effect.async<Exit.Exit<A, E> | undefined>((resume) =>
          fiber.addObserver(() => {
            cancel()
            resume(Effect.succeed(isLate && ended !== undefined && Exit.isInterrupted(ended) ? undefined : ended))
          })
        )
      )
    })
  }).pipe(Effect.uninterruptible)

/** Calls the function once so much time has passed, unless what it gives is called before. */
const after = (duration: Duration.Duration, f: () => void, clock: Clock.Clock): Effect.Effect<() => void> => {
  const millis = Duration.toMillis(duration)
  // a fiber for each request that does nothing but wait costs as much as what sends it
  if (clock === live && millis <= longestTimer) {
    return Effect.sync(() => {
      const timer = setTimeout(f, millis)
      return () => clearTimeout(timer)
    })
  }
  const sleeping = Effect.andThen(clock.sleep(duration), f)
  return Effect.map(
    Effect.forkDaemon(Effect.interruptible(sleeping)),
    (timer) => () => timer.unsafeInterruptAsFork(timer.id())
  )
}

const live = Context.get(DefaultServices.liveServices, Clock.Clock)

/** Milliseconds; a timer of Node.js that is to wait for longer does not wait at all. */
const longestTimer = 2 ** 31 - 1

/** In a fiber of its own: the client makes no spans, as ours tell more than a second pair for each request would. */
const untraced = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.zipRight(
    FiberRef.set(PlatformHttpClient.currentTracerDisabledWhen, () => true),
    effect
  )

/**
 * Sends one request and gives its answer as soon as it begins: a 2xx, whose body is the caller's to read, or a redirection,
 * which is not followed. For requests that change nothing: an interruption takes effect at once.
 *
 * @since 0.1.0
 */
export const open = (
  client: PlatformHttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest,
  timeout: Duration.Duration
): Effect.Effect<HttpClientResponse.HttpClientResponse, GenesysError> => {
  // a signed URL is a key to what it names, and the key is in its query
  const name = `${request.method} ${request.url.replace(/[?#].*$/s, "")}`
  return client.execute(request).pipe(
    Effect.flatMap((response) => {
      if (response.status >= 200 && response.status < 300) return Effect.succeed({ response, text: "" })
      const whole = textOf(response)
      // of a redirection nothing but its place is wanted, but its connection is free only behind its last byte
      return response.status < 400 && response.headers["location"] !== undefined
        ? Effect.as(Effect.ignore(Effect.timeout(whole, longestRedirection)), { response, text: "" })
        : Effect.map(whole, (text) => ({ response, text }))
    }),
    Effect.mapError((error) => unread(name, error)),
    Effect.timeoutFail({ duration: timeout, onTimeout: () => late(name, timeout) }),
    Effect.interruptible,
    Effect.flatMap(({ response, text }) =>
      text === "" && response.status < 400
        ? Effect.succeed(response)
        : Effect.flatMap(Clock.currentTimeMillis, (now) =>
            Effect.as(read(name, response.status, response.headers, text, now), response)
          )
    )
  )
}

/** For so long a redirection is read to its end; then its connection is broken. */
const longestRedirection = Duration.seconds(5)

/** Of an answer that is read whole, in bytes: far more than any that is known. What is exported is streamed. */
const longestAnswer = 10_000_000

/**
 * The text of an answer, as long as it is no longer than 10 MB.
 *
 * @since 0.1.0
 */
export const textOf = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<string, HttpClientError.ResponseError | "too long"> =>
  Effect.suspend(() => {
    if (isSpent(response as Wrapped) || isShort(response)) return response.text
    const decoder = new TextDecoder()
    let size = 0
    let text = ""
    return Stream.runForEachChunk(response.stream, (chunk) =>
      Effect.suspend(() => {
        for (const bytes of chunk) {
          size += bytes.length
          if (size > longestAnswer) return Effect.fail("too long" as const)
          text += decoder.decode(bytes, { stream: true })
        }
        return Effect.void
      })
    ).pipe(
      Effect.catchIf(
        (error) => error !== "too long" && error.reason === "EmptyBody",
        () => Effect.void
      ),
      Effect.map(() => text + decoder.decode())
    )
  })

/** It says so itself, and HTTP holds it to that; what is packed may be longer than it says. */
const isShort = ({ headers }: HttpClientResponse.HttpClientResponse): boolean =>
  headers["content-encoding"] === undefined && Number(headers["content-length"] ?? Number.NaN) <= longestAnswer

/**
 * A body that broke off before anybody listened, or that somebody has read already: as a stream it would be empty, and no
 * failure; as text it is the failure, or what was read.
 */
const isSpent = (response: Wrapped): boolean => (response.original ?? response).source?.body?.readable === false

/** What the client of Node.js gives; others have no such fields. */
interface Wrapped {
  readonly original?: Wrapped
  readonly source?: { readonly body?: { readonly readable?: boolean } | null }
}

/**
 * The failure that an answer means which was not read to its end.
 *
 * @since 0.1.0
 * @category errors
 */
export const unread = (name: string, error: HttpClientError.HttpClientError | "too long"): GenesysError =>
  error === "too long"
    ? new GenesysErrors.UnexpectedResponse({
        message: `${name} was answered with more than 10 MB, which was not read to its end`,
        hint: "Check the API URL: what answers there is not Genesys Cloud, or it has lost its way."
      })
    : broken(name, error)

/**
 * The failure that no answer, or none to the end, means. The client's own error holds the request with its headers, so
 * only what caused it is kept.
 *
 * @since 0.1.0
 * @category errors
 */
export const broken = (name: string, error: { readonly cause?: unknown }): GenesysErrors.TransportError =>
  new GenesysErrors.TransportError({
    message: `${name} got no whole answer: ${reasonOf(error.cause ?? error)}`,
    hint: "Check that the host is right and reachable from here (proxy, firewall, region).",
    cause: error.cause
  })

/**
 * @since 0.1.0
 * @category errors
 */
export const late = (name: string, timeout: Duration.Duration): GenesysErrors.RequestTimeout =>
  new GenesysErrors.RequestTimeout({
    message: `${name} was not answered within ${Duration.format(timeout)}`,
    hint: "Genesys Cloud or the network is slow; try again later, or raise the timeout."
  })

const read = (
  request: string,
  status: number,
  headers: Headers.Headers,
  text: string,
  now: number
): Effect.Effect<Answer, GenesysError> => {
  const body = parse(text)
  const correlationId = headers["inin-correlation-id"] ?? stringAt(body, "contextId")?.slice(0, 200)
  if (status >= 200 && status < 300) {
    return text === "" || body !== undefined
      ? Effect.succeed({ status, body, correlationId, headers })
      : Effect.fail(
          new GenesysErrors.UnexpectedResponse({
            message: `${request} was answered ${status} with ${looksLike(text)} where JSON was expected`,
            hint: "Check the API URL: what answers there is not Genesys Cloud, or a proxy stands before it.",
            status,
            ...(correlationId === undefined ? {} : { correlationId })
          })
        )
  }
  const words = stringAt(body, "message") ?? stringAt(body, "description") ?? stringAt(body, "error_description")
  return Effect.fail(
    GenesysErrors.fromAnswer({
      request,
      status,
      words: masked(words) ?? (body === undefined && text !== "" ? looksLike(text) : undefined),
      // where a code is expected a server may put a sentence
      code: masked(stringAt(body, "code") ?? stringAt(body, "error")),
      correlationId,
      retryAfter: parseRetryAfter(headers["retry-after"], now),
      limit: limitOf(body),
      body
    })
  )
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const masked = (text: string | undefined): string | undefined => (text === undefined ? undefined : mask(brief(text)))

const looksLike = (text: string): string => (/^\s*</.test(text) ? "an HTML page" : "a text")

const stringAt = (body: unknown, key: string): string | undefined => {
  const value = typeof body === "object" && body !== null ? (body as Record<string, unknown>)[key] : undefined
  return typeof value === "string" ? value : undefined
}

const limitOf = (body: unknown): number | undefined => {
  const limit = typeof body === "object" && body !== null ? (body as { readonly limit?: unknown }).limit : undefined
  const value = typeof limit === "object" && limit !== null ? (limit as { readonly value?: unknown }).value : undefined
  return typeof value === "number" ? value : undefined
}

const reasonOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  const code = (cause as { readonly code?: unknown }).code
  const inner = cause instanceof AggregateError ? cause.errors[0] : undefined
  const said = cause.message === "" && inner instanceof Error ? inner.message : cause.message
  return typeof code === "string" && !said.includes(code) ? `${said} (${code})` : said
}

/**
 * The pause that a `Retry-After` header asks for: whole or broken seconds, or an HTTP date seen from `now` (milliseconds
 * since 1970); `undefined` where it says neither. A date gone by asks for no pause.
 *
 * @since 0.1.0
 */
export const parseRetryAfter = (header: string | undefined, now: number): Duration.Duration | undefined => {
  const value = header?.trim() ?? ""
  if (/^\d+(?:\.\d+)?$/.test(value)) return Duration.seconds(Number(value))
  // the three forms of RFC 9110, all of them GMT, where one of them does not say so; Date.parse alone takes much else
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d{2}:\d{2}:\d{2}/.test(value)) return undefined
  const date = Date.parse(value.endsWith("GMT") ? value : `${value} GMT`)
  return Number.isNaN(date) ? undefined : Duration.millis(Math.max(0, date - now))
}

import * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Exchanges from "../../src/sandbox/Exchanges.js"

/** A request as it arrived. */
export interface Arrived {
  /** Position among all requests, from 0. */
  readonly index: number
  readonly method: string
  readonly url: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** Of the test's clock, in milliseconds. */
  readonly at: number
}

export interface Answered {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** A string goes out as it stands. */
  readonly body?: unknown
  /** Instead of a body. */
  readonly stream?: ReadableStream
}

export const token = (access_token: string, expires_in = 3600): Answered => ({
  status: 200,
  body: { access_token, token_type: "bearer", expires_in }
})

/** A network that answers when, and what, the function says; an error is a connection that broke. */
export const make = (answer: (request: Arrived) => Effect.Effect<Answered, Error>) => {
  const received: Array<Arrived> = []
  const open = { now: 0, most: 0 }
  const client = PlatformHttpClient.make((request, url) =>
    Effect.gen(function* () {
      const text = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
      const arrived: Arrived = {
        index: received.length,
        method: request.method,
        url: url.href,
        path: url.pathname,
        headers: { ...request.headers },
        text,
        at: yield* Clock.currentTimeMillis
      }
      received.push(arrived)
      // what it answers is the test's own invention
      Exchanges.channel.publish({ ...arrived, path: `${url.pathname}${url.search}`, body: text, answer: undefined })
      open.most = Math.max(open.most, ++open.now)
      const { body, headers, status, stream } = yield* answer(arrived).pipe(
        Effect.ensuring(Effect.sync(() => open.now--)),
        Effect.mapError((cause) => new HttpClientError.RequestError({ request, reason: "Transport", cause }))
      )
      const said = stream ?? (body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body))
      return HttpClientResponse.fromWeb(
        request,
        new Response(said, { status, headers: { "content-type": "application/json", ...headers } })
      )
    })
  )
  return { received, open, layer: Layer.succeed(PlatformHttpClient.HttpClient, client) }
}

/** Answers in this order; the last one for ever. */
export const inOrder = (...answers: ReadonlyArray<Answered | Error | "never">) => {
  let next = 0
  return (): Effect.Effect<Answered, Error> => {
    const answer = answers[Math.min(next++, answers.length - 1)]
    if (answer === "never") return Effect.never
    return answer instanceof Error ? Effect.fail(answer) : Effect.succeed(answer)
  }
}

/** Runs an effect whose pauses together are shorter than a day. */
export const throughPauses = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    yield* TestClock.adjust("1 day")
    return yield* fiber
  })

/**
 * The platform's client over keep-alive connections of undici. The one of `@effect/platform-node` makes a URL, an abort
 * signal, a registered wrapper of the answer and a copy of its headers for each look at them; here a request whose body is
 * bytes costs little more than undici itself.
 *
 * @since 0.1.0
 */
import { EventEmitter } from "node:events"
import { Readable } from "node:stream"
import * as Headers from "@effect/platform/Headers"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as UrlParams from "@effect/platform/UrlParams"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Undici from "@effect/platform-node/Undici"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Stream from "effect/Stream"

/**
 * A client over the dispatcher. What limits the time is the caller's; an interruption breaks the connection. An answer has
 * to be read to its end, or its stream be given up, before another request can have its connection.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (dispatcher: Undici.Dispatcher): PlatformHttpClient.HttpClient =>
  PlatformHttpClient.makeWith(
    (request: Effect.Effect<HttpClientRequest.HttpClientRequest>) => Effect.flatMap(request, send(dispatcher)),
    Effect.succeed
  )

const send =
  (dispatcher: Undici.Dispatcher) =>
  (
    request: HttpClientRequest.HttpClientRequest
  ): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError> => {
    const url = UrlParams.makeUrl(request.url, request.urlParams, request.hash)
    return Either.isLeft(url)
      ? Effect.fail(new HttpClientError.RequestError({ request, reason: "InvalidUrl", cause: url.left }))
      : Effect.flatMap(bodyOf(request.body), (body) => exchange(dispatcher, request, url.right, body))
  }

/**
 * As many connections to each host as requests are open there; they end with the layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<PlatformHttpClient.HttpClient> = Layer.scoped(
  PlatformHttpClient.HttpClient,
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Undici.Agent()),
      (agent) => Effect.promise(() => agent.destroy())
    ),
    make
  )
)

type Body = Exclude<Undici.Dispatcher.DispatchOptions["body"], undefined>

const bodyOf = (body: HttpBody.HttpBody): Effect.Effect<Body> => {
  switch (body._tag) {
    case "Empty":
      return Effect.succeed(null)
    case "Uint8Array":
    case "Raw":
      return Effect.succeed(body.body as Uint8Array)
    case "FormData":
      return Effect.succeed(body.formData as Undici.FormData)
    case "Stream":
      return NodeStream.toReadable(body.stream)
  }
}

const exchange = (
  dispatcher: Undici.Dispatcher,
  request: HttpClientRequest.HttpClientRequest,
  { hash, origin, pathname, search }: URL,
  body: Body
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.RequestError> =>
  Effect.async((resume) => {
    const signal = new EventEmitter()
    const options = {
      signal,
      origin,
      path: pathname + search + hash,
      method: request.method,
      headers: request.headers,
      body,
      headersTimeout: 3_600_000,
      bodyTimeout: 0
    }
    dispatcher.request(options, (cause, source) =>
      resume(
        cause === null
          ? Effect.succeed(new PooledResponse(request, source))
          : Effect.fail(new HttpClientError.RequestError({ request, reason: "Transport", cause }))
      )
    )
    return Effect.sync(() => signal.emit("abort"))
  })

/** What is seldom asked of an answer (its cookies, a form) is left to the answer of fetch that is made of it then. */
class PooledResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpIncomingMessage.TypeId]: HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly headers: Headers.Headers
  readonly status: number
  readonly remoteAddress = Option.none<string>()
  #text: Promise<string> | undefined
  #web: HttpClientResponse.HttpClientResponse | undefined

  constructor(
    readonly request: HttpClientRequest.HttpClientRequest,
    readonly source: Undici.Dispatcher.ResponseData
  ) {
    super()
    this.status = source.statusCode
    this.headers = Headers.fromInput(source.headers)
    // whoever reads the body is told; nobody else has to know
    source.body.on("error", () => {})
  }

  get text(): Effect.Effect<string, HttpClientError.ResponseError> {
    return Effect.async((resume) => {
      this.#text ??= this.source.body.text()
      this.#text.then(
        (text) => resume(Effect.succeed(text)),
        (cause) => resume(Effect.fail(this.#broken(cause)))
      )
      return Effect.sync(() => this.source.body.destroy())
    })
  }

  get stream(): Stream.Stream<Uint8Array, HttpClientError.ResponseError> {
    return NodeStream.fromReadable(
      () => this.source.body,
      (cause) => this.#broken(cause)
    )
  }

  get json(): Effect.Effect<unknown, HttpClientError.ResponseError> {
    return Effect.tryMap(this.text, {
      try: (text) => (text === "" ? null : JSON.parse(text)),
      catch: (cause) => this.#broken(cause)
    })
  }

  get urlParamsBody() {
    return this.#other.urlParamsBody
  }

  get arrayBuffer() {
    return this.#other.arrayBuffer
  }

  get formData() {
    return this.#other.formData
  }

  get cookies() {
    return this.#other.cookies
  }

  get #other(): HttpClientResponse.HttpClientResponse {
    const { body, headers, statusCode: status } = this.source
    const said = Object.entries(headers).flatMap(([name, values]) =>
      [values ?? []].flat().map((value): [string, string] => [name, value])
    )
    const hasBody = status !== 204 && status !== 205 && status !== 304
    return (this.#web ??= HttpClientResponse.fromWeb(
      this.request,
      new Response(hasBody ? (Readable.toWeb(body) as ReadableStream) : null, { status, headers: said })
    ))
  }

  #broken(cause: unknown): HttpClientError.ResponseError {
    return new HttpClientError.ResponseError({ request: this.request, response: this, reason: "Decode", cause })
  }

  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, {
      _id: "@effect/platform/HttpClientResponse",
      request: this.request.toJSON(),
      status: this.status
    })
  }
}

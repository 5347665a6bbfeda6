import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as HttpBody from "@effect/platform/HttpBody"
import * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as Answer from "../../src/Answer.js"
import * as Pool from "../../src/HttpClient/pool.js"

/** A server that answers so, at its URL, for as long as the scope. */
const serve = (answer: Http.RequestListener) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<Http.Server>((resume) => {
        const server = Http.createServer(answer).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  )

const execute = (request: HttpClientRequest.HttpClientRequest) =>
  Effect.flatMap(PlatformHttpClient.HttpClient, (client) => client.execute(request))

/** What it got, in hex, with its method, path and one header. */
const echo: Http.RequestListener = (request, response) => {
  const chunks: Array<Buffer> = []
  request.on("data", (chunk) => chunks.push(chunk))
  request.on("end", () => {
    const { headers, method, url } = request
    const length = headers["content-length"] ?? "none"
    response.setHeader("set-cookie", ["a=1", "b=2"])
    response.end(
      JSON.stringify({ method, url, key: headers["x-key"], length, hex: Buffer.concat(chunks).toString("hex") })
    )
  })
}

const test = (
  name: string,
  effect: Effect.Effect<void, unknown, PlatformHttpClient.HttpClient | import("effect/Scope").Scope>
) => it.scopedLive(name, () => Effect.provide(effect, Pool.layer))

describe("pool", () => {
  test(
    "a body of bytes arrives as it is, with the request's headers, path and query",
    Effect.gen(function* () {
      const url = yield* serve(echo)
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
      const response = yield* execute(
        HttpClientRequest.post(`${url}/a%20b`).pipe(
          HttpClientRequest.setUrlParam("q", "ü"),
          HttpClientRequest.setHeader("X-Key", "k"),
          HttpClientRequest.bodyUint8Array(bytes, "application/json")
        )
      )
      assert.strictEqual(response.status, 200)
      assert.deepStrictEqual(yield* response.json, {
        method: "POST",
        url: "/a%20b?q=%C3%BC",
        key: "k",
        length: "256",
        hex: Buffer.from(bytes).toString("hex")
      })
    })
  )

  test(
    "a streamed body of a length that is said",
    Effect.gen(function* () {
      const url = yield* serve(echo)
      const body = HttpBody.stream(Stream.make(Uint8Array.of(1, 2), Uint8Array.of(3)), "application/x", 3)
      const response = yield* execute(
        HttpClientRequest.put(url).pipe(
          HttpClientRequest.setBody(body),
          HttpClientRequest.setHeader("content-length", "3")
        )
      )
      const said = (yield* response.json) as { readonly hex: string; readonly length: string }
      assert.deepStrictEqual([said.hex, said.length], ["010203", "3"])
    })
  )

  test(
    "an answer as text, as often as it is asked for; as a stream; and with its cookies",
    Effect.gen(function* () {
      const url = yield* serve(echo)
      const first = yield* execute(HttpClientRequest.get(url))
      const text = yield* first.text
      assert.include(text, `"method":"GET"`)
      assert.strictEqual(yield* first.text, text)
      assert.deepStrictEqual(first.headers["set-cookie"], "a=1, b=2")

      const second = yield* execute(HttpClientRequest.get(url))
      const chunks = yield* Stream.runCollect(second.stream)
      assert.strictEqual(Buffer.concat(Chunk.toReadonlyArray(chunks)).toString(), text)

      const third = yield* execute(HttpClientRequest.get(url))
      assert.strictEqual(new TextDecoder().decode(yield* third.arrayBuffer), text)
      assert.deepStrictEqual(Object.keys(third.cookies.cookies), ["a", "b"])
    })
  )

  test(
    "RequestError: no URL, and nobody there",
    Effect.gen(function* () {
      const none = yield* Effect.flip(execute(HttpClientRequest.get("not a url")))
      assert.deepStrictEqual([none._tag, none.reason], ["RequestError", "InvalidUrl"])
      const gone = yield* Effect.scoped(serve(echo))
      const refused = yield* Effect.flip(execute(HttpClientRequest.get(gone)))
      assert.deepStrictEqual([refused._tag, refused.reason], ["RequestError", "Transport"])
      assert.strictEqual((refused.cause as { readonly code?: string }).code, "ECONNREFUSED")
    })
  )

  test(
    "ResponseError: a body that breaks off, as text and as a stream",
    Effect.gen(function* () {
      const url = yield* serve((_, response) => {
        response.writeHead(200, { "content-length": 10 })
        response.write("half", () => response.destroy())
      })
      const text = yield* Effect.flatMap(execute(HttpClientRequest.get(url)), (response) => Effect.flip(response.text))
      assert.deepStrictEqual([text._tag, text.reason], ["ResponseError", "Decode"])
      const stream = yield* Effect.flatMap(execute(HttpClientRequest.get(url)), ({ stream }) =>
        Effect.flip(Stream.runDrain(stream))
      )
      assert.strictEqual(stream._tag, "ResponseError")
    })
  )

  test(
    "a redirection leaves its connection to the next request",
    Effect.gen(function* () {
      const connections = new Set<unknown>()
      const url = yield* serve((request, response) => {
        connections.add(request.socket)
        response.writeHead(302, { location: "/other" }).end("x".repeat(100_000))
      })
      const client = yield* PlatformHttpClient.HttpClient
      for (let i = 0; i < 10; i++) {
        const { status } = yield* Answer.open(client, HttpClientRequest.get(url), Duration.seconds(10))
        assert.strictEqual(status, 302)
      }
      // an answer ends a moment before its connection is free
      assert.isAtMost(connections.size, 2)
    })
  )

  for (const begun of [false, true]) {
    test(
      `an interruption breaks the connection ${begun ? "of a body that is being read" : "before there is an answer"}`,
      Effect.gen(function* () {
        const arrived = yield* Deferred.make<void>()
        const closed = yield* Deferred.make<void>()
        const url = yield* serve((_, response) => {
          if (begun) response.write("the beginning")
          response.on("close", () => Deferred.unsafeDone(closed, Effect.void))
          Deferred.unsafeDone(arrived, Effect.void)
        })
        const request = execute(HttpClientRequest.get(url))
        const fiber = yield* Effect.fork(begun ? (yield* request).text : Effect.asVoid(request))
        yield* Deferred.await(arrived)
        yield* Effect.yieldNow()
        yield* Fiber.interrupt(fiber)
        yield* Deferred.await(closed)
      })
    )
  }
})

import { inspect } from "node:util"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { Auth, HttpClient } from "genesys-dnc"
import { Mocks, Stub } from "genesys-dnc/testing"
import * as RateLimit from "../src/sandbox/RateLimit.js"
import * as Network from "./support/network.js"

const apiUrl = "https://api.example.test"

const request = HttpClientRequest.post("/api/v2/outbound/dnclists/list/entries").pipe(
  HttpClientRequest.setHeader("Idempotency-Key", "the-key"),
  HttpClientRequest.bodyUnsafeJson({ phoneNumbers: ["+14155550100"] })
)

const execute = Effect.flatMap(HttpClient.HttpClient, (client) => client.execute(request))

/** The client over a network, with a token that never ends. */
const over = (network: ReturnType<typeof Network.make>, options: Partial<HttpClient.Options> = {}) =>
  Effect.provide(HttpClient.layer({ apiUrl, ...options }).pipe(Layer.provide([Mocks.auth("token"), network.layer])))

/** The client over the stub, with the tokens that the stub gives. */
const overStub = (options: Partial<HttpClient.Options> = {}) =>
  Effect.provide(
    HttpClient.layer({ apiUrl, ...options }).pipe(
      Layer.provide(
        Auth.layer({ loginUrl: "https://login.example.test", clientId: "id", clientSecret: Redacted.make("secret") })
      ),
      Layer.provideMerge(Stub.layer)
    )
  )

/** Tokens that are numbered, and which of them were dropped. */
const numberedTokens = () => {
  let current = 1
  const dropped: Array<string> = []
  const layer = Layer.succeed(
    Auth.Auth,
    Auth.Auth.of({
      token: Effect.sync(() => Redacted.make(`token-${current}`)),
      invalidate: (token) =>
        Effect.sync(() => {
          dropped.push(Redacted.value(token))
          current++
        })
    })
  )
  return { dropped, layer }
}

const ok: Network.Answered = { status: 200, body: { created: 1 } }

describe("HttpClient", () => {
  it.effect("sends the request to the API with the bearer, and gives what came back", () => {
    const network = Network.make(Network.inOrder({ ...ok, headers: { "inin-correlation-id": "the-correlation" } }))
    return Effect.gen(function* () {
      const outcome = yield* execute
      assert.deepStrictEqual(outcome, {
        status: 200,
        body: { created: 1 },
        correlationId: "the-correlation",
        headers: { "content-type": "application/json", "inin-correlation-id": "the-correlation" },
        attempts: 1
      })
      const [sent] = network.received
      assert.strictEqual(sent.url, "https://api.example.test/api/v2/outbound/dnclists/list/entries")
      assert.strictEqual(sent.headers["authorization"], "Bearer token")
      assert.strictEqual(sent.headers["idempotency-key"], "the-key")
      assert.strictEqual(sent.headers["content-type"], "application/json")
    }).pipe(over(network))
  })

  it.effect("an API URL may end with a slash, and have a path", () => {
    const network = Network.make(Network.inOrder(ok))
    return Effect.gen(function* () {
      assert.strictEqual((yield* HttpClient.HttpClient).apiUrl, "http://127.0.0.1:8080/genesys")
      yield* execute
      assert.strictEqual(network.received[0].url, "http://127.0.0.1:8080/genesys/api/v2/outbound/dnclists/list/entries")
    }).pipe(over(network, { apiUrl: "http://127.0.0.1:8080/genesys//" }))
  })

  it.effect("an empty 204 is a success without a body", () =>
    Effect.gen(function* () {
      const { body, status } = yield* execute
      assert.strictEqual(status, 204)
      assert.isUndefined(body)
    }).pipe(over(Network.make(Network.inOrder({ status: 204 }))))
  )

  it.effect("the very same request in every attempt, but for the bearer", () => {
    const tokens = numberedTokens()
    const network = Network.make(
      Network.inOrder({ status: 503 }, { status: 401 }, new Error("reset"), { status: 429 }, { status: 408 }, ok)
    )
    return Effect.gen(function* () {
      const { attempts } = yield* Network.throughPauses(execute)
      assert.strictEqual(attempts, 6)
      assert.strictEqual(network.received.length, 6)
      const said = network.received.map(({ headers: { authorization: _, ...headers }, method, text, url }) => ({
        headers,
        method,
        text,
        url
      }))
      for (const other of said) assert.deepStrictEqual(other, said[0])
      assert.deepStrictEqual(
        network.received.map(({ headers }) => headers["authorization"]),
        ["Bearer token-1", "Bearer token-1", ...Array.from({ length: 4 }, () => "Bearer token-2")]
      )
    }).pipe(Effect.provide(HttpClient.layer({ apiUrl }).pipe(Layer.provide([tokens.layer, network.layer]))))
  })

  it.effect("a 401 drops the token, fetches another and repeats, once", () =>
    Effect.gen(function* () {
      const stub = yield* Stub.Stub
      yield* stub.failNext(1, 401)
      const { attempts } = yield* execute
      assert.strictEqual(attempts, 2)
      assert.deepStrictEqual(
        (yield* stub.received).map(({ path, status }) => [path.split("/").at(-1), status]),
        [
          ["token", 200],
          ["entries", 401],
          ["token", 200],
          ["entries", 200]
        ]
      )
    }).pipe(overStub())
  )

  it.effect("Unauthorized: a second 401", () => {
    const tokens = numberedTokens()
    const network = Network.make(Network.inOrder({ status: 401, body: { message: "No", code: "bad.credentials" } }))
    return Effect.gen(function* () {
      const error = yield* execute.pipe(
        Effect.as(undefined),
        Effect.catchTag("Unauthorized", (error) => Effect.succeed(error))
      )
      assert.strictEqual(error?.attempts, 2)
      assert.strictEqual(error?.code, "bad.credentials")
      assert.include(error?.hint, "client id")
      assert.deepStrictEqual(tokens.dropped, ["token-1"])
    }).pipe(Effect.provide(HttpClient.layer({ apiUrl }).pipe(Layer.provide([tokens.layer, network.layer]))))
  })

  it.effect("each operation may renew the token once for itself", () => {
    const network = Network.make(({ headers, index }) =>
      Effect.succeed(index % 2 === 0 ? { status: 401 } : { ...ok, headers: { "x-token": headers["authorization"] } })
    )
    const tokens = numberedTokens()
    return Effect.gen(function* () {
      yield* execute
      yield* execute
      assert.deepStrictEqual(tokens.dropped, ["token-1", "token-2"])
    }).pipe(Effect.provide(HttpClient.layer({ apiUrl }).pipe(Layer.provide([tokens.layer, network.layer]))))
  })

  it.effect("Unauthorized: credentials that the token endpoint refuses, and nothing is sent", () =>
    Effect.gen(function* () {
      const stub = yield* Stub.Stub
      yield* stub.failNext(9, 401, { path: "/oauth/token", body: { error: "invalid_client" } })
      const error = yield* Effect.flip(execute)
      assert.strictEqual(error._tag, "Unauthorized")
      assert.strictEqual(error.attempts, 0)
      assert.deepStrictEqual(
        (yield* stub.received).map(({ path }) => path),
        ["/oauth/token"]
      )
    }).pipe(overStub())
  )

  it.effect("what Auth has tried ten times is not tried ten times ten", () =>
    Effect.gen(function* () {
      const stub = yield* Stub.Stub
      yield* stub.failNext(1000, 503, { path: "/oauth/token" })
      assert.strictEqual((yield* Effect.flip(Network.throughPauses(execute)))._tag, "ServerError")
      assert.strictEqual((yield* stub.received).length, 10)
    }).pipe(overStub())
  )

  const wire = {
    Forbidden: { status: 403, body: { code: "missing.permissions", message: "Missing: outbound:dnc:add" } },
    NotFound: { status: 404, body: { code: "not.found", message: "No such list" } },
    IdempotencyConflict: { status: 409, body: { code: "in.progress", message: "Being processed" } },
    UnprocessableEntries: { status: 422, body: { code: "invalid.value", message: "Some are refused" } },
    BadRequest: { status: 400, body: { code: "bad.request", message: "No such reason" } },
    PayloadTooLarge: { status: 413, body: { code: "too.large", message: "Too many" } },
    UnexpectedResponse: { status: 302, body: { code: "moved", message: "A sign-in page, perhaps" } }
  } as const
  for (const [tag, answer] of Object.entries(wire)) {
    it.effect(`${tag}: ${answer.status}, asked once`, () => {
      const network = Network.make(
        Network.inOrder({ ...answer, headers: { "inin-correlation-id": "the-correlation" } })
      )
      return Effect.gen(function* () {
        const error = yield* execute.pipe(
          Effect.as(undefined),
          Effect.catchTag(tag as keyof typeof wire, (error) => Effect.succeed(error))
        )
        assert.strictEqual(error?._tag, tag)
        assert.strictEqual(error?.status, answer.status)
        assert.strictEqual(error?.code, answer.body.code)
        assert.strictEqual(error?.correlationId, "the-correlation")
        assert.strictEqual(error?.attempts, 1)
        assert.include(error?.message, answer.body.message)
        assert.isAbove(error?.hint.length ?? 0, 10)
        assert.strictEqual(network.received.length, 1)
      }).pipe(over(network))
    })
  }

  it.effect("the body of a refusal goes along, for who takes the batch apart", () =>
    Effect.gen(function* () {
      const body = { errors: [{ phoneNumber: "+14155550100" }] }
      const error = yield* execute.pipe(
        Effect.as(undefined),
        Effect.catchTag("UnprocessableEntries", (error) => Effect.succeed(error))
      )
      assert.deepStrictEqual(Redacted.value(error!.body!), body)
      assert.notInclude(inspect(error, { depth: 20 }), "4155550100")
    }).pipe(over(Network.make(Network.inOrder({ status: 422, body: { errors: [{ phoneNumber: "+14155550100" }] } }))))
  )

  it.effect("RateLimited: a Retry-After beyond 5 minutes, with what it asked for", () => {
    const network = Network.make(Network.inOrder({ status: 429, headers: { "retry-after": "301" } }))
    return Effect.gen(function* () {
      const error = yield* execute.pipe(
        Effect.as(undefined),
        Effect.catchTag("RateLimited", (error) => Effect.succeed(error))
      )
      assert.strictEqual(Duration.toSeconds(error!.retryAfter!), 301)
      assert.strictEqual(error?.attempts, 1)
      assert.strictEqual(error?.status, 429)
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
    }).pipe(over(network))
  })

  for (const status of [500, 502, 503, 504]) {
    it.effect(`ServerError: ${status} ten times`, () => {
      const network = Network.make(Network.inOrder({ status, body: { contextId: "from-the-body" } }))
      return Effect.gen(function* () {
        const error = yield* Network.throughPauses(execute).pipe(
          Effect.as(undefined),
          Effect.catchTag("ServerError", (error) => Effect.succeed(error))
        )
        assert.strictEqual(error?.status, status)
        assert.strictEqual(error?.attempts, 10)
        assert.strictEqual(error?.correlationId, "from-the-body")
        assert.strictEqual(network.received.length, 10)
      }).pipe(over(network))
    })
  }

  it.effect("ServerError: 501 is asked once", () => {
    const network = Network.make(Network.inOrder({ status: 501 }))
    return Effect.gen(function* () {
      const error = yield* Effect.flip(execute)
      assert.strictEqual(error._tag, "ServerError")
      assert.strictEqual(network.received.length, 1)
    }).pipe(over(network))
  })

  it.effect("TransportError: no connection ten times, and why", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:9"), { code: "ECONNREFUSED" })
    const network = Network.make(Network.inOrder(refused))
    return Effect.gen(function* () {
      const error = yield* Network.throughPauses(execute).pipe(
        Effect.as(undefined),
        Effect.catchTag("TransportError", (error) => Effect.succeed(error))
      )
      assert.strictEqual(error?.attempts, 10)
      assert.include(error?.message, "ECONNREFUSED")
      assert.include(String(error?.cause), refused.message)
      assert.isUndefined(error?.status)
      assert.strictEqual(network.received.length, 10)
    }).pipe(over(network))
  })

  it.effect("TransportError: an answer that breaks off, tried again", () => {
    const broken = () =>
      new ReadableStream({
        start: (controller) => {
          controller.enqueue(new TextEncoder().encode('{"created":'))
          controller.error(new Error("terminated"))
        }
      })
    let count = 0
    const network = Network.make(() => Effect.sync(() => (++count === 3 ? ok : { status: 200, stream: broken() })))
    return Effect.gen(function* () {
      const { attempts } = yield* Network.throughPauses(execute)
      assert.strictEqual(attempts, 3)
    }).pipe(over(network))
  })

  it.effect("RequestTimeout: 30 seconds for each attempt, tried again", () => {
    const network = Network.make(Network.inOrder("never"))
    return Effect.gen(function* () {
      const error = yield* Network.throughPauses(execute).pipe(
        Effect.as(undefined),
        Effect.catchTag("RequestTimeout", (error) => Effect.succeed(error))
      )
      assert.include(error?.message, "30s")
      assert.strictEqual(error?.attempts, 10)
      const at = network.received.map(({ at }) => at)
      assert.isAtLeast(at[1], 30_000)
      assert.isAtMost(at[1], 30_250)
      assert.strictEqual(network.open.now, 0)
    }).pipe(over(network))
  })

  it.effect("a request that is answered after 29 seconds is no timeout", () => {
    const network = Network.make(() => Effect.delay(Effect.succeed(ok), "29999 millis"))
    return Effect.gen(function* () {
      assert.strictEqual((yield* Network.throughPauses(execute)).attempts, 1)
    }).pipe(over(network))
  })

  it.live("RequestTimeout by the live clock, and none at once where the limit is longer than a timer can count", () => {
    const retry = { ...HttpClient.defaults.retry, attempts: 1 }
    const silent = Network.make(Network.inOrder("never"))
    const slow = Network.make(() => Effect.delay(Effect.succeed(ok), "20 millis"))
    return Effect.gen(function* () {
      const error = yield* Effect.flip(execute.pipe(over(silent, { timeout: Duration.millis(20), retry })))
      assert.strictEqual(error._tag, "RequestTimeout")
      const answer = yield* execute.pipe(over(slow, { timeout: Duration.days(30), retry }))
      assert.strictEqual(answer.status, 200)
    })
  })

  it.effect("RequestTimeout: 408, tried again", () => {
    const network = Network.make(Network.inOrder({ status: 408 }))
    return Effect.gen(function* () {
      const error = yield* Effect.flip(Network.throughPauses(execute))
      assert.strictEqual(error._tag, "RequestTimeout")
      assert.strictEqual(error.status, 408)
      assert.strictEqual(network.received.length, 10)
    }).pipe(over(network))
  })

  for (const [name, body, looks] of [
    ["a page of HTML", "<!DOCTYPE html><title>Sign in</title>", "an HTML page"],
    ["JSON that is cut short", '{"created": 1, "dupl', "a text"]
  ] as const) {
    it.effect(`UnexpectedResponse: 200 with ${name}`, () => {
      const network = Network.make(
        Network.inOrder({ status: 200, body, headers: { "content-type": "text/html", "inin-correlation-id": "id" } })
      )
      return Effect.gen(function* () {
        const error = yield* execute.pipe(
          Effect.as(undefined),
          Effect.catchTag("UnexpectedResponse", (error) => Effect.succeed(error))
        )
        assert.include(error?.message, looks)
        assert.include(error?.hint, "API URL")
        assert.strictEqual(error?.status, 200)
        assert.strictEqual(error?.attempts, 1)
        assert.strictEqual(error?.correlationId, "id")
      }).pipe(over(network))
    })
  }

  it.effect("a failure in HTML keeps its tag and shows no HTML", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(execute)
      assert.strictEqual(error._tag, "Forbidden")
      assert.include(error.message, "an HTML page")
      assert.notInclude(error.message, "<")
    }).pipe(over(Network.make(Network.inOrder({ status: 403, body: "<html>WAF</html>" }))))
  )

  it.effect("no error shows a whole number, or the token", () =>
    Effect.gen(function* () {
      for (const body of [
        { message: "Number +14155550100 is refused", code: "invalid.value" },
        { error: "Number +1 (415) 555-0100 is refused" },
        { description: "4155550100" },
        { code: "bad 4155550100", message: "?" }
      ]) {
        const cause = yield* Effect.flip(Effect.sandbox(execute)).pipe(
          over(Network.make(Network.inOrder({ status: 422, body })))
        )
        const error = Cause.squash(cause)
        for (const shown of [
          Cause.pretty(cause, { renderErrorCause: true }),
          JSON.stringify(error),
          inspect(error, { depth: 20 })
        ]) {
          assert.notInclude(shown, "4155550100")
          assert.notInclude(shown, "555-0100")
          assert.notInclude(shown, "Bearer")
        }
      }
    })
  )

  it.effect("a broken connection does not show the token either", () =>
    Effect.gen(function* () {
      const cause = yield* Effect.flip(Effect.sandbox(Network.throughPauses(execute)))
      for (const shown of [
        Cause.pretty(cause, { renderErrorCause: true }),
        JSON.stringify(cause),
        inspect(Cause.squash(cause), { depth: 20, showHidden: true })
      ]) {
        assert.notInclude(shown, "a-secret-token")
      }
    }).pipe(
      Effect.provide(
        HttpClient.layer({ apiUrl }).pipe(
          Layer.provide([Mocks.auth("a-secret-token"), Network.make(Network.inOrder(new Error("reset"))).layer])
        )
      )
    )
  )

  for (const [form, value] of [
    ["seconds", "60"],
    ["a date", "Thu, 01 Jan 1970 00:01:00 GMT"]
  ] as const) {
    it.effect(`a Retry-After in ${form} holds the other writers too, each with a jitter of its own`, () => {
      const network = Network.make(Network.inOrder({ status: 429, headers: { "retry-after": value } }, ok))
      return Effect.gen(function* () {
        const first = yield* Effect.fork(execute)
        yield* TestClock.adjust("1 seconds")
        const others = yield* Effect.fork(
          Effect.all(
            Array.from({ length: 6 }, () => execute),
            { concurrency: "unbounded" }
          )
        )
        yield* TestClock.adjust("58999 millis")
        assert.strictEqual(network.received.length, 1)
        yield* TestClock.adjust("501 millis")
        assert.strictEqual((yield* first).attempts, 2)
        for (const { attempts } of yield* others) assert.strictEqual(attempts, 1)
        assert.strictEqual(network.received.length, 8)
        assert.isAbove(new Set(network.received.map(({ at }) => at)).size, 4)
      }).pipe(over(network))
    })
  }

  it.effect("never asks for more than the server says that it allows", () => {
    const limit = RateLimit.make({ now: () => now, rateLimit: { requests: 10, windowSeconds: 60 } })
    let now = 0
    const network = Network.make(({ at }) =>
      Effect.sync(() => {
        now = at
        const { headers, retryAfter } = limit.take("token")
        return retryAfter === undefined ? { ...ok, headers } : { status: 429, headers }
      })
    )
    return Effect.gen(function* () {
      const answers = yield* Network.throughPauses(Effect.all(Array.from({ length: 30 }, () => execute)))
      assert.isTrue(answers.every(({ attempts }) => attempts === 1))
      const windows = network.received.map(({ at }) => Math.floor(at / 60_000))
      assert.deepStrictEqual(
        [0, 1, 2].map((window) => windows.filter((of) => of === window).length),
        [10, 10, 10]
      )
    }).pipe(over(network))
  })

  it.effect("a Retry-After that is not waited for holds nobody", () => {
    const network = Network.make(Network.inOrder({ status: 429, headers: { "retry-after": "3600" } }, ok))
    return Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(execute))._tag, "RateLimited")
      yield* execute
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
    }).pipe(over(network))
  })

  it.effect("what backs off leaves its place to others", () => {
    const network = Network.make(({ index }) => Effect.succeed(index === 0 ? { status: 503 } : ok))
    return Effect.gen(function* () {
      yield* Effect.fork(execute)
      yield* Effect.yieldNow()
      yield* execute
      assert.strictEqual(network.received.length, 2)
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
    }).pipe(over(network, { concurrency: 1 }))
  })

  it.effect("never more requests open than allowed, 5 by default", () => {
    const network = Network.make(() => Effect.delay(Effect.succeed(ok), "1 seconds"))
    return Effect.gen(function* () {
      yield* Network.throughPauses(
        Effect.all(
          Array.from({ length: 23 }, () => execute),
          { concurrency: "unbounded" }
        )
      )
      assert.strictEqual(network.open.most, 5)
      assert.strictEqual(network.received.length, 23)
    }).pipe(over(network))
  })

  it.effect("a limit that is found out is reached where the answers are as quick, and is never exceeded", () => {
    const network = Network.make(() => Effect.delay(Effect.succeed(ok), "1 seconds"))
    return Effect.gen(function* () {
      assert.strictEqual((yield* HttpClient.HttpClient).concurrency, 7)
      yield* Network.throughPauses(
        Effect.all(
          Array.from({ length: 60 }, () => execute),
          { concurrency: 10 }
        )
      )
      assert.strictEqual(network.open.most, 7)
      assert.strictEqual((yield* Metric.value(HttpClient.concurrencyLimit)).value, 7)
    }).pipe(over(network, { concurrency: { upTo: 7 } }))
  })

  it.effect("metrics count attempts by status, operations and repetitions", () => {
    const network = Network.make(Network.inOrder({ status: 503 }, { status: 503 }, ok))
    const count = (metric: typeof HttpClient.attemptLatency, status: string) =>
      Effect.map(Metric.value(Metric.tagged(metric, "status", status)), (state) => state.count)
    const all = Effect.all({
      failed: count(HttpClient.attemptLatency, "ServerError"),
      good: count(HttpClient.attemptLatency, "200"),
      operations: count(HttpClient.operationLatency, "200"),
      retries: Effect.map(Metric.value(HttpClient.retries), (state) => state.count)
    })
    return Effect.gen(function* () {
      const before = yield* all
      yield* Network.throughPauses(execute)
      const after = yield* all
      assert.strictEqual(after.failed - before.failed, 2)
      assert.strictEqual(after.good - before.good, 1)
      assert.strictEqual(after.operations - before.operations, 1)
      assert.strictEqual(after.retries - before.retries, 2)
    }).pipe(over(network))
  })

  it.effect("interruption waits for a request on its way", () => {
    const network = Network.make(() => Effect.delay(Effect.succeed(ok), "10 seconds"))
    return Effect.gen(function* () {
      let answered = 0
      const fiber = yield* Effect.fork(Effect.uninterruptible(Effect.tap(execute, () => Effect.sync(() => answered++))))
      yield* TestClock.adjust("2 seconds")
      const interruption = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* TestClock.adjust("7 seconds")
      assert.isNull(interruption.unsafePoll())
      yield* TestClock.adjust("1 seconds")
      yield* interruption
      assert.strictEqual(answered, 1)
    }).pipe(over(network))
  })

  it.effect("interruption of a request that is not answered waits no longer than its timeout", () => {
    const network = Network.make(Network.inOrder("never"))
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(execute)
      yield* TestClock.adjust("2 seconds")
      const interruption = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* TestClock.adjust("28 seconds")
      assert.isTrue(Exit.isInterrupted(yield* Effect.flatten(Fiber.await(interruption))))
      assert.strictEqual(network.received.length, 1)
    }).pipe(over(network))
  })

  it.effect("interruption ends a pause at once, and nothing more is sent", () => {
    const network = Network.make(Network.inOrder({ status: 429, headers: { "retry-after": "100" } }))
    return Effect.gen(function* () {
      const pausing = yield* Effect.fork(execute)
      yield* TestClock.adjust("1 seconds")
      const atTheGate = yield* Effect.fork(execute)
      yield* TestClock.adjust("1 seconds")
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(pausing)))
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(atTheGate)))
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(network.received.length, 1)
    }).pipe(over(network))
  })

  describe("stream", () => {
    const download = "/api/v2/downloads/abc"

    const text = (url: string) =>
      Effect.flatMap(HttpClient.HttpClient, (client) => Stream.mkString(Stream.decodeText(client.stream(url))))

    const csv: Network.Answered = {
      status: 200,
      body: "number\n+14155550100\n",
      headers: { "content-type": "text/csv" }
    }

    it.effect.each([download, `${apiUrl}${download}`])("gives the bytes of %s, with the bearer", (url) => {
      const network = Network.make(Network.inOrder(csv))
      return Effect.gen(function* () {
        assert.strictEqual(yield* text(url), csv.body)
        assert.strictEqual(network.received[0].url, `${apiUrl}${download}`)
        assert.strictEqual(network.received[0].headers["authorization"], "Bearer token")
      }).pipe(over(network))
    })

    it.effect("other hosts of the region have the bearer too", () => {
      const network = Network.make(Network.inOrder(csv))
      return Effect.gen(function* () {
        yield* text("https://apps.usw2.pure.cloud/exports/1")
        assert.strictEqual(network.received[0].headers["authorization"], "Bearer token")
      }).pipe(over(network, { apiUrl: "https://api.usw2.pure.cloud" }))
    })

    it.effect.each([
      "https://elsewhere.example/export.csv",
      "http://apps.usw2.pure.cloud/export.csv",
      "http://api.usw2.pure.cloud/export.csv",
      "https://apps.usw2.pure.cloud.elsewhere.example/export.csv",
      "https://apps.mypurecloud.de/export.csv",
      "no URL"
    ])("nothing is sent to %s", (url) => {
      const network = Network.make(Network.inOrder(csv))
      return Effect.gen(function* () {
        const error = yield* Effect.flip(text(url))
        assert.strictEqual(error._tag, "UnexpectedResponse")
        assert.include(error.message, "the token is not sent there")
        assert.strictEqual(network.received.length, 0)
      }).pipe(over(network, { apiUrl: "https://api.usw2.pure.cloud" }))
    })

    it.effect("follows a redirection to storage, without the bearer", () => {
      const network = Network.make(
        Network.inOrder({ status: 303, headers: { location: "https://storage.example/export?signature=s3cret" } }, csv)
      )
      return Effect.gen(function* () {
        assert.strictEqual(yield* text(download), csv.body)
        assert.strictEqual(network.received[1].url, "https://storage.example/export?signature=s3cret")
        assert.isUndefined(network.received[1].headers["authorization"])
      }).pipe(over(network))
    })

    it.effect("a signed URL is not shown", () => {
      const network = Network.make(
        Network.inOrder(
          { status: 303, headers: { location: "https://storage.example/export?signature=s3cret" } },
          { status: 403, body: "<Error>AccessDenied</Error>" }
        )
      )
      return Effect.gen(function* () {
        const error = yield* Effect.flip(text(download))
        assert.strictEqual(error._tag, "Forbidden")
        assert.notInclude(inspect(error, { depth: 9 }), "s3cret")
      }).pipe(over(network))
    })

    it.effect("does not follow to http:, nor for ever", () => {
      const plain = Network.make(Network.inOrder({ status: 302, headers: { location: "http://storage.example/x" } }))
      const round = Network.make(Network.inOrder({ status: 302, headers: { location: download } }))
      return Effect.gen(function* () {
        const first = yield* Effect.flip(text(download)).pipe(over(plain))
        assert.include(first.message, "was redirected to http://storage.example, which is not followed")
        assert.strictEqual(plain.received.length, 1)
        const second = yield* Effect.flip(text(download)).pipe(over(round))
        assert.include(second.message, "too often")
        assert.strictEqual(round.received.length, 6)
      })
    })

    it.effect("is tried again until the bytes begin, with another token after a 401", () => {
      const tokens = numberedTokens()
      const network = Network.make(Network.inOrder({ status: 503 }, { status: 401 }, new Error("reset"), csv))
      return Effect.gen(function* () {
        assert.strictEqual(yield* Network.throughPauses(text(download)), csv.body)
        assert.deepStrictEqual(
          network.received.map(({ headers }) => headers["authorization"]),
          ["Bearer token-1", "Bearer token-1", "Bearer token-2", "Bearer token-2"]
        )
      }).pipe(Effect.provide(HttpClient.layer({ apiUrl }).pipe(Layer.provide([tokens.layer, network.layer]))))
    })

    it.effect("is not tried again afterwards: half of it would come twice", () => {
      const network = Network.make(() =>
        Effect.sync(() => ({
          status: 200,
          stream: new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode("number\n")),
            pull: (controller) => controller.error(new Error("reset"))
          })
        }))
      )
      return Effect.gen(function* () {
        const error = yield* Effect.flip(text(download))
        assert.strictEqual(error._tag, "TransportError")
        assert.strictEqual(network.received.length, 1)
      }).pipe(over(network))
    })

    it.effect("a body that stands still: RequestTimeout", () => {
      const network = Network.make(() =>
        Effect.sync(() => ({
          status: 200,
          stream: new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode("number\n"))
          })
        }))
      )
      return Effect.gen(function* () {
        const fiber = yield* Effect.fork(Effect.flip(text(download)))
        // the first bytes come by way of real promises
        yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 50)))
        yield* TestClock.adjust("31 seconds")
        assert.strictEqual((yield* fiber)._tag, "RequestTimeout")
      }).pipe(over(network))
    })
  })
})

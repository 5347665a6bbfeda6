import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { Auth } from "genesys-dnc"
import * as Network from "./support/network.js"

const secret = "s3cr3t-of-the-client"

const options: Auth.Options = {
  loginUrl: "https://login.example.test",
  clientId: "client",
  clientSecret: Redacted.make(secret)
}

const withNetwork = (network: ReturnType<typeof Network.make>, other: Partial<Auth.Options> = {}) =>
  Effect.provide(Auth.layer({ ...options, ...other }).pipe(Layer.provide(network.layer)))

const getToken = Effect.flatMap(Auth.Auth, (auth) => Effect.map(auth.token, Redacted.value))

const invalidate = (token: string) => Effect.flatMap(Auth.Auth, (auth) => auth.invalidate(Redacted.make(token)))

/** `token-1`, `token-2`, … */
const counting = (lifetime = 3600) => {
  let count = 0
  return Network.make(() => Effect.sync(() => Network.token(`token-${++count}`, lifetime)))
}

describe("Auth", () => {
  it.effect("asks in the form of the client-credentials grant", () => {
    const network = counting()
    return Effect.gen(function* () {
      assert.strictEqual(yield* getToken, "token-1")
      const [request] = network.received
      assert.strictEqual(request.method, "POST")
      assert.strictEqual(request.url, "https://login.example.test/oauth/token")
      assert.strictEqual(request.headers["authorization"], `Basic ${btoa(`client:${secret}`)}`)
      assert.match(request.headers["content-type"], /^application\/x-www-form-urlencoded/)
      assert.strictEqual(request.text, "grant_type=client_credentials")
    }).pipe(withNetwork(network))
  })

  it.effect("keeps the path of a login URL", () => {
    const network = counting()
    return Effect.gen(function* () {
      yield* getToken
      assert.strictEqual(network.received[0].url, "http://127.0.0.1:8080/genesys/oauth/token")
    }).pipe(withNetwork(network, { loginUrl: "http://127.0.0.1:8080/genesys/" }))
  })

  it.effect("fetches once for many fibers", () => {
    const network = Network.make(() => Effect.delay(Effect.succeed(Network.token("token")), "2 seconds"))
    return Effect.gen(function* () {
      const fibers = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 50 }, () => getToken),
          { concurrency: 50 }
        )
      )
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(
        yield* fibers,
        Array.from({ length: 50 }, () => "token")
      )
      assert.strictEqual(network.received.length, 1)
    }).pipe(withNetwork(network))
  })

  it.effect("renews 30 seconds before the end, once for all", () => {
    const network = counting(3600)
    return Effect.gen(function* () {
      assert.strictEqual(yield* getToken, "token-1")
      yield* TestClock.adjust(Duration.millis(3_570_000 - 1))
      assert.strictEqual(yield* getToken, "token-1")
      yield* TestClock.adjust("1 millis")
      const all = yield* Effect.all([getToken, getToken, getToken], { concurrency: 3 })
      assert.deepStrictEqual(all, ["token-2", "token-2", "token-2"])
      assert.strictEqual(network.received.length, 2)
    }).pipe(withNetwork(network))
  })

  it.effect("renews a short-lived token at half its life", () => {
    const network = counting(40)
    return Effect.gen(function* () {
      assert.strictEqual(yield* getToken, "token-1")
      yield* TestClock.adjust("19999 millis")
      assert.strictEqual(yield* getToken, "token-1")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* getToken, "token-2")
    }).pipe(withNetwork(network))
  })

  it.effect("counts the life of a token from when it was asked for", () => {
    let count = 0
    const network = Network.make(() =>
      Effect.delay(
        Effect.sync(() => Network.token(`token-${++count}`, 100)),
        "20 seconds"
      )
    )
    return Effect.gen(function* () {
      const first = yield* Effect.fork(getToken)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(yield* first, "token-1")
      yield* TestClock.adjust("50 seconds")
      const second = yield* Effect.fork(getToken)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(yield* second, "token-2")
    }).pipe(withNetwork(network))
  })

  it.effect("does not remember a failure", () => {
    const network = Network.make(Network.inOrder({ status: 401, body: {} }, Network.token("good")))
    return Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(getToken))._tag, "Unauthorized")
      assert.strictEqual(yield* getToken, "good")
    }).pipe(withNetwork(network))
  })

  it.effect("drops only the token that was refused", () => {
    const network = counting()
    return Effect.gen(function* () {
      yield* getToken
      yield* invalidate("token-1")
      assert.strictEqual(yield* getToken, "token-2")
      yield* invalidate("token-1")
      assert.strictEqual(yield* getToken, "token-2")
      assert.strictEqual(network.received.length, 2)
    }).pipe(withNetwork(network))
  })

  it.effect("retries what is transient", () => {
    const network = Network.make(
      Network.inOrder(
        { status: 503 },
        new Error("connection reset"),
        { status: 429, headers: { "retry-after": "7" } },
        "never",
        Network.token("at last")
      )
    )
    return Effect.gen(function* () {
      assert.strictEqual(yield* Network.throughPauses(getToken), "at last")
      const at = network.received.map((request) => request.at)
      assert.strictEqual(at.length, 5)
      assert.isAtLeast(at[3] - at[2], 7_000)
      assert.isAtLeast(at[4] - at[3], 30_000)
    }).pipe(withNetwork(network))
  })

  it.effect("gives up on what stays transient, and says how it failed", () => {
    const network = Network.make(Network.inOrder({ status: 503 }))
    return Effect.gen(function* () {
      const error = yield* Effect.flip(Network.throughPauses(getToken))
      assert.strictEqual(error._tag, "ServerError")
      assert.strictEqual(error.status, 503)
      assert.strictEqual(network.received.length, 10)
    }).pipe(withNetwork(network))
  })

  for (const [status, body] of [
    [401, { error: "invalid_client", description: "authentication failed" }],
    [400, { error: "invalid_client", description: "client not found" }]
  ] as const) {
    it.effect(`${status} invalid_client is Unauthorized, with a hint`, () => {
      const network = Network.make(Network.inOrder({ status, body, headers: { "inin-correlation-id": "correlation" } }))
      return Effect.gen(function* () {
        const error = yield* Effect.flip(getToken)
        assert.strictEqual(error._tag, "Unauthorized")
        assert.include(error.message, body.description)
        assert.include(error.hint, "GENESYSCLOUD_OAUTHCLIENT_ID")
        assert.strictEqual(error.status, status)
        assert.strictEqual(error.code, "invalid_client")
        assert.strictEqual(error.correlationId, "correlation")
        assert.strictEqual(network.received.length, 1)
      }).pipe(withNetwork(network))
    })
  }

  it.effect("another 400 stays what it is", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(getToken)
      assert.strictEqual(error._tag, "BadRequest")
      assert.strictEqual(error.code, "unsupported_grant_type")
    }).pipe(withNetwork(Network.make(Network.inOrder({ status: 400, body: { error: "unsupported_grant_type" } }))))
  )

  const odd: ReadonlyArray<readonly [string, unknown]> = [
    ["HTML", "<!DOCTYPE html><p>leaked-token</p>"],
    ["no lifetime", { access_token: "leaked-token" }],
    ["a lifetime that is not a number", { access_token: "leaked-token", expires_in: "leaked-token" }],
    ["a lifetime of 0", { access_token: "leaked-token", expires_in: 0 }],
    ["an empty token", { access_token: "", expires_in: 3600, other: "leaked-token" }],
    ["a string", '"leaked-token"'],
    ["an array", ["leaked-token"]],
    ["nothing", undefined]
  ]
  for (const [name, body] of odd) {
    it.effect(`${name} is UnexpectedResponse, which does not show it`, () => {
      const network = Network.make(Network.inOrder({ status: 200, body }))
      return Effect.gen(function* () {
        const cause = yield* Effect.flip(Effect.sandbox(getToken))
        const error = Cause.squash(cause) as { readonly _tag: string; readonly message: string; readonly hint: string }
        assert.strictEqual(error._tag, "UnexpectedResponse")
        assert.match(error.hint, /URL/)
        for (const shown of [Cause.pretty(cause), JSON.stringify(error), inspect(error), String(error)]) {
          assert.notInclude(shown, "leaked-token")
        }
        assert.strictEqual(network.received.length, 1)
      }).pipe(withNetwork(network))
    })
  }

  for (const answer of [
    { status: 401, body: { error: "invalid_client" } },
    { status: 500, body: "<html></html>" },
    { status: 429, headers: { "retry-after": "3000" } },
    new Error("connect ECONNREFUSED"),
    "never"
  ] as const) {
    const name = answer === "never" ? "a timeout" : answer instanceof Error ? "a broken connection" : answer.status
    it.effect(`the failure after ${name} does not show the secret, nor its Basic form`, () =>
      Effect.gen(function* () {
        const cause = yield* Effect.flip(Effect.sandbox(Network.throughPauses(getToken)))
        const error = Cause.squash(cause)
        assert.strictEqual(Cause.isDie(cause), false)
        for (const shown of [
          Cause.pretty(cause, { renderErrorCause: true }),
          JSON.stringify(cause),
          JSON.stringify(error),
          inspect(error, { depth: 20, showHidden: true })
        ]) {
          assert.notInclude(shown, secret)
          assert.notInclude(shown, btoa(`client:${secret}`))
        }
      }).pipe(withNetwork(Network.make(Network.inOrder(answer))))
    )
  }

  it.effect("a caller that is interrupted does not take the others' token away", () => {
    const network = Network.make(() => Effect.delay(Effect.succeed(Network.token("token")), "5 seconds"))
    return Effect.gen(function* () {
      const first = yield* Effect.fork(getToken)
      yield* TestClock.adjust("1 seconds")
      const second = yield* Effect.fork(getToken)
      yield* TestClock.adjust("1 seconds")
      // at once: nothing has to be waited for
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(first)))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* second, "token")
      assert.strictEqual(network.received.length, 1)
    }).pipe(withNetwork(network))
  })

  it.effect("pauses between its attempts end with the layer's scope", () => {
    const network = Network.make(Network.inOrder({ status: 429, headers: { "retry-after": "240" } }))
    return Effect.gen(function* () {
      const scope = yield* Scope.make()
      const auth = yield* Auth.make(options).pipe(Effect.provide(network.layer), Scope.extend(scope))
      const waiting = yield* Effect.fork(auth.token)
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(network.received.length, 1)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.await(waiting)))
      assert.strictEqual(yield* Clock.currentTimeMillis, 1_000)
    })
  })

  it.effect("a token that is being fetched while another is dropped is kept", () => {
    const gate = Effect.runSync(Deferred.make<void>())
    let count = 0
    const network = Network.make(() =>
      Effect.suspend(() =>
        Effect.as(++count === 2 ? Deferred.await(gate) : Effect.void, Network.token(`token-${count}`))
      )
    )
    return Effect.gen(function* () {
      yield* getToken
      yield* invalidate("token-1")
      const second = yield* Effect.fork(getToken)
      yield* Effect.yieldNow()
      yield* invalidate("token-1")
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* second, "token-2")
      assert.strictEqual(yield* getToken, "token-2")
      assert.strictEqual(network.received.length, 2)
    }).pipe(withNetwork(network))
  })

  it.effect("layerToken gives the token until it is refused, then says what to do", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* getToken, "fixed")
      yield* invalidate("another")
      assert.strictEqual(yield* getToken, "fixed")
      yield* invalidate("fixed")
      const error = yield* Effect.flip(getToken)
      assert.strictEqual(error._tag, "Unauthorized")
      assert.include(error.hint, "GENESYSCLOUD_ACCESS_TOKEN")
      assert.notInclude(JSON.stringify(error), '"fixed"')
    }).pipe(Effect.provide(Auth.layerToken(Redacted.make("fixed"))))
  )

  it.effect("layerConfig reads its options, the secret redacted", () => {
    const network = counting()
    return Effect.gen(function* () {
      yield* getToken
      assert.strictEqual(network.received[0].headers["authorization"], `Basic ${btoa("id:hidden")}`)
    }).pipe(
      Effect.provide(
        Auth.layerConfig({
          loginUrl: Config.string("LOGIN"),
          clientId: Config.string("ID"),
          clientSecret: Config.redacted("SECRET")
        }).pipe(Layer.provide(network.layer))
      ),
      Effect.withConfigProvider(
        ConfigProvider.fromMap(
          new Map([
            ["LOGIN", "https://login.example.test"],
            ["ID", "id"],
            ["SECRET", "hidden"]
          ])
        )
      )
    )
  })
})

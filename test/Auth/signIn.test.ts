/** Signing in, with a test as the browser and a sandbox as the login host. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { Sandbox } from "genesys-dnc/sandbox"
import * as SignIn from "../../src/Auth/signIn.js"
import { call } from "../sandbox/support.js"
import { until } from "../support/cli.js"

/** A sign-in that has shown its page, and waits. */
const started = (sandbox: Sandbox.Service, changes: Partial<SignIn.Options> = {}) =>
  Effect.gen(function* () {
    const shown = yield* Deferred.make<string>()
    const warnings: Array<string> = []
    const fiber = yield* SignIn.signIn(
      {
        loginUrl: sandbox.url,
        clientId: sandbox.clientId,
        port: 0,
        patience: Duration.minutes(5),
        show: (url) => Deferred.succeed(shown, url),
        warn: (words) => Effect.sync(() => void warnings.push(words)),
        ...changes
      },
      (issued) => Effect.succeed(issued)
    ).pipe(Effect.provide(NodeHttpClient.layerUndici), Effect.fork)
    const url = yield* Deferred.await(shown)
    const callback = new URL(url).searchParams.get("redirect_uri")!
    return { fiber, url, callback, state: new URL(url).searchParams.get("state")!, warnings }
  })

const visit = (url: string) =>
  Effect.map(call(url), ({ headers, status, text }) => {
    assert.strictEqual(headers.get("content-security-policy"), "default-src 'none'")
    assert.strictEqual(headers.get("cache-control"), "no-store")
    return `${status} ${text}`
  })

describe("signing in", () => {
  it.scopedLive("sends the browser away, takes its code, and tells it when all is done", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const { callback, fiber, url, warnings } = yield* started(sandbox)
      const query = Object.fromEntries(new URL(url).searchParams)
      assert.match(callback, /^http:\/\/localhost:\d+$/)
      assert.deepStrictEqual(Object.keys(query).sort(), [
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "redirect_uri",
        "response_type",
        "state"
      ])
      assert.strictEqual(query["code_challenge_method"], "S256")
      assert.match(query["code_challenge"], /^[\w-]{43}$/)
      assert.match(yield* visit(url), /^200 .*Signed in/)
      const { refreshToken, token } = yield* Fiber.join(fiber)
      assert.isAtLeast(Redacted.value(token).length, 20)
      assert.isAtLeast(Redacted.value(refreshToken!).length, 20)
      assert.deepStrictEqual(warnings, [])
      assert.match(String(yield* Effect.flip(call(callback))), /no answer/)
    })
  )

  it.scopedLive("takes only the answer that belongs to it, and says so on the page and in the terminal", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const { callback, fiber, state, url, warnings } = yield* started(sandbox)
      for (const wrong of ["", "&state=", `&state=${state}x`, `&state=${state.slice(1)}`]) {
        assert.match(yield* visit(`${callback}/?code=stolen${wrong}`), /^400 .*does not belong/)
      }
      assert.match(yield* visit(`${callback}/?error=access_denied&state=no`), /^400 /)
      assert.strictEqual(warnings.length, 5)
      assert.match(warnings[4], /another sign-in.*access_denied/)
      assert.match(yield* visit(`${callback}/favicon.ico`), /^404 /)
      assert.match(yield* visit(callback), /^404 /)
      assert.isNull(fiber.unsafePoll())
      assert.match(yield* visit(url), /^200 .*Signed in/)
      yield* Fiber.join(fiber)
    })
  )

  it.scopedLive("a refusal is shown on the page and in the failure, without what could do harm there", () =>
    Effect.gen(function* () {
      const denied = yield* started(yield* Sandbox.make({ signIn: "deny" }))
      assert.match(yield* visit(denied.url), /^403 .*Not signed in.*access_denied: The resource owner denied/)
      const error = yield* Effect.flip(Fiber.join(denied.fiber))
      assert.strictEqual(error._tag, "SignInError")
      assert.match(error.message, /access_denied: The resource owner denied/)

      const { callback, fiber, state } = yield* started(yield* Sandbox.make())
      const nasty = encodeURIComponent("<script>alert(1)</script>\u001b]0;x\u0007\u202e")
      const page = yield* visit(`${callback}/?error=x&error_description=${nasty}&state=${state}`)
      assert.match(page, /&lt;script&gt;/)
      assert.notMatch(page, /<script/)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      assert.notMatch((yield* Effect.flip(Fiber.join(fiber))).message, /[\u0000-\u001f\u202e]/)
    })
  )

  it.scopedLive("a code that is refused: the page sends the person to the terminal", () =>
    Effect.gen(function* () {
      const { callback, fiber, state } = yield* started(yield* Sandbox.make())
      assert.match(yield* visit(`${callback}/?code=m4de-up&state=${state}`), /^502 .*terminal says why/)
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.strictEqual(error._tag, "Unauthorized")
      assert.match(error.hint, /names the redirect URI http:\/\/localhost:\d+/)
      assert.notInclude(JSON.stringify(error), "m4de-up")
    })
  )

  it.scoped("is given up after five minutes, and the port is closed", () =>
    Effect.gen(function* () {
      const { callback, fiber } = yield* started(yield* Sandbox.make())
      yield* TestClock.adjust("5 minutes")
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.match(error.message, /Nobody signed in within 5m/)
      assert.include(error.hint, callback)
      assert.match(String(yield* Effect.flip(call(callback))), /no answer/)
    })
  )

  it.scopedLive("interruption closes the port, and a port that is taken is said", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const { callback, fiber } = yield* started(sandbox)
      const port = Number(new URL(callback).port)
      const error = yield* Effect.flip(
        SignIn.signIn(
          {
            loginUrl: sandbox.url,
            clientId: "x",
            port,
            patience: Duration.minutes(5),
            show: () => Effect.void,
            warn: () => Effect.void
          },
          Effect.succeed
        ).pipe(Effect.provide(NodeHttpClient.layerUndici))
      )
      assert.match(error.message, new RegExp(`port ${port}.*EADDRINUSE`))
      yield* Fiber.interrupt(fiber)
      yield* until("the end", () => fiber.unsafePoll() !== null)
      assert.match(String(yield* Effect.flip(call(callback))), /no answer/)
    })
  )
})

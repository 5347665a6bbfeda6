/** The grants beside client credentials, and the throttle that all of them share. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { Auth, GenesysError, RetryPolicy } from "genesys-dnc"
import { folder, mode } from "../support/cli.js"
import * as Network from "../support/network.js"

const getToken = Effect.flatMap(Auth.Auth, (auth) => Effect.map(auth.token, Redacted.value))

const invalidate = (token: string) => Effect.flatMap(Auth.Auth, (auth) => auth.invalidate(Redacted.make(token)))

const form = (request: Network.Arrived) => Object.fromEntries(new URLSearchParams(request.text))

const throttle: Network.Answered = {
  status: 400,
  body: { error: "invalid_request", description: "rate limit exceeded; try again later" }
}

describe("the token endpoint's own throttle", () => {
  const layer = (network: ReturnType<typeof Network.make>) =>
    Auth.layer({
      loginUrl: "https://login.example.test",
      clientId: "client",
      clientSecret: Redacted.make("s3cret")
    }).pipe(Layer.provide(network.layer))

  it.effect("is waited for like a 429", () => {
    const described = { ...throttle, body: { error: "invalid_request", error_description: "Rate limit exceeded; x" } }
    const network = Network.make(Network.inOrder(throttle, described, throttle, Network.token("at last")))
    return Effect.gen(function* () {
      assert.strictEqual(yield* Network.throughPauses(getToken), "at last")
      assert.strictEqual(network.received.length, 4)
    }).pipe(Effect.provide(layer(network)))
  })

  it.effect("is given up after about a minute", () => {
    const network = Network.make(Network.inOrder(throttle))
    return Effect.gen(function* () {
      const error = yield* Effect.flip(Network.throughPauses(getToken))
      assert.strictEqual(error._tag, "RateLimited")
      assert.strictEqual(error.status, 400)
      assert.match(error.message, /rate limit exceeded/)
      const last = network.received.at(-1)!.at
      assert.isAtLeast(last, 60_000)
      assert.isAtMost(last, 81_000)
      // not because of the number of attempts
      assert.isAbove(network.received.length, 5)
    }).pipe(Effect.provide(layer(network)))
  })

  it.effect("has a minute of its own in each exchange", () => {
    let count = 0
    const network = Network.make(() => Effect.sync(() => (++count % 3 === 0 ? Network.token("t", 100) : throttle)))
    return Effect.gen(function* () {
      for (let i = 0; i < 3; i++) {
        assert.strictEqual(yield* Network.throughPauses(getToken), "t")
      }
      assert.strictEqual(count, 9)
    }).pipe(Effect.provide(layer(network)))
  })

  it.effect("another invalid_request is no throttle", () => {
    const network = Network.make(
      Network.inOrder({ status: 400, body: { error: "invalid_request", description: "no rate limit exceeded" } })
    )
    return Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(getToken))._tag, "BadRequest")
      assert.strictEqual(network.received.length, 1)
    }).pipe(Effect.provide(layer(network)))
  })
})

describe("SAML2 bearer", () => {
  const layer = (network: ReturnType<typeof Network.make>, assertion: Auth.Saml2.Options["assertion"]) =>
    Auth.layerSaml2({
      loginUrl: "https://login.example.test",
      clientId: "client",
      clientSecret: Redacted.make("s3cret"),
      orgName: "acme",
      assertion
    }).pipe(Layer.provide(network.layer))

  it.effect("asks in the form of the grant, with another assertion each time", () => {
    let count = 0
    const network = Network.make(({ index }) => Effect.succeed(Network.token(`token-${index}`, 100)))
    return Effect.gen(function* () {
      assert.strictEqual(yield* getToken, "token-0")
      yield* TestClock.adjust("99 seconds")
      assert.strictEqual(yield* getToken, "token-1")
      assert.strictEqual(network.received[0].url, "https://login.example.test/oauth/token")
      assert.strictEqual(network.received[0].headers["authorization"], `Basic ${btoa("client:s3cret")}`)
      assert.deepStrictEqual(network.received.map(form), [
        { grant_type: "urn:ietf:params:oauth:grant-type:saml2-bearer", orgName: "acme", assertion: "PHNhbWw+1" },
        { grant_type: "urn:ietf:params:oauth:grant-type:saml2-bearer", orgName: "acme", assertion: "PHNhbWw+2" }
      ])
    }).pipe(
      Effect.provide(
        layer(
          network,
          Effect.sync(() => Redacted.make(`PHNhbWw+${++count}`))
        )
      )
    )
  })

  it.effect("a refused assertion is Unauthorized, and is not shown even if the server repeats it", () => {
    const description = "assertion PHNhbWw+ is not valid"
    const body = { error: "invalid_grant", description, contextId: "0e7e2c9c-PHNhbWw+" }
    const network = Network.make(Network.inOrder({ status: 400, body }))
    return Effect.gen(function* () {
      const error = yield* Effect.flip(getToken)
      assert.strictEqual(error._tag, "Unauthorized")
      assert.match(error.message, /assertion <redacted> is not valid/)
      assert.match(error.hint, /short name/)
      assert.strictEqual(error.correlationId, "0e7e2c9c-<redacted>")
      assert.notInclude(inspect(error, { depth: 9, showHidden: true }), "PHNhbWw+")
    }).pipe(Effect.provide(layer(network, Effect.succeed(Redacted.make("PHNhbWw+")))))
  })
})

const apiUrl = "https://api.example.test"

const kept: Auth.LoginFile.Login = {
  version: 1,
  apiUrl,
  loginUrl: "https://login.example.test",
  clientId: "person",
  signedInAt: "2026-01-01T00:00:00.000Z",
  refreshToken: Redacted.make("r3fresh-0")
}

/** A login in a file of its own. */
const withLogin = (login: Partial<Auth.LoginFile.Login> = {}) =>
  Effect.gen(function* () {
    const file = Auth.LoginFile.make(Path.join(yield* folder, "new", "login.json"))
    yield* file.save({ ...kept, ...login })
    return file
  })

const layerOf = (file: Auth.LoginFile.LoginFile, network: ReturnType<typeof Network.make>) =>
  Auth.layerLogin({ apiUrl, loginFile: file.path }).pipe(Layer.provide(network.layer), Layer.fresh)

const stored = (file: Auth.LoginFile.LoginFile) => JSON.parse(Fs.readFileSync(file.path, "utf8"))

/** A server that gives another refresh token each time, and takes each one once. */
const rotating = (lifetime = 3600, onRefresh: (count: number) => void = () => {}) => {
  let count = 0
  return Network.make((request) =>
    Effect.delay(
      Effect.sync((): Network.Answered => {
        const { refresh_token } = form(request)
        if (refresh_token !== `r3fresh-${count}`) {
          return { status: 400, body: { error: "invalid_grant", description: `${refresh_token} was used before` } }
        }
        count++
        onRefresh(count)
        const answer = Network.token(`access-${count}`, lifetime)
        return { ...answer, body: { ...(answer.body as object), refresh_token: `r3fresh-${count}` } }
      }),
      "1 seconds"
    )
  )
}

/** Real files beside a test clock. */
const patiently = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    for (let i = 0; i < 400 && fiber.unsafePoll() === null; i++) {
      yield* TestClock.adjust("100 millis")
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 2)))
    }
    return yield* fiber
  })

describe("a kept login", () => {
  it.scoped("is a file of mode 0600 in a folder of mode 0700, with nothing left beside it", () =>
    Effect.gen(function* () {
      const file = yield* withLogin()
      const before = Fs.statSync(file.path).ino
      yield* file.save(kept)
      assert.notStrictEqual(Fs.statSync(file.path).ino, before)
      assert.strictEqual(mode(file.path), 0o600)
      assert.strictEqual(mode(Path.dirname(file.path)), 0o700)
      assert.deepStrictEqual(Fs.readdirSync(Path.dirname(file.path)), ["login.json"])
      assert.strictEqual(Redacted.value((yield* file.load)!.refreshToken!), "r3fresh-0")
      assert.strictEqual(yield* file.remove, true)
      assert.strictEqual(yield* file.remove, false)
      assert.strictEqual(yield* file.load, undefined)
    })
  )

  it.scoped("is renewed by its refresh token, which is sent without a secret", () =>
    Effect.gen(function* () {
      const file = yield* withLogin()
      const network = rotating()
      yield* Effect.gen(function* () {
        assert.strictEqual(yield* patiently(getToken), "access-1")
        assert.strictEqual(network.received[0].url, "https://login.example.test/oauth/token")
        assert.notProperty(network.received[0].headers, "authorization")
        assert.deepStrictEqual(form(network.received[0]), {
          client_id: "person",
          grant_type: "refresh_token",
          refresh_token: "r3fresh-0"
        })
        assert.include(stored(file), { refreshToken: "r3fresh-1", accessToken: "access-1", clientId: "person" })
        assert.strictEqual(mode(file.path), 0o600)
        assert.strictEqual(yield* getToken, "access-1")
      }).pipe(Effect.provide(layerOf(file, network)))
    })
  )

  it.scoped("by the clock and after a 401, always by the newest refresh token", () =>
    Effect.gen(function* () {
      const file = yield* withLogin()
      const network = rotating(1000)
      yield* Effect.gen(function* () {
        assert.strictEqual(yield* patiently(getToken), "access-1")
        yield* TestClock.adjust("990 seconds")
        assert.strictEqual(yield* patiently(getToken), "access-2")
        yield* invalidate("access-1")
        assert.strictEqual(yield* getToken, "access-2")
        yield* invalidate("access-2")
        assert.strictEqual(yield* patiently(getToken), "access-3")
        assert.strictEqual(stored(file).refreshToken, "r3fresh-3")
      }).pipe(Effect.provide(layerOf(file, network)))
    })
  )

  it.scoped("the next run takes the access token that is left, and needs no request", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const file = yield* withLogin({ accessToken: Redacted.make("left"), accessTokenEndsAt: now + 600_000 })
      const network = rotating()
      yield* Effect.gen(function* () {
        assert.strictEqual(yield* patiently(getToken), "left")
        assert.strictEqual(network.received.length, 0)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(yield* patiently(getToken), "access-1")
      }).pipe(Effect.provide(layerOf(file, network)))
    })
  )

  it.scoped("runs that share it refresh one after the other, once for all", () =>
    Effect.gen(function* () {
      const file = yield* withLogin()
      const network = rotating()
      const run = Effect.provide(getToken, layerOf(file, network))
      const all = yield* patiently(Effect.all([run, run, run], { concurrency: 3 }))
      assert.deepStrictEqual(all, ["access-1", "access-1", "access-1"])
      assert.strictEqual(network.received.length, 1)
      assert.deepStrictEqual(Fs.readdirSync(Path.dirname(file.path)), ["login.json"])
    })
  )

  it.scoped("a lock that a run left behind does not hold for ever", () =>
    Effect.gen(function* () {
      const file = yield* withLogin()
      Fs.writeFileSync(`${file.path}.lock`, "")
      const longAgo = new Date(Date.now() - 61_000)
      Fs.utimesSync(`${file.path}.lock`, longAgo, longAgo)
      assert.strictEqual(yield* patiently(Effect.provide(getToken, layerOf(file, rotating()))), "access-1")
    })
  )

  it.scoped(
    "another refresh token is on the disk before its access token is used; without the disk there is none",
    () =>
      Effect.gen(function* () {
        const file = yield* withLogin()
        const home = Path.dirname(file.path)
        const network = rotating(3600, () => {
          Fs.rmSync(home, { recursive: true })
          Fs.writeFileSync(home, "no folder any more")
        })
        const error = yield* patiently(Effect.flip(Effect.provide(getToken, layerOf(file, network))))
        assert.strictEqual(error._tag, "Unauthorized")
        assert.match(error.message, /login file .* cannot be written: (ENOTDIR|EEXIST)/)
      })
  )

  it.scoped("where none comes back the old one stays good", () =>
    Effect.gen(function* () {
      const file = yield* withLogin()
      const network = Network.make(Network.inOrder(Network.token("one"), Network.token("two")))
      yield* Effect.gen(function* () {
        assert.strictEqual(yield* patiently(getToken), "one")
        yield* invalidate("one")
        assert.strictEqual(yield* patiently(getToken), "two")
        assert.strictEqual(form(network.received[1])["refresh_token"], "r3fresh-0")
        assert.strictEqual(stored(file).refreshToken, "r3fresh-0")
      }).pipe(Effect.provide(layerOf(file, network)))
    })
  )

  it.scoped("what is transient is tried again", () =>
    Effect.gen(function* () {
      const file = yield* withLogin()
      const network = Network.make(
        Network.inOrder({ status: 503 }, throttle, new Error("reset"), Network.token("good"))
      )
      assert.strictEqual(yield* patiently(Effect.provide(getToken, layerOf(file, network))), "good")
      assert.strictEqual(network.received.length, 4)
    })
  )

  const ends: ReadonlyArray<readonly [string, Network.Answered, RegExp]> = [
    [
      "invalid_grant",
      { status: 400, body: { error: "invalid_grant", description: "r3fresh-0 ended" } },
      /redacted> ended/
    ],
    [
      "some other 400",
      { status: 400, body: { error: "invalid_request", description: "no r3fresh-0" } },
      /no <redacted>/
    ],
    ["401", { status: 401, body: { error: "invalid_client", description: "gone" } }, /gone/]
  ]
  for (const [name, answer, words] of ends) {
    it.scoped(`a refresh token that is refused with ${name}: sign in again`, () =>
      Effect.gen(function* () {
        const file = yield* withLogin()
        const network = Network.make(Network.inOrder(answer))
        const error = yield* patiently(Effect.flip(Effect.provide(getToken, layerOf(file, network))))
        assert.strictEqual(error._tag, "Unauthorized")
        assert.match(error.message, words)
        assert.strictEqual(error.status, answer.status)
        assert.strictEqual(error.hint, "Run genesys-dnc login again.")
        assert.strictEqual(GenesysError.isFatal(error), true)
        assert.strictEqual(network.received.length, 1)
        assert.strictEqual(stored(file).refreshToken, "r3fresh-0")
      })
    )
  }

  it.scoped("without a refresh token it ends with its access token, or when that is refused", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const { refreshToken: _, ...login } = kept
      const file = yield* withLogin()
      yield* file.save({ ...login, accessToken: Redacted.make("only"), accessTokenEndsAt: now + 600_000 })
      const network = rotating()
      const ended = Effect.gen(function* () {
        const error = yield* patiently(Effect.flip(getToken))
        assert.strictEqual(error._tag, "Unauthorized")
        assert.match(error.message, /gave no refresh token/)
        assert.strictEqual(error.hint, "Run genesys-dnc login again.")
      })
      yield* Effect.gen(function* () {
        assert.strictEqual(yield* patiently(getToken), "only")
        yield* invalidate("only")
        yield* ended
      }).pipe(Effect.provide(layerOf(file, network)))
      yield* TestClock.adjust("10 minutes")
      yield* Effect.provide(ended, layerOf(file, network))
      assert.strictEqual(network.received.length, 0)
    })
  )

  it.scoped("is not sent to another API, nor is what is no login", () =>
    Effect.gen(function* () {
      const network = rotating()
      const failed = (file: Auth.LoginFile.LoginFile) =>
        patiently(Effect.flip(Effect.provide(getToken, layerOf(file, network))))
      assert.match((yield* failed(yield* withLogin({ apiUrl: "https://api.other.test" }))).message, /is for .*other/)
      const file = yield* withLogin()
      Fs.writeFileSync(file.path, JSON.stringify({ version: 1, refreshToken: ["r3fresh-0"] }))
      const odd = yield* failed(file)
      assert.match(odd.message, /holds no login/)
      assert.notInclude(inspect(odd, { depth: 9, showHidden: true }), "r3fresh")
      Fs.writeFileSync(file.path, "r3fresh-0")
      const broken = yield* failed(file)
      assert.match(broken.message, /holds no login/)
      assert.notInclude(inspect(broken, { depth: 9, showHidden: true }), "r3fresh")
      yield* file.remove
      assert.match((yield* failed(file)).message, /Nobody is signed in/)
      assert.strictEqual(network.received.length, 0)
    })
  )

  it.scoped("no token is in a log, a span, or a failure", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const logger = Logger.make((entry) => void lines.push(inspect(entry, { depth: 6 })))
      for (const answer of [
        { status: 503, body: { description: "r3fresh-0" } },
        { status: 500, body: "r3fresh-0" },
        { status: 400, body: { error: "r3fresh-0", description: "r3fresh-0" } },
        { status: 200, body: { access_token: ["access-9"], refresh_token: "r3fresh-9" } },
        new Error("reset"),
        "never"
      ] as const) {
        const file = yield* withLogin()
        const network = Network.make(Network.inOrder(answer))
        const cause = yield* getToken.pipe(
          Effect.provide(
            Auth.layerLogin({
              apiUrl,
              loginFile: file.path,
              retry: { ...RetryPolicy.defaults, attempts: 2 }
            }).pipe(Layer.provide(network.layer))
          ),
          Effect.sandbox,
          Effect.flip,
          (effect) => (answer === "never" ? withTimeout(effect) : patiently(effect)),
          Logger.withMinimumLogLevel(LogLevel.All),
          Effect.provide(Logger.replace(Logger.defaultLogger, logger))
        )
        const error = Cause.squash(cause)
        for (const shown of [
          Cause.pretty(cause, { renderErrorCause: true }),
          JSON.stringify(error),
          inspect(error, { depth: 20, showHidden: true }),
          lines.join("\n")
        ]) {
          assert.notMatch(shown, /r3fresh|access-9/)
        }
      }
    })
  )
})

const withTimeout = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    for (let i = 0; i < 20 && fiber.unsafePoll() === null; i++) {
      yield* TestClock.adjust("30 seconds")
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)))
    }
    return yield* fiber
  })

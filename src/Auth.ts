/**
 * The bearer token: fetched once for all fibers, refreshed before it ends, dropped when it is refused.
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
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { type Answer, send } from "./Answer.js"
import type { GenesysError } from "./GenesysError.js"
import * as GenesysErrors from "./GenesysError.js"
import * as RetryPolicy from "./RetryPolicy.js"

/**
 * @since 0.1.0
 * @category services
 */
export class Auth extends Context.Tag("genesys-dnc/Auth")<
  Auth,
  {
    /** A bearer token that is not about to end. Fails with `Unauthorized` where the credentials are refused. */
    readonly token: Effect.Effect<Redacted.Redacted, GenesysError>
    /** Forgets this token, so that the next caller fetches another; a newer one is left alone. */
    readonly invalidate: (token: Redacted.Redacted) => Effect.Effect<void>
  }
>() {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** `https://login.{domain}`; the token endpoint is `/oauth/token` there. */
  readonly loginUrl: string
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted
  /** Of one token request. */
  readonly timeout?: Duration.Duration
  readonly retry?: RetryPolicy.Options
}

const Token = Schema.Struct({
  access_token: Schema.NonEmptyString,
  /** Seconds. */
  expires_in: Schema.Positive
})

/** How long before its end a token is renewed, unless half its life is shorter. */
const lead = Duration.seconds(30)

/**
 * The client-credentials grant. One request serves all fibers that ask meanwhile, and a failure is theirs alone: whoever
 * asks later starts anew.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<typeof Auth.Service, never, PlatformHttpClient.HttpClient | Scope.Scope> =>
  Effect.gen(function* () {
    const client = yield* PlatformHttpClient.HttpClient
    const scope = yield* Effect.scope
    const timeout = options.timeout ?? Duration.seconds(30)
    const request = HttpClientRequest.post(`${options.loginUrl.replace(/\/+$/, "")}/oauth/token`).pipe(
      HttpClientRequest.basicAuth(options.clientId, Redacted.value(options.clientSecret)),
      HttpClientRequest.bodyUrlParams({ grant_type: "client_credentials" })
    )

    let held: { readonly token: Redacted.Redacted; readonly renewAt: number } | undefined
    let fetching: Fiber.RuntimeFiber<Redacted.Redacted, GenesysError> | undefined

    const once = Effect.gen(function* () {
      const asked = yield* Clock.currentTimeMillis
      const answer = yield* send(client, request, timeout).pipe(Effect.catchAll(refused))
      const { access_token, expires_in } = yield* decode(answer)
      const life = expires_in * 1000
      const token = Redacted.make(access_token)
      held = { token, renewAt: asked + life - Math.min(Duration.toMillis(lead), life / 2) }
      return token
    })
    const exchange = RetryPolicy.repeatFailed(once, RetryPolicy.transient(options.retry ?? RetryPolicy.defaults)).pipe(
      Effect.withSpan("genesys-dnc/Auth.exchange")
    )

    const token = Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (held !== undefined && now < held.renewAt) return Effect.succeed(held.token)
      if (fetching !== undefined) return Fiber.join(fetching)
      return exchange.pipe(
        Effect.ensuring(
          Effect.sync(() => {
            fetching = undefined
          })
        ),
        // in the layer's scope: a caller that is interrupted must not take the others' token with it
        Effect.forkIn(scope),
        Effect.tap((fiber) => {
          fetching = fiber
        }),
        Effect.uninterruptible,
        Effect.flatMap(Fiber.join)
      )
    })

    return Auth.of({
      token,
      invalidate: (token) =>
        Effect.sync(() => {
          if (held !== undefined && Redacted.value(held.token) === Redacted.value(token)) held = undefined
        })
    })
  })

/** 400 `invalid_client` is what the token endpoint says of an unknown client id. */
const refused = (error: GenesysError): Effect.Effect<never, GenesysError> =>
  error._tag === "Unauthorized" || (error._tag === "BadRequest" && error.code === "invalid_client")
    ? Effect.fail(
        new GenesysErrors.Unauthorized({
          ...error,
          message: error.message,
          hint: "Check GENESYSCLOUD_OAUTHCLIENT_ID and GENESYSCLOUD_OAUTHCLIENT_SECRET, and that the client belongs to this region and uses the grant Client Credentials."
        })
      )
    : Effect.fail(error)

const decode = (answer: Answer) =>
  Schema.decodeUnknown(Token)(answer.body).pipe(
    Effect.mapError(
      (error) =>
        new GenesysErrors.UnexpectedResponse({
          // the paths only: the values may hold a token
          message: `The token endpoint answered ${answer.status}, but not with a token: wrong at ${ParseResult.ArrayFormatter.formatErrorSync(
            error
          )
            .map((issue) => issue.path.join(".") || "the whole answer")
            .join(", ")}`,
          hint: "Check the login URL: it is https://login.{domain of the region}.",
          status: answer.status
        })
    )
  )

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<Auth, never, PlatformHttpClient.HttpClient> =>
  Layer.scoped(Auth, make(options))

/**
 * Reads its options from configuration.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config.Wrap<Options>
): Layer.Layer<Auth, ConfigError.ConfigError, PlatformHttpClient.HttpClient> =>
  Layer.scoped(Auth, Effect.flatMap(Config.unwrap(options), make))

/**
 * A token that somebody else obtained. It is never renewed; once refused it is gone, and `Unauthorized` says so.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerToken = (token: Redacted.Redacted): Layer.Layer<Auth> =>
  Layer.sync(Auth, () => {
    let refused = false
    return Auth.of({
      token: Effect.suspend(() =>
        refused
          ? Effect.fail(
              new GenesysErrors.Unauthorized({
                message: "The fixed access token was refused",
                hint: "Get a new GENESYSCLOUD_ACCESS_TOKEN, or set a client id and secret so that tokens are renewed.",
                status: 401
              })
            )
          : Effect.succeed(token)
      ),
      invalidate: (other) =>
        Effect.sync(() => {
          refused ||= Redacted.value(other) === Redacted.value(token)
        })
    })
  })

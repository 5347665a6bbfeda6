/**
 * The bearer token: fetched once for all fibers, refreshed before it ends, dropped when it is refused.
 *
 * @since 0.1.0
 */
import * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as AuthorizationCode from "./Auth/authorizationCode.js"
import * as LoginFile from "./Auth/loginFile.js"
import * as Saml2 from "./Auth/saml2.js"
import * as TokenEndpoint from "./Auth/tokenEndpoint.js"
import type { GenesysError } from "./GenesysError.js"
import * as GenesysErrors from "./GenesysError.js"
import * as RetryPolicy from "./RetryPolicy.js"

export {
  /**
   * Signing in with a browser: where to send it, and the token for the code that it brings back.
   *
   * @since 0.1.0
   */
  AuthorizationCode,
  /**
   * The file in which a login is kept.
   *
   * @since 0.1.0
   */
  LoginFile,
  /**
   * The SAML2 bearer grant.
   *
   * @since 0.1.0
   */
  Saml2
}

/**
 * What an exchange gives.
 *
 * @since 0.1.0
 * @category models
 */
export type Issued = TokenEndpoint.Issued

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

/** How long before its end a token is renewed, unless half its life is shorter. */
const lead = Duration.seconds(30)

/** How long the token endpoint's own throttle is waited for. */
const longestThrottle = Duration.minutes(1)

/**
 * Keeps one token for all, from whatever exchanges something for a token: one exchange serves all fibers that ask
 * meanwhile, and a failure is theirs alone: whoever asks later starts anew. `exchange` is given the token that was refused
 * last, if one was, so that it does not hand out that one again; what is transient is retried here.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromExchange = (
  exchange: (refused: Redacted.Redacted | undefined) => Effect.Effect<Issued, GenesysError>,
  retry: RetryPolicy.Options = RetryPolicy.defaults
): Effect.Effect<typeof Auth.Service, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    let held: { readonly token: Redacted.Redacted; readonly renewAt: number } | undefined
    let refused: Redacted.Redacted | undefined
    let fetching: Fiber.RuntimeFiber<Redacted.Redacted, GenesysError> | undefined

    const once = Effect.flatMap(Clock.currentTimeMillis, (asked) =>
      Effect.map(
        Effect.suspend(() => exchange(refused)),
        ({ endsAt, token }) => {
          held = { token, renewAt: endsAt - Math.min(Duration.toMillis(lead), (endsAt - asked) / 2) }
          return token
        }
      )
    )
    const fetch = Effect.suspend(() => RetryPolicy.repeatFailed(once, untilGivenUp(retry))).pipe(
      Effect.withSpan("genesys-dnc/Auth.exchange")
    )

    const token = Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (held !== undefined && now < held.renewAt) return Effect.succeed(held.token)
      if (fetching !== undefined) return Fiber.join(fetching)
      return fetch.pipe(
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
          if (held === undefined || Redacted.value(held.token) !== Redacted.value(token)) return
          refused = held.token
          held = undefined
        })
    })
  })

/** A throttle is given up after a minute, whatever the policy says of a 429. */
const untilGivenUp = (retry: RetryPolicy.Options): Schedule.Schedule<number, GenesysError> => {
  let since: number | undefined
  return Schedule.whileInputEffect(RetryPolicy.transient(retry), (error) =>
    TokenEndpoint.isThrottle(error)
      ? Effect.map(Clock.currentTimeMillis, (now) => now - (since ??= now) < Duration.toMillis(longestThrottle))
      : Effect.succeed(true)
  )
}

/**
 * The client-credentials grant.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<typeof Auth.Service, never, PlatformHttpClient.HttpClient | Scope.Scope> =>
  Effect.flatMap(PlatformHttpClient.HttpClient, (client) => {
    const exchange = TokenEndpoint.ask(client, {
      ...options,
      form: { grant_type: "client_credentials" },
      hint: "Check GENESYSCLOUD_OAUTHCLIENT_ID and GENESYSCLOUD_OAUTHCLIENT_SECRET, and that the client belongs to this region and uses the grant Client Credentials."
    })
    return fromExchange(() => exchange, options.retry)
  })

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
 * @since 0.1.0
 * @category models
 */
export interface LoginOptions {
  /** `https://api.{domain}`: a login for another API is not used. */
  readonly apiUrl: string
  /** Path of the file that `genesys-dnc login` wrote. */
  readonly loginFile: string
  /** Of one token request. */
  readonly timeout?: Duration.Duration
  readonly retry?: RetryPolicy.Options
}

/**
 * A person's login, kept in a file: its refresh token is exchanged for as long as the server takes it; afterwards
 * `Unauthorized` says to sign in again.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerLogin = (options: LoginOptions): Layer.Layer<Auth, never, PlatformHttpClient.HttpClient> =>
  Layer.scoped(
    Auth,
    Effect.flatMap(PlatformHttpClient.HttpClient, (client) =>
      fromExchange(AuthorizationCode.fromFile(client, LoginFile.make(options.loginFile), options), options.retry)
    )
  )

/**
 * The SAML2 bearer grant.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSaml2 = (
  options: Saml2.Options & { readonly retry?: RetryPolicy.Options }
): Layer.Layer<Auth, never, PlatformHttpClient.HttpClient> =>
  Layer.scoped(
    Auth,
    Effect.flatMap(PlatformHttpClient.HttpClient, (client) => {
      const exchange = Saml2.exchange(client, options)
      return fromExchange(() => exchange, options.retry)
    })
  )

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
                hint: "A token is good only in the region that gave it, and for a day or so: check GENESYSCLOUD_REGION, get a new GENESYSCLOUD_ACCESS_TOKEN, or set a client id and secret so that tokens are renewed.",
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

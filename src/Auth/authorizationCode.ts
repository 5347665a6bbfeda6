/**
 * The grant for a person who signs in with a browser: an authorization code with PKCE (RFC 7636, S256), so that the
 * client needs no secret, and afterwards the refresh token.
 *
 * @since 0.1.0
 */
import { createHash, randomBytes } from "node:crypto"
import type * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { GenesysError } from "../GenesysError.js"
import * as GenesysErrors from "../GenesysError.js"
import { isFor, type Login, type LoginFile, type LoginFileError } from "./loginFile.js"
import * as TokenEndpoint from "./tokenEndpoint.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Client {
  /** `https://login.{domain}`. */
  readonly loginUrl: string
  readonly clientId: string
  /** Where the browser comes back to; the OAuth client must name it, to the letter. */
  readonly redirectUri: string
}

/**
 * A sign-in that was begun: where the browser has to go, and what has to be kept until it comes back.
 *
 * @since 0.1.0
 * @category models
 */
export interface Begun extends Client {
  readonly url: string
  /** Comes back with the code; another one belongs to somebody else's sign-in. */
  readonly state: string
  readonly verifier: Redacted.Redacted
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const begin = (client: Client): Begun => {
  const verifier = randomBytes(32).toString("base64url")
  const state = randomBytes(32).toString("base64url")
  const query = new URLSearchParams({
    client_id: client.clientId,
    response_type: "code",
    redirect_uri: client.redirectUri,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    state
  })
  const url = `${client.loginUrl.replace(/\/+$/, "")}/oauth/authorize?${query}`
  return { ...client, url, state, verifier: Redacted.make(verifier) }
}

/**
 * The token for a code. A code is good once, so nothing is tried again here.
 *
 * @since 0.1.0
 */
export const exchange = (
  client: PlatformHttpClient.HttpClient,
  begun: Begun,
  code: Redacted.Redacted,
  timeout?: Duration.Duration
): Effect.Effect<TokenEndpoint.Issued, GenesysError> =>
  TokenEndpoint.ask(client, {
    loginUrl: begun.loginUrl,
    clientId: begun.clientId,
    timeout,
    form: {
      grant_type: "authorization_code",
      code,
      code_verifier: begun.verifier,
      redirect_uri: begun.redirectUri
    },
    hint: `Check that the OAuth client belongs to this region, uses the grant Code Authorization, and names the redirect URI ${begun.redirectUri}.`
  })

const again = "Run genesys-dnc login again."

/** Less left of a stored token than this is not worth a run's first request. */
const margin = 60_000

/**
 * The exchange of a login that is kept in a file: its access token while it is good, otherwise another one for the refresh
 * token. What the server gives instead of a refresh token that it has used up is on the disk before the new access token
 * is used. Runs that share a file refresh one after the other, as a refresh token may be good only once.
 *
 * @since 0.1.0
 */
export const fromFile = (
  client: PlatformHttpClient.HttpClient,
  file: LoginFile,
  options: { readonly apiUrl: string; readonly timeout?: Duration.Duration | undefined }
): ((refused: Redacted.Redacted | undefined) => Effect.Effect<TokenEndpoint.Issued, GenesysError>) => {
  const load = Effect.flatMap(file.load, (login) => {
    if (login === undefined) {
      return Effect.fail(unauthorized(`Nobody is signed in: there is no ${file.path}`, "Run genesys-dnc login."))
    }
    // somebody may have signed in elsewhere meanwhile
    return isFor(login, options)
      ? Effect.succeed(login)
      : Effect.fail(unauthorized(`The login in ${file.path} is for ${login.apiUrl}, not for ${options.apiUrl}`, again))
  })

  const refresh = (login: Login, refreshToken: Redacted.Redacted) =>
    TokenEndpoint.ask(client, {
      loginUrl: login.loginUrl,
      clientId: login.clientId,
      timeout: options.timeout,
      form: { grant_type: "refresh_token", refresh_token: refreshToken },
      hint: again
    }).pipe(
      Effect.catchTag("BadRequest", (error) =>
        // whatever it is called: signing in again is all that helps
        Effect.fail(unauthorized(error.message, again, error))
      ),
      Effect.tap((issued) =>
        file.save({
          ...login,
          accessToken: issued.token,
          accessTokenEndsAt: issued.endsAt,
          refreshToken: issued.refreshToken ?? refreshToken
        })
      )
    )

  return (refused) =>
    Effect.gen(function* () {
      const stored = yield* goodToken(yield* load, refused)
      if (stored !== undefined) return stored
      return yield* file.exclusive(
        Effect.gen(function* () {
          const login = yield* load
          // another run may have been here first
          const fresh = yield* goodToken(login, refused)
          if (fresh !== undefined) return fresh
          return login.refreshToken === undefined
            ? yield* unauthorized("The login has ended, and Genesys Cloud gave no refresh token with it", again)
            : yield* refresh(login, login.refreshToken)
        })
      )
    }).pipe(Effect.catchTag("LoginFileError", (error) => Effect.fail(unusable(error))))
}

/** The access token that is kept, unless it is about to end or was refused. */
const goodToken = (
  { accessToken, accessTokenEndsAt }: Login,
  refused: Redacted.Redacted | undefined
): Effect.Effect<TokenEndpoint.Issued | undefined> =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    accessToken === undefined ||
    accessTokenEndsAt === undefined ||
    accessTokenEndsAt - now < margin ||
    (refused !== undefined && Redacted.value(refused) === Redacted.value(accessToken))
      ? undefined
      : { token: accessToken, endsAt: accessTokenEndsAt }
  )

const unauthorized = (message: string, hint: string, answer?: GenesysErrors.BadRequest): GenesysErrors.Unauthorized =>
  new GenesysErrors.Unauthorized({
    ...answer,
    message,
    hint
  })

/** A file that cannot be read or written is the end of the login, as far as a run is concerned. */
const unusable = (error: LoginFileError): GenesysErrors.Unauthorized => unauthorized(error.message, error.hint)

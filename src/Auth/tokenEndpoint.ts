/**
 * One request to `/oauth/token`, whatever the grant, and what can come of it.
 *
 * @since 0.1.0
 */
import type * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type Answer, send } from "../Answer.js"
import type { GenesysError } from "../GenesysError.js"
import * as GenesysErrors from "../GenesysError.js"

/**
 * What the token endpoint gave.
 *
 * @since 0.1.0
 * @category models
 */
export interface Issued {
  readonly token: Redacted.Redacted
  /** Milliseconds since 1970, counted from when the token was asked for. */
  readonly endsAt: number
  /** Only where a person signed in, and not always then. */
  readonly refreshToken?: Redacted.Redacted
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Request {
  /** `https://login.{domain}`; the token endpoint is `/oauth/token` there. */
  readonly loginUrl: string
  readonly clientId: string
  /** Sent as Basic authorization. A public client has none, and is named in the body instead. */
  readonly clientSecret?: Redacted.Redacted | undefined
  /** The fields of the grant. */
  readonly form: Readonly<Record<string, string | Redacted.Redacted>>
  /** What to do where the credentials are refused. */
  readonly hint: string
  /** Of the one request; 30 s unless given. */
  readonly timeout?: Duration.Duration | undefined
}

const Token = Schema.Struct({
  access_token: Schema.NonEmptyString,
  /** Seconds. */
  expires_in: Schema.Positive,
  refresh_token: Schema.optional(Schema.NullOr(Schema.String))
})

/**
 * Asks once. No secret that was sent is in the failure, even if the server repeats it.
 *
 * @since 0.1.0
 */
export const ask = (client: PlatformHttpClient.HttpClient, asked: Request): Effect.Effect<Issued, GenesysError> => {
  const { clientId, clientSecret, form, hint, loginUrl, timeout = Duration.seconds(30) } = asked
  const fields: Record<string, string> = clientSecret === undefined ? { client_id: clientId } : {}
  const secrets = clientSecret === undefined ? [] : [Redacted.value(clientSecret)]
  for (const [name, value] of Object.entries(form)) {
    fields[name] = typeof value === "string" ? value : Redacted.value(value)
    if (typeof value !== "string") secrets.push(fields[name])
  }
  const bare = HttpClientRequest.post(`${loginUrl.replace(/\/+$/, "")}/oauth/token`).pipe(
    HttpClientRequest.bodyUrlParams(fields)
  )
  const request =
    clientSecret === undefined ? bare : HttpClientRequest.basicAuth(bare, clientId, Redacted.value(clientSecret))
  return Effect.flatMap(Clock.currentTimeMillis, (now) =>
    send(client, request, timeout).pipe(
      Effect.mapError((error) => explain(withoutSecrets(error, secrets), hint)),
      Effect.flatMap(decode),
      Effect.map(({ access_token, expires_in, refresh_token }) => ({
        token: Redacted.make(access_token),
        endsAt: now + expires_in * 1000,
        ...(refresh_token ? { refreshToken: Redacted.make(refresh_token) } : {})
      }))
    )
  )
}

/**
 * True of the token endpoint's own throttle, which comes as 400.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isThrottle = (error: GenesysError): boolean => error._tag === "RateLimited" && error.status === 400

/** 400 `invalid_client` is what the token endpoint says of an unknown client id. */
const refusals = new Set(["invalid_client", "invalid_grant", "unauthorized_client"])

const explain = (error: GenesysError, hint: string): GenesysError => {
  if (error._tag === "BadRequest" && error.code === "invalid_request" && describesThrottle(error)) {
    const { body: _, ...answer } = error
    return new GenesysErrors.RateLimited({
      ...answer,
      message: error.message,
      hint: "The organization asks for too many tokens a minute; try again later, or with fewer runs at once."
    })
  }
  return error._tag === "Unauthorized" || (error._tag === "BadRequest" && refusals.has(error.code ?? ""))
    ? new GenesysErrors.Unauthorized({ ...error, message: error.message, hint })
    : error
}

const describesThrottle = (error: GenesysErrors.BadRequest): boolean => {
  const body = error.body === undefined ? undefined : Redacted.value(error.body)
  const { description, error_description } = (body ?? {}) as Readonly<Record<string, unknown>>
  return [description, error_description].some(
    (words) => typeof words === "string" && /^rate limit exceeded/i.test(words)
  )
}

/** What an error has of the server's own words. */
const said = ["message", "code", "correlationId"] as const

const withoutSecrets = (error: GenesysError, secrets: ReadonlyArray<string>): GenesysError => {
  const repeated = secrets.filter((secret) => secret !== "" && said.some((field) => error[field]?.includes(secret)))
  if (repeated.length === 0) return error
  const cleaned = said.flatMap((field) => {
    const text = error[field]
    return text === undefined
      ? []
      : [[field, repeated.reduce((rest, secret) => rest.replaceAll(secret, "<redacted>"), text)]]
  })
  // a tagged error is immutable; its class is called again
  const Self = error.constructor as new (fields: object) => GenesysError
  return new Self({ ...error, cause: error.cause, ...Object.fromEntries(cleaned) })
}

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

/**
 * The SAML2 bearer grant: a program that speaks for a person whom an identity provider vouches for.
 *
 * @since 0.1.0
 */
import type * as PlatformHttpClient from "@effect/platform/HttpClient"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { GenesysError } from "../GenesysError.js"
import * as TokenEndpoint from "./tokenEndpoint.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** `https://login.{domain}`. */
  readonly loginUrl: string
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted
  /** Short name of the organization. */
  readonly orgName: string
  /**
   * The assertion in Base64, as the identity provider gave it. It is asked for before each token, for an assertion is good
   * for minutes only.
   */
  readonly assertion: Effect.Effect<Redacted.Redacted, GenesysError>
  /** Of one token request. */
  readonly timeout?: Duration.Duration
}

/**
 * @since 0.1.0
 */
export const exchange = (
  client: PlatformHttpClient.HttpClient,
  options: Options
): Effect.Effect<TokenEndpoint.Issued, GenesysError> =>
  Effect.flatMap(options.assertion, (assertion) =>
    TokenEndpoint.ask(client, {
      ...options,
      form: {
        grant_type: "urn:ietf:params:oauth:grant-type:saml2-bearer",
        orgName: options.orgName,
        assertion
      },
      hint: "Check the client id and secret, the organization's short name, that the OAuth client uses the grant SAML2 Bearer, and that the assertion has not ended."
    })
  )

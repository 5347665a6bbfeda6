/** The options of commands that take no rows, and how all commands say that the words are wrong. */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as AuditSink from "../../AuditSink.js"

export class UsageError extends Data.TaggedError("UsageError")<{ readonly message: string; readonly hint: string }> {}

export const usage = (message: string, hint: string) => Effect.fail(new UsageError({ message, hint }))

export const optionalText = (name: string, description: string) =>
  Options.text(name).pipe(Options.withDescription(description), Options.optional, Options.map(Option.getOrUndefined))

/** The parser's own integer says neither which option is wrong nor what it wants. */
export const whole = (name: string): Options.Options<number> =>
  Options.text(name).pipe(
    Options.withPseudoName("N"),
    Options.mapEffect((text) =>
      /^\d+$/.test(text)
        ? Effect.succeed(Number(text))
        : Effect.fail(ValidationError.invalidValue(HelpDoc.p(`--${name} ${text} is not a whole number`)))
    )
  )

/** What a command is given by such options. */
export type Parsed<A extends Record<string, Options.Options<unknown>>> = {
  readonly [K in keyof A]: A[K] extends Options.Options<infer B> ? B : never
}

export const output = {
  json: Options.boolean("json").pipe(Options.withDescription("One JSON summary on standard output"))
}

export const audit = {
  audit: Options.text("audit").pipe(
    Options.withDescription("The audit log, appended to"),
    Options.withDefault("genesys-dnc-audit.jsonl")
  ),
  auditNumbers: Options.choice("audit-numbers", ["masked", "hashed", "whole"]).pipe(
    Options.withDescription(
      "How numbers stand in the audit log: hashed if not given, by GENESYS_DNC_AUDIT_KEY or a key made in AUDIT.key"
    ),
    Options.optional,
    Options.map(Option.match({ onNone: () => ({}), onSome: (numbers): AuditSink.Options => ({ numbers }) }))
  )
}

export const connection = {
  apiUrl: optionalText("api-url", "URL of the API; by GENESYSCLOUD_REGION if not given"),
  loginUrl: optionalText("login-url", "URL of the login host; by GENESYSCLOUD_REGION, or the API's, if not given"),
  region: optionalText("region", "AWS name or domain of the org's region; GENESYSCLOUD_REGION if not given"),
  profile: optionalText("profile", "Profile of the vendor's gc CLI (~/.gc/config.toml) instead of other credentials")
}

/** Named as they were given, which the library cannot know. */
export const checkUrls = (given: {
  readonly apiUrl: string | undefined
  readonly loginUrl: string | undefined
}): Effect.Effect<void, UsageError> => {
  const wrong = Object.entries({ "--api-url": given.apiUrl, "--login-url": given.loginUrl }).find(
    ([, url]) => url !== undefined && !/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : "")
  )
  return wrong === undefined
    ? Effect.void
    : usage(`${wrong[0]} ${wrong[1]} is not a URL`, "Give scheme and host, such as https://api.mypurecloud.com.")
}

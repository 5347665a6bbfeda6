/**
 * Profiles of the vendor's CLI (`gc`), read and never written: `~/.gc/config.toml`.
 *
 * @since 0.1.0
 */
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { home } from "./loginFile.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Profile {
  /** AWS name or domain. */
  readonly region: string | undefined
  readonly credentials:
    | { readonly clientId: string; readonly clientSecret: Redacted.Redacted }
    | { readonly accessToken: Redacted.Redacted }
}

/**
 * There is no such profile, or it holds nothing that can be used here.
 *
 * @since 0.1.0
 * @category errors
 */
export class ProfileError extends Schema.TaggedError<ProfileError>("genesys-dnc/ProfileError")("ProfileError", {
  message: Schema.String,
  hint: Schema.String
}) {}

/**
 * The profile of this name, in whatever case: `gc` writes names in lower case.
 *
 * @since 0.1.0
 */
export const load = (name: string): Effect.Effect<Profile, ProfileError> =>
  Effect.gen(function* () {
    const folder = Path.join(yield* home, ".gc")
    const path = Path.join(folder, "config.toml")
    const content = yield* Effect.tryPromise({
      try: () => Fs.readFile(path, "utf8"),
      catch: (cause) =>
        new ProfileError({
          message: `The profiles of the gc CLI cannot be read: ${path} (${(cause as NodeJS.ErrnoException).code})`,
          hint: "Make a profile with gc profiles new, or set the client's id and secret in the environment."
        })
    })
    const profiles = parse(content)
    const profile = profiles.get(name.toLowerCase())
    if (profile === undefined) {
      return yield* new ProfileError({
        message: `${path} has no profile "${name}"`,
        hint: profiles.size === 0 ? "Make one with gc profiles new." : `There are: ${[...profiles.keys()].join(", ")}.`
      })
    }
    const value = (key: string) => {
      const found = profile.get(key)
      return found === undefined ? undefined : Redacted.value(found)
    }
    if (value("gateway_host") !== undefined) {
      return yield* new ProfileError({
        message: `The profile "${name}" goes through a gateway, and gateways of profiles are not read`,
        hint: "Set the client's id and secret, GENESYS_DNC_API_URL and GENESYS_DNC_LOGIN_URL in the environment."
      })
    }
    const region = value("environment")
    const clientId = value("client_credentials")
    const clientSecret = profile.get("client_secret")
    const accessToken = profile.get("access_token")
    // the CLI's numbers for signing in with a browser
    const forPerson = ["2", "3"].includes(value("grant_type") ?? "") || value("redirect_uri") !== undefined
    if (clientId !== undefined && clientSecret !== undefined && !forPerson) {
      return { region, credentials: { clientId, clientSecret } }
    }
    if (accessToken !== undefined) return { region, credentials: { accessToken } }
    return yield* new ProfileError({
      message: `The profile "${name}" has neither a client id and secret nor an access token`,
      hint: "A profile that signs in with a browser cannot be shared: run genesys-dnc login."
    })
  })

/**
 * As much of TOML as those profiles are written in: a table a profile, a string a line. A key that is set to nothing is
 * not set. Everything is redacted at once, since half of it is secret.
 */
const parse = (content: string): ReadonlyMap<string, ReadonlyMap<string, Redacted.Redacted>> => {
  const profiles = new Map<string, Map<string, Redacted.Redacted>>()
  let profile: Map<string, Redacted.Redacted> | undefined
  for (const line of content.split(/\r?\n/)) {
    const table = /^\s*\[\s*(?:"([^"]*)"|'([^']*)'|([^\]"'[]+?))\s*\]\s*(?:#.*)?$/.exec(line)
    if (table !== null) {
      profile = new Map()
      profiles.set((table[1] ?? table[2] ?? table[3]).toLowerCase(), profile)
      continue
    }
    const [, key, basic, literal, bare] =
      /^\s*([\w-]+)\s*=\s*(?:("(?:[^"\\]|\\.)*")|'([^']*)'|([^\s"'#][^#]*?))\s*(?:#.*)?$/.exec(line) ?? []
    if (profile === undefined || key === undefined) continue
    const value = basic === undefined ? (literal ?? bare) : unescape(basic)
    if (value !== "") profile.set(key.toLowerCase(), Redacted.make(value))
  }
  return profiles
}

/** The escapes that TOML has beyond JSON do not occur in ids and secrets. */
const unescape = (text: string): string => {
  try {
    return JSON.parse(text)
  } catch {
    return text.slice(1, -1)
  }
}

/**
 * Who asks, and where, as it is configured, and the client for it: all that a program needs which only talks to the API.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Profile from "../Auth/profile.js"
import * as Auth from "../Auth.js"
import * as Undici from "../HttpClient/undici.js"
import * as HttpClient from "../HttpClient.js"
import type * as Pacing from "../Pacing.js"
import * as Region from "../Region.js"
import type * as RetryPolicy from "../RetryPolicy.js"

/**
 * Who asks, and where.
 *
 * @since 0.1.0
 * @category models
 */
export interface Connection {
  /** `https://api.{domain}`. */
  readonly apiUrl: string
  /** `https://login.{domain}`; the API's host unless given. */
  readonly loginUrl?: string
  readonly credentials:
    | { readonly clientId: string; readonly clientSecret: Redacted.Redacted }
    | { readonly accessToken: Redacted.Redacted }
    /** Path of the file in which `genesys-dnc login` keeps a person's login. */
    | { readonly loginFile: string }
}

/**
 * How the client asks.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientSettings {
  /** Requests open at once: 5 unless given; `{ upTo: 16 }` finds out what the server is quickest with, up to that. */
  readonly concurrency?: Pacing.Concurrency
  /** Of one attempt; 30 s unless given. */
  readonly timeout?: Duration.Duration
  readonly retry?: RetryPolicy.Options
}

/**
 * Something that has to be configured is missing, or cannot be.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConfigurationError extends Schema.TaggedError<ConfigurationError>("genesys-dnc/ConfigurationError")(
  "ConfigurationError",
  { message: Schema.String, hint: Schema.String }
) {}

/**
 * What reading needs, of lists and of what is on them: the token and the client, and no log.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerClient = (options: Connection & ClientSettings): Layer.Layer<Auth.Auth | HttpClient.HttpClient> => {
  const { apiUrl, credentials, loginUrl = apiUrl } = options
  const auth =
    "accessToken" in credentials
      ? Auth.layerToken(credentials.accessToken)
      : "loginFile" in credentials
        ? Auth.layerLogin({ apiUrl, ...credentials, ...pick(options, "timeout", "retry") })
        : Auth.layer({ loginUrl, ...credentials, ...pick(options, "timeout", "retry") })
  return HttpClient.layer({ apiUrl, ...pick(options, "concurrency", "timeout", "retry") }).pipe(
    Layer.provideMerge(auth),
    Layer.provide(Undici.layer)
  )
}

const pick = <A extends object, K extends keyof A>(options: A, ...keys: ReadonlyArray<K>): Pick<A, K> =>
  Object.fromEntries(keys.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]]))) as Pick<A, K>

/**
 * What can be said in a call instead of in the environment.
 *
 * @since 0.1.0
 * @category configuration
 */
export interface Given {
  readonly apiUrl?: string | undefined
  readonly loginUrl?: string | undefined
  readonly region?: string | undefined
  /** Name of a profile of the vendor's CLI. */
  readonly profile?: string | undefined
}

/**
 * Where to, from `GENESYSCLOUD_REGION` (AWS name, domain or host); `GENESYS_DNC_API_URL` and `GENESYS_DNC_LOGIN_URL`
 * override the region's hosts, the second defaulting to the first where only that is set. What is given in the call wins.
 *
 * @since 0.1.0
 * @category configuration
 */
export const hosts = (
  given?: Given
): Effect.Effect<{ readonly apiUrl: string; readonly loginUrl: string }, ConfigurationError> =>
  Effect.flatMap(hostsIfAny(given), (hosts) => (hosts === undefined ? noHosts : Effect.succeed(hosts)))

const hostsIfAny = (
  given?: Given
): Effect.Effect<{ readonly apiUrl: string; readonly loginUrl: string } | undefined, ConfigurationError> =>
  Effect.gen(function* () {
    // a region that is given in the call would be of no effect beside hosts of the environment
    const ofEnvironment = (name: string) => (given?.region === undefined ? text(name) : Effect.succeed(undefined))
    const api = given?.apiUrl ?? (yield* ofEnvironment("GENESYS_DNC_API_URL"))
    const login = given?.loginUrl ?? (yield* ofEnvironment("GENESYS_DNC_LOGIN_URL"))
    const regionName = given?.region ?? (yield* text("GENESYSCLOUD_REGION"))
    const region = regionName === undefined ? undefined : Region.hosts(regionName)
    if (regionName !== undefined && region === undefined) {
      return yield* new ConfigurationError({
        message: `There is no region "${regionName}"`,
        hint: Region.explainUnknown(regionName)
      })
    }
    const apiUrl = api ?? region?.apiUrl
    if (apiUrl === undefined) return login === undefined ? undefined : yield* noHosts
    return {
      apiUrl: yield* host(apiUrl, "GENESYS_DNC_API_URL"),
      loginUrl: yield* host(login ?? (api !== undefined ? api : region!.loginUrl), "GENESYS_DNC_LOGIN_URL")
    }
  })

/**
 * Who asks, and where: see {@link hosts} for the second. Who is the first of these that is there: the profile of the
 * vendor's CLI that is named in the call; `GENESYSCLOUD_OAUTHCLIENT_ID` with `GENESYSCLOUD_OAUTHCLIENT_SECRET`;
 * `GENESYSCLOUD_ACCESS_TOKEN`; the profile named in `GENESYSCLOUD_PROFILE`; the login that `genesys-dnc login` keeps. A
 * profile and a login say where as well, if nothing else does; a login that is for other hosts is not used.
 *
 * @since 0.1.0
 * @category configuration
 */
export const connection = (given?: Given): Effect.Effect<Connection, ConfigurationError> =>
  Effect.gen(function* () {
    if (given?.profile !== undefined) return yield* ofProfile(given.profile, given, false)
    const accessToken = yield* secret("GENESYSCLOUD_ACCESS_TOKEN")
    const clientId = yield* text("GENESYSCLOUD_OAUTHCLIENT_ID")
    const clientSecret = yield* secret("GENESYSCLOUD_OAUTHCLIENT_SECRET")
    if (clientId !== undefined && clientSecret !== undefined) {
      return { ...(yield* hosts(given)), credentials: { clientId, clientSecret } }
    }
    if (accessToken !== undefined) return { ...(yield* hosts(given)), credentials: { accessToken } }
    const profile = yield* text("GENESYSCLOUD_PROFILE")
    if (profile !== undefined) return yield* ofProfile(profile, given, true)

    const wanted = yield* hostsIfAny(given)
    const file = Auth.LoginFile.make(yield* Auth.LoginFile.defaultPath)
    const login = yield* Effect.mapError(file.load, ({ hint, message }) => new ConfigurationError({ message, hint }))
    if (login !== undefined && (wanted === undefined || Auth.LoginFile.isFor(login, wanted))) {
      const { apiUrl, loginUrl } = wanted ?? login
      return { apiUrl, loginUrl, credentials: { loginFile: file.path } }
    }
    if (wanted === undefined) return yield* noHosts
    const missing = [
      clientId === undefined ? "GENESYSCLOUD_OAUTHCLIENT_ID" : "",
      clientSecret === undefined ? "GENESYSCLOUD_OAUTHCLIENT_SECRET" : ""
    ].filter((name) => name !== "")
    return yield* new ConfigurationError({
      message: `No credentials: ${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} not set`,
      hint:
        "Set the id and secret of an OAuth client with the grant Client Credentials, or GENESYSCLOUD_ACCESS_TOKEN, in the environment or in .env; or sign in with genesys-dnc login." +
        (login === undefined ? "" : ` The login that is kept is for ${login.apiUrl}, not for ${wanted.apiUrl}.`)
    })
  })

/** A profile that is only named in the environment gives way to a region there, as in the vendor's CLI. */
const ofProfile = (
  name: string,
  given: Given | undefined,
  environmentWins: boolean
): Effect.Effect<Connection, ConfigurationError> =>
  Effect.gen(function* () {
    const profile = yield* Effect.mapError(
      Profile.load(name),
      ({ hint, message }) => new ConfigurationError({ message, hint })
    )
    const { credentials, region } = profile
    const saysWhere = given?.apiUrl !== undefined || given?.region !== undefined
    const where = saysWhere || environmentWins ? yield* hostsIfAny(given) : undefined
    return { ...(where ?? (yield* hosts({ ...given, region: given?.region ?? region }))), credentials }
  })

const noHosts = Effect.suspend(
  () =>
    new ConfigurationError({
      message: "Neither GENESYSCLOUD_REGION nor GENESYS_DNC_API_URL is set",
      hint: "Set GENESYSCLOUD_REGION to your org's region, such as eu-central-1 or mypurecloud.de."
    })
)

const host = (url: string, name: string): Effect.Effect<string, ConfigurationError> =>
  URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
    ? Effect.succeed(url)
    : Effect.fail(
        new ConfigurationError({
          message: `${name} is not a URL: ${url}`,
          hint: "Give scheme and host, such as https://api.mypurecloud.com."
        })
      )

/** A variable that is set to nothing is not set. */
const text = (name: string): Effect.Effect<string | undefined, ConfigurationError> =>
  Config.string(name).pipe(
    Config.map((value) => value.trim()),
    Config.option,
    Effect.map((value) => Option.getOrUndefined(Option.filter(value, (text) => text !== ""))),
    Effect.orElseSucceed(() => undefined)
  )

const secret = (name: string): Effect.Effect<Redacted.Redacted | undefined, ConfigurationError> =>
  Effect.flatMap(text(name), (value) =>
    value === undefined ? Effect.succeed(undefined) : Effect.orElseSucceed(Config.redacted(name), () => undefined)
  )

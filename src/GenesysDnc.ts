/**
 * Everything wired: the services as one Layer, and a file pushed in one call. What most programs import.
 *
 * @since 0.1.0
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Config from "effect/Config"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as AuditSink from "./AuditSink.js"
import * as Auth from "./Auth.js"
import * as DncSubmitter from "./DncSubmitter.js"
import * as DncValidator from "./DncValidator.js"
import { type OutputPaths, outputs } from "./GenesysDnc/outputs.js"
import type { GenesysError } from "./GenesysError.js"
import * as HttpClient from "./HttpClient.js"
import * as Pipeline from "./Pipeline.js"
import * as Region from "./Region.js"
import type { OutputError } from "./RejectsFile.js"
import type * as RetryPolicy from "./RetryPolicy.js"
import type { RunReport } from "./RunReport.js"
import * as SuppressionFile from "./SuppressionFile.js"
import * as WebhookRegistrar from "./WebhookRegistrar.js"

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
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Settings {
  /** Path of the audit log: created with mode 0600, appended to by every run. */
  readonly auditLog: string
  /** How phone numbers stand in it. */
  readonly audit?: AuditSink.Options
  readonly policy?: Partial<DncValidator.Policy>
  /** Requests open at once; 5 unless given. */
  readonly concurrency?: number
  /** Of one attempt; 30 s unless given. */
  readonly timeout?: Duration.Duration
  readonly retry?: RetryPolicy.Options
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options extends Connection, Settings {}

/**
 * The six services.
 *
 * @since 0.1.0
 * @category models
 */
export type Services =
  | Auth.Auth
  | HttpClient.HttpClient
  | DncValidator.DncValidator
  | DncSubmitter.DncSubmitter
  | WebhookRegistrar.WebhookRegistrar
  | AuditSink.AuditSink

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
 * All six services, against a Genesys Cloud org, with nothing left to provide.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * import { GenesysDnc } from "genesys-dnc"
 * import { Effect, Redacted } from "effect"
 *
 * const program = GenesysDnc.pushFile("optouts.csv", { dncListId: "8a2bd4b6-…" }).pipe(
 *   Effect.provide(
 *     GenesysDnc.layer({
 *       apiUrl: "https://api.mypurecloud.de",
 *       loginUrl: "https://login.mypurecloud.de",
 *       credentials: { clientId: "…", clientSecret: Redacted.make("…") },
 *       auditLog: "dnc-audit.jsonl"
 *     })
 *   )
 * )
 */
export const layer = (options: Options): Layer.Layer<Services, AuditSink.AuditError | DncValidator.PolicyError> =>
  Layer.mergeAll(DncSubmitter.layer(pick(options, "retry")), WebhookRegistrar.layerFromLog(options.auditLog)).pipe(
    Layer.provideMerge(layerClient(options)),
    Layer.provideMerge(evidence(options))
  )

/**
 * What reading needs, of lists and of what is on them: the token and the client, and no log.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerClient = (
  options: Connection & Pick<Settings, "concurrency" | "timeout" | "retry">
): Layer.Layer<Auth.Auth | HttpClient.HttpClient> => {
  const { apiUrl, credentials, loginUrl = apiUrl } = options
  const auth =
    "accessToken" in credentials
      ? Auth.layerToken(credentials.accessToken)
      : Auth.layer({ loginUrl, ...credentials, ...pick(options, "timeout", "retry") })
  return HttpClient.layer({ apiUrl, ...pick(options, "concurrency", "timeout", "retry") }).pipe(
    Layer.provideMerge(auth),
    Layer.provide(NodeHttpClient.layerUndici)
  )
}

/**
 * What a dry run needs: the rules and the log. Nothing is sent, and no credentials are asked for.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerDryRun = (
  settings: Settings
): Layer.Layer<
  DncValidator.DncValidator | DncSubmitter.DncSubmitter | AuditSink.AuditSink,
  AuditSink.AuditError | DncValidator.PolicyError
> => Layer.merge(DncSubmitter.layerDryRun(), evidence(settings))

/**
 * Like {@link layer}, with the connection read from the environment; see {@link connection}.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  settings: Settings
): Layer.Layer<Services, ConfigurationError | AuditSink.AuditError | DncValidator.PolicyError> =>
  Layer.unwrapEffect(Effect.map(connection(), (connection) => layer({ ...connection, ...settings })))

const evidence = (settings: Settings) =>
  Layer.merge(DncValidator.layer(settings.policy), AuditSink.layerFile(settings.auditLog, settings.audit))

const pick = <A extends object, K extends keyof A>(options: A, ...keys: ReadonlyArray<K>): Pick<A, K> =>
  Object.fromEntries(keys.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]]))) as Pick<A, K>

/**
 * Who asks, and where, from `GENESYSCLOUD_REGION` (AWS name or domain), `GENESYSCLOUD_OAUTHCLIENT_ID` and
 * `GENESYSCLOUD_OAUTHCLIENT_SECRET` or `GENESYSCLOUD_ACCESS_TOKEN`; `GENESYS_DNC_API_URL` and `GENESYS_DNC_LOGIN_URL`
 * override the region's hosts, the second defaulting to the first where only that is set. What is given in the call wins.
 *
 * @since 0.1.0
 * @category configuration
 */
export const connection = (given?: {
  readonly apiUrl?: string | undefined
  readonly loginUrl?: string | undefined
  readonly region?: string | undefined
}): Effect.Effect<Connection, ConfigurationError> =>
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
        hint: `Use an AWS name or a domain: ${Object.entries(Region.domains)
          .map(([name, domain]) => `${name} (${domain})`)
          .join(", ")}.`
      })
    }
    const apiUrl = yield* host(api ?? region?.apiUrl, "GENESYS_DNC_API_URL")
    const loginUrl = yield* host(login ?? (api !== undefined ? api : region?.loginUrl), "GENESYS_DNC_LOGIN_URL")
    const accessToken = yield* secret("GENESYSCLOUD_ACCESS_TOKEN")
    const clientId = yield* text("GENESYSCLOUD_OAUTHCLIENT_ID")
    const clientSecret = yield* secret("GENESYSCLOUD_OAUTHCLIENT_SECRET")
    if (clientId !== undefined && clientSecret !== undefined) {
      return { apiUrl, loginUrl, credentials: { clientId, clientSecret } }
    }
    if (accessToken !== undefined) return { apiUrl, loginUrl, credentials: { accessToken } }
    const missing = [
      clientId === undefined ? "GENESYSCLOUD_OAUTHCLIENT_ID" : "",
      clientSecret === undefined ? "GENESYSCLOUD_OAUTHCLIENT_SECRET" : ""
    ].filter((name) => name !== "")
    return yield* new ConfigurationError({
      message: `No credentials: ${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} not set`,
      hint: "Set the id and secret of an OAuth client with the grant Client Credentials, or GENESYSCLOUD_ACCESS_TOKEN, in the environment or in .env."
    })
  })

const host = (url: string | undefined, name: string): Effect.Effect<string, ConfigurationError> =>
  url === undefined
    ? Effect.fail(
        new ConfigurationError({
          message: "Neither GENESYSCLOUD_REGION nor GENESYS_DNC_API_URL is set",
          hint: "Set GENESYSCLOUD_REGION to your org's region, such as eu-central-1 or mypurecloud.de."
        })
      )
    : URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
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

/**
 * @since 0.1.0
 * @category models
 */
export interface PushOptions extends Omit<Pipeline.Options, "outputs">, OutputPaths {
  /** How the files are to be read. */
  readonly file?: SuppressionFile.Options
}

/**
 * Puts the rows of one or several files, as one run, on a DNC list. Writes `<input>.rejects.csv` and `<input>.failed.csv`
 * beside the input, unless told another place, and only where there is something to write.
 *
 * @since 0.1.0
 */
export const pushFile = (
  paths: string | ReadonlyArray<string>,
  options: PushOptions
): Effect.Effect<
  RunReport,
  SuppressionFile.InputError | OutputError | Pipeline.TooManyRejects | GenesysError | AuditSink.AuditError,
  DncValidator.DncValidator | DncSubmitter.DncSubmitter | AuditSink.AuditSink
> =>
  Effect.scoped(
    Effect.flatMap(openAll(paths, options), ({ inputs, outputs }) => Pipeline.push(inputs, { ...options, outputs }))
  )

/**
 * What {@link pushFile} would refuse and what it would send, without a network.
 *
 * @since 0.1.0
 */
export const validateFile = (
  paths: string | ReadonlyArray<string>,
  options: Omit<PushOptions, "dncListId">
): Effect.Effect<
  RunReport,
  SuppressionFile.InputError | OutputError | Pipeline.TooManyRejects,
  DncValidator.DncValidator | DncSubmitter.DncSubmitter
> =>
  Effect.scoped(
    Effect.flatMap(openAll(paths, options), ({ inputs, outputs }) => Pipeline.validate(inputs, { ...options, outputs }))
  )

const openAll = (paths: string | ReadonlyArray<string>, options: Omit<PushOptions, "dncListId">) =>
  Effect.gen(function* () {
    const files = typeof paths === "string" ? [paths] : paths
    const inputs = yield* Effect.forEach(files, (path) => SuppressionFile.open(path, options.file))
    return { inputs, outputs: yield* outputs(inputs, options) }
  })

/**
 * Everything wired: the services as one Layer, and a file pushed in one call. What most programs import.
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
import * as Stream from "effect/Stream"
import { withKey } from "./AuditSink/key.js"
import * as AuditSink from "./AuditSink.js"
import * as Profile from "./Auth/profile.js"
import * as Auth from "./Auth.js"
import * as Contract from "./Contract.js"
import type { Kind } from "./DncEntry.js"
import * as DncExport from "./DncExport.js"
import * as DncLists from "./DncLists.js"
import * as DncSubmitter from "./DncSubmitter.js"
import * as DncValidator from "./DncValidator.js"
import { check, type OutputPaths, outputPaths, type SyncPaths } from "./GenesysDnc/outputPaths.js"
import { failedOutputs, outputs } from "./GenesysDnc/outputs.js"
import type { GenesysError } from "./GenesysError.js"
import * as Undici from "./HttpClient/undici.js"
import * as HttpClient from "./HttpClient.js"
import * as IntendedEnds from "./IntendedEnds.js"
import type * as Pacing from "./Pacing.js"
import * as Pipeline from "./Pipeline.js"
import * as Region from "./Region.js"
import type { OutputError } from "./RejectsFile.js"
import type * as RetryPolicy from "./RetryPolicy.js"
import type { OutputFile, RunReport } from "./RunReport.js"
import * as SuppressionFile from "./SuppressionFile.js"
import * as SyncPlan from "./SyncPlan.js"
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
    /** Path of the file in which `genesys-dnc login` keeps a person's login. */
    | { readonly loginFile: string }
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Settings {
  /** Path of the audit log: created with mode 0600, appended to by every run. */
  readonly auditLog: string
  /**
   * How phone numbers stand in it: hashed unless given, so that `genesys-dnc audit find` finds them. Where no `hashKey` is
   * given for that, the key is `GENESYS_DNC_AUDIT_KEY`, or one that is made beside the log at its first use
   * (`<auditLog>.key`, mode 0600). Masked, with a warning, where none can be made and `hashed` was not asked for.
   */
  readonly audit?: AuditSink.Options
  readonly policy?: Partial<DncValidator.Policy>
  /**
   * What is put on the list or taken off it: `phone` unless given here or in the policy. The other kinds go by the published
   * API, whatever `detect` would find.
   */
  readonly kind?: Kind
  /**
   * By which API: `platform`, which Genesys Cloud publishes, unless given; `{ detect: id }` asks the list of that id which
   * of the two it is served by.
   */
  readonly api?: "platform" | "entries" | { readonly detect: string }
  /** Numbers in one request of `platform`; 1,000 unless given. */
  readonly largestBatch?: number
  /** Requests open at once: 5 unless given; `{ upTo: 16 }` finds out what the server is quickest with, up to that. */
  readonly concurrency?: Pacing.Concurrency
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
export const layer = (
  options: Options
): Layer.Layer<Services, GenesysError | AuditSink.AuditError | DncValidator.PolicyError> => {
  const submitterOptions = { ...pick(options, "retry"), contract: contractOf(options) }
  return Layer.mergeAll(
    typeof options.api === "object"
      ? DncSubmitter.layerAuto(options.api.detect, submitterOptions)
      : DncSubmitter.layer(submitterOptions),
    WebhookRegistrar.layerFromLog(options.auditLog)
  ).pipe(Layer.provideMerge(layerClient(options)), Layer.provideMerge(evidence(options)))
}

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
      : "loginFile" in credentials
        ? Auth.layerLogin({ apiUrl, ...credentials, ...pick(options, "timeout", "retry") })
        : Auth.layer({ loginUrl, ...credentials, ...pick(options, "timeout", "retry") })
  return HttpClient.layer({ apiUrl, ...pick(options, "concurrency", "timeout", "retry") }).pipe(
    Layer.provideMerge(auth),
    Layer.provide(Undici.layer)
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
> => {
  // it records no numbers, so it makes no key
  const isKeyless = (settings.audit?.numbers ?? "hashed") === "hashed" && settings.audit?.hashKey === undefined
  return Layer.merge(
    DncSubmitter.layerDryRun(contractOf(settings)),
    evidence(isKeyless ? { ...settings, audit: { ...settings.audit, numbers: "masked" } } : settings)
  )
}

/**
 * Like {@link layer}, with the connection read from the environment; see {@link connection}.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  settings: Settings
): Layer.Layer<Services, ConfigurationError | GenesysError | AuditSink.AuditError | DncValidator.PolicyError> =>
  Layer.unwrapEffect(Effect.map(connection(), (connection) => layer({ ...connection, ...settings })))

/** Where the list is asked, what is sent if it is not served by entries. */
const contractOf = (settings: Settings): Contract.Contract =>
  settings.api === "entries"
    ? Contract.entries
    : Contract.platform({ kind: kindOf(settings), ...pick(settings, "largestBatch") })

const kindOf = ({ kind, policy }: Settings): Kind => kind ?? policy?.kind ?? DncValidator.defaults.kind

const evidence = (settings: Settings) =>
  Layer.merge(
    DncValidator.layer({ ...settings.policy, kind: kindOf(settings) }),
    Layer.unwrapEffect(
      Effect.map(withKey(settings.auditLog, settings.audit), (audit) => AuditSink.layerFile(settings.auditLog, audit))
    )
  )

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

/**
 * @since 0.1.0
 * @category models
 */
export interface PushOptions<E = never> extends Omit<Pipeline.Options<E>, "outputs" | "ends" | "against">, OutputPaths {
  /** Path of an export of the list, as `DncExport.writeFile` or `genesys-dnc export` writes it; see `Pipeline.Options`. */
  readonly against?: string
  /** Path of the file that keeps ends which the list cannot say; see `IntendedEnds`. None are kept without it. */
  readonly ends?: string
  /** How the files are to be read; what they hold is for the contract to say. */
  readonly file?: Omit<SuppressionFile.Options, "kind">
}

/**
 * Puts the rows of one or several files, as one run, on a DNC list. Writes `<input>.rejects.csv` and `<input>.failed.csv`
 * beside the input (and `<input>.held-back.csv`), unless told another place, and only where there is something to write; that it could is found out
 * before anything is read.
 *
 * @since 0.1.0
 */
export const pushFile = <E = never>(
  paths: string | ReadonlyArray<string>,
  options: PushOptions<E>
): Effect.Effect<
  RunReport,
  | E
  | SuppressionFile.InputError
  | OutputError
  | Pipeline.TooManyRejects
  | Pipeline.CannotResume
  | GenesysError
  | AuditSink.AuditError
  | IntendedEnds.EndsError,
  DncValidator.DncValidator | DncSubmitter.DncSubmitter | AuditSink.AuditSink
> => {
  const { against, ends: _, ...given } = options
  const kinds = options.action === "remove" ? pushKinds.slice(0, 2) : pushKinds
  return Effect.scoped(
    Effect.flatMap(openAll(paths, options, kinds), ({ inputs, outputs }) =>
      Pipeline.push<SuppressionFile.InputError, SuppressionFile.InputError | OutputError | E>(inputs, {
        ...given,
        ...keptEnds(options),
        ...(against === undefined ? {} : { against: DncExport.readFile(against) }),
        ...copyBeside(typeof paths === "string" ? paths : (paths[0] ?? "-"), options),
        outputs
      })
    )
  )
}

const pushKinds = ["rejects", "failed", "held-back"] as const

const keptEnds = ({ ends }: Pick<PushOptions, "ends">) => (ends === undefined ? {} : { ends: IntendedEnds.make(ends) })

/**
 * @since 0.1.0
 * @category models
 */
export interface ExpireOptions<E = never> extends Omit<Pipeline.ExpireOptions<E>, "outputs" | "ends" | "listed"> {
  /** Path of the file that keeps the ends. */
  readonly ends: string
  /** For numbers that could not be taken off; `genesys-dnc-expire.failed.csv` in the current folder unless given. */
  readonly failedPath?: string | undefined
  /** What it may not be written over, besides the ends: the audit log. */
  readonly keep?: ReadonlyArray<string>
  /** Whether the list is rid as well of what has expired by its own account; true unless given. */
  readonly purge?: boolean
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Expired extends Pipeline.Expired {
  /** Whether the list was rid of what has expired by its own account, or why not; none where that was not tried. */
  readonly purge?: "done" | GenesysError
}

/**
 * Takes the numbers off a list whose intended end has come and that are on it still as `pushFile` put them there, then
 * purges what has expired on the list itself. That a purge fails is in what is returned.
 *
 * @since 0.1.0
 */
export const expire = <E = never>(
  options: ExpireOptions<E>
): Effect.Effect<
  Expired,
  E | OutputError | GenesysError | AuditSink.AuditError | IntendedEnds.EndsError | DncExport.ExportError,
  DncValidator.DncValidator | DncSubmitter.DncSubmitter | AuditSink.AuditSink | HttpClient.HttpClient
> =>
  Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    const { dncListId, dryRun, ends, failedPath = "genesys-dnc-expire.failed.csv", purge, ...given } = options
    const keep = [...(options.keep ?? []), ends]
    yield* check([], [{ kind: "failed", path: failedPath }], keep)
    const expired = yield* Pipeline.expire<E | OutputError, GenesysError | DncExport.ExportError>({
      ...given,
      dncListId,
      dryRun: dryRun ?? false,
      ends: IntendedEnds.make(ends),
      listed: Stream.provideService(DncExport.stream(dncListId), HttpClient.HttpClient, client),
      outputs: yield* failedOutputs(failedPath, keep)
    })
    const { report } = expired
    if (dryRun === true || purge === false || (report !== undefined && report.outcome !== "completed")) return expired
    const purged = DncLists.purgeExpired(dncListId).pipe(
      Effect.as("done" as const),
      Effect.catchAll((error) => Effect.succeed(error))
    )
    return { ...expired, purge: yield* purged }
  }).pipe(Effect.scoped)

/**
 * @since 0.1.0
 * @category models
 */
export interface SyncOptions<E = never>
  extends Omit<Pipeline.SyncOptions<E>, "outputs" | "exported" | "verify" | "writePlan" | "ends">,
    SyncPaths,
    Pick<PushOptions, "ends"> {
  /** How the files are to be read. */
  readonly file?: SuppressionFile.Options
  /** Exports the list once more at the end, and sees that it is as it should be. */
  readonly verify?: boolean
  /** How long an export is waited for. */
  readonly export?: DncExport.Options
}

/**
 * Makes a list equal to one or several files, as one run; see `Pipeline.sync`. Writes the plan to `<input>.plan.csv` beside
 * the first input unless told another place, whatever comes of it; besides it, the files that {@link pushFile} writes, and
 * `<input>.failed-removals.csv`, which `remove` takes.
 *
 * @since 0.1.0
 */
export const syncFile = <E = never>(
  paths: string | ReadonlyArray<string>,
  options: SyncOptions<E>
): Effect.Effect<
  RunReport,
  | E
  | SuppressionFile.InputError
  | OutputError
  | Pipeline.TooManyRejects
  | SyncPlan.TooManyRemovals
  | DncExport.ExportError
  | GenesysError
  | AuditSink.AuditError
  | IntendedEnds.EndsError,
  DncValidator.DncValidator | DncSubmitter.DncSubmitter | AuditSink.AuditSink | HttpClient.HttpClient
> =>
  Effect.scoped(
    Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient
      const kinds = options.dryRun === true ? syncKinds.slice(0, 2) : syncKinds
      const { inputs, outputs, written } = yield* openAll(paths, options, kinds)
      const { ends: _, export: waiting, verify, ...rest } = options
      const exported = Stream.provideService(
        DncExport.stream(options.dncListId, waiting),
        HttpClient.HttpClient,
        client
      )
      const { path } = written.plan
      type Failure = OutputError | DncExport.ExportError | GenesysError | E
      return yield* Pipeline.sync<SuppressionFile.InputError, Failure>(inputs, {
        ...rest,
        ...keptEnds(options),
        outputs,
        exported,
        ...(verify === true ? { verify: exported } : {}),
        writePlan: (plan) => Effect.map(SyncPlan.writeFile(plan, path), ({ sha256 }) => ({ path, sha256 }))
      })
    })
  )

const syncKinds = ["plan", "rejects", "failed", "failed-removals"] as const

/** A new name every time: what an earlier process, perhaps of the same run, had to keep is never written over. */
const copyBeside = (input: string, { upload }: Pick<Pipeline.Options, "upload">): Pick<Pipeline.Options, "upload"> =>
  upload === undefined
    ? {}
    : {
        upload: {
          copy: `${input === "-" ? "stdin" : input}.list-before-${crypto.randomUUID().slice(0, 8)}.csv`,
          ...upload
        }
      }

/**
 * What {@link pushFile} would refuse and what it would send, without a network.
 *
 * @since 0.1.0
 */
export const validateFile = (
  paths: string | ReadonlyArray<string>,
  options: Omit<PushOptions, "dncListId" | "ends" | "listed" | "against" | "allowShorten">
): Effect.Effect<
  RunReport,
  SuppressionFile.InputError | OutputError | Pipeline.TooManyRejects,
  DncValidator.DncValidator | DncSubmitter.DncSubmitter
> =>
  Effect.scoped(
    Effect.flatMap(openAll(paths, options, ["rejects"]), ({ inputs, outputs }) =>
      Pipeline.validate(inputs, { ...options, outputs })
    )
  )

const openAll = (
  paths: string | ReadonlyArray<string>,
  options: Pick<PushOptions, "file" | "ends" | "against"> & SyncPaths,
  kinds: ReadonlyArray<OutputFile["kind"] | "plan">
) =>
  Effect.gen(function* () {
    const files = typeof paths === "string" ? [paths] : paths
    const written = outputPaths(files, options)
    const all = [...written.rejects, written.failed, written.failedRemovals, written.heldBack, written.plan]
    const mayBeWritten = all.filter(({ kind }) => kinds.includes(kind))
    const kept = [options.ends, options.against].filter((path) => path !== undefined)
    const keep = [...(options.keep ?? []), ...kept]
    yield* check(files, mayBeWritten, keep)
    const { kind } = (yield* DncSubmitter.DncSubmitter).contract
    const inputs = yield* Effect.forEach(files, (path) => SuppressionFile.open(path, { ...options.file, kind }))
    return { inputs, written, outputs: yield* outputs(inputs, written, keep, kind) }
  })

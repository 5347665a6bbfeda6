/**
 * Everything wired: the services as one Layer, and a file pushed in one call. What most programs import.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as AuditKey from "./AuditSink/key.js"
import type * as AuditSink from "./AuditSink.js"
import type * as Auth from "./Auth.js"
import * as Contract from "./Contract.js"
import type { Kind } from "./DncEntry.js"
import * as DncExport from "./DncExport.js"
import * as DncSubmitter from "./DncSubmitter.js"
import * as DncValidator from "./DncValidator.js"
import {
  type ClientSettings,
  type ConfigurationError,
  type Connection,
  connection,
  layerClient
} from "./GenesysDnc/connection.js"
import { check, type OutputPaths, outputPaths, type SyncPaths } from "./GenesysDnc/outputPaths.js"
import { outputs } from "./GenesysDnc/outputs.js"
import type { GenesysError } from "./GenesysError.js"
import * as HttpClient from "./HttpClient.js"
import * as IntendedEnds from "./IntendedEnds.js"
import * as Pipeline from "./Pipeline.js"
import type { OutputError } from "./RejectsFile.js"
import type { OutputFile, RunReport } from "./RunReport.js"
import * as SuppressionFile from "./SuppressionFile.js"
import * as SyncPlan from "./SyncPlan.js"
import * as WebhookRegistrar from "./WebhookRegistrar.js"

export {
  ConfigurationError,
  type Connection,
  connection,
  type Given,
  hosts,
  layerClient
} from "./GenesysDnc/connection.js"
export { type Expired, type ExpireOptions, expire } from "./GenesysDnc/expire.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Settings extends ClientSettings {
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
  const { retry } = options
  const submitterOptions = { ...(retry === undefined ? {} : { retry }), contract: contractOf(options) }
  return Layer.mergeAll(
    typeof options.api === "object"
      ? DncSubmitter.layerAuto(options.api.detect, submitterOptions)
      : DncSubmitter.layer(submitterOptions),
    WebhookRegistrar.layerFromLog(options.auditLog)
  ).pipe(Layer.provideMerge(layerClient(options)), Layer.provideMerge(evidence(options)))
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
const contractOf = (settings: Settings): Contract.Contract => {
  const { api, largestBatch } = settings
  return api === "entries"
    ? Contract.entries
    : Contract.platform({ kind: kindOf(settings), ...(largestBatch === undefined ? {} : { largestBatch }) })
}

const kindOf = ({ kind, policy }: Settings): Kind => kind ?? policy?.kind ?? DncValidator.defaults.kind

const evidence = (settings: Settings) =>
  Layer.merge(
    DncValidator.layer({ ...settings.policy, kind: kindOf(settings) }),
    AuditKey.layerFile(settings.auditLog, settings.audit)
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

/**
 * Ends that have come: their numbers taken off a list in one call.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as AuditSink from "../AuditSink.js"
import * as DncExport from "../DncExport.js"
import * as DncLists from "../DncLists.js"
import type * as DncSubmitter from "../DncSubmitter.js"
import type * as DncValidator from "../DncValidator.js"
import type { GenesysError } from "../GenesysError.js"
import * as HttpClient from "../HttpClient.js"
import * as IntendedEnds from "../IntendedEnds.js"
import * as Pipeline from "../Pipeline.js"
import type { OutputError } from "../RejectsFile.js"
import { check } from "./outputPaths.js"
import { failedOutputs } from "./outputs.js"

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

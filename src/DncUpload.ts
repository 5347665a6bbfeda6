/**
 * The bulk route: one CSV file brought to a signed address, which the platform imports into a list. In parts, for whoever
 * composes them otherwise than `Pipeline.push` does: the file, its address, the import, the rows that it did not take.
 *
 * Not published, and so not relied upon: whether an import adds to a list or takes its place, how long it takes, and how
 * several names in one field of the request are separated (one column of numbers is named, so no separator is needed).
 *
 * @since 0.1.0
 */
import { createReadStream } from "node:fs"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { ImportStatus } from "./DncLists.js"
import * as DncLists from "./DncLists.js"
import type { CsvFile } from "./DncUpload/csv.js"
import { columns } from "./DncUpload/csv.js"
import type { GenesysError } from "./GenesysError.js"
import * as GenesysErrors from "./GenesysError.js"
import { HttpClient, type Trace } from "./HttpClient.js"
import { mask } from "./Masking.js"
import * as RetryPolicy from "./RetryPolicy.js"

export { type CsvFile, type CsvWriter, columns, make as makeCsv, numbersAt, row as csvRow } from "./DncUpload/csv.js"
export { type RowError, read as rowErrors } from "./DncUpload/events.js"

/**
 * An import that failed (`Failed`, with the server's reason), was not seen to end (`NotReady`), or after which entries that
 * were on the list before are not on it any more (`Replaced`).
 *
 * @since 0.1.0
 * @category errors
 */
export class ImportError extends Schema.TaggedError<ImportError>("genesys-dnc/ImportError")("ImportError", {
  message: Schema.String,
  hint: Schema.String,
  reason: Schema.Literal("Failed", "NotReady", "Replaced"),
  /** The server's own word, such as `EXCEEDED_DNC_RECORD_LIMIT`. */
  failureReason: Schema.optional(Schema.String)
}) {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How long the signed address is good for, in whole seconds from 1 to 604,800. */
  readonly signedUrlTimeoutSeconds?: number
  /** How long an import is waited for. */
  readonly longest?: Duration.Duration
  /** How long no sign of an import is waited for before its list is asked for one. */
  readonly quiet?: Duration.Duration
}

/**
 * @since 0.1.0
 * @category models
 */
export const defaults = {
  signedUrlTimeoutSeconds: 3600,
  longest: Duration.minutes(30),
  quiet: Duration.minutes(1)
} as const

/**
 * The command sends one file where more requests than this were needed. At the 300 a minute that Genesys Cloud documents,
 * so many are under way for seven minutes.
 *
 * @since 0.1.0
 */
export const above = 2000

/**
 * Where a file is brought, and what has to go with it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Address {
  readonly url: Redacted.Redacted
  readonly headers: Readonly<Record<string, string>>
  /** No later than when it was given out, by the server's clock, in milliseconds since 1970. */
  readonly since: number
}

const UploadUrl = Schema.Struct({
  url: Schema.String,
  headers: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), {
    default: () => ({}),
    nullable: true
  })
})

/**
 * Asks for a signed address for a file with the columns of {@link columns}. Changes nothing on the list.
 *
 * @since 0.1.0
 */
export const ask = Effect.fn("genesys-dnc/DncUpload.ask")(function* (
  dncListId: string,
  options?: Options
): Effect.fn.Return<Address, GenesysError, HttpClient> {
  const client = yield* HttpClient
  const askedAt = yield* Clock.currentTimeMillis
  const answer = yield* client.execute(
    HttpClientRequest.post("/api/v2/outbound/dnclists/uploads").pipe(
      HttpClientRequest.bodyUnsafeJson({
        id: dncListId,
        contentType: "text/csv",
        phoneColumns: columns.phone,
        expirationDateTimeColumn: columns.expires,
        signedUrlTimeoutSeconds: options?.signedUrlTimeoutSeconds ?? defaults.signedUrlTimeoutSeconds
      })
    )
  )
  const { headers, url } = yield* DncLists.decode(UploadUrl, answer, "an address for an upload")
  const date = Date.parse(answer.headers["date"] ?? "")
  const took = (yield* Clock.currentTimeMillis) - askedAt
  // a date is cut to the second
  const since = (Number.isNaN(date) ? askedAt : date - took) - 1000
  return { url: Redacted.make(url), headers, since }
})

/**
 * What bringing a file took, kept up to date.
 *
 * @since 0.1.0
 * @category models
 */
export interface Sent extends Trace {
  /** True once an attempt has ended in a way that leaves it open whether the file has arrived. */
  mayHaveArrived: boolean
}

/** New addresses for one file, after those that had ended. */
const mostRenewals = 2

/**
 * Brings the file to its address, from the disk as it is sent; an address that has ended by then is asked for anew. Begins
 * an import.
 *
 * @since 0.1.0
 */
export const bring = (
  dncListId: string,
  file: CsvFile,
  address: Address,
  options?: Options,
  sent: Sent = { attempts: 0, correlationId: undefined, mayHaveArrived: false }
): Effect.Effect<void, GenesysError, HttpClient> =>
  Effect.flatMap(HttpClient, (client) => {
    const body = NodeStream.fromReadable<Error, Uint8Array>(
      () => createReadStream(file.path, { highWaterMark: 1 << 18 }),
      (cause) => cause as Error
    )
    const to = ({ headers, url }: Address, renewals: number): Effect.Effect<void, GenesysError, HttpClient> =>
      Effect.catchIf(
        Effect.tapError(client.put({ url, headers, body, bytes: file.bytes }, sent), (error) =>
          Effect.sync(() => {
            sent.mayHaveArrived ||= GenesysErrors.isRetryable(error) || (error.attempts ?? 1) > 1
          })
        ),
        (error) => error.status === 403 && renewals > 0,
        () => Effect.flatMap(ask(dncListId, options), (next) => to(next, renewals - 1))
      )
    return to(address, mostRenewals)
  })

/**
 * @since 0.1.0
 * @category models
 */
export interface Awaited extends Options {
  /** What the list said of imports before the file was brought. */
  readonly before: ImportStatus
  /** Rows of the file. */
  readonly rows: number
  /**
   * Asked where the list says nothing of an import: whether what it holds shows that there was one.
   */
  readonly isThere: Effect.Effect<boolean, GenesysError>
  /** Called with rows done so far, out of `rows`. */
  readonly onProgress?: (completed: number) => void
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Imported {
  /** Rows that the server says it has gone through; none where it did not say. */
  readonly completed: number | undefined
  /** Whether the status was of an import of as many rows. */
  readonly confirmed: boolean
}

/**
 * Waits until the import of a file has ended. A status is that of our own import once it is another than before; there is
 * none for *done*: 100 percent without a state means it, as does a state that goes away. Small files may never show one.
 *
 * @since 0.1.0
 */
export const awaitImport = Effect.fn("genesys-dnc/DncUpload.awaitImport")(function* (
  dncListId: string,
  { before, isThere, longest = defaults.longest, onProgress, quiet = defaults.quiet, rows }: Awaited
): Effect.fn.Return<Imported, GenesysError | ImportError, HttpClient> {
  const start = yield* Clock.currentTimeMillis
  let begun = false
  const poll = Effect.gen(function* () {
    const status = yield* DncLists.importStatus(dncListId)
    begun ||= !isSame(status, before)
    if (!begun) {
      const waited = (yield* Clock.currentTimeMillis) - start
      return waited >= Duration.toMillis(quiet) && (yield* isThere)
        ? { completed: undefined, confirmed: false }
        : yield* Effect.fail("not yet" as const)
    }
    const { completedRecords, failureReason, percentComplete = 0, state, totalRecords = 0 } = status
    if (state === "FAILED") {
      return yield* new ImportError({
        reason: "Failed",
        message: `The import into DNC list ${dncListId} failed: ${mask(failureReason ?? "the server says no reason")}`,
        hint: "The event log of the org (Admin > Outbound > Event Viewer) may say more; the failed file can be fed again, --upload-above never sends it by requests.",
        ...(failureReason === undefined ? {} : { failureReason })
      })
    }
    // at rest: the one that was under way has ended
    if (state === undefined && totalRecords === 0) return { completed: undefined, confirmed: false }
    if (completedRecords !== undefined) onProgress?.(Math.min(rows, completedRecords))
    // a header may be counted as a record
    const confirmed = totalRecords === rows || totalRecords === rows + 1
    if (state === undefined && percentComplete >= 100) return { completed: completedRecords, confirmed }
    return yield* Effect.fail("not yet" as const)
  })
  return yield* poll.pipe(
    Effect.retry({ schedule: RetryPolicy.untilReady(longest), while: (error) => error === "not yet" }),
    Effect.mapError((error) =>
      error === "not yet"
        ? new ImportError({
            reason: "NotReady",
            message: `The import into DNC list ${dncListId} ${begun ? "has not ended" : "was not seen to begin"} within ${Duration.format(longest)}`,
            hint: "It may go on at the server: genesys-dnc lists shows how far it is. The failed file can be fed again, nothing is doubled."
          })
        : error
    )
  )
})

const isSame = (a: ImportStatus, b: ImportStatus): boolean =>
  a.state === b.state &&
  a.totalRecords === b.totalRecords &&
  a.completedRecords === b.completedRecords &&
  a.percentComplete === b.percentComplete &&
  a.failureReason === b.failureReason

/**
 * What the log says: one type for each kind of record.
 *
 * @since 0.1.0
 */
import type * as AuditChain from "../AuditChain.js"
import type { Signed } from "../AuditSignature.js"
import type { Stamped } from "../AuditTimestamp.js"
import type { Action, Kind } from "../DncEntry.js"
import type { Honour } from "../Honour.js"
import type { RunReport, SyncReport } from "../RunReport.js"
import type { Registration } from "../WebhookRegistrar.js"

/**
 * `VALIDATED`: all is on the list. `VALIDATED_WITH_REJECTS`: so is all that was valid. `INCOMPLETE`: something valid is
 * not known to be on the list.
 *
 * @since 0.1.0
 * @category models
 */
export type ComplianceStatus = "VALIDATED" | "VALIDATED_WITH_REJECTS" | "INCOMPLETE"

/**
 * One refused row, as the log shows it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ValidationError {
  readonly code: string
  /** `file:line`, where the row has one. */
  readonly at?: string
  readonly raw: string
  readonly message: string
}

interface Common<Operation extends string, Result> {
  readonly operation: Operation
  readonly runId: string | null
  readonly dncListId: string | null
  /** What the list's entries are that the record is about; none means `phone`. */
  readonly kind?: Kind
  /** Milliseconds; none where nothing was waited for. */
  readonly latencyMs?: number | null
  readonly result: Result
  readonly validationErrors?: ReadonlyArray<ValidationError>
  readonly complianceStatus: ComplianceStatus
  /**
   * The numbers (addresses, values) of a request, as they are sent; the log holds them as its policy says. They stand in its
   * `BATCH_INTENDED` alone: what says how it ended has the same `runId` and `idempotencyKey`. Logs of earlier versions have
   * them there as well.
   */
  readonly phoneNumbers?: ReadonlyArray<string>
}

interface BatchPart {
  readonly batch: number
  readonly idempotencyKey: string
  /** The whole run as one file, which is batch 0; absent for a request. */
  readonly route?: "upload"
}

/**
 * How many numbers had their intended end behind them, and why some of them were left alone.
 *
 * @since 0.1.0
 * @category models
 */
export interface Expiry {
  readonly due: number
  /** Not on the list any more. */
  readonly gone: number
  /** On the list with an end, which is not from here. */
  readonly changed: number
  /** Another run wanted them on the list while this one looked at it. */
  readonly renewed: number
}

/**
 * All that a log tells of a run whose records were taken off it.
 *
 * @since 0.1.0
 * @category models
 */
export interface PrunedRun {
  readonly runId: string
  readonly dncListId: string
  readonly startedAt: string
  readonly endedAt: string
  readonly outcome: string
  /** The digest of its last record. */
  readonly head: string
}

/**
 * What happened, as the pipeline says it. Masking, the id and the time are the sink's.
 *
 * @since 0.1.0
 * @category models
 */
export type AuditEvent =
  | Common<
      "RUN_STARTED",
      {
        readonly tool: string
        /** Who ran it, as configured; logs of earlier versions say nothing of it. */
        readonly operator?: string | null
        readonly contract: string
        readonly action: Action | "sync"
        readonly target: string
        readonly now: string
        readonly policy: unknown
        /** How batches are cut: see `Pipeline.cutting`. */
        readonly cutting: number
        readonly largestBatch: number
        /** SHA-256 of the distinct numbers with their values, in order: equal ones are cut into equal batches. */
        readonly setDigest: string
        /** Entries on the list before, where the contract gives no counts and it could be seen. */
        readonly listSize: number | null
        readonly inputs: ReadonlyArray<{ readonly name: string; readonly sha256: string; readonly rows: number }>
        readonly rowsRead: number
        readonly distinctNumbers: number
        readonly batches: number
        /** Numbers that are put on the list for ever, as their end is further ahead than the contract can say. */
        readonly withoutExpiry: number
        /** Numbers that are not sent, as they are suppressed for longer already. */
        readonly heldBack?: number
        readonly rejectsByCode: Readonly<Record<string, number>>
        /** Where the list is made equal to the inputs: what differs, and the file that says so row by row. */
        readonly sync?: Omit<SyncReport, "removed" | "removalsFailed" | "removalsSkipped">
        /** Only of a run that removes numbers because their intended end has come. */
        readonly expiry?: Expiry
      }
    >
  | Common<
      "RUN_RESUMED",
      {
        readonly tool: string
        readonly operator?: string | null
        /** Batches that an earlier process had brought to their end. */
        readonly settled: number
      }
    >
  | Common<
      "BATCH_INTENDED",
      BatchPart & {
        /** The generation of the key: 1 where the outcome under the first key stayed unknown. */
        readonly generation: number
        readonly size: number
        readonly action: Action
        readonly reason: string | null
        readonly expires: string | null
        /** SHA-256 of reason (after "remove" where that is meant), expiry and numbers, one a line. */
        readonly contentDigest: string
        /** Of an upload, whose `contentDigest` is that of the file and whose ends are in its rows. */
        readonly file?: { readonly rows: number; readonly bytes: number; readonly import: "append" | "replace" }
      }
    >
  | Common<
      "BATCH_DONE",
      BatchPart & {
        readonly created: number
        readonly duplicate: number
        readonly updated: number
        readonly accepted: number
        readonly rejected: number
        /** Not accounted for by the server's counts. */
        readonly shortfall: number
        /** The numbers are those of the batch as first cut, so that nothing of it is left to do. */
        readonly settles: boolean
        readonly attempts: number
        readonly correlationId: string | null
      }
    >
  | Common<
      "BATCH_SETTLED",
      {
        /** A batch that took more than one part, all of which have their dispositions now: these. */
        readonly batch: number
        readonly created: number
        readonly duplicate: number
        readonly updated: number
        readonly accepted: number
        readonly rejected: number
        readonly attempts: number
      }
    >
  | Common<
      "BATCH_FAILED",
      BatchPart & {
        /** `refused`: nothing of it was taken. `unknown`: it may have been. `failed`: sending it is given up. */
        readonly outcome: "refused" | "unknown" | "failed"
        readonly error: string
        readonly message: string
        readonly attempts: number
        readonly correlationId: string | null
      }
    >
  | Common<"WEBHOOK_REGISTERED", Registration>
  | Common<"HEAD_SIGNED", Signed>
  | Common<"HEAD_TIMESTAMPED", Stamped>
  | Common<
      "LOG_PRUNED",
      {
        /** The last record that was taken off the log's beginning: what the first one that is left follows. */
        readonly through: AuditChain.Head
        readonly records: number
        readonly runs: ReadonlyArray<PrunedRun>
        /** ISO 8601: no record is as young. */
        readonly olderThan: string
        readonly operator: string | null
      }
    >
  | Common<
      "RUN_FINISHED",
      {
        readonly outcome: "completed" | "aborted" | "stopped"
        readonly error: string | null
        readonly totals: Readonly<Record<string, number>>
        /** Where the contract gives no counts: entries on the list before and after. */
        readonly listSize: RunReport["listSize"] | null
        /** Numbers found as they should be in an export at the end, where one was asked for. */
        readonly verified: number | null
        /** Of the rows that were skipped: held back, as their numbers are suppressed for longer already. */
        readonly heldBack?: number
        readonly sync?: Pick<SyncReport, "removals" | "removed" | "removalsFailed" | "removalsSkipped">
        /** Where rows said when they were asked for. */
        readonly honour?: Honour
        readonly rejectsByCode: Readonly<Record<string, number>>
        readonly files: ReadonlyArray<{ readonly path: string; readonly sha256: string }>
      }
    >

/**
 * A line of the log.
 *
 * @since 0.1.0
 * @category models
 */
export type AuditRecord = {
  /** UUID. */
  readonly auditId: string
  /** ISO 8601, UTC. */
  readonly timestamp: string
  readonly latencyMs: number | null
  readonly validationErrors: ReadonlyArray<ValidationError>
  /** Where `phoneNumbers` are hashed: which key it was, without telling the key. */
  readonly hashKeyId?: string
} & AuditEvent &
  AuditChain.Link

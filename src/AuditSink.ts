/**
 * The append-only log of what was done: the evidence. A record is durable when `append` returns, so a request whose
 * *intended* record was appended first was never sent without evidence.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as AuditChain from "./AuditChain.js"
import * as AuditLog from "./AuditLog.js"
import type { Signed, Signer } from "./AuditSignature.js"
import { type AppendError, openAppend } from "./AuditSink/jsonLines.js"
import * as Lock from "./AuditSink/lock.js"
import { hasher, type NumberPolicy, protect } from "./AuditSink/numbers.js"
import type { Stamped, Stamper } from "./AuditTimestamp.js"
import type { Action, Kind } from "./DncEntry.js"
import type { Honour } from "./Honour.js"
import type { RunReport, SyncReport } from "./RunReport.js"
import type { Registration } from "./WebhookRegistrar.js"

export type { NumberPolicy } from "./AuditSink/numbers.js"

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

/**
 * The log could not be written. Nothing may be sent after it.
 *
 * @since 0.1.0
 * @category errors
 */
export class AuditError extends Schema.TaggedError<AuditError>("genesys-dnc/AuditError")("AuditError", {
  message: Schema.String,
  hint: Schema.String,
  cause: Schema.optional(Schema.Defect)
}) {}

/**
 * @since 0.1.0
 * @category services
 */
export class AuditSink extends Context.Tag("genesys-dnc/AuditSink")<
  AuditSink,
  {
    /** Appends a record, and gives it as it stands; durable when it returns, where the layer keeps it at all. */
    readonly append: (event: AuditEvent) => Effect.Effect<AuditRecord, AuditError>
    /**
     * Goes through all records from the first, in order, or through those of some operations alone, which is much cheaper
     * where requests' intentions are not among them; where the layer keeps none there are none.
     */
    readonly forEach: (
      f: (record: AuditRecord) => void,
      only?: ReadonlySet<AuditRecord["operation"]>
    ) => Effect.Effect<void, AuditError>
    /** Who stands behind the records of a run, where that is configured. */
    readonly vouching?: Vouching
    /** How numbers stand in records with this `hashKeyId`; none where there is no key. Those of other records are whole. */
    readonly hash?:
      | { readonly keyId: string; readonly of: (phoneNumbers: ReadonlyArray<string>) => ReadonlyArray<string> }
      | undefined
  }
>() {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Vouching {
  /** Who runs what is recorded: a word of theirs, which nothing proves. */
  readonly operator?: string
  /** Signs the head of the log at the end of each run. */
  readonly signer?: Signer
  /** Has it stamped with the time, by somebody else; what fails is a warning. */
  readonly stamper?: Stamper
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options extends Vouching {
  /** How phone numbers stand in the log: `masked` unless told otherwise. */
  readonly numbers?: NumberPolicy
  /** The key of the HMAC-SHA-256 that `hashed` needs. */
  readonly hashKey?: Redacted.Redacted
}

const toRecord = (
  options: Options | undefined
): Effect.Effect<(event: AuditEvent) => Effect.Effect<Omit<AuditRecord, keyof AuditChain.Link>>, AuditError> =>
  Effect.suspend(() => {
    const protected_ = protect(options?.numbers ?? "masked", options?.hashKey)
    return protected_ === undefined
      ? Effect.fail(
          new AuditError({
            message: "The audit log is to hold hashed numbers, but there is no key to hash them with",
            hint: "Give a secret key as hashKey, or choose another way for numbers to stand in the log."
          })
        )
      : Effect.succeed((event: AuditEvent) =>
          Effect.map(Clock.currentTimeMillis, (now) => ({
            auditId: crypto.randomUUID(),
            timestamp: new Date(now).toISOString(),
            latencyMs: null,
            validationErrors: [],
            ...protected_(event)
          }))
        )
  })

/**
 * A place for records.
 *
 * @since 0.1.0
 * @category models
 */
export interface Store {
  /** Of the chain of the records that are there already. */
  readonly head: AuditChain.Head
  /**
   * Keeps the record that the function gives, and returns once it is durable. The function is to be called when it is
   * settled that the record stands behind all those that it was called for before.
   */
  readonly keep: (
    next: () => { readonly record: AuditRecord; readonly line: string }
  ) => Effect.Effect<AuditRecord, AuditError>
  readonly forEach: (typeof AuditSink.Service)["forEach"]
}

/**
 * A sink that keeps its records in the store that `open` gives, as links of its chain.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <R>(
  open: Effect.Effect<Store, AuditError, R>,
  options?: Options
): Effect.Effect<typeof AuditSink.Service, AuditError, R> =>
  Effect.zipWith(toRecord(options), open, (record, store) => {
    let { head } = store
    return AuditSink.of({
      forEach: store.forEach,
      vouching: options ?? {},
      hash: hasher(options?.hashKey),
      append: (event) =>
        Effect.flatMap(record(event), (record) =>
          store.keep(() => {
            const next = AuditChain.follow(head, record)
            head = next.head
            return { record: next.record as AuditRecord, line: next.line }
          })
        )
    })
  })

/**
 * Keeps the records in an array that the caller holds: for tests, and for programs that keep evidence elsewhere.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory = (records: Array<AuditRecord>, options?: Options): Layer.Layer<AuditSink, AuditError> =>
  Layer.effect(
    AuditSink,
    make(
      Effect.sync(() => ({
        head: records.at(-1) ?? AuditChain.empty,
        keep: (next) =>
          Effect.sync(() => {
            const { record } = next()
            records.push(record)
            return record
          }),
        forEach: (f, only) =>
          Effect.sync(() => {
            for (const record of records) if (only?.has(record.operation) !== false) f(record)
          })
      })),
      options
    )
  )

/**
 * Logs each record, at level Info, as an annotation of its operation. Not durable.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConsole = (options?: Options): Layer.Layer<AuditSink, AuditError> =>
  Layer.effect(
    AuditSink,
    make(
      Effect.succeed({
        head: AuditChain.empty,
        keep: (next) =>
          Effect.suspend(() => {
            const { line, record } = next()
            return Effect.as(Effect.logInfo(line), record)
          }),
        forEach: () => Effect.void
      }),
      options
    )
  )

/**
 * A file of JSON lines, created with mode 0600 and only ever appended to, by one process at a time. Records that arrive
 * while one is being synced share the next sync. The chain goes on from the last record that is there.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFile = (path: string, options?: Options): Layer.Layer<AuditSink, AuditError> =>
  Layer.scoped(
    AuditSink,
    make(
      Effect.gen(function* () {
        const { append, last } = yield* openAppend(path, { alone: true })
        const head = (yield* last(headOf)) ?? AuditChain.empty
        return {
          head,
          keep: (next) =>
            Effect.suspend(() => {
              let record: AuditRecord | undefined
              const line = () => {
                const kept = next()
                record = kept.record
                return kept.line
              }
              return Effect.map(append(line), () => record!)
            }).pipe(Effect.mapError((error) => unwritable(path, error))),
          forEach: (f, only) =>
            Effect.mapError(AuditLog.forEach(path, f, only), ({ hint, message }) => new AuditError({ hint, message }))
        } satisfies Store
      }).pipe(Effect.mapError((error) => unwritable(path, error))),
      options
    )
  )

/** Of a line that is a whole record; what a crash cut short was never part of the chain. */
const headOf = (line: string): AuditChain.Head | undefined => {
  const record = AuditChain.parse(line)
  if (record === undefined) return undefined
  const { digest, sequence } = AuditChain.linkOf(record) ?? AuditChain.empty
  return { digest, sequence }
}

const unwritable = (path: string, error: AppendError): AuditError =>
  Lock.isHeld(error.cause)
    ? new AuditError({
        message: `The audit log ${path} is being written by another run`,
        hint: "Wait until it has ended, or give this run a log of its own with --audit."
      })
    : new AuditError({
        message: `The audit log ${path} cannot be written: ${error.cause.message}`,
        hint: "Nothing is sent without evidence. Free space on the disk or give another place with --audit, then run the same command again.",
        cause: error.cause
      })

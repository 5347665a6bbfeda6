/**
 * The append-only log of what was done: the evidence. A record is durable when `append` returns, so a request whose
 * *intended* record was appended first was never sent without evidence.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as AuditChain from "./AuditChain.js"
import * as AuditLog from "./AuditLog.js"
import type { Signer } from "./AuditSignature.js"
import { type AppendError, openAppend } from "./AuditSink/jsonLines.js"
import * as Lock from "./AuditSink/lock.js"
import { hasher, type NumberPolicy, type Protected, protect } from "./AuditSink/numbers.js"
import type { AuditEvent, AuditRecord } from "./AuditSink/records.js"
import type { Stamper } from "./AuditTimestamp.js"
import type { Allocate } from "./DncEntry/packed.js"

export type { NumberPolicy } from "./AuditSink/numbers.js"
export type {
  AuditEvent,
  AuditRecord,
  ComplianceStatus,
  Expiry,
  PrunedRun,
  ValidationError
} from "./AuditSink/records.js"

/**
 * The log could not be written. No batch may be begun after it.
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
): Effect.Effect<(event: AuditEvent, now: number) => Protected, AuditError> =>
  Effect.suspend(() => {
    const protected_ = protect(options?.numbers ?? "masked", options?.hashKey)
    return protected_ === undefined
      ? Effect.fail(
          new AuditError({
            message: "The audit log is to hold hashed numbers, but there is no key to hash them with",
            hint: "Give a secret key as hashKey, or choose another way for numbers to stand in the log."
          })
        )
      : Effect.succeed((event: AuditEvent, now: number) => {
          const { event: kept, numbers } = protected_(event)
          return {
            event: {
              auditId: crypto.randomUUID(),
              timestamp: new Date(now).toISOString(),
              latencyMs: null,
              validationErrors: [],
              ...kept
            },
            numbers
          }
        })
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
   * settled that the record stands behind all those that it was called for before. It may be given memory for the line.
   */
  readonly keep: (
    next: (allocate?: Allocate) => Pick<AuditChain.Linked<AuditRecord>, "record" | "line" | "bytes">
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
        Effect.clockWith((clock) => {
          const { event: placed, numbers } = record(event, clock.unsafeCurrentTimeMillis())
          return store.keep((allocate) => {
            const next = AuditChain.follow(head, placed, numbers, allocate) as AuditChain.Linked<AuditRecord>
            head = next.head
            return next
          })
        })
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
              const line = (allocate: Allocate) => {
                const kept = next(allocate)
                record = kept.record
                return kept.bytes
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

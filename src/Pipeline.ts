/**
 * The way of a suppression file onto a DNC list, its stages in order: read, validate, keep the strictest of each number,
 * cut full batches, submit them, account for every row.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { AuditError, AuditSink } from "./AuditSink.js"
import type { Action, Entry, FailedNumbers, Reject, Row, RowBlock } from "./DncEntry.js"
import * as DncEntry from "./DncEntry.js"
import type { DncList } from "./DncLists.js"
import { DncSubmitter } from "./DncSubmitter.js"
import { DncValidator } from "./DncValidator.js"
import type { DueTable } from "./DueTable.js"
import type { GenesysError } from "./GenesysError.js"
import type { EndsError, IntendedEnds } from "./IntendedEnds.js"
import { forgetEnds, noteEnds, removed } from "./Pipeline/ends.js"
import { holdBack, writeHeldBack } from "./Pipeline/holdBack.js"
import { checkRejects, read, take, writeRejects } from "./Pipeline/read.js"
import { conclude, recordStart, report } from "./Pipeline/record.js"
import { type CannotResume, checkSame, goOn, unfinished } from "./Pipeline/resume.js"
import { abort, begin, checkAction, checkKind, grouping, plan } from "./Pipeline/run.js"
import { send } from "./Pipeline/send.js"
import { readSize } from "./Pipeline/size.js"
import { sync as syncStages } from "./Pipeline/sync.js"
import { isForUpload, type UploadOptions, upload } from "./Pipeline/upload.js"
import { type VerifyError, verify } from "./Pipeline/verify.js"
import type { OutputFile, RunReport, SyncReport, Totals } from "./RunReport.js"
import type { MaxRemove, SyncPlan, TooManyRemovals } from "./SyncPlan.js"

export {
  type Expired,
  type ExpireOptions,
  /**
   * Takes the numbers off a list whose intended end has come and that are on it for ever still.
   *
   * @since 0.1.0
   */
  expire
} from "./Pipeline/expire.js"
export { CannotResume, cutting } from "./Pipeline/resume.js"
export type { UploadOptions } from "./Pipeline/upload.js"
export type { VerifyError } from "./Pipeline/verify.js"

/**
 * A source of rows that is read once, to its end.
 *
 * @since 0.1.0
 * @category models
 */
export interface Input<E = never> {
  readonly name: string
  /** Size, for progress. */
  readonly bytes: number
  /** Bytes read so far, for progress. */
  readonly bytesRead: Effect.Effect<number>
  readonly blocks: Stream.Stream<RowBlock, E>
  /** SHA-256 of all bytes in hex, once the blocks were read. */
  readonly digest: Effect.Effect<string>
  /** The same before the blocks are read, for which it is read once more; without it an unfinished run is not found. */
  readonly contentDigest?: Effect.Effect<string, E>
  /** Fails where the source is no longer what was read. */
  readonly unchanged: Effect.Effect<void, E>
}

/**
 * Where rows go that do not get onto the list.
 *
 * @since 0.1.0
 * @category models
 */
export interface Outputs<E = never> {
  /** Refused rows of input number `input`, in order. */
  readonly rejected: (input: number, rejects: ReadonlyArray<Reject>) => Effect.Effect<void, E>
  /** Numbers of a batch that are not known to be on the list, with the values that they should have, and why. */
  readonly failed: (entries: ReadonlyArray<Omit<Entry, "line">>, why: FailedNumbers) => Effect.Effect<void, E>
  /** Numbers that `sync` should have taken off the list and that are not known to be off it, and why; only counted unless given. */
  readonly failedRemovals?: (why: FailedNumbers) => Effect.Effect<void, E>
  /** Numbers that were held back, with the values that they should have, and until when they are suppressed; only counted unless given. */
  readonly heldBack?: (
    entries: ReadonlyArray<Omit<Entry, "line"> & { readonly until: number }>
  ) => Effect.Effect<void, E>
  /** Closes what was written, and says what it is. */
  readonly finish: Effect.Effect<ReadonlyArray<OutputFile>, E>
}

/**
 * Keeps nothing but the counts.
 *
 * @since 0.1.0
 * @category models
 */
export const noOutputs: Outputs = {
  rejected: () => Effect.void,
  failed: () => Effect.void,
  finish: Effect.succeed([])
}

/**
 * How far a run is; the numbers change in place.
 *
 * @since 0.1.0
 * @category models
 */
export interface Progress {
  readonly phase: "reading" | "comparing" | "sending" | "finished"
  readonly bytesRead: number
  readonly bytes: number
  readonly totals: Totals
  /** Distinct numbers to send, and how many of them have their disposition. */
  readonly numbers: number
  readonly settled: number
  /** Entries of the list that were compared. */
  readonly listed?: number
}

/**
 * What a run would do.
 *
 * @since 0.1.0
 * @category models
 */
export interface Plan {
  readonly numbers: number
  readonly batches: number
  readonly list: DncList | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options<E = never> {
  readonly dncListId: string
  /** Whether the numbers are put on the list or taken off it, which not every contract can; `add` unless given. */
  readonly action?: Action
  /** Part of every idempotency key; a UUID of its own unless given. */
  readonly runId?: string
  /** What "in the past" and "too far ahead" are measured by, to repeat a run: milliseconds since 1970; the clock's unless given. */
  readonly now?: number
  /** Batches submitted at once; as many as the submitter says unless given. */
  readonly concurrency?: number
  /** More rejects than this, in rows or in a share of the rows (0 to 1), and nothing is sent. */
  readonly maxRejects?: { readonly rows: number } | { readonly share: number }
  readonly outputs?: Outputs<E>
  /** Called after each block and each batch. */
  readonly onProgress?: (progress: Progress) => void
  /**
   * Where the contract gives no counts: how long the size of the list, which shows changes with a delay, is waited for at
   * the end; a minute unless given.
   */
  readonly sizeLag?: Duration.DurationInput
  /**
   * Asked with what would be done, once all is read and before anything is sent; where it fails nothing is sent. `list`
   * is what the list says of itself, where it may be looked at.
   */
  readonly confirm?: (plan: Plan) => Effect.Effect<void, E>
  /**
   * What is on the list, asked for once all batches are done: each number that was accepted has to be there with no sooner
   * end than was sent (or, where numbers are removed, not to be there), or it counts as failed.
   */
  readonly verify?: Stream.Stream<Pick<Entry, "phoneNumber" | "expires">, VerifyError>
  /**
   * Where ends are kept that the contract cannot say, until `expire` acts on them: noted before anything is sent, forgotten
   * when numbers are taken off the list.
   */
  readonly ends?: IntendedEnds
  /**
   * What is on the list, asked for before anything is sent where `ends` does not know a number that has such an end: one
   * that is there for ever already stays for ever. Without it, such a number gets the end. Where it fails, it gets none.
   */
  readonly listed?: Stream.Stream<Pick<Entry, "phoneNumber" | "expires">, VerifyError>
  /**
   * Where the published API puts numbers on a list: more requests than `above`, and they go as one file that the server
   * imports. An export before and one after prove what became of every number, so `verify` is not asked for another.
   * Whatever keeps the file from being brought is logged, and the numbers go by requests.
   */
  readonly upload?: UploadOptions
  /** By when requests have to be honoured, where the rows say when they were made; 10 business days unless given. */
  readonly dueTable?: DueTable
  /**
   * Sends as well what would end a suppression sooner. Unless given, a number that is on the list with a later end than would
   * be sent is held back: by what the log knows of earlier runs (where its numbers are whole, or hashed with the key
   * of this run), with the ends that `ends` keeps, and by `against`. What was changed by others than such runs it does not
   * know. Only of what puts numbers on a list.
   */
  readonly allowShorten?: boolean
  /** What is known to be on the list, such as an export that was made before. */
  readonly against?: Stream.Stream<Pick<Entry, "phoneNumber" | "expires">, E>
  /** Begins a new run, also where one of the same inputs did not come to its end. */
  readonly fresh?: boolean
  /** Once it completes, no further batch is begun, pauses end, requests on their way are waited for. */
  readonly stop?: Effect.Effect<void>
}

/**
 * More rows were refused than `maxRejects` allows. Nothing was sent.
 *
 * @since 0.1.0
 * @category errors
 */
export class TooManyRejects extends Schema.TaggedError<TooManyRejects>("genesys-dnc/TooManyRejects")("TooManyRejects", {
  message: Schema.String,
  hint: Schema.String,
  rejected: Schema.Number,
  read: Schema.Number,
  rejectsByCode: Schema.Record({ key: Schema.String, value: Schema.Number }),
  /** Those of the rejects, to be mended. */
  files: Schema.Array(
    Schema.Struct({
      kind: Schema.Literal("rejects", "failed", "failed-removals", "held-back"),
      path: Schema.String,
      rows: Schema.Number,
      sha256: Schema.String
    })
  )
}) {}

/**
 * Puts all rows of the inputs, as one run, on the list. A run of the same inputs that did not come to its end (killed,
 * stopped, or aborted) is gone on with: its batches that were done are not sent again, the others under their keys. Fails only before the first request that changes anything; from
 * then on failures are in the report, which accounts for every row.
 *
 * @since 0.1.0
 */
export const push = <E, E2 = never>(
  inputs: ReadonlyArray<Input<E>>,
  options: Options<E2>
): Effect.Effect<
  RunReport,
  E | E2 | TooManyRejects | CannotResume | GenesysError | AuditError | EndsError,
  DncValidator | DncSubmitter | AuditSink
> =>
  Effect.gen(function* () {
    const submitter = yield* DncSubmitter
    const run = yield* begin(inputs, options, submitter.contract.kind)
    yield* checkKind(yield* DncValidator, submitter.contract)
    yield* checkAction(run, submitter.contract)
    const list = yield* submitter.check(options.dncListId)
    const earlier = yield* unfinished(inputs, options)
    if (earlier !== undefined) goOn(run, earlier)
    const sizeBefore = earlier === undefined ? list?.size : earlier.listSize
    const reports = yield* read(run)
    yield* checkRejects(run, options.maxRejects)
    for (const input of inputs) yield* input.unchanged
    const { contract } = submitter
    yield* Effect.tapError(holdBack(run, options, sizeBefore), () => run.outputs.finish)
    plan(run, contract)
    yield* Effect.tapError(checkSame(run), () => run.outputs.finish)
    if (options.confirm !== undefined) {
      const asked = options.confirm({ numbers: run.set.pending(), batches: run.ledger.batches.cut, list })
      yield* Effect.tapError(asked, () => run.outputs.finish)
    }
    const adding = run.action === "add"
    const noted = noteEnds(run, submitter, adding ? options.ends : undefined, {
      listed: options.listed,
      keepsLater: isForUpload(run, contract, options.upload)
    })
    const settleEnds = yield* Effect.tapError(noted, () => run.outputs.finish)
    run.progress.phase = "sending"
    // from the first record to the last, whatever happens
    return yield* Effect.uninterruptible(
      Effect.gen(function* () {
        yield* recordStart(run, reports, { listSize: sizeBefore })
        const uploaded = isForUpload(run, contract, options.upload)
          ? yield* upload(run, options.upload, list)
          : undefined
        if (uploaded === undefined) yield* send(run, run.set.cut(contract.largestBatch, run, grouping(run, contract)))
        yield* readSize(run, sizeBefore, options.sizeLag ?? "1 minute")
        if (uploaded !== undefined) yield* uploaded.checkSize
        else if (options.verify !== undefined) {
          if (run.kind !== "phone" && list?.contactMethod === "Any") {
            yield* Effect.logWarning(
              "How exports of lists for any contact method are laid out is not published: what is not in their first column counts as failed"
            )
          }
          yield* verify(run, options.verify)
        }
        yield* writeHeldBack(run)
        yield* adding ? settleEnds : forgetEnds(run, submitter, options.ends, removed(run))
        return yield* conclude(run, reports)
      })
    )
  }).pipe(Effect.withSpan("genesys-dnc/Pipeline.push", { attributes: { dncListId: options.dncListId } }))

/**
 * @since 0.1.0
 * @category models
 */
export interface SyncOptions<E = never>
  extends Omit<Options<E>, "action" | "confirm" | "verify" | "listed" | "allowShorten" | "against"> {
  /** What is on the list, asked for once all inputs are read. */
  readonly exported: Stream.Stream<Pick<Entry, "phoneNumber" | "expires">, E>
  /** More removals than this, and nothing is changed; `SyncPlan.defaults` unless given. What has expired does not count. */
  readonly maxRemove?: MaxRemove
  /**
   * Goes on where rows were refused, as far as `maxRejects` lets it: a number that such a row meant is taken off the list,
   * or suppressed for less long, unless another row names it. Without it a refused row ends the run before anything is
   * changed.
   */
  readonly allowRejects?: boolean
  /** Called with the plan before it is judged, asked about or done. */
  readonly writePlan?: (plan: SyncPlan) => Effect.Effect<NonNullable<SyncReport["planFile"]>, E>
  /** Ends with the plan: nothing is changed, nothing is recorded; what would be sent is counted as skipped. */
  readonly dryRun?: boolean
  /** Asked with the plan, before anything is changed, where there is something to change; where it fails nothing is. */
  readonly confirm?: (
    plan: SyncPlan,
    of: { readonly list: DncList | undefined; readonly planFile: SyncReport["planFile"] }
  ) => Effect.Effect<void, E>
  /**
   * What is on the list, asked for once all is done: each number of the inputs has to be there with the end that it should
   * have, or it counts as failed, and no number that was removed may be there.
   */
  readonly verify?: Stream.Stream<Pick<Entry, "phoneNumber" | "expires">, VerifyError>
}

/**
 * Makes a list equal to the inputs, as one run, by the published API: what differs is found by an export; what is missing or
 * ends at another time is sent first, and what is in no input is taken off only once all of that was accepted. So nobody
 * who is in an input is ever off the list for a while. Numbers that others put on the list after the export stay. Fails
 * only before the first request that changes anything.
 *
 * @since 0.1.0
 */
export const sync = <E, E2 = never>(
  inputs: ReadonlyArray<Input<E>>,
  options: SyncOptions<E2>
): Effect.Effect<
  RunReport,
  E | E2 | TooManyRejects | TooManyRemovals | GenesysError | AuditError | EndsError,
  DncValidator | DncSubmitter | AuditSink
> =>
  Effect.withSpan(syncStages(inputs, options), "genesys-dnc/Pipeline.sync", {
    attributes: { dncListId: options.dncListId }
  })

/**
 * The first phase alone: what `push` would refuse and what it would send, without a network. Rows that would be sent are
 * counted as skipped.
 *
 * @since 0.1.0
 */
export const validate = <E, E2 = never>(
  inputs: ReadonlyArray<Input<E>>,
  options?: Omit<Options<E2>, "dncListId">
): Effect.Effect<RunReport, E | E2 | TooManyRejects, DncValidator | DncSubmitter> =>
  Effect.gen(function* () {
    const { contract } = yield* DncSubmitter
    yield* Effect.orDie(checkKind(yield* DncValidator, contract))
    const run = yield* begin(inputs, { ...options, dncListId: "" }, contract.kind)
    const reports = yield* read(run)
    yield* checkRejects(run, options?.maxRejects)
    plan(run, contract)
    run.ledger.totals.skipped = run.set.size()
    return yield* report(run, reports, yield* run.outputs.finish)
  }).pipe(Effect.withSpan("genesys-dnc/Pipeline.validate"))

/**
 * @since 0.1.0
 * @category models
 */
export interface LiveOptions<E = never>
  extends Omit<
    Options<E>,
    "maxRejects" | "confirm" | "verify" | "upload" | "sizeLag" | "now" | "ends" | "listed" | "allowShorten" | "against"
  > {
  /** A window ends after so many rows… */
  readonly windowRows?: number
  /** …or so long after it began. */
  readonly window?: Duration.DurationInput
}

/**
 * The same stages over windows of an unbounded stream. A window is sent to its end before the next, so a stricter value
 * for a number waits for the batch that carried the looser one, and the numbers of all windows are remembered (24 bytes
 * each), so a looser one is never sent after it; what earlier runs have sent it does not look at, and holds nothing back by that. Ends with the stream, or when stopped, or when a failure says that no other
 * batch can succeed; rows that the stream had given out by then but that are in no window are in no total.
 *
 * @since 0.1.0
 */
export const live = <E, R, E2 = never>(
  rows: Stream.Stream<Row, E, R>,
  options: LiveOptions<E2>
): Effect.Effect<RunReport, E | E2 | GenesysError | AuditError, R | DncValidator | DncSubmitter | AuditSink> =>
  Effect.gen(function* () {
    const validator = yield* DncValidator
    const submitter = yield* DncSubmitter
    const run = yield* begin([], options, submitter.contract.kind)
    yield* checkKind(validator, submitter.contract)
    yield* checkAction(run, submitter.contract)
    yield* submitter.check(options.dncListId)
    const { contract } = submitter
    const { largestBatch } = contract
    const window = Effect.fnUntraced(function* (rows: Chunk.Chunk<Row>) {
      run.now = yield* Clock.currentTimeMillis
      const block = DncEntry.rowBlock(Chunk.toReadonlyArray(rows), run.ledger.totals.read + 1)
      yield* writeRejects(run, 0, take(run, validator, 0, block))
      plan(run, contract)
      yield* send(run, run.set.cut(largestBatch, run, grouping(run, contract)))
      return !run.stopping
    }, Effect.uninterruptible)
    const stopped = Effect.map(run.stop, () => {
      run.stopping = true
    })
    const windows = rows.pipe(
      Stream.interruptWhen(stopped),
      Stream.groupedWithin(options.windowRows ?? 100 * largestBatch, options.window ?? "1 second"),
      Stream.runForEachWhile(window)
    )
    return yield* Effect.uninterruptible(
      Effect.gen(function* () {
        yield* recordStart(run, [])
        run.progress.phase = "sending"
        const source = yield* Effect.exit(Effect.interruptible(windows))
        if (Exit.isFailure(source)) {
          if (Cause.isInterruptedOnly(source.cause)) run.stopping = true
          else abort(run, Cause.squash(source.cause))
        }
        const report = yield* conclude(run, [])
        return yield* Effect.as(source, report)
      })
    )
  }).pipe(Effect.withSpan("genesys-dnc/Pipeline.live", { attributes: { dncListId: options.dncListId } }))

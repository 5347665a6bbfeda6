/**
 * The second phase as one file: what is on the list is copied, the file is brought and imported, and an export tells what
 * became of every number, and of what was on the list before.
 *
 * @since 0.1.0
 */
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { AuditSink } from "../AuditSink.js"
import type { Contract } from "../Contract.js"
import type { DncList } from "../DncLists.js"
import { DncSubmitter, digestUuid } from "../DncSubmitter.js"
import * as DncUpload from "../DncUpload.js"
import { HttpClient } from "../HttpClient.js"
import type { Run } from "./run.js"
import { abort } from "./run.js"
import { refuse } from "./send.js"
import { type Copy, changesDuring, checkSize, clockMargin, keptIn, replaced } from "./upload/copy.js"
import { prepare, refusals } from "./upload/file.js"
import { failAll, failHeld, look, notOnList } from "./verify.js"

/**
 * When a run goes as one file, and how.
 *
 * @since 0.1.0
 * @category models
 */
export interface UploadOptions extends DncUpload.Options {
  /** Runs that would take more requests than this; 0 for all. */
  readonly above: number
  readonly client: typeof HttpClient.Service
  /**
   * What an import is taken to do to what is on the list, which is not published. `replace`, unless given: the file holds what
   * is on the list too, so that the list is right whatever an import does. `append`: the file holds the run's numbers alone.
   */
  readonly import?: "append" | "replace"
  /**
   * Path of the copy of the list from before, which is kept only where the import is not known to have left its entries
   * there; among the system's temporary files unless given.
   */
  readonly copy?: string
}

/** Only the published API imports files, and only onto a list; of what an export shows of other kinds too little is known. */
export const isForUpload = <E, E2>(
  run: Run<E, E2>,
  contract: Contract,
  options: UploadOptions | undefined
): options is UploadOptions =>
  options !== undefined &&
  run.action === "add" &&
  run.kind === "phone" &&
  contract.name === "platform" &&
  run.ledger.batches.cut > options.above

/** What is left to be looked at once the size of the list was read. */
export interface Uploaded {
  readonly checkSize: Effect.Effect<void>
}

/**
 * Nothing comes back where the numbers still wait to be sent: whatever goes wrong before the file is brought is no reason not to send them by requests.
 */
export const upload = <E, E2>(
  run: Run<E, E2>,
  options: UploadOptions,
  list: DncList | undefined
): Effect.Effect<Uploaded | undefined, never, DncSubmitter | AuditSink> =>
  Effect.gen(function* () {
    const { check, contract } = yield* DncSubmitter
    const { append } = yield* AuditSink
    const mode = options.import ?? "replace"
    const start = yield* Clock.currentTimeMillis
    const copyPath = options.copy ?? join(tmpdir(), `genesys-dnc-list-before-${crypto.randomUUID()}.csv`)
    const copy = yield* Effect.acquireRelease(
      Effect.sync((): Copy => ({ ...changesDuring(), path: copyPath, keep: false })),
      (copy) => (copy.keep ? Effect.void : Effect.promise(() => rm(copy.path, { force: true }).catch(() => {})))
    )
    const unable = (message: string) =>
      Effect.as(Effect.logWarning(`Sent by requests, not as a file: ${message}`), undefined)

    const prepared = yield* guarded(run, prepare(run, contract, copy, mode, options, list))
    run.set.unsee()
    if (Exit.isFailure(prepared)) {
      const error = Cause.failureOption(prepared.cause)
      if (Option.isSome(error)) return yield* unable(error.value.message)
      end(run, prepared.cause)
      return nothingLeft
    }
    if (Option.isNone(prepared.value)) return nothingLeft
    const { address, before, file } = prepared.value.value

    const key = digestUuid(`${run.runId}\n${run.dncListId}\nupload\n${file.sha256}`)
    const common = { runId: run.runId, dncListId: run.dncListId }
    const part = { batch: 0, idempotencyKey: key, route: "upload" as const }
    const total = run.set.pending()
    const sent: DncUpload.Sent = { attempts: 0, correlationId: undefined, mayHaveArrived: false }
    const intended = yield* Effect.exit(
      append({
        ...common,
        operation: "BATCH_INTENDED",
        complianceStatus: "INCOMPLETE",
        result: {
          ...part,
          generation: 0,
          size: total,
          action: run.action,
          reason: null,
          expires: null,
          contentDigest: file.sha256,
          file: { rows: file.rows, bytes: file.bytes, import: mode }
        }
      })
    )
    if (Exit.isFailure(intended)) {
      abort(run, Cause.squash(intended.cause))
      return nothingLeft
    }

    const latency = Effect.map(Clock.currentTimeMillis, (now) => now - start)
    const recordFailure = (outcome: "refused" | "unknown" | "failed", error: string, message: string) =>
      Effect.flatMap(latency, (latencyMs) =>
        append({
          ...common,
          operation: "BATCH_FAILED",
          latencyMs,
          complianceStatus: "INCOMPLETE",
          result: { ...part, outcome, error, message, attempts: sent.attempts, correlationId: null }
        })
      ).pipe(Effect.catchAll((error) => Effect.sync(() => abort(run, error))))

    /** From here on the numbers have their disposition here: so many accepted, of which others may take some away. */
    const account = (isDone: boolean, accepted: number) =>
      Effect.map(latency, (latencyMs) => {
        const uncounted = isDone ? [] : [{ count: 0, phoneNumbers: [], error: "", message: "" }]
        run.ledger.batches.cut = 1
        run.ledger.receipt({ ...noReceipt, accepted, failed: uncounted, latencyMs, attempts: sent.attempts })
        run.uploaded = {
          rows: file.rows,
          bytes: file.bytes,
          sha256: file.sha256,
          import: mode,
          ...(copy.keep && copy.entries > 0 ? { copy: copy.path } : {})
        }
        run.progress.settled = total
        run.notify()
      })
    const written = <A>(effect: Effect.Effect<A, E2>) =>
      Effect.catchAllCause(effect, (cause) => Effect.sync(() => end(run, cause)))
    const allFailed = (outcome: "unknown" | "failed", error: string, message: string) =>
      Effect.gen(function* () {
        run.set.take()
        yield* recordFailure(outcome, error, message)
        yield* account(false, total)
        yield* written(failAll(run, everyNumber(run), { error, message }))
      })
    const stopped = "The run was stopped before the import was known to have ended"

    const brought = yield* guarded(run, DncUpload.bring(run.dncListId, file, address, options, sent)).pipe(
      Effect.provideService(HttpClient, options.client)
    )
    const refusal = Exit.isFailure(brought) ? Option.getOrUndefined(Cause.failureOption(brought.cause)) : undefined
    const halted = Exit.isFailure(brought) ? refusal === undefined : Option.isNone(brought.value)
    if (halted) {
      if (Exit.isFailure(brought)) end(run, brought.cause)
      copy.keep = sent.attempts > 0
      if (sent.attempts > 0) yield* allFailed("unknown", "Interrupted", stopped)
      else yield* recordFailure("failed", "Interrupted", "The run was stopped before the file was sent")
      return nothingLeft
    }
    if (refusal !== undefined && !sent.mayHaveArrived) {
      yield* recordFailure("refused", refusal._tag, refusal.message)
      return yield* unable(refusal.message)
    }

    const fresh = total - copy.ours
    const isThere = Effect.map(
      check(run.dncListId),
      (now) =>
        fresh === 0 ||
        (now?.size !== undefined && list?.size !== undefined && now.size >= list.size + fresh - copy.expired)
    )
    const imported = yield* guarded(
      run,
      DncUpload.awaitImport(run.dncListId, {
        ...options,
        ...(refusal === undefined ? {} : { longest: options.quiet ?? DncUpload.defaults.quiet }),
        before,
        rows: file.rows,
        isThere: refusal === undefined ? isThere : Effect.succeed(false),
        onProgress: (completed) => {
          run.progress.settled = Math.floor((total * completed) / Math.max(1, file.rows))
          run.notify()
        }
      })
    ).pipe(Effect.provideService(HttpClient, options.client))

    let failure: { readonly _tag: string; readonly message: string; readonly hint: string } | undefined
    if (Exit.isFailure(imported) || Option.isNone(imported.value)) {
      failure = Exit.isFailure(imported) ? Option.getOrUndefined(Cause.failureOption(imported.cause)) : undefined
      if (failure === undefined) {
        if (Exit.isFailure(imported)) end(run, imported.cause)
        copy.keep = true
        yield* allFailed("unknown", "Interrupted", stopped)
        return nothingLeft
      }
      const isFinal = failure instanceof DncUpload.ImportError && failure.reason === "Failed"
      if (!isFinal) copy.keep = true
      if (refusal !== undefined && !isFinal) {
        // no sign of the file: the same numbers by requests are right whether it comes to light or not
        yield* recordFailure("unknown", refusal._tag, refusal.message)
        return yield* unable(
          `${refusal.message}, and no import was seen to begin${copy.entries > 0 ? `; the list as it was is kept in ${copy.path}` : ""}`
        )
      }
      if (!isFinal) {
        yield* allFailed("unknown", failure._tag, failure.message)
        abort(run, { ...failure, message: failure.message, hint: `${failure.hint}${keptIn(copy)}` })
        return { checkSize: checkSize(run, copy, mode) }
      }
    }

    // what was on the list before may be gone whether the import has succeeded or not
    copy.keep = true
    const cutoff = (yield* Clock.currentTimeMillis) + clockMargin
    const looked = yield* guarded(run, look(run, contract, copy.recount(run, options.client, cutoff)))
    const isKnown = Exit.isSuccess(looked) && Option.isSome(looked.value)
    const lost = isKnown ? copy.lost(cutoff) : 0
    copy.keep = !isKnown || lost > 0
    if (failure !== undefined) yield* allFailed("failed", failure._tag, failure.message)
    else yield* settle()
    if (lost > 0) abort(run, replaced(lost, copy, mode, run.dncListId, failure?.message))
    else if (failure !== undefined) abort(run, failure)
    if (Exit.isFailure(looked)) {
      const error = Option.getOrUndefined(Cause.failureOption(looked.cause))
      if (error === undefined) end(run, looked.cause)
      else abort(run, { ...error, message: error.message, hint: `${error.hint}${keptIn(copy)}` })
    }
    return { checkSize: checkSize(run, copy, mode) }

    /** Every number to its disposition: by the export, or, where there is none, by what the import said of itself. */
    function settle() {
      return Effect.gen(function* () {
        run.set.take()
        const { completed, confirmed } =
          Exit.isSuccess(imported) && Option.isSome(imported.value)
            ? imported.value.value
            : { completed: undefined, confirmed: false }
        const refused = yield* refusals(run, file, address.since, isKnown).pipe(
          Effect.provideService(HttpClient, options.client)
        )
        const trusted = isKnown || (confirmed && (completed === undefined || completed >= file.rows))
        let missing = 0
        if (isKnown) {
          for (const _ of run.set.sent(false)) missing++
        } else if (!trusted) {
          missing = total - refused.size
        }
        const recorded = yield* latency.pipe(
          Effect.flatMap((latencyMs) =>
            append({
              ...common,
              operation: "BATCH_DONE",
              latencyMs,
              complianceStatus: missing > 0 ? "INCOMPLETE" : refused.size > 0 ? "VALIDATED_WITH_REJECTS" : "VALIDATED",
              result: {
                ...part,
                created: 0,
                duplicate: 0,
                updated: 0,
                accepted: total - refused.size - missing,
                rejected: refused.size,
                shortfall: missing,
                settles: true,
                attempts: sent.attempts,
                correlationId: null
              },
              validationErrors: Array.from(refused)
                .slice(0, mostRecorded)
                .map(([phoneNumber, message]) => ({ code: "RefusedByServer", raw: phoneNumber, message }))
            })
          ),
          Effect.exit
        )
        if (Exit.isFailure(recorded)) {
          const error = Cause.squash(recorded.cause) as { readonly message: string }
          abort(run, error)
          yield* account(false, total)
          return yield* written(failAll(run, everyNumber(run), { error: "AuditError", message: error.message }))
        }
        yield* account(true, total - refused.size)
        run.set.honour(everyNumber(run), Date.parse(recorded.value.timestamp))
        for (const [phoneNumber, message] of refused) {
          yield* written(refuse(run, forEver, { phoneNumber, message }))
        }
        if (isKnown) {
          yield* written(failAll(run, run.set.sent(false), { error: "NotVerified", message: notOnList }))
          yield* written(failHeld(run))
          run.verified = run.ledger.totals.accepted
        } else if (!trusted) {
          const message = "The import does not say whether it took it, and no export could be had"
          yield* written(failAll(run, everyNumber(run), { error: "NotVerified", message }))
        }
      })
    }
  }).pipe(Effect.scoped, Effect.withSpan("genesys-dnc/Pipeline.upload"))

/** Refused numbers that one record of the log shows. */
const mostRecorded = 1000

const nothingLeft: Uploaded = { checkSize: Effect.void }

const forEver = { reason: null, expires: Number.POSITIVE_INFINITY }

const noReceipt = {
  created: 0,
  duplicate: 0,
  updated: 0,
  skipped: 0,
  rejected: [],
  idempotencyKey: "",
  correlationId: undefined
}

function* everyNumber<E, E2>(run: Run<E, E2>): Iterable<string> {
  for (const [number] of run.set.values()) yield `+${number}`
}

/** Ends early where the run is stopped (with nothing), or somebody interrupts it. */
const guarded = <E, E2, A, E3, R>(
  run: Run<E, E2>,
  effect: Effect.Effect<A, E3, R>
): Effect.Effect<Exit.Exit<Option.Option<A>, E3>, never, R> =>
  effect.pipe(
    Effect.map(Option.some),
    Effect.raceFirst(
      Effect.map(run.stop, () => {
        run.stopping = true
        return Option.none<A>()
      })
    ),
    Effect.interruptible,
    Effect.exit
  )

/** What is no failure of the import but the end of the run: an interruption, a defect, a file that cannot be written. */
const end = <E, E2>(run: Run<E, E2>, cause: Cause.Cause<unknown>): void => {
  run.stopping = true
  if (Option.isNone(Cause.failureOption(cause))) run.cause ??= cause as Cause.Cause<never>
  if (!Cause.isInterruptedOnly(cause)) abort(run, Cause.squash(cause))
}

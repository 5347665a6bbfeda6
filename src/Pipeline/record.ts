/**
 * The first and the last record of a run, and its report.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { AuditSink, type Expiry } from "../AuditSink.js"
import { DncSubmitter } from "../DncSubmitter.js"
import { DncValidator } from "../DncValidator.js"
import type { InputReport, OutputFile, RunReport, SyncReport } from "../RunReport.js"
import * as Report from "../RunReport.js"
import { version } from "../version.js"
import { cutting } from "./resume.js"
import { describe, type Run } from "./run.js"

/** What is going to be done, before the first request. */
export const recordStart = <E, E2>(
  run: Run<E, E2>,
  inputs: ReadonlyArray<InputReport>,
  { expiry, listSize }: { readonly expiry?: Expiry; readonly listSize?: number | undefined } = {}
) =>
  Effect.gen(function* () {
    run.sendingAt = yield* Clock.currentTimeMillis
    run.recordedAtStart = run.recorded.length
    const { policy } = yield* DncValidator
    const { contract, target } = yield* DncSubmitter
    const { append } = yield* AuditSink
    if (run.earlier !== undefined) {
      return yield* append({
        operation: "RUN_RESUMED",
        runId: run.runId,
        dncListId: run.dncListId,
        kind: run.kind,
        complianceStatus: "INCOMPLETE",
        result: { tool: `genesys-dnc ${version}`, settled: run.earlier.settled.size }
      })
    }
    return yield* append({
      operation: "RUN_STARTED",
      runId: run.runId,
      dncListId: run.dncListId,
      kind: run.kind,
      complianceStatus: "INCOMPLETE",
      validationErrors: run.recorded.slice(),
      result: {
        tool: `genesys-dnc ${version}`,
        contract: contract.name,
        action: run.sync === undefined ? run.action : "sync",
        target,
        now: new Date(run.now).toISOString(),
        policy,
        cutting,
        largestBatch: contract.largestBatch,
        setDigest: run.set.digest(),
        listSize: listSize ?? null,
        inputs: inputs.map(({ name, rows, sha256 }) => ({ name, sha256, rows })),
        rowsRead: run.ledger.totals.read,
        distinctNumbers: run.set.size(),
        batches: run.ledger.batches.cut,
        withoutExpiry: run.withoutExpiry,
        ...(run.heldBack === 0 ? {} : { heldBack: run.heldBack }),
        rejectsByCode: { ...run.ledger.rejectsByCode },
        ...(run.sync === undefined ? {} : { sync: planned(run.sync) }),
        ...(expiry === undefined ? {} : { expiry })
      }
    })
  })

const planned = ({ removalsFailed: _, removalsSkipped: _s, removed: _r, ...plan }: SyncReport) => plan

/** Closes the files, writes the last record, and reports; what fails here fails the run, no row. */
export const conclude = <E, E2>(run: Run<E, E2>, inputs: ReadonlyArray<InputReport>) =>
  Effect.gen(function* () {
    const { append } = yield* AuditSink
    // of a window that could not be begun
    run.ledger.totals.skipped += run.set.pending()
    const files = yield* Effect.catchAll(run.outputs.finish, (error) => {
      run.error ??= describe(error)
      return Effect.succeed<ReadonlyArray<OutputFile>>([])
    })
    const finished = yield* report(run, inputs, files)
    const recorded = yield* append({
      operation: "RUN_FINISHED",
      runId: run.runId,
      dncListId: run.dncListId,
      kind: run.kind,
      latencyMs: finished.durationMs.read + finished.durationMs.send,
      complianceStatus: finished.complianceStatus,
      validationErrors: run.recorded.slice(run.recordedAtStart),
      result: {
        outcome: finished.outcome,
        error: finished.error?.message ?? null,
        totals: { ...finished.totals },
        listSize: finished.listSize ?? null,
        verified: finished.verified ?? null,
        ...(finished.heldBack === 0 ? {} : { heldBack: finished.heldBack }),
        ...(finished.sync === undefined ? {} : { sync: removals(finished.sync) }),
        rejectsByCode: finished.rejectsByCode,
        files: files.map(({ path, sha256 }) => ({ path, sha256 }))
      }
    }).pipe(Effect.either)
    if (run.cause !== undefined) return yield* Effect.failCause(run.cause)
    if (Either.isRight(recorded)) return { ...finished, auditHead: recorded.right.digest }
    return finished.error !== undefined
      ? finished
      : { ...finished, outcome: "aborted" as const, error: describe(recorded.left) }
  })

const removals = ({ removals, removalsFailed, removalsSkipped, removed }: SyncReport) => ({
  removals,
  removed,
  removalsFailed,
  removalsSkipped
})

export const report = <E, E2>(
  run: Run<E, E2>,
  inputs: ReadonlyArray<InputReport>,
  files: ReadonlyArray<OutputFile>
): Effect.Effect<RunReport, never, DncSubmitter> =>
  Effect.gen(function* () {
    const { contract, target } = yield* DncSubmitter
    const end = yield* Clock.currentTimeMillis
    const { batches, countriesNotAllowed, rejectsByCode, requests, totals, unknownReasons } = run.ledger
    const off = Report.imbalance(totals)
    const error =
      run.error ??
      (off === 0
        ? undefined
        : {
            tag: "Imbalance",
            message: `The totals account for ${Math.abs(off)} rows too ${off > 0 ? "many" : "few"}: a defect of this program`,
            hint: "Do not rely on these totals, and report the defect with the audit log of this run."
          })
    run.progress.phase = "finished"
    run.notify()
    const elapsed = end - run.startedAt
    return {
      runId: run.runId,
      dncListId: run.dncListId,
      contract: contract.name,
      action: run.sync === undefined ? run.action : "sync",
      kind: run.kind,
      target,
      outcome: error !== undefined ? "aborted" : run.stopping ? "stopped" : "completed",
      ...(error === undefined ? {} : { error }),
      complianceStatus: Report.complianceStatus(totals, run.heldBack),
      inputs,
      files,
      totals: { ...totals },
      heldBack: run.heldBack,
      rejectsByCode: { ...rejectsByCode },
      countriesNotAllowed: { ...countriesNotAllowed },
      unknownReasons,
      distinctNumbers: run.set.size(),
      withoutExpiry: run.withoutExpiry,
      ...(run.listSize === undefined ? {} : { listSize: run.listSize }),
      ...(run.verified === undefined ? {} : { verified: run.verified }),
      ...(run.sync === undefined ? {} : { sync: run.sync }),
      ...(run.ends === undefined ? {} : { ends: run.ends }),
      ...(run.uploaded === undefined ? {} : { upload: run.uploaded }),
      ...(run.earlier === undefined
        ? {}
        : { resumed: { startedAt: run.earlier.startedAt, batches: run.earlier.settled.size } }),
      setBytes: run.set.bytes(),
      batches: { ...batches },
      requests,
      latencyMs: run.ledger.latencyMs(),
      startedAt: new Date(run.startedAt).toISOString(),
      durationMs: { read: run.sendingAt - run.startedAt, send: end - run.sendingAt },
      rowsPerSecond: elapsed === 0 ? 0 : Math.round((totals.read * 1000) / elapsed)
    }
  })

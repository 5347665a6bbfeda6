/**
 * The first and the last record of a run, and its report.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Head } from "../AuditChain.js"
import { AuditSink, type Expiry, type Vouching } from "../AuditSink.js"
import { DncSubmitter } from "../DncSubmitter.js"
import { DncValidator, zoneOfRequests } from "../DncValidator.js"
import * as Honour from "../Honour.js"
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
    const { append, vouching } = yield* AuditSink
    const by = { tool: `genesys-dnc ${version}`, operator: vouching?.operator ?? null }
    if (run.earlier !== undefined) {
      return yield* append({
        operation: "RUN_RESUMED",
        runId: run.runId,
        dncListId: run.dncListId,
        kind: run.kind,
        complianceStatus: "INCOMPLETE",
        result: { ...by, settled: run.earlier.settled.size }
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
        ...by,
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
    const { append, vouching } = yield* AuditSink
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
        ...(finished.honour === undefined ? {} : { honour: finished.honour }),
        rejectsByCode: finished.rejectsByCode,
        files: files.map(({ path, sha256 }) => ({ path, sha256 }))
      }
    }).pipe(
      Effect.flatMap((record) => vouch(run, record, vouching)),
      Effect.either
    )
    if (run.cause !== undefined) return yield* Effect.failCause(run.cause)
    if (Either.isRight(recorded)) return { ...finished, ...recorded.right }
    return finished.error !== undefined
      ? finished
      : { ...finished, outcome: "aborted" as const, error: describe(recorded.left) }
  })

/** Signs the head that the run's end has made, and has it stamped, as configured; records of it make other heads. */
const vouch = <E, E2>(run: Run<E, E2>, { digest, sequence }: Head, { signer, stamper }: Vouching = {}) =>
  Effect.gen(function* () {
    const { append } = yield* AuditSink
    const common = {
      runId: run.runId,
      dncListId: run.dncListId,
      kind: run.kind,
      complianceStatus: Report.complianceStatus(run.ledger.totals)
    }
    const head = { digest, sequence }
    let auditHead = digest
    const signedHead = signer?.sign(head)
    if (signedHead !== undefined) {
      auditHead = (yield* append({ ...common, operation: "HEAD_SIGNED", result: signedHead })).digest
    }
    const stampedHead =
      stamper === undefined
        ? undefined
        : yield* Effect.catchAll(stamper(head), ({ hint, message }) => Effect.logWarning(`${message}. ${hint}`))
    if (stampedHead) {
      auditHead = (yield* append({ ...common, operation: "HEAD_TIMESTAMPED", result: stampedHead })).digest
    }
    return {
      auditHead,
      ...(signedHead === undefined ? {} : { signedHead }),
      ...(stampedHead ? { stampedHead } : {})
    }
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
): Effect.Effect<RunReport, never, DncSubmitter | DncValidator> =>
  Effect.gen(function* () {
    const { contract, target } = yield* DncSubmitter
    const { policy } = yield* DncValidator
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
    const honour =
      run.action === "remove"
        ? undefined
        : Honour.tally(run.set, {
            now: end,
            kind: run.kind,
            due: run.due,
            unreadable: run.unreadableRequests,
            zone: zoneOfRequests(policy)
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
      ...(honour === undefined ? {} : { honour }),
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

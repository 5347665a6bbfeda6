/**
 * A list made equal to the inputs: a plan, then adds and changes, then removals.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AuditError, AuditSink } from "../AuditSink.js"
import type { Batch, FailedNumbers, Reject } from "../DncEntry.js"
import { DncSubmitter } from "../DncSubmitter.js"
import { DncValidator } from "../DncValidator.js"
import { BadRequest, type GenesysError } from "../GenesysError.js"
import type { EndsError } from "../IntendedEnds.js"
import type { Input, Outputs, SyncOptions, TooManyRejects } from "../Pipeline.js"
import type { InputReport, RunReport } from "../RunReport.js"
import * as Report from "../RunReport.js"
import * as SyncPlan from "../SyncPlan.js"
import { forgetEnds, noteEnds, removed } from "./ends.js"
import { checkRejects, read } from "./read.js"
import { conclude, recordStart, report } from "./record.js"
import { begin, checkAction, checkKind, checkPhone, grouping, type Run } from "./run.js"
import { send } from "./send.js"
import { readSize } from "./size.js"
import { verifySync } from "./verify.js"

export const sync = <E, E2>(
  inputs: ReadonlyArray<Input<E>>,
  options: SyncOptions<E2>
): Effect.Effect<
  RunReport,
  E | E2 | TooManyRejects | SyncPlan.TooManyRemovals | GenesysError | AuditError | EndsError,
  DncValidator | DncSubmitter | AuditSink
> =>
  Effect.gen(function* () {
    const { check, contract } = yield* DncSubmitter
    const run = yield* begin(inputs, options)
    yield* checkAction({ action: "remove" }, contract)
    yield* checkPhone(contract, "A sync")
    yield* checkKind(yield* DncValidator, contract)
    const list = yield* check(options.dncListId)
    if (list?.contactMethod === "Any") return yield* kindsUnknown(list.name || options.dncListId)
    const reports = yield* read(run)
    yield* checkRejects(run, options.maxRejects)
    if (options.allowRejects !== true) {
      yield* checkRejects(
        run,
        // whoever's suppression has ended is meant to come off the list
        { rows: run.ledger.rejectsByCode.ExpirationInPast ?? 0 },
        "as whoever its refused rows mean would be removed; or give --allow-rejects."
      )
    }
    for (const input of inputs) yield* input.unchanged
    run.withoutExpiry = run.set.countForEver(grouping(run, contract))
    const plan = yield* Effect.tapError(make(run, options, list?.size), () => run.outputs.finish)
    const removal = removing(run, plan)
    const adds = run.set.countBatches(contract.largestBatch, grouping(run, contract))
    run.ledger.batches.cut = adds + plan.unwanted.countBatches(contract.largestBatch, grouping(removal, contract))
    run.ledger.totals.duplicateOnList = plan.unchanged
    run.progress.numbers = plan.wanted.pending() + plan.removals
    if (options.dryRun === true) {
      run.ledger.totals.skipped = plan.wanted.pending()
      return yield* report(run, reports, yield* run.outputs.finish)
    }
    if (options.confirm !== undefined && run.progress.numbers > 0) {
      const asked = options.confirm(plan, { list, planFile: run.sync?.planFile })
      yield* Effect.tapError(asked, () => run.outputs.finish)
    }
    run.progress.phase = "sending"
    // from the first record to the last, whatever happens
    return yield* Effect.uninterruptible(apply(run, removal, plan, adds, reports, options, list?.size))
  })

/** An export may show a WhatsApp number where the phone number of the same digits is not on the list, and the other way. */
const kindsUnknown = (list: string) =>
  new BadRequest({
    message: `The list ${list} is for any contact method, and how its exports tell these apart is not published; nothing was changed`,
    hint: "Sync a list for the contact method Phone; use push and remove for this one."
  })

/** What differs, written down and judged. */
const make = <E, E2>(run: Run<E, E2>, options: SyncOptions<E2>, size: number | undefined) =>
  Effect.gen(function* () {
    if (run.set.size() === 0) {
      return yield* new SyncPlan.TooManyRemovals({
        message: "There is no number in the input, so every entry of the list would be removed; nothing was changed",
        hint: "Check that the file is the one that is meant, and whole. No limit of removals lets a sync empty a list.",
        removals: size ?? 0,
        listed: size ?? 0
      })
    }
    run.progress.phase = "comparing"
    run.progress.listed = 0
    run.notify()
    const exported = Stream.mapChunks(options.exported, (chunk) => {
      run.progress.listed = (run.progress.listed ?? 0) + chunk.length
      run.notify()
      return chunk
    })
    // judged by check, once it is written: who reads of too many removals wants to see them
    const plan = yield* SyncPlan.make(run.set, exported, { now: run.now, maxRemove: { share: 1 } })
    const planFile = options.writePlan === undefined ? undefined : yield* options.writePlan(plan)
    yield* Effect.mapError(
      SyncPlan.check(plan, options.maxRemove ?? SyncPlan.defaults.maxRemove),
      ({ hint, listed, message, removals }) =>
        new SyncPlan.TooManyRemovals({
          message,
          hint: planFile === undefined ? hint : `${hint} The plan is in ${planFile.path}.`,
          removals,
          listed
        })
    )
    const { steps: _, unwanted: _u, wanted: _w, ...counts } = plan
    run.sync = {
      ...counts,
      removed: 0,
      removalsFailed: 0,
      removalsSkipped: plan.removals,
      ...(planFile === undefined ? {} : { planFile })
    }
    return plan
  }).pipe(Effect.withSpan("genesys-dnc/Pipeline.plan"))

/** The removals as a run of their own: what becomes of them is no disposition of a row. */
const removing = <E, E2>(run: Run<E, E2>, { unwanted }: SyncPlan.SyncPlan): Run<E, E2> => ({
  ...run,
  action: "remove",
  inputs: [],
  bases: [0],
  set: unwanted,
  ledger: Report.ledger(run.ledger),
  recorded: [],
  refused: new Set(),
  outputs: removalOutputs(run.outputs)
})

const removalOutputs = <E>({ failedRemovals = () => Effect.void, finish }: Outputs<E>): Outputs<E> => ({
  rejected: (_, rejects) => Effect.forEach(rejects, (reject) => failedRemovals(refused(reject)), { discard: true }),
  failed: (_, why) => failedRemovals(why),
  finish
})

const refused = ({ code, message, raw }: Reject): FailedNumbers => ({
  count: 1,
  phoneNumbers: [raw],
  error: code,
  message
})

const apply = <E, E2>(
  run: Run<E, E2>,
  removal: Run<E, E2>,
  plan: SyncPlan.SyncPlan,
  adds: number,
  reports: ReadonlyArray<InputReport>,
  options: SyncOptions<E2>,
  size: number | undefined
) =>
  Effect.gen(function* () {
    const submitter = yield* DncSubmitter
    const { contract } = submitter
    const { totals } = run.ledger
    // the files say all that is wanted of the list, so nothing else is a reason to stay on it for ever
    const settleEnds = yield* Effect.tapError(noteEnds(run, submitter, options.ends), () => run.outputs.finish)
    yield* recordStart(run, reports)
    yield* send(run, run.set.cut(contract.largestBatch, run, grouping(run, contract)))
    yield* settleEnds
    const refusals = options.allowRejects === true ? 0 : run.refused.size
    if (!run.stopping && totals.failed === 0 && refusals === 0 && plan.removals > 0) {
      const cut = plan.unwanted.cut(contract.largestBatch, removal, grouping(removal, contract))
      yield* send(removal, after(cut, adds))
      run.stopping ||= removal.stopping
      run.error ??= removal.error
      run.cause ??= removal.cause
    } else {
      removal.ledger.totals.skipped = plan.removals
    }
    yield* readSize(run, size, options.sizeLag ?? "1 minute", plan.adds - removal.ledger.totals.accepted)
    if (options.verify !== undefined) yield* verifySync(run, removal, options.verify)
    if (removal.ledger.totals.accepted > 0) yield* forgetEnds(run, submitter, options.ends, removed(removal))
    const { accepted, failed, rejected, skipped } = removal.ledger.totals
    if (run.sync !== undefined) {
      run.sync = { ...run.sync, removed: accepted, removalsFailed: failed + rejected, removalsSkipped: skipped }
    }
    return yield* conclude(run, reports)
  })

/** The same batches, with places in the run after so many others. */
function* after(batches: Iterable<Batch>, others: number): Iterable<Batch> {
  for (const batch of batches) yield { ...batch, index: batch.index + others }
}

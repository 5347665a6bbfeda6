/**
 * An unfinished run of the same files: found in the log, and gone on with where it ended.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { canonical } from "../AuditChain.js"
import { collect, type LoggedRun, ofRuns, type SettledBatch } from "../AuditLog/runs.js"
import { type AuditError, AuditSink } from "../AuditSink.js"
import type { Receipt } from "../DncEntry.js"
import { DncSubmitter } from "../DncSubmitter.js"
import { DncValidator } from "../DncValidator.js"
import type { Input, Options } from "../Pipeline.js"
import type { Run } from "./run.js"

/**
 * How batches are cut from the distinct numbers of a run: another rule has another number, and a run that was begun by
 * one is not gone on with by another.
 *
 * @since 0.1.0
 */
export const cutting = 1

/**
 * An unfinished run of these files cannot be gone on with, as this version would send other batches under its keys. Nothing
 * was sent.
 *
 * @since 0.1.0
 * @category errors
 */
export class CannotResume extends Schema.TaggedError<CannotResume>("genesys-dnc/CannotResume")("CannotResume", {
  message: Schema.String,
  hint: Schema.String,
  runId: Schema.String
}) {}

/** The latest run of the same files onto the same list, if it has not come to its end. */
export const unfinished = <E, E2>(
  inputs: ReadonlyArray<Input<E>>,
  options: Options<E2>
): Effect.Effect<LoggedRun | undefined, E | AuditError | CannotResume, DncSubmitter | DncValidator | AuditSink> =>
  Effect.gen(function* () {
    if (options.fresh === true || options.runId !== undefined || inputs.length === 0) return undefined
    const { contract, target } = yield* DncSubmitter
    const { policy } = yield* DncValidator
    const { forEach } = yield* AuditSink
    if (target === "nowhere") return undefined
    const { runs, take } = collect()
    yield* forEach(take, ofRuns)
    const ofList = Array.from(runs.values()).filter(
      (run) =>
        run.dncListId === options.dncListId &&
        run.target === target &&
        run.contract === contract.name &&
        run.kind === contract.kind &&
        run.action === (options.action ?? "add")
    )
    if (ofList.every(({ outcome }) => outcome === "completed")) return undefined
    const digests: Array<string> = []
    for (const { contentDigest } of inputs) {
      if (contentDigest === undefined) return undefined
      digests.push(yield* contentDigest)
    }
    const isSame = ({ inputs }: LoggedRun) => inputs.map(({ sha256 }) => sha256).join() === digests.join()
    const run = ofList.findLast(isSame)
    if (run === undefined || run.outcome === "completed") {
      const names = inputs.map(({ name }) => name).join()
      const changed = ofList.at(-1)
      if (
        run === undefined &&
        changed?.outcome !== "completed" &&
        changed?.inputs.map(({ name }) => name).join() === names
      ) {
        yield* Effect.logWarning(
          `${names} has changed since run ${changed.runId}, which did not come to its end: this is a new run`
        )
      }
      return undefined
    }
    if (run.cutting !== cutting) return yield* otherwise(run)
    const others = [
      canonical(run.policy) === canonical(policy) ? "" : "the rules for rows",
      run.largestBatch === contract.largestBatch ? "" : "the batch size",
      options.now === undefined || options.now === run.now ? "" : "--now"
    ].filter((word) => word !== "")
    if (others.length > 0) {
      yield* Effect.logWarning(
        `Run ${run.runId} of these files did not come to its end, but ${others.join(" and ")} differed: this is a new run`
      )
      return undefined
    }
    yield* Effect.logInfo(
      `Going on with run ${run.runId} of ${run.startedAt}, which did not come to its end: ${run.settled.size} of ${run.batches} batches were done`
    )
    return run
  }).pipe(Effect.withSpan("genesys-dnc/Pipeline.unfinished"))

/** Makes a run the one that it goes on with, before anything is read. */
export const goOn = <E, E2>(run: Run<E, E2>, earlier: LoggedRun): void => {
  run.runId = earlier.runId
  run.now = earlier.now
  run.earlier = earlier
}

/** Fails where what was read is not what the run had read: a key would stand for other numbers. */
export const checkSame = <E, E2>(run: Run<E, E2>): Effect.Effect<void, CannotResume> =>
  run.earlier === undefined || run.set.digest() === run.earlier.setDigest
    ? Effect.void
    : run.heldBack > 0 || (run.earlier.heldBack ?? 0) > 0
      ? heldOtherwise(run.earlier, run.heldBack)
      : otherwise(run.earlier)

const heldOtherwise = ({ heldBack = 0, runId }: LoggedRun, now: number) =>
  new CannotResume({
    message: `Run ${runId} of these files did not come to its end, and ${heldBack === now ? "other" : `${now} instead of ${heldBack}`} numbers would be held back now as suppressed for longer; nothing was sent`,
    hint: "Give --against-export and --allow-shorten as they were given then. If another run has changed the list since, begin a new run with --fresh.",
    runId
  })

const otherwise = ({ runId, tool }: LoggedRun) =>
  new CannotResume({
    message: `Run ${runId} of these files did not come to its end, and it was begun by ${tool}, which reads or cuts them otherwise; nothing was sent`,
    hint: "Finish it with that version, or begin a new run with --fresh: what is on the list already is then sent again, which changes nothing.",
    runId
  })

/** The receipt of a batch that an earlier process brought to its end. */
export const receiptOf = ({ at: _, ...settled }: SettledBatch): Receipt => ({
  ...settled,
  skipped: 0,
  rejected: [],
  failed: [],
  idempotencyKey: "",
  correlationId: undefined
})

/**
 * Takes numbers off a list whose intended end has come, which the list itself could not say.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { AuditError, AuditSink, Expiry } from "../AuditSink.js"
import type { Entry } from "../DncEntry.js"
import * as DncEntry from "../DncEntry.js"
import { DncSubmitter } from "../DncSubmitter.js"
import type { DncValidator } from "../DncValidator.js"
import type { GenesysError } from "../GenesysError.js"
import type { EndsError, IntendedEnds } from "../IntendedEnds.js"
import type { Options } from "../Pipeline.js"
import type { RunReport } from "../RunReport.js"
import * as Codec from "../SuppressionSet/codec.js"
import * as SuppressionSet from "../SuppressionSet.js"
import { removed } from "./ends.js"
import { conclude, recordStart } from "./record.js"
import { abort, begin, checkAction, checkPhone, grouping, plan, type Run } from "./run.js"
import { send } from "./send.js"
import { readSize } from "./size.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface ExpireOptions<E = never, E2 = never>
  extends Pick<
    Options<E>,
    "dncListId" | "runId" | "now" | "concurrency" | "outputs" | "onProgress" | "sizeLag" | "confirm" | "stop"
  > {
  /** Where the ends are kept. */
  readonly ends: IntendedEnds
  /** What is on the list; asked for only where an end has come. */
  readonly listed: Stream.Stream<Pick<Entry, "phoneNumber" | "expires">, E2>
  /** Only looks: takes nothing off the list, and forgets no end. */
  readonly dryRun?: boolean
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Expired extends Expiry {
  /** Numbers that were to be taken off: `due - gone - changed - renewed`. */
  readonly toRemove: number
  /** Ends that are still to come, and the first of them in milliseconds since 1970. */
  readonly later: number
  readonly next: number | undefined
  /** Of the run that took numbers off the list; none where there were none to take. */
  readonly report?: RunReport
}

/** What an export says of a number that is due. */
const absent = 0
const asWritten = 1
const otherwise = 2

/**
 * Takes the numbers off a list whose intended end has come and that are on it for ever still, as they were put there; all
 * others are left alone. Then their ends are forgotten. What another run wants on the list meanwhile stays there, or is put
 * back. Fails only before the first request that changes anything, as `push` does.
 *
 * @since 0.1.0
 */
export const expire = <E = never, E2 = never>(
  options: ExpireOptions<E, E2>
): Effect.Effect<Expired, E | E2 | GenesysError | AuditError | EndsError, DncValidator | DncSubmitter | AuditSink> =>
  Effect.gen(function* () {
    const submitter = yield* DncSubmitter
    const { listed, ...given } = options
    const run = yield* begin<never, E>([], { ...given, action: "remove" })
    yield* checkAction(run, submitter.contract)
    yield* checkPhone(submitter.contract, "An expiry")
    const { dncListId, runId } = run
    const key = { dncListId, runId, target: submitter.target }
    const list = yield* submitter.check(dncListId)
    const { ends: due, offset } = yield* options.ends.known(key)
    const { later, next } = keepDue(due, run.now)
    const found = due.size
    if (found > 0) yield* Stream.runForEachChunk(listed, (entries) => Effect.sync(() => hold(due, entries)))
    const looked = tally(due)
    if (options.dryRun === true) return { due: found, ...looked, renewed: 0, later, next }
    if (options.confirm !== undefined && looked.toRemove > 0) {
      const batches = Math.ceil(looked.toRemove / submitter.contract.largestBatch)
      yield* Effect.tapError(options.confirm({ numbers: looked.toRemove, batches, list }), () => run.outputs.finish)
    }
    return yield* Effect.uninterruptible(
      Effect.gen(function* () {
        // looking and asking take long
        const before = yield* options.ends.since(key, offset)
        for (const number of before.keys()) due.delete(number)
        const { toRemove, ...left } = tally(due)
        const expired = { due: found, toRemove, ...left, renewed: found - due.size, later, next }
        fill(run.set, due, asWritten)
        run.ledger.totals.read = run.set.size()
        run.progress.numbers = run.set.size()
        run.progress.phase = "sending"
        run.notify()
        if (toRemove > 0) {
          plan(run, submitter.contract)
          const { due, gone, changed, renewed } = expired
          yield* recordStart(run, [], { expiry: { due, gone, changed, renewed } })
          yield* send(run, run.set.cut(submitter.contract.largestBatch, run, grouping(run, submitter.contract)))
        }
        const finish = Effect.gen(function* () {
          const after = yield* options.ends.since(key, offset)
          yield* putBack(run, submitter, after)
          yield* options.ends.forget(key, settled(run, due, after))
        })
        if (toRemove === 0) return yield* Effect.as(finish, expired)
        // what is not forgotten will be found gone the next time
        yield* Effect.catchAll(finish, (error) => Effect.sync(() => abort(run, error)))
        yield* readSize(run, list?.size, options.sizeLag ?? "1 minute")
        return { ...expired, report: yield* conclude(run, []) }
      })
    )
  }).pipe(Effect.withSpan("genesys-dnc/Pipeline.expire", { attributes: { dncListId: options.dncListId } }))

/** Leaves those whose end has come, as not seen on the list. */
const keepDue = (ends: Map<number, number>, now: number): Pick<Expired, "later" | "next"> => {
  let later = 0
  let next: number | undefined
  for (const [number, end] of ends) {
    if (end <= now) {
      ends.set(number, absent)
      continue
    }
    ends.delete(number)
    if (end === Number.POSITIVE_INFINITY) continue
    later++
    next = Math.min(end, next ?? end)
  }
  return { later, next }
}

/** An entry with an end is not from here; nor is a number, then, that has two entries. */
const hold = (due: Map<number, number>, entries: Iterable<Pick<Entry, "phoneNumber" | "expires">>): void => {
  for (const { expires, phoneNumber } of entries) {
    const number = Codec.e164.numberOf(phoneNumber)
    const before = due.get(number)
    if (before === undefined) continue
    due.set(number, expires === Number.POSITIVE_INFINITY && before !== otherwise ? asWritten : otherwise)
  }
}

const tally = (due: Map<number, number>) => {
  const counts = [0, 0, 0]
  for (const state of due.values()) counts[state]++
  return { toRemove: counts[asWritten], gone: counts[absent], changed: counts[otherwise] }
}

const fill = (set: SuppressionSet.SuppressionSet, due: Map<number, number>, wanted: number): void => {
  const number: Array<number> = []
  for (const [key, state] of due) if (state === wanted) number.push(key)
  set.add(
    DncEntry.entryBlock(
      number,
      number.map(() => Number.POSITIVE_INFINITY)
    ),
    0
  )
}

/** What is of no interest any more: taken off, or on the list otherwise; but nothing that another run spoke of. */
function* settled<E, E2>(
  run: Run<E, E2>,
  due: Map<number, number>,
  renewed: ReadonlyMap<number, unknown>
): Generator<string> {
  for (const phoneNumber of removed(run)) if (!renewed.has(Number(phoneNumber.slice(1)))) yield phoneNumber
  for (const [number, state] of due) if (state !== asWritten && !renewed.has(number)) yield `+${number}`
}

/** Numbers that another run wants on the list while they are taken off it: whichever was first, they are on it at the end. */
const putBack = <E, E2>(
  run: Run<E, E2>,
  submitter: typeof DncSubmitter.Service,
  renewed: ReadonlyMap<number, number | undefined>
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const set = SuppressionSet.make()
    const numbers: Array<number> = []
    const ends: Array<number> = []
    for (const [number, end] of renewed) {
      if (end === undefined || run.set.expires(number) === undefined) continue
      numbers.push(number)
      ends.push(end)
    }
    if (numbers.length === 0) return
    set.add(DncEntry.entryBlock(numbers, ends), 0)
    const taken = new Set(removed(run))
    const { contract } = submitter
    const { totals } = run.ledger
    const batch = { runId: run.runId, dncListId: run.dncListId, action: "add" as const }
    const group: SuppressionSet.Grouping = (expires, reason) => contract.group(expires, reason, run.now)
    for (const adds of set.cut(contract.largestBatch, batch, group)) {
      const exit = yield* Effect.exit(submitter.submit(adds))
      const failed = Exit.isSuccess(exit)
        ? [...exit.value.failed.flatMap(({ phoneNumbers }) => phoneNumbers), ...exit.value.rejected.map(nameOf)]
        : adds.phoneNumbers
      const lost = failed.filter((phoneNumber) => taken.has(phoneNumber))
      const accepted = adds.phoneNumbers.filter((phoneNumber) => taken.has(phoneNumber)).length
      totals.accepted -= accepted
      totals.skipped += accepted - lost.length
      totals.failed += lost.length
      if (Exit.isFailure(exit)) abort(run, Cause.squash(exit.cause))
      if (failed.length === 0) continue
      const why = {
        count: failed.length,
        phoneNumbers: failed,
        error: "NotPutBack",
        message: "Another run wants it on the list, and it may have been taken off: push it again"
      }
      const entries = failed.map((phoneNumber) => ({
        phoneNumber,
        reason: "UNSPECIFIED" as const,
        expires: set.value(phoneNumber)?.expires ?? Number.POSITIVE_INFINITY
      }))
      yield* Effect.catchAll(run.outputs.failed(entries, why), (error) => Effect.sync(() => abort(run, error)))
    }
  })

const nameOf = ({ phoneNumber }: { readonly phoneNumber: string }): string => phoneNumber

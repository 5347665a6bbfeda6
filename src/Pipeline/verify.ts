/**
 * What was accepted, held against an export of the list.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { type Contract, wholeMinute } from "../Contract.js"
import type { Entry } from "../DncEntry.js"
import { DncSubmitter } from "../DncSubmitter.js"
import { abort, grouping, type Run } from "./run.js"
import { valueOf } from "./send.js"

/**
 * What can be said of an export that failed.
 *
 * @since 0.1.0
 * @category models
 */
export interface VerifyError {
  readonly _tag: string
  readonly message: string
  readonly hint: string
}

type Exported<E = VerifyError> = Stream.Stream<Pick<Entry, "phoneNumber" | "expires">, E>

/** Numbers of the failed file in one piece. */
const pieceSize = 1000

export const notOnList = "It is not on the exported list as it was sent"
const notHeld =
  "It was held back as suppressed for longer, but the exported list does not show it so: push the failed file with --allow-shorten"
const stillOnList = "It is still on the exported list"

/**
 * Numbers that are not as they should be become failed ones. An export that cannot be had makes the run abort, as its proof
 * was asked for; no row changes its disposition then.
 */
export const verify = <E, E2>(run: Run<E, E2>, exported: Exported): Effect.Effect<void, never, DncSubmitter> =>
  Effect.gen(function* () {
    const { contract } = yield* DncSubmitter
    const held = contract.name === "platform" ? run.heldBack : 0
    if (run.stopping || run.ledger.totals.accepted + held === 0) return
    const adding = run.action === "add"
    yield* look(run, contract, exported)
    yield* failAll(run, run.set.sent(!adding), { error: "NotVerified", message: adding ? notOnList : stillOnList })
    if (held > 0) yield* failHeld(run)
    run.verified = run.ledger.totals.accepted
  }).pipe(judging(run))

/**
 * The same of a sync: here a later end is as wrong as a sooner one, what needed no sending is looked at too, and nothing
 * that was removed may be there.
 */
export const verifySync = <E, E2>(
  run: Run<E, E2>,
  removal: Run<E, E2>,
  exported: Exported
): Effect.Effect<void, never, DncSubmitter> =>
  Effect.gen(function* () {
    if (run.stopping) return
    const { contract } = yield* DncSubmitter
    const group = grouping(run, contract)
    // in the plan's export
    run.set.unsee()
    yield* forEachEntry(run, exported, (number, expires) => {
      const meant = run.set.expires(number)
      if (meant === undefined) removal.set.see(number)
      else if (wholeMinute(expires) === group(meant, 0).expires) run.set.see(number)
    })
    const why = { error: "NotVerified", message: "It is not on the exported list as it should be" }
    yield* failAll(run, run.set.sent(false), why)
    yield* failAll(run, run.set.settled(false), why, "duplicateOnList")
    yield* failAll(removal, removal.set.sent(true), { ...why, message: stillOnList })
    run.verified = run.ledger.totals.accepted + run.ledger.totals.duplicateOnList
  }).pipe(judging(run))

/** After {@link look}: who is held back for nothing is not suppressed as was asked. */
export const failHeld = <E, E2>(run: Run<E, E2>): Effect.Effect<void, E2> =>
  failAll(run, run.set.held(false), { error: "NotVerified", message: notHeld }, "skipped")

/** Marks the numbers of the run as seen that an export has as they should be, or, where they are taken off, at all. */
export const look = <E, E2, E3>(
  run: Run<E, E2>,
  contract: Contract,
  exported: Exported<E3>
): Effect.Effect<void, E3> => {
  const adding = run.action === "add"
  const group = grouping(run, contract)
  return forEachEntry(run, exported, (number, expires) => {
    const meant = run.set.expires(number)
    // a later end than was sent suppresses no less; the reason does not count
    if (meant !== undefined && (!adding || expires >= group(meant, 0).expires)) run.set.see(number)
  })
}

const forEachEntry = <E, E2, E3>(
  { set }: Run<E, E2>,
  exported: Exported<E3>,
  f: (number: number, expires: number) => void
): Effect.Effect<void, E3> =>
  Stream.runForEachChunk(exported, (entries) =>
    Effect.sync(() => {
      for (const { expires, phoneNumber } of entries) f(set.numberOf(phoneNumber), expires)
    })
  )

/**
 * Numbers that had another disposition, and that the server has not refused, become failed ones, at their strictest values.
 * All are counted, also where the file of them cannot be written.
 */
export const failAll = <E, E2>(
  run: Run<E, E2>,
  numbers: Iterable<string>,
  reason: { readonly error: string; readonly message: string },
  from: "accepted" | "duplicateOnList" | "skipped" = "accepted"
): Effect.Effect<void, E2> =>
  Effect.gen(function* () {
    const { totals } = run.ledger
    let piece: Array<string> = []
    let written: Exit.Exit<void, E2> = Exit.void
    const settle = Effect.suspend(() => {
      const phoneNumbers = piece
      piece = []
      totals[from] -= phoneNumbers.length
      totals.failed += phoneNumbers.length
      run.set.honour(phoneNumbers, undefined)
      if (from === "skipped") {
        run.heldBack -= phoneNumbers.length
        run.set.unsend(phoneNumbers)
      }
      if (Exit.isFailure(written)) return Effect.void
      const entries = phoneNumbers.map((phoneNumber) => ({
        phoneNumber,
        ...valueOf(run, { reason: null, expires: Number.POSITIVE_INFINITY }, phoneNumber)
      }))
      const why = { count: phoneNumbers.length, phoneNumbers, ...reason }
      return Effect.map(Effect.exit(run.outputs.failed(entries, why)), (exit) => void (written = exit))
    }).pipe(Effect.uninterruptible)
    for (const phoneNumber of numbers) {
      if (run.refused.has(phoneNumber)) continue
      if (piece.push(phoneNumber) === pieceSize) yield* settle
    }
    if (piece.length > 0) yield* settle
    yield* written
  })

const judging =
  <E, E2>(run: Run<E, E2>) =>
  <R>(proof: Effect.Effect<void, E2 | VerifyError, R>): Effect.Effect<void, never, R> =>
    proof.pipe(
      Effect.catchAll((error) => Effect.sync(() => abort(run, error))),
      Effect.raceFirst(run.stop),
      Effect.interruptible,
      Effect.exit,
      Effect.map(Exit.match({ onFailure: (cause) => void (run.cause ??= cause), onSuccess: () => {} })),
      Effect.withSpan("genesys-dnc/Pipeline.verify")
    )

/**
 * What was accepted, held against an export of the list.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
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

/** Numbers of the failed file in one piece. */
const pieceSize = 1000

/**
 * Numbers that are not as they should be become failed ones. An export that cannot be had makes the run abort, as its proof
 * was asked for; no row changes its disposition then.
 */
export const verify = <E, E2>(
  run: Run<E, E2>,
  exported: Stream.Stream<Pick<Entry, "phoneNumber" | "expires">, VerifyError>
): Effect.Effect<void, never, DncSubmitter> =>
  Effect.gen(function* () {
    if (run.stopping || run.ledger.totals.accepted === 0) return
    const { contract } = yield* DncSubmitter
    const adding = run.action === "add"
    const group = grouping(run, contract)
    yield* Stream.runForEachChunk(exported, (entries) =>
      Effect.sync(() => {
        for (const { expires, phoneNumber } of entries) {
          const number = run.set.numberOf(phoneNumber)
          const meant = run.set.expires(number)
          // a later end than was sent suppresses no less; the reason does not count
          if (meant !== undefined && (!adding || expires >= group(meant, 0).expires)) run.set.see(number)
        }
      })
    )
    const { totals } = run.ledger
    let piece: Array<string> = []
    const settle = Effect.suspend(() => {
      const phoneNumbers = piece
      piece = []
      totals.accepted -= phoneNumbers.length
      totals.failed += phoneNumbers.length
      const why = {
        count: phoneNumbers.length,
        phoneNumbers,
        error: "NotVerified",
        message: adding ? "It is not on the exported list as it was sent" : "It is still on the exported list"
      }
      const entries = phoneNumbers.map((phoneNumber) => ({
        phoneNumber,
        ...valueOf(run, { reason: null, expires: Number.POSITIVE_INFINITY }, phoneNumber)
      }))
      return run.outputs.failed(entries, why)
    })
    for (const phoneNumber of run.set.sent(!adding)) {
      if (run.refused.has(phoneNumber)) continue
      if (piece.push(phoneNumber) === pieceSize) yield* settle
    }
    if (piece.length > 0) yield* settle
    run.verified = totals.accepted
  }).pipe(
    Effect.catchAll((error) => Effect.sync(() => abort(run, error))),
    Effect.raceFirst(run.stop),
    Effect.interruptible,
    Effect.exit,
    Effect.map(Exit.match({ onFailure: (cause) => void (run.cause ??= cause), onSuccess: () => {} })),
    Effect.withSpan("genesys-dnc/Pipeline.verify")
  )

/**
 * The size of the list at the end, where the contract gives no counts.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { DncSubmitter } from "../DncSubmitter.js"
import type { Run } from "./run.js"

/** How often the size is read while it is waited for. */
const polls = 12

/**
 * Reads the size until all that was accepted shows in it, or it has moved and then stood still for a quarter of `lag`, or
 * `lag` is over, or the run is stopped. A size that cannot be read is left out; it fails no run.
 */
export const readSize = <E, E2>(
  run: Run<E, E2>,
  before: number | undefined,
  lag: Duration.DurationInput,
  /** By how much it is expected to grow. */
  growth: number = run.action === "add" ? run.ledger.totals.accepted : -run.ledger.totals.accepted
): Effect.Effect<void, never, DncSubmitter> => {
  if (before === undefined) return Effect.void
  run.listSize = { before }
  const unchanged = run.ledger.totals.accepted === 0 && growth === 0
  if (unchanged || run.stopping) return Effect.void
  return Effect.gen(function* () {
    const { check } = yield* DncSubmitter
    const expected = before + growth
    const pause = Duration.times(lag, 1 / polls)
    if (Duration.toMillis(pause) > 0) yield* Effect.logDebug("Waiting until the size of the list shows what was done")
    let same = 0
    for (let poll = 0; poll <= polls; poll++) {
      if (poll > 0) yield* Effect.sleep(pause)
      const after = (yield* check(run.dncListId))?.size
      if (after === undefined) return
      same = run.listSize?.after === after ? same + 1 : 0
      run.listSize = { before, after }
      if (after === expected || (after !== before && same >= polls / 4) || Duration.toMillis(pause) === 0) return
    }
  }).pipe(
    Effect.catchAll((error) => Effect.logWarning(`The size of the list cannot be read: ${error.message}`)),
    Effect.raceFirst(run.stop),
    Effect.interruptible,
    Effect.exit,
    // somebody's interruption ends the run once everything is accounted for
    Effect.map(Exit.match({ onFailure: (cause) => void (run.cause ??= cause), onSuccess: () => {} })),
    Effect.withSpan("genesys-dnc/Pipeline.readSize")
  )
}

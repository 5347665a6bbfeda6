/**
 * What a run means for the file of intended ends: noted before numbers are sent, forgotten once they are off the list.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { DncSubmitter } from "../DncSubmitter.js"
import type { Adds, EndsError, IntendedEnds } from "../IntendedEnds.js"
import { abort, type Run } from "./run.js"

/**
 * Notes the ends of the numbers that are about to be put on the list, by a contract that cannot say them; then nothing may
 * be sent unless it succeeds. Returns what is to be run when the numbers are there.
 */
export const noteEnds = <E, E2>(
  run: Run<E, E2>,
  { contract, target }: typeof DncSubmitter.Service,
  ends: IntendedEnds | undefined,
  more: Pick<Adds, "listed" | "keepsLater"> = {}
): Effect.Effect<Effect.Effect<void>, EndsError> =>
  ends === undefined || contract.name !== "platform" || run.kind !== "phone" || target === "nowhere"
    ? Effect.succeed(Effect.void)
    : Effect.map(ends.note({ ...run, ...more, target }), ({ forEver, kept, settle, unseen }) => {
        if (kept + forEver + unseen > 0) run.ends = { path: ends.path, kept, forEver, unseen }
        return orAbort(run, settle)
      })

/** Forgets the ends of numbers (E.164) that are off the list; what fails fails the run, no row. */
export const forgetEnds = <E, E2>(
  run: Run<E, E2>,
  { target }: typeof DncSubmitter.Service,
  ends: IntendedEnds | undefined,
  phoneNumbers: Iterable<string>
): Effect.Effect<void> =>
  ends === undefined || run.kind !== "phone" || target === "nowhere"
    ? Effect.void
    : orAbort(run, ends.forget({ runId: run.runId, dncListId: run.dncListId, target }, phoneNumbers))

/** The numbers that a run which removes has taken off the list. */
export function* removed<E, E2>(run: Run<E, E2>): Generator<string> {
  // those that were seen are on an export still
  for (const phoneNumber of run.set.sent(false)) if (!run.refused.has(phoneNumber)) yield phoneNumber
}

const orAbort = <E, E2>(run: Run<E, E2>, effect: Effect.Effect<void, EndsError>): Effect.Effect<void> =>
  Effect.catchAll(effect, (error) => Effect.sync(() => abort(run, error)))

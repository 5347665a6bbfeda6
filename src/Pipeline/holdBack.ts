/**
 * Numbers that are on the list with a later end than would be sent: held back, so that no row shortens a suppression.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type AuditError, AuditSink } from "../AuditSink.js"
import { wholeMinute } from "../Contract.js"
import type { Entry } from "../DncEntry.js"
import { DncSubmitter } from "../DncSubmitter.js"
import { digits, endOf } from "../IntendedEnds/lines.js"
import type { EndsError, IntendedEnds } from "../IntendedEnds.js"
import type { Options } from "../Pipeline.js"
import { follow, type LogKnowledge } from "./holdBack/log.js"
import { abort, grouping, type Run } from "./run.js"
import { valueOf } from "./send.js"

const forEver = Number.POSITIVE_INFINITY

/** Numbers of the file in one piece. */
const pieceSize = 1000

/**
 * Before anything is cut. `listSize` is what the list said of itself when the run was begun: a list with fewer entries than
 * the log knows was emptied since, so nothing is held back by that. What is held back follows from the records of other
 * runs alone, so that a run that is gone on with holds back what it did, or is refused by the digest of its set.
 */
export const holdBack = <E, E2>(
  run: Run<E, E2>,
  options: Pick<Options<E2>, "allowShorten" | "against" | "ends">,
  listSize: number | undefined
): Effect.Effect<void, E2 | AuditError | EndsError, DncSubmitter | AuditSink> =>
  Effect.gen(function* () {
    const { contract, target } = yield* DncSubmitter
    if (run.action !== "add" || options.allowShorten === true || run.set.size() === 0) return
    const log = target === "nowhere" ? undefined : yield* fromLog(run, target)
    const listed = options.against === undefined ? undefined : yield* fromExport(run, options.against)
    if (log === undefined && listed === undefined) return
    const isKept = options.ends !== undefined && contract.name === "platform" && run.kind === "phone"
    const kept = isKept ? yield* fromEnds(run, target, options.ends, log) : undefined

    const group = grouping(run, contract)
    const byRecords: Array<number> = []
    const byExport: Array<number> = []
    const until = new Float64Array(run.set.size())
    let position = -1
    for (const [number, expires] of run.set.values()) {
      position++
      const sent = group(expires, 0).expires
      if (sent === forEver) continue
      const intended = kept?.ends[position] ?? Number.NaN
      // the list can only say for ever of what is to end at an end that is kept
      const meant = (end: number) => (end === forEver && !Number.isNaN(intended) ? intended : end)
      const logged = log === undefined ? Number.NaN : meant(log.end(position))
      const recorded = Number.isNaN(logged) && kept?.proved[position] === 1 ? intended : logged
      const exported = listed === undefined ? Number.NaN : meant(listed[position])
      until[position] = Math.max(Number.isNaN(recorded) ? 0 : recorded, Number.isNaN(exported) ? 0 : exported)
      if (exported > wholeMinute(sent)) byExport.push(number)
      else if (recorded > sent) byRecords.push(number)
    }
    const isStale = listSize !== undefined && listSize < byRecords.length
    if (isStale) {
      yield* Effect.logWarning(
        `The list has ${listSize} entries, but the log knows of ${byRecords.length} numbers of these files that are on it for longer: it was changed otherwise, so nothing is held back by the log`
      )
    }
    for (const numbers of isStale ? [byExport] : [byExport, byRecords])
      for (const number of numbers) run.set.hold(number)
    run.heldBack = byExport.length + (isStale ? 0 : byRecords.length)
    if (run.heldBack === 0) return
    run.heldUntil = (phoneNumber) => until[run.set.position(run.set.numberOf(phoneNumber))]
    run.ledger.totals.skipped += run.heldBack
    run.progress.numbers = run.set.pending()
    run.notify()
  }).pipe(Effect.withSpan("genesys-dnc/Pipeline.holdBack"))

const fromLog = <E, E2>(run: Run<E, E2>, target: string) =>
  Effect.gen(function* () {
    const { forEach, hash } = yield* AuditSink
    const { finish, take } = follow({ ...run, target, hash })
    yield* forEach(take)
    return finish()
  })

/** The end of each number that an export shows, the later one of two; `NaN` for the others. */
const fromExport = <E, E2>(
  { set }: Run<E, E2>,
  against: NonNullable<Options<E2>["against"]>
): Effect.Effect<Float64Array, E2> => {
  const ends = new Float64Array(set.size()).fill(Number.NaN)
  return Effect.as(
    Stream.runForEachChunk(against, (entries) =>
      Effect.sync(() => {
        for (const { expires, phoneNumber } of entries) {
          const at = set.position(set.numberOf(phoneNumber))
          if (at !== -1 && !(ends[at] >= expires)) ends[at] = expires
        }
      })
    ),
    ends
  )
}

/**
 * The ends that are kept, and which of them are of numbers that are known to be on the list: an end is noted before its number
 * is sent, so only those of runs that came onto it whole.
 */
const fromEnds = <E, E2>(
  { dncListId, runId, set }: Run<E, E2>,
  target: string,
  file: IntendedEnds,
  log: LogKnowledge | undefined
) => {
  const ends = new Float64Array(set.size()).fill(Number.NaN)
  const proved = new Uint8Array(set.size())
  return Effect.as(
    file.forEach({ target, dncListId }, (line) => {
      if (line.runId === runId) return
      const end = line.end === "kept" ? endOf(line) : Number.NaN
      const isProof = line.end === "kept" && log?.isWhole(line.runId) === true
      for (const phoneNumber of line.phoneNumbers) {
        const at = set.position(digits(phoneNumber))
        if (at === -1) continue
        if (!(ends[at] >= end)) ends[at] = end
        if (line.end !== "kept") proved[at] = 0
        else if (isProof) proved[at] = 1
      }
    }),
    { ends, proved }
  )
}

/** Writes what is held back still, with its own values, once all is sent. */
export const writeHeldBack = <E, E2>(run: Run<E, E2>): Effect.Effect<void> =>
  Effect.gen(function* () {
    const write = run.outputs.heldBack
    if (run.heldBack === 0 || write === undefined) return
    let piece: Array<Omit<Entry, "line"> & { readonly until: number }> = []
    for (const seen of [false, true]) {
      for (const phoneNumber of run.set.held(seen)) {
        piece.push({ phoneNumber, ...valueOf(run, unknown, phoneNumber), until: run.heldUntil(phoneNumber) })
        if (piece.length < pieceSize) continue
        yield* write(piece)
        piece = []
      }
    }
    if (piece.length > 0) yield* write(piece)
  }).pipe(Effect.catchAll((error) => Effect.sync(() => abort(run, error))))

const unknown = { reason: null, expires: forEver }

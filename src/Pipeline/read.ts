/**
 * The first phase: rows to entries, entries to distinct numbers.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Reject, RowBlock } from "../DncEntry.js"
import { DncValidator } from "../DncValidator.js"
import { type Options, TooManyRejects } from "../Pipeline.js"
import type { InputReport } from "../RunReport.js"
import * as Plain from "../SuppressionFile/Plain.js"
import { count, type Run } from "./run.js"

/** Refused rows of several blocks are written together: a write of few rows costs as much as one of many. */
const atOnce = 1000

/** Of no more blocks, as the text of a refused row may keep that of its whole block alive. */
const mostBlocks = 64

/** Every input, block by block. */
export const read = <E, E2>(run: Run<E, E2>) =>
  Effect.gen(function* () {
    const validator = yield* DncValidator
    const reports: Array<InputReport> = []
    let bytesBefore = 0
    for (const [i, input] of run.inputs.entries()) {
      const { read: rowsBefore, rejected: rejectedBefore } = run.ledger.totals
      let lastLine = 0
      let waiting: ReadonlyArray<Reject> = []
      let blocks = 0
      const write = Effect.suspend(() => {
        const rejects = waiting
        waiting = []
        blocks = 0
        return writeRejects(run, i, rejects)
      })
      yield* forEachBlock(input.blocks, (block) =>
        Effect.flatMap(input.bytesRead, (bytesRead) => {
          lastLine = Math.max(lastLine, block.line[block.length - 1] ?? 0, block.malformed.at(-1)?.line ?? 0)
          run.progress.bytesRead = bytesBefore + bytesRead
          run.set.expect(run.set.size() * (run.progress.bytes / run.progress.bytesRead))
          const rejects = take(run, validator, i, block)
          waiting = waiting.length === 0 ? rejects : [...waiting, ...rejects]
          Plain.release(block)
          if (rejects.length > 0) blocks++
          return waiting.length < atOnce && blocks < mostBlocks ? Effect.void : write
        })
      ).pipe(Effect.onError(() => Effect.ignore(write)))
      yield* write
      bytesBefore += input.bytes
      // a header alone has no block
      run.progress.bytesRead = bytesBefore
      run.bases.push(run.bases[i] + lastLine)
      reports.push({
        name: input.name,
        rows: run.ledger.totals.read - rowsBefore,
        rejected: run.ledger.totals.rejected - rejectedBefore,
        bytes: input.bytes,
        sha256: yield* input.digest
      })
    }
    if (run.unreadableRequests > 0) {
      yield* Effect.logWarning(
        `${run.unreadableRequests} rows have a requestedAt that is no ISO 8601 date or time, or lies more than a day ahead (the first: ${run.firstUnreadable}). Their numbers go their way like all others, but are in no time from request to list`
      )
    }
    return reports
  }).pipe(Effect.withSpan("genesys-dnc/Pipeline.read"))

/** `Stream.runForEach` keeps the blocks of some seconds alive, so that they outlive the young generation; a pull does not. */
const forEachBlock = <E, E2>(
  blocks: Stream.Stream<RowBlock, E>,
  f: (block: RowBlock) => Effect.Effect<void, E2>
): Effect.Effect<void, E | E2> =>
  Stream.toPull(blocks).pipe(
    Effect.flatMap((pull) =>
      Effect.forever(
        Effect.flatMap(pull, (chunk) => Effect.mapError(Effect.forEach(chunk, f, { discard: true }), Option.some))
      )
    ),
    // a pull ends its stream by failing with nothing
    Effect.catchAll((end: Option.Option<E | E2>) => (Option.isNone(end) ? Effect.void : Effect.fail(end.value))),
    Effect.scoped
  )

/** One block: validated, folded into the set, its rejects counted. They are the caller's to write. */
export const take = <E, E2>(
  run: Run<E, E2>,
  validator: typeof DncValidator.Service,
  input: number,
  block: RowBlock
): ReadonlyArray<Reject> => {
  const entries = validator.validate(block, run.now)
  const { ledger, progress, set } = run
  ledger.totals.read += block.length + block.malformed.length
  ledger.totals.duplicateInFile += set.add(entries, run.bases[input])
  ledger.unknownReasons += entries.unknownReasons
  if (entries.requestsUnreadable !== undefined && entries.requestsUnreadable.length > 0 && run.action === "add") {
    if (run.unreadableRequests === 0)
      run.firstUnreadable = `${run.inputs[input]?.name ?? "row"}:${entries.requestsUnreadable[0]}`
    run.unreadableRequests += entries.requestsUnreadable.length
  }
  progress.numbers = set.size()
  const rejects =
    block.malformed.length === 0
      ? entries.rejects
      : [...block.malformed, ...entries.rejects].sort((a, b) => a.line - b.line)
  run.notify()
  count(run, input, rejects)
  return rejects
}

export const writeRejects = <E, E2>(
  run: Run<E, E2>,
  input: number,
  rejects: ReadonlyArray<Reject>
): Effect.Effect<void, E2> => (rejects.length === 0 ? Effect.void : run.outputs.rejected(input, rejects))

/** Fails, and closes the files, where more rows were refused than the limit allows. */
export const checkRejects = <E, E2>(
  run: Run<E, E2>,
  limit: Options["maxRejects"],
  otherwise = "or allow more with --max-rejects."
): Effect.Effect<void, TooManyRejects | E2> => {
  const { read, rejected } = run.ledger.totals
  const most = limit === undefined ? read : "rows" in limit ? limit.rows : shareOf(limit.share, read)
  if (rejected <= most) return Effect.void
  return Effect.flatMap(run.outputs.finish, (files) => {
    const codes = Object.entries(run.ledger.rejectsByCode).map(([code, count]) => `${count} ${code}`)
    const written = files.length === 0 ? "the file of rejects" : files.map(({ path }) => path).join(", ")
    return Effect.fail(
      new TooManyRejects({
        message: `${rejected} of ${read} rows were refused, more than the limit of ${most}; nothing was sent (${codes.join(", ")})`,
        hint: `Mend the file, with the help of ${written}, ${otherwise}`,
        rejected,
        read,
        rejectsByCode: { ...run.ledger.rejectsByCode },
        files
      })
    )
  })
}

/** Whole rows; 29 % of 100 rows are 29, though 0.29 * 100 is a little less in floating point. */
const shareOf = (share: number, rows: number): number => Math.floor(share * rows * (1 + 1e-12))

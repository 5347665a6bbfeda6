/**
 * The second phase: batches to receipts, receipts to the account.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { AuditError } from "../AuditSink.js"
import { sizeOf } from "../DncEntry/packed.js"
import type { Batch, Entry, Receipt, Refusal } from "../DncEntry.js"
import * as DncEntry from "../DncEntry.js"
import { DncSubmitter } from "../DncSubmitter.js"
import type { GenesysError } from "../GenesysError.js"
import * as GenesysErrors from "../GenesysError.js"
import * as SuppressionSet from "../SuppressionSet.js"
import { receiptOf } from "./resume.js"
import { abort, count, type Run } from "./run.js"

/**
 * A small pool of fibers pulls batches until there are none, somebody stops the run, or a failure says
 * that no other batch can succeed. What was begun is always accounted for.
 */
export const send = <E, E2>(run: Run<E, E2>, cut: Iterable<Batch>) =>
  Effect.gen(function* () {
    const submitter = yield* DncSubmitter
    const batches = cut[Symbol.iterator]()

    const submit = (batch: Batch) =>
      Effect.clockWith((clock) => {
        const start = clock.unsafeCurrentTimeMillis()
        return Effect.matchCauseEffect(submitter.submit(batch), {
          onFailure: (cause) => {
            const end = clock.unsafeCurrentTimeMillis()
            return account(run, batch, failed(run, batch, cause, end - start), end)
          },
          onSuccess: (receipt) => account(run, batch, receipt, clock.unsafeCurrentTimeMillis())
        })
      })

    const settle = (batch: Batch) => {
      const done = run.earlier?.settled.get(batch.index)
      return (done === undefined ? submit(batch) : account(run, batch, receiptOf(done), done.at)).pipe(
        // what fails or dies here (a file of rejects, somebody's onProgress) is no failure of the batch, but of the run
        Effect.catchAllCause((cause) =>
          Effect.sync(() => {
            if (Option.isNone(Cause.failureOption(cause))) run.cause ??= cause as Cause.Cause<never>
            abort(run, Cause.squash(cause))
          })
        )
      )
    }

    const pull = (): Option.Option<Batch> => {
      const next = run.stopping ? undefined : batches.next()
      return next === undefined || next.done === true ? Option.none() : Option.some(next.value)
    }

    const worker = Effect.suspend(() => {
      let next = pull()
      return Effect.whileLoop({
        while: () => Option.isSome(next),
        body: () => settle(Option.getOrThrow(next)),
        step: () => {
          next = pull()
        }
      })
    })

    // before the pool, so that a run that was stopped while it was read begins no batch
    const stopped = yield* Effect.map(run.stop, () => {
      run.stopping = true
    }).pipe(Effect.interruptible, Effect.fork)
    const pool = yield* Effect.forEach(Array.from({ length: run.concurrency ?? submitter.concurrency }), () =>
      Effect.fork(worker)
    )
    const ended = yield* Effect.exit(
      Effect.interruptible(
        Effect.raceFirst(Effect.as(Fiber.awaitAll(pool), true), Effect.as(Fiber.join(stopped), false))
      )
    )
    if (Exit.isFailure(ended)) run.cause ??= ended.cause
    if (Exit.isFailure(ended) || !ended.value) {
      run.stopping = true
      // their pauses end; requests on their way do not
      yield* Fiber.interruptAll(pool)
    }
    yield* Fiber.interrupt(stopped)
    // what nobody took was not sent
    for (let next = batches.next(); next.done !== true; next = batches.next()) {
      run.ledger.totals.skipped += next.value.phoneNumbers.length
      run.set.unsend(next.value.phoneNumbers)
    }
  }).pipe(Effect.uninterruptible, Effect.withSpan("genesys-dnc/Pipeline.send"))

/** The receipt of a batch that has none, and what its failure means for the run. */
const failed = <E, E2>(
  run: Run<E, E2>,
  batch: Batch,
  cause: Cause.Cause<GenesysError | AuditError>,
  latencyMs: number
): Receipt => {
  const failure = Option.getOrUndefined(Cause.failureOption(cause))
  if (failure === undefined && !Cause.isInterruptedOnly(cause)) {
    run.cause ??= cause as Cause.Cause<never>
    abort(run, Cause.squash(cause))
  }
  if (failure !== undefined && (failure._tag === "AuditError" || GenesysErrors.isFatal(failure))) abort(run, failure)
  return {
    created: 0,
    duplicate: 0,
    updated: 0,
    accepted: 0,
    skipped: 0,
    rejected: [],
    failed: [
      {
        count: batch.phoneNumbers.length,
        phoneNumbers: batch.phoneNumbers,
        error: failure?._tag ?? "Interrupted",
        message: failure?.message ?? "The run was stopped before the server had answered"
      }
    ],
    latencyMs,
    attempts: failure === undefined || failure._tag === "AuditError" ? 0 : (failure.attempts ?? 0),
    idempotencyKey: "",
    correlationId: undefined
  }
}

/** One receipt, which came at `at`: counted, then its refused and failed numbers written, each as far as that can be. */
const account = <E, E2>(run: Run<E, E2>, batch: Batch, receipt: Receipt, at: number): Effect.Effect<void, E2> =>
  Effect.suspend(() => {
    run.ledger.receipt(receipt)
    if (run.action === "add" && run.set.hasRequests()) honour(run, batch, receipt, at)
    run.progress.settled += sizeOf(batch)
    const written = receipt.failed.map((failed) => {
      run.set.unsend(failed.phoneNumbers)
      const entries = failed.phoneNumbers.map((phoneNumber) => ({ phoneNumber, ...valueOf(run, batch, phoneNumber) }))
      return Effect.suspend(() => run.outputs.failed(entries, failed))
    })
    for (const refusal of receipt.rejected) written.push(refuse(run, batch, refusal))
    if (written.length === 0) {
      run.notify()
      return Effect.void
    }
    // one file that cannot be written is no reason to leave the other one short
    return Effect.forEach(written, Effect.exit).pipe(
      Effect.tap(() => Effect.sync(run.notify)),
      Effect.flatMap((exits) => Option.getOrElse(Exit.all(exits), () => Exit.void)),
      Effect.asVoid
    )
  })

/** Which numbers of a batch are on the list, and since when at the latest. */
const honour = <E, E2>(run: Run<E, E2>, { phoneNumbers }: Batch, receipt: Receipt, at: number): void => {
  const { duplicate, failed, rejected, skipped } = receipt
  if (skipped > 0) return
  const others = new Set(failed.flatMap(({ phoneNumbers }) => phoneNumbers))
  for (const { phoneNumber } of rejected) others.add(phoneNumber)
  run.set.honour(
    others.size === 0 ? phoneNumbers : phoneNumbers.filter((phoneNumber) => !others.has(phoneNumber)),
    // counts do not say which numbers they are of, unless they are of all
    duplicate === phoneNumbers.length ? SuppressionSet.wasBefore : at
  )
}

/** A number that the server refused: counted now, written to the file of rejects by what is returned. */
export const refuse = <E, E2>(
  run: Run<E, E2>,
  batch: Pick<Batch, "reason" | "expires">,
  { message, phoneNumber }: Refusal
): Effect.Effect<void, E2> => {
  run.refused.add(phoneNumber)
  run.set.honour([phoneNumber], undefined)
  const place = run.set.place(phoneNumber) ?? 0
  const input = run.bases.length < 2 ? 0 : run.bases.findLastIndex((base) => base < place)
  const { expires, reason, requestedAt } = valueOf(run, batch, phoneNumber)
  const rejects = [
    {
      line: place - run.bases[Math.max(0, input)],
      raw: phoneNumber,
      code: "RefusedByServer" as const,
      message,
      row: {
        phoneNumber,
        reason,
        expires: DncEntry.formatExpires(expires, ""),
        ...(requestedAt === undefined ? {} : { requestedAt: new Date(requestedAt).toISOString() })
      }
    }
  ]
  count(run, Math.max(0, input), rejects)
  return Effect.suspend(() => run.outputs.rejected(Math.max(0, input), rejects))
}

/** What the rows say of a number; its batch may say less. */
export const valueOf = <E, E2>(
  run: Run<E, E2>,
  batch: Pick<Batch, "reason" | "expires">,
  phoneNumber: string
): Pick<Entry, "reason" | "expires" | "requestedAt"> =>
  run.set.value(phoneNumber) ?? { reason: batch.reason ?? "UNSPECIFIED", expires: batch.expires }

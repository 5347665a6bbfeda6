/**
 * One request's worth of a batch: its intention durable before it goes, and its outcome after.
 *
 * @since 0.1.0
 */
// as whoever fakes the timers of their tests leaves these alone
import { setImmediate } from "node:timers"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { AuditError, AuditSink } from "../AuditSink.js"
import type { Contract } from "../Contract.js"
import { packedOf, sizeOf, withNumbers } from "../DncEntry/packed.js"
import type { Batch, Refusal } from "../DncEntry.js"
import * as DncEntry from "../DncEntry.js"
import type { GenesysError } from "../GenesysError.js"
import * as GenesysErrors from "../GenesysError.js"
import type { HttpClient, Trace } from "../HttpClient.js"
import { mask, maskValues } from "../Masking.js"
import * as Places from "../Pacing/places.js"
import * as RetryPolicy from "../RetryPolicy.js"
import { contentDigest, keyOf } from "./keys.js"
import { shortfall, type Tally } from "./tally.js"

/**
 * What a batch has taken so far.
 *
 * @since 0.1.0
 * @category models
 */
export interface Seen extends Trace {
  /** Of the batch as first cut. */
  idempotencyKey: string
  readonly size: number
  /** One record says what became of the whole batch. */
  settled: boolean
  /** When it had its first slot. */
  since: number | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Sender {
  /** One request's worth: intended, sent, and its outcome recorded. A 409 that stays is tried under one key more. */
  readonly send: (part: Batch, seen: Seen, generation?: number) => Effect.Effect<Tally, GenesysError | AuditError>
  /** One record for a batch that was settled in parts. */
  readonly recordParts: (batch: Batch, tally: Tally, seen: Seen) => Effect.Effect<void, AuditError>
}

/**
 * `whileConflict`: how long a 409 is asked about.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  client: typeof HttpClient.Service,
  audit: typeof AuditSink.Service,
  contract: Contract,
  whileConflict: ReturnType<typeof RetryPolicy.conflict>
): Sender => {
  // from before a request until its answer: so many batches at most are ever in the air
  const slots = Places.make(client.concurrency)

  const recordParts = ({ dncListId, index, runId }: Batch, tally: Tally, { attempts }: Seen) =>
    audit.append({
      operation: "BATCH_SETTLED",
      runId,
      dncListId,
      complianceStatus: tally.rejected.length > 0 ? "VALIDATED_WITH_REJECTS" : "VALIDATED",
      result: {
        batch: index,
        created: tally.created,
        duplicate: tally.duplicate,
        updated: tally.updated,
        accepted: tally.accepted,
        rejected: tally.rejected.length,
        attempts
      }
    })

  // Each call of a generator closure made anew leaves a hidden class in V8's old space that holds what the closure
  // captured until the next full collection; so this is a function made once, with its batch as an argument.
  const send: Sender["send"] = Effect.fnUntraced(function* (part: Batch, seen: Seen, generation: number = 0) {
    const clock = yield* Effect.clock
    const start = clock.unsafeCurrentTimeMillis()
    const sentBefore = seen.attempts
    const size = sizeOf(part)
    const digest = contentDigest(part)
    const key = keyOf(part, digest, generation)
    seen.idempotencyKey ||= key
    const record = { runId: part.runId, dncListId: part.dncListId, kind: contract.kind }

    let inSlotSince: number | undefined
    let latencyMs = 0
    const enter = Effect.map(slots.take, () => {
      inSlotSince = clock.unsafeCurrentTimeMillis()
      seen.since ??= inSlotSince
    })
    /** To the next batch, before this outcome is written: so long the slot would stand idle. */
    const leave = (): void => {
      latencyMs = clock.unsafeCurrentTimeMillis() - (inSlotSince ?? start)
      if (inSlotSince !== undefined) slots.giveBack()
    }

    const intended = {
      ...record,
      operation: "BATCH_INTENDED" as const,
      complianceStatus: "INCOMPLETE" as const,
      result: {
        batch: part.index,
        idempotencyKey: key,
        generation,
        size,
        action: part.action,
        reason: part.reason,
        expires: DncEntry.formatExpires(part.expires, null),
        contentDigest: digest
      }
    }
    const packed = packedOf(part)
    yield* audit.append(
      packed === undefined ? { ...intended, phoneNumbers: part.phoneNumbers } : withNumbers(intended, packed)
    )

    const request = contract.request(part, key)
    const withoutValues = (error: GenesysError) =>
      GenesysErrors.withMessage(error, maskValues(error.message, part.phoneNumbers))
    const sent = Effect.suspend(() => {
      const trace: Trace = { attempts: 0, correlationId: undefined }
      const took = (attempts: number, { correlationId }: Pick<Trace, "correlationId">): void => {
        seen.attempts += attempts
        seen.correlationId = correlationId
      }
      return Effect.matchCauseEffect(client.execute(request, trace), {
        onFailure: (cause) => {
          const error = Option.getOrUndefined(Cause.failureOption(cause))
          if (error === undefined) took(trace.attempts, trace)
          else took(error.attempts ?? 1, { correlationId: error.correlationId })
          return Effect.failCause(contract.kind === "custom" ? Cause.map(cause, withoutValues) : cause)
        },
        onSuccess: (answer) => {
          took(answer.attempts, answer)
          return Effect.succeed(answer)
        }
      })
    })

    const failed = (outcome: "refused" | "unknown" | "failed", error: string, message: string) =>
      audit.append({
        ...record,
        operation: "BATCH_FAILED",
        latencyMs,
        complianceStatus: "INCOMPLETE",
        result: {
          batch: part.index,
          idempotencyKey: key,
          outcome,
          error,
          message,
          attempts: seen.attempts - sentBefore,
          correlationId: seen.correlationId ?? null
        }
      })

    const outcome = yield* enter.pipe(
      Effect.zipRight(RetryPolicy.repeatFailed(sent, whileConflict)),
      Effect.flatMap((answer) => contract.counts(answer, part)),
      Effect.matchCauseEffect({
        onFailure: (cause) => {
          leave()
          const error = Cause.failureOption(cause)
          if (Option.isSome(error)) return Effect.succeed(Either.left(error.value))
          return Cause.isInterruptedOnly(cause)
            ? Effect.zipRight(
                Effect.ignore(
                  failed(seen.attempts > sentBefore ? "unknown" : "failed", "Interrupted", "The run was stopped")
                ),
                Effect.failCause(cause)
              )
            : Effect.failCause(cause)
        },
        onSuccess: (counts) => {
          leave()
          return Effect.as(afterWrites, Either.right(counts))
        }
      })
    )

    if (Either.isLeft(outcome)) {
      const error = outcome.left
      yield* failed(isRefusal(error) ? "refused" : isUnknown(error) ? "unknown" : "failed", error._tag, error.message)
      return error._tag === "IdempotencyConflict" && generation === 0
        ? yield* send(part, seen, generation + 1)
        : yield* Effect.fail(error)
    }

    const { accepted, created, duplicate, rejected, updated } = outcome.right
    const settles = size === seen.size
    const missing = size - created - duplicate - updated - accepted - rejected.length
    yield* audit.append({
      ...record,
      operation: "BATCH_DONE",
      latencyMs,
      complianceStatus: missing !== 0 ? "INCOMPLETE" : rejected.length > 0 ? "VALIDATED_WITH_REJECTS" : "VALIDATED",
      result: {
        batch: part.index,
        idempotencyKey: key,
        created,
        duplicate,
        updated,
        accepted,
        rejected: rejected.length,
        shortfall: missing,
        settles,
        attempts: seen.attempts - sentBefore,
        correlationId: seen.correlationId ?? null
      },
      validationErrors: rejected.map(refusalOnRecord)
    })
    seen.settled ||= settles
    return missing === 0 ? { ...outcome.right, failed: [] } : shortfall(part, outcome.right, missing)
  })

  return { send, recordParts }
}

/**
 * Comes back once the request that has the slot now is on its way: undici writes one in the next turn of the event loop, and
 * what is done before that is time for which the slot stands idle.
 */
const afterWrites = Effect.async<void>((resume) => {
  setImmediate(() => setImmediate(() => resume(Effect.void)))
})

/**
 * Something in the request is refused, which another cut of it may mend.
 *
 * @since 0.1.0
 */
export const isRefusal = (error: GenesysError): boolean =>
  !GenesysErrors.isFatal(error) &&
  (error._tag === "UnprocessableEntries" || error._tag === "PayloadTooLarge" || error.status === 400)

/** The server may have done what it was asked. */
const isUnknown = (error: GenesysError): boolean =>
  GenesysErrors.isRetryable(error) || error._tag === "IdempotencyConflict" || error._tag === "UnexpectedResponse"

const refusalOnRecord = (refusal: Refusal) => ({
  code: "RefusedByServer",
  raw: refusal.phoneNumber,
  message: mask(refusal.message)
})

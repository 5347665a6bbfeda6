/**
 * One batch in, one receipt out: sent under a key derived from its content, asked about again while it is in progress,
 * and taken apart where the server refuses something in it. Each request's *intended* record is durable before it goes.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type AuditError, AuditSink } from "./AuditSink.js"
import type { Contract } from "./Contract.js"
import * as Contracts from "./Contract.js"
import { sizeOf } from "./DncEntry/packed.js"
import type { Batch, Receipt } from "./DncEntry.js"
import type * as DncLists from "./DncLists.js"
import { idempotencyKey } from "./DncSubmitter/keys.js"
import { detect, makeCheck } from "./DncSubmitter/list.js"
import * as Send from "./DncSubmitter/send.js"
import { makeSettle } from "./DncSubmitter/settle.js"
import { interrupted, nothing, type Tally } from "./DncSubmitter/tally.js"
import type { GenesysError } from "./GenesysError.js"
import * as GenesysErrors from "./GenesysError.js"
import { HttpClient } from "./HttpClient.js"
import * as RetryPolicy from "./RetryPolicy.js"
import * as Span from "./Span.js"

export { digestUuid, idempotencyKey } from "./DncSubmitter/keys.js"
export { detect } from "./DncSubmitter/list.js"

/**
 * @since 0.1.0
 * @category services
 */
export class DncSubmitter extends Context.Tag("genesys-dnc/DncSubmitter")<
  DncSubmitter,
  {
    /** What batches have to be cut for. */
    readonly contract: Contract
    /** Where they go: the URL of the API, or `nowhere`. */
    readonly target: string
    /** Batches that it is worth submitting at once, those included that are not in the air; more only wait. */
    readonly concurrency: number
    /**
     * Looks whether the list is there, can be seen and takes the contract's kind, before anything is read or sent. Nothing is
     * known of it where the role may write but not view, which only warns. The size is asked for where the contract gives
     * no counts.
     */
    readonly check: (dncListId: string) => Effect.Effect<DncLists.DncList | undefined, GenesysError>
    /**
     * Puts a batch on its list. Fails only where nothing of it is known to have been settled; where a part was, the rest
     * is in the receipt's `failed`. Interruption ends the waits between requests at once; a request on its way is waited
     * for and recorded, and the receipt says what was sent.
     */
    readonly submit: (batch: Batch) => Effect.Effect<Receipt, GenesysError | AuditError>
  }
>() {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** `Contract.platform()` unless given. */
  readonly contract?: Contract
  /** How long a 409 is asked about, under each key. */
  readonly retry?: RetryPolicy.Options
}

/**
 * Batches beside those in the air: being made ready (cut, hashed, their intention on the disk), or answered while their
 * outcome is being written. After a crash theirs are sent again as those in the air are.
 */
const beside = 3

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (options?: Options): Effect.Effect<typeof DncSubmitter.Service, never, HttpClient | AuditSink> =>
  Effect.gen(function* () {
    const client = yield* HttpClient
    const audit = yield* AuditSink
    const contract = options?.contract ?? Contracts.platform()
    const whileConflict = RetryPolicy.conflict(options?.retry ?? RetryPolicy.defaults)
    const { recordParts, send } = Send.make(client, audit, contract, whileConflict)
    const settle = makeSettle(send, contract.kind)

    const submit = (batch: Batch): Effect.Effect<Receipt, GenesysError | AuditError> =>
      Effect.clockWith((clock) => {
        const start = clock.unsafeCurrentTimeMillis()
        const seen: Send.Seen = {
          attempts: 0,
          correlationId: undefined,
          idempotencyKey: "",
          size: sizeOf(batch),
          settled: false,
          since: undefined
        }
        const ended = (tally: Tally) =>
          receiptOf(batch, tally, seen, clock.unsafeCurrentTimeMillis() - (seen.since ?? start))
        return Effect.matchCauseEffect(settle(batch, seen), {
          onFailure: (cause): Effect.Effect<Receipt, GenesysError | AuditError> =>
            Cause.isInterruptedOnly(cause) ? ended(interrupted(batch, seen)) : Effect.failCause(cause),
          onSuccess: (tally): Effect.Effect<Receipt, GenesysError | AuditError> =>
            seen.settled || seen.attempts === 0 || tally.failed.length > 0
              ? ended(tally)
              : Effect.flatMap(recordParts(batch, tally, seen), () => ended(tally))
        })
      }).pipe(
        Span.within("genesys-dnc/DncSubmitter.submit", { batch: batch.index, size: sizeOf(batch) }),
        Effect.uninterruptible
      )

    // one at a time means that the next is begun once the one before has ended, whatever came of that
    const concurrency = client.concurrency === 1 ? 1 : client.concurrency + beside
    return DncSubmitter.of({ contract, target: client.apiUrl, concurrency, check: makeCheck(client, contract), submit })
  })

/** Of a batch of which nothing is known to have been settled: the failure. */
const receiptOf = (
  batch: Batch,
  tally: Tally & { readonly skipped?: number },
  seen: Send.Seen,
  latencyMs: number
): Effect.Effect<Receipt, GenesysError> => {
  const [first] = tally.failed
  const size = sizeOf(batch)
  return first?.cause !== undefined && first.phoneNumbers.length === size && first.count === size
    ? Effect.fail(GenesysErrors.withAttempts(first.cause, seen.attempts))
    : Effect.succeed({
        skipped: 0,
        ...tally,
        failed: tally.failed.map(({ cause: _, ...failed }) => failed),
        latencyMs,
        attempts: seen.attempts,
        idempotencyKey: seen.idempotencyKey,
        correlationId: seen.correlationId
      })
}

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<DncSubmitter, never, HttpClient | AuditSink> =>
  Layer.effect(DncSubmitter, make(options))

/**
 * By the contract that the list is served by; see {@link detect}.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerAuto = (
  dncListId: string,
  options?: Options
): Layer.Layer<DncSubmitter, GenesysError, HttpClient | AuditSink> =>
  Layer.effect(
    DncSubmitter,
    Effect.flatMap(detect(dncListId, options?.contract), (contract) => make({ ...options, contract }))
  )

/**
 * Posts nothing and needs nothing: every number is counted as skipped.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerDryRun = (contract: Contract = Contracts.platform()): Layer.Layer<DncSubmitter> =>
  Layer.succeed(
    DncSubmitter,
    DncSubmitter.of({
      contract,
      target: "nowhere",
      concurrency: 1,
      check: () => Effect.succeed(undefined),
      submit: (batch) =>
        Effect.succeed({
          ...nothing,
          failed: [],
          skipped: sizeOf(batch),
          latencyMs: 0,
          attempts: 0,
          idempotencyKey: idempotencyKey(batch),
          correlationId: undefined
        })
    })
  )

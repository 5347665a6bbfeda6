/**
 * One batch in, one receipt out: sent under a key derived from its content, asked about again while it is in progress,
 * and taken apart where the server refuses something in it. Each request's *intended* record is durable before it goes.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { type AuditError, AuditSink, type ComplianceStatus } from "./AuditSink.js"
import type { Contract } from "./Contract.js"
import * as Contracts from "./Contract.js"
import { packedOf, sizeOf, withNumbers } from "./DncEntry/packed.js"
import type { Batch, FailedNumbers, Receipt, Refusal } from "./DncEntry.js"
import * as DncEntry from "./DncEntry.js"
import * as DncLists from "./DncLists.js"
import type { GenesysError } from "./GenesysError.js"
import * as GenesysErrors from "./GenesysError.js"
import { HttpClient, type Trace } from "./HttpClient.js"
import { mask, maskValues } from "./Masking.js"
import * as RetryPolicy from "./RetryPolicy.js"

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
    /** Batches that it is worth submitting at once, those included that are only made ready; more only wait. */
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

/** The contact method of a list that takes the kind; Any takes all of these. */
const methods: Readonly<Record<DncEntry.Kind, string | undefined>> = {
  phone: "Phone",
  email: "Email",
  whatsapp: "WhatsApp",
  custom: undefined
}

/** What became of the numbers of a batch so far, in its parts. */
interface Tally {
  readonly created: number
  readonly duplicate: number
  readonly updated: number
  readonly accepted: number
  readonly rejected: ReadonlyArray<Refusal>
  readonly failed: ReadonlyArray<FailedNumbers & { readonly cause: GenesysError | undefined }>
}

/** Batches that are made ready while others are in the air: cut, hashed, their intention on the disk. */
const ahead = 2

const nothing: Tally = { created: 0, duplicate: 0, updated: 0, accepted: 0, rejected: [], failed: [] }

const plus = (a: Tally, b: Tally): Tally => ({
  created: a.created + b.created,
  duplicate: a.duplicate + b.duplicate,
  updated: a.updated + b.updated,
  accepted: a.accepted + b.accepted,
  rejected: [...a.rejected, ...b.rejected],
  failed: [...a.failed, ...b.failed]
})

/**
 * The key of a batch, derived from run, list, content and generation: whoever sends the same content in the same run,
 * again or anew, sends the same key.
 *
 * @since 0.1.0
 */
export const idempotencyKey = (batch: Batch, generation = 0): string => keyOf(batch, contentDigest(batch), generation)

const keyOf = ({ dncListId, runId }: Batch, digest: string, generation: number): string =>
  digestUuid(`${runId}\n${dncListId}\n${generation}\n${digest}`)

/**
 * The SHA-256 of a text, as a UUID of version 8.
 *
 * @since 0.1.0
 */
export const digestUuid = (text: string): string => {
  const hex = createHash("sha256").update(text).digest("hex")
  const variant = ((Number.parseInt(hex[16], 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** SHA-256 in hex of reason (after "remove" where that is meant), expiry and numbers, one a line. */
const contentDigest = (batch: Batch): string =>
  createHash("sha256")
    .update(
      `${batch.action === "remove" ? "remove " : ""}${batch.reason ?? ""}\n${DncEntry.formatExpires(batch.expires, "")}\n`
    )
    .update(packedOf(batch)?.lines ?? batch.phoneNumbers.join("\n"))
    .digest("hex")

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
    // from before a request until its outcome is durable: so many batches at most are ever in the air
    const slots = yield* Effect.makeSemaphore(client.concurrency)

    const check = Effect.fn("genesys-dnc/DncSubmitter.check")(
      function* (dncListId: string) {
        const list = yield* lookAt(client, dncListId, contract.name === "platform")
        const { contactMethod, dncSourceType } = list
        const { kind } = contract
        const wanted = kind === "custom" ? "rds_custom" : "rds"
        if (dncSourceType !== undefined && dncSourceType !== wanted) {
          return yield* new GenesysErrors.BadRequest({
            message: `The list ${list.name || dncListId} is of the source type ${dncSourceType}`,
            hint: `Only lists of the source type ${kind === "custom" ? "Internal-Custom (rds_custom)" : "Internal (rds)"} take ${DncEntry.names[kind].many}; choose another list${dncSourceType === "rds_custom" ? ", or give --kind custom for values of its column" : ""}.`,
            code: "dnc.source.operation.not.supported"
          })
        }
        const method = methods[kind]
        const known = contactMethod !== undefined && Object.values(methods).includes(contactMethod)
        if (method !== undefined && known && contactMethod !== method) {
          return yield* new GenesysErrors.BadRequest({
            message: `The list ${list.name || dncListId} is for the contact method ${contactMethod}`,
            hint: `Choose a list for the contact method ${method} or Any, or give --kind ${DncLists.kindOf(list)} for what this one takes.`
          })
        }
        return list
      },
      Effect.catchTag("Forbidden", (error) =>
        Effect.as(
          Effect.logWarning(`The list cannot be looked at before it is written to: ${error.message}`),
          undefined
        )
      )
    )

    const submit = Effect.fnUntraced(
      function* (batch: Batch) {
        const start = yield* Clock.currentTimeMillis
        const size = sizeOf(batch)
        const seen: Seen = {
          attempts: 0,
          correlationId: undefined,
          idempotencyKey: "",
          size,
          settled: false,
          since: undefined,
          inSlotSince: undefined
        }
        const tally = yield* settle(batch, seen).pipe(
          Effect.ensuring(leave(seen)),
          Effect.catchAllCause((cause) =>
            Cause.isInterruptedOnly(cause) ? Effect.succeed(interrupted(batch, seen)) : Effect.failCause(cause)
          )
        )
        if (!seen.settled && seen.attempts > 0 && tally.failed.length === 0) yield* recordParts(batch, tally, seen)
        const [first] = tally.failed
        if (first?.cause !== undefined && first.phoneNumbers.length === size && first.count === size) {
          return yield* Effect.fail(GenesysErrors.withAttempts(first.cause, seen.attempts))
        }
        const receipt: Receipt = {
          skipped: 0,
          ...tally,
          failed: tally.failed.map(({ cause: _, ...failed }) => failed),
          latencyMs: (yield* Clock.currentTimeMillis) - (seen.since ?? start),
          attempts: seen.attempts,
          idempotencyKey: seen.idempotencyKey,
          correlationId: seen.correlationId
        }
        return receipt
      },
      (effect, batch) =>
        Effect.withSpan(effect, "genesys-dnc/DncSubmitter.submit", {
          attributes: { batch: batch.index, size: sizeOf(batch) },
          captureStackTrace: false
        }),
      Effect.uninterruptible
    )

    interface Seen extends Trace {
      /** Of the batch as first cut. */
      idempotencyKey: string
      readonly size: number
      /** One record says what became of the whole batch. */
      settled: boolean
      /** When it had its first slot. */
      since: number | undefined
      /** Where it has one now. */
      inSlotSince: number | undefined
    }

    const enter = (seen: Seen) =>
      Effect.zipRight(
        Effect.interruptible(slots.take(1)),
        Effect.map(Clock.currentTimeMillis, (now) => {
          seen.inSlotSince = now
          seen.since ??= now
        })
      )

    const leave = (seen: Seen) =>
      Effect.suspend(() => {
        if (seen.inSlotSince === undefined) return Effect.void
        seen.inSlotSince = undefined
        return slots.release(1)
      })

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
    // captured until the next full collection; so these are functions made once, with their batch as an argument.

    /** One request's worth: intended, sent, and its outcome recorded. A 409 that stays is tried under one key more. */
    const send: (part: Batch, seen: Seen, generation?: number) => Effect.Effect<Tally, GenesysError | AuditError> =
      Effect.fnUntraced(function* (part: Batch, seen: Seen, generation: number = 0) {
        const start = yield* Clock.currentTimeMillis
        const sentBefore = seen.attempts
        const size = sizeOf(part)
        const digest = contentDigest(part)
        const key = keyOf(part, digest, generation)
        seen.idempotencyKey ||= key
        const record = { runId: part.runId, dncListId: part.dncListId, kind: contract.kind }
        const finished = (complianceStatus: ComplianceStatus) =>
          Effect.map(Clock.currentTimeMillis, (end) => ({
            ...record,
            latencyMs: end - (seen.inSlotSince ?? start),
            complianceStatus
          }))

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
        const sent = Effect.suspend(() => {
          const trace: Trace = { attempts: 0, correlationId: undefined }
          const took = (attempts: number, correlationId: string | undefined) =>
            Effect.sync(() => {
              seen.attempts += attempts
              seen.correlationId = correlationId
            })
          return client.execute(request, trace).pipe(
            Effect.tapBoth({
              onFailure: ({ attempts = 1, correlationId }) => took(attempts, correlationId),
              onSuccess: ({ attempts, correlationId }) => took(attempts, correlationId)
            }),
            Effect.onInterrupt(() => took(trace.attempts, trace.correlationId)),
            contract.kind === "custom"
              ? Effect.mapError((error) =>
                  GenesysErrors.withMessage(error, maskValues(error.message, part.phoneNumbers))
                )
              : identity
          )
        })
        const outcome = yield* enter(seen).pipe(
          Effect.zipRight(RetryPolicy.repeatFailed(sent, whileConflict)),
          Effect.flatMap((answer) => contract.counts(answer, part)),
          Effect.onInterrupt(() =>
            Effect.ignore(
              failed(seen.attempts > sentBefore ? "unknown" : "failed", "Interrupted", "The run was stopped")
            )
          ),
          Effect.either
        )

        function failed(outcome: "refused" | "unknown" | "failed", error: string, message: string) {
          return Effect.flatMap(finished("INCOMPLETE"), (common) =>
            audit.append({
              ...common,
              operation: "BATCH_FAILED",
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
          )
        }

        if (Either.isLeft(outcome)) {
          const error = outcome.left
          yield* failed(
            isRefusal(error) ? "refused" : isUnknown(error) ? "unknown" : "failed",
            error._tag,
            error.message
          )
          yield* leave(seen)
          return error._tag === "IdempotencyConflict" && generation === 0
            ? yield* send(part, seen, generation + 1)
            : yield* Effect.fail(error)
        }

        const { accepted, created, duplicate, rejected, updated } = outcome.right
        const settles = size === seen.size
        const missing = size - created - duplicate - updated - accepted - rejected.length
        yield* Effect.flatMap(
          finished(missing !== 0 ? "INCOMPLETE" : rejected.length > 0 ? "VALIDATED_WITH_REJECTS" : "VALIDATED"),
          (common) =>
            audit.append({
              ...common,
              operation: "BATCH_DONE",
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
        )
        yield* leave(seen)
        seen.settled ||= settles
        return missing === 0 ? { ...outcome.right, failed: [] } : shortfall(part, outcome.right, missing)
      })

    const namedIn = (error: GenesysError, part: Batch): ReadonlyArray<Refusal> => {
      const named = Contracts.namedNumbers(bodyOf(error), part, contract.kind)
      return contract.kind !== "custom"
        ? named
        : named.map((refusal) => ({ ...refusal, message: maskValues(refusal.message, part.phoneNumbers) }))
    }

    /** A 413 tells how many numbers are too many for all batches to come. */
    let tooMany: GenesysErrors.PayloadTooLarge | undefined
    let fitting = Number.POSITIVE_INFINITY

    /** A batch to its end, taken apart where the server refuses something in it. */
    const settle = (part: Batch, seen: Seen): Effect.Effect<Tally, AuditError> =>
      tooMany !== undefined && sizeOf(part) > fitting
        ? takeApart(part, tooMany, seen)
        : Effect.catchAll(send(part, seen), (error) => {
            if (error._tag === "AuditError") return Effect.fail(error)
            if (error._tag === "PayloadTooLarge" && part.phoneNumbers.length > 1) {
              tooMany = error
              fitting = Math.min(fitting, Math.ceil(part.phoneNumbers.length / 2))
            }
            return isRefusal(error) ? takeApart(part, error, seen) : Effect.succeed(failure(part, error))
          })

    const takeApart: (part: Batch, error: GenesysError, seen: Seen) => Effect.Effect<Tally, AuditError> =
      Effect.fnUntraced(function* (part: Batch, error: GenesysError, seen: Seen) {
        const named = error._tag === "PayloadTooLarge" ? [] : namedIn(error, part)
        if (named.length > 0) {
          const culprits = new Set(named.map(({ phoneNumber }) => phoneNumber))
          const rest = part.phoneNumbers.filter((phoneNumber) => !culprits.has(phoneNumber))
          const refused: Tally = { ...nothing, rejected: named }
          return rest.length === 0 ? refused : plus(refused, yield* settle({ ...part, phoneNumbers: rest }, seen))
        }
        if (part.phoneNumbers.length === 1) {
          return error._tag === "PayloadTooLarge"
            ? failure(part, error)
            : { ...nothing, rejected: [{ phoneNumber: part.phoneNumbers[0], message: error.message }] }
        }
        const middle = part.phoneNumbers.length >>> 1
        const left: Batch = { ...part, phoneNumbers: part.phoneNumbers.slice(0, middle) }
        const right: Batch = { ...part, phoneNumbers: part.phoneNumbers.slice(middle) }
        if (error._tag === "PayloadTooLarge") {
          // a smaller part will fit, unless not even one number does
          const first = yield* settle(left, seen)
          const hopeless = first.failed.find(
            ({ cause }) => cause !== undefined && (cause._tag === "PayloadTooLarge" || GenesysErrors.isFatal(cause))
          )
          if (hopeless?.cause === undefined) return plus(first, yield* settle(right, seen))
          return hopeless.count === left.phoneNumbers.length
            ? failure(part, hopeless.cause)
            : plus(first, failure(right, hopeless.cause))
        }
        const first = yield* trial(left, seen)
        if (Either.isRight(first)) {
          // so it is the other half that is refused, which need not be asked once more
          return plus(
            first.right,
            yield* right.phoneNumbers.length === 1 ? settle(right, seen) : takeApart(right, error, seen)
          )
        }
        if (GenesysErrors.isFatal(first.left)) return failure(part, first.left)
        const second = yield* trial(right, seen)
        if (Either.isLeft(first) && Either.isLeft(second) && alike(first.left, second.left)) {
          // it is not the numbers
          return failure(part, error)
        }
        return plus(yield* conclude(left, first, seen), yield* conclude(right, second, seen))
      })

    /** Sends a half; a refusal is kept for the comparison with the other half's. */
    const trial = (part: Batch, seen: Seen): Effect.Effect<Either.Either<Tally, GenesysError>, AuditError> =>
      Effect.matchEffect(send(part, seen), {
        onFailure: (error) => (error._tag === "AuditError" ? Effect.fail(error) : Effect.succeed(Either.left(error))),
        onSuccess: (tally) => Effect.succeed(Either.right(tally))
      })

    const conclude = (part: Batch, sent: Either.Either<Tally, GenesysError>, seen: Seen) =>
      Either.match(sent, {
        onLeft: (error) => (isRefusal(error) ? takeApart(part, error, seen) : Effect.succeed(failure(part, error))),
        onRight: Effect.succeed
      })

    // one at a time means that the next is begun once the one before has ended, whatever came of that
    const concurrency = client.concurrency === 1 ? 1 : client.concurrency + ahead
    return DncSubmitter.of({ contract, target: client.apiUrl, concurrency, check, submit })
  })

const lookAt = (client: typeof HttpClient.Service, dncListId: string, includeSize: boolean) =>
  Effect.flatMap(
    client.execute(HttpClientRequest.get(`${Contracts.listPath(dncListId)}${includeSize ? "?includeSize=true" : ""}`)),
    (answer) => DncLists.decode(DncLists.DncList, answer, "a DNC list")
  )

/**
 * Finds out which contract a list is served by: an org that does not know the entries route is asked by the published API,
 * and so is every org where the kind is none of phone numbers. Sends the entries route a request with no numbers in it.
 *
 * @since 0.1.0
 */
export const detect = Effect.fn("genesys-dnc/DncSubmitter.detect")(function* (
  dncListId: string,
  platform: Contract = Contracts.platform()
) {
  if (platform.kind !== "phone") return platform
  const client = yield* HttpClient
  yield* lookAt(client, dncListId, false)
  const nobody: Batch = {
    runId: crypto.randomUUID(),
    dncListId,
    action: "add",
    index: 0,
    phoneNumbers: [],
    reason: "UNSPECIFIED",
    expires: Number.POSITIVE_INFINITY
  }
  const probe = Contracts.entries.request(nobody, idempotencyKey(nobody))
  const contract = yield* client.execute(probe).pipe(
    Effect.as(Contracts.entries),
    Effect.catchAll((error) =>
      error.status === 404 || error.status === 405 || error.status === 501
        ? Effect.succeed(platform)
        : error.status !== undefined &&
            error.status < 500 &&
            error._tag !== "Unauthorized" &&
            error._tag !== "RateLimited"
          ? Effect.succeed(Contracts.entries)
          : Effect.fail(error)
    )
  )
  yield* Effect.logInfo(`The contract is ${contract.name}: the list was asked`)
  return contract
})

/** What became of a batch whose waits were ended: nothing, where no request had been sent. */
const interrupted = (batch: Batch, { attempts }: Trace): Tally & { readonly skipped?: number } =>
  attempts === 0
    ? { ...nothing, skipped: sizeOf(batch) }
    : {
        ...nothing,
        failed: [
          {
            count: batch.phoneNumbers.length,
            phoneNumbers: batch.phoneNumbers,
            error: "Interrupted",
            message: "The run was stopped before the server had answered",
            cause: undefined
          }
        ]
      }

/** Something in the request is refused, which another cut of it may mend. */
const isRefusal = (error: GenesysError): boolean =>
  !GenesysErrors.isFatal(error) &&
  (error._tag === "UnprocessableEntries" || error._tag === "PayloadTooLarge" || error.status === 400)

/** The server may have done what it was asked. */
const isUnknown = (error: GenesysError): boolean =>
  GenesysErrors.isRetryable(error) || error._tag === "IdempotencyConflict" || error._tag === "UnexpectedResponse"

const bodyOf = (error: GenesysError): unknown =>
  "body" in error && error.body !== undefined ? Redacted.value(error.body) : undefined

const alike = (a: GenesysError, b: GenesysError): boolean =>
  isRefusal(a) && a._tag === b._tag && a.code === b.code && a.message === b.message

const failure = (part: Batch, error: GenesysError): Tally => ({
  ...nothing,
  failed: [
    {
      count: part.phoneNumbers.length,
      phoneNumbers: part.phoneNumbers,
      error: error._tag,
      message: error.message,
      cause: error
    }
  ]
})

/** A success whose counts do not add up: nobody can say which of the numbers are missing. */
const shortfall = (part: Batch, counts: Omit<Tally, "failed">, missing: number): Tally => {
  const size = part.phoneNumbers.length
  const error = new GenesysErrors.UnexpectedResponse({
    message: `The server accounts for ${size - missing} of ${size} numbers`,
    hint: "Feed the failed file again: what is on the list already is counted as a duplicate."
  })
  // more than was sent says nothing about any number
  if (missing < 0) return failure(part, error)
  const refused = new Set(counts.rejected.map(({ phoneNumber }) => phoneNumber))
  return {
    ...counts,
    failed: [
      {
        count: missing,
        phoneNumbers: part.phoneNumbers.filter((phoneNumber) => !refused.has(phoneNumber)),
        error: error._tag,
        message: error.message,
        cause: error
      }
    ]
  }
}

const refusalOnRecord = (refusal: Refusal) => ({
  code: "RefusedByServer",
  raw: refusal.phoneNumber,
  message: mask(refusal.message)
})

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

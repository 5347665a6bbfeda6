/**
 * A batch to its end, taken apart where the server refuses something in it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import type { AuditError } from "../AuditSink.js"
import * as Contracts from "../Contract.js"
import { sizeOf } from "../DncEntry/packed.js"
import type { Batch, Kind, Refusal } from "../DncEntry.js"
import type { GenesysError } from "../GenesysError.js"
import * as GenesysErrors from "../GenesysError.js"
import { maskValues } from "../Masking.js"
import { isRefusal, type Seen, type Sender } from "./send.js"
import { failure, nothing, plus, type Tally } from "./tally.js"

/**
 * Brings a batch to its end. Nothing of it fails but the log; what else went wrong is in the tally.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeSettle = (
  send: Sender["send"],
  kind: Kind
): ((part: Batch, seen: Seen) => Effect.Effect<Tally, AuditError>) => {
  const namedIn = (error: GenesysError, part: Batch): ReadonlyArray<Refusal> => {
    const named = Contracts.namedNumbers(bodyOf(error), part, kind)
    return kind !== "custom"
      ? named
      : named.map((refusal) => ({ ...refusal, message: maskValues(refusal.message, part.phoneNumbers) }))
  }

  /** A 413 tells how many numbers are too many for all batches to come. */
  let tooMany: GenesysErrors.PayloadTooLarge | undefined
  let fitting = Number.POSITIVE_INFINITY

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

  // made once, as `send` is
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

  return settle
}

const bodyOf = (error: GenesysError): unknown =>
  "body" in error && error.body !== undefined ? Redacted.value(error.body) : undefined

const alike = (a: GenesysError, b: GenesysError): boolean =>
  isRefusal(a) && a._tag === b._tag && a.code === b.code && a.message === b.message

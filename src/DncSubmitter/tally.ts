/**
 * What became of the numbers of a batch, in its parts: what a receipt is made of.
 *
 * @since 0.1.0
 */
import { sizeOf } from "../DncEntry/packed.js"
import type { Batch, FailedNumbers, Refusal } from "../DncEntry.js"
import type { GenesysError } from "../GenesysError.js"
import * as GenesysErrors from "../GenesysError.js"
import type { Trace } from "../HttpClient.js"

/**
 * What became of the numbers of a batch so far.
 *
 * @since 0.1.0
 * @category models
 */
export interface Tally {
  readonly created: number
  readonly duplicate: number
  readonly updated: number
  readonly accepted: number
  readonly rejected: ReadonlyArray<Refusal>
  readonly failed: ReadonlyArray<FailedNumbers & { readonly cause: GenesysError | undefined }>
}

/**
 * @since 0.1.0
 */
export const nothing: Tally = { created: 0, duplicate: 0, updated: 0, accepted: 0, rejected: [], failed: [] }

/**
 * @since 0.1.0
 */
export const plus = (a: Tally, b: Tally): Tally => ({
  created: a.created + b.created,
  duplicate: a.duplicate + b.duplicate,
  updated: a.updated + b.updated,
  accepted: a.accepted + b.accepted,
  rejected: [...a.rejected, ...b.rejected],
  failed: [...a.failed, ...b.failed]
})

/**
 * Of none of the numbers is anything settled.
 *
 * @since 0.1.0
 */
export const failure = (part: Batch, error: GenesysError): Tally => ({
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

/**
 * A success whose counts do not add up: nobody can say which of the numbers are missing.
 *
 * @since 0.1.0
 */
export const shortfall = (part: Batch, counts: Omit<Tally, "failed">, missing: number): Tally => {
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

/**
 * What became of a batch whose waits were ended: nothing, where no request had been sent.
 *
 * @since 0.1.0
 */
export const interrupted = (batch: Batch, { attempts }: Trace): Tally & { readonly skipped?: number } =>
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

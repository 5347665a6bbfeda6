/**
 * How phone numbers stand in the log.
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"
import type { AuditEvent } from "../AuditSink.js"
import { type Packed, packedOf, type Unwritten } from "../DncEntry/packed.js"
import { mask, maskRaw } from "../Masking.js"
import { hmac } from "./hmac.js"

/**
 * `masked`: calling code and last two digits, and batches by their digest alone. `hashed`: HMAC-SHA-256 of the E.164
 * number, address or value, so that who holds the key can look a number up. `whole`: as they are.
 *
 * @since 0.1.0
 * @category models
 */
export type NumberPolicy = "masked" | "hashed" | "whole"

/**
 * An event as the log may hold it. Numbers that are bytes stand apart: a look at them in the event makes strings of them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Protected {
  readonly event: AuditEvent & { readonly hashKeyId?: string }
  readonly numbers?: Packed | Unwritten | undefined
}

/**
 * The event as the policy lets the log hold it; nothing where `hashed` has no key.
 *
 * @since 0.1.0
 */
export const protect = (
  policy: NumberPolicy,
  hashKey: Redacted.Redacted | undefined
): ((event: AuditEvent) => Protected) | undefined => {
  if (policy === "whole") {
    return (event) => {
      const numbers = packedOf(event)
      return numbers === undefined ? { event } : { event: withoutNumbers(event), numbers }
    }
  }
  if (policy === "hashed") {
    const hashing = hasher(hashKey)
    if (hashing === undefined) return undefined
    const { keyId: hashKeyId, unwritten } = hashing
    return (event) => {
      const numbers = packedOf(event) ?? event.phoneNumbers
      return numbers === undefined
        ? { event: maskWords(event) }
        : { event: { ...maskWords(withoutNumbers(event)), hashKeyId }, numbers: unwritten(numbers) }
    }
  }
  // 499 masked numbers would prove nothing that the digest of the batch does not
  return (event) => ({ event: maskWords(withoutNumbers(event)) })
}

/** Key by key, as a look at numbers that are bytes would make strings of them. */
const withoutNumbers = (event: AuditEvent): AuditEvent => {
  const all = event as unknown as Readonly<Record<string, unknown>>
  const rest: Record<string, unknown> = {}
  for (const key of Object.keys(all)) if (key !== "phoneNumbers") rest[key] = all[key]
  return rest as unknown as AuditEvent
}

/**
 * What a key makes of numbers, and which key that is.
 *
 * @since 0.1.0
 */
export const hasher = (
  hashKey: Redacted.Redacted | undefined
):
  | {
      readonly keyId: string
      readonly of: (phoneNumbers: ReadonlyArray<string>) => ReadonlyArray<string>
      readonly unwritten: (phoneNumbers: ReadonlyArray<string> | Packed) => Unwritten
    }
  | undefined => {
  if (hashKey === undefined || Redacted.value(hashKey) === "") return undefined
  const key = Redacted.value(hashKey)
  return { keyId: keyId(key), ...hmac(key) }
}

/**
 * Tells keys apart without telling a key: the beginning of its HMAC of a word that is no number.
 *
 * @since 0.1.0
 */
export const keyId = (key: string): string => hmac(key).of(["genesys-dnc key"])[0].slice(0, 8)

/** What somebody else has worded may hold numbers. */
const maskWords = (event: AuditEvent): AuditEvent => {
  const masked = maskResult(event)
  return event.validationErrors === undefined
    ? masked
    : {
        ...masked,
        validationErrors: event.validationErrors.map((error) => ({
          ...error,
          raw: maskRaw(error.raw, error.code, event.kind ?? "phone"),
          message: mask(error.message)
        }))
      }
}

const maskResult = (event: AuditEvent): AuditEvent => {
  switch (event.operation) {
    case "BATCH_FAILED":
      return { ...event, result: { ...event.result, message: mask(event.result.message) } }
    case "RUN_FINISHED":
      return event.result.error === null
        ? event
        : { ...event, result: { ...event.result, error: mask(event.result.error) } }
    default:
      return event
  }
}

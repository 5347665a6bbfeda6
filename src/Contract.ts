/**
 * What a batch is and how it is said to the server. A contract is a value, chosen before the first batch; cutting batches
 * and submitting them read it, nothing else does.
 *
 * @since 0.1.0
 */
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { Answer } from "./Answer.js"
import * as Packed from "./DncEntry/packed.js"
import type { Action, Batch, Kind, Reason, Refusal } from "./DncEntry.js"
import * as DncEntry from "./DncEntry.js"
import * as GenesysErrors from "./GenesysError.js"
import { brief, mask } from "./Masking.js"

/**
 * Counts by the server's state, as one answer gives them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Counts {
  readonly created: number
  readonly duplicate: number
  readonly updated: number
  /** Taken, and no more is known. */
  readonly accepted: number
  readonly rejected: ReadonlyArray<Refusal>
}

/**
 * What the numbers of a batch share, as their request says it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Group {
  readonly reason: Reason | null
  /** Milliseconds since 1970; `Infinity` means for ever. */
  readonly expires: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Contract {
  readonly name: "entries" | "platform"
  /** What its batches hold. */
  readonly kind: Kind
  /** What it can do to numbers. */
  readonly actions: ReadonlyArray<Action>
  /** Numbers in one request at most. */
  readonly largestBatch: number
  /**
   * What a request that adds says of a number with this expiry and reason (an index into `reasons`); numbers of which it says the
   * same share batches. Never an earlier end. `now` is that of the run.
   */
  readonly group: (expires: number, reason: number, now: number) => Group
  /** The request that brings a batch to the list. */
  readonly request: (batch: Batch, idempotencyKey: string) => HttpClientRequest.HttpClientRequest
  /** What its answer says. */
  readonly counts: (answer: Answer, batch: Batch) => Effect.Effect<Counts, GenesysErrors.UnexpectedResponse>
}

const Count = Schema.optionalWith(Schema.NonNegativeInt, { default: () => 0, nullable: true })

/** A refused number: a bare string, or an object that names it in one of the ways that servers have. */
const Refused = Schema.Union(
  Schema.String,
  Schema.Struct({
    phoneNumber: Schema.String,
    message: Schema.optional(Schema.String),
    code: Schema.optional(Schema.String)
  })
)

const Refusals = Schema.optionalWith(Schema.Array(Refused), { default: () => [], nullable: true })

const EntriesAnswer = Schema.Struct({
  created: Count,
  duplicate: Count,
  updated: Count,
  error: Refusals,
  errors: Refusals
})

const decodeEntries = Schema.decodeUnknownEither(EntriesAnswer)

/** The counts of an answer that refuses nothing, which nearly all are: whatever else it may be is for the schema to say. */
const plainCounts = (body: unknown): Counts | undefined => {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined
  const { created = 0, duplicate = 0, error = none, errors = none, updated = 0 } = body as Record<string, unknown>
  return isCount(created) && isCount(duplicate) && isCount(updated) && isEmpty(error) && isEmpty(errors)
    ? { created, duplicate, updated, accepted: 0, rejected: none }
    : undefined
}

const none: ReadonlyArray<never> = []

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0

/**
 * `POST /api/v2/outbound/dnclists/{id}/entries`: one reason and one expiry a request, fewer than 500 numbers, an
 * idempotency key, counts in the answer. Genesys Cloud does not publish this route; see the README.
 *
 * @since 0.1.0
 * @category contracts
 */
export const entries: Contract = {
  name: "entries",
  kind: "phone",
  actions: ["add"],
  largestBatch: 499,
  group: (expires, reason) => ({ expires, reason: DncEntry.reasons[reason] }),
  request: (batch, idempotencyKey) =>
    HttpClientRequest.post(`${listPath(batch.dncListId)}/entries`).pipe(
      HttpClientRequest.setHeader("Idempotency-Key", idempotencyKey),
      withBody("", "phoneNumbers", batch, {
        reason: batch.reason,
        expires: DncEntry.formatExpires(batch.expires, null)
      })
    ),
  counts: (answer, batch) => {
    const plain = plainCounts(answer.body)
    return plain === undefined ? decodedCounts(answer, batch) : Effect.succeed(plain)
  }
}

const decodedCounts: Contract["counts"] = (answer, batch) =>
  decodeEntries(answer.body).pipe(
    Either.map(({ created, duplicate, error, errors, updated }) => ({
      created,
      duplicate,
      updated,
      accepted: 0,
      rejected: distinct(
        [...error, ...errors].map((refused) =>
          typeof refused === "string"
            ? { phoneNumber: refused, message: "refused by the server, which gave no reason" }
            : {
                phoneNumber: refused.phoneNumber,
                message: brief(refused.message ?? refused.code ?? "refused by the server")
              }
        )
      )
    })),
    Either.filterOrLeft(
      ({ rejected }) => rejected.every(({ phoneNumber }) => batch.phoneNumbers.includes(phoneNumber)),
      () => "it refuses numbers that were not sent"
    ),
    Either.mapLeft(
      (error) =>
        new GenesysErrors.UnexpectedResponse({
          message: `The entries route answered ${answer.status} in another shape than the contract's: ${
            typeof error === "string" ? error : mask(error.message.replace(/\s+/g, " ").slice(0, 200))
          }`,
          hint: "Check the API URL, and that the organization serves the entries contract.",
          status: answer.status,
          ...(answer.correlationId === undefined ? {} : { correlationId: answer.correlationId })
        })
    )
  )

const day = 86_400_000

/** How far ahead Genesys Cloud lets an expiry lie (its Resource Center), less an hour for clocks that differ. */
const furthest = 180 * day - 3_600_000

/**
 * The whole minute, up, as an earlier one would end an entry too soon; `Infinity` stays what it is.
 *
 * @since 0.1.0
 * @category conversions
 */
export const wholeMinute = (expires: number): number => Math.ceil(expires / 60_000) * 60_000

/**
 * What a list says of a number that is to be suppressed until then, by the published API: whole minutes, and for ever
 * where that is more than 180 days ahead (less an hour, for clocks that differ).
 *
 * @since 0.1.0
 * @category conversions
 */
export const onList = (expires: number, now: number): number =>
  expires > now + furthest ? Number.POSITIVE_INFINITY : wholeMinute(expires)

/**
 * @since 0.1.0
 * @category models
 */
export interface PlatformOptions {
  /** Numbers in one request; Genesys Cloud does not publish how many it takes. */
  readonly largestBatch?: number
  /** `phone` unless given. */
  readonly kind?: Kind
}

/** The route of each kind, and the field of its body; the operations of the published API. */
const forms: Readonly<Record<Kind, { readonly route: string; readonly field: string }>> = {
  phone: { route: "phonenumbers", field: "phoneNumbers" },
  email: { route: "emailaddresses", field: "emailAddresses" },
  whatsapp: { route: "whatsappnumbers", field: "whatsAppNumbers" },
  custom: { route: "customexclusioncolumns", field: "customExclusionColumnEntries" }
}

/**
 * `PATCH /api/v2/outbound/dnclists/{id}/phonenumbers`, or the route of another kind, which Genesys Cloud publishes: one expiry a request, no reasons, no
 * counts in the answer. Adding a number that is there gives it the new expiry, so a repetition changes nothing. Expiries
 * are whole minutes, rounded up; what ends more than 180 days ahead is put on the list for ever.
 *
 * @since 0.1.0
 * @category contracts
 */
export const platform = ({ kind = "phone", largestBatch = 1000 }: PlatformOptions = {}): Contract => ({
  name: "platform",
  kind,
  actions: ["add", "remove"],
  largestBatch,
  group: (expires, _, now) => ({ reason: null, expires: onList(expires, now) }),
  request: (batch) =>
    HttpClientRequest.patch(`${listPath(batch.dncListId)}/${forms[kind].route}`).pipe(
      withBody(
        `"action":"${batch.action === "add" ? "Add" : "Remove"}",`,
        forms[kind].field,
        batch,
        batch.expires === Number.POSITIVE_INFINITY
          ? {}
          : { expirationDateTime: `${new Date(batch.expires).toISOString().slice(0, 16)}Z` }
      )
    ),
  counts: (_, batch) =>
    Effect.succeed({ created: 0, duplicate: 0, updated: 0, accepted: Packed.sizeOf(batch), rejected: [] })
})

/** The body as JSON, with the numbers as they are where they are bytes already: what stands before them, and behind them. */
const withBody = (
  before: string,
  field: string,
  batch: Batch,
  others: object
): ((request: HttpClientRequest.HttpClientRequest) => HttpClientRequest.HttpClientRequest) => {
  const packed = Packed.packedOf(batch)
  const rest = JSON.stringify(others).slice(1)
  const after = rest === "}" ? rest : `,${rest}`
  const head = `{${before}"${field}":`
  const bytes =
    packed === undefined
      ? new TextEncoder().encode(`${head}${JSON.stringify(batch.phoneNumbers)}${after}`)
      : Packed.toJson(`${head}[`, packed, `]${after}`)
  return HttpClientRequest.bodyUint8Array(bytes, "application/json")
}

/** A number named twice is refused once; counted twice it would hide one that is missing. */
const distinct = (refusals: ReadonlyArray<Refusal>): ReadonlyArray<Refusal> =>
  Array.from(new Map(refusals.toReversed().map((refusal) => [refusal.phoneNumber, refusal])).values()).reverse()

/**
 * The path of a DNC list.
 *
 * @since 0.1.0
 */
export const listPath = (dncListId: string): string => `/api/v2/outbound/dnclists/${encodeURIComponent(dncListId)}`

/**
 * The numbers of a batch that the body of a refusal names: wherever in it a string holds one whole, and whatever
 * `phoneNumbers[3]` (or the field of another kind) points at. The server's nearest words go with each. A value of a custom
 * column, which may be any word, has to be the whole string, and none that speaks of something else.
 *
 * @since 0.1.0
 */
export const namedNumbers = (body: unknown, batch: Batch, kind: Kind = "phone"): ReadonlyArray<Refusal> => {
  const named = new Map<string, Words>()
  const sent = new Set(batch.phoneNumbers)
  const pointer = pointers[kind]
  const visit = (value: unknown, words: Words, depth: number, key?: string): void => {
    if (depth > 8) return
    if (typeof value === "string") {
      const index = pointer.exec(value)
      const pointed = index === null ? undefined : batch.phoneNumbers[Number(index[1] ?? index[2])]
      for (const number of [pointed, ...mentioned(value, kind, key)]) {
        if (number === undefined || !sent.has(number)) continue
        // the message of one number stands deeper than that of all
        if (words.depth > (named.get(number)?.depth ?? -1)) named.set(number, words)
      }
    } else if (Array.isArray(value)) {
      for (const item of value) visit(item, words, depth + 1, key)
    } else if (typeof value === "object" && value !== null) {
      const own = (value as Record<string, unknown>)["message"]
      const nearest = typeof own === "string" ? { text: own, depth } : words
      for (const [key, item] of Object.entries(value)) visit(item, nearest, depth + 1, key)
    }
  }
  visit(body, { text: "refused by the server", depth: 0 }, 0)
  return Array.from(named, ([phoneNumber, { text }]) => ({ phoneNumber, message: brief(text) }))
}

const pointerOf = (kind: Kind): RegExp => new RegExp(`^${forms[kind].field}(?:\\[(\\d+)\\]|\\.(\\d+))$`)

const pointers: Readonly<Record<Kind, RegExp>> = {
  phone: pointerOf("phone"),
  email: pointerOf("email"),
  whatsapp: pointerOf("whatsapp"),
  custom: pointerOf("custom")
}

/** Keys of the vendor's error bodies whose strings are about the request and the list, never about an entry. */
const aboutTheRequest =
  /^(?:message|messageWithParams|code|errorCode|status|fieldName|entityId|entityName|contextId|key|namespace)$/

/** What a string may name; whether that was sent is looked up. */
const mentioned = (text: string, kind: Kind, key: string | undefined): ReadonlyArray<string> => {
  switch (kind) {
    case "phone":
    case "whatsapp":
      return text.match(/\+\d{7,15}/g) ?? []
    case "email":
      // a quotation mark before an address, or a full stop behind it, may be the sentence's
      return (text.match(/[^\s"<>()[\]\\,;:]+@[^\s"<>()[\]\\,;:']+/g) ?? []).map((address) => {
        const whole = address.replace(/\.+$/, "")
        return whole.startsWith("'") && text.includes(`${whole}'`) ? whole.slice(1) : whole
      })
    case "custom":
      return key !== undefined && aboutTheRequest.test(key) ? [] : [text]
  }
}

/** A message, and how deep in the body it stands. */
interface Words {
  readonly text: string
  readonly depth: number
}

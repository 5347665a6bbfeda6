/**
 * The ways in which Genesys Cloud, or the way to it, can refuse a request: one tag each, with what happened (`message`),
 * a person's next step (`hint`), and where there was an answer its `status`, the vendor's `code` and `correlationId`.
 * Messages hold no whole phone number.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const answer = {
  /** One sentence: what was asked and what came back. */
  message: Schema.String,
  /** What the reader can do about it. */
  hint: Schema.String,
  status: Schema.optional(Schema.Number),
  /** The vendor's code of the error, such as `missing.permissions`. */
  code: Schema.optional(Schema.String),
  /** The vendor's id of the answer; what its support asks for first. */
  correlationId: Schema.optional(Schema.String),
  /** HTTP requests sent for the operation that failed. */
  attempts: Schema.optional(Schema.Number)
}

/** The answer itself, which may name whole numbers. */
const body = Schema.optional(Schema.RedactedFromSelf(Schema.Unknown))

/**
 * 401 after the token was renewed once, or a token endpoint that refuses the credentials.
 *
 * @since 0.1.0
 * @category errors
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>("genesys-dnc/Unauthorized")(
  "Unauthorized",
  answer
) {}

/**
 * 403: the credentials are right, but their role lacks a permission.
 *
 * @since 0.1.0
 * @category errors
 */
export class Forbidden extends Schema.TaggedError<Forbidden>("genesys-dnc/Forbidden")("Forbidden", answer) {}

/**
 * 404: no such list, or no such route on this host.
 *
 * @since 0.1.0
 * @category errors
 */
export class NotFound extends Schema.TaggedError<NotFound>("genesys-dnc/NotFound")("NotFound", answer) {}

/**
 * 409: a request with this idempotency key is still being processed, or the key is within its retention.
 *
 * @since 0.1.0
 * @category errors
 */
export class IdempotencyConflict extends Schema.TaggedError<IdempotencyConflict>("genesys-dnc/IdempotencyConflict")(
  "IdempotencyConflict",
  answer
) {}

/**
 * 422: something in the request is refused. `body` is the answer, redacted as it may name whole numbers.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnprocessableEntries extends Schema.TaggedError<UnprocessableEntries>("genesys-dnc/UnprocessableEntries")(
  "UnprocessableEntries",
  { ...answer, body }
) {}

/**
 * 400, and every other 4xx that has no tag of its own.
 *
 * @since 0.1.0
 * @category errors
 */
export class BadRequest extends Schema.TaggedError<BadRequest>("genesys-dnc/BadRequest")("BadRequest", {
  ...answer,
  body
}) {}

/**
 * 413: more numbers or bytes than the server takes in one request.
 *
 * @since 0.1.0
 * @category errors
 */
export class PayloadTooLarge extends Schema.TaggedError<PayloadTooLarge>("genesys-dnc/PayloadTooLarge")(
  "PayloadTooLarge",
  { ...answer, body }
) {}

/**
 * 429 beyond what the retry policy waits for.
 *
 * @since 0.1.0
 * @category errors
 */
export class RateLimited extends Schema.TaggedError<RateLimited>("genesys-dnc/RateLimited")("RateLimited", {
  ...answer,
  /** What `Retry-After` asked for. */
  retryAfter: Schema.optional(Schema.DurationFromSelf)
}) {}

/**
 * 5xx.
 *
 * @since 0.1.0
 * @category errors
 */
export class ServerError extends Schema.TaggedError<ServerError>("genesys-dnc/ServerError")("ServerError", answer) {}

/**
 * No answer: no connection, a connection that broke, an answer that was cut short.
 *
 * @since 0.1.0
 * @category errors
 */
export class TransportError extends Schema.TaggedError<TransportError>("genesys-dnc/TransportError")("TransportError", {
  ...answer,
  cause: Schema.optional(Schema.Defect)
}) {}

/**
 * No answer in time (30 s by default), or 408.
 *
 * @since 0.1.0
 * @category errors
 */
export class RequestTimeout extends Schema.TaggedError<RequestTimeout>("genesys-dnc/RequestTimeout")(
  "RequestTimeout",
  answer
) {}

/**
 * A success that is not one: HTML, another shape than the contract's, counts that do not add up.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnexpectedResponse extends Schema.TaggedError<UnexpectedResponse>("genesys-dnc/UnexpectedResponse")(
  "UnexpectedResponse",
  answer
) {}

/**
 * What a request can fail with.
 *
 * @since 0.1.0
 * @category errors
 */
export type GenesysError =
  | Unauthorized
  | Forbidden
  | NotFound
  | IdempotencyConflict
  | UnprocessableEntries
  | BadRequest
  | PayloadTooLarge
  | RateLimited
  | ServerError
  | TransportError
  | RequestTimeout
  | UnexpectedResponse

/**
 * True where the same request may succeed a little later: 429, 408, 5xx but 501, connection errors, timeouts.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isRetryable = (error: GenesysError): boolean => {
  switch (error._tag) {
    case "RateLimited":
    case "TransportError":
    case "RequestTimeout":
      return true
    case "ServerError":
      return error.status !== 501
    default:
      return false
  }
}

const fullList =
  "The list is full. Remove expired entries, use another list, or ask Genesys Cloud to raise the limit of a list."
const fullOrganization =
  "The organization is full. Remove expired entries or lists that no campaign uses, or ask Genesys Cloud to raise its limit."

/** The vendor's codes that mean that no batch at all can succeed, and what to do. */
const fatalCodes: Readonly<Record<string, string>> = {
  "dnc.source.operation.not.supported": "Only lists of the source type Internal take numbers; choose another list.",
  "dnc.records.per.list.limit.exceeded": fullList,
  "dnc.phone.numbers.per.list.limit.exceeded": fullList,
  "dnc.records.per.organization.limit.exceeded": fullOrganization,
  "dnc.phone.numbers.per.organization.limit.exceeded": fullOrganization
}

/** What to do about the other codes of a 400 that the DNC routes publish. */
const hints: Readonly<Record<string, string>> = {
  "invalid.date.value":
    "The server does not take this expiry: it lies in the past or more than 180 days ahead by the server's clock. Check the clock of this machine.",
  "invalid.date": "The server does not take this form of expiry; report it with the correlation id.",
  "invalid.value": "The server does not take a value of this request; its words say which.",
  "invalid.property": "The server does not know a field of this request; report it with the correlation id.",
  "invalid.query.param.value": "The server does not take a parameter of this request; its words say which.",
  "constraint.validation":
    "The server does not take this request; its words say why. Fewer numbers a request may help (--batch-size).",
  "bad.request": "The server does not accept this request; its words say why.",
  "response.entity.too.large": "The answer would have been too large; send fewer numbers a request (--batch-size).",
  "client.failed.request":
    "A server behind the API refused the request; try again later, with the correlation id for the vendor's support."
}

/**
 * True where going on with other batches is of no use: credentials, permission, no such list, a full list or org, a list
 * of another source type, a feature that the org does not have.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isFatal = (error: GenesysError): boolean =>
  error._tag === "Unauthorized" ||
  error._tag === "Forbidden" ||
  error._tag === "NotFound" ||
  error.status === 501 ||
  (error.code !== undefined && Object.hasOwn(fatalCodes, error.code))

/**
 * The same failure, saying how many requests were sent until it was final.
 *
 * @since 0.1.0
 */
export const withAttempts = <E extends GenesysError>(error: E, attempts: number): E => changed(error, { attempts })

/**
 * The same failure in other words.
 *
 * @since 0.1.0
 */
export const withMessage = <E extends GenesysError>(error: E, message: string): E =>
  message === error.message ? error : changed(error, { message })

const changed = <E extends GenesysError>(error: E, fields: object): E => {
  // a tagged error is immutable; its class is called again with other fields
  const Self = error.constructor as new (fields: object) => E
  // message and cause are no enumerable properties of an error
  return new Self({ ...error, message: error.message, cause: error.cause, ...fields })
}

/** The permissions that a refusal names, or else those that a push needs. */
const permissions = (words: string | undefined): string => {
  const named = words?.match(/\b\w+:\w+:\w+/g)
  if (named?.length === 1) return `the permission ${named[0]}`
  if (named) return `${words?.includes("at least one") ? "one of " : ""}the permissions ${named.join(", ")}`
  return "the permission that is missing (outbound:dnc:edit, or outbound:dnc:add for the entries route, and outbound:dncList:view)"
}

/** What an answer said, as far as it could be read. */
export interface ErrorAnswer {
  /** `POST /api/v2/…`, for the message. */
  readonly request: string
  readonly status: number
  /** The vendor's message, masked. */
  readonly words: string | undefined
  readonly code: string | undefined
  readonly correlationId: string | undefined
  readonly retryAfter: Duration.Duration | undefined
  /** The limit that was reached, where the answer names it. */
  readonly limit?: number | undefined
  readonly body: unknown
}

/**
 * The failure that an answer other than 2xx means.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromAnswer = (answer: ErrorAnswer): GenesysError => {
  const { code, correlationId, limit, request, retryAfter, status, words } = answer
  const body = Redacted.make(answer.body)
  const said = words === undefined || words === "" ? "" : `: ${words}`
  const fields = {
    message: `${request} was answered ${status}${said}${limit === undefined ? "" : ` (the limit is ${limit})`}`,
    status,
    ...(code === undefined ? {} : { code }),
    ...(correlationId === undefined ? {} : { correlationId })
  }
  if (code !== undefined && Object.hasOwn(fatalCodes, code)) {
    return new BadRequest({ ...fields, body, hint: fatalCodes[code] })
  }
  switch (status) {
    case 401:
      return new Unauthorized({
        ...fields,
        hint: "Check the client id and secret, and that they belong to this region; the OAuth client must use the grant Client Credentials."
      })
    case 403:
      return new Forbidden({
        ...fields,
        hint: `Give a role of the OAuth client ${permissions(words)}, in the list's division (Admin > Roles/Permissions).`
      })
    case 404:
      return new NotFound({
        ...fields,
        hint: "Check the id of the DNC list and the region; a list in a division that the client cannot see is not found either."
      })
    case 408:
      return new RequestTimeout({ ...fields, hint: "Genesys Cloud gave up waiting; try again later." })
    case 409:
      return new IdempotencyConflict({
        ...fields,
        hint: "A request with this key is still being processed; run the same file again later, nothing is doubled."
      })
    case 413:
      return new PayloadTooLarge({ ...fields, body, hint: "Send fewer numbers a request." })
    case 422:
      return new UnprocessableEntries({
        ...fields,
        body,
        hint: "Look at what the server says about the numbers it refuses."
      })
    case 429:
      return new RateLimited({
        ...fields,
        ...(retryAfter === undefined ? {} : { retryAfter }),
        hint:
          retryAfter === undefined
            ? "The organization's request limit is used up; try again later, with a lower concurrency."
            : `The organization's request limit is used up; try again in ${Duration.format(retryAfter)}.`
      })
    default:
      if (status < 400) {
        return new UnexpectedResponse({
          ...fields,
          hint: "Check the API URL: Genesys Cloud does not redirect, so something else answers there."
        })
      }
      return status >= 500
        ? new ServerError({
            ...fields,
            hint:
              status === 501
                ? "The organization does not have this feature; ask Genesys Cloud to enable it."
                : "Genesys Cloud failed; try again later, and give its support the correlation id."
          })
        : new BadRequest({ ...fields, body, hint: hints[code ?? ""] ?? hints["bad.request"] })
  }
}

/**
 * The words of the domain: a row of a suppression file, the entry that it becomes, the reasons for refusing it, and the
 * batch that carries entries to Genesys Cloud. Pure data; rows and entries travel in blocks, column by column, so that
 * nothing is allocated for a row on its way.
 *
 * @since 0.1.0
 */

/**
 * The three reasons that the entries contract knows, from the loosest to the strictest: a larger index wins.
 *
 * @since 0.1.0
 * @category models
 */
export const reasons = ["UNSPECIFIED", "CUSTOMER_REQUEST", "REGULATORY"] as const

/**
 * @since 0.1.0
 * @category models
 */
export type Reason = (typeof reasons)[number]

/**
 * What a run puts on a list or takes off it. Of `email` and `custom` the fields and lists that are called `phoneNumber(s)`
 * hold the addresses and the values of the list's custom exclusion column.
 *
 * @since 0.1.0
 * @category models
 */
export const kinds = ["phone", "email", "whatsapp", "custom"] as const

/**
 * @since 0.1.0
 * @category models
 */
export type Kind = (typeof kinds)[number]

/**
 * True of kinds whose contacts are phone numbers.
 *
 * @since 0.1.0
 * @category models
 */
export const isOfNumbers = (kind: Kind): boolean => kind === "phone" || kind === "whatsapp"

/**
 * How a kind is called: in canonical files, and in sentences.
 *
 * @since 0.1.0
 * @category models
 */
export const names: Readonly<Record<Kind, { readonly column: string; readonly one: string; readonly many: string }>> = {
  phone: { column: "phoneNumber", one: "phone number", many: "phone numbers" },
  email: { column: "email", one: "e-mail address", many: "e-mail addresses" },
  whatsapp: { column: "whatsAppNumber", one: "WhatsApp number", many: "WhatsApp numbers" },
  custom: { column: "value", one: "value", many: "values" }
}

/**
 * What one row of a suppression file says, each value as it stands in the file and trimmed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Row {
  /** Or what else the kind of the run is; see {@link kinds}. */
  readonly phoneNumber: string
  /** An internal code (`OPT_OUT`) or one of {@link reasons}. */
  readonly reason?: string | undefined
  /** ISO 8601; none means for ever. */
  readonly expires?: string | undefined
  /** ISO 3166 alpha-2 country for a number in national form; wins over the policy's default country. */
  readonly country?: string | undefined
  /** ISO 8601: when it was asked for that the number is not called again; none where that is not known. */
  readonly requestedAt?: string | undefined
}

/**
 * The names of a row's fields, in the order in which canonical files hold them.
 *
 * @since 0.1.0
 * @category models
 */
export const rowFields = ["phoneNumber", "reason", "expires", "country", "requestedAt"] as const

/**
 * @since 0.1.0
 * @category models
 */
export type RowField = (typeof rowFields)[number]

/**
 * The columns of a canonical file of a kind, in the order of {@link rowFields}; the last one only where there are requests.
 *
 * @since 0.1.0
 * @category models
 */
export const columns = (kind: Kind, requests = false): ReadonlyArray<string> =>
  rowFields.flatMap((field) =>
    field === "phoneNumber" ? [names[kind].column] : field === "requestedAt" && !requests ? [] : [field]
  )

/**
 * Consecutive rows of one input, column by column. An absent column is `undefined`, an absent value `""`.
 *
 * @since 0.1.0
 * @category models
 */
export interface RowBlock {
  readonly length: number
  /** The physical line, counted from 1, on which each row begins. */
  readonly line: ArrayLike<number>
  readonly phoneNumber: ArrayLike<string>
  readonly reason: ArrayLike<string> | undefined
  readonly expires: ArrayLike<string> | undefined
  readonly country: ArrayLike<string> | undefined
  readonly requestedAt?: ArrayLike<string> | undefined
  /** Rows that could not be read as rows at all; they are not among the columns. */
  readonly malformed: ReadonlyArray<Reject>
  /** The cells of row `index` under the input's own columns, for the file of rejects. */
  readonly cells: (index: number) => ReadonlyArray<string>
}

/**
 * A block made of rows, as a program that has them in memory would make it; `line` is the position, from `firstLine`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const rowBlock = (rows: ReadonlyArray<Row>, firstLine = 1): RowBlock => {
  const requests = rows.some((row) => row.requestedAt !== undefined)
  const fields = rowFields.filter((field) => field !== "requestedAt" || requests)
  return {
    length: rows.length,
    line: rows.map((_, index) => firstLine + index),
    phoneNumber: rows.map((row) => row.phoneNumber),
    reason: rows.map((row) => row.reason ?? ""),
    expires: rows.map((row) => row.expires ?? ""),
    country: rows.map((row) => row.country ?? ""),
    ...(requests ? { requestedAt: rows.map((row) => row.requestedAt ?? "") } : {}),
    malformed: [],
    cells: (index) => fields.map((field) => rows[index][field] ?? "")
  }
}

/**
 * Why a row was refused: stable codes, for programs; the sentence that goes with one is for people.
 *
 * @since 0.1.0
 * @category models
 */
export type RejectCode =
  | "MissingPhoneNumber"
  | "InvalidPhoneNumber"
  | "AmbiguousPhoneNumber"
  | "MissingEmail"
  | "InvalidEmail"
  | "AmbiguousEmail"
  | "MissingValue"
  | "InvalidValue"
  | "CountryNotAllowed"
  | "UnknownCountry"
  | "InvalidExpiration"
  | "ExpirationInPast"
  | "UnknownReason"
  | "MalformedRow"
  | "RefusedByServer"

/**
 * A refused row.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reject {
  readonly line: number
  /** The value at fault, as it stands in the file: personal data, to be masked wherever no file was asked for. */
  readonly raw: string
  readonly code: RejectCode
  /** One sentence; may quote `raw`. */
  readonly message: string
  /** ISO 3166 alpha-2 country of the number, where the code is `CountryNotAllowed`. */
  readonly country?: string
  /** The row under the input's own columns; a row that the server refused has only `row`. */
  readonly cells?: ReadonlyArray<string>
  readonly row?: Row
}

/**
 * A number that must not be called, as one entry of a DNC list.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entry {
  readonly line: number
  /** E.164 with its plus sign; or what else the kind of the run is. */
  readonly phoneNumber: string
  readonly reason: Reason
  /** Milliseconds since 1970-01-01T00:00Z; `Infinity` means for ever. */
  readonly expires: number
  /** Milliseconds since 1970 of the earliest request that is known of, where one is. */
  readonly requestedAt?: number
}

/**
 * What a block of rows became: entries column by column in the order of the rows, and rejects.
 *
 * @since 0.1.0
 * @category models
 */
export interface EntryBlock {
  readonly length: number
  readonly line: ArrayLike<number>
  /** The digits of the E.164 number as an integer: at most 15 digits, so exact in a double. Empty where there is `text`. */
  readonly number: ArrayLike<number>
  /** The entries of a kind that is no number, in the form in which they are sent. */
  readonly text?: ArrayLike<string>
  /** Index into {@link reasons}. */
  readonly reason: ArrayLike<number>
  /** Milliseconds since 1970; `Infinity` means for ever. */
  readonly expires: ArrayLike<number>
  /** Milliseconds since 1970, where the rows say when it was asked for; `Infinity` where one of them does not. */
  readonly requestedAt?: ArrayLike<number>
  /** The lines of entries whose time of the request could not be read, or lies ahead. */
  readonly requestsUnreadable?: ReadonlyArray<number>
  readonly rejects: ReadonlyArray<Reject>
  /** Entries whose reason code was not in the table and became `UNSPECIFIED`. */
  readonly unknownReasons: number
}

/**
 * Whether numbers are put on the list or taken off it.
 *
 * @since 0.1.0
 * @category models
 */
export type Action = "add" | "remove"

/**
 * Numbers that share what the contract groups by and go to the server in one request.
 *
 * @since 0.1.0
 * @category models
 */
export interface Batch {
  /** The run that the batch belongs to; part of its key. */
  readonly runId: string
  readonly dncListId: string
  readonly action: Action
  /** Position in the run, from 0; the parts of a refused batch keep it. */
  readonly index: number
  /** E.164, or what else the contract's kind is; distinct. */
  readonly phoneNumbers: ReadonlyArray<string>
  /** `null` where the contract knows no reasons. */
  readonly reason: Reason | null
  /** As the contract says it: milliseconds since 1970; `Infinity` means for ever. */
  readonly expires: number
}

/**
 * A number that the server refused, with the server's own words.
 *
 * @since 0.1.0
 * @category models
 */
export interface Refusal {
  readonly phoneNumber: string
  readonly message: string
}

/**
 * What became of one batch: `created + duplicate + updated + accepted + skipped`, the length of `rejected` and the counts
 * of `failed` add up to its size.
 *
 * @since 0.1.0
 * @category models
 */
export interface Receipt {
  readonly created: number
  /** Was on the list already, with this reason and expiry. */
  readonly duplicate: number
  /** Was on the list with another reason or expiry. */
  readonly updated: number
  /** Taken by a server that does not say whether they were on the list before. */
  readonly accepted: number
  /** Deliberately not sent: a dry run. */
  readonly skipped: number
  readonly rejected: ReadonlyArray<Refusal>
  /** Not known to be on the list, though the request as a whole succeeded or a part of it did. */
  readonly failed: ReadonlyArray<FailedNumbers>
  /** From the first attempt's start to the last answer, in milliseconds, waits included. */
  readonly latencyMs: number
  /** HTTP requests sent for the batch, parts and repetitions included. */
  readonly attempts: number
  /** The key of the batch as first cut. */
  readonly idempotencyKey: string
  /** The server's id of the last answer, where it gave one. */
  readonly correlationId: string | undefined
}

/**
 * Numbers of a batch that are not known to be on the list, and why.
 *
 * @since 0.1.0
 * @category models
 */
export interface FailedNumbers {
  /** How many; `phoneNumbers` names all that may be among them, so it can be longer. */
  readonly count: number
  readonly phoneNumbers: ReadonlyArray<string>
  /** The tag of the failure, and its sentence. */
  readonly error: string
  readonly message: string
}

/**
 * An instant as the contracts and the files write it, or `null` and `""` respectively for "for ever" at the caller's choice.
 *
 * @since 0.1.0
 * @category conversions
 */
export const formatExpires = <A>(expires: number, forEver: A): string | A =>
  expires === Number.POSITIVE_INFINITY ? forEver : new Date(expires).toISOString()

/**
 * The field of an entry whose request is known; `undefined` and `Infinity` mean that it is not.
 *
 * @since 0.1.0
 * @category conversions
 */
export const requested = (at: number | undefined): Pick<Entry, "requestedAt"> =>
  at === undefined || at === Number.POSITIVE_INFINITY ? {} : { requestedAt: at }

/**
 * A block of numbers (digits as integers) with their ends, of the loosest reason and from no line of a file.
 *
 * @since 0.1.0
 * @category constructors
 */
export const entryBlock = (number: ArrayLike<number>, expires: ArrayLike<number>): EntryBlock => {
  const zeros = new Uint8Array(number.length)
  return { length: number.length, line: zeros, number, expires, reason: zeros, rejects: [], unknownReasons: 0 }
}

/**
 * True for a number in E.164 form; a list holds whatever was put on it.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isE164 = (text: string): boolean => /^\+[1-9]\d{6,14}$/.test(text)

/**
 * True where `(expires, reason)` suppresses more than the other: no expiry beats any, later beats earlier, then the
 * stricter reason.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isStricter = (expires: number, reason: number, otherExpires: number, otherReason: number): boolean =>
  expires > otherExpires || (expires === otherExpires && reason > otherReason)

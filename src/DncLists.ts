/**
 * The DNC lists of an org: paged through, found by id or by name, and how far the import of one is.
 *
 * @since 0.1.0
 */
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Answer } from "./Answer.js"
import * as Contract from "./Contract.js"
import type { Kind } from "./DncEntry.js"
import type { GenesysError } from "./GenesysError.js"
import * as GenesysErrors from "./GenesysError.js"
import { HttpClient } from "./HttpClient.js"

/** Absent, or null: both are nothing. */
const maybe = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { nullable: true })

/**
 * How far the import of a file is; a list at rest has none. There is no state for *done*: `percentComplete` 100 without a
 * state means it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ImportStatus = Schema.Struct({
  /** `IN_PROGRESS` or `FAILED`. */
  state: maybe(Schema.String),
  totalRecords: maybe(Schema.Number),
  completedRecords: maybe(Schema.Number),
  percentComplete: maybe(Schema.Number),
  failureReason: maybe(Schema.String)
}).annotations({ identifier: "genesys-dnc/ImportStatus" })

/**
 * @since 0.1.0
 * @category models
 */
export type ImportStatus = typeof ImportStatus.Type

/**
 * A list as the platform describes it, as far as it matters here; fields that are not named are ignored.
 *
 * @since 0.1.0
 * @category schemas
 */
export const DncList = Schema.Struct({
  id: Schema.String,
  name: Schema.optionalWith(Schema.String, { default: () => "", nullable: true }),
  /** `rds` (Internal), `rds_custom`, `dnc.com`, `gryphon`. */
  dncSourceType: maybe(Schema.String),
  /** `Phone`, `Email`, `WhatsApp` or `Any`. */
  contactMethod: maybe(Schema.String),
  /** Entries; follows changes with some delay. */
  size: maybe(Schema.Number),
  importStatus: maybe(ImportStatus),
  division: maybe(Schema.Struct({ id: maybe(Schema.String), name: maybe(Schema.String) }))
}).annotations({ identifier: "genesys-dnc/DncList" })

/**
 * @since 0.1.0
 * @category models
 */
export type DncList = typeof DncList.Type

const Listing = Schema.Struct({
  entities: Schema.optionalWith(Schema.Array(DncList), { default: () => [], nullable: true }),
  pageCount: maybe(Schema.Number)
})

/**
 * Several lists bear the name that was given.
 *
 * @since 0.1.0
 * @category errors
 */
export class AmbiguousList extends Schema.TaggedError<AmbiguousList>("genesys-dnc/AmbiguousList")("AmbiguousList", {
  message: Schema.String,
  hint: Schema.String,
  candidates: Schema.Array(Schema.Struct({ id: Schema.String, name: Schema.String }))
}) {}

/**
 * The largest page that the platform gives.
 *
 * @since 0.1.0
 */
export const pageSize = 100

/**
 * True for what is taken for an id; anything else is taken for a name.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isId = (text: string): boolean => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)

/**
 * The list of an id, with its size and import status.
 *
 * @since 0.1.0
 */
export const get = Effect.fn("genesys-dnc/DncLists.get")(function* (
  id: string
): Effect.fn.Return<DncList, GenesysError, HttpClient> {
  const client = yield* HttpClient
  const answer = yield* client.execute(
    HttpClientRequest.get(Contract.listPath(id)).pipe(
      HttpClientRequest.setUrlParams({ includeSize: true, includeImportStatus: true })
    )
  )
  return yield* decode(DncList, answer, "a DNC list")
})

/**
 * Pages that are turned at most: an org has no more, but a server may say what it likes.
 *
 * @since 0.1.0
 */
export const mostPages = 1000

/**
 * All lists that the client can see, page by page, with size and import status; `name` (exact) narrows them down where the
 * server can.
 *
 * @since 0.1.0
 */
export const stream = (options?: { readonly name?: string }): Stream.Stream<DncList, GenesysError, HttpClient> =>
  Stream.paginateChunkEffect(1, (pageNumber) =>
    Effect.gen(function* () {
      const client = yield* HttpClient
      const answer = yield* client.execute(
        HttpClientRequest.get("/api/v2/outbound/dnclists").pipe(
          HttpClientRequest.setUrlParams({
            pageSize,
            pageNumber,
            includeSize: true,
            includeImportStatus: true,
            allowEmptyResult: true,
            sortBy: "name",
            ...(options?.name === undefined ? {} : { name: options.name, filterType: "Equals" })
          })
        )
      )
      const { entities, pageCount } = yield* decode(Listing, answer, "DNC lists")
      // without a count of pages, a page that is not full is the last
      const more =
        pageCount === undefined ? entities.length === pageSize : pageNumber < pageCount && entities.length > 0
      if (more && pageNumber >= mostPages) {
        return yield* new GenesysErrors.UnexpectedResponse({
          message: `What answers at the API URL has more than ${mostPages} pages of DNC lists`,
          hint: "Check the API URL, or give the id of the list instead of its name.",
          status: answer.status
        })
      }
      return [Chunk.fromIterable(entities), more ? Option.some(pageNumber + 1) : Option.none()] as const
    })
  )

/**
 * All lists whose name has `part` in it, whatever the case; without one, all.
 *
 * @since 0.1.0
 */
export const search = (part = ""): Effect.Effect<ReadonlyArray<DncList>, GenesysError, HttpClient> =>
  Stream.runCollect(Stream.filter(stream(), ({ name }) => fold(name).includes(fold(part)))).pipe(
    Effect.map(Chunk.toReadonlyArray),
    Effect.withSpan("genesys-dnc/DncLists.search")
  )

/**
 * The one list of this id or name. A name is meant exactly; in another case it does where only one list bears it. Several:
 * `AmbiguousList`; none: `NotFound`, with the names that come near.
 *
 * @since 0.1.0
 */
export const resolve = Effect.fn("genesys-dnc/DncLists.resolve")(function* (
  nameOrId: string
): Effect.fn.Return<DncList, GenesysError | AmbiguousList, HttpClient> {
  const wanted = nameOrId.trim()
  if (isId(wanted)) return yield* get(wanted)
  const named = yield* Stream.runCollect(stream({ name: wanted })).pipe(
    // a filter that the server does not take is no reason to give up
    Effect.catchTag("BadRequest", () => Effect.succeed(Chunk.empty<DncList>()))
  )
  const exact = distinct(named).filter(({ name }) => name === wanted)
  if (exact.length === 1) return exact[0]
  if (exact.length > 1) return yield* ambiguous(wanted, exact)
  const all = yield* Effect.map(Stream.runCollect(stream()), distinct)
  const same = all.filter(({ name }) => name === wanted)
  const alike = same.length > 0 ? same : all.filter(({ name }) => fold(name) === fold(wanted))
  if (alike.length === 1) return alike[0]
  if (alike.length > 1) return yield* ambiguous(wanted, alike)
  const near = nearest(
    wanted,
    all.map(({ name }) => name)
  )
  return yield* new GenesysErrors.NotFound({
    message: `There is no DNC list "${wanted}" among the ${all.length} that this client can see`,
    hint:
      near.length > 0
        ? `Did you mean ${near.map((name) => `"${name}"`).join(" or ")}?`
        : "genesys-dnc lists shows them all; a list in a division that the client cannot see is not among them."
  })
})

/**
 * The kind of entries that a list is for; `undefined` where it takes several (contact method Any), or none.
 *
 * @since 0.1.0
 */
export const kindOf = ({ contactMethod, dncSourceType = "rds" }: DncList): Kind | undefined =>
  dncSourceType === "rds_custom"
    ? "custom"
    : dncSourceType !== "rds" || contactMethod === "Any"
      ? undefined
      : contactMethod === "Email"
        ? "email"
        : contactMethod === "WhatsApp"
          ? "whatsapp"
          : "phone"

/**
 * How far the import of a file into the list is.
 *
 * @since 0.1.0
 */
export const importStatus = Effect.fn("genesys-dnc/DncLists.importStatus")(function* (
  id: string
): Effect.fn.Return<ImportStatus, GenesysError, HttpClient> {
  const client = yield* HttpClient
  const answer = yield* client.execute(HttpClientRequest.get(`${Contract.listPath(id)}/importstatus`))
  // a list into which nothing was ever imported may have nothing to say
  return answer.body === undefined || answer.body === null
    ? {}
    : yield* decode(ImportStatus, answer, "an import status")
})

/**
 * Takes the phone numbers off a list whose expiry, as the list says it, is over. Needs `outbound:dnc:delete`. Without
 * `expiredOnly` the same request would empty the list, so nothing else sends it.
 *
 * @since 0.1.0
 */
export const purgeExpired = Effect.fn("genesys-dnc/DncLists.purgeExpired")(function* (
  id: string
): Effect.fn.Return<void, GenesysError, HttpClient> {
  const client = yield* HttpClient
  yield* client.execute(
    HttpClientRequest.del(`${Contract.listPath(id)}/phonenumbers`).pipe(
      HttpClientRequest.setUrlParams({ expiredOnly: true })
    )
  )
})

/**
 * The body of an answer by its schema, or `UnexpectedResponse`.
 *
 * @since 0.1.0
 */
export const decode = <A, I>(
  schema: Schema.Schema<A, I>,
  answer: Pick<Answer, "body" | "status" | "correlationId">,
  what: string
): Effect.Effect<A, GenesysErrors.UnexpectedResponse> =>
  Effect.mapError(
    Schema.decodeUnknown(schema)(answer.body),
    (error) =>
      new GenesysErrors.UnexpectedResponse({
        // the paths only: values may be personal
        message: `What answers at the API URL does not describe ${what}: wrong at ${ParseResult.ArrayFormatter.formatErrorSync(
          error
        )
          .map((issue) => issue.path.join(".") || "the whole answer")
          .join(", ")}`,
        hint: "Check the API URL.",
        status: answer.status,
        ...(answer.correlationId === undefined ? {} : { correlationId: answer.correlationId })
      })
  )

const fold = (text: string): string => text.trim().toLowerCase()

/** A list that is added while pages are turned can come twice. */
const distinct = (lists: Iterable<DncList>): ReadonlyArray<DncList> =>
  Array.from(new Map(Array.from(lists, (list) => [list.id, list])).values())

const ambiguous = (wanted: string, lists: ReadonlyArray<DncList>): AmbiguousList =>
  new AmbiguousList({
    message: `${lists.length} DNC lists are called "${wanted}": ${lists
      .map(({ division, id, name }) => `"${name}" ${id}${division?.name === undefined ? "" : ` (${division.name})`}`)
      .join(", ")}`,
    hint: "Give the id of the one that is meant.",
    candidates: lists.map(({ id, name }) => ({ id, name }))
  })

/** Up to three names that a slip of the hand leads to, or that hold the words; nearest first. */
const nearest = (wanted: string, names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names
    .map((name) => ({
      name,
      distance: fold(name).includes(fold(wanted))
        ? 0
        : editDistance(fold(name).slice(0, 100), fold(wanted).slice(0, 100))
    }))
    .filter(({ distance, name }) => name !== "" && distance <= Math.max(2, wanted.length / 4))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ name }) => name)

/** Characters to put in, take out or change. */
const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]
}

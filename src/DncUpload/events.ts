/**
 * What an import says of rows that it did not take: only the event log of the org has it.
 *
 * @since 0.1.0
 */
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as DncLists from "../DncLists.js"
import type { GenesysError } from "../GenesysError.js"
import { HttpClient } from "../HttpClient.js"

/**
 * One event of an import. Row numbers are as the server counts them, which is not published.
 *
 * @since 0.1.0
 * @category models
 */
export interface RowError {
  /** Such as `IMPORT_INVALID_PHONE_NUMBERS`. */
  readonly code: string
  /** May hold whole numbers. */
  readonly message: string
  /** Numbers in E.164 that the event names. */
  readonly phoneNumbers: ReadonlyArray<string>
  /** Rows that it names. */
  readonly rows: ReadonlyArray<number>
}

const maybe = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { nullable: true })

const Reference = maybe(Schema.Struct({ id: maybe(Schema.String) }))

const Events = Schema.Struct({
  entities: Schema.optionalWith(
    Schema.Array(
      Schema.Struct({
        timestamp: maybe(Schema.String),
        errorEntity: Reference,
        relatedEntity: Reference,
        eventMessage: maybe(
          Schema.Struct({
            code: maybe(Schema.String),
            message: maybe(Schema.String),
            messageWithParams: maybe(Schema.String),
            messageParams: maybe(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
          })
        )
      })
    ),
    { default: () => [], nullable: true }
  ),
  pageCount: maybe(Schema.Number)
})

type Event = (typeof Events.Type)["entities"][number]

/** Pages that are read at most: a file of which more is wrong than this can tell is looked at by hand. */
const mostPages = 200

/**
 * The events of imports into a list since a time (milliseconds since 1970, by the server's clock), the latest first.
 *
 * @since 0.1.0
 */
export const read = Effect.fn("genesys-dnc/DncUpload.rowErrors")(function* (
  dncListId: string,
  since: number
): Effect.fn.Return<ReadonlyArray<RowError>, GenesysError, HttpClient> {
  const client = yield* HttpClient
  const found: Array<RowError> = []
  for (let pageNumber = 1, pages = 1; pageNumber <= Math.min(pages, mostPages); pageNumber++) {
    const answer = yield* client.execute(
      HttpClientRequest.get("/api/v2/outbound/events").pipe(
        HttpClientRequest.setUrlParams({
          category: "DNC_LIST",
          pageSize: DncLists.pageSize,
          pageNumber,
          sortBy: "timestamp",
          sortOrder: "descending"
        })
      )
    )
    const { entities, pageCount } = yield* DncLists.decode(Events, answer, "the event log")
    for (const event of entities) if (isOf(event, dncListId, since)) found.push(rowError(event))
    const last = entities.at(-1)
    if (last === undefined || timeOf(last) < since) break
    pages = pageCount ?? (entities.length === DncLists.pageSize ? pageNumber + 1 : pageNumber)
  }
  return found
})

const timeOf = ({ timestamp }: Event): number => Date.parse(timestamp ?? "")

const isOf = (event: Event, dncListId: string, since: number): boolean =>
  [event.errorEntity, event.relatedEntity].some((entity) => entity?.id?.toLowerCase() === dncListId.toLowerCase()) &&
  /^(?:IMPORT_|EXCEEDED_DNC_)/.test(event.eventMessage?.code ?? "") &&
  timeOf(event) >= since

const rowError = ({ eventMessage }: Event): RowError => {
  const { code = "", message, messageParams = {}, messageWithParams } = eventMessage ?? {}
  const params = Object.entries(messageParams).flatMap(([key, value]) =>
    typeof value === "string" || typeof value === "number" ? [[key, String(value)] as const] : []
  )
  const said = [message ?? messageWithParams ?? code, ...params.map(([, value]) => value)]
  const named = params.flatMap(([key, value]) =>
    /row|line/i.test(key) && /^\d{1,9}$/.test(value) ? [Number(value)] : []
  )
  const inWords = Array.from(said[0].matchAll(/\b(?:row|line)\s+(\d{1,9})\b/gi), ([, digits]) => Number(digits))
  return {
    code,
    message: said[0],
    phoneNumbers: [...new Set(said.flatMap((text) => text.match(/\+\d{7,15}(?!\d)/g) ?? []))],
    rows: named.length > 0 ? named : inWords
  }
}

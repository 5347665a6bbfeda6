/**
 * The outbound event log, `GET /api/v2/outbound/events`: the only place where an import says which rows it did not take.
 *
 * @since 0.1.0
 */
import { randomUUID } from "node:crypto"
import * as Paging from "./Paging.js"
import * as Route from "./Route.js"

/**
 * The codes that the sandbox uses, of those that are known for DNC lists.
 *
 * @since 0.1.0
 * @category models
 */
export type Code =
  | "EXCEEDED_DNC_RECORD_LIMIT"
  | "EXCEEDED_DNC_PHONE_NUMBER_LENGTH"
  | "IMPORT_INVALID_PHONE_NUMBERS"
  | "IMPORT_INVALID_EMAIL_ADDRESSES"
  | "IMPORT_INVALID_EXPIRATION_DATE"
  | "IMPORT_EXPIRATION_DATE_EXCEEDS_MAX_DAYS"
  | "IMPORT_FAILED_TO_READ_HEADERS"
  | "IMPORT_COULD_NOT_PARSE_AN_ENTRY"
  | "IMPORT_ENTRY_DOES_NOT_ALIGN_WITH_HEADERS"
  | "IMPORT_COLUMNS_DO_NOT_EXIST_ON_LIST"
  | "IMPORT_LIST_NO_LONGER_EXISTS"

/**
 * @since 0.1.0
 * @category models
 */
export interface Event {
  readonly id: string
  readonly errorEntity: { readonly id: string; readonly name: string; readonly selfUri: string }
  readonly timestamp: string
  readonly level: "WARNING" | "ERROR"
  readonly category: "DNC_LIST"
  /** That of the request which brought the file. */
  readonly correlationId: string
  readonly eventMessage: {
    readonly code: Code
    readonly message: string
    readonly messageWithParams: string
    readonly messageParams: Readonly<Record<string, string>>
    readonly resourceURIs: ReadonlyArray<string>
  }
  readonly selfUri: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Events {
  readonly routes: ReadonlyArray<Route.Route>
  readonly add: (
    event: Pick<Event, "errorEntity" | "level" | "correlationId"> & {
      readonly code: Code
      readonly message: string
      readonly params: Readonly<Record<string, string>>
    }
  ) => void
  /** The latest hundred thousand, the oldest first. */
  readonly all: () => ReadonlyArray<Event>
  readonly clear: () => void
}

const mostEvents = 100_000

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = ({ now }: { readonly now: () => number }): Events => {
  let events: Array<Event> = []

  const listing = (request: Route.Request): Route.Reply => {
    const category = request.query.get("category")?.toLowerCase()
    const level = request.query.get("level")?.toLowerCase()
    const found = events.filter(
      (event) =>
        (category === undefined || event.category.toLowerCase() === category) &&
        (level === undefined || event.level.toLowerCase() === level)
    )
    const sorted = Paging.sort(request, found, {
      timestamp: (event) => event.timestamp,
      level: (event) => event.level,
      category: (event) => event.category
    })
    return Paging.page(request, sorted, (event) => event)
  }

  const one = (request: Route.Request, id: string): Route.Reply => {
    const found = events.find((event) => event.id === id)
    return found === undefined
      ? Route.failure(request, 404, "not.found", `There is no event with the id ${id}.`)
      : Route.json(200, found)
  }

  const route = (path: RegExp, commit: (request: Route.Request, id: string) => Route.Reply): Route.Route => ({
    name: "events",
    method: "GET",
    path,
    permissions: ["outbound:eventLog:view"],
    handle: (request, id) => Route.turn(() => commit(request, id))
  })

  return {
    routes: [route(/^\/api\/v2\/outbound\/events$/, listing), route(/^\/api\/v2\/outbound\/events\/([^/]+)$/, one)],
    add: ({ code, correlationId, errorEntity, level, message, params }) => {
      const id = randomUUID()
      const words = message.replace(/%\{(\w+)\}/g, (_, name: string) => params[name] ?? "")
      events.push({
        id,
        errorEntity,
        timestamp: new Date(now()).toISOString(),
        level,
        category: "DNC_LIST",
        correlationId,
        eventMessage: {
          code,
          message: words,
          messageWithParams: message,
          messageParams: params,
          resourceURIs: [errorEntity.selfUri]
        },
        selfUri: `/api/v2/outbound/events/${id}`
      })
      if (events.length > 2 * mostEvents) events = events.slice(-mostEvents)
    },
    all: () => events.slice(-mostEvents),
    clear: () => {
      events = []
    }
  }
}

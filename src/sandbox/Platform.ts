/**
 * The published API of Genesys Cloud, as far as DNC lists are concerned.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Campaigns from "./Campaigns.js"
import * as Contacts from "./Contacts.js"
import * as Events from "./Events.js"
import * as Exports from "./Exports.js"
import * as Lists from "./Lists.js"
import type * as Route from "./Route.js"
import type { List } from "./State.js"
import * as Uploads from "./Uploads.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options extends Lists.Options, Contacts.Options, Exports.Options, Uploads.Options, Campaigns.Options {}

/**
 * Every permission that an operation asks for.
 *
 * @since 0.1.0
 */
export const permissions: ReadonlyArray<string> = [
  "outbound:dnc:add",
  "outbound:dnc:edit",
  "outbound:dnc:delete",
  "outbound:dnc:view",
  "outbound:dncList:view",
  "outbound:dncList:add",
  "outbound:dncList:edit",
  "outbound:dncList:delete",
  "outbound:dncList:upload",
  "outbound:dncList:search",
  "outbound:eventLog:view",
  "outbound:campaign:view"
]

/**
 * @since 0.1.0
 * @category models
 */
export interface Platform {
  /** Reading a list, which the entries contract has too. */
  readonly shared: ReadonlyArray<Route.Route>
  readonly routes: ReadonlyArray<Route.Route>
  readonly events: () => ReadonlyArray<Events.Event>
  /** Waits until no import is under way. */
  readonly imported: Effect.Effect<void>
  readonly clear: () => void
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options,
  { lists }: { readonly lists: Map<string, List> }
): Effect.Effect<Platform, never, Scope.Scope> =>
  Effect.gen(function* () {
    const events = Events.make(options)
    const uploads = yield* Uploads.make(options, { lists, events })
    const exports = Exports.make(options, { lists })
    const { platform, shared } = Lists.make(options, {
      lists,
      importStatus: uploads.importStatus,
      usedBy: (list) => Campaigns.using(options, list.id)
    })
    return {
      shared,
      routes: [
        ...platform,
        ...Contacts.routes(options, { lists }),
        ...exports.routes,
        ...uploads.routes,
        ...events.routes,
        ...Campaigns.routes(options, { lists })
      ],
      events: events.all,
      imported: uploads.settled,
      clear: () => {
        uploads.clear()
        exports.clear()
        events.clear()
      }
    }
  })

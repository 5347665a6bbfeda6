/**
 * Exports of a DNC list: asked for with `POST …/export`, there after a while with `GET …/export`, and then a file that
 * is read with the same token.
 *
 * @since 0.1.0
 */
import { randomUUID } from "node:crypto"
import * as Expiry from "./Expiry.js"
import * as Lists from "./Lists.js"
import * as Route from "./Route.js"
import type { List } from "./State.js"
import type { Contact } from "./Table.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How long after it was asked for an export is there; `never` leaves it at 404. */
  readonly exportDelayMs: number | "never"
  readonly now: () => number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Dependencies {
  readonly lists: ReadonlyMap<string, List>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Exports {
  readonly routes: ReadonlyArray<Route.Route>
  readonly clear: () => void
}

interface Export {
  readonly id: string
  readonly readyAt: number
  readonly contacts: Iterable<Contact>
}

const permissions = ["outbound:dnc:view", "outbound:dncList:view"]
const linesPerChunk = 1000

const cell = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** Only the first column and the third one are known; the names and the second one are the sandbox's own. */
const csv = function* (contacts: Iterable<Contact>): Generator<string> {
  let chunk = "contact,status,expirationDateTime\r\n"
  let lines = 0
  for (const { contact, expires } of contacts) {
    chunk += `${cell(contact)},ACTIVE,${Expiry.format(expires)}\r\n`
    if (++lines % linesPerChunk === 0) {
      yield chunk
      chunk = ""
    }
  }
  if (chunk !== "") yield chunk
}

/**
 * Remembers the last export of each list, which shows the list as it was when the export was asked for.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options, { lists }: Dependencies): Exports => {
  const exports = new Map<string, Export>()

  const begin = (request: Route.Request, id: string): Route.Reply => {
    const found = Lists.find(lists, request, id)
    if ("refusal" in found) return found.refusal
    const { list } = found
    const { exportDelayMs } = options
    const readyAt = exportDelayMs === "never" ? Number.POSITIVE_INFINITY : options.now() + exportDelayMs
    exports.set(list.id, { id: randomUUID(), readyAt, contacts: list.snapshot() })
    return Route.json(200, { ...Lists.reference(list), selfUri: `${Lists.reference(list).selfUri}/export` })
  }

  const ready = (request: Route.Request, id: string): { readonly made: Export } | { readonly refusal: Route.Reply } => {
    const found = Lists.find(lists, request, id)
    if ("refusal" in found) return found
    const made = exports.get(found.list.id)
    if (made !== undefined && made.readyAt <= options.now()) return { made }
    return { refusal: Route.failure(request, 404, "not.found", "There is no export of this DNC list.") }
  }

  const show = (request: Route.Request, id: string): Route.Reply => {
    const found = ready(request, id)
    if ("refusal" in found) return found.refusal
    const { made } = found
    return Route.json(200, {
      uri: `http://${request.headers.host}/api/v2/downloads/dnclists/${id}/${made.id}`,
      exportTimestamp: new Date(made.readyAt).toISOString()
    })
  }

  const download = (request: Route.Request, id: string): Route.Reply => {
    const found = ready(request, id)
    if ("refusal" in found) return found.refusal
    if (!request.path.endsWith(found.made.id)) {
      return Route.failure(request, 404, "not.found", "There is no such download any more.")
    }
    return {
      status: 200,
      headers: {
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": 'attachment; filename="dnclist.csv"'
      },
      body: csv(found.made.contacts)
    }
  }

  const route = (
    name: "export" | "download",
    method: "GET" | "POST",
    path: RegExp,
    commit: (request: Route.Request, id: string) => Route.Reply
  ): Route.Route => ({
    name,
    method,
    path,
    permissions,
    handle: (request, id) => Route.turn(() => commit(request, id))
  })

  const path = /^\/api\/v2\/outbound\/dnclists\/([^/]+)\/export$/
  return {
    routes: [
      route("export", "POST", path, begin),
      route("export", "GET", path, show),
      route("download", "GET", /^\/api\/v2\/downloads\/dnclists\/([^/]+)\/[^/]+$/, download)
    ],
    clear: () => exports.clear()
  }
}

/**
 * Reading a DNC list: `GET /api/v2/outbound/dnclists/{id}`.
 *
 * @since 0.1.0
 */
import * as Route from "./Route.js"
import type { List } from "./State.js"

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const division = {
  id: "0ffca115-cafe-4ace-b1de-0de0fade0d1e",
  name: "Home",
  selfUri: "/api/v2/authorization/divisions/0ffca115-cafe-4ace-b1de-0de0fade0d1e"
}

/**
 * The list of that id, or the refusal of an id that no list has.
 *
 * @since 0.1.0
 */
export const find = (
  lists: ReadonlyMap<string, List>,
  request: Route.Request,
  id: string
): { readonly list: List } | { readonly refusal: Route.Reply } => {
  const list = lists.get(id.toLowerCase())
  if (list !== undefined) return { list }
  return {
    refusal: uuid.test(id)
      ? Route.failure(request, 404, "not.found", `There is no DNC list with the id ${id}.`)
      : Route.failure(request, 400, "bad.request", "The id of the DNC list is not a valid UUID.")
  }
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const route = (lists: ReadonlyMap<string, List>): Route.Route => ({
  name: "list",
  method: "GET",
  path: /^\/api\/v2\/outbound\/dnclists\/([^/]+)$/,
  permissions: ["outbound:dncList:view"],
  handle: (request, id) => ({
    abandon: () => {},
    commit: () => {
      const found = find(lists, request, id)
      if ("refusal" in found) return found.refusal
      const { list } = found
      return Route.json(200, {
        id: list.id,
        name: list.name,
        dateCreated: new Date(list.dateCreated).toISOString(),
        dateModified: new Date(list.dateModified()).toISOString(),
        version: list.version(),
        ...(request.query.get("includeSize") === "true" ? { size: list.size() } : {}),
        dncSourceType: list.dncSourceType,
        contactMethod: "Phone",
        division,
        selfUri: `/api/v2/outbound/dnclists/${list.id}`
      })
    }
  })
})

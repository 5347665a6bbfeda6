/**
 * The DNC lists themselves: `/api/v2/outbound/dnclists`, one of them, and the simpler views by division.
 *
 * @since 0.1.0
 */
import { randomUUID } from "node:crypto"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Paging from "./Paging.js"
import * as Route from "./Route.js"
import * as State from "./State.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Division {
  readonly id: string
  readonly name: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The first one is the home division, of the lists that name none. */
  readonly divisions: ReadonlyArray<Division>
  /** The size of a list is reported as it was so long ago. */
  readonly sizeLagMs: number
  readonly maxBytes: number
  readonly now: () => number
}

/**
 * How far an import is, as `importStatus` says it: no state means that none is under way.
 *
 * @since 0.1.0
 * @category models
 */
export interface ImportStatus {
  readonly state?: "IN_PROGRESS" | "FAILED"
  readonly totalRecords: number
  readonly completedRecords: number
  readonly percentComplete: number
  readonly failureReason?: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Dependencies {
  readonly lists: Map<string, State.List>
  readonly importStatus: (list: State.List) => ImportStatus
  /** The names of the campaigns that use the list. */
  readonly usedBy: (list: State.List) => ReadonlyArray<string>
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const root = "/api/v2/outbound/dnclists"

/**
 * The list of that id, or the refusal of an id that no list has.
 *
 * @since 0.1.0
 */
export const find = (
  lists: ReadonlyMap<string, State.List>,
  request: Route.Request,
  id: string
): { readonly list: State.List } | { readonly refusal: Route.Reply } => {
  const list = lists.get(id.toLowerCase())
  if (list !== undefined) return { list }
  return {
    refusal: uuid.test(id)
      ? Route.failure(request, 404, "not.found", `There is no DNC list with the id ${id}.`)
      : Route.failure(request, 400, "bad.request", "The id of the DNC list is not a valid UUID.")
  }
}

/**
 * A reference to a list, as other bodies have it.
 *
 * @since 0.1.0
 */
export const reference = ({ id, name }: State.List) => ({ id, name, selfUri: `${root}/${id}` })

const Optional = Schema.optional(Schema.NullOr(Schema.String))
const Given = Schema.Struct({
  id: Optional,
  name: Schema.NonEmptyTrimmedString,
  version: Schema.optional(Schema.NullOr(Schema.Int)),
  dncSourceType: Schema.Literal("rds", "rds_custom", "dnc.com", "gryphon"),
  contactMethod: Schema.optional(Schema.NullOr(Schema.Literal("Email", "Phone", "Any", "WhatsApp"))),
  loginId: Optional,
  campaignId: Optional,
  dncCodes: Schema.optional(Schema.NullOr(Schema.Array(Schema.String))),
  licenseId: Optional,
  customExclusionColumn: Optional,
  division: Schema.optional(Schema.NullOr(Schema.Struct({ id: Schema.String, name: Optional, selfUri: Optional }))),
  dateCreated: Schema.optional(Schema.Unknown),
  dateModified: Schema.optional(Schema.Unknown),
  importStatus: Schema.optional(Schema.Unknown),
  size: Schema.optional(Schema.Unknown),
  selfUri: Schema.optional(Schema.Unknown)
})
type Given = typeof Given.Type

/** What a list of each source type must have. */
const needed = {
  rds: "contactMethod",
  rds_custom: "customExclusionColumn",
  "dnc.com": "loginId",
  gryphon: "licenseId"
} as const

const read = (
  request: Route.Request,
  maxBytes: number
): { readonly given: Given } | { readonly refusal: Route.Reply } => {
  const body = Route.readJson(request, maxBytes)
  if ("refusal" in body) return body
  const decoded = Schema.decodeUnknownEither(Given, { onExcessProperty: "error" })(body.value)
  if (Either.isRight(decoded)) return { given: decoded.right }
  const [issue] = ParseResult.ArrayFormatter.formatErrorSync(decoded.left)
  const fieldName = issue.path.map(String).join(".")
  const words = `The DNC list is not valid${fieldName === "" ? "" : ` at ${fieldName}`}: ${issue.message}`
  const details = [{ errorCode: "invalid.value", fieldName }]
  return { refusal: Route.failure(request, 400, "invalid.value", words, { details, violation: true }) }
}

const settings = ({ campaignId, dncCodes, licenseId, loginId, name }: Given): State.Settings => ({
  name,
  loginId: loginId ?? undefined,
  campaignId: campaignId ?? undefined,
  dncCodes: dncCodes ?? undefined,
  licenseId: licenseId ?? undefined
})

/**
 * The lists of a sandbox as it begins.
 *
 * @since 0.1.0
 */
export const initial = (
  lists: ReadonlyArray<State.ListOptions>,
  { now, sizeLagMs }: Options
): ReadonlyArray<readonly [string, State.List]> =>
  lists.map((list) => [list.id.toLowerCase(), State.make(list, now, sizeLagMs)])

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options, { importStatus, lists, usedBy }: Dependencies) => {
  const divisionOf = ({ divisionId = options.divisions[0]?.id }: State.List) => {
    const found = options.divisions.find(({ id }) => id === divisionId)
    return { id: divisionId, name: found?.name, selfUri: `/api/v2/authorization/divisions/${divisionId}` }
  }

  const asked = (request: Route.Request, list: State.List) => ({
    ...(request.query.get("includeImportStatus") === "true" ? { importStatus: importStatus(list) } : {}),
    ...(request.query.get("includeSize") === "true" ? { size: list.reportedSize() } : {})
  })

  const contactMethodOf = ({ contactMethod = "Phone", dncSourceType }: State.List) =>
    dncSourceType === "rds" ? contactMethod : undefined

  const render = (request: Route.Request, list: State.List) => ({
    id: list.id,
    name: list.name,
    dateCreated: new Date(list.dateCreated).toISOString(),
    dateModified: new Date(list.dateModified()).toISOString(),
    version: list.version(),
    ...asked(request, list),
    dncSourceType: list.dncSourceType,
    contactMethod: contactMethodOf(list),
    loginId: list.loginId,
    campaignId: list.campaignId,
    dncCodes: list.dncCodes,
    licenseId: list.licenseId,
    customExclusionColumn: list.customExclusionColumn,
    division: divisionOf(list),
    selfUri: `${root}/${list.id}`
  })

  const view = (request: Route.Request, list: State.List) => ({
    id: list.id,
    name: list.name,
    division: divisionOf(list),
    ...asked(request, list),
    dncSourceType: list.dncSourceType,
    contactMethod: contactMethodOf(list),
    selfUri: `${root}/divisionviews/${list.id}`
  })

  const listing = (request: Route.Request, one: typeof render | typeof view): Route.Reply => {
    const name = Paging.byName(request)
    if ("refusal" in name) return name.refusal
    const sourceType = request.query.get("dncSourceType")
    if (sourceType !== null && !(sourceType in needed)) {
      const words = `Value [${sourceType}] is not valid for field type [dncSourceType]. Allowable values are: ${Object.keys(needed).join(", ")}`
      return Route.failure(request, 400, "invalid.query.param.value", words, { violation: true })
    }
    const ids = Paging.many(request, "id")
    const divisionIds = Paging.many(request, "divisionId")
    const found = [...lists.values()].filter(
      (list) =>
        name.matches(list.name) &&
        (sourceType === null || list.dncSourceType === sourceType) &&
        (ids === undefined || ids.has(list.id)) &&
        (divisionIds === undefined || divisionIds.has(divisionOf(list).id))
    )
    const sorted = Paging.sort(request, found, {
      name: (list) => list.name.toLowerCase(),
      dateCreated: (list) => list.dateCreated,
      dateModified: (list) => list.dateModified(),
      dncSourceType: (list) => list.dncSourceType,
      size: (list) => list.reportedSize()
    })
    return Paging.page(request, sorted, (list) => one(request, list))
  }

  const refuse = (request: Route.Request, fieldName: string, message: string, violation = true): Route.Reply => {
    const details = [{ errorCode: "constraint.validation", fieldName }]
    return Route.failure(request, 400, "constraint.validation", message, { details, violation })
  }

  /** What is wrong with a new list, or with what a list is to become. */
  const fault = (request: Route.Request, given: Given, own?: State.List): Route.Reply | undefined => {
    const field = needed[given.dncSourceType]
    if ((given[field] ?? "") === "") {
      return refuse(request, field, `A list of the type ${given.dncSourceType} must have ${field}.`)
    }
    const name = given.name.toLowerCase()
    for (const list of lists.values()) {
      if (list !== own && list.name.toLowerCase() === name) {
        return refuse(request, "name", `There is another DNC list with the name ${given.name}.`, false)
      }
    }
    if (given.division && !options.divisions.some(({ id }) => id === given.division?.id)) {
      return refuse(request, "division", `There is no division with the id ${given.division.id}.`, false)
    }
    return undefined
  }

  const create = (request: Route.Request): Route.Reply => {
    const body = read(request, options.maxBytes)
    if ("refusal" in body) return body.refusal
    const { given } = body
    const faulty = fault(request, given)
    if (faulty !== undefined) return faulty
    const list = State.make(
      {
        ...settings(given),
        id: randomUUID(),
        dncSourceType: given.dncSourceType,
        contactMethod: given.contactMethod ?? undefined,
        customExclusionColumn: given.customExclusionColumn ?? undefined,
        divisionId: given.division?.id
      },
      options.now,
      options.sizeLagMs
    )
    lists.set(list.id, list)
    return Route.json(200, render(request, list))
  }

  const update = (request: Route.Request, list: State.List): Route.Reply => {
    const body = read(request, options.maxBytes)
    if ("refusal" in body) return body.refusal
    const { given } = body
    if (typeof given.version !== "number") return refuse(request, "version", "The version of the list must be there.")
    if (given.version !== list.version()) {
      const words = `The version ${given.version} does not match the current version ${list.version()}.`
      return Route.failure(request, 409, "general.conflict", words)
    }
    if (given.dncSourceType !== list.dncSourceType) {
      return refuse(request, "dncSourceType", "The type of a list cannot be changed.")
    }
    for (const field of ["contactMethod", "customExclusionColumn"] as const) {
      const value = given[field] ?? undefined
      if (value === undefined || value === (field === "contactMethod" ? contactMethodOf(list) : list[field])) continue
      return refuse(request, field, `${field} of a list cannot be changed.`)
    }
    const faulty = fault(request, given, list)
    if (faulty !== undefined) return faulty
    list.update(settings(given))
    return Route.json(200, render(request, list))
  }

  const remove = (request: Route.Request, list: State.List): Route.Reply => {
    const campaigns = usedBy(list)
    if (campaigns.length > 0) return refuse(request, "id", `The list is used by: ${campaigns.join(", ")}.`, false)
    lists.delete(list.id.toLowerCase())
    return { status: 200, headers: {}, body: "" }
  }

  const route = (
    name: "list" | "lists",
    method: Route.Route["method"],
    path: RegExp,
    permission: string,
    commit: (request: Route.Request) => Route.Reply
  ): Route.Route => ({
    name,
    method,
    path,
    permissions: [permission],
    handle: (request) => Route.turn(() => commit(request))
  })

  const one = (
    method: Route.Route["method"],
    permission: string,
    commit: (request: Route.Request, list: State.List) => Route.Reply,
    path = /^\/api\/v2\/outbound\/dnclists\/(?!(?:divisionviews|uploads)$)([^/]+)$/
  ): Route.Route => ({
    name: "list",
    method,
    path,
    permissions: [permission],
    handle: (request, id) =>
      Route.turn(() => {
        const found = find(lists, request, id)
        return "refusal" in found ? found.refusal : commit(request, found.list)
      })
  })

  const show = (request: Route.Request, list: State.List) => Route.json(200, render(request, list))
  const showView = (request: Route.Request, list: State.List) => Route.json(200, view(request, list))
  const all = /^\/api\/v2\/outbound\/dnclists$/

  return {
    /** What both contracts have. */
    shared: [one("GET", "outbound:dncList:view", show)],
    platform: [
      route("lists", "GET", all, "outbound:dncList:view", (request) => listing(request, render)),
      route("lists", "POST", all, "outbound:dncList:add", create),
      one("PUT", "outbound:dncList:edit", update),
      one("DELETE", "outbound:dncList:delete", remove),
      route("lists", "GET", /^\/api\/v2\/outbound\/dnclists\/divisionviews$/, "outbound:dncList:search", (request) =>
        listing(request, view)
      ),
      one("GET", "outbound:dncList:search", showView, /^\/api\/v2\/outbound\/dnclists\/divisionviews\/([^/]+)$/)
    ]
  } satisfies Readonly<Record<string, ReadonlyArray<Route.Route>>>
}

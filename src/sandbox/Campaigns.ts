/**
 * What somebody looks at around the lists: the campaigns that use them, the limits of the organization, and the way from
 * a conversation to its lists.
 *
 * @since 0.1.0
 */
import * as Contacts from "./Contacts.js"
import * as Paging from "./Paging.js"
import * as Route from "./Route.js"
import type { List } from "./State.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Campaign {
  readonly id: string
  readonly name: string
  /** `off` unless said otherwise. */
  readonly campaignStatus?: "on" | "stopping" | "off" | "complete" | "invalid"
  readonly dncListIds: ReadonlyArray<string>
}

/**
 * A call of a campaign.
 *
 * @since 0.1.0
 * @category models
 */
export interface Conversation {
  readonly id: string
  readonly campaignId: string
  /** E.164. */
  readonly phoneNumbers: ReadonlyArray<string>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The campaigns of the organization, and the lists that each one observes. */
  readonly campaigns: ReadonlyArray<Campaign>
  /** What `POST …/conversations/{id}/dnc` knows; it puts their numbers, for ever, on the lists of their campaigns. */
  readonly conversations: ReadonlyArray<Conversation>
  readonly maxListRecords: number
  readonly maxOrgRecords: number
}

const render = ({ campaignStatus = "off", dncListIds, id, name }: Campaign) => ({
  id,
  name,
  campaignStatus,
  dncLists: dncListIds.map((id) => ({ id, selfUri: `/api/v2/outbound/dnclists/${id}` })),
  selfUri: `/api/v2/outbound/campaigns/${id}`
})

/**
 * The names of the campaigns that use a list.
 *
 * @since 0.1.0
 */
export const using = ({ campaigns }: Options, listId: string): ReadonlyArray<string> =>
  campaigns.filter(({ dncListIds }) => dncListIds.includes(listId)).map(({ name }) => name)

/**
 * @since 0.1.0
 * @category constructors
 */
export const routes = (
  options: Options,
  { lists }: { readonly lists: ReadonlyMap<string, List> }
): ReadonlyArray<Route.Route> => {
  const listing = (request: Route.Request): Route.Reply => {
    const name = Paging.byName(request)
    if ("refusal" in name) return name.refusal
    const lists = Paging.many(request, "dncListIds")
    const found = options.campaigns.filter(
      (campaign) =>
        name.matches(campaign.name) && (lists === undefined || campaign.dncListIds.some((id) => lists.has(id)))
    )
    return Paging.page(request, Paging.sort(request, found, { name: (campaign) => campaign.name }), render)
  }

  /** On all lists of the campaign or on none. */
  const suppress = (request: Route.Request, id: string): Route.Reply => {
    const conversation = options.conversations.find((conversation) => conversation.id === id)
    const campaign = options.campaigns.find((campaign) => campaign.id === conversation?.campaignId)
    if (conversation === undefined || campaign === undefined) {
      return Route.failure(request, 404, "not.found", `There is no conversation with the id ${id}.`)
    }
    const { phoneNumbers } = conversation
    const observed = campaign.dncListIds.flatMap((id) => lists.get(id.toLowerCase()) ?? [])
    for (const list of observed) {
      const misfit = Contacts.misfit(list, "phonenumbers")
      if (misfit !== undefined) return Route.failure(request, 400, "dnc.source.operation.not.supported", misfit)
      const full = Contacts.overflow(options, lists, list, "phonenumbers", phoneNumbers, request)
      if (full !== undefined) return full
    }
    for (const list of observed) list.add("phonenumbers", phoneNumbers, null)
    return Route.noContent
  }

  const limits = () =>
    Route.json(200, {
      entities: [
        { key: "dnc.records.per.list", namespace: "outbound", value: options.maxListRecords },
        { key: "dnc.records.per.organization", namespace: "outbound", value: options.maxOrgRecords }
      ]
    })

  return [
    {
      name: "campaigns",
      method: "GET",
      path: /^\/api\/v2\/outbound\/campaigns$/,
      permissions: ["outbound:campaign:view"],
      handle: (request) => Route.turn(() => listing(request))
    },
    {
      name: "limits",
      method: "GET",
      path: /^\/api\/v2\/organizations\/limits\/namespaces\/outbound$/,
      permissions: [],
      handle: () => Route.turn(limits)
    },
    {
      name: "conversations",
      method: "POST",
      path: /^\/api\/v2\/outbound\/conversations\/([^/]+)\/dnc$/,
      permissions: ["outbound:dnc:add"],
      handle: (request, id) => Route.turn(() => suppress(request, id))
    }
  ]
}

/**
 * Putting contacts on a DNC list and taking them off as the published API has it: `POST`, `PATCH` and `DELETE` below
 * `/api/v2/outbound/dnclists/{id}`, for numbers, addresses and custom columns. No answer says what was there before.
 *
 * @since 0.1.0
 */
import * as Entries from "./Entries.js"
import * as Expiry from "./Expiry.js"
import * as Lists from "./Lists.js"
import * as Route from "./Route.js"
import * as State from "./State.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Numbers to refuse, and how a request that holds some is answered: as for the entries, with 400 in place of 422. */
  readonly refuse: Entries.Options["refuse"]
  readonly refusals: Entries.Options["refusals"]
  /** Contacts in one request of the published API, which says nothing of such a limit; more get 413. */
  readonly maxNumbersPlatform: number
  /** Records of one list. */
  readonly maxListRecords: number
  /** Records of all lists together. */
  readonly maxOrgRecords: number
  readonly maxBytes: number
  readonly now: () => number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Dependencies {
  readonly lists: ReadonlyMap<string, State.List>
}

/** The field of a PATCH, the contact method that takes the kind, and whether the kind has a POST and an expiry in it. */
const forms = {
  phonenumbers: { field: "phoneNumbers", method: "Phone", post: true, expiry: true },
  emailaddresses: { field: "emailAddresses", method: "Email", post: true, expiry: false },
  whatsappnumbers: { field: "whatsAppNumbers", method: "WhatsApp", post: false, expiry: false },
  customexclusioncolumns: { field: "customExclusionColumnEntries", method: undefined, post: false, expiry: false }
} as const satisfies Record<State.Kind, unknown>

/**
 * Why a list takes no contacts of a kind; `undefined` if it does.
 *
 * @since 0.1.0
 */
export const misfit = (list: State.ListOptions, kind: State.Kind): string | undefined => {
  const { method } = forms[kind]
  if (list.dncSourceType !== (method === undefined ? "rds_custom" : "rds")) {
    return "Only Internal DNC lists may be appended to"
  }
  const { contactMethod = "Phone" } = list
  if (method === undefined || contactMethod === "Any" || contactMethod === method) return undefined
  return `A list with the contact method ${contactMethod} takes no ${kind}`
}

/**
 * Why a contact is no good one of its kind; `undefined` if it is.
 *
 * @since 0.1.0
 */
export const flaw = (kind: State.Kind, contact: string): string | undefined => {
  switch (kind) {
    case "phonenumbers":
    case "whatsappnumbers":
      return State.parseE164(contact) === 0 ? "The phone number is not in E.164 format." : undefined
    case "emailaddresses":
      return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(contact) ? undefined : "The email address is not valid."
    case "customexclusioncolumns":
      return contact.trim() === "" ? "The entry is blank." : undefined
  }
}

/**
 * How many more records there is room for, in the list and in all of them.
 *
 * @since 0.1.0
 */
export const room = (
  options: Pick<Options, "maxListRecords" | "maxOrgRecords">,
  lists: ReadonlyMap<string, State.List>,
  list: State.List
) => {
  let all = 0
  for (const other of lists.values()) all += other.records()
  return { list: options.maxListRecords - list.records(), organization: options.maxOrgRecords - all }
}

/**
 * The refusal of contacts that a list, or all lists together, have no more room for.
 *
 * @since 0.1.0
 */
export const overflow = (
  options: Pick<Options, "maxListRecords" | "maxOrgRecords">,
  lists: ReadonlyMap<string, State.List>,
  list: State.List,
  kind: State.Kind,
  contacts: ReadonlyArray<string>,
  request: Route.Request
): Route.Reply | undefined => {
  const free = room(options, lists, list)
  if (contacts.length <= Math.min(free.list, free.organization)) return undefined
  const missing = list.missing(kind, contacts)
  const over = missing > free.list ? "list" : missing > free.organization ? "organization" : undefined
  if (over === undefined) return undefined
  const code = `dnc.records.per.${over}.limit.exceeded`
  const value = over === "list" ? options.maxListRecords : options.maxOrgRecords
  return Route.failure(request, 400, code, `The ${over} has reached the limit on total DNC records. See details`, {
    details: [{ errorCode: code, fieldName: forms[kind].field, entityId: list.id, entityName: list.name }],
    limit: { key: `dnc.records.per.${over}`, namespace: "outbound", value }
  })
}

interface Change {
  readonly action: "Add" | "Remove"
  readonly contacts: ReadonlyArray<string>
  readonly expires: string | null
}

type Read = Change | { readonly refusal: Route.Reply }

/**
 * @since 0.1.0
 * @category constructors
 */
export const routes = (options: Options, { lists }: Dependencies): ReadonlyArray<Route.Route> => {
  const unwanted = Entries.compile(options.refuse)

  const misshapen = (request: Route.Request, message: string, code = "invalid.property") => ({
    refusal: Route.failure(request, 400, code, message, { violation: true })
  })

  const readExpiry = (
    request: Route.Request,
    text: unknown
  ): { readonly expires: string | null } | { readonly refusal: Route.Reply } => {
    if (text === undefined || text === null) return { expires: null }
    const refuse = (code: string, message: string, violation: boolean) => {
      const details = [{ errorCode: code, fieldName: "expirationDateTime" }]
      return { refusal: Route.failure(request, 400, code, message, { details, violation }) }
    }
    const parsed = typeof text === "string" ? Expiry.parse(text, options.now()) : { fault: "form" }
    if ("expires" in parsed) return parsed
    if (parsed.fault === "form") {
      return refuse("invalid.date", "Dates must be specified as ISO-8601 strings: yyyy-MM-ddTHH:mmZ", true)
    }
    // one that is over may have passed on the way
    return refuse("invalid.date.value", "The date was invalid.", parsed.fault !== "past")
  }

  const readContacts = (
    request: Route.Request,
    field: string,
    value: unknown
  ): { readonly contacts: ReadonlyArray<string> } | { readonly refusal: Route.Reply } => {
    if (!Array.isArray(value) || value.some((contact) => typeof contact !== "string")) {
      return misshapen(request, `${field} must be an array of strings.`)
    }
    if (value.length <= options.maxNumbersPlatform) return { contacts: value }
    const words = `${field} holds ${value.length} entries; at most ${options.maxNumbersPlatform} are allowed.`
    return { refusal: Route.failure(request, 413, "request.entity.too.large", words) }
  }

  const readPost = (request: Route.Request, kind: State.Kind): Read => {
    const body = Route.readJson(request, options.maxBytes)
    if ("refusal" in body) return body
    const read = readContacts(request, "The body", body.value)
    if ("refusal" in read) return read
    const expiry = forms[kind].expiry ? readExpiry(request, request.query.get("expirationDateTime")) : { expires: null }
    return "refusal" in expiry ? expiry : { action: "Add", ...read, ...expiry }
  }

  const readPatch = (request: Route.Request, kind: State.Kind): Read => {
    const { field } = forms[kind]
    const body = Route.readJson(request, options.maxBytes)
    if ("refusal" in body) return body
    const { value } = body
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return misshapen(request, `The body must be an object with action, ${field} and expirationDateTime.`)
    }
    const unknown = Object.keys(value).filter((key) => !["action", field, "expirationDateTime"].includes(key))
    if (unknown.length > 0) return misshapen(request, `The body has fields that are not known: ${unknown.join(", ")}.`)
    const { action, expirationDateTime, [field]: contacts } = value as { readonly [field: string]: unknown }
    if (action !== "Add" && action !== "Remove") {
      const words = `Value [${action}] is not valid for field type [action]. Allowable values are: Add, Remove`
      return misshapen(request, words, "invalid.value")
    }
    const read = readContacts(request, field, contacts)
    if ("refusal" in read) return read
    const expiry = readExpiry(request, expirationDateTime)
    return "refusal" in expiry ? expiry : { action, ...read, ...expiry }
  }

  const apply = (request: Route.Request, list: State.List, kind: State.Kind, change: Change): Route.Reply => {
    const { field } = forms[kind]
    const refused: Array<Entries.Refusal> = []
    let violation: string | undefined
    for (const [index, phoneNumber] of change.contacts.entries()) {
      const bad = flaw(kind, phoneNumber)
      const message = bad ?? (change.action === "Add" ? unwanted?.(phoneNumber) : undefined)
      if (message !== undefined) refused.push({ index, phoneNumber, message })
      if (bad !== undefined) violation ??= `${field}[${index}]: ${bad} ${JSON.stringify(phoneNumber)}`
    }
    if (refused.length > 0 && options.refusals === "named") {
      return Entries.named(request, refused, violation, { status: 400, code: "constraint.validation", field })
    }
    if (refused.length > 0 && options.refusals === "silent") {
      const words = "The request cannot be processed."
      return Route.failure(request, 400, "constraint.validation", words, violation === undefined ? {} : { violation })
    }
    const taken = new Set(refused.map(({ index }) => index))
    const contacts = taken.size === 0 ? change.contacts : change.contacts.filter((_, index) => !taken.has(index))
    if (change.action === "Remove") {
      list.remove(kind, contacts)
    } else {
      const full = overflow(options, lists, list, kind, contacts, request)
      if (full !== undefined) return full
      list.add(kind, contacts, change.expires)
    }
    return { ...Route.noContent, violation }
  }

  const remove = (request: Route.Request, list: State.List, kind: State.Kind): Route.Reply => {
    const expiredOnly = request.query.get("expiredOnly") ?? "false"
    if (expiredOnly === "true") list.purge(kind)
    else if (expiredOnly === "false") list.clear(kind)
    else {
      const words = `Value [${expiredOnly}] is not valid for field type [expiredOnly]. Allowable values are: true, false`
      return Route.failure(request, 400, "invalid.query.param.value", words, { violation: true })
    }
    return Route.noContent
  }

  const route = (
    kind: State.Kind,
    method: "POST" | "PATCH" | "DELETE",
    permission: string,
    commit: (request: Route.Request, list: State.List) => Route.Reply
  ): Route.Route => ({
    name: kind,
    method,
    path: new RegExp(`^/api/v2/outbound/dnclists/([^/]+)/${kind}$`),
    permissions: [permission],
    handle: (request, id) =>
      Route.turn(() => {
        const found = Lists.find(lists, request, id)
        if ("refusal" in found) return found.refusal
        const words = misfit(found.list, kind)
        if (words !== undefined) return Route.failure(request, 400, "dnc.source.operation.not.supported", words)
        return commit(request, found.list)
      })
  })

  const changing = (kind: State.Kind, read: typeof readPost) => (request: Route.Request, list: State.List) => {
    const change = read(request, kind)
    return "refusal" in change ? change.refusal : apply(request, list, kind, change)
  }

  return State.kinds.flatMap((kind) => [
    ...(forms[kind].post ? [route(kind, "POST", "outbound:dnc:add", changing(kind, readPost))] : []),
    route(kind, "PATCH", "outbound:dnc:edit", changing(kind, readPatch)),
    route(kind, "DELETE", "outbound:dnc:delete", (request, list) => remove(request, list, kind))
  ])
}

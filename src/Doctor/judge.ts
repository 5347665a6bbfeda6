/**
 * What the facts about a list and its server mean for the work that is planned: pure.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as DncLists from "../DncLists.js"
import { type Asked, type Facts, type Finding, largestList, permissions, type Rate, type Work } from "../Doctor.js"

/**
 * What the facts mean, most basic first.
 *
 * @since 0.1.0
 */
export const judge = (facts: Facts): ReadonlyArray<Finding> => {
  const list = facts.list === undefined ? undefined : Option.getOrUndefined(Either.getRight(facts.list))
  const needed = Array.from(new Set(facts.work.flatMap((work) => permissions[work])))
  return [
    credentials(facts),
    theList(facts),
    ...(list === undefined ? skipped(["list type"], "the list is not known") : [listType(list, facts.work)]),
    ...needed.map((permission) => permissionOf(facts, permission)),
    list === undefined ? skip("campaigns", "the list is not known") : campaigns(facts),
    clock(facts.clockAhead),
    rate(facts.rate),
    ...(list === undefined
      ? skipped(["list size", "import"], "the list is not known")
      : [size(list, facts.work), theImport(list)])
  ]
}

const finding = (status: Finding["status"], check: string, message: string, fix?: string): Finding => ({
  check,
  status,
  message,
  ...(fix === undefined ? {} : { fix })
})

const skip = (check: string, why: string): Finding => finding("SKIP", check, `Not looked at: ${why}.`)

const skipped = (checks: ReadonlyArray<string>, why: string): ReadonlyArray<Finding> =>
  checks.map((check) => skip(check, why))

const leftOf = <A>(asked: Asked<A>) => (asked === undefined ? undefined : Option.getOrUndefined(Either.getLeft(asked)))

const credentials = ({ apiUrl, list, token }: Facts): Finding => {
  const check = "credentials and region"
  const refused = leftOf(token)
  if (refused !== undefined) {
    return finding(
      "FAIL",
      check,
      refused._tag === "Unauthorized"
        ? `No token: ${refused.message}.`
        : `No token, for a reason other than the credentials: ${refused.message}.`,
      refused._tag === "TransportError" || refused._tag === "UnexpectedResponse" || refused._tag === "NotFound"
        ? `${refused.hint} The hosts follow from GENESYSCLOUD_REGION (or GENESYS_DNC_API_URL and GENESYS_DNC_LOGIN_URL).`
        : refused.hint
    )
  }
  const error = leftOf(list)
  switch (error?._tag) {
    case "Unauthorized":
      return finding(
        "FAIL",
        check,
        `There is a token, but ${apiUrl} refuses it: it belongs to another region, or is no longer valid.`,
        "Set GENESYSCLOUD_REGION to the region of the org that the OAuth client is in, and get a new GENESYSCLOUD_ACCESS_TOKEN if that is what is used."
      )
    case "TransportError":
    case "RequestTimeout":
    case "UnexpectedResponse":
      return finding(
        "FAIL",
        check,
        `There is a token, but ${apiUrl} does not answer as it should: ${error.message}.`,
        error.hint
      )
    default:
      return finding("OK", check, `${apiUrl} takes the token.`)
  }
}

const theList = ({ asked, list, token }: Facts): Finding => {
  const check = "list"
  if (list === undefined || (token !== undefined && Either.isLeft(token))) return skip(check, "there is no token")
  if (Either.isRight(list)) return finding("OK", check, `"${list.right.name}" is there, with the id ${list.right.id}.`)
  const error = list.left
  switch (error._tag) {
    case "NotFound":
      return finding("FAIL", check, `There is no list "${asked}" that this client can see.`, error.hint)
    case "AmbiguousList":
      return finding("FAIL", check, `${error.message}.`, error.hint)
    case "Forbidden":
      return finding("FAIL", check, "The list may not be looked at.", grant("outbound:dncList:view"))
    case "Unauthorized":
    case "TransportError":
    case "RequestTimeout":
    case "UnexpectedResponse":
      return skip(check, "the API does not answer as it should")
    default:
      return finding("FAIL", check, `${error.message}.`, error.hint)
  }
}

const sourceTypes: Readonly<Record<string, string>> = {
  rds_custom: "Internal (custom columns)",
  "dnc.com": "DNC.com",
  gryphon: "Gryphon"
}

const listType = ({ contactMethod, dncSourceType }: DncLists.DncList, work: ReadonlyArray<Work>): Finding => {
  const check = "list type"
  if (dncSourceType !== undefined && dncSourceType !== "rds") {
    return finding(
      work.every((work) => work === "export") ? "WARN" : "FAIL",
      check,
      `The list's source is ${sourceTypes[dncSourceType] ?? dncSourceType}; only lists of the source Internal take phone numbers.`,
      "Choose an Internal list, or create one (Admin > Outbound > Do Not Contact Lists)."
    )
  }
  if (contactMethod !== undefined && contactMethod !== "Phone" && contactMethod !== "Any") {
    return finding(
      "FAIL",
      check,
      `The list is for ${contactMethod}, not for phone numbers.`,
      "Choose a list whose contact method is Phone or Any."
    )
  }
  return dncSourceType === undefined
    ? finding("WARN", check, "The server does not say of what source type the list is.")
    : finding("OK", check, `Internal, for ${contactMethod === "Any" ? "any contact method" : "phone numbers"}.`)
}

const grant = (permission: string): string =>
  `Give a role of the OAuth client the permission ${permission}, in the list's division (Admin > Roles/Permissions).`

const permissionOf = (facts: Facts, permission: string): Finding => {
  const check = `permission ${permission}`
  const absent = (): Finding => finding("FAIL", check, "The client does not have it.", grant(permission))
  if (permission === "outbound:dncList:view") {
    if (facts.list === undefined) return skip(check, "there is no token")
    const error = leftOf(facts.list)
    if (error === undefined || error._tag === "AmbiguousList") return finding("OK", check, "The client has it.")
    if (error._tag === "Forbidden") return absent()
    // a name is looked for among the lists, which takes the permission
    return error._tag === "NotFound" && !DncLists.isId(facts.asked)
      ? finding("OK", check, "The client has it.")
      : skip(check, "the list could not be asked for")
  }
  const asked =
    permission === "outbound:dnc:view"
      ? facts.view
      : permission === "outbound:dnc:edit"
        ? facts.edit
        : permission === "outbound:eventLog:view"
          ? facts.events
          : undefined
  if (permission === "outbound:dncList:upload" || permission === "outbound:dnc:delete") {
    return finding(
      "WARN",
      check,
      `Cannot be proved without ${permission === "outbound:dnc:delete" ? "deleting" : "beginning an upload"}.`,
      `Look in Admin > Roles/Permissions whether a role of the OAuth client has ${permission}.`
    )
  }
  if (asked === undefined) {
    return skip(
      check,
      facts.list !== undefined && Either.isRight(facts.list) ? "the list takes no numbers" : "the list is not known"
    )
  }
  if (Either.isRight(asked)) return finding("OK", check, "The client has it.")
  const error = asked.left
  if (error._tag === "Forbidden") return absent()
  if (permission === "outbound:dnc:view" && (error._tag === "NotFound" || error._tag === "BadRequest")) {
    return finding("OK", check, "The client has it; there is no export at present.")
  }
  if (permission === "outbound:dnc:edit" && error._tag === "BadRequest") {
    return finding(
      "WARN",
      check,
      "Most likely there, but not proved: an addition of no numbers was refused for what it says, not for want of the permission.",
      "Only a real change proves it: push a file of one number."
    )
  }
  return finding("WARN", check, `Could not be looked at: ${error.message}.`, error.hint)
}

const unheard =
  "A list that no campaign uses suppresses nothing, and callbacks that are scheduled already are never held against a list."

const campaigns = ({ campaigns }: Facts): Finding => {
  const check = "campaigns"
  if (campaigns === undefined) return skip(check, "the list is not known")
  if (Either.isLeft(campaigns)) {
    return campaigns.left._tag === "Forbidden"
      ? finding(
          "SKIP",
          check,
          `Not looked at: the client may not see campaigns. ${unheard}`,
          `${grant("outbound:campaign:view")} Or look yourself whether a campaign uses the list.`
        )
      : finding("SKIP", check, `Not looked at: ${campaigns.left.message}. ${unheard}`)
  }
  const used = campaigns.right
  if (used.length === 0) {
    return finding(
      "WARN",
      check,
      `No voice campaign that this client can see uses the list. ${unheard}`,
      "Add the list to the campaigns that must respect it (Admin > Outbound > Campaign Management)."
    )
  }
  const names = used
    .slice(0, 3)
    .map(({ name, status }) => (status === undefined ? `"${name}"` : `"${name}" (${status})`))
  return finding(
    "OK",
    check,
    `${used.length === 1 ? "1 campaign uses" : `${used.length} campaigns use`} the list: ${names.join(", ")}${used.length > 3 ? ", …" : ""}. Callbacks that are scheduled already are never held against it.`
  )
}

const clock = (ahead: number | undefined): Finding => {
  const check = "clock"
  if (ahead === undefined) return skip(check, "no answer said what time it is at the server")
  const off = Math.abs(ahead)
  const said = off < 1000 ? "agrees with" : `is ${span(off)} ${ahead > 0 ? "ahead of" : "behind"}`
  const message = `This machine's clock ${said} the server's.`
  if (off <= 30_000) return finding("OK", check, message)
  return finding(
    off > 300_000 ? "FAIL" : "WARN",
    check,
    `${message} Expiries are judged by it: ${
      ahead > 0
        ? "some would be taken for past, and others sent that are too far ahead for the server."
        : "some would be sent that have passed already, and others kept for ever for want of a date that the server would take."
    }`,
    "Set the clock (NTP)."
  )
}

const span = (milliseconds: number): string => {
  const seconds = Math.round(milliseconds / 1000)
  return seconds < 120
    ? `${seconds} s`
    : seconds < 7200
      ? `${Math.round(seconds / 60)} min`
      : `${Math.round(seconds / 3600)} h`
}

const rate = (rate: Rate | undefined): Finding => {
  const check = "request limit"
  if (rate === undefined) return skip(check, "no answer said how many requests are left")
  const left = Math.max(0, rate.allowed - rate.count)
  const message = `${left} of ${rate.allowed} requests are left${
    rate.resetSeconds === undefined ? "" : ` for the next ${rate.resetSeconds} s`
  }.`
  return left * 10 >= rate.allowed
    ? finding("OK", check, message)
    : finding(
        "WARN",
        check,
        `${message} Something else uses this client's limit.`,
        "Give this work an OAuth client of its own, or a lower --concurrency; it waits where it has to."
      )
}

const grouped = new Intl.NumberFormat("en-US")

const size = ({ size }: DncLists.DncList, work: ReadonlyArray<Work>): Finding => {
  const check = "list size"
  if (size === undefined) return skip(check, "the server does not say")
  const message = `${grouped.format(size)} of ${grouped.format(largestList)} entries.`
  const fix = "Take expired entries off the list, or use another; or ask Genesys Cloud to raise the limit."
  if (size < largestList * 0.9) return finding("OK", check, message)
  const adds = work.includes("add") || work.includes("upload")
  return size < largestList
    ? finding("WARN", check, `${message} It is nearly full.`, fix)
    : finding(adds ? "FAIL" : "WARN", check, `${message} It is full.`, fix)
}

const theImport = ({ importStatus }: DncLists.DncList): Finding => {
  const check = "import"
  const { completedRecords, failureReason, state, totalRecords } = importStatus ?? {}
  switch (state) {
    case "IN_PROGRESS":
      return finding(
        "WARN",
        check,
        `An import is under way${totalRecords === undefined ? "" : ` (${grouped.format(completedRecords ?? 0)} of ${grouped.format(totalRecords)})`}: what the list holds changes meanwhile.`,
        "Wait for its end; genesys-dnc lists shows it."
      )
    case "FAILED":
      return finding(
        "WARN",
        check,
        `The last import failed${failureReason === undefined ? "" : `: ${failureReason}`}.`,
        "Find out whether its rows are on the list; the outbound event log says more."
      )
    default:
      return finding("OK", check, "None is under way.")
  }
}

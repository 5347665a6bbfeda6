/**
 * Whether the work that is planned for a list can succeed, and would have an effect: facts are gathered without changing
 * anything, and judged apart from it.
 *
 * @since 0.1.0
 */
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { Auth } from "./Auth.js"
import * as Contract from "./Contract.js"
import * as DncLists from "./DncLists.js"
import { judge } from "./Doctor/judge.js"
import type { GenesysError } from "./GenesysError.js"
import { HttpClient } from "./HttpClient.js"

export { judge } from "./Doctor/judge.js"

/**
 * What may be planned for a list.
 *
 * @since 0.1.0
 * @category models
 */
export const works = ["add", "remove", "export", "upload", "expire"] as const

/**
 * @since 0.1.0
 * @category models
 */
export type Work = (typeof works)[number]

/**
 * The permissions that each work needs, as the platform publishes them.
 *
 * @since 0.1.0
 * @category models
 */
export const permissions: Readonly<Record<Work, ReadonlyArray<string>>> = {
  add: ["outbound:dncList:view", "outbound:dnc:edit"],
  remove: ["outbound:dncList:view", "outbound:dnc:edit"],
  export: ["outbound:dncList:view", "outbound:dnc:view"],
  upload: ["outbound:dncList:view", "outbound:dnc:view", "outbound:dncList:upload", "outbound:eventLog:view"],
  expire: ["outbound:dncList:view", "outbound:dnc:view", "outbound:dnc:edit", "outbound:dnc:delete"]
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Finding {
  /** What was looked at, such as `credentials` or `permission outbound:dnc:edit`. */
  readonly check: string
  readonly status: "OK" | "WARN" | "FAIL" | "SKIP"
  readonly message: string
  /** What to do about it. */
  readonly fix?: string
}

/**
 * What a question was answered: `undefined` where it was not asked, for want of something before it.
 *
 * @since 0.1.0
 * @category models
 */
export type Asked<A> = Either.Either<A, GenesysError | DncLists.AmbiguousList> | undefined

/**
 * @since 0.1.0
 * @category models
 */
export interface Campaign {
  readonly name: string
  /** `on`, `off`, `complete`, …; whether it dials now. */
  readonly status: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Facts {
  readonly apiUrl: string
  /** The list as it was asked for: a name or an id. */
  readonly asked: string
  readonly work: ReadonlyArray<Work>
  readonly token: Asked<void>
  readonly list: Asked<DncLists.DncList>
  /** The export, which tells whether `outbound:dnc:view` is there. */
  readonly view: Asked<unknown>
  /** An addition of no numbers, which tells whether `outbound:dnc:edit` is there. */
  readonly edit: Asked<unknown>
  readonly events: Asked<unknown>
  /** Campaigns that use the list. */
  readonly campaigns: Asked<ReadonlyArray<Campaign>>
  /** How far this machine's clock is ahead of the server's, in milliseconds; `undefined` where it did not say. */
  readonly clockAhead: number | undefined
  readonly rate: Rate | undefined
}

/**
 * The request limit as an answer's headers give it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rate {
  readonly allowed: number
  readonly count: number
  /** Until the count begins anew. */
  readonly resetSeconds: number | undefined
}

/**
 * Entries on one list at most, as far as is known.
 *
 * @since 0.1.0
 */
export const largestList = 1_000_000

/**
 * Gathers the facts and judges them.
 *
 * @since 0.1.0
 */
export const examine = (
  list: string,
  work: ReadonlyArray<Work> = ["add"]
): Effect.Effect<ReadonlyArray<Finding>, never, Auth | HttpClient> => Effect.map(gather(list, work), judge)

/** What each answer's headers showed. */
interface Sample {
  readonly sentAt: number
  readonly answeredAt: number
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Asks the server; only what the work needs, and nothing that would change the list. `outbound:dnc:edit` is looked for by
 * adding an empty array: whatever a server makes of that, no suppression can get lost by it.
 *
 * @since 0.1.0
 */
export const gather = Effect.fn("genesys-dnc/Doctor.gather")(function* (
  asked: string,
  work: ReadonlyArray<Work>
): Effect.fn.Return<Facts, never, Auth | HttpClient> {
  const auth = yield* Auth
  const inner = yield* HttpClient
  const samples: Array<Sample> = []
  const client = HttpClient.of({
    ...inner,
    execute: (request) =>
      Effect.gen(function* () {
        const sentAt = yield* Clock.currentTimeMillis
        const answer = yield* inner.execute(request)
        samples.push({ sentAt, answeredAt: yield* Clock.currentTimeMillis, headers: answer.headers })
        return answer
      })
  })
  const needed = new Set(work.flatMap((work) => permissions[work]))

  const token = yield* Effect.either(Effect.asVoid(auth.token))
  const list = Either.isLeft(token)
    ? undefined
    : yield* Effect.either(Effect.provideService(DncLists.resolve(asked), HttpClient, client))
  const found = list !== undefined && Either.isRight(list) ? list.right : undefined
  const ask = <A>(permission: string, effect: (path: string) => Effect.Effect<A, GenesysError>) =>
    found === undefined || !needed.has(permission)
      ? Effect.succeed(undefined)
      : Effect.either(effect(Contract.listPath(found.id)))
  const takesNumbers = (found?.dncSourceType ?? "rds") === "rds"

  const view = yield* ask("outbound:dnc:view", (path) => client.execute(HttpClientRequest.get(`${path}/export`)))
  const edit = takesNumbers
    ? yield* ask("outbound:dnc:edit", (path) =>
        client.execute(
          HttpClientRequest.patch(`${path}/phonenumbers`).pipe(
            HttpClientRequest.bodyUnsafeJson({ action: "Add", phoneNumbers: [] })
          )
        )
      )
    : undefined
  const events = yield* ask("outbound:eventLog:view", () =>
    client.execute(
      HttpClientRequest.get("/api/v2/outbound/events").pipe(
        HttpClientRequest.setUrlParams({ pageSize: 1, category: "DNC_LIST" })
      )
    )
  )
  const campaigns = found === undefined ? undefined : yield* Effect.either(campaignsOf(client, found.id))
  return {
    apiUrl: inner.apiUrl,
    asked,
    work,
    token,
    list,
    view,
    edit,
    events,
    campaigns,
    clockAhead: clockAhead(samples),
    rate: samples.reduce<Rate | undefined>((last, { headers }) => rateOf(headers) ?? last, undefined)
  }
})

/**
 * True where the work cannot succeed.
 *
 * @since 0.1.0
 * @category predicates
 */
export const hasFailed = (findings: ReadonlyArray<Finding>): boolean => findings.some(({ status }) => status === "FAIL")

const Campaigns = Schema.Struct({
  entities: Schema.optionalWith(
    Schema.Array(
      Schema.Struct({
        name: Schema.optionalWith(Schema.String, { default: () => "", nullable: true }),
        campaignStatus: Schema.optionalWith(Schema.String, { nullable: true }),
        dncLists: Schema.optionalWith(
          Schema.Array(Schema.Struct({ id: Schema.optionalWith(Schema.String, { nullable: true }) })),
          { nullable: true }
        )
      })
    ),
    { default: () => [], nullable: true }
  ),
  pageCount: Schema.optionalWith(Schema.Number, { nullable: true })
})

/** Looks itself at the lists of each: a filter that is not known to a server is passed over in silence. */
const campaignsOf = (client: typeof HttpClient.Service, dncListId: string) =>
  Effect.gen(function* () {
    const found: Array<Campaign> = []
    for (let pageNumber = 1, pages = 1; pageNumber <= Math.min(pages, DncLists.mostPages); pageNumber++) {
      const answer = yield* client.execute(
        HttpClientRequest.get("/api/v2/outbound/campaigns").pipe(
          HttpClientRequest.setUrlParams({ pageSize: DncLists.pageSize, pageNumber, dncListIds: dncListId })
        )
      )
      const { entities, pageCount } = yield* DncLists.decode(Campaigns, answer, "campaigns")
      pages = pageCount ?? (entities.length === DncLists.pageSize ? pageNumber + 1 : pageNumber)
      for (const { campaignStatus, dncLists, name } of entities) {
        if (dncLists?.some(({ id }) => id?.toLowerCase() === dncListId.toLowerCase())) {
          found.push({ name, status: campaignStatus })
        }
      }
    }
    return found
  })

/** By the answer that was the quickest: the server's `Date` is of some moment on the way, cut to the second. */
const clockAhead = (samples: ReadonlyArray<Sample>): number | undefined => {
  const best = samples
    .flatMap(({ answeredAt, headers, sentAt }) => {
      const date = Date.parse(headers["date"] ?? "")
      return Number.isNaN(date) ? [] : [{ answeredAt, date, sentAt }]
    })
    .sort((a, b) => a.answeredAt - a.sentAt - (b.answeredAt - b.sentAt))
    .at(0)
  if (best === undefined) return undefined
  const { answeredAt, date, sentAt } = best
  if (date > answeredAt) return answeredAt - date
  return date + 1000 < sentAt ? sentAt - date - 1000 : 0
}

const rateOf = (headers: Readonly<Record<string, string>>): Rate | undefined => {
  const number = (name: string) => {
    const text = headers[`inin-ratelimit-${name}`]
    return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text)
  }
  const [allowed, count] = [number("allowed"), number("count")]
  return allowed === undefined || count === undefined ? undefined : { allowed, count, resetSeconds: number("reset") }
}

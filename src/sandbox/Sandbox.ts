/**
 * A stand-in for Genesys Cloud: an HTTP server on this machine that speaks the entries contract and the published API,
 * keeps what it is given, goes wrong when asked to, and counts everything. It is another machine to its clients, so it lives by the wall clock
 * even in a program that runs on a test clock.
 *
 * @since 0.1.0
 */
import { randomUUID } from "node:crypto"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Reason } from "../DncEntry.js"
import * as Control from "./Control.js"
import * as Entries from "./Entries.js"
import type * as Events from "./Events.js"
import * as Faults from "./Faults.js"
import * as Idempotency from "./Idempotency.js"
import * as Journal from "./Journal.js"
import * as Lists from "./Lists.js"
import * as OAuth from "./OAuth.js"
import * as Platform from "./Platform.js"
import * as RateLimit from "./RateLimit.js"
import type * as Route from "./Route.js"
import * as Router from "./Router.js"
import * as Server from "./Server.js"
import * as State from "./State.js"
import type { Contact } from "./Table.js"
import * as Webhooks from "./Webhooks.js"

export {
  /**
   * The sandbox could not start.
   *
   * @since 0.1.0
   * @category errors
   */
  SandboxError
} from "./Server.js"

/**
 * The id of the list that is there by default.
 *
 * @since 0.1.0
 */
export const defaultListId = "0ffca115-cafe-4ace-a11c-facade0ca115"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options
  extends Server.Options,
    OAuth.Options,
    Entries.Options,
    Idempotency.Options,
    RateLimit.Options,
    Webhooks.Options,
    Platform.Options {
  /** Which routes there are: those of one contract alone, or of both. Reading a list belongs to both. */
  readonly contract: "entries" | "platform" | "both"
  /** The first one is the sandbox's `listId`. */
  readonly lists: ReadonlyArray<State.ListOptions>
  /** Latency and faults from the start; what is not named is off. */
  readonly faults: Partial<Faults.Rates>
  /** Of the generator that draws faults and jitter. */
  readonly seed: number
  /** Whether the endpoints below `/sandbox` are there. */
  readonly control: boolean
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const defaults: Options = {
  host: "127.0.0.1",
  port: 0,
  contract: "both",
  lists: [{ id: defaultListId, name: "Sandbox", dncSourceType: "rds" }],
  clientId: "sandbox",
  clientSecret: "sandbox",
  tokenLifetimeSeconds: 86_400,
  permissions: Platform.permissions,
  refuse: [],
  refusals: "named",
  maxNumbers: 499,
  maxNumbersPlatform: 1000,
  maxBytes: 512_000,
  maxListRecords: 1_000_000,
  maxOrgRecords: 2_000_000,
  maxUploadBytes: 268_435_456,
  divisions: [{ id: "0ffca115-cafe-4ace-b1de-0de0fade0d1e", name: "Home" }],
  campaigns: [],
  conversations: [],
  sizeLagMs: 0,
  exportDelayMs: 100,
  importDelayMs: 100,
  importFailure: undefined,
  uploadMode: "append",
  idempotency: "replay",
  idempotencyRetentionSeconds: 86_400,
  maxKeys: 100_000,
  rateLimit: undefined,
  webhookTries: 3,
  webhookBackoffMs: 100,
  webhookTimeoutMs: 5000,
  faults: {},
  seed: 1,
  control: false,
  now: () => Date.now()
}

/**
 * An entry to begin with: no reason means `UNSPECIFIED`, no expiry for ever.
 *
 * @since 0.1.0
 * @category models
 */
export interface SeedEntry {
  /** E.164. */
  readonly phoneNumber: string
  readonly reason?: Reason
  readonly expires?: string | null
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** `http://127.0.0.1:…`, both for the API and for tokens. */
  readonly url: string
  readonly port: number
  readonly listId: string
  readonly clientId: string
  readonly clientSecret: string
  /** What is on a list now, by default on `listId`; nothing for a list that is not there. */
  readonly entries: (listId?: string) => Iterable<State.ListEntry>
  /** As `entries`, for any kind of contacts. */
  readonly contacts: (kind: State.Kind, listId?: string) => Iterable<Contact>
  /** Puts entries on a list without a request and without events. */
  readonly seed: (entries: Iterable<SeedEntry>, listId?: string) => Effect.Effect<void>
  readonly inject: (...faults: ReadonlyArray<Faults.Fault>) => Effect.Effect<void>
  readonly faults: Effect.Effect<Faults.Snapshot>
  readonly stats: Effect.Effect<Journal.Stats>
  readonly webhooks: Effect.Effect<ReadonlyArray<Webhooks.Webhook>>
  readonly deliveries: Effect.Effect<ReadonlyArray<Webhooks.Delivery>>
  /** Waits until no event is under way. */
  readonly delivered: Effect.Effect<void>
  /** The event log, the oldest event first. */
  readonly events: Effect.Effect<ReadonlyArray<Events.Event>>
  /** Waits until no uploaded file is being imported. */
  readonly imported: Effect.Effect<void>
  /** Lists, keys, webhooks, events, counts and faults are as they were at the start; tokens stay good. */
  readonly reset: Effect.Effect<void>
}

/**
 * @since 0.1.0
 * @category tags
 */
export class Sandbox extends Context.Tag("genesys-dnc/Sandbox")<Sandbox, Service>() {}

/**
 * Starts a sandbox that listens until the scope is closed.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import { Faults, Sandbox } from "genesys-dnc/sandbox"
 *
 * const program = Effect.gen(function* () {
 *   const sandbox = yield* Sandbox.make({ rateLimit: { requests: 300, windowSeconds: 60 } })
 *   yield* sandbox.inject(Faults.failNext(2, 503))
 *   console.log(Sandbox.describe(sandbox))
 * }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (partial: Partial<Options> = {}): Effect.Effect<Service, Server.SandboxError, Scope.Scope> =>
  Effect.gen(function* () {
    const options: Options = { ...defaults, ...partial }
    const lists = new Map(Lists.initial(options.lists, options))
    const listId = options.lists[0]?.id ?? defaultListId
    const journal = Journal.make(options)
    const faults = Faults.make(options.faults, options.seed)
    const keys = Idempotency.make(options)
    const rateLimit = RateLimit.make(options)
    const oauth = OAuth.make(options, journal.tokenIssued)
    const webhooks = yield* Webhooks.make(options, { keys })
    const platform = yield* Platform.make(options, { lists })

    const inject = (fault: Faults.Fault) => (fault.type === "expireTokens" ? oauth.expire() : faults.add(fault))

    const publish = (
      list: State.List,
      phoneNumbers: ReadonlyArray<string>,
      { expires, reason }: Entries.Body,
      request: Route.Request
    ) =>
      webhooks.publish({
        id: randomUUID(),
        eventType: "OUTBOUND_DNCLIST_ENTRY_CREATED",
        timestamp: new Date(options.now()).toISOString(),
        dncListId: list.id,
        entries: phoneNumbers.map((phoneNumber) => ({ phoneNumber, reason, expires })),
        correlationId: request.correlationId
      })

    const reset = () => {
      platform.clear()
      lists.clear()
      for (const [id, list] of Lists.initial(options.lists, options)) lists.set(id, list)
      keys.clear()
      rateLimit.clear()
      faults.clear()
      journal.clear()
      webhooks.clear()
    }

    const entries = [
      Entries.route(options, { lists, keys, onCreated: () => (webhooks.isHeard() ? publish : undefined) }),
      webhooks.route
    ]
    const routes = [
      ...oauth.routes,
      ...platform.shared,
      ...(options.contract === "platform" ? [] : entries),
      ...(options.contract === "entries" ? [] : platform.routes)
    ]
    const control = Control.routes({
      lists,
      maxBytes: options.maxBytes,
      inject,
      faults: faults.snapshot,
      stats: journal.stats,
      reset
    })
    const router = Router.make(options.control ? [...routes, ...control] : routes, oauth, rateLimit)
    const port = yield* Server.make(options, { router, faults, journal })
    const host = options.host.includes(":") ? `[${options.host}]` : options.host

    return {
      url: `http://${host}:${port}`,
      port,
      listId,
      clientId: options.clientId,
      clientSecret: options.clientSecret,
      entries: (id = listId) => lists.get(id.toLowerCase())?.entries() ?? [],
      contacts: (kind, id = listId) => lists.get(id.toLowerCase())?.contacts(kind) ?? [],
      seed: (entries, id = listId) =>
        Effect.sync(() => {
          const list = lists.get(id.toLowerCase())
          if (list === undefined) throw new Error(`The sandbox has no list ${id}.`)
          for (const { expires = null, phoneNumber, reason = "UNSPECIFIED" } of entries) {
            if (State.parseE164(phoneNumber) === 0) throw new Error(`Not in E.164 format: ${phoneNumber}`)
            list.put([phoneNumber], reason, expires)
          }
        }),
      inject: (...faults) => Effect.sync(() => faults.forEach(inject)),
      faults: Effect.sync(faults.snapshot),
      stats: Effect.sync(journal.stats),
      webhooks: Effect.sync(webhooks.registered),
      deliveries: Effect.sync(webhooks.deliveries),
      delivered: webhooks.settled,
      events: Effect.sync(platform.events),
      imported: platform.imported,
      reset: Effect.sync(reset)
    } satisfies Service
  }).pipe(Effect.withClock(Clock.make()))

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Partial<Options>): Layer.Layer<Sandbox, Server.SandboxError> =>
  Layer.scoped(Sandbox, make(options))

/**
 * What somebody needs to know to use a running sandbox: the variables that point the command and the library to it.
 *
 * @since 0.1.0
 */
export const describe = (sandbox: Service): string =>
  [
    `Genesys Cloud sandbox at ${sandbox.url}, DNC list ${sandbox.listId}`,
    "",
    `export GENESYS_DNC_API_URL=${sandbox.url}`,
    `export GENESYSCLOUD_OAUTHCLIENT_ID=${sandbox.clientId}`,
    `export GENESYSCLOUD_OAUTHCLIENT_SECRET=${sandbox.clientSecret}`,
    `export GENESYS_DNC_LIST=${sandbox.listId}`
  ].join("\n")

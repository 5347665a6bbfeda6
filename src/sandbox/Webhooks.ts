/**
 * The compliance webhook: registration at `POST /api/v2/platform/webhooks`, and the events that tell its targets of new
 * entries. No event body is published; this one is the sandbox's own.
 *
 * @since 0.1.0
 */
import { randomUUID } from "node:crypto"
import * as Http from "node:http"
import * as Https from "node:https"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberId from "effect/FiberId"
import * as FiberSet from "effect/FiberSet"
import * as ParseResult from "effect/ParseResult"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { digest } from "./Entries.js"
import * as Idempotency from "./Idempotency.js"
import * as Route from "./Route.js"
import type { ListEntry } from "./State.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options extends Pick<Idempotency.Options, "idempotency"> {
  /** Attempts for each event and target. */
  readonly webhookTries: number
  /** The wait before the second attempt; doubled before each further one. */
  readonly webhookBackoffMs: number
  /** An attempt without a complete answer fails after so long. */
  readonly webhookTimeoutMs: number
  readonly maxBytes: number
  readonly now: () => number
}

/** HTTPS, or HTTP to this machine; anything else would send phone numbers in clear over a network. */
const isAllowedTarget = (text: string): boolean => {
  if (!URL.canParse(text)) return false
  const { hostname, protocol } = new URL(text)
  return protocol === "https:" || (protocol === "http:" && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname))
}

/**
 * What the entries contract registers.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Registration = Schema.Struct({
  name: Schema.NonEmptyString,
  description: Schema.optional(Schema.String),
  enabled: Schema.Boolean,
  eventDefinition: Schema.Struct({ eventType: Schema.Literal("OUTBOUND_DNCLIST_ENTRY_CREATED") }),
  httpTarget: Schema.Struct({
    url: Schema.String.pipe(
      Schema.filter((text) => isAllowedTarget(text) || "a target must be https, or http to the loopback interface")
    ),
    httpMethod: Schema.Literal("POST"),
    contentType: Schema.Literal("application/json"),
    authentication: Schema.Struct({ authenticationType: Schema.Literal("NONE") })
  })
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Webhook extends Schema.Schema.Type<typeof Registration> {
  readonly id: string
}

/**
 * The body that a target receives for the new entries of one request.
 *
 * @since 0.1.0
 * @category models
 */
export interface Event {
  readonly id: string
  readonly eventType: "OUTBOUND_DNCLIST_ENTRY_CREATED"
  readonly timestamp: string
  readonly dncListId: string
  readonly entries: ReadonlyArray<ListEntry>
  /** That of the request which created the entries. */
  readonly correlationId: string
}

/**
 * One attempt at a delivery: a status, or why there was none.
 *
 * @since 0.1.0
 * @category models
 */
export type Attempt = { readonly status: number } | { readonly error: string }

/**
 * One event on its way to one target.
 *
 * @since 0.1.0
 * @category models
 */
export interface Delivery {
  readonly eventId: string
  readonly webhookId: string
  readonly url: string
  readonly entries: number
  readonly attempts: ReadonlyArray<Attempt>
  /** Delivered means answered with 2xx; a redirect is never followed and counts as a failure. */
  readonly state: "pending" | "delivered" | "failed"
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Webhooks {
  readonly route: Route.Route
  readonly registered: () => ReadonlyArray<Webhook>
  /** The latest ten thousand. */
  readonly deliveries: () => ReadonlyArray<Delivery>
  /** Whether an event would go anywhere. */
  readonly isHeard: () => boolean
  /** Sends an event to all enabled targets in the background. */
  readonly publish: (event: Event) => void
  /** Waits until no delivery is under way. */
  readonly settled: Effect.Effect<void>
  /** Forgets everything and interrupts what is under way. */
  readonly clear: () => void
}

const mostDeliveries = 10_000
const openDeliveries = 16

class NotDelivered extends Schema.TaggedError<NotDelivered>("genesys-dnc/NotDelivered")("NotDelivered", {
  reason: Schema.String
}) {}

/** One POST on a connection of its own, so that none stays open behind the sandbox. */
const post = (url: string, body: string): Effect.Effect<number, NotDelivered> =>
  Effect.async((resume) => {
    const { request } = url.startsWith("https:") ? Https : Http
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) }
    const outgoing = request(url, { method: "POST", agent: false, headers }, (incoming) => {
      incoming.resume()
      incoming.once("end", () => resume(Effect.succeed(incoming.statusCode ?? 0)))
      incoming.once("error", fail)
    })
    const fail = (error: NodeJS.ErrnoException) =>
      resume(Effect.fail(new NotDelivered({ reason: error.code ?? error.message })))
    outgoing.on("error", fail)
    outgoing.end(body)
    return Effect.sync(() => outgoing.destroy())
  })

/**
 * Closing the scope interrupts what is still being delivered.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options,
  { keys }: { readonly keys: Idempotency.Idempotency }
): Effect.Effect<Webhooks, never, Scope.Scope> =>
  Effect.gen(function* () {
    const fibers = yield* FiberSet.make()
    const run = yield* FiberSet.runtime(fibers)<never>()
    const permits = yield* Effect.makeSemaphore(openDeliveries)
    const webhooks = new Map<string, Webhook>()
    const deliveries: Array<{ -readonly [K in keyof Delivery]: Delivery[K] }> = []
    const backOff = Schedule.exponential(options.webhookBackoffMs).pipe(
      Schedule.intersect(Schedule.recurs(options.webhookTries - 1))
    )

    const deliver = (webhook: Webhook, event: Event, body: string) => {
      const url = webhook.httpTarget.url
      const delivery: (typeof deliveries)[number] = {
        eventId: event.id,
        webhookId: webhook.id,
        url,
        entries: event.entries.length,
        attempts: [],
        state: "pending"
      }
      deliveries.push(delivery)
      if (deliveries.length > mostDeliveries) deliveries.shift()
      const record = (attempt: Attempt) => {
        delivery.attempts = [...delivery.attempts, attempt]
      }
      const attempt = post(url, body).pipe(
        Effect.timeoutFail({
          duration: options.webhookTimeoutMs,
          onTimeout: () => new NotDelivered({ reason: `no answer within ${options.webhookTimeoutMs} ms` })
        }),
        Effect.tapBoth({
          onSuccess: (status) => Effect.sync(() => record({ status })),
          onFailure: ({ reason }) => Effect.sync(() => record({ error: reason }))
        }),
        Effect.filterOrFail(
          (status) => status >= 200 && status < 300,
          (status) => new NotDelivered({ reason: `answered ${status}` })
        ),
        permits.withPermits(1)
      )
      return attempt.pipe(
        Effect.retry(backOff),
        Effect.matchEffect({
          onSuccess: () => Effect.logDebug(`event ${event.id} delivered to webhook ${webhook.id}`),
          onFailure: ({ reason }) =>
            Effect.logWarning(`event ${event.id} not delivered to webhook ${webhook.id}: ${reason}`)
        }),
        Effect.ensuring(
          Effect.sync(() => {
            const last = delivery.attempts.at(-1)
            const delivered = last !== undefined && "status" in last && last.status >= 200 && last.status < 300
            delivery.state = delivered ? "delivered" : "failed"
          })
        )
      )
    }

    const handle = (request: Route.Request): Route.Turn => {
      const read = Route.readJson(request, options.maxBytes)
      if ("refusal" in read) return Route.answer(read.refusal)
      const decoded = Schema.decodeUnknownEither(Registration, { onExcessProperty: "error" })(read.value)
      if (Either.isLeft(decoded)) {
        const [issue] = ParseResult.ArrayFormatter.formatErrorSync(decoded.left)
        const fieldName = issue.path.map(String).join(".")
        const words = `The webhook is not valid${fieldName === "" ? "" : ` at ${fieldName}`}: ${issue.message}`
        const details = [{ errorCode: "invalid.value", fieldName }]
        return Route.answer(Route.failure(request, 400, "invalid.value", words, { details, violation: true }))
      }
      const register = () => {
        const webhook = { id: randomUUID(), ...decoded.right }
        webhooks.set(webhook.id, webhook)
        return Route.json(200, webhook)
      }
      // the contract asks for no key here, but one that comes is honoured
      const key = request.headers["idempotency-key"]
      if (typeof key !== "string" || key === "") return Route.turn(register)
      const claim = keys.claim(key, `webhook ${digest(request.body)}`)
      const repeated = Idempotency.repetition(request, claim, options.idempotency)
      if (repeated !== undefined) return Route.answer(repeated)
      return {
        abandon: () => keys.release(key),
        commit: () => {
          const reply = register()
          keys.keep(key, reply)
          return reply
        }
      }
    }

    return {
      route: {
        name: "webhooks",
        method: "POST",
        path: /^\/api\/v2\/platform\/webhooks$/,
        permissions: [],
        handle
      },
      registered: () => [...webhooks.values()],
      deliveries: () => deliveries.map((delivery) => ({ ...delivery })),
      isHeard: () => [...webhooks.values()].some(({ enabled }) => enabled),
      publish: (event) => {
        const body = JSON.stringify(event)
        for (const webhook of webhooks.values()) {
          if (webhook.enabled) run(deliver(webhook, event, body))
        }
      },
      settled: FiberSet.awaitEmpty(fibers),
      clear: () => {
        for (const fiber of fibers) fiber.unsafeInterruptAsFork(FiberId.none)
        webhooks.clear()
        deliveries.length = 0
      }
    }
  })

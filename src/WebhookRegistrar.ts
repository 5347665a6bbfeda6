/**
 * Registers the webhook by which a compliance platform learns of new entries.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as AuditLog from "./AuditLog.js"
import { type AuditError, AuditSink } from "./AuditSink.js"
import { digestUuid } from "./DncSubmitter/keys.js"
import type { GenesysError } from "./GenesysError.js"
import * as GenesysErrors from "./GenesysError.js"
import { HttpClient } from "./HttpClient.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Webhook {
  /** Name and URL together identify a webhook; the same pair is registered once. */
  readonly name: string
  /** Where events are posted: `https:`, or `http:` on this machine. */
  readonly url: string
  readonly description?: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Registration {
  readonly id: string
  readonly name: string
  /** Its query is shown as `?***`, as it may be a key to the target; its path is shown. */
  readonly url: string
  /** SHA-256 in hex of the whole URL, where it has a query. */
  readonly urlDigest?: string
  /** The API at which it is registered. */
  readonly apiUrl: string
  /** ISO 8601, UTC. */
  readonly registeredAt: string
}

/**
 * The target cannot be one: not a URL, not `https:`, or with a password in it.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidWebhook extends Schema.TaggedError<InvalidWebhook>("genesys-dnc/InvalidWebhook")("InvalidWebhook", {
  message: Schema.String,
  hint: Schema.String
}) {}

/**
 * @since 0.1.0
 * @category services
 */
export class WebhookRegistrar extends Context.Tag("genesys-dnc/WebhookRegistrar")<
  WebhookRegistrar,
  {
    /** Registers a webhook, unless this name and URL are registered at this API already, and gives what stands. */
    readonly register: (
      webhook: Webhook
    ) => Effect.Effect<Registration, InvalidWebhook | GenesysError | AuditError | AuditLog.AuditLogError>
    /** What our log says is registered at this API. */
    readonly list: Effect.Effect<ReadonlyArray<Registration>, AuditLog.AuditLogError>
  }
>() {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Registrations of earlier processes, asked for once, at first use: the contract has no way to ask the server for them.
   */
  readonly known?: Effect.Effect<ReadonlyArray<Registration>, AuditLog.AuditLogError>
}

const Registered = Schema.Struct({ id: Schema.NonEmptyString })

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options?: Options
): Effect.Effect<typeof WebhookRegistrar.Service, never, HttpClient | AuditSink> =>
  Effect.gen(function* () {
    const client = yield* HttpClient
    const audit = yield* AuditSink
    const mutex = yield* Effect.makeSemaphore(1)
    const load = yield* Effect.cached(
      Effect.map(options?.known ?? Effect.succeed([]), (registrations) => {
        const here = registrations.filter(({ apiUrl }) => apiUrl === client.apiUrl)
        return new Map(
          here
            // earlier versions recorded the whole URL
            .map((found) => (found.urlDigest === undefined ? { ...found, ...withoutQuery(found.url) } : found))
            .map((registration) => [keyOf(registration), registration])
        )
      })
    )

    const register = Effect.fn("genesys-dnc/WebhookRegistrar.register")(function* (webhook: Webhook) {
      const url = yield* checkTarget(webhook.url)
      const known = yield* load
      const recorded = { name: webhook.name, ...withoutQuery(url) }
      const standing = known.get(keyOf(recorded))
      if (standing !== undefined) return standing
      const start = yield* Clock.currentTimeMillis
      const answer = yield* client.execute(
        HttpClientRequest.post("/api/v2/platform/webhooks").pipe(
          // not in the contract, but a server that knows such keys will not register twice when an answer is lost
          HttpClientRequest.setHeader("Idempotency-Key", digestUuid(`${client.apiUrl}\n${webhook.name}\n${url}`)),
          HttpClientRequest.bodyUnsafeJson({
            name: webhook.name,
            description: webhook.description ?? "New entries of DNC lists, for compliance",
            enabled: true,
            eventDefinition: { eventType: "OUTBOUND_DNCLIST_ENTRY_CREATED" },
            httpTarget: {
              url,
              httpMethod: "POST",
              contentType: "application/json",
              authentication: { authenticationType: "NONE" }
            }
          })
        )
      )
      const { id } = yield* Schema.decodeUnknown(Registered)(answer.body).pipe(
        Effect.mapError(
          () =>
            new GenesysErrors.UnexpectedResponse({
              message: "The webhook route answered without the id of a webhook",
              hint: "Check the API URL, and that the organization serves the entries contract.",
              status: answer.status
            })
        )
      )
      const end = yield* Clock.currentTimeMillis
      const registration: Registration = {
        id,
        ...recorded,
        apiUrl: client.apiUrl,
        registeredAt: new Date(end).toISOString()
      }
      known.set(keyOf(registration), registration)
      yield* audit.append({
        operation: "WEBHOOK_REGISTERED",
        runId: null,
        dncListId: null,
        latencyMs: end - start,
        complianceStatus: "VALIDATED",
        result: registration
      })
      return registration
    })

    return WebhookRegistrar.of({
      // of two that register the same at once, the second finds it
      register: (webhook) => mutex.withPermits(1)(Effect.uninterruptible(register(webhook))),
      list: Effect.map(load, (known) => Array.from(known.values()))
    })
  })

const keyOf = ({ name, url, urlDigest }: Pick<Registration, "name" | "url" | "urlDigest">): string =>
  `${name}\n${urlDigest ?? url}`

const withoutQuery = (text: string): Pick<Registration, "url" | "urlDigest"> => {
  const url = new URL(text)
  if (url.search === "" && url.hash === "") return { url: text }
  url.search = "***"
  url.hash = ""
  return { url: url.href, urlDigest: createHash("sha256").update(text).digest("hex") }
}

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

const checkTarget = (text: string): Effect.Effect<string, InvalidWebhook> => {
  const refuse = (message: string, hint: string) => Effect.fail(new InvalidWebhook({ message, hint }))
  if (!URL.canParse(text))
    return refuse(`"${text}" is not a URL`, "Give a whole URL such as https://compliance.example/dnc.")
  const url = new URL(text)
  if (url.username !== "" || url.password !== "") {
    return refuse(
      "The webhook's URL holds a user name or password",
      "They would stand in the log; let the target tell us apart otherwise."
    )
  }
  return url.protocol === "https:" || (url.protocol === "http:" && loopback.test(url.hostname))
    ? Effect.succeed(url.href)
    : refuse(
        `The webhook's URL begins with ${url.protocol}//`,
        "Events hold phone numbers, so the target must be https:, or http: on this machine."
      )
}

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<WebhookRegistrar, never, HttpClient | AuditSink> =>
  Layer.effect(WebhookRegistrar, make(options))

/**
 * Knows what the log at `path` says was registered before.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFromLog = (path: string): Layer.Layer<WebhookRegistrar, never, HttpClient | AuditSink> =>
  layer({ known: AuditLog.registrations(path) })

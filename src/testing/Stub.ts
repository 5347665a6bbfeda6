/**
 * A stand-in for the network: a platform `HttpClient` that speaks both contracts in memory and fails when told to.
 * Under the real `Auth`, `HttpClient` and `DncSubmitter` it tests a whole program without a socket.
 *
 * @since 0.1.0
 */
import * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Exchanges from "../sandbox/Exchanges.js"

/**
 * A request as it arrived.
 *
 * @since 0.1.0
 * @category models
 */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Parsed where it is JSON. */
  readonly body: unknown
  /** What it was answered with; 0 where the connection broke. */
  readonly status: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Failure {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Fails only requests to paths that end so; `/oauth/token` is left alone unless named here. */
  readonly path?: string
  /** Changes the list before it fails, as a server does whose answer is lost. */
  readonly afterChange?: boolean
}

/**
 * @since 0.1.0
 * @category services
 */
export class Stub extends Context.Tag("genesys-dnc/testing/Stub")<
  Stub,
  {
    /** Answers the next `n` requests with this status; 0 breaks the connection. */
    readonly failNext: (n: number, status: number, failure?: Failure) => Effect.Effect<void>
    /** Every request in order of arrival. */
    readonly received: Effect.Effect<ReadonlyArray<Received>>
    /** What is on the list: reason and expiry of each number. */
    readonly list: Effect.Effect<ReadonlyMap<string, { readonly reason: string; readonly expires: string | null }>>
  }
>() {}

interface PatchBody {
  readonly action: "Add" | "Remove"
  readonly expirationDateTime?: string
  readonly [field: string]: unknown
}

interface Planned extends Failure {
  left: number
  readonly status: number
}

/**
 * A stub and the platform's `HttpClient` that leads to it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Stub | PlatformHttpClient.HttpClient> = Layer.effectContext(
  Effect.sync(() => {
    const list = new Map<string, { readonly reason: string; readonly expires: string | null }>()
    const received: Array<Received> = []
    const planned: Array<Planned> = []
    const replays = new Map<string, unknown>()
    let webhooks = 0

    const handle = (path: string, body: unknown, key: string | undefined): unknown => {
      if (path === "/oauth/token") return { access_token: "stub-token", token_type: "bearer", expires_in: 86_400 }
      if (path.endsWith("/webhooks")) return { id: `webhook-${++webhooks}` }
      if (/\/(?:phonenumbers|emailaddresses|whatsappnumbers|customexclusioncolumns)$/.test(path))
        return void patch(body as PatchBody)
      if (!path.endsWith("/entries")) return { id: path.split("/").at(-1), name: "Stub list", dncSourceType: "rds" }
      if (key !== undefined && replays.has(key)) return replays.get(key)
      const counts = { created: 0, duplicate: 0, updated: 0, error: [] }
      const { expires, phoneNumbers, reason } = body as {
        readonly phoneNumbers: ReadonlyArray<string>
        readonly reason: string
        readonly expires: string | null
      }
      for (const phoneNumber of phoneNumbers) {
        const before = list.get(phoneNumber)
        if (before === undefined) counts.created++
        else if (before.reason === reason && before.expires === expires) counts.duplicate++
        else counts.updated++
        list.set(phoneNumber, { reason, expires })
      }
      if (key !== undefined) replays.set(key, counts)
      return counts
    }

    const patch = ({ action, expirationDateTime, ...contacts }: PatchBody): void => {
      for (const phoneNumber of Object.values(contacts).flat() as Array<string>) {
        if (action === "Remove") list.delete(phoneNumber)
        else list.set(phoneNumber, { reason: "UNSPECIFIED", expires: expirationDateTime ?? null })
      }
    }

    const client = PlatformHttpClient.make((request, url) =>
      Effect.suspend(() => {
        const path = url.pathname
        const text = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
        const body = text.startsWith("{") ? JSON.parse(text) : text
        const plan = planned.find(
          (failure) =>
            failure.left > 0 && (failure.path === undefined ? path !== "/oauth/token" : path.endsWith(failure.path))
        )
        const key = request.headers["idempotency-key"]
        const answer = plan === undefined || plan.afterChange === true ? handle(path, body, key) : undefined
        if (plan !== undefined) plan.left--
        const status = plan?.status ?? 200
        received.push({ method: request.method, path, headers: { ...request.headers }, body, status })
        if (Exchanges.channel.hasSubscribers) {
          const { method } = request
          Exchanges.channel.publish({
            method,
            path: `${path}${url.search}`,
            body: text,
            answer:
              plan === undefined
                ? {
                    status: answer === undefined ? 204 : 200,
                    contentType: "application/json",
                    body: answer === undefined ? "" : JSON.stringify(answer)
                  }
                : undefined
          } satisfies Exchanges.Exchange)
        }
        if (status === 0) {
          return Effect.fail(
            new HttpClientError.RequestError({
              request,
              reason: "Transport",
              cause: new Error("connection broken by the stub")
            })
          )
        }
        const said = plan === undefined ? answer : (plan.body ?? { message: `told to answer ${status}`, status })
        return Effect.succeed(
          HttpClientResponse.fromWeb(
            request,
            new Response(said === undefined ? null : typeof said === "string" ? said : JSON.stringify(said), {
              status: status === 200 && said === undefined ? 204 : status,
              headers: { "content-type": "application/json", ...plan?.headers }
            })
          )
        )
      })
    )

    const stub = Stub.of({
      failNext: (n, status, failure) => Effect.sync(() => void planned.push({ ...failure, left: n, status })),
      received: Effect.sync(() => received.slice()),
      list: Effect.sync(() => new Map(list))
    })
    return Context.make(Stub, stub).pipe(Context.add(PlatformHttpClient.HttpClient, client))
  })
)

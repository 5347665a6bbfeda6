import * as Effect from "effect/Effect"
import type { Sandbox } from "../../src/sandbox/index.js"

// biome-ignore lint/suspicious/noExplicitAny: a test reads bodies as a client without types would
export type Json = any

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Json
}

export const call = (url: string, init: RequestInit = {}): Effect.Effect<Answered, Error> =>
  Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(url, { ...init, signal })
      const text = await response.text()
      const isJson = response.headers.get("content-type")?.startsWith("application/json")
      return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined }
    },
    catch: (cause) => new Error("no answer", { cause })
  })

export const askToken = (
  sandbox: Sandbox.Service,
  { client = "sandbox", grant = "grant_type=client_credentials", secret = "sandbox" } = {}
) =>
  call(`${sandbox.url}/oauth/token`, {
    method: "POST",
    headers: {
      authorization: `Basic ${btoa(`${client}:${secret}`)}`,
      "content-type": "application/x-www-form-urlencoded"
    },
    body: grant
  })

/** A client that has a token and puts numbers on a list. */
export const connect = (sandbox: Sandbox.Service) =>
  Effect.gen(function* () {
    const { body } = yield* askToken(sandbox)
    const bearer = { authorization: `Bearer ${body.access_token}` }
    let keys = 0
    const path = (listId = sandbox.listId) => `${sandbox.url}/api/v2/outbound/dnclists/${listId}`
    return {
      bearer,
      list: (query = "", listId?: string) => call(`${path(listId)}${query}`, { headers: bearer }),
      raw: (body: string, headers: Record<string, string>, listId?: string) =>
        call(`${path(listId)}/entries`, { method: "POST", headers: { ...bearer, ...headers }, body }),
      push: (
        phoneNumbers: ReadonlyArray<string>,
        rest: { readonly [field: string]: unknown } = {},
        key = `key-${++keys}`
      ) =>
        call(`${path()}/entries`, {
          method: "POST",
          headers: { ...bearer, "content-type": "application/json", "idempotency-key": key },
          body: JSON.stringify({ phoneNumbers, reason: "REGULATORY", expires: null, ...rest })
        }),
      post: (route: string, body: unknown) =>
        call(`${sandbox.url}${route}`, {
          method: "POST",
          headers: { ...bearer, "content-type": "application/json" },
          body: JSON.stringify(body)
        })
    }
  })

export const numbers = (count: number, first = 0): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => `+1415${String(5550000 + first + index)}`)

/** A clock that stands still until it is moved. */
export const handClock = (start = Date.UTC(2030, 0, 1)) => {
  let instant = start
  return {
    now: () => instant,
    forward: (milliseconds: number) => {
      instant += milliseconds
    }
  }
}

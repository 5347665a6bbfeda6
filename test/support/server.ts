import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import { type DncEntry, GenesysError } from "genesys-dnc"

/** A request to the entries route, as the contract says it. */
export interface Posted {
  readonly key: string
  readonly phoneNumbers: ReadonlyArray<string>
  readonly reason: string
  readonly expires: string | null
}

export const posted = (request: HttpClientRequest.HttpClientRequest): Posted => ({
  key: request.headers["idempotency-key"],
  ...JSON.parse(request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : "{}")
})

/** What an answer other than 2xx becomes. */
export const refusal = (status: number, body: unknown = {}): GenesysError.GenesysError =>
  GenesysError.withAttempts(
    GenesysError.fromAnswer({
      request: "POST /entries",
      status,
      words: (body as { readonly message?: string })?.message,
      code: (body as { readonly code?: string })?.code,
      correlationId: undefined,
      retryAfter: undefined,
      body
    }),
    1
  )

export const refuse = (status: number, body?: unknown) => Effect.fail(refusal(status, body))

export const created = (request: Posted) => Effect.succeed({ created: request.phoneNumbers.length })

export const numbers = (count: number, first = 0): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, i) => `+1415555${String(1000 + first + i).padStart(4, "0")}`)

export const batch = (size: number, other: Partial<DncEntry.Batch> = {}): DncEntry.Batch => ({
  runId: "run",
  action: "add" as const,
  dncListId: "list",
  index: 0,
  phoneNumbers: numbers(size),
  reason: "REGULATORY",
  expires: Number.POSITIVE_INFINITY,
  ...other
})

/**
 * What the sandbox remembers of each `Idempotency-Key`: the request that it came with, whether that one is still being
 * processed, and the answer that it got.
 *
 * @since 0.1.0
 */
import * as Route from "./Route.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** A key that was answered within its retention gives the first answer again, or 409. */
  readonly idempotency: "replay" | "conflict"
  readonly idempotencyRetentionSeconds: number
  /** Keys that are remembered; beyond, the oldest is forgotten. */
  readonly maxKeys: number
  readonly now: () => number
}

/**
 * What a key means for the request that carries it.
 *
 * @since 0.1.0
 * @category models
 */
export type Claim =
  | { readonly _tag: "Granted" }
  | { readonly _tag: "OtherRequest" }
  | { readonly _tag: "InProgress" }
  | { readonly _tag: "Answered"; readonly reply: Route.Reply }

interface Remembered {
  readonly fingerprint: string
  readonly since: number
  inProgress: boolean
  reply: Route.Reply | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Idempotency {
  /** Takes the key for a request; whoever is granted it calls `keep` or `release`. */
  readonly claim: (key: string, fingerprint: string) => Claim
  readonly keep: (key: string, reply: Route.Reply) => void
  /** The request changed nothing: the same request may come again as if it were the first. */
  readonly release: (key: string) => void
  readonly clear: () => void
}

const granted: Claim = { _tag: "Granted" }

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Idempotency => {
  const keys = new Map<string, Remembered>()

  const remember = (key: string, fingerprint: string) => {
    keys.delete(key)
    keys.set(key, { fingerprint, since: options.now(), inProgress: true, reply: undefined })
    if (keys.size <= options.maxKeys) return
    for (const [oldest, { inProgress }] of keys) {
      if (inProgress) continue
      keys.delete(oldest)
      return
    }
  }

  return {
    claim: (key, fingerprint) => {
      const known = keys.get(key)
      if (known?.inProgress) return { _tag: known.fingerprint === fingerprint ? "InProgress" : "OtherRequest" }
      if (known === undefined || known.since + options.idempotencyRetentionSeconds * 1000 <= options.now()) {
        remember(key, fingerprint)
        return granted
      }
      if (known.fingerprint !== fingerprint) return { _tag: "OtherRequest" }
      if (known.reply !== undefined) return { _tag: "Answered", reply: known.reply }
      known.inProgress = true
      return granted
    },
    keep: (key, reply) => {
      const known = keys.get(key)
      if (known === undefined) return
      known.inProgress = false
      known.reply = reply
    },
    release: (key) => {
      const known = keys.get(key)
      if (known !== undefined) known.inProgress = false
    },
    clear: () => keys.clear()
  }
}

/**
 * The answer to a request whose key is not granted to it; `undefined` for one to which it is.
 *
 * @since 0.1.0
 */
export const repetition = (
  request: Route.Request,
  claim: Claim,
  idempotency: Options["idempotency"]
): Route.Reply | undefined => {
  const conflict = (words: string) => Route.failure(request, 409, "general.conflict", words)
  switch (claim._tag) {
    case "Granted":
      return undefined
    case "OtherRequest": {
      const words = "This Idempotency-Key was used before, with another request."
      return Route.failure(request, 422, "constraint.validation", words, { violation: true })
    }
    case "InProgress":
      return conflict("A request with this Idempotency-Key is still being processed.")
    case "Answered": {
      if (idempotency === "conflict") {
        return conflict("A request with this Idempotency-Key was processed, and the key is within its retention.")
      }
      const headers = { ...claim.reply.headers, "idempotency-replayed": "true" }
      return { ...claim.reply, headers, violation: undefined }
    }
  }
}

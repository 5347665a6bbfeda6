/**
 * The request limit: so many a window and token, counted from the token's first request in a window.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category models
 */
export interface Limit {
  readonly requests: number
  readonly windowSeconds: number
  /** Requests that are really let through, where that is fewer than the headers say. */
  readonly enforced?: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Published: 300 requests in 60 seconds and token. `undefined`: no limit, and no `inin-ratelimit-*` headers. */
  readonly rateLimit: Limit | undefined
  readonly now: () => number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Verdict {
  /** `inin-ratelimit-allowed`, `-count` and `-reset`, the last in seconds until the window ends. */
  readonly headers: Readonly<Record<string, string>>
  /** Seconds to wait, where the request is one too many. */
  readonly retryAfter: number | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface RateLimit {
  readonly take: (token: string) => Verdict
  readonly clear: () => void
}

const unlimited: Verdict = { headers: {}, retryAfter: undefined }

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = ({ now, rateLimit }: Options): RateLimit => {
  const windows = new Map<string, { readonly end: number; count: number }>()
  return {
    take: (token) => {
      if (rateLimit === undefined) return unlimited
      const instant = now()
      let window = windows.get(token)
      if (window === undefined || window.end <= instant) {
        window = { end: instant + rateLimit.windowSeconds * 1000, count: 0 }
        windows.set(token, window)
      }
      const reset = Math.ceil((window.end - instant) / 1000)
      const refused = window.count >= (rateLimit.enforced ?? rateLimit.requests)
      if (!refused) window.count += 1
      return {
        headers: {
          "inin-ratelimit-allowed": String(rateLimit.requests),
          "inin-ratelimit-count": String(window.count),
          "inin-ratelimit-reset": String(reset)
        },
        retryAfter: refused ? reset : undefined
      }
    },
    clear: () => windows.clear()
  }
}

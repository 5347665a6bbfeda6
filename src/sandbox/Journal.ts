/**
 * The sandbox's bookkeeping, for assertions: what was asked, what was answered, and what was against the contract.
 *
 * @since 0.1.0
 */
import * as Route from "./Route.js"
import { kinds } from "./State.js"

/**
 * The requests that carried one `Idempotency-Key`.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeyStats {
  readonly attempts: number
  /** SHA-256 of the last body, in hex. */
  readonly bodyDigest: string
  /** In the order of the answers; attempts whose connection broke have none. */
  readonly answeredStatuses: ReadonlyArray<number>
}

/**
 * Everything counted since the sandbox began or was reset; fit for JSON.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stats {
  /** By route and status; `dropped` counts connections that were broken on purpose without an answer. */
  readonly requests: Readonly<Record<Route.Name, Readonly<Record<string, number>>>>
  /** Requests that write contacts, by either contract, and were open at once. */
  readonly openEntries: { readonly current: number; readonly max: number }
  readonly keys: Readonly<Record<string, KeyStats>>
  readonly tokensIssued: number
  /** What clients did against the contract: the first thousand, numbers masked. */
  readonly violations: ReadonlyArray<string>
  readonly violationCount: number
}

/**
 * One request from its first byte to its answer.
 *
 * @since 0.1.0
 * @category models
 */
export interface Visit {
  /** Counts an attempt under a key. */
  readonly carries: (key: string, bodyDigest: string) => void
  /** To be called before the last byte of the answer is written, for the client may come again at once. */
  readonly answered: (status: number | "dropped") => void
  /** The connection is gone. */
  readonly left: () => void
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Journal {
  readonly visit: (route: Route.Name) => Visit
  readonly violation: (text: string) => void
  readonly tokenIssued: () => void
  readonly stats: () => Stats
  readonly clear: () => void
}

interface Book {
  attempts: number
  bodyDigest: string
  readonly answeredStatuses: Array<number>
}

const longestList = 1000
const writes: ReadonlySet<Route.Name> = new Set<Route.Name>(["entries", ...kinds])

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: { readonly maxKeys: number }): Journal => {
  const requests = new Map<Route.Name, Map<string, number>>()
  const keys = new Map<string, Book>()
  const violations: Array<string> = []
  let violationCount = 0
  let tokensIssued = 0
  let open = 0
  let maxOpen = 0

  const book = (key: string): Book => {
    let found = keys.get(key)
    if (found === undefined) {
      found = { attempts: 0, bodyDigest: "", answeredStatuses: [] }
      keys.set(key, found)
      if (keys.size > options.maxKeys) keys.delete(keys.keys().next().value!)
    }
    return found
  }

  const count = (route: Route.Name, status: string) => {
    const statuses = requests.get(route) ?? new Map<string, number>()
    requests.set(route, statuses.set(status, (statuses.get(status) ?? 0) + 1))
  }

  const byStatus = (route: Route.Name) => Object.fromEntries(requests.get(route) ?? [])

  return {
    visit: (route) => {
      const counted = writes.has(route)
      let isOpen = true
      let carried: Book | undefined
      if (counted) maxOpen = Math.max(maxOpen, ++open)
      const left = () => {
        if (isOpen && counted) open -= 1
        isOpen = false
      }
      return {
        carries: (key, bodyDigest) => {
          carried = book(key)
          carried.attempts += 1
          carried.bodyDigest = bodyDigest
        },
        answered: (status) => {
          left()
          count(route, String(status))
          if (status !== "dropped") carried?.answeredStatuses.push(status)
        },
        left
      }
    },
    violation: (text) => {
      violationCount += 1
      if (violations.length < longestList) violations.push(text)
    },
    tokenIssued: () => {
      tokensIssued += 1
    },
    stats: () => ({
      requests: Object.fromEntries(Route.names.map((name) => [name, byStatus(name)])) as Stats["requests"],
      openEntries: { current: open, max: maxOpen },
      keys: Object.fromEntries(
        Array.from(keys, ([key, kept]) => [key, { ...kept, answeredStatuses: [...kept.answeredStatuses] }])
      ),
      tokensIssued,
      violations: [...violations],
      violationCount
    }),
    clear: () => {
      requests.clear()
      keys.clear()
      violations.length = 0
      violationCount = 0
      tokensIssued = 0
      maxOpen = open
    }
  }
}

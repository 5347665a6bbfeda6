/**
 * Faults on demand: the next so many requests go wrong in a chosen way, or a share of all of them, drawn from a seeded
 * generator.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Utils from "effect/Utils"
import { type Name, targets } from "./Route.js"

/**
 * The routes that faults can be aimed at. A fault that names none meets them all, the token route excepted.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Target = Schema.Literal(...targets)

/**
 * @since 0.1.0
 * @category models
 */
export type Target = typeof Target.Type

const Share = Schema.Number.pipe(Schema.between(0, 1))
const Milliseconds = Schema.Number.pipe(Schema.nonNegative())

/**
 * What meets every request, or a share of them from 0 to 1. At most one fault meets a request, so the shares add up to
 * 1 at most; latency comes on top.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Rates = Schema.Struct({
  /** Before anything is changed. */
  latencyMs: Milliseconds,
  /** Up to so much is added to the latency. */
  jitterMs: Milliseconds,
  /** 500, 502, 503 or 504 before anything is changed. */
  status5xxRate: Share,
  /** 429 before anything is changed. */
  status429Rate: Share,
  retryAfterSeconds: Schema.NonNegativeInt,
  /** The connection breaks before anything is changed. */
  dropBeforeRate: Share,
  /** The connection breaks after the request was carried out. */
  dropAfterRate: Share,
  /** The body of the answer is cut short after the request was carried out. */
  truncateRate: Share,
  /** The body of the answer trickles for `slowMs`. */
  slowRate: Share,
  slowMs: Milliseconds,
  routes: Schema.Array(Target)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Rates = typeof Rates.Type

/**
 * No latency, no faults.
 *
 * @since 0.1.0
 * @category constructors
 */
export const none: Rates = {
  latencyMs: 0,
  jitterMs: 0,
  status5xxRate: 0,
  status429Rate: 0,
  retryAfterSeconds: 1,
  dropBeforeRate: 0,
  dropAfterRate: 0,
  truncateRate: 0,
  slowRate: 0,
  slowMs: 1000,
  routes: targets.filter((route) => route !== "token")
}

const next = { times: Schema.NonNegativeInt, route: Schema.optional(Target) }

const Fail = Schema.Struct({
  type: Schema.Literal("fail"),
  ...next,
  status: Schema.Int.pipe(Schema.between(400, 599)),
  /** `Retry-After`: seconds, or any text, such as an HTTP date. */
  retryAfter: Schema.optional(Schema.Union(Schema.Number, Schema.String)),
  code: Schema.optional(Schema.String),
  message: Schema.optional(Schema.String)
})
const Drop = Schema.Struct({ type: Schema.Literal("drop"), ...next, when: Schema.Literal("before", "after") })
const Truncate = Schema.Struct({ type: Schema.Literal("truncate"), ...next })
const Slow = Schema.Struct({ type: Schema.Literal("slow"), ...next, milliseconds: Milliseconds })
const Html = Schema.Struct({ type: Schema.Literal("html"), ...next })

/**
 * What can be injected while the sandbox runs, from a program or as JSON over the control endpoint.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Fault = Schema.Union(
  Fail,
  Drop,
  Truncate,
  Slow,
  Html,
  Schema.extend(Schema.Struct({ type: Schema.Literal("rates") }), Schema.partial(Rates)),
  Schema.Struct({ type: Schema.Literal("expireTokens") })
)

/**
 * @since 0.1.0
 * @category models
 */
export type Fault = typeof Fault.Type

/**
 * A fault that meets the next `times` requests.
 *
 * @since 0.1.0
 * @category models
 */
export type Next = Exclude<Fault, { readonly type: "rates" | "expireTokens" }>

type FailOptions = Partial<Omit<typeof Fail.Type, "type" | "times" | "status">>
type Aim = { readonly route?: Target }

/**
 * The next `times` requests are answered with an error status before anything is changed, and keep no idempotency key.
 *
 * @since 0.1.0
 * @category constructors
 */
export const failNext = (times: number, status: number, options: FailOptions = {}): Fault => ({
  type: "fail",
  times,
  status,
  ...options
})

/**
 * The next `times` connections break, before the request is carried out or after.
 *
 * @since 0.1.0
 * @category constructors
 */
export const dropNext = (times: number, when: "before" | "after", aim: Aim = {}): Fault => ({
  type: "drop",
  times,
  when,
  ...aim
})

/**
 * The next `times` answers have a good status and a body shorter than their `content-length`; the requests are carried
 * out.
 *
 * @since 0.1.0
 * @category constructors
 */
export const truncateNext = (times: number, aim: Aim = {}): Fault => ({ type: "truncate", times, ...aim })

/**
 * The next `times` answers send their headers at once and their body little by little.
 *
 * @since 0.1.0
 * @category constructors
 */
export const slowNext = (times: number, milliseconds: number, aim: Aim = {}): Fault => ({
  type: "slow",
  times,
  milliseconds,
  ...aim
})

/**
 * The next `times` requests get 200 with a page of HTML, as from a proxy that kept them to itself: nothing is changed.
 *
 * @since 0.1.0
 * @category constructors
 */
export const htmlNext = (times: number, aim: Aim = {}): Fault => ({ type: "html", times, ...aim })

/**
 * All tokens given out so far are refused from now on.
 *
 * @since 0.1.0
 * @category constructors
 */
export const expireTokens: Fault = { type: "expireTokens" }

/**
 * Changes latency and shares, those not named staying as they are.
 *
 * @since 0.1.0
 * @category constructors
 */
export const rates = (changes: Partial<Rates>): Fault => ({ type: "rates", ...changes })

/**
 * What will meet coming requests.
 *
 * @since 0.1.0
 * @category models
 */
export interface Snapshot {
  readonly rates: Rates
  /** `times` is what is left. */
  readonly next: ReadonlyArray<Next>
}

/**
 * What meets one request.
 *
 * @since 0.1.0
 * @category models
 */
export interface Plan {
  readonly delayMs: number
  readonly fault: Next | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Faults {
  readonly plan: (route: Name) => Plan
  readonly add: (fault: Exclude<Fault, { readonly type: "expireTokens" }>) => void
  readonly snapshot: () => Snapshot
  /** Back to the beginning, the generator included. */
  readonly clear: () => void
}

const untouched: Plan = { delayMs: 0, fault: undefined }
const statuses5xx = [500, 502, 503, 504] as const

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (initial: Partial<Rates>, seed: number): Faults => {
  let random = new Utils.PCGRandom(seed)
  let current: Rates = { ...none, ...initial }
  let queue: ReadonlyArray<Next> = []

  const fromQueue = (route: Name): Next | undefined => {
    const found = queue.find((fault) => (fault.route === undefined ? route !== "token" : fault.route === route))
    if (found !== undefined) {
      queue = queue.flatMap((fault) =>
        fault !== found ? [fault] : fault.times > 1 ? [{ ...fault, times: fault.times - 1 }] : []
      )
    }
    return found
  }

  const drawn = (): Next | undefined => {
    const shares: ReadonlyArray<readonly [number, () => Next]> = [
      [current.dropBeforeRate, () => ({ type: "drop", times: 1, when: "before" })],
      [current.status5xxRate, () => ({ type: "fail", times: 1, status: statuses5xx[random.integer(4)] })],
      [current.status429Rate, () => ({ type: "fail", times: 1, status: 429, retryAfter: current.retryAfterSeconds })],
      [current.dropAfterRate, () => ({ type: "drop", times: 1, when: "after" })],
      [current.truncateRate, () => ({ type: "truncate", times: 1 })],
      [current.slowRate, () => ({ type: "slow", times: 1, milliseconds: current.slowMs })]
    ]
    let left = random.number()
    for (const [share, fault] of shares) {
      if (left < share) return fault()
      left -= share
    }
    return undefined
  }

  return {
    plan: (route) => {
      if (route === "control" || route === "unknown") return untouched
      const queued = fromQueue(route)
      if (!current.routes.includes(route)) return { delayMs: 0, fault: queued }
      const delayMs = current.latencyMs + (current.jitterMs > 0 ? random.number() * current.jitterMs : 0)
      return { delayMs, fault: queued ?? drawn() }
    },
    add: (fault) => {
      if (fault.type === "rates") {
        const { type: _, ...changes } = fault
        current = { ...current, ...changes } as Rates
      } else if (fault.times > 0) {
        queue = [...queue, fault]
      }
    },
    snapshot: () => ({ rates: current, next: queue }),
    clear: () => {
      random = new Utils.PCGRandom(seed)
      current = { ...none, ...initial }
      queue = []
    }
  }
}

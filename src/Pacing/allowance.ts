/**
 * What is left of the requests that a token may send in a window of time, learnt from what the answers say of it. A state
 * that changes in place, told the time; no effects.
 *
 * @since 0.1.0
 */

/**
 * What an answer says of the window that its request fell into.
 *
 * @since 0.1.0
 * @category models
 */
export interface Seen {
  /** `inin-ratelimit-allowed`: requests in a window. */
  readonly allowed: number
  /** `inin-ratelimit-count`: those of the window up to this one, of whoever uses the token. */
  readonly count: number
  /** `inin-ratelimit-reset`: seconds until the window ends, rounded up. */
  readonly reset: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Allowance {
  /** Milliseconds until the next request may be sent: none takes a place for it. `open`: requests without an answer yet. */
  readonly take: (now: number, open: number) => number
  /** The same without taking the place. */
  readonly wait: (now: number, open: number) => number
  /** Requests a millisecond that are allowed; 0 where nothing is known. */
  readonly rate: () => number
  /**
   * What an answer says; `retryAfter` (milliseconds) of one that refuses its request as one too many. `open`: requests
   * without an answer yet, but for this one.
   */
  readonly seen: (now: number, open: number, said: Seen, retryAfter?: number) => void
}

/** This share of a window's requests may be sent as fast as can be; the others are spread over the rest of the window. */
const atOnce = 0.5

/** The last part of a window in which nothing is planned, so that what comes late does not cost a place. */
const margin = 0.02

/** What a server enforces is not taken to be less than this share of what it says. */
const least = 0.1

/** Windows used to their end, after which a little more than was enforced is tried again. */
const patience = 4

/**
 * An allowance of which nothing is known: until an answer tells of it, everything may be sent.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (): Allowance => {
  let allowed = Number.POSITIVE_INFINITY
  /** What the server was seen to enforce, where that is less than it says. */
  let enforced = Number.POSITIVE_INFINITY
  let length = 0
  let start = Number.NaN
  /** No sooner than the window's end; a guess until an answer of the window was seen. */
  let end = Number.POSITIVE_INFINITY
  let guessed = true
  let endBefore = Number.NEGATIVE_INFINITY
  /** The highest count that was seen, and the highest of an answer that was no refusal. */
  let count = 0
  let taken = 0
  /** Answers to our own requests. */
  let answered = 0
  let refused = false
  /** Requests of others in the window before. */
  let othersBefore = 0
  let lastSent = Number.NEGATIVE_INFINITY
  let fullWindows = 0
  let step = 1

  const cap = (): number => Math.min(allowed, enforced)

  /** Requests of others in this window that were seen. */
  const others = (open: number): number => Math.max(0, count - answered - open)

  const begin = (now: number, until: number): void => {
    endBefore = end
    start = now
    end = until
    guessed = true
    count = 0
    taken = 0
    answered = 0
    refused = false
  }

  /** What the window that ended tells of the ones to come. */
  const conclude = (open: number): void => {
    othersBefore = others(open)
    if (refused) {
      enforced = Math.max(taken, Math.ceil(allowed * least))
      fullWindows = 0
      step = 1
    } else if (enforced < allowed && taken >= enforced) {
      fullWindows++
      if (fullWindows < patience && step === 1) return
      // once it went well there may be much more
      enforced += step
      step *= 2
      fullWindows = 0
    }
  }

  const roll = (now: number, open: number): void => {
    if (now < end) return
    conclude(open)
    begin(now, now + length)
  }

  const wait = (now: number, open: number): number => {
    roll(now, open)
    const most = cap()
    if (most === Number.POSITIVE_INFINITY) return 0
    const used = count + open
    const left = end - now
    // what is open may be counted already
    if (used >= most) return count >= most ? left : Math.min(left, Math.ceil(length / 1000))
    if (used < most * atOnce) return 0
    // as many as the window before and this one have shown
    const theirs = ((othersBefore + others(open)) * left) / (length + now - start)
    const ours = Math.max(1, (most - used) / 4, most - used - theirs)
    const interval = Math.max(0, left - length * margin) / ours
    return Math.max(0, Math.ceil(Math.min(left, length / 60, lastSent + interval - now)))
  }

  return {
    wait,
    rate: () => (length === 0 ? 0 : cap() / length),
    take: (now, open) => {
      const pause = wait(now, open)
      if (pause <= 0) lastSent = now
      return pause
    },
    seen: (now, open, said, retryAfter) => {
      // whoever rounds down says 0 in the last second
      const left = Math.max(1, said.reset) * 1000
      const until = now + left
      roll(now, open)
      // of a request of the window before
      if (until <= endBefore + 1000) return
      // of a window that began unseen: another token's
      if (!guessed && until > end + 1000 && said.count < count - open) begin(now, until)
      allowed = said.allowed
      length = Math.max(length, left)
      if (guessed) {
        if (Number.isNaN(start)) start = now
        end = until
        guessed = false
      } else end = Math.min(end, until)
      answered++
      count = Math.max(count, said.count)
      if (retryAfter === undefined) taken = Math.max(taken, said.count)
      // a shorter pause is that of another limit, which says nothing of this one
      else if (now + retryAfter > until - 2000) refused = true
    }
  }
}

/**
 * What the headers of an answer say, where they say it.
 *
 * @since 0.1.0
 * @category parsing
 */
export const fromHeaders = (headers: Readonly<Record<string, string | undefined>>): Seen | undefined => {
  const allowed = whole(headers["inin-ratelimit-allowed"])
  const count = whole(headers["inin-ratelimit-count"])
  const reset = whole(headers["inin-ratelimit-reset"])
  return allowed === undefined || allowed === 0 || count === undefined || reset === undefined || reset > longest
    ? undefined
    : { allowed, count, reset }
}

/** Seconds; whoever says that a window ends later than in an hour is not believed. */
const longest = 3600

const whole = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined

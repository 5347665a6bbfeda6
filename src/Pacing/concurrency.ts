/**
 * How many requests are worth having open at once, learnt from how long their answers take: one more while the limit is
 * reached and answers take no longer for it, a tenth fewer when they do or requests are refused. A state that changes in
 * place; no clock, no effects.
 *
 * @since 0.1.0
 */

/**
 * What has to be known of a request when its answer comes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Sent {
  /** Those of the same round were sent under the same limit. */
  readonly round: number
  /** Requests open when it was sent, itself included. */
  readonly open: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Concurrency {
  /** Requests that may be open now; at least 1. */
  readonly limit: () => number
  /** A request is sent; `open` counts it. Where that never reaches the limit, the limit does not grow. */
  readonly sent: (open: number) => Sent
  /** It was answered after so many milliseconds. */
  readonly answered: (sent: Sent, took: number) => void
  /**
   * It was refused, or not answered. As many as it takes to send `rate` requests a millisecond, which are allowed, stay
   * allowed at once.
   */
  readonly refused: (sent: Sent, rate?: number) => void
}

/** This share of an answer's time may be waiting for others of ours, and one request in all: less would leave a server idle. */
const mayWait = 0.25

/** Two measures of the undisturbed time that differ by more are of two times. */
const noise = 0.25

/** Where answers take hardly longer than undisturbed ones, there is no need to measure those again. */
const flat = 1.15

/** Answers that are enough to grow; to shrink for nothing costs more than to grow too early. */
const few = 3
const enough = 10

/** Rounds until the undisturbed time is measured again; doubled whenever it has not changed. */
const soonest = 10
const latest = 80

/**
 * Begins with one request at once; never more than `most`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (most: number): Concurrency => {
  let limit = 1
  let round = 0
  let isReached = false
  /** What answers to requests of this round took. */
  let times: Array<number> = []
  /** What they took lately. */
  let usual = Number.NaN
  /** What an answer takes whose request need not wait for others of ours. */
  let undisturbed = Number.NaN
  /** The highest limit since that was measured; with half as many open, an answer tells of it. */
  let highest = 1
  let calm: Array<number> = []
  let measuring = false
  let rounds = 0
  let patience = soonest

  const half = (): number => Math.max(1, Math.floor(highest / 2))

  const begin = (wanted: number): void => {
    // what was measured before may be of a better time
    if (wanted < limit) calm = []
    limit = Math.min(most, Math.max(1, wanted))
    highest = Math.max(highest, limit)
    round++
    isReached = false
    times = []
  }

  const measured = (): void => {
    const found = median(calm)
    const isOld = Math.abs(found / undisturbed - 1) < noise
    undisturbed = isOld ? (undisturbed + found) / 2 : found
    patience = isOld ? Math.min(latest, patience * 2) : soonest
    calm = []
    rounds = 0
    highest = limit
    if (measuring) begin(limit)
    measuring = false
  }

  const conclude = (time: number, isFlat: boolean): void => {
    rounds++
    if (time < undisturbed * (1 - noise)) {
      undisturbed = time
      patience = soonest
    }
    usual = Number.isNaN(usual) ? time : usual * 0.9 + time * 0.1
    if (isFlat) begin(isReached ? limit + 1 : limit)
    // with half as many, a time that is no shorter is the server's own, and measured anew
    else begin(Math.max(Math.min(limit, half()), Math.floor(limit * 0.9)))
    if (rounds < patience || usual <= undisturbed * flat || limit === 1) return
    measuring = true
    highest = limit
    calm = []
  }

  return {
    limit: () => (measuring ? Math.min(limit, half()) : limit),
    sent: (open) => {
      if (open >= limit) isReached = true
      return { round, open }
    },
    answered: (sent, took) => {
      if (sent.open <= half()) {
        calm.push(took)
        if (calm.length >= (Number.isNaN(undisturbed) ? few : enough)) measured()
      }
      if (measuring || sent.round !== round) return
      times.push(took)
      if (times.length < Math.max(few, limit / 2)) return
      const time = median(times)
      const isFlat = time - undisturbed <= time * Math.max(mayWait, 1 / limit)
      if (isFlat || times.length >= Math.max(enough, limit)) conclude(time, isFlat)
    },
    refused: (sent, rate = 0) => {
      // the first of those that were sent together speaks for all
      if (sent.round !== round) return
      const least = Number.isNaN(undisturbed) ? 1 : Math.ceil(rate * undisturbed)
      begin(Math.max(Math.min(limit, least), Math.floor(limit * 0.9)))
    }
  }
}

const median = (values: ReadonlyArray<number>): number => {
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

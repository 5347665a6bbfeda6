import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Allowance from "../../src/Pacing/allowance.js"
import * as RateLimit from "../../src/sandbox/RateLimit.js"
import { agenda } from "../support/agenda.js"

interface World {
  readonly requests: number
  readonly enforced?: number
  readonly windows: number
  readonly latency?: number
  /** Requests a window of somebody else with the same token, one after the other. */
  readonly others?: number
  /** The same as fast as can be, at the beginning of each minute. */
  readonly bursts?: number
  readonly seed?: number
  /** From this window on all are let through. */
  readonly enforcedUntil?: number
}

const windowSeconds = 60

/** Five writers that always have something to send, against the sandbox's own limit. */
const use = (world: World) => {
  const { bursts = 0, enforced, latency = 40, others = 0, requests, windows } = world
  const { later, until } = agenda()
  let time = 0
  let random = world.seed ?? 1
  const next = (): number => {
    random = (random * 48_271) % 2_147_483_647
    return random / 2_147_483_647
  }
  const limitOf = (enforced: number | undefined) =>
    RateLimit.make({
      now: () => time,
      rateLimit: { requests, windowSeconds, ...(enforced === undefined ? {} : { enforced }) }
    })
  const strict = limitOf(enforced)
  const lenient = limitOf(undefined)
  const isStrict = (now: number) => now < (world.enforcedUntil ?? windows) * windowSeconds * 1000
  const allowance = Allowance.make()
  const counted = { sent: 0, done: 0, refused: 0, othersDone: 0, othersRefused: 0, sentAt: [] as Array<number> }
  let open = 0
  let closedUntil = 0

  const ask = (now: number, answered: (now: number, verdict: RateLimit.Verdict) => void): void => {
    const there = latency * (0.25 + next() / 2)
    later(now + there, (now) => {
      time = now
      const verdict = (isStrict(now) ? strict : lenient).take("token")
      later(now + latency - there, (now) => answered(now, verdict))
    })
  }
  const writer = (now: number): void => {
    if (now < closedUntil) {
      later(closedUntil + next() * 500, writer)
      return
    }
    const pause = allowance.take(now, open)
    if (pause > 0) {
      later(now + pause, writer)
      return
    }
    open++
    counted.sent++
    counted.sentAt.push(now)
    ask(now, (now, { headers, retryAfter }) => {
      open--
      const said = Allowance.fromHeaders(headers)
      if (said !== undefined) allowance.seen(now, open, said, retryAfter && retryAfter * 1000)
      if (retryAfter === undefined) counted.done++
      else {
        counted.refused++
        closedUntil = Math.max(closedUntil, now + retryAfter * 1000)
      }
      later(now + 1, writer)
    })
  }
  const other = (now: number): void =>
    ask(now, (_, { retryAfter }) => {
      if (retryAfter === undefined) counted.othersDone++
      else counted.othersRefused++
    })
  for (let i = 0; i < 5; i++) later(i, writer)
  const end = windows * windowSeconds * 1000
  for (let i = 0; i < others * windows; i++) later((i * windowSeconds * 1000) / others, other)
  for (let w = 0; w < windows; w++) for (let i = 0; i < bursts; i++) later(w * windowSeconds * 1000 + i * 10, other)
  until(end)
  const whole = (enforced ?? requests) * windows
  return { ...counted, used: (counted.done + counted.othersDone) / whole, refusedShare: counted.refused / counted.sent }
}

describe("Pacing/allowance", () => {
  for (const world of [
    { requests: 300, windows: 12 },
    { requests: 300, windows: 40, latency: 400 },
    { requests: 3_000, windows: 10 },
    { requests: 300, windows: 12, others: 60 },
    { requests: 300, enforced: 180, windows: 20 }
  ]) {
    it(`uses the whole of it, and hardly a request too many: ${JSON.stringify(world)}`, () => {
      for (let seed = 1; seed <= 20; seed++) {
        const { refusedShare, used } = use({ ...world, seed })
        assert.isAtLeast(used, 0.98)
        assert.isAtMost(refusedShare, "enforced" in world ? 0.01 : 0.005)
      }
    })
  }

  it("spreads the second half over the window", () => {
    const { sentAt } = use({ requests: 300, windows: 3 })
    const last = sentAt.filter((at) => at >= 60_000 && at < 120_000).slice(160)
    const gaps = last.slice(1).map((at, i) => at - last[i]!)
    assert.isBelow(Math.max(...gaps), 1_000)
    assert.isAbove(last.at(-1)! - last[0]!, 45_000)
  })

  it("leaves room for others with the same token, also where they come all at once", () => {
    const calm = use({ requests: 300, windows: 12, others: 60 })
    assert.isBelow(calm.othersRefused / (calm.othersRefused + calm.othersDone), 0.05)
    const sudden = use({ requests: 300, windows: 12, bursts: 100 })
    assert.isBelow(sudden.othersRefused / (sudden.othersRefused + sudden.othersDone), 0.05)
    assert.isAtLeast(sudden.used, 0.98)
  })

  it("finds out when more is let through than before", () => {
    const { done } = use({ requests: 300, enforced: 180, windows: 60, enforcedUntil: 10 })
    // 10 windows of 180; of the 50 others all but those in which it grew
    assert.isAbove(done, 10 * 180 + 50 * 300 * 0.85)
  })

  it("a refusal by another limit, which asks for a shorter pause, costs that pause and no more", () => {
    const allowance = Allowance.make()
    allowance.seen(0, 0, { allowed: 300, count: 1, reset: 60 })
    allowance.seen(1_000, 0, { allowed: 300, count: 2, reset: 59 }, 3_000)
    assert.strictEqual(allowance.take(61_000, 0), 0)
    allowance.seen(61_001, 0, { allowed: 300, count: 100, reset: 60 })
    assert.strictEqual(allowance.take(61_002, 0), 0)
  })

  it("another token's window is begun where its count shows", () => {
    const allowance = Allowance.make()
    allowance.seen(0, 0, { allowed: 300, count: 300, reset: 60 })
    assert.isAbove(allowance.wait(10_000, 0), 0)
    allowance.seen(10_000, 0, { allowed: 300, count: 1, reset: 60 })
    assert.strictEqual(allowance.wait(10_001, 0), 0)
  })

  it("headers that say nothing, or nonsense, are no allowance", () => {
    for (const value of [undefined, "", "x", "-1", "1e9", "99999999999", "3.5"]) {
      for (const name of ["allowed", "count", "reset"]) {
        const headers: Record<string, string | undefined> = {
          "inin-ratelimit-allowed": "300",
          "inin-ratelimit-count": "1",
          "inin-ratelimit-reset": "60"
        }
        headers[`inin-ratelimit-${name}`] = value
        assert.isUndefined(Allowance.fromHeaders(headers))
      }
    }
  })

  it("never waits for longer than the window, nor for nothing", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(
          FastCheck.record({
            after: FastCheck.integer({ min: 0, max: 30_000 }),
            open: FastCheck.integer({ min: 0, max: 20 }),
            allowed: FastCheck.integer({ min: 1, max: 400 }),
            count: FastCheck.integer({ min: 0, max: 500 }),
            reset: FastCheck.integer({ min: 0, max: 70 }),
            retryAfter: FastCheck.option(FastCheck.integer({ min: 0, max: 70_000 }), { nil: undefined })
          }),
          { maxLength: 40 }
        ),
        (answers) => {
          const allowance = Allowance.make()
          let now = 0
          for (const { after, open, retryAfter, ...said } of answers) {
            now += after
            allowance.seen(now, open, said, retryAfter)
            const pause = allowance.take(now, open)
            assert.isTrue(Number.isInteger(pause) && pause >= 0 && pause <= 70_000, String(pause))
            // whatever was said, a writer that waits as it is told gets its turn
            let turn = now
            for (let i = 0; i < 200 && allowance.wait(turn, 0) > 0; i++) turn += allowance.wait(turn, 0)
            assert.strictEqual(allowance.wait(turn, 0), 0)
          }
        }
      )
    )
  })
})

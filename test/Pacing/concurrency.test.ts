import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Concurrency from "../../src/Pacing/concurrency.js"
import { agenda } from "../support/agenda.js"
import { makeRandom } from "../support/random.js"

/** A server that works on some requests at once, while the others queue. */
interface World {
  readonly atOnce: (now: number) => number
  /** Milliseconds for one, without the way there and back. */
  readonly work: (now: number) => number
  /** From when to when nothing is answered. */
  readonly stalled?: readonly [from: number, to: number]
  /** From when to when all is refused. */
  readonly refuses?: readonly [from: number, to: number]
  /** Answers take up to this share more or less. */
  readonly noise: number
  /** The share of requests that are twice as much work. */
  readonly large?: number
}

const way = 20
const length = 120_000

const within = (range: readonly [number, number] | undefined, now: number): boolean =>
  range !== undefined && now >= range[0] && now < range[1]

/** A client that always has something to send. */
const use = (world: World, seed: number, concurrency: Concurrency.Concurrency) => {
  const random = makeRandom(seed)
  const { later, until } = agenda()
  const queue: Array<(now: number) => void> = []
  const took: Array<number> = []
  const limits: Array<{ readonly at: number; readonly limit: number }> = []
  let clock = 0
  let busy = 0
  let open = 0

  const work = (now: number): void => {
    while (!within(world.stalled, now) && busy < world.atOnce(now) && queue.length > 0) {
      const answer = queue.shift()!
      const finish = (now: number): void => {
        if (within(world.stalled, now)) {
          later(world.stalled![1], finish)
          return
        }
        busy--
        later(now + way, answer)
        work(now)
      }
      busy++
      const size = random.number() < (world.large ?? 0) ? 2 : 1
      later(now + world.work(now) * size * (1 + world.noise * (2 * random.number() - 1)), finish)
    }
  }
  const send = (): void => {
    while (open < concurrency.limit()) {
      const sent = concurrency.sent(++open)
      later(clock + way, (now) => {
        const start = now - way
        const isRefused = within(world.refuses, start)
        const done = (now: number): void => {
          clock = now
          open--
          if (isRefused) concurrency.refused(sent)
          else {
            took.push(now - start)
            concurrency.answered(sent, now - start)
          }
          limits.push({ at: now, limit: concurrency.limit() })
          send()
        }
        if (isRefused) later(now + way, done)
        else {
          queue.push(done)
          work(now)
        }
      })
    }
  }
  later(0, send)
  if (world.stalled !== undefined) later(world.stalled[1], work)
  until(length)
  took.sort((a, b) => a - b)
  return { answered: took.length, p99: took[Math.floor(took.length * 0.99)]!, limits }
}

const fixed = (limit: number): Concurrency.Concurrency => ({
  limit: () => limit,
  sent: (open) => ({ round: 0, open }),
  answered: () => {},
  refused: () => {}
})

/** The number at once that gets the most done; of those that get as much done, the one with the quickest answers. */
const best = (world: World, seed: number, most: number) => {
  const all = Array.from({ length: most }, (_, i) => use(world, seed, fixed(i + 1)))
  const answered = Math.max(...all.map((one) => one.answered))
  return { answered, p99: all.find((one) => one.answered >= answered * 0.99)!.p99 }
}

const worlds: Record<string, Omit<World, "noise">> = {
  "quick until 8 at once, then queueing": { atOnce: () => 8, work: () => 160 },
  "quick until 3 at once, then queueing": { atOnce: () => 3, work: () => 160 },
  "a stall of 10 s": { atOnce: () => 8, work: () => 160, stalled: [40_000, 50_000] },
  "from the middle on half as many at once": { atOnce: (now) => (now < length / 2 ? 8 : 4), work: () => 160 },
  "from the middle on half as quick": { atOnce: () => 8, work: (now) => (now < length / 2 ? 160 : 320) },
  "half as quick for a while": { atOnce: () => 8, work: (now) => (now > 40_000 && now < 70_000 ? 320 : 160) },
  "no end to what it can take": { atOnce: () => 1_000, work: () => 160 }
}

describe("Pacing/concurrency", () => {
  for (const [name, world] of Object.entries(worlds)) {
    for (const most of [5, 16]) {
      it(`95 % of what the best number gets done, and answers as quick: ${name}; up to ${most}`, () => {
        for (const [noise, large] of [
          [0.05, 0],
          [0.2, 0],
          [0.2, 0.1]
        ] as const) {
          for (let seed = 1; seed <= 5; seed++) {
            const given = { ...world, noise, large }
            const reference = best(given, seed, most)
            const found = use(given, seed, Concurrency.make(most))
            assert.isAtLeast(found.answered / reference.answered, 0.95)
            assert.isAtMost(found.p99 / reference.p99, 1.5)
          }
        }
      })
    }
  }

  it("a while of refusals is over a few round trips after its end", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const world: World = { ...worlds["no end to what it can take"]!, noise: 0.2, refuses: [40_000, 50_000] }
      const { limits } = use(world, seed, Concurrency.make(16))
      assert.strictEqual(limits.findLast(({ at }) => at < 50_000)!.limit, 1)
      assert.strictEqual(limits.findLast(({ at }) => at < 58_000)!.limit, 16)
    }
  })

  it("of requests that were sent together and are refused, the first speaks for all", () => {
    const concurrency = grown(10)
    const together = Array.from({ length: 10 }, (_, i) => concurrency.sent(i + 1))
    for (const sent of together) concurrency.refused(sent)
    assert.strictEqual(concurrency.limit(), 9)
    concurrency.refused(concurrency.sent(9))
    assert.strictEqual(concurrency.limit(), 8)
  })

  it("refusals leave as many as the allowance takes", () => {
    const concurrency = grown(10)
    // one each 20 ms, at 100 ms each
    for (let i = 0; i < 20; i++) concurrency.refused(concurrency.sent(1), 0.05)
    assert.strictEqual(concurrency.limit(), 5)
    for (let i = 0; i < 20; i++) concurrency.refused(concurrency.sent(1), 0.5)
    assert.strictEqual(concurrency.limit(), 5)
    for (let i = 0; i < 20; i++) concurrency.refused(concurrency.sent(1))
    assert.strictEqual(concurrency.limit(), 1)
  })

  it("does not grow while the limit is not reached", () => {
    const concurrency = Concurrency.make(16)
    for (let i = 0; i < 100; i++) {
      const open = Math.min(3, concurrency.limit())
      for (const sent of Array.from({ length: open }, (_, i) => concurrency.sent(i + 1)))
        concurrency.answered(sent, 100)
    }
    assert.strictEqual(concurrency.limit(), 4)
  })

  it("never less than 1 nor more than the most, whatever is answered and refused when", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.integer({ min: 1, max: 20 }),
        FastCheck.array(
          FastCheck.record({
            does: FastCheck.constantFrom("send", "send", "answered", "answered", "refused"),
            which: FastCheck.nat(20),
            took: FastCheck.oneof(FastCheck.nat(300), FastCheck.double({ min: 0, max: 1e6, noNaN: true })),
            rate: FastCheck.double({ min: 0, max: 10, noNaN: true })
          }),
          { maxLength: 400 }
        ),
        (most, steps) => {
          const concurrency = Concurrency.make(most)
          const open: Array<Concurrency.Sent> = []
          for (const { does, rate, took, which } of steps) {
            const [sent] = does === "send" ? [] : open.splice(which % Math.max(1, open.length), 1)
            if (does === "send" && open.length < concurrency.limit()) open.push(concurrency.sent(open.length + 1))
            if (sent !== undefined && does === "answered") concurrency.answered(sent, took)
            if (sent !== undefined && does === "refused") concurrency.refused(sent, rate)
            assert.isTrue(Number.isInteger(concurrency.limit()))
            assert.isAtLeast(concurrency.limit(), 1)
            assert.isAtMost(concurrency.limit(), most)
          }
        }
      )
    )
  })
})

/** One that has found so many to be as quick as one. */
const grown = (limit: number): Concurrency.Concurrency => {
  const concurrency = Concurrency.make(limit)
  while (concurrency.limit() < limit) {
    const sent = Array.from({ length: concurrency.limit() }, (_, i) => concurrency.sent(i + 1))
    for (const one of sent) concurrency.answered(one, 100)
  }
  return concurrency
}

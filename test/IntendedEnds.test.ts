import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import {
  AuditSink,
  Contract,
  type DncEntry,
  DncSubmitter,
  DncValidator,
  IntendedEnds,
  Pipeline,
  SuppressionSet
} from "genesys-dnc"
import { assertTotals, folder, mode, number } from "./support/cli.js"
import { input, row } from "./support/inputs.js"

const forEver = Number.POSITIVE_INFINITY
const day = 86_400_000
const start = Date.UTC(2027, 0, 1)

const key = { target: "https://api.example", dncListId: "0ffca115-cafe-4ace-a11c-facade0ca115", runId: "run" }

const digits = (phoneNumber: string): number => Number(phoneNumber.slice(1))

type Value = readonly [index: number, expires: number]

const setOf = (...values: ReadonlyArray<Value>) => {
  const set = SuppressionSet.make()
  const zeros = values.map(() => 0)
  const numbers = values.map(([index]) => digits(number(index)))
  const expires = values.map(([, expires]) => expires)
  set.add(
    { length: values.length, line: zeros, number: numbers, reason: zeros, expires, rejects: [], unknownReasons: 0 },
    0
  )
  return set
}

const noted = (ends: IntendedEnds.IntendedEnds, ...values: ReadonlyArray<Value>) =>
  ends.note({ ...key, now: start, set: setOf(...values) })

const known = (ends: IntendedEnds.IntendedEnds, list: IntendedEnds.List = key) =>
  Effect.map(ends.known(list), ({ ends }) => new Map(Array.from(ends, ([number, end]) => [number % 1e6, end])))

const file = Effect.map(folder, (path) => Path.join(path, "ends.jsonl"))

describe("IntendedEnds", () => {
  it.scopedLive("the later end counts, and for ever beats it in any order; what is near is not kept", () =>
    Effect.gen(function* () {
      const path = yield* file
      const ends = IntendedEnds.make(path)
      const [year, later] = [start + 365 * day, start + 400 * day]
      yield* noted(ends, [1, start + 30 * day], [2, forEver])
      assert.isFalse(Fs.existsSync(path), "there was nothing to keep")
      yield* noted(ends, [1, year], [2, year], [3, later], [4, year])
      assert.strictEqual(mode(path), 0o600)
      yield* noted(ends, [1, later], [2, forEver], [3, year], [4, start + 30 * day])
      assert.deepStrictEqual(
        yield* known(ends),
        new Map([
          [1, later],
          [2, forEver],
          [3, later]
        ])
      )
      yield* noted(ends, [2, later])
      assert.strictEqual((yield* known(ends)).get(2), forEver)
      yield* ends.forget(key, [number(2), number(3), number(9)])
      assert.deepStrictEqual(yield* known(ends), new Map([[1, later]]))
      yield* noted(ends, [2, year])
      assert.strictEqual((yield* known(ends)).get(2), year, "off the list, it is for ever no more")
    })
  )

  it.scopedLive("a file that is pushed again adds nothing", () =>
    Effect.gen(function* () {
      const path = yield* file
      const ends = IntendedEnds.make(path)
      assert.strictEqual((yield* noted(ends, [1, start + 365 * day])).kept, 1)
      const size = Fs.statSync(path).size
      assert.strictEqual((yield* noted(ends, [1, start + 365 * day], [2, forEver])).kept, 1)
      assert.strictEqual(Fs.statSync(path).size, size)
    })
  )

  it.scopedLive("the same id in another org is another list", () =>
    Effect.gen(function* () {
      const ends = IntendedEnds.make(yield* file)
      yield* noted(ends, [1, start + 365 * day])
      assert.strictEqual((yield* known(ends, { ...key, target: "https://api.elsewhere" })).size, 0)
      assert.strictEqual((yield* known(ends, { ...key, dncListId: key.dncListId.toUpperCase() })).size, 1)
    })
  )

  it.scopedLive("a line that was cut short is passed over, and takes no other with it", () =>
    Effect.gen(function* () {
      const path = yield* file
      const ends = IntendedEnds.make(path)
      const year = start + 365 * day
      yield* noted(ends, [1, year])
      const whole = Fs.readFileSync(path, "utf8")
      Fs.appendFileSync(path, whole.replace(number(1), number(2)).slice(0, -20))
      assert.deepStrictEqual(Array.from((yield* known(ends)).keys()), [1])
      // another run that had the file open appends behind it
      Fs.appendFileSync(path, whole.replace(number(1), number(3)))
      assert.deepStrictEqual(Array.from((yield* known(ends)).keys()), [1, 3])
      yield* noted(ends, [4, year])
      assert.deepStrictEqual(Array.from((yield* known(ends)).keys()), [1, 3, 4])
    })
  )

  it.scopedLive("what is on the list for ever already stays, and so does what cannot be looked up", () =>
    Effect.gen(function* () {
      const ends = IntendedEnds.make(yield* file)
      const year = start + 365 * day
      const set = setOf([1, year], [2, year], [3, year])
      const entries = [
        { phoneNumber: number(1), expires: forEver },
        { phoneNumber: number(2), expires: start + day },
        { phoneNumber: "not a number", expires: forEver }
      ]
      const blind = yield* ends.note({ ...key, now: start, set, listed: Stream.fail({ message: "403" }) })
      assert.deepInclude(blind, { kept: 0, forEver: 0, unseen: 3 })
      assert.strictEqual((yield* known(ends)).size, 0)
      const seeing = yield* ends.note({ ...key, now: start, set, listed: Stream.fromIterable(entries) })
      assert.deepInclude(seeing, { kept: 2, forEver: 1, unseen: 0 })
      assert.strictEqual((yield* known(ends)).get(1), forEver)
      // those are on the list for ever now, by us: no reason to look
      const again = yield* ends.note({ ...key, now: start, set, listed: Stream.dieMessage("it was looked at") })
      assert.deepInclude(again, { kept: 2, forEver: 1, unseen: 0 })
    })
  )

  it.scopedLive("two runs at once: who wants it for ever wins, whoever wrote first", () =>
    Effect.gen(function* () {
      const ends = IntendedEnds.make(yield* file)
      const year = start + 365 * day
      const one = yield* ends.note({ ...key, now: start, set: setOf([1, forEver], [2, year]) })
      const two = yield* ends.note({ ...key, runId: "two", now: start, set: setOf([1, year], [2, forEver]) })
      assert.strictEqual((yield* known(ends)).get(1), year)
      yield* one.settle
      yield* two.settle
      assert.deepStrictEqual(
        yield* known(ends),
        new Map([
          [1, forEver],
          [2, forEver]
        ])
      )
    })
  )

  it.scopedLive("lines of a thousand, as many ends as numbers, and none lost", () =>
    Effect.gen(function* () {
      const path = yield* file
      const ends = IntendedEnds.make(path)
      const values = Array.from({ length: 120_000 }, (_, i) => [i, start + (365 + (i % 2) * i) * day] as const)
      const set = SuppressionSet.make()
      const zeros = new Uint8Array(values.length)
      set.add(
        {
          length: values.length,
          line: zeros,
          number: values.map(([i]) => 33_199_000_000 + i),
          expires: values.map(([, end]) => end),
          reason: zeros,
          rejects: [],
          unknownReasons: 0
        },
        0
      )
      yield* ends.note({ ...key, now: start, set })
      const { ends: all } = yield* ends.known(key)
      assert.strictEqual(all.size, values.length)
      assert.isTrue(values.every(([i, end]) => all.get(33_199_000_000 + i) === end))
      for (const line of Fs.readFileSync(path, "utf8").trimEnd().split("\n")) {
        assert.isAtMost(JSON.parse(line).phoneNumbers.length, 1000)
      }
    })
  )

  it.scopedLive("where it cannot be written nothing is noted, and it is said what to do", () =>
    Effect.gen(function* () {
      const ends = IntendedEnds.make(Path.join(yield* folder, "no", "such", "folder"))
      const error = yield* Effect.flip(noted(ends, [1, start + 365 * day]))
      assert.strictEqual(error._tag, "EndsError")
      assert.include(error.hint, "--ends")
    })
  )
})

/** A list that takes what it is sent. */
const world = (path: string) => {
  const list = new Map<string, number>()
  /** Runs once, when numbers are about to be taken off. */
  const hook: { beforeRemoval: Effect.Effect<unknown> } = { beforeRemoval: Effect.void }
  const submitter = DncSubmitter.DncSubmitter.of({
    contract: Contract.platform(),
    target: key.target,
    concurrency: 1,
    check: () => Effect.succeed(undefined),
    submit: Effect.fnUntraced(function* (batch: DncEntry.Batch) {
      if (batch.action === "remove") {
        const { beforeRemoval } = hook
        hook.beforeRemoval = Effect.void
        yield* beforeRemoval
      }
      for (const phoneNumber of batch.phoneNumbers) {
        if (batch.action === "add") list.set(phoneNumber, batch.expires)
        else list.delete(phoneNumber)
      }
      const count = batch.phoneNumbers.length
      const receipt: DncEntry.Receipt = {
        created: 0,
        duplicate: 0,
        updated: 0,
        accepted: count,
        skipped: 0,
        rejected: [],
        failed: [],
        latencyMs: 0,
        attempts: 1,
        idempotencyKey: "",
        correlationId: undefined
      }
      return receipt
    })
  })
  const services = Layer.mergeAll(
    Layer.succeed(DncSubmitter.DncSubmitter, submitter),
    DncValidator.layer(),
    AuditSink.layerMemory([])
  )
  const ends = IntendedEnds.make(path)
  const listed = Stream.suspend(() =>
    Stream.fromIterable(Array.from(list, ([phoneNumber, expires]) => ({ phoneNumber, expires })))
  )
  const push = (now: number, action: DncEntry.Action, rows: ReadonlyArray<DncEntry.Row>) =>
    Pipeline.push([input("in.csv", rows)], {
      dncListId: key.dncListId,
      now,
      action,
      allowShorten: true,
      ends,
      listed
    }).pipe(Effect.provide(services))
  return {
    list,
    ends,
    hook,
    push,
    add: (now: number, who: ReadonlyArray<number>, end: number) =>
      push(
        now,
        "add",
        who.map((i) => row(number(i), undefined, end === forEver ? undefined : new Date(end).toISOString()))
      ),
    remove: (now: number, who: ReadonlyArray<number>) =>
      push(
        now,
        "remove",
        who.map((i) => row(number(i)))
      ),
    expire: (now: number, options: Pick<Pipeline.Options, "confirm"> = {}) =>
      Pipeline.expire({ dncListId: key.dncListId, now, ends, listed, ...options }).pipe(Effect.provide(services))
  }
}

const who = fc.uniqueArray(fc.nat(3), { minLength: 1, maxLength: 4 })

const step = fc.record({
  days: fc.nat(120),
  who,
  ahead: fc.integer({ min: 190, max: 700 }),
  near: fc.integer({ min: 1, max: 170 }),
  what: fc.constantFrom(
    "far",
    "far",
    "far",
    "far, crash before sending",
    "for ever",
    "near",
    "remove",
    "remove, crash before forgetting",
    "expire",
    "expire",
    "hand: for ever",
    "hand: near",
    "hand: off",
    "torn line"
  )
})

describe("expire and all that can come before it", { timeout: 120_000 }, () => {
  it("never takes off a number that has any reason to stay, and takes off all others that are due", () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) =>
        Effect.gen(function* () {
          const path = yield* file
          const { add, ends, expire, list, remove } = world(path)
          let now = start
          /** Until when somebody wants it suppressed. */
          const wanted = new Map<number, number>()
          /** Numbers whose being on the list for ever is our doing, as far as we can know. */
          const ours = new Map<number, number>()
          for (const { ahead, days, near, what, who } of steps) {
            now += days * day
            const [far, soon] = [now + ahead * day, now + near * day]
            const noteFar = () => {
              for (const i of who) {
                const before = ours.get(i)
                const unrelated = before === undefined && list.get(number(i)) === forEver
                ours.set(i, unrelated ? forEver : Math.max(before ?? far, far))
              }
            }
            switch (what) {
              case "far":
                noteFar()
                for (const i of who) wanted.set(i, Math.max(far, wanted.get(i) ?? far))
                yield* add(now, who, far)
                break
              case "far, crash before sending":
                noteFar()
                yield* ends.note({
                  ...key,
                  now,
                  set: setOf(...who.map((i) => [i, far] as const)),
                  listed: Stream.fromIterable(Array.from(list, ([phoneNumber, expires]) => ({ phoneNumber, expires })))
                })
                break
              case "for ever":
                yield* add(now, who, forEver)
                for (const i of who) {
                  wanted.set(i, forEver)
                  if (ours.has(i)) ours.set(i, forEver)
                }
                break
              case "near":
                // the list takes it, whatever it held
                yield* add(now, who, soon)
                for (const i of who) {
                  wanted.set(i, soon)
                  ours.delete(i)
                }
                break
              case "remove":
                yield* remove(now, who)
                for (const i of who) {
                  wanted.delete(i)
                  ours.delete(i)
                }
                break
              case "remove, crash before forgetting":
                for (const i of who) {
                  list.delete(number(i))
                  wanted.delete(i)
                }
                break
              case "hand: for ever":
                for (const i of who) {
                  // nobody can tell it from ours
                  if (ours.has(i)) continue
                  list.set(number(i), forEver)
                  wanted.set(i, forEver)
                }
                break
              case "hand: near":
                for (const i of who) {
                  list.set(number(i), soon)
                  wanted.set(i, soon)
                }
                break
              case "hand: off":
                for (const i of who) {
                  list.delete(number(i))
                  wanted.delete(i)
                }
                break
              case "torn line":
                if (Fs.existsSync(path))
                  Fs.appendFileSync(path, `{"at":"2027-01-01T00:00:00.000Z","phoneNumbers":["${number(0)}`)
                break
              case "expire": {
                const before = new Map(list)
                const due = Array.from(ours).filter(([, end]) => end <= now)
                const expected = due.filter(([i]) => before.get(number(i)) === forEver).map(([i]) => i)
                const expired = yield* expire(now)
                const taken = Array.from(before.keys()).filter((phoneNumber) => !list.has(phoneNumber))
                for (const phoneNumber of taken) {
                  const until = wanted.get(digits(phoneNumber) % 1e6)
                  assert.isTrue(until === undefined || until <= now, `${phoneNumber} is wanted on the list`)
                }
                assert.sameMembers(taken, expected.map(number))
                assert.strictEqual(expired.due, due.length)
                assert.strictEqual(expired.toRemove, taken.length)
                assert.strictEqual(expired.report?.totals.accepted ?? 0, taken.length)
                for (const [i] of due) ours.delete(i)
                for (const i of expected) wanted.delete(i)
                break
              }
            }
            for (const [i, end] of ours) assert.strictEqual((yield* known(ends)).get(i), end, what)
            assert.strictEqual((yield* known(ends)).size, ours.size, what)
          }
        }).pipe(Effect.scoped, Effect.runPromise)
      ),
      { numRuns: 100 }
    ))

  it.scopedLive("what is pushed while it asks stays, and is not forgotten", () =>
    Effect.gen(function* () {
      const { add, ends, expire, list } = world(yield* file)
      yield* add(start, [0, 1, 2], start + 200 * day)
      const now = start + 300 * day
      const confirm = () =>
        Effect.orDie(
          Effect.zipRight(add(now, [0], forEver), Effect.zipRight(add(now, [1], now + 300 * day), Effect.void))
        )
      const expired = yield* expire(now, { confirm })
      assert.deepInclude(expired, { due: 3, toRemove: 1, renewed: 2, gone: 0, changed: 0 })
      assert.deepStrictEqual(Array.from(list.keys()), [number(0), number(1)])
      assert.deepStrictEqual(
        yield* known(ends),
        new Map([
          [0, forEver],
          [1, now + 300 * day]
        ])
      )
    })
  )

  it.scopedLive("what is pushed while it is being taken off is put back as it was pushed", () =>
    Effect.gen(function* () {
      const { add, ends, expire, hook, list } = world(yield* file)
      yield* add(start, [0, 1, 2, 3], start + 200 * day)
      const now = start + 300 * day
      hook.beforeRemoval = Effect.orDie(
        Effect.all([add(now, [0], forEver), add(now, [1], now + 300 * day), add(now, [2], now + 30 * day)])
      )
      const { report, ...counts } = yield* expire(now)
      assert.deepInclude(counts, { due: 4, toRemove: 4, renewed: 0 })
      assertTotals(report!.totals, { read: 4, accepted: 1, skipped: 3 })
      assert.deepStrictEqual(
        list,
        new Map([
          [number(0), forEver],
          [number(1), forEver],
          [number(2), now + 30 * day]
        ])
      )
      assert.deepStrictEqual(
        yield* known(ends),
        new Map([
          [0, forEver],
          [1, now + 300 * day]
        ])
      )
    })
  )

  it.scopedLive("what remove takes off meanwhile is not put back", () =>
    Effect.gen(function* () {
      const { add, expire, hook, list, remove } = world(yield* file)
      yield* add(start, [0, 1], start + 200 * day)
      hook.beforeRemoval = Effect.orDie(remove(start + 300 * day, [0]))
      yield* expire(start + 300 * day)
      assert.strictEqual(list.size, 0)
    })
  )

  it.scopedLive("refused, nothing is taken off and nothing forgotten", () =>
    Effect.gen(function* () {
      const { add, ends, expire, list } = world(yield* file)
      yield* add(start, [0, 1], start + 200 * day)
      const asked: Array<number> = []
      const confirm = ({ numbers }: Pipeline.Plan) =>
        Effect.sync(() => asked.push(numbers)).pipe(Effect.zipRight(Effect.die("no")))
      yield* Effect.exit(expire(start + 300 * day, { confirm }))
      assert.deepStrictEqual(asked, [2])
      assert.strictEqual(list.size, 2)
      assert.strictEqual((yield* known(ends)).size, 2)
    })
  )
})

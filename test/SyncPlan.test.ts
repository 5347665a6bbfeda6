import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type DncExport, SuppressionSet, SyncPlan } from "genesys-dnc"
import { folder, mode } from "./support/cli.js"

const forEver = Number.POSITIVE_INFINITY

const minute = 60_000

const day = 86_400_000

const now = Date.UTC(2027, 0, 1, 12, 0, 30)

type Wanted = readonly [number: number, expires: number]

const setOf = (wanted: ReadonlyArray<Wanted>): SuppressionSet.SuppressionSet => {
  const set = SuppressionSet.make()
  set.add(
    {
      length: wanted.length,
      line: wanted.map((_, i) => i + 1),
      number: wanted.map(([number]) => number),
      reason: wanted.map(() => 0),
      expires: wanted.map(([, expires]) => expires),
      rejects: [],
      unknownReasons: 0
    },
    0
  )
  return set
}

const entry = (phoneNumber: string, expires = forEver): DncExport.Entry => ({ phoneNumber, expires })

const plan = (
  wanted: ReadonlyArray<Wanted>,
  listed: ReadonlyArray<DncExport.Entry>,
  maxRemove: SyncPlan.MaxRemove = { share: 1 }
) => SyncPlan.make(setOf(wanted), Stream.fromIterable(listed), { now, maxRemove })

const counts = ({ steps: _, unwanted: _u, wanted: _w, ...counts }: SyncPlan.SyncPlan) => counts

const none = {
  listed: 0,
  adds: 0,
  removals: 0,
  expired: 0,
  longer: 0,
  shorter: 0,
  unchanged: 0,
  foreign: 0,
  repeated: 0
}

describe("SyncPlan", () => {
  it.effect("adds, removes, changes, and leaves alone what is as it should be", () =>
    Effect.gen(function* () {
      const end = Date.UTC(2027, 2, 1)
      const found = yield* plan(
        [
          [14155550100, forEver],
          [14155550101, forEver],
          [14155550102, end],
          [14155550103, end]
        ],
        [entry("+14155550101"), entry("+14155550102", end - day), entry("+14155550103"), entry("+14155550104", end)]
      )
      assert.deepStrictEqual(counts(found), {
        ...none,
        listed: 4,
        adds: 1,
        removals: 1,
        longer: 1,
        shorter: 1,
        unchanged: 1
      })
      assert.deepStrictEqual(
        [...found.steps()],
        [
          { action: "remove", phoneNumber: "+14155550104", expires: undefined, listExpires: end },
          { action: "change", phoneNumber: "+14155550102", expires: end, listExpires: end - day },
          { action: "change", phoneNumber: "+14155550103", expires: end, listExpires: forEver },
          { action: "add", phoneNumber: "+14155550100", expires: forEver, listExpires: undefined }
        ]
      )
      // what waits in the two sets is what is to be sent
      const run = { runId: "run", dncListId: "list", action: "add" as const }
      assert.deepStrictEqual(
        [...found.wanted.cut(1000, run)].flatMap(({ phoneNumbers }) => phoneNumbers),
        ["+14155550100", "+14155550102", "+14155550103"]
      )
      assert.deepStrictEqual(
        [...found.unwanted.cut(1000, run)].flatMap(({ phoneNumbers }) => phoneNumbers),
        ["+14155550104"]
      )
    })
  )

  it.effect.each([
    ["seconds are rounded up to the minute", now + day, now + day + 30_000, "unchanged"],
    ["as are those on the list", now + day, now + day + 1, "unchanged"],
    ["a minute is a difference", now + day, now + day + 31_000, "shorter"],
    ["nearly 180 days ahead can be said", now + 180 * day - 3_600_000, now + 180 * day - 3_600_000, "unchanged"],
    ["more than 180 days is for ever on the list", now + 180 * day, forEver, "unchanged"],
    ["so an end on the list is too short for it", now + 400 * day, now + 170 * day, "longer"],
    ["for ever is for ever", forEver, forEver, "unchanged"]
  ] as const)("%s", ([, wanted, listed, expected]) =>
    Effect.gen(function* () {
      const found = counts(yield* plan([[14155550100, wanted]], [entry("+14155550100", listed)]))
      assert.deepStrictEqual(found, { ...none, listed: 1, [expected]: 1 })
    })
  )

  it.effect("what is no E.164 number is left alone, and what comes twice counts once", () =>
    Effect.gen(function* () {
      const listed = ["317-153-4777", "14155550100", "somebody@example.com", "+14155550101", "+14155550101"]
      const found = yield* plan(
        [[14155550100, forEver]],
        listed.map((number) => entry(number))
      )
      assert.deepStrictEqual(counts(found), { ...none, listed: 5, adds: 1, removals: 1, foreign: 3, repeated: 1 })
    })
  )

  describe("--max-remove", () => {
    const listed = Array.from({ length: 200 }, (_, i) => entry(`+1415555${1000 + i}`))

    const all = listed.map(({ phoneNumber }): Wanted => [Number(phoneNumber.slice(1)), forEver])

    it.effect("is 1 % of the list unless given", () =>
      Effect.gen(function* () {
        const make = (missing: number) => SyncPlan.make(setOf(all.slice(missing)), Stream.fromIterable(listed), { now })
        assert.strictEqual((yield* make(2)).removals, 2)
        const error = yield* Effect.flip(make(3))
        assert.strictEqual(error._tag, "TooManyRemovals")
        assert.match(
          error.message,
          /^3 of 200 entries would be removed, more than the limit of 2; nothing was changed$/
        )
        assert.include(error.hint, "--max-remove")
      })
    )

    it.effect.each([
      [{ rows: 5 }, 5, true],
      [{ rows: 5 }, 6, false],
      [{ rows: 0 }, 1, false],
      [{ share: 0.1 }, 20, true],
      [{ share: 0.1 }, 21, false],
      [{ share: 1 }, 200, true]
    ] as const)("%o and %i removals", ([maxRemove, missing, admitted]) =>
      Effect.gen(function* () {
        const result = yield* Effect.either(plan(all.slice(missing), listed, maxRemove))
        assert.strictEqual(result._tag === "Right", admitted)
      })
    )

    it.effect("does not count what has expired", () =>
      Effect.gen(function* () {
        const over = [entry("+14155550100", now - day), entry("+14155550101", now + day)]
        const found = yield* plan([], over, { rows: 1 })
        assert.deepStrictEqual(counts(found), { ...none, listed: 2, removals: 2, expired: 1 })
        assert.isTrue((yield* Effect.either(plan([], over, { rows: 0 })))._tag === "Left")
      })
    )
  })

  const number = fc.integer({ min: 0, max: 30 }).map((i) => 14_155_550_100 + i)
  const expires = fc.oneof(
    fc.constant(forEver),
    fc.integer({ min: 0, max: 6 }).map((i) => now + day + i * 25_000),
    fc.constantFrom(now - day, now + 179 * day, now + 180 * day, now + 181 * day, now + 500 * day)
  )

  it.prop(
    "is what a plain comparison gives, in whatever chunks the export comes",
    [
      fc.uniqueArray(fc.tuple(number, expires), { selector: ([number]) => number }),
      fc.uniqueArray(fc.tuple(number, expires), { selector: ([number]) => number }),
      fc.integer({ min: 1, max: 7 })
    ],
    ([wanted, listed, size]) => {
      const up = (instant: number) => Math.ceil(instant / minute) * minute
      const target = (end: number) => (end - now > 180 * day - 3_600_000 ? forEver : up(end))
      const on = new Map(listed)
      const of = new Map(wanted)
      const expected = new Set([
        ...listed
          .filter(([number]) => !of.has(number))
          .map(([number, end]) => `remove ${number} ${undefined} ${up(end)}`),
        ...wanted
          .filter(([number, end]) => !on.has(number) || up(on.get(number)!) !== target(end))
          .map(([number, end]) =>
            on.has(number)
              ? `change ${number} ${target(end)} ${up(on.get(number)!)}`
              : `add ${number} ${target(end)} ${undefined}`
          )
      ])
      const comparison = SyncPlan.compare(setOf(wanted), now)
      for (let i = 0; i < listed.length; i += size) {
        comparison.take(listed.slice(i, i + size).map(([number, end]) => entry(`+${number}`, end)))
      }
      const found = comparison.finish()
      const steps = [...found.steps()]
      assert.deepStrictEqual(
        new Set(
          steps.map(
            ({ action, expires, listExpires, phoneNumber }) =>
              `${action} ${phoneNumber.slice(1)} ${expires} ${listExpires}`
          )
        ),
        expected
      )
      assert.strictEqual(steps.length, expected.size)
      const { adds, foreign, longer, removals, repeated, shorter, unchanged } = found
      assert.strictEqual(adds + longer + shorter + unchanged, wanted.length)
      assert.strictEqual(removals + longer + shorter + unchanged + foreign + repeated, listed.length)
      assert.strictEqual(steps.length, adds + removals + longer + shorter)
      assert.strictEqual(found.wanted.pending(), adds + longer + shorter)
      assert.strictEqual(found.expired, listed.filter(([number, end]) => !of.has(number) && up(end) <= now).length)
    },
    { fastCheck: { numRuns: 1000 } }
  )

  it.scopedLive("writes its steps for their owner alone", () =>
    Effect.gen(function* () {
      const path = Path.join(yield* folder, "plan.csv")
      const end = Date.UTC(2027, 2, 1)
      const found = yield* plan([[14155550100, end]], [entry("+14155550101"), entry("+14155550100")])
      yield* SyncPlan.writeFile(found, path)
      assert.strictEqual(
        Fs.readFileSync(path, "utf8"),
        "action,phoneNumber,expires,listExpires\n" +
          "remove,+14155550101,,\n" +
          "change,+14155550100,2027-03-01T00:00:00.000Z,\n"
      )
      assert.strictEqual(mode(path), 0o600)
    })
  )

  it.effect("holds at most 25 bytes for each number that is wanted or unwanted, at a million of each", () =>
    Effect.gen(function* () {
      const million = 1_000_000
      const set = SuppressionSet.make()
      for (let base = 0; base < million; base += 10_000) {
        const number = Array.from({ length: 10_000 }, (_, i) => 14_000_000_000 + base + i)
        const zeros = number.map(() => 0)
        set.add(
          {
            length: number.length,
            line: zeros,
            number,
            reason: zeros,
            expires: number.map((number) => (number % 2 === 0 ? forEver : now + day)),
            rejects: [],
            unknownReasons: 0
          },
          base
        )
      }
      // a million others, and every second of the wanted with another end
      const listed = Stream.range(0, 149).pipe(
        Stream.mapChunks((chunk) =>
          Chunk.flatMap(chunk, (page) =>
            Chunk.makeBy(10_000, (i) => entry(`+${14_000_000_000 + million / 2 + page * 10_000 + i}`, forEver))
          )
        ),
        Stream.rechunk(10_000)
      )
      const found = yield* SyncPlan.make(set, listed, { now, maxRemove: { share: 1 } })
      assert.deepStrictEqual(counts(found), {
        ...none,
        listed: 1_500_000,
        adds: million / 2,
        removals: million,
        shorter: million / 4,
        unchanged: million / 4
      })
      assert.isBelow(found.wanted.bytes() + found.unwanted.bytes(), 50 * million)
    })
  )
})

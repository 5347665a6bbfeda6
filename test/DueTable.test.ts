import * as Fs from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, FastCheck as fc } from "effect"
import { DueTable } from "genesys-dnc"
import { businessDaysTaken, isWeekday } from "../src/DueTable/businessDays.js"
import { folder } from "./support/files.js"

const dayMs = 86_400_000

const day = (date: string): number => Date.parse(date) / dayMs

const date = (day: number): string => new Date(day * dayMs).toISOString().slice(0, 10)

/** Day by day, by the calendar: the first business day after the request that is not before `to` has this number. */
const naive = (from: number, to: number, holidays: ReadonlySet<string>): number => {
  let taken = 0
  for (let at = from, reached = from; reached < to; at++) {
    const weekday = new Date((at + 1) * dayMs).getUTCDay()
    if (weekday === 0 || weekday === 6 || holidays.has(date(at + 1))) continue
    taken++
    reached = at + 1
  }
  return taken
}

const made = (input: unknown): DueTable.DueTable => Either.getOrThrow(DueTable.make(input))

const days = fc.integer({ min: day("1960-01-01"), max: day("2060-01-01") })

describe("business days", () => {
  it("a weekday is Monday to Friday, on either side of 1970", () => {
    for (let at = -800; at < 800; at++) {
      const weekday = new Date(at * dayMs).getUTCDay()
      assert.strictEqual(isWeekday(at), weekday >= 1 && weekday <= 5, date(at))
    }
  })

  it("are counted as one would with a calendar, holidays included", () => {
    fc.assert(
      fc.property(
        days,
        fc.integer({ min: -5, max: 90 }),
        fc.array(fc.integer({ min: -3, max: 95 })),
        (from, on, off) => {
          const holidays = [...new Set(off.map((offset) => from + offset))].filter(isWeekday).sort((a, b) => a - b)
          assert.strictEqual(
            businessDaysTaken(from, from + on, holidays),
            naive(from, from + on, new Set(holidays.map(date)))
          )
        }
      )
    )
  })

  it.each([
    ["2026-11-20", "2026-11-20", 0],
    // from a Friday on: the weekend belongs to Monday
    ["2026-11-20", "2026-11-21", 1],
    ["2026-11-20", "2026-11-23", 1],
    ["2026-11-20", "2026-11-24", 2],
    ["2026-11-21", "2026-11-23", 1],
    ["2026-11-20", "2026-12-04", 10],
    ["2026-11-20", "2026-12-05", 11]
  ])("%s to %s took %d", (from, to, taken) => {
    assert.strictEqual(businessDaysTaken(day(from), day(to), []), taken)
  })
})

describe("DueTable", () => {
  it("is ten business days where nothing else is said", () => {
    const { isPastDue } = DueTable.defaults
    assert.isFalse(isPastDue("US", day("2026-11-20"), day("2026-12-04")))
    assert.isTrue(isPastDue("US", day("2026-11-20"), day("2026-12-05")))
  })

  it("goes by the country, else by the default", () => {
    const { isPastDue, shortest, table } = made({
      us: { businessDays: 10, holidays: ["2026-11-26", "2026-11-28"] },
      DE: { days: 30 },
      default: { days: 3 }
    })
    assert.deepStrictEqual(Object.keys(table).sort(), ["DE", "US", "default"])
    assert.strictEqual(shortest, 3)
    const from = day("2026-11-20")
    // a holiday moves it to Monday; one on a Saturday does not
    assert.deepStrictEqual(
      ["2026-12-04", "2026-12-07", "2026-12-08"].map((to) => isPastDue("US", from, day(to))),
      [false, false, true]
    )
    assert.deepStrictEqual(
      [30, 31].map((on) => isPastDue("DE", from, from + on)),
      [false, true]
    )
    assert.deepStrictEqual(
      [3, 4].map((on) => isPastDue("FR", from, from + on)),
      [false, true]
    )
    assert.isTrue(isPastDue("constructor", from, from + 4))
  })

  it("nothing is past due within the shortest deadline", () => {
    const deadline = fc.oneof(
      fc.record({ days: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ businessDays: fc.integer({ min: 0, max: 40 }) })
    )
    fc.assert(
      fc.property(deadline, deadline, days, fc.integer({ min: 0, max: 40 }), (one, other, from, on) => {
        const { isPastDue, shortest } = made({ default: one, DE: other })
        if (on <= shortest) for (const country of ["DE", "US"]) assert.isFalse(isPastDue(country, from, from + on))
      })
    )
  })

  it.each([
    [[], "not an object"],
    [null, "not an object"],
    [{ XX: { days: 1 } }, '"XX"'],
    [{ Germany: { days: 1 } }, '"Germany"'],
    [{ US: {} }, "US needs one of"],
    [{ US: { days: 1, businessDays: 1 } }, "US needs one of"],
    [{ US: { days: 1, holidays: [] } }, "holidays"],
    [{ US: { days: 1.5 } }, "US.days is not a whole number"],
    [{ US: { businessDays: "10" } }, "US.businessDays is not a whole number"],
    [{ US: { businessDays: 10, holidays: ["2026-02-29"] } }, "US.holidays.0 is not a date"],
    [{ US: { businessDays: 10, holidays: ["12/25/2026"] } }, "US.holidays.0 is not a date"],
    [{ US: { weeks: 2 } }, "US.weeks"],
    [{ default: 10 }, "default is not of the right kind"],
    [{ us: { days: 1 }, US: { days: 2 } }, "US twice"]
  ])("refuses %j and says where", (input, where) => {
    const error = Either.getOrThrow(Either.flip(DueTable.make(input)))
    assert.include(error.message, where)
    assert.include(error.hint, "businessDays")
  })

  it.effect("is read from a file", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "due.json")
      assert.include((yield* Effect.flip(DueTable.fromFile(path))).message, "ENOENT")
      Fs.writeFileSync(path, "{")
      assert.include((yield* Effect.flip(DueTable.fromFile(path))).message, "is not JSON")
      Fs.writeFileSync(path, '\uFEFF{"DE":{"days":30}}')
      const { table } = yield* DueTable.fromFile(path)
      assert.deepStrictEqual(table, { default: { businessDays: 10 }, DE: { days: 30 } })
    }).pipe(Effect.scoped)
  )
})

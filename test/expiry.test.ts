import { assert, describe, it } from "@effect/vitest"
import { DateTime, FastCheck as fc } from "effect"
import { anywhereOnEarth, parseExpiry, parseRequest } from "../src/DncValidator/expiry.js"

const utc = DateTime.zoneUnsafeMakeNamed("UTC")

const day = 86_400_000

const shown = (millis: number | undefined): string | undefined =>
  millis === undefined ? undefined : Number.isFinite(millis) ? new Date(millis).toISOString() : String(millis)

const expectations = (
  zone: DateTime.TimeZone | string,
  cases: ReadonlyArray<readonly [text: string, instant: string | undefined]>
) => {
  const where = typeof zone === "string" ? DateTime.zoneUnsafeMakeNamed(zone) : zone
  for (const [text, instant] of cases) assert.strictEqual(shown(parseExpiry(text, where)), instant, text)
}

/** The wall clock of a zone at an instant, as though it were UTC: from Intl, not from the code under test. */
const wallClock = (zone: string) => {
  const format = new Intl.DateTimeFormat("en-u-ca-iso8601-nu-latn", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric"
  })
  return (instant: number): number => {
    const part = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]))
    return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second)
  }
}

/** Every instant at which the clocks of a zone show a local time, searched in steps of 15 minutes. */
const readings = (clock: (instant: number) => number, local: number): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let instant = local - 16 * 3_600_000; instant <= local + 16 * 3_600_000; instant += 900_000) {
    if (clock(instant) === local) found.push(instant)
  }
  return found
}

describe("parseExpiry", () => {
  it("takes dates of the calendar only", () => {
    expectations(utc, [
      ["2027-01-31", "2027-02-01T00:00:00.000Z"],
      ["2027-02-28", "2027-03-01T00:00:00.000Z"],
      ["2028-02-29", "2028-03-01T00:00:00.000Z"],
      ["2400-02-29", "2400-03-01T00:00:00.000Z"],
      ["2027-12-31", "2028-01-01T00:00:00.000Z"],
      ["2027-02-29", undefined],
      ["2100-02-29", undefined],
      ["2027-02-31", undefined],
      ["2027-04-31", undefined],
      ["2027-00-10", undefined],
      ["2027-13-01", undefined],
      ["2027-01-00", undefined],
      ["2027-01-32", undefined],
      ["2027-02-31T10:00:00Z", undefined]
    ])
  })

  it("takes a date alone to the end of that day", () => {
    expectations(anywhereOnEarth, [["2027-01-01", "2027-01-02T12:00:00.000Z"]])
    expectations("America/New_York", [
      ["2027-01-01", "2027-01-02T05:00:00.000Z"],
      ["2027-03-14", "2027-03-15T04:00:00.000Z"],
      ["2027-11-07", "2027-11-08T05:00:00.000Z"]
    ])
    expectations("Europe/Berlin", [
      ["2027-01-01", "2027-01-01T23:00:00.000Z"],
      ["2027-07-01", "2027-07-01T22:00:00.000Z"]
    ])
    expectations(DateTime.zoneMakeOffset(5.5 * 3_600_000), [["2027-01-01", "2027-01-01T18:30:00.000Z"]])
  })

  it("takes a time without offset as local", () => {
    expectations(anywhereOnEarth, [
      ["2027-01-01T10:00", "2027-01-01T22:00:00.000Z"],
      ["2027-01-01T00:00:00", "2027-01-01T12:00:00.000Z"]
    ])
    expectations("America/New_York", [
      ["2027-01-01T10:00:00", "2027-01-01T15:00:00.000Z"],
      ["2027-07-01 10:00:00", "2027-07-01T14:00:00.000Z"]
    ])
  })

  it("takes every form of an offset, whatever the zone", () => {
    for (const zone of [utc, anywhereOnEarth, DateTime.zoneUnsafeMakeNamed("Europe/Berlin")]) {
      expectations(zone, [
        ["2027-01-01T10:00Z", "2027-01-01T10:00:00.000Z"],
        ["2027-01-01t10:00:00z", "2027-01-01T10:00:00.000Z"],
        ["2027-01-01 10:00:00 Z", "2027-01-01T10:00:00.000Z"],
        ["2027-01-01T10:00:00+02", "2027-01-01T08:00:00.000Z"],
        ["2027-01-01T10:00:00+0230", "2027-01-01T07:30:00.000Z"],
        ["2027-01-01T10:00:00-05:30", "2027-01-01T15:30:00.000Z"],
        ["2027-01-01T10:00:00.5-05:00", "2027-01-01T15:00:00.500Z"],
        ["2027-01-01 10:00:00 -0500", "2027-01-01T15:00:00.000Z"],
        ["2027-01-01T10:00:00-00:00", "2027-01-01T10:00:00.000Z"],
        ["2027-01-01T10:00:00+24:00", undefined],
        ["2027-01-01T10:00:00+02:60", undefined],
        ["2027-01-01T10:00:00+2", undefined],
        ["2027-01-01+02:00", undefined]
      ])
    }
  })

  it("takes 24:00 for the end of the day, and leap seconds", () => {
    expectations(utc, [
      ["2027-01-01T24:00", "2027-01-02T00:00:00.000Z"],
      ["2027-01-01T24:00:00Z", "2027-01-02T00:00:00.000Z"],
      ["2027-01-01T24:01", undefined],
      ["2027-01-01T24:00:01", undefined],
      ["2027-01-01T25:00", undefined],
      ["2027-06-30T23:59:60Z", "2027-07-01T00:00:00.000Z"],
      ["2027-06-30T23:59:61Z", undefined],
      ["2027-06-30T23:60Z", undefined]
    ])
  })

  it("rounds fractions of a millisecond up", () => {
    expectations(utc, [
      ["2027-01-01T10:00:00.1Z", "2027-01-01T10:00:00.100Z"],
      ["2027-01-01T10:00:00,123Z", "2027-01-01T10:00:00.123Z"],
      ["2027-01-01T10:00:00.123000Z", "2027-01-01T10:00:00.123Z"],
      ["2027-01-01T10:00:00.123001Z", "2027-01-01T10:00:00.124Z"],
      ["2027-01-01T10:00:00.000000001Z", "2027-01-01T10:00:00.001Z"],
      ["2027-12-31T23:59:59.9995Z", "2028-01-01T00:00:00.000Z"],
      ["2027-01-01T10:00:00.Z", undefined]
    ])
  })

  it("takes the later instant where the clocks go back", () => {
    expectations("America/New_York", [
      ["2027-11-07T00:59:59", "2027-11-07T04:59:59.000Z"],
      ["2027-11-07T01:00", "2027-11-07T06:00:00.000Z"],
      ["2027-11-07T01:30", "2027-11-07T06:30:00.000Z"],
      ["2027-11-07T02:00", "2027-11-07T07:00:00.000Z"]
    ])
    expectations("Europe/Berlin", [
      ["2027-10-31T01:59:59", "2027-10-30T23:59:59.000Z"],
      ["2027-10-31T02:30", "2027-10-31T01:30:00.000Z"],
      ["2027-10-31T03:00", "2027-10-31T02:00:00.000Z"]
    ])
  })

  it("takes the later reading of a time that the clocks leap over", () => {
    expectations("America/New_York", [
      ["2027-03-14T01:59:59", "2027-03-14T06:59:59.000Z"],
      ["2027-03-14T02:30", "2027-03-14T07:30:00.000Z"],
      ["2027-03-14T03:00", "2027-03-14T07:00:00.000Z"]
    ])
    expectations("Europe/Berlin", [
      ["2027-03-28T02:30", "2027-03-28T01:30:00.000Z"],
      ["2027-03-28T03:00", "2027-03-28T01:00:00.000Z"]
    ])
  })

  it("takes what ends after the year 9999 for ever", () => {
    expectations(anywhereOnEarth, [
      ["9999-12-30", "9999-12-31T12:00:00.000Z"],
      ["9999-12-31", "Infinity"],
      ["9999-12-31T23:59:59", "Infinity"],
      ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"],
      ["9999-12-31T23:59:59-05:00", "Infinity"]
    ])
    expectations(utc, [["9999-12-31", "Infinity"]])
  })

  it("takes nothing else", () => {
    for (const text of [
      "",
      " ",
      "never",
      "2027",
      "2027-01",
      "20270101",
      "2027-1-1",
      "27-01-01",
      "02027-01-01",
      "-2027-01-01",
      "+002027-01-01",
      "0000-01-01",
      "01/31/2027",
      "31.01.2027",
      "2027/01/31",
      "2027-W01-1",
      "2027-001",
      "2027-01-01T",
      "2027-01-01T10",
      "2027-01-01T10:0",
      "2027-01-01T1000",
      "2027-01-01T10:00:00 PM",
      "2027-01-01T10:00:00ZZ",
      "2027-01-01T10:00:00[Europe/Berlin]",
      "2027-01-01  10:00",
      " 2027-01-01",
      "2027-01-01 ",
      "2027-01-01\n",
      "\u0662\u0660\u0662\u0667-01-01",
      "1798761600000",
      "NaN",
      "P30D"
    ]) {
      assert.isUndefined(parseExpiry(text, utc), JSON.stringify(text))
    }
  })

  const zones = [
    "America/New_York",
    "America/St_Johns",
    "Europe/Berlin",
    "Europe/London",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "America/Santiago",
    "America/Asuncion",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Africa/Casablanca"
  ] as const
  const clocks = new Map(zones.map((zone) => [zone, wallClock(zone)]))
  const zone = fc.constantFrom(...zones)

  /** Instants at which the clocks of a zone are changed in 2025 to 2030. */
  const transitions = (clock: (instant: number) => number): ReadonlyArray<number> => {
    const found: Array<number> = []
    const offset = (instant: number) => clock(instant) - instant
    for (let at = Date.UTC(2025, 0); at < Date.UTC(2031, 0); at += day) {
      if (offset(at) === offset(at + day)) continue
      let [before, after] = [at, at + day]
      while (after - before > 1000) {
        const middle = Math.floor((before + after) / 2000) * 1000
        if (offset(middle) === offset(at)) before = middle
        else after = middle
      }
      found.push(after)
    }
    return found
  }

  it.prop(
    "gives back any instant that it is told in UTC",
    [
      fc.date({ min: new Date("1000-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true })
    ],
    ([date]) => {
      assert.strictEqual(parseExpiry(date.toISOString(), anywhereOnEarth), date.getTime())
      // without its offset it is never earlier than in the last zone on Earth
      assert.isAtLeast(parseExpiry(date.toISOString().slice(0, -1), anywhereOnEarth)!, date.getTime() + day / 2)
    },
    { fastCheck: { numRuns: 2000 } }
  )

  it("gives back every millisecond of a second", () => {
    for (let ms = 0; ms < 1000; ms++) {
      const at = Date.UTC(2027, 0, 1) + ms
      assert.strictEqual(parseExpiry(new Date(at).toISOString(), utc), at)
    }
  })

  const localTime = fc
    .integer({ min: Date.UTC(2025, 0) / 900_000, max: Date.UTC(2031, 0) / 900_000 })
    .map((quarter) => quarter * 900_000)

  it.prop(
    "is never earlier than any reading of a local time",
    [zone, localTime],
    ([zone, local]) => {
      const end = parseExpiry(new Date(local).toISOString().slice(0, 19), DateTime.zoneUnsafeMakeNamed(zone))!
      const all = readings(clocks.get(zone)!, local)
      if (all.length > 0) assert.strictEqual(end, all.at(-1))
      else assert.isAbove(clocks.get(zone)!(end), local)
    },
    { fastCheck: { numRuns: 300 } }
  )

  it("is never earlier than any reading of a local time around each change of the clocks", () => {
    assert.lengthOf(transitions(clocks.get("America/New_York")!), 12)
    for (const [zone, clock] of clocks) {
      const named = DateTime.zoneUnsafeMakeNamed(zone)
      for (const transition of transitions(clock)) {
        for (let local = clock(transition) - 7_200_000; local <= clock(transition) + 7_200_000; local += 900_000) {
          const text = new Date(local).toISOString().slice(0, 19)
          const end = parseExpiry(text, named)!
          const all = readings(clock, local)
          if (all.length > 0) assert.strictEqual(shown(end), shown(all.at(-1)), `${text} in ${zone}`)
          else assert.isAbove(clock(end), local, `${text} in ${zone}`)
        }
      }
    }
  })

  it.prop(
    "takes a date to the end of that day in any zone",
    [zone, fc.integer({ min: Date.UTC(2025, 0) / day, max: Date.UTC(2031, 0) / day })],
    ([zone, date]) => {
      const text = new Date(date * day).toISOString().slice(0, 10)
      const end = parseExpiry(text, DateTime.zoneUnsafeMakeNamed(zone))!
      const clock = clocks.get(zone)!
      // the last second of the day is before the end, and no second of it after
      assert.isBelow(clock(end - 1000), (date + 1) * day)
      for (let after = end; after < end + 2 * day; after += 900_000) assert.isAtLeast(clock(after), (date + 1) * day)
      assert.isAtMost(end, parseExpiry(text, anywhereOnEarth)!)
    },
    { fastCheck: { numRuns: 300 } }
  )

  it.prop(
    "never gives anything but an instant, for ever or nothing",
    [
      fc.oneof(
        fc.string(),
        fc.stringMatching(/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/)
      )
    ],
    ([text]) => {
      const end = parseExpiry(text, anywhereOnEarth)
      assert.isTrue(
        end === undefined || end === Number.POSITIVE_INFINITY || /^\d{4}-/.test(new Date(end).toISOString()),
        text
      )
    },
    { fastCheck: { numRuns: 3000 } }
  )
})

describe("parseRequest", () => {
  it("reads as early as can be meant", () => {
    const berlin = DateTime.zoneUnsafeMakeNamed("Europe/Berlin")
    for (const [text, instant, zone = utc] of [
      ["2026-11-20", "2026-11-20T00:00:00.000Z"],
      ["2026-11-20", "2026-11-19T23:00:00.000Z", berlin],
      ["2026-11-20 10:00", "2026-11-20T10:00:00.000Z"],
      ["2026-11-20T10:00:00.9999-05:00", "2026-11-20T15:00:00.999Z"],
      // the clocks are put back from 3:00 to 2:00, and forward from 2:00 to 3:00
      ["2026-10-25T02:30", "2026-10-25T00:30:00.000Z", berlin],
      ["2026-03-29T02:30", "2026-03-29T00:30:00.000Z", berlin],
      ["2026-02-29", undefined],
      ["20.11.2026", undefined],
      ["1764000000000", undefined],
      ["soon", undefined]
    ] as ReadonlyArray<readonly [string, string | undefined, DateTime.TimeZone?]>)
      assert.strictEqual(shown(parseRequest(text, zone)), instant, text)
  })

  it("is never later than the expiry that the same words mean", () => {
    const zones = ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland", "Australia/Lord_Howe"]
    fc.assert(
      fc.property(
        fc.date({ min: new Date("1971-01-01"), max: new Date("2100-01-01"), noInvalidDate: true }),
        fc.constantFrom(10, 16, 19, 23, 24),
        fc.constantFrom(...zones.map(DateTime.zoneUnsafeMakeNamed)),
        (date, length, zone) => {
          const text = date.toISOString().slice(0, length)
          const [request, expiry] = [parseRequest(text, zone), parseExpiry(text, zone)]
          assert.isDefined(request)
          assert.isDefined(expiry)
          assert.isAtMost(request, expiry)
          assert.isAtMost(expiry - request, 25 * 3_600_000)
        }
      )
    )
  })
})

/**
 * ISO 8601 expiries to instants, never shorter than what the row says; and times of requests, never later.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

/** Date, then optionally time, then optionally offset. */
const iso =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?([Zz]|[+-]\d{2}(?::?\d{2})?)?)?$/

const day = 86_400_000

const year10000 = Date.UTC(10_000, 0)

/**
 * Milliseconds since 1970 of an ISO 8601 date or time, or `undefined` where it is none or its date is not in the calendar. A
 * date alone means to the end of that day and a time without offset that local time, in `zone`; a local time that comes
 * twice means the later, one that the clocks leap over the moment after. Fractions of a millisecond count as a whole one.
 * What ends after the year 9999, such as `9999-12-31` alone, has no timestamp of four-digit year and means for ever:
 * `Infinity`.
 *
 * @since 0.1.0
 */
export const parseExpiry = (text: string, zone: DateTime.TimeZone): number | undefined => {
  const end = instantOf(text, zone, "latest")
  return end !== undefined && end >= year10000 ? Number.POSITIVE_INFINITY : end
}

/**
 * The same formats read as early as they can be meant, which is the safe side of when something was asked for: a date alone
 * means the beginning of that day, a local time that comes twice the earlier.
 *
 * @since 0.1.0
 */
export const parseRequest = (text: string, zone: DateTime.TimeZone): number | undefined =>
  instantOf(text, zone, "earliest")

const instantOf = (text: string, zone: DateTime.TimeZone, reading: "earliest" | "latest"): number | undefined => {
  const match = iso.exec(text)
  if (match === null) return undefined
  const [, year, month, date, hour = "00", minute = "00", second = "00", fraction = "", offset] = match
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(date))
  // Date.UTC rolls 31 February over into March
  const found = new Date(midnight)
  if (Number(year) < 1000 || found.getUTCMonth() !== Number(month) - 1 || found.getUTCDate() !== Number(date))
    return undefined
  const clock = Number(hour) * 3_600_000 + Number(minute) * 60_000 + Number(second) * 1000
  // 24:00:00 ends a day, and :60 is a leap second
  if (Number(minute) > 59 || Number(second) > 60 || clock > day || (Number(hour) === 24 && clock !== day))
    return undefined
  const [wholeDay, round] = reading === "latest" ? [day, Math.ceil] : [0, Math.floor]
  const local = midnight + (match[4] === undefined ? wholeDay : clock + round(Number(`0.${fraction || "0"}`) * 1000))
  if (offset === undefined) return fromLocal(local, zone, reading === "latest" ? "later" : "earlier")
  if (offset === "Z" || offset === "z") return local
  const [hours, minutes] = [Number(offset.slice(1, 3)), Number(offset.slice(3).replace(":", "") || "0")]
  if (hours > 23 || minutes > 59) return undefined
  return local - (offset.startsWith("-") ? -1 : 1) * (hours * 3_600_000 + minutes * 60_000)
}

const fromLocal = (
  local: number,
  zone: DateTime.TimeZone,
  disambiguation: DateTime.Disambiguation
): number | undefined =>
  Option.getOrUndefined(
    Option.map(
      DateTime.makeZoned(local, { timeZone: zone, adjustForTimeZone: true, disambiguation }),
      DateTime.toEpochMillis
    )
  )

/**
 * UTC−12: where a date and a local time come last on Earth.
 *
 * @since 0.1.0
 */
export const anywhereOnEarth: DateTime.TimeZone = DateTime.zoneMakeOffset(-12 * 3_600_000)

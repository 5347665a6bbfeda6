/** The time from request to list, as a person reads it. */
import type { Honour, PastDue } from "../Honour.js"
import { number } from "./figures.js"

/** Without indentation; nothing where no row said when it was asked for. */
export const honour = (found: Honour | undefined): ReadonlyArray<string> => {
  if (found === undefined) return []
  const { businessDays, earlier, elapsedMs, honoured, open, pastDue, requestedAtUnreadable } = found
  return [
    ...(honoured === 0
      ? []
      : [
          `Honoured: ${number(honoured)}, median ${span(elapsedMs.median)}, ${within(businessDays.p95)}, the longest ${span(elapsedMs.max)}; ${late(pastDue)}`
        ]),
    ...(earlier === 0 ? [] : [`Honoured before this run, since when is not known: ${number(earlier)}`]),
    ...(open.count === 0 ? [] : [`Not honoured yet: ${number(open.count)}; ${late(open.pastDue)}`]),
    ...(requestedAtUnreadable === 0
      ? []
      : [
          `${number(requestedAtUnreadable)} rows have a requestedAt that could not be read, or lies ahead: in none of these`
        ])
  ]
}

/** `1.2 days`, as exactly as a person wants it. */
const span = (milliseconds: number): string => {
  const [value, unit] =
    milliseconds >= 86_400_000
      ? [milliseconds / 86_400_000, "days"]
      : milliseconds >= 3_600_000
        ? [milliseconds / 3_600_000, "hours"]
        : [milliseconds / 60_000, "minutes"]
  return `${value.toFixed(1)} ${unit}`
}

const within = (days: number): string =>
  days === 0 ? "95 % on the same day" : `95 % within ${number(days)} business ${days === 1 ? "day" : "days"}`

/** `12 past due (US 10, DE 2), the oldest asked for 2026-01-02`. */
const late = ({ byCountry, count, oldest }: PastDue): string => {
  const countries = Object.entries(byCountry)
  const some = countries.slice(0, 10).map(([country, of]) => `${country} ${number(of)}`)
  return count === 0
    ? "none past due"
    : `${number(count)} PAST DUE${some.length === 0 ? "" : ` (${some.join(", ")}${countries.length > 10 ? ", …" : ""})`}, the oldest asked for ${oldest?.slice(0, 10)}`
}

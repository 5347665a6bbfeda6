/**
 * How long it took from the request of each person to the moment from which the number was known to be on the list, and what
 * was honoured too late, or not yet.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import { isOfNumbers, type Kind } from "./DncEntry.js"
import * as Phone from "./DncValidator/phone.js"
import { dayMs } from "./DueTable/businessDays.js"
import type { DueTable, Table } from "./DueTable.js"
import { percentile } from "./RunReport.js"
import * as SuppressionSet from "./SuppressionSet.js"

/**
 * Numbers whose deadline was over.
 *
 * @since 0.1.0
 * @category models
 */
export interface PastDue {
  readonly count: number
  /** By ISO 3166 country of the number; `001` is none, and addresses and values have none. */
  readonly byCountry: Readonly<Record<string, number>>
  /** The earliest request among them, ISO 8601. */
  readonly oldest: string | null
}

/**
 * Of the distinct numbers with a time of request, each in exactly one of `honoured`, `earlier` and `open.count`. A number
 * counts as honoured from the moment at which the receipt of its batch came, which is the latest it can have been: where a
 * server does not say of each number whether it was on the list before, it counts from now too.
 *
 * @since 0.1.0
 * @category models
 */
export interface Honour {
  /** Put on the list by this run. */
  readonly honoured: number
  /** On the list before the run, so that nobody knows since when; they are in no time below. */
  readonly earlier: number
  /** From request to list, in milliseconds. */
  readonly elapsedMs: Percentiles
  /** The same in business days: 0 is the day of the request. */
  readonly businessDays: Percentiles
  /** Of the honoured ones: what was past due is in the last class alone. */
  readonly distribution: ReadonlyArray<{ readonly label: string; readonly count: number }>
  /** Honoured too late. */
  readonly pastDue: PastDue
  /** Not known to be on the list at the end of the run, of which `pastDue` are the urgent ones. */
  readonly open: { readonly count: number; readonly pastDue: PastDue }
  /** Rows whose time of request could not be read, or lies more than a day ahead; they were treated like any other. */
  readonly requestedAtUnreadable: number
  /** The deadlines that it was held against, and where days begin and end. */
  readonly due: Table
  readonly timezone: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Percentiles {
  readonly min: number
  readonly median: number
  readonly p90: number
  readonly p95: number
  readonly max: number
}

/** The last business day of each class of the distribution. */
const classes: ReadonlyArray<readonly [number, string]> = [
  [0, "same day"],
  [1, "1 business day"],
  [3, "2–3 business days"],
  [5, "4–5 business days"],
  [10, "6–10 business days"],
  [Number.POSITIVE_INFINITY, "more than 10, in time"]
]

/**
 * The report of a set, at a moment by which the open ones are judged; nothing where no row said when it was asked for.
 *
 * @since 0.1.0
 */
export const tally = (
  set: Pick<SuppressionSet.SuppressionSet, "hasRequests" | "forEachRequest" | "contactOf" | "size">,
  options: {
    readonly now: number
    readonly kind: Kind
    readonly due: DueTable
    readonly zone: DateTime.TimeZone
    readonly unreadable: number
  }
): Honour | undefined => {
  const { due, kind, now, unreadable, zone } = options
  if (!set.hasRequests() && unreadable === 0) return undefined
  const dayOf = dayIn(zone)
  const elapsed = new Float64Array(set.size())
  const businessDays = new Uint32Array(set.size())
  const counts = classes.map(() => 0)
  const late = overdue()
  const openLate = overdue()
  let honoured = 0
  let earlier = 0
  let open = 0

  /** A number's country is found out only where a deadline may be over. */
  const isLate = (account: Overdue, number: number, requestedAt: number, from: number, to: number): boolean => {
    if (to - from <= due.shortest) return false
    const country = countryOf(set.contactOf(number), kind)
    if (!due.isPastDue(country ?? "default", from, to)) return false
    account.take(country, requestedAt)
    return true
  }

  set.forEachRequest((number, requestedAt, honouredAt) => {
    if (honouredAt === SuppressionSet.wasBefore) {
      earlier++
      return
    }
    const from = dayOf(requestedAt)
    if (honouredAt === SuppressionSet.isOpen) {
      open++
      isLate(openLate, number, requestedAt, from, dayOf(now))
      return
    }
    const to = dayOf(honouredAt)
    const taken = due.businessDays(from, to)
    elapsed[honoured] = Math.max(0, honouredAt - requestedAt)
    businessDays[honoured++] = taken
    if (!isLate(late, number, requestedAt, from, to)) counts[classes.findIndex(([last]) => taken <= last)]++
  })

  return {
    honoured,
    earlier,
    elapsedMs: percentiles(elapsed.subarray(0, honoured)),
    businessDays: percentiles(businessDays.subarray(0, honoured)),
    distribution: [
      ...classes.map(([, label], index) => ({ label, count: counts[index] })),
      { label: "past due", count: late.done().count }
    ],
    pastDue: late.done(),
    open: { count: open, pastDue: openLate.done() },
    requestedAtUnreadable: unreadable,
    due: due.table,
    timezone: DateTime.zoneToString(zone) === "+00:00" ? "UTC" : DateTime.zoneToString(zone)
  }
}

interface Overdue {
  readonly take: (country: string | undefined, requestedAt: number) => void
  readonly done: () => PastDue
}

const overdue = (): Overdue => {
  const byCountry: Record<string, number> = {}
  let count = 0
  let oldest = Number.POSITIVE_INFINITY
  return {
    take: (country, requestedAt) => {
      count++
      oldest = Math.min(oldest, requestedAt)
      if (country !== undefined) byCountry[country] = (byCountry[country] ?? 0) + 1
    },
    done: () => ({
      count,
      byCountry: Object.fromEntries(Object.entries(byCountry).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))),
      oldest: count === 0 ? null : new Date(oldest).toISOString()
    })
  }
}

const countryOf = (contact: string, kind: Kind): string | undefined => {
  if (!isOfNumbers(kind)) return undefined
  phone ??= Phone.make("US")
  return typeof phone.judge(contact) === "number" ? phone.country() : undefined
}

/** Of numbers with their calling code, whatever country it is made for. */
let phone: Phone.Judge | undefined

const percentiles = (values: Float64Array | Uint32Array): Percentiles => {
  values.sort()
  return {
    min: percentile(values, 0),
    median: percentile(values, 0.5),
    p90: percentile(values, 0.9),
    p95: percentile(values, 0.95),
    max: percentile(values, 1)
  }
}

/** Clocks are changed at whole quarters of an hour. */
const quarter = 900_000

/** The day (from 1970-01-01) on which a moment falls in a zone. */
const dayIn = (zone: DateTime.TimeZone): ((time: number) => number) => {
  if (zone._tag === "Offset") return (time) => Math.floor((time + zone.offset) / dayMs)
  const offsets = new Map<number, number>()
  return (time) => {
    const key = Math.floor(time / quarter)
    let offset = offsets.get(key)
    if (offset === undefined) {
      if (offsets.size > 100_000) offsets.clear()
      offset = DateTime.zonedOffset(DateTime.unsafeMakeZoned(key * quarter, { timeZone: zone }))
      offsets.set(key, offset)
    }
    return Math.floor((time + offset) / dayMs)
  }
}

/**
 * By when a request has to be honoured: a table by country that whoever answers for it can change. What is in it by default
 * is the shortest that is known to be asked for: 10 business days, by 47 CFR 64.1200(d)(3) from 2025-04-11 on.
 *
 * @since 0.1.0
 */
import { readFile } from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { isSupportedCountry } from "libphonenumber-js/max"
import { businessDaysTaken, dayMs, isWeekday } from "./DueTable/businessDays.js"

/**
 * The table cannot be read, or says something that is no deadline.
 *
 * @since 0.1.0
 * @category errors
 */
export class DueTableError extends Schema.TaggedError<DueTableError>("genesys-dnc/DueTableError")("DueTableError", {
  message: Schema.String,
  hint: Schema.String
}) {}

/** A date of the calendar. */
const dayOfDate = (date: string): number | undefined => {
  const time = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(date) : Number.NaN
  // a date such as 31 February is another one, or none
  return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== date ? undefined : time / dayMs
}

const inDays = () => "is not a whole number from 0 to 3650"

const Days = Schema.Number.annotations({ message: inDays }).pipe(
  Schema.filter((days) => Number.isInteger(days) && days >= 0 && days <= 3650, { message: inDays })
)

const asDate = () => "is not a date such as 2026-12-25"

const Holiday = Schema.String.annotations({ message: asDate }).pipe(
  Schema.filter((date) => dayOfDate(date) !== undefined, { message: asDate })
)

const Deadline = Schema.Struct({
  businessDays: Schema.optionalWith(Days, { exact: true }),
  days: Schema.optionalWith(Days, { exact: true }),
  holidays: Schema.optionalWith(Schema.Array(Holiday), { exact: true })
}).annotations({ parseOptions: { onExcessProperty: "error" } })

/**
 * One deadline: exactly one of `businessDays` (Monday to Friday, without `holidays`, ISO dates) and `days`.
 *
 * @since 0.1.0
 * @category models
 */
export type Deadline = typeof Deadline.Type

/**
 * Deadlines by ISO 3166 country of the number; `default` is for all others.
 *
 * @since 0.1.0
 * @category models
 */
export type Table = Readonly<Record<string, Deadline>>

/**
 * A table that was checked.
 *
 * @since 0.1.0
 * @category models
 */
export interface DueTable {
  /** As given, its countries in capitals, with its default. */
  readonly table: Table
  /** No deadline ends sooner than so many calendar days after the day of the request. */
  readonly shortest: number
  /** Whether what was asked for on one day (from 1970-01-01) and done on another was done too late. */
  readonly isPastDue: (country: string, from: number, to: number) => boolean
  /** How many business days it took, by the holidays of the default. */
  readonly businessDays: (from: number, to: number) => number
}

const hint =
  'Write a JSON object such as {"default": {"businessDays": 10}, "DE": {"days": 30}, "US": {"businessDays": 10, "holidays": ["2026-12-25"]}}.'

const fail = (message: string) => new DueTableError({ message, hint })

/**
 * Checks a table, which may come from anywhere.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (input: unknown): Either.Either<DueTable, DueTableError> => {
  if (typeof input !== "object" || input === null || Array.isArray(input))
    return Either.left(fail("The table of deadlines is not an object of countries"))
  const table: Record<string, Deadline> = { default: defaultDeadline }
  const seen = new Set<string>()
  for (const [name, value] of Object.entries(input)) {
    const key = name === "default" ? name : name.trim().toUpperCase()
    if (key !== "default" && !isSupportedCountry(key)) {
      return Either.left(
        fail(
          `The table of deadlines has "${name}", which is neither an ISO 3166 country code of two letters nor "default"`
        )
      )
    }
    if (seen.has(key)) return Either.left(fail(`The table of deadlines has ${key} twice`))
    seen.add(key)
    const decoded = Schema.decodeUnknownEither(Deadline)(value)
    if (Either.isLeft(decoded)) {
      const [{ message, path }] = ParseResult.ArrayFormatter.formatErrorSync(decoded.left)
      return Either.left(fail(`In the table of deadlines, ${[key, ...path.map(String)].join(".")} ${worded(message)}`))
    }
    const { businessDays, days, holidays } = decoded.right
    if ((businessDays === undefined) === (days === undefined))
      return Either.left(fail(`In the table of deadlines, ${key} needs one of businessDays and days`))
    if (days !== undefined && holidays !== undefined)
      return Either.left(fail(`In the table of deadlines, ${key} has holidays, which say nothing about days`))
    table[key] = decoded.right
  }
  return Either.right(compile(table))
}

const worded = (message: string): string =>
  message.startsWith("Expected")
    ? "is not of the right kind"
    : /^(is|has) /.test(message)
      ? message
      : `is wrong: ${message}`

const defaultDeadline: Deadline = { businessDays: 10 }

const compile = (table: Record<string, Deadline>): DueTable => {
  const holidays = new Map(
    Object.entries(table).map(([country, { holidays = [] }]) => [
      country,
      [...new Set(holidays.map((date) => dayOfDate(date)!))].filter(isWeekday).sort((a, b) => a - b)
    ])
  )
  return {
    table,
    shortest: Math.min(...Object.values(table).map(({ businessDays, days }) => businessDays ?? days ?? 0)),
    isPastDue: (country, from, to) => {
      const key = Object.hasOwn(table, country) ? country : "default"
      const { businessDays, days = 0 } = table[key]
      return businessDays === undefined
        ? to - from > days
        : businessDaysTaken(from, to, holidays.get(key)!) > businessDays
    },
    businessDays: (from, to) => businessDaysTaken(from, to, holidays.get("default")!)
  }
}

/**
 * Ten business days everywhere.
 *
 * @since 0.1.0
 */
export const defaults: DueTable = compile({ default: defaultDeadline })

/**
 * A table in a JSON file.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromFile = (path: string): Effect.Effect<DueTable, DueTableError> =>
  Effect.gen(function* () {
    const text = yield* Effect.tryPromise({
      try: () => readFile(path, "utf8"),
      catch: (cause) =>
        new DueTableError({
          message: `The table of deadlines ${path} cannot be read (${(cause as NodeJS.ErrnoException).code ?? cause})`,
          hint: "Check the path and its permissions, or leave --due-table out: 10 business days then."
        })
    })
    const json = yield* Effect.try({
      try: (): unknown => JSON.parse(text.replace(/^\uFEFF/, "")),
      catch: () => fail(`The table of deadlines ${path} is not JSON`)
    })
    return yield* make(json)
  })

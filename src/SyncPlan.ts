/**
 * What has to be done to make a list equal to a file: found by streaming an export past the wanted numbers, so that no more
 * is held than these and what differs.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { onList, wholeMinute } from "./Contract.js"
import * as DncEntry from "./DncEntry.js"
import type { Entry } from "./DncExport.js"
import * as OutputFile from "./OutputFile.js"
import type { OutputError } from "./RejectsFile.js"
import * as SuppressionSet from "./SuppressionSet.js"

/**
 * `adds + longer + shorter + unchanged` is the number of wanted numbers; `removals + longer + shorter + unchanged + foreign +
 * repeated` is `listed`.
 *
 * @since 0.1.0
 * @category models
 */
export interface SyncPlan {
  /** Entries on the list. */
  readonly listed: number
  readonly adds: number
  readonly removals: number
  /** Of the removals, those whose end has come: they suppress nothing any more. */
  readonly expired: number
  /** Suppressed for longer than now, and for less long. */
  readonly longer: number
  readonly shorter: number
  readonly unchanged: number
  /** Entries that are no E.164 numbers: not comparable, so left alone. */
  readonly foreign: number
  /** Entries of numbers that the export had shown already. */
  readonly repeated: number
  /** What is to be sent: of the wanted set only adds and changes wait, so cutting it gives their batches. */
  readonly wanted: SuppressionSet.SuppressionSet
  /** What is to be taken off; cutting it gives the batches. */
  readonly unwanted: SuppressionSet.SuppressionSet
  /** Every step of the plan: removals, changes, adds. */
  readonly steps: () => IterableIterator<Step>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Step {
  readonly action: "add" | "change" | "remove"
  /** E.164. */
  readonly phoneNumber: string
  /** What the list is to say, in milliseconds since 1970; `undefined` where it is a removal. */
  readonly expires: number | undefined
  /** What it says now, up to the minute; `undefined` where the number is not on it. */
  readonly listExpires: number | undefined
}

/**
 * How many numbers may be removed at most: so many, or a share (0 to 1) of the list.
 *
 * @since 0.1.0
 * @category models
 */
export type MaxRemove = { readonly rows: number } | { readonly share: number }

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Milliseconds since 1970. */
  readonly now: number
  readonly maxRemove?: MaxRemove
}

/**
 * @since 0.1.0
 * @category models
 */
export const defaults: { readonly maxRemove: MaxRemove } = { maxRemove: { share: 0.01 } }

/**
 * The plan would take more off the list than is allowed. Nothing was changed.
 *
 * @since 0.1.0
 * @category errors
 */
export class TooManyRemovals extends Schema.TaggedError<TooManyRemovals>("genesys-dnc/TooManyRemovals")(
  "TooManyRemovals",
  { message: Schema.String, hint: Schema.String, removals: Schema.Number, listed: Schema.Number }
) {}

/**
 * Compares the wanted numbers with the entries of an export. The set must be fresh: all of its numbers wait.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <E, R>(
  wanted: SuppressionSet.SuppressionSet,
  entries: Stream.Stream<Entry, E, R>,
  options: Options
): Effect.Effect<SyncPlan, E | TooManyRemovals, R> =>
  Effect.suspend(() => {
    const comparison = compare(wanted, options.now)
    return Stream.runForEachChunk(entries, (chunk) => Effect.sync(() => comparison.take(chunk))).pipe(
      Effect.map(comparison.finish),
      Effect.tap((plan) => check(plan, options.maxRemove ?? defaults.maxRemove)),
      Effect.withSpan("genesys-dnc/SyncPlan.make")
    )
  })

/**
 * The comparison by itself: takes the entries of the list in any portions, then gives the plan.
 *
 * @since 0.1.0
 * @category constructors
 */
export const compare = (
  wanted: SuppressionSet.SuppressionSet,
  now: number
): { readonly take: (entries: Iterable<Entry>) => void; readonly finish: () => SyncPlan } => {
  const counts = { listed: 0, expired: 0, longer: 0, shorter: 0, unchanged: 0, foreign: 0, repeated: 0 }
  const unwanted = SuppressionSet.make()
  /** Numbers that are on the list with another end: what it is. */
  const changed = SuppressionSet.make()

  return {
    take: (entries) => {
      const removals = columns()
      const changes = columns()
      for (const { expires, phoneNumber } of entries) {
        counts.listed++
        if (!DncEntry.isE164(phoneNumber)) {
          counts.foreign++
          continue
        }
        const number = Number(phoneNumber.slice(1))
        const listed = Math.max(0, wholeMinute(expires))
        const end = wanted.expires(number)
        if (end === undefined) {
          removals.number.push(number)
          removals.expires.push(listed)
          continue
        }
        if (!wanted.see(number)) {
          counts.repeated++
          continue
        }
        const target = onList(end, now)
        if (target === listed) {
          counts.unchanged++
          wanted.settle(number)
          continue
        }
        counts[target > listed ? "longer" : "shorter"]++
        changes.number.push(number)
        changes.expires.push(listed)
      }
      counts.repeated += unwanted.add(DncEntry.entryBlock(removals.number, removals.expires), 0)
      changed.add(DncEntry.entryBlock(changes.number, changes.expires), 0)
    },
    finish: () => {
      for (const [, expires] of unwanted.values()) if (expires <= now) counts.expired++
      const { longer, shorter, unchanged } = counts
      return {
        ...counts,
        adds: wanted.size() - longer - shorter - unchanged,
        removals: unwanted.size(),
        wanted,
        unwanted,
        steps: function* (): IterableIterator<Step> {
          for (const [number, listExpires] of unwanted.values()) {
            yield { action: "remove", phoneNumber: `+${number}`, expires: undefined, listExpires }
          }
          for (const [number, listExpires] of changed.values()) {
            const expires = onList(wanted.expires(number)!, now)
            yield { action: "change", phoneNumber: `+${number}`, expires, listExpires }
          }
          for (const [number, expires, seen] of wanted.values()) {
            if (seen) continue
            yield { action: "add", phoneNumber: `+${number}`, expires: onList(expires, now), listExpires: undefined }
          }
        }
      }
    }
  }
}

interface Columns {
  readonly number: Array<number>
  readonly expires: Array<number>
}

const columns = (): Columns => ({ number: [], expires: [] })

/**
 * Fails where a plan takes more off the list than is allowed; what has expired does not count.
 *
 * @since 0.1.0
 */
export const check = (plan: SyncPlan, maxRemove: MaxRemove): Effect.Effect<void, TooManyRemovals> => {
  const removals = plan.removals - plan.expired
  const most = "rows" in maxRemove ? maxRemove.rows : Math.floor(maxRemove.share * plan.listed * (1 + 1e-12))
  return removals <= most
    ? Effect.void
    : Effect.fail(
        new TooManyRemovals({
          message: `${removals} of ${plan.listed} entries would be removed, more than the limit of ${most}; nothing was changed`,
          hint: "Check that the file is whole: whoever is not in it may be called again. If it is, allow more with --max-remove.",
          removals,
          listed: plan.listed
        })
      )
}

/**
 * Writes the steps of a plan as CSV: `action,phoneNumber,expires,listExpires`, times in ISO 8601, blank for ever or none.
 *
 * @since 0.1.0
 */
export const writeFile = (plan: SyncPlan, path: string): Effect.Effect<OutputFile.Written, OutputError> =>
  OutputFile.write(
    path,
    Stream.concat(
      Stream.make("action,phoneNumber,expires,listExpires\n"),
      Stream.suspend(() => Stream.fromIteratorSucceed(plan.steps(), 4096)).pipe(
        Stream.mapChunks((chunk) => Chunk.of(Array.from(chunk, line).join("")))
      )
    )
  )

const line = ({ action, expires, listExpires, phoneNumber }: Step): string =>
  `${action},${phoneNumber},${time(expires)},${time(listExpires)}\n`

const time = (instant: number | undefined): string => (instant === undefined ? "" : DncEntry.formatExpires(instant, ""))

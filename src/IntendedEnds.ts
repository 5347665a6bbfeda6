/**
 * When suppressions are meant to end that a list can only say are for ever, as their end is more than 180 days ahead: kept
 * in a private file of our own, until somebody acts on it (`Pipeline.expire`).
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { openAppend } from "./AuditSink/jsonLines.js"
import { onList } from "./Contract.js"
import type { Entry } from "./DncExport.js"
import { type Change, digits, endOf, forEachLine, isOf, type Line, lines, pieced } from "./IntendedEnds/lines.js"
import type { SuppressionSet } from "./SuppressionSet.js"

export type { Line } from "./IntendedEnds/lines.js"

/**
 * A list, as the file tells it from others: an id alone may be that of two orgs.
 *
 * @since 0.1.0
 * @category models
 */
export interface List {
  /** URL of the API. */
  readonly target: string
  readonly dncListId: string
}

/**
 * Numbers that are going to be put on a list.
 *
 * @since 0.1.0
 * @category models
 */
export interface Adds extends List {
  readonly runId: string
  /** Milliseconds since 1970; what more than 180 days ahead means. */
  readonly now: number
  readonly set: Pick<SuppressionSet, "values" | "expires">
  /**
   * What is on the list. Asked for where the file does not know a number that has a far end: one that is on the list for
   * ever already has another reason to be there, and stays for ever. Without it no such reason is looked for.
   */
  readonly listed?: Stream.Stream<Pick<Entry, "phoneNumber" | "expires">, { readonly message: string }> | undefined
  /**
   * Whether a number that is on the list with a later end, or for ever, keeps that, as it does where a file is imported:
   * then what is known of it stays known.
   */
  readonly keepsLater?: boolean
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Noted {
  /** Numbers whose end is known from now on. */
  readonly kept: number
  /** Numbers with a far end that stay on the list for ever, as something else wants them there. */
  readonly forEver: number
  /** Numbers with a far end that stay on the list for ever, as what is on it could not be seen. */
  readonly unseen: number
  /**
   * To be run once the numbers are on the list: of those that this run wants there for ever, what another run noted
   * meanwhile counts no longer.
   */
  readonly settle: Effect.Effect<void, EndsError>
}

/**
 * The ends of a list's numbers, by what the file says up to a place.
 *
 * @since 0.1.0
 * @category models
 */
export interface Known {
  /** By number, without its plus sign: milliseconds since 1970, or `Infinity` where a later run wanted it for ever. */
  readonly ends: Map<number, number>
  /** Bytes of the file that were read. */
  readonly offset: number
}

/**
 * What is known of a number follows from the records of its list, in their order: an end makes it the later of what was
 * known and the new one; for ever beats any end; a removal makes it unknown, and so does an end that the list itself holds.
 * So whatever a crash leaves unrecorded, a number stays on the list for too long, not too short.
 *
 * @since 0.1.0
 * @category models
 */
export interface IntendedEnds {
  readonly path: string
  /**
   * To be run before the numbers are sent: what they mean for the file is durable when it returns. Fails where that
   * cannot be, and then they must not be sent.
   */
  readonly note: (adds: Adds) => Effect.Effect<Noted, EndsError>
  /** To be run once numbers (E.164) are off the list, or hold something that is not from here. */
  readonly forget: (
    list: List & { readonly runId: string },
    phoneNumbers: Iterable<string>
  ) => Effect.Effect<void, EndsError>
  /** All that is known of a list's numbers; a file that is not there knows none. */
  readonly known: (list: List) => Effect.Effect<Known, EndsError>
  /** Goes through what the file says of a list, in order; a file that is not there says nothing. */
  readonly forEach: (list: List, f: (line: Line) => void) => Effect.Effect<void, EndsError>
  /**
   * The numbers that the file says something about behind a place, each with the end that it was to have by that: `Infinity`
   * means for ever, `undefined` that it was taken off the list.
   */
  readonly since: (list: List, offset: number) => Effect.Effect<ReadonlyMap<number, number | undefined>, EndsError>
}

/**
 * The file cannot be read or written.
 *
 * @since 0.1.0
 * @category errors
 */
export class EndsError extends Schema.TaggedError<EndsError>("genesys-dnc/EndsError")("EndsError", {
  message: Schema.String,
  hint: Schema.String,
  path: Schema.String,
  cause: Schema.optional(Schema.Defect)
}) {}

const forEver = Number.POSITIVE_INFINITY

/**
 * The ends in a file of JSON lines, created with mode 0600 once there is something to keep, and only ever appended to.
 * What is known of a million numbers takes 60 MB of memory while it is looked at.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (path: string): IntendedEnds => {
  const append = Effect.fnUntraced(function* (lines: Iterable<string>) {
    const pieces = pieced(lines)[Symbol.iterator]()
    let piece = pieces.next()
    if (piece.done === true) return
    const file = yield* openAppend(path)
    for (; piece.done !== true; piece = pieces.next()) {
      const { value } = piece
      yield* file.append(() => value)
    }
  }, Effect.scoped)

  const store = (lines: Iterable<string>): Effect.Effect<void, EndsError> =>
    Effect.mapError(append(lines), ({ cause }) =>
      failed(
        path,
        `cannot be written: ${cause.message}`,
        "Nothing is sent unless its ends can be kept. Free space on the disk or give another place with --ends, then run the same command again.",
        cause
      )
    )

  const read = (from: number, list: List, f: (line: Line) => void): Effect.Effect<number, EndsError> =>
    Effect.tryPromise({
      try: () => forEachLine(path, from, (line) => isOf(line, list) && f(line)),
      catch: (cause) => cause as NodeJS.ErrnoException
    }).pipe(
      Effect.catchAll((cause) =>
        cause.code === "ENOENT"
          ? Effect.succeed(0)
          : failed(path, `cannot be read: ${cause.message}`, "Check the path and its permissions.", cause)
      )
    )

  const fold = (list: List, has: (number: number) => boolean): Effect.Effect<Known, EndsError> =>
    Effect.suspend(() => {
      const ends = new Map<number, number>()
      return Effect.map(
        read(0, list, (line) => apply(ends, line, has)),
        (offset) => ({ ends, offset })
      )
    })

  const note = Effect.fn("genesys-dnc/IntendedEnds.note")(function* (adds: Adds) {
    const { listed, now, set } = adds
    const { ends, offset } = yield* fold(adds, (number) => set.expires(number) !== undefined)
    const isFar = (end: number) => end !== forEver && onList(end, now) === forEver
    /** Numbers with a far end that are on the list for ever though nothing is known of them. */
    let taken: Set<number> | undefined = new Set()
    const unknown = (number: number, end: number) => isFar(end) && !ends.has(number)
    if (listed !== undefined && some(set.values(), ([number, end]) => unknown(number, end))) {
      const found = new Set<number>()
      const looked = Stream.runForEachChunk(listed, (entries) =>
        Effect.sync(() => {
          for (const { expires, phoneNumber } of entries) {
            const number = digits(phoneNumber)
            if (expires === forEver && unknown(number, set.expires(number) ?? forEver)) found.add(number)
          }
        })
      )
      taken = yield* looked.pipe(
        Effect.as(found),
        Effect.catchAll(({ message }) =>
          Effect.as(
            Effect.logWarning(
              `Ends more than 180 days ahead are not kept of numbers that are new, as it cannot be seen whether they are on the list for another reason: ${message}`
            ),
            undefined
          )
        )
      )
    }
    const counts = { kept: 0, forEver: 0, unseen: 0 }
    const changes = function* (): Generator<Change> {
      for (const [number, end] of set.values()) {
        const before = ends.get(number)
        if (end === forEver) {
          if (before !== undefined && before !== forEver) yield [number, forEver, "kept"]
        } else if (!isFar(end)) {
          if (adds.keepsLater) {
            if (before !== undefined && before < end) yield [number, end, "kept"]
          } else if (before !== undefined) yield [number, end, "listed"]
        } else if (before === forEver || taken?.has(number)) {
          counts.forEver++
          if (before === undefined) yield [number, forEver, "kept"]
        } else if (before === undefined && taken === undefined) {
          counts.unseen++
        } else {
          counts.kept++
          if (before === undefined || before < end) yield [number, end, "kept"]
        }
      }
    }
    yield* store(lines(adds, changes(), yield* Clock.currentTimeMillis))
    const settle = Effect.gen(function* () {
      const meanwhile = new Map<number, number>()
      yield* read(offset, adds, (line) => apply(meanwhile, line, (number) => set.expires(number) === forEver))
      const superseded = function* (): Generator<Change> {
        for (const [number, end] of meanwhile) if (end !== forEver) yield [number, forEver, "kept"]
      }
      yield* store(lines(adds, superseded(), yield* Clock.currentTimeMillis))
    })
    return { ...counts, settle }
  })

  const forget = Effect.fn("genesys-dnc/IntendedEnds.forget")(function* (
    list: List & { readonly runId: string },
    phoneNumbers: Iterable<string>
  ) {
    const { ends } = yield* fold(list, () => true)
    if (ends.size === 0) return
    const forgotten = function* (): Generator<Change> {
      for (const phoneNumber of phoneNumbers) {
        const number = digits(phoneNumber)
        if (ends.has(number)) yield [number, forEver, "removed"]
      }
    }
    yield* store(lines(list, forgotten(), yield* Clock.currentTimeMillis))
  })

  return {
    path,
    note,
    forget,
    known: (list) => fold(list, () => true),
    forEach: (list, f) => read(0, list, f),
    since: (list, offset) =>
      Effect.suspend(() => {
        const ends = new Map<number, number | undefined>()
        return Effect.as(
          read(offset, list, (line) => {
            const end = line.end === "removed" ? undefined : endOf(line)
            for (const phoneNumber of line.phoneNumbers) {
              const number = digits(phoneNumber)
              if (!Number.isNaN(number)) ends.set(number, end)
            }
          }),
          ends
        )
      })
  }
}

const apply = (ends: Map<number, number>, line: Line, has: (number: number) => boolean): void => {
  const end = endOf(line)
  for (const phoneNumber of line.phoneNumbers) {
    const number = digits(phoneNumber)
    if (Number.isNaN(number) || !has(number)) continue
    if (line.end === "kept") ends.set(number, Math.max(end, ends.get(number) ?? end))
    else ends.delete(number)
  }
}

const some = <A>(values: Iterable<A>, is: (value: A) => boolean): boolean => {
  for (const value of values) if (is(value)) return true
  return false
}

const failed = (path: string, what: string, hint: string, cause: Error): EndsError =>
  new EndsError({ message: `The file of intended ends ${path} ${what}`, hint, path, cause })

/**
 * What is on a DNC list: an export that is asked for, waited for, and streamed row by row, never held.
 *
 * @since 0.1.0
 */
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Contract from "./Contract.js"
import * as DncEntry from "./DncEntry.js"
import * as DncLists from "./DncLists.js"
import { parseExpiry } from "./DncValidator/expiry.js"
import type { GenesysError } from "./GenesysError.js"
import { HttpClient, type Outcome } from "./HttpClient.js"
import { mask } from "./Masking.js"
import * as OutputFile from "./OutputFile.js"
import type { OutputError } from "./RejectsFile.js"
import * as RetryPolicy from "./RetryPolicy.js"
import { escape } from "./SuppressionFile/formula.js"
import { type InputError, inputError } from "./SuppressionFile/InputError.js"
import * as Source from "./SuppressionFile/Source.js"

/**
 * One row of an export.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entry {
  /** As the list has it: E.164 if it came from here, anything if it did not; or what else the list holds. */
  readonly phoneNumber: string
  /** Milliseconds since 1970; `Infinity` means for ever. */
  readonly expires: number
}

/**
 * An export that never became ready, or that cannot be read; `line` is where, from 1.
 *
 * @since 0.1.0
 * @category errors
 */
export class ExportError extends Schema.TaggedError<ExportError>("genesys-dnc/ExportError")("ExportError", {
  message: Schema.String,
  hint: Schema.String,
  reason: Schema.Literal("NotReady", "Unreadable"),
  line: Schema.optional(Schema.Number)
}) {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How long the export is waited for. */
  readonly longest?: Duration.Duration
}

/**
 * @since 0.1.0
 * @category models
 */
export const defaults = { longest: Duration.minutes(10) } as const

/**
 * An export that is ready.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ready {
  readonly uri: string
  /** When it was made, by the server's clock, in milliseconds since 1970. */
  readonly exportedAt: number | undefined
}

const ExportUri = Schema.Struct({
  uri: Schema.optionalWith(Schema.String, { nullable: true }),
  exportTimestamp: Schema.optionalWith(Schema.String, { nullable: true })
})

/**
 * Asks for an export and waits until there is one that was made afterwards: an older one is what the list held once.
 *
 * @since 0.1.0
 */
export const request = Effect.fn("genesys-dnc/DncExport.request")(function* (
  dncListId: string,
  options?: Options
): Effect.fn.Return<Ready, GenesysError | ExportError, HttpClient> {
  const client = yield* HttpClient
  const longest = options?.longest ?? defaults.longest
  const path = `${Contract.listPath(dncListId)}/export`
  const never = (what: string) =>
    new ExportError({
      reason: "NotReady",
      message: `The export of DNC list ${dncListId} never became ready: ${what} for ${Duration.format(longest)}`,
      hint: "Large lists take long; try again later, or wait longer."
    })

  // 400 and 404 are what the platform says while there is none
  const look = client.execute(HttpClientRequest.get(path)).pipe(
    Effect.flatMap((answer) => DncLists.decode(ExportUri, answer, "an export")),
    Effect.map(({ exportTimestamp, uri }): Ready | undefined => {
      const exportedAt = Date.parse(exportTimestamp ?? "")
      return uri === undefined ? undefined : { uri, exportedAt: Number.isNaN(exportedAt) ? undefined : exportedAt }
    }),
    Effect.catchTags({ BadRequest: () => Effect.succeed(undefined), NotFound: () => Effect.succeed(undefined) })
  )

  const before = yield* look
  const [askedAt, answer] = yield* Effect.flatMap(Clock.currentTimeMillis, (start) =>
    Effect.map(client.execute(HttpClientRequest.post(path)), (answer) => [start, answer] as const)
  ).pipe(
    // another export of this list is under way
    Effect.retry({
      schedule: RetryPolicy.untilReady(longest),
      while: (error) => error._tag === "IdempotencyConflict"
    }),
    Effect.catchTag("IdempotencyConflict", () => Effect.fail(never("another one was under way")))
  )
  const since = arrival(answer, askedAt, yield* Clock.currentTimeMillis)

  const isNew = (ready: Ready): boolean =>
    ready.exportedAt === undefined
      ? ready.uri !== before?.uri
      : ready.exportedAt >= since && ready.exportedAt !== before?.exportedAt
  let seen = "there was none"
  const poll = Effect.flatMap(look, (ready) => {
    if (ready === undefined) return Effect.fail("not ready" as const)
    if (isNew(ready)) return Effect.succeed(ready)
    seen = `the only one was made before it was asked for (${ready.exportedAt === undefined ? "its date is not known" : new Date(ready.exportedAt).toISOString()})`
    return Effect.fail("not ready" as const)
  })
  return yield* poll.pipe(
    Effect.retry({ schedule: RetryPolicy.untilReady(longest), while: (error) => error === "not ready" }),
    Effect.mapError((error) => (error === "not ready" ? never(seen) : error))
  )
})

/** No later than when the request came to the server, by the server's clock where its answer says what time it was. */
const arrival = (answer: Outcome, askedAt: number, answeredAt: number): number => {
  const date = Date.parse(answer.headers["date"] ?? "")
  // a timestamp may be cut to the second
  return (Number.isNaN(date) ? askedAt : date - (answeredAt - askedAt)) - 1000
}

/**
 * The rows of an export that is ready.
 *
 * @since 0.1.0
 */
export const download = (ready: Ready): Stream.Stream<Entry, GenesysError | ExportError, HttpClient> =>
  Stream.unwrap(
    Effect.map(HttpClient, (client) => {
      const parse = parser()
      // of the first bytes only the decoder takes a byte order mark off
      const decoder = new TextDecoder()
      return client.stream(ready.uri).pipe(
        Stream.mapChunksEffect((chunk) =>
          Effect.map(
            Effect.suspend(() =>
              parse(Array.from(chunk, (bytes) => decoder.decode(bytes, { stream: true })).join(""), false)
            ),
            Chunk.unsafeFromArray
          )
        ),
        Stream.concat(
          Stream.unwrap(Effect.suspend(() => Effect.map(parse(decoder.decode(), true), Stream.fromIterable)))
        )
      )
    })
  )

/**
 * What is on a list, row by row: the export is made, waited for and downloaded.
 *
 * @since 0.1.0
 */
export const stream = (
  dncListId: string,
  options?: Options
): Stream.Stream<Entry, GenesysError | ExportError, HttpClient> =>
  Stream.unwrap(Effect.map(request(dncListId, options), download))

/**
 * The rows of an export that was written to a file as CSV, by `writeFile` or by Genesys Cloud itself. A file that has rows, none of
 * which is of a list, is refused.
 *
 * @since 0.1.0
 */
export const readFile = (path: string): Stream.Stream<Entry, InputError> =>
  Stream.unwrapScoped(
    Effect.map(Source.open(path, process.stdin), (source) => {
      const parse = parser()
      const read = Source.reader(source, 1 << 18)
      let isList = true
      let begun = false
      let ended = false
      const refuse = (what: string, line?: number) =>
        Effect.fail(
          inputError(
            source,
            "Header",
            `is no export of a list: ${what}`,
            "Make one with genesys-dnc export --list ID --output FILE.",
            { line }
          )
        )
      const next = (text: string | undefined) => {
        if (!begun && text?.trimStart().startsWith("{")) return refuse("it is not CSV")
        begun = true
        return Either.match(parse(text ?? "", text === undefined), {
          onLeft: ({ line, message }) => refuse(message, line),
          onRight: (entries) => {
            if (entries.length > 0) isList = entries.some(({ phoneNumber }) => /^\+\d{5,15}$|.@./.test(phoneNumber))
            return isList
              ? Effect.succeed([Chunk.unsafeFromArray(entries), text === undefined] as const)
              : refuse("its first column holds no numbers")
          }
        })
      }
      return Stream.repeatEffectChunkOption(
        Effect.suspend(() =>
          ended ? Effect.fail(Option.none()) : Effect.mapError(Effect.flatMap(read, next), Option.some)
        ).pipe(
          Effect.map(([entries, end]) => {
            ended = end
            return entries
          })
        )
      )
    })
  )

/** Longer than any row. */
const longestRecord = 1 << 20

/**
 * Pieces of the CSV to entries. The first cell of a row is the number; the expiration is under a header that speaks of
 * expiring, else in the third, and blank for ever. A first row that is a row already counts. Rows without a number (of
 * lists that hold other contacts too) are left out.
 *
 * @since 0.1.0
 * @category parsing
 */
export const parser = (): ((text: string, end: boolean) => Either.Either<Array<Entry>, ExportError>) => {
  let rest = ""
  let line = 1
  let begun = false
  let expiresColumn = 2
  let lastText = ""
  let lastExpires = Number.POSITIVE_INFINITY

  const unreadable = (what: string) =>
    new ExportError({
      reason: "Unreadable",
      message: `The export, line ${line}: ${what}`,
      hint: "What was downloaded is not what Genesys Cloud is known to export; look at it with its support.",
      line
    })

  return (piece, end) => {
    const text = rest + piece
    const entries: Array<Entry> = []
    /** The first quote at or after where we are. */
    let quote = text.indexOf('"')
    let at = 0
    while (at < text.length) {
      let stop = text.indexOf("\n", at)
      if (quote !== -1 && quote < at) quote = text.indexOf('"', at)
      const quoted = quote !== -1 && (stop === -1 || quote < stop)
      let lines = 1
      if (quoted) {
        let open = false
        for (stop = at; stop < text.length; stop++) {
          const code = text.charCodeAt(stop)
          if (code === 0x22) open = !open
          else if (code === 0x0a) {
            if (!open) break
            lines++
          }
        }
        if (end && open) return Either.left(unreadable("a quoted cell that is begun here does not end"))
        if (stop === text.length) stop = -1
      }
      if (stop === -1) {
        if (!end) break
        stop = text.length
      }
      const record = text.slice(at, stop)
      at = stop + 1
      const cells = quoted ? unquote(record) : record.split(",")
      const first = cells[0].trim()
      if (!begun && record.trim() !== "") {
        begun = true
        if (first.startsWith("<")) return Either.left(unreadable("an HTML page or XML where CSV was expected"))
        if (!/^\+?\d{5,}$|.@./.test(first)) {
          const column = cells.findIndex((cell) => /expir/i.test(cell))
          if (column > 0) expiresColumn = column
          line += lines
          continue
        }
      }
      if (first !== "") {
        const expires = cells[expiresColumn]?.trim() ?? ""
        if (expires !== lastText) {
          const instant = expires === "" ? Number.POSITIVE_INFINITY : parseExpiry(expires, DateTime.zoneMakeOffset(0))
          if (instant === undefined) {
            return Either.left(unreadable(`"${mask(expires).slice(0, 40)}" is no expiration date`))
          }
          lastText = expires
          lastExpires = instant
        }
        entries.push({ phoneNumber: first, expires: lastExpires })
      }
      line += lines
    }
    rest = text.slice(at)
    return rest.length > longestRecord ? Either.left(unreadable("a row that does not end")) : Either.right(entries)
  }
}

/** The cells of a record that has quotes in it. */
const unquote = (record: string): ReadonlyArray<string> =>
  Array.from(record.matchAll(/(?:^|,)(?:\s*"((?:[^"]|"")*)"[^,]*|([^,]*))/g), ([, quoted, plain]) =>
    quoted === undefined ? plain : quoted.replaceAll('""', '"')
  )

/** An E.164 number, which is nearly all that lists hold, stands as it is. */
const cell = (text: string): string => {
  if (/^\+\d+$/.test(text)) return text
  const escaped = escape(text)
  return /[",\r\n]/.test(escaped) ? `"${escaped.replaceAll('"', '""')}"` : escaped
}

/**
 * @since 0.1.0
 * @category models
 */
export interface FileOptions {
  /** `-` is standard output. */
  readonly path: string
  readonly format?: "csv" | "ndjson" | undefined
  /** What the list holds, by which its column is called; `phone` unless given. */
  readonly kind?: DncEntry.Kind | undefined
  /** Called with the rows written so far. */
  readonly onProgress?: (rows: number) => void
}

/**
 * Writes entries to a file that can be fed in again: columns `phoneNumber,expires` (`email`, `whatsAppNumber` or `value` of
 * other kinds), or objects with these keys.
 *
 * @since 0.1.0
 */
export const writeFile = <E, R>(
  entries: Stream.Stream<Entry, E, R>,
  options: FileOptions
): Effect.Effect<OutputFile.Written & { readonly rows: number }, E | OutputError, R> =>
  Effect.suspend(() => {
    const csv = options.format !== "ndjson"
    const { column } = DncEntry.names[options.kind ?? "phone"]
    let rows = 0
    const line = ({ expires, phoneNumber }: Entry): string =>
      csv
        ? `${cell(phoneNumber)},${DncEntry.formatExpires(expires, "")}\n`
        : `${JSON.stringify({ [column]: phoneNumber, expires: DncEntry.formatExpires(expires, null) })}\n`
    const pieces = Stream.mapChunks(entries, (chunk) => {
      rows += chunk.length
      options.onProgress?.(rows)
      return Chunk.of(Array.from(chunk, line).join(""))
    })
    return OutputFile.write(
      options.path,
      csv ? Stream.concat(Stream.make(`${column},expires\n`), pieces) : pieces
    ).pipe(Effect.map((written) => ({ ...written, rows })))
  })

/**
 * A file of numbers that must not be called, CSV or NDJSON, as a stream of blocks of rows. What makes the whole input
 * untrustworthy is an {@link InputError}; a row that is none is a reject in its block. No line gets lost between the two.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { columns, type Kind, names, type RowBlock } from "./DncEntry.js"
import * as Csv from "./SuppressionFile/Csv.js"
import { unescape } from "./SuppressionFile/formula.js"
import * as Header from "./SuppressionFile/Header.js"
import { InputError, inputError } from "./SuppressionFile/InputError.js"
import * as Ndjson from "./SuppressionFile/Ndjson.js"
import * as Pass from "./SuppressionFile/Pass.js"
import * as Records from "./SuppressionFile/Records.js"
import * as Sniff from "./SuppressionFile/Sniff.js"
import * as Source from "./SuppressionFile/Source.js"

export {
  /**
   * @since 0.1.0
   * @category errors
   */
  InputError
}

/**
 * @since 0.1.0
 * @category models
 */
export type Format = "csv" | "ndjson"

/**
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** What the rows hold, by which their column is found; `phone` unless given. */
  readonly kind?: Kind | undefined
  /** Otherwise told from the extension (`.ndjson`, `.jsonl`), else from the first character. */
  readonly format?: Format | undefined
  /** One character; otherwise `,` `;` tab or `|`, told from the header. */
  readonly delimiter?: string | undefined
  /** `false` where the first line is a row already: the number is in the first column, or where `columns` says. */
  readonly header?: boolean | undefined
  /** Which column holds what, where its name does not say so: a name, or a number from 1. */
  readonly columns?: Header.Columns | undefined
  /** About how many bytes make a block: 64 KiB of CSV and 32 KiB of NDJSON, unless given. */
  readonly bufferSize?: number | undefined
  /** The longest record, in UTF-16 code units. */
  readonly recordLimit?: number | undefined
  /** What `-` reads. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined
}

/**
 * @since 0.1.0
 * @category options
 */
export const defaults = { kind: "phone", header: true, columns: {}, recordLimit: 1 << 20 } as const

/**
 * An input that has been looked at and can be read, as often as wanted.
 *
 * @since 0.1.0
 * @category models
 */
export interface SuppressionFile {
  /** The path as given, or "standard input". */
  readonly name: string
  /** The file that is read: for standard input a private copy, gone when the scope closes. */
  readonly path: string
  readonly format: Format
  /** The input's own columns, without the `line,code,message` that our files of rejects add. */
  readonly columns: ReadonlyArray<string>
  readonly mapping: Header.Mapping
  /** Of NDJSON, the `,` that its file of rejects has. */
  readonly delimiter: string
  /** Size of the input. */
  readonly bytes: number
  readonly fingerprint: Source.Fingerprint
  /** One element a block; each run reads from the beginning, one run at a time. */
  readonly blocks: Stream.Stream<RowBlock, InputError>
  /** Bytes read by the run of `blocks` that is under way. */
  readonly bytesRead: Effect.Effect<number>
  /** SHA-256 of the whole file in hex, as the last run of `blocks` saw it; a defect if none has come to the end. */
  readonly digest: Effect.Effect<string>
  /** SHA-256 of the whole file in hex, by a pass of its own. */
  readonly contentDigest: Effect.Effect<string, InputError>
  /** Fails with reason `Changed` if the file is no longer what it was when it was opened. */
  readonly unchanged: Effect.Effect<void, InputError>
}

/**
 * Opens a path, or standard input for `-`, and finds out how to read it. A header without rows opens well.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * import * as SuppressionFile from "genesys-dnc/SuppressionFile"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const rows = Effect.gen(function* () {
 *   const file = yield* SuppressionFile.open("optouts.csv")
 *   return yield* Stream.runFold(file.blocks, 0, (sum, block) => sum + block.length)
 * }).pipe(Effect.scoped)
 */
export const open = Effect.fn("SuppressionFile.open")(function* (
  path: string,
  options: Options = {}
): Effect.fn.Return<SuppressionFile, InputError, Scope.Scope> {
  const source = yield* Source.open(path, options.stdin ?? process.stdin)
  const sample = Buffer.alloc(Math.min(headSize, source.fingerprint.size))
  yield* Source.attempt(source, () => source.handle.read(sample, 0, sample.length, 0), "Read")
  const problem = Sniff.notText(sample)
  if (problem !== undefined) return yield* inputError(source, "Encoding", problem.what, problem.hint)

  const limit = options.recordLimit ?? defaults.recordLimit
  const head = yield* readHead(source, limit)
  const format = options.format ?? formatOf(path, head)
  const layout = format === "csv" ? yield* csvLayout(source, head, limit, options) : undefined
  const chosen: Header.Columns = options.columns ?? defaults.columns
  const kind = options.kind ?? defaults.kind
  if (layout === undefined && Object.values(chosen).some((column) => typeof column === "number")) {
    return yield* inputError(source, "Header", "is NDJSON, which has no column numbers", "Name the keys instead.")
  }

  const requests = layout === undefined && Ndjson.saysRequests(head, chosen, kind)
  const state = { bytesRead: 0, digest: Option.none<string>() }
  const blocks = Stream.unwrap(
    Effect.sync(() => {
      const hash = createHash("sha256")
      state.bytesRead = 0
      state.digest = Option.none()
      const pass: Pass.Options = {
        source,
        limit,
        bufferSize: options.bufferSize,
        onBytes: (bytes) => {
          state.bytesRead += bytes.length
          hash.update(bytes)
        },
        onEnd: Effect.suspend(() =>
          state.bytesRead === source.fingerprint.size ? Source.unchanged(source) : Source.changed(source)
        )
      }
      const next =
        layout === undefined ? Pass.ndjson(pass, Ndjson.make(source, chosen, kind, requests)) : Pass.csv(pass, layout)
      return Stream.repeatEffectOption(
        Effect.flatMap(Effect.mapError(next, Option.some), (block) => {
          if (block !== undefined) return Effect.succeed(block)
          state.digest = Option.some(hash.digest("hex"))
          return Effect.fail(Option.none())
        })
      )
    })
  )

  return {
    name: source.name,
    path: source.file,
    format,
    columns: layout?.columns ?? columns(kind, requests),
    mapping: layout?.mapping ?? {
      phoneNumber: 0,
      reason: 1,
      expires: 2,
      country: 3,
      ...(requests ? { requestedAt: 4 } : {})
    },
    delimiter: layout?.delimiter ?? ",",
    bytes: source.fingerprint.size,
    fingerprint: source.fingerprint,
    blocks,
    bytesRead: Effect.sync(() => state.bytesRead),
    digest: Effect.suspend(() =>
      Option.match(state.digest, {
        onNone: () => Effect.dieMessage(`${source.name} has not been read to its end`),
        onSome: Effect.succeed
      })
    ),
    contentDigest: Source.contentDigest(source),
    unchanged: Source.unchanged(source)
  }
})

/** Bytes read at once to find the header. */
const headSize = 1 << 16

/** The text from the first line that is not blank on: that line whole unless it is longer than a record may be. */
const readHead = Effect.fnUntraced(function* (source: Source.Source, limit: number) {
  const read = Source.reader(source, headSize)
  let head = ""
  while (head.length <= limit && !/[\r\n]/.test(head)) {
    const text = yield* read
    if (text === undefined) break
    head = head === "" ? text.replace(/^\s*[\r\n]/, "") : head + text
    if (head.trim() === "") head = ""
  }
  if (head === "") return yield* inputError(source, "Empty", "is empty", "Check where the file comes from.")
  return head
})

const formatOf = (path: string, head: string): Format =>
  /\.(ndjson|jsonl)$/i.test(path) || head.trimStart().startsWith("{") ? "ndjson" : "csv"

const csvLayout = Effect.fnUntraced(function* (source: Source.Source, head: string, limit: number, options: Options) {
  const chosen: Header.Columns = options.columns ?? defaults.columns
  const header = options.header ?? defaults.header
  const kind = options.kind ?? defaults.kind
  const delimiter = options.delimiter ?? Sniff.delimiter(head, chosen.phoneNumber, kind)
  if (delimiter.length !== 1 || /["\r\n\uFEFF]/.test(delimiter)) {
    return yield* inputError(source, "Header", `cannot be cut at "${delimiter}"`, "A delimiter is one character.")
  }
  if (/^\[\s*[[{\]]/.test(head.trimStart())) {
    const hint = "Write one JSON object on each line (NDJSON), for example: jq -c '.[]'"
    return yield* inputError(source, "Header", "is a JSON array", hint)
  }
  const { line, text } = yield* firstRecord(source, delimiter, limit)
  const cells = Csv.split(text, delimiter)
  if (cells === undefined) {
    const hint = 'Quote whole cells only, and double ("") the quotes in them.'
    return yield* inputError(source, "Header", "the quoting of the header is wrong", hint, { line })
  }
  const all = header
    ? cells.map((cell) => unescape(cell).trim())
    : yield* Header.names(source, cells.length, chosen, kind)
  const mapping = yield* Header.map(source, all, header ? chosen : {}, line, kind)
  if (header && Header.looksLike(all[mapping.phoneNumber], kind)) {
    const hint = `If there is no header, say --no-header; otherwise correct ${kind === "phone" ? "--phone-column" : "--column"}.`
    return yield* inputError(
      source,
      "Header",
      `the header has ${kind === "email" ? "an" : "a"} ${names[kind].one} where its name should be`,
      hint,
      { line }
    )
  }
  if (header && Csv.hidesRow(text, [], { delimiter, width: all.length, mapping, kind }) !== "no") {
    return yield* Csv.unsound(source, line)
  }
  const own = all.length - ours(header ? all : [], Math.max(...Object.values(mapping).map((column) => column ?? 0)))
  return { input: source, delimiter, width: all.length, own, mapping, header, kind, columns: all.slice(0, own) }
})

/** How many of the last columns a file of rejects has added. */
const ours = (columns: ReadonlyArray<string>, lastMapped: number): number => {
  const count = [
    ["file", "line", "code", "message"],
    ["line", "code", "message"]
  ].find((added) => added.every((name, index) => columns[columns.length - added.length + index] === name))?.length
  return count === undefined || lastMapped >= columns.length - count ? 0 : count
}

const firstRecord = Effect.fnUntraced(function* (source: Source.Source, delimiter: string, limit: number) {
  const read = Source.reader(source, headSize)
  const splitter = Records.make({ input: source, delimiter, limit })
  while (true) {
    const piece = yield* read
    const records = yield* splitter.push(piece ?? "", piece === undefined)
    if (records.start.length > 0) {
      const line = records.line[0]
      if (records.kind[0] === Records.TOO_LONG) {
        const what = `the first line is longer than ${limit} characters`
        return yield* inputError(source, "TooLong", what, "Check that the file is CSV.", { line })
      }
      return { line, text: Csv.copy(records.text.slice(records.start[0], records.end[0])) }
    }
    if (piece === undefined) return yield* inputError(source, "Empty", "is empty", "Check where the file comes from.")
  }
})

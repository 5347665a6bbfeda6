/**
 * CSV files of what did not get onto the list, made so that they can be mended and fed in again: rejects under the
 * input's own columns, and numbers whose batch failed.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import { type FileHandle, open, stat } from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { type Kind, names, type Reject } from "./DncEntry.js"
import { attempt, OutputError } from "./OutputFile/error.js"
import { syncFolder } from "./OutputFile/syncFolder.js"
import * as Rows from "./RejectsFile/rows.js"

export { attempt, OutputError } from "./OutputFile/error.js"

/**
 * @since 0.1.0
 * @category options
 */
export interface Options {
  readonly path: string
  /** One character; `,` by default. */
  readonly delimiter?: string | undefined
  /** Files that must never be written over: the inputs of the run, its log. */
  readonly inputs?: ReadonlyArray<string> | undefined
}

/**
 * A CSV file that comes into being, readable by its owner alone, with its first row; one that was there is replaced.
 *
 * @since 0.1.0
 * @category models
 */
export interface CsvFile {
  readonly path: string
  /** Appends rows, all or (on failure) possibly some; safe to call from several fibers. */
  readonly write: (rows: ReadonlyArray<ReadonlyArray<string>>) => Effect.Effect<void, OutputError>
  /** Rows taken so far. */
  readonly count: Effect.Effect<number>
  /** SHA-256, in hex, of what is in the file so far; none if there is no file. */
  readonly digest: Effect.Effect<Option.Option<string>>
  /** Makes what was written durable and closes the file. The scope does so too, but can only die of a failure. */
  readonly close: Effect.Effect<void, OutputError>
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const makeCsv = (
  options: Options & { readonly columns: ReadonlyArray<string> }
): Effect.Effect<CsvFile, never, Scope.Scope> =>
  Effect.map(makeTable(options), ({ append, ...file }) => ({
    ...file,
    write: (rows) => append(rows, (cells, { cell }) => cells.forEach(cell))
  }))

interface Table extends Omit<CsvFile, "write"> {
  /** Appends rows whose cells `say` gives one by one. */
  readonly append: <A>(
    rows: ReadonlyArray<A>,
    say: (row: A, to: Pick<Rows.Rows, "cell" | "repeated">) => void
  ) => Effect.Effect<void, OutputError>
}

const makeTable = Effect.fnUntraced(function* (
  options: Options & { readonly columns: ReadonlyArray<string> }
): Effect.fn.Return<Table, never, Scope.Scope> {
  const { path } = options
  const waiting = Rows.make(options.delimiter ?? ",")
  const lock = yield* Effect.makeSemaphore(1)
  const hash = createHash("sha256")
  let handle: FileHandle | undefined
  let created = false
  let closed = false
  let count = 0
  const flush = (to: FileHandle) =>
    Effect.suspend(() => {
      const bytes = waiting.take()
      return Effect.map(
        attempt(path, () => to.writeFile(bytes)),
        () => void hash.update(bytes)
      )
    })
  const create = Effect.gen(function* () {
    yield* refuseInputs(path, options.inputs ?? [])
    const opened = yield* attempt(path, () => open(path, "w", 0o600))
    // The mode above is for a new file; one that was there keeps its own, and a device has no use for either.
    const prepare = Effect.gen(function* () {
      if (yield* isRegular(path, opened)) yield* attempt(path, () => opened.chmod(0o600))
      yield* flush(opened)
    })
    yield* Effect.onError(prepare, () => Effect.ignore(attempt(path, () => opened.close())))
    return opened
  })
  const close = Effect.gen(function* () {
    const opened = handle
    closed = true
    handle = undefined
    if (opened === undefined) return
    const sync = Effect.flatMap(isRegular(path, opened), (regular) =>
      regular ? attempt(path, () => opened.sync().then(() => syncFolder(path))) : Effect.void
    )
    yield* Effect.ensuring(Effect.zipRight(flush(opened), sync), Effect.ignore(attempt(path, () => opened.close())))
  }).pipe(lock.withPermits(1), Effect.uninterruptible)
  yield* Effect.addFinalizer(() => Effect.orDie(close))

  const store = Effect.gen(function* () {
    if (handle !== undefined) return yield* flush(handle)
    handle = yield* create
    created = true
  }).pipe(Effect.uninterruptible, lock.withPermits(1))

  return {
    path,
    append: (rows, say) =>
      rows.length === 0
        ? Effect.void
        : Effect.suspend(() => {
            if (closed) return Effect.dieMessage(`${path} is closed`)
            if (count === 0) {
              options.columns.forEach(waiting.cell)
              waiting.end()
            }
            for (const row of rows) {
              say(row, waiting)
              waiting.end()
            }
            count += rows.length
            return store
          }),
    count: Effect.sync(() => (created ? count : 0)),
    digest: Effect.sync(() => (created ? Option.some(hash.copy().digest("hex")) : Option.none())),
    close
  }
})

/**
 * The file of rejects.
 *
 * @since 0.1.0
 * @category models
 */
export interface RejectsFile extends Omit<CsvFile, "write"> {
  /** `file` is the name of the input, where the file has a column for it. */
  readonly write: (rejects: ReadonlyArray<Reject>, file?: string) => Effect.Effect<void, OutputError>
}

/**
 * The rejects of an input, or of several with the same columns, under its own columns and `line,code,message`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options & {
    /** The input's own. */
    readonly columns: ReadonlyArray<string>
    /** Adds a column `file` before `line`. */
    readonly file?: boolean | undefined
  }
): Effect.Effect<RejectsFile, never, Scope.Scope> =>
  Effect.map(
    makeTable({
      ...options,
      columns: [...options.columns, ...(options.file ? ["file"] : []), "line", "code", "message"]
    }),
    ({ append, ...csv }) => ({
      ...csv,
      write: (rejects, file = "") =>
        append(rejects, ({ raw, cells = [raw], code, line, message }, { cell, repeated }) => {
          for (let column = 0; column < options.columns.length; column++) cell(cells[column] ?? "")
          if (options.file) cell(file)
          cell(String(line))
          repeated(code)
          repeated(message)
        })
    })
  )

/**
 * A number that may not be on the list, at its strictest values, and why.
 *
 * @since 0.1.0
 * @category models
 */
export interface FailedRow {
  /** E.164 with its plus sign, or what else the kind is. */
  readonly phoneNumber: string
  readonly reason: string
  /** ISO 8601; `""` for ever. */
  readonly expires: string
  /** ISO 8601; `""` where it is not known. Only in a file that has a column for it. */
  readonly requestedAt?: string
  /** The tag of the failure, and its sentence. */
  readonly error: string
  readonly message: string
}

const failedColumns = ["phoneNumber", "reason", "expires", "requestedAt", "error", "message"] as const

/**
 * @since 0.1.0
 * @category models
 */
export interface FailedFile extends Omit<CsvFile, "write"> {
  readonly write: (rows: ReadonlyArray<FailedRow>) => Effect.Effect<void, OutputError>
}

/**
 * The numbers of batches that failed, as a canonical input of the kind; `phone` unless given.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeFailed = (
  options: Options & {
    readonly kind?: Kind
    /** Adds a column for the time of the request. */
    readonly requests?: boolean
  }
): Effect.Effect<FailedFile, never, Scope.Scope> => {
  const fields = failedColumns.filter((column) => column !== "requestedAt" || options.requests === true)
  return Effect.map(
    makeTable({ ...options, columns: [names[options.kind ?? "phone"].column, ...fields.slice(1)] }),
    ({ append, ...csv }) => ({
      ...csv,
      write: (rows) =>
        append(rows, (row, { cell }) => {
          for (const field of fields) cell(row[field] ?? "")
        })
    })
  )
}

/**
 * Numbers that should have been taken off a list, as an input of `remove`: their ends do not matter there.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeFailedRemovals = (
  options: Options
): Effect.Effect<
  Omit<CsvFile, "write"> & {
    readonly write: (
      rows: ReadonlyArray<Pick<FailedRow, "phoneNumber" | "error" | "message">>
    ) => Effect.Effect<void, OutputError>
  },
  never,
  Scope.Scope
> =>
  Effect.map(makeTable({ ...options, columns: ["phoneNumber", "error", "message"] }), ({ append, ...csv }) => ({
    ...csv,
    write: (rows) =>
      append(rows, ({ error, message, phoneNumber }, { cell }) => [phoneNumber, error, message].forEach(cell))
  }))

const isRegular = (path: string, handle: FileHandle): Effect.Effect<boolean, OutputError> =>
  Effect.map(
    attempt(path, () => handle.stat()),
    (stats) => stats.isFile()
  )

/** Another name of an input (a link, a relative path) is the input all the same. */
const refuseInputs = (path: string, inputs: ReadonlyArray<string>): Effect.Effect<void, OutputError> =>
  Effect.gen(function* () {
    const identity = (file: string) =>
      Effect.map(
        Effect.option(Effect.tryPromise(() => stat(file))),
        Option.map(({ dev, ino }) => `${dev}:${ino}`)
      )
    const target = yield* identity(path)
    for (const input of inputs) {
      const other = yield* identity(input)
      if (Option.isSome(target) && Option.isSome(other) && target.value === other.value) {
        return yield* new OutputError({
          message: `${path} is the input ${input}`,
          hint: "Name another path for the output.",
          path,
          reason: "Path"
        })
      }
    }
  })

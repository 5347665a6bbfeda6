/**
 * The files that a run writes for its rejects and its failed numbers, and where.
 *
 * @since 0.1.0
 */
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as DncEntry from "../DncEntry.js"
import { type Reject, rowFields } from "../DncEntry.js"
import type * as Pipeline from "../Pipeline.js"
import * as RejectsFile from "../RejectsFile.js"
import type { OutputFile } from "../RunReport.js"
import type { SuppressionFile } from "../SuppressionFile.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface OutputPaths {
  /** One file for the rejects of all inputs; otherwise `<input>.rejects.csv` beside each. */
  readonly rejectsPath?: string | undefined
  /** Otherwise `<input>.failed.csv` beside the first input. */
  readonly failedPath?: string | undefined
}

/**
 * Files come into being with their first row. Those of standard input are made in the current folder.
 *
 * @since 0.1.0
 */
export const outputs = (
  inputs: ReadonlyArray<SuppressionFile>,
  paths: OutputPaths
): Effect.Effect<Pipeline.Outputs<RejectsFile.OutputError>, RejectsFile.OutputError, Scope.Scope> =>
  Effect.gen(function* () {
    const read = inputs.map((input) => input.path)
    const beside = (input: SuppressionFile | undefined, kind: string) =>
      input === undefined || input.name === "standard input" ? `stdin.${kind}.csv` : `${input.name}.${kind}.csv`
    const failed = yield* RejectsFile.makeFailed({
      path: paths.failedPath ?? beside(inputs[0], "failed"),
      inputs: read
    })
    const rejects = yield* paths.rejectsPath === undefined
      ? Effect.forEach(inputs, (input) =>
          RejectsFile.make({
            path: beside(input, "rejects"),
            columns: input.columns,
            delimiter: input.delimiter,
            inputs: read
          })
        )
      : Effect.map(shared(inputs, paths.rejectsPath), (file) => inputs.map(() => file))
    const clash = rejects.find(({ path }) => isSame(path, failed.path))
    if (clash !== undefined) {
      return yield* new RejectsFile.OutputError({
        message: `${failed.path} cannot hold both the rejected rows and the failed numbers`,
        hint: "Name two paths.",
        path: failed.path
      })
    }
    const canonical = paths.rejectsPath !== undefined && !sameColumns(inputs)

    return {
      rejected: (index, refused) => {
        const input = inputs[index]
        const cells = (reject: Reject): Reject =>
          canonical
            ? { ...reject, cells: canonicalCells(input, reject) }
            : { ...reject, cells: ownCells(input, reject) }
        return rejects[index].write(refused.map(cells), Path.basename(input.name))
      },
      failed: (entries, { error, message }) =>
        failed.write(
          entries.map(({ expires, phoneNumber, reason }) => ({
            phoneNumber,
            reason,
            expires: DncEntry.formatExpires(expires, ""),
            error,
            message
          }))
        ),
      finish: Effect.gen(function* () {
        const files: Array<OutputFile> = []
        for (const file of new Set(rejects)) files.push(...(yield* finished("rejects", file)))
        files.push(...(yield* finished("failed", failed)))
        return files
      })
    }
  })

/** Two names of one file, by the names alone: neither need be there yet. A device takes everything. */
const isSame = (a: string, b: string): boolean => Path.resolve(a) === Path.resolve(b) && !a.startsWith("/dev/")

/** One file for several inputs: under their own columns if they are the same, else under the canonical ones. */
const shared = (inputs: ReadonlyArray<SuppressionFile>, path: string) =>
  RejectsFile.make({
    path,
    columns: sameColumns(inputs) ? (inputs[0]?.columns ?? rowFields) : rowFields,
    delimiter: sameColumns(inputs) ? inputs[0]?.delimiter : undefined,
    inputs: inputs.map((input) => input.path),
    file: inputs.length > 1
  })

const sameColumns = (inputs: ReadonlyArray<SuppressionFile>): boolean =>
  inputs.every((input) => input.columns.join("\n") === inputs[0].columns.join("\n"))

/** A row that the server refused is known by its values alone; they go under the columns that they came from. */
const ownCells = (input: SuppressionFile, { cells, row }: Reject): ReadonlyArray<string> => {
  if (cells !== undefined || row === undefined) return cells ?? []
  return input.columns.map((_, column) => {
    const field = rowFields.find((field) => input.mapping[field] === column)
    return field === undefined ? "" : (row[field] ?? "")
  })
}

const canonicalCells = (input: SuppressionFile, { cells, raw, row }: Reject): ReadonlyArray<string> =>
  rowFields.map((field) => {
    const column = input.mapping[field]
    return row?.[field] ?? (column === undefined ? "" : cells?.[column]) ?? (field === "phoneNumber" ? raw : "")
  })

const finished = (
  kind: OutputFile["kind"],
  file: Omit<RejectsFile.CsvFile, "write">
): Effect.Effect<ReadonlyArray<OutputFile>, RejectsFile.OutputError> =>
  Effect.gen(function* () {
    yield* file.close
    const digest = yield* file.digest
    const rows = yield* file.count
    return Option.match(digest, {
      onNone: () => [],
      onSome: (sha256) => [{ kind, path: file.path, rows, sha256 }]
    })
  })

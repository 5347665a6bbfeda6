/**
 * The files that a run writes for its rejects and its failed numbers.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as DncEntry from "../DncEntry.js"
import { type Kind, type Reject, rowFields } from "../DncEntry.js"
import type * as Pipeline from "../Pipeline.js"
import * as RejectsFile from "../RejectsFile.js"
import type { OutputFile } from "../RunReport.js"
import type { SuppressionFile } from "../SuppressionFile.js"
import type { outputPaths } from "./outputPaths.js"

/**
 * Files come into being with their first row.
 *
 * @since 0.1.0
 */
export const outputs = (
  inputs: ReadonlyArray<SuppressionFile>,
  paths: ReturnType<typeof outputPaths>,
  keep: ReadonlyArray<string> = [],
  kind: Kind = "phone"
): Effect.Effect<Pipeline.Outputs<RejectsFile.OutputError>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const kept = [...inputs.map((input) => input.path), ...keep]
    const requests = inputs.some(({ mapping }) => mapping.requestedAt !== undefined)
    const failed = yield* RejectsFile.makeFailed({ path: paths.failed.path, inputs: kept, kind, requests })
    const failedRemovals = yield* RejectsFile.makeFailedRemovals({ path: paths.failedRemovals.path, inputs: kept })
    const heldBack = yield* RejectsFile.makeFailed({ path: paths.heldBack.path, inputs: kept, kind, requests })
    const single = paths.rejects.length === 1 ? paths.rejects[0] : undefined
    const rejects = yield* single === undefined
      ? Effect.forEach(inputs, (input, index) =>
          RejectsFile.make({
            path: paths.rejects[index].path,
            columns: input.columns,
            delimiter: input.delimiter,
            inputs: kept
          })
        )
      : Effect.map(shared(inputs, single.path, kept, kind), (file) => inputs.map(() => file))
    const canonical = single !== undefined && !sameColumns(inputs)

    return {
      rejected: (index, refused) => {
        const input = inputs[index]
        const cells = (reject: Reject): Reject => {
          if (canonical) return { ...reject, cells: canonicalCells(input, reject) }
          return reject.cells === undefined ? { ...reject, cells: ownCells(input, reject) } : reject
        }
        return rejects[index].write(refused.map(cells), input.name)
      },
      failed: (entries, { error, message }) => failed.write(failedRows(entries, error, message)),
      failedRemovals: ({ error, message, phoneNumbers }) =>
        failedRemovals.write(phoneNumbers.map((phoneNumber) => ({ phoneNumber, error, message }))),
      heldBack: (entries) =>
        heldBack.write(
          entries.flatMap(({ until, ...entry }) =>
            failedRows([entry], "HeldBack", `suppressed ${untilWhen(until)} already`)
          )
        ),
      finish: Effect.gen(function* () {
        const files: Array<OutputFile> = []
        for (const file of new Set(rejects)) files.push(...(yield* finished("rejects", file)))
        files.push(...(yield* finished("failed", failed)))
        files.push(...(yield* finished("failed-removals", failedRemovals)))
        files.push(...(yield* finished("held-back", heldBack)))
        return files
      })
    }
  })

/**
 * One file for all numbers of a run that has no inputs: those that failed, and those that the server refused.
 *
 * @since 0.1.0
 */
export const failedOutputs = (
  path: string,
  keep: ReadonlyArray<string>
): Effect.Effect<Pipeline.Outputs<RejectsFile.OutputError>, never, Scope.Scope> =>
  Effect.map(RejectsFile.makeFailed({ path, inputs: keep }), (file) => ({
    rejected: (_, rejects) =>
      file.write(
        rejects.map(({ code, message, raw, row }) => ({
          phoneNumber: raw,
          reason: row?.reason ?? "",
          expires: row?.expires ?? "",
          error: code,
          message
        }))
      ),
    failed: (entries, { error, message }) => file.write(failedRows(entries, error, message)),
    finish: finished("failed", file)
  }))

const untilWhen = (end: number) =>
  end === Number.POSITIVE_INFINITY ? "for ever" : `until ${DncEntry.formatExpires(end, "")}`

const failedRows = (entries: ReadonlyArray<Omit<DncEntry.Entry, "line">>, error: string, message: string) =>
  entries.map(({ expires, phoneNumber, reason, requestedAt }) => ({
    phoneNumber,
    reason,
    expires: DncEntry.formatExpires(expires, ""),
    requestedAt: requestedAt === undefined ? "" : new Date(requestedAt).toISOString(),
    error,
    message
  }))

/** One file for several inputs: under their own columns if they are the same, else under the canonical ones. */
const shared = (inputs: ReadonlyArray<SuppressionFile>, path: string, kept: ReadonlyArray<string>, kind: Kind) =>
  RejectsFile.make({
    path,
    columns:
      (sameColumns(inputs) ? inputs[0]?.columns : undefined) ??
      DncEntry.columns(
        kind,
        inputs.some(({ mapping }) => mapping.requestedAt !== undefined)
      ),
    delimiter: sameColumns(inputs) ? inputs[0]?.delimiter : undefined,
    inputs: kept,
    file: inputs.length > 1
  })

const sameColumns = (inputs: ReadonlyArray<SuppressionFile>): boolean =>
  inputs.every((input) => input.columns.join("\n") === inputs[0].columns.join("\n"))

/** A row that the server refused is known by its values alone; they go under the columns that they came from. */
const ownCells = (input: SuppressionFile, { row }: Reject): ReadonlyArray<string> => {
  if (row === undefined) return []
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

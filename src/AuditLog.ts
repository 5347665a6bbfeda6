/**
 * Reads what `AuditSink` wrote.
 *
 * @since 0.1.0
 */
import * as Fs from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as AuditChain from "./AuditChain.js"
import { follow, isBatchDone, type RunHistory } from "./AuditLog/history.js"
import { linesFrom, operationOf } from "./AuditLog/lines.js"
import { collect, type LoggedRun } from "./AuditLog/runs.js"
import type { AuditRecord } from "./AuditSink.js"
import type { Registration } from "./WebhookRegistrar.js"

/**
 * The log is there but cannot be read.
 *
 * @since 0.1.0
 * @category errors
 */
export class AuditLogError extends Schema.TaggedError<AuditLogError>("genesys-dnc/AuditLogError")("AuditLogError", {
  message: Schema.String,
  hint: Schema.String
}) {}

/**
 * Goes through the lines of a log in order. A log that is not there has none, nor has what is no file.
 *
 * @since 0.1.0
 */
export const forEachLine = (path: string, f: (line: string) => void): Effect.Effect<void, AuditLogError> =>
  forEachBytes(path, (line) => f(line.toString("utf8")))

const forEachBytes = (path: string, f: (line: Buffer) => void): Effect.Effect<void, AuditLogError> =>
  Effect.tryPromise({
    try: async () => {
      // a device or a pipe holds no log
      if (!(await Fs.stat(path)).isFile()) return
      for await (const line of bytesOf(path)) f(line)
    },
    catch: (cause) => cause as NodeJS.ErrnoException
  }).pipe(Effect.catchAll((cause) => (cause.code === "ENOENT" ? Effect.void : Effect.fail(unreadable(path, cause)))))

async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  const file = await Fs.open(path, "r")
  try {
    for await (const { line } of linesFrom(file, 0, Number.POSITIVE_INFINITY)) yield line
  } finally {
    await file.close()
  }
}

const unreadable = (path: string, { message }: Error): AuditLogError =>
  new AuditLogError({
    message: `The audit log ${path} cannot be read: ${message}`,
    hint: "Check the path and its permissions."
  })

/**
 * Goes through the records of a log in order; a line that a crash cut short is passed over. With `only`, those of other
 * operations are left out, most of them without being parsed.
 *
 * @since 0.1.0
 */
export const forEach = (
  path: string,
  f: (record: AuditRecord) => void,
  only?: ReadonlySet<AuditRecord["operation"]>
): Effect.Effect<void, AuditLogError> =>
  forEachBytes(path, (line) => {
    const operation = only === undefined ? undefined : operationOf(line)
    if (operation !== undefined && only?.has(operation) === false) return
    const record = AuditChain.parse(line.toString("utf8")) as AuditRecord | undefined
    if (record !== undefined && only?.has(record.operation) !== false) f(record)
  })

export { failures, type LoggedRequest, type RunHistory, type Stretch } from "./AuditLog/history.js"
export { collect, type LoggedRun, ofRuns, type SettledBatch } from "./AuditLog/runs.js"

/**
 * A run, and how many of its batches have come to their end with nothing failed.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunSummary {
  readonly run: LoggedRun
  readonly batchesDone: number
}

/**
 * The runs of a log, in the order of their beginnings.
 *
 * @since 0.1.0
 */
export const summaries = (path: string): Effect.Effect<ReadonlyArray<RunSummary>, AuditLogError> =>
  Effect.suspend(() => {
    const { runs, take } = collect()
    const done = new Map<string, Set<number>>()
    return Effect.map(
      forEach(path, (record) => {
        take(record)
        if (record.runId === null || !isBatchDone(record)) return
        const batches = done.get(record.runId)
        if (batches === undefined) done.set(record.runId, new Set([record.result.batch]))
        else batches.add(record.result.batch)
      }),
      () => Array.from(runs.values(), (run) => ({ run, batchesDone: done.get(run.runId)?.size ?? 0 }))
    )
  })

/**
 * All that a log tells of one run; nothing where it does not tell of it.
 *
 * @since 0.1.0
 */
export const history = (path: string, runId: string): Effect.Effect<RunHistory | undefined, AuditLogError> =>
  Effect.suspend(() => {
    const { finish, take } = follow(runId)
    return Effect.map(forEach(path, take), finish)
  })

/**
 * The lines of one run as they stand in the log, with their ends.
 *
 * @since 0.1.0
 */
export const linesOf = (path: string, runId: string): Stream.Stream<string, AuditLogError> =>
  Stream.fromAsyncIterable(runLines(path, runId), (cause) => unreadable(path, cause as Error))

async function* runLines(path: string, runId: string): AsyncGenerator<string> {
  let lines = ""
  for await (const bytes of bytesOf(path)) {
    // what does not even name it need not be parsed
    if (!bytes.includes(runId)) continue
    const line = bytes.toString("utf8")
    if ((AuditChain.parse(line) as Partial<AuditRecord> | undefined)?.runId !== runId) continue
    lines += `${line}\n`
    if (lines.length > 1 << 16) {
      yield lines
      lines = ""
    }
  }
  yield lines
}

/**
 * Holds a log against its chain; see `AuditChain.verifier`. `expected` is a digest that it is known to have had at some
 * time, such as a run gives at its end.
 *
 * @since 0.1.0
 */
export const verify = (
  path: string,
  expected?: string,
  publicKeys?: ReadonlyArray<string>
): Effect.Effect<AuditChain.Verdict, AuditLogError> =>
  Effect.suspend(() => {
    const { finish, take } = AuditChain.verifier(expected, publicKeys)
    return Effect.map(forEachLine(path, take), finish)
  })

/**
 * The webhooks that a log says were registered, in order.
 *
 * @since 0.1.0
 */
export const registrations = (path: string): Effect.Effect<ReadonlyArray<Registration>, AuditLogError> => {
  const found: Array<Registration> = []
  return Effect.as(
    forEach(
      path,
      (record) => {
        if (record.operation === "WEBHOOK_REGISTERED") found.push(record.result)
      },
      new Set(["WEBHOOK_REGISTERED"])
    ),
    found
  )
}

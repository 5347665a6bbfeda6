/**
 * Reads what `AuditSink` wrote.
 *
 * @since 0.1.0
 */
import { createReadStream } from "node:fs"
import { stat } from "node:fs/promises"
import { createInterface } from "node:readline"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as AuditChain from "./AuditChain.js"
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
  Effect.tryPromise({
    try: async () => {
      // a device or a pipe holds no log
      if (!(await stat(path)).isFile()) return
      for await (const line of createInterface({
        input: createReadStream(path),
        crlfDelay: Number.POSITIVE_INFINITY
      })) {
        f(line)
      }
    },
    catch: (cause) => cause as NodeJS.ErrnoException
  }).pipe(
    Effect.catchAll((cause) =>
      cause.code === "ENOENT"
        ? Effect.void
        : Effect.fail(
            new AuditLogError({
              message: `The audit log ${path} cannot be read: ${cause.message}`,
              hint: "Check the path and its permissions."
            })
          )
    )
  )

/**
 * Goes through the records of a log in order; a line that a crash cut short is passed over.
 *
 * @since 0.1.0
 */
export const forEach = (path: string, f: (record: AuditRecord) => void): Effect.Effect<void, AuditLogError> =>
  forEachLine(path, (line) => {
    const record = AuditChain.parse(line)
    if (record !== undefined) f(record as AuditRecord)
  })

export { collect, type LoggedRun, type SettledBatch } from "./AuditLog/runs.js"

/**
 * The runs of a log, in the order of their beginnings.
 *
 * @since 0.1.0
 */
export const runs = (path: string): Effect.Effect<ReadonlyArray<LoggedRun>, AuditLogError> =>
  Effect.suspend(() => {
    const { runs, take } = collect()
    return Effect.map(forEach(path, take), () => Array.from(runs.values()))
  })

/**
 * Holds a log against its chain; see `AuditChain.verifier`. `expected` is a digest that it is known to have had at some
 * time, such as a run gives at its end.
 *
 * @since 0.1.0
 */
export const verify = (path: string, expected?: string): Effect.Effect<AuditChain.Verdict, AuditLogError> =>
  Effect.suspend(() => {
    const { finish, take } = AuditChain.verifier(expected)
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
    forEach(path, (record) => {
      if (record.operation === "WEBHOOK_REGISTERED") found.push(record.result)
    }),
    found
  )
}

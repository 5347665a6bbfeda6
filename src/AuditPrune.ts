/**
 * Takes off the beginning of a log what is older than it has to be kept. A record says so, which stands in the chain before
 * anything is taken off; but what stood there is known to no later run.
 *
 * @since 0.1.0
 */
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as AuditChain from "./AuditChain.js"
import { linesFrom } from "./AuditLog/lines.js"
import { collect } from "./AuditLog/runs.js"
import * as AuditLog from "./AuditLog.js"
import * as AuditSink from "./AuditSink.js"

/** A year of 366 days: what is counted in these is never gone sooner than by the calendar. */
export const year = Duration.days(366)

/**
 * @since 0.1.0
 */
export const defaults = { minimum: Duration.times(year, 5) }

/**
 * What may be taken off.
 *
 * @since 0.1.0
 * @category models
 */
export interface Plan {
  /** Whole records, and the bytes that they and cut lines between them take. */
  readonly records: number
  readonly bytes: number
  readonly through: AuditChain.Head
  readonly runs: ReadonlyArray<AuditSink.PrunedRun>
  /** Registrations of webhooks among the records, which are then no longer listed. */
  readonly registrations: number
  /** The run, or the kind of record, at which it ends. */
  readonly until: { readonly what: string; readonly why: "unfinished" | "young" } | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** No record that is as young is taken off. */
  readonly olderThan: Duration.Duration
  /** The least that `olderThan` may be: five years unless given. */
  readonly minimum?: Duration.Duration
  readonly operator?: string | undefined
}

/**
 * Records that young have to be kept. Nothing was taken off.
 *
 * @since 0.1.0
 * @category errors
 */
export class RetentionError extends Schema.TaggedError<RetentionError>("genesys-dnc/RetentionError")("RetentionError", {
  message: Schema.String,
  hint: Schema.String
}) {}

interface Seen {
  readonly from: number
  readonly to: number
  readonly record: AuditSink.AuditRecord | undefined
}

async function* records(path: string): AsyncGenerator<Seen> {
  const file = await Fs.open(path, "r")
  try {
    const { size } = await file.stat()
    for await (const { isWhole, line, offset } of linesFrom(file, 0, size)) {
      if (!isWhole) break
      const record = AuditChain.parse(line.toString("utf8")) as AuditSink.AuditRecord | undefined
      yield { from: offset, to: offset + line.length + 1, record }
    }
  } finally {
    await file.close()
  }
}

/** Twice through the log, as a run may end far behind its beginning. */
const planBefore = async (path: string, before: number): Promise<Plan> => {
  const { runs, take } = collect()
  const latest = new Map<string, number>()
  for await (const { record } of records(path)) {
    if (record === undefined) continue
    take(record)
    if (record.runId === null) continue
    const at = Date.parse(record.timestamp)
    // what has no time is not known to be old
    latest.set(record.runId, Math.max(latest.get(record.runId) ?? at, Number.isNaN(at) ? Number.POSITIVE_INFINITY : at))
  }
  let through = AuditChain.empty
  let until: Plan["until"]
  let count = 0
  let bytes = 0
  let registrations = 0
  const pruned = new Set<string>()
  for await (const { record, to } of records(path)) {
    if (record === undefined) continue
    const { operation, runId, timestamp } = record
    const at = runId === null ? Date.parse(timestamp) : (latest.get(runId) ?? Number.NaN)
    const run = runId === null ? undefined : runs.get(runId)
    const isOld = at < before
    if (!isOld || run?.outcome === "unfinished") {
      until = { what: runId === null ? operation : `run ${runId}`, why: isOld ? "unfinished" : "young" }
      break
    }
    count++
    bytes = to
    through = AuditChain.linkOf(record) ?? through
    if (operation === "WEBHOOK_REGISTERED") registrations++
    if (runId !== null) pruned.add(runId)
  }
  return {
    records: count,
    bytes,
    through: { sequence: through.sequence, digest: through.digest },
    registrations,
    until,
    runs: Array.from(pruned).flatMap((runId) => {
      const run = runs.get(runId)
      if (run === undefined) return []
      const { dncListId, head, lastAt, outcome, startedAt } = run
      // of records from before there was a chain
      return [{ runId, dncListId, startedAt, endedAt: lastAt, outcome, head: head ?? "" }]
    })
  }
}

const attempt = <A>(path: string, f: () => Promise<A>): Effect.Effect<A, AuditLog.AuditLogError> =>
  Effect.tryPromise({
    try: f,
    catch: (cause) =>
      new AuditLog.AuditLogError({
        message: `The audit log ${path} cannot be pruned: ${(cause as Error).message}`,
        hint: "Check the path, its permissions and the space on the disk. The log is whole still: run the same command again."
      })
  })

/** Before which time, or why not. */
const cutoff = ({ minimum = defaults.minimum, olderThan }: Options): Effect.Effect<number, RetentionError> =>
  Duration.lessThan(olderThan, minimum)
    ? Effect.fail(
        new RetentionError({
          message: `Records are kept for ${Duration.toDays(minimum)} days at least, so none is taken off after ${Duration.toDays(olderThan)}; nothing was pruned`,
          hint: "Give a longer time; a year counts as 366 days. The least is set in the configuration: GENESYS_DNC_RETENTION."
        })
      )
    : Effect.map(Clock.currentTimeMillis, (now) => now - Duration.toMillis(olderThan))

/**
 * What would be taken off: the longest beginning of the log that ends before the first record of a run that is unfinished,
 * or whose last record is too young, and before the first record of no run that is.
 *
 * @since 0.1.0
 */
export const plan = (path: string, options: Options): Effect.Effect<Plan, AuditLog.AuditLogError | RetentionError> =>
  Effect.gen(function* () {
    const before = yield* cutoff(options)
    yield* checkLog(path)
    return yield* attempt(path, () => planBefore(path, before))
  })

/** What was tampered with is evidence of that, and is not thrown away. */
const checkLog = (path: string) =>
  Effect.gen(function* () {
    const { fault, records } = yield* AuditLog.verify(path)
    if (records === 0) {
      return yield* new AuditLog.AuditLogError({
        message: `There are no records in ${path}`,
        hint: "Name the audit log with --audit. Only a log that is a file can be pruned."
      })
    }
    if (fault !== undefined) {
      return yield* new AuditLog.AuditLogError({
        message: `The audit log ${path} is not as it was written, and is not pruned: ${fault.message}`,
        hint: "Keep it as it is, and find out why: genesys-dnc audit verify."
      })
    }
  })

/**
 * Takes it off, while no run writes to the log: first a record of it is made, then the log is replaced by one without its
 * beginning. Where that is broken off, the log is whole, and to prune again works.
 *
 * @since 0.1.0
 */
export const prune = (
  path: string,
  options: Options
): Effect.Effect<Plan, AuditLog.AuditLogError | AuditSink.AuditError | RetentionError> =>
  Effect.gen(function* () {
    const before = yield* cutoff(options)
    // a log that is not there is not to be made
    yield* checkLog(path)
    return yield* Effect.gen(function* () {
      const { append } = yield* AuditSink.AuditSink
      yield* checkLog(path)
      const plan = yield* attempt(path, () => planBefore(path, before))
      if (plan.records === 0) return plan
      const { records, runs, through } = plan
      yield* append({
        operation: "LOG_PRUNED",
        runId: null,
        dncListId: null,
        complianceStatus: "VALIDATED",
        result: {
          through,
          records,
          runs,
          olderThan: new Date(before).toISOString(),
          operator: options.operator ?? null
        }
      })
      yield* attempt(path, () => cut(path, plan.bytes))
      return plan
    }).pipe(Effect.provide(AuditSink.layerFile(path)))
  }).pipe(Effect.uninterruptible, Effect.withSpan("genesys-dnc/AuditPrune.prune"))

/** Replaces a file by what stands in it from a place on. */
const cut = async (given: string, from: number): Promise<void> => {
  // a link stays a link
  const path = await Fs.realpath(given)
  const partial = `${path}.${randomBytes(6).toString("hex")}.partial`
  const old = await Fs.open(path, "r")
  try {
    const file = await Fs.open(partial, "wx", 0o600)
    try {
      const buffer = Buffer.allocUnsafe(1 << 20)
      for (let at = from; ; ) {
        const { bytesRead } = await old.read(buffer, 0, buffer.length, at)
        if (bytesRead === 0) break
        await file.writeFile(buffer.subarray(0, bytesRead))
        at += bytesRead
      }
      await file.sync()
    } finally {
      await file.close()
    }
    await Fs.rename(partial, path)
    const folder = await Fs.open(Path.dirname(path), "r")
    await folder.sync().finally(() => folder.close())
  } finally {
    await old.close()
    await Fs.rm(partial, { force: true })
  }
}

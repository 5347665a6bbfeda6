/**
 * The runs of a log, from their records.
 *
 * @since 0.1.0
 */
import type { AuditRecord } from "../AuditSink.js"
import type { Action, Kind } from "../DncEntry.js"

/**
 * What became of a batch all of whose numbers are known to be done as was wanted.
 *
 * @since 0.1.0
 * @category models
 */
export interface SettledBatch {
  readonly created: number
  readonly duplicate: number
  readonly updated: number
  readonly accepted: number
  readonly attempts: number
  readonly latencyMs: number
  /** When it was recorded, in milliseconds since 1970. */
  readonly at: number
}

/**
 * A run, as its records tell of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface LoggedRun {
  readonly runId: string
  readonly dncListId: string
  /** URL of the API. */
  readonly target: string
  readonly contract: string
  readonly action: Action | "sync"
  readonly kind: Kind
  readonly tool: string
  /** Who began it, as configured then; older logs do not say. */
  readonly operator?: string | null
  /** Those who went on with it, in order. */
  readonly resumedBy: Array<string>
  readonly inputs: ReadonlyArray<{ readonly name: string; readonly sha256: string; readonly rows: number }>
  /** What "in the past" meant, in milliseconds since 1970. */
  readonly now: number
  readonly policy: unknown
  readonly cutting: number
  readonly largestBatch: number
  readonly setDigest: string
  readonly distinctNumbers: number
  readonly batches: number
  /** Numbers that are not sent, as they are suppressed for longer already. */
  readonly heldBack?: number
  readonly listSize: number | undefined
  /** ISO 8601, of the first record and of the last. */
  readonly startedAt: string
  lastAt: string
  /** Times that another process went on with it. */
  resumed: number
  /** `unfinished`: no last record, so its process was killed or is at work still. */
  outcome: "unfinished" | "completed" | "aborted" | "stopped"
  totals: Readonly<Record<string, number>> | undefined
  /** By the position in the run; none of a run that was completed. */
  readonly settled: Map<number, SettledBatch>
  /** The digest of its last record. */
  head: string
}

/**
 * The operations that change what is known of a run, but for the time and digest of its last record: see `collect`.
 *
 * @since 0.1.0
 */
export const ofRuns: ReadonlySet<AuditRecord["operation"]> = new Set([
  "RUN_STARTED",
  "RUN_RESUMED",
  "BATCH_DONE",
  "BATCH_SETTLED",
  "RUN_FINISHED"
])

/**
 * Takes the records of a log in order; then `runs` has those that it tells of, in the order of their beginnings.
 *
 * @since 0.1.0
 */
export const collect = (): { readonly take: (record: AuditRecord) => void; readonly runs: Map<string, LoggedRun> } => {
  const runs = new Map<string, LoggedRun>()
  return {
    runs,
    take: (record) => {
      if (record.operation === "RUN_STARTED" && record.runId !== null && record.dncListId !== null) {
        const { result, runId, timestamp } = record
        runs.set(runId, {
          ...result,
          runId,
          dncListId: record.dncListId,
          kind: record.kind ?? "phone",
          now: Date.parse(result.now),
          listSize: result.listSize ?? undefined,
          startedAt: timestamp,
          lastAt: timestamp,
          resumed: 0,
          resumedBy: [],
          outcome: "unfinished",
          totals: undefined,
          settled: new Map(),
          head: record.digest
        })
        return
      }
      const run = record.runId === null ? undefined : runs.get(record.runId)
      if (run === undefined) return
      run.lastAt = record.timestamp
      run.head = record.digest
      switch (record.operation) {
        case "RUN_RESUMED":
          run.resumed++
          if (record.result.operator != null) run.resumedBy.push(record.result.operator)
          run.outcome = "unfinished"
          break
        case "BATCH_DONE": {
          const { rejected, route, settles, shortfall } = record.result
          // a file is brought anew: that changes nothing where it was imported
          if (settles && rejected === 0 && shortfall === 0 && route === undefined) settle(run, record.result, record)
          break
        }
        case "BATCH_SETTLED":
          // numbers that were refused are asked about again, as the log does not say which they were
          if (record.result.rejected === 0) settle(run, record.result, record)
          break
        case "RUN_FINISHED":
          run.outcome = record.result.outcome
          run.totals = record.result.totals
          if (run.outcome === "completed") run.settled.clear()
          break
        default:
      }
    }
  }
}

const settle = (
  run: LoggedRun,
  {
    accepted,
    attempts,
    batch,
    created,
    duplicate,
    updated
  }: Omit<SettledBatch, "latencyMs" | "at"> & { readonly batch: number },
  { latencyMs, timestamp }: Pick<AuditRecord, "latencyMs" | "timestamp">
): void => {
  const at = Date.parse(timestamp)
  run.settled.set(batch, { created, duplicate, updated, accepted, attempts, latencyMs: latencyMs ?? 0, at })
}

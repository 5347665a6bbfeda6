/**
 * When a number went onto which list, on whose request: from the records that an index finds.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as AuditIndex from "../AuditIndex.js"
import type { AuditLogError } from "../AuditLog.js"
import type { AuditRecord } from "../AuditSink.js"
import type { Action } from "../DncEntry.js"

/**
 * One batch of a run that a number was in. `outcome`: of the last request that carried the number; `unknown` also where the
 * log says nothing of it any more.
 *
 * @since 0.1.0
 * @category models
 */
export interface Hit {
  /** ISO 8601: when it was meant to be sent, and when it was known to be done or not. */
  readonly at: string
  readonly endedAt: string | undefined
  readonly dncListId: string
  readonly runId: string
  readonly batch: number
  readonly action: Action
  readonly reason: string | null
  readonly expires: string | null
  readonly outcome: "done" | "failed" | "unknown"
  /** Numbers of that request that the server refused or did not account for: this one may be among them. */
  readonly doubtful: number
  readonly error: string | undefined
  readonly correlationId: string | null
  /** Names of the files that the run read. */
  readonly files: ReadonlyArray<string>
  /** Who began the run and who went on with it, where the log says so. */
  readonly operators: ReadonlyArray<string>
  /** When a later run took it off the same list, or may have. */
  removedAt: string | undefined
}

/**
 * All of them, in the order of the log. `forms` are the number as the log may hold it: its HMAC under the key, and as it is.
 *
 * @since 0.1.0
 */
export const answer = (
  index: AuditIndex.AuditIndex,
  forms: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<Hit>, AuditLogError> =>
  Effect.gen(function* () {
    const intended = (yield* Effect.forEach(forms, index.find)).flat().filter(isIntended)
    const latest = new Map<string, Intended>()
    for (const record of intended.sort((a, b) => a.sequence - b.sequence)) {
      latest.set(`${record.runId} ${record.result.batch} ${record.result.action}`, record)
    }
    const runs = new Map<string, Pick<Hit, "files" | "operators">>()
    const hits: Array<Hit> = []
    for (const record of latest.values()) {
      const { dncListId, result, runId } = record
      if (runId === null || dncListId === null) continue
      let run = runs.get(runId)
      if (run === undefined) {
        const about = yield* index.find(AuditIndex.ofRun(runId))
        run = { files: filesOf(about), operators: operatorsOf(about) }
        runs.set(runId, run)
      }
      const about = yield* index.find(AuditIndex.ofRequest(runId, result.idempotencyKey))
      hits.push({
        at: record.timestamp,
        dncListId,
        runId,
        batch: result.batch,
        action: result.action,
        reason: result.reason,
        expires: result.expires,
        ...outcomeOf(about.filter(({ sequence }) => sequence > record.sequence).findLast(isEnd)),
        ...run,
        removedAt: undefined
      })
    }
    for (const [at, hit] of hits.entries()) {
      if (hit.action !== "add") continue
      hit.removedAt = hits
        .slice(at + 1)
        .find(
          ({ action, dncListId, outcome }) => action === "remove" && dncListId === hit.dncListId && outcome !== "failed"
        )?.at
    }
    return hits
  })

type Of<Operation extends AuditRecord["operation"]> = Extract<AuditRecord, { readonly operation: Operation }>

type Intended = Of<"BATCH_INTENDED">

const isIntended = (record: AuditRecord): record is Intended => record.operation === "BATCH_INTENDED"

const isEnd = (record: AuditRecord): record is Of<"BATCH_DONE"> | Of<"BATCH_FAILED"> =>
  record.operation === "BATCH_DONE" || record.operation === "BATCH_FAILED"

const filesOf = (records: ReadonlyArray<AuditRecord>): ReadonlyArray<string> =>
  records.flatMap((record) => (record.operation === "RUN_STARTED" ? record.result.inputs.map(({ name }) => name) : []))

const operatorsOf = (records: ReadonlyArray<AuditRecord>): ReadonlyArray<string> => [
  ...new Set(
    records.flatMap((record) =>
      (record.operation === "RUN_STARTED" || record.operation === "RUN_RESUMED") && record.result.operator != null
        ? [record.result.operator]
        : []
    )
  )
]

const outcomeOf = (
  end: Of<"BATCH_DONE"> | Of<"BATCH_FAILED"> | undefined
): Pick<Hit, "endedAt" | "outcome" | "doubtful" | "error" | "correlationId"> => {
  if (end === undefined)
    return { endedAt: undefined, outcome: "unknown", doubtful: 0, error: undefined, correlationId: null }
  const { correlationId } = end.result
  return end.operation === "BATCH_DONE"
    ? {
        endedAt: end.timestamp,
        outcome: "done",
        // a count above the size says nothing about any number
        doubtful: end.result.rejected + Math.abs(end.result.shortfall),
        error: undefined,
        correlationId
      }
    : {
        endedAt: end.timestamp,
        outcome: end.result.outcome === "unknown" ? "unknown" : "failed",
        doubtful: 0,
        error: end.result.error,
        correlationId
      }
}

/**
 * One run in full, from its records: what each of its requests was meant to do and what became of it.
 *
 * @since 0.1.0
 */
import type * as AuditChain from "../AuditChain.js"
import type { Signed } from "../AuditSignature.js"
import type { AuditRecord, ComplianceStatus, ValidationError } from "../AuditSink.js"
import type { Stamped } from "../AuditTimestamp.js"
import type { Action } from "../DncEntry.js"
import { collect, type LoggedRun } from "./runs.js"

type Of<Operation extends AuditRecord["operation"]> = Extract<AuditRecord, { readonly operation: Operation }>

/**
 * A request that was meant to be sent, in the order of the log, and what became of it. `open`: the log does not say, as the
 * process ended before it could.
 *
 * @since 0.1.0
 * @category models
 */
export interface LoggedRequest {
  readonly batch: number
  readonly idempotencyKey: string
  readonly generation: number
  readonly route: "request" | "upload"
  readonly action: Action
  readonly reason: string | null
  readonly expires: string | null
  /** Numbers in it. */
  readonly size: number
  readonly contentDigest: string
  /** ISO 8601. */
  readonly intendedAt: string
  endedAt: string | undefined
  outcome: "open" | "done" | "refused" | "unknown" | "failed"
  created: number
  updated: number
  duplicate: number
  accepted: number
  rejected: number
  shortfall: number
  attempts: number
  latencyMs: number | null
  correlationId: string | null
  error: string | undefined
  /** Masked. */
  message: string | undefined
}

/**
 * Records of a run that follow on each other. `next` is the record behind them, where there is one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stretch {
  readonly first: AuditChain.Head & { readonly previous: string }
  last: AuditChain.Head
  next: (AuditChain.Head & { readonly previous: string }) | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface RunHistory {
  readonly run: LoggedRun
  readonly started: Of<"RUN_STARTED">
  /** The last of its ends: a run that was gone on with has several. */
  readonly finished: Of<"RUN_FINISHED"> | undefined
  /** The head that its last end made, where it was signed. */
  readonly signed: Signed | undefined
  readonly stamped: Stamped | undefined
  readonly complianceStatus: ComplianceStatus
  readonly records: number
  readonly requests: ReadonlyArray<LoggedRequest>
  /** Batches that have come to their end with nothing failed. */
  readonly batchesDone: number
  /** By code, of the rows that were refused before anything was sent, and by the server. */
  readonly rejectsByCode: Readonly<Record<string, number>>
  /** The first hundred, masked. */
  readonly rejects: ReadonlyArray<ValidationError>
  /** How numbers stand in its records. */
  readonly numbers: "masked" | "hashed" | "whole"
  /** More than one where another run's records stand between. */
  readonly stretches: ReadonlyArray<Stretch>
}

/**
 * Whether a batch is done, for one run after the other.
 *
 * @since 0.1.0
 */
export const isBatchDone = (record: AuditRecord): record is Of<"BATCH_DONE"> | Of<"BATCH_SETTLED"> =>
  record.operation === "BATCH_SETTLED" ||
  (record.operation === "BATCH_DONE" && record.result.settles && record.result.shortfall === 0)

/**
 * Takes the records of a log in order; then `finish` has what they tell of the run, if they tell of it.
 *
 * @since 0.1.0
 */
export const follow = (
  runId: string
): { readonly take: (record: AuditRecord) => void; readonly finish: () => RunHistory | undefined } => {
  const { runs, take } = collect()
  const requests: Array<LoggedRequest> = []
  const latest = new Map<string, LoggedRequest>()
  const done = new Set<number>()
  const stretches: Array<Stretch> = []
  const rejects: Array<ValidationError> = []
  let started: Of<"RUN_STARTED"> | undefined
  let finished: Of<"RUN_FINISHED"> | undefined
  let signed: Signed | undefined
  let stamped: Stamped | undefined
  let complianceStatus: ComplianceStatus = "INCOMPLETE"
  let records = 0
  let numbers: RunHistory["numbers"] = "masked"
  let open: Stretch | undefined

  const tie = (record: AuditRecord): void => {
    const { digest, previous, sequence } = record
    if (record.runId !== runId) {
      if (open !== undefined) open.next = { sequence, digest, previous }
      open = undefined
    } else if (open === undefined) {
      open = { first: { sequence, digest, previous }, last: { sequence, digest }, next: undefined }
      stretches.push(open)
    } else open.last = { sequence, digest }
  }

  return {
    take: (record) => {
      tie(record)
      if (record.runId !== runId) return
      take(record)
      records++
      // a refusal by the server stands in the record of its batch as well
      if (record.operation.startsWith("RUN_"))
        rejects.push(...record.validationErrors.slice(0, mostRejects - rejects.length))
      if (isBatchDone(record)) done.add(record.result.batch)
      const sample = record.phoneNumbers?.[0]
      if (sample !== undefined) numbers = isHash(sample) ? "hashed" : "whole"
      switch (record.operation) {
        case "RUN_STARTED":
          started = record
          break
        case "HEAD_SIGNED":
          signed = record.result
          break
        case "HEAD_TIMESTAMPED":
          stamped = record.result
          break
        case "RUN_FINISHED":
          finished = record
          signed = undefined
          stamped = undefined
          complianceStatus = record.complianceStatus
          break
        case "BATCH_INTENDED": {
          const request = intended(record)
          requests.push(request)
          latest.set(request.idempotencyKey, request)
          break
        }
        case "BATCH_DONE":
        case "BATCH_FAILED": {
          const request = latest.get(record.result.idempotencyKey)
          if (request !== undefined) end(request, record)
          break
        }
        default:
      }
    },
    finish: () => {
      const run = runs.get(runId)
      return run === undefined || started === undefined
        ? undefined
        : {
            run,
            started,
            finished,
            signed,
            stamped,
            complianceStatus: run.outcome === "unfinished" ? "INCOMPLETE" : complianceStatus,
            records,
            requests,
            batchesDone: done.size,
            rejectsByCode: (finished ?? started).result.rejectsByCode,
            rejects,
            numbers,
            stretches
          }
    }
  }
}

const mostRejects = 100

/**
 * The requests that did not succeed and that nothing made good: the last that the log says of each key. What was refused
 * was taken apart and sent in other requests.
 *
 * @since 0.1.0
 */
export const failures = (requests: ReadonlyArray<LoggedRequest>): ReadonlyArray<LoggedRequest> => {
  const latest = new Map(requests.map((request) => [request.idempotencyKey, request]))
  return Array.from(latest.values()).filter(({ outcome }) => outcome !== "done" && outcome !== "refused")
}

/** HMAC-SHA-256 in hex, as the policy `hashed` has it. */
export const isHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text)

const intended = ({ result, timestamp }: Of<"BATCH_INTENDED">): LoggedRequest => ({
  batch: result.batch,
  idempotencyKey: result.idempotencyKey,
  generation: result.generation,
  route: result.route ?? "request",
  action: result.action,
  reason: result.reason,
  expires: result.expires,
  size: result.size,
  contentDigest: result.contentDigest,
  intendedAt: timestamp,
  endedAt: undefined,
  outcome: "open",
  created: 0,
  updated: 0,
  duplicate: 0,
  accepted: 0,
  rejected: 0,
  shortfall: 0,
  attempts: 0,
  latencyMs: null,
  correlationId: null,
  error: undefined,
  message: undefined
})

const end = (request: LoggedRequest, record: Of<"BATCH_DONE"> | Of<"BATCH_FAILED">): void => {
  request.endedAt = record.timestamp
  request.latencyMs = record.latencyMs
  request.attempts = record.result.attempts
  request.correlationId = record.result.correlationId
  if (record.operation === "BATCH_FAILED") {
    request.outcome = record.result.outcome
    request.error = record.result.error
    request.message = record.result.message
    return
  }
  const { accepted, created, duplicate, rejected, shortfall, updated } = record.result
  Object.assign(request, { outcome: "done", accepted, created, duplicate, rejected, shortfall, updated })
}

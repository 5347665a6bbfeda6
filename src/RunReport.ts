/**
 * What a run did, in numbers that add up.
 *
 * @since 0.1.0
 */

import type { Signed } from "./AuditSignature.js"
import type { ComplianceStatus } from "./AuditSink.js"
import type { Stamped } from "./AuditTimestamp.js"
import type { Action, Kind, Receipt, Reject, RejectCode } from "./DncEntry.js"
import type { Honour } from "./Honour.js"

/**
 * Each row read is in exactly one of the others.
 *
 * @since 0.1.0
 * @category models
 */
export interface Totals {
  readonly read: number
  readonly created: number
  /** Was on the list with a looser or other value. */
  readonly updated: number
  /** Was on the list as it is. */
  readonly duplicateOnList: number
  /** Another row of the run stands for its number. */
  readonly duplicateInFile: number
  /** Taken by a server that does not say whether it was on the list before. */
  readonly accepted: number
  readonly rejected: number
  /** Valid, but not known to be on the list. */
  readonly failed: number
  /** Read and deliberately not sent: a dry run, held back, or the run was stopped first. */
  readonly skipped: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface InputReport {
  readonly name: string
  readonly rows: number
  readonly rejected: number
  readonly bytes: number
  readonly sha256: string
}

/**
 * A file that the run wrote.
 *
 * @since 0.1.0
 * @category models
 */
export interface OutputFile {
  readonly kind: "rejects" | "failed" | "failed-removals" | "held-back"
  readonly path: string
  readonly rows: number
  readonly sha256: string
}

/**
 * What a sync had to do, by its plan, and what became of the removals: `removed + removalsFailed + removalsSkipped` is
 * `removals`. What it put on the list or changed is among the rows of the files, in {@link Totals}.
 *
 * @since 0.1.0
 * @category models
 */
export interface SyncReport {
  /** Entries on the list when it was exported. */
  readonly listed: number
  readonly adds: number
  /** Suppressed for longer than before, and for less long. */
  readonly longer: number
  readonly shorter: number
  readonly unchanged: number
  readonly removals: number
  /** Of the removals, those whose end had come. */
  readonly expired: number
  /** Entries that are no E.164 numbers, which are left alone. */
  readonly foreign: number
  /** Entries of numbers that the export had shown already. */
  readonly repeated: number
  readonly removed: number
  /** Not known to be off the list. */
  readonly removalsFailed: number
  /** Not sent: a dry run, or the run was stopped first, or something was not put on the list. */
  readonly removalsSkipped: number
  readonly planFile?: { readonly path: string; readonly sha256: string }
}

/**
 * @since 0.1.0
 * @category models
 */
export interface RunReport {
  readonly runId: string
  readonly dncListId: string
  readonly contract: string
  readonly action: Action | "sync"
  /** What the run put on the list or took off it; where it is not `phone`, "numbers" means these. */
  readonly kind: Kind
  /** URL of the API, or `nowhere`. */
  readonly target: string
  /** `aborted`: a failure that would meet every batch, in `error`. `stopped`: somebody asked for it. */
  readonly outcome: "completed" | "aborted" | "stopped"
  readonly error?: {
    readonly tag: string
    readonly message: string
    readonly hint: string | undefined
    /** What the vendor's support asks for first. */
    readonly correlationId?: string
  }
  readonly complianceStatus: ComplianceStatus
  readonly inputs: ReadonlyArray<InputReport>
  readonly files: ReadonlyArray<OutputFile>
  readonly totals: Totals
  /** Of the rows that were skipped: those held back, as their numbers are on the list with a later end already. */
  readonly heldBack: number
  readonly rejectsByCode: Readonly<Partial<Record<RejectCode, number>>>
  /** Rows refused as `CountryNotAllowed`, by ISO 3166 country. */
  readonly countriesNotAllowed: Readonly<Record<string, number>>
  /** Entries whose reason was not in the table and became `UNSPECIFIED`. */
  readonly unknownReasons: number
  readonly distinctNumbers: number
  /** Numbers that are on the list for ever, as their end is further ahead than the contract can say. */
  readonly withoutExpiry: number
  /** Entries on the list, where the contract gives no counts; `after` only where it could be read. */
  readonly listSize?: { readonly before: number; readonly after?: number }
  /** Numbers that were accepted (or needed no sending) and found as they should be, where the list was exported at the end. */
  readonly verified?: number
  /** Where the list was made equal to the files. */
  readonly sync?: SyncReport
  /**
   * Of the numbers without expiry: how many have their intended end kept in the file at `path`; and how many have not, as
   * something else wants them on the list for ever, or as what is on the list could not be seen.
   */
  readonly ends?: { readonly path: string; readonly kept: number; readonly forEver: number; readonly unseen: number }
  /** Where the numbers went as one file instead of in batches. */
  readonly upload?: {
    /** Rows of the file: with `replace`, what was on the list is among them. */
    readonly rows: number
    readonly bytes: number
    /** Of the file, in hex. */
    readonly sha256: string
    /** What an import was taken to do to what is on a list. */
    readonly import: "append" | "replace"
    /** The list as it was before, kept where the import is not known to have left its entries there. */
    readonly copy?: string
  }
  /** Where rows said when they were asked for: how long it took until their numbers were on the list, and what is past due. */
  readonly honour?: Honour
  /** Where an earlier process had begun the run: when, and how many of its batches it had done. */
  readonly resumed?: { readonly startedAt: string; readonly batches: number }
  /** The digest of the run's last record, which stands for all of the log up to it: what `audit verify --head` takes. */
  readonly auditHead?: string
  /** The head that the run's end made, signed, where a key is configured; the record of it is the one of `auditHead`. */
  readonly signedHead?: Signed
  /** The same head with a stamp of the time, where a service is configured and gave one. */
  readonly stampedHead?: Stamped
  /** Memory held by the set of distinct numbers, in bytes. */
  readonly setBytes: number
  readonly batches: { readonly cut: number; readonly done: number; readonly failed: number }
  /** HTTP requests that carried batches, repetitions included. */
  readonly requests: number
  /** Of one batch, waits included. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number }
  readonly startedAt: string
  readonly durationMs: { readonly read: number; readonly send: number }
  /** Rows read, over both phases. */
  readonly rowsPerSecond: number
}

/**
 * How many rows the totals account for too many (or, below zero, too few). Anything but 0 is a defect of ours.
 *
 * @since 0.1.0
 */
export const imbalance = (totals: Totals): number =>
  totals.created +
  totals.updated +
  totals.duplicateOnList +
  totals.duplicateInFile +
  totals.accepted +
  totals.rejected +
  totals.failed +
  totals.skipped -
  totals.read

/**
 * Totals in which the rows that were held back stand by themselves, not among those that were skipped.
 *
 * @since 0.1.0
 */
export const heldApart = (
  totals: Totals | Readonly<Record<string, number>>,
  heldBack = 0
): Readonly<Record<string, number>> => ({ ...totals, heldBack, skipped: totals["skipped"] - heldBack })

/**
 * What is held back is suppressed for longer than was asked, so it is not missing.
 *
 * @since 0.1.0
 */
export const complianceStatus = (totals: Totals, heldBack = 0): ComplianceStatus =>
  totals.failed > 0 || totals.skipped > heldBack || imbalance(totals) !== 0
    ? "INCOMPLETE"
    : totals.rejected > 0
      ? "VALIDATED_WITH_REJECTS"
      : "VALIDATED"

/**
 * The smallest of the values that at least `share` (0 to 1) of them do not exceed; 0 where there are none.
 *
 * @since 0.1.0
 */
export const percentile = (sorted: ArrayLike<number>, share: number): number =>
  sorted.length === 0 ? 0 : sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]

/**
 * The running account of a run: every row is entered once, when its disposition is known.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ledger {
  readonly totals: { -readonly [K in keyof Totals]: Totals[K] }
  readonly rejectsByCode: Partial<Record<RejectCode, number>>
  readonly countriesNotAllowed: Record<string, number>
  unknownReasons: number
  readonly batches: { cut: number; done: number; failed: number }
  requests: number
  readonly rejected: (rejects: ReadonlyArray<Reject>) => void
  readonly receipt: (receipt: Receipt) => void
  /** The part of a receipt that is no row's disposition: what it took to get it. */
  readonly traffic: (receipt: Receipt) => void
  readonly latencyMs: () => RunReport["latencyMs"]
}

/**
 * An account that is empty; its traffic is counted on `other`'s, where that is given.
 *
 * @since 0.1.0
 * @category constructors
 */
export const ledger = (other?: Ledger): Ledger => {
  const totals = {
    read: 0,
    created: 0,
    updated: 0,
    duplicateOnList: 0,
    duplicateInFile: 0,
    accepted: 0,
    rejected: 0,
    failed: 0,
    skipped: 0
  }
  const latencies: Array<number> = []
  const self: Ledger = {
    totals,
    rejectsByCode: {},
    countriesNotAllowed: {},
    unknownReasons: 0,
    batches: { cut: 0, done: 0, failed: 0 },
    requests: 0,
    rejected: (rejects) => {
      totals.rejected += rejects.length
      for (const { code, country } of rejects) {
        self.rejectsByCode[code] = (self.rejectsByCode[code] ?? 0) + 1
        if (country !== undefined) self.countriesNotAllowed[country] = (self.countriesNotAllowed[country] ?? 0) + 1
      }
    },
    receipt: (receipt) => {
      totals.created += receipt.created
      totals.updated += receipt.updated
      totals.duplicateOnList += receipt.duplicate
      totals.accepted += receipt.accepted
      totals.skipped += receipt.skipped
      for (const { count } of receipt.failed) totals.failed += count
      self.traffic(receipt)
    },
    traffic: (receipt) => {
      if (other !== undefined) return other.traffic(receipt)
      self.requests += receipt.attempts
      if (receipt.failed.length > 0) self.batches.failed++
      else if (receipt.attempts > 0) self.batches.done++
      if (receipt.attempts > 0) latencies.push(receipt.latencyMs)
    },
    latencyMs: () => {
      const sorted = Float64Array.from(latencies).sort()
      return { p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95), p99: percentile(sorted, 0.99) }
    }
  }
  return self
}

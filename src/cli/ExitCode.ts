/** What the process says to a scheduler. The README's table and `--help` quote it. */
import type { RunReport } from "../RunReport.js"

export const done = 0
/** Stopped by a failure that would meet every batch: credentials, list, server, log, disk. */
export const aborted = 1
export const wrongUsage = 2
/** Done, but rows were refused, or held back. */
export const rejected = 3
/** Done, but valid rows are not known to be on the list, or a sync has not removed all that it should. */
export const failed = 4
/** The input cannot be used; nothing was sent. */
export const badInput = 5
/** The audit log is not what was written. */
export const tampered = 6
/** Ctrl-C. */
export const interrupted = 130

export const explained: ReadonlyArray<readonly [number, string]> = [
  [done, "all valid rows are on the list, and no row was rejected"],
  [aborted, "aborted: credentials, list, server, log or disk; what was sent is in the summary"],
  [wrongUsage, "wrong usage, a name of several lists, or an output that cannot be written; nothing was done"],
  [rejected, "done, but rows were rejected, or held back as suppressed for longer already"],
  [failed, "done, but valid rows failed: they are in the failed file; or removals of a sync were not done"],
  [badInput, "an input cannot be used, too many rows were rejected, or a sync would remove too much; nothing was sent"],
  [tampered, "audit verify: the log is not as it was written, or not signed by the key of --public-key"],
  [interrupted, "interrupted (Ctrl-C)"]
]

/** The worst of what happened. */
export const ofReport = (report: RunReport): number =>
  report.outcome === "stopped"
    ? interrupted
    : report.outcome === "aborted"
      ? aborted
      : report.totals.failed > 0 || notRemoved(report.sync)
        ? failed
        : report.totals.rejected + report.heldBack > 0
          ? rejected
          : done

const notRemoved = (sync: RunReport["sync"]): boolean =>
  sync !== undefined && sync.removalsFailed + sync.removalsSkipped > 0

export const ofError = (error: { readonly _tag?: string | undefined; readonly reason?: unknown }): number => {
  switch (error._tag) {
    case "UsageError":
    case "PolicyError":
    case "DueTableError":
    case "ConfigurationError":
    case "CannotResume":
    case "InvalidWebhook":
    case "AmbiguousList":
    case "RetentionError":
    case "SignatureError":
      return wrongUsage
    case "OutputError":
      return error.reason === "Path" ? wrongUsage : aborted
    case "InputError":
    case "TooManyRejects":
    case "TooManyRemovals":
      return badInput
    default:
      return aborted
  }
}

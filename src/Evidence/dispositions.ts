/**
 * What became of each request of a run, as CSV.
 *
 * @since 0.1.0
 */
import Papa from "papaparse"
import type { LoggedRequest } from "../AuditLog.js"

const columns = [
  "batch",
  "idempotencyKey",
  "generation",
  "route",
  "action",
  "reason",
  "expires",
  "size",
  "intendedAt",
  "endedAt",
  "latencyMs",
  "attempts",
  "outcome",
  "created",
  "updated",
  "duplicate",
  "accepted",
  "rejected",
  "shortfall",
  "correlationId",
  "contentDigest",
  "error",
  "message"
] as const

/**
 * Its pieces, of some hundred lines each. A word that a spreadsheet would take for a formula is written as text.
 *
 * @since 0.1.0
 */
export function* dispositions(requests: ReadonlyArray<LoggedRequest>): Generator<string> {
  yield `${columns.join(",")}\n`
  for (let at = 0; at < requests.length; at += 500) {
    const rows = requests.slice(at, at + 500).map((request) => columns.map((column) => request[column] ?? ""))
    yield `${Papa.unparse(rows, { newline: "\n", header: false, escapeFormulae: true })}\n`
  }
}

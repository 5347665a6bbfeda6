/** A run in plain words. */
import { failures, type LoggedRun, type RunHistory } from "../../AuditLog.js"
import { heldApart } from "../../RunReport.js"
import { number, seconds } from "../figures.js"
import { honour } from "../honour.js"
import { printable } from "../terminal.js"

/** As much of each id as tells them apart, but no less than eight characters. */
export const shortIds = (ids: ReadonlyArray<string>): ReadonlyArray<string> => {
  const sorted = [...new Set(ids)].sort()
  const common = (a: string, b: string | undefined): number => {
    let at = 0
    while (b !== undefined && at < a.length && a[at] === b[at]) at++
    return at
  }
  const length = new Map(
    sorted.map((id, at) => [id, Math.max(8, common(id, sorted[at - 1]) + 1, common(id, sorted[at + 1]) + 1)])
  )
  return ids.map((id) => id.slice(0, length.get(id)))
}

const totals: ReadonlyArray<readonly [string, string]> = [
  ["read", "read"],
  ["created", "created"],
  ["updated", "updated"],
  ["duplicateOnList", "already there"],
  ["accepted", "accepted"],
  ["duplicateInFile", "duplicates"],
  ["rejected", "rejected"],
  ["failed", "failed"],
  ["heldBack", "held back"],
  ["skipped", "skipped"]
]

export const describe = (history: RunHistory, audit: string): string => {
  const { batchesDone, complianceStatus, finished, rejectsByCode, requests, run, signed, stamped, started, stretches } =
    history
  const counts = run.totals === undefined ? undefined : heldApart(run.totals, finished?.result.heldBack)
  const width = Math.max(5, ...Object.values(counts ?? {}).map((count) => number(count).length))
  const codes = Object.entries(rejectsByCode).sort(([, a], [, b]) => b - a)
  const size = finished?.result.listSize ?? undefined
  const failed = failures(requests)
  const lines = [
    `Run ${run.runId}: ${run.outcome}, ${complianceStatus}`,
    "",
    `  ${run.action === "add" ? "Put" : run.action === "remove" ? "Take" : "Sync"} ${number(started.result.distinctNumbers)} distinct ${run.kind === "phone" ? "numbers" : `values (${run.kind})`} ${run.action === "add" ? "on" : run.action === "remove" ? "off" : "with"} DNC list ${run.dncListId} at ${run.target}`,
    `  Begun ${run.startedAt}, last record ${run.lastAt}${finished?.latencyMs == null ? "" : `, took ${seconds(finished.latencyMs)}`}`,
    `  By ${run.tool}, contract ${run.contract}; gone on with ${run.resumed === 1 ? "once" : `${run.resumed} times`}`,
    ...operators(run).map((words) => `  ${words}`),
    ...(finished?.result.error == null ? [] : [`  Error: ${printable(finished.result.error)}`]),
    "",
    "  Files",
    ...run.inputs.map(({ name, rows, sha256 }) => `    ${printable(name)}: ${number(rows)} rows, SHA-256 ${sha256}`),
    ...(finished?.result.files ?? []).map(({ path, sha256 }) => `    written: ${printable(path)}, SHA-256 ${sha256}`),
    "",
    ...(counts === undefined
      ? [`  ${number(started.result.rowsRead)} rows were read; there are no totals, as it has not come to an end`]
      : totals
          .filter(([key]) => counts[key] > 0 || key === "read" || key === "failed" || key === "rejected")
          .map(([key, name]) => `  ${number(counts[key]).padStart(width)}  ${name}`)),
    "",
    `  ${number(batchesDone)} of ${number(run.batches)} batches done in ${number(requests.reduce((sum, { attempts }) => sum + attempts, 0))} requests`,
    ...(codes.length === 0 ? [] : [`  Rejected: ${codes.map(([code, n]) => `${number(n)} ${code}`).join(", ")}`]),
    ...failed
      .slice(0, mostFailures)
      .map(
        ({ batch, error, message, outcome, size }) =>
          `  Batch ${batch} (${number(size)} numbers): ${outcome === "open" ? "no outcome is recorded" : `${outcome}, ${error}: ${printable(message ?? "")}`}`
      ),
    ...(failed.length > mostFailures
      ? [`  and ${number(failed.length - mostFailures)} more; --json has them all`]
      : []),
    ...(size === undefined
      ? []
      : [
          `  List: ${number(size.before)} entries before, ${size.after === undefined ? "not read" : number(size.after)} after`
        ]),
    ...(finished?.result.verified == null
      ? []
      : [`  Verified: ${number(finished.result.verified)} are as they should be in an export of the list`]),
    ...honour(finished?.result.honour).map((line) => `  ${line}`),
    "",
    `  Evidence: ${audit}, records ${stretches.map(({ first, last }) => (first.sequence === last.sequence ? number(first.sequence) : `${number(first.sequence)}–${number(last.sequence)}`)).join(", ")}`,
    `  Head of the log after its last record: ${run.head}`,
    ...(signed === undefined ? [] : [`  Signed: record ${number(signed.sequence)} and all before it`]),
    ...(stamped === undefined ? [] : [`  Time stamp: ${printable(stamped.genTime)} by ${printable(stamped.url)}`])
  ]
  return lines.map((line) => `${line}\n`).join("")
}

/** Who began a run and who went on with it, where the log says so. */
export const operators = ({ operator, resumedBy }: LoggedRun): ReadonlyArray<string> => [
  ...(operator == null ? [] : [`Operator: ${printable(operator)}`]),
  ...(resumedBy.length === 0 ? [] : [`Gone on with by: ${[...new Set(resumedBy)].map(printable).join(", ")}`])
]

const mostFailures = 20

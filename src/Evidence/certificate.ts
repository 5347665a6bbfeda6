/**
 * The page of an evidence folder that a person reads: one HTML document that needs nothing else and prints on A4.
 *
 * @since 0.1.0
 */
import type { Summary } from "../Evidence.js"
import { escape } from "../html.js"
import { honour } from "./honour.js"

/** Line breaks and other control characters of somebody's text have no place in a sentence. */
const text = (value: unknown): string => escape(String(value).replace(/\p{Cc}/gu, " "))

const count = new Intl.NumberFormat("en-US")

const n = (value: number): string => count.format(value)

/**
 * @since 0.1.0
 */
export const certificate = (summary: Summary): string => {
  const { checks, list, request, run } = summary
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Evidence of run ${text(run.runId)}</title>
<style>${css}</style>
</head>
<body>
<header>
<p class="kind">Evidence of a Do-Not-Call ${run.action === "remove" ? "removal" : "suppression"} run</p>
<h1>${verdict(summary)}</h1>
<dl class="facts">
${fact("Run", run.runId)}${fact("DNC list", `${list.id} at ${run.target}`)}${fact("Begun", run.startedAt)}${fact("Last record", run.lastAt)}${operators(summary)}${fact("Made by", `${run.tool}, interface “${run.contract}”`)}${fact("This page", `made ${summary.createdAt} by ${summary.tool}`)}
</dl>
</header>

<h2>What was asked</h2>
<p>${sentence(summary)}</p>
${table(
  ["File", "Rows", "SHA-256 of its bytes"],
  request.inputs.map(({ name, rows, sha256 }) => [text(name), n(rows), code(sha256)])
)}

<h2>What was done</h2>
${table(
  ["Rows", "Count", "Meaning"],
  rows(summary).map(([name, value, meaning]) => [text(name), n(value), text(meaning)])
)}
<p>${n(summary.batches.done)} of ${n(summary.batches.cut)} batches came to their end with nothing failed, in ${n(summary.requests)} requests${run.resumed === 0 ? "" : `; the run was interrupted and gone on with ${run.resumed === 1 ? "once" : `${n(run.resumed)} times`}`}. Each is a line of <code>dispositions.csv</code> with its times, key and counts.</p>
${list.before === undefined ? "" : `<p>The list had ${n(list.before)} entries before${list.after === undefined ? "; its size afterwards was not read" : ` and ${n(list.after)} afterwards`}.</p>`}
${summary.verified === undefined ? "" : `<p>${n(summary.verified)} entries were found as they should be in an export of the list at the end of the run.</p>`}

${honour(summary.honour, { n, table, text })}
<h2>What was not done</h2>
${notDone(summary)}

<h2>How to check it</h2>
<p>The audit log is a chain: each record carries the SHA-256 digest of the one before it. When this page was made, the log had ${n(checks.log.records)} records and was <strong>${checks.log.fault === undefined ? "as it was written" : "NOT as it was written"}</strong>${checks.log.fault === undefined ? "" : ` (${text(checks.log.fault.message)})`}.</p>
<dl class="facts">
${fact("Last record of this run", `number ${n(checks.run.sequence)}`, checks.run.digest)}${fact("Head of the whole log", `number ${n(checks.log.head.sequence)}`, checks.log.head.digest)}
</dl>
<p>On the machine that keeps the log, this command says whether the log still holds the last record of this run, and everything before it, unchanged:</p>
<pre>genesys-dnc audit verify --head ${text(checks.run.digest)}</pre>
<p>The records of the run are in <code>chain.jsonl</code> exactly as they stand in the log. The files that the run read can be held against the digests above with any tool that computes SHA-256.</p>
${signature(summary)}${timestamp(summary)}
<h2>What this proves, and what it does not</h2>
<p><strong>It proves</strong> that the records were not changed singly since the head was known: none was altered, removed, inserted or moved without all that follow being written anew. That is worth as much as the place where the head was kept: keep the digest of each run where those who can write the log cannot write.</p>
<p><strong>It does not prove</strong> who ran it${run.operator === null && run.resumedBy.length === 0 ? "" : " (the operator is what was configured)"}, nor that the clock of the machine was right. It does not prove what the list holds today. What the server did is known by the server's own answers${summary.verified === undefined ? "" : " and by the export at the end"}.</p>

<h2>Files in this folder</h2>
${table(
  ["File", "What it is", "SHA-256"],
  summary.contents.map(({ description, name, sha256 }) => [
    `<code>${text(name)}</code>`,
    text(description),
    code(sha256)
  ])
)}
${summary.files
  .filter(({ state }) => state !== "copied")
  .map(
    ({ path, sha256, state }) =>
      `<p>${text(path)}, which the run wrote with SHA-256 ${code(sha256)}, is not here: it is ${text(state)}.</p>\n`
  )
  .join("")}</body>
</html>
`
}

const signature = ({ signed }: Summary): string =>
  signed === undefined
    ? ""
    : `<p>The head after record ${n(signed.sequence)}, the end of this run, was signed by Ed25519. In this folder, this command says whether <code>head.sig</code> is the signature of <code>head.txt</code>, which names that record's digest, by the key in <code>head.pub.pem</code>:</p>
<pre>openssl pkeyutl -verify -pubin -inkey head.pub.pem -rawin -in head.txt -sigfile head.sig</pre>
<p>Hold the key against the one that its holder gave you by another way. Then the signature proves that the holder of the key vouched for all records up to that one. It does not prove when, nor that the records are true.</p>
`

const timestamp = ({ stamped }: Summary): string =>
  stamped === undefined
    ? ""
    : `<p>The head after record ${n(stamped.sequence)}, the end of this run, was stamped with the time ${text(stamped.genTime)} by ${text(stamped.url)}. When it came, the stamp was looked at for being of this digest and of this request, not for who signed it. This command does that, with the service's certificate, and those above it, in <code>tsa.pem</code>:</p>
<pre>openssl ts -verify -digest ${text(stamped.digest)} -token_in -in head.tsr -CAfile tsa.pem</pre>
<p>Then it proves that the records up to that one existed at that time, if the service is to be trusted; not that they are true.</p>
`

const operators = ({ run }: Summary): string =>
  `${run.operator === null ? "" : fact("Operator", run.operator)}${run.resumedBy.length === 0 ? "" : fact("Gone on with by", [...new Set(run.resumedBy)].join(", "))}`

const verdict = ({ complianceStatus, run, totals, verified }: Summary): string => {
  const what = run.action === "remove" ? "off the list" : run.action === "sync" ? "as they should be" : "on the list"
  if (run.outcome === "unfinished") return "The run has not come to its end"
  // by an interface that gives no counts, only an export shows what is on the list
  const isShown = totals?.["accepted"] === 0 || verified !== undefined
  const all = isShown ? `All valid rows are ${what}` : "The server accepted all valid rows"
  switch (complianceStatus) {
    case "VALIDATED":
      return all
    case "VALIDATED_WITH_REJECTS":
      return `${all}; some rows were refused`
    default:
      return `Not all valid rows are known to be ${what}`
  }
}

const sentence = ({ kind, request, run }: Summary): string => {
  const what = kind === "phone" ? "telephone numbers" : kind === "email" ? "e-mail addresses" : `entries (${kind})`
  const files = request.inputs.length === 1 ? "one file" : `${n(request.inputs.length)} files`
  const aim =
    run.action === "remove"
      ? "to be taken off the list"
      : run.action === "sync"
        ? "that the list should be made equal to"
        : "to be put on the list"
  return `${n(request.distinct)} distinct ${what} ${aim}, from ${n(request.rowsRead)} rows of ${request.inputs.length === 0 ? "no file (their intended end had come)" : files}${request.withoutExpiry === 0 ? "" : `; ${n(request.withoutExpiry)} of them end further ahead than the list can say, and are on it for ever`}.`
}

const rows = ({ totals }: Summary): ReadonlyArray<readonly [string, number, string]> =>
  totals === undefined
    ? []
    : meanings
        .filter(([key]) => key === "read" || (totals[key] ?? 0) > 0)
        .map(([key, name, meaning]) => [name, totals[key] ?? 0, meaning])

const meanings = [
  ["read", "read", "rows of the files"],
  ["created", "created", "were not on the list before"],
  ["updated", "updated", "were on the list with another reason or end"],
  ["duplicateOnList", "already there", "were on the list as they are"],
  ["accepted", "accepted", "the server took them, and does not say how it was before"],
  ["duplicateInFile", "duplicates", "another row stands for the same one; the strictest counts"],
  ["rejected", "refused", "not valid, or refused by the server"],
  ["failed", "failed", "valid, but not known to be done"],
  ["heldBack", "held back", "not sent, as they are suppressed for longer already"],
  ["skipped", "not sent", "the run was stopped first"]
] as const

const notDone = ({ failures, rejectsByCode, run, sync, totals }: Summary): string => {
  const codes = Object.entries(rejectsByCode)
  const parts = [
    ...(totals === undefined ? ["<p>There are no totals, as the run has not come to its end.</p>"] : []),
    ...(run.error === undefined ? [] : [`<p>The run was aborted: ${text(run.error)}</p>`]),
    ...(codes.length === 0
      ? []
      : [
          table(
            ["Refused because", "Rows"],
            codes.map(([code, rows]) => [text(code), n(rows)])
          )
        ]),
    ...(totals !== undefined && totals["failed"] > 0
      ? [`<p>${n(totals["failed"])} rows were valid, but are not known to be done.</p>`]
      : []),
    ...(totals !== undefined && totals["skipped"] > 0 ? [`<p>${n(totals["skipped"])} rows were not sent.</p>`] : []),
    ...(sync === undefined || sync.removalsFailed + sync.removalsSkipped === 0
      ? []
      : [
          `<p>${n(sync.removalsFailed + sync.removalsSkipped)} of ${n(sync.removals)} removals were not done: those stay suppressed.</p>`
        ]),
    ...(failures.length === 0
      ? []
      : [
          table(
            ["Batch", "Entries", "Outcome", "Why"],
            failures
              .slice(0, mostFailures)
              .map(({ batch, error, message, outcome, size }) => [
                n(batch),
                n(size),
                text(outcome === "open" ? "not recorded" : outcome),
                text(error === undefined ? "the process ended first" : `${error}: ${message ?? ""}`)
              ])
          ),
          ...(failures.length > mostFailures
            ? [`<p>${n(failures.length - mostFailures)} more are in <code>dispositions.csv</code>.</p>`]
            : [])
        ])
  ]
  return parts.length === 0
    ? "<p>Nothing was left undone: no row was refused, none failed, none was left out.</p>"
    : parts.join("\n")
}

const mostFailures = 50

const fact = (name: string, value: string, digest?: string): string =>
  `<div><dt>${text(name)}</dt><dd>${text(value)}${digest === undefined ? "" : `<br>${code(digest)}`}</dd></div>\n`

const code = (value: string): string => `<code class="digest">${text(value)}</code>`

/** The cells are HTML already. */
const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  rows.length === 0
    ? ""
    : `<table>
<thead><tr>${head.map((cell) => `<th scope="col">${cell}</th>`).join("")}</tr></thead>
<tbody>
${rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`).join("\n")}
</tbody>
</table>`

const css = `
:root{color-scheme:light dark;--ink:#1c1e21;--paper:#fff;--faint:#5d636b;--line:#c9ced6;--shade:#f2f4f7}
@media (prefers-color-scheme:dark){:root{--ink:#e7e9ec;--paper:#17191c;--faint:#a2a9b3;--line:#3c424a;--shade:#22262b}}
@page{size:A4;margin:18mm 16mm}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.25rem;max-width:48rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1{margin:.2rem 0 1rem;font-size:1.6rem;line-height:1.25}
h2{margin:2rem 0 .5rem;font-size:1.1rem;break-after:avoid}
p{margin:.5rem 0}
.kind{color:var(--faint);margin:0}
.facts{margin:0;border-top:1px solid var(--line)}
.facts div{display:grid;grid-template-columns:11rem 1fr;gap:1rem;padding:.3rem 0;border-bottom:1px solid var(--line)}
dt{color:var(--faint)}
dd{margin:0;overflow-wrap:anywhere}
table{width:100%;margin:.5rem 0;border-collapse:collapse;font-size:.92rem}
th,td{padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{color:var(--faint);font-weight:normal}
tr{break-inside:avoid}
code,pre{font-family:ui-monospace,monospace;font-size:.85em}
.digest{overflow-wrap:anywhere}
pre{padding:.6rem .8rem;background:var(--shade);border:1px solid var(--line);white-space:pre-wrap;overflow-wrap:anywhere}
@media (max-width:36rem){.facts div{grid-template-columns:1fr;gap:0}}
@media print{:root{--ink:#000;--paper:#fff;--faint:#444;--line:#999;--shade:#f4f4f4}body{max-width:none;padding:0;font-size:10.5pt}}
`

/** What a person reads at the end. */
import { type Kind, names as kindNames } from "../DncEntry.js"
import { describeCountry } from "../DncValidator/phone.js"
import { heldApart, type RunReport, type SyncReport, type Totals } from "../RunReport.js"
import { number, seconds } from "./figures.js"
import { honour } from "./honour.js"
import { sentences } from "./problem.js"
import { printableLines } from "./terminal.js"

/** What a run was about, in a sentence about many. */
export const noun = (kind: Kind): string => (kind === "phone" ? "numbers" : kindNames[kind].many)

const rows: ReadonlyArray<readonly [keyof Totals | "heldBack", string, string]> = [
  ["created", "created", "new on the list"],
  ["updated", "updated", "were on the list with another reason or expiry"],
  ["duplicateOnList", "already there", "were on the list as they are"],
  ["accepted", "accepted", "the server took them; it does not say whether they were on the list before"],
  ["duplicateInFile", "duplicates", "another row stands for the same number; the strictest value counts"],
  ["rejected", "rejected", "not valid, or refused by the server"],
  ["failed", "failed", "valid, but not known to be on the list"],
  ["heldBack", "held back", "on the list for longer than their rows say; --allow-shorten sends them too"],
  ["skipped", "skipped", "not sent"]
]

/** The whole summary of a push, a dry run or a validation. */
export const summary = (report: RunReport, kind: "push" | "dry run" | "validation", auditLog?: string): string => {
  const totals = heldApart(report.totals, report.heldBack)
  const width = Math.max(number(totals.read).length, 5)
  const cell = (value: number) => number(value).padStart(width)
  const lines = [
    "",
    title(report, kind),
    "",
    `  ${cell(totals.read)}  read`,
    ...rows
      .filter(([key]) => totals[key] > 0 || key === "rejected" || key === "failed")
      .map(([key, name, meaning]) =>
        key === "skipped" && kind === "validation"
          ? `  ${cell(totals[key])}  valid          would be sent`
          : `  ${cell(totals[key])}  ${name.padEnd(14)} ${key === "failed" && report.action === "remove" ? "valid, but not known to be off the list" : meaning}`
      ),
    "",
    ...speed(report, kind),
    ...upload(report),
    ...listSize(report),
    ...synced(report, kind),
    ...honour(report.honour).map((line) => `  ${line}`),
    ...rejects(report),
    ...report.files.map(({ kind, path, rows }) => `  ${fileName(kind, report.kind)}: ${path} (${number(rows)} rows)`),
    ...(auditLog === undefined ? [] : evidence(report, auditLog)),
    ""
  ]
  return printableLines(lines.join("\n"))
}

/** Where it is, and the digest that shows later whether it is what it was. */
export const evidence = (
  { auditHead, runId, signedHead, stampedHead }: RunReport,
  auditLog: string
): ReadonlyArray<string> => [
  `  Evidence: ${auditLog}, run ${runId}`,
  ...(auditHead === undefined ? [] : [`  Head of the log: ${auditHead}`]),
  ...(signedHead === undefined ? [] : [`  Signed: record ${signedHead.sequence} and all before it`]),
  ...(stampedHead === undefined ? [] : [`  Time stamp: ${stampedHead.genTime} by ${stampedHead.url}`])
]

const fileName = (file: RunReport["files"][number]["kind"], kind: Kind): string =>
  file === "rejects"
    ? "Rejected rows"
    : file === "failed"
      ? `Failed ${noun(kind)}`
      : file === "held-back"
        ? `Held back ${noun(kind)}`
        : "Failed removals"

const title = ({ action, dncListId, error, inputs, outcome, target }: RunReport, kind: string): string => {
  const names = inputs.length > 3 ? `${inputs.length} files` : inputs.map(({ name }) => name).join(", ")
  if (kind === "validation") return `${names}: checked, nothing sent`
  if (kind === "dry run") return `${names}: dry run, nothing sent`
  const what = `${names} → ${prepositions[action]}DNC list ${dncListId} at ${target}`
  switch (outcome) {
    case "completed":
      return what
    case "stopped":
      return `${what}: STOPPED before the end`
    case "aborted":
      return `${what}: ABORTED\n\n  ${error === undefined ? "" : sentences(error).join("\n  ")}`
  }
}

const prepositions: Readonly<Record<RunReport["action"], string>> = { add: "", remove: "off ", sync: "all of " }

const speed = (report: RunReport, kind: string): ReadonlyArray<string> => {
  const { batches, durationMs, latencyMs, requests, rowsPerSecond } = report
  const elapsed = durationMs.read + durationMs.send
  if (kind !== "push") {
    return [
      `  ${number(batches.cut)} batches would be sent; read in ${seconds(elapsed)} (${number(rowsPerSecond)} rows/s)`
    ]
  }
  return [
    `  ${number(batches.done)} of ${number(batches.cut)} batches done in ${number(requests)} requests; ` +
      `${seconds(elapsed)} (${number(rowsPerSecond)} rows/s)`,
    `  latency of a batch: half within ${Math.round(latencyMs.p50)} ms, 95 % within ${Math.round(latencyMs.p95)} ms, 99 % within ${Math.round(latencyMs.p99)} ms`,
    ...(report.resumed === undefined
      ? []
      : [
          `  of these, ${number(report.resumed.batches)} had been done when the run of ${report.resumed.startedAt} broke off; it was gone on with`
        ])
  ]
}

const upload = ({ upload }: RunReport): ReadonlyArray<string> =>
  upload === undefined
    ? []
    : [
        `  sent as one file of ${number(upload.rows)} rows (${number(Math.ceil(upload.bytes / 1000))} kB)${upload.import === "replace" ? ", what was on the list with it" : ""}`,
        ...(upload.copy === undefined ? [] : [`  The list as it was before: ${upload.copy}`])
      ]

const listSize = ({ ends, kind, listSize, verified, withoutExpiry }: RunReport): ReadonlyArray<string> => [
  ...(listSize === undefined
    ? []
    : [
        `  list: ${number(listSize.before)} entries before, ${listSize.after === undefined ? "not read" : number(listSize.after)} after`
      ]),
  ...(verified === undefined
    ? []
    : [`  verified: ${number(verified)} ${noun(kind)} are as they should be in an export of the list`]),
  ...(withoutExpiry === 0
    ? []
    : [
        `  ${number(withoutExpiry)} ${noun(kind)} end more than 180 days ahead, which the list cannot say: they are on it for ever`
      ]),
  ...(ends === undefined ? [] : intendedEnds(ends))
]

const intendedEnds = ({ forEver, kept, path, unseen }: NonNullable<RunReport["ends"]>): ReadonlyArray<string> => [
  ...(kept === 0
    ? []
    : [
        `  ${number(kept)} of their ends are kept in ${path}; run genesys-dnc expire from time to time, which takes numbers off when theirs has come`
      ]),
  ...(forEver === 0
    ? []
    : [
        `  ${number(forEver)} of them stay on it for ever: they were wanted there for ever before, or are by another run`
      ]),
  ...(unseen === 0
    ? []
    : [
        `  ${number(unseen)} of them stay on it for ever: whether they were there before could not be seen (genesys-dnc doctor --for expire)`
      ])
]

/** The counts of a plan, such as `20 to add, 3 to change, 1 to remove, 976 as they should be`. */
export const plan = (counts: Omit<SyncReport, "removed" | "removalsFailed" | "removalsSkipped">): string =>
  [
    `${number(counts.adds)} to add`,
    `${number(counts.longer)} to suppress for longer`,
    `${number(counts.shorter)} for less long`,
    `${number(counts.removals)} to remove${counts.expired === 0 ? "" : ` (${number(counts.expired)} of them expired)`}`,
    `${number(counts.unchanged)} as they should be`,
    ...(counts.foreign === 0 ? [] : [`${number(counts.foreign)} that are no E.164 numbers and stay`]),
    ...(counts.repeated === 0 ? [] : [`${number(counts.repeated)} listed twice`])
  ].join(", ")

const synced = ({ sync }: RunReport, kind: string): ReadonlyArray<string> => {
  if (sync === undefined) return []
  const { planFile, removals, removalsFailed, removalsSkipped, removed } = sync
  const left = [
    ...(removalsFailed === 0 ? [] : [`${number(removalsFailed)} failed`]),
    ...(removalsSkipped === 0 ? [] : [`${number(removalsSkipped)} not sent`])
  ]
  return [
    `  plan, of ${number(sync.listed)} entries: ${plan(sync)}`,
    ...(kind === "dry run" || removals === 0
      ? []
      : [`  removed: ${number(removed)} of ${number(removals)}${left.length === 0 ? "" : ` (${left.join(", ")})`}`]),
    ...(kind === "dry run" || left.length === 0
      ? []
      : [
          "  Who was not removed stays suppressed. Numbers are removed only once all others are on the list: sync again."
        ]),
    ...(planFile === undefined ? [] : [`  Plan: ${planFile.path}`])
  ]
}

const rejects = (report: RunReport): ReadonlyArray<string> => {
  const codes = Object.entries(report.rejectsByCode).sort(([, a], [, b]) => b - a)
  const countries = Object.entries(report.countriesNotAllowed).sort(([, a], [, b]) => b - a)
  return [
    ...(codes.length === 0 ? [] : [`  Rejected: ${codes.map(([code, n]) => `${number(n)} ${code}`).join(", ")}`]),
    ...(countries.length === 0
      ? []
      : [
          `  Numbers of other countries: ${countries
            .slice(0, 10)
            .map(([code, n]) => `${number(n)} ${describeCountry(code)}`)
            .join(", ")}${countries.length > 10 ? ", …" : ""}`,
          `  These people are not protected. If they should be: --countries …,${countries
            .slice(0, 10)
            .flatMap(([code]) => (code === "001" ? [] : [code]))
            .join(",")}`
        ]),
    ...(report.unknownReasons === 0
      ? []
      : [`  ${number(report.unknownReasons)} reasons were not known and became UNSPECIFIED; see --reason`])
  ]
}

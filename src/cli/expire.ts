/** `genesys-dnc expire`. */
import { existsSync } from "node:fs"
import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as DncEntry from "../DncEntry.js"
import * as GenesysDnc from "../GenesysDnc.js"
import type { Plan } from "../Pipeline.js"
import type { RunReport } from "../RunReport.js"
import { checkTerminal, confirm, yes } from "./ask.js"
import * as ExitCode from "./ExitCode.js"
import { number } from "./figures.js"
import { listOption } from "./lists.js"
import * as options from "./options.js"
import { problem, saying } from "./problem.js"
import { listId, untilInterrupted } from "./run.js"
import { evidence } from "./summary.js"
import { jsonLine, printableLines } from "./terminal.js"

/** The place of numbers that could not be taken off. */
const failedPath = "genesys-dnc-expire.failed.csv"

export const expire = Command.make(
  "expire",
  {
    list: listOption,
    ...options.ends,
    dryRun: CliOptions.boolean("dry-run").pipe(
      CliOptions.withDescription("Look at the list and say what would be taken off it, and change nothing")
    ),
    noPurge: CliOptions.boolean("no-purge").pipe(
      CliOptions.withDescription("Do not rid the list of what has expired by its own account")
    ),
    failed: CliOptions.text("failed").pipe(
      CliOptions.withDescription(`File for numbers that could not be taken off; ${failedPath} if not given`),
      CliOptions.optional,
      CliOptions.map(Option.getOrElse(() => failedPath))
    ),
    yes,
    ...options.output,
    now: CliOptions.text("now").pipe(
      CliOptions.withDescription("Take ends for come by this time (ISO 8601) instead of the clock"),
      CliOptions.optional,
      CliOptions.map(Option.getOrUndefined)
    ),
    ...options.audit,
    ...options.vouching,
    ...options.connection,
    ...options.platformApi,
    ...options.sending
  },
  (given) =>
    Effect.gen(function* () {
      if (!given.yes && !given.dryRun) yield* checkTerminal("expire")
      const outputs = { failedPath: given.failed, keep: [given.audit] }
      yield* options.checkKept(given, [], outputs)
      yield* options.checkUrls(given)
      const now = yield* options.toNow(given.now)
      // what a dry run looks at is on the server
      const dncListId = yield* listId({ ...given, dryRun: false })
      const { sizeLag, ...api } = yield* options.toApi({ ...given, api: "platform" }, dncListId)
      const settings: GenesysDnc.Settings = {
        ...api,
        auditLog: given.audit,
        audit: yield* options.toAudit(given),
        ...(yield* options.toSending(given))
      }
      const layer = GenesysDnc.layer({ ...(yield* GenesysDnc.connection(given)), ...settings })
      yield* untilInterrupted(
        (stop, onProgress) =>
          GenesysDnc.expire<options.UsageError>({
            dncListId,
            ends: given.ends,
            ...outputs,
            dryRun: given.dryRun,
            purge: !given.noPurge,
            sizeLag,
            stop,
            onProgress,
            ...now,
            ...(given.yes ? {} : { confirm: confirmExpiry })
          }),
        (expired) =>
          Effect.sync(() => {
            process.exitCode = exitCode(expired)
            process.stdout.write(given.json ? json(expired, given) : printableLines(summary(expired, given, dncListId)))
            const { purge } = expired
            if (purge !== undefined && purge !== "done") process.stderr.write(problem(purgeProblem(purge)))
          })
      ).pipe(Effect.provide(layer))
    }).pipe(saying(given.json))
).pipe(
  Command.withDescription(
    "Take the numbers off a DNC list whose end, kept by push as the list could not say it, has come; then purge what has expired on the list itself."
  )
)

const confirmExpiry = ({ list, numbers }: Plan) =>
  confirm(
    `The end of ${number(numbers)} numbers has come. Take them off the list ${list?.name ?? ""}, so that they may be called again?`
  )

/** A number that the server would not take off is no row to be mended. */
const exitCode = ({ purge, report }: GenesysDnc.Expired): number => {
  const ofReport = report === undefined ? ExitCode.done : ExitCode.ofReport(report)
  if (ofReport === ExitCode.rejected) return ExitCode.failed
  return ofReport === ExitCode.done && typeof purge === "object" && purge._tag !== "Forbidden"
    ? ExitCode.aborted
    : ofReport
}

const purgeProblem = (purge: Exclude<GenesysDnc.Expired["purge"], "done" | undefined>) => ({
  message: `What has expired on the list itself could not be purged: ${purge.message}`,
  hint:
    purge._tag === "Forbidden"
      ? "It suppresses nothing any more, but counts in the list's size. Give a role of the OAuth client the permission outbound:dnc:delete, or use --no-purge."
      : purge.hint,
  correlationId: purge.correlationId
})

const json = (expired: GenesysDnc.Expired, { dryRun, ends }: { readonly dryRun: boolean; readonly ends: string }) => {
  const { next, purge, ...counts } = expired
  const purged = purge === undefined || purge === "done" ? purge : { tag: purge._tag, message: purge.message }
  return jsonLine({
    exitCode: process.exitCode,
    dryRun,
    ends,
    ...counts,
    ...(next === undefined ? {} : { next: new Date(next).toISOString() }),
    ...(purged === undefined ? {} : { purge: purged })
  })
}

const summary = (
  expired: GenesysDnc.Expired,
  given: { readonly dryRun: boolean; readonly ends: string; readonly audit: string },
  dncListId: string
): string => {
  const { changed, due, gone, later, next, purge, renewed, report, toRemove } = expired
  const rows: ReadonlyArray<readonly [number, string, string]> = [
    [due, "due", "their end has come"],
    ...(report === undefined ? ([[toRemove, "on the list", "would be taken off"]] as const) : taken(report)),
    [gone, "gone", "not on the list any more"],
    [changed, "changed", "have an end on the list now, which is left to it"],
    [renewed, "renewed", "were pushed again meanwhile, and stay"],
    [later, "later", `their end is still to come, the first on ${DncEntry.formatExpires(next ?? 0, "")}`]
  ]
  const width = Math.max(...rows.map(([count]) => number(count).length), 5)
  return [
    "",
    `${given.ends} → off DNC list ${dncListId}${given.dryRun ? ": dry run, nothing changed" : stateOf(report)}`,
    "",
    ...rows
      .filter(([count, name]) => count > 0 || name === "due")
      .map(([count, name, meaning]) => `  ${number(count).padStart(width)}  ${name.padEnd(14)} ${meaning}`),
    "",
    ...(due > 0
      ? []
      : [
          existsSync(given.ends)
            ? `  Nothing to take off: no end that is kept for this list in ${given.ends} has come`
            : `  Nothing to take off: there is no file ${given.ends}, so push kept no ends there (--ends names another)`
        ]),
    ...(report?.files ?? []).map(
      ({ path, rows }) => `  Failed numbers: ${path} (${number(rows)} rows); they are tried again the next time`
    ),
    ...(report?.listSize?.after === undefined
      ? []
      : [`  list: ${number(report.listSize.before)} entries before, ${number(report.listSize.after)} after`]),
    ...(purge === "done" ? ["  What had expired on the list itself was purged"] : []),
    ...(report === undefined ? [] : evidence(report, given.audit)),
    ""
  ].join("\n")
}

const taken = ({ totals }: RunReport): ReadonlyArray<readonly [number, string, string]> => [
  [totals.accepted, "taken off", "the server took them off the list"],
  [totals.rejected + totals.failed, "failed", "not known to be as they should be"],
  [totals.skipped, "stayed", "were not taken off, or were put back as another run wanted them there"]
]

const stateOf = (report: RunReport | undefined): string => {
  switch (report?.outcome) {
    case "stopped":
      return ": STOPPED before the end"
    case "aborted":
      return `: ABORTED\n\n  ${report.error?.message ?? ""}\n  ${report.error?.hint ?? ""}`
    default:
      return ""
  }
}

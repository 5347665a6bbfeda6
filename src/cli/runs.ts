/** `genesys-dnc runs list`, `show`, `resume`, `export` and `prune`: what the audit log tells of each run. */
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { stat } from "node:fs/promises"
import { pipeline } from "node:stream/promises"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as AuditLog from "../AuditLog.js"
import * as AuditPrune from "../AuditPrune.js"
import * as OutputFile from "../OutputFile.js"
import { checkTerminal, confirm, yes } from "./ask.js"
import * as ExitCode from "./ExitCode.js"
import { number } from "./figures.js"
import * as options from "./options.js"
import { saying } from "./problem.js"
import { commandOf, type InputNow, standardInput } from "./runs/command.js"
import { describe, shortIds } from "./runs/words.js"
import { table } from "./table.js"
import { jsonLine, printable } from "./terminal.js"

export const runArgument = Args.text({ name: "RUN" }).pipe(
  Args.withDescription("Id of the run, or its beginning; genesys-dnc runs list shows them")
)

const json = CliOptions.boolean("json").pipe(CliOptions.withDescription("JSON on standard output"))

const log = { audit: options.audit.audit }

/** The one run whose id begins so. */
export const resolve = (
  audit: string,
  given: string
): Effect.Effect<AuditLog.RunSummary, AuditLog.AuditLogError | options.UsageError> =>
  Effect.gen(function* () {
    const all = yield* summaries(audit)
    const wanted = given.trim().toLowerCase()
    const found = all.filter(({ run }) => wanted !== "" && run.runId.toLowerCase().startsWith(wanted))
    const exact = found.find(({ run }) => run.runId.toLowerCase() === wanted)
    if (exact !== undefined) return exact
    if (found.length === 1) return found[0]
    return yield* new options.UsageError(
      found.length === 0
        ? {
            message: `There is no run ${given} in ${audit}`,
            hint: "genesys-dnc runs list shows them; --audit names another log."
          }
        : {
            message: `${number(found.length)} runs begin with ${given}: ${found
              .slice(0, 5)
              .map(({ run }) => run.runId)
              .join(", ")}${found.length > 5 ? ", …" : ""}`,
            hint: "Give more of the id."
          }
    )
  })

const summaries = (audit: string) =>
  Effect.filterOrFail(
    AuditLog.summaries(audit),
    (all) => all.length > 0,
    () => new options.UsageError({ message: `There are no runs in ${audit}`, hint: "Name the audit log with --audit." })
  )

/** The run, and all that is told of it. */
export const historyOf = (audit: string, given: string) =>
  Effect.flatMap(resolve(audit, given), ({ run }) =>
    Effect.flatMap(AuditLog.history(audit, run.runId), (history) =>
      history === undefined ? Effect.dieMessage(`run ${run.runId} is gone`) : Effect.succeed(history)
    )
  )

const list = Command.make("list", { json, ...log }, (given) =>
  Effect.map(summaries(given.audit), (all) => {
    const ids = shortIds(all.map(({ run }) => run.runId))
    process.stdout.write(
      given.json
        ? jsonLine(all.map((summary, at) => listed(summary, ids[at])))
        : table(
            [
              [
                ...["RUN", "STARTED", "ACTION", "LIST", "FILES", "ROWS", "OUTCOME", "BATCHES", "DONE", "REJECTED"],
                ...["FAILED", "OPERATOR"]
              ],
              ...all.map((summary, at) => row(summary, ids[at]))
            ],
            [5, 7, 8, 9, 10]
          )
    )
  }).pipe(saying(given.json))
).pipe(Command.withDescription("The runs of the audit log, the latest last."))

const listed = ({ batchesDone, run }: AuditLog.RunSummary, short: string) => ({
  runId: run.runId,
  short,
  startedAt: run.startedAt,
  lastAt: run.lastAt,
  dncListId: run.dncListId,
  target: run.target,
  action: run.action,
  kind: run.kind,
  inputs: run.inputs,
  operator: run.operator ?? null,
  outcome: run.outcome,
  resumed: run.resumed,
  batches: { cut: run.batches, done: batchesDone },
  totals: run.totals ?? null,
  head: run.head
})

const row = ({ batchesDone, run }: AuditLog.RunSummary, short: string): ReadonlyArray<string> => {
  const { totals } = run
  const cell = (value: number | undefined) => (value === undefined ? "" : number(value))
  const names = run.inputs.map(({ name }) => printable(name))
  return [
    short,
    run.startedAt.slice(0, 19).replace("T", " "),
    run.action,
    run.dncListId,
    names.length > 2 ? `${names[0]} and ${names.length - 1} more` : names.join(", "),
    cell(run.inputs.reduce((sum, { rows }) => sum + rows, 0)),
    run.outcome,
    `${number(batchesDone)}/${number(run.batches)}`,
    cell(totals === undefined ? undefined : totals.created + totals.updated + totals.duplicateOnList + totals.accepted),
    cell(totals?.rejected),
    cell(totals?.failed),
    printable(run.operator ?? "")
  ]
}

const show = Command.make("show", { run: runArgument, json, ...log }, (given) =>
  Effect.map(historyOf(given.audit, given.run), (history) => {
    process.stdout.write(
      given.json
        ? jsonLine({ ...history, run: { ...history.run, settled: history.run.settled.size } })
        : describe(history, given.audit)
    )
  }).pipe(saying(given.json))
).pipe(Command.withDescription("One run in plain words: totals, files, rejects, failures, head of the log."))

const resume = Command.make("resume", { run: runArgument, json, ...log }, (given) =>
  Effect.gen(function* () {
    const { batchesDone, requests, run } = yield* historyOf(given.audit, given.run)
    const inputs = yield* Effect.forEach(run.inputs, lookAt)
    const command = commandOf(
      run,
      given.audit,
      requests.some(({ route }) => route === "upload")
    )
    const unusable = inputs.filter(({ state }) => state !== "as recorded" && state !== "standard input")
    if (run.outcome !== "completed" && unusable.length > 0) process.exitCode = ExitCode.badInput
    process.stdout.write(
      given.json
        ? jsonLine({
            exitCode: Number(process.exitCode ?? ExitCode.done),
            runId: run.runId,
            outcome: run.outcome,
            batches: { cut: run.batches, done: batchesDone },
            inputs,
            command: run.outcome === "completed" ? null : (command.words ?? null),
            notes: command.notes
          })
        : run.outcome === "completed"
          ? `Run ${run.runId} was completed: there is nothing to go on with.\n`
          : [
              `Run ${run.runId} of ${run.startedAt} is ${run.outcome}: ${number(batchesDone)} of ${number(run.batches)} batches are done.`,
              ...unusable.map(
                ({ name, state }) =>
                  `${printable(name)} is ${state}: without its bytes as they were, the run cannot be gone on with.`
              ),
              ...(command.words === undefined ? [] : ["", `  ${command.words}`, ""]),
              ...command.notes
            ]
              .map((line) => `${line}\n`)
              .join("")
    )
  }).pipe(saying(given.json))
).pipe(
  Command.withDescription(
    "The command that goes on with a run that did not come to its end. It is printed, not run: it may need options that the log does not hold."
  )
)

const lookAt = ({ name, sha256 }: { readonly name: string; readonly sha256: string }): Effect.Effect<InputNow> =>
  Effect.promise(async () => {
    if (name === standardInput) return { name, state: "standard input" as const }
    const found = await stat(name).catch(() => undefined)
    if (!found?.isFile()) return { name, state: "not there" as const }
    const hash = createHash("sha256")
    try {
      await pipeline(createReadStream(name), hash)
    } catch {
      return { name, state: "not readable" as const }
    }
    return { name, state: hash.digest("hex") === sha256 ? ("as recorded" as const) : ("changed" as const) }
  })

const exportRun = Command.make(
  "export",
  {
    run: runArgument,
    output: CliOptions.text("output").pipe(
      CliOptions.withDescription("File for the records, replaced when all are there; - is standard output"),
      CliOptions.withDefault("-")
    ),
    ...log
  },
  (given) =>
    Effect.gen(function* () {
      const { run } = yield* resolve(given.audit, given.run)
      yield* options.checkOutput(given.audit, given.output, "--output")
      const { bytes } = yield* OutputFile.write(given.output, AuditLog.linesOf(given.audit, run.runId))
      if (given.output !== "-")
        process.stderr.write(`${number(bytes)} bytes of run ${run.runId} written to ${given.output}\n`)
    })
).pipe(Command.withDescription("The records of one run as they stand in the log, one JSON object a line."))

const prune = Command.make(
  "prune",
  {
    olderThan: CliOptions.text("older-than").pipe(
      CliOptions.withDescription(
        "Age of what is taken off, such as 6y or 2200d; GENESYS_DNC_RETENTION is the least, five years if not set"
      )
    ),
    dryRun: CliOptions.boolean("dry-run").pipe(CliOptions.withDescription("Say what would be taken off, and no more")),
    yes,
    json,
    operator: options.vouching.operator,
    ...log
  },
  (given) =>
    Effect.gen(function* () {
      if (!given.yes && !given.dryRun) yield* checkTerminal("runs prune")
      const wanted = {
        olderThan: yield* options.toAge("--older-than", given.olderThan),
        minimum: yield* options.retention,
        operator: yield* options.toOperator(given.operator)
      }
      let plan = yield* AuditPrune.plan(given.audit, wanted)
      if (!given.dryRun && plan.records > 0) {
        if (!given.yes) yield* confirm(`${taken(plan, given.audit)} Take them off for ever?`)
        plan = yield* AuditPrune.prune(given.audit, wanted)
      }
      const { bytes: _, ...said } = plan
      process.stdout.write(
        given.json ? jsonLine({ exitCode: ExitCode.done, dryRun: given.dryRun, ...said }) : pruned(plan, given)
      )
    }).pipe(saying(given.json))
).pipe(
  Command.withDescription(
    "Take off the audit log's beginning what is older than it has to be kept; a record of it stays in the chain. Asks first. Logs in a database are not pruned by it."
  )
)

const taken = ({ records, registrations, runs }: AuditPrune.Plan, audit: string): string =>
  `${number(records)} records of ${number(runs.length)} runs are old enough in ${audit}${registrations === 0 ? "" : `, ${number(registrations)} registrations of webhooks among them, which are then not listed any more`}.`

const pruned = (plan: AuditPrune.Plan, given: { readonly audit: string; readonly dryRun: boolean }): string => {
  const { records, runs, until } = plan
  const lines = [
    records === 0
      ? `Nothing is taken off ${given.audit}.`
      : given.dryRun
        ? `${taken(plan, given.audit)} Nothing was taken off yet.`
        : `${number(records)} records of ${number(runs.length)} runs were taken off ${given.audit}; no later run knows of them.`,
    ...runs.map(
      ({ dncListId, endedAt, outcome, runId, startedAt }) =>
        `  ${runId}  ${startedAt} to ${endedAt}  list ${dncListId}  ${outcome}`
    ),
    ...(until === undefined
      ? []
      : [
          `The first record that stays is of ${until.what}, which is ${until.why === "young" ? "not old enough" : "unfinished"}.`
        ])
  ]
  return lines.map((line) => `${printable(line)}\n`).join("")
}

export const runs = Command.make("runs").pipe(
  Command.withDescription("The runs of the audit log: list, show RUN, resume RUN, export RUN, prune."),
  Command.withSubcommands([list, show, resume, exportRun, prune])
)

/** `genesys-dnc evidence`. */
import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Evidence from "../Evidence.js"
import * as ExitCode from "./ExitCode.js"
import * as options from "./options/basic.js"
import { saying } from "./problem.js"
import { historyOf, runArgument } from "./runs.js"
import { jsonLine, printable } from "./terminal.js"

export const evidence = Command.make(
  "evidence",
  {
    run: runArgument,
    output: CliOptions.text("output").pipe(
      CliOptions.withDescription("Folder to make; evidence-RUN in the current one if not given"),
      CliOptions.optional,
      CliOptions.map(Option.getOrUndefined)
    ),
    ...options.output,
    audit: options.audit.audit
  },
  (given) =>
    Effect.gen(function* () {
      const history = yield* historyOf(given.audit, given.run)
      const folder = given.output ?? `evidence-${history.run.runId.slice(0, 8)}`
      const summary = yield* Evidence.write(given.audit, history, folder)
      const { fault, head } = summary.checks.log
      process.exitCode = fault === undefined ? ExitCode.done : ExitCode.tampered
      process.stdout.write(
        given.json ? jsonLine({ exitCode: process.exitCode, folder, ...summary }) : words(folder, summary)
      )
      if (!given.json && fault !== undefined)
        process.stderr.write(
          `genesys-dnc: ${fault.message}\n  The log is not as it was written, and the folder says so. Up to record ${head.sequence} it fits its chain.\n`
        )
    }).pipe(saying(given.json))
).pipe(Command.withDescription("One run as a folder to hand over: certificate, records, dispositions, files, checks."))

const words = (folder: string, { checks, files, run }: Evidence.Summary): string =>
  [
    `Evidence of run ${run.runId} is in ${folder}; begin with certificate.html`,
    ...files
      .filter(({ state }) => state !== "copied")
      .map(({ path, state }) => `${printable(path)} is not in it: it is ${state}`),
    ...(files.some(({ state }) => state === "copied")
      ? ["It holds whole numbers, in the files that the run wrote: hand it only to who may see them."]
      : []),
    `Head after the run's last record: ${checks.run.digest}`
  ]
    .map((line) => `${line}\n`)
    .join("")

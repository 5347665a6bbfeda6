/** `genesys-dnc doctor`. */
import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Doctor from "../Doctor.js"
import * as RetryPolicy from "../RetryPolicy.js"
import * as ExitCode from "./ExitCode.js"
import { client, listOption, toList } from "./lists.js"
import * as options from "./options/basic.js"
import { jsonLine, printableLines } from "./terminal.js"

/** Who asks what is wrong does not want to wait until it may be right. */
const retry: RetryPolicy.Options = { ...RetryPolicy.defaults, attempts: 3, duration: Duration.seconds(30) }

export const doctor = Command.make(
  "doctor",
  {
    list: listOption,
    work: CliOptions.text("for").pipe(
      CliOptions.withDescription(`What is planned, separated by commas: ${Doctor.works.join(", ")}`),
      CliOptions.withDefault("add")
    ),
    json: CliOptions.boolean("json").pipe(CliOptions.withDescription("One JSON object on standard output")),
    ...options.connection
  },
  (given) =>
    Effect.gen(function* () {
      const work = yield* toWork(given.work)
      const list = yield* toList(given.list)
      const findings = yield* Effect.provide(Doctor.examine(list, work), client(given, retry))
      process.exitCode = Doctor.hasFailed(findings) ? ExitCode.aborted : ExitCode.done
      process.stdout.write(
        given.json ? jsonLine({ exitCode: process.exitCode, findings }) : findings.map(line).join("")
      )
    })
).pipe(Command.withDescription("Look whether the work for a list can succeed, and would have an effect."))

const toWork = (text: string): Effect.Effect<ReadonlyArray<Doctor.Work>, options.UsageError> =>
  Effect.forEach(
    text.split(",").filter((word) => word.trim() !== ""),
    (word) => {
      const work = Doctor.works.find((work) => work === word.trim())
      return work === undefined
        ? Effect.fail(
            new options.UsageError({
              message: `--for ${word.trim()}: there is no such work`,
              hint: `Use ${Doctor.works.join(", ")}.`
            })
          )
        : Effect.succeed(work)
    }
  )

/** What somebody called a list may hold anything. */
const line = ({ check, fix, message, status }: Doctor.Finding): string =>
  printableLines(`${status.padEnd(5)} ${check}: ${message}${fix === undefined ? "" : `\n        ${fix}`}\n`)

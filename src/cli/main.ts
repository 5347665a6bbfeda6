#!/usr/bin/env node
/** The command `genesys-dnc`. */
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as ValidationError from "@effect/cli/ValidationError"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { version } from "../version.js"
import { audit } from "./audit.js"
import * as DotEnv from "./DotEnv.js"
import { demo } from "./demo.js"
import { doctor } from "./doctor.js"
import * as ExitCode from "./ExitCode.js"
import { evidence } from "./evidence.js"
import { expire } from "./expire.js"
import { exportList } from "./export.js"
import { help } from "./help.js"
import { lists } from "./lists.js"
import { login, logout } from "./login.js"
import { push, remove, validate } from "./push.js"
import { runs } from "./runs.js"
import { sandbox } from "./sandbox.js"
import { problem, problemLine } from "./summary.js"
import { sync } from "./sync.js"
import { printable, printableLines } from "./terminal.js"
import { webhook } from "./webhook.js"
import * as Words from "./words.js"

/** Nothing to do is no success: a script whose words got lost must not look as if it had sent something. */
const nothingAsked = process.argv.length === 2

const command = Command.make("genesys-dnc", {}, () =>
  Effect.sync(() => {
    if (nothingAsked) process.exitCode = ExitCode.wrongUsage
    const output = nothingAsked ? process.stderr : process.stdout
    output.write(help)
  })
).pipe(
  Command.withSubcommands([
    push,
    remove,
    sync,
    validate,
    lists,
    doctor,
    exportList,
    expire,
    login,
    logout,
    webhook,
    audit,
    runs,
    evidence,
    sandbox,
    demo
  ])
)

/** Plain lines on standard error: standard output is for results. */
const logger = Logger.make(({ date, logLevel, message }) => {
  const words = (Array.isArray(message) ? message : [message]).map((part) =>
    typeof part === "string" ? part : JSON.stringify(part)
  )
  // a terminal may show a line of progress there
  const clear = process.stderr.isTTY ? "\r\u001b[K" : ""
  process.stderr.write(`${clear}${date.toISOString()} ${logLevel.label} ${printable(words.join(" "))}\n`)
})

const argv = [...process.argv.slice(0, 2), ...Words.arrange(process.argv.slice(2))]
// the parser's own page for the whole command is too wide to read
if (argv.length === 3 && (argv[2] === "--help" || argv[2] === "-h" || argv[2] === "help")) argv.pop()

// biome-ignore lint/suspicious/noControlCharactersInRegex: what colours a terminal
const ansi = /\u001b\[[0-9;]*m/g

/** The parser colours whatever it says; a pipe gets plain words. */
const plainInPipes = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  const words = (stream: NodeJS.WriteStream, text: unknown) =>
    stream.isTTY ? text : String(text ?? "").replace(ansi, "")
  return Console.consoleWith((console) =>
    Console.withConsole(effect, {
      ...console,
      log: (text) => console.log(words(process.stdout, text)),
      error: (text) => console.error(words(process.stderr, text))
    })
  )
}

const run = Command.run(command, { name: "genesys-dnc", version })(argv).pipe(
  plainInPipes,
  Effect.catchAllCause((cause) =>
    Effect.sync(() => {
      const error = Cause.isInterruptedOnly(cause) ? undefined : Cause.squash(cause)
      if (error === undefined) return
      if (ValidationError.isValidationError(error)) {
        // the parser has said what is wrong
        process.exitCode = ExitCode.wrongUsage
        if (process.argv.includes("--json")) {
          const message = HelpDoc.toAnsiText(error.error).replace(ansi, "").trim()
          process.stdout.write(problemLine(ExitCode.wrongUsage, { _tag: "UsageError", message, hint: "See --help." }))
        }
        return
      }
      const tagged = error as { readonly _tag?: string; readonly message: string }
      process.exitCode = ExitCode.ofError(tagged)
      process.stderr.write(
        tagged._tag === undefined ? printableLines(`genesys-dnc: ${Cause.pretty(cause)}\n`) : problem(tagged)
      )
    })
  )
)

// the demonstration is the same wherever it runs, so it reads no .env
const configuration: Layer.Layer<never, never, FileSystem.FileSystem> =
  argv[2] === "demo" ? Layer.empty : DotEnv.layer(".env")

const main = run.pipe(
  Effect.provide(Layer.provideMerge(configuration, NodeContext.layer)),
  Effect.provide(Layer.merge(Logger.replace(Logger.defaultLogger, logger), CliConfig.layer({ showBuiltIns: false })))
)

NodeRuntime.runMain(main, {
  disableErrorReporting: true,
  disablePrettyLogger: true,
  teardown: (exit, onExit) =>
    onExit(
      exit._tag === "Failure" && Cause.isInterrupted(exit.cause)
        ? ExitCode.interrupted
        : Number(process.exitCode ?? (exit._tag === "Failure" ? ExitCode.aborted : ExitCode.done))
    )
})

/** Reads the words, runs what they ask for, and says how it went. */
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as ValidationError from "@effect/cli/ValidationError"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { version } from "../version.js"
import * as DotEnv from "./DotEnv.js"
import * as ExitCode from "./ExitCode.js"
import { help } from "./help.js"
import { problem, problemLine } from "./problem.js"
import { printable, printableLines } from "./terminal.js"
import * as Words from "./words.js"

/** In the order in which the parser names them. */
const commands = {
  push: async () => (await import("./push.js")).push,
  remove: async () => (await import("./push.js")).remove,
  sync: async () => (await import("./sync.js")).sync,
  validate: async () => (await import("./push.js")).validate,
  lists: async () => (await import("./lists.js")).lists,
  doctor: async () => (await import("./doctor.js")).doctor,
  export: async () => (await import("./export.js")).exportList,
  expire: async () => (await import("./expire.js")).expire,
  login: async () => (await import("./login.js")).login,
  logout: async () => (await import("./login.js")).logout,
  webhook: async () => (await import("./webhook.js")).webhook,
  audit: async () => (await import("./audit.js")).audit,
  runs: async () => (await import("./runs.js")).runs,
  evidence: async () => (await import("./evidence.js")).evidence,
  sandbox: async () => (await import("./sandbox.js")).sandbox,
  demo: async () => (await import("./demo.js")).demo
}

const isCommand = (word: string): word is keyof typeof commands => Object.hasOwn(commands, word)

const argv = [...process.argv.slice(0, 2), ...Words.arrange(process.argv.slice(2))]

/** What is asked for; all of them where that is none, for the parser to say so. */
const asked = isCommand(argv[2]) ? [commands[argv[2]]] : Object.values(commands)
const [first, ...others] = await Promise.all(asked.map((load) => load()))

const command = Command.make("genesys-dnc", {}, () => Effect.sync(() => process.stdout.write(help))).pipe(
  Command.withSubcommands([first, ...others])
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

/** What the parser wants: all that Node has would be loaded, worker threads too. */
const system = Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeTerminal.layer)

const main = run.pipe(
  Effect.provide(Layer.provideMerge(configuration, system)),
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

/** The question before what cannot be taken back. */
import { createInterface } from "node:readline/promises"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as options from "./options/basic.js"
import { printable } from "./terminal.js"

export const yes = Options.boolean("yes").pipe(Options.withDescription("Do not ask; needed where there is no terminal"))

/** Fails where a command that asks before it acts could not. */
export const checkTerminal = (command: string): Effect.Effect<void, options.UsageError> =>
  process.stdin.isTTY && process.stderr.isTTY
    ? Effect.void
    : Effect.fail(
        new options.UsageError({
          message: `${command} asks before it acts, and there is no terminal to ask on`,
          hint: "Look at --dry-run first, then give --yes."
        })
      )

/** Asks on the terminal, and fails unless the answer is yes. */
export const confirm = (question: string): Effect.Effect<void, options.UsageError> =>
  Effect.tryPromise({
    try: async (signal) => {
      const terminal = createInterface({ input: process.stdin, output: process.stderr })
      try {
        // at the end of the input the question stays open
        const ended = new Promise<string>((resolve) => void terminal.once("close", () => resolve("")))
        return /^y(es)?$/i.test(
          (await Promise.race([terminal.question(`${printable(question)} [y/N] `, { signal }), ended])).trim()
        )
      } finally {
        terminal.close()
      }
    },
    catch: () => new options.UsageError({ message: "The question was not answered", hint: "Nothing was done." })
  }).pipe(
    Effect.filterOrFail(
      (confirmed) => confirmed,
      () => new options.UsageError({ message: "Not confirmed; nothing was done", hint: "Answer y, or give --yes." })
    ),
    Effect.asVoid
  )

/** What a person and a program read where it did not go well. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ExitCode from "./ExitCode.js"
import { jsonLine, printable } from "./terminal.js"

/** An error as a person reads it. */
export const problem = (error: Problem): string => `genesys-dnc: ${sentences(error).join("\n  ")}\n`

interface Problem {
  readonly message: string
  readonly hint?: string | undefined
  readonly correlationId?: string | undefined
}

export const sentences = ({ correlationId, hint, message }: Problem): ReadonlyArray<string> =>
  [
    message,
    ...(hint === undefined ? [] : [hint]),
    ...(correlationId === undefined ? [] : [`Correlation id: ${correlationId}`])
  ].map(printable)

/** What a program may want to know of an error besides its words. */
const details = [
  "reason",
  "path",
  "line",
  "status",
  "code",
  "correlationId",
  "attempts",
  "rejected",
  "read",
  "rejectsByCode",
  "files",
  "removals",
  "listed"
]

/** An error as a program reads it: one line. */
export const problemLine = (exitCode: number, error: object): string => {
  const { _tag = "Error", hint, message } = error as { readonly _tag?: string; message?: string; hint?: string }
  const more = Object.entries(error).filter(([key]) => details.includes(key))
  return jsonLine({ exitCode, error: { tag: _tag, message, hint, ...Object.fromEntries(more) } })
}

/** With `--json` standard output has its line also where there is no report. Words go to standard error as ever. */
export const saying =
  (json: boolean) =>
  <A, E, R>(run: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.tapErrorCause(run, (cause) =>
      Effect.sync(() => {
        if (!json || Cause.isInterruptedOnly(cause)) return
        const error = Object(Cause.squash(cause))
        process.stdout.write(problemLine(ExitCode.ofError(error), error))
      })
    )

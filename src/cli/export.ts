/** `genesys-dnc export`. */
import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as DncExport from "../DncExport.js"
import * as DncLists from "../DncLists.js"
import { number, seconds } from "./figures.js"
import { client, listOption, toList } from "./lists.js"
import * as options from "./options/basic.js"
import { printable } from "./terminal.js"

export const exportList = Command.make(
  "export",
  {
    list: listOption,
    format: CliOptions.choice("format", ["csv", "ndjson"]).pipe(
      CliOptions.withDescription("Columns phoneNumber (email, …) and expires, or an object on each line"),
      CliOptions.withDefault("csv" as const)
    ),
    output: CliOptions.text("output").pipe(
      CliOptions.withDescription("File for the numbers, replaced when all are there; - is standard output"),
      CliOptions.withDefault("-")
    ),
    wait: CliOptions.integer("wait").pipe(
      CliOptions.withDescription("Minutes to wait for the export to become ready"),
      CliOptions.withDefault(Duration.toMinutes(DncExport.defaults.longest))
    ),
    ...options.connection
  },
  (given) =>
    Effect.gen(function* () {
      const asked = yield* toList(given.list)
      yield* Effect.gen(function* () {
        const list = yield* DncLists.resolve(asked)
        const { id, name } = list
        const progress = { rows: 0, since: Date.now() }
        const written = yield* Effect.zipRight(
          show(progress),
          DncExport.writeFile(
            Stream.unwrap(
              Effect.map(DncExport.request(id, { longest: Duration.minutes(given.wait) }), DncExport.download)
            ),
            {
              path: given.output,
              format: given.format,
              kind: DncLists.kindOf(list),
              onProgress: (rows) => {
                progress.rows = rows
              }
            }
          )
        ).pipe(Effect.scoped)
        process.stderr.write(
          `${number(written.rows)} numbers of "${printable(name)}" (${printable(id)}) written${given.output === "-" ? "" : ` to ${given.output}`}\n`
        )
      }).pipe(Effect.provide(client(given)))
    })
).pipe(Command.withDescription("Write what is on a DNC list to a file that can be fed in again."))

interface Progress {
  readonly rows: number
  readonly since: number
}

/** While the scope is open: one line that is written over on a terminal, plain lines elsewhere. Standard error, both. */
const show = (progress: Progress): Effect.Effect<void, never, Scope.Scope> => {
  const terminal = process.stderr.isTTY === true
  const every = terminal ? "200 millis" : "5 seconds"
  const write = Effect.sync(() => {
    const text =
      progress.rows === 0
        ? `waiting for the export (${seconds(Date.now() - progress.since)})`
        : `exporting: ${number(progress.rows)} numbers`
    process.stderr.write(terminal ? `\r\u001b[K${text}` : `${text}\n`)
  })
  return Effect.zipRight(
    Effect.addFinalizer(() => Effect.sync(() => void (terminal && process.stderr.write("\r\u001b[K")))),
    write.pipe(Effect.repeat(Schedule.spaced(every)), Effect.delay(every), Effect.forkScoped)
  )
}

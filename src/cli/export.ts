/** `genesys-dnc export`. */
import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as DncExport from "../DncExport.js"
import * as DncLists from "../DncLists.js"
import { client, listOption, toList } from "./lists.js"
import * as options from "./options.js"
import { number, seconds } from "./summary.js"

export const exportList = Command.make(
  "export",
  {
    list: listOption,
    format: CliOptions.choice("format", ["csv", "ndjson"]).pipe(
      CliOptions.withDescription("Columns phoneNumber,expires, or an object on each line"),
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
        const { id, name } = yield* DncLists.resolve(asked)
        const progress = { rows: 0, since: Date.now() }
        const written = yield* DncExport.writeFile(
          Stream.unwrap(
            Effect.map(DncExport.request(id, { longest: Duration.minutes(given.wait) }), DncExport.download)
          ),
          {
            path: given.output,
            format: given.format,
            onProgress: (rows) => {
              progress.rows = rows
            }
          }
        ).pipe(shown(progress))
        process.stderr.write(
          `${number(written.rows)} numbers of "${name}" (${id}) written${given.output === "-" ? "" : ` to ${given.output}`}\n`
        )
      }).pipe(Effect.provide(client(given)))
    })
).pipe(Command.withDescription("Write what is on a DNC list to a file that can be fed in again."))

interface Progress {
  readonly rows: number
  readonly since: number
}

/** One line that is written over on a terminal, plain lines elsewhere. Standard error, both. */
const shown =
  (progress: Progress) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
    const terminal = process.stderr.isTTY === true
    const write = Effect.sync(() => {
      const elapsed = seconds(Date.now() - progress.since)
      const text =
        progress.rows === 0 ? `waiting for the export (${elapsed})` : `exporting: ${number(progress.rows)} numbers`
      process.stderr.write(terminal ? `\r\u001b[K${text}` : `${text}\n`)
    })
    return Effect.acquireUseRelease(
      Effect.forkDaemon(
        Effect.repeat(write, Schedule.spaced(terminal ? "200 millis" : "5 seconds")).pipe(
          Effect.delay(terminal ? "200 millis" : "5 seconds")
        )
      ),
      () => effect,
      (fiber) =>
        Effect.zipRight(
          Fiber.interrupt(fiber),
          Effect.sync(() => {
            if (terminal) process.stderr.write("\r\u001b[K")
          })
        )
    )
  }

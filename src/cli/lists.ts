/** `genesys-dnc lists`. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as DncLists from "../DncLists.js"
import * as Connection from "../GenesysDnc/connection.js"
import type { Options as RetryOptions } from "../RetryPolicy.js"
import { number } from "./figures.js"
import * as options from "./options/basic.js"
import { table } from "./table.js"
import { jsonLine, printable } from "./terminal.js"

/** A list by its name or id; see {@link toList}. */
export const listOption = CliOptions.text("list").pipe(
  CliOptions.withDescription("Name or id of the DNC list; GENESYS_DNC_LIST if not given"),
  CliOptions.optional,
  CliOptions.map(Option.getOrUndefined)
)

/** The name or id that was given; which list that is only the server knows. */
export const toList = (given: string | undefined): Effect.Effect<string, options.UsageError> =>
  Effect.gen(function* () {
    const list = given ?? Option.getOrUndefined(yield* Effect.option(Config.string("GENESYS_DNC_LIST")))
    return list === undefined || list.trim() === ""
      ? yield* new options.UsageError({
          message: "No list is given",
          hint: "Use --list NAME or --list ID, or set GENESYS_DNC_LIST; genesys-dnc lists shows them."
        })
      : list.trim()
  })

/** What reading needs, by the options and the environment. */
export const client = (given: Connection.Given, retry?: RetryOptions) =>
  Layer.unwrapEffect(
    Effect.map(Connection.connection(given), (connection) =>
      Connection.layerClient({ ...connection, ...(retry === undefined ? {} : { retry }) })
    )
  )

export const lists = Command.make(
  "lists",
  {
    part: Args.text({ name: "NAME-PART" }).pipe(
      Args.withDescription("Only lists with this in their name, whatever the case"),
      Args.optional,
      Args.map(Option.getOrUndefined)
    ),
    json: CliOptions.boolean("json").pipe(CliOptions.withDescription("One JSON array on standard output")),
    ...options.connection
  },
  (given) =>
    Effect.map(DncLists.search(given.part), (found) => {
      process.stdout.write(
        given.json
          ? jsonLine(found)
          : found.length === 0
            ? `No DNC list${given.part === undefined ? "" : ` with "${given.part}" in its name`} can be seen\n`
            : table(rows(found), [sizeColumn])
      )
    }).pipe(Effect.provide(client(given)))
).pipe(Command.withDescription("The DNC lists that the client can see."))

const rows = (found: ReadonlyArray<DncLists.DncList>): ReadonlyArray<ReadonlyArray<string>> => [
  ["NAME", "ID", "SOURCE", "CONTACT", "SIZE", "IMPORT", "DIVISION"],
  ...found.map(({ contactMethod, division, dncSourceType, id, importStatus, name, size }) => [
    printable(name),
    printable(id),
    dncSourceType === "rds" ? "Internal" : printable(dncSourceType ?? ""),
    printable(contactMethod ?? ""),
    size === undefined ? "" : number(size),
    imported(importStatus),
    printable(division?.name ?? "")
  ])
]

const sizeColumn = 4

const imported = (status: DncLists.ImportStatus | undefined): string => {
  switch (status?.state) {
    case undefined:
      return ""
    case "IN_PROGRESS":
      return `${status?.percentComplete ?? 0} %`
    case "FAILED":
      return `failed${status?.failureReason === undefined ? "" : `: ${printable(status.failureReason)}`}`
    default:
      return printable(status?.state ?? "")
  }
}

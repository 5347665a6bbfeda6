/** How the parts run their programs: in turn, so that whatever else the machine does falls on each of them. */
import { join } from "node:path"
import * as Child from "./child.js"
import * as Data from "./data.js"
import * as Processes from "./processes.js"
import * as Setup from "./setup.js"
import { number } from "./table.js"

export interface Options {
  readonly turns: number
  readonly seed: number
  readonly latencies: ReadonlyArray<number>
  /** Of the whole way and of reading. */
  readonly rows: number
  /** Of what is so slow that all rows would take too long. */
  readonly fewRows: number
  readonly checkedRows: number
  readonly numbers: number
  readonly fewNumbers: number
  readonly setRows: number
  readonly growth: ReadonlyArray<number>
  /** For Node, in the library's programs. */
  readonly flags: ReadonlyArray<string>
}

/** A file, without the memory of what has to be on the list after it. */
export type File = Pick<Data.Corpus, "path" | "rows"> & { readonly distinct: number }

export interface Bench extends Setup.Place, Options {
  /** Made at the first call for so many rows. */
  readonly file: (rows: number) => Promise<File>
}

export const make = (options: Options): Bench => {
  const place = Setup.place()
  const files = new Map<number, Promise<File>>()
  const write = async (rows: number): Promise<File> => {
    Setup.progress(`making ${number(rows)} rows`)
    const { expected, path } = await Data.write(join(place.work, `${rows}.csv`), rows, options.seed)
    return { path, rows, distinct: expected.size }
  }
  return {
    ...place,
    ...options,
    file: (rows) => {
      const file = files.get(rows) ?? write(rows)
      files.set(rows, file)
      return file
    }
  }
}

export interface Entrant {
  readonly name: string
  readonly run: () => Promise<Processes.Measured>
}

/** All of them, once a turn. */
export const inTurn = (
  turns: number,
  entrants: ReadonlyArray<Entrant>
): Promise<ReadonlyArray<ReadonlyArray<Processes.Measured>>> =>
  Setup.rotated(
    turns,
    entrants.map(({ name, run }) => async () => {
      const measured = await run()
      Setup.progress(
        `  ${name}: ${number(measured.rows)} rows in ${number(measured.seconds, 1)} s, ${number(measured.peakRssMB)} MB`
      )
      return measured
    })
  )

/** A program that talks to nobody. */
export const alone = (
  { compiled, flags, withFolder }: Bench,
  program: string,
  task: Partial<Child.Task>,
  rows: number
): Promise<Processes.Measured> =>
  withFolder((folder) =>
    Processes.measure(
      compiled,
      program,
      { ...Child.alone, folder, ...task },
      Processes.limitSeconds(rows),
      program === "read" ? flags : []
    )
  )

interface Sent {
  readonly program: string
  readonly latencyMs: number
  readonly api?: "entries" | "platform"
}

/** A program that sends a file to the bare server, which has to have got what the program says. */
export const send = (
  { compiled, flags, withFolder }: Bench,
  file: File,
  { api, latencyMs, program }: Sent
): Promise<Processes.Measured> =>
  Processes.withServer(compiled, "server", latencyMs, (server) =>
    withFolder(async (folder) => {
      const measured = await Processes.measure(
        compiled,
        program,
        { ...server, file: file.path, folder, ...(api === undefined ? {} : { api }) },
        Processes.limitSeconds(file.rows, latencyMs),
        program === "push" ? flags : []
      )
      const stats = (await (await fetch(`${server.url}/stats`)).json()) as Record<"requests" | "numbers", number>
      const exact = ["push", "command", "undici"].includes(program)
      if (
        measured.rows !== file.rows ||
        stats.requests !== measured.requests ||
        stats.numbers !== measured.numbersOnList ||
        (exact && stats.numbers !== file.distinct)
      ) {
        throw new Error(`${program} and the server differ: ${JSON.stringify({ measured, stats, file })}`)
      }
      return measured
    })
  )

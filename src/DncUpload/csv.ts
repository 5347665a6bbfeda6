/**
 * The file of an upload: rows of numbers and their ends, in a private file that is gone when the scope closes.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import { createReadStream, rmSync } from "node:fs"
import { mkdtemp, open, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { attempt, type OutputError } from "../OutputFile/error.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface CsvFile {
  readonly path: string
  /** The header not counted. */
  readonly rows: number
  readonly bytes: number
  /** In hex. */
  readonly sha256: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface CsvWriter {
  /** Appends whole rows, as {@link row} makes them. */
  readonly append: (text: string, rows: number) => Effect.Effect<void, OutputError>
  /** Closes the file and says what it is. */
  readonly finish: Effect.Effect<CsvFile, OutputError>
}

/**
 * The column of the numbers and that of their ends. One column of numbers is all that is ever named, so that how an upload
 * separates several names, which is not published, does not matter.
 *
 * @since 0.1.0
 */
export const columns = { phone: "phoneNumber", expires: "expires" } as const

/**
 * One row. `expires` is whole minutes in milliseconds since 1970, said as `yyyy-MM-ddTHH:mmZ`; `Infinity`, for ever, is
 * said by nothing.
 *
 * @since 0.1.0
 */
export const row = (phoneNumber: string, expires: number): string => `${cell(phoneNumber)},${minute(expires)}\n`

const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

let lastExpires = Number.NaN
let lastMinute = ""

const minute = (expires: number): string => {
  if (expires === Number.POSITIVE_INFINITY) return ""
  if (expires !== lastExpires) {
    lastExpires = expires
    lastMinute = `${new Date(expires).toISOString().slice(0, 16)}Z`
  }
  return lastMinute
}

/**
 * A file of mode 0600 in a folder of its own among the system's temporary ones, which goes with the scope, or with the
 * process where that is ended first. It has its header already.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<CsvWriter, OutputError, Scope.Scope> = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.map(
      attempt(tmpdir(), () => mkdtemp(join(tmpdir(), "genesys-dnc-"))),
      (path) => {
        const remove = () => rmSync(path, { recursive: true, force: true })
        process.once("exit", remove)
        return { path, remove }
      }
    ),
    ({ path, remove }) =>
      Effect.promise(async () => {
        process.off("exit", remove)
        await rm(path, { recursive: true, force: true }).catch(() => {})
      })
  )
  const path = join(folder.path, "upload.csv")
  const handle = yield* Effect.acquireRelease(
    attempt(path, () => open(path, "wx", 0o600)),
    (handle) => Effect.promise(() => handle.close().catch(() => {}))
  )
  const hash = createHash("sha256")
  let bytes = 0
  let rows = 0
  const append = (text: string, count: number) =>
    Effect.suspend(() => {
      const piece = Buffer.from(text)
      hash.update(piece)
      bytes += piece.length
      rows += count
      return piece.length === 0 ? Effect.void : attempt(path, () => handle.writeFile(piece))
    })
  yield* append(`${columns.phone},${columns.expires}\n`, 0)
  return {
    append,
    finish: Effect.map(
      attempt(path, () => handle.close()),
      () => ({ path, rows, bytes, sha256: hash.digest("hex") })
    )
  }
})

/**
 * The numbers of some rows of such a file, by their position from 1.
 *
 * @since 0.1.0
 */
export const numbersAt = (
  file: CsvFile,
  wanted: ReadonlySet<number>
): Effect.Effect<ReadonlyMap<number, string>, OutputError> =>
  attempt(file.path, async () => {
    const found = new Map<number, string>()
    let position = 0
    if (wanted.size === 0) return found
    for await (const line of createInterface({ input: createReadStream(file.path) })) {
      if (wanted.has(position)) found.set(position, line.slice(0, line.indexOf(",")))
      position++
    }
    return found
  })

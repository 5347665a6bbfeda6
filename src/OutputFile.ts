/**
 * A file that is there whole or not at all: written beside its place and put there at the end, readable by its owner alone.
 *
 * @since 0.1.0
 */
import { createHash, randomBytes } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { attempt, type OutputError } from "./OutputFile/error.js"
import { syncFolder } from "./OutputFile/syncFolder.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Written {
  readonly bytes: number
  /** In hex. */
  readonly sha256: string
}

/**
 * Writes the pieces of a text to a path, or to standard output for `-`. Where it fails or is interrupted, what was at the
 * path is there still. A device is written to as it stands.
 *
 * @since 0.1.0
 */
export const write = <E, R>(
  path: string,
  pieces: Stream.Stream<string, E, R>
): Effect.Effect<Written, E | OutputError, R> =>
  path === "-" ? into("standard output", pieces, toStdout) : toFile(path, pieces)

const into = <E, R>(
  path: string,
  pieces: Stream.Stream<string, E, R>,
  append: (bytes: Buffer) => Promise<void>
): Effect.Effect<Written, E | OutputError, R> =>
  Effect.suspend(() => {
    const hash = createHash("sha256")
    let size = 0
    return Stream.runForEachChunk(pieces, (chunk) => {
      const bytes = Buffer.from(Array.from(chunk).join(""))
      hash.update(bytes)
      size += bytes.length
      return bytes.length === 0 ? Effect.void : attempt(path, () => append(bytes))
    }).pipe(Effect.map(() => ({ bytes: size, sha256: hash.digest("hex") })))
  })

const toFile = <E, R>(path: string, pieces: Stream.Stream<string, E, R>): Effect.Effect<Written, E | OutputError, R> =>
  Effect.gen(function* () {
    // a link stays a link: what it leads to is replaced
    const place = yield* Effect.orElseSucceed(
      Effect.tryPromise(() => Fs.realpath(path)),
      () => path
    )
    const standing = yield* Effect.option(Effect.tryPromise(() => Fs.stat(place)))
    const device = standing._tag === "Some" && !standing.value.isFile()
    const name = device ? place : `${place}.${randomBytes(6).toString("hex")}.partial`
    let put = false
    return yield* Effect.acquireUseRelease(
      attempt(path, () => Fs.open(name, device ? "w" : "wx", 0o600)),
      (handle) =>
        Effect.gen(function* () {
          const written = yield* into(path, pieces, (bytes) => handle.writeFile(bytes))
          if (device) return written
          yield* attempt(path, () => handle.sync())
          yield* attempt(path, () => Fs.rename(name, place))
          put = true
          yield* attempt(path, () => syncFolder(place))
          return written
        }),
      (handle) =>
        Effect.promise(async () => {
          await handle.close().catch(() => {})
          if (!device && !put) await Fs.rm(name, { force: true }).catch(() => {})
        })
    )
  })

/** A reader that goes away (`| head`) shows as an error of the write, and must not end the process by itself. */
const toStdout = (bytes: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.once("error", reject)
    process.stdout.write(bytes, (error) => {
      process.stdout.off("error", reject)
      if (error) reject(error)
      else resolve()
    })
  })

/**
 * Durable appends to a file, many at once.
 *
 * @since 0.1.0
 */
import { fdatasync, fstatSync, type Stats, writeSync, writevSync } from "node:fs"
import * as Fs from "node:fs/promises"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Allocate } from "../DncEntry/packed.js"
import { syncFolder } from "../OutputFile/syncFolder.js"
import * as GroupCommit from "./groupCommit.js"
import * as Lock from "./lock.js"

export class AppendError extends Data.TaggedError("AppendError")<{ readonly cause: Error }> {}

const failed = (cause: unknown): AppendError => new AppendError({ cause: cause as Error })

const attempt = <A>(f: () => Promise<A>): Effect.Effect<A, AppendError> => Effect.tryPromise({ try: f, catch: failed })

/**
 * @since 0.1.0
 * @category models
 */
export interface Appended {
  /**
   * Appends a line, which is asked for when its turn has come to stand behind all those before it. The memory that it is
   * offered is its own until it is written.
   */
  readonly append: (line: (allocate: Allocate) => string | Uint8Array) => Effect.Effect<void, AppendError>
  /** The last line that `is` takes, of those that were there when the file was opened. */
  readonly last: <A>(is: (line: string) => A | undefined) => Effect.Effect<A | undefined, AppendError>
}

/**
 * Opens a file of mode 0600 for appending whole lines: an append returns once its line is on the disk, with all lines that
 * waited for the same sync. After a failed write every later append fails too, as the file's end is then unknown; so it
 * does after somebody else has written to the file, where it is to be ours alone.
 *
 * @since 0.1.0
 */
export const openAppend = (
  path: string,
  options?: { readonly alone?: boolean }
): Effect.Effect<Appended, AppendError, Scope.Scope> =>
  Effect.gen(function* () {
    const file = yield* Effect.acquireRelease(
      attempt(() => Fs.open(path, "a+", 0o600)),
      (file) => Effect.promise(() => file.close().catch(() => undefined))
    )
    // before anything of it is read, and before a line is ended that somebody else may be writing
    const alone = options?.alone === true && (yield* attempt(() => file.stat())).isFile()
    if (alone) {
      yield* Effect.mapError(Lock.hold(path, file), failed)
      yield* attempt(() => checkPlace(file, path))
    }
    const opened = yield* attempt(() => prepare(file, path))
    let size = opened.size
    const memory = makeMemory()
    const append = GroupCommit.make((lines: ReadonlyArray<Uint8Array>) => {
      const pieces = lines.flatMap((line) => [line, newline])
      if (!opened.isFile()) {
        const bytes = Buffer.concat(pieces)
        memory.written(lines.length)
        return attempt(() => file.appendFile(bytes))
      }
      // these two reach no disk, and to wait for a turn after each would be longer than the sync
      const written = Effect.try({
        try: () => {
          if (alone && fstatSync(file.fd).size !== size) {
            throw new Error("another process has written to it meanwhile")
          }
          size += writeAll(file.fd, pieces)
          memory.written(lines.length)
        },
        catch: failed
      })
      return Effect.zipRight(written, sync(file.fd))
    })

    return {
      append: (line) => Effect.asVoid(append(() => memory.kept(bytesOf(line(memory.allocate))))),
      last: (is) => attempt(() => lastLine(file, opened.isFile() ? opened.size : 0, is))
    }
  })

/** Without a promise, as it is done for every batch. */
const sync = (fd: number): Effect.Effect<void, AppendError> =>
  Effect.async((resume) => {
    fdatasync(fd, (cause) => resume(cause === null ? Effect.void : Effect.fail(failed(cause))))
  })

/**
 * One piece of memory for the lines that wait to be written, used again once they are: tens of kilobytes for each line made
 * V8 collect all of its memory once a second.
 */
const makeMemory = () => {
  let bytes = Buffer.alloc(0)
  let used = 0
  let waiting = 0
  return {
    allocate: (size: number): Buffer => {
      // what waits in the one that is full keeps it
      if (used + size > bytes.length) {
        bytes = Buffer.allocUnsafe(Math.max(blockSize, size, Math.min(2 * bytes.length, largestMemory)))
        used = 0
      }
      const start = used
      used += size
      return bytes.subarray(start, used)
    },
    kept: (line: Uint8Array): Uint8Array => {
      waiting++
      return line
    },
    written: (lines: number): void => {
      waiting -= lines
      if (waiting === 0) used = 0
    }
  }
}

const newline = Buffer.from("\n")

/** Gives how many bytes they are. */
const writeAll = (fd: number, pieces: ReadonlyArray<Uint8Array>): number => {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  let at = writevSync(fd, pieces)
  if (at < length) {
    const bytes = Buffer.concat(pieces)
    while (at < length) at += writeSync(fd, bytes, at)
  }
  return length
}

const bytesOf = (line: string | Uint8Array): Uint8Array => (typeof line === "string" ? Buffer.from(line) : line)

/** Reads backwards, as the line that is wanted stands at the end or near it. */
const lastLine = async <A>(
  file: Fs.FileHandle,
  size: number,
  is: (line: string) => A | undefined
): Promise<A | undefined> => {
  let rest: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - blockSize)
    const block = Buffer.alloc(end - start)
    await file.read(block, 0, block.length, start)
    rest = Buffer.concat([block, rest])
    end = start
    for (;;) {
      const at = rest.lastIndexOf(0x0a)
      if (at === -1 && start > 0) break
      const found = is(rest.toString("utf8", at + 1))
      if (found !== undefined) return found
      if (at === -1) break
      rest = rest.subarray(0, at)
    }
  }
  return undefined
}

const blockSize = 1 << 16
const largestMemory = 1 << 20

/** Between its opening and its lock, whoever held the lock may have put another file in its place. */
const checkPlace = async (file: Fs.FileHandle, path: string): Promise<void> => {
  const [own, there] = await Promise.all([file.stat({ bigint: true }), Fs.stat(path, { bigint: true })])
  if (own.ino !== there.ino || own.dev !== there.dev) throw new Error("another process has replaced it meanwhile")
}

/** What is not a regular file (a pipe, a terminal) has no end and cannot be synced. */
const prepare = async (file: Fs.FileHandle, path: string): Promise<Stats> => {
  const stat = await file.stat()
  if (stat.isFile()) await file.chmod(0o600)
  // a line that a crash cut short must not swallow the next one
  if (stat.isFile() && stat.size > 0) {
    const last = Buffer.alloc(1)
    await file.read(last, 0, 1, stat.size - 1)
    if (last[0] !== 0x0a) await file.appendFile("\n")
  }
  if (stat.isFile() && stat.size === 0) await syncFolder(path)
  return await file.stat()
}

/**
 * Durable appends to a file, many at once.
 *
 * @since 0.1.0
 */
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export class AppendError extends Data.TaggedError("AppendError")<{ readonly cause: Error }> {}

interface Line {
  readonly text: string
  written: boolean
}

const attempt = <A>(f: () => Promise<A>): Effect.Effect<A, AppendError> =>
  Effect.tryPromise({ try: f, catch: (cause) => new AppendError({ cause: cause as Error }) })

/**
 * Opens a file of mode 0600 for appending whole lines, and gives the function that appends: it returns once the line is
 * on the disk. Whoever holds the mutex writes and syncs all lines that wait, so those behind it find theirs written. After
 * a failed write every later append fails too, as the file's end is then unknown.
 *
 * @since 0.1.0
 */
export const openAppend = (
  path: string
): Effect.Effect<(text: string) => Effect.Effect<void, AppendError>, AppendError, Scope.Scope> =>
  Effect.gen(function* () {
    const file = yield* Effect.acquireRelease(
      attempt(() => Fs.open(path, "a+", 0o600)),
      (file) => Effect.promise(() => file.close().catch(() => undefined))
    )
    yield* attempt(() => prepare(file, path))
    const mutex = yield* Effect.makeSemaphore(1)
    let waiting: Array<Line> = []
    let broken: AppendError | undefined

    const flush = Effect.suspend(() => {
      const lines = waiting
      waiting = []
      return attempt(async () => {
        await file.appendFile(lines.map((line) => line.text).join(""))
        if (synced) await file.datasync()
      }).pipe(
        Effect.tapBoth({
          onFailure: (error) =>
            Effect.sync(() => {
              broken = error
            }),
          onSuccess: () =>
            Effect.sync(() => {
              for (const line of lines) line.written = true
            })
        })
      )
    })

    // what is not a regular file (a pipe, a terminal) cannot be synced
    const synced = (yield* attempt(() => file.stat())).isFile()

    return (text: string) =>
      Effect.suspend(() => {
        const line: Line = { text, written: false }
        waiting.push(line)
        return mutex.withPermits(1)(
          Effect.suspend(() => (line.written ? Effect.void : broken !== undefined ? Effect.fail(broken) : flush))
        )
      }).pipe(Effect.uninterruptible)
  })

const prepare = async (file: Fs.FileHandle, path: string): Promise<void> => {
  const stat = await file.stat()
  if (stat.isFile()) await file.chmod(0o600)
  // a line that a crash cut short must not swallow the next one
  if (stat.isFile() && stat.size > 0) {
    const last = Buffer.alloc(1)
    await file.read(last, 0, 1, stat.size - 1)
    if (last[0] !== 0x0a) await file.appendFile("\n")
  }
  if (stat.isFile() && stat.size === 0) {
    // the new file's name is durable once its folder is synced
    const folder = await Fs.open(Path.dirname(path), "r")
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }
}

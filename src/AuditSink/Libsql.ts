/**
 * The audit log as a table of a libSQL file on this machine.
 *
 * @since 0.1.0
 */
import * as Fs from "node:fs/promises"
import { pathToFileURL } from "node:url"
import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AuditSink from "../AuditSink.js"
import * as Lock from "./lock.js"
import * as Sql from "./Sql.js"

/**
 * A database file that is created with mode 0600 and written by one process at a time, through a client of its own;
 * others can read it meanwhile. It keeps a write-ahead log, so it cannot lie on a network drive, and while it is open, and
 * after a crash, the file `-wal` beside it is part of it. `extra` is its pragma `synchronous`, so what it has returned is on the
 * disk.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (path: string, options?: Sql.Options): Layer.Layer<AuditSink.AuditSink, AuditSink.AuditError> =>
  Layer.unwrapScoped(
    Effect.gen(function* () {
      yield* attempt(() => create(path))
      yield* Lock.hold(path)
      // the driver throws where it cannot open the file
      const context = yield* Layer.build(LibsqlClient.layer({ url: pathToFileURL(path) })).pipe(
        Effect.catchAllDefect((cause) => Effect.fail(cause as NodeJS.ErrnoException))
      )
      const client = Context.get(context, LibsqlClient.LibsqlClient)
      const pragma = (text: string) =>
        client.unsafe(`pragma ${text}`).pipe(
          // a transaction of another client would be joined
          Effect.mapInputContext((_: Context.Context<never>) => Context.empty()),
          Effect.mapError(({ cause }) => cause as NodeJS.ErrnoException)
        )
      yield* pragma("busy_timeout = 5000")
      yield* pragma("journal_mode = wal")
      yield* pragma("synchronous = extra")
      // the driver leaves that to the end of the process, and who copies the one file wants all of it
      yield* Effect.addFinalizer(() => Effect.ignore(pragma("wal_checkpoint(truncate)")))
      return Layer.provide(Sql.layer(options), Layer.succeedContext(context))
    }).pipe(Effect.mapError((cause) => unwritable(path, cause)))
  )

/** A file that is there is not opened: to close it again would let go of the locks that SQLite has on it in this process. */
const create = async (path: string): Promise<void> => {
  try {
    await (await Fs.open(path, "wx", 0o600)).close()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
    if (!(await Fs.stat(path)).isFile()) throw new Error("it is not a file")
    await Fs.chmod(path, 0o600)
  }
}

const attempt = <A>(f: () => Promise<A>) =>
  Effect.tryPromise({ try: f, catch: (cause) => cause as NodeJS.ErrnoException })

const unwritable = (path: string, cause: NodeJS.ErrnoException): AuditSink.AuditError =>
  Lock.isHeld(cause)
    ? new AuditSink.AuditError({
        message: `The audit log ${path} is being written by another run`,
        hint: "Wait until it has ended, or give this run a database of its own."
      })
    : new AuditSink.AuditError({
        message: `The audit log ${path} cannot be written: ${cause.message}`,
        hint: "Nothing is sent without evidence. Give the path of a database, or of a file that is not there yet.",
        cause
      })

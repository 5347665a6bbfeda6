/**
 * One process at a time: a lock that the kernel lets go of when its holder ends, however it ends.
 *
 * @since 0.1.0
 */
import { constants } from "node:fs"
import * as Fs from "node:fs/promises"
import * as Net from "node:net"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/**
 * Holds the lock of a file, under whatever name it is known, for as long as the scope is open; fails where somebody holds
 * it. Where no handle is given the file is not opened. On Linux and Windows it is a name that only one socket can bear (on
 * Linux within one network namespace, so not between two containers), elsewhere a lock on a file beside it.
 */
export const hold = (path: string, file?: Fs.FileHandle): Effect.Effect<void, NodeJS.ErrnoException, Scope.Scope> =>
  Effect.flatMap(
    tryPromise(() => file?.stat({ bigint: true }) ?? Fs.stat(path, { bigint: true })),
    ({ dev, ino }) =>
      process.platform === "linux"
        ? holdName(`\0genesys-dnc-${dev}-${ino}`)
        : process.platform === "win32"
          ? holdName(`\\\\.\\pipe\\genesys-dnc-${dev}-${ino}`)
          : holdFile(`${path}.lock`)
  )

/** What a failure to hold a lock is where it is held by somebody. */
export const isHeld = ({ code }: NodeJS.ErrnoException): boolean =>
  code === "EADDRINUSE" || code === "EAGAIN" || code === "EWOULDBLOCK"

const holdName = (name: string) =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.async<Net.Server, NodeJS.ErrnoException>((resume) => {
        const server = Net.createServer((socket) => socket.destroy())
        server.once("error", (error) => resume(Effect.fail(error)))
        // nothing but the name is wanted, so it keeps no process alive
        server.listen({ path: name }, () => resume(Effect.succeed(server))).unref()
      }),
      (server) => Effect.async<void>((resume) => void server.close(() => resume(Effect.void)))
    )
  )

/** `O_EXLOCK` of the BSDs and macOS, which Node does not name. */
const exclusive = 0x20

const holdFile = (path: string) =>
  Effect.asVoid(
    Effect.acquireRelease(
      tryPromise(() => Fs.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | exclusive, 0o600)),
      (file) => Effect.promise(() => file.close().catch(() => {}))
    )
  )

const tryPromise = <A>(f: () => Promise<A>) =>
  Effect.tryPromise({ try: f, catch: (cause) => cause as NodeJS.ErrnoException })

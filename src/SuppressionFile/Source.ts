/**
 * The bytes of an input: found, kept open, read in large buffers as UTF-8 text. Standard input is first written to a
 * private file, so that it can be read and checked like any other.
 *
 * @since 0.1.0
 */
import { isAscii, isUtf8 } from "node:buffer"
import { createHash } from "node:crypto"
import type { Stats } from "node:fs"
import * as fs from "node:fs"
import { type FileHandle, mkdtemp, open as openFile, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { InputError, InputErrorReason, Named } from "./InputError.js"
import { inputError } from "./InputError.js"

/**
 * What a file was when it was opened.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fingerprint {
  readonly size: number
  readonly mtimeMs: number
  readonly ino: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Source extends Named {
  /** The file that is read: for standard input the private copy. */
  readonly file: string
  readonly handle: FileHandle
  readonly fingerprint: Fingerprint
}

/**
 * Opens a path, or standard input for `-`, until the scope closes.
 *
 * @since 0.1.0
 * @category constructors
 */
export const open = Effect.fnUntraced(function* (
  path: string,
  stdin: AsyncIterable<Uint8Array>
): Effect.fn.Return<Source, InputError, Scope.Scope> {
  const input: Named = { path, name: path === "-" ? "standard input" : path }
  const file = path === "-" ? yield* spool(input, stdin) : path
  // A pipe would block in open, so it is looked at first.
  const before = yield* attempt(input, () => stat(file))
  if (!before.isFile()) {
    const hint = before.isDirectory() ? "Name a file in it." : "Give its content on standard input, and - as the path."
    return yield* inputError(
      input,
      "NotAFile",
      `is ${before.isDirectory() ? "a directory" : "not a regular file"}`,
      hint
    )
  }
  const handle = yield* Effect.acquireRelease(
    attempt(input, () => openFile(file, "r")),
    (handle) => Effect.promise(() => handle.close())
  )
  const fingerprint = toFingerprint(yield* attempt(input, () => handle.stat()))
  if (fingerprint.size === 0) return yield* inputError(input, "Empty", "is empty", "Check where the file comes from.")
  return { ...input, file, handle, fingerprint }
})

/**
 * Fails if the file is not what it was when it was opened.
 *
 * @since 0.1.0
 * @category reading
 */
export const unchanged = (source: Source): Effect.Effect<void, InputError> =>
  attempt(source, () => stat(source.file)).pipe(
    Effect.map(toFingerprint),
    Effect.filterOrFail(
      ({ ino, mtimeMs, size }) =>
        size === source.fingerprint.size && mtimeMs === source.fingerprint.mtimeMs && ino === source.fingerprint.ino,
      () => changed(source)
    ),
    Effect.asVoid
  )

/**
 * SHA-256 of all bytes in hex.
 *
 * @since 0.1.0
 * @category reading
 */
export const contentDigest = (source: Source): Effect.Effect<string, InputError> =>
  attempt(
    source,
    async () => {
      const hash = createHash("sha256")
      const buffer = Buffer.allocUnsafe(1 << 20)
      for (let position = 0; ; ) {
        const { bytesRead } = await source.handle.read(buffer, 0, buffer.length, position)
        if (bytesRead === 0) return hash.digest("hex")
        hash.update(buffer.subarray(0, bytesRead))
        position += bytesRead
      }
    },
    "Read"
  )

/**
 * The file was written to, or replaced, since it was opened.
 *
 * @since 0.1.0
 * @category errors
 */
export const changed = (source: Source): InputError =>
  inputError(source, "Changed", "changed while it was in use", "Start again when nothing writes to the file any more.")

/**
 * What of a buffer holds bytes of the input: text from `from` to before `to`, and up to `total` the beginning of a code point.
 *
 * @since 0.1.0
 * @category models
 */
export interface Piece {
  readonly from: number
  readonly to: number
  readonly total: number
  readonly ended: boolean
}

/**
 * A pass over the bytes from the beginning: each run fills the buffer behind the bytes of before that it holds still, with
 * `atOnce` bytes or as many as it has room for. Those that come next are read meanwhile. `onBytes` sees every byte once.
 *
 * @since 0.1.0
 * @category reading
 */
export const filler = (
  source: Source,
  atOnce: number,
  onBytes: (bytes: Buffer) => void
): ((buffer: Buffer, held: number) => Effect.Effect<Piece, InputError>) => {
  const take = readAhead(source.handle, atOnce)
  let position = 0
  let started = false
  return (buffer, held) =>
    Effect.flatMap(
      attempt(source, () => take(buffer, held), "Read"),
      (taken) => {
        onBytes(buffer.subarray(held, held + taken))
        const ended = taken === 0
        const offset = position - held
        position += taken
        const total = held + taken
        const to = ended ? total : total - cutTail(buffer, total)
        const bytes = buffer.subarray(0, to)
        if (bytes.includes(0) || !isUtf8(bytes)) return Effect.flatMap(notText(source, bytes, offset), Effect.fail)
        const from = !started && bytes.subarray(0, 3).equals(byteOrderMark) ? 3 : 0
        started ||= to > 0
        return Effect.succeed({ from, to, total, ended })
      }
    )
}

/** Copies the next bytes behind those that a buffer holds, and says how many: none at the end. */
const readAhead = (handle: FileHandle, atOnce: number): ((buffer: Buffer, held: number) => Promise<number>) => {
  const bytes = Buffer.allocUnsafeSlow(atOnce)
  let position = 0
  /** What of `bytes` is still to be taken. */
  let [from, to] = [0, 0]
  const read = () => handle.read(bytes, 0, atOnce, position)
  let reading: ReturnType<typeof read> | undefined
  return async (buffer, held) => {
    if (from === to) {
      const { bytesRead } = await (reading ?? read())
      position += bytesRead
      ;[from, to] = [0, bytesRead]
    }
    const taken = bytes.copy(buffer, held, from, to)
    from += taken
    if (from === to && taken > 0) {
      reading = read()
      // whoever asks for these bytes is told
      reading.catch(() => undefined)
    }
    return taken
  }
}

const byteOrderMark = Buffer.from("\uFEFF")

/**
 * A pass over the text from the beginning: each run yields the next piece, cut between code points, and `undefined` at
 * the end.
 *
 * @since 0.1.0
 * @category reading
 */
export const reader = (
  source: Source,
  bufferSize: number,
  onBytes: (bytes: Buffer) => void = () => {}
): Effect.Effect<string | undefined, InputError> => {
  const buffer = Buffer.allocUnsafe(bufferSize + longestCodePoint)
  const fill = filler(source, bufferSize, onBytes)
  let held = 0
  let ended = false
  const next: Effect.Effect<string | undefined, InputError> = Effect.suspend(() =>
    ended
      ? Effect.succeed(undefined)
      : Effect.flatMap(fill(buffer, held), (piece) => {
          ended = piece.ended
          const text = textOf(buffer, piece.from, piece.to)
          buffer.copyWithin(0, piece.to, piece.total)
          held = piece.total - piece.to
          return text === "" ? next : Effect.succeed(text)
        })
  )
  return next
}

/**
 * In bytes; a buffer must have room for more than the beginning of one.
 *
 * @since 0.1.0
 */
export const longestCodePoint = 4

/**
 * The text of bytes that are UTF-8.
 *
 * @since 0.1.0
 * @category reading
 */
export const textOf = (bytes: Buffer, from: number, to: number): string =>
  bytes.toString(isAscii(bytes.subarray(from, to)) ? "latin1" : "utf8", from, to)

/**
 * Runs an operation on the file and says what its failure means.
 *
 * @since 0.1.0
 * @category reading
 */
export const attempt = <A>(
  input: Named,
  operation: () => Promise<A>,
  otherwise: InputErrorReason = "Unreadable"
): Effect.Effect<A, InputError> =>
  Effect.tryPromise({
    try: operation,
    catch: (cause) => {
      const code = (cause as NodeJS.ErrnoException).code
      if (code === "ENOENT" || code === "ENOTDIR") {
        return inputError(input, "NotFound", "does not exist", "Check the path.", { cause })
      }
      if (code === "EACCES" || code === "EPERM") {
        return inputError(input, "Unreadable", "may not be read", "Check the permissions of the file.", { cause })
      }
      return inputError(input, otherwise, `cannot be read (${code ?? cause})`, "Check the disk, and try again.", {
        cause
      })
    }
  })

const toFingerprint = ({ ino, mtimeMs, size }: Stats): Fingerprint => ({ size, mtimeMs, ino })

const spool = Effect.fnUntraced(function* (input: Named, stdin: AsyncIterable<Uint8Array>) {
  const folder = yield* Effect.acquireRelease(
    attempt(input, () => mkdtemp(join(tmpdir(), "genesys-dnc-")), "Read"),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
  )
  const file = join(folder, "standard-input")
  yield* Effect.tryPromise({
    try: (signal) =>
      pipeline(Readable.from(stdin), fs.createWriteStream(file, { mode: 0o600, flags: "wx" }), { signal }),
    catch: (cause) =>
      inputError(
        input,
        "Read",
        `could not be written to ${folder} (${(cause as NodeJS.ErrnoException).code ?? cause})`,
        "It is kept there while it is read; TMPDIR names another place.",
        { cause }
      )
  })
  return file
})

/** How many bytes at the end begin a code point and do not end it. */
const cutTail = (buffer: Buffer, total: number): number => {
  for (let back = 1; back <= 3 && back <= total; back++) {
    const byte = buffer[total - back]
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0
  }
  return 0
}

const notText = (source: Source, bytes: Buffer, offset: number): Effect.Effect<InputError, InputError> => {
  const nul = bytes.indexOf(0)
  let valid = 0
  let invalid = nul === -1 ? bytes.length : nul
  const isValid = (length: number) => isUtf8(bytes.subarray(0, length - cutTail(bytes, length)))
  if (nul !== -1 && isValid(nul)) valid = nul
  else {
    while (invalid - valid > 1) {
      const middle = (valid + invalid) >>> 1
      if (isValid(middle)) valid = middle
      else invalid = middle
    }
  }
  const what = valid === nul ? "holds a NUL byte, so it is binary or damaged" : "holds bytes that are not UTF-8 text"
  const hint =
    valid === nul
      ? "Save the numbers as CSV in UTF-8; if the file was copied, copy it again."
      : "Convert the file to UTF-8, for example: iconv -f WINDOWS-1252 -t UTF-8, or save it as “CSV UTF-8” in Excel."
  return Effect.map(lineAt(source, offset + valid), (line) => inputError(source, "Encoding", what, hint, { line }))
}

/** The line of an offset; only asked for when something is wrong there. */
const lineAt = Effect.fnUntraced(function* (source: Source, offset: number) {
  const buffer = Buffer.allocUnsafe(1 << 16)
  let line = 1
  let previous = 0
  for (let position = 0; position < offset; ) {
    const length = Math.min(buffer.length, offset - position)
    const { bytesRead } = yield* attempt(source, () => source.handle.read(buffer, 0, length, position), "Read")
    if (bytesRead === 0) break
    for (let i = 0; i < bytesRead; i++) {
      if (buffer[i] === 13 || (buffer[i] === 10 && previous !== 13)) line++
      previous = buffer[i]
    }
    position += bytesRead
  }
  return line
})

/**
 * Where a person's login is kept between runs: one file that only its owner can read.
 *
 * @since 0.1.0
 */
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { syncFolder } from "../OutputFile/syncFolder.js"

/**
 * @since 0.1.0
 * @category models
 */
export const Login = Schema.Struct({
  version: Schema.Literal(1),
  /** Where the login counts: its tokens are sent nowhere else. */
  apiUrl: Schema.NonEmptyString,
  loginUrl: Schema.NonEmptyString,
  clientId: Schema.NonEmptyString,
  /** ISO 8601. */
  signedInAt: Schema.String,
  /** Who it is, as far as Genesys Cloud told. */
  user: Schema.optional(Schema.String),
  accessToken: Schema.optional(Schema.Redacted(Schema.NonEmptyString)),
  /** Milliseconds since 1970. */
  accessTokenEndsAt: Schema.optional(Schema.Number),
  refreshToken: Schema.optional(Schema.Redacted(Schema.NonEmptyString))
})

/**
 * @since 0.1.0
 * @category models
 */
export type Login = typeof Login.Type

/**
 * Whether a login counts at these hosts.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isFor = (
  login: Login,
  hosts: { readonly apiUrl: string; readonly loginUrl?: string | undefined }
): boolean =>
  sameHost(login.apiUrl, hosts.apiUrl) && (hosts.loginUrl === undefined || sameHost(login.loginUrl, hosts.loginUrl))

const sameHost = (one: string, other: string): boolean => one.replace(/\/+$/, "") === other.replace(/\/+$/, "")

/**
 * The file cannot be read or written, or holds no login.
 *
 * @since 0.1.0
 * @category errors
 */
export class LoginFileError extends Schema.TaggedError<LoginFileError>("genesys-dnc/LoginFileError")("LoginFileError", {
  message: Schema.String,
  hint: Schema.String
}) {}

/**
 * @since 0.1.0
 * @category models
 */
export interface LoginFile {
  readonly path: string
  /** The login; `undefined` where there is no file. */
  readonly load: Effect.Effect<Login | undefined, LoginFileError>
  /** Replaces the file as a whole: whoever reads meanwhile sees the old login or the new one. On the disk when it returns. */
  readonly save: (login: Login) => Effect.Effect<void, LoginFileError>
  /** False where there was nothing to remove. */
  readonly remove: Effect.Effect<boolean, LoginFileError>
  /** Runs an effect while no other process does the same with this file. */
  readonly exclusive: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | LoginFileError, R>
}

/**
 * `GENESYS_DNC_LOGIN_FILE`, or `genesys-dnc/login.json` in `XDG_CONFIG_HOME` or `~/.config`.
 *
 * @since 0.1.0
 * @category configuration
 */
export const defaultPath: Effect.Effect<string> = Effect.gen(function* () {
  const given = yield* text("GENESYS_DNC_LOGIN_FILE")
  if (given !== undefined) return Path.resolve(given)
  const folder = (yield* text("XDG_CONFIG_HOME")) ?? Path.join(yield* home, ".config")
  return Path.join(folder, "genesys-dnc", "login.json")
})

const text = (name: string): Effect.Effect<string | undefined> =>
  Config.string(name).pipe(
    Effect.option,
    Effect.map((value) => Option.getOrUndefined(Option.filter(value, (text) => text.trim() !== "")))
  )

/**
 * The folder of the person who runs this.
 *
 * @since 0.1.0
 * @category configuration
 */
export const home: Effect.Effect<string> = Effect.suspend(() =>
  Effect.map(text("HOME"), (path) => path ?? Os.homedir())
)

const Stored = Schema.parseJson(Login)

/** A lock that is older than this was left behind: no request takes as long. */
const longestLock = 60_000

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (path: string): LoginFile => {
  const attempt = <A>(what: string, f: () => Promise<A>): Effect.Effect<A, LoginFileError> =>
    Effect.tryPromise({
      try: f,
      catch: (cause) =>
        new LoginFileError({
          message: `The login file ${path} cannot be ${what}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`,
          hint: "Check the path and its permissions, or name another one in GENESYS_DNC_LOGIN_FILE."
        })
    })

  const load = Effect.flatMap(
    attempt("read", () => orWhereMissing(Fs.readFile(path, "utf8"), undefined)),
    (content) =>
      content === undefined
        ? Effect.succeed(undefined)
        : Effect.mapError(
            Schema.decodeUnknown(Stored)(content),
            (error) =>
              new LoginFileError({
                // the paths only: the values may be tokens
                message: `The login file ${path} holds no login: wrong at ${ParseResult.ArrayFormatter.formatErrorSync(
                  error
                )
                  .map((issue) => issue.path.join(".") || "the whole file")
                  .join(", ")}`,
                hint: "Run genesys-dnc login again."
              })
          )
  )

  const save = (login: Login) =>
    Effect.uninterruptible(
      attempt("written", async () => {
        await prepare(path)
        const content = Schema.encodeSync(Schema.parseJson(Login, { space: 2 }))(login)
        const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`
        try {
          const file = await Fs.open(temporary, "wx", 0o600)
          try {
            await file.writeFile(`${content}\n`)
            await file.sync()
          } finally {
            await file.close()
          }
          await Fs.rename(temporary, path)
          await syncFolder(path)
        } catch (error) {
          await Fs.rm(temporary, { force: true })
          throw error
        }
      })
    )

  const remove = attempt("removed", () =>
    orWhereMissing(
      Fs.unlink(path).then(() => true),
      false
    )
  )

  const lock = `${path}.lock`

  const tryLock = attempt("locked", async () => {
    await prepare(path)
    try {
      const file = await Fs.open(lock, "wx", 0o600)
      await file.close()
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
      const age = await orWhereMissing(
        Fs.stat(lock).then(({ mtimeMs }) => Date.now() - mtimeMs),
        0
      )
      if (age > longestLock) await Fs.rm(lock, { force: true })
      return false
    }
  })

  const acquire: Effect.Effect<void, LoginFileError> = Effect.flatMap(tryLock, (locked) =>
    locked ? Effect.void : Effect.zipRight(Effect.interruptible(Effect.sleep("100 millis")), acquire)
  )

  return {
    path,
    load,
    save,
    remove,
    exclusive: (effect) =>
      Effect.acquireUseRelease(
        acquire,
        () => effect,
        () => Effect.promise(() => Fs.rm(lock, { force: true }).catch(() => undefined))
      )
  }
}

/** What is made on the way is for the owner alone. */
const prepare = (path: string): Promise<unknown> => Fs.mkdir(Path.dirname(path), { recursive: true, mode: 0o700 })

const orWhereMissing = <A, B>(promise: Promise<A>, missing: B): Promise<A | B> =>
  promise.catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return missing
    throw error
  })

/**
 * The key that numbers in the audit log are hashed with: the configuration's, or a file's beside the log.
 *
 * @since 0.1.0
 */
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as AuditSink from "../AuditSink.js"
import { AuditError, type Options } from "../AuditSink.js"
import { syncFolder } from "../OutputFile/syncFolder.js"

const pathOf = (log: string): string => `${log}.key`

/**
 * `GENESYS_DNC_AUDIT_KEY`, or what is in the file beside the log; nothing where there is none yet.
 *
 * @since 0.1.0
 */
export const existingKey = (log: string): Effect.Effect<Redacted.Redacted | undefined, AuditError> =>
  Effect.gen(function* () {
    const given = yield* Effect.option(Config.redacted("GENESYS_DNC_AUDIT_KEY"))
    if (Option.isSome(given) && Redacted.value(given.value) !== "") return given.value
    const text = yield* attempt(log, () =>
      Fs.readFile(pathOf(log), "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error
      })
    )
    if (text === undefined) return undefined
    return /^[0-9a-f]{64}$/.test(text.trim())
      ? Redacted.make(text.trim())
      : yield* new AuditError({
          message: `${pathOf(log)} holds no key`,
          hint: "It should have 64 hexadecimal digits. Put back the file as it was: what was hashed with another key cannot be searched with this one."
        })
  })

/**
 * The key, made at its first use: 32 random bytes in hex, readable by the owner alone.
 *
 * @since 0.1.0
 */
export const keyFor = (log: string): Effect.Effect<Redacted.Redacted, AuditError> =>
  Effect.flatMap(existingKey(log), (key) =>
    key !== undefined
      ? Effect.succeed(key)
      : Effect.zipRight(
          attempt(log, () => create(pathOf(log))),
          keyFor(log)
        )
  )

/**
 * How numbers stand in the log of a file, where that is left open: hashed, or, where no key can be made beside it, masked.
 * A key that is there and cannot be used is a failure in any case.
 *
 * @since 0.1.0
 */
export const withKey = (log: string, options: Options = {}): Effect.Effect<Options, AuditError> =>
  Effect.gen(function* () {
    const { hashKey, numbers = "hashed" } = options
    if (numbers !== "hashed" || hashKey !== undefined) return { ...options, numbers }
    if (options.numbers === "hashed") return { ...options, hashKey: yield* keyFor(log) }
    const key = yield* existingKey(log)
    if (key !== undefined) return { ...options, numbers, hashKey: key }
    if (!(yield* Effect.promise(() => isPlace(log)))) return { ...options, numbers: "masked" }
    return yield* Effect.catchAll(
      Effect.map(keyFor(log), (hashKey): Options => ({ ...options, numbers, hashKey })),
      ({ message }) =>
        Effect.as(Effect.logWarning(`Numbers stand masked in the audit log: ${message}`), {
          ...options,
          numbers: "masked" as const
        })
    )
  })

/**
 * The log of a file, with its numbers {@link withKey}.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFile = (log: string, options?: Options): Layer.Layer<AuditSink.AuditSink, AuditError> =>
  Layer.unwrapEffect(Effect.map(withKey(log, options), (keyed) => AuditSink.layerFile(log, keyed)))

/** A device or a pipe cannot be searched later; where there is no folder the log itself will say so. */
const isPlace = (log: string): Promise<boolean> =>
  Fs.stat(log).then(
    (stat) => stat.isFile(),
    () =>
      Fs.stat(Path.dirname(log)).then(
        () => true,
        () => false
      )
  )

/** There whole or not at all, and never in the place of one that another process has just made. */
const create = async (path: string): Promise<void> => {
  const partial = `${path}.${randomBytes(6).toString("hex")}.partial`
  try {
    const file = await Fs.open(partial, "wx", 0o600)
    try {
      await file.writeFile(`${randomBytes(32).toString("hex")}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await Fs.link(partial, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error
    })
    await syncFolder(path)
  } finally {
    await Fs.rm(partial, { force: true })
  }
}

const attempt = <A>(log: string, f: () => Promise<A>): Effect.Effect<A, AuditError> =>
  Effect.tryPromise({
    try: f,
    catch: (cause) =>
      new AuditError({
        message: `The key ${pathOf(log)} cannot be used: ${(cause as Error).message}`,
        hint: "Check the folder and its permissions, or set GENESYS_DNC_AUDIT_KEY to a long random text, and keep it."
      })
  })

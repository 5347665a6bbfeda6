/** The key that numbers in the audit log are hashed with: the environment's, or a file's beside the log. */
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { ConfigurationError } from "../GenesysDnc.js"
import { syncFolder } from "../OutputFile/syncFolder.js"

const pathOf = (audit: string): string => `${audit}.key`

/** Nothing where there is none yet. */
export const existingKey = (audit: string): Effect.Effect<Redacted.Redacted | undefined, ConfigurationError> =>
  Effect.gen(function* () {
    const given = yield* Effect.option(Config.redacted("GENESYS_DNC_AUDIT_KEY"))
    if (Option.isSome(given) && Redacted.value(given.value) !== "") return given.value
    const text = yield* attempt(audit, () =>
      Fs.readFile(pathOf(audit), "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error
      })
    )
    if (text === undefined) return undefined
    return /^[0-9a-f]{64}$/.test(text.trim())
      ? Redacted.make(text.trim())
      : yield* new ConfigurationError({
          message: `${pathOf(audit)} holds no key`,
          hint: "It should have 64 hexadecimal digits. Put back the file as it was: what was hashed with another key cannot be searched with this one."
        })
  })

/** The key, made at its first use: 32 random bytes in hex, readable by the owner alone. */
export const keyFor = (audit: string): Effect.Effect<Redacted.Redacted, ConfigurationError> =>
  Effect.flatMap(existingKey(audit), (key) =>
    key !== undefined
      ? Effect.succeed(key)
      : Effect.zipRight(
          attempt(audit, () => create(pathOf(audit))),
          keyFor(audit)
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

const attempt = <A>(audit: string, f: () => Promise<A>): Effect.Effect<A, ConfigurationError> =>
  Effect.tryPromise({
    try: f,
    catch: (cause) =>
      new ConfigurationError({
        message: `The key ${pathOf(audit)} cannot be used: ${(cause as Error).message}`,
        hint: "Check the folder and its permissions, or set GENESYS_DNC_AUDIT_KEY to a long random text, and keep it."
      })
  })

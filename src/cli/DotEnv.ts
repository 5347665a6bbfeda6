/** `.env` below the environment: variable by variable, but for credentials, of which one kind replaces the others. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as PlatformConfigProvider from "@effect/platform/PlatformConfigProvider"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"

const client = ["GENESYSCLOUD_OAUTHCLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_SECRET"]

/**
 * Kinds of credentials that are one variable. Among equals a client goes before a token, and a token before a profile; but
 * a client of `.env` must not go before a token of the environment.
 */
const kinds = ["GENESYSCLOUD_ACCESS_TOKEN", "GENESYSCLOUD_PROFILE"]

/** What nobody else is to read. */
const secrets = ["GENESYSCLOUD_OAUTHCLIENT_SECRET", "GENESYSCLOUD_ACCESS_TOKEN", "GENESYS_DNC_AUDIT_KEY"]

/** Says so where others than the owner may read a file with secrets in it; Windows keeps that elsewhere. */
const warnIfOpen = (path: string, file: ConfigProvider.ConfigProvider) =>
  Effect.gen(function* () {
    if (process.platform === "win32") return
    const { mode } = yield* Effect.flatMap(FileSystem.FileSystem, (fs) => fs.stat(path))
    if ((mode & 0o077) === 0) return
    const values = yield* Effect.forEach(secrets, (name) =>
      Effect.orElseSucceed(file.load(Config.string(name)), () => "")
    )
    if (values.some((value) => value.trim() !== "")) {
      yield* Effect.logWarning(
        `${path} holds a secret, and others on this machine may read it (mode ${(mode & 0o777).toString(8)}): chmod 600 ${path}`
      )
    }
  }).pipe(Effect.ignore)

/** Adds what stands in a file, if it is there, to the variables that there are. */
export const layer = (path: string): Layer.Layer<never, never, FileSystem.FileSystem> =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const file = yield* Effect.either(PlatformConfigProvider.fromDotEnv(path))
      if (Either.isLeft(file)) return Layer.empty
      yield* warnIfOpen(path, file.right)
      const set = yield* Effect.filter(kinds, (name) =>
        Effect.map(
          Effect.orElseSucceed(Config.string(name), () => ""),
          (value) => value.trim() !== ""
        )
      )
      const rest = set.length === 0 ? file.right : without(file.right, [...client, ...kinds])
      return yield* Effect.configProviderWith((environment) =>
        Effect.succeed(Layer.setConfigProvider(ConfigProvider.orElse(environment, () => rest)))
      )
    })
  )

const without = (provider: ConfigProvider.ConfigProvider, names: ReadonlyArray<string>) => {
  const { flattened } = provider
  return ConfigProvider.fromFlat(
    ConfigProvider.makeFlat({
      ...flattened,
      load: (path, primitive, split) =>
        names.includes(path.join("_"))
          ? Effect.fail(ConfigError.MissingData([...path], "it stands in .env, but others are in the environment"))
          : flattened.load(path, primitive, split)
    })
  )
}

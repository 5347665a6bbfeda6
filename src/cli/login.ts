/** `genesys-dnc login` and `genesys-dnc logout`. */
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Answer from "../Answer.js"
import * as SignIn from "../Auth/signIn.js"
import * as Auth from "../Auth.js"
import * as Connection from "../GenesysDnc/connection.js"
import * as Undici from "../HttpClient/undici.js"
import * as options from "./options/basic.js"

/** What the vendor's CLI proposes, so many an OAuth client names it already. */
const usualPort = 8080

const toClientId = (given: string | undefined): Effect.Effect<string, options.UsageError> =>
  Effect.gen(function* () {
    const id = given ?? Option.getOrUndefined(yield* Effect.option(Config.string("GENESYSCLOUD_OAUTHCLIENT_ID")))
    return id === undefined || id.trim() === ""
      ? yield* new options.UsageError({
          message: "No OAuth client is given",
          hint: "Use --client-id ID, or set GENESYSCLOUD_OAUTHCLIENT_ID: a client with the grant Code Authorization."
        })
      : id.trim()
  })

const { apiUrl, loginUrl, region } = options.connection

export const login = Command.make(
  "login",
  {
    clientId: Options.text("client-id").pipe(
      Options.withDescription(
        "OAuth client with the grant Code Authorization; GENESYSCLOUD_OAUTHCLIENT_ID if not given"
      ),
      Options.optional,
      Options.map(Option.getOrUndefined)
    ),
    port: Options.integer("port").pipe(
      Options.withDescription("The OAuth client must name http://localhost:PORT as redirect URI; 0 takes a free port"),
      Options.withDefault(usualPort)
    ),
    noBrowser: Options.boolean("no-browser").pipe(Options.withDescription("Only print the page to open")),
    apiUrl,
    loginUrl,
    region
  },
  (given) =>
    Effect.gen(function* () {
      const clientId = yield* toClientId(given.clientId)
      const hosts = yield* Connection.hosts(given)
      if (given.port < 0 || given.port > 65_535) {
        return yield* new options.UsageError({ message: `--port ${given.port} is no port`, hint: "Use 0 to 65535." })
      }
      const file = Auth.LoginFile.make(yield* Auth.LoginFile.defaultPath)
      const signedIn = yield* SignIn.signIn(
        {
          loginUrl: hosts.loginUrl,
          clientId,
          port: given.port,
          patience: Duration.minutes(5),
          show: (url) =>
            Effect.sync(() => {
              process.stderr.write(`To sign in, open this page:\n\n  ${url}\n\n`)
              if (!given.noBrowser) open(url)
            }),
          warn: (words) => Effect.sync(() => process.stderr.write(`${words}\n`))
        },
        (issued) =>
          Effect.gen(function* () {
            const user = yield* whoIs(hosts.apiUrl, issued.token)
            const login: Auth.LoginFile.Login = {
              version: 1,
              ...hosts,
              clientId,
              signedInAt: new Date().toISOString(),
              ...(user === undefined ? {} : { user }),
              accessToken: issued.token,
              accessTokenEndsAt: issued.endsAt,
              ...(issued.refreshToken === undefined ? {} : { refreshToken: issued.refreshToken })
            }
            // a run that is renewing the old login would write it over this one
            yield* file.exclusive(file.save(login))
            return login
          })
      )
      process.stdout.write(describe(signedIn, file.path))
    }).pipe(Effect.provide(Undici.layer))
).pipe(Command.withDescription("Sign in with a browser; the other commands use the login then."))

const describe = (login: Auth.LoginFile.Login, path: string): string =>
  [
    `Signed in at ${login.apiUrl}${login.user === undefined ? "" : ` as ${login.user}`}.`,
    login.refreshToken === undefined
      ? `Genesys Cloud gave no refresh token: the login ends at ${new Date(login.accessTokenEndsAt!).toISOString()}, and has to be repeated then.`
      : "It is renewed by itself.",
    `Kept in ${path}; genesys-dnc logout removes it.`,
    ""
  ].join("\n")

/** For the person's eyes alone: no failure here is one of the login. */
const whoIs = (
  apiUrl: string,
  token: Redacted.Redacted
): Effect.Effect<string | undefined, never, PlatformHttpClient.HttpClient> =>
  Effect.gen(function* () {
    const client = yield* PlatformHttpClient.HttpClient
    const request = HttpClientRequest.get(`${apiUrl.replace(/\/+$/, "")}/api/v2/users/me?expand=organization`).pipe(
      HttpClientRequest.bearerToken(token)
    )
    const { body } = yield* Answer.send(client, request, Duration.seconds(10))
    const { email, name, organization } = (body ?? {}) as Readonly<Record<string, unknown>>
    const orgName = (organization as { readonly name?: unknown } | undefined)?.name
    const words = [
      typeof name === "string" ? name : "",
      typeof email === "string" ? `<${email}>` : "",
      typeof orgName === "string" ? `of ${orgName}` : ""
    ].filter((word) => word !== "")
    return words.length === 0 ? undefined : words.join(" ").replace(/\p{Cc}+/gu, " ")
  }).pipe(Effect.orElseSucceed(() => undefined))

/** The page is printed as well, so it does not matter if there is no browser. */
const open = (url: string): void => {
  const [command, ...args] =
    process.platform === "darwin"
      ? ["open", url]
      : process.platform === "win32"
        ? ["rundll32", "url.dll,FileProtocolHandler", url]
        : ["xdg-open", url]
  spawn(command, args, { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref()
}

export const logout = Command.make("logout", {}, () =>
  Effect.gen(function* () {
    const file = Auth.LoginFile.make(yield* Auth.LoginFile.defaultPath)
    const removed = Fs.existsSync(file.path) && (yield* file.exclusive(file.remove))
    process.stdout.write(removed ? `Removed ${file.path}.\n` : `Nobody was signed in: there is no ${file.path}.\n`)
  })
).pipe(Command.withDescription("Remove the login that genesys-dnc login keeps."))

/** Who asks and where: the order of precedence, profiles of the vendor's CLI, and names of regions. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { inspect } from "node:util"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Auth, GenesysDnc, Region } from "genesys-dnc"
import * as DotEnv from "../../src/cli/DotEnv.js"
import { folder } from "../support/cli.js"

const gcProfiles = `# written by hand
[DEFAULT]
environment="mypurecloud.com"  # the usual one
client_credentials="def-id"
client_secret="def # \\"s3cret\\""

[eu]
  access_token = ''
  client_credentials = 'eu-id'
  client_secret = 'eu-s3cret'
  environment = "eu-west-1"
  grant_type = "1"
  logging_enabled = false

["With Space"]
environment = mypurecloud.de
access_token = 'pr0file-token'

[person]
environment = "mypurecloud.ie"
grant_type = "3"
client_credentials = "person-id"
client_secret = "person-s3cret"
redirect_uri = "http://localhost:8080"

[gate]
environment = "mypurecloud.ie"
client_credentials = "gate-id"
client_secret = "gate-s3cret"
gateway_host = 'gate.example'
`

/** A home with profiles, and with a login for Ireland if that is wanted. */
const home = (signedIn = false) =>
  Effect.gen(function* () {
    const path = yield* folder
    Fs.mkdirSync(Path.join(path, ".gc"))
    Fs.writeFileSync(Path.join(path, ".gc", "config.toml"), gcProfiles)
    if (signedIn) {
      const file = Auth.LoginFile.make(Path.join(path, ".config", "genesys-dnc", "login.json"))
      yield* file.save({
        version: 1,
        apiUrl: "https://api.mypurecloud.ie",
        loginUrl: "https://login.mypurecloud.ie",
        clientId: "person",
        signedInAt: "2026-01-01T00:00:00.000Z",
        refreshToken: Redacted.make("r3fresh")
      })
    }
    return path
  })

const connection = (variables: Readonly<Record<string, string>> | undefined, given?: GenesysDnc.Given) =>
  GenesysDnc.connection(given).pipe(
    Effect.tap((found) => {
      for (const shown of [JSON.stringify(found), inspect(found, { depth: 9 })]) assert.notMatch(shown, /s3cret|-token/)
    }),
    Effect.map(({ apiUrl, credentials, loginUrl }) => [
      apiUrl.replace("https://api.", ""),
      loginUrl?.replace("https://login.", ""),
      "clientId" in credentials
        ? `${credentials.clientId} ${Redacted.value(credentials.clientSecret)}`
        : "accessToken" in credentials
          ? Redacted.value(credentials.accessToken)
          : Path.basename(credentials.loginFile)
    ]),
    variables === undefined
      ? identity
      : Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))
  )

const client = { GENESYSCLOUD_OAUTHCLIENT_ID: "id", GENESYSCLOUD_OAUTHCLIENT_SECRET: "s3cret" }
const ireland = { GENESYSCLOUD_REGION: "eu-west-1" }
const token = { GENESYSCLOUD_ACCESS_TOKEN: "a-token" }

describe("connection", () => {
  it.scoped("profile of the call, client, token, profile of the environment, login", () =>
    Effect.gen(function* () {
      const env = { HOME: yield* home(true), ...ireland }
      const profile = { GENESYSCLOUD_PROFILE: "default" }
      const everything = { ...env, ...client, ...token, ...profile }
      const ie = "mypurecloud.ie"
      assert.deepStrictEqual(yield* connection(everything, { profile: "With space" }), [
        "mypurecloud.de",
        "mypurecloud.de",
        "pr0file-token"
      ])
      assert.deepStrictEqual(yield* connection(everything), [ie, ie, "id s3cret"])
      assert.deepStrictEqual(yield* connection({ ...env, ...token, ...profile }), [ie, ie, "a-token"])
      assert.deepStrictEqual(yield* connection({ ...env, ...profile }), [ie, ie, 'def-id def # "s3cret"'])
      assert.deepStrictEqual(yield* connection(env), [ie, ie, "login.json"])
    })
  )

  it.scoped("what is in the environment goes before what is in .env, whatever its kind", () =>
    Effect.gen(function* () {
      const env = { HOME: yield* home(), ...ireland }
      const here = yield* folder
      const asked = (
        dotEnv: Readonly<Record<string, string>> | undefined,
        variables: Readonly<Record<string, string>>
      ) => {
        const path = Path.join(here, ".env")
        const lines = Object.entries(dotEnv ?? {}).map(([name, value]) => `${name}=${value}\n`)
        if (dotEnv === undefined) Fs.rmSync(path)
        else Fs.writeFileSync(path, lines.join(""))
        const found = Effect.suspend(() => connection(undefined)).pipe(
          Effect.provide(Layer.provide(DotEnv.layer(path), NodeFileSystem.layer)),
          Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries({ ...env, ...variables }))))
        )
        return Effect.map(found, ([, , who]) => who)
      }
      const profile = { GENESYSCLOUD_PROFILE: "eu" }
      const [{ GENESYSCLOUD_OAUTHCLIENT_ID: _, ...secret }, other] = [client, { GENESYSCLOUD_OAUTHCLIENT_ID: "other" }]
      assert.strictEqual(yield* asked(client, {}), "id s3cret")
      assert.strictEqual(yield* asked(client, token), "a-token")
      assert.strictEqual(yield* asked(secret, { ...other, ...token }), "a-token")
      assert.strictEqual(yield* asked({ ...client, ...token }, profile), "eu-id eu-s3cret")
      assert.strictEqual(yield* asked(token, client), "id s3cret")
      assert.strictEqual(yield* asked(client, other), "other s3cret")
      assert.strictEqual(yield* asked(client, { GENESYSCLOUD_ACCESS_TOKEN: " " }), "id s3cret")
      assert.strictEqual(yield* asked(token, {}), "a-token")
      assert.strictEqual(yield* asked(undefined, client), "id s3cret")
    })
  )

  it.scoped("a profile says where, unless the call does, or the environment beside it", () =>
    Effect.gen(function* () {
      const env = { HOME: yield* home() }
      const where = (variables: Record<string, string>, given?: GenesysDnc.Given) =>
        Effect.map(connection({ ...env, ...variables }, given), ([api, login]) => [api, login])
      const profile = { GENESYSCLOUD_PROFILE: "EU" }
      const [ie, de, com] = ["mypurecloud.ie", "mypurecloud.de", "mypurecloud.com"]
      assert.deepStrictEqual(yield* where(profile), [ie, ie])
      assert.deepStrictEqual(yield* where({ ...profile, GENESYSCLOUD_REGION: de }), [de, de])
      assert.deepStrictEqual(yield* where({ GENESYSCLOUD_REGION: de }, { profile: "eu" }), [ie, ie])
      assert.deepStrictEqual(yield* where({}, { profile: "eu", region: com }), [com, com])
      assert.deepStrictEqual(yield* where(profile, { apiUrl: "http://here" }), ["http://here", "http://here"])
    })
  )

  it.scoped("a profile that cannot be used says why", () =>
    Effect.gen(function* () {
      const env = { HOME: yield* home() }
      const failed = (profile: string, variables: Record<string, string> = env) =>
        Effect.map(Effect.flip(connection(variables, { profile })), ({ hint, message }) => `${message}. ${hint}`)
      assert.match(yield* failed("nobody"), /no profile "nobody". There are: default, eu, with space, person, gate\./)
      assert.match(yield* failed("person"), /genesys-dnc login/)
      assert.match(yield* failed("gate"), /gateway/)
      assert.match(yield* failed("eu", { HOME: yield* folder }), /cannot be read.*ENOENT/)
    })
  )

  it.scoped("a login says where; for other hosts it is not used", () =>
    Effect.gen(function* () {
      const path = yield* home(true)
      const env = { HOME: path }
      const ie = ["mypurecloud.ie", "mypurecloud.ie", "login.json"]
      assert.deepStrictEqual(yield* connection(env), ie)
      assert.deepStrictEqual(yield* connection({ ...env, GENESYSCLOUD_OAUTHCLIENT_ID: "person" }), ie)
      for (const given of [
        { region: "eu-central-1" },
        { apiUrl: "http://here" },
        { ...ireland, loginUrl: "http://x" }
      ]) {
        const error = yield* Effect.flip(connection({ ...env, ...ireland }, given))
        assert.match(error.message, /^No credentials/)
        assert.match(error.hint, /The login that is kept is for https:\/\/api\.mypurecloud\.ie/)
      }
      const elsewhere = Path.join(path, "login.json")
      Fs.renameSync(Path.join(path, ".config", "genesys-dnc", "login.json"), elsewhere)
      assert.strictEqual((yield* Effect.flip(connection(env)))._tag, "ConfigurationError")
      assert.deepStrictEqual(yield* connection({ ...env, GENESYS_DNC_LOGIN_FILE: elsewhere }), ie)
      Fs.mkdirSync(Path.join(path, "genesys-dnc"))
      Fs.renameSync(elsewhere, Path.join(path, "genesys-dnc", "login.json"))
      assert.deepStrictEqual(yield* connection({ HOME: "/nowhere", XDG_CONFIG_HOME: path }), ie)
    })
  )
})

describe("Region", () => {
  it("knows a region by whatever of it people copy", () => {
    for (const domain of Object.values(Region.domains)) {
      const expected = { apiUrl: `https://api.${domain}`, loginUrl: `https://login.${domain}` }
      for (const host of [
        `https://api.${domain}`,
        `https://login.${domain}/`,
        `apps.${domain}`,
        `API.${domain}:443/x`
      ]) {
        assert.deepStrictEqual(Region.hosts(host), expected)
      }
    }
    assert.strictEqual(Region.hosts("me_central_1")?.apiUrl, "https://api.mec1.pure.cloud")
    for (const none of [
      "api.",
      "https://api.evil.mypurecloud.com",
      "api.mypurecloud.com.evil.example",
      "pure.cloud",
      ""
    ]) {
      assert.isUndefined(Region.hosts(none), none)
    }
  })

  it("says what may have been meant", () => {
    const cases: ReadonlyArray<readonly [string, string]> = [
      ["eu-centrl-1", "eu-central-1"],
      ["mypurecluod.com", "mypurecloud.com"],
      ["https://api.use2.pure.cloud", "usw2.pure.cloud"],
      ["ap_southest_2", "ap-southeast-2"]
    ]
    for (const [said, meant] of cases) assert.include(Region.explainUnknown(said), `Did you mean ${meant}?`)
    for (const said of ["atlantis", "x", "api.us.genesys.cloud", "https://api.eu.genesyscloud.com/"]) {
      assert.notInclude(Region.explainUnknown(said), "Did you mean")
      assert.include(Region.explainUnknown(said), "eu-central-1 (mypurecloud.de)")
    }
    assert.match(
      Region.explainUnknown("https://api.eu.genesyscloud.com/"),
      /No region's hosts are below genesyscloud\.com/
    )
    assert.match(Region.explainUnknown("api.us.genesys.cloud"), /below genesys\.cloud/)
  })
})

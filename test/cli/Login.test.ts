/** `genesys-dnc login` as a process; the test, or a program that passes for one, is the browser. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Faults, Sandbox } from "genesys-dnc/sandbox"
import * as ExitCode from "../../src/cli/ExitCode.js"
import { call } from "../sandbox/support.js"
import { csv, folder, mode, onList, run, start, until } from "../support/cli.js"

const timeout = 120_000

/** A person with a home, and a sandbox to sign in to. */
const person = (options?: Partial<Sandbox.Options>) =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.make(options)
    const cwd = yield* folder
    const path = Path.join(cwd, "home", ".config", "genesys-dnc", "login.json")
    const env = {
      HOME: Path.join(cwd, "home"),
      GENESYS_DNC_API_URL: sandbox.url,
      GENESYSCLOUD_OAUTHCLIENT_ID: sandbox.clientId
    }
    Fs.writeFileSync(Path.join(cwd, "optouts.csv"), csv(2))
    const login = (...args: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const started = yield* start(["login", "--port", "0", "--no-browser", ...args], { cwd, env })
        yield* until("the page to open", () => /authorize\?\S+\n/.test(started.stderr()))
        return { ...started, url: /https?:\S+authorize\?\S+/.exec(started.stderr())![0] }
      })
    const push = (...args: ReadonlyArray<string>) =>
      run(["push", "optouts.csv", "--list", sandbox.listId, ...args], { cwd, env })
    const stored = () => JSON.parse(Fs.readFileSync(path, "utf8"))
    return { sandbox, cwd, path, env, login, push, stored }
  })

const noSecret = (secrets: ReadonlyArray<string>, ...texts: ReadonlyArray<string>) => {
  for (const secret of secrets) for (const text of texts) assert.notInclude(text, secret)
}

describe("genesys-dnc login", { timeout }, () => {
  it.scopedLive("signs in, the other commands use it and renew it, logout ends it; no token shows anywhere", () =>
    Effect.gen(function* () {
      const { cwd, env, login, path, push, sandbox, stored } = yield* person()
      const signingIn = yield* login()
      assert.match((yield* call(signingIn.url)).text, /Signed in/)
      const ended = yield* signingIn.ended
      assert.strictEqual(ended.code, ExitCode.done, ended.stderr)
      assert.match(ended.stdout, /^Signed in at http.* as Sandy Box <sandy\.box@example\.com> of sandbox\.\n/)
      assert.match(ended.stdout, /renewed by itself/)
      assert.include(ended.stdout, path)
      assert.strictEqual(mode(path), 0o600)
      assert.strictEqual(mode(Path.dirname(path)), 0o700)
      const first = stored()
      assert.include(first, { apiUrl: sandbox.url, loginUrl: sandbox.url, clientId: "sandbox" })

      const pushed = yield* push()
      assert.strictEqual(pushed.code, ExitCode.done, pushed.stderr)
      assert.strictEqual(onList(sandbox).size, 2)
      // the access token was left over
      assert.strictEqual((yield* sandbox.stats).tokensIssued, 1)

      yield* sandbox.inject(Faults.expireTokens)
      const again = yield* push("--json")
      assert.strictEqual(again.code, ExitCode.done, again.stderr)
      const second = stored()
      assert.notStrictEqual(second.refreshToken, first.refreshToken)
      assert.strictEqual(mode(path), 0o600)

      // somebody else uses the refresh token: all of them end
      Fs.writeFileSync(path, JSON.stringify(first))
      yield* sandbox.inject(Faults.expireTokens)
      const refused = yield* push()
      assert.strictEqual(refused.code, ExitCode.aborted)
      assert.match(refused.stderr, /Run genesys-dnc login again/)

      const log = Fs.readFileSync(Path.join(cwd, "genesys-dnc-audit.jsonl"), "utf8")
      const secrets = [first, second].flatMap(({ accessToken, refreshToken }) => [accessToken, refreshToken])
      assert.strictEqual(new Set(secrets).size, 4)
      noSecret(secrets, log, ...[ended, pushed, again, refused].flatMap(({ stderr, stdout }) => [stderr, stdout]))

      const out = yield* run(["logout"], { cwd, env })
      assert.strictEqual(out.stdout, `Removed ${path}.\n`)
      assert.isFalse(Fs.existsSync(path))
      const nobody = yield* push()
      assert.strictEqual(nobody.code, ExitCode.wrongUsage)
      assert.match(nobody.stderr, /GENESYSCLOUD_OAUTHCLIENT_SECRET is not set\n.*sign in with genesys-dnc login/)
    })
  )

  it.scopedLive("opens a browser, and says so honestly where no refresh token came", () =>
    Effect.gen(function* () {
      const { cwd, env, path, stored } = yield* person({ refreshTokens: false, tokenLifetimeSeconds: 900 })
      const bin = Path.join(cwd, "bin")
      Fs.mkdirSync(bin)
      const browser = `#!${process.execPath}\nfetch(process.argv[2])\n`
      for (const name of ["xdg-open", "open"]) Fs.writeFileSync(Path.join(bin, name), browser, { mode: 0o755 })
      const ended = yield* run(["login", "--port=0"], {
        cwd,
        env: { ...env, PATH: `${bin}:${process.env["PATH"]}`, GENESYS_DNC_LOGIN_FILE: "kept/here.json" }
      })
      assert.strictEqual(ended.code, ExitCode.done, ended.stderr)
      assert.match(ended.stderr, /To sign in, open this page:\n\n {2}http\S+authorize\?/)
      assert.match(ended.stdout, /gave no refresh token: the login ends at \d{4}-.*Z, and has to be repeated then/)
      assert.isFalse(Fs.existsSync(path))
      assert.strictEqual(mode(Path.join(cwd, "kept", "here.json")), 0o600)
      assert.throws(stored)
    })
  )

  it.scopedLive("a refusal, and an answer of another sign-in, are shown in the terminal: 1", () =>
    Effect.gen(function* () {
      const { login, path } = yield* person({ signIn: "deny" })
      const signingIn = yield* login()
      const callback = new URL(signingIn.url).searchParams.get("redirect_uri")
      assert.strictEqual((yield* call(`${callback}/?code=stolen&state=other`)).status, 400)
      yield* until("the warning", () => signingIn.stderr().includes("An answer of another sign-in came"))
      assert.match((yield* call(signingIn.url)).text, /access_denied/)
      const { code, stderr, stdout } = yield* signingIn.ended
      assert.strictEqual(code, ExitCode.aborted)
      assert.match(stderr, /genesys-dnc: The login host did not sign anybody in: access_denied/)
      assert.notInclude(stderr, "stolen")
      assert.strictEqual(stdout, "")
      assert.isFalse(Fs.existsSync(path))
    })
  )

  it.scopedLive("Ctrl-C: 130, and nothing is kept", () =>
    Effect.gen(function* () {
      const { login, path } = yield* person()
      const signingIn = yield* login()
      signingIn.signal("SIGINT")
      assert.strictEqual((yield* signingIn.ended).code, ExitCode.interrupted)
      assert.isFalse(Fs.existsSync(path))
    })
  )

  it.scopedLive.each([
    ["no client", { GENESYSCLOUD_OAUTHCLIENT_ID: "" }, [], /No OAuth client is given/],
    ["a region that is not there", {}, ["--region", "eu-centrl-1"], /Did you mean eu-central-1\?/]
  ] as ReadonlyArray<readonly [string, Record<string, string>, ReadonlyArray<string>, RegExp]>)(
    "%s: 2",
    ([, other, args, said]) =>
      Effect.gen(function* () {
        const { cwd, env } = yield* person()
        const { code, stderr } = yield* run(["login", "--no-browser", ...args], { cwd, env: { ...env, ...other } })
        assert.match(stderr, said)
        assert.strictEqual(code, ExitCode.wrongUsage)
      })
  )

  it.scopedLive("a profile of the vendor's CLI is enough to push, and its secret does not show", () =>
    Effect.gen(function* () {
      const { cwd, env, sandbox } = yield* person({ clientSecret: "gc-s3cret" })
      Fs.mkdirSync(Path.join(env.HOME, ".gc"), { recursive: true })
      Fs.writeFileSync(
        Path.join(env.HOME, ".gc", "config.toml"),
        `[acme]\nenvironment = "mypurecloud.ie"\nclient_credentials = 'sandbox'\nclient_secret = 'gc-s3cret'\n`
      )
      const args = ["push", "optouts.csv", "--list", sandbox.listId, "--profile", "ACME", "--api-url", sandbox.url]
      const { code, stderr, stdout } = yield* run(args, { cwd, env })
      assert.strictEqual(code, ExitCode.done, stderr)
      assert.strictEqual(onList(sandbox).size, 2)
      noSecret(["gc-s3cret"], stdout, stderr, Fs.readFileSync(Path.join(cwd, "genesys-dnc-audit.jsonl"), "utf8"))
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Auth } from "genesys-dnc"
import { Faults, Sandbox } from "../../src/sandbox/index.js"
import { askToken, call, connect, handClock, numbers } from "./support.js"

describe("OAuth", () => {
  it.scoped("gives a token for client credentials", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ tokenLifetimeSeconds: 300 })
      const { body, status } = yield* askToken(sandbox)
      assert.strictEqual(status, 200)
      assert.isString(body.access_token)
      assert.strictEqual(body.token_type, "bearer")
      assert.strictEqual(body.expires_in, 300)
    })
  )

  it.scoped("refuses other clients, secrets and grants in the token endpoint's own form", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ clientId: "me", clientSecret: "a:b" })
      const good = { client: "me", secret: "a:b" }
      assert.strictEqual((yield* askToken(sandbox, good)).status, 200)
      const cases = [
        [{ ...good, client: "you" }, 400, "invalid_client", "client not found"],
        [{ ...good, secret: "no" }, 401, "invalid_client", "authentication failed"],
        [{ ...good, grant: "grant_type=password" }, 400, "unsupported_grant_type", "grant type not supported"],
        [{ ...good, grant: "" }, 400, "invalid_request", "grant_type is missing from the body"]
      ] as const
      for (const [asked, expected, error, description] of cases) {
        const { body, headers, status } = yield* askToken(sandbox, asked)
        assert.strictEqual(status, expected)
        assert.deepStrictEqual(body, { error, description, error_description: description })
        assert.isNotNull(headers.get("inin-correlation-id"))
      }
      const bare = yield* call(`${sandbox.url}/oauth/token?grant_type=client_credentials`, { method: "POST" })
      assert.strictEqual(bare.status, 400)
      assert.strictEqual((yield* sandbox.stats).tokensIssued, 1)
    })
  )

  it.scoped("refuses tokens that it does not know, that have ended, or that were ended", () =>
    Effect.gen(function* () {
      const clock = handClock()
      const sandbox = yield* Sandbox.make({ tokenLifetimeSeconds: 60, now: clock.now })
      const client = yield* connect(sandbox)
      clock.forward(59_999)
      assert.strictEqual((yield* client.list()).status, 200)
      clock.forward(1)
      const ended = yield* client.list()
      assert.strictEqual(ended.status, 401)
      assert.strictEqual(ended.body.code, "credentials.expired")
      const next = yield* connect(sandbox)
      assert.strictEqual((yield* next.push(numbers(1))).status, 200)
      yield* sandbox.inject(Faults.expireTokens)
      assert.strictEqual((yield* next.push(numbers(1))).body.code, "credentials.expired")
      const url = `${sandbox.url}/api/v2/outbound/dnclists/${sandbox.listId}`
      const stranger = yield* call(url, { headers: { authorization: "Bearer abc" } })
      assert.strictEqual(stranger.status, 401)
      assert.strictEqual(stranger.body.code, "bad.credentials")
    })
  )

  it.scoped("names the permission that is missing", () =>
    Effect.gen(function* () {
      const client = yield* connect(yield* Sandbox.make({ permissions: ["outbound:dncList:view"] }))
      assert.strictEqual((yield* client.list()).status, 200)
      const { body, status } = yield* client.push(numbers(1))
      assert.strictEqual(status, 403)
      assert.strictEqual(body.code, "missing.permissions")
      assert.include(body.message, "outbound:dnc:add")
    })
  )

  it.scoped("signs in at once and gives a token for the code, with PKCE or with the secret", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const begun = begin(sandbox)
      const code = yield* signIn(begun)
      const { body } = yield* exchangeCode(sandbox, begun, code)
      assert.isString(body.refresh_token)
      const { body: me } = yield* call(`${sandbox.url}/api/v2/users/me`, {
        headers: { authorization: `Bearer ${body.access_token}` }
      })
      assert.include(me, { name: "Sandy Box", email: "sandy.box@example.com" })

      const plain = { ...begun, url: begun.url.replace(/&code_challenge.*?(?=&state)/, "") }
      const asked = { grant_type: "authorization_code", redirect_uri: begun.redirectUri }
      const form = { ...asked, code: yield* signIn(plain) }
      assert.strictEqual((yield* askToken(sandbox, { grant: `${new URLSearchParams(form)}` })).status, 200)
      // without PKCE a client is known by its secret alone
      const verified = { ...asked, code: yield* signIn(plain), code_verifier: "x", client_id: "sandbox" }
      const bare = yield* post(sandbox, verified)
      assert.strictEqual(bare.body.error, "invalid_request")
      assert.strictEqual((yield* sandbox.stats).tokensIssued, 2)
    })
  )

  it.scoped("refuses a code that is not quite right, or comes twice", () =>
    Effect.gen(function* () {
      const clock = handClock()
      const sandbox = yield* Sandbox.make({ now: clock.now })
      const begun = begin(sandbox)
      const refused = (changes: Partial<Auth.AuthorizationCode.Begun>, code: string) =>
        Effect.map(exchangeCode(sandbox, { ...begun, ...changes }, code), ({ body, status }) => {
          assert.strictEqual(status, 400)
          return `${body.error}: ${body.description}`
        })
      const code = yield* signIn(begun)
      assert.match(yield* refused({ verifier: Redacted.make("other") }, code), /invalid_grant: code_verifier/)
      assert.match(yield* refused({ redirectUri: "http://localhost:2" }, code), /invalid_grant: redirect_uri/)
      assert.match(yield* refused({ clientId: "other" }, code), /invalid_client/)
      assert.match(yield* refused({}, "made-up"), /invalid_grant: .*not valid/)
      const { body } = yield* exchangeCode(sandbox, begun, code)
      assert.match(yield* refused({}, code), /invalid_grant: .*used before/)
      assert.strictEqual((yield* refresh(sandbox, body.refresh_token)).status, 400)
      const late = yield* signIn(begun)
      clock.forward(300_000)
      assert.match(yield* refused({}, late), /invalid_grant: .*not valid/)
    })
  )

  it.scoped("sends the browser back with what is wrong, but never to a stranger", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ signIn: "deny" })
      const begun = begin(sandbox)
      const visit = (url: string) =>
        Effect.map(call(url, { redirect: "manual" }), ({ headers, status }) => ({
          status,
          back: new URL(headers.get("location") ?? "http://nowhere")
        }))
      const denied = yield* visit(begun.url)
      assert.strictEqual(denied.status, 302)
      assert.strictEqual(denied.back.origin, "http://localhost:1")
      assert.strictEqual(denied.back.searchParams.get("error"), "access_denied")
      assert.strictEqual(denied.back.searchParams.get("state"), begun.state)
      const method = yield* visit(begun.url.replace("S256", "plain"))
      assert.strictEqual(method.back.searchParams.get("error"), "invalid_request")
      assert.strictEqual((yield* visit(begun.url.replace("client_id=sandbox", "client_id=you"))).status, 400)
      const { url } = Auth.AuthorizationCode.begin({ ...begun, redirectUri: "https://evil.example" })
      assert.strictEqual((yield* visit(url)).status, 400)
      const strict = yield* Sandbox.make({ redirectUris: ["http://localhost:8080"] })
      assert.strictEqual((yield* visit(begin(strict).url)).status, 400)
    })
  )

  it.scoped("gives another refresh token each time, and ends all when an old one comes back", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const begun = begin(sandbox)
      const first = (yield* exchangeCode(sandbox, begun, yield* signIn(begun))).body.refresh_token
      const second = (yield* refresh(sandbox, first)).body.refresh_token
      assert.notStrictEqual(second, first)
      const third = (yield* refresh(sandbox, second)).body.refresh_token
      assert.strictEqual((yield* refresh(sandbox, first)).body.error, "invalid_grant")
      assert.strictEqual((yield* refresh(sandbox, third)).body.error, "invalid_grant")
      const without = yield* Sandbox.make({ refreshTokens: false })
      const other = begin(without)
      assert.notProperty((yield* exchangeCode(without, other, yield* signIn(other))).body, "refresh_token")
    })
  )

  it.scoped("takes a SAML2 assertion of its organization", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ organization: "acme" })
      const saml = { grant_type: "urn:ietf:params:oauth:grant-type:saml2-bearer", orgName: "acme" }
      const ask = (form: Record<string, string>) => askToken(sandbox, { grant: `${new URLSearchParams(form)}` })
      const assertion = btoa("<saml2:Assertion/>")
      assert.strictEqual((yield* ask({ ...saml, assertion })).status, 200)
      assert.strictEqual((yield* ask({ ...saml, assertion: "abc" })).body.error, "invalid_grant")
      assert.strictEqual((yield* ask({ ...saml, assertion, orgName: "other" })).body.error, "invalid_grant")
    })
  )

  it.scoped("throttles token requests when told to", () =>
    Effect.gen(function* () {
      const clock = handClock()
      const sandbox = yield* Sandbox.make({ now: clock.now, tokenRateLimit: { requests: 2, windowSeconds: 60 } })
      assert.strictEqual((yield* askToken(sandbox)).status, 200)
      assert.strictEqual((yield* askToken(sandbox)).status, 200)
      const { body, status } = yield* askToken(sandbox)
      assert.strictEqual(status, 400)
      assert.strictEqual(body.error, "invalid_request")
      assert.match(body.description, /^rate limit exceeded;/)
      clock.forward(60_000)
      assert.strictEqual((yield* askToken(sandbox)).status, 200)
    })
  )
})

const begin = (sandbox: Sandbox.Service) =>
  Auth.AuthorizationCode.begin({ loginUrl: sandbox.url, clientId: "sandbox", redirectUri: "http://localhost:1" })

/** The code that a browser brings back. */
const signIn = ({ state, url }: Auth.AuthorizationCode.Begun) =>
  Effect.map(call(url, { redirect: "manual" }), ({ headers }) => {
    const back = new URL(headers.get("location")!)
    assert.strictEqual(back.searchParams.get("state"), state)
    return back.searchParams.get("code")!
  })

const post = (sandbox: Sandbox.Service, form: Readonly<Record<string, string>>) =>
  call(`${sandbox.url}/oauth/token`, { method: "POST", body: new URLSearchParams(form) })

const exchangeCode = (sandbox: Sandbox.Service, begun: Auth.AuthorizationCode.Begun, code: string) =>
  post(sandbox, {
    grant_type: "authorization_code",
    client_id: begun.clientId,
    code,
    code_verifier: Redacted.value(begun.verifier),
    redirect_uri: begun.redirectUri
  })

const refresh = (sandbox: Sandbox.Service, refresh_token: string) =>
  post(sandbox, { grant_type: "refresh_token", client_id: "sandbox", refresh_token })

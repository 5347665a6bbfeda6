import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
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
})

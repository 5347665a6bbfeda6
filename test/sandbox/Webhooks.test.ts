import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { Faults, Sandbox } from "../../src/sandbox/index.js"
import { call, connect, type Json, numbers } from "./support.js"

const registration = (url: string, rest: object = {}) => ({
  name: "compliance",
  description: "tells of new entries",
  enabled: true,
  eventDefinition: { eventType: "OUTBOUND_DNCLIST_ENTRY_CREATED" },
  httpTarget: {
    url,
    httpMethod: "POST",
    contentType: "application/json",
    authentication: { authenticationType: "NONE" }
  },
  ...rest
})

/** A target that answers with these statuses, then with 200; `null` means not at all. */
const target = (statuses: Array<number | null> = []) =>
  Effect.acquireRelease(
    Effect.async<{ readonly url: string; readonly bodies: Array<Json>; readonly server: Http.Server }>((resume) => {
      const bodies: Array<Json> = []
      const server = Http.createServer((incoming, outgoing) => {
        const chunks: Array<Buffer> = []
        incoming.on("data", (chunk) => chunks.push(chunk))
        incoming.on("end", () => {
          bodies.push({ path: incoming.url, ...JSON.parse(Buffer.concat(chunks).toString()) })
          const status = statuses.length > 0 ? statuses.shift()! : 200
          if (status !== null) outgoing.writeHead(status, { location: "/elsewhere" }).end()
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
        resume(Effect.succeed({ url, bodies, server }))
      })
    }),
    ({ server }) =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )

const path = "/api/v2/platform/webhooks"

describe("Webhooks", () => {
  it.scoped("registers each one anew", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      const first = yield* client.post(path, registration("https://example.org/hook"))
      const second = yield* client.post(path, registration("https://example.org/hook"))
      assert.strictEqual(first.status, 200)
      assert.isString(first.body.id)
      assert.notStrictEqual(first.body.id, second.body.id)
      const ids = (yield* sandbox.webhooks).map(({ id }) => id)
      assert.deepStrictEqual(ids, [first.body.id, second.body.id])
    })
  )

  it.scoped("registers once under a key, whatever becomes of the answer", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const { bearer } = yield* connect(sandbox)
      const register = (url: string, key = "k") =>
        call(`${sandbox.url}${path}`, {
          method: "POST",
          headers: { ...bearer, "content-type": "application/json", "idempotency-key": key },
          body: JSON.stringify(registration(url))
        })
      yield* sandbox.inject(Faults.dropNext(1, "before"), Faults.failNext(1, 503), Faults.dropNext(1, "after"))
      yield* Effect.flip(register("https://example.org/hook"))
      assert.strictEqual((yield* register("https://example.org/hook")).status, 503)
      assert.deepStrictEqual(yield* sandbox.webhooks, [])
      yield* Effect.flip(register("https://example.org/hook"))
      const again = yield* register("https://example.org/hook")
      assert.strictEqual(again.headers.get("idempotency-replayed"), "true")
      assert.deepStrictEqual(yield* sandbox.webhooks, [again.body])
      assert.strictEqual((yield* register("https://example.org/other")).status, 422)
      assert.strictEqual((yield* register("https://example.org/other", "other")).status, 200)
      assert.strictEqual((yield* sandbox.webhooks).length, 2)
    })
  )

  it.scoped("refuses what is not a webhook, and targets in clear beyond this machine", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      const bad = [
        registration("http://example.org/hook"),
        registration("ftp://example.org/hook"),
        registration("http://127.0.0.1.example.org/hook"),
        registration("hook"),
        registration("https://example.org/hook", { enabled: "yes" }),
        registration("https://example.org/hook", { eventDefinition: { eventType: "OTHER" } }),
        registration("https://example.org/hook", { secret: "x" }),
        []
      ]
      for (const body of bad) {
        const answer = yield* client.post(path, body)
        assert.strictEqual(answer.status, 400)
        assert.strictEqual(answer.body.code, "invalid.value")
      }
      assert.strictEqual((yield* client.post(path, bad[0])).body.details[0].fieldName, "httpTarget.url")
      assert.deepStrictEqual(yield* sandbox.webhooks, [])
      assert.strictEqual((yield* client.post(path, registration("http://localhost:1/hook"))).status, 200)
      assert.strictEqual((yield* client.post(path, registration("http://[::1]:1/hook"))).status, 200)
    })
  )

  it.scoped("tells every enabled target of entries that are created, and of no others", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      const [one, two, off] = [yield* target(), yield* target(), yield* target()]
      yield* client.push(numbers(1))
      yield* client.post(path, registration(one.url))
      yield* client.post(path, registration(two.url))
      yield* client.post(path, registration(off.url, { enabled: false }))
      const { headers } = yield* client.push(numbers(2))
      yield* client.push(numbers(2))
      yield* client.push(numbers(2), { reason: "UNSPECIFIED" })
      yield* sandbox.delivered
      assert.deepStrictEqual([one.bodies.length, two.bodies.length, off.bodies.length], [1, 1, 0])
      const { id, timestamp, ...event } = one.bodies[0]
      assert.isString(id)
      assert.isFalse(Number.isNaN(Date.parse(timestamp)))
      assert.deepStrictEqual(event, {
        path: "/hook",
        eventType: "OUTBOUND_DNCLIST_ENTRY_CREATED",
        dncListId: sandbox.listId,
        entries: [{ phoneNumber: "+14155550001", reason: "REGULATORY", expires: null }],
        correlationId: headers.get("inin-correlation-id")
      })
      assert.deepStrictEqual(
        (yield* sandbox.deliveries).map(({ attempts, entries, state }) => ({ attempts, entries, state })),
        [
          { attempts: [{ status: 200 }], entries: 1, state: "delivered" },
          { attempts: [{ status: 200 }], entries: 1, state: "delivered" }
        ]
      )
    })
  )

  it.scoped("tells of entries whose answer was lost, once", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      const { bodies, url } = yield* target()
      yield* client.post(path, registration(url))
      yield* sandbox.inject(Faults.dropNext(1, "after"))
      yield* Effect.flip(client.push(numbers(2), {}, "k"))
      yield* client.push(numbers(2), {}, "k")
      yield* sandbox.delivered
      assert.strictEqual(bodies.length, 1)
    })
  )

  it.scoped("tries three times, and follows no redirect", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ webhookBackoffMs: 1, webhookTimeoutMs: 400 })
      const client = yield* connect(sandbox)
      const recovers = yield* target([503, null])
      const redirects = yield* target([302, 302, 302])
      yield* client.post(path, registration(recovers.url))
      yield* client.post(path, registration(redirects.url))
      yield* client.post(path, registration("http://127.0.0.1:1/nobody"))
      yield* client.push(numbers(1))
      yield* sandbox.delivered
      const found = (yield* sandbox.deliveries).map(({ attempts, state }) => ({ attempts, state }))
      assert.deepStrictEqual(found, [
        { attempts: [{ status: 503 }, { error: "no answer within 400 ms" }, { status: 200 }], state: "delivered" },
        { attempts: [{ status: 302 }, { status: 302 }, { status: 302 }], state: "failed" },
        { attempts: Array(3).fill({ error: "ECONNREFUSED" }), state: "failed" }
      ])
      assert.deepStrictEqual(
        redirects.bodies.map((body) => body.path),
        ["/hook", "/hook", "/hook"]
      )
      assert.strictEqual(new Set(recovers.bodies.map(({ id }) => id)).size, 1)
    })
  )

  it.scoped("gives up what is under way when it is closed", () =>
    Effect.gen(function* () {
      const { bodies, url } = yield* target([null])
      const scope = yield* Scope.make()
      const sandbox = yield* Sandbox.make().pipe(Scope.extend(scope))
      const client = yield* connect(sandbox)
      yield* client.post(path, registration(url))
      yield* client.push(numbers(1))
      assert.strictEqual((yield* sandbox.deliveries)[0].state, "pending")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* sandbox.deliveries)[0].state, "failed")
      assert.isAtMost(bodies.length, 1)
    })
  )
})

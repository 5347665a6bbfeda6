import * as fs from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { AuditSink, HttpClient, WebhookRegistrar } from "genesys-dnc"
import { Mocks, Stub } from "genesys-dnc/testing"
import { folder } from "./support/files.js"
import * as Network from "./support/network.js"

const apiUrl = "https://api.example.test"

const webhook: WebhookRegistrar.Webhook = { name: "compliance", url: "https://compliance.example/dnc" }

const register = (given: WebhookRegistrar.Webhook = webhook) =>
  Effect.flatMap(WebhookRegistrar.WebhookRegistrar, (registrar) => registrar.register(given))

const webhooks = Effect.flatMap(Stub.Stub, (stub) =>
  Effect.map(stub.received, (received) => received.filter(({ path }) => path.endsWith("/webhooks")))
)

const client = (url = apiUrl) => HttpClient.layer({ apiUrl: url }).pipe(Layer.provide(Mocks.auth()))

const overStub = (records: Array<AuditSink.AuditRecord> = [], options?: WebhookRegistrar.Options, url = apiUrl) =>
  Effect.provide(
    WebhookRegistrar.layer(options).pipe(
      Layer.provide([client(url), Mocks.auditSink(records)]),
      Layer.provideMerge(Stub.layer)
    )
  )

describe("WebhookRegistrar", () => {
  it.effect("posts what the contract says", () =>
    Effect.gen(function* () {
      yield* register({ ...webhook, description: "For the officer" })
      const [request] = yield* webhooks
      assert.strictEqual(request.method, "POST")
      assert.strictEqual(request.path, "/api/v2/platform/webhooks")
      assert.deepStrictEqual(request.body, {
        name: "compliance",
        description: "For the officer",
        enabled: true,
        eventDefinition: { eventType: "OUTBOUND_DNCLIST_ENTRY_CREATED" },
        httpTarget: {
          url: "https://compliance.example/dnc",
          httpMethod: "POST",
          contentType: "application/json",
          authentication: { authenticationType: "NONE" }
        }
      })
    }).pipe(overStub())
  )

  it.effect("gives what stands, and records it", () => {
    const records: Array<AuditSink.AuditRecord> = []
    return Effect.gen(function* () {
      yield* TestClock.adjust("1 minutes")
      const registration = yield* register()
      assert.deepStrictEqual(registration, {
        id: "webhook-1",
        name: "compliance",
        url: "https://compliance.example/dnc",
        apiUrl,
        registeredAt: "1970-01-01T00:01:00.000Z"
      })
      assert.strictEqual(records.length, 1)
      assert.strictEqual(records[0].operation, "WEBHOOK_REGISTERED")
      assert.deepStrictEqual(records[0].result, registration)
      assert.deepStrictEqual(yield* (yield* WebhookRegistrar.WebhookRegistrar).list, [registration])
    }).pipe(overStub(records))
  })

  it.effect("asked twice, registers once", () => {
    const records: Array<AuditSink.AuditRecord> = []
    return Effect.gen(function* () {
      const first = yield* register()
      assert.deepStrictEqual(yield* register({ ...webhook, description: "another" }), first)
      // the same URL in another spelling
      assert.deepStrictEqual(yield* register({ ...webhook, url: "HTTPS://Compliance.example:443/dnc" }), first)
      assert.strictEqual((yield* webhooks).length, 1)
      assert.strictEqual(records.length, 1)
    }).pipe(overStub(records))
  })

  it.effect("asked by many at once, registers once", () => {
    const network = Network.make(() => Effect.delay(Effect.succeed({ status: 200, body: { id: "w" } }), "1 seconds"))
    return Effect.gen(function* () {
      const all = yield* Network.throughPauses(
        Effect.all(
          Array.from({ length: 10 }, () => register()),
          { concurrency: "unbounded" }
        )
      )
      assert.strictEqual(new Set(all.map(({ id }) => id)).size, 1)
      assert.strictEqual(network.received.length, 1)
    }).pipe(
      Effect.provide(
        WebhookRegistrar.layer().pipe(Layer.provide([client().pipe(Layer.provide(network.layer)), Mocks.auditSink()]))
      )
    )
  })

  it.effect("another name or another URL is another webhook", () =>
    Effect.gen(function* () {
      yield* register()
      yield* register({ ...webhook, name: "other" })
      yield* register({ ...webhook, url: "https://compliance.example/other" })
      assert.strictEqual((yield* webhooks).length, 3)
      assert.strictEqual((yield* (yield* WebhookRegistrar.WebhookRegistrar).list).length, 3)
    }).pipe(overStub())
  )

  it.effect("what the URL's query holds goes to the server, and nowhere else", () => {
    const records: Array<AuditSink.AuditRecord> = []
    const target = { ...webhook, url: "https://compliance.example/dnc?token=s3cr3t&v=2&token=again#s3cr3t" }
    return Effect.gen(function* () {
      const registration = yield* register(target)
      const [request] = yield* webhooks
      assert.strictEqual((request.body as { httpTarget: { url: string } }).httpTarget.url, target.url)
      assert.strictEqual(registration.url, "https://compliance.example/dnc?***")
      assert.notMatch(JSON.stringify([registration, records]), /s3cr3t|again/)
      assert.deepStrictEqual(yield* register(target), registration)
      yield* register({ ...target, url: target.url.replace("again", "other") })
      assert.strictEqual((yield* webhooks).length, 2)
    }).pipe(overStub(records))
  })

  it.effect("knows a query that an earlier version recorded whole", () => {
    const url = "https://compliance.example/dnc?token=s3cr3t"
    return Effect.gen(function* () {
      const registration = yield* register({ ...webhook, url })
      assert.strictEqual(registration.id, "earlier")
      assert.notInclude(JSON.stringify(registration), "s3cr3t")
    }).pipe(overStub([], { known: Effect.succeed([{ ...earlier, url }]) }))
  })

  const earlier: WebhookRegistrar.Registration = {
    id: "earlier",
    name: webhook.name,
    url: webhook.url,
    apiUrl,
    registeredAt: "2026-01-01T00:00:00.000Z"
  }

  it.effect("what an earlier process registered at this API stands", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* register(), earlier)
      assert.strictEqual((yield* webhooks).length, 0)
    }).pipe(overStub([], { known: Effect.succeed([earlier]) }))
  )

  it.effect("what was registered at another API does not", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* (yield* WebhookRegistrar.WebhookRegistrar).list, [])
      assert.strictEqual((yield* register()).id, "webhook-1")
      assert.strictEqual((yield* webhooks).length, 1)
    }).pipe(overStub([], { known: Effect.succeed([earlier]) }, "https://api.other.test"))
  )

  it.scopedLive("layerFromLog knows what the log says, over processes", () =>
    Effect.gen(function* () {
      const log = join(yield* folder, "audit.jsonl")
      const process = (url = apiUrl) =>
        Effect.zip(
          register(),
          Effect.map(webhooks, ({ length }) => length)
        ).pipe(
          Effect.provide(
            WebhookRegistrar.layerFromLog(log).pipe(
              Layer.provide([client(url), AuditSink.layerFile(log)]),
              Layer.provideMerge(Stub.layer)
            )
          )
        )
      const [first, sent] = yield* process()
      assert.strictEqual(sent, 1)
      assert.deepStrictEqual(yield* process(), [first, 0])
      // a line that a crash cut short is no hindrance
      fs.appendFileSync(log, '{"operation":"WEBHOOK_REG')
      assert.deepStrictEqual(yield* process(), [first, 0])
      assert.strictEqual((yield* process("https://api.other.test"))[1], 1)
      assert.deepStrictEqual(yield* process(), [first, 0])
    })
  )

  for (const url of [
    "http://compliance.example/dnc",
    "http://127.0.0.1.example/dnc",
    "http://localhost.example/dnc",
    "http://10.0.0.1/dnc",
    "ftp://compliance.example/dnc",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "compliance.example/dnc",
    "",
    "https://user:hidden@compliance.example/dnc",
    "https://hidden@compliance.example/dnc"
  ]) {
    it.effect(`refuses "${url}", and sends nothing`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(register({ ...webhook, url }))
        assert.strictEqual(error._tag, "InvalidWebhook")
        assert.isAbove(error.hint.length, 10)
        assert.notInclude(JSON.stringify(error), "hidden")
        assert.strictEqual((yield* webhooks).length, 0)
      }).pipe(overStub())
    )
  }

  for (const url of [
    "http://localhost:9000/dnc",
    "http://127.0.0.1/dnc",
    "http://127.8.9.10/dnc",
    "http://[::1]:80/dnc"
  ]) {
    it.effect(`allows ${url}, on this machine`, () =>
      Effect.gen(function* () {
        yield* register({ ...webhook, url })
        assert.strictEqual((yield* webhooks).length, 1)
      }).pipe(overStub())
    )
  }

  it.effect("survives 503s, with one key for all attempts", () =>
    Effect.gen(function* () {
      const stub = yield* Stub.Stub
      yield* stub.failNext(3, 503)
      const { id } = yield* Network.throughPauses(register())
      assert.strictEqual(id, "webhook-1")
      const requests = yield* webhooks
      assert.strictEqual(requests.length, 4)
      assert.strictEqual(new Set(requests.map(({ headers }) => headers["idempotency-key"])).size, 1)
    }).pipe(overStub())
  )

  it.effect("a refusal is not remembered", () =>
    Effect.gen(function* () {
      const stub = yield* Stub.Stub
      yield* stub.failNext(1, 403)
      assert.strictEqual((yield* Effect.flip(register()))._tag, "Forbidden")
      assert.strictEqual((yield* register()).id, "webhook-1")
    }).pipe(overStub())
  )

  it.effect("an answer without an id is UnexpectedResponse", () =>
    Effect.gen(function* () {
      const stub = yield* Stub.Stub
      yield* stub.failNext(1, 200, { body: { name: "compliance" } })
      assert.strictEqual((yield* Effect.flip(register()))._tag, "UnexpectedResponse")
    }).pipe(overStub())
  )

  it.effect("a registration that is on its way when interrupted is recorded", () => {
    const records: Array<AuditSink.AuditRecord> = []
    const network = Network.make(() => Effect.delay(Effect.succeed({ status: 200, body: { id: "w" } }), "5 seconds"))
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(register())
      yield* TestClock.adjust("1 seconds")
      const interruption = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* TestClock.adjust("4 seconds")
      yield* interruption
      assert.deepStrictEqual(
        records.map(({ operation }) => operation),
        ["WEBHOOK_REGISTERED"]
      )
    }).pipe(
      Effect.provide(
        WebhookRegistrar.layer().pipe(
          Layer.provide([client().pipe(Layer.provide(network.layer)), Mocks.auditSink(records)])
        )
      )
    )
  })
})

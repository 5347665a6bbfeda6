import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Faults, Sandbox } from "../../src/sandbox/index.js"
import { askToken, call, connect, numbers } from "./support.js"

const statuses = (seed: number) =>
  Effect.gen(function* () {
    const faults = { status5xxRate: 0.2, status429Rate: 0.2, dropBeforeRate: 0.2, retryAfterSeconds: 7 }
    const client = yield* connect(yield* Sandbox.make({ faults, seed }))
    const once = (index: number) =>
      client.push(numbers(1, index)).pipe(
        Effect.map(({ headers, status }) => `${status} ${headers.get("retry-after")}`),
        Effect.orElseSucceed(() => "dropped")
      )
    return yield* Effect.forEach(
      Array.from({ length: 60 }, (_, index) => index),
      once
    )
  }).pipe(Effect.scoped)

describe("Faults", () => {
  it.scoped("fails the next requests with the status that is asked for", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      yield* sandbox.inject(Faults.failNext(2, 503, { retryAfter: 3 }), Faults.failNext(1, 429, { retryAfter: 42 }))
      for (const expected of [503, 503]) {
        const { body, headers, status } = yield* client.push(numbers(1))
        assert.strictEqual(status, expected)
        assert.strictEqual(body.code, "service.unavailable")
        assert.strictEqual(headers.get("retry-after"), "3")
      }
      const limited = yield* client.push(numbers(1))
      assert.strictEqual(limited.headers.get("retry-after"), "42")
      assert.strictEqual(limited.body.code, "too.many.requests.retry.after")
      assert.strictEqual((yield* client.push(numbers(1))).body.created, 1)
    })
  )

  it.scoped("says the code, the message and the date that are asked for", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      const date = "Tue, 01 Jan 2030 00:00:00 GMT"
      const code = "dnc.records.per.list.limit.exceeded"
      yield* sandbox.inject(Faults.failNext(1, 400, { code, message: "full" }))
      yield* sandbox.inject(Faults.failNext(1, 429, { retryAfter: date }))
      assert.deepInclude((yield* client.push(numbers(1))).body, { code, message: "full", status: 400 })
      assert.strictEqual((yield* client.push(numbers(1))).headers.get("retry-after"), date)
    })
  )

  it.scoped("meets the route that it is aimed at, and the token route only then", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ faults: { status5xxRate: 1, routes: ["webhooks"] } })
      const client = yield* connect(sandbox)
      yield* sandbox.inject(Faults.failNext(1, 500, { route: "entries" }))
      assert.strictEqual((yield* client.list()).status, 200)
      assert.strictEqual((yield* askToken(sandbox)).status, 200)
      assert.strictEqual((yield* client.push(numbers(1))).status, 500)
      assert.isAtLeast((yield* client.post("/api/v2/platform/webhooks", {})).status, 500)
      const message = "rate limit exceeded; wait"
      yield* sandbox.inject(Faults.failNext(1, 400, { route: "token", message }), Faults.failNext(1, 500))
      const token = yield* askToken(sandbox)
      assert.strictEqual(token.status, 400)
      assert.deepInclude(token.body, { error: "invalid_request", description: message })
      assert.strictEqual((yield* askToken(sandbox)).status, 200)
      assert.strictEqual((yield* client.list()).status, 500)
    })
  )

  it.scoped("breaks connections before and after the change", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      yield* sandbox.inject(Faults.dropNext(1, "before"), Faults.dropNext(1, "after"))
      yield* Effect.flip(client.push(numbers(1), {}, "k"))
      assert.strictEqual([...sandbox.entries()].length, 0)
      yield* Effect.flip(client.push(numbers(1), {}, "k"))
      assert.strictEqual([...sandbox.entries()].length, 1)
      assert.strictEqual((yield* client.push(numbers(1), {}, "k")).headers.get("idempotency-replayed"), "true")
      const { keys, requests } = yield* sandbox.stats
      assert.deepStrictEqual(requests.entries, { dropped: 2, "200": 1 })
      assert.deepStrictEqual(keys["k"].attempts, 3)
      assert.deepStrictEqual(keys["k"].answeredStatuses, [200])
    })
  )

  it.scoped("cuts answers short: a good status, a length, and less than that", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      yield* sandbox.inject(Faults.truncateNext(1))
      const { length, read, status } = yield* Effect.promise(async () => {
        const response = await fetch(`${sandbox.url}/api/v2/outbound/dnclists/${sandbox.listId}/entries`, {
          method: "POST",
          headers: { ...client.bearer, "content-type": "application/json", "idempotency-key": "k" },
          body: JSON.stringify({ phoneNumbers: numbers(1), reason: "REGULATORY", expires: null })
        })
        const read = await response.text().catch((error: unknown) => error)
        return { status: response.status, length: Number(response.headers.get("content-length")), read }
      })
      assert.strictEqual(status, 200)
      assert.isAbove(length, 0)
      assert.instanceOf(read, Error)
      assert.strictEqual([...sandbox.entries()].length, 1)
    })
  )

  it.scoped("sends headers at once and the body little by little", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      yield* sandbox.inject(Faults.slowNext(1, 50))
      const parts = yield* Effect.promise(async () => {
        const url = `${sandbox.url}/api/v2/outbound/dnclists/${sandbox.listId}`
        const response = await fetch(url, { headers: client.bearer })
        const parts: Array<string> = []
        for await (const part of response.body!) parts.push(Buffer.from(part).toString())
        return parts
      })
      assert.isAbove(parts.length, 1)
      assert.strictEqual(JSON.parse(parts.join("")).id, sandbox.listId)
    })
  )

  it.scoped("answers with a page of HTML and keeps the request to itself", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      yield* sandbox.inject(Faults.htmlNext(1))
      const { headers, status } = yield* client.push(numbers(1))
      assert.strictEqual(status, 200)
      assert.include(headers.get("content-type"), "text/html")
      assert.deepStrictEqual([...sandbox.entries()], [])
    })
  )

  it.scoped("delays many requests at once", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ faults: { latencyMs: 200, jitterMs: 10 } })
      const client = yield* connect(sandbox)
      const started = performance.now()
      yield* Effect.all(
        Array.from({ length: 40 }, (_, index) => client.push(numbers(1, index))),
        { concurrency: "unbounded" }
      )
      const elapsed = performance.now() - started
      assert.isAtLeast(elapsed, 199)
      assert.isBelow(elapsed, 20 * 200)
      assert.isAtLeast((yield* sandbox.stats).openEntries.max, 10)
    })
  )

  it.effect("draws its share of faults, the same for the same seed", () =>
    Effect.gen(function* () {
      const first = yield* statuses(1)
      assert.deepStrictEqual(yield* statuses(1), first)
      assert.notDeepEqual(yield* statuses(2), first)
      assert.includeMembers([...new Set(first)], ["200 null", "429 7", "dropped"])
      assert.isTrue(first.some((status) => /^50[0234] null$/.test(status)))
    })
  )

  it.scoped("draws faults behind the change too", () =>
    Effect.gen(function* () {
      for (const faults of [{ dropAfterRate: 1 }, { truncateRate: 1 }]) {
        const sandbox = yield* Sandbox.make({ faults })
        const client = yield* connect(sandbox)
        yield* Effect.flip(client.push(numbers(1)))
        assert.strictEqual([...sandbox.entries()].length, 1)
      }
      const sandbox = yield* Sandbox.make({ faults: { slowRate: 1, slowMs: 10 } })
      const client = yield* connect(sandbox)
      assert.strictEqual((yield* client.push(numbers(1))).body.created, 1)
    })
  )

  it.scoped("shows what is to come, and changes its shares", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ faults: { latencyMs: 1 } })
      const client = yield* connect(sandbox)
      yield* sandbox.inject(Faults.failNext(2, 500), Faults.rates({ status5xxRate: 1 }))
      yield* client.list()
      const { next, rates } = yield* sandbox.faults
      assert.deepStrictEqual(next, [{ type: "fail", times: 1, status: 500 }])
      assert.strictEqual(rates.status5xxRate, 1)
      assert.strictEqual(rates.latencyMs, 1)
      yield* sandbox.reset
      assert.deepStrictEqual(yield* sandbox.faults, { rates: { ...Faults.none, latencyMs: 1 }, next: [] })
      assert.strictEqual((yield* client.list()).status, 200)
    })
  )
})

describe("Control", () => {
  it.scoped("injects, shows and resets over HTTP, without a token", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ control: true })
      const client = yield* connect(sandbox)
      const faults = [
        { type: "fail", times: 1, status: 503, route: "entries" },
        { type: "rates", latencyMs: 2 }
      ]
      const injected = yield* client.post("/sandbox/faults", faults)
      assert.strictEqual(injected.status, 200)
      assert.deepStrictEqual(injected.body.next, [faults[0]])
      assert.strictEqual(injected.body.rates.latencyMs, 2)
      assert.strictEqual((yield* client.push(numbers(2))).status, 503)
      assert.strictEqual((yield* client.push(numbers(2))).status, 200)
      const stats = yield* call(`${sandbox.url}/sandbox/stats`)
      assert.deepStrictEqual(stats.body.requests.entries, { "200": 1, "503": 1 })
      const entries = yield* call(`${sandbox.url}/sandbox/lists/${sandbox.listId}/entries`)
      assert.strictEqual(entries.headers.get("content-type"), "application/x-ndjson")
      assert.deepStrictEqual(entries.text.split("\n"), [
        ...Array.from(sandbox.entries(), (entry) => JSON.stringify(entry)),
        ""
      ])
      assert.strictEqual((yield* call(`${sandbox.url}/sandbox/reset`, { method: "POST" })).status, 200)
      assert.deepStrictEqual([...sandbox.entries()], [])
    })
  )

  it.scoped("refuses faults that there are not", () =>
    Effect.gen(function* () {
      const client = yield* connect(yield* Sandbox.make({ control: true }))
      assert.strictEqual((yield* client.post("/sandbox/faults", { type: "explode" })).status, 400)
      assert.strictEqual((yield* client.post("/sandbox/faults", { type: "fail", times: 1, status: 200 })).status, 400)
    })
  )
})

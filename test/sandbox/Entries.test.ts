import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Faults, Sandbox } from "../../src/sandbox/index.js"
import { connect, handClock, type Json, numbers } from "./support.js"

/** Waits until a request with this key has reached the sandbox. */
const arrived = (sandbox: Sandbox.Service, key: string) =>
  Effect.promise(() => new Promise((resolve) => setImmediate(resolve))).pipe(
    Effect.andThen(sandbox.stats),
    Effect.repeat({ until: ({ keys }) => key in keys })
  )

const json = { "content-type": "application/json" }

describe("Entries", () => {
  it.scoped("counts by what is on the list, and stores what it is told, even if it is weaker", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      const first = yield* client.push(numbers(3))
      assert.strictEqual(first.status, 200)
      assert.deepStrictEqual(first.body, { created: 3, duplicate: 0, updated: 0, error: [] })
      assert.deepStrictEqual((yield* client.push(numbers(4))).body, { created: 1, duplicate: 3, updated: 0, error: [] })
      const expires = "2999-12-31T23:59:59.999Z"
      const weaker = yield* client.push(numbers(2), { reason: "UNSPECIFIED", expires })
      assert.deepStrictEqual(weaker.body, { created: 0, duplicate: 0, updated: 2, error: [] })
      assert.deepStrictEqual(
        [...sandbox.entries()],
        [
          { phoneNumber: "+14155550000", reason: "UNSPECIFIED", expires },
          { phoneNumber: "+14155550001", reason: "UNSPECIFIED", expires },
          { phoneNumber: "+14155550002", reason: "REGULATORY", expires: null },
          { phoneNumber: "+14155550003", reason: "REGULATORY", expires: null }
        ]
      )
    })
  )

  it.scoped("takes an expired entry for an absent one", () =>
    Effect.gen(function* () {
      const clock = handClock()
      const sandbox = yield* Sandbox.make({ now: clock.now })
      const client = yield* connect(sandbox)
      const expires = new Date(clock.now() + 1000).toISOString()
      yield* client.push(numbers(2), { expires })
      clock.forward(1000)
      assert.deepStrictEqual([...sandbox.entries()], [])
      assert.strictEqual((yield* client.list("?includeSize=true")).body.size, 0)
      assert.strictEqual((yield* client.push(numbers(2))).body.created, 2)
      assert.strictEqual((yield* client.list("?includeSize=true")).body.size, 2)
    })
  )

  it.scoped("begins with seeded entries", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      yield* sandbox.seed([{ phoneNumber: "+14155550000" }, { phoneNumber: "+14155550001", reason: "REGULATORY" }])
      assert.deepStrictEqual((yield* client.push(numbers(3))).body, { created: 1, duplicate: 1, updated: 1, error: [] })
    })
  )

  it.scoped("takes an empty request, which needs no key, as a probe", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      const { body, status } = yield* client.raw(`{"phoneNumbers":[],"reason":"UNSPECIFIED","expires":null}`, json)
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(body, { created: 0, duplicate: 0, updated: 0, error: [] })
      assert.deepStrictEqual((yield* sandbox.stats).violations, [])
    })
  )

  it.scoped("refuses lists that it does not have, and lists that take no numbers", () =>
    Effect.gen(function* () {
      const other = "0ffca115-cafe-4ace-a11c-bbbbbbbbbbbb"
      const sandbox = yield* Sandbox.make({
        lists: [...Sandbox.defaults.lists, { id: other, name: "Registry", dncSourceType: "dnc.com" }]
      })
      const client = yield* connect(sandbox)
      const body = `{"phoneNumbers":[],"reason":"UNSPECIFIED","expires":null}`
      assert.strictEqual((yield* client.raw(body, json, "0ffca115-cafe-4ace-a11c-cccccccccccc")).status, 404)
      assert.strictEqual((yield* client.raw(body, json, "nonsense")).status, 400)
      assert.strictEqual((yield* client.raw(body, json, other)).body.code, "dnc.source.operation.not.supported")
      assert.strictEqual((yield* client.list("", other)).body.dncSourceType, "dnc.com")
    })
  )

  it.scoped("answers each violation of the contract with what was wrong, and records it without the number", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      const keyed = { ...json, "idempotency-key": "k" }
      const valid = `{"phoneNumbers":["+14155550100"],"reason":"REGULATORY","expires":null}`
      const answers = [
        [yield* client.raw(valid, json), 400, "Idempotency-Key"],
        [yield* client.raw(valid, { "idempotency-key": "k" }), 415, "application/json"],
        [yield* client.raw("{", keyed), 400, "JSON"],
        [yield* client.raw("[]", keyed), 400, "must be an object"],
        [yield* client.raw(" ".repeat(512_001), keyed), 413, "over the size limit. Maximum bytes: 512000"],
        [yield* client.push(numbers(1), { source: "web" }), 400, "source"],
        [yield* client.push([4155550100] as never), 400, "array of strings"],
        [yield* client.push(numbers(500)), 413, "500 numbers"],
        [yield* client.push(["+14155550100", "+14155550100"]), 422, "more than once"],
        [yield* client.push(numbers(1), { reason: "OPT_OUT" }), 422, "reason must be one of"],
        [yield* client.push(numbers(1), { expires: "2999-01-01T00:00Z" }), 422, "expires must be"],
        [yield* client.push(numbers(1), { expires: "2999-02-30T00:00:00.000Z" }), 422, "expires must be"],
        [yield* client.push(numbers(1), { expires: undefined }), 422, "expires must be"],
        [yield* client.push(["4155550100"]), 422, "refused"]
      ] as const
      for (const [{ body, status }, expected, words] of answers) {
        assert.strictEqual(status, expected, body.message)
        assert.include(body.message, words)
      }
      const { violationCount, violations } = yield* sandbox.stats
      assert.strictEqual(violationCount, answers.length)
      assert.strictEqual(violations.at(-1), 'phoneNumbers[0] is not in E.164 format: "********00"')
      assert.deepStrictEqual([...sandbox.entries()], [])
    })
  )

  it.scoped("takes 499 numbers, or fewer where it is told so", () =>
    Effect.gen(function* () {
      const full = yield* connect(yield* Sandbox.make())
      assert.strictEqual((yield* full.push(numbers(499))).body.created, 499)
      const sandbox = yield* Sandbox.make({ maxNumbers: 10 })
      const client = yield* connect(sandbox)
      assert.strictEqual((yield* client.push(numbers(11))).status, 413)
      assert.deepStrictEqual((yield* sandbox.stats).violations, [])
    })
  )

  it.scoped("refuses an expiry in the past, which is no violation", () =>
    Effect.gen(function* () {
      const clock = handClock()
      const sandbox = yield* Sandbox.make({ now: clock.now })
      const client = yield* connect(sandbox)
      const { body, status } = yield* client.push(numbers(1), { expires: new Date(clock.now()).toISOString() })
      assert.strictEqual(status, 422)
      assert.strictEqual(body.code, "invalid.date.value")
      assert.deepStrictEqual((yield* sandbox.stats).violations, [])
    })
  )

  it.scoped("names the numbers that it refuses, and takes none of the request", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ refuse: ["+1415555000*"] })
      const client = yield* connect(sandbox)
      const { body, status } = yield* client.push(["+14155550100", "+14155550001", "+12"])
      assert.strictEqual(status, 422)
      assert.deepStrictEqual(body.details, [
        { errorCode: "invalid.value", fieldName: "phoneNumbers[1]" },
        { errorCode: "invalid.value", fieldName: "phoneNumbers[2]" }
      ])
      assert.deepStrictEqual(
        body.errors.map((error: Json) => [error.messageParams.phoneNumber, error.message, error.details[0].fieldName]),
        [
          ["+14155550001", "The phone number is refused by this list.", "phoneNumbers[1]"],
          ["+12", "The phone number is not in E.164 format.", "phoneNumbers[2]"]
        ]
      )
      assert.deepStrictEqual([...sandbox.entries()], [])
    })
  )

  it.scoped("can keep to itself which numbers it refuses", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ refusals: "silent", refuse: ["+14155550001"] })
      const client = yield* connect(sandbox)
      const { status, text } = yield* client.push(numbers(3))
      assert.strictEqual(status, 422)
      assert.notInclude(text, "5550001")
      assert.notInclude(text, "phoneNumbers")
      assert.deepStrictEqual([...sandbox.entries()], [])
    })
  )

  it.scoped("can take the others", () =>
    Effect.gen(function* () {
      const refuse = (phoneNumber: string) => (phoneNumber.endsWith("1") ? "odd one out" : undefined)
      const sandbox = yield* Sandbox.make({ refusals: "partial", refuse })
      const client = yield* connect(sandbox)
      const { body, status } = yield* client.push(numbers(3))
      assert.strictEqual(status, 200)
      const error = [{ phoneNumber: "+14155550001", message: "odd one out" }]
      assert.deepStrictEqual(body, { created: 2, duplicate: 0, updated: 0, error })
      assert.strictEqual([...sandbox.entries()].length, 2)
    })
  )
})

describe("Idempotency-Key", () => {
  it.scoped("gives the first answer again, word for word", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      const first = yield* client.push(numbers(2), {}, "k")
      const second = yield* client.push(numbers(2), {}, "k")
      assert.isNull(first.headers.get("idempotency-replayed"))
      assert.strictEqual(second.headers.get("idempotency-replayed"), "true")
      assert.strictEqual(second.text, first.text)
      assert.deepStrictEqual((yield* sandbox.stats).keys["k"].answeredStatuses, [200, 200])
    })
  )

  it.scoped("refuses the key with another request", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      yield* client.push(numbers(2), {}, "k")
      const { body, status } = yield* client.push(numbers(3), {}, "k")
      assert.strictEqual(status, 422)
      assert.include(body.message, "Idempotency-Key")
      assert.strictEqual((yield* sandbox.stats).violations.length, 1)
    })
  )

  it.scoped("answers 409 while the first request is in progress", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ faults: { latencyMs: 60_000, routes: ["entries"] } })
      const client = yield* connect(sandbox)
      yield* Effect.forkScoped(client.push(numbers(2), {}, "k"))
      yield* arrived(sandbox, "k")
      yield* sandbox.inject(Faults.rates({ latencyMs: 0 }))
      const { body, status } = yield* client.push(numbers(2), {}, "k")
      assert.strictEqual(status, 409)
      assert.strictEqual(body.code, "general.conflict")
      assert.strictEqual((yield* client.push(numbers(3), {}, "k")).status, 422)
      assert.strictEqual((yield* client.push(numbers(2), {}, "other")).body.created, 2)
    })
  )

  it.scoped("can answer 409 for all of the retention", () =>
    Effect.gen(function* () {
      const clock = handClock()
      const sandbox = yield* Sandbox.make({
        idempotency: "conflict",
        idempotencyRetentionSeconds: 10,
        now: clock.now
      })
      const client = yield* connect(sandbox)
      assert.strictEqual((yield* client.push(numbers(1), {}, "k")).status, 200)
      clock.forward(9_999)
      assert.strictEqual((yield* client.push(numbers(1), {}, "k")).status, 409)
      clock.forward(1)
      assert.strictEqual((yield* client.push(numbers(1), {}, "k")).body.duplicate, 1)
    })
  )

  it.scoped("is free again after a failure before the change, and kept after one behind it", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ idempotency: "conflict" })
      const client = yield* connect(sandbox)
      for (const fault of [Faults.failNext(1, 500), Faults.dropNext(1, "before"), Faults.htmlNext(1)]) {
        yield* sandbox.inject(fault)
        yield* Effect.exit(client.push(numbers(1), {}, "before"))
      }
      assert.deepStrictEqual([...sandbox.entries()], [])
      assert.strictEqual((yield* client.push(numbers(1), {}, "before")).body.created, 1)
      yield* sandbox.inject(Faults.dropNext(1, "after"))
      yield* Effect.flip(client.push(numbers(2), {}, "after"))
      assert.strictEqual((yield* client.push(numbers(2), {}, "after")).status, 409)
      assert.strictEqual([...sandbox.entries()].length, 2)
    })
  )

  it.scoped("is not taken by a request that is refused", () =>
    Effect.gen(function* () {
      let refusing = true
      const sandbox = yield* Sandbox.make({ refuse: () => (refusing ? "not now" : undefined) })
      const client = yield* connect(sandbox)
      assert.strictEqual((yield* client.push(numbers(1), {}, "k")).status, 422)
      refusing = false
      assert.strictEqual((yield* client.push(numbers(1), {}, "k")).body.created, 1)
    })
  )

  it.scoped("carries a request through though its client has gone", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ faults: { latencyMs: 50, routes: ["entries"] } })
      const client = yield* connect(sandbox)
      const gone = yield* Effect.fork(client.push(numbers(1), {}, "k"))
      yield* arrived(sandbox, "k")
      yield* Fiber.interrupt(gone)
      yield* sandbox.inject(Faults.rates({ latencyMs: 0 }))
      const answer = yield* client
        .push(numbers(1), {}, "k")
        .pipe(Effect.repeat({ while: ({ status }) => status === 409 }))
      assert.strictEqual(answer.headers.get("idempotency-replayed"), "true")
      assert.strictEqual(answer.body.created, 1)
    })
  )

  it.scoped("is not held by a request that the sandbox fails on", () =>
    Effect.gen(function* () {
      let failing = true
      const refuse = () => {
        if (failing) throw new Error("a bug in the test's own function")
        return undefined
      }
      const client = yield* connect(yield* Sandbox.make({ refuse }))
      const { body, status } = yield* client.push(numbers(1), {}, "k")
      assert.strictEqual(status, 500)
      assert.strictEqual(body.code, "internal.server.error")
      failing = false
      assert.strictEqual((yield* client.push(numbers(1), {}, "k")).body.created, 1)
    })
  )
})

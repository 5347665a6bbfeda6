import { createHash } from "node:crypto"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import {
  AuditSink,
  Contract,
  type DncEntry,
  DncSubmitter,
  type GenesysError,
  HttpClient,
  RetryPolicy
} from "genesys-dnc"
import { Mocks } from "genesys-dnc/testing"
import * as Network from "./support/network.js"
import { batch, created, numbers, type Posted, posted, refuse } from "./support/server.js"

type Server = (request: Posted, index: number) => Effect.Effect<unknown, GenesysError.GenesysError>

const noPauses: RetryPolicy.Options = { ...RetryPolicy.defaults, firstDelay: Duration.zero }

/** The submitter before a server that is a function; what was posted and what was recorded, in one journal. */
const world = (
  server: Server,
  options: DncSubmitter.Options = { retry: noPauses },
  durable: (event: AuditSink.AuditEvent) => Effect.Effect<void> = () => Effect.void
) => {
  const journal: Array<{ readonly posted: Posted } | { readonly recorded: AuditSink.AuditEvent }> = []
  const layer = DncSubmitter.layer({ contract: Contract.entries, ...options }).pipe(
    Layer.provide([
      Mocks.httpClient((request) =>
        Effect.suspend(() => {
          const arrived = posted(request)
          journal.push({ posted: arrived })
          return server(arrived, journal.filter((line) => "posted" in line).length - 1)
        })
      ),
      Layer.succeed(
        AuditSink.AuditSink,
        AuditSink.AuditSink.of({
          forEach: () => Effect.void,
          append: (event) =>
            Effect.map(durable(event), () => {
              journal.push({ recorded: event })
              return event as AuditSink.AuditRecord
            })
        })
      )
    ])
  )
  return {
    journal,
    layer,
    posts: () => journal.flatMap((line) => ("posted" in line ? [line.posted] : [])),
    records: () => journal.flatMap((line) => ("recorded" in line ? [line.recorded] : [])),
    submit: (given: DncEntry.Batch) =>
      Effect.flatMap(DncSubmitter.DncSubmitter, (submitter) => submitter.submit(given)).pipe(Effect.provide(layer)),
    check: Effect.flatMap(DncSubmitter.DncSubmitter, (submitter) => submitter.check("list")).pipe(Effect.provide(layer))
  }
}

const accounted = (receipt: DncEntry.Receipt) =>
  receipt.created +
  receipt.duplicate +
  receipt.updated +
  receipt.skipped +
  receipt.rejected.length +
  receipt.failed.reduce((sum, { count }) => sum + count, 0)

describe("DncSubmitter", () => {
  it.effect("gives a receipt: counts, attempts, key, correlation, latency", () => {
    const network = Network.make(({ index }) =>
      Effect.delay(
        Effect.succeed(
          index === 0
            ? { status: 503 }
            : {
                status: 200,
                headers: { "inin-correlation-id": "the-correlation" },
                body: { created: 1, duplicate: 2, updated: 3, error: [] }
              }
        ),
        "1 seconds"
      )
    )
    return Effect.gen(function* () {
      const submitter = yield* DncSubmitter.DncSubmitter
      const receipt = yield* Network.throughPauses(submitter.submit(batch(6)))
      assert.strictEqual(receipt.created, 1)
      assert.strictEqual(receipt.duplicate, 2)
      assert.strictEqual(receipt.updated, 3)
      assert.strictEqual(receipt.attempts, 2)
      assert.strictEqual(receipt.correlationId, "the-correlation")
      assert.strictEqual(receipt.idempotencyKey, DncSubmitter.idempotencyKey(batch(6)))
      assert.isAtLeast(receipt.latencyMs, 2_000)
      assert.isAtMost(receipt.latencyMs, 2_250)
      // the same key, and everything else, in both attempts
      assert.deepStrictEqual(network.received[1].headers, network.received[0].headers)
      assert.strictEqual(network.received[1].text, network.received[0].text)
    }).pipe(
      Effect.provide(
        DncSubmitter.layer({ contract: Contract.entries }).pipe(
          Layer.provide([
            HttpClient.layer({ apiUrl: "https://api.example.test" }).pipe(
              Layer.provide([Mocks.auth("token"), network.layer])
            ),
            Mocks.auditSink()
          ])
        )
      )
    )
  })

  it.effect("posts exactly what the contract says", () => {
    const network = Network.make(
      Network.inOrder({ status: 200, body: { created: 2 } }, { status: 200, body: { created: 1 } })
    )
    const given = batch(2, { dncListId: "a/list", reason: "CUSTOMER_REQUEST", expires: Date.UTC(2027, 0, 31, 1, 2, 3) })
    return Effect.gen(function* () {
      const submitter = yield* DncSubmitter.DncSubmitter
      yield* submitter.submit(given)
      yield* submitter.submit(batch(1))
      const [first, second] = network.received
      assert.strictEqual(first.method, "POST")
      assert.strictEqual(first.url, "https://api.example.test/api/v2/outbound/dnclists/a%2Flist/entries")
      assert.strictEqual(first.headers["content-type"], "application/json")
      assert.strictEqual(first.headers["idempotency-key"], DncSubmitter.idempotencyKey(given))
      assert.deepStrictEqual(JSON.parse(first.text), {
        phoneNumbers: ["+14155551000", "+14155551001"],
        reason: "CUSTOMER_REQUEST",
        expires: "2027-01-31T01:02:03.000Z"
      })
      assert.deepStrictEqual(JSON.parse(second.text), {
        phoneNumbers: ["+14155551000"],
        reason: "REGULATORY",
        expires: null
      })
    }).pipe(
      Effect.provide(
        DncSubmitter.layer({ contract: Contract.entries }).pipe(
          Layer.provide([
            HttpClient.layer({ apiUrl: "https://api.example.test" }).pipe(
              Layer.provide([Mocks.auth("token"), network.layer])
            ),
            Mocks.auditSink()
          ])
        )
      )
    )
  })

  it.prop(
    "equal content, run, list and generation make an equal key, any other another",
    {
      a: FastCheck.record({
        runId: FastCheck.constantFrom("run-1", "run-2"),
        dncListId: FastCheck.constantFrom("list-1", "list-2"),
        action: FastCheck.constantFrom("add" as const, "remove" as const),
        phoneNumbers: FastCheck.subarray(["+14155550100", "+14155550101", "+14155550102"], { minLength: 1 }),
        reason: FastCheck.constantFrom("REGULATORY" as const, "UNSPECIFIED" as const),
        expires: FastCheck.constantFrom(1, 1_000, Number.POSITIVE_INFINITY)
      }),
      b: FastCheck.record({
        runId: FastCheck.constantFrom("run-1", "run-2"),
        dncListId: FastCheck.constantFrom("list-1", "list-2"),
        action: FastCheck.constantFrom("add" as const, "remove" as const),
        phoneNumbers: FastCheck.subarray(["+14155550100", "+14155550101", "+14155550102"], { minLength: 1 }),
        reason: FastCheck.constantFrom("REGULATORY" as const, "UNSPECIFIED" as const),
        expires: FastCheck.constantFrom(1, 1_000, Number.POSITIVE_INFINITY)
      }),
      generationA: FastCheck.integer({ min: 0, max: 1 }),
      generationB: FastCheck.integer({ min: 0, max: 1 })
    },
    ({ a, b, generationA, generationB }) => {
      const equal =
        JSON.stringify([a, String(a.expires), generationA]) === JSON.stringify([b, String(b.expires), generationB])
      // where a batch stands in its run is no content
      const keyA = DncSubmitter.idempotencyKey({ ...a, index: 0 }, generationA)
      const keyB = DncSubmitter.idempotencyKey({ ...b, index: 7 }, generationB)
      assert.strictEqual(keyA === keyB, equal)
      assert.match(keyA, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      assert.strictEqual(keyA, DncSubmitter.idempotencyKey({ ...a, index: 0 }, generationA))
    },
    { fastCheck: { numRuns: 500 } }
  )

  describe("409", () => {
    it.effect("is asked about with the same key until the answer is there", () => {
      const { posts, records, submit } = world((request, index) => (index < 4 ? refuse(409) : created(request)))
      return Effect.gen(function* () {
        const receipt = yield* submit(batch(3))
        assert.strictEqual(receipt.created, 3)
        assert.strictEqual(receipt.attempts, 5)
        assert.deepStrictEqual(new Set(posts().map(({ key }) => key)), new Set([receipt.idempotencyKey]))
        assert.deepStrictEqual(
          records().map(({ operation }) => operation),
          ["BATCH_INTENDED", "BATCH_DONE"]
        )
      })
    })

    it.effect("that stays is recorded as unknown, and sent once under the next generation", () => {
      const first = DncSubmitter.idempotencyKey(batch(3))
      const next = DncSubmitter.idempotencyKey(batch(3), 1)
      const { posts, records, submit } = world((request) => (request.key === first ? refuse(409) : created(request)))
      return Effect.gen(function* () {
        const receipt = yield* submit(batch(3))
        assert.strictEqual(receipt.created, 3)
        assert.strictEqual(receipt.attempts, 11)
        assert.deepStrictEqual(
          posts().map(({ key }) => key),
          [...Array.from({ length: 10 }, () => first), next]
        )
        const said = records().map((record) => [
          record.operation,
          "idempotencyKey" in record.result ? record.result.idempotencyKey : "",
          record.operation === "BATCH_FAILED"
            ? record.result.outcome
            : record.operation === "BATCH_INTENDED"
              ? record.result.generation
              : ""
        ])
        assert.deepStrictEqual(said, [
          ["BATCH_INTENDED", first, 0],
          ["BATCH_FAILED", first, "unknown"],
          ["BATCH_INTENDED", next, 1],
          ["BATCH_DONE", next, ""]
        ])
      })
    })

    it.effect("of the next generation too is an IdempotencyConflict", () => {
      const { posts, records, submit } = world(() => refuse(409))
      return Effect.gen(function* () {
        const error = yield* Effect.flip(submit(batch(3)))
        assert.strictEqual(error._tag, "IdempotencyConflict")
        assert.strictEqual(error._tag === "IdempotencyConflict" && error.attempts, 20)
        assert.strictEqual(posts().length, 20)
        assert.strictEqual(new Set(posts().map(({ key }) => key)).size, 2)
        assert.strictEqual(records().filter(({ operation }) => operation === "BATCH_FAILED").length, 2)
      })
    })

    it.effect("is asked about with pauses", () => {
      const { posts, submit } = world((request, index) => (index < 3 ? refuse(409) : created(request)), {})
      return Effect.gen(function* () {
        const fiber = yield* Effect.fork(submit(batch(1)))
        yield* TestClock.adjust(0)
        assert.strictEqual(posts().length, 1)
        yield* TestClock.adjust("1 minutes")
        assert.strictEqual((yield* fiber).created, 1)
      })
    })
  })

  const shapes: Readonly<Record<string, (phoneNumber: string, index: number) => unknown>> = {
    "a list under errors": (phoneNumber) => ({
      message: "1 is refused",
      errors: [{ phoneNumber, message: "not a number" }]
    }),
    "a list of strings": (phoneNumber) => ({ message: "not a number", details: { invalid: [phoneNumber] } }),
    "a sentence": (phoneNumber) => ({ message: `not a number: ${phoneNumber}, sorry` }),
    "a field path": (_, index) => ({ details: [{ fieldName: `phoneNumbers[${index}]`, message: "not a number" }] }),
    "a dotted field path": (_, index) => ({ errors: [{ field: `phoneNumbers.${index}`, message: "not a number" }] })
  }
  for (const [shape, body] of Object.entries(shapes)) {
    for (const status of [422, 400]) {
      it.effect(`${status} that names a number in ${shape}: taken out, the rest sent`, () => {
        const culprits = [numbers(10)[0], numbers(10)[7]]
        const { posts, submit } = world((request) => {
          const found = request.phoneNumbers.findIndex((number) => culprits.includes(number))
          return found === -1
            ? created(request)
            : refuse(status, { code: "invalid.value", ...(body(request.phoneNumbers[found], found) as object) })
        })
        return Effect.gen(function* () {
          const receipt = yield* submit(batch(10))
          assert.strictEqual(receipt.created, 8)
          assert.deepStrictEqual(
            receipt.rejected.map(({ phoneNumber }) => phoneNumber),
            culprits
          )
          for (const { message } of receipt.rejected) assert.include(message, "not a number")
          assert.strictEqual(receipt.attempts, 3)
          assert.strictEqual(accounted(receipt), 10)
          // another content, another key
          assert.strictEqual(new Set(posts().map(({ key }) => key)).size, 3)
        })
      })
    }
  }

  it.effect("each refused number goes with its own words", () => {
    const [a, b] = numbers(2)
    const { submit } = world((request, index) =>
      index === 0
        ? refuse(422, {
            message: "2 are refused",
            errors: [
              { phoneNumber: a, message: "too short" },
              { phoneNumber: b, message: "too long" }
            ]
          })
        : created(request)
    )
    return Effect.gen(function* () {
      const receipt = yield* submit(batch(5))
      assert.deepStrictEqual(receipt.rejected, [
        { phoneNumber: a, message: "too short" },
        { phoneNumber: b, message: "too long" }
      ])
    })
  })

  it.effect("a number that was not sent is no culprit", () => {
    const { submit } = world((request) =>
      request.phoneNumbers.length > 1
        ? refuse(422, { message: "Ask +14155559999" })
        : request.phoneNumbers[0] === numbers(2)[1]
          ? refuse(422, { message: "Ask +14155559999" })
          : created(request)
    )
    return Effect.gen(function* () {
      const receipt = yield* submit(batch(2))
      assert.deepStrictEqual(
        receipt.rejected.map(({ phoneNumber }) => phoneNumber),
        [numbers(2)[1]]
      )
      assert.strictEqual(receipt.created, 1)
    })
  })

  it.effect.prop(
    "one culprit among n that is not named costs at most 2·log2(n)+2 requests",
    {
      n: FastCheck.integer({ min: 1, max: 499 }),
      at: FastCheck.nat()
    },
    ({ at, n }) =>
      Effect.gen(function* () {
        const culprit = numbers(n)[at % n]
        const { posts, submit } = world((request) =>
          request.phoneNumbers.includes(culprit) ? refuse(422, { message: "no" }) : created(request)
        )
        const receipt = yield* submit(batch(n))
        assert.deepStrictEqual(
          receipt.rejected.map(({ phoneNumber }) => phoneNumber),
          [culprit]
        )
        assert.strictEqual(receipt.created, n - 1)
        assert.strictEqual(accounted(receipt), n)
        assert.isAtMost(posts().length, 2 * Math.log2(n) + 2)
        assert.strictEqual(receipt.attempts, posts().length)
        // the culprit was refused by itself
        assert.isTrue(posts().some(({ phoneNumbers }) => phoneNumbers.length === 1 && phoneNumbers[0] === culprit))
        // nothing was put on the list twice
        const taken = posts()
          .filter(({ phoneNumbers }) => !phoneNumbers.includes(culprit))
          .flatMap(({ phoneNumbers }) => phoneNumbers)
        assert.strictEqual(taken.length, new Set(taken).size)
      }),
    { fastCheck: { numRuns: 150 } }
  )

  it.effect("wherever the culprit is, in batches of every small size", () =>
    Effect.gen(function* () {
      for (let n = 1; n <= 20; n++) {
        for (const culprit of numbers(n)) {
          const { posts, submit } = world((request) =>
            request.phoneNumbers.includes(culprit) ? refuse(422, { message: "no" }) : created(request)
          )
          const { rejected } = yield* submit(batch(n))
          assert.strictEqual(rejected[0].phoneNumber, culprit)
          assert.isAtMost(posts().length, 2 * Math.log2(n) + 2)
        }
      }
    })
  )

  it.effect("both halves fail alike: it is not the numbers, the batch fails", () => {
    const { posts, submit } = world(() => refuse(422, { message: "The list is frozen", code: "frozen" }))
    return Effect.gen(function* () {
      const error = yield* Effect.flip(submit(batch(100)))
      assert.strictEqual(error._tag, "UnprocessableEntries")
      assert.include(error.message, "frozen")
      assert.strictEqual(posts().length, 3)
    })
  })

  it.effect("halves that fail for different reasons are each taken apart", () => {
    const [a, b] = [numbers(16)[2], numbers(16)[12]]
    const { submit } = world((request) =>
      request.phoneNumbers.includes(a)
        ? refuse(422, { message: "first reason" })
        : request.phoneNumbers.includes(b)
          ? refuse(422, { message: "second reason" })
          : created(request)
    )
    return Effect.gen(function* () {
      const receipt = yield* submit(batch(16))
      assert.strictEqual(receipt.created, 14)
      assert.deepStrictEqual(
        receipt.rejected.map(({ phoneNumber }) => phoneNumber),
        [a, b]
      )
      assert.include(receipt.rejected[0].message, "first reason")
      assert.include(receipt.rejected[1].message, "second reason")
    })
  })

  it.effect("413 halves until it fits", () => {
    const { posts, submit } = world((request) => (request.phoneNumbers.length > 60 ? refuse(413) : created(request)))
    return Effect.gen(function* () {
      const receipt = yield* submit(batch(499))
      assert.strictEqual(receipt.created, 499)
      const taken = posts().filter(({ phoneNumbers }) => phoneNumbers.length <= 60)
      assert.deepStrictEqual(
        taken.flatMap(({ phoneNumbers }) => phoneNumbers),
        numbers(499)
      )
    })
  })

  it.effect("413 for one number: the batch fails, without asking for each", () => {
    const { posts, submit } = world(() => refuse(413))
    return Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(submit(batch(1))))._tag, "PayloadTooLarge")
      assert.strictEqual(posts().length, 1)
      assert.strictEqual((yield* Effect.flip(submit(batch(256))))._tag, "PayloadTooLarge")
      assert.strictEqual(posts().length, 1 + 9)
    })
  })

  it.effect("413, then a half that fails otherwise: the other half is sent all the same", () => {
    const { submit } = world((request) =>
      request.phoneNumbers.length > 5
        ? refuse(413)
        : request.phoneNumbers.includes(numbers(1)[0])
          ? refuse(503)
          : created(request)
    )
    return Effect.gen(function* () {
      const receipt = yield* submit(batch(10))
      assert.strictEqual(receipt.created, 5)
      assert.deepStrictEqual(
        receipt.failed.map(({ count, error, phoneNumbers }) => [count, error, phoneNumbers]),
        [[5, "ServerError", numbers(5)]]
      )
    })
  })

  it.effect("413, then a half that is short: what was taken stays counted", () => {
    const { submit } = world((request) =>
      request.phoneNumbers.length > 5
        ? refuse(413)
        : Effect.succeed({ created: request.phoneNumbers.includes(numbers(1)[0]) ? 4 : 5 })
    )
    return Effect.gen(function* () {
      const receipt = yield* submit(batch(10))
      assert.strictEqual(receipt.created, 9)
      assert.strictEqual(accounted(receipt), 10)
      assert.strictEqual(receipt.failed[0].count, 1)
    })
  })

  for (const [status, code, tag] of [
    [401, "bad.credentials", "Unauthorized"],
    [403, "missing.permissions", "Forbidden"],
    [404, "not.found", "NotFound"],
    [400, "dnc.source.operation.not.supported", "BadRequest"],
    [400, "dnc.records.per.list.limit.exceeded", "BadRequest"],
    [400, "dnc.records.per.organization.limit.exceeded", "BadRequest"]
  ] as const) {
    it.effect(`${code} is fatal: asked once, not taken apart`, () => {
      const { posts, submit } = world(() => refuse(status, { code, message: "no" }))
      return Effect.gen(function* () {
        const error = yield* Effect.flip(submit(batch(8)))
        assert.strictEqual(error._tag, tag)
        assert.strictEqual(posts().length, 1)
      })
    })
  }

  it.effect("a half that fails fatally ends the taking apart", () => {
    const { posts, submit } = world((_, index) => (index === 0 ? refuse(422, { message: "no" }) : refuse(403)))
    return Effect.gen(function* () {
      const error = yield* Effect.flip(submit(batch(8)))
      assert.strictEqual(error._tag, "Forbidden")
      assert.strictEqual(posts().length, 2)
    })
  })

  it.effect("a 400 of an unknown code is a refusal like 422", () => {
    const culprit = numbers(8)[3]
    const { submit } = world((request) =>
      request.phoneNumbers.includes(culprit) ? refuse(400, { code: "who.knows" }) : created(request)
    )
    return Effect.gen(function* () {
      const receipt = yield* submit(batch(8))
      assert.strictEqual(receipt.rejected[0].phoneNumber, culprit)
      assert.strictEqual(receipt.created, 7)
    })
  })

  for (const status of [302, 405, 415]) {
    it.effect(`${status} is no refusal of numbers: asked once, the batch fails`, () => {
      const { posts, submit } = world(() => refuse(status, { code: "not.this.way" }))
      return Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(submit(batch(8)))).message.includes(String(status)), true)
        assert.strictEqual(posts().length, 1)
      })
    })
  }

  describe("a 200", () => {
    const answered = (size: number, body: unknown) => {
      const made = world(() => Effect.succeed(body))
      return Effect.map(Effect.either(made.submit(batch(size))), (receipt) => ({ receipt, ...made }))
    }

    it.effect("that accounts for too few: the shortfall failed, and all that may be missing is named", () =>
      Effect.gen(function* () {
        const [a] = numbers(10)
        const { receipt, records } = yield* answered(10, { created: 4, duplicate: 2, updated: 1, error: [a] })
        const { created, duplicate, failed, rejected, updated } = Either.getOrThrow(receipt)
        assert.deepStrictEqual([created, duplicate, updated, rejected.length], [4, 2, 1, 1])
        assert.strictEqual(failed.length, 1)
        assert.strictEqual(failed[0].count, 2)
        assert.strictEqual(failed[0].error, "UnexpectedResponse")
        assert.deepStrictEqual(failed[0].phoneNumbers, numbers(9, 1))
        const done = records().at(-1)
        assert.strictEqual(done?.operation === "BATCH_DONE" && done.result.shortfall, 2)
        assert.strictEqual(done?.complianceStatus, "INCOMPLETE")
      })
    )

    for (const body of [{ created: 11 }, { created: 10, duplicate: 1 }, {}, { created: 0 }, [], "text", undefined]) {
      it.effect(`${JSON.stringify(body)} for ten numbers: UnexpectedResponse`, () =>
        Effect.gen(function* () {
          const { posts, receipt } = yield* answered(10, body)
          assert.strictEqual(Either.isLeft(receipt) && receipt.left._tag, "UnexpectedResponse")
          assert.strictEqual(posts().length, 1)
        })
      )
    }

    for (const body of [
      { created: -1 },
      { created: "10" },
      { created: 1.5 },
      { created: 2 ** 53 },
      [],
      { created: 9, error: ["+14155559999"] },
      { created: 9, error: "one" },
      { created: 9, error: [{ number: numbers(1)[0] }] }
    ]) {
      it.effect(`${JSON.stringify(body)}, another shape: UnexpectedResponse without a whole number`, () =>
        Effect.gen(function* () {
          const { receipt, records } = yield* answered(10, body)
          assert.strictEqual(Either.isLeft(receipt) && receipt.left._tag, "UnexpectedResponse")
          assert.notMatch(Either.isLeft(receipt) ? receipt.left.message : "", /\d{7}/)
          const last = records().at(-1)
          assert.strictEqual(last?.operation === "BATCH_FAILED" && last.result.outcome, "unknown")
        })
      )
    }

    it.effect("may say error or errors, strings or objects, and leave counts out", () =>
      Effect.gen(function* () {
        const [a, b, c] = numbers(3)
        for (const body of [
          { error: [a, { phoneNumber: b, message: "landline" }, { phoneNumber: c, code: "bad" }] },
          { errors: [a, { phoneNumber: b, message: "landline" }, { phoneNumber: c, code: "bad" }], created: null },
          {
            error: [a],
            errors: [
              { phoneNumber: b, message: "landline" },
              { phoneNumber: c, code: "bad" }
            ]
          }
        ]) {
          const { receipt } = yield* answered(3, body)
          const { created, rejected } = Either.getOrThrow(receipt)
          assert.strictEqual(created, 0)
          assert.deepStrictEqual(
            rejected.map(({ phoneNumber }) => phoneNumber),
            [a, b, c]
          )
          assert.strictEqual(rejected[1].message, "landline")
          assert.strictEqual(rejected[2].message, "bad")
        }
      })
    )

    it.effect("that names a number twice refuses it once, and hides no other", () =>
      Effect.gen(function* () {
        const [a, b] = numbers(2)
        const { receipt } = yield* answered(2, { created: 0, error: [a, a] })
        const { failed, rejected } = Either.getOrThrow(receipt)
        assert.strictEqual(rejected.length, 1)
        assert.deepStrictEqual([failed[0].count, failed[0].phoneNumbers], [1, [b]])
        const both = yield* answered(2, { created: 1, error: [a], errors: [{ phoneNumber: a, message: "no" }] })
        assert.strictEqual(accounted(Either.getOrThrow(both.receipt)), 2)
        assert.strictEqual(Either.getOrThrow(both.receipt).created, 1)
      })
    )
  })

  describe("the record", () => {
    it.effect("of every request's intention comes before it, with the request's key and content", () => {
      const culprit = numbers(20)[13]
      const { journal, submit } = world((request, index) =>
        index === 0 ? refuse(413) : request.phoneNumbers.includes(culprit) ? refuse(422) : created(request)
      )
      return Effect.gen(function* () {
        yield* submit(batch(20))
        let posts = 0
        for (const [i, line] of journal.entries()) {
          if (!("posted" in line)) continue
          posts++
          const before = journal[i - 1]
          const intended = "recorded" in before ? before.recorded : undefined
          assert.isTrue(intended?.operation === "BATCH_INTENDED")
          if (intended?.operation !== "BATCH_INTENDED") continue
          assert.strictEqual(intended.result.idempotencyKey, line.posted.key)
          assert.deepStrictEqual(intended.phoneNumbers, line.posted.phoneNumbers)
          assert.strictEqual(intended.result.size, line.posted.phoneNumbers.length)
          assert.strictEqual(
            intended.result.contentDigest,
            createHash("sha256")
              .update(["REGULATORY", "", ...line.posted.phoneNumbers].join("\n"))
              .digest("hex")
          )
          const after = journal[i + 1]
          const ended = "recorded" in after ? after.recorded : undefined
          assert.match(ended?.operation ?? "", /^BATCH_(DONE|FAILED)$/)
          // those of the intention with its key are meant
          assert.isUndefined(ended?.phoneNumbers)
        }
        assert.isAbove(posts, 5)
      })
    })

    it.effect("of a failure says whether something may have been taken", () =>
      Effect.gen(function* () {
        for (const [status, outcome] of [
          [422, "refused"],
          [413, "refused"],
          [503, "unknown"],
          [408, "unknown"],
          [403, "failed"]
        ] as const) {
          const { records, submit } = world(() => refuse(status))
          yield* Effect.flip(submit(batch(1))).pipe(Effect.orElseSucceed(() => undefined))
          const failed = records().find(({ operation }) => operation === "BATCH_FAILED")
          assert.strictEqual(failed?.operation === "BATCH_FAILED" && failed.result.outcome, outcome)
        }
      })
    )

    it.effect("that cannot be written: nothing is sent", () => {
      let posts = 0
      return Effect.gen(function* () {
        const submitter = yield* DncSubmitter.DncSubmitter
        const error = yield* Effect.flip(submitter.submit(batch(3)))
        assert.strictEqual(error._tag, "AuditError")
        assert.strictEqual(posts, 0)
      }).pipe(
        Effect.provide(
          DncSubmitter.layer({ contract: Contract.entries }).pipe(
            Layer.provide([
              Mocks.httpClient(() => Effect.sync(() => ({ created: ++posts }))),
              Layer.succeed(
                AuditSink.AuditSink,
                AuditSink.AuditSink.of({
                  forEach: () => Effect.void,
                  append: () => Effect.fail(new AuditSink.AuditError({ message: "disk full", hint: "free some" }))
                })
              )
            ])
          )
        )
      )
    })

    it.effect("of an interruption in a pause: unknown, and nothing more is sent", () => {
      const { posts, records, submit } = world(() => refuse(409), {})
      return Effect.gen(function* () {
        const fiber = yield* Effect.fork(submit(batch(3)))
        yield* TestClock.adjust(0)
        const before = posts().length
        assert.strictEqual(before, 1)
        const exit = yield* Fiber.interrupt(fiber)
        assert.isTrue(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause))
        const last = records().at(-1)
        assert.strictEqual(last?.operation === "BATCH_FAILED" && last.result.outcome, "unknown")
        assert.strictEqual(last?.operation === "BATCH_FAILED" && last.result.error, "Interrupted")
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(posts().length, before)
      })
    })

    it.effect("of batches that were only made ready when interrupted: that nothing was sent", () => {
      const { layer, posts, records } = world((request) => Effect.delay(created(request), "1 second"))
      return Effect.gen(function* () {
        const submitter = yield* DncSubmitter.DncSubmitter
        assert.strictEqual(submitter.concurrency, 8)
        const fibers = yield* Effect.forEach(Array.from({ length: 8 }), (_, index) =>
          Effect.fork(submitter.submit(batch(2, { index })))
        )
        yield* TestClock.adjust("500 millis")
        const ready = [records().length, posts().length]
        const exits = yield* Effect.forEach(fibers.slice(5), Fiber.interrupt)
        const ends = records().flatMap((record) =>
          record.operation === "BATCH_FAILED" ? [[record.result.batch, record.result.outcome]] : []
        )
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(ready, [8, 5])
        assert.deepStrictEqual(ends, [
          [5, "failed"],
          [6, "failed"],
          [7, "failed"]
        ])
        for (const exit of exits) assert.isTrue(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause))
        assert.strictEqual(posts().length, 5)
      }).pipe(Effect.provide(layer))
    })

    it.effect("is durable before its batch counts, and holds no place in the air meanwhile", () => {
      const { layer, posts } = world(created, { retry: noPauses }, ({ operation }) =>
        operation === "BATCH_DONE" ? Effect.sleep("1 second") : Effect.void
      )
      return Effect.gen(function* () {
        const submitter = yield* DncSubmitter.DncSubmitter
        const fibers = yield* Effect.forEach(Array.from({ length: 8 }), (_, index) =>
          Effect.fork(submitter.submit(batch(2, { index })))
        )
        const ended = Effect.map(Effect.forEach(fibers, Fiber.poll), (exits) => exits.filter(Option.isSome).length)
        yield* TestClock.adjust("999 millis")
        const before = [posts().length, yield* ended]
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(before, [8, 0])
        assert.strictEqual(yield* ended, 8)
      }).pipe(Effect.provide(layer))
    })

    it.effect("of a request that is on its way when interrupted is what it was answered", () => {
      const { records, submit } = world((request) => Effect.delay(created(request), "10 seconds"))
      return Effect.gen(function* () {
        const fiber = yield* Effect.fork(submit(batch(3)))
        yield* TestClock.adjust("1 seconds")
        const interruption = yield* Effect.fork(Fiber.interrupt(fiber))
        yield* TestClock.adjust("9 seconds")
        yield* interruption
        assert.strictEqual(records().at(-1)?.operation, "BATCH_DONE")
      })
    })
  })

  it("needs none of the timers that a test may have faked", async () => {
    const { posts, submit } = world(created)
    vi.useFakeTimers({ toFake: ["setImmediate", "setTimeout", "setInterval"] })
    try {
      const receipt = await Effect.runPromise(submit(batch(6)))
      assert.strictEqual(receipt.created, 6)
      assert.strictEqual(posts().length, 1)
    } finally {
      vi.useRealTimers()
    }
  })

  it.effect("check gives what the list says of itself; a role that may not look at it only warns", () =>
    Effect.gen(function* () {
      const named = world(() => Effect.succeed({ id: "list", name: "Do not call" }))
      assert.strictEqual((yield* named.check)?.name, "Do not call")
      assert.isUndefined(yield* world(() => refuse(403)).check)
      assert.strictEqual((yield* Effect.flip(world(() => refuse(404)).check))._tag, "NotFound")
      assert.strictEqual((yield* Effect.flip(world(() => refuse(401)).check))._tag, "Unauthorized")
      assert.strictEqual(
        (yield* Effect.flip(world(() => Effect.succeed({ hello: "world" })).check))._tag,
        "UnexpectedResponse"
      )
    })
  )

  it.effect("the dry run posts nothing, and skips every number", () =>
    Effect.gen(function* () {
      const submitter = yield* DncSubmitter.DncSubmitter
      assert.strictEqual(submitter.target, "nowhere")
      yield* submitter.check("list")
      const receipt = yield* submitter.submit(batch(7))
      assert.strictEqual(receipt.skipped, 7)
      assert.strictEqual(receipt.attempts, 0)
      assert.strictEqual(accounted(receipt), 7)
      assert.strictEqual(receipt.idempotencyKey, DncSubmitter.idempotencyKey(batch(7)))
    }).pipe(Effect.provide(DncSubmitter.layerDryRun()))
  )

  it.effect.prop(
    "every number is accounted for, whatever the server does",
    {
      size: FastCheck.integer({ min: 1, max: 40 }),
      script: FastCheck.array(
        FastCheck.oneof(
          FastCheck.constantFrom(400, 403, 409, 413, 422, 500, 0).map((status) => ({ status })),
          FastCheck.record({ named: FastCheck.nat({ max: 40 }) }),
          FastCheck.record({
            created: FastCheck.double({ min: 0, max: 1, noNaN: true }),
            duplicate: FastCheck.double({ min: 0, max: 1, noNaN: true }),
            refused: FastCheck.nat({ max: 3 }),
            off: FastCheck.constantFrom(0, 0, 0, -1, 1)
          })
        ),
        { maxLength: 30 }
      )
    },
    ({ script, size }) =>
      Effect.gen(function* () {
        const { records, submit } = world((request, index) => {
          const step = script[index]
          const n = request.phoneNumbers.length
          if (step === undefined) return created(request)
          if ("status" in step) return step.status === 0 ? Effect.succeed("<html>") : refuse(step.status)
          if ("named" in step) return refuse(422, { errors: [{ phoneNumber: request.phoneNumbers[step.named % n] }] })
          const refused = Math.min(n, step.refused)
          const madeNew = Math.floor((n - refused) * step.created)
          const duplicate = Math.floor((n - refused - madeNew) * step.duplicate)
          return Effect.succeed({
            created: madeNew,
            duplicate,
            updated: Math.max(0, n - refused - madeNew - duplicate + step.off),
            error: request.phoneNumbers.slice(0, refused)
          })
        })
        const receipt = yield* Effect.either(submit(batch(size)))
        if (Either.isRight(receipt)) {
          assert.strictEqual(accounted(receipt.right), size)
          for (const { count, phoneNumbers } of receipt.right.failed) assert.isAtMost(count, phoneNumbers.length)
          // refused and possibly failed numbers are of the batch, and no number is both
          const rejected = receipt.right.rejected.map(({ phoneNumber }) => phoneNumber)
          const failed = receipt.right.failed.flatMap(({ phoneNumbers }) => phoneNumbers)
          for (const phoneNumber of [...rejected, ...failed]) assert.include(numbers(size), phoneNumber)
          assert.strictEqual(new Set([...rejected, ...failed]).size, rejected.length + failed.length)
        }
        // each intention has its outcome, and a batch in parts the sum of them
        const count = (name: string) => records().filter(({ operation }) => operation === name).length
        const outcomes = count("BATCH_DONE") + count("BATCH_FAILED")
        assert.strictEqual(outcomes, count("BATCH_INTENDED"))
        assert.isAtMost(count("BATCH_SETTLED"), 1)
      }),
    { fastCheck: { numRuns: 400 } }
  )
})

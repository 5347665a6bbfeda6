import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { GenesysError } from "genesys-dnc"

const answer = (status: number, other: Partial<Parameters<typeof GenesysError.fromAnswer>[0]> = {}) =>
  GenesysError.fromAnswer({
    request: "POST /api/v2/outbound/dnclists/1/entries",
    status,
    words: undefined,
    code: undefined,
    correlationId: undefined,
    retryAfter: undefined,
    body: undefined,
    ...other
  })

describe("GenesysError", () => {
  it("each status has its tag, and each a next step", () => {
    const tags = {
      400: "BadRequest",
      401: "Unauthorized",
      402: "BadRequest",
      403: "Forbidden",
      404: "NotFound",
      405: "BadRequest",
      408: "RequestTimeout",
      409: "IdempotencyConflict",
      413: "PayloadTooLarge",
      415: "BadRequest",
      422: "UnprocessableEntries",
      429: "RateLimited",
      500: "ServerError",
      501: "ServerError",
      502: "ServerError",
      503: "ServerError",
      504: "ServerError"
    }
    for (const [status, tag] of Object.entries(tags)) {
      const error = answer(Number(status), { words: "as it was said", code: "a.code", correlationId: "an-id" })
      assert.strictEqual(error._tag, tag)
      assert.strictEqual(error.status, Number(status))
      assert.strictEqual(error.code, "a.code")
      assert.strictEqual(error.correlationId, "an-id")
      assert.include(error.message, `POST /api/v2/outbound/dnclists/1/entries was answered ${status}`)
      assert.include(error.message, "as it was said")
      assert.isAbove(error.hint.length, 10)
    }
  })

  it("408, 429 and 5xx but 501 may succeed later, nothing else that was answered", () => {
    const retryable = [400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 501, 502, 503, 504].filter((status) =>
      GenesysError.isRetryable(answer(status))
    )
    assert.deepStrictEqual(retryable, [408, 429, 500, 502, 503, 504])
  })

  it("credentials, permission, no list, a full list or org and a list of another type are fatal", () => {
    const fatal = [400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 501].filter((status) =>
      GenesysError.isFatal(answer(status))
    )
    assert.deepStrictEqual(fatal, [401, 403, 404, 501])
    for (const status of [400, 409, 422]) {
      for (const code of [
        "dnc.source.operation.not.supported",
        "dnc.records.per.list.limit.exceeded",
        "dnc.records.per.organization.limit.exceeded"
      ]) {
        assert.isTrue(GenesysError.isFatal(answer(status, { code })))
      }
    }
    assert.isFalse(GenesysError.isFatal(answer(400, { code: "invalid.value" })))
  })

  it("hints speak of permissions that exist, and of what to do", () => {
    assert.include(answer(403).hint, "outbound:dnc:add")
    assert.include(answer(400, { code: "dnc.source.operation.not.supported" }).hint, "Internal")
    assert.include(answer(400, { code: "dnc.records.per.list.limit.exceeded" }).hint, "full")
    assert.include(answer(429, { retryAfter: Duration.seconds(90) }).hint, "1m 30s")
  })

  it("withAttempts adds the number and keeps everything else, for every tag", () => {
    const cause = new Error("connect ECONNREFUSED")
    const errors: ReadonlyArray<GenesysError.GenesysError> = [
      ...[400, 401, 403, 404, 408, 409, 413, 422, 429, 500].map((status) =>
        answer(status, { code: "code", correlationId: "id", retryAfter: Duration.seconds(3), body: { a: 1 } })
      ),
      new GenesysError.TransportError({ message: "no answer", hint: "look", cause }),
      new GenesysError.UnexpectedResponse({ message: "odd", hint: "look", status: 200 })
    ]
    assert.strictEqual(new Set(errors.map((error) => error._tag)).size, 12)
    for (const error of errors) {
      const counted = GenesysError.withAttempts(error, 4)
      assert.strictEqual(counted.attempts, 4)
      assert.strictEqual(counted._tag, error._tag)
      assert.strictEqual(counted.message, error.message)
      assert.strictEqual(counted.cause, error.cause)
      assert.instanceOf(counted, error.constructor as new () => GenesysError.GenesysError)
      for (const field of ["hint", "status", "code", "correlationId", "retryAfter", "body"] as const) {
        assert.deepStrictEqual((counted as never)[field], (error as never)[field])
      }
    }
    const limited = GenesysError.withAttempts(answer(429, { retryAfter: Duration.seconds(3) }), 1)
    assert.strictEqual(limited._tag === "RateLimited" && Duration.toSeconds(limited.retryAfter!), 3)
  })

  it("the body of a refusal is there for programs, and nowhere shown", () => {
    const error = GenesysError.withAttempts(answer(422, { body: { refused: "+14155550100" } }), 1)
    assert.deepStrictEqual(error._tag === "UnprocessableEntries" && Redacted.value(error.body!), {
      refused: "+14155550100"
    })
    for (const shown of [
      JSON.stringify(error),
      String(error),
      inspect(error, { depth: 20 }),
      Cause.pretty(Cause.fail(error))
    ]) {
      assert.notInclude(shown, "4155550100")
    }
  })

  it.effect("catchTag finds each", () =>
    Effect.gen(function* () {
      const said = yield* Effect.fail(answer(429, { retryAfter: Duration.seconds(5) })).pipe(
        Effect.catchTags({
          RateLimited: (error) => Effect.succeed(Duration.toSeconds(error.retryAfter ?? 0)),
          Forbidden: () => Effect.succeed(-1)
        })
      )
      assert.strictEqual(said, 5)
    })
  )
})

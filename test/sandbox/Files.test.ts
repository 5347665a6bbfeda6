import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Faults, Sandbox } from "../../src/sandbox/index.js"
import { connect } from "./platform.js"
import { call, handClock, type Json, numbers } from "./support.js"

const codes = (events: ReadonlyArray<{ readonly eventMessage: Json }>) =>
  events.map(({ eventMessage: { code, messageParams } }) => [code, messageParams.row, messageParams.value])

const listed = (sandbox: Sandbox.Service) =>
  Array.from(sandbox.entries(), ({ expires, phoneNumber }) => [phoneNumber, expires])

describe("Export", () => {
  it.scoped("is there after a while, for those who have the token", () =>
    Effect.gen(function* () {
      const clock = handClock()
      const sandbox = yield* Sandbox.make({ now: clock.now, exportDelayMs: 5000 })
      const client = yield* connect(sandbox)
      const path = `${client.own}/export`
      yield* client.add(numbers(2))
      yield* client.add(numbers(1, 2), "2030-01-31T00:00Z")
      assert.strictEqual((yield* client.send("GET", path)).status, 404)
      const { body: reference } = yield* client.send("POST", path)
      assert.strictEqual(reference.id, sandbox.listId)
      yield* client.add(numbers(1, 3))
      assert.strictEqual((yield* client.send("GET", path)).status, 404)
      clock.forward(5000)
      const { body } = yield* client.send("GET", `${path}?download=true`)
      assert.strictEqual(body.exportTimestamp, "2030-01-01T00:00:05.000Z")
      assert.strictEqual((yield* call(body.uri)).status, 401)
      const { headers, text } = yield* call(body.uri, { headers: client.bearer })
      assert.strictEqual(headers.get("content-type"), "text/csv; charset=utf-8")
      assert.deepStrictEqual(text.split("\r\n"), [
        "contact,status,expirationDateTime",
        "+14155550000,ACTIVE,",
        "+14155550001,ACTIVE,",
        "+14155550002,ACTIVE,2030-01-31T00:00Z",
        ""
      ])
      yield* client.send("POST", path)
      clock.forward(5000)
      assert.strictEqual((yield* call(body.uri, { headers: client.bearer })).status, 404)
    })
  )

  it.scoped("is never there, if it is told so", () =>
    Effect.gen(function* () {
      const clock = handClock()
      const client = yield* connect(yield* Sandbox.make({ now: clock.now, exportDelayMs: "never" }))
      yield* client.send("POST", `${client.own}/export`)
      clock.forward(3_600_000)
      assert.strictEqual((yield* client.send("GET", `${client.own}/export`)).status, 404)
    })
  )

  it.scoped("breaks off where it is asked to", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ exportDelayMs: 0 })
      const client = yield* connect(sandbox)
      yield* sandbox.seed(numbers(5000).map((phoneNumber) => ({ phoneNumber })))
      yield* client.send("POST", `${client.own}/export`)
      const { body } = yield* client.send("GET", `${client.own}/export`)
      yield* sandbox.inject(Faults.truncateNext(1, { route: "download" }))
      yield* Effect.flip(call(body.uri, { headers: client.bearer }))
      const { text } = yield* call(body.uri, { headers: client.bearer })
      assert.strictEqual(text.split("\r\n").length, 5002)
    })
  )
})

describe("Upload", () => {
  const columns = { phoneColumns: "phone, second", expirationDateTimeColumn: "until" }

  it.scoped("puts a file on the list, and tells of its rows in the event log alone", () =>
    Effect.gen(function* () {
      const clock = handClock()
      const sandbox = yield* Sandbox.make({ now: clock.now, importDelayMs: 0, refuse: ["+14155550109"] })
      const client = yield* connect(sandbox)
      yield* client.add(["+14155550100"])
      const file = [
        "\ufeffphone,name,second,until",
        '+14155550101,"Doe, ""Jo""\nJr",,2030-01-31T00:00Z',
        "+14155550102,,+14155550103,",
        "+14155550104,,,31/01/2030",
        "+14155550105,,,2031-01-01T00:00Z",
        "317-153-4777,,,",
        "+14155550109,,,",
        "+1415555010412345,,,",
        "+14155550106",
        '"+14155550107'
      ]
      const { status, text } = yield* client.upload(columns, file.join("\r\n"))
      assert.deepStrictEqual([status, text], [200, ""])
      yield* sandbox.imported
      const { body } = yield* client.send("GET", `${client.own}/importstatus`)
      assert.deepStrictEqual(body, { totalRecords: 9, completedRecords: 9, percentComplete: 100 })
      assert.deepStrictEqual(listed(sandbox), [
        ["+14155550100", null],
        ["+14155550101", "2030-01-31T00:00:00.000Z"],
        ["+14155550102", null],
        ["+14155550103", null],
        ["+14155550104", null]
      ])
      const events = yield* client.send("GET", "/outbound/events?category=DNC_LIST&pageSize=100")
      assert.deepStrictEqual(codes(events.body.entities), [
        ["IMPORT_INVALID_EXPIRATION_DATE", "3", "31/01/2030"],
        ["IMPORT_EXPIRATION_DATE_EXCEEDS_MAX_DAYS", "4", "2031-01-01T00:00Z"],
        ["IMPORT_INVALID_PHONE_NUMBERS", "5", "317-153-4777"],
        ["IMPORT_INVALID_PHONE_NUMBERS", "6", "+14155550109"],
        ["EXCEEDED_DNC_PHONE_NUMBER_LENGTH", "7", "+1415555010412345"],
        ["IMPORT_ENTRY_DOES_NOT_ALIGN_WITH_HEADERS", "8", undefined],
        ["IMPORT_COULD_NOT_PARSE_AN_ENTRY", "9", undefined]
      ])
      const [first] = events.body.entities
      assert.strictEqual(first.errorEntity.id, sandbox.listId)
      assert.deepStrictEqual((yield* client.send("GET", first.selfUri.replace("/api/v2", ""))).body, first)
      assert.strictEqual((yield* client.send("GET", "/outbound/events?level=WARNING")).body.total, 1)
      assert.strictEqual((yield* client.send("GET", "/outbound/events?category=CAMPAIGN")).body.total, 0)
      assert.strictEqual((yield* client.send("GET", "/outbound/events/nothing")).status, 404)
    })
  )

  it.scoped("is under way until it is done", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ importDelayMs: 60_000 })
      const client = yield* connect(sandbox)
      yield* client.upload({ phoneColumns: "phone" }, "phone\n+14155550101\n+14155550102\n")
      const { body } = yield* client.send("GET", `${client.own}/importstatus`)
      assert.deepStrictEqual(body, { state: "IN_PROGRESS", totalRecords: 2, completedRecords: 0, percentComplete: 0 })
      assert.strictEqual(yield* client.size(), 0)
    })
  )

  it.scoped("takes the place of what is there, if it is told so", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ importDelayMs: 0, uploadMode: "replace" })
      const client = yield* connect(sandbox)
      yield* client.add(numbers(3))
      yield* client.upload({ phoneColumns: "phone" }, "phone\n+14155550101")
      yield* sandbox.imported
      assert.deepStrictEqual(listed(sandbox), [["+14155550101", null]])
    })
  )

  it.scoped("fails as a whole, or half-way at the limit", () =>
    Effect.gen(function* () {
      const failure = (options: Partial<Sandbox.Options>, csv: string) =>
        Effect.gen(function* () {
          const sandbox = yield* Sandbox.make({ importDelayMs: 0, ...options })
          const client = yield* connect(sandbox)
          yield* client.upload({ phoneColumns: "phone" }, csv)
          yield* sandbox.imported
          const { body } = yield* client.send("GET", `${client.own}/importstatus`)
          assert.strictEqual(body.state, "FAILED")
          return [body.failureReason, (yield* sandbox.events).length, yield* client.size()]
        })
      const file = `phone\n${numbers(5).join("\n")}`
      assert.deepStrictEqual(yield* failure({}, ""), ["IMPORT_FAILED_TO_READ_HEADERS", 1, 0])
      assert.deepStrictEqual(yield* failure({}, "number\n+14155550101"), ["IMPORT_COLUMNS_DO_NOT_EXIST_ON_LIST", 1, 0])
      assert.deepStrictEqual(yield* failure({ maxListRecords: 3 }, file), ["EXCEEDED_DNC_RECORD_LIMIT", 1, 3])
      assert.deepStrictEqual(yield* failure({ importFailure: "OUT_OF_ORDER" }, file), ["OUT_OF_ORDER", 0, 0])
    })
  )

  it.scoped("is taken under its signature alone, with just the headers that were given", () =>
    Effect.gen(function* () {
      const clock = handClock()
      const sandbox = yield* Sandbox.make({ now: clock.now, maxUploadBytes: 2000 })
      const client = yield* connect(sandbox)
      const given = { id: sandbox.listId, contentType: "text/csv", phoneColumns: "phone", signedUrlTimeoutSeconds: 60 }
      const { body: signed } = yield* client.send("POST", `${client.root}/uploads`, given)
      const put = (url: string, headers: Json, body = "phone") =>
        Effect.map(call(url, { method: "PUT", headers, body }), ({ status, text }) => [
          status,
          /<Code>(\w+)<\/Code>/.exec(text)?.[1]
        ])
      assert.deepStrictEqual(yield* put(`${signed.url}0`, signed.headers), [403, "SignatureDoesNotMatch"])
      assert.deepStrictEqual(yield* put(signed.url, {}), [403, "SignatureDoesNotMatch"])
      const bearer = { ...signed.headers, ...client.bearer }
      assert.deepStrictEqual(yield* put(signed.url, bearer), [400, "InvalidArgument"])
      assert.deepStrictEqual(yield* put(signed.url, signed.headers, " ".repeat(2001)), [400, "EntityTooLarge"])
      assert.deepStrictEqual(yield* put(signed.url, signed.headers), [200, undefined])
      clock.forward(60_000)
      assert.deepStrictEqual(yield* put(signed.url, signed.headers), [403, "AccessDenied"])
      assert.strictEqual((yield* sandbox.stats).violationCount, 2)
    })
  )

  it.scoped("is refused where it makes no sense", () =>
    Effect.gen(function* () {
      const registry = "0ffca115-cafe-4ace-a11c-bbbbbbbbbbbb"
      const sandbox = yield* Sandbox.make({
        lists: [...Sandbox.defaults.lists, { id: registry, name: "Registry", dncSourceType: "dnc.com" }]
      })
      const client = yield* connect(sandbox)
      const given = { id: sandbox.listId, contentType: "text/csv", phoneColumns: "phone" }
      const refused = [
        [{ ...given, id: registry }, 400, "dnc.source.operation.not.supported"],
        [{ ...given, emailColumns: "mail" }, 400, "dnc.source.operation.not.supported"],
        [{ ...given, id: "0ffca115-cafe-4ace-a11c-000000000000" }, 404, "not.found"],
        [{ ...given, id: undefined }, 400, "invalid.property"],
        [{ ...given, phoneColumns: " , " }, 400, "constraint.validation"],
        [{ ...given, phoneColumns: ["phone"] }, 400, "invalid.property"],
        [{ ...given, contentType: "text/plain" }, 400, "invalid.value"],
        [{ ...given, signedUrlTimeoutSeconds: 604_801 }, 400, "invalid.value"],
        [{ ...given, mode: "append" }, 400, "invalid.property"]
      ] as const
      for (const [value, expected, code] of refused) {
        const { body, status } = yield* client.send("POST", `${client.root}/uploads`, value)
        assert.deepStrictEqual([status, body.code], [expected, code])
      }
    })
  )

  it.scoped("serves others while it takes a large file", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ importDelayMs: 0 })
      const client = yield* connect(sandbox)
      const lines = ["phone"]
      for (let index = 0; index < 200_000; index++) lines.push(`+${14150000000 + index}`)
      yield* client.upload({ phoneColumns: "phone" }, lines.join("\n"))
      const { body } = yield* client.send("GET", `${client.own}/importstatus`)
      assert.strictEqual(body.totalRecords, 200_000)
      assert.strictEqual(body.state, "IN_PROGRESS")
      yield* sandbox.imported
      assert.strictEqual(yield* client.size(), 200_000)
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Faults, Sandbox } from "../../src/sandbox/index.js"
import { connect } from "./platform.js"
import { call, connect as connectEntries, handClock, type Json, numbers } from "./support.js"

const onList = (sandbox: Sandbox.Service, listId?: string) =>
  Array.from(sandbox.entries(listId), ({ expires, phoneNumber }) => [phoneNumber, expires])

/** The minute so many milliseconds ahead. */
const minute = (now: number, ahead: number) => `${new Date(now + ahead).toISOString().slice(0, 16)}Z`

const day = 86_400_000

describe("Contacts", () => {
  it.scoped("adds and removes without a word, and keeps the expiry that came last", () =>
    Effect.gen(function* () {
      const clock = handClock()
      const sandbox = yield* Sandbox.make({ now: clock.now })
      const client = yield* connect(sandbox)
      const added = yield* client.add([...numbers(2), "+14155550000"], "2030-01-31T08:30Z")
      assert.deepStrictEqual([added.status, added.text, added.headers.get("content-length")], [204, "", null])
      yield* client.add(numbers(1, 1))
      const posted = yield* client.send("POST", `${client.own}/phonenumbers`, numbers(1, 2))
      assert.strictEqual(posted.status, 204)
      yield* client.send("POST", `${client.own}/phonenumbers?expirationDateTime=2030-02-01T00:00Z`, numbers(1, 3))
      assert.deepStrictEqual(onList(sandbox), [
        ["+14155550000", "2030-01-31T08:30:00.000Z"],
        ["+14155550001", null],
        ["+14155550002", null],
        ["+14155550003", "2030-02-01T00:00:00.000Z"]
      ])
      assert.strictEqual((yield* client.remove([...numbers(2, 1), "+14155550199"])).status, 204)
      assert.deepStrictEqual(
        onList(sandbox).map(([number]) => number),
        ["+14155550000", "+14155550003"]
      )
      assert.strictEqual(yield* client.size(), 2)
    })
  )

  it.scoped("empties the list, unless only the expired are asked for", () =>
    Effect.gen(function* () {
      const clock = handClock()
      const sandbox = yield* Sandbox.make({ now: clock.now, maxListRecords: 3 })
      const client = yield* connect(sandbox)
      yield* client.add(numbers(2), minute(clock.now(), 60_000))
      yield* client.add(numbers(1, 2))
      clock.forward(60_000)
      assert.strictEqual(yield* client.size(), 1)
      // what has expired takes up room until it is purged
      assert.strictEqual((yield* client.add(numbers(1, 3))).status, 400)
      assert.strictEqual((yield* client.send("DELETE", `${client.own}/phonenumbers?expiredOnly=true`)).status, 204)
      assert.strictEqual((yield* client.add(numbers(1, 3))).status, 204)
      assert.strictEqual(yield* client.size(), 2)
      assert.strictEqual((yield* client.send("DELETE", `${client.own}/phonenumbers`)).status, 204)
      assert.strictEqual(yield* client.size(), 0)
      assert.strictEqual((yield* client.send("DELETE", `${client.own}/phonenumbers?expiredOnly=yes`)).status, 400)
    })
  )

  it.scoped("takes an expiry of 180 days, to the minute, and no other", () =>
    Effect.gen(function* () {
      const clock = handClock()
      const sandbox = yield* Sandbox.make({ now: clock.now })
      const client = yield* connect(sandbox)
      assert.strictEqual((yield* client.add(numbers(1), minute(clock.now(), 180 * day))).status, 204)
      const answers = [
        [yield* client.add(numbers(1), minute(clock.now(), 181 * day)), "invalid.date.value"],
        [yield* client.add(numbers(1), minute(clock.now(), 180 * day + 60_000)), "invalid.date.value"],
        [yield* client.add(numbers(1), minute(clock.now(), 0)), "invalid.date.value"],
        [yield* client.add(numbers(1), "2030-02-30T00:00Z"), "invalid.date.value"],
        [yield* client.add(numbers(1), "2030-01-31T00:00:00.000Z"), "invalid.date"],
        [yield* client.add(numbers(1), ""), "invalid.date"],
        [yield* client.send("POST", `${client.own}/phonenumbers?expirationDateTime=2030`, []), "invalid.date"]
      ] as const
      for (const [{ body, status }, code] of answers) assert.deepStrictEqual([status, body.code], [400, code])
      assert.strictEqual((yield* sandbox.stats).violationCount, 6)
    })
  )

  it.scoped("refuses what is not a request of its own", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ maxNumbersPlatform: 2, maxBytes: 200 })
      const client = yield* connect(sandbox)
      const patch = (value: unknown) => client.send("PATCH", `${client.own}/phonenumbers`, value)
      const answers = [
        [yield* patch([]), 400, "invalid.property"],
        [yield* patch({ action: "Replace", phoneNumbers: [] }), 400, "invalid.value"],
        [yield* patch({ action: "Add", phoneNumbers: "+14155550100" }), 400, "invalid.property"],
        [yield* patch({ action: "Add", phoneNumbers: [], reason: "REGULATORY" }), 400, "invalid.property"],
        [yield* client.send("PATCH", `${client.own}/phonenumbers`), 415, "unsupported.media.type"],
        [yield* client.add(numbers(3)), 413, "request.entity.too.large"],
        [yield* client.add(numbers(20)), 413, "request.entity.too.large"],
        [yield* client.send("POST", `${client.own}/phonenumbers`, { phoneNumbers: [] }), 400, "invalid.property"]
      ] as const
      for (const [{ body, status }, expected, code] of answers) {
        assert.deepStrictEqual([status, body.code], [expected, code])
      }
      assert.strictEqual((yield* client.add([])).status, 204)
    })
  )

  it.scoped("names the numbers that it refuses, keeps them to itself, or takes the others", () =>
    Effect.gen(function* () {
      const refuse = ["+1415555000*"]
      const named = yield* connect(yield* Sandbox.make({ refuse }))
      const { body, status } = yield* named.add(["+14155550100", "+14155550001", "nonsense"])
      assert.strictEqual(status, 400)
      assert.deepStrictEqual(
        body.errors.map((error: Json) => [error.messageParams.phoneNumber, error.details[0].fieldName]),
        [
          ["+14155550001", "phoneNumbers[1]"],
          ["nonsense", "phoneNumbers[2]"]
        ]
      )
      assert.strictEqual(yield* named.size(), 0)
      assert.strictEqual((yield* named.remove(["+14155550001"])).status, 204)

      const silent = yield* connect(yield* Sandbox.make({ refuse, refusals: "silent" }))
      const answer = yield* silent.add(["+14155550100", "+14155550001"])
      assert.strictEqual(answer.body.code, "constraint.validation")
      assert.notInclude(answer.text, "5550001")

      const partial = yield* connect(yield* Sandbox.make({ refuse, refusals: "partial" }))
      assert.strictEqual((yield* partial.add(["+14155550100", "+14155550001"])).status, 204)
      assert.strictEqual(yield* partial.size(), 1)
    })
  )

  it.scoped("keeps to the limits of the list and of the organization, and changes nothing beyond", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ maxListRecords: 5, maxOrgRecords: 7 })
      const client = yield* connect(sandbox)
      const other = `${client.root}/${(yield* client.create({ name: "Other" })).body.id}`
      yield* client.add(numbers(4))
      const full = yield* client.add(numbers(4, 2))
      assert.strictEqual(full.status, 400)
      assert.strictEqual(full.body.code, "dnc.records.per.list.limit.exceeded")
      assert.deepStrictEqual(full.body.limit, { key: "dnc.records.per.list", namespace: "outbound", value: 5 })
      assert.strictEqual(yield* client.size(), 4)
      assert.strictEqual((yield* client.add([...numbers(3, 2), ...numbers(3, 2)])).status, 204)
      assert.strictEqual(yield* client.size(), 5)
      const org = yield* client.add(numbers(3), undefined, other)
      assert.strictEqual(org.body.code, "dnc.records.per.organization.limit.exceeded")
      assert.strictEqual(org.body.limit.value, 7)
      assert.strictEqual((yield* client.add(numbers(2), undefined, other)).status, 204)
      const limits = yield* client.send("GET", "/organizations/limits/namespaces/outbound")
      assert.deepStrictEqual(
        limits.body.entities.map((limit: Json) => limit.value),
        [5, 7]
      )
    })
  )

  it.scoped("takes addresses, WhatsApp numbers and columns, each on a list of its own kind", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      const ofKind = [
        ["emailaddresses", "emailAddresses", { contactMethod: "Email" }, ["Ann@example.com", "bo@example.com"]],
        ["whatsappnumbers", "whatsAppNumbers", { contactMethod: "WhatsApp" }, numbers(2)],
        [
          "customexclusioncolumns",
          "customExclusionColumnEntries",
          { dncSourceType: "rds_custom", contactMethod: undefined, customExclusionColumn: "Account" },
          ["A-1", "A, 2"]
        ]
      ] as const
      for (const [kind, field, shape, contacts] of ofKind) {
        const { body } = yield* client.create({ name: kind, ...shape })
        const path = `${client.root}/${body.id}/${kind}`
        const expirationDateTime = minute(Date.now(), 3_600_000)
        yield* client.send("PATCH", path, { action: "Add", [field]: contacts, expirationDateTime })
        assert.strictEqual([...sandbox.contacts(kind, body.id)].length, 2)
        yield* client.send("PATCH", path, { action: "Remove", [field]: [contacts[0]] })
        assert.strictEqual(
          [...sandbox.contacts(kind, body.id)][0].expires?.slice(0, 16),
          expirationDateTime.slice(0, 16)
        )
        assert.strictEqual((yield* client.send("DELETE", `${path}?expiredOnly=true`)).status, 204)
        assert.strictEqual(yield* client.size(`${client.root}/${body.id}`), 1)
        assert.strictEqual((yield* client.send("DELETE", path)).status, 204)
        assert.strictEqual(yield* client.size(`${client.root}/${body.id}`), 0)
        if (kind === "emailaddresses") {
          assert.strictEqual((yield* client.send("POST", path, [...contacts, "ann@example.com"])).status, 204)
          assert.strictEqual(yield* client.size(`${client.root}/${body.id}`), 2)
          assert.strictEqual((yield* client.send("POST", path, ["nobody"])).status, 400)
        }
        const elsewhere = yield* client.send("PATCH", `${client.own}/${kind}`, { action: "Add", [field]: contacts })
        assert.strictEqual(elsewhere.body.code, "dnc.source.operation.not.supported")
      }
    })
  )

  it.scoped("leaves lists alone that are not its own", () =>
    Effect.gen(function* () {
      const id = "0ffca115-cafe-4ace-a11c-bbbbbbbbbbbb"
      for (const dncSourceType of ["rds_custom", "dnc.com", "gryphon"] as const) {
        const client = yield* connect(yield* Sandbox.make({ lists: [{ id, name: "Registry", dncSourceType }] }))
        for (const answer of [yield* client.add(numbers(1)), yield* client.remove(numbers(1))]) {
          assert.strictEqual(answer.status, 400)
          assert.strictEqual(answer.body.code, "dnc.source.operation.not.supported")
        }
      }
    })
  )

  it.scoped("asks for the permission of each operation", () =>
    Effect.gen(function* () {
      const needed = [
        ["POST", "", ["outbound:dnc:add"], numbers(1)],
        ["PATCH", "", ["outbound:dnc:edit"], { action: "Add", phoneNumbers: numbers(1) }],
        ["DELETE", "?expiredOnly=true", ["outbound:dnc:delete"], undefined]
      ] as const
      for (const [method, query, permissions, value] of needed) {
        const rest = Sandbox.defaults.permissions.filter((permission) => !permissions.includes(permission as never))
        const without = yield* connect(yield* Sandbox.make({ permissions: rest }))
        const { body, status } = yield* without.send(method, `${without.own}/phonenumbers${query}`, value)
        assert.strictEqual(status, 403)
        assert.strictEqual(body.code, "missing.permissions")
        assert.strictEqual(body.message, `You are missing the following permission(s): ${permissions}`)
        const only = yield* connect(yield* Sandbox.make({ permissions }))
        assert.strictEqual((yield* only.send(method, `${only.own}/phonenumbers${query}`, value)).status, 204)
      }
    })
  )

  it.scoped("tells the size late, if it is told to", () =>
    Effect.gen(function* () {
      const clock = handClock()
      const sandbox = yield* Sandbox.make({ now: clock.now, sizeLagMs: 30_000 })
      const client = yield* connect(sandbox)
      yield* client.add(numbers(2))
      clock.forward(10_000)
      yield* client.add(numbers(2, 2))
      assert.strictEqual(yield* client.size(), 0)
      assert.strictEqual([...sandbox.entries()].length, 4)
      clock.forward(20_000)
      assert.strictEqual(yield* client.size(), 2)
      clock.forward(10_000)
      assert.strictEqual(yield* client.size(), 4)
    })
  )

  it.scoped("can be looked at from outside", () =>
    Effect.gen(function* () {
      const lists = [{ ...Sandbox.defaults.lists[0], contactMethod: "Any" as const }]
      const sandbox = yield* Sandbox.make({ control: true, lists })
      const client = yield* connect(sandbox)
      yield* client.send("POST", `${client.own}/emailaddresses`, ["Ann@example.com"])
      const { text } = yield* call(`${sandbox.url}/sandbox/lists/${sandbox.listId}/emailaddresses`)
      assert.strictEqual(text, '{"contact":"ann@example.com","reason":"UNSPECIFIED","expires":null}\n')
      yield* call(`${sandbox.url}/sandbox/faults`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(Faults.failNext(1, 501, { route: "emailaddresses" }))
      })
      const patch = { action: "Remove", emailAddresses: ["ANN@example.com"] }
      assert.strictEqual((yield* client.send("PATCH", `${client.own}/emailaddresses`, patch)).status, 501)
      assert.strictEqual((yield* client.send("PATCH", `${client.own}/emailaddresses`, patch)).status, 204)
      assert.deepStrictEqual([...sandbox.contacts("emailaddresses")], [])
      const { body } = yield* call(`${sandbox.url}/sandbox/stats`)
      assert.deepStrictEqual(body.requests.emailaddresses, { "204": 2, "501": 1 })
    })
  )

  it.scoped("meets faults, and is counted", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ rateLimit: { requests: 6, windowSeconds: 60 } })
      const client = yield* connect(sandbox)
      yield* sandbox.inject(
        Faults.failNext(1, 503, { route: "phonenumbers" }),
        Faults.dropNext(1, "after", { route: "phonenumbers" }),
        Faults.truncateNext(1, { route: "phonenumbers" })
      )
      assert.strictEqual((yield* client.add(numbers(1))).status, 503)
      yield* Effect.flip(client.add(numbers(2)))
      yield* Effect.flip(client.add(numbers(3)))
      assert.strictEqual([...sandbox.entries()].length, 3)
      yield* Effect.all([client.add(numbers(4)), client.add(numbers(5)), client.size()], { concurrency: 3 })
      const { body, headers, status } = yield* client.add(numbers(6))
      assert.strictEqual(status, 429)
      assert.strictEqual(body.code, "too.many.requests.retry.after")
      assert.isAtLeast(Number(headers.get("retry-after")), 1)
      const { openEntries, requests } = yield* sandbox.stats
      assert.deepStrictEqual(requests.phonenumbers, { "503": 1, dropped: 2, "204": 2, "429": 1 })
      assert.strictEqual(openEntries.current, 0)
      assert.isAtLeast(openEntries.max, 1)
    })
  )
})

describe("contract", () => {
  it.scoped("leaves out what the other contract has", () =>
    Effect.gen(function* () {
      const entries = yield* connect(yield* Sandbox.make({ contract: "entries" }))
      const platform = yield* Sandbox.make({ contract: "platform" })
      const client = yield* connectEntries(platform)
      assert.strictEqual((yield* entries.add(numbers(1))).status, 404)
      assert.strictEqual((yield* entries.send("GET", entries.root)).status, 404)
      assert.strictEqual((yield* entries.send("GET", entries.own)).status, 200)
      assert.strictEqual((yield* client.push([])).status, 404)
      assert.strictEqual((yield* client.post("/api/v2/platform/webhooks", {})).status, 404)
      assert.strictEqual((yield* client.list()).status, 200)
    })
  )

  it.scoped("serves both from the same lists", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      yield* (yield* connect(sandbox)).add(numbers(2))
      const { body } = yield* (yield* connectEntries(sandbox)).push(numbers(3), { reason: "UNSPECIFIED" })
      assert.deepStrictEqual(body, { created: 1, duplicate: 2, updated: 0, error: [] })
    })
  )

  it.scoped("of a conversation go onto the lists of its campaign, all or none", () =>
    Effect.gen(function* () {
      const other = "0ffca115-cafe-4ace-a11c-000000000001"
      const campaign = (id: string, ...dncListIds: ReadonlyArray<string>) => ({ id, name: id, dncListIds })
      const conversation = (id: string, campaignId: string, first: number) => ({
        id,
        campaignId,
        phoneNumbers: numbers(2, first)
      })
      const sandbox = yield* Sandbox.make({
        contract: "platform",
        lists: [...Sandbox.defaults.lists, { id: other, name: "Other", dncSourceType: "rds" }],
        campaigns: [campaign("spring", Sandbox.defaultListId, other), campaign("fall", Sandbox.defaultListId)],
        conversations: [
          conversation("a", "spring", 0),
          conversation("b", "fall", 2),
          conversation("c", "spring", 4),
          conversation("d", "winter", 4)
        ],
        maxListRecords: 5
      })
      const { send } = yield* connect(sandbox)
      const suppress = (id: string) =>
        Effect.map(send("POST", `/outbound/conversations/${id}/dnc`), ({ status }) => status)
      assert.deepStrictEqual(
        yield* Effect.forEach(["a", "a", "b", "c", "d", "e"], suppress),
        [204, 204, 204, 400, 404, 404]
      )
      const held = (id: string) => Array.from(sandbox.entries(id), ({ expires, phoneNumber }) => [phoneNumber, expires])
      assert.deepStrictEqual(
        held(Sandbox.defaultListId),
        numbers(4).map((number) => [number, null])
      )
      assert.deepStrictEqual(
        held(other),
        numbers(2).map((number) => [number, null])
      )
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Sandbox } from "../../src/sandbox/index.js"
import { connect } from "./platform.js"
import { handClock, type Json, numbers } from "./support.js"

const names = (listing: { readonly body: Json }) => listing.body.entities.map((list: Json) => list.name)

describe("Lists", () => {
  it.scoped("are created, read, changed under their version, and deleted", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      const { body: made, status } = yield* client.create({ name: "Opt-outs" })
      assert.strictEqual(status, 200)
      const path = `${client.root}/${made.id}`
      assert.deepStrictEqual((yield* client.send("GET", path)).body, made)
      const { body: changed } = yield* client.send("PUT", path, { ...made, name: "Opt-outs, 2030" })
      assert.strictEqual(changed.name, "Opt-outs, 2030")
      assert.isAbove(changed.version, made.version)
      const late = yield* client.send("PUT", path, { ...made, name: "Late" })
      assert.deepStrictEqual([late.status, late.body.code], [409, "general.conflict"])
      assert.include(late.body.message, "does not match the current version")
      assert.strictEqual((yield* client.send("PUT", path, { ...changed, dncSourceType: "gryphon" })).status, 400)
      assert.strictEqual((yield* client.send("PUT", path, { ...changed, contactMethod: "Email" })).status, 400)
      assert.strictEqual((yield* client.send("PUT", path, { ...changed, version: undefined })).status, 400)
      assert.strictEqual((yield* client.send("DELETE", path)).status, 200)
      assert.strictEqual((yield* client.send("GET", path)).status, 404)
      assert.strictEqual((yield* client.add(numbers(1), undefined, path)).status, 404)
    })
  )

  it.scoped("need a name of their own and what their type asks for", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      const refused = [
        { name: "sandbox" },
        { name: " " },
        { name: "A", contactMethod: undefined },
        { name: "B", dncSourceType: "rds_custom", contactMethod: undefined },
        { name: "C", dncSourceType: "dnc.com", contactMethod: undefined },
        { name: "D", dncSourceType: "gryphon", contactMethod: undefined },
        { name: "E", dncSourceType: "excel" },
        { name: "F", division: { id: "elsewhere" } },
        { name: "G", colour: "red" }
      ]
      for (const value of refused) assert.strictEqual((yield* client.create(value)).status, 400, JSON.stringify(value))
      const made = yield* client.create({
        name: "H",
        dncSourceType: "dnc.com",
        loginId: "0".repeat(44),
        dncCodes: ["B"]
      })
      assert.deepStrictEqual(made.body.dncCodes, ["B"])
      assert.strictEqual((yield* client.send("GET", client.root)).body.total, 2)
    })
  )

  it.scoped("come in pages, filtered and in order", () =>
    Effect.gen(function* () {
      const division = { id: "0ffca115-cafe-4ace-b1de-000000000002", name: "North" }
      const divisions = [...Sandbox.defaults.divisions, division]
      const sandbox = yield* Sandbox.make({ divisions, lists: [] })
      const client = yield* connect(sandbox)
      for (let index = 0; index < 30; index++) {
        yield* client.create({ name: `List ${String(index).padStart(2, "0")}`, ...(index === 7 ? { division } : {}) })
      }
      yield* client.create({ name: "Registry", dncSourceType: "gryphon", licenseId: "1", contactMethod: undefined })
      const list = (query: string) => client.send("GET", `${client.root}?${query}`)
      const first = (yield* list("")).body
      assert.deepStrictEqual([first.total, first.pageSize, first.pageCount, first.entities.length], [31, 25, 2, 25])
      const second = (yield* client.send("GET", first.nextUri.replace("/api/v2", ""))).body
      assert.strictEqual(second.entities.length, 6)
      assert.notProperty(second, "nextUri")
      assert.deepStrictEqual(names(yield* list("name=list 0&pageSize=3&pageNumber=2")), [
        "List 03",
        "List 04",
        "List 05"
      ])
      assert.deepStrictEqual(names(yield* list("name=07&filterType=Contains")), ["List 07"])
      assert.deepStrictEqual(names(yield* list("name=LIST 07&filterType=Equals")), ["List 07"])
      assert.deepStrictEqual(names(yield* list("name=2&filterType=EndsWith")), ["List 02", "List 12", "List 22"])
      assert.deepStrictEqual(names(yield* list("name=t [01]7&filterType=RegEx")), ["List 07", "List 17"])
      assert.deepStrictEqual(names(yield* list("dncSourceType=gryphon")), ["Registry"])
      assert.deepStrictEqual(names(yield* list(`divisionId=${division.id}`)), ["List 07"])
      assert.strictEqual(names(yield* list("sortBy=name&sortOrder=descending"))[0], "Registry")
      assert.deepStrictEqual((yield* list("name=nothing")).body.entities, [])
      assert.strictEqual((yield* list("pageNumber=9")).status, 400)
      assert.deepStrictEqual((yield* list("pageNumber=9&allowEmptyResult=true")).body.entities, [])
      for (const bad of ["pageSize=101", "pageSize=0", "pageNumber=x", "filterType=Like&name=x", "dncSourceType=x"]) {
        assert.strictEqual((yield* list(bad)).body.code, "invalid.query.param.value")
      }
    })
  )

  it.scoped("have views by division, with size and import status where they are asked for", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      yield* client.add(numbers(3))
      const asked = "includeSize=true&includeImportStatus=true"
      const importStatus = { totalRecords: 0, completedRecords: 0, percentComplete: 0 }
      const { body } = yield* client.send("GET", `${client.root}/divisionviews/${sandbox.listId}?${asked}`)
      assert.deepInclude(body, { name: "Sandbox", size: 3, importStatus })
      const all = yield* client.send("GET", `${client.root}/divisionviews?id=${sandbox.listId}&${asked}`)
      assert.deepStrictEqual(all.body.entities, [body])
      assert.deepStrictEqual((yield* client.send("GET", `${client.root}/divisionviews?id=x`)).body.entities, [])
      const listing = yield* client.send("GET", `${client.root}?${asked}`)
      assert.deepInclude(listing.body.entities[0], { size: 3, importStatus })
    })
  )

  it.scoped("are as they were after a reset", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      yield* client.create({ name: "Another" })
      yield* client.send("DELETE", client.own)
      yield* sandbox.reset
      assert.deepStrictEqual(names(yield* client.send("GET", client.root)), ["Sandbox"])
    })
  )

  it.scoped("are not deleted while a campaign uses them", () =>
    Effect.gen(function* () {
      const dncListIds = [Sandbox.defaultListId]
      const sandbox = yield* Sandbox.make({
        campaigns: [
          { id: "c-1", name: "Spring", campaignStatus: "on", dncListIds },
          { id: "c-2", name: "Autumn", dncListIds: [] }
        ]
      })
      const client = yield* connect(sandbox)
      assert.strictEqual((yield* client.send("DELETE", client.own)).status, 400)
      const { body } = yield* client.send("GET", `/outbound/campaigns?dncListIds=${sandbox.listId}`)
      assert.deepStrictEqual(
        body.entities.map((campaign: Json) => [campaign.name, campaign.campaignStatus, campaign.dncLists[0].id]),
        [["Spring", "on", sandbox.listId]]
      )
      assert.strictEqual((yield* client.send("GET", "/outbound/campaigns")).body.total, 2)
    })
  )

  it.scoped("ask for the permission of each operation", () =>
    Effect.gen(function* () {
      const client = yield* connect(yield* Sandbox.make({ permissions: [] }))
      const bodies: Record<string, Json> = {
        [client.root]: { name: "New", dncSourceType: "rds", contactMethod: "Phone" },
        [client.own]: { name: "Other", dncSourceType: "rds", version: 1 },
        [`${client.root}/uploads`]: { id: Sandbox.defaultListId, contentType: "text/csv" }
      }
      const needed = [
        ["GET", client.root, "outbound:dncList:view"],
        ["POST", client.root, "outbound:dncList:add"],
        ["GET", client.own, "outbound:dncList:view"],
        ["PUT", client.own, "outbound:dncList:edit"],
        ["DELETE", client.own, "outbound:dncList:delete"],
        ["GET", `${client.root}/divisionviews`, "outbound:dncList:search"],
        ["GET", `${client.root}/divisionviews/x`, "outbound:dncList:search"],
        ["POST", `${client.own}/export`, "outbound:dnc:view, outbound:dncList:view"],
        ["GET", `${client.own}/export`, "outbound:dnc:view, outbound:dncList:view"],
        ["GET", `${client.own}/importstatus`, "outbound:dncList:view"],
        ["POST", `${client.root}/uploads`, "outbound:dncList:upload"],
        ["GET", "/outbound/events", "outbound:eventLog:view"],
        ["GET", "/outbound/campaigns", "outbound:campaign:view"],
        ["POST", "/outbound/conversations/x/dnc", "outbound:dnc:add"]
      ] as const
      for (const [method, path, permissions] of needed) {
        const { body, status } = yield* client.send(method, path, /^P/.test(method) ? bodies[path] : undefined)
        assert.strictEqual(status, 403)
        assert.strictEqual(body.message, `You are missing the following permission(s): ${permissions}`)
      }
    })
  )
})

describe("date", () => {
  it.scoped("is that of the sandbox's own clock", () =>
    Effect.gen(function* () {
      const client = yield* connect(yield* Sandbox.make({ now: handClock().now }))
      const { headers } = yield* client.send("GET", client.own)
      assert.strictEqual(headers.get("date"), "Tue, 01 Jan 2030 00:00:00 GMT")
    })
  )
})

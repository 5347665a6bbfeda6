/** The vendor's own SDK as a client of the sandbox, each of its exchanges held against the contract file. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import platformClient from "purecloud-platform-client-v2"
import { Sandbox } from "../../src/sandbox/index.js"
import { call, type Json, numbers } from "../sandbox/support.js"
import * as Contract from "./contract.js"

/** What the SDK did, and what was wrong with it. */
interface Seen {
  exchanges: number
  readonly problems: Array<string>
}

/** The one client that the SDK has, pointed at a sandbox and signed in. */
const connect = (sandbox: Sandbox.Service) =>
  Effect.promise(async () => {
    const client = platformClient.ApiClient.instance
    const seen: Seen = { exchanges: 0, problems: [] }
    // its own file of settings is another machine's business
    client.config.live_reload_config = false
    client.setGateway({ protocol: "http", host: "127.0.0.1", port: sandbox.port })
    const http: Json = client.getHttpClient()
    const request = Object.getPrototypeOf(http).request
    http.request = async (options: Json) => {
      const judge = ({ data, headers, status }: Json) => {
        const query = new URLSearchParams()
        for (const [name, value] of Object.entries<Json>(options.params ?? {})) {
          for (const one of [value].flat()) if (one !== undefined && one !== null) query.append(name, String(one))
        }
        const url = `${options.url}?${query}`
        const method: string = options.method
        const answer = Contract.problems({ method, url, status, contentType: headers["content-type"], body: data })
        if (answer === undefined) return
        const asked = status < 300 ? Contract.problemsOfRequest(method, url, options.data) : []
        seen.exchanges += 1
        seen.problems.push(...answer.concat(asked ?? []).map((words) => `${method} ${url} ${status}: ${words}`))
      }
      try {
        const response = await request.call(http, options)
        judge(response)
        return response
      } catch (error) {
        judge((error as Json).response)
        throw error
      }
    }
    const { accessToken } = await client.loginClientCredentialsGrant(sandbox.clientId, sandbox.clientSecret)
    return { api: new platformClient.OutboundApi(), bearer: accessToken, seen }
  })

/** What a call of the SDK is rejected with. */
const refusal = (promise: Promise<unknown>) =>
  Effect.promise(() =>
    promise.then(
      () => assert.fail("it was not refused"),
      (error: Json) => error
    )
  )

const minute = (ahead: number) => `${new Date(Date.now() + ahead).toISOString().slice(0, 16)}Z`
const day = 86_400_000

describe("the vendor's SDK", () => {
  it.scoped("creates a list, adds, sets expiries, removes, reads it back, changes it and deletes it", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ contract: "platform", exportDelayMs: 0 })
      const { api, bearer, seen } = yield* connect(sandbox)
      yield* Effect.promise(async () => {
        const list = await api.postOutboundDnclists({ name: "Opt-outs", dncSourceType: "rds", contactMethod: "Phone" })
        const id = list.id!
        await api.postOutboundDnclistPhonenumbers(id, [...numbers(3)], {})
        const expirationDateTime = minute(30 * day)
        await api.patchOutboundDnclistPhonenumbers(id, {
          action: "Add",
          phoneNumbers: [...numbers(2, 3)],
          expirationDateTime
        })
        await api.patchOutboundDnclistPhonenumbers(id, { action: "Remove", phoneNumbers: [...numbers(1)] })
        await api.deleteOutboundDnclistPhonenumbers(id, { expiredOnly: true })
        const read = await api.getOutboundDnclist(id, { includeSize: true, includeImportStatus: true })
        assert.strictEqual(read.size, 4)
        const changed = await api.putOutboundDnclist(id, { ...read, name: "Opt-outs of the year" })
        assert.strictEqual(changed.name, "Opt-outs of the year")
        const view = await api.getOutboundDnclistsDivisionview(id, { includeSize: true })
        assert.strictEqual(view.size, 4)

        const reference = await api.postOutboundDnclistExport(id)
        assert.strictEqual(reference.id, id)
        const { uri } = await api.getOutboundDnclistExport(id)
        const csv = await fetch(uri!, { headers: { authorization: `Bearer ${bearer}` } })
        const rows = (await csv.text()).trim().split("\r\n")
        assert.deepStrictEqual(
          rows.slice(1).map((row) => [row.split(",")[0], row.split(",")[2]]),
          numbers(4, 1).map((number, index) => [number, index < 2 ? "" : expirationDateTime])
        )
        await api.deleteOutboundDnclistPhonenumbers(id)
        assert.deepStrictEqual([...sandbox.entries(id)], [])
        await api.deleteOutboundDnclist(id)
      })
      assert.deepStrictEqual(seen.problems, [])
      assert.strictEqual(seen.exchanges, 12)
      assert.deepStrictEqual((yield* sandbox.stats).violations, [])
    })
  )

  it.scoped("uploads a file and reads what became of it", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ contract: "platform", importDelayMs: 0 })
      const { api, seen } = yield* connect(sandbox)
      const given = yield* Effect.promise(() =>
        api.postOutboundDnclistsUploads({
          id: sandbox.listId,
          contentType: "text/csv",
          phoneColumns: "phone",
          expirationDateTimeColumn: "until"
        })
      )
      const body = `phone,until\n+14155550100,${minute(day)}\n+14155550101,tomorrow\n0171,\n`
      assert.strictEqual((yield* call(given.url!, { method: "PUT", headers: given.headers!, body })).status, 200)
      yield* sandbox.imported
      yield* Effect.promise(async () => {
        const status = await api.getOutboundDnclistImportstatus(sandbox.listId)
        assert.deepStrictEqual([status.state, status.percentComplete, status.completedRecords], [undefined, 100, 3])
        const log = await api.getOutboundEvents({ category: "DNC_LIST", pageSize: 100 })
        assert.deepStrictEqual(
          log.entities!.map(({ eventMessage }) => eventMessage!.code),
          ["IMPORT_INVALID_EXPIRATION_DATE", "IMPORT_INVALID_PHONE_NUMBERS"]
        )
        assert.deepStrictEqual(await api.getOutboundEvent(log.entities![0].id!), log.entities![0])
        assert.strictEqual((await api.getOutboundDnclist(sandbox.listId, { includeSize: true })).size, 2)
      })
      assert.deepStrictEqual(seen.problems, [])
    })
  )

  it.scoped("pages through the lists", () =>
    Effect.gen(function* () {
      const lists = Array.from({ length: 7 }, (_, index) => ({
        id: `0ffca115-cafe-4ace-a11c-00000000000${index}`,
        name: `List ${index}`,
        dncSourceType: "rds" as const
      }))
      const campaigns = [{ id: "0ffca115-cafe-4ace-a11d-000000000000", name: "Spring", dncListIds: [lists[0].id] }]
      const sandbox = yield* Sandbox.make({ contract: "platform", lists, campaigns })
      const { api, seen } = yield* connect(sandbox)
      yield* Effect.promise(async () => {
        const names: Array<string> = []
        for (let pageNumber = 1; ; pageNumber++) {
          const page = await api.getOutboundDnclists({
            pageSize: 3,
            pageNumber,
            name: "List",
            filterType: "Prefix",
            sortBy: "name",
            sortOrder: "descending",
            includeSize: true
          })
          names.push(...page.entities!.map(({ name }) => name))
          if (pageNumber >= page.pageCount!) break
        }
        assert.deepStrictEqual(names, lists.map(({ name }) => name).reverse())
        const views = await api.getOutboundDnclistsDivisionviews({ id: [lists[1].id, lists[2].id] })
        assert.strictEqual(views.total, 2)
        const used = await api.getOutboundCampaigns({ dncListIds: lists[0].id })
        assert.strictEqual(used.entities![0].dncLists![0].id, lists[0].id)
        const limits = await new platformClient.OrganizationApi().getOrganizationsLimitsNamespace("outbound")
        assert.strictEqual((limits as Json).entities[0].namespace, "outbound")
      })
      assert.deepStrictEqual(seen.problems, [])
    })
  )

  it.scoped("handles the other kinds of contacts", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ contract: "platform" })
      const { api, seen } = yield* connect(sandbox)
      yield* Effect.promise(async () => {
        const any = await api.postOutboundDnclists({ name: "Any", dncSourceType: "rds", contactMethod: "Any" })
        const id = any.id!
        await api.postOutboundDnclistEmailaddresses(id, ["ann@example.com"])
        await api.patchOutboundDnclistEmailaddresses(id, { action: "Add", emailAddresses: ["bo@example.com"] })
        await api.patchOutboundDnclistWhatsappnumbers(id, { action: "Add", whatsAppNumbers: [...numbers(2)] })
        assert.strictEqual((await api.getOutboundDnclist(id, { includeSize: true })).size, 4)
        await api.deleteOutboundDnclistEmailaddresses(id)
        await api.deleteOutboundDnclistWhatsappnumbers(id, { expiredOnly: true })
        assert.strictEqual((await api.getOutboundDnclist(id, { includeSize: true })).size, 2)
        const custom = await api.postOutboundDnclists({
          name: "Custom",
          dncSourceType: "rds_custom",
          customExclusionColumn: "Account"
        })
        await api.patchOutboundDnclistCustomexclusioncolumns(custom.id!, {
          action: "Add",
          customExclusionColumnEntries: ["A-1"]
        })
        await api.deleteOutboundDnclistCustomexclusioncolumns(custom.id!, { expiredOnly: true })
        assert.strictEqual((await api.getOutboundDnclist(custom.id!, { includeSize: true })).size, 1)
      })
      assert.deepStrictEqual(seen.problems, [])
    })
  )

  it.scoped("is refused in the form that it expects", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({
        contract: "platform",
        maxListRecords: 2,
        permissions: ["outbound:dnc:edit", "outbound:dncList:view"],
        rateLimit: { requests: 4, windowSeconds: 60 }
      })
      const { api, seen } = yield* connect(sandbox)
      const add = (phoneNumbers: ReadonlyArray<string>, expirationDateTime?: string) =>
        refusal(
          api.patchOutboundDnclistPhonenumbers(sandbox.listId, {
            action: "Add",
            phoneNumbers: [...phoneNumbers],
            ...(expirationDateTime === undefined ? {} : { expirationDateTime })
          })
        )
      const full = yield* add(numbers(3))
      assert.deepInclude(full, {
        status: 400,
        code: "dnc.records.per.list.limit.exceeded",
        limit: { key: "dnc.records.per.list", namespace: "outbound", value: 2 }
      })
      assert.strictEqual(full.details[0].entityId, sandbox.listId)
      assert.strictEqual((yield* add(numbers(1), minute(181 * day))).code, "invalid.date.value")
      const forbidden = yield* refusal(api.deleteOutboundDnclistPhonenumbers(sandbox.listId))
      assert.deepInclude(forbidden, { status: 403, code: "missing.permissions" })
      assert.deepStrictEqual(forbidden.messageParams, { permissions: "outbound:dnc:delete" })
      const nowhere = yield* refusal(api.getOutboundDnclist("0ffca115-cafe-4ace-a11c-000000000000"))
      assert.deepInclude(nowhere, { status: 404, code: "not.found" })
      const many = yield* add(numbers(1))
      assert.deepInclude(many, { status: 429, code: "too.many.requests.retry.after", details: [], errors: [] })
      assert.deepStrictEqual(seen.problems, [])
      assert.strictEqual(seen.exchanges, 5)
    })
  )
})

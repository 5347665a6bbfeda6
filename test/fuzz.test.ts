/** Every parser of what comes from outside, with damaged examples; `npm run fuzz` is the long form. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { AuditChain, Contract, DncLists, DncUpload, HttpClient, IntendedEnds } from "genesys-dnc"
import { targets } from "./fuzz/targets.js"
import { file } from "./support/cli.js"

const runs: Readonly<Record<string, number>> = {
  // what runs through files and fibers takes a hundred times as long
  "file of rows": 200,
  "file of ends": 200,
  "answer of the API": 200,
  "answer of a store": 200,
  "answer of the login host": 200,
  "listing of lists": 500,
  "import status": 1000,
  "event log": 1000,
  "audit log": 1000,
  "entries answer": 1000,
  CSV: 1000,
  NDJSON: 1000
}

describe("whatever comes from outside", { timeout: 60_000 }, () => {
  it.each(targets.map(({ name, property }) => [name, property] as const))("%s", async (name, property) => {
    await FastCheck.assert(property((f) => f()) as FastCheck.IAsyncProperty<unknown>, { numRuns: runs[name] ?? 2000 })
  })
})

describe("what was found so", () => {
  it("a record of the audit log that holds what none of ours does is altered, and no crash", () => {
    for (const value of ["1e999", `${"[".repeat(20_000)}${"]".repeat(20_000)}`]) {
      const { finish, take } = AuditChain.verifier()
      take(`{"a":${value},"digest":"${"0".repeat(64)}","previous":"${AuditChain.empty.digest}","sequence":1}`)
      assert.strictEqual(finish().fault?.kind, "altered")
    }
  })

  it.effect("an event of an import with a parameter that is no text", () =>
    Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient
      const body = {
        entities: [
          {
            timestamp: "2026-11-25T10:00:00Z",
            errorEntity: { id: "l" },
            eventMessage: {
              code: "IMPORT_X",
              message: "row 3",
              messageParams: { a: { toString: null }, row: 4, line: "9".repeat(400) }
            }
          }
        ]
      }
      const answering = { ...client, execute: () => Effect.succeed({ ...empty, body }) }
      const errors = yield* Effect.provideService(DncUpload.rowErrors("l", 0), HttpClient.HttpClient, answering)
      assert.deepStrictEqual(errors, [{ code: "IMPORT_X", message: "row 3", phoneNumbers: [], rows: [4] }])
    }).pipe(Effect.provideService(HttpClient.HttpClient, { ...({} as typeof HttpClient.HttpClient.Service) }))
  )

  it.effect("a listing that has no last page", () =>
    Effect.gen(function* () {
      let asked = 0
      const answering = {
        ...({} as typeof HttpClient.HttpClient.Service),
        execute: () =>
          Effect.sync(() => {
            asked++
            return { ...empty, body: { entities: [{ id: "a", name: "a" }], pageCount: 1e300 } }
          })
      }
      const error = yield* Effect.flip(Effect.provideService(DncLists.search(), HttpClient.HttpClient, answering))
      assert.strictEqual(error._tag, "UnexpectedResponse")
      assert.strictEqual(asked, 1000)
    })
  )

  it.scoped("what is no number in the file of ends has no end", () =>
    Effect.gen(function* () {
      const list = { target: "t", dncListId: "l" }
      const line = (phoneNumbers: ReadonlyArray<unknown>) =>
        `${JSON.stringify({ at: "x", ...list, end: "kept", expires: "2028-01-31T00:00:00.000Z", phoneNumbers })}\n`
      const path = yield* file(line(["14155552671", "+1e9", null, "+14155552672"]), "ends.jsonl")
      const { ends } = yield* IntendedEnds.make(path).known(list)
      assert.deepStrictEqual([...ends.keys()], [14155552672])
    })
  )

  it("of a server's words so much is kept as can go along with each of a thousand numbers", () => {
    const batch = {
      ...{ runId: "r", action: "add" as const, dncListId: "l", index: 0, reason: "REGULATORY" as const },
      ...{ phoneNumbers: ["+14155552671"], expires: Number.POSITIVE_INFINITY }
    }
    const body = { message: "no ".repeat(100_000), phoneNumbers: batch.phoneNumbers }
    const [refusal] = Contract.namedNumbers(body, batch)
    assert.strictEqual(refusal.message.length, 1001)
  })
})

const empty = { status: 200, correlationId: undefined, headers: {}, attempts: 1 }

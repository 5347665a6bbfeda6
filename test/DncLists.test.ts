import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DncLists, HttpClient } from "genesys-dnc"
import { Mocks } from "genesys-dnc/testing"
import * as Network from "./support/network.js"

const apiUrl = "https://api.example.test"

const id = (index: number) => `0ffca115-cafe-4ace-a11c-${String(index).padStart(12, "0")}`

const list = (index: number, name: string, other: object = {}) => ({
  id: id(index),
  name,
  dncSourceType: "rds",
  contactMethod: "Phone",
  size: index,
  division: { id: "d", name: "Home", selfUri: "/d" },
  version: 3,
  ...other
})

/** An org of these lists that pages and filters as the platform says it does. */
const org = (lists: ReadonlyArray<ReturnType<typeof list>>, filters = true) =>
  Network.make(({ url }) => {
    const { pathname, searchParams } = new URL(url)
    const one = /dnclists\/([^/]+)$/.exec(pathname)?.[1]
    if (one !== undefined) {
      const found = lists.find(({ id }) => id === one.toLowerCase())
      return Effect.succeed(
        found === undefined ? { status: 404, body: { code: "not.found" } } : { status: 200, body: found }
      )
    }
    const name = searchParams.get("name")
    if (name !== null && !filters) return Effect.succeed({ status: 400, body: { code: "bad.request" } })
    // Equals, whatever the case: the platform does not say
    const all = name === null ? lists : lists.filter((other) => other.name.toLowerCase() === name.toLowerCase())
    const size = Number(searchParams.get("pageSize"))
    const page = Number(searchParams.get("pageNumber"))
    return Effect.succeed({
      status: 200,
      body: {
        entities: all.slice((page - 1) * size, page * size),
        pageNumber: page,
        pageCount: Math.ceil(all.length / size),
        total: all.length
      }
    })
  })

const over = (network: ReturnType<typeof Network.make>) =>
  Effect.provide(HttpClient.layer({ apiUrl }).pipe(Layer.provide([Mocks.auth(), network.layer])))

const names = (lists: ReadonlyArray<DncLists.DncList>) => lists.map(({ name }) => name)

describe("DncLists", () => {
  it.effect("turns all pages, with size and import status", () => {
    const network = org(Array.from({ length: 250 }, (_, i) => list(i, `List ${i}`)))
    return Effect.gen(function* () {
      const found = yield* DncLists.search()
      assert.strictEqual(found.length, 250)
      assert.strictEqual(network.received.length, 3)
      for (const { url } of network.received) {
        const query = new URL(url).searchParams
        assert.strictEqual(query.get("pageSize"), "100")
        assert.strictEqual(query.get("includeSize"), "true")
        assert.strictEqual(query.get("includeImportStatus"), "true")
      }
    }).pipe(over(network))
  })

  it.effect("turns pages that are not counted until one is not full", () => {
    const network = Network.make(({ index }) =>
      Effect.succeed({
        status: 200,
        body: { entities: Array.from({ length: index === 0 ? 100 : 1 }, (_, i) => list(index * 100 + i, "L")) }
      })
    )
    return Effect.gen(function* () {
      assert.strictEqual((yield* DncLists.search()).length, 101)
      assert.strictEqual(network.received.length, 2)
    }).pipe(over(network))
  })

  it.effect("finds a part of a name, whatever the case", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(names(yield* DncLists.search("OPT")), ["Opt-outs", "US opt-outs"])
      assert.deepStrictEqual(names(yield* DncLists.search("none")), [])
    }).pipe(over(org([list(1, "Opt-outs"), list(2, "Registry"), list(3, "US opt-outs")])))
  )

  it.effect("takes what the platform leaves out, and what it adds", () =>
    Effect.gen(function* () {
      const [found] = yield* DncLists.search()
      assert.deepStrictEqual(found, { id: id(1), name: "Bare", importStatus: { state: "FAILED", failureReason: "x" } })
    }).pipe(
      over(
        Network.make(
          Network.inOrder({
            status: 200,
            body: {
              entities: [
                {
                  id: id(1),
                  name: "Bare",
                  size: null,
                  division: null,
                  importStatus: { state: "FAILED", failureReason: "x", targetContactListIds: [] },
                  novelty: true
                }
              ],
              pageCount: 1
            }
          })
        )
      )
    )
  )

  it.effect("another answer than lists is told apart", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(DncLists.search())
      assert.strictEqual(error._tag, "UnexpectedResponse")
      assert.include(error.message, "does not describe DNC lists: wrong at entities.0.id")
    }).pipe(over(Network.make(Network.inOrder({ status: 200, body: { entities: [{ name: "no id" }] } }))))
  )

  describe("resolve", () => {
    const lists = [list(1, "Opt-outs"), list(2, "opt-outs"), list(3, "Registry"), list(4, "Twin"), list(5, "Twin")]

    it.effect("an id is asked for by itself", () => {
      const network = org(lists)
      return Effect.gen(function* () {
        const found = yield* DncLists.resolve(id(3).toUpperCase())
        assert.strictEqual(found.name, "Registry")
        assert.strictEqual(network.received.length, 1)
      }).pipe(over(network))
    })

    it.effect("an id that no list has: NotFound", () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(DncLists.resolve(id(9))))._tag, "NotFound")
      }).pipe(over(org(lists)))
    )

    it.effect.each([
      ["Opt-outs", 1],
      ["opt-outs", 2],
      [" Registry ", 3],
      ["REGISTRY", 3]
    ] as const)("the name %s is list %i", ([name, index]) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* DncLists.resolve(name)).id, id(index))
      }).pipe(over(org(lists)))
    )

    it.effect("does without the server's filter", () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* DncLists.resolve("Opt-outs")).id, id(1))
      }).pipe(over(org(lists, false)))
    )

    it.effect.each(["Twin", "OPT-OUTS"])("%s is ambiguous: the candidates and their ids", (name) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(DncLists.resolve(name))
        assert.strictEqual(error._tag, "AmbiguousList")
        const expected = name === "Twin" ? [id(4), id(5)] : [id(1), id(2)]
        if (error._tag === "AmbiguousList") {
          assert.deepStrictEqual(
            error.candidates.map(({ id }) => id),
            expected
          )
        }
        for (const candidate of expected) assert.include(error.message, candidate)
        assert.include(error.message, "(Home)")
      }).pipe(over(org(lists)))
    )

    it.effect.each([
      ["Registy", /^Did you mean "Registry"\?$/],
      ["regis", /^Did you mean "Registry"\?$/],
      ["opt outs", /^Did you mean "Opt-outs" or "opt-outs"\?$/],
      ["Something else", /genesys-dnc lists/]
    ] as const)("%s is not found, and what comes near is said", ([name, hint]) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(DncLists.resolve(name))
        assert.strictEqual(error._tag, "NotFound")
        assert.include(error.message, `no DNC list "${name}" among the 5`)
        assert.match(error.hint, hint)
      }).pipe(over(org(lists)))
    )
  })

  it.effect("an import's status, or none", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* DncLists.importStatus(id(1)), { state: "IN_PROGRESS", percentComplete: 40 })
      assert.deepStrictEqual(yield* DncLists.importStatus(id(1)), {})
    }).pipe(
      over(
        Network.make(
          Network.inOrder({ status: 200, body: { state: "IN_PROGRESS", percentComplete: 40 } }, { status: 204 })
        )
      )
    )
  )
})

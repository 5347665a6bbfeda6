import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Sandbox } from "../../src/sandbox/index.js"
import * as Contract from "../conformance/contract.js"
import { type Answered, askToken, call, type Json } from "./support.js"

/** A call whose answer is held against the contract file. */
export const checked = (url: string, init: RequestInit = {}): Effect.Effect<Answered, Error> =>
  Effect.tap(call(url, init), ({ body, headers, status, text }) => {
    const method = init.method ?? "GET"
    const exchange = { method, url, status, contentType: headers.get("content-type"), body: body ?? text }
    assert.deepStrictEqual(Contract.problems(exchange) ?? [], [], `${method} ${url} ${status} ${text.slice(0, 500)}`)
  })

/** A client of the published API. */
export const connect = (sandbox: Sandbox.Service) =>
  Effect.gen(function* () {
    const { body } = yield* askToken(sandbox)
    const bearer = { authorization: `Bearer ${body.access_token}` }
    const send = (method: string, path: string, value?: unknown) =>
      checked(`${sandbox.url}/api/v2${path}`, {
        method,
        headers: { ...bearer, ...(value === undefined ? {} : { "content-type": "application/json" }) },
        ...(value === undefined ? {} : { body: JSON.stringify(value) })
      })
    const root = "/outbound/dnclists"
    const own = `${root}/${sandbox.listId}`
    return {
      bearer,
      send,
      root,
      own,
      create: (value: Json) => send("POST", root, { dncSourceType: "rds", contactMethod: "Phone", ...value }),
      add: (phoneNumbers: ReadonlyArray<string>, expirationDateTime?: string, path = own) =>
        send("PATCH", `${path}/phonenumbers`, { action: "Add", phoneNumbers, expirationDateTime }),
      remove: (phoneNumbers: ReadonlyArray<string>, path = own) =>
        send("PATCH", `${path}/phonenumbers`, { action: "Remove", phoneNumbers }),
      size: (path = own) => Effect.map(send("GET", `${path}?includeSize=true`), ({ body }): number => body.size),
      upload: (columns: Json, csv: string, path = sandbox.listId) =>
        Effect.gen(function* () {
          const { body } = yield* send("POST", `${root}/uploads`, { id: path, contentType: "text/csv", ...columns })
          return yield* call(body.url, { method: "PUT", headers: body.headers, body: csv })
        })
    }
  })

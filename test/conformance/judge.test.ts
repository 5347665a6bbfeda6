/** That every test fails in which an exchange is not as the contract file has it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Faults, Sandbox } from "../../src/sandbox/index.js"
import { connect } from "../sandbox/platform.js"
import { call } from "../sandbox/support.js"
import { problems } from "../support/judge.js"

const found = Effect.promise(problems)

/** Its answers name a contact method that there is not. */
const broken = Sandbox.make({
  lists: [{ id: Sandbox.defaultListId, name: "Fax", dncSourceType: "rds", contactMethod: "Fax" as "Any" }]
})

const read = (sandbox: Sandbox.Service, query = "") =>
  Effect.flatMap(connect(sandbox), ({ bearer, own }) =>
    call(`${sandbox.url}/api/v2${own}${query}`, { headers: bearer })
  )

const write = (sandbox: Sandbox.Service, body: unknown) =>
  Effect.flatMap(connect(sandbox), ({ own, send }) => send("PATCH", `${own}/phonenumbers`, body))

describe("the judge of every test", () => {
  it.fails("fails it for an answer that is not right", () =>
    Effect.runPromise(Effect.scoped(Effect.flatMap(broken, read))))

  it.scoped("finds an answer that is not right", () =>
    Effect.gen(function* () {
      yield* read(yield* broken)
      const [first, ...others] = yield* found
      assert.match(first, /^GET .* 200: \/contactMethod must be equal to one of the allowed values/)
      assert.deepStrictEqual(others, [])
    })
  )

  it.scoped("finds a request that is not right, taken or met by a fault; one that is refused may be wrong", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      yield* read(sandbox, "?size=true")
      assert.match((yield* found).join(), /^GET [^,]* 200: the query parameter size is not published$/)
      assert.strictEqual((yield* write(sandbox, { action: "add", phoneNumbers: [] })).status, 400)
      assert.deepStrictEqual(yield* found, [])
      yield* sandbox.inject(Faults.failNext(1, 400))
      yield* write(sandbox, { action: "add", phoneNumbers: [] })
      assert.match((yield* found).join(), /^PATCH .* fault: \/action must be/)
    })
  )

  it.scoped("leaves alone what a fault says, and the other contract", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      yield* sandbox.inject(Faults.htmlNext(1), Faults.failNext(1, 422), Faults.truncateNext(1))
      for (let index = 0; index < 2; index++) yield* read(sandbox)
      yield* Effect.flip(read(sandbox))
      const { send } = yield* connect(sandbox)
      assert.strictEqual((yield* send("POST", "/platform/webhooks", { no: "webhook" })).status, 400)
      assert.deepStrictEqual(yield* found, [])
    })
  )
})

/**
 * The bound: requests that the library has made before the clock starts, sent by bare undici, five at once. No log, no
 * retry, no look at what an answer says but its status.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Contract, DncSubmitter, DncValidator, SuppressionFile, SuppressionSet } from "genesys-dnc"
import { Pool } from "undici"
import * as Child from "./child.js"

interface Prepared {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

const { task } = Child.begin()
const now = Date.now()

/** The whole file at its strictest values. */
const fill = Effect.gen(function* () {
  const set = SuppressionSet.make()
  const validator = yield* DncValidator.make()
  const file = yield* SuppressionFile.open(task.file)
  let rows = 0
  yield* Stream.runForEach(file.blocks, (block) =>
    Effect.sync(() => {
      rows += block.length + block.malformed.length
      set.add(validator.validate(block, now), 0)
    })
  )
  return { rows, set }
})

const { rows, set } = await Effect.runPromise(Effect.scoped(fill))
const numbersOnList = set.size()

const pool = new Pool(task.url, { connections: 5, pipelining: 1 })
const token = await pool.request({
  path: "/oauth/token",
  method: "POST",
  headers: {
    authorization: `Basic ${btoa(`${task.clientId}:${task.clientSecret}`)}`,
    "content-type": "application/x-www-form-urlencoded"
  },
  body: "grant_type=client_credentials"
})
const { access_token } = (await token.body.json()) as { readonly access_token: string }

const { entries } = Contract
const prepared: Array<Prepared> = []
const run = { runId: crypto.randomUUID(), dncListId: task.listId, action: "add" } as const
for (const batch of set.cut(entries.largestBatch, run, (expires, reason) => entries.group(expires, reason, now))) {
  const { body, headers, url } = entries.request(batch, DncSubmitter.idempotencyKey(batch))
  if (body._tag !== "Uint8Array") throw new Error(`A body is ${body._tag}`)
  prepared.push({
    path: url,
    headers: { ...headers, "content-type": "application/json", authorization: `Bearer ${access_token}` },
    body: body.body
  })
}

let next = 0
const worker = async (): Promise<void> => {
  while (next < prepared.length) {
    const { body, headers, path } = prepared[next++]
    const answer = await pool.request({ path, method: "POST", headers, body })
    await answer.body.dump()
    if (answer.statusCode !== 200) throw new Error(`The server answers ${answer.statusCode}`)
  }
}

const started = Child.mark()
await Promise.all(Array.from({ length: 5 }, worker))
const send = Child.since(started)

Child.end(send, { rows, numbersOnList, requests: prepared.length, stages: { send } })

/**
 * How fast requests can go: the bodies that a push of the file posts, made before the clock starts, and undici alone, five at
 * once. No retry, no log, no account of what was said.
 */
import { join } from "node:path"
import { Agent } from "@effect/platform-node/Undici"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AuditSink, Contract, DncSubmitter, DncValidator, GenesysDnc } from "genesys-dnc"
import * as Child from "./child.js"

const { task } = Child.begin()

const requests: Array<{ readonly path: string; readonly key: string; readonly body: Uint8Array }> = []
const collect = Layer.succeed(
  DncSubmitter.DncSubmitter,
  DncSubmitter.DncSubmitter.of({
    contract: Contract.entries,
    target: task.url,
    concurrency: 1,
    check: () => Effect.succeed(undefined),
    submit: (batch) =>
      Effect.sync(() => {
        const key = DncSubmitter.idempotencyKey(batch)
        const { body, url } = Contract.entries.request(batch, key)
        if (body._tag !== "Uint8Array") throw new Error(`A body of the kind ${body._tag}`)
        requests.push({ path: url, key, body: body.body })
        const created = batch.phoneNumbers.length
        const none = { duplicate: 0, updated: 0, accepted: 0, skipped: 0, rejected: [], failed: [] }
        return { created, ...none, latencyMs: 0, attempts: 1, idempotencyKey: key, correlationId: undefined }
      })
  })
)
const { totals } = await GenesysDnc.pushFile(task.file, {
  dncListId: task.listId,
  rejectsPath: join(task.folder, "rejects.csv"),
  failedPath: join(task.folder, "failed.csv")
}).pipe(Effect.provide(Layer.mergeAll(collect, DncValidator.layer(), AuditSink.layerMemory([]))), Effect.runPromise)

const agent = new Agent()
const post = async (path: string, headers: Record<string, string>, body: Uint8Array | string): Promise<unknown> => {
  const answer = await agent.request({ origin: task.url, path, method: "POST", headers, body })
  const text = await answer.body.text()
  if (answer.statusCode !== 200) throw new Error(`${path} was answered ${answer.statusCode}: ${text}`)
  return JSON.parse(text)
}

const basic = Buffer.from(`${task.clientId}:${task.clientSecret}`).toString("base64")
const { access_token } = (await post(
  "/oauth/token",
  { authorization: `Basic ${basic}`, "content-type": "application/x-www-form-urlencoded" },
  "grant_type=client_credentials"
)) as { readonly access_token: string }

const started = performance.now()
let numbersOnList = 0
let next = 0
const writer = async (): Promise<void> => {
  while (next < requests.length) {
    const { body, key, path } = requests[next++]
    const headers = {
      authorization: `Bearer ${access_token}`,
      "content-type": "application/json",
      "idempotency-key": key
    }
    const { created } = (await post(path, headers, body)) as { readonly created: number }
    numbersOnList += created
  }
}
await Promise.all(Array.from({ length: 5 }, writer))
const sendSeconds = (performance.now() - started) / 1000

await Child.end(started, {
  rows: totals.read,
  numbersOnList,
  requests: requests.length,
  stages: { readSeconds: 0, sendSeconds }
})

/** What is measured: a file pushed as a program would push it, with the audit log in a file unless told otherwise. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { AuditSink, Contract, DncSubmitter, DncValidator, GenesysDnc } from "genesys-dnc"
import * as Child from "./child.js"

const { started, task } = Child.begin()

const connection: GenesysDnc.Connection = {
  apiUrl: task.url,
  credentials: { clientId: task.clientId, clientSecret: Redacted.make(task.clientSecret) }
}

const { api = "entries", log = "default" } = task

const layer =
  log === "memory"
    ? DncSubmitter.layer({ contract: api === "entries" ? Contract.entries : Contract.platform() }).pipe(
        Layer.provideMerge(GenesysDnc.layerClient(connection)),
        Layer.provideMerge(Layer.merge(DncValidator.layer(), AuditSink.layerMemory([])))
      )
    : GenesysDnc.layer({
        ...connection,
        api,
        auditLog: join(task.folder, "audit.jsonl"),
        ...(log === "default" ? {} : { audit: { numbers: log, hashKey: Redacted.make("0".repeat(64)) } })
      })

let read = Child.since(started)
let sending = Child.mark()

const report = await GenesysDnc.pushFile(task.file, {
  dncListId: task.listId,
  rejectsPath: join(task.folder, "rejects.csv"),
  failedPath: join(task.folder, "failed.csv"),
  // asked once all is read and before anything is sent
  confirm: () =>
    Effect.sync(() => {
      read = Child.since(started)
      sending = Child.mark()
    })
}).pipe(Effect.provide(layer), Effect.runPromise)

const { outcome, requests, setBytes, totals } = report
if (outcome !== "completed" || totals.failed > 0) throw new Error(`The run is ${outcome}: ${JSON.stringify(report)}`)

Child.end(Child.since(started), {
  rows: totals.read,
  numbersOnList: totals.created + totals.updated + totals.duplicateOnList + totals.accepted,
  requests,
  stages: { read, send: Child.since(sending) },
  setBytes
})

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

const { log = "default" } = task

const layer =
  log === "memory"
    ? DncSubmitter.layer({ contract: Contract.entries }).pipe(
        Layer.provideMerge(GenesysDnc.layerClient(connection)),
        Layer.provideMerge(Layer.merge(DncValidator.layer(), AuditSink.layerMemory([])))
      )
    : GenesysDnc.layer({
        ...connection,
        api: "entries",
        auditLog: join(task.folder, "audit.jsonl"),
        ...(log === "default" ? {} : { audit: { numbers: log, hashKey: Redacted.make("0".repeat(64)) } })
      })

const report = await GenesysDnc.pushFile(task.file, {
  dncListId: task.listId,
  rejectsPath: join(task.folder, "rejects.csv"),
  failedPath: join(task.folder, "failed.csv")
}).pipe(Effect.provide(layer), Effect.runPromise)

const { durationMs, outcome, requests, totals } = report
if (outcome !== "completed" || totals.failed > 0) throw new Error(`The run is ${outcome}: ${JSON.stringify(report)}`)

await Child.end(started, {
  rows: totals.read,
  numbersOnList: totals.created + totals.updated + totals.duplicateOnList,
  requests,
  stages: { readSeconds: durationMs.read / 1000, sendSeconds: durationMs.send / 1000 }
})

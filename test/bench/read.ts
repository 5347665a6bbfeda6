/** The first stage alone: read, validated, kept at its strictest, nothing sent. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DncSubmitter, DncValidator, GenesysDnc } from "genesys-dnc"
import * as Child from "./child.js"

const { started, task } = Child.begin()

const report = await GenesysDnc.validateFile(task.file, { rejectsPath: join(task.folder, "rejects.csv") }).pipe(
  Effect.provide(Layer.merge(DncValidator.layer(), DncSubmitter.layerDryRun())),
  Effect.runPromise
)

const read = Child.since(started)
Child.end(read, {
  rows: report.totals.read,
  numbersOnList: report.distinctNumbers,
  requests: 0,
  stages: { read },
  setBytes: report.setBytes
})

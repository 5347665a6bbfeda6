/**
 * A process that pushes a file and is killed: by itself, at a step that it is told (`{"step": "sent", "count": 3}`: as the
 * third request is on its way), or by whoever started it. Its settings come as JSON in its argument; it prints its report.
 */
import * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import {
  AuditSink,
  Auth,
  Contract,
  DncSubmitter,
  DncValidator,
  GenesysDnc,
  HttpClient,
  RetryPolicy
} from "../../src/index.js"

export type Step = "started" | "intended" | "sent" | "answered" | "done" | "finished"

export interface Settings {
  readonly apiUrl: string
  readonly dncListId: string
  readonly clientId: string
  readonly clientSecret: string
  readonly api: "entries" | "platform"
  readonly auditLog: string
  readonly file: string
  readonly largestBatch: number
  readonly concurrency: number
  readonly kill?: { readonly step: Step; readonly count: number }
}

const settings = JSON.parse(process.argv[2]) as Settings

let passed = 0
const at = (step: Step): void => {
  if (settings.kill?.step === step && ++passed === settings.kill.count) process.kill(process.pid, "SIGKILL")
}

const stepOf: Readonly<Partial<Record<AuditSink.AuditEvent["operation"], Step>>> = {
  RUN_STARTED: "started",
  RUN_RESUMED: "started",
  BATCH_INTENDED: "intended",
  BATCH_DONE: "done",
  BATCH_SETTLED: "done",
  RUN_FINISHED: "finished"
}

const audit = Layer.effect(
  AuditSink.AuditSink,
  Effect.map(AuditSink.AuditSink, (sink) =>
    AuditSink.AuditSink.of({
      ...sink,
      append: (event) =>
        Effect.tap(sink.append(event), () =>
          Effect.sync(() => {
            const step = stepOf[event.operation]
            if (step !== undefined) at(step)
          })
        )
    })
  )
).pipe(Layer.provide(AuditSink.layerFile(settings.auditLog)))

const network = Layer.effect(
  PlatformHttpClient.HttpClient,
  Effect.map(PlatformHttpClient.HttpClient, (client) =>
    PlatformHttpClient.transform(client, (answer, request) =>
      request.method === "GET" || request.url.endsWith("/oauth/token")
        ? answer
        : Effect.zipRight(
            // so late that it is on its way, and so early that it is not answered
            Effect.sync(() => void setImmediate(() => at("sent"))),
            Effect.tap(answer, () => Effect.sync(() => at("answered")))
          )
    )
  )
).pipe(Layer.provide(NodeHttpClient.layerUndici))

const retry: RetryPolicy.Options = {
  ...RetryPolicy.defaults,
  firstDelay: Duration.millis(1),
  longestDelay: Duration.millis(10),
  retryAfterJitter: Duration.millis(2),
  attempts: 30
}

const { apiUrl, clientId, clientSecret, concurrency, largestBatch } = settings
const contract = settings.api === "entries" ? Contract.entries : Contract.platform({ largestBatch })
const services = Layer.merge(
  DncSubmitter.layer({ contract, retry }),
  DncValidator.layer({ reasons: { OPT_OUT: "CUSTOMER_REQUEST" } })
).pipe(
  Layer.provideMerge(HttpClient.layer({ apiUrl, concurrency, retry })),
  Layer.provide(Auth.layer({ loginUrl: apiUrl, clientId, clientSecret: Redacted.make(clientSecret), retry })),
  Layer.provide(network),
  Layer.provideMerge(audit)
)

const report = await GenesysDnc.pushFile(settings.file, { dncListId: settings.dncListId, sizeLag: 0 }).pipe(
  Effect.provide(services),
  Effect.runPromise
)
process.stdout.write(`\n${JSON.stringify(report)}`)

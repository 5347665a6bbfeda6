/**
 * Other limits than the defaults: two requests at once, quick retries for at most a minute, and the metrics that show
 * what they cost. Run it: npx tsx examples/05-custom-retry-and-cap.ts
 */
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Console, Duration, Effect, Metric, Redacted } from "effect"
import { GenesysDnc, HttpClient, RetryPolicy } from "genesys-dnc"
import { Faults, Sandbox } from "genesys-dnc/sandbox"

const folder = mkdtempSync(join(tmpdir(), "genesys-dnc-"))
const file = new URL("./files/suppression.csv", import.meta.url).pathname

const program = Effect.gen(function* () {
  const sandbox = yield* Sandbox.Sandbox
  yield* sandbox.inject(Faults.failNext(3, 503), Faults.failNext(1, 429, { retryAfter: 1 }))

  const report = yield* GenesysDnc.pushFile(file, {
    dncListId: sandbox.listId,
    rejectsPath: join(folder, "rejects.csv")
  }).pipe(
    Effect.provide(
      GenesysDnc.layer({
        apiUrl: sandbox.url,
        api: "entries",
        credentials: { clientId: "sandbox", clientSecret: Redacted.make("sandbox") },
        auditLog: join(folder, "audit.jsonl"),
        concurrency: 2,
        timeout: Duration.seconds(5),
        retry: {
          ...RetryPolicy.defaults,
          attempts: 6,
          duration: Duration.minutes(1),
          firstDelay: Duration.millis(50),
          longestDelay: Duration.seconds(2)
        }
      })
    )
  )

  const { openEntries } = yield* sandbox.stats
  yield* Console.log(`${report.totals.created} created; never more than ${openEntries.max} requests open`)
  yield* Console.log(`${(yield* Metric.value(HttpClient.retries)).count} requests were repetitions`)
})

await Effect.runPromise(program.pipe(Effect.provide(Sandbox.layer({ faults: { latencyMs: 20 } }))))

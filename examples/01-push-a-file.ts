/**
 * A file goes onto a DNC list. Run it: npx tsx examples/01-push-a-file.ts
 *
 * It pushes to a sandbox of its own. For an org, take the sandbox away and use `GenesysDnc.layerConfig`, which reads
 * GENESYSCLOUD_REGION, GENESYSCLOUD_OAUTHCLIENT_ID and GENESYSCLOUD_OAUTHCLIENT_SECRET.
 */
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Console, Effect, Redacted } from "effect"
import { GenesysDnc } from "genesys-dnc"
import { Sandbox } from "genesys-dnc/sandbox"

const folder = mkdtempSync(join(tmpdir(), "genesys-dnc-"))
const file = new URL("./files/suppression.csv", import.meta.url).pathname

const program = Effect.gen(function* () {
  const sandbox = yield* Sandbox.Sandbox

  const report = yield* GenesysDnc.pushFile(file, {
    dncListId: sandbox.listId,
    rejectsPath: join(folder, "rejects.csv"),
    failedPath: join(folder, "failed.csv")
  }).pipe(
    Effect.provide(
      GenesysDnc.layer({
        apiUrl: sandbox.url,
        api: "entries",
        credentials: { clientId: "sandbox", clientSecret: Redacted.make("sandbox") },
        auditLog: join(folder, "audit.jsonl"),
        policy: { reasons: { OPT_OUT: "CUSTOMER_REQUEST", COMPLAINT: "REGULATORY" } }
      })
    )
  )

  yield* Console.log(
    `${report.complianceStatus}: ${report.totals.created} of ${report.totals.read} rows are new on the list`
  )
  yield* Console.log(`${report.totals.rejected} were rejected; see ${folder}`)
})

await Effect.runPromise(program.pipe(Effect.provide(Sandbox.layer())))

/**
 * An unbounded stream, such as a queue of opt-outs, onto a list: in windows, with the same guarantees as a file. Run it:
 * npx tsx examples/03-a-live-stream.ts
 */
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Console, Effect, Redacted, Stream } from "effect"
import { type DncEntry, GenesysDnc, Pipeline } from "genesys-dnc"
import { Sandbox } from "genesys-dnc/sandbox"

/** Somebody asks for ten years first, for ever a little later, and for one year at the end: for ever it stays. */
const optOuts: Stream.Stream<DncEntry.Row> = Stream.make(
  { phoneNumber: "+14155550101", expires: "2036-01-01" },
  { phoneNumber: "+14155550102" },
  { phoneNumber: "not a number" },
  { phoneNumber: "+14155550101" },
  { phoneNumber: "+14155550101", expires: "2027-12-31" }
).pipe(Stream.rechunk(1))

const program = Effect.gen(function* () {
  const sandbox = yield* Sandbox.Sandbox
  const report = yield* Pipeline.live(optOuts, {
    dncListId: sandbox.listId,
    windowRows: 2,
    window: "1 second",
    outputs: {
      ...Pipeline.noOutputs,
      rejected: (_, rejects) => Console.log(`refused: ${rejects.map(({ message, raw }) => `${raw}: ${message}`)}`)
    }
  }).pipe(
    Effect.provide(
      GenesysDnc.layer({
        apiUrl: sandbox.url,
        api: "entries",
        credentials: { clientId: "sandbox", clientSecret: Redacted.make("sandbox") },
        auditLog: join(mkdtempSync(join(tmpdir(), "genesys-dnc-")), "audit.jsonl")
      })
    )
  )
  yield* Console.log(report.totals)
  for (const entry of sandbox.entries()) yield* Console.log(entry)
})

await Effect.runPromise(program.pipe(Effect.provide(Sandbox.layer())))

/**
 * The services in a larger program: opt-outs come from a web form one at a time; each is checked at once, so that the
 * person sees what is wrong, and what is valid goes to two lists. Run it: npx tsx examples/02-compose-the-services.ts
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Clock, Console, Context, Effect, Either, Layer, Redacted } from "effect"
import { AuditSink, Auth, Contract, DncSubmitter, DncValidator, HttpClient } from "genesys-dnc"
import { Sandbox } from "genesys-dnc/sandbox"

/** A service of the host program. It needs the validator and the submitter, and does not care which. */
class OptOuts extends Context.Tag("example/OptOuts")<
  OptOuts,
  { readonly accept: (phoneNumber: string) => Effect.Effect<string> }
>() {
  static readonly layer = (lists: ReadonlyArray<string>) =>
    Layer.effect(
      OptOuts,
      Effect.gen(function* () {
        const validator = yield* DncValidator.DncValidator
        const submitter = yield* DncSubmitter.DncSubmitter

        const accept = (phoneNumber: string) =>
          Effect.gen(function* () {
            const now = yield* Clock.currentTimeMillis
            const entry = DncValidator.validateRow(validator, { phoneNumber, reason: "CUSTOMER_REQUEST" }, now)
            if (Either.isLeft(entry)) return `not accepted: ${entry.left.message}`
            const receipts = yield* Effect.forEach(lists, (dncListId) =>
              submitter.submit({
                runId: `form-${now}`,
                dncListId,
                action: "add",
                index: 0,
                phoneNumbers: [entry.right.phoneNumber],
                reason: entry.right.reason,
                expires: entry.right.expires
              })
            )
            return `on ${receipts.length} lists, ${receipts.filter((receipt) => receipt.created === 1).length} of them new`
          }).pipe(
            // the compiler knows each way in which this can fail
            Effect.catchTags({
              Forbidden: (error) => Effect.succeed(`ask an administrator: ${error.hint}`),
              RateLimited: () => Effect.succeed("busy; we have noted it and will try again")
            }),
            Effect.orDie
          )

        return { accept }
      })
    )
}

const other = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"

const program = Effect.gen(function* () {
  const optOuts = yield* OptOuts
  for (const phoneNumber of ["(415) 555-0123", "555-0123", "+1 212 555 0188 ext 4"]) {
    yield* Console.log(`${yield* optOuts.accept(phoneNumber)}`)
  }
})

/** Closed at the edge: which API, which credentials, where the evidence goes. */
const services = Layer.unwrapEffect(
  Effect.map(Sandbox.Sandbox, ({ listId, url }) =>
    OptOuts.layer([listId, other]).pipe(
      Layer.provide(DncSubmitter.layer({ contract: Contract.entries })),
      Layer.provide(DncValidator.layer()),
      Layer.provide(HttpClient.layer({ apiUrl: url })),
      Layer.provide(Auth.layer({ loginUrl: url, clientId: "sandbox", clientSecret: Redacted.make("sandbox") })),
      Layer.provide(AuditSink.layerMemory([])),
      Layer.provide(NodeHttpClient.layerUndici)
    )
  )
)

const sandbox = Sandbox.layer({
  lists: [
    { id: Sandbox.defaultListId, name: "Voice", dncSourceType: "rds" },
    { id: other, name: "SMS", dncSourceType: "rds" }
  ]
})

await Effect.runPromise(program.pipe(Effect.provide(services), Effect.provide(sandbox)))

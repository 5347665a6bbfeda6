/**
 * How to test a program that uses the library, without a network: once with a mock in the place of a service, once with
 * the real services over a network that fails when told to. Run it: npx tsx examples/04-swap-layers-in-a-test.ts
 */
import assert from "node:assert/strict"
import { type Context, Effect, Either, Layer, Stream } from "effect"
import { type AuditSink, Contract, DncSubmitter, GenesysError, HttpClient, Pipeline } from "genesys-dnc"
import { Mocks, Stub } from "genesys-dnc/testing"

/** The program under test. */
const nightly = Pipeline.live(Stream.make({ phoneNumber: "+14155550101" }, { phoneNumber: "+14155550102" }), {
  dncListId: "0ffca115-cafe-4ace-a11c-facade0ca115"
})

const validator = Mocks.dncValidator(({ phoneNumber }) =>
  Either.right({ phoneNumber, reason: "UNSPECIFIED", expires: Number.POSITIVE_INFINITY })
)

// 1. a mock of one service: a submitter that lacks a permission
const forbidden = Mocks.dncSubmitter(() =>
  Effect.fail(new GenesysError.Forbidden({ message: "missing outbound:dnc:add", hint: "ask an administrator" }))
)
const refused = await Effect.runPromise(
  nightly.pipe(Effect.provide(Layer.mergeAll(validator, forbidden, Mocks.auditSink())))
)
assert.equal(refused.outcome, "aborted")
assert.equal(refused.totals.failed, 2)

// 2. the real submitter and client over a stub of the network: two 503s, then an answer that is lost on the way back
const records: Array<AuditSink.AuditRecord> = []
const real = DncSubmitter.layer({ contract: Contract.entries }).pipe(
  Layer.provide(HttpClient.layer({ apiUrl: "https://api.example.test" })),
  Layer.provide(Mocks.auth()),
  Layer.provideMerge(Mocks.auditSink(records)),
  Layer.provideMerge(Stub.layer)
)
const test = Effect.gen(function* () {
  const stub: Context.Tag.Service<typeof Stub.Stub> = yield* Stub.Stub
  yield* stub.failNext(2, 503, { path: "/entries" })
  yield* stub.failNext(1, 0, { path: "/entries", afterChange: true })
  const report = yield* nightly
  const posts = (yield* stub.received).filter(({ path }) => path.endsWith("/entries"))
  return { report, list: yield* stub.list, keys: posts.map(({ headers }) => headers["idempotency-key"]) }
})
const { keys, list, report } = await Effect.runPromise(test.pipe(Effect.provide(Layer.merge(validator, real))))
assert.equal(report.totals.created, 2)
assert.equal(list.size, 2)
assert.equal(keys.length, 4)
assert.equal(new Set(keys).size, 1)
assert.deepEqual(
  records.map(({ operation }) => operation),
  ["RUN_STARTED", "BATCH_INTENDED", "BATCH_DONE", "RUN_FINISHED"]
)
console.log("both tests pass: nothing lost, nothing doubled, one key for all four attempts")

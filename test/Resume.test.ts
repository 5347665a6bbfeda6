/** A run that did not come to its end, gone on with by another process: here, another Layer over the same log. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { AuditChain, type AuditSink, GenesysDnc, type RunReport } from "genesys-dnc"
import { Faults, Sandbox } from "genesys-dnc/sandbox"
import { assertTotals, csv, folder, number, onList, posts, readRecords, settings } from "./support/cli.js"

type Api = "entries" | "platform"

const world = (sandbox: Sandbox.Service, api: Api) =>
  Effect.map(folder, (path) => {
    const auditLog = Path.join(path, "audit.jsonl")
    const file = Path.join(path, "in.csv")
    return {
      auditLog,
      path,
      write: (content: string) => Fs.writeFileSync(file, content),
      /** Stops once so many numbers have their disposition. */
      push: (
        options: Partial<GenesysDnc.PushOptions> & { readonly stopAfter?: number } = {},
        more: Partial<GenesysDnc.Settings> = {}
      ) =>
        Effect.gen(function* () {
          const stop = yield* Deferred.make<void>()
          const { stopAfter = Number.POSITIVE_INFINITY, ...given } = options
          return yield* GenesysDnc.pushFile(file, {
            dncListId: sandbox.listId,
            sizeLag: "0 seconds",
            stop: Deferred.await(stop),
            onProgress: ({ settled }) => {
              if (settled >= stopAfter) Deferred.unsafeDone(stop, Effect.void)
            },
            ...given
          }).pipe(
            Effect.provide(
              GenesysDnc.layer({ ...settings(sandbox, auditLog), api, concurrency: 1, largestBatch: 100, ...more })
            )
          )
        }),
      chain: () => {
        const verifier = AuditChain.verifier()
        for (const line of Fs.readFileSync(auditLog, "utf8").split("\n")) verifier.take(line)
        return verifier.finish()
      },
      operations: () => readRecords(auditLog).map(({ operation }) => operation)
    }
  })

const requests = (sandbox: Sandbox.Service, api: Api) =>
  api === "entries"
    ? posts(sandbox)
    : Effect.map(sandbox.stats, ({ requests }) => Object.values(requests.phonenumbers).reduce((sum, n) => sum + n, 0))

const keys = (records: ReadonlyArray<AuditSink.AuditRecord>) =>
  records.flatMap((record) => (record.operation === "BATCH_INTENDED" ? [record.result.idempotencyKey] : []))

describe("a run that broke off", { timeout: 60_000 }, () => {
  it.scopedLive.each<Api>(["entries", "platform"])("is gone on with by itself, by %s: nothing is sent twice", (api) =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ contract: api })
      const { auditLog, chain, operations, push, write } = yield* world(sandbox, api)
      write(`${csv(4000)}12\n`)
      const first = yield* push({ stopAfter: 1 })
      assert.strictEqual(first.outcome, "stopped")
      const sentFirst = yield* requests(sandbox, api)
      const done = first.batches.done
      assert.isAbove(done, 0)
      const second = yield* push()
      assert.strictEqual(second.outcome, "completed")
      assert.strictEqual(second.runId, first.runId)
      assert.strictEqual(second.resumed?.batches, done)
      assertTotals(second.totals, {
        read: 4001,
        rejected: 1,
        ...(api === "entries" ? { created: 4000 } : { accepted: 4000 })
      })
      assert.strictEqual(onList(sandbox).size, 4000)
      assert.strictEqual(yield* requests(sandbox, api), second.batches.cut)
      assert.strictEqual(second.requests, second.batches.cut)
      assert.isAbove(second.batches.cut, sentFirst)
      const all = keys(readRecords(auditLog))
      assert.strictEqual(new Set(all).size, second.batches.cut)
      assert.deepStrictEqual(
        operations().filter((operation) => operation.startsWith("RUN_")),
        ["RUN_STARTED", "RUN_FINISHED", "RUN_RESUMED", "RUN_FINISHED"]
      )
      assert.strictEqual(chain().fault, undefined)
      // and what has come to its end is begun anew
      const third = yield* push()
      assert.notStrictEqual(third.runId, first.runId)
      assert.strictEqual(third.resumed, undefined)
    })
  )

  it.scopedLive("judges ends by the time at which it was begun, so that its batches are the same", () =>
    Effect.gen(function* () {
      const now = Date.now()
      // the server's clock stands: it refuses no end that has passed meanwhile
      const sandbox = yield* Sandbox.make({ contract: "platform", now: () => now })
      const { push, write } = yield* world(sandbox, "platform")
      const soon = new Date(now + 1500).toISOString()
      write(
        `phone,expires\n${Array.from({ length: 300 }, (_, i) => `${number(i)},${i % 2 === 0 ? soon : ""}\n`).join("")}`
      )
      const first = yield* push({ stopAfter: 1 })
      yield* Effect.sleep("1600 millis")
      const second = yield* push()
      assert.strictEqual(second.runId, first.runId)
      assertTotals(second.totals, { read: 300, accepted: 300 })
      assert.strictEqual(second.batches.cut, first.batches.cut)
    })
  )

  it.scopedLive("a batch of parts that is done is not sent again; one with refusals or failures is", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ contract: "entries", refuse: [number(600)], refusals: "silent" })
      const { auditLog, push, write } = yield* world(sandbox, "entries")
      write(csv(2000))
      yield* sandbox.inject(Faults.failNext(1, 413, { route: "entries" }))
      const first = yield* push({ stopAfter: 998 })
      assertTotals(first.totals, { read: 2000, created: 997, rejected: 1, skipped: 1002 })
      assert.include(
        readRecords(auditLog).map(({ operation }) => operation),
        "BATCH_SETTLED"
      )
      const second = yield* push()
      assert.strictEqual(second.resumed?.batches, 1)
      assert.strictEqual(second.totals.rejected, 1)
      assert.strictEqual(second.totals.failed, 0)
      assert.strictEqual(onList(sandbox).size, 1999)
      const rejects = second.files.find(({ kind }) => kind === "rejects")
      assert.include(Fs.readFileSync(rejects!.path, "utf8"), `${number(600)}`)
    })
  )

  it.scopedLive("an aborted run is gone on with once its cause is mended", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ contract: "platform" })
      const { push, write } = yield* world(sandbox, "platform")
      write(csv(500))
      yield* sandbox.inject(Faults.failNext(1, 403, { route: "phonenumbers" }))
      const first = yield* push()
      assert.strictEqual(first.outcome, "aborted")
      const second = yield* push()
      assert.strictEqual(second.runId, first.runId)
      assertTotals(second.totals, { read: 500, accepted: 500 })
    })
  )

  const begunAnew: ReadonlyArray<
    readonly [string, Partial<GenesysDnc.PushOptions>, Partial<GenesysDnc.Settings>, string | undefined]
  > = [
    ["asked to", { fresh: true }, {}, undefined],
    ["of a file that has changed", {}, {}, `${csv(400)}${number(9000)}\n`],
    ["by other rules", {}, { policy: { allowedCountries: ["FR"] } }, undefined],
    ["by batches of another size", {}, { largestBatch: 50 }, undefined],
    ["at another time", { now: Date.now() + 86_400_000 }, {}, undefined],
    ["that takes numbers off", { action: "remove" }, {}, undefined]
  ]
  it.scopedLive.each(begunAnew)("a run is begun anew %s", ([, options, more, content]) =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ contract: "platform" })
      const { push, write } = yield* world(sandbox, "platform")
      write(csv(400))
      const first: RunReport.RunReport = yield* push({ stopAfter: 1 })
      assert.strictEqual(first.outcome, "stopped")
      if (content !== undefined) write(content)
      const second = yield* push(options, more)
      assert.notStrictEqual(second.runId, first.runId)
      assert.strictEqual(second.outcome, "completed")
    })
  )

  it.scopedLive("is not gone on with by a version that would cut other batches; a fresh one is begun", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ contract: "platform" })
      const { auditLog, push, write } = yield* world(sandbox, "platform")
      write(csv(400))
      yield* push({ stopAfter: 1 })
      const before = yield* requests(sandbox, "platform")
      const lines = Fs.readFileSync(auditLog, "utf8")
      for (const change of [
        (text: string) => text.replace(/"setDigest":"./, '"setDigest":"x'),
        (text: string) => text.replace('"cutting":1', '"cutting":2')
      ]) {
        Fs.writeFileSync(auditLog, change(lines))
        const error = yield* Effect.flip(push())
        assert.strictEqual(error._tag, "CannotResume")
        assert.include(error.hint, "--fresh")
        assert.strictEqual(yield* requests(sandbox, "platform"), before)
      }
      const fresh = yield* push({ fresh: true })
      assert.strictEqual(fresh.outcome, "completed")
    })
  )
})

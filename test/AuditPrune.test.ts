import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { AuditChain, AuditIndex, AuditLog, AuditPrune, AuditSink } from "genesys-dnc"
import { folder, mode } from "./support/cli.js"

type Times = { readonly start: string; readonly end?: string; readonly unchained?: true }

/** The records of runs of one batch each, begun and ended at these times. */
const recordsOf = (runId: string, { end, start }: Times): ReadonlyArray<object> => {
  const common = { runId, dncListId: "list", validationErrors: [], latencyMs: null, complianceStatus: "INCOMPLETE" }
  const batch = { batch: 0, idempotencyKey: `${runId}-0` }
  return [
    {
      ...common,
      operation: "RUN_STARTED",
      timestamp: start,
      result: { tool: "t", inputs: [], now: start, batches: 1, target: "https://api" }
    },
    {
      ...common,
      operation: "BATCH_INTENDED",
      timestamp: start,
      phoneNumbers: [`+1415555${runId}`],
      result: { ...batch, generation: 0, size: 1, action: "add", reason: null, expires: null, contentDigest: "" }
    },
    ...(end === undefined
      ? []
      : [
          {
            ...common,
            operation: "RUN_FINISHED",
            timestamp: end,
            result: { outcome: "completed", totals: {}, rejectsByCode: {}, files: [] }
          }
        ])
  ]
}

/** A log of such runs, one behind the other. */
const write = (runs: Readonly<Record<string, Times>>) =>
  Effect.map(folder, (path) => {
    const log = Path.join(path, "audit.jsonl")
    let head = AuditChain.empty
    let text = ""
    for (const [runId, times] of Object.entries(runs)) {
      for (const record of recordsOf(runId, times)) {
        if (times.unchained) {
          text += `${JSON.stringify(record)}\n`
          continue
        }
        const next = AuditChain.follow(head, record)
        head = next.head
        text += `${next.line}\n`
      }
    }
    Fs.writeFileSync(log, text)
    return log
  })

const lines = (log: string) => Fs.readFileSync(log, "utf8").trimEnd().split("\n")

const headOf = (log: string, runId: string): string =>
  lines(log)
    .map((line) => JSON.parse(line))
    .findLast((record) => record.runId === runId).digest

const years = (count: number) => Duration.times(AuditPrune.year, count)

const recent = new Date(Date.now() - 86_400_000).toISOString()

const world = write({
  "0001": { start: "2010-01-01T00:00:00.000Z", end: "2010-01-02T00:00:00.000Z" },
  "0002": { start: "2011-01-01T00:00:00.000Z", end: "2011-01-02T00:00:00.000Z" },
  "0003": { start: "2012-01-01T00:00:00.000Z", end: recent },
  "0004": { start: "2012-01-01T00:00:00.000Z", end: "2012-01-01T00:00:00.000Z" }
})

const old = { olderThan: years(6), operator: "the officer" }

describe("AuditPrune", () => {
  it.scopedLive("takes off the beginning, and the chain says what stood there", () =>
    Effect.gen(function* () {
      const log = yield* world
      const before = lines(log)
      const heads = ["0001", "0002", "0003"].map((runId) => headOf(log, runId))
      const plan = yield* AuditPrune.plan(log, old)
      assert.deepStrictEqual(lines(log), before)
      assert.deepInclude(plan, { records: 6, until: { what: "run 0003", why: "young" } })
      assert.deepStrictEqual(yield* AuditPrune.prune(log, old), plan)
      assert.strictEqual(mode(log), 0o600)
      assert.deepStrictEqual(lines(log).slice(0, -1), before.slice(6))
      const tombstone = JSON.parse(lines(log).at(-1)!)
      assert.deepInclude(tombstone.result, {
        through: { sequence: 6, digest: heads[1] },
        records: 6,
        operator: "the officer"
      })
      assert.deepInclude(tombstone.result.runs[0], { runId: "0001", head: heads[0], outcome: "completed" })
      const verdict = yield* AuditLog.verify(log)
      assert.deepInclude(verdict, { fault: undefined, pruned: { sequence: 6, digest: heads[1] }, records: 7 })
      for (const [at, head] of heads.entries()) {
        assert.deepInclude(yield* AuditLog.verify(log, head), { fault: undefined, expectedPruned: at < 2 })
      }
      assert.strictEqual((yield* AuditLog.verify(log, "ab".repeat(32))).fault?.kind, "cut")
      assert.deepStrictEqual(
        (yield* AuditLog.summaries(log)).map(({ run }) => run.runId),
        ["0003", "0004"]
      )
      // whoever runs next goes on with the chain
      const { digest: _, previous: _p, sequence: _s, ...first } = JSON.parse(before[0])
      yield* Effect.provide(
        Effect.flatMap(AuditSink.AuditSink, ({ append }) => append({ ...first, runId: "0005" })),
        AuditSink.layerFile(log)
      )
      assert.deepInclude(yield* AuditLog.verify(log), { fault: undefined, records: 8 })
    })
  )

  it.scopedLive("a beginning that no intact record says was pruned is removed", () =>
    Effect.gen(function* () {
      const log = yield* world
      const whole = lines(log)
      yield* AuditPrune.prune(log, old)
      const kept = lines(log)
      const verdict = (lines: ReadonlyArray<string>) => {
        Fs.writeFileSync(log, `${lines.join("\n")}\n`)
        return Effect.map(AuditLog.verify(log), ({ fault }) => fault)
      }
      for (const missing of [kept.slice(0, -1), kept.slice(1), whole.slice(6), whole.slice(-1)]) {
        assert.deepInclude(yield* verdict(missing), { kind: "removed", sequence: 1, line: 1 })
      }
      const forged = kept.with(-1, kept.at(-1)!.replace('"records":6', '"records":5'))
      assert.deepInclude(yield* verdict(forged), { kind: "altered" })
      const other = JSON.parse(kept.at(-1)!)
      other.result.through.sequence++
      const { digest: _, previous, sequence, ...rest } = other
      const { line } = AuditChain.follow({ sequence: sequence - 1, digest: previous }, rest)
      assert.deepInclude(yield* verdict(kept.with(-1, line)), { kind: "removed" })
    })
  )

  it.scopedLive("broken off behind its record, it leaves a whole log, and works again", () =>
    Effect.gen(function* () {
      const log = yield* world
      const whole = lines(log)
      yield* AuditPrune.prune(log, old)
      Fs.writeFileSync(log, `${[...whole, lines(log).at(-1)].join("\n")}\n`)
      assert.deepInclude(yield* AuditLog.verify(log), {
        fault: undefined,
        records: whole.length + 1,
        pruned: undefined
      })
      assert.strictEqual((yield* AuditPrune.prune(log, old)).records, 6)
      assert.deepInclude(yield* AuditLog.verify(log), { fault: undefined, records: whole.length + 2 - 6 })
    })
  )

  it.scopedLive("prunes all but what says so, then nothing; and what is from before the chain", () =>
    Effect.gen(function* () {
      const log = yield* write({
        "0000": { start: "2005-01-01T00:00:00.000Z", end: "2005-01-01T00:00:00.000Z", unchained: true },
        "0001": { start: "2010-01-01T00:00:00.000Z", end: "2010-01-02T00:00:00.000Z" }
      })
      assert.strictEqual((yield* AuditPrune.prune(log, old)).records, 6)
      assert.deepInclude(yield* AuditLog.verify(log), { fault: undefined, records: 1, unchained: 0 })
      const [left] = lines(log)
      assert.deepInclude(yield* AuditPrune.prune(log, old), { records: 0, until: { what: "LOG_PRUNED", why: "young" } })
      assert.deepStrictEqual(lines(log), [left])
      const unchained = yield* write({
        "0000": { start: "2005-01-01T00:00:00.000Z", end: "2005-01-01T00:00:00.000Z", unchained: true },
        "0001": { start: recent, end: recent }
      })
      assert.strictEqual((yield* AuditPrune.prune(unchained, old)).records, 3)
      assert.deepInclude(yield* AuditLog.verify(unchained), { fault: undefined, records: 4, unchained: 0 })
    })
  )

  it.scopedLive("an unfinished run stays, with all behind it", () =>
    Effect.gen(function* () {
      const log = yield* write({
        "0001": { start: "2010-01-01T00:00:00.000Z", end: "2010-01-02T00:00:00.000Z" },
        "0002": { start: "2010-01-01T00:00:00.000Z" },
        "0003": { start: "2010-01-01T00:00:00.000Z", end: "2010-01-02T00:00:00.000Z" }
      })
      assert.deepInclude(yield* AuditPrune.prune(log, old), {
        records: 3,
        until: { what: "run 0002", why: "unfinished" }
      })
    })
  )

  it.scopedLive("touches nothing that has to be kept, is tampered with, or is being written", () =>
    Effect.gen(function* () {
      const log = yield* world
      const before = Fs.readFileSync(log)
      const young = yield* Effect.flip(AuditPrune.prune(log, { olderThan: years(4) }))
      assert.strictEqual(young._tag, "RetentionError")
      assert.include(young.message, "1830 days")
      const busy = yield* Effect.flip(Effect.provide(AuditPrune.prune(log, old), AuditSink.layerFile(log)))
      assert.include(busy.message, "is being written by another run")
      assert.deepStrictEqual(Fs.readFileSync(log), before)
      const altered = before.toString().replace("0002", "0009")
      Fs.writeFileSync(log, altered)
      assert.include((yield* Effect.flip(AuditPrune.prune(log, old))).message, "is not as it was written")
      assert.strictEqual(Fs.readFileSync(log, "utf8"), altered)
      const missing = yield* Effect.flip(AuditPrune.prune(`${log}-2`, old))
      assert.include(missing.message, "no records")
      assert.isFalse(Fs.existsSync(`${log}-2`))
    })
  )

  it.scopedLive("the index of a pruned log is made anew", () =>
    Effect.gen(function* () {
      const log = yield* world
      const find = (runId: string) => Effect.flatMap(AuditIndex.open(log), ({ find }) => find(`+1415555${runId}`))
      assert.strictEqual((yield* find("0001")).length, 1)
      assert.strictEqual((yield* find("0004")).length, 1)
      yield* AuditPrune.prune(log, old)
      const index = yield* AuditIndex.open(log)
      assert.strictEqual(index.read, Fs.statSync(log).size)
      assert.strictEqual(index.coverage.indexed, 2)
      assert.deepStrictEqual(yield* find("0001"), [])
      const [found] = yield* find("0004")
      assert.strictEqual(found.runId, "0004")
    })
  )
})

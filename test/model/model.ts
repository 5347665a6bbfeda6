/** Random runs against a plain model: what the rows mean, and what has to be so once a run has ended, however it went. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { AuditChain, type AuditSink, type DncEntry, Pipeline, RunReport } from "genesys-dnc"
import * as Inputs from "../support/inputs.js"
import { numbers } from "../support/server.js"
import { dead, dncListId, type Fault, type Kill, type Refusal, type Settings, type Value, world } from "./world.js"

export const pool = numbers(12)

/** Of the test's clock. */
export const now = Date.UTC(2026, 0, 1)

const reasons = ["UNSPECIFIED", "CUSTOMER_REQUEST", "REGULATORY"]

export interface Row {
  readonly number: number
  readonly reason: string
  readonly expires: string
  /** No number at all. */
  readonly bad: boolean
}

export const row: FastCheck.Arbitrary<Row> = FastCheck.record({
  number: FastCheck.nat(pool.length - 1),
  reason: FastCheck.constantFrom("", ...reasons, "WHATEVER"),
  expires: FastCheck.constantFrom(
    ...["", "2026-03-01T10:00:00.000Z", "2026-03-01T10:00:30.000Z", "2026-05-01T00:00:00.000Z"],
    // further ahead than the published API can say; and gone by
    ...["2031-01-01T00:00:00.000Z", "2025-12-31T00:00:00.000Z"]
  ),
  bad: FastCheck.constantFrom(false, false, false, false, false, true)
})

export const toRow = ({ bad, expires, number, reason }: Row): DncEntry.Row =>
  Inputs.row(bad ? `bad ${number}` : number % 2 === 0 ? pool[number] : pool[number].slice(2), reason, expires)

export const isValid = ({ bad, expires }: Row): boolean => !bad && (expires === "" || Date.parse(expires) > now)

/** In words of its own: for ever, then later, then the stricter reason. */
const rank = ({ expires, reason }: Value): string => `${expires ?? "9"} ${reasons.indexOf(reason)}`

const stricter = (a: Value | undefined, b: Value): Value => (a === undefined || rank(b) > rank(a) ? b : a)

const valueOf = ({ expires, reason }: Row): Value => ({
  reason: reasons.includes(reason) ? reason : "UNSPECIFIED",
  expires: expires === "" ? null : expires
})

/** Each number at the strictest of its rows. */
export const fold = (rows: ReadonlyArray<Row>): Map<string, Value> => {
  const model = new Map<string, Value>()
  for (const row of rows) {
    if (isValid(row)) model.set(pool[row.number], stricter(model.get(pool[row.number]), valueOf(row)))
  }
  return model
}

/** As the contract's requests say it. */
export const said = (api: Settings["api"], { expires, reason }: Value): Value => {
  if (api === "entries") return { expires, reason }
  if (expires === null || Date.parse(expires) > now + 180 * 86_400_000 - 3_600_000) {
    return { reason: "UNSPECIFIED", expires: null }
  }
  const minute = new Date(Math.ceil(Date.parse(expires) / 60_000) * 60_000).toISOString()
  return { reason: "UNSPECIFIED", expires: `${minute.slice(0, 16)}Z` }
}

export const show = (value: Value | undefined): string => (value === undefined ? "not there" : rank(value))

const soft: ReadonlyArray<Fault> = ["none", "none", "429", "503", "dropped", "409", "503 after", "dropped after"]
const hard: ReadonlyArray<Fault> = ["broken answer", "broken body", "fewer", "more", "foreign", "lie", "403"]

/** Three of one kind in a row are more than is tried. */
const faultsOf = (kinds: ReadonlyArray<Fault>): FastCheck.Arbitrary<ReadonlyArray<Fault>> =>
  FastCheck.array(FastCheck.tuple(FastCheck.constantFrom(...kinds), FastCheck.constantFrom(1, 1, 3)), {
    maxLength: 9
  }).map((faults) => faults.flatMap(([fault, times]) => Array.from({ length: times }, () => fault)))

const common = {
  api: FastCheck.constantFrom("entries" as const, "platform" as const),
  remove: FastCheck.constantFrom(false, false, false, true),
  largestBatch: FastCheck.integer({ min: 1, max: 7 }),
  most: FastCheck.integer({ min: 1, max: 7 }).map((most) => 8 - most),
  faults: FastCheck.oneof(FastCheck.constant([]), faultsOf(soft), faultsOf([...soft, ...soft, ...hard])),
  refusals: FastCheck.array(
    FastCheck.tuple(
      FastCheck.nat(pool.length - 1),
      FastCheck.constantFrom<Refusal>("named", "pointed", "unnamed", "silent")
    ),
    { maxLength: 3 }
  ),
  seeded: FastCheck.array(row, { maxLength: 4 })
}

interface Case {
  readonly api: Settings["api"]
  readonly remove: boolean
  readonly largestBatch: number
  readonly most: number
  readonly faults: ReadonlyArray<Fault>
  readonly refusals: ReadonlyArray<readonly [number, Refusal]>
  readonly seeded: ReadonlyArray<Row>
}

const settingsOf = (given: Case, grows?: Settings["grows"]): Settings => ({
  ...given,
  action: given.remove && given.api === "platform" ? "remove" : "add",
  refusals: new Map(given.refusals.map(([number, refusal]) => [pool[number], refusal])),
  seeded: new Map(Array.from(fold(given.seeded), ([phoneNumber, value]) => [phoneNumber, said(given.api, value)])),
  ...(grows === undefined ? {} : { grows })
})

/** Where nothing can have failed: whatever went wrong was put right by asking again, or names its culprits. */
const canSucceed = ({ refusals }: Settings, applied: ReadonlySet<Fault>, faults: ReadonlyArray<Fault>): boolean =>
  hard.every((fault) => !applied.has(fault)) &&
  faults.filter((fault) => /503|dropped/.test(fault)).length < 3 &&
  faults.filter((fault) => fault === "409").length < 3 &&
  Array.from(refusals.values()).filter((refusal) => refusal === "unnamed").length < 2

/** Each record follows on the one before it, and stands so in a file. */
const assertChain = (records: ReadonlyArray<AuditSink.AuditRecord>): void => {
  const { finish, take } = AuditChain.verifier()
  for (const record of records) take(JSON.stringify(record))
  const { fault, records: seen, torn } = finish()
  assert.strictEqual(fault, undefined)
  assert.deepStrictEqual([seen, torn], [records.length, 0])
}

/** No content of a run has two keys but for generations, and what an earlier process had settled is not sent again. */
const assertKeys = (records: ReadonlyArray<AuditSink.AuditRecord>): void => {
  const keys = new Map<string, string>()
  const contents = new Map<string, string>()
  let settled = new Set<string>()
  const resumed = new Set<string>()
  for (const record of records) {
    const batch = "batch" in record.result ? `${record.runId} ${record.result.batch}` : ""
    switch (record.operation) {
      case "BATCH_INTENDED": {
        const { contentDigest, generation, idempotencyKey } = record.result
        const content = `${record.runId} ${contentDigest} ${generation}`
        assert.ok(generation < 2)
        assert.strictEqual(keys.get(content) ?? idempotencyKey, idempotencyKey, "one content, two keys")
        assert.strictEqual(contents.get(idempotencyKey) ?? content, content, "one key, two contents")
        assert.ok(!resumed.has(batch), "what was settled is sent again")
        keys.set(content, idempotencyKey)
        contents.set(idempotencyKey, content)
        break
      }
      case "BATCH_DONE":
        if (record.result.settles && record.result.rejected === 0 && record.result.shortfall === 0) settled.add(batch)
        break
      case "BATCH_SETTLED":
        if (record.result.rejected === 0) settled.add(batch)
        break
      case "RUN_RESUMED":
        for (const one of settled) resumed.add(one)
        settled = new Set()
        break
      default:
    }
  }
}

const assertFinished = (report: RunReport.RunReport, records: ReadonlyArray<AuditSink.AuditRecord>): void => {
  assert.strictEqual(RunReport.imbalance(report.totals), 0)
  assert.notStrictEqual(report.error?.tag, "Imbalance")
  for (const [name, total] of Object.entries(report.totals)) assert.ok(total >= 0, name)
  const last = records.at(-1)
  assert.deepStrictEqual(last?.operation === "RUN_FINISHED" && last.result.totals, { ...report.totals })
  assertChain(records)
  assertKeys(records)
}

export interface PushCase extends Case {
  readonly files: ReadonlyArray<ReadonlyArray<Row>>
  readonly kills: ReadonlyArray<Kill>
  readonly verify: boolean
}

const pushCase: FastCheck.Arbitrary<PushCase> = FastCheck.record({
  ...common,
  files: FastCheck.array(FastCheck.array(row, { maxLength: 14 }), { minLength: 1, maxLength: 3 }),
  kills: FastCheck.oneof(
    { weight: 3, arbitrary: FastCheck.constant([]) },
    {
      weight: 2,
      arbitrary: FastCheck.array(FastCheck.record({ at: FastCheck.nat(25), after: FastCheck.boolean() }), {
        minLength: 1,
        maxLength: 3
      })
    }
  ),
  verify: FastCheck.boolean()
})

const pushed = (given: PushCase) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(now)
    // nobody can find out a lie who does not look
    const verify = given.verify && given.api === "platform"
    const settings = settingsOf({ ...given, faults: given.faults.filter((fault) => fault !== "lie" || verify) })
    const { action, api, refusals, seeded } = settings
    const { applied, exported, list, process, records } = world(settings)
    const push = (out: ReturnType<typeof Inputs.outputs>) =>
      Pipeline.push(
        given.files.map((file, index) => {
          const input = Inputs.input(`${index}.csv`, file.map(toRow), 5)
          return { ...input, contentDigest: input.digest }
        }),
        {
          ...{ dncListId, action, outputs: out.outputs, sizeLag: "0 seconds", stop: dead },
          ...(verify ? { verify: exported } : {})
        }
      )
    for (const kill of given.kills) yield* process(push(Inputs.outputs()), kill)
    const out = Inputs.outputs()
    const report = yield* process(push(out))
    assert.ok(report !== undefined)
    const { totals } = report
    assertFinished(report, records)

    const rows = given.files.flat()
    const model = fold(rows)
    const wanted = (phoneNumber: string): string =>
      show(action === "remove" ? undefined : said(api, model.get(phoneNumber)!))
    const failed = new Set(out.failed.flatMap(({ phoneNumbers }) => phoneNumbers))
    const refused = out.rejected.filter(([, , code]) => code === "RefusedByServer")
    const rejected = new Set(refused.map(([, , , raw]) => raw))

    // the file of rejects: each row that is none, and each number that was refused, at a row that names it
    assert.deepStrictEqual(
      out.rejected
        .filter(([, , code]) => code !== "RefusedByServer")
        .map(([input, line]) => `${input}:${line}`)
        .sort(),
      given.files
        .flatMap((file, input) => file.flatMap((row, index) => (isValid(row) ? [] : [`${input}:${index + 1}`])))
        .sort()
    )
    assert.strictEqual(rejected.size, refused.length)
    for (const [input, line, , raw] of refused) {
      assert.ok(refusals.has(raw), `${raw} is refused by nobody`)
      assert.strictEqual(pool[given.files[input][line - 1]?.number], raw)
      assert.strictEqual(show(list.get(raw)), show(seeded.get(raw)), `${raw} was refused`)
    }

    // the list: the model, less what the files hold
    let astray = 0
    for (const phoneNumber of model.keys()) {
      const is = show(list.get(phoneNumber))
      if (rejected.has(phoneNumber)) {
        assert.ok(!failed.has(phoneNumber), "refused and failed")
      } else if (failed.has(phoneNumber)) {
        assert.ok(
          [wanted(phoneNumber), show(seeded.get(phoneNumber))].includes(is),
          `${phoneNumber} failed and is ${is}`
        )
      } else if (is !== wanted(phoneNumber)) {
        // a later end of somebody else's will do for an export
        if (!(applied.has("lie") && action === "add" && is > wanted(phoneNumber))) astray++
      }
    }
    if (report.outcome === "completed") assert.strictEqual(totals.skipped, 0)
    assert.ok(astray <= totals.skipped, `${astray} numbers that no file holds are not as they should be`)
    for (const [phoneNumber, value] of list) {
      if (!model.has(phoneNumber)) assert.strictEqual(show(value), show(seeded.get(phoneNumber)))
    }

    // the account: every row once, under the right name
    const valid = rows.filter(isValid).length
    assert.strictEqual(totals.read, rows.length)
    assert.strictEqual(totals.rejected, rows.length - valid + refused.length)
    assert.strictEqual(totals.duplicateInFile, valid - model.size)
    if (applied.has("fewer")) assert.ok(totals.failed <= failed.size)
    else assert.strictEqual(totals.failed, failed.size)
    if (canSucceed(settings, applied, given.faults)) {
      assert.strictEqual(report.outcome, "completed")
      assert.strictEqual(totals.failed, 0)
    }
    const ok = [...model.keys()].filter((phoneNumber) => !failed.has(phoneNumber) && !rejected.has(phoneNumber))
    if (report.outcome !== "completed" || applied.has("fewer")) return
    if (api === "platform") {
      assert.strictEqual(totals.accepted, ok.length)
      return
    }
    assert.strictEqual(totals.created + totals.updated + totals.duplicateOnList, ok.length)
    // what is sent under another key after all shows as being there already
    if (given.kills.length > 0 || applied.has("409")) return
    const there = ok.filter((phoneNumber) => seeded.has(phoneNumber))
    const alike = there.filter((phoneNumber) => wanted(phoneNumber) === show(seeded.get(phoneNumber)))
    assert.deepStrictEqual(
      [totals.created, totals.updated, totals.duplicateOnList],
      [ok.length - there.length, there.length - alike.length, alike.length]
    )
  })

export interface LiveCase extends Case {
  readonly rows: ReadonlyArray<Row>
  readonly windowRows: number
}

const liveCase: FastCheck.Arbitrary<LiveCase> = FastCheck.record({
  ...common,
  rows: FastCheck.array(row, { maxLength: 40 }),
  windowRows: FastCheck.integer({ min: 1, max: 12 })
})

const live = (given: LiveCase) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(now)
    const settings = settingsOf(
      { ...given, faults: given.faults.filter((fault) => fault !== "lie") },
      (phoneNumber, before, after) =>
        assert.ok(rank(after) >= rank(before), `${phoneNumber} is suppressed for less than before`)
    )
    const { action, api, refusals, seeded } = settings
    const { applied, list, process, records } = world(settings)
    const { rows, windowRows } = given
    let read = 0
    /** Rows that had been read when a number failed, or was refused. */
    const failedAt = new Map<string, number>()
    const refusedAt = new Map<string, number>()
    const bad: Array<number> = []
    let failures = 0
    let refusedRows = 0
    const outputs: Pipeline.Outputs = {
      rejected: (_, rejects) =>
        Effect.sync(() => {
          for (const { code, line, raw } of rejects) {
            if (code === "RefusedByServer") {
              refusedRows++
              assert.ok(refusals.has(raw))
              assert.strictEqual(pool[rows[line - 1]?.number], raw)
              refusedAt.set(raw, read)
            } else bad.push(line)
          }
        }),
      failed: (_, { count, phoneNumbers }) =>
        Effect.sync(() => {
          failures += count
          for (const phoneNumber of phoneNumbers) failedAt.set(phoneNumber, read)
        }),
      finish: Effect.succeed([])
    }
    const report = yield* process(
      Pipeline.live(Stream.fromIterable(rows.map(toRow)), {
        ...{ dncListId, action, windowRows, outputs, stop: dead },
        onProgress: ({ totals }) => {
          read = totals.read
        }
      })
    )
    assert.ok(report !== undefined)
    const { totals } = report
    assertFinished(report, records)
    assert.strictEqual(totals.read % windowRows === 0 || totals.read === rows.length, true)
    if (report.outcome === "completed") assert.strictEqual(totals.read, rows.length)
    const taken = rows.slice(0, totals.read)
    assert.deepStrictEqual(
      bad,
      taken.flatMap((row, index) => (isValid(row) ? [] : [index + 1]))
    )
    assert.strictEqual(totals.rejected, bad.length + refusedRows)
    assert.strictEqual(totals.failed, failures)
    if (canSucceed(settings, applied, given.faults)) {
      assert.strictEqual(report.outcome, "completed")
      assert.strictEqual(totals.failed, 0)
    }
    // the windows, folded one after the other: what is known to be on the list, and all that may be
    let astray = 0
    for (const [phoneNumber, value] of fold(taken)) {
      const wanted = show(action === "remove" ? undefined : said(api, value))
      const is = show(list.get(phoneNumber))
      const prefixes = taken.map((_, index) => fold(taken.slice(0, index + 1)).get(phoneNumber))
      const may = prefixes.map((value) =>
        show(value === undefined || action === "remove" ? undefined : said(api, value))
      )
      const failed = failedAt.get(phoneNumber)
      // a later row that names it brings it again, at its strictest
      const again =
        failed !== undefined && taken.slice(failed).some((row) => isValid(row) && pool[row.number] === phoneNumber)
      if (refusedAt.has(phoneNumber) || (failed !== undefined && !again)) {
        assert.ok([show(seeded.get(phoneNumber)), ...may].includes(is), `${phoneNumber} failed and is ${is}`)
      } else if (is !== wanted) astray++
    }
    assert.ok(astray <= totals.skipped, `${astray} numbers that no file holds are not as they should be`)
    if (report.outcome === "completed") assert.strictEqual(totals.skipped, 0)
    for (const phoneNumber of list.keys()) assert.ok(seeded.has(phoneNumber) || fold(taken).has(phoneNumber))
  })

const property = <A>(cases: FastCheck.Arbitrary<A>, check: (given: A) => Effect.Effect<void, unknown>) =>
  FastCheck.asyncProperty(cases, (given) =>
    check(given).pipe(
      Logger.withMinimumLogLevel(LogLevel.None),
      Effect.provide(TestContext.TestContext),
      Effect.runPromise
    )
  )

/** By name; each fails with the smallest case that can be found. */
export const properties: Readonly<Record<string, FastCheck.IAsyncProperty<unknown>>> = {
  push: property(pushCase, pushed) as FastCheck.IAsyncProperty<unknown>,
  live: property(liveCase, live) as FastCheck.IAsyncProperty<unknown>
}

/** From the time of the request in a row to the report, the log, the files and the page. */
import * as Fs from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Either, FastCheck as fc, Layer, Stream, TestClock } from "effect"
import {
  type AuditSink,
  Contract,
  type DncEntry,
  DncSubmitter,
  DncValidator,
  DueTable,
  GenesysDnc,
  Honour,
  Pipeline
} from "genesys-dnc"
import { Mocks } from "genesys-dnc/testing"
import { honour as words } from "../src/cli/honour.js"
import { honour as section } from "../src/Evidence/honour.js"
import { folder } from "./support/files.js"
import { input } from "./support/inputs.js"
import { refusal } from "./support/server.js"

type Submit = (typeof DncSubmitter.DncSubmitter.Service)["submit"]

const start = Date.parse("2026-11-25T12:00:00Z")

const dncListId = "list"

const created: Submit = (batch) => Effect.succeed(Mocks.receipt(batch))

const services = (
  submit: Submit = created,
  records: Array<AuditSink.AuditRecord> = [],
  policy: Partial<DncValidator.Policy> = {}
) => Layer.mergeAll(DncValidator.layer(policy), Mocks.dncSubmitter(submit), Mocks.auditSink(records))

const row = (phoneNumber: string, requestedAt?: string, reason?: string): DncEntry.Row => ({
  phoneNumber,
  ...(requestedAt === undefined ? {} : { requestedAt }),
  ...(reason === undefined ? {} : { reason })
})

const us = (index: number): string => `+1415555${String(100 + index).padStart(4, "0")}`

const push = (
  rows: ReadonlyArray<DncEntry.Row>,
  submit?: Submit,
  options: Partial<Pipeline.Options> = {},
  policy?: Partial<DncValidator.Policy>
) =>
  Effect.zipRight(
    TestClock.setTime(start),
    Pipeline.push([input("in.csv", rows)], { dncListId, ...options }).pipe(Effect.provide(services(submit, [], policy)))
  )

const counts = ({ distribution }: Honour.Honour) =>
  Object.fromEntries(distribution.filter(({ count }) => count > 0).map(({ count, label }) => [label, count]))

describe("a run whose rows say when they were asked for", () => {
  it.effect("reports the time from request to list, and what is past due by country", () =>
    Effect.gen(function* () {
      const { honour, totals } = yield* push([
        row(us(0), "2026-11-25T11:00:00Z"),
        row(us(1), "2026-11-24"),
        row(us(2), "2026-11-23 10:00"),
        // a Tuesday, the 10th business day before; and the day before
        row(us(3), "2026-11-11"),
        row(us(4), "2026-11-10"),
        row("+493012345678", "2026-11-10T00:00:00+02:00"),
        row(us(5))
      ])
      assert.strictEqual(totals.created, 7)
      assert.isDefined(honour)
      assert.strictEqual(honour.honoured, 6)
      assert.deepStrictEqual(counts(honour), {
        "same day": 1,
        "1 business day": 1,
        "2–3 business days": 1,
        "6–10 business days": 1,
        "past due": 2
      })
      assert.deepStrictEqual(honour.pastDue, {
        count: 2,
        byCountry: { DE: 1, US: 1 },
        oldest: "2026-11-09T22:00:00.000Z"
      })
      assert.strictEqual(honour.elapsedMs.min, 3_600_000)
      assert.strictEqual(honour.elapsedMs.median, 50 * 3_600_000)
      assert.strictEqual(honour.businessDays.max, 12)
      assert.deepStrictEqual(honour.open, { count: 0, pastDue: { count: 0, byCountry: {}, oldest: null } })
    })
  )

  it.effect("without such a column there is nothing of it", () =>
    Effect.gen(function* () {
      const report = yield* push([row(us(0)), row(us(1))])
      assert.notProperty(report, "honour")
      const blank = yield* push([row(us(0), ""), row(us(1), "")])
      assert.notProperty(blank, "honour")
      assert.deepStrictEqual(words(report.honour), [])
      assert.strictEqual(section(report.honour, plain), "")
    })
  )

  it.effect("a time that cannot be read, or lies ahead, costs no row", () =>
    Effect.gen(function* () {
      const { honour, totals } = yield* push([
        row(us(0), "yesterday"),
        row(us(1), "11/20/2026"),
        row(us(2), "2026-02-30"),
        row(us(3), "2026-11-26T12:00:00.001Z"),
        row(us(4), "2026-11-26T12:00:00Z"),
        row("12", "never")
      ])
      assert.strictEqual(totals.created, 5)
      assert.isDefined(honour)
      assert.strictEqual(honour.requestedAtUnreadable, 4)
      // within a day it is a clock, or a date in the east
      assert.strictEqual(honour.honoured, 1)
      assert.strictEqual(honour.elapsedMs.max, 0)
      assert.deepStrictEqual(counts(honour), { "same day": 1 })
    })
  )

  it.effect("what failed, was refused or was not sent is open, and past due by the end of the run", () =>
    Effect.gen(function* () {
      const submit: Submit = (batch) =>
        batch.reason === "REGULATORY"
          ? Effect.fail(refusal(503))
          : Effect.succeed(
              Mocks.receipt(batch, {
                created: 1,
                rejected: [{ phoneNumber: us(1), message: "No." }]
              })
            )
      const failed: Array<Omit<DncEntry.Entry, "line">> = []
      const refused: Array<DncEntry.Reject> = []
      const { honour } = yield* push(
        [
          row(us(0), "2026-11-24"),
          row(us(1), "2026-11-02"),
          row(us(2), "2026-11-03", "REGULATORY"),
          row(us(2), "2026-11-01", "CUSTOMER_REQUEST"),
          row(us(3), "2026-11-24", "REGULATORY")
        ],
        submit,
        {
          outputs: {
            ...Pipeline.noOutputs,
            failed: (entries) => Effect.sync(() => void failed.push(...entries)),
            rejected: (_, rejects) => Effect.sync(() => void refused.push(...rejects))
          }
        }
      )
      assert.isDefined(honour)
      assert.strictEqual(honour.honoured, 1)
      assert.deepStrictEqual(honour.open, {
        count: 3,
        pastDue: { count: 2, byCountry: { US: 2 }, oldest: "2026-11-01T00:00:00.000Z" }
      })
      assert.deepStrictEqual(honour.pastDue.count, 0)
      // fed in again, they keep their dates
      assert.deepStrictEqual(
        failed.map(({ phoneNumber, requestedAt }) => [phoneNumber, requestedAt]),
        [
          [us(2), Date.parse("2026-11-01")],
          [us(3), Date.parse("2026-11-24")]
        ]
      )
      assert.deepStrictEqual(
        refused.map(({ row }) => row?.requestedAt),
        ["2026-11-02T00:00:00.000Z"]
      )
    })
  )

  it.effect("a batch that was on the list as it is was honoured before, nobody knows when", () =>
    Effect.gen(function* () {
      const { honour } = yield* push([row(us(0), "2026-01-02"), row(us(1), "2026-11-24", "REGULATORY")], (batch) =>
        Effect.succeed(Mocks.receipt(batch, batch.reason === "REGULATORY" ? {} : { created: 0, duplicate: 1 }))
      )
      assert.deepInclude(honour, { honoured: 1, earlier: 1 })
      assert.strictEqual(honour?.pastDue.count, 0)
    })
  )

  it.effect("what an export does not show is not honoured", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(start)
      const submitter = DncSubmitter.DncSubmitter.of({
        contract: Contract.platform(),
        target: "https://api.example.test",
        concurrency: 1,
        check: (id) => Effect.succeed({ id, name: "Test list" }),
        submit: (batch) => Effect.succeed(Mocks.receipt(batch, { created: 0, accepted: batch.phoneNumbers.length }))
      })
      const { honour, totals } = yield* Pipeline.push(
        [input("in.csv", [row(us(0), "2026-11-24"), row(us(1), "2026-11-02")])],
        {
          dncListId,
          sizeLag: 0,
          verify: Stream.make({ phoneNumber: us(0), expires: Number.POSITIVE_INFINITY })
        }
      ).pipe(
        Effect.provide(
          Layer.mergeAll(DncValidator.layer(), Layer.succeed(DncSubmitter.DncSubmitter, submitter), Mocks.auditSink())
        )
      )
      assert.strictEqual(totals.failed, 1)
      assert.strictEqual(honour?.honoured, 1)
      assert.strictEqual(honour?.open.pastDue.count, 1)
    })
  )

  it.effect("days are those of the policy's time zone, and deadlines those of the table", () =>
    Effect.gen(function* () {
      const rows = [row(us(0), "2026-11-25T02:00:00Z"), row("+493012345678", "2026-11-20")]
      const utc = yield* push(rows)
      assert.strictEqual(counts(utc.honour!)["same day"], 1)
      // in New York the first was asked for on the evening before
      const dueTable = Either.getOrThrow(DueTable.make({ DE: { days: 3 } }))
      const there = yield* push(rows, created, { dueTable }, { timezone: "America/New_York" })
      assert.strictEqual(there.honour?.timezone, "America/New_York")
      assert.deepStrictEqual(counts(there.honour!), { "1 business day": 1, "past due": 1 })
      assert.deepStrictEqual(there.honour?.pastDue.byCountry, { DE: 1 })
      assert.strictEqual(there.honour?.pastDue.oldest, "2026-11-20T05:00:00.000Z")
    })
  )

  it.effect.prop(
    "every distinct number with a time is in one count, by its earliest",
    {
      rows: fc.array(
        fc.record({
          number: fc.integer({ min: 0, max: 12 }),
          reason: fc.constantFrom("UNSPECIFIED", "CUSTOMER_REQUEST", "REGULATORY"),
          hours: fc.option(fc.integer({ min: 0, max: 24 * 40 }), { nil: undefined })
        }),
        { maxLength: 40 }
      ),
      outcomes: fc.record({
        UNSPECIFIED: fc.constantFrom("created", "duplicate", "failed"),
        CUSTOMER_REQUEST: fc.constantFrom("created", "duplicate", "failed"),
        REGULATORY: fc.constantFrom("created", "duplicate", "failed")
      })
    },
    ({ outcomes, rows }) =>
      Effect.gen(function* () {
        const levels = ["UNSPECIFIED", "CUSTOMER_REQUEST", "REGULATORY"] as const
        const model = new Map<number, { level: number; hours: number | undefined }>()
        for (const { hours, number, reason } of rows) {
          const known = model.get(number)
          model.set(number, {
            level: Math.max(levels.indexOf(reason as "REGULATORY"), known?.level ?? 0),
            hours: hours === undefined ? known?.hours : Math.max(hours, known?.hours ?? 0)
          })
        }
        const of = (outcome: string) =>
          [...model.values()].flatMap(({ hours, level }) =>
            hours !== undefined && outcomes[levels[level]] === outcome ? [hours * 3_600_000] : []
          )
        const { honour } = yield* push(
          rows.map(({ hours, number, reason }) =>
            row(us(number), hours === undefined ? "" : new Date(start - hours * 3_600_000).toISOString(), reason)
          ),
          (batch) => {
            const outcome = outcomes[batch.reason ?? "UNSPECIFIED"]
            return outcome === "failed"
              ? Effect.fail(refusal(503))
              : Effect.succeed(Mocks.receipt(batch, { created: 0, [outcome]: batch.phoneNumbers.length }))
          }
        )
        if (of("created").length + of("duplicate").length + of("failed").length === 0) {
          assert.isUndefined(honour)
          return
        }
        assert.isDefined(honour)
        assert.strictEqual(honour.honoured, of("created").length)
        assert.strictEqual(honour.earlier, of("duplicate").length)
        assert.strictEqual(honour.open.count, of("failed").length)
        assert.strictEqual(honour.elapsedMs.max, Math.max(0, ...of("created")))
        assert.strictEqual(
          honour.distribution.reduce((sum, { count }) => sum + count, 0),
          honour.honoured
        )
        assert.strictEqual(honour.distribution.at(-1)?.count, honour.pastDue.count)
        const { isPastDue } = DueTable.defaults
        const late = (elapsed: ReadonlyArray<number>) =>
          elapsed.filter((elapsed) =>
            isPastDue("US", Math.floor((start - elapsed) / 86_400_000), Math.floor(start / 86_400_000))
          ).length
        assert.strictEqual(honour.pastDue.count, late(of("created")))
        assert.strictEqual(honour.open.pastDue.count, late(of("failed")))
      })
  )

  it.effect("a run that was gone on with reports what an unbroken one does", () =>
    Effect.gen(function* () {
      const rows = [row(us(0), "2026-11-24"), row(us(1), "2026-11-12", "REGULATORY")]
      const world = (records: Array<AuditSink.AuditRecord>, breaks: boolean) => {
        const submit: Submit = (batch) =>
          Effect.gen(function* () {
            if (breaks && batch.index === 1) return yield* Effect.fail(refusal(403))
            yield* TestClock.adjust("1 day")
            const at = yield* TestClock.currentTimeMillis
            const { created } = Mocks.receipt(batch)
            records.push({
              ...{ operation: "BATCH_DONE", runId: batch.runId, dncListId, timestamp: new Date(at).toISOString() },
              ...{ latencyMs: 1, validationErrors: [], complianceStatus: "VALIDATED" },
              result: {
                ...{ batch: batch.index, created, duplicate: 0, updated: 0, accepted: 0, rejected: 0, shortfall: 0 },
                ...{ settles: true, attempts: 1, idempotencyKey: "", correlationId: null }
              }
            } as unknown as AuditSink.AuditRecord)
            return Mocks.receipt(batch)
          })
        const source = input("in.csv", rows)
        return Pipeline.push([{ ...source, contentDigest: source.digest }], { dncListId, concurrency: 1 }).pipe(
          Effect.provide(services(submit, records))
        )
      }
      yield* TestClock.setTime(start)
      const unbroken = yield* world([], false)
      yield* TestClock.setTime(start)
      const records: Array<AuditSink.AuditRecord> = []
      const broken = yield* world(records, true)
      assert.strictEqual(broken.outcome, "aborted")
      assert.strictEqual(broken.honour?.open.count, 1)
      const resumed = yield* world(records, false)
      assert.strictEqual(resumed.resumed?.batches, 1)
      assert.deepStrictEqual(resumed.honour, unbroken.honour)
      assert.strictEqual(unbroken.honour?.elapsedMs.min, 2.5 * 86_400_000)
      const finished = records.filter((record) => record.operation === "RUN_FINISHED")
      assert.deepStrictEqual(finished.at(-1)?.result.honour, resumed.honour)
    })
  )

  it.effect("a removal has nothing to honour", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(start)
      const report = yield* Pipeline.validate([input("in.csv", [row(us(0), "2020-01-01"), row(us(1), "soon")])], {
        action: "remove"
      }).pipe(Effect.provide(services()))
      assert.notProperty(report, "honour")
      const add = yield* Pipeline.validate([input("in.csv", [row(us(0), "2020-01-01")])]).pipe(
        Effect.provide(services())
      )
      assert.strictEqual(add.honour?.open.pastDue.count, 1)
    })
  )
})

describe("other kinds than numbers", () => {
  it.effect("have the default deadline and no country", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(start)
      const { honour } = yield* Pipeline.validate(
        [input("in.csv", [row("a@example.org", "2026-11-24"), row("b@example.org", "2026-11-02")])],
        {}
      ).pipe(
        Effect.provide(
          Layer.merge(
            DncValidator.layer({ kind: "email" }),
            DncSubmitter.layerDryRun(Contract.platform({ kind: "email" }))
          )
        )
      )
      assert.deepStrictEqual(honour?.open, {
        count: 2,
        pastDue: { count: 1, byCountry: {}, oldest: "2026-11-02T00:00:00.000Z" }
      })
    })
  )
})

describe("files", () => {
  const columns = (path: string) => Fs.readFileSync(path, "utf8").split("\n")

  it.effect("the failed file has the column where an input had it, and feeds the earliest date in again", () =>
    Effect.gen(function* () {
      const path = yield* folder
      yield* TestClock.setTime(start)
      const pushed = (name: string, text: string, submit: Submit) => {
        Fs.writeFileSync(join(path, name), text)
        return GenesysDnc.pushFile(join(path, name), { dncListId }).pipe(Effect.provide(services(submit)))
      }
      const fails: Submit = () => Effect.fail(refusal(503))
      yield* pushed("plain.csv", `phone\n${us(0)}\n`, fails)
      assert.strictEqual(columns(join(path, "plain.csv.failed.csv"))[0], "phoneNumber,reason,expires,error,message")
      yield* pushed(
        "in.csv",
        `phone,Request Date\n${us(0)},2026-11-24T10:00:00Z\n${us(0)},2026-11-20\n${us(1)},\n12,2026-11-19\n`,
        fails
      )
      const [header, first, second] = columns(join(path, "in.csv.failed.csv"))
      assert.strictEqual(header, "phoneNumber,reason,expires,requestedAt,error,message")
      assert.include(first, `${us(0)},UNSPECIFIED,,2026-11-20T00:00:00.000Z,`)
      assert.include(second, `${us(1)},UNSPECIFIED,,,`)
      assert.include(columns(join(path, "in.csv.rejects.csv"))[1], "12,2026-11-19,5,")
      const again = yield* GenesysDnc.pushFile(join(path, "in.csv.failed.csv"), { dncListId }).pipe(
        Effect.provide(services())
      )
      assert.strictEqual(again.honour?.honoured, 1)
      assert.strictEqual(again.honour?.elapsedMs.max, 5.5 * 86_400_000)
    }).pipe(Effect.scoped)
  )

  it.effect("NDJSON: a time that is no text, or two of them, cost no row; its rejects keep theirs", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "in.ndjson")
      yield* TestClock.setTime(start)
      Fs.writeFileSync(
        path,
        [
          `{"phone":"${us(0)}","requestedAt":1764000000000}`,
          `{"phone":"${us(1)}","requestedAt":"2026-11-20","request_date":"2026-11-21"}`,
          `{"phone":"${us(2)}","requestedAt":null}`,
          `{"phone":"${us(3)}","requestedAt":"2026-11-24"}`,
          '{"phone":"12","requestedAt":"2026-11-19"}'
        ].join("\n")
      )
      const { honour, totals } = yield* GenesysDnc.pushFile(path, { dncListId }).pipe(Effect.provide(services()))
      assert.strictEqual(totals.created, 4)
      assert.deepInclude(honour, { honoured: 1, requestedAtUnreadable: 2 })
      assert.deepStrictEqual(
        columns(`${path}.rejects.csv`)
          .slice(0, 2)
          .map((line) => line.split(",").slice(0, 6).join()),
        ["phoneNumber,reason,expires,country,requestedAt,line", "12,,,,2026-11-19,5"]
      )
    }).pipe(Effect.scoped)
  )
})

const plain = {
  text: (value: unknown) => String(value),
  n: (value: number) => String(value),
  table: (_: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>) => rows.join("|")
}

describe("in words", () => {
  const requests: ReadonlyArray<readonly [number: number, requestedAt: string, honouredAt: number]> = [
    [14155550100, "2026-11-24T12:00:00Z", start],
    [14155550101, "2026-11-01T12:00:00Z", start],
    [493012345678, "2026-10-01T12:00:00Z", Number.POSITIVE_INFINITY],
    [14155550102, "2026-10-01T12:00:00Z", Number.NEGATIVE_INFINITY]
  ]
  const honour = Honour.tally(
    {
      size: () => requests.length,
      hasRequests: () => true,
      forEachRequest: (f) => {
        for (const [number, requestedAt, honouredAt] of requests) f(number, Date.parse(requestedAt), honouredAt)
      },
      contactOf: (number) => `+${number}`
    },
    { now: start, kind: "phone", due: DueTable.defaults, zone: DateTime.zoneMakeOffset(0), unreadable: 3 }
  )

  it("on the terminal", () => {
    assert.deepStrictEqual(words(honour), [
      "Honoured: 2, median 1.0 days, 95 % within 18 business days, the longest 24.0 days; 1 PAST DUE (US 1), the oldest asked for 2026-11-01",
      "Honoured before this run, since when is not known: 1",
      "Not honoured yet: 1; 1 PAST DUE (DE 1), the oldest asked for 2026-10-01",
      "3 rows have a requestedAt that could not be read, or lies ahead: in none of these"
    ])
  })

  it("on the page, with one bar a class and the late one hatched", () => {
    const html = section(honour, plain)
    assert.include(html, "2 requests were honoured by this run")
    assert.include(html, "honoured too late,1,US 1")
    assert.include(html, "past due,1,DE 1")
    assert.strictEqual(html.match(/<text [^>]*text-anchor="end"/g)?.length, honour?.distribution.length)
    assert.strictEqual(html.match(/fill="url\(#late\)"/g)?.length, 1)
    assert.include(html, 'aria-label="Requests by the time until they were honoured: same day: 0; 1 business day: 1;')
  })
})

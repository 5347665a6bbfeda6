import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { type DncEntry, RunReport } from "genesys-dnc"

const totals: RunReport.Totals = {
  read: 0,
  created: 0,
  updated: 0,
  duplicateOnList: 0,
  duplicateInFile: 0,
  accepted: 0,
  rejected: 0,
  failed: 0,
  skipped: 0
}

const dispositions = [
  "created",
  "updated",
  "duplicateOnList",
  "duplicateInFile",
  "accepted",
  "rejected",
  "failed",
  "skipped"
] as const

const receipt = (values: Partial<DncEntry.Receipt>): DncEntry.Receipt => ({
  created: 0,
  duplicate: 0,
  updated: 0,
  accepted: 0,
  skipped: 0,
  rejected: [],
  failed: [],
  latencyMs: 0,
  attempts: 1,
  idempotencyKey: "key",
  correlationId: undefined,
  ...values
})

const failure = (count: number): DncEntry.FailedNumbers => ({
  count,
  phoneNumbers: [],
  error: "ServerError",
  message: "It failed."
})

const reject = (code: DncEntry.RejectCode, country?: string): DncEntry.Reject => ({
  line: 1,
  raw: "",
  code,
  message: "",
  ...(country === undefined ? {} : { country })
})

describe("RunReport", () => {
  describe("imbalance", () => {
    it("is nothing where every row has one disposition", () => {
      assert.strictEqual(RunReport.imbalance(totals), 0)
      assert.strictEqual(
        RunReport.imbalance({
          read: 36,
          accepted: 8,
          created: 1,
          updated: 2,
          duplicateOnList: 3,
          duplicateInFile: 4,
          rejected: 5,
          failed: 6,
          skipped: 7
        }),
        0
      )
    })

    it("tells a row that is lost or counted twice, whatever its disposition", () => {
      assert.strictEqual(RunReport.imbalance({ ...totals, read: 1 }), -1)
      for (const disposition of dispositions) {
        assert.strictEqual(RunReport.imbalance({ ...totals, read: 1, [disposition]: 1 }), 0)
        assert.strictEqual(RunReport.imbalance({ ...totals, read: 1, [disposition]: 3 }), 2)
      }
    })
  })

  describe("complianceStatus", () => {
    const done = { ...totals, read: 4, created: 1, updated: 1, duplicateOnList: 1, duplicateInFile: 1 }

    it("is VALIDATED where all that was read is on the list", () => {
      assert.strictEqual(RunReport.complianceStatus(done), "VALIDATED")
      assert.strictEqual(RunReport.complianceStatus(totals), "VALIDATED")
    })

    it("is VALIDATED_WITH_REJECTS where rows were refused", () => {
      assert.strictEqual(RunReport.complianceStatus({ ...done, read: 5, rejected: 1 }), "VALIDATED_WITH_REJECTS")
    })

    it("is INCOMPLETE where a valid number is not known to be on the list", () => {
      assert.strictEqual(RunReport.complianceStatus({ ...done, read: 5, failed: 1 }), "INCOMPLETE")
      assert.strictEqual(RunReport.complianceStatus({ ...done, read: 5, skipped: 1 }), "INCOMPLETE")
      assert.strictEqual(RunReport.complianceStatus({ ...done, read: 6, failed: 1, rejected: 1 }), "INCOMPLETE")
    })

    it("is INCOMPLETE where the rows do not add up", () => {
      assert.strictEqual(RunReport.complianceStatus({ ...done, read: 5 }), "INCOMPLETE")
      assert.strictEqual(RunReport.complianceStatus({ ...done, read: 3 }), "INCOMPLETE")
    })
  })

  describe("percentile", () => {
    it("is one of the values", () => {
      const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
      assert.strictEqual(RunReport.percentile(hundred, 0.5), 50)
      assert.strictEqual(RunReport.percentile(hundred, 0.95), 95)
      assert.strictEqual(RunReport.percentile(hundred, 0.99), 99)
      assert.strictEqual(RunReport.percentile(hundred, 1), 100)
      assert.strictEqual(RunReport.percentile(hundred, 0), 1)
      assert.strictEqual(RunReport.percentile([10, 20, 30], 0.5), 20)
      assert.strictEqual(RunReport.percentile([10, 20], 0.5), 10)
      assert.strictEqual(RunReport.percentile([7], 0.99), 7)
      assert.strictEqual(RunReport.percentile([], 0.5), 0)
    })

    it.prop(
      "is the smallest value that at least so many do not exceed",
      [fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 300 }), fc.integer({ min: 0, max: 100 })],
      ([values, percent]) => {
        const sorted = values.sort((a, b) => a - b)
        // exact in whole numbers; the share itself is not, so a hair is allowed for
        const covers = (value: number, hair: number) =>
          sorted.filter((other) => other <= value).length * 100 >= percent * sorted.length - hair
        const found = RunReport.percentile(sorted, percent / 100)
        assert.include(sorted, found)
        assert.isTrue(covers(found, 0))
        const smaller = sorted.filter((value) => value < found)
        if (smaller.length > 0) assert.isFalse(covers(smaller.at(-1)!, -1e-6))
      },
      { fastCheck: { numRuns: 1000 } }
    )
  })

  describe("ledger", () => {
    it("begins with nothing", () => {
      const ledger = RunReport.ledger()
      assert.deepStrictEqual(ledger.totals, totals)
      assert.deepStrictEqual(ledger.latencyMs(), { p50: 0, p95: 0, p99: 0 })
    })

    it("counts rejects by code, and by country where the country was not allowed", () => {
      const ledger = RunReport.ledger()
      ledger.rejected([reject("InvalidPhoneNumber"), reject("CountryNotAllowed", "JE")])
      ledger.rejected([])
      ledger.rejected([reject("CountryNotAllowed", "JE"), reject("CountryNotAllowed", "PR"), reject("RefusedByServer")])
      assert.strictEqual(ledger.totals.rejected, 5)
      assert.deepStrictEqual(ledger.rejectsByCode, {
        InvalidPhoneNumber: 1,
        CountryNotAllowed: 3,
        RefusedByServer: 1
      })
      assert.deepStrictEqual(ledger.countriesNotAllowed, { JE: 2, PR: 1 })
    })

    it("counts what became of batches", () => {
      const ledger = RunReport.ledger()
      ledger.receipt(receipt({ created: 5, duplicate: 3, updated: 2, attempts: 2, latencyMs: 100 }))
      ledger.receipt(receipt({ created: 1, failed: [failure(4), failure(2)], attempts: 3, latencyMs: 300 }))
      ledger.receipt(receipt({ failed: [failure(9)], attempts: 10, latencyMs: 200 }))
      assert.deepStrictEqual(ledger.totals, {
        ...totals,
        created: 6,
        duplicateOnList: 3,
        updated: 2,
        failed: 15
      })
      assert.strictEqual(ledger.batches.done, 1)
      assert.strictEqual(ledger.batches.failed, 2)
      assert.strictEqual(ledger.requests, 15)
      assert.deepStrictEqual(ledger.latencyMs(), { p50: 200, p95: 300, p99: 300 })
    })

    it("counts a dry run as skipped, without requests, batches and latencies", () => {
      const ledger = RunReport.ledger()
      ledger.receipt(receipt({ skipped: 499, attempts: 0, latencyMs: 5 }))
      assert.deepStrictEqual(ledger.totals, { ...totals, skipped: 499 })
      assert.deepStrictEqual(ledger.batches, { cut: 0, done: 0, failed: 0 })
      assert.strictEqual(ledger.requests, 0)
      assert.deepStrictEqual(ledger.latencyMs(), { p50: 0, p95: 0, p99: 0 })
    })

    it("orders latencies as numbers", () => {
      const ledger = RunReport.ledger()
      for (const latencyMs of [1000, 9, 80, 700]) ledger.receipt(receipt({ created: 1, latencyMs }))
      assert.deepStrictEqual(ledger.latencyMs(), { p50: 80, p95: 1000, p99: 1000 })
    })

    const count = fc.nat({ max: 500 })

    it.prop(
      "stays in balance whatever receipts and rejects come",
      [
        fc.array(
          fc.record({ created: count, duplicate: count, updated: count, skipped: count, failed: fc.array(count) })
        ),
        fc.array(fc.constantFrom<DncEntry.RejectCode>("InvalidPhoneNumber", "RefusedByServer", "MalformedRow"))
      ],
      ([receipts, codes]) => {
        const ledger = RunReport.ledger()
        let rows = codes.length
        for (const { failed, ...counts } of receipts) {
          rows += counts.created + counts.duplicate + counts.updated + counts.skipped
          for (const missing of failed) rows += missing
          ledger.receipt(receipt({ ...counts, failed: failed.map(failure) }))
        }
        ledger.rejected(codes.map((code) => reject(code)))
        ledger.totals.read = rows
        assert.strictEqual(RunReport.imbalance(ledger.totals), 0)
        assert.strictEqual(
          Object.values(ledger.rejectsByCode).reduce((sum, n) => sum + n, 0),
          codes.length
        )
      }
    )
  })
})

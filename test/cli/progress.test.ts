/** The line of progress, as a terminal and a log show it. */
import { assert, describe, it } from "@effect/vitest"
import type { Pipeline } from "genesys-dnc"
import { line } from "../../src/cli/progress.js"

const totals = {
  read: 612_000,
  created: 30_000,
  updated: 400,
  duplicateOnList: 37,
  duplicateInFile: 12_000,
  accepted: 0,
  rejected: 0,
  failed: 2,
  skipped: 0
}

const progress: Pipeline.Progress = {
  phase: "sending",
  bytesRead: 9,
  bytes: 9,
  totals,
  numbers: 600_000,
  settled: 30_439
}

const sending = { elapsedMs: 2466, retries: 3 }

describe("progress", () => {
  it("fits a terminal, and says how long it takes", () => {
    const wide = line(progress, sending, 79)
    assert.strictEqual(wide, "sending 30,439/600,000, 0 rejected, 2 failed, 12,343/s, 3 retries, 46 s to go")
    assert.strictEqual(line(progress, sending, 39), "sending 30,439/600,000, 46 s to go")
    assert.strictEqual(line(progress, sending, 60), "sending 30,439/600,000, 0 rejected, 2 failed, 46 s to go")
    for (let width = 0; width < 100; width++) assert.isAtMost(line(progress, sending, width).length, width)
  })

  it("says how many requests are open at once where that is learnt, if there is room", () => {
    const learnt = { ...sending, atOnce: 4 }
    const all = "sending 30,439/600,000, 0 rejected, 2 failed, 12,343/s, 3 retries, 4 at once, 46 s to go"
    assert.strictEqual(line(progress, learnt, 100), all)
    assert.strictEqual(line(progress, learnt, 79), line(progress, sending, 79))
    assert.include(line({ ...progress, phase: "finished" }, learnt), "3 retries, 4 at once")
    for (let width = 0; width < 100; width++) assert.isAtMost(line(progress, learnt, width).length, width)
  })

  it("says everything where lines are not written over", () => {
    assert.strictEqual(
      line(progress, sending),
      "sending 30,439/600,000: 612,000 read, 30,437 on the list, 0 rejected, 2 failed, 12,343/s, 3 retries, 46 s to go"
    )
    const finished = { ...progress, phase: "finished" as const }
    assert.notInclude(line(finished, sending), "to go")
  })

  it("of reading", () => {
    const reading = { ...progress, phase: "reading" as const, bytesRead: 3 }
    assert.strictEqual(line(reading, undefined, 79), "reading 33 %: 612,000 rows, 0 rejected")
    assert.strictEqual(line(reading, undefined, 39), "reading 33 %: 612,000 rows, 0 rejected")
    assert.strictEqual(line(reading, undefined, 29), "reading 33 %: 612,000 rows")
    const header = { ...progress, phase: "finished" as const, bytesRead: 0, totals: { ...totals, read: 0 } }
    assert.strictEqual(line(header, undefined), "reading 100 %: 0 rows, 0 rejected")
  })
})

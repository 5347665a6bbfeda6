/**
 * The stages of the way from a file to batches, each by itself: what a row and a number cost. Cutting makes the texts of the
 * numbers, too.
 *
 *     node --import tsx test/bench/stages.ts [--numbers 1000000] [--short]
 *
 * Processor time of this process, medians of three runs; numbers are drawn from a seed.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Effect, Stream } from "effect"
import { DncEntry, DncValidator, SuppressionFile, SuppressionSet } from "genesys-dnc"
import { makeRandom } from "../support/random.js"
import * as Data from "./data.js"
import { number, spread, table } from "./table.js"

const { values: given } = parseArgs({ options: { numbers: { type: "string" }, short: { type: "boolean" } } })

const count = Number(given.numbers ?? (given.short ? 100_000 : 1_000_000))
const run = { runId: "run", dncListId: "list", action: "add" as const }

/** Seconds of the processor. */
const timed = (f: () => void): number => {
  const before = process.cpuUsage()
  f()
  const { system, user } = process.cpuUsage(before)
  return (system + user) / 1e6
}

/** Random numbers with so many distinct ends, in blocks. */
const makeBlocks = (count: number, ends: number, blockSize = 5000): ReadonlyArray<DncEntry.EntryBlock> => {
  const random = makeRandom(1)
  const blocks: Array<DncEntry.EntryBlock> = []
  for (let from = 0; from < count; from += blockSize) {
    const length = Math.min(blockSize, count - from)
    const numbers = Float64Array.from({ length }, () => 12_000_000_000 + Math.floor(random.number() * 8e9))
    const expires = Float64Array.from({ length }, () =>
      ends === 1 ? Number.POSITIVE_INFINITY : Date.UTC(2070, 0, 1 + random.below(ends))
    )
    blocks.push(DncEntry.entryBlock(numbers, expires))
  }
  return blocks
}

const filled = (blocks: ReadonlyArray<DncEntry.EntryBlock>): SuppressionSet.SuppressionSet => {
  const set = SuppressionSet.make()
  for (const block of blocks) set.add(block, 0)
  return set
}

/** Rows of the table: numbers a second into the set and out of it. */
const measure = (name: string, ends: number): ReadonlyArray<ReadonlyArray<string>> => {
  const blocks = makeBlocks(count, ends)
  const [added, cut]: [Array<number>, Array<number>] = [[], []]
  let fewest = 0
  let batches = 0
  for (let run = 0; run < 3; run++) {
    let set = SuppressionSet.make()
    added.push(count / timed(() => (set = filled(blocks))))
    fewest = set.countBatches(1000)
    batches = 0
    cut.push(set.pending() / timed(() => (batches = cutAll(set))))
    if (batches !== fewest) throw new Error(`${batches} batches, and ${fewest} would do`)
  }
  return [
    [`into the set, ${name}`, `${number(spread(added).median)} numbers/s`],
    [`cut, ${name}, ${number(batches)} batches`, `${number(spread(cut).median)} numbers/s`]
  ]
}

/** The whole of reading and judging a file, nothing kept: rows a second. */
const readRows = async (folder: string): Promise<number> => {
  const { path } = await Data.write(join(folder, "suppression.csv"), count, 1)
  const validator = Effect.runSync(DncValidator.make())
  const now = Date.now()
  const rates: Array<number> = []
  for (let run = 0; run < 3; run++) {
    const before = process.cpuUsage()
    await SuppressionFile.open(path).pipe(
      Effect.flatMap((file) =>
        Stream.runForEach(file.blocks, (block) => Effect.sync(() => validator.validate(block, now)))
      ),
      Effect.scoped,
      Effect.runPromise
    )
    const { system, user } = process.cpuUsage(before)
    rates.push((count * 1e6) / (system + user))
  }
  return spread(rates).median
}

/** Bytes a number on average over the growth to `count`, each order of magnitude alike, and the most at any size. */
const bytesOfGrowth = (): { readonly average: number; readonly most: number } => {
  const set = SuppressionSet.make()
  let [sum, weight, most, before] = [0, 0, 0, 0]
  for (const block of makeBlocks(count, 1, 100)) {
    set.add(block, 0)
    const [bytes, size] = [set.bytes(), set.size()]
    if (size >= 10_000) {
      sum += bytes / size / size
      weight += 1 / size
      // what has grown by half was there twice
      most = Math.max(most, (before + 3 * (bytes - before)) / size)
    }
    before = bytes
  }
  return { average: sum / weight, most }
}

const cutAll = (set: SuppressionSet.SuppressionSet): number => {
  let batches = 0
  for (const _ of set.cut(1000, run)) batches++
  return batches
}

const folder = mkdtempSync(join(tmpdir(), "genesys-dnc-stages-"))
process.once("exit", () => rmSync(folder, { recursive: true, force: true }))

const rows = await readRows(folder)
const { average, most } = bytesOfGrowth()
console.log(
  table([
    ["read and validate", `${number(rows)} rows/s`],
    ...measure("1 end", 1),
    ...measure("10,000 ends", 10_000),
    ["the set, on average while it grows", `${number(average, 1)} bytes a number`],
    ["the set, at most", `${number(most, 1)} bytes a number`]
  ]).join("\n")
)

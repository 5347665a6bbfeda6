/**
 * The stages of the way from a file to batches, each by itself: what a row, a number and a batch cost.
 *
 *     node --import tsx test/bench/stages.ts [--numbers 1000000] [--short]
 *
 * Processor time of this process, medians of three runs; numbers are drawn from a seed.
 */
import { parseArgs } from "node:util"
import { DncEntry, SuppressionSet } from "genesys-dnc"
import { makeRandom } from "../support/random.js"
import { number, spread, table } from "./table.js"

const { values: given } = parseArgs({ options: { numbers: { type: "string" }, short: { type: "boolean" } } })

const count = Number(given.numbers ?? (given.short ? 100_000 : 1_000_000))
const blockSize = 5000
const run = { runId: "run", dncListId: "list", action: "add" as const }

/** Seconds of the processor. */
const timed = (f: () => void): number => {
  const before = process.cpuUsage()
  f()
  const { system, user } = process.cpuUsage(before)
  return (system + user) / 1e6
}

/** Random numbers with so many distinct ends, in blocks. */
const makeBlocks = (count: number, ends: number): ReadonlyArray<DncEntry.EntryBlock> => {
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

/** As the set cuts, with nothing written out: a batch of texts is the sender's. */
const cutAll = (set: SuppressionSet.SuppressionSet): number => {
  let batches = 0
  for (const _ of set.cut(1000, run)) batches++
  return batches
}

console.log(table([...measure("1 end", 1), ...measure("10,000 ends", 10_000)]).join("\n"))

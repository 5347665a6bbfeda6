/**
 * Distinct numbers with 10,000 ends, folded in and cut into full batches: by the library's set, or by a Map of entries that
 * is grouped by end and sliced. Rows are made block by block, outside of the clock.
 */
import { Contract, type DncEntry, SuppressionSet } from "genesys-dnc"
import { sizeOf } from "../../src/DncEntry/packed.js"
import { makeRandom } from "../support/random.js"
import * as Child from "./child.js"

const { task } = Child.begin()
const rows = task.count ?? 0
const random = makeRandom(task.seed ?? 1)
const { largestBatch } = Contract.platform()

const ends = 10_000
const blockSize = 4096
const firstEnd = Math.ceil(Date.now() / 3_600_000) * 3_600_000

/** Few ends have many numbers, and many have few. */
const drawEnd = (): number => Math.floor(ends * random.number() ** 3)

const perEnd = new Uint32Array(ends)
const blocks = function* (): Iterable<DncEntry.EntryBlock> {
  for (let first = 0; first < rows; first += blockSize) {
    const length = Math.min(blockSize, rows - first)
    const number = Float64Array.from({ length }, (_, index) => 33_100_000_000 + first + index)
    const expires = Float64Array.from({ length }, () => {
      const end = drawEnd()
      perEnd[end]++
      return firstEnd + end * 60_000
    })
    const line = Uint32Array.from({ length }, (_, index) => first + index + 2)
    yield { length, line, number, expires, reason: new Uint8Array(length), rejects: [], unknownReasons: 0 }
  }
}

interface Way {
  readonly add: (block: DncEntry.EntryBlock) => void
  readonly cut: () => Iterable<{ readonly phoneNumbers: ReadonlyArray<string> }>
  readonly bytes?: () => number
}

const ours = (): Way => {
  const set = SuppressionSet.make()
  return {
    add: (block) => void set.add(block, 0),
    cut: () =>
      set.cut(largestBatch, { runId: "bench", dncListId: "bench", action: "add" }, (expires) => ({
        reason: null,
        expires
      })),
    bytes: set.bytes
  }
}

const other = (): Way => {
  const entries = new Map<string, { readonly reason: number; readonly expires: number }>()
  return {
    add: ({ expires, length, number, reason }) => {
      for (let index = 0; index < length; index++) {
        const key = `+${number[index]}`
        const before = entries.get(key)
        if (before === undefined || before.expires < expires[index]) {
          entries.set(key, { reason: reason[index], expires: expires[index] })
        }
      }
    },
    cut: function* () {
      const groups = new Map<number, Array<string>>()
      for (const [phoneNumber, { expires }] of entries) {
        const group = groups.get(expires)
        if (group === undefined) groups.set(expires, [phoneNumber])
        else group.push(phoneNumber)
      }
      for (const group of groups.values()) {
        for (let from = 0; from < group.length; from += largestBatch) {
          yield { phoneNumbers: group.slice(from, from + largestBatch) }
        }
      }
    }
  }
}

const way = task.way === "other" ? other() : ours()
let add: Child.Stage = { seconds: 0, cpuSeconds: 0 }
for (const block of blocks()) {
  const started = Child.mark()
  way.add(block)
  const { cpuSeconds, seconds } = Child.since(started)
  add = { seconds: add.seconds + seconds, cpuSeconds: add.cpuSeconds + cpuSeconds }
}

const started = Child.mark()
let requests = 0
let numbersOnList = 0
for (const batch of way.cut()) {
  requests++
  // as it goes out: nobody asks the set for the texts
  numbersOnList += sizeOf(batch)
}
const cut = Child.since(started)

const least = perEnd.reduce((sum, count) => sum + Math.ceil(count / largestBatch), 0)
if (numbersOnList !== rows || requests !== least) {
  throw new Error(`${numbersOnList} of ${rows} numbers in ${requests} requests, where ${least} are the fewest`)
}
Child.end(
  { seconds: add.seconds + cut.seconds, cpuSeconds: add.cpuSeconds + cut.cpuSeconds },
  {
    rows,
    numbersOnList,
    requests,
    stages: { add, cut },
    ...(way.bytes === undefined ? {} : { setBytes: way.bytes() })
  }
)

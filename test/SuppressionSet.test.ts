import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { DncEntry, SuppressionSet } from "genesys-dnc"
import { makeRandom } from "./support/random.js"

const run = { runId: "run", dncListId: "list", action: "add" as const }

/** Rows as a validator gives them: number without its plus sign, reason by index, expiry. */
type Row = readonly [number: number, reason: number, expires: number]

const blockOf = (rows: ReadonlyArray<Row>): DncEntry.EntryBlock => ({
  length: rows.length,
  line: rows.map((_, i) => i + 1),
  number: rows.map(([number]) => number),
  reason: rows.map(([, reason]) => reason),
  expires: rows.map(([, , expires]) => expires),
  rejects: [],
  unknownReasons: 0
})

const setOf = (rows: ReadonlyArray<Row>): SuppressionSet.SuppressionSet => {
  const set = SuppressionSet.make()
  set.add(blockOf(rows), 0)
  return set
}

const forEver = Number.POSITIVE_INFINITY

const day = Date.UTC(2027, 0, 1)

/** The same table as plainly as can be. */
class Model {
  readonly numbers = new Map<
    string,
    { reason: number; expires: number; place: number; state: "waiting" | "cut" | "failed" }
  >()

  add(rows: ReadonlyArray<Row>, base: number): number {
    let duplicates = 0
    rows.forEach(([number, reason, expires], i) => {
      const known = this.numbers.get(`+${number}`)
      const place = base + i + 1
      if (known === undefined) {
        this.numbers.set(`+${number}`, { reason, expires, place, state: "waiting" })
        return
      }
      const stricter = DncEntry.isStricter(expires, reason, known.expires, known.reason)
      const again = known.state === "failed" || (known.state === "cut" && stricter)
      if (stricter) Object.assign(known, { reason, expires })
      if (again) Object.assign(known, { place, state: "waiting" })
      else duplicates++
    })
    return duplicates
  }

  get waiting(): ReadonlyMap<string, string> {
    return new Map(
      [...this.numbers]
        .filter(([, { state }]) => state === "waiting")
        .map(([number, { reason, expires }]) => [number, `${DncEntry.reasons[reason]} ${expires}`])
    )
  }

  cut(): void {
    for (const known of this.numbers.values()) if (known.state === "waiting") known.state = "cut"
  }

  unsend(numbers: ReadonlyArray<string>): void {
    for (const number of numbers) {
      const known = this.numbers.get(number)
      if (known?.state === "cut") known.state = "failed"
    }
  }
}

/** The promises about batches, and what they hold by number. */
const checkBatches = (batches: ReadonlyArray<DncEntry.Batch>, largest: number): ReadonlyMap<string, string> => {
  const sent = new Map<string, string>()
  const sizes = new Map<string, Array<number>>()
  for (const { phoneNumbers, reason, expires } of batches) {
    const value = `${reason} ${expires}`
    sizes.set(value, [...(sizes.get(value) ?? []), phoneNumbers.length])
    for (const phoneNumber of phoneNumbers) {
      assert.isFalse(sent.has(phoneNumber), `${phoneNumber} is in two batches`)
      sent.set(phoneNumber, value)
    }
  }
  for (const group of sizes.values()) {
    const last = group.pop()!
    assert.isTrue(
      group.every((size) => size === largest),
      "all but the last of a group are full"
    )
    assert.isTrue(last >= 1 && last <= largest)
  }
  return sent
}

const number = fc.oneof(
  fc.integer({ min: 0, max: 15 }).map((i) => 14_155_550_100 + i),
  fc.constantFrom(1_000_000, 999_999_999_999_999, 100_000_000_000_000, 4_294_967_296, 2_147_483_648, 4_294_967_295)
)
const row: fc.Arbitrary<Row> = fc.tuple(
  number,
  fc.integer({ min: 0, max: 2 }),
  fc.constantFrom(day, day + 1, day + 86_400_000, Date.UTC(9999, 11, 31), forEver)
)
const blocks = fc.array(fc.array(row, { maxLength: 20 }), { maxLength: 8 })
const largest = fc.integer({ min: 1, max: 6 })

describe("SuppressionSet", () => {
  it("is empty at first", () => {
    const set = SuppressionSet.make()
    assert.strictEqual(set.size(), 0)
    assert.strictEqual(set.pending(), 0)
    assert.strictEqual(set.countBatches(499), 0)
    assert.deepStrictEqual([...set.cut(499, run)], [])
    assert.isUndefined(set.place("+14155550100"))
  })

  it("lets the strictest row of a number win, in whatever order they come", () => {
    const rows: ReadonlyArray<Row> = [
      [14_155_550_100, 2, day],
      [14_155_550_100, 0, forEver],
      [14_155_550_100, 1, forEver],
      [14_155_550_100, 2, day + 1]
    ]
    for (const ordered of [rows, rows.toReversed(), [rows[2], ...rows], [...rows, rows[2]]]) {
      assert.deepStrictEqual(
        [...setOf(ordered).cut(499, run)],
        [{ ...run, index: 0, phoneNumbers: ["+14155550100"], reason: "CUSTOMER_REQUEST", expires: forEver }]
      )
    }
  })

  it("cuts groups and numbers in the order of their arrival", () => {
    const set = setOf([
      [5, 1, forEver],
      [3, 0, day],
      [4, 1, forEver],
      [1, 1, forEver],
      [2, 0, day]
    ])
    assert.strictEqual(set.countBatches(2), 3)
    assert.deepStrictEqual(
      [...set.cut(2, run)],
      [
        { ...run, index: 0, phoneNumbers: ["+5", "+4"], reason: "CUSTOMER_REQUEST", expires: forEver },
        { ...run, index: 1, phoneNumbers: ["+1"], reason: "CUSTOMER_REQUEST", expires: forEver },
        { ...run, index: 2, phoneNumbers: ["+3", "+2"], reason: "UNSPECIFIED", expires: day }
      ]
    )
  })

  it("goes on with the batch numbers from cut to cut", () => {
    const set = setOf([[1, 0, forEver]])
    assert.deepStrictEqual(
      [...set.cut(1, run)].map(({ index }) => index),
      [0]
    )
    set.add(
      blockOf([
        [2, 0, forEver],
        [3, 0, forEver]
      ]),
      1
    )
    assert.deepStrictEqual(
      [...set.cut(1, run)].map(({ index, phoneNumbers }) => [index, ...phoneNumbers]),
      [
        [1, "+2"],
        [2, "+3"]
      ]
    )
  })

  it("knows the place of a number's first row", () => {
    const set = SuppressionSet.make()
    set.add(
      blockOf([
        [1, 0, forEver],
        [2, 0, day]
      ]),
      100
    )
    set.add(
      blockOf([
        [2, 2, forEver],
        [3, 0, day]
      ]),
      200
    )
    assert.strictEqual(set.place("+1"), 101)
    assert.strictEqual(set.place("+2"), 102)
    assert.strictEqual(set.place("+3"), 202)
    assert.isUndefined(set.place("+4"))
  })

  it("keeps places beyond two billion rows", () => {
    const set = SuppressionSet.make()
    set.add(blockOf([[1, 0, forEver]]), 4_000_000_000)
    assert.strictEqual(set.place("+1"), 4_000_000_001)
  })

  it.prop(
    "holds every number once at its strictest value, and counts the other rows as duplicates",
    [blocks, largest],
    ([blocks, largest]) => {
      const set = SuppressionSet.make()
      const model = new Model()
      let base = 0
      for (const rows of blocks) {
        assert.strictEqual(set.add(blockOf(rows), base), model.add(rows, base))
        base += rows.length
      }
      // strictest by definition: no row of the number is stricter than what the set says
      for (const [number, reason, expires] of blocks.flat()) {
        const kept = model.numbers.get(`+${number}`)!
        assert.isFalse(DncEntry.isStricter(expires, reason, kept.expires, kept.reason))
        assert.strictEqual(set.place(`+${number}`), kept.place)
      }
      const { waiting } = model
      assert.strictEqual(set.size(), waiting.size)
      assert.strictEqual(set.pending(), waiting.size)
      const groups = new Map<string, number>()
      for (const value of waiting.values()) groups.set(value, (groups.get(value) ?? 0) + 1)
      const fewest = [...groups.values()].reduce((sum, count) => sum + Math.ceil(count / largest), 0)
      assert.strictEqual(set.countBatches(largest), fewest)
      const batches = [...set.cut(largest, run)]
      assert.strictEqual(batches.length, fewest)
      assert.deepStrictEqual(
        batches.map(({ index }) => index),
        batches.map((_, i) => i)
      )
      assert.deepStrictEqual(new Map([...checkBatches(batches, largest)].sort()), new Map([...waiting].sort()))
      assert.strictEqual(set.pending(), 0)
      assert.strictEqual(set.countBatches(largest), 0)
      assert.strictEqual([...set.cut(largest, run)].length, 0)
    },
    { fastCheck: { numRuns: 1000 } }
  )

  it.prop(
    "cuts the same batches from the same rows, however they come in blocks",
    [fc.array(row, { maxLength: 60 }), fc.integer({ min: 1, max: 60 }), largest],
    ([rows, blockSize, largest]) => {
      const set = SuppressionSet.make()
      let duplicates = 0
      for (let from = 0; from < rows.length; from += blockSize) {
        duplicates += set.add(blockOf(rows.slice(from, from + blockSize)), from)
      }
      assert.strictEqual(duplicates, rows.length - set.size())
      assert.deepStrictEqual([...set.cut(largest, run)], [...setOf(rows).cut(largest, run)])
    }
  )

  it.prop(
    "cuts the same batches, however many numbers it puts in order at once",
    [fc.array(row, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), largest],
    ([rows, atOnce, largest]) => {
      const set = SuppressionSet.make(undefined, atOnce)
      set.add(blockOf(rows), 0)
      assert.deepStrictEqual([...set.cut(largest, run)], [...setOf(rows).cut(largest, run)])
    }
  )

  it.prop(
    "what comes while batches are cut goes out with these or with the next, and the last that is said of a number is its strictest",
    [
      fc.array(row, { maxLength: 40 }),
      fc.array(row, { maxLength: 40 }),
      fc.integer({ min: 1, max: 20 }),
      largest,
      fc.nat(8)
    ],
    ([rows, later, atOnce, largest, when]) => {
      const set = SuppressionSet.make(undefined, atOnce)
      set.add(blockOf(rows), 0)
      const said = new Map<string, string>()
      const take = ({ expires, phoneNumbers, reason }: DncEntry.Batch) => {
        for (const phoneNumber of phoneNumbers) said.set(phoneNumber, `${reason} ${expires}`)
      }
      let cut = 0
      for (const batch of set.cut(largest, run)) {
        if (cut++ === when) set.add(blockOf(later), 0)
        take(batch)
      }
      if (cut <= when) set.add(blockOf(later), 0)
      for (const batch of set.cut(largest, run)) take(batch)
      assert.strictEqual(set.pending(), 0)
      const strictest = [...setOf([...rows, ...later]).cut(largest, run)]
      assert.deepStrictEqual(said, checkBatches(strictest, largest))
      assert.deepStrictEqual([...set.sent(false)].sort(), [...said.keys()].sort())
    },
    { fastCheck: { numRuns: 1000 } }
  )

  const command = fc.oneof(
    { weight: 4, arbitrary: fc.array(row, { maxLength: 12 }).map((rows) => ({ add: rows })) },
    { weight: 2, arbitrary: largest.map((largest) => ({ cut: largest })) },
    { weight: 2, arbitrary: fc.array(number, { maxLength: 8 }).map((numbers) => ({ unsend: numbers })) }
  )

  it.prop(
    "sends a number again for a stricter row, or after a failure, and then at its strictest ever",
    [fc.array(command, { maxLength: 25 })],
    ([commands]) => {
      const set = SuppressionSet.make()
      const model = new Model()
      let base = 0
      for (const command of commands) {
        if ("add" in command) {
          assert.strictEqual(set.add(blockOf(command.add), base), model.add(command.add, base))
          base += command.add.length
        } else if ("unsend" in command) {
          const numbers = command.unsend.map((number) => `+${number}`)
          set.unsend(numbers)
          model.unsend(numbers)
        } else {
          const batches = [...set.cut(command.cut, run)]
          assert.deepStrictEqual(
            new Map([...checkBatches(batches, command.cut)].sort()),
            new Map([...model.waiting].sort())
          )
          model.cut()
        }
        assert.strictEqual(set.pending(), model.waiting.size)
        assert.strictEqual(set.size(), model.numbers.size)
        for (const [number, { place }] of model.numbers) assert.strictEqual(set.place(number), place)
      }
    },
    { fastCheck: { numRuns: 1500 } }
  )

  it("does not take back a number that waits again at a stricter value", () => {
    const set = setOf([[1, 0, day]])
    const [first] = set.cut(499, run)
    set.add(blockOf([[1, 0, forEver]]), 1)
    set.unsend(first.phoneNumbers)
    assert.strictEqual(set.pending(), 1)
    assert.deepStrictEqual(
      [...set.cut(499, run)].map(({ expires }) => expires),
      [forEver]
    )
  })

  it("knows what was seen, and sends nothing that is settled", () => {
    const set = setOf([
      [1, 0, day],
      [2, 2, forEver],
      [3, 0, day]
    ])
    assert.deepStrictEqual([set.expires(1), set.expires(2), set.expires(4)], [day, forEver, undefined])
    assert.deepStrictEqual([set.see(2), set.see(2), set.see(4)], [true, false, false])
    for (const number of [2, 2, 4]) set.settle(number)
    assert.strictEqual(set.pending(), 2)
    assert.strictEqual(set.size(), 3)
    assert.deepStrictEqual(
      [...set.values()],
      [
        [1, day, false],
        [2, forEver, true],
        [3, day, false]
      ]
    )
    assert.deepStrictEqual(
      [...set.cut(499, run)].flatMap(({ phoneNumbers }) => phoneNumbers),
      ["+1", "+3"]
    )
  })

  it("takes no notice of a failed number that it does not know", () => {
    const set = setOf([[1, 0, day]])
    set.unsend(["+2"])
    assert.strictEqual(set.size(), 1)
    assert.strictEqual(set.pending(), 1)
  })

  it("keeps as many distinct values as there are numbers apart", () => {
    const rows = Array.from({ length: 5000 }, (_, i): Row => [14_155_000_000 + i, i % 3, day + i * 1000])
    const batches = [...setOf(rows).cut(499, run)]
    assert.strictEqual(batches.length, rows.length)
    for (const [i, { phoneNumbers, reason, expires }] of batches.entries()) {
      assert.deepStrictEqual(
        [...phoneNumbers, reason, expires],
        [`+${rows[i][0]}`, DncEntry.reasons[rows[i][1]], rows[i][2]]
      )
    }
  })

  it("finds every number as a map does, whatever it has grown to", () => {
    const random = makeRandom(7)
    for (const [limit, count] of [
      [300, 2000],
      [1e15, 150_000],
      [120_000, 200_000]
    ]) {
      const set = SuppressionSet.make()
      const model = new Map<number, number>()
      for (let base = 0; base < count; base += 700) {
        const numbers = Array.from({ length: 700 }, () => 1 + random.below(limit))
        set.add(DncEntry.entryBlock(numbers, new Float64Array(700).fill(forEver)), 0)
        for (const number of numbers) if (!model.has(number)) model.set(number, model.size)
      }
      assert.strictEqual(set.size(), model.size)
      for (const [number, position] of model) if (set.position(number) !== position) assert.fail(`${number} is lost`)
      for (let i = 0; i < 10_000; i++) {
        const number = random.below(limit * 2)
        if (set.position(number) !== (model.get(number) ?? -1)) assert.fail(`${number} is found`)
      }
    }
  })

  it("holds at most 24 bytes a number on average over its growth, and never more than 40", () => {
    const set = SuppressionSet.make()
    const random = makeRandom(3)
    const [from, to] = [10_000, 400_000]
    let [sum, weight, worst] = [0, 0, 0]
    for (let size = 0; size < to; size = set.size()) {
      const length = size < from ? 1000 : 16
      const numbers = Float64Array.from({ length }, () => 12_000_000_000 + random.below(4e9))
      set.add(DncEntry.entryBlock(numbers, new Float64Array(length).fill(forEver)), 0)
      const bytes = set.bytes()
      if (size >= from) {
        worst = Math.max(worst, bytes / size)
        // each order of magnitude counts the same
        sum += (bytes / set.size()) * (1 / size)
        weight += 1 / size
      }
    }
    assert.isAtMost(sum / weight, 24)
    assert.isAtMost(worst, 40)
  })

  /** Columns are allocated for 4,096 numbers at once. */
  const chunkRounding = 4096 * 16

  it.each([
    { says: "rightly", expects: (_size: number, all: number) => all, end: 22, worst: 38 },
    { says: "far too much", expects: (size: number) => size * 1000, end: 38, worst: 38 },
    { says: "less than there is", expects: (size: number) => size * 0.9, end: 24, worst: 25 },
    { says: "a little more than is there, each time", expects: (size: number) => size * 1.001, end: 24, worst: 25 },
    { says: "nothing that is a number", expects: () => Number.NaN, end: 24, worst: 25 }
  ])("told $says what to expect, it loses none and holds $end bytes a number in the end", ({ end, expects, worst }) => {
    const set = SuppressionSet.make()
    const all = 300_000
    const numberAt = (position: number) => 12_000_000_000 + position * 1_009_007
    let most = 0
    for (let size = 0; size < all; size = set.size()) {
      set.expect(expects(size, all))
      const numbers = Float64Array.from({ length: 64 }, (_, i) => numberAt(size + i))
      set.add(DncEntry.entryBlock(numbers, new Float64Array(64).fill(forEver)), 0)
      if (size >= 20_000) most = Math.max(most, (set.bytes() - 2 * chunkRounding) / size)
    }
    assert.isAtMost((set.bytes() - chunkRounding) / set.size(), end)
    assert.isAtMost(most, worst)
    for (let i = 0; i < set.size(); i++) {
      if (set.position(numberAt(i)) !== i) assert.fail(`number ${i} is lost`)
    }
  })

  it("cuts numbers with 10,000 ends into as few batches as can be, in the order of their arrival", () => {
    const random = makeRandom(5)
    const set = SuppressionSet.make()
    const groups = new Map<number, Array<string>>()
    for (let base = 0; base < 300_000; base += 5000) {
      const numbers = Array.from({ length: 5000 }, (_, i) => 12_000_000_000 + base + i)
      const ends = numbers.map(() => Date.UTC(2070, 0, 1 + random.below(10_000)))
      set.add(DncEntry.entryBlock(numbers, ends), 0)
      numbers.forEach((number, i) => {
        const group = groups.get(ends[i])
        if (group === undefined) groups.set(ends[i], [`+${number}`])
        else group.push(`+${number}`)
      })
    }
    const largest = 25
    const expected = [...groups].flatMap(([expires, numbers]) =>
      Array.from({ length: Math.ceil(numbers.length / largest) }, (_, i) => ({
        expires,
        phoneNumbers: numbers.slice(i * largest, (i + 1) * largest)
      }))
    )
    assert.strictEqual(set.countBatches(largest), expected.length)
    let at = 0
    for (const { expires, phoneNumbers } of set.cut(largest, run)) {
      assert.deepStrictEqual({ expires, phoneNumbers: [...phoneNumbers] }, expected[at++])
    }
    assert.strictEqual(at, expected.length)
  })

  describe("at a million numbers", () => {
    const million = 1_000_000
    const blockSize = 10_000

    /** Adds a million numbers, `expires` by position, and says the most bytes a number that were held from `from` on. */
    const fill = (set: SuppressionSet.SuppressionSet, from: number, reason: number, expires: (i: number) => number) => {
      let most = 0
      let duplicates = 0
      for (let base = 0; base < million; base += blockSize) {
        duplicates += set.add(
          blockOf(
            Array.from(
              { length: blockSize },
              (_, i): Row => [12_000_000_000 + (((base + i) * 7919) % million) * 1009, reason, expires(base + i)]
            )
          ),
          base
        )
        if (set.size() >= from) most = Math.max(most, (set.bytes() - chunkRounding) / set.size())
      }
      return { duplicates, most }
    }

    it("loses none, and holds at most 24 bytes a number", () => {
      const set = SuppressionSet.make()
      const first = fill(set, 500_000, 0, (i) => (i % 4 === 0 ? day : forEver))
      assert.strictEqual(first.duplicates, 0)
      assert.strictEqual(set.size(), million)
      assert.isAtMost(first.most, 24.01)
      assert.isAtMost(set.bytes(), 24 * million)
      const again = fill(set, 0, 1, () => day + 1)
      assert.strictEqual(again.duplicates, million)
      assert.strictEqual(set.size(), million)
      assert.strictEqual(set.pending(), million)
      assert.strictEqual(set.place("+12000000000"), 1)

      const groups = [
        Math.ceil((million * 3) / 4 / 499), // for ever stays for ever
        Math.ceil(million / 4 / 499)
      ]
      assert.strictEqual(set.countBatches(499), groups[0] + groups[1])
      const seen = new Set<string>()
      let batches = 0
      for (const { phoneNumbers, reason, expires } of set.cut(499, run)) {
        batches++
        assert.isTrue(
          (reason === "UNSPECIFIED" && expires === forEver) || (reason === "CUSTOMER_REQUEST" && expires === day + 1)
        )
        for (const phoneNumber of phoneNumbers) seen.add(phoneNumber)
      }
      assert.strictEqual(batches, groups[0] + groups[1])
      assert.strictEqual(seen.size, million)
      for (let i = 0; i < million; i++) {
        if (!seen.has(`+${12_000_000_000 + i * 1009}`)) assert.fail(`${i} is lost`)
      }
    })
  })
})

describe("requests", () => {
  const requested = (rows: ReadonlyArray<readonly [number: number, requestedAt: number]>): DncEntry.EntryBlock => ({
    ...blockOf(rows.map(([number]) => [number, 0, forEver])),
    requestedAt: rows.map(([, requestedAt]) => requestedAt)
  })

  it("the earliest of each number is kept, whatever blocks it came in", () => {
    const rows = fc.array(
      fc.tuple(fc.integer({ min: 14155550100, max: 14155550130 }), fc.option(fc.nat(), { nil: forEver }))
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), rows), { maxLength: 5 }), (blocks) => {
        const set = SuppressionSet.make()
        const model = new Map<number, number>()
        for (const [said, rows] of blocks) {
          set.add(said ? requested(rows) : blockOf(rows.map(([number]) => [number, 0, forEver])), 0)
          for (const [number, at] of said ? rows : []) if (at < (model.get(number) ?? forEver)) model.set(number, at)
        }
        const found = new Map<number, number>()
        set.forEachRequest((number, requestedAt, honouredAt) => {
          assert.strictEqual(honouredAt, SuppressionSet.isOpen)
          found.set(number, requestedAt)
        })
        assert.deepStrictEqual(found, model)
        assert.strictEqual(set.hasRequests(), model.size > 0)
        for (const [number, at] of model) assert.strictEqual(set.value(`+${number}`)?.requestedAt, at)
      })
    )
  })

  it("the first time on the list stands, until it is taken back", () => {
    const set = SuppressionSet.make()
    set.add(
      requested([
        [14155550100, 1],
        [14155550101, 2],
        [14155550102, 3],
        [14155550103, forEver]
      ]),
      0
    )
    set.settle(14155550102)
    set.honour(["+14155550100", "+14155550101", "+14155550103", "+14155550109"], 10)
    set.honour(["+14155550100", "+14155550102"], 20)
    set.honour(["+14155550101"], undefined)
    const found: Array<readonly [number, number]> = []
    set.forEachRequest((number, _, honouredAt) => found.push([number, honouredAt]))
    assert.deepStrictEqual(found, [
      [14155550100, 10],
      [14155550101, SuppressionSet.isOpen],
      [14155550102, SuppressionSet.wasBefore]
    ])
  })

  it("cost 12 bytes a number, and nothing where there are none", () => {
    const numbers = Array.from({ length: 100_000 }, (_, i) => 14155500000 + i)
    const [without, blank, all] = [SuppressionSet.make(), SuppressionSet.make(), SuppressionSet.make()]
    without.add(blockOf(numbers.map((number) => [number, 0, forEver])), 0)
    blank.add(requested(numbers.map((number) => [number, forEver])), 0)
    all.add(requested(numbers.map((number) => [number, 5])), 0)
    assert.strictEqual(blank.bytes(), without.bytes())
    const columns = Math.ceil(numbers.length / 4096) * 4096
    assert.strictEqual(all.bytes() - without.bytes(), columns * 12)
    assert.strictEqual(all.digest(), without.digest())
  })
})

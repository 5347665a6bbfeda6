/**
 * The distinct numbers of a run, each at its strictest value, and the full batches that are cut from them.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import type { Group } from "./Contract.js"
import type { Batch, Entry, EntryBlock } from "./DncEntry.js"
import * as DncEntry from "./DncEntry.js"
import * as Codec from "./SuppressionSet/codec.js"

export {
  /**
   * What the contacts of a kind are inside the set.
   *
   * @since 0.1.0
   */
  Codec
}

/**
 * A compact table: for each number its digits (8 bytes), its value (4) and its place (4), kept in the order of arrival in
 * columns of a fixed size, and an open-addressing index of 4 bytes a slot, half to three quarters full. So 21.3 to 24
 * bytes a number. Of other kinds than numbers, the codec holds the texts, and the table their positions in place of digits.
 * Where rows say when they were asked for, 12 bytes a number more: the time of the earliest request, and a reference to the
 * moment from which the number was known to be on the list.
 *
 * @since 0.1.0
 * @category models
 */
export interface SuppressionSet {
  /** Distinct numbers. */
  readonly size: () => number
  /** Bytes held by the table's columns and index. */
  readonly bytes: () => number
  /**
   * Folds a block's entries in; `base` is added to their lines to make their places. Returns how many were of numbers
   * that stand for another row already, and so are duplicates.
   */
  readonly add: (block: EntryBlock, base: number) => number
  /** The place of a number's first row, or `undefined` where it is not in the set. */
  readonly place: (phoneNumber: string) => number | undefined
  /** SHA-256 in hex of all numbers with their values, in the order of arrival, before anything is cut. */
  readonly digest: () => string
  /** How many numbers wait to be sent. */
  readonly pending: () => number
  /** The value of a number, at its strictest, or `undefined` where it is not in the set. */
  readonly value: (phoneNumber: string) => Pick<Entry, "reason" | "expires" | "requestedAt"> | undefined
  /** How many numbers wait that have an end, in a group that has none. */
  readonly countForEver: (group: Grouping) => number
  /** The fewest batches that can carry what waits. */
  readonly countBatches: (largest: number, group?: Grouping) => number
  /**
   * Cuts what waits into batches of one group, each of `largest` numbers but the last of its group; groups and numbers in
   * the order of their arrival. Without a grouping each reason and expiry is a group. What is cut waits no longer.
   */
  readonly cut: (
    largest: number,
    run: Pick<Batch, "runId" | "dncListId" | "action">,
    group?: Grouping
  ) => Iterable<Batch>
  /** All that waits counts as cut: it is sent otherwise than in batches. */
  readonly take: () => void
  /** What stands for a number (an address, a value) in the table, or `NaN`: for a number its digits. */
  readonly numberOf: (phoneNumber: string) => number
  /** The end of a number's suppression, or `undefined` where it is not in the set. Numbers are as {@link numberOf} gives them. */
  readonly expires: (number: number) => number | undefined
  /** Marks a number as seen elsewhere; false where it was marked before, or is not in the set. */
  readonly see: (number: number) => boolean
  /** Forgets what was seen. */
  readonly unsee: () => void
  /** A number that waits to be sent waits no longer: it needs no sending. */
  readonly settle: (number: number) => void
  /** The numbers that needed no sending, in E.164: those that were seen, or those that were not. */
  readonly settled: (seen: boolean) => Iterable<string>
  /** What waits to be sent, as it is sent, in the order of arrival; only what was not seen. */
  readonly waiting: () => Iterable<string>
  /** The position of a number in the order of arrival, from 0, or -1 where it is not in the set. */
  readonly position: (number: number) => number
  /** A number that waits is held back: it is not sent, and stays out of {@link values}. */
  readonly hold: (number: number) => void
  readonly isHeld: (number: number) => boolean
  /** The numbers that are held back, as they would be sent: those that were seen, or those that were not. */
  readonly held: (seen: boolean) => Iterable<string>
  /** Every number that is not held back, in the order of arrival, with its end and whether it was seen. */
  readonly values: () => Iterable<readonly [number: number, expires: number, seen: boolean]>
  /** The numbers that were cut and whose batch did not fail, as they are sent: those that were seen, or those that were not. */
  readonly sent: (seen: boolean) => Iterable<string>
  /** Marks numbers of a failed batch, or held back for nothing: the next row that names one sends it again, at its strictest value. */
  readonly unsend: (phoneNumbers: ReadonlyArray<string>) => void
  /** Whether a row said when it was asked for. */
  readonly hasRequests: () => boolean
  /**
   * From when (milliseconds since 1970) numbers are known to be on the list; the first time stands. `undefined`: they are not
   * after all. Does nothing to numbers whose request is not known.
   */
  readonly honour: (phoneNumbers: Iterable<string>, at: number | undefined) => void
  /** Every number whose request is known, in the order of arrival, with the two times; see {@link isOpen} and {@link wasBefore}. */
  readonly forEachRequest: (f: (number: number, requestedAt: number, honouredAt: number) => void) => void
  /** The number, address or value that stands for so much; see `numberOf`. */
  readonly contactOf: (number: number) => string
}

/**
 * In place of the time from which a number is on the list: it is not known to be there; and: it was there before the run.
 *
 * @since 0.1.0
 * @category models
 */
export const isOpen: number = Number.POSITIVE_INFINITY

/**
 * @since 0.1.0
 * @category models
 */
export const wasBefore: number = Number.NEGATIVE_INFINITY

/**
 * What the request of a number says, by its expiry and its reason (an index into `reasons`).
 *
 * @since 0.1.0
 * @category models
 */
export type Grouping = (expires: number, reason: number) => Group

const byValue: Grouping = (expires, reason) => ({ expires, reason: DncEntry.reasons[reason] })

/** Entries of one column chunk; a chunk is never moved, so growth copies nothing but the index. */
const chunkBits = 15
const chunkSize = 1 << chunkBits
const chunkMask = chunkSize - 1

/** The three highest bits of a value say where its number stands. */
const waiting = 0
const cutState = 1
const failedState = 2
const settledState = 3
const heldState = 4
const stateShift = 29
const valueMask = (1 << stateShift) - 1

interface Chunk {
  readonly number: Float64Array
  readonly value: Uint32Array
  readonly place: Uint32Array
  /** A bit for each number that was seen; made with the first. */
  seen: Uint8Array | undefined
  /** The earliest request of each number, and the position of the moment when it was honoured; made with the first. */
  requests: { readonly at: Float64Array; readonly honoured: Uint32Array } | undefined
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (codec: Codec.Codec = Codec.e164): SuppressionSet => {
  const chunks: Array<Chunk> = []
  let size = 0
  let pending = 0
  let nextBatch = 0
  /** Position in the columns plus one; 0 is an empty slot. */
  let index = new Uint32Array(1024)

  const valueIds = new Map<number, number>()
  const valueExpires: Array<number> = []
  const valueReason: Array<number> = []

  let hasRequests = false
  /** The times from which numbers are on the list: one a batch, so that a number needs its position only. */
  const moments = [isOpen, wasBefore]
  const before = 1

  const idOf = (expires: number, reason: number): number => {
    // expiries end with the year 9999, so four times one is exact in a double; for ever has -1 to -3
    const key = expires === Number.POSITIVE_INFINITY ? -1 - reason : expires * 4 + reason
    let id = valueIds.get(key)
    if (id === undefined) {
      id = valueExpires.length
      valueIds.set(key, id)
      valueExpires.push(expires)
      valueReason.push(reason)
    }
    return id
  }

  /** The slot of a number, or the empty one where it belongs. */
  const slotOf = (number: number): number => {
    let slot = hash(number) % index.length
    for (;;) {
      const at = index[slot]
      if (at === 0 || chunks[(at - 1) >>> chunkBits].number[(at - 1) & chunkMask] === number) return slot
      slot = slot + 1 === index.length ? 0 : slot + 1
    }
  }

  const grow = (): void => {
    index = new Uint32Array(Math.ceil(index.length * 1.5))
    for (let i = 0; i < size; i++) index[slotOf(chunks[i >>> chunkBits].number[i & chunkMask])] = i + 1
  }

  /** The earliest request counts, whichever row is the strictest. */
  const request = (at: number, requestedAt: number): void => {
    if (requestedAt === Number.POSITIVE_INFINITY) return
    hasRequests = true
    const chunk = chunks[at >>> chunkBits]
    chunk.requests ??= {
      at: new Float64Array(chunkSize).fill(Number.POSITIVE_INFINITY),
      honoured: new Uint32Array(chunkSize)
    }
    const column = chunk.requests.at
    if (requestedAt < column[at & chunkMask]) column[at & chunkMask] = requestedAt
  }

  const honour = (phoneNumbers: Iterable<string>, at: number | undefined): void => {
    if (!hasRequests) return
    if (at !== undefined && at !== wasBefore && moments[moments.length - 1] !== at) moments.push(at)
    const moment = at === wasBefore ? before : moments.length - 1
    for (const phoneNumber of phoneNumbers) {
      const place = find(phoneNumber)
      const honoured = place === -1 ? undefined : chunks[place >>> chunkBits].requests?.honoured
      if (honoured === undefined) continue
      if (at === undefined) honoured[place & chunkMask] = 0
      else if (honoured[place & chunkMask] === 0) honoured[place & chunkMask] = moment
    }
  }

  const add = (block: EntryBlock, base: number): number => {
    const numbers = codec.numbers(block)
    const { requestedAt } = block
    let duplicates = 0
    for (let i = 0; i < block.length; i++) {
      const number = numbers[i]
      const expires = block.expires[i]
      const reason = block.reason[i]
      const slot = slotOf(number)
      if (index[slot] === 0) {
        if ((size & chunkMask) === 0) {
          chunks.push({
            number: new Float64Array(chunkSize),
            value: new Uint32Array(chunkSize),
            place: new Uint32Array(chunkSize),
            seen: undefined,
            requests: undefined
          })
        }
        const chunk = chunks[size >>> chunkBits]
        chunk.number[size & chunkMask] = number
        chunk.value[size & chunkMask] = idOf(expires, reason)
        chunk.place[size & chunkMask] = base + block.line[i]
        index[slot] = ++size
        pending++
        if (requestedAt !== undefined) request(size - 1, requestedAt[i])
        if (size > index.length * 0.75) grow()
        continue
      }
      const at = index[slot] - 1
      if (requestedAt !== undefined) request(at, requestedAt[i])
      const chunk = chunks[at >>> chunkBits]
      const state = chunk.value[at & chunkMask] >>> stateShift
      const id = chunk.value[at & chunkMask] & valueMask
      const stricter = DncEntry.isStricter(expires, reason, valueExpires[id], valueReason[id])
      if (stricter || state === failedState) {
        chunk.value[at & chunkMask] = stricter ? idOf(expires, reason) : id
        if (state !== waiting) {
          // its earlier row has its disposition; this one goes out for itself
          chunk.place[at & chunkMask] = base + block.line[i]
          pending++
          continue
        }
      }
      duplicates++
    }
    return duplicates
  }

  /** The groups in the order in which their first value came, and the one that each value belongs to. */
  const groupValues = (group: Grouping): { readonly groups: Array<Group>; readonly ofValue: Uint32Array } => {
    const groups: Array<Group> = []
    const known = new Map<string, number>()
    const ofValue = Uint32Array.from(valueExpires, (expires, id) => {
      const found = group(expires, valueReason[id])
      const key = `${found.reason} ${found.expires}`
      if (!known.has(key)) known.set(key, groups.push(found) - 1)
      return known.get(key)!
    })
    return { groups, ofValue }
  }

  /** How many numbers wait in each of so many classes, by the class of each value. */
  const countWaiting = (classes: number, ofValue: ArrayLike<number>): Uint32Array => {
    const counts = new Uint32Array(classes)
    for (let i = 0; i < size; i++) {
      const value = chunks[i >>> chunkBits].value[i & chunkMask]
      if (value >>> stateShift === waiting) counts[ofValue[value]]++
    }
    return counts
  }

  function* cut(
    largest: number,
    { action, dncListId, runId }: Pick<Batch, "runId" | "dncListId" | "action">,
    group: Grouping = byValue
  ): Iterable<Batch> {
    const { groups, ofValue } = groupValues(group)
    const counts = countWaiting(groups.length, ofValue)
    const start = new Uint32Array(counts.length + 1)
    for (let id = 0; id < counts.length; id++) start[id + 1] = start[id] + counts[id]
    // a counting sort: positions by group, each group in order of arrival
    const order = new Uint32Array(pending)
    const next = start.slice()
    for (let i = 0; i < size; i++) {
      const column = chunks[i >>> chunkBits].value
      const value = column[i & chunkMask]
      if (value >>> stateShift !== waiting) continue
      order[next[ofValue[value]]++] = i
      column[i & chunkMask] = ((cutState << stateShift) | value) >>> 0
    }
    pending = 0
    const numberAt = (i: number): number => chunks[order[i] >>> chunkBits].number[order[i] & chunkMask]
    for (let id = 0; id < counts.length; id++) {
      for (let from = start[id]; from < start[id + 1]; from += largest) {
        const numbers = new Float64Array(Math.min(largest, start[id + 1] - from))
        for (let i = 0; i < numbers.length; i++) numbers[i] = numberAt(from + i)
        yield codec.withContacts({ runId, dncListId, action, index: nextBatch++, ...groups[id] }, numbers)
      }
    }
  }

  const locate = (number: number): number => index[slotOf(number)] - 1

  const find = (phoneNumber: string): number => locate(codec.numberOf(phoneNumber))

  const see = (number: number): boolean => {
    const at = locate(number)
    if (at === -1) return false
    const seen = (chunks[at >>> chunkBits].seen ??= new Uint8Array(chunkSize >>> 3))
    const [byte, bit] = [(at & chunkMask) >>> 3, 1 << (at & 7)]
    if ((seen[byte] & bit) !== 0) return false
    seen[byte] |= bit
    return true
  }

  /** A number that waits, waits no longer. */
  const release = (number: number, state: number): void => {
    const at = locate(number)
    if (at === -1) return
    const column = chunks[at >>> chunkBits].value
    const value = column[at & chunkMask]
    if (value >>> stateShift !== waiting) return
    column[at & chunkMask] = ((state << stateShift) | value) >>> 0
    pending--
    const { requests } = chunks[at >>> chunkBits]
    if (requests !== undefined) requests.honoured[at & chunkMask] = before
  }

  function* inState(state: number, wanted: boolean): Iterable<string> {
    for (let i = 0; i < size; i++) {
      const { number, seen, value } = chunks[i >>> chunkBits]
      const at = i & chunkMask
      if (value[at] >>> stateShift === state && isSeen(seen, at) === wanted) yield codec.format(number[at])
    }
  }

  function* values(): Iterable<readonly [number: number, expires: number, seen: boolean]> {
    for (let i = 0; i < size; i++) {
      const { number, seen, value } = chunks[i >>> chunkBits]
      const at = i & chunkMask
      if (value[at] >>> stateShift === heldState) continue
      yield [number[at], valueExpires[value[at] & valueMask], isSeen(seen, at)]
    }
  }

  const digest = (): string => {
    const hash = createHash("sha256")
    for (let from = 0; from < size; from += chunkSize) {
      const { number, value } = chunks[from >>> chunkBits]
      const count = Math.min(chunkSize, size - from)
      hash.update(number.subarray(0, count)).update(value.subarray(0, count))
    }
    return hash.update(JSON.stringify([valueExpires, valueReason, codec.held])).digest("hex")
  }

  return {
    size: () => size,
    digest,
    bytes: () =>
      chunks.reduce(
        (sum, { requests, seen }) =>
          sum + chunkSize * (requests === undefined ? 16 : 28) + (seen === undefined ? 0 : seen.byteLength),
        0
      ) +
      index.byteLength +
      codec.bytes(),
    add,
    place: (phoneNumber) => {
      const at = find(phoneNumber)
      return at === -1 ? undefined : chunks[at >>> chunkBits].place[at & chunkMask]
    },
    pending: () => pending,
    value: (phoneNumber) => {
      const at = find(phoneNumber)
      if (at === -1) return undefined
      const { requests, value } = chunks[at >>> chunkBits]
      const id = value[at & chunkMask] & valueMask
      return {
        reason: DncEntry.reasons[valueReason[id]],
        expires: valueExpires[id],
        ...DncEntry.requested(requests?.at[at & chunkMask])
      }
    },
    countForEver: (group) => {
      const isFor = (expires: number) => expires === Number.POSITIVE_INFINITY
      const longer = valueExpires.map((end, id) => Number(!isFor(end) && isFor(group(end, valueReason[id]).expires)))
      return countWaiting(2, longer)[1]
    },
    countBatches: (largest, group = byValue) => {
      const { groups, ofValue } = groupValues(group)
      return countWaiting(groups.length, ofValue).reduce((sum, count) => sum + Math.ceil(count / largest), 0)
    },
    cut,
    numberOf: codec.numberOf,
    expires: (number) => {
      const at = locate(number)
      return at === -1 ? undefined : valueExpires[chunks[at >>> chunkBits].value[at & chunkMask] & valueMask]
    },
    see,
    unsee: () => {
      for (const chunk of chunks) chunk.seen = undefined
    },
    take: () => {
      for (let i = 0; i < size; i++) {
        const column = chunks[i >>> chunkBits].value
        const value = column[i & chunkMask]
        if (value >>> stateShift === waiting) column[i & chunkMask] = ((cutState << stateShift) | value) >>> 0
      }
      pending = 0
    },
    hasRequests: () => hasRequests,
    honour,
    forEachRequest: (f) => {
      for (let i = 0; i < size; i++) {
        const { number, requests } = chunks[i >>> chunkBits]
        const at = i & chunkMask
        if (requests !== undefined && requests.at[at] !== Number.POSITIVE_INFINITY)
          f(number[at], requests.at[at], moments[requests.honoured[at]])
      }
    },
    contactOf: codec.format,
    settle: (number) => release(number, settledState),
    hold: (number) => release(number, heldState),
    isHeld: (number) => {
      const at = locate(number)
      return at !== -1 && chunks[at >>> chunkBits].value[at & chunkMask] >>> stateShift === heldState
    },
    held: (seen) => inState(heldState, seen),
    waiting: () => inState(waiting, false),
    position: locate,
    settled: (seen) => inState(settledState, seen),
    values,
    sent: (seen) => inState(cutState, seen),
    unsend: (phoneNumbers) => {
      for (const phoneNumber of phoneNumbers) {
        const at = find(phoneNumber)
        if (at === -1) continue
        const column = chunks[at >>> chunkBits].value
        const value = column[at & chunkMask]
        const state = value >>> stateShift
        // a stricter row may have made it wait again meanwhile
        if (state === cutState || state === heldState)
          column[at & chunkMask] = ((failedState << stateShift) | (value & valueMask)) >>> 0
      }
    }
  }
}

const isSeen = (seen: Uint8Array | undefined, at: number): boolean =>
  seen !== undefined && (seen[at >>> 3] & (1 << (at & 7))) !== 0

/** A well-mixed 32-bit hash of an integer below 10^15. */
const hash = (number: number): number => {
  const high = Math.floor(number / 0x1_0000_0000)
  let h = Math.imul((number | 0) ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

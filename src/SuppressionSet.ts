/**
 * The distinct numbers of a run, each at its strictest value, and the full batches that are cut from them.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import type { Batch, Entry, EntryBlock } from "./DncEntry.js"
import * as DncEntry from "./DncEntry.js"
import * as Codec from "./SuppressionSet/codec.js"
import { inGroups } from "./SuppressionSet/cut.js"
import * as Groups from "./SuppressionSet/groups.js"
import * as Requests from "./SuppressionSet/requests.js"
import {
  countWaiting,
  cutState,
  failedState,
  forEachIn,
  heldState,
  mark,
  plannedState,
  settledState,
  stateShift,
  valueMask,
  waiting
} from "./SuppressionSet/states.js"
import * as Table from "./SuppressionSet/table.js"

export { isOpen, wasBefore } from "./SuppressionSet/requests.js"

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
 * columns of a fixed size, and an open-addressing index of 4 bytes a slot, half to three quarters full. So 21 to 24 bytes a
 * number, also while it grows; where it is told what to expect, 22 in the end and up to 38 on the way.
 * Of other kinds than numbers, the codec holds the texts, and the table their positions in place of digits.
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
  /** About how many distinct numbers there will be in all, as far as is known by now; a wrong guess costs memory or time. */
  readonly expect: (size: number) => void
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
 * What the request of a number says, by its expiry and its reason (an index into `reasons`).
 *
 * @since 0.1.0
 */
export type Grouping = Groups.Grouping

/** What is known of the numbers of a chunk of the table. */
interface Chunk {
  readonly value: Uint32Array
  readonly place: Uint32Array
  /** A bit for each number that was seen; made with the first. */
  seen: Uint8Array | undefined
}

const { chunkBits, chunkMask, chunkSize } = Table

/** 8 MB, however large the set is. */
const usuallyAtOnce = 1 << 20

/**
 * `atOnce`: how many numbers a cut puts in order at once.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (codec: Codec.Codec = Codec.e164, atOnce: number = usuallyAtOnce): SuppressionSet => {
  const table = Table.make()
  const numbers = table.chunks
  const chunks: Array<Chunk> = []
  const positions = new Uint32Array(Table.most)
  let pending = 0
  let nextBatch = 0

  const values = Groups.makeValues()
  const requests = Requests.make()

  const add = (block: EntryBlock, base: number): number => {
    const numbers = codec.numbers(block)
    let duplicates = 0
    for (let from = 0; from < block.length; from += Table.most) {
      const to = Math.min(from + Table.most, block.length)
      let size = table.size()
      table.put(numbers, from, to, positions)
      for (let i = from; i < to; i++) {
        const at = positions[i - from]
        if (at < size) duplicates += fold(block, i, base, at)
        else place(block, i, base, size++)
      }
    }
    return duplicates
  }

  const place = (block: EntryBlock, i: number, base: number, at: number): void => {
    if ((at & chunkMask) === 0) {
      chunks.push({ value: new Uint32Array(chunkSize), place: new Uint32Array(chunkSize), seen: undefined })
    }
    const chunk = chunks[at >>> chunkBits]
    chunk.value[at & chunkMask] = values.idOf(block.expires[i], block.reason[i])
    chunk.place[at & chunkMask] = base + block.line[i]
    pending++
    if (block.requestedAt !== undefined) requests.add(at, block.requestedAt[i])
  }

  /** A row of a number that is known; 1 where it is a duplicate. */
  const fold = (block: EntryBlock, i: number, base: number, at: number): number => {
    const expires = block.expires[i]
    const reason = block.reason[i]
    if (block.requestedAt !== undefined) requests.add(at, block.requestedAt[i])
    const chunk = chunks[at >>> chunkBits]
    const state = chunk.value[at & chunkMask] >>> stateShift
    const id = chunk.value[at & chunkMask] & valueMask
    const stricter = DncEntry.isStricter(expires, reason, values.expires[id], values.reason[id])
    if (!stricter && state !== failedState) return 1
    chunk.value[at & chunkMask] = stricter ? values.idOf(expires, reason) : id
    if (state === waiting) return 1
    // its earlier row has its disposition; this one goes out for itself
    chunk.place[at & chunkMask] = base + block.line[i]
    pending++
    return 0
  }

  /** All that waits is in another state; `each` is told their values. */
  const takeAll = (state: number, each?: (value: number) => void): void => {
    forEachIn(waiting, table.size(), chunks, (value, position, column) => {
      each?.(value)
      mark(state, value, position, column)
    })
    pending = 0
  }

  function* cut(
    largest: number,
    { action, dncListId, runId }: Pick<Batch, "runId" | "dncListId" | "action">,
    group: Grouping = Groups.byValue
  ): Iterable<Batch> {
    const { groups, ofValue } = values.group(group)
    const left = new Uint32Array(groups.length)
    takeAll(plannedState, (value) => {
      left[ofValue[value]]++
    })
    for (const [id, numbers] of inGroups(table, chunks, left, ofValue, largest, atOnce)) {
      const { expires, reason } = groups[id]
      yield codec.withContacts({ runId, dncListId, action, index: nextBatch++, reason, expires }, numbers)
    }
  }

  const { locate } = table

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
    mark(state, value, at, column)
    pending--
    requests.settle(at)
  }

  function* inState(state: number, wanted: boolean): Iterable<string> {
    for (let i = 0; i < table.size(); i++) {
      const { seen, value } = chunks[i >>> chunkBits]
      const at = i & chunkMask
      const found = value[at] >>> stateShift
      if ((found === plannedState ? cutState : found) === state && isSeen(seen, at) === wanted) {
        yield codec.format(numbers[i >>> chunkBits][at])
      }
    }
  }

  function* all(): Iterable<readonly [number: number, expires: number, seen: boolean]> {
    for (let i = 0; i < table.size(); i++) {
      const { seen, value } = chunks[i >>> chunkBits]
      const at = i & chunkMask
      if (value[at] >>> stateShift === heldState) continue
      yield [numbers[i >>> chunkBits][at], values.expires[value[at] & valueMask], isSeen(seen, at)]
    }
  }

  const digest = (): string => {
    const hash = createHash("sha256")
    for (let from = 0; from < table.size(); from += chunkSize) {
      const count = Math.min(chunkSize, table.size() - from)
      const which = from >>> chunkBits
      hash.update(numbers[which].subarray(0, count)).update(chunks[which].value.subarray(0, count))
    }
    return hash.update(JSON.stringify([values.expires, values.reason, codec.held])).digest("hex")
  }

  return {
    size: table.size,
    digest,
    bytes: () =>
      chunks.reduce((sum, { seen }) => sum + chunkSize * 8 + (seen === undefined ? 0 : seen.byteLength), 0) +
      requests.bytes() +
      table.bytes() +
      codec.bytes(),
    expect: table.expect,
    add,
    place: (phoneNumber) => {
      const at = find(phoneNumber)
      return at === -1 ? undefined : chunks[at >>> chunkBits].place[at & chunkMask]
    },
    pending: () => pending,
    value: (phoneNumber) => {
      const at = find(phoneNumber)
      if (at === -1) return undefined
      const id = chunks[at >>> chunkBits].value[at & chunkMask] & valueMask
      return {
        reason: DncEntry.reasons[values.reason[id]],
        expires: values.expires[id],
        ...DncEntry.requested(requests.at(at))
      }
    },
    countForEver: (group) => {
      const isFor = (expires: number) => expires === Number.POSITIVE_INFINITY
      const longer = values.expires.map((end, id) =>
        Number(!isFor(end) && isFor(group(end, values.reason[id]).expires))
      )
      return countWaiting(table.size(), chunks, 2, longer)[1]
    },
    countBatches: (largest, group = Groups.byValue) => {
      const { groups, ofValue } = values.group(group)
      return countWaiting(table.size(), chunks, groups.length, ofValue).reduce(
        (sum, count) => sum + Math.ceil(count / largest),
        0
      )
    },
    cut,
    numberOf: codec.numberOf,
    expires: (number) => {
      const at = locate(number)
      return at === -1 ? undefined : values.expires[chunks[at >>> chunkBits].value[at & chunkMask] & valueMask]
    },
    see,
    unsee: () => {
      for (const chunk of chunks) chunk.seen = undefined
    },
    take: () => takeAll(cutState),
    hasRequests: requests.any,
    honour: (phoneNumbers, at) => requests.honour(phoneNumbers, find, at),
    forEachRequest: (f) =>
      requests.forEach((at, requestedAt, honouredAt) => {
        f(numbers[at >>> chunkBits][at & chunkMask], requestedAt, honouredAt)
      }),
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
    values: all,
    sent: (seen) => inState(cutState, seen),
    unsend: (phoneNumbers) => {
      for (const phoneNumber of phoneNumbers) {
        const at = find(phoneNumber)
        if (at === -1) continue
        const column = chunks[at >>> chunkBits].value
        const value = column[at & chunkMask]
        const state = value >>> stateShift
        // a stricter row may have made it wait again meanwhile
        if (state === cutState || state === heldState) mark(failedState, value, at, column)
      }
    }
  }
}

const isSeen = (seen: Uint8Array | undefined, at: number): boolean =>
  seen !== undefined && (seen[at >>> 3] & (1 << (at & 7))) !== 0

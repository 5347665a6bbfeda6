/**
 * Distinct numbers in the order of their arrival, and where each of them is.
 *
 * The numbers stand in chunks that are never moved. The index over them is open addressing in pages; when it is too full,
 * pages are added, and the numbers are entered again in the order in which they stand, which waits for memory far less than
 * going through the old index would, and nothing is there twice. A slot of 4 bytes holds a position and, in the bits that are
 * left, some of the hash: most numbers that are not meant are told from it, without a look at memory elsewhere.
 *
 * @since 0.1.0
 */

/**
 * Positions in one chunk, as bits; `position & chunkMask` is the place in it.
 *
 * @since 0.1.0
 */
export const chunkBits = 12

/**
 * @since 0.1.0
 */
export const chunkSize: number = 1 << chunkBits

/**
 * @since 0.1.0
 */
export const chunkMask: number = chunkSize - 1

/**
 * How many numbers {@link Table.put} takes at once.
 *
 * @since 0.1.0
 */
export const most = 256

/**
 * @since 0.1.0
 * @category models
 */
export interface Table {
  readonly size: () => number
  /** Chunks of numbers, in the order of arrival. */
  readonly chunks: ReadonlyArray<Float64Array>
  /** Writes the positions of up to {@link most} numbers, from `from` to before `to`; new ones are added at the end. */
  readonly put: (numbers: ArrayLike<number>, from: number, to: number, positions: Uint32Array) => void
  /** The position of a number, or -1. */
  readonly locate: (number: number) => number
  /** About how many numbers there will be in all, as far as is known by now: the index makes room for them in fewer steps. */
  readonly expect: (count: number) => void
  /** Bytes held. */
  readonly bytes: () => number
}

/** Slots of a page of the index, as bits. */
const pageBits = 12
const pageSize = 1 << pageBits
const pageMask = pageSize - 1

const fullest = 0.75
const growth = 1.5

/** Towards what is expected: a page more or less is not worth a step, and six slots a number are the most. */
const [leastGrowth, mostGrowth] = [1.125, 4]
/** More than a slot has bits for. */
const mostExpected = 2 ** 32
/** So that a guess that is a little low does not make it grow once more. */
const spare = 1.04

/** By how much to grow where there will be `wanted` times as many: equal steps, as few as may be, enter the fewest again. */
const growthTo = (wanted: number): number => {
  if (!(wanted > 1)) return growth
  const steps = Math.ceil(Math.log(wanted) / Math.log(mostGrowth))
  return Math.max(wanted ** (1 / steps), leastGrowth)
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (): Table => {
  const chunks: Array<Float64Array> = []
  let size = 0
  const pages = [new Uint32Array(pageSize)]
  let slots = pageSize
  /** How many numbers the index takes before it grows. */
  let room = slots * fullest
  /** A slot is 0 where it is empty, else a position plus one in so many bits, with bits of the hash above. */
  let positionBits = bitsFor(room)
  let expected = 0
  const hashes = new Uint32Array(most)
  const touched = new Uint32Array(most)

  /** Asks for the slots of numbers before the first is looked at, so that memory is waited for once and not for each. */
  const touch = (numbers: ArrayLike<number>, from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      const h = hash(numbers[i])
      const slot = home(h, slots)
      hashes[i - from] = h
      touched[i - from] = pages[slot >>> pageBits][slot & pageMask]
    }
  }

  /** The position of a number, or the complement of the empty slot where it belongs. */
  const find = (number: number, h: number): number => {
    const mask = (1 << positionBits) - 1
    const tag = h << positionBits
    for (let slot = home(h, slots); ; slot = slot + 1 === slots ? 0 : slot + 1) {
      const found = pages[slot >>> pageBits][slot & pageMask]
      if (found === 0) return ~slot
      if ((found ^ tag) >>> positionBits === 0) {
        const position = (found & mask) - 1
        if (chunks[position >>> chunkBits][position & chunkMask] === number) return position
      }
    }
  }

  const enter = (slot: number, h: number, position: number): void => {
    pages[slot >>> pageBits][slot & pageMask] = (h << positionBits) | (position + 1)
  }

  const grow = (): void => {
    const larger = slots * growthTo((expected * spare) / room)
    for (const page of pages) page.fill(0)
    while (slots < larger) {
      pages.push(new Uint32Array(pageSize))
      slots += pageSize
    }
    room = slots * fullest
    positionBits = bitsFor(room)
    for (let first = 0; first < size; first += most) {
      const numbers = chunks[first >>> chunkBits]
      const from = first & chunkMask
      const count = Math.min(most, size - first)
      touch(numbers, from, from + count)
      for (let i = 0; i < count; i++) {
        let slot = home(hashes[i], slots)
        while (pages[slot >>> pageBits][slot & pageMask] !== 0) slot = slot + 1 === slots ? 0 : slot + 1
        enter(slot, hashes[i], first + i)
      }
    }
  }

  const append = (number: number): void => {
    if ((size & chunkMask) === 0) chunks.push(new Float64Array(chunkSize))
    chunks[size >>> chunkBits][size & chunkMask] = number
    size++
  }

  return {
    size: () => size,
    chunks,
    put: (numbers, from, to, positions) => {
      if (size + to - from > room) grow()
      touch(numbers, from, to)
      for (let i = from; i < to; i++) {
        const h = hashes[i - from]
        const found = find(numbers[i], h)
        positions[i - from] = found < 0 ? size : found
        if (found >= 0) continue
        enter(~found, h, size)
        append(numbers[i])
      }
    },
    locate: (number) => Math.max(-1, find(number, hash(number))),
    expect: (count) => {
      expected = Math.min(count, mostExpected)
    },
    bytes: () => 8 * chunkSize * chunks.length + 4 * slots
  }
}

/** Where the slot of a number is, unless it is taken. */
const home = (h: number, slots: number): number => Math.floor((h * slots) / 0x1_0000_0000)

/** The bits that a position plus one takes. */
const bitsFor = (count: number): number => Math.ceil(Math.log2(count + 2))

/**
 * A well-mixed 32-bit hash of an integer below 2^53.
 *
 * @since 0.1.0
 */
export const hash = (number: number): number => {
  const high = Math.floor(number / 0x1_0000_0000)
  let h = Math.imul((number | 0) ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

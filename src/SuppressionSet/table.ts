/**
 * Distinct numbers in the order of their arrival, and where each of them is.
 *
 * The numbers stand in chunks that are never moved. The index over them is open addressing in segments, chosen by the first
 * bits of a number's hash; each grows by itself and at a time of its own, so that the whole is equally full at every size,
 * and what is copied at once is small. A slot of 4 bytes holds a position and, in the bits that are left, some of the hash:
 * most numbers that are not meant are told from it, without a look at memory elsewhere.
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

const segmentBits = 8
const segmentCount = 1 << segmentBits
const segmentShift = 32 - segmentBits
/** The bits of a hash that are left to a segment. */
const segmentMask = (1 << segmentShift) - 1

const growth = 1.5
const fullest = 0.75
const smallest = 16

/** Segments begin at different lengths, so that each grows at another time. */
const firstLength = (segment: number): number => Math.round(smallest * growth ** (segment / segmentCount))

/** Towards what is expected: a slot more or less is not worth a step, and four slots a number are the most. */
const [leastGrowth, mostGrowth] = [1.125, 3]
/** So that a wrong guess leaves bits for the hash. */
const mostExpected = 1 << 26
/** So that few segments have to grow once more because they have more than their share. */
const spare = 1.04

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (): Table => {
  const chunks: Array<Float64Array> = []
  let size = 0
  /** A slot is 0 where it is empty, else a position plus one in so many bits, with bits of the hash above. */
  let positionBits = 16
  const slots = Array.from({ length: segmentCount }, (_, segment) => new Uint32Array(firstLength(segment)))
  const counts = new Uint32Array(segmentCount)
  let expected = 0
  let slotCount = slots.reduce((sum, { length }) => sum + length, 0)
  const hashes = new Uint32Array(most)
  const touched = new Uint32Array(most)
  /** Where the numbers of a segment that grows belong. */
  let homes = new Uint32Array(smallest)

  /** The position of a number, or the complement of the empty slot where it belongs. */
  const find = (number: number, h: number, segment: Uint32Array): number => {
    const mask = (1 << positionBits) - 1
    const tag = h << positionBits
    let slot = home(h, segment.length)
    for (;;) {
      const found = segment[slot]
      if (found === 0) return ~slot
      if ((found ^ tag) >>> positionBits === 0) {
        const position = (found & mask) - 1
        if (chunks[position >>> chunkBits][position & chunkMask] === number) return position
      }
      slot = slot + 1 === segment.length ? 0 : slot + 1
    }
  }

  const growthOf = (length: number): number => {
    const wanted = (expected * spare) / (segmentCount * fullest * length)
    return wanted > 1 ? Math.min(Math.max(wanted, leastGrowth), mostGrowth) : growth
  }

  const grow = (which: number): void => {
    const old = slots[which]
    const segment = new Uint32Array(Math.ceil(old.length * growthOf(old.length)))
    const mask = (1 << positionBits) - 1
    if (homes.length < old.length) homes = new Uint32Array(segment.length)
    // all numbers are asked for before the first is placed, for the same reason as in `put`
    for (let i = 0; i < old.length; i++) {
      if (old[i] === 0) continue
      const position = (old[i] & mask) - 1
      homes[i] = home(hash(chunks[position >>> chunkBits][position & chunkMask]), segment.length)
    }
    for (let i = 0; i < old.length; i++) {
      if (old[i] === 0) continue
      let slot = homes[i]
      while (segment[slot] !== 0) slot = slot + 1 === segment.length ? 0 : slot + 1
      segment[slot] = old[i]
    }
    slots[which] = segment
    slotCount += segment.length - old.length
  }

  /** Gives positions bits of the hash: one, or as many as are expected to be wanted. */
  const widen = (): void => {
    const mask = (1 << positionBits) - 1
    const wider = Math.max(positionBits + 1, Math.ceil(Math.log2(expected + 2)))
    for (const segment of slots) {
      for (let slot = 0; slot < segment.length; slot++) {
        const found = segment[slot]
        if (found !== 0) segment[slot] = ((found >>> positionBits) << wider) | (found & mask)
      }
    }
    positionBits = wider
  }

  const append = (number: number): void => {
    if ((size & chunkMask) === 0) chunks.push(new Float64Array(chunkSize))
    chunks[size >>> chunkBits][size & chunkMask] = number
    size++
    if (size === (1 << positionBits) - 1) widen()
  }

  return {
    size: () => size,
    chunks,
    put: (numbers, from, to, positions) => {
      // all slots are asked for before the first is looked at, so that memory is waited for once and not for each
      for (let i = from; i < to; i++) {
        const h = hash(numbers[i])
        const segment = slots[h >>> segmentShift]
        hashes[i - from] = h
        touched[i - from] = segment[home(h, segment.length)]
      }
      for (let i = from; i < to; i++) {
        const h = hashes[i - from]
        const which = h >>> segmentShift
        const segment = slots[which]
        const found = find(numbers[i], h, segment)
        positions[i - from] = found < 0 ? size : found
        if (found >= 0) continue
        segment[~found] = (h << positionBits) | (size + 1)
        append(numbers[i])
        if (++counts[which] > segment.length * fullest) grow(which)
      }
    },
    locate: (number) => {
      const h = hash(number)
      return Math.max(-1, find(number, h, slots[h >>> segmentShift]))
    },
    expect: (count) => {
      expected = count > 0 ? Math.min(count, mostExpected) : 0
    },
    bytes: () => 8 * chunkSize * chunks.length + 4 * (slotCount + homes.length)
  }
}

const home = (h: number, length: number): number => Math.floor(((h & segmentMask) * length) / (segmentMask + 1))

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

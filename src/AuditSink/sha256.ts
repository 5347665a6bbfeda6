/**
 * SHA-256 of four messages at once: one block each, by the instructions of WebAssembly that work on four words at a time.
 * That is several times as fast as plain arithmetic, and than a call of `node:crypto` for each message.
 *
 * @since 0.1.0
 */

/**
 * Messages that a block is hashed of at once. Words of the same place stand side by side: word `i` of message `m` is at
 * `lanes * i + m` of its region.
 *
 * @since 0.1.0
 */
export const lanes = 4

/**
 * @since 0.1.0
 * @category models
 */
export interface Sha256 {
  /** The first state of SHA-256, as a region. */
  readonly beginning: Region
  /** Room for so many words of each message. */
  readonly region: (words: number) => Region
  /** Room for a block, and behind it what is made of it. */
  readonly block: () => Region
  /** The states that come after the states `from` by a block. */
  readonly compress: (from: Region, block: Region, to: Region) => void
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Region {
  readonly words: Int32Array
  readonly address: number
}

/** As far as it is used here; the compiler knows it only where there is a browser. */
declare const WebAssembly: {
  readonly validate: (bytes: Uint8Array) => boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (
    module: object
  ) => {
    readonly exports: {
      readonly memory: { readonly buffer: ArrayBuffer }
      readonly compress: (from: number, block: number, to: number) => void
    }
  }
}

/**
 * Nothing where the processor has no such instructions, or WebAssembly is turned off.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (): Sha256 | undefined => {
  if (typeof WebAssembly === "undefined") return undefined
  const bytes = Uint8Array.from(program())
  if (!WebAssembly.validate(bytes)) return undefined
  const { compress, memory } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports
  let end = 0
  const room = (length: number): Region => {
    const address = end
    end += 4 * length
    return { words: new Int32Array(memory.buffer, address, length), address }
  }
  const region = (words: number): Region => room(lanes * words)
  room(rounds).words.set(constants)
  const beginning = region(8)
  beginning.words.forEach((_, i) => {
    beginning.words[i] = first[Math.floor(i / lanes)]
  })
  return {
    beginning,
    region,
    block: () => region(rounds),
    compress: (from, block, to) => compress(from.address, block.address, to.address)
  }
}

const rounds = 64

/** The first 32 bits behind the point of a root. */
const fraction = (root: number): number => (root - Math.floor(root)) * 0x1_0000_0000

const primes = Array.from({ length: 312 }, (_, n) => n).filter((n) => {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false
  return n > 1
})

// FIPS 180-4, 4.2.2 and 5.3.3
const constants = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)))
const first = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)))

type Code = ReadonlyArray<number>

/** An unsigned integer below 2^14 in LEB128. */
const integer = (value: number): Code => (value < 128 ? [value] : [(value & 127) | 128, value >> 7])
const sized = (code: Code): Code => [...integer(code.length), ...code]
const section = (id: number, code: Code): Code => [id, ...sized(code)]
const name = (text: string): Code => sized([...text].map((letter) => letter.charCodeAt(0)))

// what the function holds: three addresses that it is given, two that it counts up, eight words of the state, one more word
const [fromAt, blockAt, toAt, wordAt, constantAt] = [0, 1, 2, 3, 4]
const state = [5, 6, 7, 8, 9, 10, 11, 12]
const held = 13

const get = (local: number): Code => [0x20, local]
const set = (local: number, value: Code): Code => [...value, 0x21, local]
/** Below 2^13; in two bytes, as the highest bit of the last one would be a sign. */
const whole = (value: number): Code => [0x41, (value & 127) | 128, value >> 7]
const forward = (address: number, by: number): Code => set(address, [...get(address), ...whole(by), 0x6a])

const vector = (operation: number, ...operands: ReadonlyArray<Code>): Code => [
  ...operands.flat(),
  0xfd,
  ...integer(operation)
]
const load = (address: number, word: number): Code => [...vector(0x00, get(address)), 4, ...integer(16 * word)]
const store = (address: number, word: number, value: Code): Code => [
  ...vector(0x0b, get(address), value),
  4,
  ...integer(16 * word)
]
/** The same word of 32 bits for all messages. */
const spread = (address: number, word: number): Code => [...vector(0x09, get(address)), 2, ...integer(4 * word)]
const add = (...[one, ...others]: ReadonlyArray<Code>): Code => others.reduce((a, b) => vector(0xae, a, b), one)
const xor = (...[one, ...others]: ReadonlyArray<Code>): Code => others.reduce((a, b) => vector(0x51, a, b), one)
/** Bits of the one where the mask has them, and of the other elsewhere. */
const select = (one: Code, other: Code, mask: Code): Code => vector(0x52, one, other, mask)
const shift = (local: number, by: number): Code => vector(0xad, get(local), whole(by))
const rotate = (local: number, by: number): Code =>
  vector(0x50, shift(local, by), vector(0xab, get(local), whole(32 - by)))

/** Again for as long as the address is below `end`. */
const loop = (address: number, end: Code, body: Code): Code => [
  ...[0x03, 0x40, ...body],
  ...[...get(address), ...end, 0x49, 0x0d, 0x00, 0x0b]
]

/** FIPS 180-4, 6.2.2. */
const compression = (): Code => {
  const schedule = [
    ...set(held, load(wordAt, 1)),
    ...add(load(wordAt, 0), load(wordAt, 9), xor(rotate(held, 7), rotate(held, 18), shift(held, 3)), [
      ...set(held, load(wordAt, 14)),
      ...xor(rotate(held, 17), rotate(held, 19), shift(held, 10))
    ])
  ]
  // a round moves each variable on to the next name: after eight of them each has its own again
  const eightRounds = state.flatMap((_, i) => {
    const [a, b, c, d, e, f, g, h] = state.map((_, at) => state[(at - i + 8) % 8])
    return [
      ...set(
        h,
        add(
          get(h),
          xor(rotate(e, 6), rotate(e, 11), rotate(e, 25)),
          select(get(f), get(g), get(e)),
          spread(constantAt, i),
          load(wordAt, i)
        )
      ),
      ...set(d, add(get(d), get(h))),
      ...set(
        h,
        add(get(h), xor(rotate(a, 2), rotate(a, 13), rotate(a, 22)), select(get(c), get(a), xor(get(a), get(b))))
      )
    ]
  })
  const behind = (words: number): Code => [...get(blockAt), ...whole(16 * words), 0x6a]
  return [
    ...set(wordAt, get(blockAt)),
    ...loop(wordAt, behind(rounds - 16), [
      ...vector(0x0b, get(wordAt), schedule),
      ...[4, ...integer(16 * 16)],
      ...forward(wordAt, 16)
    ]),
    ...state.flatMap((local, i) => set(local, load(fromAt, i))),
    ...set(wordAt, get(blockAt)),
    ...loop(wordAt, behind(rounds), [...eightRounds, ...forward(wordAt, 8 * 16), ...forward(constantAt, 8 * 4)]),
    ...state.flatMap((local, i) => store(toAt, i, add(load(fromAt, i), get(local))))
  ]
}

/** A module of one function and one page of memory, at whose beginning the constants are. */
const program = (): Code => {
  const [i32, v128] = [0x7f, 0x7b]
  const locals = [2, 2, i32, state.length + 1, v128]
  return [
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 3, i32, i32, i32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...name("memory"), 2, 0, ...name("compress"), 0, 0]),
    ...section(10, [1, ...sized([...locals, ...compression(), 0x0b])])
  ]
}

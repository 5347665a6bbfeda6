/**
 * HMAC-SHA-256 of what is as short as a phone number, in plain arithmetic: from the key's two states, which are computed
 * once, each takes two blocks, and that is done sooner than a call of `node:crypto` returns.
 *
 * @since 0.1.0
 */
import * as Crypto from "node:crypto"
import { type Packed, quoted, textsOf } from "../DncEntry/packed.js"

const block = 64

/** What fits in one block with its end (a bit and the length). */
const longest = block - 9

/**
 * The HMAC-SHA-256 of texts under one key, in hex: as strings, or as bytes.
 *
 * @since 0.1.0
 */
export const hmac = (
  key: string
): {
  readonly of: (texts: ReadonlyArray<string>) => ReadonlyArray<string>
  readonly lines: (texts: ReadonlyArray<string> | Packed) => Packed
} => {
  const given = Buffer.from(key, "utf8")
  const padded = Buffer.alloc(block)
  const short = given.length > block ? Crypto.createHash("sha256").update(given).digest() : given
  short.copy(padded)
  const inner = stateOf(padded, 0x36363636)
  const outer = stateOf(padded, 0x5c5c5c5c)

  /** Of the message in `words`. */
  const finish = (to: Buffer, at: number): void => {
    compress(inner, words)
    words[8] = 0x80000000
    words.fill(0, 9, 15)
    words[15] = (block + 32) * 8
    compress(outer, words)
    for (let i = 0; i < 8; i++) {
      const word = words[i]
      to[at] = hexDigits[word >>> 28]
      to[at + 1] = hexDigits[(word >>> 24) & 0xf]
      to[at + 2] = hexDigits[(word >>> 20) & 0xf]
      to[at + 3] = hexDigits[(word >>> 16) & 0xf]
      to[at + 4] = hexDigits[(word >>> 12) & 0xf]
      to[at + 5] = hexDigits[(word >>> 8) & 0xf]
      to[at + 6] = hexDigits[(word >>> 4) & 0xf]
      to[at + 7] = hexDigits[word & 0xf]
      at += 8
    }
  }

  const lines = (texts: ReadonlyArray<string> | Packed): Packed => {
    const { length } = texts
    const oneALine = "lines" in texts && texts.separator === undefined ? texts.lines : undefined
    const strings = oneALine !== undefined ? [] : "lines" in texts ? textsOf(texts) : texts
    const hex = Buffer.allocUnsafe(Math.max(0, length * (hexLength + quoted.length) - quoted.length))
    let start = 0
    for (let i = 0; i < length; i++) {
      const at = i * (hexLength + quoted.length)
      if (i > 0) for (let j = 0; j < quoted.length; j++) hex[at - quoted.length + j] = quotedBytes[j]
      if (oneALine !== undefined) {
        start = fillLine(oneALine, start)
        finish(hex, at)
      } else if (fill(strings[i])) finish(hex, at)
      else hex.write(Crypto.createHmac("sha256", given).update(strings[i], "utf8").digest("hex"), at, "latin1")
    }
    return { lines: hex, length, separator: quoted }
  }

  return { of: (texts) => textsOf(lines(texts)), lines }
}

const hexLength = 64
const hexDigits = Buffer.from("0123456789abcdef")
const quotedBytes = Buffer.from(quoted)

/** The message of one block, and behind it what SHA-256 makes of it. */
const words = new Int32Array(64)

/** Writes a text and its end as the second block of a message; false where it is too long, or not ASCII. */
const fill = (text: string): boolean => {
  const { length } = text
  if (length > longest) return false
  words.fill(0, 0, 15)
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return false
    words[i >> 2] |= code << (24 - 8 * (i & 3))
  }
  words[length >> 2] |= 0x80 << (24 - 8 * (length & 3))
  words[15] = (block + length) * 8
  return true
}

/** Writes the number of the line that begins there; returns where the next one does. */
const fillLine = (lines: Uint8Array, start: number): number => {
  words.fill(0, 0, 15)
  let length = 0
  for (let at = start; at < lines.length && lines[at] !== 0x0a; at++, length++) {
    words[length >> 2] |= lines[at] << (24 - 8 * (length & 3))
  }
  words[length >> 2] |= 0x80 << (24 - 8 * (length & 3))
  words[15] = (block + length) * 8
  return start + length + 1
}

/** SHA-256 after its first block, the key with each byte changed. */
const stateOf = (key: Buffer, pad: number): Int32Array => {
  for (let i = 0; i < 16; i++) words[i] = key.readInt32BE(i * 4) ^ pad
  const state = new Int32Array(8)
  compress(beginning, state)
  return state
}

/** The first 32 bits behind the point of a root. */
const fraction = (root: number): number => (root - Math.floor(root)) * 0x1_0000_0000

const primes = Array.from({ length: 312 }, (_, n) => n).filter((n) => {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false
  return n > 1
})

// FIPS 180-4, 4.2.2 and 5.3.3
const constants = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)))
const beginning = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)))

/** One block, which is in `words`, after the state `from`: FIPS 180-4, 6.2.2. */
const compress = (from: Int32Array, to: Int32Array): void => {
  const w = words
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15]
    const y = w[i - 2]
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0
  }
  let a = from[0]
  let b = from[1]
  let c = from[2]
  let d = from[3]
  let e = from[4]
  let f = from[5]
  let g = from[6]
  let h = from[7]
  // Four rounds at a time. A round moves each variable on to the next name: these work under the names of before, and
  // after four of them it is two halves that change places.
  for (let i = 0; i < 64; i += 4) {
    h = (h + sum1(e) + (g ^ (e & (f ^ g))) + constants[i] + w[i]) | 0
    d = (d + h) | 0
    h = (h + sum0(a) + ((a & b) | (c & (a | b)))) | 0

    g = (g + sum1(d) + (f ^ (d & (e ^ f))) + constants[i + 1] + w[i + 1]) | 0
    c = (c + g) | 0
    g = (g + sum0(h) + ((h & a) | (b & (h | a)))) | 0

    f = (f + sum1(c) + (e ^ (c & (d ^ e))) + constants[i + 2] + w[i + 2]) | 0
    b = (b + f) | 0
    f = (f + sum0(g) + ((g & h) | (a & (g | h)))) | 0

    e = (e + sum1(b) + (d ^ (b & (c ^ d))) + constants[i + 3] + w[i + 3]) | 0
    a = (a + e) | 0
    e = (e + sum0(f) + ((f & g) | (h & (f | g)))) | 0

    const a4 = a
    const b4 = b
    const c4 = c
    const d4 = d
    a = e
    b = f
    c = g
    d = h
    e = a4
    f = b4
    g = c4
    h = d4
  }
  to[0] = from[0] + a
  to[1] = from[1] + b
  to[2] = from[2] + c
  to[3] = from[3] + d
  to[4] = from[4] + e
  to[5] = from[5] + f
  to[6] = from[6] + g
  to[7] = from[7] + h
}

const sum0 = (a: number): number => ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))

const sum1 = (e: number): number => ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))

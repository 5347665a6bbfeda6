/**
 * HMAC-SHA-256 of what is as short as a phone number: from the key's two states, which are computed once, each takes two
 * blocks.
 *
 * @since 0.1.0
 */
import * as Crypto from "node:crypto"
import { type Packed, quoted, textsOf, type Unwritten } from "../DncEntry/packed.js"
import * as Sha256 from "./sha256.js"

const block = 64

/** What fits in one block with its end (a bit and the length). */
const longest = block - 9

/**
 * The HMAC-SHA-256 of texts under one key, in hex: as strings, or as bytes that are still to be written.
 *
 * @since 0.1.0
 */
export const hmac = (
  key: string
): {
  readonly of: (texts: ReadonlyArray<string>) => ReadonlyArray<string>
  readonly unwritten: (texts: ReadonlyArray<string> | Packed) => Unwritten
} => {
  const given = Buffer.from(key, "utf8")
  keying ??= makeKeying()
  const keyed = keying?.(given)
  const oneByOne = (text: string): string => Crypto.createHmac("sha256", given).update(text, "utf8").digest("hex")

  const unwritten = (texts: ReadonlyArray<string> | Packed): Unwritten => {
    const { length } = texts
    const bytes = Math.max(0, length * step - quoted.length)
    const write = (to: Buffer, at: number): void => {
      for (let end = at + hexLength; end < at + bytes; end += step) {
        for (let i = 0; i < quoted.length; i++) to[end + i] = quotedBytes[i]
      }
      const lines = keyed === undefined ? undefined : linesOf(texts)
      if (keyed === undefined || lines === undefined) {
        for (const [i, text] of stringsOf(texts).entries()) to.write(oneByOne(text), at + i * step, "latin1")
      } else keyed(lines, length, to, at)
    }
    return { bytes, write, length }
  }

  return { of: (texts) => textsOf(unwritten(texts)), unwritten }
}

const hexLength = 64
const quotedBytes = Buffer.from(quoted)

/** From the beginning of one to that of the next. */
const step = hexLength + quoted.length

const stringsOf = (texts: ReadonlyArray<string> | Packed): ReadonlyArray<string> =>
  "lines" in texts ? textsOf(texts) : texts

/** One a line, where each fits in a block. */
const linesOf = (texts: ReadonlyArray<string> | Packed): Uint8Array | undefined => {
  if ("lines" in texts) return texts.lines
  const strings = stringsOf(texts)
  const isShort = strings.every((text) => text.length <= longest && oneLine.test(text))
  return isShort ? Buffer.from(strings.join("\n"), "latin1") : undefined
}

const newline = 0x0a
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII but the end of a line
const oneLine = /^[\x00-\x09\x0b-\x7f]*$/

/** Writes the HMAC of each line in hex, `step` bytes apart. */
type Keyed = (lines: Uint8Array, length: number, to: Uint8Array, at: number) => void

/** One for all keys, made once somebody hashes. */
let keying: ((key: Uint8Array) => Keyed) | undefined

const makeKeying = (): typeof keying => {
  const sha256 = Sha256.make()
  if (sha256 === undefined) return undefined
  const { lanes } = Sha256
  const { beginning, compress } = sha256
  const inner = sha256.region(8)
  const outer = sha256.region(8)
  const message = sha256.block()
  const second = sha256.block()
  const digests = sha256.region(8)
  // the end of what the outer hash is of, a digest
  second.words.fill(0x80000000, 8 * lanes, 9 * lanes)
  second.words.fill((block + 32) * 8, 15 * lanes, 16 * lanes)

  /** Writes the line that begins there, and its end, as the second block of a message; returns where the next one begins. */
  const fill = (lane: number, lines: Uint8Array, start: number): number => {
    const { words } = message
    let length = 0
    for (let at = start; at < lines.length && lines[at] !== newline; at++, length++) {
      words[(length >> 2) * lanes + lane] |= lines[at] << (24 - 8 * (length & 3))
    }
    words[(length >> 2) * lanes + lane] |= 0x80 << (24 - 8 * (length & 3))
    words[15 * lanes + lane] = (block + length) * 8
    return start + length + 1
  }

  /** SHA-256 after its first block, the key with each byte changed. */
  const stateOf = (key: Buffer, pad: number): Int32Array => {
    for (let i = 0; i < 16; i++) message.words.fill(key.readInt32BE(i * 4) ^ pad, i * lanes, (i + 1) * lanes)
    compress(beginning, message, digests)
    return digests.words.slice()
  }

  return (key) => {
    const padded = Buffer.alloc(block)
    padded.set(key.length > block ? Crypto.createHash("sha256").update(key).digest() : key)
    const [ofInner, ofOuter] = [stateOf(padded, 0x36363636), stateOf(padded, 0x5c5c5c5c)]
    return (lines, length, to, at) => {
      const hex = new DataView(to.buffer, to.byteOffset, to.length)
      inner.words.set(ofInner)
      outer.words.set(ofOuter)
      let start = 0
      for (let from = 0; from < length; from += lanes) {
        const count = Math.min(lanes, length - from)
        message.words.fill(0, 0, 16 * lanes)
        for (let lane = 0; lane < count; lane++) start = fill(lane, lines, start)
        compress(inner, message, second)
        compress(outer, second, digests)
        for (let lane = 0; lane < count; lane++) writeHex(hex, at + (from + lane) * step, digests.words, lane)
      }
    }
  }
}

/** The two digits of each byte. */
const digits = Uint16Array.from({ length: 256 }, (_, byte) =>
  Buffer.from(byte.toString(16).padStart(2, "0")).readUInt16BE()
)

const writeHex = (hex: DataView, at: number, words: Int32Array, lane: number): void => {
  for (let i = lane; i < 8 * Sha256.lanes; i += Sha256.lanes, at += 8) {
    const word = words[i]
    hex.setUint16(at, digits[word >>> 24])
    hex.setUint16(at + 2, digits[(word >>> 16) & 0xff])
    hex.setUint16(at + 4, digits[(word >>> 8) & 0xff])
    hex.setUint16(at + 6, digits[word & 0xff])
  }
}

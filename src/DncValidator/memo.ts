/**
 * What is known of cells that come again and again: of reasons, ends and countries a file holds few.
 *
 * @since 0.1.0
 */
import * as Plain from "../SuppressionFile/Plain.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Memo<A> {
  readonly ofText: (text: string) => A
  /** The same of ASCII, of which a text is made only where it is not known. */
  readonly ofBytes: (bytes: DataView, from: number, to: number) => A
}

/** Texts that are kept: those of a file that repeats none must not fill the memory. */
const mostTexts = 20_000

/** Cells that are found by their bytes; one that takes the place of another is found by its text again. */
const slotBits = 12
const longest = 32

/** Four bytes are looked at at once. */
const word = 4
const wordsOfSlot = longest / word
const factor = 0x9e3779b1

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = <A>(f: (text: string) => A): Memo<A> => {
  const texts = new Map<string, { readonly answer: A }>()
  const empty = f("")
  const words = new Int32Array(wordsOfSlot << slotBits)
  const lengths = new Uint8Array(1 << slotBits)
  const answers: Array<A> = new Array(1 << slotBits).fill(empty)

  const ofText = (text: string): A => {
    if (text === "") return empty
    let known = texts.get(text)
    if (known === undefined) {
      if (texts.size >= mostTexts) texts.clear()
      known = { answer: f(text) }
      texts.set(text, known)
    }
    return known.answer
  }

  return {
    ofText,
    ofBytes: (bytes, from, to) => {
      const length = to - from
      if (length === 0) return empty
      if (length > longest) return ofText(textOf(bytes, from, to))
      // the last word overlaps the one before
      const last = length < word ? shortWord(bytes, from, to) : bytes.getInt32(to - word, true)
      let hash = Math.imul(last ^ length, factor)
      for (let at = from; at < to - word; at += word) {
        hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ bytes.getInt32(at, true), factor)
      }
      const slot = hash >>> (32 - slotBits)
      const start = slot * wordsOfSlot
      let same = lengths[slot] === length && words[start] === last
      for (let at = from, i = start + 1; same && at < to - word; at += word)
        same = words[i++] === bytes.getInt32(at, true)
      if (!same) {
        answers[slot] = ofText(textOf(bytes, from, to))
        lengths[slot] = length
        words[start] = last
        for (let at = from, i = start + 1; at < to - word; at += word) words[i++] = bytes.getInt32(at, true)
      }
      return answers[slot]
    }
  }
}

const shortWord = (bytes: DataView, from: number, to: number): number => {
  let value = 0
  for (let at = from; at < to; at++) value = (value << 8) | bytes.getUint8(at)
  return value
}

const textOf = ({ buffer, byteLength, byteOffset }: DataView, from: number, to: number): string =>
  Plain.text(Buffer.from(buffer, byteOffset, byteLength), from, to)

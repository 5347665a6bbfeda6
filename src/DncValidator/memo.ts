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
  readonly ofBytes: (bytes: Buffer, from: number, to: number) => A
}

/** Texts that are kept: those of a file that repeats none must not fill the memory. */
const mostTexts = 20_000

/** Cells that are found by their bytes; one that takes the place of another is found by its text again. */
const slots = 1 << 12
const longest = 32

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = <A>(f: (text: string) => A): Memo<A> => {
  const texts = new Map<string, { readonly answer: A }>()
  const empty = f("")
  const bytesOf = new Uint8Array(slots * longest)
  const lengths = new Uint8Array(slots)
  const answers: Array<A> = new Array(slots).fill(empty)

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
      if (length > longest) return ofText(Plain.text(bytes, from, to))
      let hash = length
      for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193)
      const slot = (hash ^ (hash >>> 15)) & (slots - 1)
      const start = slot * longest
      let same = lengths[slot] === length
      for (let i = 0; same && i < length; i++) same = bytesOf[start + i] === bytes[from + i]
      if (!same) {
        answers[slot] = ofText(Plain.text(bytes, from, to))
        lengths[slot] = length
        bytesOf.set(bytes.subarray(from, to), start)
      }
      return answers[slot]
    }
  }
}

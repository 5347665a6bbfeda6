/**
 * What numbering plans are compiled to, and how it is unpacked.
 */
import { createHash } from "node:crypto"
import { inflateRawSync } from "node:zlib"

/** Cells of a state in an automaton: where each digit leads, and the answer where the digits end. */
export const width = 11

/**
 * What becomes of the front of a number: it is `insert`, the digits from `from` to before `to`, and those from `rest`. The
 * first leaves a number as it is.
 */
export type Cut = readonly [insert: string, from: number, to: number, rest: number]

/** The numbering plan of a country, or of a calling code that belongs to none. */
export interface Plan {
  /** ISO 3166; empty where it is none's. */
  readonly country: string
  /** Possible lengths of a national number, in ascending order. */
  readonly lengths: ReadonlyArray<number>
  /** Where the automaton for the way out of the country begins: what is cut off before a calling code. */
  readonly idd: number
  /** The same for the national prefix. */
  readonly prefix: number
}

export interface Tables {
  /** The version of libphonenumber-js whose metadata they are made of. */
  readonly library: string
  readonly fingerprint: string
  readonly codes: ReadonlyArray<{ readonly code: number; readonly root: number; readonly plans: ReadonlyArray<Plan> }>
  /**
   * What is known of a national number: the plan that is certain, or −1; those in which it is valid, as bits in their order
   * within the calling code; and those whose general pattern it matches.
   */
  readonly answers: ReadonlyArray<readonly [exact: number, valid: number, general: number]>
  readonly cuts: ReadonlyArray<Cut>
  /** Two bytes a cell, the lower first; deflated, base64. */
  readonly nationals: string
  readonly prefixes: string
}

/** Of the library's metadata. */
export const fingerprint = (metadata: object): string =>
  createHash("sha256").update(JSON.stringify(metadata)).digest("hex")

export const unpack = (packed: string): Uint16Array => {
  const bytes = inflateRawSync(Buffer.from(packed, "base64"))
  const cells = new Uint16Array(bytes.length / 2)
  for (let index = 0; index < cells.length; index++) cells[index] = bytes[2 * index] | (bytes[2 * index + 1] << 8)
  return cells
}

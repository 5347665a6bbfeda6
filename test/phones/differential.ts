/**
 * The fast way and the library, cell by cell: number, country and validity.
 */
import { type CountryCode, parsePhoneNumberFromString } from "libphonenumber-js/max"
import * as Phone from "../../src/Phone.js"
import { type Cell, draw, type Kind, kinds, makeRandom, plans } from "./inputs.js"

/** What the library says of a cell; `0` where it is no valid number. */
export const library = (text: string, defaultCountry: CountryCode): string => {
  const phone = parsePhoneNumberFromString(text, { defaultCountry, extract: false })
  return phone?.isValid()
    ? `${phone.number.slice(1)} ${phone.country}${phone.ext === undefined ? "" : ` x${phone.ext}`}`
    : "0"
}

const buffer = new Uint8Array(4096)
const encoder = new TextEncoder()

/** What the fast way says; `undefined` where it leaves that to the library. */
export const fast = (text: string, defaultCountry: CountryCode): string | undefined => {
  const { country, ofBytes, ofText } = Phone.parser(defaultCountry)
  // some bytes of another cell before and behind
  buffer.fill(52, 0, 3)
  const { written } = encoder.encodeInto(text, buffer.subarray(3))
  buffer.fill(52, 3 + written, 6 + written)
  const ofText_ = ofText(text)
  const textCountry = country()
  const ofBytes_ = ofBytes(buffer, 3, 3 + written)
  if (ofText_ !== ofBytes_) return `${ofText_} as text, ${ofBytes_} as bytes`
  if (ofText_ < 0) return undefined
  return ofText_ === 0 ? "0" : `${ofText_} ${textCountry}`
}

export interface Disagreement extends Cell {
  readonly kind: Kind
  readonly fast: string
  readonly library: string
}

export interface Counts {
  inputs: number
  /** By the fast way itself. */
  answered: number
  valid: number
}

export interface Report {
  readonly counts: Readonly<Record<Kind, Counts>>
  readonly disagreements: ReadonlyArray<Disagreement>
}

/** As many cells, the kinds and the plans in turn. */
export const compare = (inputs: number, seed: number, progress?: (done: number) => void): Report => {
  const random = makeRandom(seed)
  const counts = Object.fromEntries(
    kinds.map((kind) => [kind, { inputs: 0, answered: 0, valid: 0 }])
  ) as unknown as Record<Kind, Counts>
  const disagreements: Array<Disagreement> = []
  for (let done = 0; done < inputs; done++) {
    const kind = kinds[done % kinds.length]
    const plan = plans[Math.floor(done / kinds.length) % plans.length]
    const cell = draw(kind, plan, random)
    const count = counts[kind]
    count.inputs++
    if (done % 10_000 === 0) progress?.(done)
    const ours = fast(cell.text, cell.home)
    if (ours === undefined) continue
    count.answered++
    const theirs = library(cell.text, cell.home)
    if (theirs !== "0") count.valid++
    if (ours !== theirs) disagreements.push({ ...cell, kind, fast: ours, library: theirs })
  }
  return { counts, disagreements }
}

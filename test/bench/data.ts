/**
 * A suppression file of any length and what has to be on the list after it. The same seed gives the same bytes. Its
 * numbers are drawn at random from ranges that are in use, so they may belong to somebody: they never leave this machine.
 */
import { createHash } from "node:crypto"
import * as Fs from "node:fs/promises"
import type { DncEntry } from "genesys-dnc"
import * as Base from "../support/random.js"

export interface Value {
  readonly reason: DncEntry.Reason
  /** An instant; `null` means for ever. */
  readonly expires: string | null
  readonly weight: number
}

/** From the loosest to the strictest. */
export const values: ReadonlyArray<Value> = [
  { reason: "UNSPECIFIED", expires: "2071-01-31T00:00:00.000Z", weight: 0.05 },
  { reason: "CUSTOMER_REQUEST", expires: "2071-01-31T00:00:00.000Z", weight: 0.15 },
  { reason: "CUSTOMER_REQUEST", expires: "2086-06-30T12:00:00.000Z", weight: 0.15 },
  { reason: "CUSTOMER_REQUEST", expires: null, weight: 0.4 },
  { reason: "REGULATORY", expires: null, weight: 0.25 }
]

export interface Corpus {
  readonly path: string
  readonly rows: number
  readonly seed: number
  readonly bytes: number
  readonly sha256: string
  /** The digits of each valid number and the index of its strictest value. */
  readonly expected: ReadonlyMap<number, number>
  /** Distinct numbers that the `min` metadata calls valid though nobody can have them. */
  readonly unassigned: number
}

/** Repeated numbers stand so many valid rows apart at least, so that no slice of the baseline holds one twice. */
const repeatDistance = 2000

const areas = {
  US: "201 202 206 212 213 214 215 216 240 248 253 267 281 301 303 310 312 313 314 317 323 330 336 347 352 360 401 402 404 405 407 408 410 412 414 415 419 425 432 469 478 480 501 502 503 510 512 513 516 518 530 540 551 561 562 571 585 602 603 609 612 614 617 619 626 646 650 661 678 702 703 706 713 714 716 718 720 727 732 757 760 770 773 785 801 804 805 813 816 818 832 845 847 858 860 901 904 909 913 916 917 919 925 937 941 949 951 954 972 978 985",
  CA: "204 226 236 249 250 289 306 343 365 403 416 418 431 437 438 450 506 514 519 604 613 647 705 778 780 819 902 905"
}
const usAreas = areas.US.split(" ")
const caAreas = areas.CA.split(" ")

interface Random extends Base.Random {
  readonly digits: (count: number) => string
}

const makeRandom = (seed: number): Random => {
  const random = Base.makeRandom(seed)
  return { ...random, digits: (count) => String(random.below(10 ** count)).padStart(count, "0") }
}

/** E.164 digits, valid by every metadata: US 50 %, CA 10 %, GB 15 %, DE 15 %, FR 10 %. */
const drawNumber = ({ below, digits, number, pick }: Random): string => {
  const country = number()
  if (country < 0.5) return `1${pick(usAreas)}${2 + below(8)}${digits(6)}`
  if (country < 0.6) return `1${pick(caAreas)}${2 + below(8)}${digits(6)}`
  const line = number()
  if (country < 0.75) return line < 0.7 ? `447${1 + below(3)}${digits(8)}` : `44207${digits(7)}`
  if (country < 0.9) return line < 0.7 ? `49151${digits(8)}` : `4930${1 + below(9)}${digits(7)}`
  return line < 0.7 ? `336${below(3)}${digits(7)}` : `3314${1 + below(9)}${digits(6)}`
}

/** As people write it: national where the country is the default one's plan, with its calling code elsewhere. */
const format = (number: string, { below }: Random): string => {
  if (number.startsWith("1")) {
    const [area, exchange, line] = [number.slice(1, 4), number.slice(4, 7), number.slice(7)]
    return [
      `(${area}) ${exchange}-${line}`,
      `${area}-${exchange}-${line}`,
      `${area}.${exchange}.${line}`,
      `${area}${exchange}${line}`,
      `1-${area}-${exchange}-${line}`,
      `+1 (${area}) ${exchange}-${line}`
    ][below(6)]
  }
  const [code, rest] = [number.slice(0, 2), number.slice(2)]
  const pairs = rest.replace(/(\d\d)(?=\d)/g, "$1 ")
  return [
    `+${code} ${pairs}`,
    `+${code}-${rest.slice(0, 3)}-${rest.slice(3)}`,
    `+${code} (0)${pairs}`,
    `011 ${code} ${pairs}`
  ][below(4)]
}

const words = ["n/a", "unknown", "call reception", "see notes", "000-000-0000", "123-456-7890", "0"]

/** What is not valid by any metadata, or not in the five countries. */
const drawJunk = ({ below, digits, number, pick }: Random): string => {
  const kind = number()
  if (kind < 0.45) return pick([`+346${digits(8)}`, `+55119${digits(8)}`, `+61412${digits(6)}`])
  if (kind < 0.75) return `555-${digits(4)}`
  return below(10) === 0 ? "" : pick(words)
}

/** French mobile numbers that are not in use; the `min` metadata looks at their length only. */
const drawUnassigned = ({ digits }: Random): string => `33639${digits(6)}`

const drawValue = ({ number }: Random): number => {
  let left = number()
  const index = values.findIndex(({ weight }) => (left -= weight) < 0)
  return index < 0 ? values.length - 1 : index
}

/** The phone numbers of such a file by themselves. */
export const cells = (count: number, seed: number): ReadonlyArray<string> => {
  const random = makeRandom(seed)
  return Array.from({ length: count }, () => {
    const kind = random.number()
    if (kind < 0.6) return `+${drawNumber(random)}`
    if (kind < 0.9) return format(drawNumber(random), random)
    return kind < 0.99 ? drawJunk(random) : `+${drawUnassigned(random)}`
  })
}

/** Writes the file: 60 % E.164, 30 % formatted, 10 % junk, a tenth of it unassigned; 0.5 % of valid rows repeat a number. */
export const write = async (path: string, rows: number, seed: number): Promise<Corpus> => {
  const random = makeRandom(seed)
  const expected = new Map<number, number>()
  const issued: Array<string> = []
  const unassigned = new Set<string>()
  const hash = createHash("sha256")
  const file = await Fs.open(path, "w", 0o600)
  let bytes = 0
  let text = "phone,reason,expires\n"

  const drawNew = (): string => {
    for (;;) {
      const number = drawNumber(random)
      if (!expected.has(Number(number))) return number
    }
  }
  const flush = async (): Promise<void> => {
    const buffer = Buffer.from(text)
    text = ""
    hash.update(buffer)
    bytes += buffer.length
    await file.appendFile(buffer)
  }

  try {
    for (let row = 0; row < rows; row++) {
      const kind = random.number()
      const value = drawValue(random)
      let phone: string
      if (kind < 0.9) {
        const old = issued.length - repeatDistance
        const number = old > 0 && random.number() < 0.005 ? issued[random.below(old)] : drawNew()
        issued.push(number)
        expected.set(Number(number), Math.max(value, expected.get(Number(number)) ?? 0))
        phone = kind < 0.6 ? `+${number}` : format(number, random)
      } else if (kind < 0.99) phone = drawJunk(random)
      else {
        let number = drawUnassigned(random)
        while (unassigned.has(number)) number = drawUnassigned(random)
        unassigned.add(number)
        phone = `+${number}`
      }
      text += `${phone},${values[value].reason},${values[value].expires ?? ""}\n`
      if (text.length > 1 << 20) await flush()
    }
    await flush()
  } finally {
    await file.close()
  }
  return { path, rows, seed, bytes, sha256: hash.digest("hex"), expected, unassigned: unassigned.size }
}

/** Numbers of one area, each with one of so many ends at random, all within what the published API takes as an end. */
export const writeEnds = async (path: string, rows: number, ends: number, seed: number) => {
  const random = makeRandom(seed)
  const firstEnd = Math.ceil(Date.now() / 86_400_000 + 1) * 86_400_000
  const perEnd = new Uint32Array(ends)
  const file = await Fs.open(path, "w", 0o600)
  let text = "phone,expires\n"
  for (let row = 0; row < rows; row++) {
    const end = random.below(ends)
    perEnd[end]++
    text += `+1415${2_000_000 + row},${new Date(firstEnd + end * 900_000).toISOString()}\n`
    if (text.length > 1 << 20 || row === rows - 1) {
      await file.appendFile(text)
      text = ""
    }
  }
  await file.close()
  return { path, rows, seed, distinct: rows, perEnd }
}

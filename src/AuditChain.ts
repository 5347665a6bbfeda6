/**
 * What makes tampering with the audit log evident: each record carries its place, the digest of the record before it and
 * its own, each over the canonical JSON of RFC 8785, so that the digest of the last one stands for all of them. Who can
 * write the log can also write another whole chain: what proves that it is the same one is a digest kept elsewhere.
 *
 * @since 0.1.0
 */
import { hash } from "node:crypto"
import * as AuditSignature from "./AuditSignature.js"
import { type Allocate, type Packed, toJson, type Unwritten, withNumbers } from "./DncEntry/packed.js"

/**
 * The end of a chain: how many records it has, and the digest of the last one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Head {
  readonly sequence: number
  /** SHA-256 in hex. */
  readonly digest: string
}

/**
 * What the chain adds to a record.
 *
 * @since 0.1.0
 * @category models
 */
export interface Link {
  /** Place in the log, from 1, over all runs. */
  readonly sequence: number
  /** The digest of the record before; that of the first record has only zeros. */
  readonly previous: string
  /** SHA-256 in hex of the record's canonical JSON without this field. */
  readonly digest: string
}

/**
 * The chain that has no record yet.
 *
 * @since 0.1.0
 */
export const empty: Head = { sequence: 0, digest: "0".repeat(64) }

/**
 * JSON in its one canonical form (RFC 8785): no spaces, names in the order of their UTF-16 code units. Fields that are
 * `undefined` are left out; what JSON cannot say is a defect.
 *
 * @since 0.1.0
 * @category conversions
 */
export const canonical = (value: unknown): string => {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return JSON.stringify(value)
  if (typeof value === "number" && Number.isFinite(value)) return JSON.stringify(value)
  if (Array.isArray(value)) {
    // the numbers of a batch: by far the longest, and JSON as it comes
    return value.every((item) => typeof item === "string")
      ? JSON.stringify(value)
      : `[${value.map(canonical).join(",")}]`
  }
  if (typeof value === "object") {
    const object = value as Fields
    return `{${namesOf(object)
      .map((name) => field(object, name))
      .join(",")}}`
  }
  throw new TypeError(`JSON cannot say ${String(value)}`)
}

type Fields = Readonly<Record<string, unknown>>

const namesOf = (object: Fields): Array<string> =>
  Object.keys(object)
    .filter((name) => object[name] !== undefined)
    .sort()

const field = (object: Fields, name: string): string => `${JSON.stringify(name)}:${canonical(object[name])}`

/**
 * The canonical JSON, in UTF-8, of an object that has these numbers as its `phoneNumbers` besides. Behind it there is room
 * for its digest.
 */
const withPhoneNumbers = (object: Fields, numbers: Packed | Unwritten, allocate?: Allocate): Buffer => {
  let before = ""
  let after = ""
  for (const name of namesOf(object)) {
    if (name < "phoneNumbers") before += `${field(object, name)},`
    else after += `,${field(object, name)}`
  }
  return toJson(`{${before}"phoneNumbers":[`, numbers, `]${after}}`, withDigest(empty.digest).length - 1, allocate)
}

const sha256 = (json: string | Buffer): string => hash("sha256", json)

/** What takes the place of the last bracket of a record's JSON. */
const withDigest = (digest: string): string => `,"digest":"${digest}"}`

/**
 * A record as it follows on a chain.
 *
 * @since 0.1.0
 * @category models
 */
export class Linked<A> {
  constructor(
    readonly record: A & Link,
    /** Its line of the log, in UTF-8, without an end; for as long as its memory is its own. */
    readonly bytes: Buffer,
    /** The chain's new head. */
    readonly head: Head
  ) {}

  /** Its line of the log. */
  get line(): string {
    return this.bytes.toString("utf8")
  }
}

/**
 * The record as it follows on a chain. Numbers that are bytes are given apart, and are the `phoneNumbers` of what comes
 * back; a line with such is in memory that is asked for.
 *
 * @since 0.1.0
 */
export const follow = <A extends object>(
  head: Head,
  record: A,
  numbers?: Packed | Unwritten,
  allocate?: Allocate
): Linked<A> => {
  const placed = { ...record, sequence: head.sequence + 1, previous: head.digest }
  const next = (digest: string): Head => ({ sequence: placed.sequence, digest })
  if (numbers === undefined) {
    const json = canonical(placed)
    const digest = sha256(json)
    const bytes = Buffer.from(`${json.slice(0, -1)}${withDigest(digest)}`)
    return new Linked({ ...placed, digest }, bytes, next(digest))
  }
  const json = withPhoneNumbers(placed as Fields, numbers, allocate)
  const { buffer, byteOffset, length } = json
  const digest = sha256(json)
  // the numbers are tens of kilobytes, which are not copied for one field more
  const bytes = Buffer.from(buffer, byteOffset, length - 1 + withDigest(digest).length)
  bytes.write(withDigest(digest), length - 1, "latin1")
  return new Linked(withNumbers({ ...placed, digest }, numbers), bytes, next(digest))
}

/**
 * The link of a record, and whether its digest is that of its content; nothing where it has none.
 *
 * @since 0.1.0
 */
export const linkOf = (record: object): (Link & { readonly intact: boolean }) | undefined => {
  const { digest, ...rest } = record as Partial<Link>
  const { previous, sequence } = rest
  if (typeof digest !== "string" || typeof previous !== "string" || typeof sequence !== "number") return undefined
  return { sequence, previous, digest, intact: isIntact(rest, digest) }
}

/** A record that was put there by somebody may hold what none of ours does: 1e999, or arrays in arrays without end. */
const isIntact = (rest: object, digest: string): boolean => {
  try {
    return sha256(canonical(rest)) === digest
  } catch {
    return false
  }
}

/**
 * The first thing that is wrong with a chain.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fault {
  readonly kind: "signature" | "altered" | "removed" | "inserted" | "moved" | "unreadable" | "cut"
  /** The record's place in the chain. */
  readonly sequence: number
  /** Where it stands, or should stand, in the file, from 1. */
  readonly line: number
  readonly message: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Verdict {
  /** Records that were looked at. */
  readonly records: number
  /** Records from before there was a chain, at the file's beginning: nothing proves anything of them. */
  readonly unchained: number
  /** Lines that a crash cut short: they are no records, and the chain goes on behind them. */
  readonly torn: number
  readonly head: Head
  /** The last record that was taken off the log's beginning, as a record behind it says; none where it is whole. */
  readonly pruned: Head | undefined
  /** The expected digest is of what was taken off: a record says so, and nothing of it is left to be looked at. */
  readonly expectedPruned: boolean
  /** Records that hold a signature of a head: whether they were held against keys, and the last head that was signed. */
  readonly signatures: { readonly found: number; readonly checked: boolean; readonly last: Head | undefined }
  readonly fault: Fault | undefined
}

/**
 * Holds the lines of a log against its chain, one after the other; then `finish`, with the digest that the log is known to
 * have had at some time, if there is one: it has to be among the digests. Where public keys (SPKI in base64) are given,
 * each signature of a head has to be by one of them, and there has to be one.
 *
 * @since 0.1.0
 */
export const verifier = (
  expected?: string,
  publicKeys?: ReadonlyArray<string>
): { readonly take: (line: string) => void; readonly finish: () => Verdict } => {
  let line = 0
  let records = 0
  let unchained = 0
  let torn = 0
  let head = empty
  let headLine = 0
  let tornLine: number | undefined
  let seen = expected === undefined || expected === empty.digest
  let fault: Fault | undefined
  /** Once a record does not fit: the records that come next say whether it is missing, moved or one too many. */
  let odd: (Link & { readonly line: number; readonly record: object }) | undefined
  /** Where the first record is not number 1: what stood before it. */
  let start: (Head & { readonly line: number }) | undefined
  let pruned: Head | undefined
  let expectedPruned = false
  let signatures = 0
  let lastSigned: Head | undefined
  /** The latest digests by their places: a head is signed soon after it was made. */
  const recent = new Map<number, string>()

  const follows = (link: Link, at: number, record: object): void => {
    head = { sequence: link.sequence, digest: link.digest }
    headLine = at
    seen ||= link.digest === expected
    tornLine = undefined
    recent.set(link.sequence, link.digest)
    recent.delete(link.sequence - mostRecent)
    const { operation, result } = record as { readonly operation?: unknown; readonly result?: object }
    if (operation === "HEAD_SIGNED") checkSignature(link, at, Object(result) as AuditSignature.Signed)
    if (operation !== "LOG_PRUNED") return
    const { runs, through } = Object(result) as Partial<Tombstone>
    if (through?.digest === start?.digest && through?.sequence === start?.sequence) pruned = through
    if (through?.digest === expected || (Array.isArray(runs) && runs.some((run) => run?.head === expected)))
      expectedPruned = true
  }

  const checkSignature = (link: Link, at: number, signed: AuditSignature.Signed): void => {
    signatures++
    const made = recent.get(signed.sequence)
    if (made === undefined || made !== signed.digest) {
      settle(
        "signature",
        link.sequence,
        at,
        `Record ${link.sequence} on line ${at} is of the signature of a head that the log did not have shortly before`
      )
    } else if (publicKeys !== undefined && !AuditSignature.isBy(signed, publicKeys)) {
      settle(
        "signature",
        link.sequence,
        at,
        `The signature in record ${link.sequence} on line ${at}, over record ${signed.sequence}, is not by the key that was given`
      )
    } else lastSigned = { sequence: signed.sequence, digest: signed.digest }
  }

  /** A log may begin behind what was taken off it: whether that was said, shows further down. */
  const begin = (first: NonNullable<typeof odd>): void => {
    start = { sequence: first.sequence - 1, digest: first.previous, line: first.line }
    odd = undefined
    follows(first, first.line, first.record)
  }

  const mayBegin = (): boolean => odd !== undefined && odd.sequence > 1 && head.sequence === 0 && unchained === 0

  const settle = (kind: Fault["kind"], sequence: number, at: number, message: string): void => {
    fault ??= { kind, sequence, line: at, message }
    odd = undefined
  }

  const decide = (link: Link | undefined): void => {
    if (odd === undefined) return
    const next = head.sequence + 1
    if (odd.sequence === next) {
      // it has the right place, and another record before it
      if (link !== undefined && link.sequence === next) {
        settle(
          "inserted",
          odd.sequence,
          odd.line,
          `The record of line ${odd.line} does not belong where it stands; line ${odd.line + 1} is record ${next} too`
        )
      } else {
        settle(
          "altered",
          head.sequence,
          headLine,
          `Record ${odd.sequence} was written after another record ${head.sequence} than that of line ${headLine}, which is altered or not the one that stood here`
        )
      }
    } else if (odd.sequence > next) {
      if (link === undefined) {
        settle("removed", next, odd.line, `Record ${next} is missing: it stood before line ${odd.line}`)
      } else if (link.sequence === next) {
        settle(
          "moved",
          next,
          odd.line,
          `Record ${next} does not stand where it was written, before line ${odd.line}, but behind it`
        )
      }
    } else {
      settle(
        "inserted",
        odd.sequence,
        odd.line,
        `Line ${odd.line} is a record ${odd.sequence}, which stands further up already`
      )
    }
  }

  return {
    take: (text) => {
      line++
      if (text.trim() === "") return
      const record = parse(text)
      if (fault !== undefined) {
        if (record !== undefined) records++
        return
      }
      if (record === undefined) {
        tornLine ??= line
        torn++
        return
      }
      records++
      const link = linkOf(record)
      if (odd !== undefined) {
        if (!mayBegin() || link === undefined || link.sequence === 1) return decide(link)
        begin(odd)
      }
      if (link === undefined) {
        if (head.sequence === 0) unchained++
        else settle("inserted", head.sequence + 1, line, `The record of line ${line} is in no chain`)
        return
      }
      if (!link.intact || namesTwice(text, record))
        return settle(
          "altered",
          link.sequence,
          line,
          `Record ${link.sequence} on line ${line} is altered: its digest is not that of its content`
        )
      if (link.sequence === head.sequence + 1 && link.previous === head.digest) {
        return follows(link, line, record)
      }
      if (tornLine !== undefined && link.sequence > head.sequence + 1) {
        return settle(
          "unreadable",
          head.sequence + 1,
          tornLine,
          `Line ${tornLine} cannot be read: it should be record ${head.sequence + 1}`
        )
      }
      if (start !== undefined && link.sequence === 1) {
        return settle(
          "moved",
          1,
          start.line,
          `Record 1 does not stand where it was written, before line ${start.line}, but behind it`
        )
      }
      odd = { ...link, line, record }
    },
    finish: () => {
      if (odd !== undefined && mayBegin()) begin(odd)
      decide(undefined)
      if (fault === undefined && start !== undefined && pruned === undefined) {
        head = empty
        settle(
          "removed",
          1,
          start.line,
          start.sequence === 1
            ? `Record 1 is missing: it stood before line ${start.line}`
            : `Records 1 to ${start.sequence} are missing: they stood before line ${start.line}, and no record says that they were pruned`
        )
      }
      if (fault === undefined && publicKeys !== undefined && signatures === 0) {
        settle("signature", head.sequence + 1, line + 1, "There is no signature in the log: nobody vouches for it")
      }
      if (fault === undefined && !seen && !expectedPruned) {
        settle(
          "cut",
          head.sequence + 1,
          line + 1,
          `No record has the digest ${expected}: the log was cut behind record ${head.sequence}, or it is another log`
        )
      }
      return {
        records,
        unchained,
        torn,
        head,
        pruned,
        expectedPruned: expectedPruned && !seen,
        signatures: { found: signatures, checked: publicKeys !== undefined, last: lastSigned },
        fault
      }
    }
  }
}

const mostRecent = 1024

/** What a record says of what was taken off the log's beginning. */
interface Tombstone {
  readonly through: Head
  readonly runs: ReadonlyArray<{ readonly head: string }>
}

/** Of a name that stands twice a person may read one value, while the digest is of the other. */
const namesTwice = (text: string, record: object): boolean => {
  const parsed = JSON.stringify(record)
  return text !== parsed && countNames(text) !== countNames(parsed)
}

/** The names of all fields in a text of JSON. */
const countNames = (json: string): number => json.replace(/"(?:[^"\\]|\\.)*"/g, "").split(":").length - 1

/**
 * A line of the log, where it is a whole record.
 *
 * @since 0.1.0
 * @category parsing
 */
export const parse = (text: string): object | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

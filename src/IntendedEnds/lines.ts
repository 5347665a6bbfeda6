/**
 * The file of intended ends: its lines, each of an end and its numbers.
 *
 * @since 0.1.0
 */
import { createReadStream } from "node:fs"
import * as DncEntry from "../DncEntry.js"
import type { List } from "../IntendedEnds.js"

/** One line of the file. */
export interface Line {
  /** First in the line: see `parse`. */
  readonly at: string
  readonly runId: string
  readonly target: string
  readonly dncListId: string
  /** `null`: for ever. Not there where the numbers were taken off the list. */
  readonly expires?: string | null
  /** `kept`: the list says for ever; `listed`: the list itself holds the end; `removed`: the numbers are off the list. */
  readonly end: "kept" | "listed" | "removed"
  readonly phoneNumbers: ReadonlyArray<string>
}

const forEver = Number.POSITIVE_INFINITY

/** Numbers of one line. */
const lineSize = 1000

/** Numbers that wait for others of their end: there can be as many ends as numbers. */
const mostHeld = 100 * lineSize

/** Of one append, in characters: so few that the lines of two runs do not mix. */
const appendSize = 256 * 1024

/** A number, its end, and what that means for the file. */
export type Change = readonly [number: number, expires: number, end: Line["end"]]

/** What cannot be understood is no reason to end anything. */
export const endOf = ({ expires }: Line): number => {
  const instant = typeof expires === "string" ? Date.parse(expires) : forEver
  return Number.isNaN(instant) ? forEver : instant
}

/** A list holds whatever was put on it, not only E.164, and a file may be damaged. */
export const digits = (phoneNumber: unknown): number =>
  typeof phoneNumber === "string" && DncEntry.isE164(phoneNumber) ? Number(phoneNumber.slice(1)) : Number.NaN

export const isOf = (line: Line, { dncListId, target }: List): boolean =>
  line.target === target && line.dncListId.toLowerCase() === dncListId.toLowerCase()

/** The lines that say the changes, those with the same end together. */
export function* lines(
  { dncListId, runId, target }: List & { readonly runId: string },
  changes: Iterable<Change>,
  now: number
): Generator<string> {
  const at = DncEntry.formatExpires(now, "")
  const waiting = new Map<string, Group>()
  let count = 0
  const line = ({ end, expires, phoneNumbers }: Group): string => {
    const line: Line = {
      at,
      runId,
      target,
      dncListId,
      end,
      ...(end === "removed" ? {} : { expires: DncEntry.formatExpires(expires, null) }),
      phoneNumbers
    }
    return JSON.stringify(line)
  }
  for (const [number, expires, end] of changes) {
    const key = `${end} ${expires}`
    let group = waiting.get(key)
    if (group === undefined) waiting.set(key, (group = { end, expires, phoneNumbers: [] }))
    group.phoneNumbers.push(`+${number}`)
    count++
    if (group.phoneNumbers.length === lineSize) {
      yield line(group)
      waiting.delete(key)
      count -= lineSize
    } else if (count === mostHeld) {
      for (const group of waiting.values()) yield line(group)
      waiting.clear()
      count = 0
    }
  }
  for (const group of waiting.values()) yield line(group)
}

interface Group {
  readonly end: Line["end"]
  readonly expires: number
  readonly phoneNumbers: Array<string>
}

export function* pieced(lines: Iterable<string>): Generator<string> {
  let piece = ""
  for (const line of lines) {
    piece += piece === "" ? line : `\n${line}`
    if (piece.length >= appendSize) {
      yield piece
      piece = ""
    }
  }
  if (piece !== "") yield piece
}

/** Returns where the last whole line ends; one that a crash cut short, or that is being written, is passed over. */
export const forEachLine = async (path: string, from: number, f: (line: Line) => void): Promise<number> => {
  let offset = from
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of createReadStream(path, { start: from }) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, at)) {
      const line = parse(bytes.toString("utf8", at, end))
      if (line !== undefined) f(line)
      at = end + 1
    }
    offset += at
    rest = bytes.subarray(at)
  }
  return offset
}

/** A line may begin with what is left of another that another run could not end. */
const parse = (text: string): Line | undefined => {
  const start = text.lastIndexOf('{"at":')
  if (start === -1) return undefined
  try {
    const line = JSON.parse(text.slice(start)) as Line
    return Array.isArray(line.phoneNumbers) && typeof line.dncListId === "string" ? line : undefined
  } catch {
    return undefined
  }
}

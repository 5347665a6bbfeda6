/** What the measured programs, each a process of its own, have in common. */
import { readFileSync, writeSync } from "node:fs"

/** What a program is told, as JSON in its first argument. */
export interface Task {
  readonly file: string
  /** A folder for what the program writes. */
  readonly folder: string
  readonly url: string
  readonly listId: string
  readonly clientId: string
  readonly clientSecret: string
  /** By which contract; `entries` unless given. */
  readonly api?: "entries" | "platform"
  /** Where the audit log is kept, and how numbers stand in it: in a file as is the default, unless given. */
  readonly log?: Log
  /** Ours or the other, of a program that measures both. */
  readonly way?: "ours" | "other"
  /** What is made from `seed` instead of being read from `file`. */
  readonly count?: number
  readonly seed?: number
}

/** A task for a program that talks to nobody. */
export const alone = { file: "", folder: "", url: "", listId: "", clientId: "", clientSecret: "" } as const

export const logs = ["memory", "default", "masked", "hashed", "whole"] as const

/** `memory` is an array of masked records; all others are files. */
export type Log = (typeof logs)[number]

export interface Stage {
  readonly seconds: number
  /** User and system. */
  readonly cpuSeconds: number
}

/** What a program says, as one line of JSON. */
export interface Outcome extends Stage {
  readonly rows: number
  /** From the start of its work, modules loaded, to the end; so is the CPU. */
  readonly rowsPerSecond: number
  /** Of the whole process. */
  readonly peakRssMB: number
  /** As its own counts say. */
  readonly numbersOnList: number
  readonly requests: number
  readonly stages: Readonly<Record<string, Stage>>
  /** Memory held by the library's set of numbers. */
  readonly setBytes?: number
}

interface Mark {
  readonly at: number
  readonly cpu: NodeJS.CpuUsage
}

export const mark = (): Mark => ({ at: performance.now(), cpu: process.cpuUsage() })

export const since = ({ at, cpu }: Mark): Stage => {
  const { system, user } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - at) / 1000, cpuSeconds: (user + system) / 1e6 }
}

/** Reads the task. A process whose parent is gone ends, too. */
export const begin = (): { readonly task: Task; readonly started: Mark } => {
  process.stdin.on("close", () => process.exit(1)).resume()
  process.stdin.unref()
  return { task: JSON.parse(process.argv[2]), started: mark() }
}

type Counts = Pick<Outcome, "rows" | "numbersOnList" | "requests" | "stages" | "setBytes">

/** Says how it went, at once. `work` leaves out what was prepared before the clock started. */
export const say = (work: Stage, counts: Counts): void => {
  const outcome: Outcome = {
    ...counts,
    ...work,
    rowsPerSecond: counts.rows / work.seconds,
    peakRssMB: peakRss() / 1e6
  }
  writeSync(1, `${JSON.stringify(outcome)}\n`)
}

export const end = (work: Stage, counts: Counts): never => {
  say(work, counts)
  process.exit(0)
}

/**
 * Bytes. On Linux `resourceUsage().maxRSS` begins with the peak of the process that started this one, so it is the
 * kernel's peak of the address space where there is one.
 */
const peakRss = (): number => {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? []
    if (kibibytes !== undefined) return Number(kibibytes) * 1024
  } catch {
    // not Linux
  }
  return process.resourceUsage().maxRSS * 1024
}

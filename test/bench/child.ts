/** What the measured programs, each a process of its own, have in common. */
import { readFileSync } from "node:fs"

/** What a program is told, as JSON in its first argument. */
export interface Task {
  readonly file: string
  /** A folder for what the program writes. */
  readonly folder: string
  readonly url: string
  readonly listId: string
  readonly clientId: string
  readonly clientSecret: string
  /** Where the audit log is kept, and how numbers stand in it: in a file as is the default, unless given. */
  readonly log?: Log
}

export const logs = ["memory", "default", "masked", "hashed", "whole"] as const

/** `memory` is an array of masked records; all others are files. */
export type Log = (typeof logs)[number]

/** What a program says, as one line of JSON. */
export interface Outcome {
  readonly rows: number
  /** From the start of its work, modules loaded, to the end. */
  readonly seconds: number
  readonly rowsPerSecond: number
  readonly peakRssMB: number
  /** Of the whole process, user and system. */
  readonly cpuSeconds: number
  /** As its own counts say. */
  readonly numbersOnList: number
  readonly requests: number
  readonly stages: { readonly readSeconds: number; readonly sendSeconds: number }
}

/** Reads the task. A process whose parent is gone ends, too. */
export const begin = (): { readonly task: Task; readonly started: number } => {
  process.stdin.on("close", () => process.exit(1)).resume()
  process.stdin.unref()
  return { task: JSON.parse(process.argv[2]), started: performance.now() }
}

export const end = (
  started: number,
  counts: Pick<Outcome, "rows" | "numbersOnList" | "requests" | "stages">
): Promise<never> => {
  const seconds = (performance.now() - started) / 1000
  const { system, user } = process.cpuUsage()
  const outcome: Outcome = {
    ...counts,
    seconds,
    rowsPerSecond: counts.rows / seconds,
    peakRssMB: peakRss() / 1e6,
    cpuSeconds: (user + system) / 1e6
  }
  return new Promise(() => process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0)))
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

/** The processes of a benchmark: none outlives it, and none runs for ever. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type * as Child from "./child.js"

export type Server = Pick<Child.Task, "url" | "listId" | "clientId" | "clientSecret">

export interface Measured extends Child.Outcome {
  /** From the start of the process to its end, loading included. */
  readonly wallSeconds: number
}

const running = new Set<ChildProcess>()

process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})

const start = (compiled: string, program: string, argument: string, flags: ReadonlyArray<string> = []) => {
  const script = join(compiled, "test", "bench", `${program}.js`)
  const child = spawn(process.execPath, [...flags, script, argument], { stdio: ["pipe", "pipe", "inherit"] })
  running.add(child)
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject)
    child.once("exit", (code) => {
      running.delete(child)
      resolve(code)
    })
  })
  child.stdin.on("error", () => {})
  return { child, exited, lines: createInterface(child.stdout) }
}

/** Several times what so many rows take: a hang ends, a busy machine does not fail. */
export const limitSeconds = (rows: number, latencyMs = 0): number =>
  120 + (rows / 499) * ((latencyMs * 4) / 1000) + rows / 3000

/** Runs a program to its end. */
export const measure = async (
  compiled: string,
  program: string,
  task: Child.Task,
  limitSeconds: number,
  flags?: ReadonlyArray<string>
): Promise<Measured> => {
  const started = performance.now()
  const { child, exited, lines } = start(compiled, program, JSON.stringify(task), flags)
  const timer = setTimeout(() => child.kill("SIGKILL"), limitSeconds * 1000)
  let last = ""
  lines.on("line", (line) => {
    last = line
  })
  const ended = once(lines, "close")
  const code = await exited
  clearTimeout(timer)
  const wallSeconds = (performance.now() - started) / 1000
  await ended
  if (code !== 0) throw new Error(`${program} ended with ${code ?? "a signal"} after ${wallSeconds.toFixed(0)} s`)
  return { ...(JSON.parse(last) as Child.Outcome), wallSeconds }
}

/** A fresh server for as long as `use` takes: the sandbox, or the bare one that keeps no list. */
export const withServer = async <A>(
  compiled: string,
  program: "sandbox" | "server",
  latencyMs: number,
  use: (server: Server) => Promise<A>
): Promise<A> => {
  const { child, exited, lines } = start(compiled, program, String(latencyMs))
  try {
    const line = await Promise.race([
      once(lines, "line").then(([line]) => String(line)),
      exited.then((code) => Promise.reject(new Error(`The ${program} ended with ${code}`)))
    ])
    return await use(JSON.parse(line) as Server)
  } finally {
    child.stdin.end()
    const timer = setTimeout(() => child.kill("SIGKILL"), 10_000)
    await exited
    clearTimeout(timer)
  }
}

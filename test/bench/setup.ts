/** What the benchmarks that people start have in common: folders that go away at the end, and the machine. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from "node:os"
import { join } from "node:path"
import { bundle } from "../../src/cli/build/bundle.js"
import { compile } from "./compile.js"

export const progress = (text: string): void => void process.stderr.write(`${text}\n`)

export interface Machine {
  readonly node: string
  readonly platform: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGB: number
}

export const machine = (): Machine => ({
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: availableParallelism(),
  memoryGB: Math.round(totalmem() / 1e9)
})

export const load = (): number => loadavg()[0]

export interface Place {
  /** For the data. */
  readonly work: string
  /** The programs, as JavaScript. */
  readonly compiled: string
  /** The command as it is published, made at the first call: its `main.js`. */
  readonly command: () => Promise<string>
  /** What `use` writes into its folder is gone after it. */
  readonly withFolder: <A>(use: (folder: string) => Promise<A>) => Promise<A>
}

/** Makes the folders, which end with the process. */
export const place = (): Place => {
  const folders: Array<string> = []
  process.once("exit", () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130))
  const work = mkdtempSync(join(tmpdir(), "genesys-dnc-bench-"))
  folders.push(work)
  const compiled = compile()
  folders.push(compiled)
  let count = 0
  let bundled: Promise<unknown> | undefined
  return {
    work,
    compiled,
    command: async () => {
      const command = join(compiled, "dist", "cli")
      await (bundled ??= bundle(command))
      return join(command, "main.js")
    },
    withFolder: async (use) => {
      const folder = join(work, String(++count))
      mkdirSync(folder)
      const result = await use(folder)
      rmSync(folder, { recursive: true })
      return result
    }
  }
}

/** What each of them gives, all run once a turn; each is as often the one behind the warm machine as any other. */
export const rotated = async <A>(
  turns: number,
  runs: ReadonlyArray<() => Promise<A>>
): Promise<ReadonlyArray<ReadonlyArray<A>>> => {
  const done = runs.map((): Array<A> => [])
  for (let turn = 0; turn < turns; turn++) {
    for (let at = 0; at < runs.length; at++) {
      const which = (at + turn) % runs.length
      done[which].push(await runs[which]())
    }
  }
  return done
}

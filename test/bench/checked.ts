/** Each program once against the sandbox itself, and the whole list held against the file. */
import { join } from "node:path"
import * as Check from "./check.js"
import * as Data from "./data.js"
import * as Processes from "./processes.js"
import type { Checked, Part } from "./results.js"
import { names } from "./sections.js"
import * as Setup from "./setup.js"
import type { Bench } from "./turns.js"

const programs = [
  ["push", "entries", names.ours],
  ["push", "platform", names.oursPlatform],
  ["undici", "entries", names.undici],
  ["baseline", "entries", names.design],
  ["stream", "entries", names.stream],
  ["sdk", "platform", names.sdk]
] as const

export const part = async ({ checkedRows: rows, compiled, seed, withFolder, work }: Bench): Promise<Part> => {
  const corpus = await Data.write(join(work, "checked.csv"), rows, seed)
  const checked: Array<Checked> = []
  for (const [program, api, name] of programs) {
    const list = await Processes.withServer(compiled, "sandbox", 0, (server) =>
      withFolder(async (folder) => {
        const task = { ...server, file: corpus.path, folder, api }
        await Processes.measure(compiled, program, task, Processes.limitSeconds(rows))
        return Check.inspect(server, corpus)
      })
    )
    if (program === "push" || program === "undici") Check.exact(list, corpus, api)
    else Check.counted(list, corpus, name)
    checked.push({ name, rows, api, ...list })
    Setup.progress(`  ${name}: ${list.onList} on the list, as it should be`)
  }
  return { checked }
}

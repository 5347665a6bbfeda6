/**
 * The command as it is published, pushing, where memory counts: it tells V8 how to keep its heap, which a library cannot. Its own
 * start is part of the time.
 */
import { join } from "node:path"
import * as ExitCode from "../../src/cli/ExitCode.js"
import * as Child from "./child.js"

const { started, task } = Child.begin()

Object.assign(process.env, {
  GENESYS_DNC_API_URL: task.url,
  GENESYSCLOUD_OAUTHCLIENT_ID: task.clientId,
  GENESYSCLOUD_OAUTHCLIENT_SECRET: task.clientSecret
})
process.chdir(task.folder)
process.argv = [
  ...[process.execPath, "genesys-dnc", "push", task.file, "--list", task.listId, "--api", task.api ?? "entries"],
  ...["--rejects", join(task.folder, "rejects.csv"), "--upload-above", "never", "--size-lag", "1ms", "--json"]
]

let said = ""
process.stdout.write = ((text: string) => {
  said += text
  return true
}) as typeof process.stdout.write
process.stderr.write = (() => true) as typeof process.stderr.write

process.once("exit", () => {
  // the file has rows to refuse, for which the command has a code of its own
  if (process.exitCode === ExitCode.rejected) process.exitCode = ExitCode.done
  const { durationMs, outcome, requests, setBytes, totals } = JSON.parse(said)
  if (outcome !== "completed" || totals.failed > 0) throw new Error(`The run is ${outcome}: ${said}`)
  Child.say(Child.since(started), {
    rows: totals.read,
    numbersOnList: totals.created + totals.updated + totals.duplicateOnList + totals.accepted,
    requests,
    stages: { send: { seconds: durationMs.send / 1000, cpuSeconds: Number.NaN } },
    setBytes
  })
})

// not by a literal, as it is made after this is compiled
await import(new URL("../../dist/cli/main.js", import.meta.url).href)

/** `genesys-dnc demo`: the example file through a sandbox of its own, with some trouble on the way. */
import * as Fs from "node:fs/promises"
import { fileURLToPath } from "node:url"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as AuditLog from "../AuditLog.js"
import * as GenesysDnc from "../GenesysDnc.js"
import { mask } from "../Masking.js"
import { OutputError } from "../RejectsFile.js"
import type * as Report from "../RunReport.js"
import * as Faults from "../sandbox/Faults.js"
import * as Sandbox from "../sandbox/Sandbox.js"
import * as ExitCode from "./ExitCode.js"
import { untilInterrupted } from "./run.js"
import { summary } from "./summary.js"

const example = fileURLToPath(new URL("../../examples/files/suppression.csv", import.meta.url))

const folder = "genesys-dnc-demo"

/** What the example file holds; a test counts its rows. */
const expected: Report.Totals = {
  read: 146,
  created: 106,
  updated: 4,
  duplicateOnList: 6,
  duplicateInFile: 7,
  accepted: 0,
  rejected: 23,
  failed: 0,
  skipped: 0
}

const range = (prefix: string, from: number, count: number) =>
  Array.from({ length: count }, (_, i) => `${prefix}${String(from + i).padStart(4, "0")}`)

/** On the list before the run: six numbers as the file has them, four with an end that the file does not have. */
const before = [
  ...range("+1646555", 100, 6).map((phoneNumber) => ({ phoneNumber, reason: "REGULATORY" as const, expires: null })),
  ...range("+1917555", 100, 4).map((phoneNumber) => ({
    phoneNumber,
    reason: "CUSTOMER_REQUEST" as const,
    expires: "2030-01-01T00:00:00.000Z"
  }))
]

export const demo = Command.make("demo", {}, () =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* fresh(folder)
      const sandbox = yield* Sandbox.make({ refuse: ["+16175550199"], faults: { latencyMs: 120, jitterMs: 80 } })
      yield* sandbox.seed(before)
      yield* sandbox.inject(
        Faults.failNext(2, 503, { route: "entries" }),
        Faults.failNext(1, 429, { retryAfter: 1, route: "entries" }),
        Faults.dropNext(1, "after", { route: "entries" })
      )
      say(`A sandbox stands in for Genesys Cloud at ${sandbox.url}; nothing leaves this machine.`)
      say("It will fail four requests on purpose: two 503s, a 429, and an answer lost after the list was changed.\n")

      const auditLog = `${folder}/audit.jsonl`
      const { apiUrl, clientId, clientSecret } = { apiUrl: sandbox.url, ...sandbox }
      const services = GenesysDnc.layer({
        apiUrl,
        credentials: { clientId, clientSecret: Redacted.make(clientSecret) },
        auditLog,
        api: "entries",
        policy: { reasons: { OPT_OUT: "CUSTOMER_REQUEST", COMPLAINT: "REGULATORY" } }
      })
      yield* untilInterrupted(
        (stop, onProgress) =>
          GenesysDnc.pushFile(example, {
            dncListId: sandbox.listId,
            stop,
            onProgress,
            rejectsPath: `${folder}/rejects.csv`,
            failedPath: `${folder}/failed.csv`
          }),
        (report) =>
          Effect.gen(function* () {
            yield* Effect.promise(() =>
              Fs.writeFile(`${folder}/summary.json`, `${JSON.stringify(report, undefined, 2)}\n`, { mode: 0o600 })
            )
            process.stdout.write(summary(report, "push", auditLog))
            yield* explain(auditLog)
            conclude(report)
          })
      ).pipe(Effect.provide(services))
    })
  )
).pipe(Command.withDescription("Push the example file to a sandbox of its own: no credentials, no network."))

/** An empty folder, whatever the last demonstration left there. */
export const fresh = (path: string): Effect.Effect<void, OutputError> =>
  Effect.tryPromise({
    try: async () => {
      await Fs.rm(path, { recursive: true, force: true })
      await Fs.mkdir(path, { mode: 0o700 })
    },
    catch: (cause) =>
      new OutputError({
        message: `The folder ${path} cannot be made here (${(cause as NodeJS.ErrnoException).code ?? cause})`,
        hint: "Start the demonstration in a folder that you may write to.",
        path,
        reason: "Write",
        cause
      })
  })

const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** The rejects of the run, as the log has them: the first of each kind, masked. */
const explain = (auditLog: string) =>
  Effect.gen(function* () {
    const shown = new Map<string, string>()
    yield* AuditLog.forEach(auditLog, (record) => {
      for (const { at, code, message, raw } of record.validationErrors ?? []) {
        const line = at === undefined ? "" : ` (line ${at.slice(at.lastIndexOf(":") + 1)})`
        if (!shown.has(`${code} ${message}`))
          shown.set(`${code} ${message}`, `${mask(raw).slice(0, 40)}${line}: ${mask(message)}`)
      }
    })
    say("  Why rows were rejected:")
    for (const [key, text] of shown) say(`    ${key.split(" ")[0].padEnd(21)} ${text.replaceAll("\n", " ")}`)
  })

const conclude = (report: Report.RunReport): void => {
  const asExpected = Object.entries(expected).every(
    ([key, value]) => report.totals[key as keyof Report.Totals] === value
  )
  if (report.outcome !== "completed") process.exitCode = ExitCode.ofReport(report)
  else if (asExpected) {
    say(
      `\n  All as expected, ${report.requests - report.batches.cut} requests repeated, no number lost or doubled. Left in ${folder}/:`
    )
    say("    audit.jsonl (the evidence), rejects.csv (to be mended and fed again), summary.json,")
    say("    audit.jsonl.key (with which audit find looks a number up in the evidence)")
    say("\n  For real: npm start -- push FILE --list ID   (npm start -- --help tells more)\n")
  } else {
    process.exitCode = ExitCode.aborted
    say(`\n  NOT as expected. These are the totals that the example file should have:\n  ${JSON.stringify(expected)}\n`)
  }
}

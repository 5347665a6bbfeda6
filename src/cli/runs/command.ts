/** The command that goes on with a run. */

import type { LoggedRun } from "../../AuditLog.js"
import * as Contract from "../../Contract.js"
import * as DncValidator from "../../DncValidator.js"

/** What the log calls what came by no file. */
export const standardInput = "standard input"

/** A file of the run, as it is today. */
export interface InputNow {
  readonly name: string
  readonly state: "as recorded" | "changed" | "not there" | "not readable" | "standard input"
}

/**
 * What a run was begun with, as far as the log holds it, in the words of a shell: what is as it is by default is left out.
 * No words where the command begins anew by itself.
 */
export const commandOf = (
  run: LoggedRun,
  audit: string,
  byFile: boolean
): { readonly words: string | undefined; readonly notes: ReadonlyArray<string> } => {
  if (run.inputs.length === 0)
    return {
      words: undefined,
      notes: ["It had no files: what it left undone, genesys-dnc expire finds again when it is run the next time."]
    }
  const policy = { ...DncValidator.defaults, ...(run.policy as Partial<DncValidator.Policy>) }
  const { allowedCountries, defaultCountry, reasons, strictReasons, timezone } = policy
  const words = [
    "genesys-dnc",
    run.action === "add" ? "push" : run.action,
    ...run.inputs.map(({ name }) => (name === standardInput ? "-" : name.startsWith("-") ? `./${name}` : name)),
    ...["--list", run.dncListId],
    ...["--api-url", run.target],
    ...(run.action === "add" && run.kind === "phone" ? ["--api", run.contract] : []),
    ...(run.contract === "platform" && run.largestBatch !== Contract.platform().largestBatch
      ? ["--batch-size", String(run.largestBatch)]
      : []),
    // the same way as before: what went by requests is not to go on as a file
    ...(run.action === "add" && !byFile ? ["--upload-above", "never"] : []),
    ...(run.kind === "phone" ? [] : ["--kind", run.kind]),
    ...(defaultCountry === DncValidator.defaults.defaultCountry ? [] : ["--default-country", defaultCountry]),
    ...(allowedCountries.join() === DncValidator.defaults.allowedCountries.join()
      ? []
      : ["--countries", allowedCountries.join()]),
    ...Object.entries(reasons).flatMap(([code, reason]) => ["--reason", `${code}=${reason}`]),
    ...(strictReasons ? ["--strict-reasons"] : []),
    ...(typeof timezone === "string" ? ["--timezone", timezone] : []),
    ...(audit === "genesys-dnc-audit.jsonl" ? [] : ["--audit", audit])
  ]
  return {
    words: words.map(quote).join(" "),
    notes:
      run.action === "sync"
        ? ["A sync is not gone on with: run again, it compares the list anew and does what is left."]
        : [
            "Add what the log does not hold, as it was: options of the file's format and columns, --ends, --due-table, and how to sign in.",
            ...(run.inputs.some(({ name }) => name === standardInput)
              ? ["Standard input has to bring the same bytes."]
              : [])
          ]
  }
}

const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)

/** `genesys-dnc audit verify`, and `audit find` of {@link find}. */
import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as AuditChain from "../AuditChain.js"
import * as AuditLog from "../AuditLog.js"
import * as AuditSignature from "../AuditSignature.js"
import { find } from "./auditFind.js"
import * as ExitCode from "./ExitCode.js"
import { number } from "./figures.js"
import * as options from "./options/basic.js"
import { jsonLine } from "./terminal.js"

const verify = Command.make(
  "verify",
  {
    head: CliOptions.text("head").pipe(
      CliOptions.withDescription("Digest that the log had at the end of some run; a cut tail shows only against one"),
      CliOptions.optional,
      CliOptions.map(Option.getOrUndefined)
    ),
    publicKey: options.optionalText(
      "public-key",
      "File with the public key (PEM) that each signature in the log has to be by; files separated by commas"
    ),
    json: CliOptions.boolean("json").pipe(CliOptions.withDescription("One JSON object on standard output")),
    audit: options.audit.audit
  },
  (given) =>
    Effect.gen(function* () {
      const head = given.head?.trim().toLowerCase()
      if (head !== undefined && !/^[0-9a-f]{64}$/.test(head)) {
        return yield* new options.UsageError({
          message: `--head ${given.head} is no digest`,
          hint: "Give the 64 hexadecimal digits that a run prints at its end."
        })
      }
      const verdict = yield* AuditLog.verify(
        given.audit,
        head,
        given.publicKey === undefined
          ? undefined
          : yield* Effect.forEach(given.publicKey.split(","), (path) => AuditSignature.publicKeyFromFile(path.trim()))
      )
      if (verdict.records === 0) {
        return yield* new AuditLog.AuditLogError({
          message: `There are no records in ${given.audit}`,
          hint: "Name the audit log with --audit."
        })
      }
      process.exitCode = verdict.fault === undefined ? ExitCode.done : ExitCode.tampered
      process.stdout.write(
        given.json ? jsonLine({ exitCode: process.exitCode, ...verdict }) : words(given.audit, verdict, head)
      )
    })
).pipe(Command.withDescription("Whether the audit log is what was written: names the first record that is not."))

const words = (path: string, verdict: AuditChain.Verdict, expected: string | undefined): string => {
  const { fault, head, records, torn, unchained } = verdict
  const lines =
    fault !== undefined
      ? [
          `${path}: NOT as it was written.`,
          `${fault.message}.`,
          `Up to record ${head.sequence} the log fits its chain.`
        ]
      : [
          `${path}: ${number(records)} records, each as it was written and in its place.`,
          expected === undefined
            ? "Whether records are missing at the end shows only against a digest kept elsewhere: --head DIGEST."
            : verdict.expectedPruned
              ? `The digest ${expected} is of a record that was pruned, as a later record says.`
              : `The digest ${expected} is among theirs.`,
          `Head: ${head.digest} (record ${head.sequence})`
        ]
  const { checked, found, last } = verdict.signatures
  if (found > 0 && fault === undefined)
    lines.push(
      checked
        ? `${number(found)} signatures, each by the key: its holder vouched for all records up to ${last?.sequence}.`
        : `${number(found)} signatures, not checked: --public-key FILE.`
    )
  if (verdict.pruned !== undefined)
    lines.push(`Records 1 to ${number(verdict.pruned.sequence)} were pruned, as a later record says.`)
  if (unchained > 0)
    lines.push(`${number(unchained)} records at the beginning are from before there was a chain; nothing proves them.`)
  if (torn > 0) lines.push(`${number(torn)} lines were cut short by a crash; they were never records.`)
  return lines.map((line) => `${line}\n`).join("")
}

export const audit = Command.make("audit").pipe(
  Command.withDescription("The evidence: whether it is what was written, and what it says of a number."),
  Command.withSubcommands([verify, find])
)

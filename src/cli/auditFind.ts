/** `genesys-dnc audit find`. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { getCountries } from "libphonenumber-js/max"
import { answer, type Hit } from "../AuditIndex/answer.js"
import * as AuditIndex from "../AuditIndex.js"
import { hmac } from "../AuditSink/hmac.js"
import { existingKey } from "../AuditSink/key.js"
import { keyId } from "../AuditSink/numbers.js"
import * as DncEntry from "../DncEntry.js"
import * as DncValidator from "../DncValidator.js"
import { mask } from "../Masking.js"
import { number } from "./figures.js"
import * as options from "./options/basic.js"
import * as rows from "./options/rows.js"
import { saying } from "./problem.js"
import { jsonLine, printable } from "./terminal.js"

export const find = Command.make(
  "find",
  {
    number: Args.text({ name: "NUMBER" }).pipe(
      Args.withDescription("The number (or what --kind says) in any form that push takes")
    ),
    ...rows.kind,
    defaultCountry: rows.policy.defaultCountry,
    ...options.output,
    audit: options.audit.audit
  },
  (given) =>
    Effect.gen(function* () {
      const value = yield* valueOf(given)
      const key = yield* existingKey(given.audit)
      const index = yield* AuditIndex.open(given.audit)
      const { hashed, masked, uploaded, whole } = index.coverage
      const own = key === undefined ? undefined : keyId(Redacted.value(key))
      const foreign = Object.entries(hashed)
        .filter(([id]) => own === undefined || (id !== own && id !== ""))
        .reduce((sum, [, count]) => sum + count, 0)
      const answerable = index.coverage.indexed - foreign
      const gaps = [
        ...(masked === 0
          ? []
          : [`${number(masked)} numbers stand in the log masked; whether this one is among them it cannot say.`]),
        ...(foreign === 0
          ? []
          : [
              `${number(foreign)} numbers were hashed with another key than ${key === undefined ? "any that is here" : "this one"}; whether this one is among them cannot be said.`
            ]),
        ...(uploaded === 0
          ? []
          : [`${number(uploaded)} numbers went as one file, and the log does not hold them, whatever its policy.`])
      ]
      if (answerable === 0 && gaps.length > 0) {
        return yield* new options.UsageError({
          message: `The log ${given.audit} cannot say where a number went: ${gaps.join(" ")}`,
          hint:
            foreign > 0
              ? `Set GENESYS_DNC_AUDIT_KEY to the key that was used then, or put its file back at ${given.audit}.key.`
              : "Push without --audit-numbers masked from now on: later runs can be searched. For earlier ones, look through their files, whose names and digests genesys-dnc runs list has."
        })
      }
      if (answerable === 0) {
        return yield* new options.UsageError({
          message: `The log ${given.audit} holds no numbers: no request stands in it`,
          hint: "Name the audit log of the runs with --audit; genesys-dnc runs list shows what is in one."
        })
      }
      const forms = [...(key === undefined ? [] : hmac(Redacted.value(key)).of([value])), ...(whole > 0 ? [value] : [])]
      const hits = yield* answer(index, forms)
      const shown = DncEntry.isOfNumbers(given.kind) ? mask(value) : "***"
      process.stdout.write(
        given.json ? jsonLine({ exitCode: 0, number: shown, hits, gaps }) : words(hits, gaps, shown, answerable)
      )
    }).pipe(saying(given.json))
).pipe(
  Command.withDescription(
    "When a number went onto which list, and by which run; not where the log was written with --audit-numbers masked."
  )
)

/** The one value that the words stand for, by the rules of push: whatever the country, as it is only looked up. */
const valueOf = (given: {
  readonly number: string
  readonly kind: DncEntry.Kind
  readonly defaultCountry: string
}): Effect.Effect<string, options.UsageError | DncValidator.PolicyError> =>
  Effect.gen(function* () {
    const { defaultCountry, kind } = given
    const validator = yield* DncValidator.make({ kind, defaultCountry, allowedCountries: getCountries() })
    const judged = DncValidator.validateRow(validator, { phoneNumber: given.number }, 0)
    if (Either.isRight(judged)) return judged.right.phoneNumber
    return yield* new options.UsageError({
      message: `That is no ${DncEntry.names[kind].one}: ${judged.left.message}`,
      hint: "Give it as a file would have it; --default-country says of which country a national number is."
    })
  })

const words = (hits: ReadonlyArray<Hit>, gaps: ReadonlyArray<string>, shown: string, answerable: number): string => {
  const lines =
    hits.length === 0
      ? [`${shown} is not among the ${number(answerable)} numbers of the log that can be searched.`]
      : hits.flatMap((hit) => [
          `${hit.at}  ${hit.action === "add" ? "onto" : "off"} list ${hit.dncListId}: ${outcome(hit)}`,
          `  run ${hit.runId}, batch ${hit.batch}${hit.reason === null ? "" : `, ${hit.reason}`}, ${hit.action === "remove" ? "removal" : hit.expires === null ? "for ever" : `until ${hit.expires}`}`,
          ...(hit.operators.length === 0 ? [] : [`  operator: ${hit.operators.map(printable).join(", ")}`]),
          `  files: ${hit.files.length === 0 ? "none" : hit.files.map(printable).join(", ")}`,
          ...(hit.removedAt === undefined ? [] : [`  removed later: ${hit.removedAt}`])
        ])
  return [...lines, ...gaps].map((line) => `${line}\n`).join("")
}

const outcome = ({ correlationId, doubtful, error, outcome }: Hit): string =>
  [
    outcome === "done"
      ? "done"
      : outcome === "failed"
        ? `failed (${error})`
        : `outcome unknown${error === undefined ? ": the log has no record of it" : ` (${error})`}`,
    ...(doubtful === 0
      ? []
      : [`${number(doubtful)} numbers of the request were refused or not accounted for: see the run's files`]),
    ...(correlationId === null ? [] : [`correlation id ${correlationId}`])
  ].join("; ")

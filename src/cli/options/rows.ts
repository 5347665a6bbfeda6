/** The options that say how rows are read and judged. */
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Reason } from "../../DncEntry.js"
import * as DncEntry from "../../DncEntry.js"
import * as DncValidator from "../../DncValidator.js"
import type * as SuppressionFile from "../../SuppressionFile.js"
import { optionalText, type Parsed, type UsageError, usage } from "./basic.js"

export const policy = {
  defaultCountry: Options.text("default-country").pipe(
    Options.withDescription("Country of numbers in national form (ISO 3166)"),
    Options.withDefault(DncValidator.defaults.defaultCountry)
  ),
  countries: Options.text("countries").pipe(
    Options.withDescription("Countries whose numbers are admitted, separated by commas"),
    Options.withDefault(DncValidator.defaults.allowedCountries.join(","))
  ),
  reasons: Options.text("reason").pipe(
    Options.withDescription("Meaning of an internal reason code, such as OPT_OUT=CUSTOMER_REQUEST; can be repeated"),
    Options.repeated
  ),
  strictReasons: Options.boolean("strict-reasons").pipe(
    Options.withDescription("Refuse rows whose reason is not known, instead of UNSPECIFIED")
  ),
  timezone: optionalText(
    "timezone",
    "Where dates and local times are meant (IANA name); the latest on Earth if not given"
  )
}

export const reading = {
  format: Options.choice("format", ["csv", "ndjson"]).pipe(
    Options.withDescription("Format of the files; found out if not given"),
    Options.optional,
    Options.map(Option.getOrUndefined)
  ),
  delimiter: optionalText("delimiter", "What separates the columns of CSV (or tab); found out if not given"),
  noHeader: Options.boolean("no-header").pipe(Options.withDescription("The first line of CSV is a row already")),
  phoneColumn: optionalText("phone-column", "Name or number of the column with the phone number"),
  column: optionalText("column", "The same, of whatever --kind says the rows hold"),
  reasonColumn: optionalText("reason-column", "Name or number of the column with the reason"),
  expiresColumn: optionalText("expires-column", "Name or number of the column with the expiry"),
  countryColumn: optionalText("country-column", "Name or number of the column with the country"),
  requestedColumn: optionalText(
    "requested-column",
    "Name or number of the column with the time at which it was asked for"
  )
}

export const kind = {
  kind: Options.choice("kind", DncEntry.kinds).pipe(
    Options.withDescription("What the rows hold: phone numbers, e-mail addresses, WhatsApp numbers or custom values"),
    Options.withDefault<DncEntry.Kind>("phone")
  )
}

export const toPolicy = (options: Parsed<typeof policy>): Effect.Effect<Partial<DncValidator.Policy>, UsageError> =>
  Effect.gen(function* () {
    const reasons: Record<string, Reason> = {}
    for (const text of options.reasons) {
      const [code, name] = [text.slice(0, Math.max(text.indexOf("="), 0)), text.slice(text.indexOf("=") + 1)]
      if (code.trim() === "") {
        return yield* usage(`--reason ${text} gives no meaning to a code`, "Use CODE=REASON: OPT_OUT=CUSTOMER_REQUEST.")
      }
      const reason = DncEntry.reasons.find((reason) => reason === name.trim().toUpperCase())
      if (reason === undefined) {
        return yield* usage(
          `--reason ${code}=${name}: there is no reason ${name}`,
          `Use ${DncEntry.reasons.join(", ")}.`
        )
      }
      reasons[code] = reason
    }
    return {
      defaultCountry: options.defaultCountry,
      allowedCountries: options.countries.split(",").filter((country) => country.trim() !== ""),
      reasons,
      strictReasons: options.strictReasons,
      timezone: options.timezone
    }
  })

/** Fails where the words name the one column twice. */
export const checkColumn = (
  given: Pick<Parsed<typeof reading>, "column" | "phoneColumn">
): Effect.Effect<void, UsageError> =>
  given.column === undefined || given.phoneColumn === undefined
    ? Effect.void
    : usage("--column and --phone-column name the same column", "Give one of them.")

export const toReading = (options: Parsed<typeof reading>): SuppressionFile.Options => {
  const column = (text: string | undefined) => (text !== undefined && /^\d+$/.test(text) ? Number(text) : text)
  return {
    format: options.format,
    delimiter: options.delimiter === "tab" || options.delimiter === "\\t" ? "\t" : options.delimiter,
    header: !options.noHeader,
    columns: {
      phoneNumber: column(options.column ?? options.phoneColumn),
      reason: column(options.reasonColumn),
      expires: column(options.expiresColumn),
      country: column(options.countryColumn),
      requestedAt: column(options.requestedColumn)
    }
  }
}

/** The options that commands share, from the words on the command line to the library's own. */
import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as AuditPrune from "../AuditPrune.js"
import * as AuditSignature from "../AuditSignature.js"
import type * as AuditSink from "../AuditSink.js"
import * as AuditTimestamp from "../AuditTimestamp.js"
import * as DncLists from "../DncLists.js"
import * as DueTable from "../DueTable.js"
import { identity, outputPaths, type SyncPaths } from "../GenesysDnc/outputPaths.js"
import type * as GenesysDnc from "../GenesysDnc.js"
import type * as Pipeline from "../Pipeline.js"
import { type audit, optionalText, type Parsed, UsageError, usage } from "./options/basic.js"

export * from "./options/basic.js"
export * from "./options/rows.js"
export * from "./options/sending.js"

export const files = Args.text({ name: "FILE" }).pipe(
  Args.withDescription("CSV or NDJSON; - is standard input. Several files are one run."),
  Args.atLeast(1)
)

/** The parser takes an option that it does not know, and the second of one that it knows, for a file. */
export const checkFiles = (paths: ReadonlyArray<string>, given: object = {}): Effect.Effect<void, UsageError> => {
  const wrong = paths.find((path) => path.startsWith("-") && path !== "-")
  if (wrong !== undefined) {
    const isKnown = Object.keys(given).some(
      (key) => wrong === `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    )
    return isKnown
      ? usage(`${wrong} was given twice, or without its value`, "Give it once, with its value.")
      : usage(`There is no option ${wrong}, or its value is missing`, `See --help; a file of that name is ./${wrong}`)
  }
  return paths.filter((path) => path === "-").length > 1
    ? usage("Standard input can be read only once", "Give - once.")
    : Effect.void
}

/**
 * Files that are kept over runs: no output may be written over one, and none may be an input or another of them. Looked at
 * here too, as the log is opened before the inputs are.
 */
export const checkKept = (
  { audit, ends }: { readonly audit: string; readonly ends: string },
  files: ReadonlyArray<string>,
  paths: SyncPaths,
  command: "push" | "sync" = "push"
): Effect.Effect<void, UsageError> =>
  Effect.gen(function* () {
    const other = "Name another path with --ends."
    if (ends.trim() === "" || ends === "-") return yield* usage("--ends names no file", other)
    const id = yield* identity(ends)
    if (id === undefined) return yield* usage(`${ends} is no file that ends could be kept in`, other)
    const log = yield* identity(audit)
    if (log === id) return yield* usage(`${audit} cannot be the file of intended ends as well`, other)
    const { failed, failedRemovals, heldBack, plan, rejects } = outputPaths(files, paths)
    const outputs = [...rejects, failed, ...(command === "sync" ? [failedRemovals, plan] : [heldBack])]
    for (const path of [...files.filter((path) => path !== "-"), ...outputs.map(({ path }) => path)]) {
      const own = yield* identity(path)
      if (own === id) return yield* usage(`${path} cannot be the file of intended ends as well`, other)
      if (own !== undefined && own === log) {
        return yield* usage(`${path} cannot be the audit log as well`, "Name another path with --audit.")
      }
    }
  })

export const limits = {
  rejects: optionalText("rejects", "File for the rejected rows; FILE.rejects.csv if not given"),
  maxRejects: optionalText("max-rejects", "Send nothing if more rows (N) or a larger share (N%) are rejected")
}

export const time = {
  now: optionalText("now", "Judge expiries by this time (ISO 8601) instead of the clock, to repeat a run")
}

export const due = {
  dueTable: optionalText(
    "due-table",
    "JSON file of deadlines by country, for files that say when it was asked for; 10 business days if not given"
  )
}

/** The table, read before anything is sent. */
export const toDue = ({
  dueTable
}: Parsed<typeof due>): Effect.Effect<Pick<Pipeline.Options, "dueTable">, DueTable.DueTableError> =>
  dueTable === undefined ? Effect.succeed({}) : Effect.map(DueTable.fromFile(dueTable), (dueTable) => ({ dueTable }))

export const vouching = {
  operator: optionalText("operator", "Who runs this, for the audit log; GENESYS_DNC_OPERATOR if not given"),
  signKey: optionalText(
    "sign-key",
    "File with the Ed25519 key (PEM, PKCS #8) that signs the head of the audit log; GENESYS_DNC_SIGN_KEY if not given"
  ),
  timestampUrl: optionalText(
    "timestamp-url",
    "Service (RFC 3161) that stamps the head of the audit log with the time; GENESYS_DNC_TIMESTAMP_URL if not given"
  )
}

export const ends = {
  ends: Options.text("ends").pipe(
    Options.withDescription(
      "Private file that keeps ends more than 180 days ahead, which a list cannot say, for genesys-dnc expire"
    ),
    Options.withDefault("genesys-dnc-ends.jsonl")
  )
}

export const shortening = {
  allowShorten: Options.boolean("allow-shorten").pipe(
    Options.withDescription(
      "Send as well what ends sooner than the log, or --against-export, knows the list to have it"
    )
  ),
  againstExport: optionalText("against-export", "Export of the list: what it has with a later end is held back"),
  heldBack: optionalText("held-back", "File for numbers that are held back; FILE.held-back.csv if not given")
}

/** What a command writes must not take the place of the audit log. */
export const checkOutput = (audit: string, output: string, name: string): Effect.Effect<void, UsageError> =>
  Effect.flatMap(Effect.all([identity(audit), identity(output)]), ([log, place]) =>
    output !== "-" && log !== undefined && log === place
      ? usage(`${name} ${output} is the audit log itself`, "Name another path.")
      : Effect.void
  )

export const toMaxRejects = (text: string | undefined): Effect.Effect<Pipeline.Options["maxRejects"], UsageError> =>
  toLimit("--max-rejects", text, "rows")

/** `100` or `0.5%`. */
export const toLimit = (
  name: string,
  text: string | undefined,
  unit: string
): Effect.Effect<{ readonly rows: number } | { readonly share: number } | undefined, UsageError> => {
  if (text === undefined) return Effect.succeed(undefined)
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim())
  if (match === null || (match[2] === "" && !/^\d+$/.test(match[1]))) {
    return usage(`${name} ${text} is neither a number of ${unit} nor a share`, "Use 100, or 0.5%.")
  }
  return Effect.succeed(match[2] === "%" ? { share: Number(match[1]) / 100 } : { rows: Number(match[1]) })
}

export const toNow = (text: string | undefined): Effect.Effect<{ readonly now?: number }, UsageError> => {
  if (text === undefined) return Effect.succeed({})
  const now = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(now)
    ? usage(`--now ${text} is no point in time`, "Use ISO 8601 with an offset, such as 2026-03-01T00:00:00Z.")
    : Effect.succeed({ now })
}

export const toAudit = (
  options: Parsed<typeof audit> & Partial<Parsed<typeof vouching>>
): Effect.Effect<AuditSink.Options, UsageError | AuditSignature.SignatureError> =>
  Effect.map(toVouching(options), (vouching) => ({ ...options.auditNumbers, ...vouching }))

/** What is given, or else a variable that is set to something. */
const orVariable = (given: string | undefined, name: string): Effect.Effect<string | undefined> =>
  Effect.map(
    given === undefined ? Effect.orElseSucceed(Config.string(name), () => "") : Effect.succeed(given),
    (text) => (text.trim() === "" ? undefined : text.trim())
  )

const longestOperator = 200

/** Who runs this. */
export const toOperator = (given: string | undefined): Effect.Effect<string | undefined, UsageError> =>
  Effect.filterOrFail(
    orVariable(given, "GENESYS_DNC_OPERATOR"),
    (operator) => operator === undefined || operator.length <= longestOperator,
    () =>
      new UsageError({
        message: `The operator is named in more than ${longestOperator} characters`,
        hint: "Give a name, a login or a ticket with --operator or GENESYS_DNC_OPERATOR."
      })
  )

const toVouching = (
  options: Partial<Parsed<typeof vouching>>
): Effect.Effect<AuditSink.Vouching, UsageError | AuditSignature.SignatureError> =>
  Effect.gen(function* () {
    const operator = yield* toOperator(options.operator)
    const signKey = yield* orVariable(options.signKey, "GENESYS_DNC_SIGN_KEY")
    const url = yield* orVariable(options.timestampUrl, "GENESYS_DNC_TIMESTAMP_URL")
    return {
      ...(url === undefined
        ? {}
        : {
            stamper: yield* Effect.mapError(
              AuditTimestamp.make(url),
              ({ hint, message }) => new UsageError({ message, hint })
            )
          }),
      ...(operator === undefined ? {} : { operator }),
      ...(signKey === undefined ? {} : { signer: yield* AuditSignature.fromFile(signKey) })
    }
  })

export const toShortening = ({
  againstExport,
  allowShorten,
  heldBack
}: Parsed<typeof shortening>): Effect.Effect<
  Pick<GenesysDnc.PushOptions, "against" | "allowShorten" | "heldBackPath">,
  UsageError
> =>
  allowShorten && againstExport !== undefined
    ? usage("--allow-shorten holds nothing back, so --against-export is of no effect", "Give one of them.")
    : againstExport === "-"
      ? usage("--against-export names no file", "Write the export to a file first.")
      : Effect.succeed({
          allowShorten,
          heldBackPath: heldBack,
          ...(againstExport === undefined ? {} : { against: againstExport })
        })

/** `6y`, `2200d`; a year is 366 days, so that nothing is older by it than by the calendar. */
export const toAge = (name: string, text: string): Effect.Effect<Duration.Duration, UsageError> => {
  const match = /^(\d{1,6})\s*(d|days?|y|years?)$/.exec(text.trim())
  return match === null
    ? usage(`${name} ${text} is no time in days or years`, "Use 6y or 2200d.")
    : Effect.succeed(Duration.times(match[2].startsWith("y") ? AuditPrune.year : Duration.days(1), Number(match[1])))
}

/** How long records are kept at least. */
export const retention: Effect.Effect<Duration.Duration, UsageError> = Effect.flatMap(
  orVariable(undefined, "GENESYS_DNC_RETENTION"),
  (text) => (text === undefined ? Effect.succeed(AuditPrune.defaults.minimum) : toAge("GENESYS_DNC_RETENTION", text))
)

export const toListId = (given: string | undefined): Effect.Effect<string, UsageError> =>
  Effect.gen(function* () {
    const id = given ?? Option.getOrUndefined(yield* Effect.option(Config.string("GENESYS_DNC_LIST")))
    if (id === undefined || id.trim() === "")
      return yield* usage("No list is given", "Use --list ID, or set GENESYS_DNC_LIST.")
    // an id with a slash in it would be another route
    return DncLists.isId(id.trim())
      ? id.trim()
      : yield* usage(
          `"${id}" is not the id of a DNC list`,
          "An id looks like 0ffca115-cafe-4ace-a11c-facade0ca115; it is in the list's address in the admin pages."
        )
  })

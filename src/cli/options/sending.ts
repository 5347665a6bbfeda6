/** How numbers are sent: how many requests, how long each, by which API. */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as DncEntry from "../../DncEntry.js"
import * as DncUpload from "../../DncUpload.js"
import type * as GenesysDnc from "../../GenesysDnc.js"
import * as HttpClient from "../../HttpClient.js"
import * as Pacing from "../../Pacing.js"
import type * as Pipeline from "../../Pipeline.js"
import * as RetryPolicy from "../../RetryPolicy.js"
import { type Parsed, type UsageError, usage, whole } from "./basic.js"
import type { kind } from "./rows.js"

const toConcurrency = (text: string): Pacing.Concurrency => {
  const [, number = HttpClient.defaults.concurrency] = text.split(":")
  return text.startsWith("auto") ? { upTo: Number(number) } : Number(text)
}

export const sending = {
  concurrency: Options.text("concurrency").pipe(
    Options.withPseudoName("N|auto|auto:N"),
    Options.withDescription(
      "Requests open at once; auto finds out how many, from 1 to 5 or to N, the server is quickest with"
    ),
    Options.mapEffect((text) =>
      /^(auto|(auto:)?\d+)$/.test(text)
        ? Effect.succeed(toConcurrency(text))
        : Effect.fail(
            ValidationError.invalidValue(HelpDoc.p(`--concurrency ${text} is not a whole number, auto or auto:N`))
          )
    ),
    Options.withDefault<Pacing.Concurrency>(HttpClient.defaults.concurrency)
  ),
  timeout: Options.text("timeout").pipe(
    Options.withDescription("Time for one request"),
    Options.withDefault("30 seconds")
  ),
  retryAttempts: whole("retry-attempts").pipe(
    Options.withDescription("Requests for one batch at most; those answered 429 do not count"),
    Options.withDefault(RetryPolicy.defaults.attempts)
  ),
  retryFor: Options.text("retry-for").pipe(
    Options.withDescription("How long one batch is tried again"),
    Options.withDefault("10 minutes")
  )
}

export const api = {
  api: Options.choice("api", ["auto", "entries", "platform"]).pipe(
    Options.withDescription("How numbers get onto the list; auto asks the list"),
    Options.withDefault("auto" as const)
  ),
  batchSize: whole("batch-size").pipe(
    Options.withDescription("Numbers in one request of the platform API"),
    Options.withDefault(1000)
  ),
  sizeLag: Options.text("size-lag").pipe(
    Options.withDescription("How long the size of the list is waited for at the end, by the platform API"),
    Options.withDefault("60 seconds")
  )
}

/** The same where only the published API can do the work. */
const { api: _, ...platformApi } = api

export { platformApi }

export const bulk = {
  uploadAbove: Options.text("upload-above").pipe(
    Options.withPseudoName("N"),
    Options.withDescription(
      "Send one file to be imported where more requests than this were needed by the platform API; 0 always, or never"
    ),
    Options.withDefault(String(DncUpload.above))
  ),
  import: Options.choice("import", ["replace", "append"]).pipe(
    Options.withDescription(
      "What an import is taken to do to a list, which is not published: replace sends what is on it along, append does not"
    ),
    Options.withDefault("replace" as const)
  )
}

export const toSending = (
  options: Parsed<typeof sending>
): Effect.Effect<Required<Pick<GenesysDnc.Settings, "concurrency" | "timeout" | "retry">>, UsageError> =>
  Effect.gen(function* () {
    const { concurrency } = options
    if (Pacing.most(concurrency) < 1) {
      const given = typeof concurrency === "number" ? concurrency : `auto:${concurrency.upTo}`
      return yield* usage(`--concurrency ${given} is less than 1`, "Use 1 or more.")
    }
    if (options.retryAttempts < 1) {
      return yield* usage(`--retry-attempts ${options.retryAttempts} is less than 1`, "Use 1 to try only once.")
    }
    return {
      concurrency,
      timeout: yield* duration("--timeout", options.timeout),
      retry: {
        ...RetryPolicy.defaults,
        attempts: options.retryAttempts,
        duration: yield* duration("--retry-for", options.retryFor)
      }
    }
  })

export const toApi = (
  options: Parsed<typeof api> & Partial<Parsed<typeof kind>>,
  dncListId: string
): Effect.Effect<
  Required<Pick<GenesysDnc.Settings, "api" | "largestBatch" | "kind">> & { readonly sizeLag: Duration.Duration },
  UsageError
> => {
  const { api, batchSize, kind = "phone", sizeLag } = options
  if (batchSize < 1) return usage(`--batch-size ${batchSize} is less than 1`, "Use 1 or more.")
  if (api === "entries" && kind !== "phone") {
    return usage(
      `By --api entries no ${DncEntry.names[kind].many} get onto a list`,
      `Leave --api out: --kind ${kind} goes by the published API.`
    )
  }
  return Effect.map(duration("--size-lag", sizeLag), (sizeLag) => ({
    api: kind !== "phone" ? "platform" : api === "auto" ? { detect: dncListId } : api,
    kind,
    largestBatch: batchSize,
    sizeLag
  }))
}

export const toUpload = ({
  import: mode,
  uploadAbove
}: Parsed<typeof bulk>): Effect.Effect<Omit<Pipeline.UploadOptions, "client"> | undefined, UsageError> =>
  uploadAbove === "never"
    ? Effect.succeed(undefined)
    : /^\d{1,9}$/.test(uploadAbove)
      ? Effect.succeed({ above: Number(uploadAbove), import: mode })
      : usage(`--upload-above ${uploadAbove} is no number of requests`, "Use a whole number, 0 for always, or never.")

/** `30s`, `10 minutes`, `500ms`. */
const duration = (name: string, text: string): Effect.Effect<Duration.Duration, UsageError> => {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|millis|milliseconds?|s|secs?|seconds?|m|min|mins|minutes?|h|hours?)$/.exec(
    text.trim()
  )
  if (match === null) return usage(`${name} ${text} is not a duration`, "Use 500ms, 30s or 10m.")
  const unit = match[2].startsWith("mi") && !match[2].startsWith("mil") ? "m" : match[2]
  const scale =
    unit.startsWith("ms") || unit.startsWith("mil")
      ? 1
      : unit.startsWith("s")
        ? 1000
        : unit.startsWith("h")
          ? 3_600_000
          : 60_000
  return Effect.succeed(Duration.millis(Number(match[1]) * scale))
}

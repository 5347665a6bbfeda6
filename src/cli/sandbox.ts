/** `genesys-dnc sandbox`: Genesys Cloud on this machine, until Ctrl-C. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Faults from "../sandbox/Faults.js"
import * as Sandbox from "../sandbox/Sandbox.js"
import { UsageError, whole } from "./options/basic.js"

const share = (name: string, description: string) =>
  Options.float(name).pipe(Options.withDescription(description), Options.withDefault(0))

export const sandbox = Command.make(
  "sandbox",
  {
    port: whole("port").pipe(Options.withDescription("0 takes a free one"), Options.withDefault(4010)),
    host: Options.text("host").pipe(
      Options.withDescription("Address to listen at; everyone who reaches it can use the sandbox"),
      Options.withDefault(Sandbox.defaults.host)
    ),
    contract: Options.choice("contract", ["entries", "platform", "both"]).pipe(
      Options.withDescription("Which API to serve: with idempotency keys and counts, the published one, or both"),
      Options.withDefault(Sandbox.defaults.contract)
    ),
    latency: whole("latency").pipe(Options.withDescription("Milliseconds before each answer"), Options.withDefault(0)),
    jitter: whole("jitter").pipe(
      Options.withDescription("Milliseconds more, at random up to this"),
      Options.withDefault(0)
    ),
    rateLimit: whole("rate-limit").pipe(
      Options.withDescription("Requests a minute and token; 0 is no limit"),
      Options.withDefault(0)
    ),
    errors: share("errors", "Share of requests (0 to 1) answered 5xx"),
    rateLimited: share("rate-limited", "Share of requests answered 429"),
    drops: share("drops", "Share of connections dropped after the list was changed"),
    dropsBefore: share("drops-before", "Share of connections dropped before anything is changed"),
    truncated: share("truncated", "Share of answers cut short after the list was changed"),
    slow: share("slow", "Share of answers whose body comes little by little"),
    slowMs: whole("slow-ms").pipe(
      Options.withDescription("Milliseconds that such a body takes"),
      Options.withDefault(Faults.none.slowMs)
    ),
    refuse: Options.text("refuse").pipe(
      Options.withDescription("Number that no list takes; * is any digits; can be repeated"),
      Options.repeated
    ),
    refusals: Options.choice("refusals", ["named", "silent", "partial"]).pipe(
      Options.withDescription(
        "A request that holds such a number is refused with its name, or without, or the others are taken"
      ),
      Options.withDefault(Sandbox.defaults.refusals)
    ),
    control: Options.boolean("control").pipe(
      Options.withDescription(
        "Serve /sandbox/faults, /sandbox/stats, /sandbox/reset and /sandbox/lists/ID/entries (or /phonenumbers and so on)"
      )
    ),
    print: Options.boolean("print").pipe(Options.withDescription("Print the list (as NDJSON) at the end"))
  },
  (given) =>
    Effect.scoped(
      Effect.gen(function* () {
        const shares = Object.entries({
          errors: given.errors,
          "rate-limited": given.rateLimited,
          drops: given.drops,
          "drops-before": given.dropsBefore,
          truncated: given.truncated,
          slow: given.slow
        })
        for (const [name, value] of shares) {
          if (value < 0 || value > 1) {
            return yield* new UsageError({
              message: `--${name} ${value} is no share`,
              hint: "Use a number from 0 to 1."
            })
          }
        }
        const unwanted = given.refuse.find((pattern) => !/^\+[\d*]+$/.test(pattern))
        if (unwanted !== undefined) {
          return yield* new UsageError({
            message: `--refuse ${unwanted} is no number`,
            hint: "Use E.164, with * for any digits: +14155550100 or +1415*."
          })
        }
        // 0.7 + 0.2 + 0.1 is a little less than 1, other sums a little more
        if (shares.reduce((sum, [, value]) => sum + value, 0) > 1 + 1e-9) {
          return yield* new UsageError({
            message: `${shares.flatMap(([name, value]) => (value > 0 ? `--${name}` : [])).join(", ")}: more than all requests`,
            hint: "One fault meets a request, so the shares may add up to 1."
          })
        }
        const sandbox = yield* Sandbox.make({
          port: given.port,
          host: given.host,
          contract: given.contract,
          control: given.control,
          faults: {
            latencyMs: given.latency,
            jitterMs: given.jitter,
            status5xxRate: given.errors,
            status429Rate: given.rateLimited,
            dropAfterRate: given.drops,
            dropBeforeRate: given.dropsBefore,
            truncateRate: given.truncated,
            slowRate: given.slow,
            slowMs: given.slowMs
          },
          refuse: given.refuse,
          refusals: given.refusals,
          ...(given.rateLimit > 0 ? { rateLimit: { requests: given.rateLimit, windowSeconds: 60 } } : {})
        })
        process.stdout.write(`${Sandbox.describe(sandbox)}\n`)
        yield* Effect.never.pipe(
          Effect.onInterrupt(() =>
            Effect.sync(() => {
              if (!given.print) return
              for (const entry of sandbox.entries()) process.stdout.write(`${JSON.stringify(entry)}\n`)
            })
          )
        )
      })
    )
).pipe(Command.withDescription("Serve a stand-in for Genesys Cloud on this machine."))

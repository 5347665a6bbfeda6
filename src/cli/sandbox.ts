/** `genesys-dnc sandbox`: Genesys Cloud on this machine, until Ctrl-C. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Sandbox from "../sandbox/Sandbox.js"
import { UsageError, whole } from "./options.js"

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
    refusals: share("rate-limited", "Share of requests answered 429"),
    drops: share("drops", "Share of connections dropped after the list was changed"),
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
        for (const [name, value] of Object.entries({
          errors: given.errors,
          "rate-limited": given.refusals,
          drops: given.drops
        })) {
          if (value < 0 || value > 1) {
            return yield* new UsageError({
              message: `--${name} ${value} is no share`,
              hint: "Use a number from 0 to 1."
            })
          }
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
            status429Rate: given.refusals,
            dropAfterRate: given.drops
          },
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

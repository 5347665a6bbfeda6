/** What the commands share that run files: their options, the run until Ctrl-C, the question, the summary. */
import type * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Action } from "../DncEntry.js"
import * as DncExport from "../DncExport.js"
import * as DncLists from "../DncLists.js"
import * as GenesysDnc from "../GenesysDnc.js"
import { HttpClient } from "../HttpClient.js"
import type * as Pipeline from "../Pipeline.js"
import type { Plan, Progress } from "../Pipeline.js"
import type { RunReport } from "../RunReport.js"
import * as ExitCode from "./ExitCode.js"
import { client, listOption, toList } from "./lists.js"
import * as options from "./options.js"
import * as Progress_ from "./progress.js"
import { summary } from "./summary.js"
import { jsonLine } from "./terminal.js"

/** Writes the summary, and says by the exit code how it went. */
export const conclude = (
  report: RunReport,
  kind: Parameters<typeof summary>[1],
  json: boolean,
  auditLog?: string
): Effect.Effect<void> =>
  Effect.sync(() => {
    const exitCode =
      kind === "push"
        ? ExitCode.ofReport(report)
        : report.totals.rejected + report.heldBack > 0
          ? ExitCode.rejected
          : ExitCode.done
    process.exitCode = report.outcome === "completed" ? exitCode : ExitCode.ofReport(report)
    process.stdout.write(json ? jsonLine({ exitCode: process.exitCode, ...report }) : summary(report, kind, auditLog))
  })

/**
 * Runs until done or interrupted: then no further batch is begun, requests on their way are waited for, and the summary
 * is of what was done.
 */
export const untilInterrupted = <A, E, R, E2>(
  run: (stop: Effect.Effect<void>, onProgress: (progress: Progress) => void) => Effect.Effect<A, E, R>,
  conclude: (result: A) => Effect.Effect<void, E2>
): Effect.Effect<void, E | E2, R> =>
  Effect.scoped(
    Effect.gen(function* () {
      const stop = yield* Deferred.make<void>()
      const show = yield* Progress_.show
      let latest: Progress | undefined
      return yield* Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          // a daemon: an interruption reaches a fiber's children at once, and the run would end without its report
          const fiber = yield* Effect.forkDaemon(
            restore(
              run(Deferred.await(stop), (progress) => {
                latest = progress
                show(progress)
              })
            )
          )
          const halt = Effect.gen(function* () {
            // looked up now: the first batches are on their way before the first call that says so
            const sending = latest?.phase === "sending" || latest?.phase === "finished"
            process.stderr.write(
              sending
                ? "\nStopping: waiting for the requests on their way. Press Ctrl-C again to leave at once.\n"
                : "\nStopped before anything was sent.\n"
            )
            yield* sending ? Deferred.succeed(stop, undefined) : Fiber.interrupt(fiber)
            const exit = yield* Fiber.await(fiber)
            if (exit._tag === "Success") yield* Effect.ignore(conclude(exit.value))
          })
          return yield* restore(Fiber.join(fiber)).pipe(Effect.onInterrupt(() => halt))
        })
      )
    })
  ).pipe(Effect.flatMap(conclude))

/** What `push`, `remove` and their like have in common. */
export const shared = {
  files: options.files,
  list: listOption,
  dryRun: Options.boolean("dry-run").pipe(Options.withDescription("Do everything but send; needs no credentials")),
  verify: Options.boolean("verify").pipe(
    Options.withDescription("Export the list at the end, and see that each number is as it should be")
  ),
  failed: Options.text("failed").pipe(
    Options.withDescription("File for numbers that are not known to be done; FILE.failed.csv if not given"),
    Options.optional,
    Options.map(Option.getOrUndefined)
  ),
  ...options.output,
  ...options.time,
  ...options.due,
  ...options.limits,
  ...options.audit,
  ...options.vouching,
  ...options.ends,
  ...options.policy,
  ...options.reading,
  ...options.connection,
  ...options.sending
}

export type Shared = Command.Command.ParseConfig<typeof shared>

/** The id that is given, or that of the list of that name, which is asked for. */
export const listId = (given: Pick<Shared, "list" | "dryRun" | "apiUrl" | "loginUrl" | "region" | "profile">) =>
  Effect.gen(function* () {
    const asked = yield* toList(given.list)
    if (given.dryRun || DncLists.isId(asked)) return yield* options.toListId(asked)
    const { id } = yield* Effect.provide(DncLists.resolve(asked), client(given))
    return id
  })

/** Puts the numbers of files on a list, or takes them off it. */
export const send = (
  given: Shared & { readonly fresh: boolean },
  api: Pick<GenesysDnc.Settings, "api" | "largestBatch" | "kind">,
  dncListId: string,
  sizeLag: Duration.Duration,
  action: Action = "add",
  confirm?: (plan: Plan) => Effect.Effect<void, options.UsageError>,
  upload?: Omit<Pipeline.UploadOptions, "client">,
  shortening: Pick<GenesysDnc.PushOptions, "against" | "allowShorten" | "heldBackPath"> = {}
) =>
  Effect.gen(function* () {
    const outputs = { rejectsPath: given.rejects, failedPath: given.failed, keep: [given.audit], ...shortening }
    yield* options.checkKept(given, given.files, outputs)
    const settings: GenesysDnc.Settings = {
      ...api,
      auditLog: given.audit,
      audit: yield* options.toAudit(given),
      policy: yield* options.toPolicy(given),
      ...(yield* options.toSending(given))
    }
    const now = yield* options.toNow(given.now)
    const due = yield* options.toDue(given)
    const maxRejects = yield* options.toMaxRejects(given.maxRejects)
    yield* options.checkUrls(given)
    const run = (byClient: Pick<Pipeline.Options, "verify" | "listed" | "upload">) =>
      untilInterrupted(
        (stop, onProgress) =>
          GenesysDnc.pushFile(given.files, {
            dncListId,
            action,
            sizeLag,
            stop,
            onProgress,
            ...outputs,
            file: options.toReading(given),
            ends: given.ends,
            fresh: given.fresh,
            ...now,
            ...due,
            ...byClient,
            ...(confirm === undefined ? {} : { confirm }),
            ...(maxRejects === undefined ? {} : { maxRejects })
          }),
        (report) => conclude(report, given.dryRun ? "dry run" : "push", given.json, given.audit)
      )
    if (given.dryRun) return yield* Effect.provide(run({}), GenesysDnc.layerDryRun(settings))
    const exported = (client: typeof HttpClient.Service): Pick<Pipeline.Options, "verify" | "listed" | "upload"> => {
      const listed = Stream.provideService(DncExport.stream(dncListId), HttpClient, client)
      return {
        listed,
        ...(given.verify ? { verify: listed } : {}),
        ...(upload === undefined ? {} : { upload: { ...upload, client } })
      }
    }
    yield* Effect.provide(
      Effect.flatMap(HttpClient, (client) => run(exported(client))),
      GenesysDnc.layer({ ...(yield* GenesysDnc.connection(given)), ...settings })
    )
  })

export const fresh = Options.boolean("fresh").pipe(
  Options.withDescription("Begin a new run, also where one of the same files did not come to its end")
)

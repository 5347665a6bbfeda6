/** `genesys-dnc sync`. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AuditSink from "../AuditSink.js"
import * as Contract from "../Contract.js"
import * as DncExport from "../DncExport.js"
import * as DncSubmitter from "../DncSubmitter.js"
import * as DncValidator from "../DncValidator.js"
import * as GenesysDnc from "../GenesysDnc.js"
import type { SyncOptions } from "../Pipeline.js"
import { checkTerminal, confirm, yes } from "./ask.js"
import { number } from "./figures.js"
import * as options from "./options.js"
import { saying } from "./problem.js"
import { conclude, listId, shared, untilInterrupted } from "./run.js"
import { plan as planned } from "./summary.js"

export const sync = Command.make(
  "sync",
  {
    ...shared,
    ...options.platformApi,
    yes,
    dryRun: Options.boolean("dry-run").pipe(
      Options.withDescription("Make the plan, by an export of the list, and change nothing")
    ),
    verify: Options.boolean("verify").pipe(
      Options.withDescription("Export the list again at the end, and see that it is equal to the files")
    ),
    maxRejects: options.optionalText("max-rejects", "With --allow-rejects: how many rows (N) or which share (N%)"),
    allowRejects: Options.boolean("allow-rejects").pipe(
      Options.withDescription("Go on though rows were rejected: the numbers that they mean are removed")
    ),
    maxRemove: options.optionalText(
      "max-remove",
      "Change nothing if more entries (N) or a larger share of the list (N%) would be removed; 1% if not given"
    ),
    plan: options.optionalText("plan", "File for the plan; FILE.plan.csv if not given"),
    failedRemovals: options.optionalText(
      "failed-removals",
      "File for numbers that could not be removed; FILE.failed-removals.csv if not given"
    ),
    wait: options
      .whole("wait")
      .pipe(
        Options.withDescription("Minutes to wait for an export to become ready"),
        Options.withDefault(Duration.toMinutes(DncExport.defaults.longest))
      )
  },
  (given) =>
    Effect.gen(function* () {
      yield* options.checkFiles(given.files, given)
      if (given.plan === "-") {
        return yield* new options.UsageError({
          message: "The plan cannot go to standard output, where the summary goes",
          hint: "Name a file, such as /dev/stderr."
        })
      }
      if (!given.yes && !given.dryRun) yield* checkTerminal("sync")
      const outputs = {
        rejectsPath: given.rejects,
        failedPath: given.failed,
        failedRemovalsPath: given.failedRemovals,
        planPath: given.plan,
        keep: [given.audit],
        ends: given.ends
      }
      yield* options.checkKept(given, given.files, outputs, "sync")
      const maxRejects = yield* options.toMaxRejects(given.maxRejects)
      const maxRemove = yield* options.toLimit("--max-remove", given.maxRemove, "entries")
      const now = yield* options.toNow(given.now)
      const due = yield* options.toDue(given)
      const policy = yield* options.toPolicy(given)
      const sending = yield* options.toSending(given)
      yield* options.checkUrls(given)
      // a dry run needs the list too
      const dncListId = yield* listId({ ...given, dryRun: false })
      const { api, largestBatch, sizeLag } = yield* options.toApi({ ...given, api: "platform" }, dncListId)
      const connection = yield* GenesysDnc.connection(given)
      const run = untilInterrupted(
        (stop, onProgress) =>
          GenesysDnc.syncFile(given.files, {
            dncListId,
            sizeLag,
            stop,
            onProgress,
            ...outputs,
            file: options.toReading(given),
            verify: given.verify,
            dryRun: given.dryRun,
            allowRejects: given.allowRejects,
            export: { longest: Duration.minutes(given.wait) },
            ...now,
            ...due,
            ...(given.yes ? {} : { confirm: ask }),
            ...(maxRejects === undefined ? {} : { maxRejects }),
            ...(maxRemove === undefined ? {} : { maxRemove })
          }),
        (report) =>
          conclude(report, given.dryRun ? "dry run" : "push", given.json, given.dryRun ? undefined : given.audit)
      )
      const settings = {
        auditLog: given.audit,
        audit: yield* options.toAudit(given),
        policy,
        api,
        largestBatch,
        ...sending
      }
      yield* given.dryRun
        ? Effect.provide(run, layerPlan({ ...connection, ...settings }))
        : Effect.provide(run, GenesysDnc.layer({ ...connection, ...settings }))
    }).pipe(saying(given.json))
).pipe(
  Command.withDescription(
    "Make a DNC list equal to files, by the published API: what is missing is added first, then what is in no file is removed."
  )
)

/** Nothing is done, so no log is begun. */
const layerPlan = (settings: GenesysDnc.Options & { readonly largestBatch: number }) =>
  DncSubmitter.layer({ contract: Contract.platform({ largestBatch: settings.largestBatch }) }).pipe(
    Layer.provideMerge(GenesysDnc.layerClient(settings)),
    Layer.provideMerge(AuditSink.layerMemory([])),
    Layer.merge(DncValidator.layer(settings.policy))
  )

const ask: NonNullable<SyncOptions<options.UsageError>["confirm"]> = (plan, { list, planFile }) =>
  confirm(
    `\nThe list ${list?.name ?? ""} has ${number(plan.listed)} entries: ${planned(plan)}.\n` +
      `${planFile === undefined ? "" : `The plan: ${planFile.path}\n`}` +
      `Make the list so${plan.removals === plan.expired ? "" : `; ${number(plan.removals - plan.expired)} numbers may then be called again`}?`
  )

/** `genesys-dnc push`, `genesys-dnc remove` and `genesys-dnc validate`. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Contract from "../Contract.js"
import type { Kind } from "../DncEntry.js"
import * as DncSubmitter from "../DncSubmitter.js"
import * as DncValidator from "../DncValidator.js"
import * as GenesysDnc from "../GenesysDnc.js"
import type { Plan } from "../Pipeline.js"
import { checkTerminal, confirm, yes } from "./ask.js"
import { number } from "./figures.js"
import * as options from "./options.js"
import { saying } from "./problem.js"
import { conclude, fresh, listId, send, shared, untilInterrupted } from "./run.js"
import { noun } from "./summary.js"

export const push = Command.make(
  "push",
  { ...shared, fresh, ...options.shortening, ...options.kind, ...options.api, ...options.bulk },
  (given) =>
    Effect.gen(function* () {
      yield* options.checkFiles(given.files, given)
      yield* options.checkColumn(given)
      const upload = yield* options.toUpload(given)
      const shortening = yield* options.toShortening(given)
      // what is wrong with the words, before a list is asked for by its name
      yield* options.toApi(given, "")
      const dncListId = yield* listId(given)
      const { sizeLag, ...api } = yield* options.toApi(given, dncListId)
      yield* send(given, api, dncListId, sizeLag, "add", undefined, upload, shortening)
    }).pipe(saying(given.json))
).pipe(Command.withDescription("Put the numbers (or addresses, values: --kind) of files on a DNC list."))

export const remove = Command.make(
  "remove",
  {
    ...shared,
    ...options.kind,
    ...options.platformApi,
    fresh,
    yes
  },
  (given) =>
    Effect.gen(function* () {
      yield* options.checkFiles(given.files, given)
      yield* options.checkColumn(given)
      if (!given.yes && !given.dryRun) yield* checkTerminal("remove")
      const dncListId = yield* listId(given)
      const { sizeLag, ...api } = yield* options.toApi({ ...given, api: "platform" }, dncListId)
      yield* send(
        given,
        api,
        dncListId,
        sizeLag,
        "remove",
        given.yes || given.dryRun ? undefined : confirmRemoval(given.kind)
      )
    }).pipe(saying(given.json))
).pipe(
  Command.withDescription("Take the numbers of files off a DNC list, by the published API: they may be called again.")
)

const confirmRemoval =
  (kind: Kind) =>
  ({ list, numbers }: Plan) =>
    confirm(
      `Take ${number(numbers)} ${noun(kind)} off the list ${list?.name ?? ""}, so that they may be ${kind === "phone" ? "called" : "contacted"} again?`
    )

export const validate = Command.make(
  "validate",
  {
    files: options.files,
    ...options.output,
    ...options.time,
    ...options.due,
    ...options.limits,
    ...options.policy,
    ...options.kind,
    ...options.reading
  },
  (given) =>
    Effect.gen(function* () {
      yield* options.checkFiles(given.files, given)
      yield* options.checkColumn(given)
      const { kind } = given
      const now = yield* options.toNow(given.now)
      const due = yield* options.toDue(given)
      const maxRejects = yield* options.toMaxRejects(given.maxRejects)
      const policy = yield* options.toPolicy(given)
      yield* untilInterrupted(
        (_, onProgress) =>
          GenesysDnc.validateFile(given.files, {
            onProgress,
            rejectsPath: given.rejects,
            file: options.toReading(given),
            ...now,
            ...due,
            ...(maxRejects === undefined ? {} : { maxRejects })
          }),
        (report) => conclude(report, "validation", given.json)
      ).pipe(
        Effect.provide(
          Layer.merge(DncValidator.layer({ ...policy, kind }), DncSubmitter.layerDryRun(Contract.platform({ kind })))
        )
      )
    }).pipe(saying(given.json))
).pipe(Command.withDescription("Check files by the rules of push, without a network."))

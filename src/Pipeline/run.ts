/**
 * What the stages of one run share.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { LoggedRun } from "../AuditLog/runs.js"
import type { ValidationError } from "../AuditSink.js"
import type { Contract } from "../Contract.js"
import type { Action, Kind, Reject } from "../DncEntry.js"
import * as DncEntry from "../DncEntry.js"
import type { DncValidator } from "../DncValidator.js"
import * as DueTable from "../DueTable.js"
import { BadRequest } from "../GenesysError.js"
import type { Input, Options, Outputs, Progress } from "../Pipeline.js"
import { noOutputs } from "../Pipeline.js"
import type { Ledger, RunReport, SyncReport } from "../RunReport.js"
import * as Report from "../RunReport.js"
import * as Codec from "../SuppressionSet/codec.js"
import * as SuppressionSet from "../SuppressionSet.js"

/** Refused rows that the log shows one by one. */
const recordedRejects = 100

/** The state of one run, from one stage to the next. */
export interface Run<E, E2> {
  runId: string
  /** What an earlier process did of it. */
  earlier: LoggedRun | undefined
  readonly dncListId: string
  readonly action: Action
  readonly kind: Kind
  readonly concurrency: number | undefined
  readonly inputs: ReadonlyArray<Input<E>>
  readonly outputs: Outputs<E2>
  readonly stop: Effect.Effect<void>
  /** Added to the lines of each input to make places in the set; grows as inputs are read. */
  readonly bases: Array<number>
  readonly set: SuppressionSet.SuppressionSet
  readonly ledger: Ledger
  /** The first refused rows, for the log: those before the first batch in the first record, the others in the last. */
  readonly recorded: Array<ValidationError>
  recordedAtStart: number
  readonly progress: { -readonly [K in keyof Progress]: Progress[K] }
  readonly notify: () => void
  readonly startedAt: number
  withoutExpiry: number
  /** Numbers that are not sent, as they are on the list for longer, and until when they are. */
  heldBack: number
  heldUntil: (phoneNumber: string) => number
  listSize: RunReport["listSize"]
  verified: number | undefined
  /** Where the list is made equal to the inputs. */
  sync: SyncReport | undefined
  ends: RunReport["ends"]
  uploaded: RunReport["upload"]
  /** Rows whose time of request could not be read, and the first of them. */
  unreadableRequests: number
  firstUnreadable: string
  readonly due: DueTable.DueTable
  /** Numbers that the server refused. */
  readonly refused: Set<string>
  now: number
  sendingAt: number
  /** No further batch is begun. */
  stopping: boolean
  error: RunReport["error"]
  /** What ends the run's effect once everything is accounted for: a defect, or somebody's interruption. */
  cause: Cause.Cause<never> | undefined
}

export const begin = <E, E2>(
  inputs: ReadonlyArray<Input<E>>,
  options: Omit<Options<E2>, "confirm" | "verify">,
  kind: Kind = "phone"
): Effect.Effect<Run<E, E2>> =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const ledger = Report.ledger()
    const bytes = inputs.reduce((sum, input) => sum + input.bytes, 0)
    const progress = { phase: "reading" as const, bytesRead: 0, bytes, totals: ledger.totals, numbers: 0, settled: 0 }
    return {
      runId: options.runId ?? crypto.randomUUID(),
      earlier: undefined,
      dncListId: options.dncListId,
      action: options.action ?? "add",
      kind,
      concurrency: options.concurrency,
      inputs,
      outputs: options.outputs ?? (noOutputs as Outputs<never>),
      stop: options.stop ?? Effect.never,
      bases: [0],
      set: SuppressionSet.make(Codec.ofKind(kind)),
      ledger,
      recorded: [],
      recordedAtStart: 0,
      progress,
      notify: options.onProgress === undefined ? () => {} : () => options.onProgress?.(progress),
      startedAt: now,
      withoutExpiry: 0,
      heldBack: 0,
      heldUntil: () => Number.NaN,
      listSize: undefined,
      verified: undefined,
      sync: undefined,
      ends: undefined,
      uploaded: undefined,
      unreadableRequests: 0,
      firstUnreadable: "",
      due: options.dueTable ?? DueTable.defaults,
      refused: new Set(),
      now: options.now ?? now,
      sendingAt: now,
      stopping: false,
      error: undefined,
      cause: undefined
    }
  })

export const describe = (error: unknown): NonNullable<RunReport["error"]> => {
  const { _tag, correlationId, hint, message } = error as {
    readonly _tag?: string
    readonly hint?: string
    readonly message?: string
    readonly correlationId?: string
  }
  return {
    tag: _tag ?? "Error",
    message: message ?? String(error),
    hint,
    ...(correlationId === undefined ? {} : { correlationId })
  }
}

/** Fails where the contract cannot do what the run is for. */
export const checkAction = <E, E2>(
  { action }: Pick<Run<E, E2>, "action">,
  { actions, name }: Contract
): Effect.Effect<void, BadRequest> =>
  actions.includes(action)
    ? Effect.void
    : Effect.fail(
        new BadRequest({
          message: `By the contract ${name} no number can be taken off a list; nothing was sent`,
          hint: "Use the published API: --api platform."
        })
      )

/** Fails where the rows would become something else than the contract's batches hold. */
export const checkKind = (
  { policy }: typeof DncValidator.Service,
  { kind, name }: Contract
): Effect.Effect<void, BadRequest> =>
  policy.kind === kind
    ? Effect.void
    : Effect.fail(
        new BadRequest({
          message: `The validator is for ${DncEntry.names[policy.kind].many}, the contract ${name} for ${DncEntry.names[kind].many}; nothing was sent`,
          hint: "Give the same kind to both: as DncValidator.layer({ kind }) and Contract.platform({ kind }), or once in GenesysDnc's settings. The contract entries takes phone numbers only."
        })
      )

/** What only numbers can be had done with: a list's entries of other kinds cannot be told apart by an export. */
export const checkPhone = ({ kind }: Contract, work: string): Effect.Effect<void, BadRequest> =>
  kind === "phone"
    ? Effect.void
    : Effect.fail(
        new BadRequest({
          message: `${work} is for phone numbers, not for ${DncEntry.names[kind].many}; nothing was sent`,
          hint: "Use push and remove for these."
        })
      )

/** How the contract groups the numbers of this run; what is taken off a list is of one kind. */
export const grouping = <E, E2>({ action, now }: Run<E, E2>, contract: Contract): SuppressionSet.Grouping =>
  action === "remove" ? () => forEver : (expires, reason) => contract.group(expires, reason, now)

const forEver = { reason: null, expires: Number.POSITIVE_INFINITY }

/** Counts what is going to be cut. */
export const plan = <E, E2>(run: Run<E, E2>, contract: Contract): void => {
  const group = grouping(run, contract)
  run.ledger.batches.cut += run.set.countBatches(contract.largestBatch, group)
  if (run.action === "add") run.withoutExpiry += run.set.countForEver(group)
}

/** No further batch is begun; the first error is the run's. */
export const abort = <E, E2>(run: Run<E, E2>, error: unknown): void => {
  run.stopping = true
  run.error ??= describe(error)
}

/** Refused rows, on the account and for the log. */
export const count = <E, E2>(run: Run<E, E2>, input: number, rejects: ReadonlyArray<Reject>): void => {
  run.ledger.rejected(rejects)
  const name = run.inputs[input]?.name ?? "row"
  for (const { code, line, message, raw } of rejects) {
    if (run.recorded.length === recordedRejects) break
    run.recorded.push({ code, at: `${name}:${line}`, raw, message })
  }
}

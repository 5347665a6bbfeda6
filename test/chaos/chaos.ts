/** One run that is killed again and again and gone on with until it is done, and what must be so then. */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { AuditChain, type AuditSink, Contract, DncEntry, RunReport } from "genesys-dnc"
import { Sandbox } from "genesys-dnc/sandbox"
import * as Compiled from "../support/compiled.js"
import { folder, number } from "../support/files.js"
import type { Settings, Step } from "./child.js"

/** Where a child can be told to end itself. */
export const steps = ["started", "intended", "sent", "answered", "done", "finished"] as const

export interface Options {
  readonly seed: number
  readonly api: Settings["api"]
  /** Where the process is killed: at a named step, or after a random time. */
  readonly step: Step | "any time"
  readonly rows: number
  readonly kills: number
}

export interface Outcome {
  readonly kills: number
  /** Processes that it took. */
  readonly starts: number
  readonly batches: number
  /** Requests that the server carried out more than once. */
  readonly repeated: number
  /** Requests that were open when the process was killed, at most; and answers that the sandbox broke. */
  readonly mayRepeat: number
}

/** Steps that a process comes to no more than once. */
const isOnce: ReadonlySet<string> = new Set(["started", "finished"])

/** Numbers from 0 to 1, the same for a seed. */
const random = (seed: number) => {
  let state = seed
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Row {
  readonly phoneNumber: string
  readonly reason: number
  readonly expires: number
}

const day = 86_400_000
const forEver = Number.POSITIVE_INFINITY

/** Rows with repeated numbers of different values, and some that are no numbers. */
const inputOf = (next: () => number, count: number) => {
  const today = Math.ceil(Date.now() / day) * day
  const ends = [forEver, forEver, today + 10 * day, today + 20 * day + 12_345, today + 400 * day]
  const rows: Array<Row> = []
  const lines: Array<string> = []
  let rejected = 0
  for (let i = 0; i < count; i++) {
    if (next() < 0.01) {
      lines.push("12,OPT_OUT,")
      rejected++
      continue
    }
    const row = {
      phoneNumber: number(Math.floor(next() * count * 0.9)),
      reason: Math.floor(next() * 3),
      expires: ends[Math.floor(next() * ends.length)]
    }
    rows.push(row)
    lines.push(`${row.phoneNumber},${DncEntry.reasons[row.reason]},${DncEntry.formatExpires(row.expires, "")}`)
  }
  return { rows, rejected, text: `phone,reason,expires\n${lines.join("\n")}\n` }
}

/** Each number at the strictest of its rows, as the contract says it. */
const modelOf = (rows: ReadonlyArray<Row>, contract: Contract.Contract, now: number): Record<string, string> => {
  const strictest = new Map<string, Row>()
  for (const row of rows) {
    const other = strictest.get(row.phoneNumber)
    if (other === undefined || DncEntry.isStricter(row.expires, row.reason, other.expires, other.reason)) {
      strictest.set(row.phoneNumber, row)
    }
  }
  return sorted(
    Array.from(strictest.values(), ({ expires, phoneNumber, reason }) => {
      const group = contract.group(expires, reason, now)
      return [phoneNumber, `${group.reason ?? ""} ${DncEntry.formatExpires(group.expires, "")}`]
    })
  )
}

const sorted = (entries: ReadonlyArray<readonly [string, string]>): Record<string, string> =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))

/** The report of a child that came to its end, or how it ended otherwise. */
const child = (
  settings: Settings,
  killAfter: number | undefined
): Effect.Effect<RunReport.RunReport | "killed" | Error> =>
  Effect.async((resume) => {
    const script = Path.join(Compiled.folder, "test", "chaos", "child.js")
    const started = spawn(process.execPath, [script, JSON.stringify(settings)], { stdio: ["ignore", "pipe", "pipe"] })
    const timer = killAfter === undefined ? undefined : setTimeout(() => started.kill("SIGKILL"), killAfter)
    let stdout = ""
    let stderr = ""
    started.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text
    })
    started.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
    })
    started.on("close", (code, signal) => {
      clearTimeout(timer)
      resume(
        Effect.sync(() =>
          signal === "SIGKILL"
            ? "killed"
            : code === 0
              ? JSON.parse(stdout.slice(stdout.lastIndexOf("\n") + 1))
              : new Error(`the child ended with ${code}: ${stderr}${stdout}`)
        )
      )
    })
  })

/** What the sandbox and the log say once the run is done is compared with a plain model of the input. */
export const once = ({ api, kills, rows: count, seed, step }: Options): Effect.Effect<Outcome, Error, Scope.Scope> =>
  Effect.gen(function* () {
    const next = random(seed)
    const path = yield* folder
    const sandbox = yield* Sandbox.make({
      contract: api,
      seed,
      faults: {
        latencyMs: 3,
        jitterMs: 5,
        status5xxRate: 0.04,
        status429Rate: 0.02,
        retryAfterSeconds: 0,
        dropBeforeRate: 0.03,
        dropAfterRate: 0.03,
        routes: ["entries", "phonenumbers"]
      }
    })
    const { rejected, rows, text } = inputOf(next, count)
    const file = Path.join(path, "in.csv")
    Fs.writeFileSync(file, text)
    const concurrency = 5
    const settings: Settings = {
      apiUrl: sandbox.url,
      dncListId: sandbox.listId,
      clientId: sandbox.clientId,
      clientSecret: sandbox.clientSecret,
      api,
      auditLog: Path.join(path, "audit.jsonl"),
      file,
      largestBatch: 100,
      concurrency
    }

    let killed = 0
    let starts = 0
    let report: RunReport.RunReport | undefined
    let typical = 1500
    while (report === undefined) {
      const last = killed >= kills || starts > 3 * kills
      const kill =
        last || step === "any time" ? {} : { kill: { step, count: isOnce.has(step) ? 1 : 1 + Math.floor(next() * 4) } }
      const began = Date.now()
      const ended = yield* child({ ...settings, ...kill }, last || step !== "any time" ? undefined : next() * typical)
      starts++
      if (ended === "killed") killed++
      else if (ended instanceof Error) return yield* Effect.fail(ended)
      else {
        report = ended
        typical = Date.now() - began
      }
    }

    const where = `seed ${seed}, ${api}, ${step}, ${killed} kills`
    const records: ReadonlyArray<AuditSink.AuditRecord> = Fs.readFileSync(settings.auditLog, "utf8")
      .split("\n")
      .flatMap((line) => (AuditChain.parse(line) as AuditSink.AuditRecord | undefined) ?? [])
    assert.equal(report.outcome, "completed", where)

    const begun = records.flatMap((record) => (record.operation === "RUN_STARTED" ? [record] : []))
    const run = begun.find(({ runId }) => runId === report.runId)!
    const contract = api === "entries" ? Contract.entries : Contract.platform({ largestBatch: 100 })
    const list = sorted(
      Array.from(sandbox.entries(), ({ expires, phoneNumber, reason }) => [
        phoneNumber,
        `${api === "entries" ? reason : ""} ${expires ?? ""}`
      ])
    )
    assert.deepEqual(list, modelOf(rows, contract, Date.parse(run.result.now)), `the list: ${where}`)

    assert.equal(RunReport.imbalance(report.totals), 0, where)
    const { accepted, created, duplicateInFile, duplicateOnList, updated } = report.totals
    const distinct = Object.keys(list).length
    assert.equal(report.totals.read, count, where)
    assert.equal(report.totals.rejected, rejected, where)
    assert.equal(duplicateInFile, rows.length - distinct, where)
    assert.equal(accepted + created + updated + duplicateOnList, distinct, where)
    if (begun.length === 1 && api === "entries") assert.equal(created, distinct, where)

    const verifier = AuditChain.verifier(report.auditHead)
    for (const line of Fs.readFileSync(settings.auditLog, "utf8").split("\n")) verifier.take(line)
    assert.equal(verifier.finish().fault, undefined, where)

    // one key for a content and one content for a key, but for the generations that are on record
    const keys = new Map<string, string>()
    const contents = new Map<string, string>()
    for (const record of records) {
      if (record.operation !== "BATCH_INTENDED") continue
      const { contentDigest, generation, idempotencyKey } = record.result
      const content = `${record.runId} ${contentDigest} ${generation}`
      assert.equal(keys.get(idempotencyKey) ?? content, content, where)
      assert.equal(contents.get(content) ?? idempotencyKey, idempotencyKey, where)
      keys.set(idempotencyKey, content)
      contents.set(content, idempotencyKey)
    }

    const stats = (yield* sandbox.stats).requests[api === "entries" ? "entries" : "phonenumbers"]
    const carriedOut = (stats[api === "entries" ? "200" : "204"] ?? 0) + (stats["dropped"] ?? 0)
    // the size of all batches of all runs that were begun
    const cut = begun.reduce((sum, { result }) => sum + result.batches, 0)
    const repeated = Math.max(0, carriedOut - cut)
    // three are under way beside those in the air (`beside` of DncSubmitter), which may have been answered
    const mayRepeat = killed * (concurrency + 3) + (stats["dropped"] ?? 0)
    assert.ok(repeated <= mayRepeat, `${repeated} requests repeated, at most ${mayRepeat} may be: ${where}`)
    return { kills: killed, starts, batches: report.batches.cut, repeated, mayRepeat }
  })

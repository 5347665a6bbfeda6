/**
 * What there is to show of one run, as a folder to hand over: its records, what became of every request, the files that it
 * wrote, whether the log is what was written, and a page that says all that in plain words.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { pipeline } from "node:stream/promises"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as AuditChain from "./AuditChain.js"
import * as AuditLog from "./AuditLog.js"
import * as AuditSignature from "./AuditSignature.js"
import type { ComplianceStatus } from "./AuditSink.js"
import type * as AuditTimestamp from "./AuditTimestamp.js"
import type { Kind } from "./DncEntry.js"
import { certificate } from "./Evidence/certificate.js"
import { dispositions } from "./Evidence/dispositions.js"
import type { Honour } from "./Honour.js"
import { attempt, OutputError } from "./OutputFile/error.js"
import * as OutputFile from "./OutputFile.js"
import { heldApart, type SyncReport } from "./RunReport.js"
import { version } from "./version.js"

/**
 * A file that the run wrote: whether it is in the folder, under which name, or why it is not.
 *
 * @since 0.1.0
 * @category models
 */
export interface WrittenFile {
  readonly path: string
  /** As recorded. */
  readonly sha256: string
  readonly state: "copied" | "changed" | "not there any more" | "not readable"
  /** In the folder. */
  readonly name?: string
}

/**
 * What `summary.json` holds.
 *
 * @since 0.1.0
 * @category models
 */
export interface Summary {
  /** ISO 8601. */
  readonly createdAt: string
  readonly tool: string
  readonly run: {
    readonly runId: string
    readonly target: string
    readonly contract: string
    readonly action: AuditLog.LoggedRun["action"]
    readonly outcome: AuditLog.LoggedRun["outcome"]
    readonly error: string | undefined
    /** Who began it and who went on with it, as configured then. */
    readonly operator: string | null
    readonly resumedBy: ReadonlyArray<string>
    readonly tool: string
    readonly startedAt: string
    readonly lastAt: string
    /** Times that another process went on with it. */
    readonly resumed: number
  }
  readonly kind: Kind
  readonly complianceStatus: ComplianceStatus
  readonly request: {
    readonly inputs: AuditLog.LoggedRun["inputs"]
    readonly rowsRead: number
    readonly distinct: number
    readonly withoutExpiry: number
    readonly policy: unknown
  }
  /** Rows by what became of them; none where the run has not come to its end. */
  readonly totals: Readonly<Record<string, number>> | undefined
  readonly sync: Pick<SyncReport, "removals" | "removed" | "removalsFailed" | "removalsSkipped"> | undefined
  /** Where rows said when they were asked for. */
  readonly honour?: Honour
  readonly rejectsByCode: Readonly<Record<string, number>>
  readonly batches: { readonly cut: number; readonly done: number }
  readonly requests: number
  /** What did not succeed, and nothing made good. */
  readonly failures: ReadonlyArray<AuditLog.LoggedRequest>
  readonly list: { readonly id: string; readonly before: number | undefined; readonly after: number | undefined }
  readonly verified: number | undefined
  /** How numbers stand in the records. */
  readonly numbers: AuditLog.RunHistory["numbers"]
  readonly checks: {
    /** The last record of the run: what `audit verify --head` takes. */
    readonly run: AuditChain.Head
    /** The whole log, when the folder was made. */
    readonly log: AuditChain.Verdict
    /** The run's records, and what ties them to the log: `first.previous` and `next.previous`. */
    readonly stretches: ReadonlyArray<AuditLog.Stretch>
  }
  /** The head that the run's end made, where it was signed: `head.txt` and `head.sig` are the text and the signature. */
  readonly signed: AuditSignature.Signed | undefined
  /** The same head with a time stamp, whose token is `head.tsr`. */
  readonly stamped: AuditTimestamp.Stamped | undefined
  readonly files: ReadonlyArray<WrittenFile>
  /** What is in the folder besides `summary.json` and the page. */
  readonly contents: ReadonlyArray<{ readonly name: string; readonly description: string; readonly sha256: string }>
}

/**
 * Writes the folder (mode 0700, its files 0600), which must not exist yet, or be empty: it is there whole or not at all. A
 * log that is not as it was written is no failure, but what the folder says.
 *
 * @since 0.1.0
 */
export const write = (
  auditLog: string,
  history: AuditLog.RunHistory,
  folder: string
): Effect.Effect<Summary, AuditLog.AuditLogError | OutputError> =>
  Effect.gen(function* () {
    yield* checkFree(folder)
    const partial = yield* attempt(folder, () => Fs.mkdtemp(`${Path.resolve(folder)}.partial-`))
    return yield* Effect.gen(function* () {
      const inFolder = (name: string) => Path.join(partial, name)
      const put = (name: string, pieces: Stream.Stream<string, AuditLog.AuditLogError>) =>
        Effect.map(OutputFile.write(inFolder(name), pieces), ({ sha256 }) => sha256)
      const verdict = yield* AuditLog.verify(auditLog)
      const contents: Array<Summary["contents"][number]> = [
        {
          name: "chain.jsonl",
          description: "the records of the run, as they stand in the log",
          sha256: yield* put("chain.jsonl", AuditLog.linesOf(auditLog, history.run.runId))
        },
        {
          name: "dispositions.csv",
          description: "each request of the run: times, key, counts, correlation id",
          sha256: yield* put("dispositions.csv", Stream.fromIterable(dispositions(history.requests)))
        }
      ]
      const { signed, stamped } = history
      const add = (name: string, description: string, sha256: string) => contents.push({ name, description, sha256 })
      const putBase64 = (name: string, base64: string) =>
        attempt(folder, async () => {
          const bytes = Buffer.from(base64, "base64")
          await Fs.writeFile(inFolder(name), bytes, { mode: 0o600, flag: "wx" })
          return createHash("sha256").update(bytes).digest("hex")
        })
      if (stamped !== undefined) {
        add(
          "head.tsr",
          "the time stamp of the run's end (RFC 3161, a token)",
          yield* putBase64("head.tsr", stamped.token)
        )
        const digest = yield* put("head.sha256", Stream.make(`${stamped.digest}\n`))
        add("head.sha256", "the digest that was stamped", digest)
      }
      if (signed !== undefined) {
        const pem = AuditSignature.toPem(signed.publicKey)
        const signature = yield* putBase64("head.sig", signed.signature)
        const text = Stream.make(AuditSignature.text(signed))
        add("head.txt", "the text that was signed: place and digest of the run's end", yield* put("head.txt", text))
        add("head.sig", "the signature of head.txt (Ed25519)", signature)
        add("head.pub.pem", "the public key that it claims to be by", yield* put("head.pub.pem", Stream.make(pem)))
      }
      const files: Array<WrittenFile> = []
      for (const file of history.finished?.result.files ?? []) {
        const written = yield* copy(file, partial)
        files.push(written)
        if (written.name !== undefined)
          contents.push({ name: written.name, description: "written by the run", sha256: written.sha256 })
      }
      const createdAt = new Date(yield* Clock.currentTimeMillis).toISOString()
      const summary = summarize(history, verdict, files, contents, createdAt)
      yield* put("summary.json", Stream.make(`${JSON.stringify(summary, null, 2)}\n`))
      yield* put("certificate.html", Stream.make(certificate(summary)))
      yield* attempt(folder, () => Fs.rename(partial, folder))
      return summary
    }).pipe(
      Effect.onError(() => Effect.promise(() => Fs.rm(partial, { recursive: true, force: true }).catch(() => {})))
    )
  }).pipe(Effect.uninterruptible)

const checkFree = (folder: string): Effect.Effect<void, OutputError> =>
  Effect.flatMap(
    Effect.promise(() => Fs.readdir(folder).catch((error: NodeJS.ErrnoException) => error.code)),
    (found) =>
      found === "ENOENT" || (Array.isArray(found) && found.length === 0)
        ? Effect.void
        : Effect.fail(
            new OutputError({
              message: Array.isArray(found)
                ? `The folder ${folder} is not empty`
                : `${folder} cannot be used (${found})`,
              hint: "Name a folder that is not there yet.",
              path: folder,
              reason: "Path"
            })
          )
  )

/** The copy is what is looked at, so that it cannot be another file than the one that has the digest. */
const copy = (
  { path, sha256 }: { readonly path: string; readonly sha256: string },
  folder: string
): Effect.Effect<WrittenFile> =>
  Effect.promise(async () => {
    const name = `${sha256.slice(0, 8)}-${Path.basename(path)}`
    const place = Path.join(folder, name)
    try {
      if (!(await Fs.stat(path)).isFile()) return { path, sha256, state: "not readable" as const }
      await Fs.copyFile(path, place)
      await Fs.chmod(place, 0o600)
      const hash = createHash("sha256")
      await pipeline(createReadStream(place), hash)
      if (hash.digest("hex") === sha256) return { path, sha256, state: "copied" as const, name }
      await Fs.rm(place)
      return { path, sha256, state: "changed" as const }
    } catch (error) {
      await Fs.rm(place, { force: true })
      const isGone = (error as NodeJS.ErrnoException).code === "ENOENT"
      return { path, sha256, state: isGone ? ("not there any more" as const) : ("not readable" as const) }
    }
  })

const summarize = (
  history: AuditLog.RunHistory,
  log: AuditChain.Verdict,
  files: Summary["files"],
  contents: Summary["contents"],
  createdAt: string
): Summary => {
  const { complianceStatus, finished, requests, run, started, stretches } = history
  const { action, contract, kind, lastAt, outcome, resumed, resumedBy, runId, startedAt, target, tool } = run
  return {
    createdAt,
    tool: `genesys-dnc ${version}`,
    run: {
      runId,
      target,
      contract,
      action,
      outcome,
      error: finished?.result.error ?? undefined,
      operator: run.operator ?? null,
      resumedBy,
      tool,
      startedAt,
      lastAt,
      resumed
    },
    kind,
    complianceStatus,
    request: {
      inputs: run.inputs,
      rowsRead: started.result.rowsRead,
      distinct: started.result.distinctNumbers,
      withoutExpiry: started.result.withoutExpiry,
      policy: run.policy
    },
    totals: run.totals === undefined ? undefined : heldApart(run.totals, finished?.result.heldBack),
    sync: finished?.result.sync,
    ...(finished?.result.honour === undefined ? {} : { honour: finished.result.honour }),
    rejectsByCode: history.rejectsByCode,
    batches: { cut: run.batches, done: history.batchesDone },
    requests: requests.reduce((sum, { attempts }) => sum + attempts, 0),
    failures: AuditLog.failures(requests),
    list: {
      id: run.dncListId,
      before: finished?.result.listSize?.before ?? run.listSize,
      after: finished?.result.listSize?.after
    },
    verified: finished?.result.verified ?? undefined,
    numbers: history.numbers,
    checks: { run: stretches[stretches.length - 1].last, log, stretches },
    signed: history.signed,
    stamped: history.stamped,
    files,
    contents
  }
}

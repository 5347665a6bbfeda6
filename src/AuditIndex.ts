/**
 * Where in an audit log a number stands: a file beside the log that can be thrown away, and is made anew or gone on with
 * when it is asked. It holds the beginnings of digests and places in the log, and no number.
 *
 * @since 0.1.0
 */
import { createHash, hash, randomBytes } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as AuditChain from "./AuditChain.js"
import * as Segment from "./AuditIndex/segment.js"
import { isHash } from "./AuditLog/history.js"
import { blockSize, linesFrom } from "./AuditLog/lines.js"
import { AuditLogError } from "./AuditLog.js"
import type { AuditRecord } from "./AuditSink.js"

/**
 * What the log holds of numbers.
 *
 * @since 0.1.0
 * @category models
 */
export interface Coverage {
  /** Numbers of requests that were meant to be sent, each as often as it was. */
  readonly indexed: number
  /** Of them, those under each key, by `AuditRecord.hashKeyId`; those of no known key are under `""`. */
  readonly hashed: Readonly<Record<string, number>>
  readonly whole: number
  /** Numbers of requests whose records do not hold them, as the policy was `masked`, or as they went as one file. */
  readonly masked: number
  readonly uploaded: number
}

interface Header {
  readonly version: 1
  /** Bytes of the log that are in it: whole lines. */
  readonly size: number
  /** The last of them and its digest, by which a log that is another one shows. */
  readonly last: { readonly from: number; readonly sha256: string }
  /** Of the log's beginning. */
  readonly first: { readonly bytes: number; readonly sha256: string }
  /** Entries of each segment, one behind the other. */
  readonly segments: ReadonlyArray<number>
  readonly coverage: Coverage
}

/**
 * @since 0.1.0
 * @category models
 */
export interface AuditIndex {
  readonly path: string
  readonly coverage: Coverage
  /** Bytes of the log that were read to bring it up to date. */
  readonly read: number
  /** The records that a number (as the log holds it) or another term stands in, in the order of the log. */
  readonly find: (term: string) => Effect.Effect<ReadonlyArray<AuditRecord>, AuditLogError>
}

/**
 * The term of the records of a run: its first, and those of its resumptions and ends.
 *
 * @since 0.1.0
 */
export const ofRun = (runId: string): string => `run ${runId}`

/**
 * The term of all records of a request.
 *
 * @since 0.1.0
 */
export const ofRequest = (runId: string, idempotencyKey: string): string => `request ${runId} ${idempotencyKey}`

const digestOf = (term: string): Buffer =>
  isHash(term) ? Buffer.from(term.slice(0, 16), "hex") : Buffer.from(hash("sha256", term, "hex").slice(0, 16), "hex")

/**
 * Opens the index of a log, after it was brought up to date with the log.
 *
 * @since 0.1.0
 */
export const open = (log: string, path = `${log}.index`): Effect.Effect<AuditIndex, AuditLogError> =>
  Effect.map(
    attempt(log, () => update(log, path)),
    ({ header, read, start }): AuditIndex => ({
      path,
      coverage: header.coverage,
      read,
      find: (term) => attempt(log, () => lookUp(log, path, header, start, term))
    })
  )

const attempt = <A>(log: string, f: () => Promise<A>): Effect.Effect<A, AuditLogError> =>
  Effect.tryPromise({
    try: f,
    catch: (cause) =>
      new AuditLogError({
        message: `The audit log ${log} cannot be searched: ${(cause as Error).message}`,
        hint:
          (cause as NodeJS.ErrnoException).code === "ENOENT"
            ? "Name the audit log with --audit."
            : `Check the path, its permissions and the space on the disk. ${log}.index may be deleted: it is made anew.`
      })
  })

const lookUp = async (log: string, path: string, header: Header, start: number, term: string) => {
  const index = await Fs.open(path, "r")
  const file = await Fs.open(log, "r")
  try {
    const digest = digestOf(term)
    const offsets = new Set<number>()
    let at = start
    for (const count of header.segments) {
      for (const offset of await Segment.search(index, at, count, digest)) offsets.add(offset)
      at += count * Segment.entrySize
    }
    const found: Array<AuditRecord> = []
    for (const offset of [...offsets].sort((a, b) => a - b)) {
      const record = AuditChain.parse(await lineAt(file, offset)) as AuditRecord | undefined
      // another term may have the same beginning of a digest
      if (record !== undefined && terms(record).some((of) => of === term)) found.push(record)
    }
    return found
  } finally {
    await index.close()
    await file.close()
  }
}

const lineAt = async (file: Fs.FileHandle, offset: number): Promise<string> => {
  const parts: Array<Buffer> = []
  for (let at = offset; ; ) {
    const buffer = Buffer.alloc(blockSize)
    const { bytesRead } = await file.read(buffer, 0, blockSize, at)
    const end = buffer.subarray(0, bytesRead).indexOf(0x0a)
    parts.push(buffer.subarray(0, end === -1 ? bytesRead : end))
    if (end !== -1 || bytesRead === 0) return Buffer.concat(parts).toString("utf8")
    at += bytesRead
  }
}

/** What a record is found by. */
const terms = (record: AuditRecord): ReadonlyArray<string> => {
  const { runId } = record
  if (runId === null) return []
  switch (record.operation) {
    case "BATCH_INTENDED":
      return [ofRequest(runId, record.result.idempotencyKey), ...(record.phoneNumbers ?? [])]
    case "BATCH_DONE":
    case "BATCH_FAILED":
      return [ofRequest(runId, record.result.idempotencyKey)]
    case "RUN_STARTED":
    case "RUN_RESUMED":
    case "RUN_FINISHED":
      return [ofRun(runId)]
    default:
      return []
  }
}

const magic = "genesys-dnc index\n"

/** The index's header and where its entries begin, if it is of this log. */
const load = async (path: string, file: Fs.FileHandle, size: number) => {
  const index = await Fs.open(path, "r").catch(() => undefined)
  if (index === undefined) return undefined
  try {
    const fixed = Buffer.alloc(magic.length + 8)
    await index.read(fixed, 0, fixed.length, 0)
    if (fixed.toString("latin1", 0, magic.length) !== magic) return undefined
    const length = fixed.readUInt32BE(magic.length)
    if (length > 1 << 24) return undefined
    const text = Buffer.alloc(length)
    await index.read(text, 0, length, fixed.length)
    const header = JSON.parse(text.toString("utf8")) as Header
    const start = fixed.length + length
    const entries = header.segments.reduce((sum, count) => sum + count, 0)
    const isWhole = (await index.stat()).size === start + entries * Segment.entrySize
    const isSame =
      header.version === 1 &&
      header.size <= size &&
      (await sha256(file, 0, header.first.bytes)) === header.first.sha256 &&
      (await sha256(file, header.last.from, header.size - header.last.from)) === header.last.sha256
    return isWhole && isSame ? { header, start } : undefined
  } catch {
    return undefined
  } finally {
    await index.close()
  }
}

const sha256 = async (file: Fs.FileHandle, from: number, bytes: number): Promise<string> => {
  const digest = createHash("sha256")
  const buffer = Buffer.alloc(Math.min(blockSize, bytes))
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, bytes - at), from + at)
    if (bytesRead === 0) break
    digest.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
  return digest.digest("hex")
}

/** Reads what the log has got since, and writes the index anew with it: its full segments are copied, the last one grows. */
const update = async (log: string, path: string) => {
  const file = await Fs.open(log, "r")
  try {
    const { size } = await file.stat()
    const old = await load(path, file, size)
    if (old !== undefined && old.header.size === size) return { ...old, read: 0 }
    const writer = await rewrite(path, old)
    try {
      const from = old?.header.size ?? 0
      let last = old?.header.last ?? { from: 0, sha256: "" }
      let end = from
      let lastLine: Buffer | undefined
      for await (const { isWhole, line, offset } of linesFrom(file, from, size)) {
        // what has no end yet is left for another time
        if (!isWhole) break
        await writer.take(line, offset)
        end = offset + line.length + 1
        last = { from: offset, sha256: "" }
        lastLine = line
      }
      // the digest is of the line and its end
      if (lastLine !== undefined)
        last = { from: last.from, sha256: createHash("sha256").update(lastLine).update("\n").digest("hex") }
      const first = Math.min(end, 4096)
      const done = await writer.finish({
        version: 1,
        size: end,
        last,
        first: { bytes: first, sha256: await sha256(file, 0, first) }
      })
      return { ...done, read: end - from }
    } finally {
      await writer.close()
    }
  } finally {
    await file.close()
  }
}

const nothing: Coverage = { indexed: 0, hashed: {}, whole: 0, masked: 0, uploaded: 0 }

/** The entries are kept apart until the header that stands before them is known. */
const rewrite = async (path: string, old: { readonly header: Header; readonly start: number } | undefined) => {
  const partial = `${path}.${randomBytes(6).toString("hex")}.partial`
  const body = await Fs.open(`${partial}-entries`, "wx+", 0o600)
  const segments: Array<number> = []
  const coverage = structuredClone(old?.header.coverage ?? nothing) as {
    -readonly [K in keyof Coverage]: Coverage[K]
  } & { hashed: Record<string, number> }
  let open = Segment.entries()

  const flush = async (): Promise<void> => {
    if (open.count === 0) return
    await body.writeFile(Segment.encode(open))
    segments.push(open.count)
    open.count = 0
  }
  const add = (term: string, offset: number): void => {
    const hex = isHash(term) ? term : hash("sha256", term, "hex")
    open.high[open.count] = Number.parseInt(hex.slice(0, 8), 16)
    open.low[open.count] = Number.parseInt(hex.slice(8, 16), 16)
    open.offsets[open.count++] = offset
  }
  const copyOld = async (): Promise<void> => {
    if (old === undefined) return
    const index = await Fs.open(path, "r")
    try {
      let at = old.start
      for (const count of old.header.segments) {
        const bytes = Buffer.allocUnsafe(count * Segment.entrySize)
        await index.read(bytes, 0, bytes.length, at)
        at += bytes.length
        if (count === Segment.largest) {
          await body.writeFile(bytes)
          segments.push(count)
        } else open = Segment.decode(bytes)
      }
    } finally {
      await index.close()
    }
  }
  const close = async (): Promise<void> => {
    await body.close().catch(() => {})
    await Fs.rm(`${partial}-entries`, { force: true })
    await Fs.rm(partial, { force: true })
  }
  await copyOld().catch(async (error) => {
    await close()
    throw error
  })

  const count = (record: AuditRecord): void => {
    if (record.operation !== "BATCH_INTENDED") return
    const { phoneNumbers, result } = record
    if (phoneNumbers === undefined) {
      if (result.route === "upload") coverage.uploaded += result.size
      else coverage.masked += result.size
      return
    }
    coverage.indexed += phoneNumbers.length
    if (phoneNumbers.every(isHash)) {
      const key = record.hashKeyId ?? ""
      coverage.hashed[key] = (coverage.hashed[key] ?? 0) + phoneNumbers.length
    } else coverage.whole += phoneNumbers.length
  }

  return {
    close,
    take: async (line: Buffer, offset: number): Promise<void> => {
      const record = AuditChain.parse(line.toString("utf8")) as AuditRecord | undefined
      if (record === undefined) return
      count(record)
      for (const term of terms(record)) {
        add(term, offset)
        if (open.count === Segment.largest) await flush()
      }
    },
    finish: async (rest: Omit<Header, "segments" | "coverage">) => {
      await flush()
      const header: Header = { ...rest, segments, coverage }
      const text = Buffer.from(JSON.stringify(header))
      const fixed = Buffer.alloc(magic.length + 8)
      fixed.write(magic, "latin1")
      fixed.writeUInt32BE(text.length, magic.length)
      const index = await Fs.open(partial, "wx", 0o600)
      try {
        await index.writeFile(Buffer.concat([fixed, text]))
        const buffer = Buffer.allocUnsafe(1 << 20)
        for (let at = 0; ; ) {
          const { bytesRead } = await body.read(buffer, 0, buffer.length, at)
          if (bytesRead === 0) break
          await index.writeFile(buffer.subarray(0, bytesRead))
          at += bytesRead
        }
      } finally {
        await index.close()
      }
      await Fs.rename(partial, path)
      return { header, start: fixed.length + text.length }
    }
  }
}

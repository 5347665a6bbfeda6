/**
 * What a log knows of the numbers of a set: until when earlier runs have put them on a list.
 *
 * @since 0.1.0
 */
import type { AuditRecord, AuditSink } from "../../AuditSink.js"
import type { Kind } from "../../DncEntry.js"
import type { SuppressionSet } from "../../SuppressionSet.js"

/** Whose numbers are looked up, and which list it is. */
export interface Lookup {
  /** Its own records say nothing: a run that is gone on with must come to what it came to at first. */
  readonly runId: string
  readonly dncListId: string
  readonly target: string
  readonly kind: Kind
  /** All of its numbers wait. */
  readonly set: Pick<SuppressionSet, "size" | "position" | "numberOf" | "waiting">
  readonly hash: (typeof AuditSink.Service)["hash"]
}

export interface LogKnowledge {
  /** The end that the list has at least for the number at a position; `NaN` where it is not known to be on it. */
  readonly end: (position: number) => number
  /** Whether all numbers of a run came onto the list. */
  readonly isWhole: (runId: string) => boolean
}

interface Earlier {
  /** The clock at its beginning. */
  readonly begun: number
  whole: boolean
  /** Where it brings a file: what was valid before, and what is since. */
  upload: { readonly before: number; readonly since: number } | undefined
}

interface Open {
  readonly positions: ReadonlyArray<number>
  readonly before: ReadonlyArray<number>
  readonly end: number
}

/**
 * Takes the records of a log in order. Known is what was done without exception; what may have been done leaves the sooner
 * end of both, and what was not known unknown, as who is held back must be on the list. A removal, and whatever cannot be
 * read and may have shortened something, makes numbers unknown.
 */
export const follow = ({
  dncListId,
  hash,
  kind,
  runId,
  set,
  target
}: Lookup): {
  readonly take: (record: AuditRecord) => void
  /** Nothing where the log has no earlier run of the list. */
  readonly finish: () => LogKnowledge | undefined
} => {
  const runs = new Map<string, Earlier>()
  const open = new Map<string, Open>()
  let ends: Float64Array | undefined
  let learnt: Uint32Array | undefined
  let clock = 1
  /** What was learnt before counts no longer. */
  let valid = 1
  let find: ((hash: string) => number) | undefined

  const known = (position: number): number =>
    ends === undefined || learnt === undefined || learnt[position] < valid ? Number.NaN : ends[position]

  const learn = (position: number, end: number): void => {
    ends ??= new Float64Array(set.size())
    learnt ??= new Uint32Array(set.size())
    ends[position] = end
    learnt[position] = clock
  }

  /** Nothing where the record does not tell which numbers it is about. */
  const positionsOf = ({ hashKeyId, phoneNumbers }: AuditRecord): ReadonlyArray<number> | undefined => {
    if (phoneNumbers === undefined || (hashKeyId !== undefined && hashKeyId !== hash?.keyId)) return undefined
    let position = (text: string) => set.position(set.numberOf(text))
    if (hashKeyId !== undefined && hash !== undefined) position = find ??= byHash(set, hash.of)
    const positions: Array<number> = []
    for (const text of phoneNumbers) {
      const at = position(text)
      if (at !== -1) positions.push(at)
    }
    return positions
  }

  const intended = (record: AuditRecord & { readonly operation: "BATCH_INTENDED" }, run: Earlier): void => {
    const { action, expires, idempotencyKey, route } = record.result
    clock++
    if (route === "upload") {
      // an import leaves later ends as they are, unless it goes wrong
      run.upload = { before: valid, since: clock }
      valid = clock
      return
    }
    const end = action === "remove" ? Number.NaN : expires === null ? Number.POSITIVE_INFINITY : Date.parse(expires)
    const positions = positionsOf(record)
    if (positions === undefined) {
      if (end !== Number.POSITIVE_INFINITY) valid = clock
      return
    }
    open.set(`${record.runId} ${idempotencyKey}`, { positions, before: positions.map(known), end })
    for (const position of positions) learn(position, Math.min(known(position), end))
  }

  const finished = (record: AuditRecord & { readonly operation: "RUN_FINISHED" }, run: Earlier): void => {
    const { heldBack = 0, outcome, rejectsByCode, totals, verified } = record.result
    const isComplete = outcome === "completed" && totals.failed === 0
    run.whole = isComplete && totals.skipped === heldBack && (rejectsByCode["RefusedByServer"] ?? 0) === 0
    if (outcome === "completed" && run.upload !== undefined && valid === run.upload.since) valid = run.upload.before
    // an export did not show some of them, and the log does not say which
    if (verified === null || totals.failed === 0 || ends === undefined || learnt === undefined) return
    for (let at = 0; at < ends.length; at++) if (learnt[at] > run.begun) ends[at] = Number.NaN
  }

  return {
    take: (record) => {
      if (record.runId === null) return
      if (record.operation === "RUN_STARTED") {
        const isOfList =
          record.runId !== runId &&
          record.dncListId?.toLowerCase() === dncListId.toLowerCase() &&
          record.result.target === target &&
          (record.kind ?? "phone") === kind
        if (isOfList) runs.set(record.runId, { begun: clock, whole: false, upload: undefined })
        return
      }
      const run = runs.get(record.runId)
      if (run === undefined) return
      switch (record.operation) {
        case "BATCH_INTENDED":
          intended(record, run)
          break
        case "BATCH_DONE":
        case "BATCH_FAILED": {
          const key = `${record.runId} ${record.result.idempotencyKey}`
          const batch = open.get(key)
          open.delete(key)
          if (batch === undefined) break
          const isDone =
            record.operation === "BATCH_DONE" && record.result.rejected === 0 && record.result.shortfall === 0
          const isRefused = record.operation === "BATCH_FAILED" && record.result.outcome === "refused"
          clock++
          for (const [i, position] of batch.positions.entries()) {
            if (isDone) learn(position, batch.end)
            else if (isRefused) learn(position, batch.before[i])
          }
          break
        }
        case "RUN_FINISHED":
          finished(record, run)
          break
        default:
      }
    },
    finish: () => (runs.size === 0 ? undefined : { end: known, isWhole: (runId) => runs.get(runId)?.whole ?? false })
  }
}

/** The position of a number by its hash, of which the first 64 bits are kept: 16 to 24 bytes a number. */
const byHash = (
  set: Pick<SuppressionSet, "size" | "waiting">,
  hash: (texts: ReadonlyArray<string>) => ReadonlyArray<string>
): ((hash: string) => number) => {
  const size = set.size()
  const high = new Uint32Array(size)
  const low = new Uint32Array(size)
  const mask = 2 ** Math.ceil(Math.log2(size * 1.5 + 1)) - 1
  /** Position plus one; 0 is empty. */
  const slots = new Uint32Array(mask + 1)
  let position = 0
  for (const text of set.waiting()) {
    const [hex] = hash([text])
    high[position] = Number.parseInt(hex.slice(0, 8), 16)
    low[position] = Number.parseInt(hex.slice(8, 16), 16)
    let slot = low[position] & mask
    while (slots[slot] !== 0) slot = (slot + 1) & mask
    slots[slot] = ++position
  }
  return (hex) => {
    const h = Number.parseInt(hex.slice(0, 8), 16)
    const l = Number.parseInt(hex.slice(8, 16), 16)
    for (let slot = l & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const at = slots[slot] - 1
      if (low[at] === l && high[at] === h) return at
    }
    return -1
  }
}

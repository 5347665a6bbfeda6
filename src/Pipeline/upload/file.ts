/**
 * Before and after an upload: the file, and which numbers the import says it refused.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Contract } from "../../Contract.js"
import * as Contracts from "../../Contract.js"
import * as DncEntry from "../../DncEntry.js"
import * as DncExport from "../../DncExport.js"
import type { DncList, ImportStatus } from "../../DncLists.js"
import * as DncLists from "../../DncLists.js"
import * as DncUpload from "../../DncUpload.js"
import type { GenesysError } from "../../GenesysError.js"
import * as GenesysErrors from "../../GenesysError.js"
import { HttpClient } from "../../HttpClient.js"
import type { OutputError } from "../../RejectsFile.js"
import { grouping, type Run } from "../run.js"
import type { UploadOptions } from "../upload.js"
import { type Copy, ourNumber } from "./copy.js"

/** What makes an upload unsafe or impossible, before anything was sent. */
const unfit = (message: string) => new GenesysErrors.BadRequest({ message, hint: "" })

/** Rows that are made in one piece. */
const rowsAtOnce = 10_000

/**
 * Copies the list, writes the file beside it in the same pass, and asks for an address: nothing that changes anything.
 * Numbers that are on the list already keep the later of both ends. What has expired is not carried over.
 */
export const prepare = <E, E2>(
  run: Run<E, E2>,
  contract: Contract,
  copy: Copy,
  mode: "append" | "replace",
  options: UploadOptions,
  list: DncList | undefined
): Effect.Effect<
  { readonly file: DncUpload.CsvFile; readonly before: ImportStatus; readonly address: DncUpload.Address },
  GenesysError | DncExport.ExportError | OutputError,
  Scope.Scope
> =>
  Effect.gen(function* () {
    if (list === undefined) return yield* unfit("the list cannot be looked at")
    if (mode === "replace" && list.contactMethod === "Any") {
      return yield* unfit("the list is for any contact method, and a file of numbers could replace its other contacts")
    }
    const before = yield* DncLists.importStatus(run.dncListId)
    if (before.state === "IN_PROGRESS") return yield* unfit("another import into the list is under way")
    const writer = yield* DncUpload.makeCsv
    const group = grouping(run, contract)
    const now = yield* Clock.currentTimeMillis

    const carry = (entries: Iterable<DncExport.Entry>) => {
      let text = ""
      let rows = 0
      for (const { expires, phoneNumber } of entries) {
        copy.entries++
        const ours = ourNumber(run, phoneNumber)
        const isOver = expires <= now
        if (isOver) copy.expired++
        let end = Contracts.onList(expires, now)
        if (ours !== undefined) {
          if (!run.set.see(ours)) continue
          if (!isOver) copy.ours++
          end = Math.max(group(run.set.expires(ours)!, 0).expires, end)
        } else {
          if (isOver) continue
          copy.other(expires, now)
          if (!DncEntry.isE164(phoneNumber)) copy.foreign++
          if (mode === "append") continue
        }
        text += DncUpload.csvRow(phoneNumber, end)
        rows++
      }
      return writer.append(text, rows)
    }
    yield* DncExport.writeFile(
      Stream.mapChunksEffect(DncExport.stream(run.dncListId), (entries) => Effect.as(carry(entries), entries)),
      { path: copy.path }
    )

    let text = ""
    let rows = 0
    const flush = Effect.suspend(() => {
      const [piece, count] = [text, rows]
      text = ""
      rows = 0
      return writer.append(piece, count)
    })
    for (const [number, expires, seen] of run.set.values()) {
      if (seen) continue
      text += DncUpload.csvRow(`+${number}`, group(expires, 0).expires)
      if (++rows === rowsAtOnce) yield* flush
    }
    yield* flush
    const file = yield* writer.finish
    return { file, before, address: yield* DncUpload.ask(run.dncListId, options) }
  }).pipe(Effect.provideService(HttpClient, options.client))

/**
 * The numbers of the run that the event log says were not taken, with the server's words. Where an export has marked what is
 * on the list (`isKnown`), only those that are not there: the log may name rows in another way of counting.
 */
export const refusals = <E, E2>(
  run: Run<E, E2>,
  file: DncUpload.CsvFile,
  since: number,
  isKnown: boolean
): Effect.Effect<ReadonlyMap<string, string>, never, HttpClient> =>
  Effect.gen(function* () {
    const found = new Map<string, string>()
    let missing = !isKnown
    if (isKnown) {
      for (const _ of run.set.sent(false)) {
        missing = true
        break
      }
    }
    if (!missing) return found
    const errors = yield* DncUpload.rowErrors(run.dncListId, since)
    const wanted = new Set(isKnown ? errors.flatMap(({ rows }) => rows.flatMap((row) => [row, row - 1])) : [])
    wanted.delete(0)
    const numbers = yield* DncUpload.numbersAt(file, wanted)
    for (const { code, message, phoneNumbers, rows } of errors) {
      const take = (phoneNumber: string | undefined): boolean => {
        const ours = phoneNumber === undefined ? undefined : ourNumber(run, phoneNumber)
        if (ours === undefined || found.has(phoneNumber!) || !run.set.see(ours)) return false
        found.set(phoneNumber!, `${code}: ${message}`)
        return true
      }
      // a number says more than a row; and a row may be counted with the header or without
      const named = phoneNumbers.filter((phoneNumber) => ourNumber(run, phoneNumber) !== undefined)
      if (named.length > 0) for (const phoneNumber of named) take(phoneNumber)
      else for (const row of rows) if (!take(numbers.get(row))) take(numbers.get(row - 1))
    }
    const place = ([phoneNumber]: readonly [string, string]) => run.set.place(phoneNumber) ?? 0
    return new Map(Array.from(found).sort((one, other) => place(one) - place(other)))
  }).pipe(
    Effect.catchAll((error) =>
      Effect.as(
        Effect.logWarning(`What the import says of single rows cannot be read: ${error.message}`),
        new Map<string, string>()
      )
    )
  )

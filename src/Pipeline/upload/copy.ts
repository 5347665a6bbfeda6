/**
 * What was on the list before an import: its copy, and how much of it is there after.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as DncExport from "../../DncExport.js"
import * as DncUpload from "../../DncUpload.js"
import { HttpClient } from "../../HttpClient.js"
import { describe, type Run } from "../run.js"

/** The list as it was before the import, and how much of it is there after. */
export interface Copy extends ReturnType<typeof changesDuring> {
  readonly path: string
  /** Whether the file stays. */
  keep: boolean
}

/** Entries that end later than this after the copy was made are not counted by their minute. */
const longestRun = 2 * 86_400_000

/** Counts what was on the list, without holding it. */
export const changesDuring = () => {
  const endings = new Map<number, number>()
  let left = 0
  const self = {
    /** Rows of the export. */
    entries: 0,
    /** Those that are numbers of the run. */
    ours: 0,
    /** Those that are not, and have not expired. */
    others: 0,
    /** Those of the others that are not in E.164. */
    foreign: 0,
    expired: 0,
    other: (expires: number, now: number) => {
      self.others++
      if (expires < now + longestRun) endings.set(expires, (endings.get(expires) ?? 0) + 1)
    },
    /** How many of the others have ended by then. */
    ended: (cutoff: number) => {
      let count = 0
      for (const [expires, entries] of endings) if (expires <= cutoff) count += entries
      return count
    },
    /** A new export, in which the others are counted that end later than `cutoff`. */
    recount: <E, E2>(run: Run<E, E2>, client: typeof HttpClient.Service, cutoff: number) => {
      left = 0
      return Stream.mapChunks(Stream.provideService(DncExport.stream(run.dncListId), HttpClient, client), (entries) => {
        for (const { expires, phoneNumber } of entries) {
          if (expires > cutoff && ourNumber(run, phoneNumber) === undefined) left++
        }
        return entries
      })
    },
    /** How many of the others are gone before their time, after {@link recount}. */
    lost: (cutoff: number) => Math.max(0, self.others - self.ended(cutoff) - left)
  }
  return self
}

/** The digits of a number that the run sends, or `undefined` for what is none. */
export const ourNumber = <E, E2>(run: Run<E, E2>, phoneNumber: string): number | undefined => {
  const number = Number(phoneNumber.slice(1))
  return run.set.expires(number) !== undefined && !run.set.isHeld(number) && phoneNumber === `+${number}`
    ? number
    : undefined
}

/** Entries that end so soon are not looked for: clocks differ, and the platform may have taken them off. */
export const clockMargin = 15 * 60_000

/** Words for a hint. */
export const keptIn = ({ entries, path }: Copy): string =>
  entries > 0 ? ` The list as it was before is kept in ${path}.` : ""

/** What an import means after which entries of the copy are not there. */
export const replaced = (
  lost: number,
  copy: Copy,
  mode: "append" | "replace",
  dncListId: string,
  failed: string | undefined
): DncUpload.ImportError =>
  new DncUpload.ImportError({
    reason: "Replaced",
    message:
      `${failed === undefined ? "" : `${failed}. `}The import replaced the list: ${lost} of ${copy.entries} entries that were on it are not on it any more` +
      (lost < copy.others ? " (or somebody took them off meanwhile)" : ""),
    hint:
      // in ends of its own: what the copy says is for ever may have an end that is kept
      `Those people are not protected. Put them back: genesys-dnc push ${copy.path} --list ${dncListId} --upload-above never --ends ${copy.path}.ends.jsonl` +
      (copy.foreign > 0 ? `; ${copy.foreign} of them are not in E.164 and may have to be put back by hand` : "") +
      (mode === "append" ? ". From now on use --import replace, or --upload-above never." : ".")
  })

/** Where no export could tell: a size that has shrunk by more than what had expired tells enough. */
export const checkSize = <E, E2>(run: Run<E, E2>, copy: Copy, mode: "append" | "replace"): Effect.Effect<void> =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const { after, before = 0 } = run.listSize ?? {}
    if (!copy.keep || run.error?.tag === "ImportError" || after === undefined) return
    const lost = before - after - copy.expired - copy.ended(now + clockMargin)
    if (lost > 0) run.error = describe(replaced(lost, copy, mode, run.dncListId, run.error?.message))
  })

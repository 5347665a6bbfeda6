/**
 * The values that numbers have, expiry and reason, and the groups that a contract makes of them.
 *
 * @since 0.1.0
 */
import type { Group } from "../Contract.js"
import * as DncEntry from "../DncEntry.js"
import { hash } from "./table.js"

/**
 * What the request of a number says, by its expiry and its reason (an index into `reasons`).
 *
 * @since 0.1.0
 * @category models
 */
export type Grouping = (expires: number, reason: number) => Group

/**
 * Each reason and expiry by itself.
 *
 * @since 0.1.0
 */
export const byValue: Grouping = (expires, reason) => ({ expires, reason: DncEntry.reasons[reason] })

/**
 * Distinct values by their position, in the order in which they came.
 *
 * @since 0.1.0
 * @category models
 */
export interface Values {
  readonly expires: ReadonlyArray<number>
  readonly reason: ReadonlyArray<number>
  readonly idOf: (expires: number, reason: number) => number
  /** The groups in the order in which their first value came, and the one that each value belongs to. */
  readonly group: (group: Grouping) => { readonly groups: ReadonlyArray<Group>; readonly ofValue: Uint32Array }
}

/** Values that are found without a look at the map: files hold few, or the same ones again and again. */
const recentCount = 1 << 12

/**
 * @since 0.1.0
 * @category constructors
 */
export const makeValues = (): Values => {
  const ids = new Map<number, number>()
  const expires: Array<number> = []
  const reason: Array<number> = []
  const recentKey = new Float64Array(recentCount).fill(Number.NaN)
  const recentId = new Uint32Array(recentCount)

  const look = (key: number, end: number, why: number): number => {
    let id = ids.get(key)
    if (id === undefined) {
      id = expires.length
      ids.set(key, id)
      expires.push(end)
      reason.push(why)
    }
    return id
  }

  return {
    expires,
    reason,
    idOf: (end, why) => {
      // expiries end with the year 9999, so four times one is exact in a double; for ever has -1 to -3
      const key = end === Number.POSITIVE_INFINITY ? -1 - why : end * 4 + why
      const at = hash(key) & (recentCount - 1)
      if (recentKey[at] !== key) {
        recentId[at] = look(key, end, why)
        recentKey[at] = key
      }
      return recentId[at]
    },
    group: (group) => {
      const groups: Array<Group> = []
      const known = new Map<string, number>()
      const ofValue = Uint32Array.from(expires, (end, id) => {
        const found = group(end, reason[id])
        const key = `${found.reason} ${found.expires}`
        if (!known.has(key)) known.set(key, groups.push(found) - 1)
        return known.get(key)!
      })
      return { groups, ofValue }
    }
  }
}

/**
 * Of one calling code: what a national number is in it, as the library's rules say it.
 */
import type { Machine } from "./automaton.js"
import { type Program, program } from "./pattern.js"

/** A numbering plan as the library's metadata hold it, by position. */
export type Metadata = ReadonlyArray<unknown> & {
  readonly 0: string
  readonly 1: string | 0
  readonly 2: string
  readonly 3: ReadonlyArray<number>
  readonly 5: string | 0 | undefined
  readonly 7: string | 0 | undefined
  readonly 8: string | 0 | undefined
  readonly 10: string | 0 | undefined
  readonly 11: ReadonlyArray<readonly [pattern: string, lengths?: ReadonlyArray<number>] | null> | undefined
}

/**
 * What is so of a national number. Bits are the plans of the calling code, in the library's order.
 */
export interface Answer {
  /** The plan of whose country it certainly is; −1 where there is none. */
  readonly exact: number
  /** The plans in which it is valid; where there is an exact one, only that is asked. */
  readonly valid: number
  /** The plans whose general pattern it matches. */
  readonly general: number
}

interface State {
  readonly length: number
  /** Places in the patterns before a digit or at the end, in ascending order. */
  readonly at: ReadonlyArray<number>
  /** Plans whose leading digits have been read. */
  readonly leading: number
}

type Role =
  | { readonly role: "leading"; readonly plan: number }
  | { readonly role: "general"; readonly plan: number }
  | { readonly role: "type"; readonly plan: number; readonly lengths: ReadonlyArray<number> }

/** `countries` is false for a calling code of no country, such as +800; it has one plan. */
export const machine = (
  plans: ReadonlyArray<Metadata>,
  countries: boolean,
  numberOf: (answer: Answer) => number
): Machine<State> => {
  const instructions: Array<Program["instructions"][number]> = []
  const roles: Array<Role> = []
  const starts: Array<number> = []

  const include = (source: string, role: Role): void => {
    const offset = instructions.length
    starts.push(offset)
    for (const each of program(source).instructions) {
      roles.push(role)
      instructions.push(
        each.op === "split"
          ? { op: "split", first: each.first + offset, second: each.second + offset }
          : each.op === "jump"
            ? { op: "jump", to: each.to + offset }
            : each
      )
    }
  }
  plans.forEach((metadata, plan) => {
    if (metadata[10]) include(metadata[10], { role: "leading", plan })
    include(metadata[2], { role: "general", plan })
    if (metadata[11] === undefined || metadata[11].length === 0) throw new Error(`+${metadata[0]} has no types`)
    for (const type of metadata[11]) {
      if (type?.[0]) include(type[0], { role: "type", plan, lengths: type[1] ?? metadata[3] })
    }
  })

  const state = (from: ReadonlyArray<number>, length: number, leadingBefore: number): State => {
    const found = new Set<number>()
    const passed = new Set<number>()
    let leading = leadingBefore
    const follow = (place: number): void => {
      if (passed.has(place)) return
      passed.add(place)
      const each = instructions[place]
      const role = roles[place]
      if (each.op === "split") {
        follow(each.first)
        follow(each.second)
      } else if (each.op === "jump") follow(each.to)
      else if (each.op === "save") follow(place + 1)
      else if (each.op === "end") throw new Error("A plan's pattern holds $")
      else if (role.role === "leading" && each.op === "match") leading |= 1 << role.plan
      else found.add(place)
    }
    for (const place of from) follow(place)
    const at = [...found].filter((place) => roles[place].role !== "leading" || !(leading & (1 << roles[place].plan)))
    return { length, at: at.sort((a, b) => a - b), leading }
  }

  const answerOf = ({ at, leading, length }: State): Answer => {
    let general = 0
    let typed = 0
    for (const place of at) {
      if (instructions[place].op !== "match") continue
      const role = roles[place]
      if (role.role === "general") general |= 1 << role.plan
      else if (role.role === "type" && role.lengths.includes(length)) typed |= 1 << role.plan
    }
    const valid = general & typed
    if (plans.length === 1) return { exact: countries ? 0 : -1, valid, general }
    for (let plan = 0; plan < plans.length; plan++) {
      const bit = 1 << plan
      if ((plans[plan][10] ? leading : valid) & bit) return { exact: plan, valid: valid & bit, general }
    }
    return { exact: -1, valid, general }
  }

  return {
    start: state(starts, 0, 0),
    key: ({ at, leading, length }) => `${length};${leading};${at.join()}`,
    settled: (state) => (state.at.length === 0 ? numberOf(answerOf(state)) : undefined),
    answer: (state) => numberOf(answerOf(state)),
    step: ({ at, leading, length }, digit) => {
      const next: Array<number> = []
      for (const place of at) {
        const each = instructions[place]
        if (each.op === "digit" && each.set & (1 << digit)) next.push(place + 1)
      }
      return state(next, length + 1, leading)
    }
  }
}

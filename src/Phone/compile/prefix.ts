/**
 * What is taken from the front of a number: the first match of a pattern as JavaScript finds it, alternatives in their order
 * and repetition as long as it may be.
 */
import type { Cut } from "../tables.js"
import type { Machine } from "./automaton.js"
import { program } from "./pattern.js"

/** The number as it is. */
export const whole: Cut = ["", 0, 0, 0]

interface Thread {
  readonly place: number
  readonly slots: ReadonlyArray<number | undefined>
}

interface State {
  readonly length: number
  /** By precedence. */
  readonly threads: ReadonlyArray<Thread>
  /** The match that holds where none of the threads finds one. */
  readonly found: Cut
}

/**
 * `rule` says what a match becomes, with `$1` for its first group; it holds only where the last group took part. Without one
 * the whole match is cut off.
 */
export const machine = (source: string, rule: string | undefined, numberOf: (cut: Cut) => number): Machine<State> => {
  const { groups, instructions } = program(source)
  const [, insert = "", group] = rule === undefined ? [] : (/^(\d*)\$(\d)$/.exec(rule) ?? refuse(rule))

  const cut = (slots: Thread["slots"], rest: number): Cut => {
    const holds = (slots[2 * groups + 1] ?? 0) > (slots[2 * groups] ?? 0)
    if (rule === undefined || !holds) return ["", 0, 0, rest]
    const from = slots[2 * Number(group)] ?? 0
    const to = slots[2 * Number(group) + 1] ?? 0
    return insert === "" && from === 0 && to === rest ? whole : [insert, from, to, rest]
  }

  const state = (from: ReadonlyArray<Thread>, length: number, before: Cut): State => {
    const threads: Array<Thread> = []
    const passed = new Set<number>()
    let found = before
    /** True once there is a match, before which later threads have no say. */
    const follow = ({ place, slots }: Thread): boolean => {
      if (passed.has(place)) return false
      passed.add(place)
      const each = instructions[place]
      switch (each.op) {
        case "split":
          return follow({ place: each.first, slots }) || follow({ place: each.second, slots })
        case "jump":
          return follow({ place: each.to, slots })
        case "save":
          return follow({ place: place + 1, slots: Object.assign([...slots], { [each.slot]: length }) })
        case "match":
          found = cut(slots, length)
          return true
        default:
          threads.push({ place, slots })
          return false
      }
    }
    for (const thread of from) if (follow(thread)) break
    return { length, threads, found }
  }

  /** At the end of the digits: the first thread that stands at `$` before the end of the pattern wins. */
  const last = ({ found, length, threads }: State): Cut => {
    for (const { place, slots } of threads) {
      if (instructions[place].op !== "end") continue
      if (instructions[jumped(place + 1)].op !== "match") throw new Error(`$ is not the last of ${source}`)
      return cut(slots, length)
    }
    return found
  }

  const jumped = (place: number): number => {
    const each = instructions[place]
    return each.op === "jump" ? jumped(each.to) : place
  }

  return {
    start: state([{ place: 0, slots: [] }], 0, whole),
    key: (state) => JSON.stringify(state),
    settled: ({ found, threads }) => (threads.length === 0 ? numberOf(found) : undefined),
    answer: (state) => numberOf(last(state)),
    step: ({ found, length, threads }, digit) =>
      state(
        threads.flatMap(({ place, slots }) => {
          const each = instructions[place]
          return each.op === "digit" && each.set & (1 << digit) ? [{ place: place + 1, slots }] : []
        }),
        length + 1,
        found
      )
  }
}

const refuse = (rule: string): never => {
  throw new Error(`The rule ${rule} is not a few digits and one group`)
}

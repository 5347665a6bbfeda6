/**
 * Automata over digits, minimal and with their common parts shared. A state is a row of eleven cells: where each digit leads,
 * and the answer where the digits end. The first states are the answers themselves: none of their digits leads away.
 */
import { width } from "../tables.js"

/** What an automaton is made from: states of any kind, equal where their keys are. */
export interface Machine<S> {
  readonly start: S
  readonly key: (state: S) => string
  /** The answer that no further digit changes; `undefined` where one may. */
  readonly settled: (state: S) => number | undefined
  readonly answer: (state: S) => number
  readonly step: (state: S, digit: number) => S
}

export interface Forest {
  /** Adds a machine and returns its first state, as it is called until the number of answers is known. */
  readonly add: <S>(machine: Machine<S>) => number
  /** The rows of all states, of which the first are the answers. */
  readonly table: (answers: number) => Uint16Array
  /** What a state is called in the table. */
  readonly rename: (state: number, answers: number) => number
}

/** Until the number of answers is known, those are negative: −1 is answer 0. */
export const forest = (): Forest => {
  const rows: Array<ReadonlyArray<number>> = []
  const known = new Map<string, number>()

  const add = <S>(machine: Machine<S>): number => {
    const seen = new Map<string, number>()
    const visit = (state: S): number => {
      const settled = machine.settled(state)
      if (settled !== undefined) return ~settled
      const key = machine.key(state)
      const before = seen.get(key)
      if (before !== undefined) return before
      const row: Array<number> = []
      for (let digit = 0; digit < 10; digit++) row.push(visit(machine.step(state, digit)))
      const answer = machine.answer(state)
      row.push(answer)
      const text = row.join()
      const lonely = row.every((cell, index) => index === width - 1 || cell === ~answer)
      const number = lonely ? ~answer : (known.get(text) ?? rows.push(row) - 1)
      if (!lonely) known.set(text, number)
      seen.set(key, number)
      return number
    }
    return visit(machine.start)
  }

  const rename = (state: number, answers: number): number => (state < 0 ? ~state : state + answers)

  const table = (answers: number): Uint16Array => {
    if (rows.length + answers > 0x1_0000) throw new Error(`${rows.length} states are too many for sixteen bits`)
    const all = new Uint16Array((answers + rows.length) * width)
    for (let answer = 0; answer < answers; answer++) all.fill(answer, answer * width, (answer + 1) * width)
    rows.forEach((row, index) => {
      const cells = row.map((cell, column) => (column === width - 1 ? cell : rename(cell, answers)))
      all.set(cells, (answers + index) * width)
    })
    return all
  }

  return { add, rename, table }
}

/** Numbers for values that are equal where their JSON is. */
export const numbering = <A>() => {
  const numbers = new Map<string, number>()
  const values: Array<A> = []
  return {
    values,
    of: (value: A): number => {
      const text = JSON.stringify(value)
      let number = numbers.get(text)
      if (number === undefined) {
        number = values.push(value) - 1
        numbers.set(text, number)
      }
      return number
    }
  }
}

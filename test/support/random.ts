/** Numbers that follow from a seed. */
export interface Random {
  /** From 0 to before 1. */
  readonly number: () => number
  readonly below: (limit: number) => number
  readonly pick: <A>(from: ReadonlyArray<A>) => A
}

/** mulberry32 */
export const makeRandom = (seed: number): Random => {
  let state = seed >>> 0
  const number = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
  const below = (limit: number) => Math.floor(number() * limit)
  return { number, below, pick: (from) => from[below(from.length)] }
}

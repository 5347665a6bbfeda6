/** Options of the benchmarks that people start. */

export const whole = (name: string, text: string, least: number): number => {
  const value = Number(text)
  if (text.trim() !== "" && Number.isInteger(value) && value >= least) return value
  throw new Error(`--${name} ${text} is not a whole number from ${least}`)
}

/** Names from a list with commas. */
export const chosen = <A extends string>(name: string, text: string, all: ReadonlyArray<A>): ReadonlyArray<A> =>
  text.split(",").map((word) => {
    const found = all.find((one) => one === word)
    if (found === undefined) throw new Error(`--${name} ${word} is none of ${all.join(", ")}`)
    return found
  })

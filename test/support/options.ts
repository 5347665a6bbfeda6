/** Options of the programs beside the tests that people start. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

/** The text of each option, or what it is unless given; `false` for one that takes none. */
type Defaults = Readonly<Record<string, string | false | undefined>>

type Given<A extends Defaults> = {
  readonly [K in keyof A]: A[K] extends false ? boolean : A[K] extends string ? string : string | undefined
}

/** Reads the options of the program whose URL it is; `--help` shows the first comment of its file. */
export const read = <A extends Defaults>(url: string, defaults: A): Given<A> => {
  const options = Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [
      name,
      value === false
        ? { type: "boolean" as const, default: false }
        : { type: "string" as const, ...(value === undefined ? {} : { default: value }) }
    ])
  )
  const { help, ...values } = attempt(
    () => parseArgs({ options: { ...options, help: { type: "boolean", short: "h", default: false } } }).values
  )
  if (help === true) {
    const [, comment] = /^\/\*\*(.*?)\*\//s.exec(readFileSync(fileURLToPath(url), "utf8")) ?? ["", ""]
    process.stdout.write(`${comment.replace(/^ \* ?/gm, "").trim()}\n`)
    process.exit(0)
  }
  return values as Given<A>
}

/** Another one each time, as a default. */
export const anySeed = (): string => String(Date.now() % 1_000_000_000)

const attempt = <A>(f: () => A): A => {
  try {
    return f()
  } catch (error) {
    return refuse((error as Error).message)
  }
}

/** Ends the program: it was not started as it should be. */
export const refuse = (message: string): never => {
  process.stderr.write(`${message}\n--help says what there is.\n`)
  process.exit(2)
}

/** A whole number that is not less than `least`. */
export const whole = (name: string, text: string, least: number): number => {
  const value = Number(text)
  return text.trim() !== "" && Number.isSafeInteger(value) && value >= least
    ? value
    : refuse(`--${name} ${text} is not a whole number from ${least}`)
}

/** Names from a list with commas. */
export const chosen = <A extends string>(name: string, text: string, all: ReadonlyArray<A>): ReadonlyArray<A> =>
  text
    .split(",")
    .map((word) => all.find((one) => one === word) ?? refuse(`--${name} ${word} is none of ${all.join(", ")}`))

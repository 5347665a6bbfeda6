/**
 * Cells that might be phone numbers, for every calling code and every default country. The same seed gives the same cells;
 * their numbers are drawn from ranges that are in use, so they may belong to somebody: they never leave this machine.
 */
import { createRequire } from "node:module"
import type { CountryCode } from "libphonenumber-js/max"
import type { FullMetadata } from "../../src/Phone/compile/compile.js"
import { type Program, program } from "../../src/Phone/compile/pattern.js"
import * as Base from "../support/random.js"

const require = createRequire(import.meta.url)
const metadata: FullMetadata = require("libphonenumber-js/metadata.max.json")
const examples: Readonly<Record<string, string>> = require("libphonenumber-js/examples.mobile.json")

export interface Random extends Base.Random {
  readonly digits: (count: number) => string
}

export const makeRandom = (seed: number): Random => {
  const random = Base.makeRandom(seed)
  const digits = (count: number) => {
    let text = ""
    for (let each = 0; each < count; each++) text += random.below(10)
    return text
  }
  return { ...random, digits }
}

/** A numbering plan, by what numbers can be drawn from it. */
export interface Plan {
  readonly country: CountryCode | undefined
  readonly code: string
  readonly types: ReadonlyArray<Program>
  readonly general: Program
  readonly idd: Program | undefined
  readonly prefix: Program | undefined
}

export const plans: ReadonlyArray<Plan> = [
  ...Object.entries(metadata.countries).map(([country, plan]) => [country as CountryCode, plan] as const),
  ...Object.values(metadata.nonGeographic).map((plan) => [undefined, plan] as const)
].map(([country, plan]) => ({
  country,
  code: plan[0],
  types: (plan[11] ?? []).flatMap((type) => (type?.[0] ? [program(type[0])] : [])),
  general: program(plan[2]),
  idd: plan[1] ? program(plan[1]) : undefined,
  prefix: plan[7] || plan[5] ? program(plan[7] || plan[5] || "") : undefined
}))

/** The countries that a cell in national form can belong to. */
export const countries: ReadonlyArray<CountryCode> = plans.flatMap(({ country }) => country ?? [])

/** Digits that a pattern matches. */
export const matching = ({ instructions }: Program, { below, pick }: Random): string => {
  let text = ""
  for (let place = 0; ; ) {
    const each = instructions[place]
    if (each.op === "match") return text
    if (each.op === "split") place = below(2) === 0 ? each.first : each.second
    else if (each.op === "jump") place = each.to
    else {
      if (each.op === "digit") text += pick(digits.filter((digit) => each.set & (1 << digit)))
      place++
    }
  }
}

const digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

/** A valid number mostly, in national significant form; of a type that the calling code has. */
export const significant = (plan: Plan, random: Random): string =>
  matching(random.below(8) === 0 ? plan.general : random.pick(plan.types), random)

/** One digit another, one more or one less. */
const mutate = (text: string, { below, digits }: Random): string => {
  const at = below(text.length + 1)
  const kind = below(3)
  return text.slice(0, at) + (kind === 2 ? "" : digits(1)) + text.slice(kind === 1 ? at : at + 1)
}

const marks = [" ", "-", ".", "/", "(", ")", "[", "]", ") ", " - ", "  "]
const otherMarks = ["\u00a0", "\u2011", "\u2013", "\u200b", "\u3000", "\uff08", "\uff0d", "~", "\u00ad", "\u2060"]

const sprinkle = (text: string, from: ReadonlyArray<string>, { below, pick }: Random): string => {
  let out = ""
  for (const character of text) out += below(4) === 0 ? character + pick(from) : character
  return below(8) === 0 ? pick(from) + out : out
}

const extension = ({ below, digits, pick }: Random): string =>
  pick([" x", "x", " ext. ", ";ext=", " ext ", "#", " - ", ",,", ",", ";", " int ", "~"]) +
  digits(1 + below(5)) +
  pick(["", "", "", "#"])

const inDigitsFrom = (text: string, zero: number): string =>
  text.replace(/\d/g, (digit) => String.fromCharCode(zero + Number(digit)))

const ascii = ({ below }: Random): string => String.fromCharCode(32 + below(95))

export type Kind = (typeof kinds)[number]

/** Of `plan` and for `home`, which may be the same. */
export const kinds = [
  "random E.164",
  "E.164 with zeros",
  "E.164 of a pattern",
  "E.164 with a national prefix",
  "national, random",
  "national of a pattern",
  "national with a prefix",
  "national, of another country",
  "without plus sign",
  "IDD",
  "IDD, random",
  "punctuation",
  "extension",
  "other digits",
  "other punctuation",
  "mutated example",
  "noise",
  "words"
] as const

export interface Cell {
  readonly text: string
  readonly home: CountryCode
}

export const draw = (kind: Kind, plan: Plan, random: Random): Cell => {
  const { below, digits, pick } = random
  // most countries have no calling code in common with another, so theirs are drawn as often as all others together
  const home = plan.country !== undefined && below(2) === 0 ? plan.country : pick(countries)
  const homePlan = plans[countries.indexOf(home)]
  const cell = (text: string): Cell => ({ text, home })
  const real = (): string => significant(plan, random)
  const prefixed = (of: Plan, text: string): string =>
    of.prefix === undefined ? text : matching(of.prefix, random) + text
  const idd = (): string => (homePlan.idd === undefined ? "" : matching(homePlan.idd, random))
  const anyForm = (): string =>
    pick([
      () => `+${plan.code}${real()}`,
      () => significant(homePlan, random),
      () => prefixed(homePlan, significant(homePlan, random)),
      () => `${idd()}${plan.code}${real()}`
    ])()
  switch (kind) {
    case "random E.164":
      return cell(`+${plan.code}${digits(1 + below(14))}`)
    case "E.164 with zeros":
      return cell(`+${plan.code}${"0".repeat(1 + below(3))}${below(2) === 0 ? real() : digits(3 + below(9))}`)
    case "E.164 of a pattern":
      return cell(`+${plan.code}${real()}`)
    case "E.164 with a national prefix":
      return cell(`+${plan.code}${prefixed(plan, below(3) === 0 ? mutate(real(), random) : real())}`)
    case "national, random":
      return cell(digits(2 + below(14)))
    case "national of a pattern":
      return cell(below(3) === 0 ? mutate(significant(homePlan, random), random) : significant(homePlan, random))
    case "national with a prefix": {
      const number = significant(homePlan, random)
      return cell(prefixed(homePlan, pick([number, mutate(number, random), digits(3 + below(9)), number.slice(2)])))
    }
    case "national, of another country":
      return cell(below(2) === 0 ? real() : prefixed(plan, real()))
    case "without plus sign": {
      const rest = pick([
        significant(homePlan, random),
        prefixed(homePlan, significant(homePlan, random)),
        digits(below(13))
      ])
      return cell(homePlan.code + (below(3) === 0 ? mutate(rest, random) : rest))
    }
    case "IDD":
      return cell(`${idd()}${plan.code}${below(3) === 0 ? prefixed(plan, real()) : real()}`)
    case "IDD, random":
      return cell(`${idd()}${pick(["", "0", "00", plan.code])}${digits(below(13))}`)
    case "punctuation":
      return cell(sprinkle(anyForm(), marks, random))
    case "extension":
      return cell(sprinkle(anyForm(), below(2) === 0 ? [""] : marks, random) + extension(random))
    case "other digits": {
      const text = anyForm()
      const zero = pick([0xff10, 0x660, 0x6f0])
      return cell(
        below(2) === 0
          ? inDigitsFrom(text, zero).replace("+", pick(["+", "\uff0b"]))
          : inDigitsFrom(text.slice(0, 3), zero) + text.slice(3)
      )
    }
    case "other punctuation":
      return cell(sprinkle(anyForm(), below(2) === 0 ? otherMarks : [...marks, ...otherMarks], random))
    case "mutated example": {
      const of = pick(countries)
      const example = examples[of] ?? digits(8)
      let number = pick([`+${plans[countries.indexOf(of)].code}${example}`, example, prefixed(homePlan, example)])
      for (let each = below(4); each > 0; each--) number = mutate(number, random)
      return { text: number, home: below(2) === 0 ? of : home }
    }
    case "noise": {
      const text = anyForm()
      const at = below(text.length + 1)
      return cell(text.slice(0, at) + ascii(random) + (below(2) === 0 ? ascii(random) : "") + text.slice(at + below(2)))
    }
    case "words":
      return cell(
        pick([
          () => pick(["n/a", "none", "unknown", "", " ", "-", "+", "++", "()", "tel:", "#REF!", "null", "~", ";"]),
          () => `tel:${anyForm()}`,
          () => `${pick(["home", "x", "~", ";", ","])}${below(2) === 0 ? " " : ""}${anyForm()}`,
          () => `${anyForm()};phone-context=${pick([`+${plan.code}`, "example.com", "", "+"])}`,
          () => `${anyForm()};isub=${digits(3)}`,
          () => `${pick(["+", " +", "++", "(+", "-"])}${anyForm()}`,
          () => `${anyForm()}${pick([".0", "E+11", " ", "\t", "\n", ".", "+"])}`,
          () => Array.from({ length: 1 + below(12) }, () => ascii(random)).join(""),
          () => pick([" ", ".", "-"]).repeat(230 + below(40)) + anyForm()
        ])()
      )
  }
}

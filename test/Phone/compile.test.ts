/** Patterns that no metadata hold yet, so that those of the next version are compiled rightly, too. */
import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { forest, numbering } from "../../src/Phone/compile/automaton.js"
import { program } from "../../src/Phone/compile/pattern.js"
import * as Prefix from "../../src/Phone/compile/prefix.js"
import { type Cut, width } from "../../src/Phone/tables.js"

const digit = fc.integer({ min: 0, max: 3 }).map(String)

const times = fc.constantFrom("", "", "", "?", "{2}", "{1,2}", "{0,2}")

/** Alternatives of up to three atoms each; patterns stay short, so that their automata do. */
const waysOf = (atom: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .array(fc.array(fc.tuple(atom, times), { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 3 })
    .map((ways) => ways.map((way) => way.flat().join("")).join("|"))

const atom = fc.oneof(digit, fc.constantFrom("\\d", "[12]", "[0-2]", "[03]", "[1-35]"))
const nested = waysOf(
  fc.oneof(
    atom,
    waysOf(atom).map((inner) => `(?:${inner})`)
  )
)

const isKnown = (source: string): boolean => {
  try {
    return program(source).groups === 0
  } catch (error) {
    assert.match(String(error), /can be empty/)
    return false
  }
}

const pattern = nested.filter(isKnown)
const flat = waysOf(atom)

const digits = fc.array(digit, { maxLength: 9 }).map((each) => each.join(""))

/** What the compiled pattern makes of digits. */
const cutter = (source: string, rule?: string): ((text: string) => string) => {
  const prefixes = forest()
  const cuts = numbering<Cut>()
  cuts.of(Prefix.whole)
  const root = prefixes.add(Prefix.machine(source, rule, cuts.of))
  const table = prefixes.table(cuts.values.length)
  const first = prefixes.rename(root, cuts.values.length)
  return (text) => {
    let state = first
    for (const each of text) state = table[state * width + Number(each)]
    const [insert, from, to, rest] = cuts.values[table[state * width + width - 1]]
    return insert + text.slice(from, to) + text.slice(rest)
  }
}

describe("a compiled pattern", () => {
  it("cuts off what a regular expression would", () => {
    fc.assert(
      fc.property(pattern, fc.array(digits, { minLength: 10, maxLength: 10 }), (source, texts) => {
        const cut = cutter(source)
        const expression = new RegExp(`^(?:${source})`)
        for (const text of texts) assert.strictEqual(cut(text), text.replace(expression, ""), `${source} on ${text}`)
      }),
      { numRuns: 500 }
    )
  })

  it("puts digits before a group where the group has taken part", () => {
    fc.assert(
      fc.property(flat, flat, flat, fc.array(digits, { minLength: 10, maxLength: 10 }), (a, b, c, texts) => {
        const source = `(?:${a})(${b})(?:${c})|(?:${c})`
        const cut = cutter(source, "90$1")
        const expression = new RegExp(`^(?:${source})`)
        for (const text of texts) {
          const group = expression.exec(text)?.[1]
          const expected = text.replace(expression, group ? "90$1" : "")
          assert.strictEqual(cut(text), expected, `${source} on ${text}`)
        }
      }),
      { numRuns: 300 }
    )
  })

  it("knows where the digits end", () => {
    const cut = cutter("([2-9]\\d{6})$|1", "246$1")
    assert.deepStrictEqual(["2345678", "23456789", "12345678", "234567"].map(cut), [
      "2462345678",
      "23456789",
      "2345678",
      "234567"
    ])
  })

  it("is refused where it holds something unknown", () => {
    for (const source of ["1+", "1*", "(?!1)2", "(?=1)", "a", "[^1]", "\\s", "(1", "1)", "1{", "[1", "^1", "1{2,}"]) {
      assert.throws(() => program(source), /unknown/, source)
    }
    for (const source of ["(?:1?)?", "(?:1|2?){1,2}"]) assert.throws(() => program(source), /can be empty/)
    assert.throws(() => cutter("(1)2$3"), /unknown|last/)
    assert.throws(() => cutter("(1)", "$1$2"), /rule/)
  })
})

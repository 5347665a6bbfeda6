/** Inputs that are almost right: examples that were cut, repeated, spliced and damaged, so that they get far into a parser. */
import * as FastCheck from "effect/FastCheck"

type Step = readonly [kind: number, at: number, length: number, token: string]

/** What parsers have stumbled over, of any format. */
const nasty: ReadonlyArray<string> = [
  ...['"', '""', "'", ",", ";", "\t", "|", "\n", "\r\n", "\r", " ", "\\", "\\u0000", "\u0000", "\uFEFF", "\u2028"],
  ...["\ud800", "\u0661\u0662", "\uff0b", "\u00ad", "\u001b[2J", "\u009b", "\u202e", "é", "😀", "\u00a0", "\u0301"],
  ...["{", "}", "[", "]", ":", "null", "true", "-0", "1e999", "1e-7", "9007199254740993", "9".repeat(40), "NaN"],
  ...['{"toString":null,"valueOf":null}', '"__proto__":', '"constructor":', '{"at":', "+", "@", "=", "-", "%", "0x1F"],
  ...["<Code>", "</Code>", "Infinity", "24:00", "T", "Z", "+14:00", "0000", "10000", "GMT", "ext. 12", ";isub=1"]
]

const step: FastCheck.Arbitrary<Step> = FastCheck.tuple(
  FastCheck.nat(9),
  FastCheck.nat(1 << 20),
  FastCheck.oneof(FastCheck.nat(8), FastCheck.nat(300)),
  FastCheck.oneof(
    { weight: 4, arbitrary: FastCheck.constantFrom(...nasty) },
    { weight: 1, arbitrary: FastCheck.string({ unit: "binary", maxLength: 6 }) }
  )
)

/** No input is longer, in UTF-16 code units. */
export const longest = 1 << 13

const applied = (examples: ReadonlyArray<string>, text: string, [kind, at, length, token]: Step): string => {
  const start = text.length === 0 ? 0 : at % (text.length + 1)
  const head = text.slice(0, start)
  const part = text.slice(start, start + length)
  const tail = text.slice(start + length)
  const other = examples[(at >>> 3) % examples.length]
  switch (kind) {
    case 0:
      return part === ""
        ? text
        : head + String.fromCharCode(part.charCodeAt(0) ^ (1 << (length % 8))) + text.slice(start + 1)
    case 1:
      return head + tail
    case 2:
      return head + part.repeat(1 + (length % 12)) + tail
    case 3:
      return head + token + text.slice(start)
    case 4:
      return head + other.slice(at % (other.length + 1))
    case 5:
      return head + token.repeat(length) + text.slice(start)
    case 6:
      return head
    case 7:
      return head + token + tail
    case 8:
      return head + text.slice(start).replace(/\d/, String(length % 10))
    default:
      return head + other + text.slice(start)
  }
}

/** The examples, and what becomes of them in up to eight steps. */
export const mutated = (examples: ReadonlyArray<string>): FastCheck.Arbitrary<string> =>
  FastCheck.tuple(FastCheck.constantFrom(...examples), FastCheck.array(step, { maxLength: 8 })).map(
    ([example, steps]) => steps.reduce((text, step) => applied(examples, text, step).slice(0, longest), example)
  )

/** As a text comes from a disk or a network: cut anywhere. */
export const pieces = (text: string, cuts: ReadonlyArray<number>): ReadonlyArray<string> => {
  const at = [...new Set([0, ...cuts.map((cut) => cut % (text.length + 1)), text.length])].sort((a, b) => a - b)
  return at.slice(1).map((end, index) => text.slice(at[index], end))
}

/** What parses; else a value of JSON's own making. */
export const json = (examples: ReadonlyArray<unknown>): FastCheck.Arbitrary<unknown> =>
  FastCheck.oneof(
    {
      weight: 5,
      arbitrary: mutated(examples.map((example) => JSON.stringify(example))).map((text) => {
        try {
          return JSON.parse(text) as unknown
        } catch {
          return text
        }
      })
    },
    {
      weight: 3,
      arbitrary: FastCheck.tuple(FastCheck.constantFrom(...examples), FastCheck.array(edit, { maxLength: 4 })).map(
        edited
      )
    },
    { weight: 1, arbitrary: FastCheck.jsonValue() }
  )

type Edit = readonly [at: number, value: unknown, key: string]

const edit: FastCheck.Arbitrary<Edit> = FastCheck.tuple(
  FastCheck.nat(1 << 16),
  FastCheck.oneof(
    FastCheck.constantFrom<unknown>(null, true, -1, 0.5, 1e300, "", "x".repeat(5000), [], {}, [[[]]], {
      toString: null,
      valueOf: null
    }),
    FastCheck.constantFrom<unknown>(...nasty),
    FastCheck.jsonValue({ maxDepth: 2 })
  ),
  FastCheck.constantFrom(
    "id",
    "message",
    "code",
    "name",
    "toString",
    "__proto__",
    "entities",
    "0",
    "phoneNumbers",
    "errors"
  )
)

/** Puts values of another kind in places of an example. */
const edited = ([example, edits]: readonly [unknown, ReadonlyArray<Edit>]): unknown => {
  let root = structuredClone(example)
  for (const [at, value, key] of edits) {
    const places: Array<(value: unknown) => void> = [
      (value) => {
        root = value
      }
    ]
    const visit = (node: unknown, depth: number): void => {
      if (typeof node !== "object" || node === null || depth > 20) return
      const fields = node as Record<string, unknown>
      places.push((value) =>
        Object.defineProperty(fields, key, { value, enumerable: true, writable: true, configurable: true })
      )
      for (const name of Object.keys(fields)) {
        places.push((value) =>
          Object.defineProperty(fields, name, { value, enumerable: true, writable: true, configurable: true })
        )
        visit(fields[name], depth + 1)
      }
    }
    visit(root, 0)
    places[at % places.length](structuredClone(value))
  }
  return root
}

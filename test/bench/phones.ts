/**
 * Numbers a second, on one thread: by the library, by the tables from text and from bytes, and with the policy of the
 * validator on top.
 *
 *     node --import tsx test/bench/phones.ts [--cells 200000] [--runs 7] [--seed 1]
 *
 * Two corpora: that of the other benchmarks (US, CA, GB, DE, FR), and fifty countries in equal parts, each cell with its own
 * default country. Both are 60 % E.164, 30 % national and formatted, 10 % junk or other countries.
 */
import { availableParallelism, loadavg } from "node:os"
import * as Effect from "effect/Effect"
import { DncEntry, DncValidator } from "genesys-dnc"
import * as Phone from "genesys-dnc/phone"
import { type CountryCode, parsePhoneNumberFromString } from "libphonenumber-js/max"
import { makeRandom, plans, significant } from "../phones/inputs.js"
import * as Options from "../support/options.js"
import * as Data from "./data.js"
import { number, spreadText, table } from "./table.js"

const given = Options.read(import.meta.url, { cells: "200000", runs: "7", seed: "1" })
const [cells, runs, seed] = [
  Options.whole("cells", given.cells, 1),
  Options.whole("runs", given.runs, 1),
  Options.whole("seed", given.seed, 0)
]

const fifty =
  "US CA GB DE FR IT ES PT NL BE LU CH AT PL CZ SK HU RO BG GR SE NO DK FI IE RU UA TR IL SA AE EG MA ZA NG KE IN PK CN JP KR TH VN ID AU NZ BR MX AR CO".split(
    " "
  )

interface Corpus {
  readonly name: string
  readonly goal: number
  readonly texts: ReadonlyArray<string>
  readonly homes: ReadonlyArray<CountryCode>
}

const ofFifty = (): Corpus => {
  const random = makeRandom(seed)
  const of = new Map(plans.map((plan) => [plan.country as string, plan]))
  const texts: Array<string> = []
  const homes: Array<CountryCode> = []
  while (texts.length < cells) {
    const plan = of.get(fifty[texts.length % fifty.length])!
    const kind = random.number()
    const phone = parsePhoneNumberFromString(`+${plan.code}${significant(plan, random)}`)
    if (!phone?.isValid()) continue
    homes.push(plan.country as CountryCode)
    if (kind < 0.6) texts.push(phone.number)
    else if (kind < 0.9) texts.push(random.below(3) === 0 ? phone.formatInternational() : phone.formatNational())
    else if (kind < 0.95) texts.push(`+${plan.code}${random.digits(3 + random.below(9))}`)
    else texts.push(random.pick(["n/a", "unknown", "000-000-0000", "0", `555-${random.digits(4)}`, "see notes"]))
  }
  return { name: "fifty countries", goal: 1_000_000, texts, homes }
}

const corpora: ReadonlyArray<Corpus> = [
  {
    name: "US, CA, GB, DE, FR",
    goal: 2_000_000,
    texts: Data.cells(cells, seed),
    homes: Array.from({ length: cells }, () => "US" as const)
  },
  ofFifty()
]

/** As they would come from a file: flat, none the same object as another. */
const flat = (texts: ReadonlyArray<string>) => {
  const ends: Array<number> = []
  let end = 0
  for (const text of texts) ends.push((end += Buffer.byteLength(text)))
  const bytes = Buffer.from(texts.join(""))
  return {
    bytes,
    ends,
    texts: ends.map((to, index) => bytes.toString("latin1", index === 0 ? 0 : ends[index - 1], to))
  }
}

const validator = Effect.runSync(
  DncValidator.make({ allowedCountries: plans.flatMap(({ country }) => (country === undefined ? [] : [country])) })
)

const loading = performance.now()
Phone.parser("US")
process.stdout.write(
  `Node ${process.version}, ${availableParallelism()} cores, load ${loadavg()[0].toFixed(1)}; tables unpacked in ${(performance.now() - loading).toFixed(1)} ms\n`
)

for (const { goal, homes, name, texts: drawn } of corpora) {
  const { bytes, ends, texts } = flat(drawn)
  const parsers = homes.map((home) => Phone.parser(home))
  const block = {
    ...DncEntry.rowBlock([]),
    length: texts.length,
    line: Uint32Array.from(texts, (_, index) => index),
    phoneNumber: texts,
    country: homes,
    cells: () => []
  }
  const few = texts.slice(0, 20_000)
  let handedOver = 0
  let valid = 0
  const ways: ReadonlyArray<readonly [string, () => number]> = [
    [
      "the library",
      () => {
        few.forEach((text, index) => {
          parsePhoneNumberFromString(text, { defaultCountry: homes[index], extract: false })?.isValid()
        })
        return few.length
      }
    ],
    [
      "tables, text",
      () => {
        handedOver = valid = 0
        for (let index = 0; index < texts.length; index++) {
          const found = parsers[index].ofText(texts[index])
          if (found > 0) valid++
          else if (found < 0) {
            handedOver++
            const phone = parsePhoneNumberFromString(texts[index], { defaultCountry: homes[index], extract: false })
            if (phone?.isValid()) valid++
          }
        }
        return texts.length
      }
    ],
    [
      "tables, bytes",
      () => {
        for (let index = 0; index < texts.length; index++) {
          const from = index === 0 ? 0 : ends[index - 1]
          if (parsers[index].ofBytes(bytes, from, ends[index]) < 0) {
            parsePhoneNumberFromString(texts[index], { defaultCountry: homes[index], extract: false })?.isValid()
          }
        }
        return texts.length
      }
    ],
    [
      "DncValidator",
      () => {
        const { length, rejects } = validator.validate(block, 0)
        return length + rejects.length
      }
    ]
  ]
  const rates = new Map<string, Array<number>>(ways.map(([way]) => [way, []]))
  for (let run = -2; run < runs; run++) {
    for (const [way, f] of ways) {
      const start = performance.now()
      const count = f()
      const rate = count / ((performance.now() - start) / 1000)
      if (run >= 0) rates.get(way)?.push(rate)
    }
  }
  const text = rates.get("tables, text") ?? []
  const median = [...text].sort((a, b) => a - b)[text.length >>> 1]
  process.stdout.write(
    `\n${name}: ${number(texts.length)} cells, ${number(valid)} valid, ${((100 * handedOver) / texts.length).toFixed(2)} % handed over to the library\n${table(
      [["numbers/s, median (min–max)", ""], ...[...rates].map(([way, figures]) => [way, spreadText(figures)])]
    ).join("\n")}\nat least ${number(goal)}: ${median >= goal ? "met" : "NOT met"}\n`
  )
}

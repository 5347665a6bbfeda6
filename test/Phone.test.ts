import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import * as Phone from "genesys-dnc/phone"
import type { CountryCode } from "libphonenumber-js/max"
import { compile, text } from "../src/Phone/compile/compile.js"
import { compare, fast, library } from "./phones/differential.js"
import { makeRandom, plans, significant } from "./phones/inputs.js"

const require = createRequire(import.meta.url)

describe("the tables", () => {
  it("are those of the installed library", () => {
    const made = text(
      compile(require("libphonenumber-js/metadata.max.json"), require("libphonenumber-js/package.json").version)
    )
    assert.isTrue(
      made === readFileSync(new URL("../src/Phone/compiled.ts", import.meta.url), "utf8"),
      "npm run tables, then npm run verify:phones"
    )
  })

  it("agree with the library about 200,000 cells of every kind, calling code and default country", {
    timeout: 120_000
  }, () => {
    const { counts, disagreements } = compare(200_000, 20_261_125)
    assert.deepStrictEqual(disagreements.slice(0, 20), [])
    for (const [kind, { answered, inputs, valid }] of Object.entries(counts)) {
      const part = leastAnswered[kind] ?? 0.85
      assert.isAtLeast(answered, inputs * part, kind)
      if (part > 0) assert.isAbove(valid, 0, kind)
    }
  })

  it("answer for every calling code and every default country", () => {
    const random = makeRandom(1)
    for (const plan of plans) {
      const { code, country } = plan
      const home = country ?? "US"
      const found = Array.from({ length: 30 }, () => fast(`+${code} ${significant(plan, random)}`, home))
      assert.isTrue(
        found.some((each) => each !== undefined && each !== "0"),
        `+${code}`
      )
      if (country === undefined) continue
      const national = Array.from({ length: 30 }, () => fast(significant(plan, random), country))
      assert.isTrue(
        national.some((each) => each !== undefined && each !== "0"),
        country
      )
    }
  })
})

/** Of what is written in other digits, with words or with extensions the most is left to the library. */
const leastAnswered: Readonly<Record<string, number>> = {
  "national, random": 0.7,
  "random E.164": 0.8,
  "IDD, random": 0.8,
  extension: 0,
  "other digits": 0,
  "other punctuation": 0.1,
  noise: 0.1,
  words: 0.3
}

const cases: ReadonlyArray<readonly [what: string, text: string, home: CountryCode, verdict: string | undefined]> = [
  ["E.164", "+14155552671", "US", "14155552671 US"],
  ["North Americans' own", "(415) 555-2671", "US", "14155552671 US"],
  ["Canada's from the States", "416.555.0123", "US", "14165550123 CA"],
  ["a free number of several countries is the main one's", "8005550199", "CA", "18005550199 US"],
  ["the code without its plus sign", "1 415 555 2671", "US", "14155552671 US"],
  ["of the Bahamas by leading digits, and not valid", "+12420000000", "US", "0"],
  ["seven digits of an island", "542 1234", "SX", "17215421234 SX"],
  ["a way out of the country", "011 44 20 7946 0018", "US", "442079460018 GB"],
  ["a way out of the country with a prefix behind it", "011 44 020 7946 0018", "US", "442079460018 GB"],
  ["a way out of the country and nothing behind it", "011", "US", "0"],
  ["a way out, and a zero behind it", "0110 44 20 7946", "US", "0"],
  ["a prefix in an international number", "+44 (0)20 7946 0018", "US", "442079460018 GB"],
  ["Guernsey's", "01481 256789", "GB", "441481256789 GG"],
  ["Guernsey's, six digits", "256789", "GG", "441481256789 GG"],
  ["of Jersey's six digits, with Britain's code", "07797 712345", "GB", "447797712345 JE"],
  ["an area code that looks like the country's", "49 30 12", "DE", "49493012 DE"],
  ["the country's code without plus sign", "49 30 23125123", "DE", "493023125123 DE"],
  ["leading zeros that belong to the number", "+39 06 679 82831", "IT", "390667982831 IT"],
  ["the Vatican's", "06 698 12345", "IT", "390669812345 VA"],
  ["an eight that is a prefix", "8 (912) 345-67-89", "RU", "79123456789 RU"],
  ["an eight that is none", "800 555 35 35", "RU", "78005553535 RU"],
  ["Kazakhstan's", "8 701 234 5678", "RU", "77012345678 KZ"],
  ["a mobile mark that moves", "011 15-2345-6789", "AR", "5491123456789 AR"],
  ["the code of a carrier", "0 15 11 96123-4567", "BR", "5511961234567 BR"],
  ["digits that San Marino adds", "886377", "SM", "3780549886377 SM"],
  ["a carrier of Korea", "0 82 2-312-3456", "KR", "8223123456 KR"],
  ["Åland's", "018 12345", "FI", "3581812345 AX"],
  ["of no country", "+800 1234 5678", "US", "80012345678 undefined"],
  ["of no country, too short", "+800 1234 567", "US", "0"],
  ["of no calling code", "+999 1234567", "US", "0"],
  ["a zero behind the plus sign", "+0 415 555 2671", "US", "0"],
  ["a plus sign that is not the first", "(+1) 415 555 2671", "US", undefined],
  ["nothing", "", "US", "0"],
  ["words", "n/a", "US", "0"],
  ["words before a number", "home 415 555 2671", "US", "0"],
  ["words behind a number", "415 555 2671 home", "US", undefined],
  ["two digits", "15", "US", undefined],
  ["an extension", "415 555 2671 x12", "US", undefined],
  ["other digits", "+٤٤٢٠٧٩٤٦٠٠١٨", "US", undefined],
  ["more digits than a double holds", "+49 1234 56789 01234", "DE", undefined],
  ["more characters than the library reads", `415 555 2671${" ".repeat(240)}`, "US", undefined]
]

describe("a cell", () => {
  it.each(cases)("%s", (_, text, home, verdict) => {
    assert.strictEqual(fast(text, home), verdict)
    if (verdict !== undefined) assert.strictEqual(library(text, home), verdict)
  })
})

describe("parse", () => {
  it("gives the number, its country and its extension", () => {
    assert.deepStrictEqual(Phone.parse("(415) 555-2671", "US"), { number: "+14155552671", country: "US" })
    assert.deepStrictEqual(Phone.parse("415-555-2671 x12", "US"), {
      number: "+14155552671",
      country: "US",
      extension: "12"
    })
    assert.deepStrictEqual(Phone.parse("+800 1234 5678", "US"), { number: "+80012345678", country: undefined })
    assert.deepStrictEqual(Phone.parse("+٤٤٢٠٧٩٤٦٠٠١٨"), { number: "+442079460018", country: "GB" })
    assert.isUndefined(Phone.parse("415 555 2671 home", "US"))
  })

  it("takes only international numbers without a country, or with one that does not exist", () => {
    for (const country of [undefined, "ZZ", "us", "001", "toString"]) {
      assert.deepStrictEqual(Phone.parse("+44 20 7946 0018", country), { number: "+442079460018", country: "GB" })
      assert.isUndefined(Phone.parse("020 7946 0018", country))
    }
  })

  it("keeps the country of the number given last, for each default country by itself", () => {
    const [us, gb] = [Phone.parser("US"), Phone.parser("GB")]
    assert.strictEqual(us.ofText("416 555 0123"), 14165550123)
    assert.strictEqual(gb.ofText("01481 256789"), 441481256789)
    assert.strictEqual(us.country(), "CA")
    assert.strictEqual(gb.country(), "GG")
    assert.strictEqual(Phone.parser("US"), us)
  })
})

describe("beside another library", () => {
  afterEach(() => {
    vi.doUnmock("../src/Phone/compiled.js")
    vi.resetModules()
  })

  it("the tables are not used, and the library gives the verdicts", async () => {
    const { read } = await import("../src/Phone/compiled.js")
    vi.resetModules()
    vi.doMock("../src/Phone/compiled.js", () => ({ read: () => ({ ...read(), fingerprint: "another" }) }))
    const other: typeof Phone = await import("genesys-dnc/phone")
    assert.strictEqual(other.parser("US").ofText("+14155552671"), -1)
    assert.deepStrictEqual(other.parse("416 555 0123", "US"), { number: "+14165550123", country: "CA" })
    assert.isUndefined(other.parse("555 0123", "US"))
  })
})

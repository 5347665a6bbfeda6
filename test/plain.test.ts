import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import {
  type CountryCode,
  getCountries,
  getCountryCallingCode,
  getExampleNumber,
  parsePhoneNumberFromString
} from "libphonenumber-js/max"
import examples from "libphonenumber-js/mobile/examples" with { type: "json" }
import { plain } from "../src/DncValidator/plain.js"

/** What the library says of a cell, in the form in which the quick way says it. */
const library = (cell: string, country: CountryCode) => {
  const phone = parsePhoneNumberFromString(cell, { defaultCountry: country, extract: false })
  return phone?.isValid() && phone.country !== undefined && phone.ext === undefined
    ? { digits: phone.number.slice(1), country: phone.country }
    : undefined
}

let answered = 0

const agree = (cell: string, country: CountryCode) => {
  const answer = plain(cell, country)
  if (answer === undefined) return
  answered++
  assert.deepStrictEqual(answer, library(cell, country), `${cell} in ${country}`)
}

const digit = fc.integer({ min: 0, max: 9 })
const country = fc.constantFrom(...getCountries())
const digits = (minLength: number, maxLength: number) =>
  fc.array(digit, { minLength, maxLength }).map((each) => each.join(""))

describe("plain", () => {
  it("agrees with the library on every calling code", () => {
    fc.assert(
      fc.property(country, digits(4, 14), (country, rest) => agree(`+${getCountryCallingCode(country)}${rest}`, "US")),
      { numRuns: 60_000 }
    )
  })

  it("agrees with the library near real numbers of every country", () => {
    fc.assert(
      fc.property(country, country, fc.nat(), digits(1, 7), (country, other, at, noise) => {
        const real = getExampleNumber(country, examples)!.number
        agree(real, other)
        const from = 2 + (at % (real.length - 2))
        agree(real.slice(0, from) + noise + real.slice(from + noise.length), other)
        agree(real.slice(0, from) + noise.slice(0, 1) + real.slice(from), other)
      }),
      { numRuns: 20_000 }
    )
  })

  it("agrees with the library on numbers as North Americans write them", () => {
    const space = fc.constantFrom("", "", " ", "-", ".", "(", ") ", ")", "/", "  ")
    fc.assert(
      fc.property(
        fc.constantFrom<CountryCode>("US", "CA", "US", "GB", "PR"),
        fc.tuple(space, digits(3, 3), space, digits(3, 3), space, digits(4, 4), space),
        (country, parts) => agree(parts.join(""), country)
      ),
      { numRuns: 60_000 }
    )
    fc.assert(
      fc.property(fc.constantFrom<CountryCode>("US", "CA"), digits(7, 12), (country, cell) => agree(cell, country)),
      { numRuns: 20_000 }
    )
  })

  it("answers for itself where the form is plain", () => {
    for (const [cell, country] of [
      ["+14155550123", "US"],
      ["(415) 555-0123", "US"],
      ["4165550123", "CA"],
      ["+442079460123", "DE"],
      ["+493023125123", "US"],
      ["+33199001234", "US"]
    ] as const) {
      assert.deepStrictEqual(plain(cell, country), library(cell, country))
      assert.isDefined(plain(cell, country), cell)
    }
    assert.isAbove(answered, 20_000)
  })
})

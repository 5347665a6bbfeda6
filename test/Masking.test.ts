import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { Masking } from "genesys-dnc"

const { mask } = Masking

const expectations = (cases: ReadonlyArray<readonly [text: string, masked: string]>) => {
  for (const [text, masked] of cases) assert.strictEqual(mask(text), masked)
}

describe("Masking", () => {
  it("shows the calling code and the last two digits", () => {
    expectations([
      ["+14155552671", "+1********71"],
      ["+442079460958", "+44********58"],
      ["+493023125000", "+49********00"],
      ["+33199001234", "+33*******34"],
      ["+79161234567", "+7********67"],
      ["+353201234567", "+353*******67"],
      ["+35312345", "+353***45"]
    ])
  })

  it("shows no calling code where none is written", () => {
    expectations([
      ["4155552671", "********71"],
      ["14155552671", "*********71"],
      ["1234567", "*****67"]
    ])
  })

  it("masks numbers as people write them", () => {
    expectations([
      ["(415) 555-2671", "********71"],
      ["+1 (415) 555-2671", "+1********71"],
      ["+44 (0)20 7946 0958", "+44*********58"],
      ["030/23125000", "*********00"],
      ["01.99.00.12.34", "********34"],
      ["415\u2013555\u20112671", "********71"],
      ["415\u00a0555\u00a02671", "********71"]
    ])
  })

  it("masks whatever libphonenumber takes for one number", () => {
    for (const mark of "~[]\u00ad\u200b\u2060\u2212\u3000\uff08\uff09\uff0d\uff0e\uff0f\uff5e") {
      assert.strictEqual(mask(`415${mark}555${mark}2671`), "********71")
    }
  })

  it("leaves the text around a number as it is", () => {
    expectations([
      ["call 4155552671 now", "call ********71 now"],
      ["call +14155552671, please", "call +1********71, please"],
      ["of Ann (4155552671).", "of Ann (********71)."],
      ["of Ann (+14155552671).", "of Ann (+1********71)."],
      ["of Ann\n(415) 555-2671\n", "of Ann\n********71\n"],
      ['"4155552671",REGULATORY,2027-01-01', '"********71",REGULATORY,2027-01-01'],
      ["tel:+14155552671;ext=5", "tel:+1********71;ext=5"]
    ])
  })

  it("masks each number of a text", () => {
    expectations([
      ["+14155552671, +442079460958", "+1********71, +44********58"],
      ["+14155552671 +442079460958", "+1********71 +44********58"],
      ["4155552671;4155552672", "********71;********72"]
    ])
    assert.notMatch(mask("415-555-2671 415-555-2672"), /\d{3}/)
  })

  it("masks digits of other scripts", () => {
    expectations([
      ["\uff14\uff11\uff15\uff15\uff15\uff15\uff12\uff16\uff17\uff11", "********\uff17\uff11"],
      ["\uff0b\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff12\uff16\uff17\uff11", "+*********\uff17\uff11"],
      ["+\u0664\u0661\u0665\u0665\u0665\u0665\u0662\u0666\u0667\u0661", "+********\u0667\u0661"],
      ["\u{1d7d2}\u{1d7cf}\u{1d7d3}\u{1d7d3}\u{1d7d3}\u{1d7d3}\u{1d7d0}", "*****\u{1d7d3}\u{1d7d0}"]
    ])
  })

  it("leaves what is too short to be a number", () => {
    for (const text of [
      "",
      "no digits",
      "123456",
      "line 415555, 499 numbers",
      "status 422",
      "10:30:00.123",
      "1,234,567"
    ]) {
      assert.strictEqual(mask(text), text)
    }
  })

  it("leaves dates and times", () => {
    for (const text of [
      "2027-01-01",
      "The entry would have expired on 2027-01-01 already.",
      '"2027-02-31" is not a date',
      "(2027-01-01)",
      "2026-11-23T10:00:00.000Z",
      "at 2026-11-23T10:00:00.123456789Z, again",
      "2026-11-23T10:00:00+01:00",
      "2026-11-23 10:00:00",
      "2026-11-23 10:00",
      "from 2026-11-23T10:00:00Z to 2026-11-24T10:00:00Z"
    ]) {
      assert.strictEqual(mask(text), text)
    }
  })

  it("masks what only looks like a date", () => {
    expectations([
      ["4155-55-26", "******26"],
      ["2027-13-01", "******01"],
      ["415-2027-01-01", "*********01"],
      ["+2027-01-01", "+20****01"],
      ["2027-01-01 4155552671", "****************71"],
      ["2026-11-23T10:00:00,4155552671", "2026-11-23T10:00:00,********71"],
      ["2026-11-23T10:00:00.4155552671", "2026-11-23T10:00:00.********71"]
    ])
  })

  it("leaves UUIDs", () => {
    for (const uuid of [
      "12345678-1234-4123-8123-123456789012",
      "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
      "A0000000-0000-4000-8000-00000000000F"
    ]) {
      assert.strictEqual(mask(`run ${uuid} of list "${uuid}"`), `run ${uuid} of list "${uuid}"`)
    }
    assert.strictEqual(mask("9912345678-1234-4123-8123-123456789012"), `${"*".repeat(32)}12`)
  })

  const separator = fc.constantFrom(" ", "-", ".", "/", "(", ")", ") ", " (", " - ", "\u00a0", "\u2013")
  const phone = fc
    .tuple(
      fc.constantFrom("", "+", "+ ", "(", "+("),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.option(separator, { nil: "" })), {
        minLength: 7,
        maxLength: 17
      })
    )
    .map(([start, digits]) => start + digits.map(([digit, after], i) => digit + (digits[i + 1] ? after : "")).join(""))
  const dateLike = /^[+(\s]*\d{4}-\d{2}-\d{2}$/

  it.prop(
    "keeps of a number no more than a calling code and the last two digits",
    [phone.filter((text) => !dateLike.test(text))],
    ([text]) => {
      const masked = mask(text)
      const digits = text.replace(/\D/g, "")
      assert.match(masked, text.startsWith("+") ? /^\+\d{1,3}\*{2,}\d\d$/ : /^\(?\*{5,}\d\d$/)
      assert.isTrue(masked.endsWith(digits.slice(-2)))
      assert.strictEqual(masked.replace(/[^\d*]/g, "").length, digits.length)
    },
    { fastCheck: { numRuns: 1000 } }
  )

  const word = fc.oneof(
    phone,
    fc.string(),
    fc.constantFrom("2027-01-01", "2026-11-23T10:00:00.000Z", "12345678-1234-4123-8123-123456789012", "line 7", "\n"),
    fc.stringMatching(/^[\d+ ().-]{0,20}$/),
    fc.string({ unit: "binary", maxLength: 5 })
  )
  const prose = fc.tuple(fc.array(word), fc.constantFrom("", " ", ", ", "; ")).map(([words, glue]) => words.join(glue))

  it.prop(
    "leaves no seven digits together, dates, times and UUIDs aside",
    [prose],
    ([text]) => {
      const rest = mask(text)
        .replace(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/gi, "")
        .replace(/\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?/g, "")
      assert.notMatch(rest, /\d{7}/)
    },
    { fastCheck: { numRuns: 2000 } }
  )

  it.prop("changes nothing the second time", [prose], ([text]) => assert.strictEqual(mask(mask(text)), mask(text)), {
    fastCheck: { numRuns: 2000 }
  })

  const crafted = fc
    .array(
      fc.constantFrom(
        "+",
        "(",
        " ",
        "-",
        "*",
        "**",
        "@",
        "a",
        '"',
        ".",
        "12",
        "４",
        "5551555",
        "+14155552671",
        "2026-01-02"
      ),
      { maxLength: 12 }
    )
    .map((pieces) => pieces.join(""))

  it.prop(
    "nor does it where numbers, stars and addresses run into each other",
    [crafted],
    ([text]) => {
      assert.strictEqual(mask(mask(text)), mask(text))
    },
    { fastCheck: { numRuns: 20_000, examples: [["+@5551555x@y.z"], ["+@**４.2026-01-02"]] } }
  )
})

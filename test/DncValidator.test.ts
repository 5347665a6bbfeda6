import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, Either, FastCheck as fc, Layer } from "effect"
import { DncEntry, DncValidator } from "genesys-dnc"
import { type CountryCode, parsePhoneNumberFromString } from "libphonenumber-js/max"
import * as Phone from "../src/DncValidator/phone.js"

const now = Date.UTC(2026, 9, 1, 12)

const validator = (policy?: Partial<DncValidator.Policy>) => Effect.runSync(DncValidator.make(policy))

const standard = validator()

const everywhere = validator({ allowedCountries: ["US", "CA", "GB", "DE", "FR", "JE", "GG", "IM", "PR", "GU", "CH"] })

/** One row's entry in short, or its reject's code. */
const outcome = (row: DncEntry.Row, by = standard, at = now): string =>
  Either.match(DncValidator.validateRow(by, row, at), {
    onLeft: ({ code }) => code,
    onRight: ({ phoneNumber }) => phoneNumber
  })

const rejectOf = (row: DncEntry.Row, by = standard) =>
  Either.getOrThrow(Either.flip(DncValidator.validateRow(by, row, now)))

const entryOf = (row: DncEntry.Row, by = standard) => Either.getOrThrow(DncValidator.validateRow(by, row, now))

const number = "+14155550123"

describe("DncValidator", () => {
  describe("numbers", () => {
    it("takes numbers of the five countries in international form", () => {
      for (const phoneNumber of [
        "+14155550100",
        "+14155550199",
        "+16045550123",
        "+14165550123",
        "+18005550199",
        "+442079460000",
        "+442079460958",
        "+493023125000",
        "+491713920012",
        "+33199001234",
        "+33261911234",
        "+33536491234"
      ]) {
        assert.strictEqual(outcome({ phoneNumber }), phoneNumber)
      }
    })

    it("takes the forms that people write", () => {
      for (const phoneNumber of [
        "+1 415 555 0123",
        "+1 (415) 555-0123",
        "1-415-555-0123",
        "(415) 555-0123",
        "415.555.0123",
        "4155550123",
        "14155550123",
        "415\u2013555\u20130123",
        "415\u00a0555\u00a00123",
        "\uff0b\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff12\uff13"
      ]) {
        assert.strictEqual(outcome({ phoneNumber }), number, phoneNumber)
      }
    })

    it("reads a national number in the country of its row, and else in the default country", () => {
      const cases = [
        ["GB", "020 7946 0958", "+442079460958"],
        ["GB", "+44 (0)20 7946 0958", "+442079460958"],
        ["DE", "030 23125000", "+493023125000"],
        ["DE", "0171 3920012", "+491713920012"],
        ["FR", "01 99 00 12 34", "+33199001234"],
        ["FR", "02 61 91 12 34", "+33261911234"],
        ["FR", "05 36 49 12 34", "+33536491234"],
        ["CA", "604-555-0123", "+16045550123"],
        ["US", "011 44 20 7946 0958", "+442079460958"]
      ] as const
      for (const [country, phoneNumber, e164] of cases) {
        assert.strictEqual(outcome({ phoneNumber, country }), e164)
        assert.strictEqual(outcome({ phoneNumber, country: country.toLowerCase() }), e164)
        assert.strictEqual(outcome({ phoneNumber }, validator({ defaultCountry: country })), e164)
        assert.strictEqual(outcome({ phoneNumber, country }, validator({ defaultCountry: "CH" })), e164)
      }
      assert.strictEqual(outcome({ phoneNumber: "020 7946 0958" }), "InvalidPhoneNumber")
      assert.strictEqual(outcome({ phoneNumber: "+442079460958", country: "DE" }), "+442079460958")
    })

    it("does not guess at extensions, letters and two numbers", () => {
      for (const phoneNumber of [
        "415-555-0123 x12",
        "415-555-0123 ext. 12",
        "415-555-0123;ext=12",
        "415-555-0123,,12#",
        "+1 (415) 555-0123 home",
        "home 415-555-0123",
        "1-800-FLOWERS",
        "tel:+1-415-555-0123",
        "tel:+1-415-555-0123;phone-context=+1",
        "4155550123;isub=12345",
        "415-555-O123",
        "415-555-0123 / 415-555-0124",
        "415-555-0123;415-555-0124",
        "4155550123 4155550124",
        "+14155550123,+14155550124"
      ]) {
        assert.strictEqual(outcome({ phoneNumber }), "AmbiguousPhoneNumber", phoneNumber)
      }
      assert.strictEqual(outcome({ phoneNumber: "030 23125000 / 030 23125001", country: "DE" }), "AmbiguousPhoneNumber")
    })

    it("does not search a cell for a number", () => {
      for (const phoneNumber of ["'4155550123", "*4155550123", "#4155550123", "=4155550123", "4155550123;"]) {
        assert.strictEqual(outcome({ phoneNumber }), "InvalidPhoneNumber", phoneNumber)
      }
    })

    it("refuses emergency numbers, short codes and parts of numbers", () => {
      for (const [phoneNumber, country] of [
        ["911", "US"],
        ["411", "US"],
        ["22000", "US"],
        ["999", "GB"],
        ["110", "DE"],
        ["112", "FR"],
        ["+112", ""],
        ["5550123", "US"],
        ["415555012", "US"],
        ["+1415555012", ""],
        ["+14155550123456", ""],
        ["0000000000", "US"],
        ["1111111111", "US"],
        ["07700 900123", "GB"],
        ["06 39 98 12 34", "FR"]
      ] as const) {
        assert.strictEqual(outcome({ phoneNumber, country }), "InvalidPhoneNumber", phoneNumber)
      }
    })

    it("refuses what a spreadsheet has made of numbers", () => {
      for (const phoneNumber of ["4.15555E+09", "4.15555E9", "4,15555E+09", "+1.41556E+10", "1e10"]) {
        assert.strictEqual(outcome({ phoneNumber }), "InvalidPhoneNumber", phoneNumber)
        assert.match(rejectOf({ phoneNumber }).message, /spreadsheet/)
      }
      for (const [phoneNumber, country] of [
        ["4155550123.0", "US"],
        // each of these is a valid number, another one, if the zero is read as a digit
        ["493023125000.0", "DE"],
        ["3023125000.0", "DE"],
        ["+493023125000.0", "US"]
      ] as const) {
        assert.strictEqual(outcome({ phoneNumber, country }), "InvalidPhoneNumber", phoneNumber)
        assert.match(rejectOf({ phoneNumber, country }).message, /spreadsheet/)
      }
    })

    it("refuses cells without a number", () => {
      assert.strictEqual(outcome({ phoneNumber: "" }), "MissingPhoneNumber")
      for (const phoneNumber of ["n/a", "-", "+", "unknown", "()", "\u00a0"]) {
        assert.strictEqual(outcome({ phoneNumber }), "InvalidPhoneNumber", phoneNumber)
        assert.match(rejectOf({ phoneNumber }).message, /no digits/)
      }
    })

    it("refuses more digits than E.164 has, which would not arrive as they are", () => {
      assert.strictEqual(outcome({ phoneNumber: "+493012345678901" }), "+493012345678901")
      for (const [phoneNumber, country] of [
        ["+4930123456789012", ""],
        ["+49301234567890123", ""],
        ["030 123456789012", "DE"],
        ["030 1234567890123", "DE"]
      ] as const) {
        assert.strictEqual(outcome({ phoneNumber, country }), "AmbiguousPhoneNumber", phoneNumber)
      }
    })

    const oracle = (text: string, country: CountryCode) => {
      const phone = parsePhoneNumberFromString(text, { defaultCountry: country, extract: false })
      return phone?.isValid() && phone.ext === undefined ? phone : undefined
    }

    const digits = (min: number, max: number) => fc.stringMatching(new RegExp(`^\\d{${min},${max}}$`))
    const plausible = fc.oneof(
      // area codes and prefixes that exist, so that a good part of the numbers is valid
      fc
        .tuple(
          fc.constantFrom("+1415555", "+1604555", "+1787555", "+1671555", "+1800", "+1", "+4420", "+441534", "+441481"),
          digits(3, 7)
        )
        .map((parts) => parts.join("")),
      fc
        .tuple(
          fc.constantFrom(
            "+4930",
            "+49171",
            "+33199",
            "+336",
            "+336 12 ",
            "+447911",
            "+441624",
            "+4144",
            "+800",
            "+39"
          ),
          digits(4, 9)
        )
        .map((parts) => parts.join("")),
      fc.tuple(fc.constantFrom("", "0", "00", "+", "1", "(0)"), digits(3, 14)).map((parts) => parts.join("")),
      fc.stringMatching(/^[+\d ()./-]{1,20}$/),
      fc.string({ maxLength: 15 })
    )

    it.prop(
      "takes just the numbers that libphonenumber takes, as it writes them",
      [plausible, fc.constantFrom("US", "GB", "DE", "FR", "CA", "CH")],
      ([phoneNumber, country]) => {
        fc.pre(phoneNumber !== "" && !/[a-z]|^\+?\d+\.0$/i.test(phoneNumber))
        const result = DncValidator.validateRow(standard, { phoneNumber, country }, now)
        const expected = oracle(phoneNumber, country as CountryCode)
        if (expected === undefined || expected.number.length > 16 || Number(expected.number) < 1_000_000) {
          assert.include(["InvalidPhoneNumber", "AmbiguousPhoneNumber"], Either.getOrThrow(Either.flip(result)).code)
        } else if (["US", "CA", "GB", "DE", "FR"].includes(expected.country ?? "")) {
          assert.strictEqual(Either.getOrThrow(result).phoneNumber, expected.number)
        } else {
          const reject = Either.getOrThrow(Either.flip(result))
          assert.strictEqual(reject.code, "CountryNotAllowed")
          assert.strictEqual(reject.country, expected.country ?? "001")
        }
      },
      { fastCheck: { numRuns: 5000 } }
    )
  })

  describe("countries", () => {
    it("refuses valid numbers of other countries and names the country", () => {
      for (const [phoneNumber, country, name] of [
        ["+441534555012", "JE", "Jersey"],
        ["+441481555012", "GG", "Guernsey"],
        ["+447781123456", "GG", "Guernsey"],
        ["+441624555012", "IM", "Isle of Man"],
        ["+17875550123", "PR", "Puerto Rico"],
        ["+16715550123", "GU", "Guam"],
        ["+262262123456", "RE", "Réunion"],
        ["+41446681800", "CH", "Switzerland"]
      ]) {
        const reject = rejectOf({ phoneNumber })
        assert.strictEqual(reject.code, "CountryNotAllowed")
        assert.strictEqual(reject.country, country)
        assert.include(reject.message, `${name} (${country})`)
        assert.strictEqual(reject.raw, phoneNumber)
      }
      // in national form within the plan of an allowed country, too
      assert.strictEqual(rejectOf({ phoneNumber: "787-555-0123" }).country, "PR")
      assert.strictEqual(rejectOf({ phoneNumber: "01534 555012", country: "GB" }).country, "JE")
    })

    it("tells numbers that belong to no country", () => {
      const reject = rejectOf({ phoneNumber: "+80012345678" })
      assert.strictEqual(reject.code, "CountryNotAllowed")
      assert.strictEqual(reject.country, "001")
    })

    it("admits the countries of the policy", () => {
      for (const phoneNumber of ["+441534555012", "+441624555012", "+17875550123", "+16715550123", "+41446681800"]) {
        assert.strictEqual(outcome({ phoneNumber }, everywhere), phoneNumber)
      }
      const swiss = validator({ allowedCountries: [" ch "] })
      assert.strictEqual(outcome({ phoneNumber: "+41446681800" }, swiss), "+41446681800")
      assert.strictEqual(outcome({ phoneNumber: number }, swiss), "CountryNotAllowed")
    })

    it("refuses a country column that names no country", () => {
      for (const country of ["XX", "USA", "U", "Germany", "1", "constructor"]) {
        const reject = rejectOf({ phoneNumber: number, country })
        assert.strictEqual(reject.code, "UnknownCountry")
        assert.strictEqual(reject.raw, country)
        assert.isUndefined(reject.country)
      }
    })

    it.effect("does not begin with a country or a zone that does not exist", () =>
      Effect.gen(function* () {
        for (const policy of [
          { defaultCountry: "UK" },
          { defaultCountry: "" },
          { allowedCountries: ["US", "XX"] },
          { timezone: "Mars/Olympus" },
          { timezone: "" },
          { timezone: "+25:00" }
        ] satisfies ReadonlyArray<Partial<DncValidator.Policy>>) {
          const error = yield* Effect.flip(DncValidator.make(policy))
          assert.strictEqual(error._tag, "PolicyError")
          assert.notStrictEqual(error.hint, "")
        }
      })
    )
  })

  describe("reasons", () => {
    const mapped = { reasons: { OPT_OUT: "CUSTOMER_REQUEST", " fcc ": "REGULATORY" } } as const

    it("takes the three reasons for themselves and none for UNSPECIFIED", () => {
      for (const reason of DncEntry.reasons) {
        assert.strictEqual(entryOf({ phoneNumber: number, reason }).reason, reason)
        assert.strictEqual(entryOf({ phoneNumber: number, reason: reason.toLowerCase() }).reason, reason)
      }
      assert.strictEqual(entryOf({ phoneNumber: number }).reason, "UNSPECIFIED")
      assert.strictEqual(
        entryOf({ phoneNumber: number, reason: "" }, validator({ strictReasons: true })).reason,
        "UNSPECIFIED"
      )
    })

    it("maps internal codes, ignoring case", () => {
      const by = validator(mapped)
      for (const reason of ["OPT_OUT", "opt_out", "Opt_Out"]) {
        assert.strictEqual(entryOf({ phoneNumber: number, reason }, by).reason, "CUSTOMER_REQUEST")
      }
      assert.strictEqual(entryOf({ phoneNumber: number, reason: "FCC" }, by).reason, "REGULATORY")
      assert.strictEqual(entryOf({ phoneNumber: number, reason: "regulatory" }, by).reason, "REGULATORY")
    })

    it("counts entries with an unknown reason as UNSPECIFIED", () => {
      const block = validator(mapped).validate(
        DncEntry.rowBlock([
          { phoneNumber: number, reason: "WHY" },
          { phoneNumber: "911", reason: "WHY" },
          { phoneNumber: number, reason: "opt_out" },
          { phoneNumber: number, reason: "toString" },
          { phoneNumber: number }
        ]),
        now
      )
      assert.strictEqual(block.unknownReasons, 2)
      assert.deepStrictEqual(
        Array.from(block.reason, (i) => DncEntry.reasons[i]),
        ["UNSPECIFIED", "CUSTOMER_REQUEST", "UNSPECIFIED", "UNSPECIFIED"]
      )
    })

    it("refuses an unknown reason under strict reasons", () => {
      const by = validator({ ...mapped, strictReasons: true })
      const reject = rejectOf({ phoneNumber: number, reason: "WHY" }, by)
      assert.strictEqual(reject.code, "UnknownReason")
      assert.strictEqual(reject.raw, "WHY")
      assert.strictEqual(entryOf({ phoneNumber: number, reason: "opt_out" }, by).reason, "CUSTOMER_REQUEST")
    })
  })

  describe("expiries", () => {
    const expires = (text: string, timezone?: string) =>
      DncEntry.formatExpires(
        entryOf({ phoneNumber: number, expires: text }, validator(timezone === undefined ? {} : { timezone })).expires,
        "never"
      )

    it("takes no expiry for ever", () => {
      assert.strictEqual(entryOf({ phoneNumber: number }).expires, Number.POSITIVE_INFINITY)
      assert.strictEqual(expires("9999-12-31"), "never")
    })

    it("reads a date in the policy's zone, or as the last place on Earth does", () => {
      assert.strictEqual(expires("2027-01-31"), "2027-02-01T12:00:00.000Z")
      assert.strictEqual(expires("2027-01-31", "America/New_York"), "2027-02-01T05:00:00.000Z")
      assert.strictEqual(expires("2027-01-31", "Europe/Berlin"), "2027-01-31T23:00:00.000Z")
      assert.strictEqual(expires("2027-01-31", "-05:00"), "2027-02-01T05:00:00.000Z")
      assert.strictEqual(expires("2027-01-31T10:00:00Z", "Europe/Berlin"), "2027-01-31T10:00:00.000Z")
    })

    it("refuses what is no date", () => {
      for (const text of ["2027-02-31", "31/01/2027", "never", "tomorrow", "2027-01-31T25:00"]) {
        const reject = rejectOf({ phoneNumber: number, expires: text })
        assert.strictEqual(reject.code, "InvalidExpiration")
        assert.strictEqual(reject.raw, text)
      }
    })

    it("refuses an expiry that has gone by or is now", () => {
      const at = (millis: number) => outcome({ phoneNumber: number, expires: new Date(millis).toISOString() })
      assert.strictEqual(at(now - 86_400_000), "ExpirationInPast")
      assert.strictEqual(at(now - 1), "ExpirationInPast")
      assert.strictEqual(at(now), "ExpirationInPast")
      assert.strictEqual(at(now + 1), number)
      assert.strictEqual(outcome({ phoneNumber: number, expires: "0999-01-01" }), "InvalidExpiration")
    })

    it("keeps a date until its day has ended everywhere", () => {
      const row = { phoneNumber: number, expires: "2026-09-30" }
      assert.strictEqual(outcome(row, standard, now - 1), number)
      assert.strictEqual(outcome(row, standard, now), "ExpirationInPast")
    })

    it("judges each of more expiries than it remembers", () => {
      const rows = Array.from({ length: 25_000 }, (_, i) => ({
        phoneNumber: number,
        expires: i % 5 === 0 ? `2027-02-31 ${i}` : new Date(now + (i - 1000) * 60_000).toISOString()
      }))
      const block = standard.validate(DncEntry.rowBlock(rows), now)
      assert.deepStrictEqual(
        Array.from(block.expires),
        rows.flatMap((_, i) => (i % 5 !== 0 && i > 1000 ? [now + (i - 1000) * 60_000] : []))
      )
      assert.strictEqual(block.length + block.rejects.length, rows.length)
    })
  })

  describe("blocks", () => {
    it("keeps order and lines, and gives rejects their cells", () => {
      const rows: ReadonlyArray<DncEntry.Row> = [
        { phoneNumber: "+14155550101" },
        { phoneNumber: "911", reason: "OPT_OUT", expires: "2027-01-01" },
        { phoneNumber: "+14155550100", reason: "REGULATORY" },
        { phoneNumber: "" },
        { phoneNumber: "020 7946 0958", country: "GB", expires: "2027-01-01T00:00:00Z" },
        { phoneNumber: "+14155550101" }
      ]
      const block = standard.validate(DncEntry.rowBlock(rows, 7), now)
      assert.deepStrictEqual(
        Array.from({ length: block.length }, (_, i) => DncValidator.entryAt(block, i)),
        [
          { line: 7, phoneNumber: "+14155550101", reason: "UNSPECIFIED", expires: Number.POSITIVE_INFINITY },
          { line: 9, phoneNumber: "+14155550100", reason: "REGULATORY", expires: Number.POSITIVE_INFINITY },
          { line: 11, phoneNumber: "+442079460958", reason: "UNSPECIFIED", expires: Date.UTC(2027, 0, 1) },
          { line: 12, phoneNumber: "+14155550101", reason: "UNSPECIFIED", expires: Number.POSITIVE_INFINITY }
        ]
      )
      assert.deepStrictEqual(
        block.rejects.map(({ line, raw, code, cells }) => ({ line, raw, code, cells })),
        [
          { line: 8, raw: "911", code: "InvalidPhoneNumber", cells: ["911", "OPT_OUT", "2027-01-01", ""] },
          { line: 10, raw: "", code: "MissingPhoneNumber", cells: ["", "", "", ""] }
        ]
      )
    })

    it("takes blocks that lack every optional column", () => {
      const block = standard.validate(
        { ...DncEntry.rowBlock([{ phoneNumber: number }]), reason: undefined, expires: undefined, country: undefined },
        now
      )
      assert.strictEqual(block.length, 1)
      assert.strictEqual(DncValidator.entryAt(block, 0).expires, Number.POSITIVE_INFINITY)
    })

    const cell = <A extends string>(...values: ReadonlyArray<A>) => fc.constantFrom(...values)
    const row = fc.record({
      phoneNumber: cell(number, "+442079460958", "030 23125000", "+41446681800", "911", "", "415-555-0123 x1"),
      reason: cell("", "REGULATORY", "opt_out", "WHY"),
      expires: cell("", "2027-01-01", "2020-01-01", "soon"),
      country: cell("", "DE", "us", "XX")
    })

    it.prop(
      "gives every row one outcome, the same alone as in its block",
      [fc.array(row, { maxLength: 30 }), fc.boolean()],
      ([rows, strictReasons]) => {
        const by = validator({ strictReasons, reasons: { OPT_OUT: "CUSTOMER_REQUEST" } })
        const block = by.validate(DncEntry.rowBlock(rows), now)
        const lines = [...Array.from(block.line), ...block.rejects.map(({ line }) => line)].sort((a, b) => a - b)
        assert.deepStrictEqual(
          lines,
          rows.map((_, i) => i + 1)
        )
        for (let i = 0; i < block.length; i++) {
          const entry = DncValidator.entryAt(block, i)
          assert.deepStrictEqual({ ...entryOf(rows[entry.line - 1], by), line: entry.line }, entry)
        }
        for (const reject of block.rejects) {
          assert.deepStrictEqual({ ...rejectOf(rows[reject.line - 1], by), line: reject.line }, reject)
          assert.match(reject.message, /^\S.*\.$/)
        }
      }
    )
  })

  describe("layers", () => {
    it.effect("layer keeps the policy for the record", () =>
      Effect.gen(function* () {
        const { policy } = yield* DncValidator.DncValidator
        assert.deepStrictEqual(policy, { ...DncValidator.defaults, timezone: "Europe/Berlin" })
      }).pipe(Effect.provide(DncValidator.layer({ timezone: "Europe/Berlin" })))
    )

    it.effect("layerConfig reads the policy", () =>
      Effect.gen(function* () {
        const by = yield* DncValidator.DncValidator
        assert.strictEqual(outcome({ phoneNumber: "030 23125000" }, by), "+493023125000")
      }).pipe(
        Effect.provide(DncValidator.layerConfig({ defaultCountry: Config.string("COUNTRY") })),
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["COUNTRY", "DE"]])))
      )
    )

    it.effect("layer fails with a wrong policy", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Layer.build(DncValidator.layer({ defaultCountry: "XX" })))
        assert.strictEqual(error._tag, "PolicyError")
      }).pipe(Effect.scoped)
    )

    const own = DncValidator.layerFromRow((row, at) =>
      row.country === "bad"
        ? Either.left({ code: "UnknownCountry", message: "No such country." })
        : Either.right({ phoneNumber: row.phoneNumber, reason: "REGULATORY", expires: at + 1000 })
    )

    it.effect("layerFromRow makes a validator of a function of a row", () =>
      Effect.gen(function* () {
        const by = yield* DncValidator.DncValidator
        const block = by.validate(
          DncEntry.rowBlock([{ phoneNumber: "+41446681800" }, { phoneNumber: number, country: "bad" }], 2),
          now
        )
        assert.deepStrictEqual(DncValidator.entryAt(block, 0), {
          line: 2,
          phoneNumber: "+41446681800",
          reason: "REGULATORY",
          expires: now + 1000
        })
        assert.strictEqual(block.length, 1)
        assert.deepStrictEqual(block.rejects, [
          { line: 3, raw: number, code: "UnknownCountry", message: "No such country.", cells: [number, "", "", "bad"] }
        ])
        assert.strictEqual(by.policy, DncValidator.defaults)
      }).pipe(Effect.provide(own))
    )

    it.effect("layerFromRow does not let through what is not E.164", () =>
      Effect.gen(function* () {
        const by = yield* DncValidator.DncValidator
        for (const phoneNumber of ["4155550123", "+1 415 555 0123", "14155550123", "+", "", "+49301234567890123"]) {
          assert.strictEqual(outcome({ phoneNumber }, by), "InvalidPhoneNumber", phoneNumber)
        }
      }).pipe(Effect.provide(own))
    )
  })

  it("a valid number of fewer than seven digits is too short for a list: a decimal is no pager", () => {
    const { judge } = Phone.make("DE")
    for (const raw of ["1.681", "1681", "+491681"]) {
      const judged = judge(raw)
      assert.strictEqual(typeof judged === "number" ? judged : judged.code, "InvalidPhoneNumber")
    }
  })
})

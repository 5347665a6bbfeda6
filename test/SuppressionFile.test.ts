import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { gzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as SuppressionFile from "../src/SuppressionFile.js"
import { fails, read, readAll } from "./SuppressionFile/support.js"
import { folder } from "./support/files.js"

const numbers = (result: { readonly rows: ReadonlyArray<{ readonly phoneNumber: string }> }) =>
  result.rows.map((row) => row.phoneNumber)

describe("SuppressionFile", () => {
  describe("CSV", () => {
    it.effect("reads rows, their lines and the digest of the bytes", () =>
      Effect.gen(function* () {
        const text =
          "Phone Number,Reason_Code,expiration-date,note\n +14155550123 ,OPT_OUT,2027-01-01, x\n+14155550124,,,\n"
        const { digest, file, malformed, rows } = yield* read(text)
        assert.deepStrictEqual(file.columns, ["Phone Number", "Reason_Code", "expiration-date", "note"])
        assert.deepStrictEqual(file.mapping, { phoneNumber: 0, reason: 1, expires: 2, country: undefined })
        assert.strictEqual(file.format, "csv")
        assert.strictEqual(file.bytes, Buffer.byteLength(text))
        assert.deepStrictEqual(malformed, [])
        assert.deepStrictEqual(rows, [
          {
            line: 2,
            phoneNumber: "+14155550123",
            reason: "OPT_OUT",
            expires: "2027-01-01",
            country: undefined,
            cells: [" +14155550123 ", "OPT_OUT", "2027-01-01", " x"]
          },
          {
            line: 3,
            phoneNumber: "+14155550124",
            reason: "",
            expires: "",
            country: undefined,
            cells: ["+14155550124", "", "", ""]
          }
        ])
        assert.strictEqual(digest, createHash("sha256").update(text).digest("hex"))
      })
    )

    for (const [name, newline] of Object.entries({ LF: "\n", CRLF: "\r\n", CR: "\r" })) {
      it.effect(`reads ${name}, blank lines and a quoted cell over lines`, () =>
        Effect.gen(function* () {
          const lines = ["", "phone,note", "+1,a", "  ", '+2,"b', "", 'c"', "+3,d"]
          for (const end of ["", newline]) {
            for (const bufferSize of [1, 2, 3, 1000]) {
              const { rows } = yield* read(lines.join(newline) + end, { bufferSize })
              assert.deepStrictEqual(
                rows.map((row) => [row.line, row.phoneNumber, row.cells[1]]),
                [
                  [3, "+1", "a"],
                  [5, "+2", `b${newline}${newline}c`],
                  [8, "+3", "d"]
                ]
              )
            }
          }
        })
      )
    }

    it.effect("finds out the delimiter outside quotes", () =>
      Effect.gen(function* () {
        for (const delimiter of [",", ";", "\t", "|"]) {
          const header = ["phone", '"a,b;c|d\te,,,,;;;;"', "reason"].join(delimiter)
          const { file, rows } = yield* read(`${header}\n${["+1", "x", "y"].join(delimiter)}\n`)
          assert.strictEqual(file.delimiter, delimiter)
          assert.deepStrictEqual([rows[0].phoneNumber, rows[0].reason], ["+1", "y"])
        }
        assert.strictEqual((yield* read("Name, first, second;phone\nx;+1\n")).file.delimiter, ";")
        assert.strictEqual((yield* read("phone:x\n+1:y\n", { delimiter: ":" })).rows[0].phoneNumber, "+1")
        assert.strictEqual((yield* fails("phone\n+1\n", { delimiter: "::" })).reason, "Header")
      })
    )

    it.effect("takes off a byte order mark, also of a file pasted behind another", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(numbers(yield* read("\uFEFFphone,x\n+1,a\n\uFEFF+2,b\n")), ["+1", "+2"])
        assert.deepStrictEqual(numbers(yield* read('\uFEFF"phone","x"\n"+1","a"\n')), ["+1"])
      })
    )

    it.effect("fills short rows, ignores blank cells in excess, refuses others with nothing lost", () =>
      Effect.gen(function* () {
        const { malformed, rows } = yield* read('reason,phone,expires\nA,+1\nB,+2,, ,\nC,+3,4,5,6\nD\n"E",+5,"6","7"\n')
        assert.deepStrictEqual(
          rows.map((row) => [row.phoneNumber, row.reason, row.expires]),
          [
            ["+1", "A", ""],
            ["+2", "B", ""]
          ]
        )
        assert.deepStrictEqual(rows[0].cells, ["A", "+1", ""])
        assert.deepStrictEqual(rows[1].cells, ["B", "+2", ""])
        assert.deepStrictEqual(malformed, [
          {
            line: 4,
            raw: "C,+3,4,5,6",
            code: "MalformedRow",
            message: "has 5 cells, the header has 3",
            cells: ["C", "+3", "4,5,6"]
          },
          {
            line: 5,
            raw: "D",
            code: "MalformedRow",
            message: "has 1 cell, the phone number would be in cell 2",
            cells: ["D", "", ""]
          },
          {
            line: 6,
            raw: '"E",+5,"6","7"',
            code: "MalformedRow",
            message: "has 4 cells, the header has 3",
            cells: ["E", "+5", "6,7"]
          }
        ])
      })
    )

    it.effect("a row of delimiters is a row, also where the delimiter is white space", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(numbers(yield* read("phone,x\n,\n+1,\n")), ["", "+1"])
        assert.deepStrictEqual(numbers(yield* read("phone\tx\n\t\n+1\t\n \n")), ["", "+1"])
      })
    )

    it.effect("a header alone has no rows", () =>
      Effect.gen(function* () {
        for (const text of ["phone", "phone,reason\n", "\n\nphone\r\n\r\n"]) {
          const { digest, malformed, rows } = yield* read(text)
          assert.deepStrictEqual([rows, malformed], [[], []])
          assert.strictEqual(digest.length, 64)
        }
      })
    )
  })

  describe("quotes", () => {
    it.effect("a stray quote in a cell opens nothing", () =>
      Effect.gen(function* () {
        const { malformed, rows } = yield* read('note,phone\n5" pipe,+1\n x "y",+2\n a "b,+3\n"ok" ,+4\n')
        assert.deepStrictEqual(malformed, [])
        assert.deepStrictEqual(
          rows.map((row) => [row.cells[0], row.phoneNumber]),
          [
            ['5" pipe', "+1"],
            [' x "y"', "+2"],
            [' a "b', "+3"],
            ["ok", "+4"]
          ]
        )
      })
    )

    it.effect("wrong quoting on one line costs that line alone", () =>
      Effect.gen(function* () {
        const { malformed, rows } = yield* read('note,phone\na,+1\n"b"c,+2\nd,+3\n"e"f,"g\nh,+4\n')
        assert.deepStrictEqual(
          rows.map((row) => [row.line, row.phoneNumber]),
          [
            [2, "+1"],
            [4, "+3"],
            [6, "+4"]
          ]
        )
        assert.deepStrictEqual(
          malformed.map((reject) => [reject.line, reject.code, reject.raw, reject.cells]),
          [
            [3, "MalformedRow", '"b"c,+2', ["", '"b"c,+2']],
            [5, "MalformedRow", '"e"f,"g', ["", '"e"f,"g']]
          ]
        )
      })
    )

    it.effect("a quote that never closes fails the input and names its line", () =>
      Effect.gen(function* () {
        for (const bufferSize of [1, 7, 1000]) {
          const error = yield* fails('phone,note\n+1,a\n+2,"b\n+3,c\n+4,d\n', { bufferSize })
          assert.strictEqual(error.reason, "UnclosedQuote")
          assert.strictEqual(error.line, 3)
          assert.match(error.message, /in\.csv, line 3: a quoted cell begins here and never ends/)
        }
        const later = yield* fails('phone,note\n"+1\n","b\n+3,c\n')
        assert.strictEqual(later.line, 3)
      })
    )

    it.effect("a record over several lines that is wrong fails the input", () =>
      Effect.gen(function* () {
        const error = yield* fails('phone,note\n+1,"a\n+2,"b"\n+3,c\n')
        assert.strictEqual(error.reason, "UnclosedQuote")
        assert.strictEqual(error.line, 2)
      })
    )

    it.effect("two stray quotes that make a cell of the rows between them fail the input", () =>
      Effect.gen(function* () {
        const texts = [
          'phone,note\n+14155550101,"a\n+14155550102,b\n+14155550103,5"\n',
          'note,phone\n"a,+14155550101\nb,+14155550102\n5",+14155550103\n',
          'phone,note\n+14155550101,"a\n+14155550103,5"\n',
          'phone,"note\n+14155550101,a\n+14155550102,5"\n+14155550103,x\n'
        ]
        for (const text of texts) assert.strictEqual((yield* fails(text)).reason, "UnclosedQuote", text)
        const narrow = yield* read('phone,note,x\n+14155550101,"a\n+14155550102,b\n+14155550103,5"\n')
        assert.deepStrictEqual(
          narrow.malformed.map((reject) => [reject.line, reject.code]),
          [[2, "MalformedRow"]]
        )
      })
    )

    it.effect("a note over several lines is none of this", () =>
      Effect.gen(function* () {
        const { malformed, rows } = yield* read(
          'note,phone\n"call\n415-555-0199, or\nlater",+14155550101\n"x\ny",+14155550102\n'
        )
        assert.deepStrictEqual(malformed, [])
        assert.deepStrictEqual(
          rows.map((row) => row.phoneNumber),
          ["+14155550101", "+14155550102"]
        )
      })
    )
  })

  describe("limits", () => {
    it.effect("a line beyond the limit is refused, cut, and the next one read", () =>
      Effect.gen(function* () {
        const long = "y".repeat(10_000_000)
        const { malformed, rows } = yield* read(`phone,note\n+1,a\n+2,${long}\n+3,c\n+4,"${long}\n+5,e`)
        assert.deepStrictEqual(
          rows.map((row) => [row.line, row.phoneNumber]),
          [
            [2, "+1"],
            [4, "+3"],
            [6, "+5"]
          ]
        )
        assert.deepStrictEqual(
          malformed.map((reject) => [reject.line, reject.code, reject.raw.length]),
          [
            [3, "MalformedRow", 200],
            [5, "MalformedRow", 200]
          ]
        )
        assert.deepStrictEqual(malformed[0].cells, [malformed[0].raw, ""])
      })
    )

    it.effect("the limit is the same wherever buffers end", () =>
      Effect.gen(function* () {
        for (const newline of ["\n", "\r\n", "\r"]) {
          for (const bufferSize of [1, 2, 3, 5, 100]) {
            const lines = ["phone", "1234567890", "12345678901", "1", "123456789012345", "2"]
            const result = yield* read(lines.join(newline), { recordLimit: 10, bufferSize })
            assert.deepStrictEqual(numbers(result), ["1234567890", "1", "2"])
            assert.deepStrictEqual(
              result.malformed.map((reject) => reject.line),
              [3, 5]
            )
          }
        }
      })
    )

    it.effect("a quoted cell over lines beyond the limit fails the input", () =>
      Effect.gen(function* () {
        const error = yield* fails(`phone,note\n+1,a\n+2,"b\n${"x\n".repeat(1_000_000)}",\n`)
        assert.strictEqual(error.reason, "TooLong")
        assert.strictEqual(error.line, 3)
        assert.strictEqual((yield* fails(`phone,${"x".repeat(2_000_000)}\n+1,\n`)).reason, "TooLong")
      })
    )
  })

  describe("encoding", () => {
    const text = "phone,note\n+14155550123,x\n".repeat(20)
    const swapped = Buffer.from(text, "utf16le").swap16()
    const inputs: ReadonlyArray<readonly [string, Uint8Array, RegExp]> = [
      ["UTF-16LE with a mark", Buffer.from(`\uFEFF${text}`, "utf16le"), /UTF-16/],
      ["UTF-16BE with a mark", Buffer.concat([Buffer.from([0xfe, 0xff]), swapped]), /UTF-16/],
      ["UTF-16LE without a mark", Buffer.from(text, "utf16le"), /UTF-16/],
      ["UTF-16BE without a mark", swapped, /UTF-16/],
      ["gzip", gzipSync(text), /gzip/],
      ["a workbook", Buffer.concat([Buffer.from("PK\u0003\u0004"), Buffer.alloc(100)]), /Excel/],
      ["binary", Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 7) % 251)), /NUL|not UTF-8/]
    ]
    for (const [name, bytes, message] of inputs) {
      it.effect(`says that it is ${name}`, () =>
        Effect.gen(function* () {
          const error = yield* fails(bytes)
          assert.strictEqual(error.reason, "Encoding")
          assert.match(error.message, message)
          assert.notStrictEqual(error.hint, "")
        })
      )
    }

    it.effect("names the line of bytes that are not UTF-8, and of a NUL", () =>
      Effect.gen(function* () {
        for (const bad of [Buffer.from("Müller", "latin1"), Buffer.from([0xc3]), Buffer.from("a\0b")]) {
          for (const lines of [3, 20_000]) {
            for (const bufferSize of [1, 1000, 1 << 20]) {
              if (bufferSize === 1 && lines > 3) continue
              const before = `phone,note\r\n${"+1,ü\r\n".repeat(lines - 2)}+2,`
              const bytes = Buffer.concat([Buffer.from(before), bad, Buffer.from("\r\n+3,x\r\n")])
              const error = yield* fails(bytes, { bufferSize })
              assert.strictEqual(error.reason, "Encoding")
              assert.strictEqual(error.line, lines)
            }
          }
        }
        assert.strictEqual((yield* fails(Buffer.from([...Buffer.from("phone\n+1\n"), 0xe2, 0x82]))).line, 3)
      })
    )
  })

  describe("header", () => {
    const aliases = {
      phoneNumber: ["Phone Number", "PHONE", "msisdn", "e164", "Cell-Phone", "ANI", "dnis", "tel", "number"],
      reason: ["reason", "Reason Code", "opt_out_reason"],
      expires: ["Expires", "expiry", "expiration", "Expiration Date", "expires_at", "expirationDateTime"],
      country: ["country", "Country Code", "ISO", "iso_country"],
      requestedAt: ["requestedAt", "requested_at", "Request Date", "requested-on", "Opt_Out_Date", "opted out at"]
    }
    it.effect("maps the names that such files use", () =>
      Effect.gen(function* () {
        for (const alias of aliases.phoneNumber) {
          assert.strictEqual((yield* read(`x,${alias}\na,+1\n`)).file.mapping.phoneNumber, 1)
        }
        for (const field of ["reason", "expires", "country", "requestedAt"] as const) {
          for (const alias of aliases[field]) {
            const { file, rows } = yield* read(`phone,${alias},code\n+1,v,c\n`)
            assert.strictEqual(file.mapping[field], 1)
            assert.strictEqual(rows[0][field], "v")
          }
        }
      })
    )

    it.effect("columns are chosen by name, name in other case, or number", () =>
      Effect.gen(function* () {
        const text = "a,phone,B,2\n+1,+2,+3,+4\n"
        for (const [column, expected] of [
          ["a", "+1"],
          ["A", "+1"],
          ["b", "+3"],
          [3, "+3"],
          ["3", "+3"],
          ["2", "+4"],
          [1, "+1"]
        ] as const) {
          assert.deepStrictEqual(numbers(yield* read(text, { columns: { phoneNumber: column } })), [expected])
        }
        const { rows } = yield* read(text, { columns: { reason: "a", expires: "B" } })
        assert.deepStrictEqual([rows[0].phoneNumber, rows[0].reason, rows[0].expires], ["+2", "+1", "+3"])
      })
    )

    const wrong: ReadonlyArray<readonly [string, string, SuppressionFile.Options, RegExp, RegExp]> = [
      ["two numbers", "phone,mobile\n+1,+2\n", {}, /"phone", "mobile"/, /--phone-column.*1, 2/],
      ["no number", "name,city\na,b\n", {}, /"name", "city"/, /--phone-column/],
      ["no header", "+14155550123,OPT\n", {}, /"\+1\*+23", "OPT"/, /--no-header/],
      ["a row chosen as header", "+14155550123,OPT\n", { columns: { phoneNumber: 1 } }, /header/, /--no-header/],
      ["two reasons", "phone,reason,reason code\n", {}, /"reason", "reason code"/, /--reason-column/],
      ["a name twice", "phone,Expires,expires\n", {}, /expires/, /--expires-column/],
      ["two phones of one name", "phone,phone\n", {}, /"phone", "phone"/, /--phone-column/],
      ["a chosen name twice", "x,x,phone\n", { columns: { phoneNumber: "x" } }, /2 columns/, /1, 2/],
      ["no such column", "phone,x\n", { columns: { reason: "y" } }, /"y".*"phone", "x"/, /--reason-column/],
      ["no such number", "phone,x\n", { columns: { reason: 3 } }, /column 3.*"phone", "x"/, /--reason-column/],
      ["one column twice", "phone,x\n", { columns: { reason: "x", expires: 2 } }, /reason and as expires/, /--expires/],
      ["number without header", "+1,a\n", { header: false, columns: { reason: 9 } }, /9/, /1 to 2/],
      ["name without header", "+1,a\n", { header: false, columns: { reason: "a" } }, /"a"/, /1 to 2/],
      ["wrong quoting", '"phone"x,y\n', {}, /quoting/, /Quote/],
      ["a JSON array", '[\n{"phone": "+1"}\n]\n', {}, /JSON array/, /NDJSON/]
    ]
    for (const [name, text, options, message, hint] of wrong) {
      it.effect(`says what is wrong: ${name}`, () =>
        Effect.gen(function* () {
          const error = yield* fails(text, options)
          assert.strictEqual(error.reason, "Header")
          assert.match(error.message, message)
          assert.match(error.hint, hint)
        })
      )
    }

    it.effect("without a header the number is first, or where it is said to be", () =>
      Effect.gen(function* () {
        const plain = yield* read("+1,a,b\n+2,c,d\n", { header: false })
        assert.deepStrictEqual(plain.file.columns, ["phoneNumber", "column2", "column3"])
        assert.deepStrictEqual(
          plain.rows.map((row) => [row.line, row.phoneNumber]),
          [
            [1, "+1"],
            [2, "+2"]
          ]
        )
        const chosen = yield* read("a,+1,b\n", { header: false, columns: { phoneNumber: "2", reason: 1 } })
        assert.deepStrictEqual(chosen.file.columns, ["reason", "phoneNumber", "column3"])
        assert.deepStrictEqual([chosen.rows[0].phoneNumber, chosen.rows[0].reason], ["+1", "a"])
      })
    )

    it.effect("drops the columns that a file of rejects has added", () =>
      Effect.gen(function* () {
        const one = yield* read("phone,note,line,code,message\n+1,a,7,InvalidPhoneNumber,no\n+2,b\n")
        assert.deepStrictEqual(one.file.columns, ["phone", "note"])
        assert.deepStrictEqual(
          one.rows.map((row) => row.cells),
          [
            ["+1", "a"],
            ["+2", "b"]
          ]
        )
        assert.deepStrictEqual((yield* read("phone,file,line,code,message\n+1,f,7,c,no\n")).file.columns, ["phone"])
        assert.deepStrictEqual((yield* read("line,code,message,phone\n,,,+1\n")).file.columns.length, 4)
      })
    )
  })

  describe("NDJSON", () => {
    it.effect("reads objects and refuses what is none, line by line", () =>
      Effect.gen(function* () {
        const lines = [
          '{"Phone": " +1 ", "reason_code": "OPT", "expires": null, "other": [1]}',
          "",
          '{"phone": 14155550123, "mobile": null, "country": "US"}',
          "{bad",
          "[1]",
          '{"phone": 1.5}',
          '{"phone": {"a": 1}}',
          '{"phone": "+1", "mobile": "+2"}',
          '{"phone": "+1", "phone": "+2"}',
          '{"phone": "+3", "contact": {"phone": "x"}}',
          '{"name": "x"}',
          '{"phone": ""}'
        ]
        const { file, malformed, rows } = yield* read(lines.join("\n"))
        assert.strictEqual(file.format, "ndjson")
        assert.deepStrictEqual(file.columns, ["phoneNumber", "reason", "expires", "country"])
        assert.deepStrictEqual(
          rows.map((row) => [row.line, ...row.cells]),
          [
            [1, "+1", "OPT", "", ""],
            [3, "14155550123", "", "", "US"],
            [10, "+3", "", "", ""],
            [12, "", "", "", ""]
          ]
        )
        assert.deepStrictEqual(
          malformed.map((reject) => [reject.line, reject.code, reject.raw]),
          [4, 5, 6, 7, 8, 9, 11].map((line) => [line, "MalformedRow", lines[line - 1]])
        )
        assert.deepStrictEqual(malformed[0].cells, ["{bad", "", "", ""])
      })
    )

    it.effect("is told from the extension too, keys can be chosen, and nothing readable is an error", () =>
      Effect.gen(function* () {
        const chosen = yield* read('{"sub": "+1", "phone": "+2"}\n', { columns: { phoneNumber: "SUB" } }, "in.jsonl")
        assert.deepStrictEqual(numbers(chosen), ["+1"])
        for (const [text, options] of [
          ["{bad\nworse\n", {}],
          ['{\n"phone": "+1"\n}\n', {}],
          ['{"sub": "+1"}\n', {}],
          ['{"phone": "+1"}\n', { columns: { expires: "until" } }],
          ['{"phone": "+1"}\n', { columns: { phoneNumber: 1 } }]
        ] as const) {
          assert.strictEqual((yield* fails(text, options, "in.ndjson")).reason, "Header", text)
        }
        const long = yield* read(`{"phone":"+1"}\n{"phone":"${"9".repeat(3_000_000)}"}\n{"phone":"+2"}`)
        assert.deepStrictEqual(numbers(long), ["+1", "+2"])
        assert.strictEqual(long.malformed[0].raw.length, 200)
      })
    )
  })

  describe("the file itself", () => {
    it.effect("must exist, be a regular file and hold something", () =>
      Effect.gen(function* () {
        const path = yield* folder
        assert.strictEqual((yield* Effect.flip(SuppressionFile.open(join(path, "none.csv")))).reason, "NotFound")
        assert.strictEqual((yield* Effect.flip(SuppressionFile.open(path))).reason, "NotAFile")
        for (const text of ["", "\uFEFF", "\n \n\r\n"]) {
          const error = yield* fails(text)
          assert.strictEqual(error.reason, "Empty")
          assert.match(error.message, /is empty/)
        }
        fs.writeFileSync(join(path, "secret.csv"), "phone\n", { mode: 0 })
        if (process.getuid?.() !== 0) {
          const error = yield* Effect.flip(SuppressionFile.open(join(path, "secret.csv")))
          assert.strictEqual(error.reason, "Unreadable")
        }
      }).pipe(Effect.scoped)
    )

    it.effect("must not change", () =>
      Effect.gen(function* () {
        const path = join(yield* folder, "in.csv")
        fs.writeFileSync(path, "phone\n+1\n+2\n")
        const file = yield* SuppressionFile.open(path)
        yield* file.unchanged
        fs.appendFileSync(path, "+3\n")
        assert.strictEqual((yield* Effect.flip(file.unchanged)).reason, "Changed")
        assert.strictEqual((yield* Effect.flip(readAll(file))).reason, "Changed")
        const again = yield* SuppressionFile.open(path)
        fs.truncateSync(path, 9)
        assert.strictEqual((yield* Effect.flip(readAll(again))).reason, "Changed")
      }).pipe(Effect.scoped)
    )

    it.effect("can be read twice; the digest needs the end", () =>
      Effect.gen(function* () {
        const path = join(yield* folder, "in.csv")
        fs.writeFileSync(path, `phone\n${"+14155550123\n".repeat(1000)}`)
        const file = yield* SuppressionFile.open(path, { bufferSize: 100 })
        yield* Stream.runDrain(Stream.take(file.blocks, 2))
        assert.isBelow(yield* file.bytesRead, file.bytes)
        assert.strictEqual((yield* Effect.exit(file.digest))._tag, "Failure")
        assert.strictEqual((yield* readAll(file)).rows.length, 1000)
        assert.strictEqual(yield* file.bytesRead, file.bytes)
        assert.strictEqual((yield* readAll(file)).rows.length, 1000)
      }).pipe(Effect.scoped)
    )

    it.effect("standard input is kept private, and gone afterwards", () =>
      Effect.gen(function* () {
        const stdin = (async function* () {
          yield Buffer.from("phone\n+1")
          yield Buffer.from("\n+2\n")
        })()
        const path = yield* Effect.scoped(
          Effect.gen(function* () {
            const file = yield* SuppressionFile.open("-", { stdin })
            assert.strictEqual(file.name, "standard input")
            assert.deepStrictEqual(numbers(yield* readAll(file)), ["+1", "+2"])
            assert.strictEqual(fs.statSync(file.path).mode & 0o777, 0o600)
            assert.strictEqual(fs.statSync(dirname(file.path)).mode & 0o777, 0o700)
            return file.path
          })
        )
        assert.isFalse(fs.existsSync(dirname(path)))
        const none = Effect.scoped(SuppressionFile.open("-", { stdin: (async function* () {})() }))
        const error = yield* Effect.flip(none)
        assert.strictEqual(error.reason, "Empty")
        assert.strictEqual(error.message, "standard input is empty")
      })
    )
  })
})

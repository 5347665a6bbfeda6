import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import Papa from "papaparse"
import type { Reject } from "../src/DncEntry.js"
import * as RejectsFile from "../src/RejectsFile.js"
import { escape } from "../src/SuppressionFile/formula.js"
import * as SuppressionFile from "../src/SuppressionFile.js"
import { read, readAll } from "./SuppressionFile/support.js"
import { folder } from "./support/files.js"

const reject = (line: number, cells: ReadonlyArray<string>, message = 'is not a number, "really"'): Reject => ({
  line,
  raw: cells[0],
  code: "InvalidPhoneNumber",
  message,
  cells
})

describe("RejectsFile", () => {
  it.effect("there is no file until there is a reject", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "r.csv")
      const file = yield* RejectsFile.make({ path, columns: ["phone"] })
      yield* file.write([])
      assert.deepStrictEqual(yield* file.digest, Option.none())
      assert.isFalse(fs.existsSync(path))
      yield* file.write([reject(2, ["x"])])
      assert.isTrue(fs.existsSync(path))
    }).pipe(Effect.scoped)
  )

  it.effect("holds the input's columns and why, private even where a file was there", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "r.csv")
      fs.writeFileSync(path, "something longer that was there before ".repeat(20), { mode: 0o644 })
      const file = yield* RejectsFile.make({ path, columns: ["phone", "note"] })
      yield* file.write([reject(2, ["x", 'a "b"\nc']), reject(3, ["y"])])
      yield* file.write([{ ...reject(4, []), raw: "z" }])
      assert.strictEqual(yield* file.count, 3)
      yield* file.close
      const text = fs.readFileSync(path, "utf8")
      assert.strictEqual(
        text,
        'phone,note,line,code,message\nx,"a ""b""\nc",2,InvalidPhoneNumber,"is not a number, ""really"""\n' +
          'y,,3,InvalidPhoneNumber,"is not a number, ""really"""\n,,4,InvalidPhoneNumber,"is not a number, ""really"""\n'
      )
      assert.strictEqual(fs.statSync(path).mode & 0o777, 0o600)
      assert.deepStrictEqual(yield* file.digest, Option.some(createHash("sha256").update(text).digest("hex")))
    }).pipe(Effect.scoped)
  )

  const cell = FastCheck.array(
    FastCheck.constantFrom(
      " ",
      '"',
      "'",
      "=",
      "+",
      "-",
      ",",
      ";",
      "|",
      "\t",
      "\r",
      "\n",
      "\uFEFF",
      "ü",
      "😀",
      "a",
      "1",
      "]",
      "\\",
      "^"
    ),
    { maxLength: 6 }
  ).map((parts) => parts.join(""))

  it.scoped.prop(
    "is written as papaparse would write it",
    [
      FastCheck.array(FastCheck.tuple(FastCheck.array(cell, { maxLength: 4 }), cell), { minLength: 1, maxLength: 6 }),
      FastCheck.constantFrom(",", ";", "\t", "|", "]", "^", "\\", "ü")
    ],
    ([rows, delimiter]) =>
      Effect.gen(function* () {
        const path = join(yield* folder, "r.csv")
        const file = yield* RejectsFile.make({ path, columns: ["phone", "note"], delimiter, file: true })
        const rejects = rows.map(([cells, message], line) => reject(line, cells, message))
        yield* file.write(rejects.slice(0, 1), "a, b.csv")
        yield* file.write(rejects.slice(1), "a, b.csv")
        yield* file.close
        const expected = [
          ["phone", "note", "file", "line", "code", "message"],
          ...rejects.map(({ cells = [], code, line, message }) => [
            ...[cells[0] ?? "", cells[1] ?? "", "a, b.csv"],
            ...[String(line), code, message]
          ])
        ].map((row) => row.map(escape))
        const text = Papa.unparse(expected, { delimiter, newline: "\n", header: false })
        assert.strictEqual(fs.readFileSync(path, "utf8"), `${text}\n`)
      })
  )

  it.effect("any number of rows and of messages, those that come again too", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "r.csv")
      const file = yield* RejectsFile.make({ path, columns: ["phone"] })
      const messages = Array.from({ length: 150 }, (_, i) => `no. ${i}${", ü".repeat(i % 3)}${"x".repeat(i * 10)}`)
      const rejects = [...messages, ...messages].map((message, line) => reject(line, [`+${line}`], message))
      yield* file.write(rejects.slice(0, 3))
      yield* file.write(rejects.slice(3, 200))
      yield* file.write(rejects.slice(200))
      yield* file.close
      const { data } = Papa.parse<Array<string>>(fs.readFileSync(path, "utf8").trimEnd())
      assert.deepStrictEqual(
        data.slice(1),
        rejects.map(({ code, line, message }) => [`+${line}`, String(line), code, message])
      )
      const digest = createHash("sha256").update(fs.readFileSync(path)).digest("hex")
      assert.deepStrictEqual(yield* file.digest, Option.some(digest))
    }).pipe(Effect.scoped)
  )

  it.effect("several fibers may write; the header comes once", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "r.csv")
      const file = yield* RejectsFile.make({ path, columns: ["phone"], file: true })
      yield* Effect.forEach(
        Array.from({ length: 50 }, (_, i) => i),
        (i) => file.write([reject(i, ["x"])], "a.csv"),
        {
          concurrency: "unbounded"
        }
      )
      const lines = fs.readFileSync(path, "utf8").trimEnd().split("\n")
      assert.strictEqual(lines.length, 51)
      assert.strictEqual(lines[0], "phone,file,line,code,message")
      assert.match(lines[1], /^x,a\.csv,\d+,InvalidPhoneNumber/)
    }).pipe(Effect.scoped)
  )

  it.effect("says what cannot be written, and never writes over an input", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const missing = yield* RejectsFile.make({ path: join(path, "none", "r.csv"), columns: ["phone"] })
      const error = yield* Effect.flip(missing.write([reject(2, ["x"])]))
      assert.strictEqual(error._tag, "OutputError")
      assert.match(error.message, /r\.csv cannot be written \(ENOENT\)/)

      const input = join(path, "in.csv")
      fs.writeFileSync(input, "phone\n+1\n")
      fs.symlinkSync(input, join(path, "link.csv"))
      for (const name of ["in.csv", "link.csv"]) {
        const file = yield* RejectsFile.make({ path: join(path, name), columns: ["phone"], inputs: [input] })
        assert.match((yield* Effect.flip(file.write([reject(2, ["x"])]))).message, /is the input/)
      }
      assert.strictEqual(fs.readFileSync(input, "utf8"), "phone\n+1\n")
    }).pipe(Effect.scoped)
  )

  it.effect("a device will do", () =>
    Effect.gen(function* () {
      const file = yield* RejectsFile.make({ path: "/dev/null", columns: ["phone"] })
      yield* file.write([reject(2, ["x"])])
      yield* file.close
    }).pipe(Effect.scoped)
  )

  it.effect("malformed rows fed in again are not taken for sound ones", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "r.csv")
      const { file, malformed } = yield* read('phone,note,z\n"+14155550101"x,a,b\n+14155550102,a,b,c\n')
      yield* Effect.scoped(
        Effect.flatMap(RejectsFile.make({ path, columns: file.columns }), (rejects) => rejects.write(malformed))
      )
      const again = yield* readAll(yield* SuppressionFile.open(path))
      assert.deepStrictEqual(
        again.rows.map((row) => row.cells),
        [
          ['"+14155550101"x,a,b', "", ""],
          ["+14155550102", "a", "b,c"]
        ]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("numbers of failed batches can be fed in again", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "f.csv")
      yield* Effect.gen(function* () {
        const file = yield* RejectsFile.makeFailed({ path })
        const why = { error: "ServerError", message: "503, twice" }
        yield* file.write([
          { phoneNumber: "+14155550101", reason: "REGULATORY", expires: "", ...why },
          { phoneNumber: "+14155550102", reason: "UNSPECIFIED", expires: "2027-01-01T00:00:00.000Z", ...why }
        ])
      }).pipe(Effect.scoped)
      assert.strictEqual(fs.readFileSync(path, "utf8").split("\n")[0], "phoneNumber,reason,expires,error,message")
      const { file, rows } = yield* readAll(yield* SuppressionFile.open(path))
      assert.deepStrictEqual(file.mapping, { phoneNumber: 0, reason: 1, expires: 2, country: undefined })
      assert.deepStrictEqual(
        rows.map((row) => [row.phoneNumber, row.reason, row.expires]),
        [
          ["+14155550101", "REGULATORY", ""],
          ["+14155550102", "UNSPECIFIED", "2027-01-01T00:00:00.000Z"]
        ]
      )
    }).pipe(Effect.scoped)
  )
})

/** Cells that a spreadsheet would run: what we write has none, and what we read back is what was meant. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Stream from "effect/Stream"
import { DncExport, RejectsFile, SuppressionFile } from "genesys-dnc"
import Papa from "papaparse"
import { escape } from "../src/SuppressionFile/formula.js"
import { readAll } from "./SuppressionFile/support.js"
import { folder } from "./support/files.js"

/** What a spreadsheet takes for a formula, phone numbers and numbers aside. */
const runs = (cell: string): boolean =>
  /^[\s\uFEFF]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r]/.test(cell) && /[^\d ().+\-/,eE]/.test(cell)

const start = FastCheck.constantFrom("=", "+", "-", "@", "\t", "'", "''", " =", "\uFF1D", "", "+1 415", "-1.5e3")
const rest = FastCheck.constantFrom(
  "cmd|' /C calc'!A0",
  "SUM(A1)",
  'HYPERLINK("http://x")',
  "1+1",
  "555-2671",
  "",
  "a b",
  ";=1",
  "😀"
)
const cell = FastCheck.oneof(
  FastCheck.tuple(start, rest).map((parts) => parts.join("")),
  FastCheck.string({ unit: "grapheme", maxLength: 6 }).filter((text) => !/[\0\r\n]/.test(text))
)
const rows = FastCheck.array(FastCheck.tuple(cell, cell, cell), { minLength: 1, maxLength: 8 })
const delimiter = FastCheck.constantFrom(",", ";", "\t", "|")

it("every sign of ASCII that may stand before a formula is known", () => {
  const signs = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))
  const before = signs.filter((sign) => escape(`${sign}=1+1|x`) !== `${sign}=1+1|x`)
  assert.deepStrictEqual(before, [..."\t\n\v\f\r '+-=@"])
})

it.scoped("phone numbers behind an apostrophe are taken, however their line is read, and their rejects keep it", () =>
  Effect.gen(function* () {
    const path = Path.join(yield* folder, "n.csv")
    const numbers = ["+442079460018", "02079460018", "(415) 555-0100", "=1"]
    const rows = numbers.flatMap((number) => [`'${number},x`, `'${number},"x"`, `"'${number}",x`, `'${number},ü`])
    Fs.writeFileSync(path, `phone,note\n${rows.join("\n")}\n`)
    const of = (kind: "whatsapp" | "custom") =>
      Effect.flatMap(SuppressionFile.open(path, { kind, columns: { phoneNumber: "phone" } }), readAll)
    const found = yield* of("whatsapp")
    assert.deepStrictEqual(
      found.rows.map(({ phoneNumber }) => phoneNumber),
      numbers.flatMap((number) => [number, number, number, number])
    )
    const cells = numbers.map((number) => (number === "=1" ? number : `'${number}`))
    assert.deepStrictEqual(
      found.rows.map((row) => row.cells[0]),
      cells.flatMap((cell) => [cell, cell, cell, cell])
    )
    assert.deepStrictEqual(
      (yield* of("custom")).rows.map(({ phoneNumber }) => phoneNumber),
      cells.flatMap((cell) => [cell, cell, cell, cell])
    )
  })
)

describe("files that we write", () => {
  it.scoped.prop(
    "rejects: the input's own cells when they are read again, and none that would run",
    [rows, delimiter],
    ([rows, delimiter]) =>
      Effect.gen(function* () {
        const path = Path.join(yield* folder, "r.csv")
        const file = yield* RejectsFile.make({ path, columns: ["value", "=note", "other"], delimiter })
        const message = "=1+1 is no value"
        yield* file.write(
          rows.map((cells, line) => ({ line, raw: cells[0], code: "InvalidValue" as const, message, cells }))
        )
        yield* file.close
        const text = Fs.readFileSync(path, "utf8")
        const cells = Papa.parse<Array<string>>(text, { delimiter, newline: "\n" }).data.flat()
        assert.deepStrictEqual(cells.filter(runs), [])
        const read = yield* readAll(yield* SuppressionFile.open(path, { kind: "custom" }))
        assert.deepStrictEqual(read.file.columns, ["value", "=note", "other"])
        assert.deepStrictEqual(
          read.rows.map((row) => row.cells),
          rows
        )
        assert.deepStrictEqual(
          read.rows.map((row) => row.phoneNumber),
          rows.map(([value]) => value.trim())
        )
      }),
    { fastCheck: { numRuns: 200 } }
  )

  it.scoped.prop(
    "an export: the values of the list, and none that would run",
    [
      FastCheck.array(
        cell.filter((text) => text.trim() !== ""),
        { minLength: 1 }
      )
    ],
    ([values]) =>
      Effect.gen(function* () {
        const path = Path.join(yield* folder, "x.csv")
        const entries = values.map((phoneNumber) => ({ phoneNumber, expires: Number.POSITIVE_INFINITY }))
        yield* DncExport.writeFile(Stream.fromIterable(entries), { path, kind: "custom" })
        const cells = Papa.parse<Array<string>>(Fs.readFileSync(path, "utf8"), { delimiter: "," }).data.flat()
        assert.deepStrictEqual(cells.filter(runs), [])
        const read = yield* readAll(yield* SuppressionFile.open(path, { kind: "custom" }))
        assert.deepStrictEqual(
          read.rows.map((row) => row.phoneNumber),
          values.map((value) => value.trim())
        )
      }),
    { fastCheck: { numRuns: 200 } }
  )

  it.scoped("numbers stand as they are", () =>
    Effect.gen(function* () {
      const path = Path.join(yield* folder, "r.csv")
      const file = yield* RejectsFile.makeFailed({ path })
      yield* file.write([{ phoneNumber: "+14155552671", reason: "", expires: "", error: "x", message: "-1.5" }])
      yield* file.close
      assert.include(Fs.readFileSync(path, "utf8"), "\n+14155552671,,,x,-1.5\n")
    })
  )
})

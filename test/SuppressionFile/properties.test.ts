import * as fs from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import Papa from "papaparse"
import * as RejectsFile from "../../src/RejectsFile.js"
import * as Records from "../../src/SuppressionFile/Records.js"
import * as SuppressionFile from "../../src/SuppressionFile.js"
import { folder } from "../support/files.js"
import { read, readAll } from "./support.js"

const special = FastCheck.constantFrom(
  '"',
  '""',
  ",",
  ";",
  "\t",
  "|",
  "\n",
  "\r\n",
  "\r",
  " ",
  "a",
  "ü",
  "😀",
  "\uFEFF",
  "+1"
)
const cell = FastCheck.oneof(
  FastCheck.array(special, { maxLength: 6 }).map((parts) => parts.join("")),
  FastCheck.string({ unit: "grapheme", maxLength: 6 }).filter((text) => !text.includes("\0"))
)
const delimiter = FastCheck.constantFrom(",", ";", "\t", "|")
const newline = FastCheck.constantFrom("\n" as const, "\r\n" as const, "\r" as const)
const bufferSize = FastCheck.oneof(FastCheck.integer({ min: 1, max: 8 }), FastCheck.integer({ min: 9, max: 400 }))
const table = FastCheck.integer({ min: 2, max: 4 }).chain((width) =>
  FastCheck.array(FastCheck.array(cell, { minLength: width, maxLength: width }), { maxLength: 12 }).map((rows) => ({
    width,
    rows
  }))
)
const names = ["phone", "b", "c", "d"]
const lines = (text: string) => text.split(/\r\n|\n|\r/)

describe("SuppressionFile, for any input", () => {
  it.effect.prop(
    "cells and lines are those that were written, wherever buffers end",
    [table, delimiter, newline, bufferSize, FastCheck.boolean(), FastCheck.boolean()],
    ([{ rows, width }, delimiter, newline, bufferSize, quotes, ends]) =>
      Effect.gen(function* () {
        const write = (rows: ReadonlyArray<ReadonlyArray<string>>) =>
          Papa.unparse(rows as Array<Array<string>>, { delimiter, newline, quotes })
        const all = [names.slice(0, width), ...rows]
        const text = write(all) + (ends ? newline : "")
        const result = yield* read(text, { delimiter, bufferSize })
        assert.deepStrictEqual(result.malformed, [])
        let line = 2
        const expected = rows.map((cells) => {
          const row = { line, cells, phoneNumber: cells[0].replace(/^'(?=[+(\d])/, "").trim() }
          line += lines(write([cells])).length
          return row
        })
        assert.deepStrictEqual(
          result.rows.map(({ cells, line, phoneNumber }) => ({ line, cells, phoneNumber })),
          expected
        )
        const whole = Papa.parse<Array<string>>(text, { delimiter, newline, skipEmptyLines: true })
        assert.deepStrictEqual(
          result.rows.map((row) => row.cells),
          whole.data.slice(1)
        )
      }),
    { fastCheck: { numRuns: 120 } }
  )

  it.effect.prop(
    "reads what RFC 4180 allows as papaparse reads it whole",
    [table, delimiter, newline, bufferSize, FastCheck.infiniteStream(FastCheck.boolean())],
    ([{ rows, width }, delimiter, newline, bufferSize, coin]) =>
      Effect.gen(function* () {
        const write = (cell: string) =>
          /["\r\n]/.test(cell) || cell.includes(delimiter) || coin.next().value
            ? `"${cell.replaceAll('"', '""')}"`
            : cell
        const text = [names.slice(0, width), ...rows].map((row) => row.map(write).join(delimiter)).join(newline)
        const result = yield* read(text, { delimiter, bufferSize })
        const whole = Papa.parse<Array<string>>(text, { delimiter, newline })
        assert.deepStrictEqual(whole.errors, [])
        assert.deepStrictEqual(
          result.rows.map((row) => row.cells),
          whole.data.slice(1)
        )
        assert.deepStrictEqual(whole.data.slice(1), rows)
      }),
    { fastCheck: { numRuns: 60 } }
  )

  const text = FastCheck.array(special, { maxLength: 60 }).map((parts) => parts.join(""))

  it.prop(
    "every line is in a record, refused, or blank; the records are the same wherever pieces end",
    [
      text,
      FastCheck.constantFrom(",", ";", "\t"),
      FastCheck.integer({ min: 1, max: 9 }),
      FastCheck.integer({ min: 4, max: 90 })
    ],
    ([text, delimiter, size, limit]) => {
      const input = { name: "x", path: "x" }
      const split = (size: number) => {
        const splitter = Records.make({ input, delimiter, limit })
        const records: Array<{ line: number; kind: number; text: string }> = []
        for (let at = 0; ; at += size) {
          const piece = splitter.push(text.slice(at, at + size), at + size >= text.length)
          if (Either.isLeft(piece)) return { error: [piece.left.reason, piece.left.line], records }
          const found = piece.right
          found.start.forEach((start, i) => {
            const kind = found.kind[i]
            const text = found.text.slice(start, kind === Records.TOO_LONG ? start + 4 : found.end[i])
            records.push({ line: found.line[i], kind, text })
          })
          if (at + size >= text.length) return { error: undefined, records }
        }
      }
      const whole = split(Math.max(1, text.length))
      const pieces = split(size)
      assert.deepStrictEqual(pieces.error, whole.error)
      if (whole.error !== undefined) return
      assert.deepStrictEqual(pieces.records, whole.records)
      const physical = lines(text)
      const covered = new Set<number>()
      for (const { kind, line, text } of whole.records) {
        const own = lines(text)
        assert.strictEqual(own.length > 1, kind === Records.SPANNING)
        own.forEach((part, i) => {
          if (kind !== Records.TOO_LONG) assert.strictEqual(physical[line - 1 + i], part)
          assert.isFalse(covered.has(line + i))
          covered.add(line + i)
        })
      }
      physical.forEach((line, i) => {
        if (!covered.has(i + 1))
          assert.isTrue(line.trim() === "" && !line.includes(delimiter), `line ${i + 1}: ${line}`)
      })
    },
    { fastCheck: { numRuns: 5_000 } }
  )

  it.prop(
    "papaparse finds the same fault or none in each record that is read",
    [text, delimiter],
    ([text, delimiter]) => {
      const splitter = Records.make({ input: { name: "x", path: "x" }, delimiter, limit: 1000 })
      const found = splitter.push(text, true)
      if (Either.isLeft(found)) return
      const records = found.right
      records.start.forEach((start, i) => {
        const record = records.text.slice(start, records.end[i])
        const { data, errors } = Papa.parse<Array<string>>(`\n${record}\n`, { delimiter, newline: "\n" })
        assert.strictEqual(errors.length === 0 && data.length === 3, records.kind[i] !== Records.MALFORMED, record)
      })
    },
    { fastCheck: { numRuns: 5_000 } }
  )

  it.effect.prop(
    "rows, refused and blank lines add up, however the text is",
    [text, bufferSize],
    ([text, bufferSize]) =>
      Effect.gen(function* () {
        const result = yield* Effect.either(read(`phone,b\n${text}`, { bufferSize }))
        if (Either.isLeft(result)) {
          assert.strictEqual(result.left.reason, "UnclosedQuote")
          return
        }
        const { malformed, rows } = result.right
        const physical = lines(text)
        const begun = [...rows, ...malformed].map((row) => row.line).sort((a, b) => a - b)
        assert.strictEqual(new Set(begun).size, begun.length)
        if (!text.includes('"')) {
          const filled = physical.flatMap((line, i) => (line.trim() === "" ? [] : [i + 2]))
          assert.deepStrictEqual(begun, filled)
        }
      }),
    { fastCheck: { numRuns: 120 } }
  )

  const phone = FastCheck.integer({ min: 0, max: 99 }).map((n) => `+141555501${String(n).padStart(2, "0")}`)
  const note = FastCheck.constantFrom("a", "b c", '5"', '"x', 'y"z', '"ok"', '"', '""', '"a, b"', '"a\nb"')
  it.effect.prop(
    "with stray quotes among the rows, every number is read or shown in a reject, or the input fails",
    [FastCheck.array(FastCheck.tuple(phone, note), { maxLength: 8 }), FastCheck.boolean()],
    ([pairs, first]) =>
      Effect.gen(function* () {
        const header = first ? "phone,note" : "note,phone"
        const body = pairs.map(([phone, note]) => (first ? `${phone},${note}` : `${note},${phone}`))
        const result = yield* Effect.either(read([header, ...body].join("\n")))
        if (Either.isLeft(result)) return
        const shown = [
          ...result.right.rows.map((row) => row.phoneNumber),
          ...result.right.malformed.flatMap((reject) => reject.cells ?? [])
        ].join(" ")
        for (const [phone] of pairs) assert.include(shown, phone)
      }),
    { fastCheck: { numRuns: 120 } }
  )

  it.effect.prop(
    "what was refused comes back as it was",
    [table, delimiter, FastCheck.boolean()],
    ([{ rows, width }, delimiter, withFile]) =>
      Effect.gen(function* () {
        const path = join(yield* folder, "x.rejects.csv")
        const columns = names.slice(0, width)
        const count = yield* Effect.gen(function* () {
          const file = yield* RejectsFile.make({ path, columns, delimiter, file: withFile })
          yield* file.write(
            rows.map((cells, i) => ({
              line: i + 2,
              raw: cells[0],
              code: "InvalidPhoneNumber",
              message: 'no, "really"',
              cells
            })),
            "a,b.csv"
          )
          return yield* file.count
        }).pipe(Effect.scoped)
        assert.strictEqual(count, rows.length)
        if (count === 0) {
          assert.isFalse(fs.existsSync(path))
          return
        }
        const again = yield* readAll(yield* SuppressionFile.open(path, { bufferSize: 7 }))
        assert.strictEqual(again.file.delimiter, delimiter)
        assert.deepStrictEqual(again.file.columns, columns)
        assert.deepStrictEqual(again.malformed, [])
        assert.deepStrictEqual(
          again.rows.map((row) => row.cells),
          rows
        )
      }).pipe(Effect.scoped),
    { fastCheck: { numRuns: 60 } }
  )
})

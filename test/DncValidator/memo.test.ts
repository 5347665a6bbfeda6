import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Memo from "../../src/DncValidator/memo.js"

const cell = FastCheck.oneof(
  FastCheck.string({ unit: FastCheck.constantFrom("a", "b", "0"), maxLength: 40 }),
  FastCheck.date({ noInvalidDate: true }).map((date) => date.toISOString())
)

describe("memo", () => {
  it.prop("knows of bytes what it knows of their text", [FastCheck.array(cell, { maxLength: 60 })], ([cells]) => {
    const memo = Memo.make((text) => `<${text}>`)
    const bytes = Buffer.from(`|${cells.join("|")}|`)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let turn = 0; turn < 2; turn++) {
      let from = 1
      for (const text of cells) {
        assert.strictEqual(memo.ofBytes(view, from, from + text.length), `<${text}>`)
        assert.strictEqual(memo.ofText(text), `<${text}>`)
        from += text.length + 1
      }
    }
  })

  it("tells thousands apart that take each other's places", () => {
    const memo = Memo.make((text) => text)
    const cells = Array.from({ length: 30_000 }, (_, day) => new Date(day * 86_400_000).toISOString().slice(0, 10))
    const bytes = Buffer.from(cells.join(""))
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (const [i, text] of [...cells.entries(), ...cells.entries()]) {
      assert.strictEqual(memo.ofBytes(view, i * 10, i * 10 + 10), text)
    }
  })
})

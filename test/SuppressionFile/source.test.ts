import { isUtf8 } from "node:buffer"
import type { FileHandle } from "node:fs/promises"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Source from "../../src/SuppressionFile/Source.js"

/** A file that gives as many bytes as it likes, and fails when it is read for the `failsAt`th time. */
const sourceOf = (content: Buffer, sizes: ReadonlyArray<number>, failsAt = Number.POSITIVE_INFINITY) => {
  let reads = 0
  const read = async (buffer: Buffer, offset: number, length: number, position: number) => {
    const size = sizes[reads % sizes.length]
    if (reads++ === failsAt) throw Object.assign(new Error("i/o error"), { code: "EIO" })
    return { bytesRead: content.copy(buffer, offset, position, position + Math.min(size, length)), buffer }
  }
  const source: Source.Source = {
    path: "numbers.csv",
    name: "numbers.csv",
    file: "numbers.csv",
    handle: { read } as unknown as FileHandle,
    fingerprint: { size: content.length, mtimeMs: 0, ino: 0 }
  }
  return { source, reads: () => reads }
}

describe("Source", () => {
  it.effect.prop(
    "hands out every byte once and in order, whatever the disk gives and the buffer has room for",
    {
      text: FastCheck.string({ unit: "binary", maxLength: 300 }).map((text) => text.replaceAll("\0", "0")),
      sizes: FastCheck.array(FastCheck.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
      atOnce: FastCheck.integer({ min: 1, max: 60 }),
      room: FastCheck.integer({ min: Source.longestCodePoint, max: 80 })
    },
    ({ atOnce, room, sizes, text }) =>
      Effect.gen(function* () {
        const content = Buffer.from(`x${text}`)
        const seen: Array<Buffer> = []
        const { source } = sourceOf(content, sizes)
        const fill = Source.filler(source, atOnce, (bytes) => seen.push(Buffer.from(bytes)))
        const buffer = Buffer.alloc(room)
        const whole: Array<Buffer> = []
        let held = 0
        for (;;) {
          const piece = yield* fill(buffer, held)
          const taken = Buffer.from(buffer.subarray(piece.from, piece.to))
          assert.isTrue(isUtf8(taken))
          whole.push(taken)
          if (piece.ended) break
          buffer.copyWithin(0, piece.to, piece.total)
          held = piece.total - piece.to
        }
        assert.deepStrictEqual(Buffer.concat(whole), content)
        assert.deepStrictEqual(Buffer.concat(seen), content)
      })
  )

  it.effect("reads what comes next while it is worked on what is there", () =>
    Effect.gen(function* () {
      const { reads, source } = sourceOf(Buffer.from("123456"), [3])
      const fill = Source.filler(source, 3, () => {})
      assert.strictEqual(reads(), 0)
      yield* fill(Buffer.alloc(8), 0)
      assert.strictEqual(reads(), 2)
      yield* fill(Buffer.alloc(8), 0)
      assert.strictEqual(reads(), 3)
      assert.isTrue((yield* fill(Buffer.alloc(8), 0)).ended)
      assert.strictEqual(reads(), 3)
    })
  )

  it.effect("hands out what was read before a failure, and the failure to whoever asks for more", () =>
    Effect.gen(function* () {
      const { source } = sourceOf(Buffer.from("123456"), [3], 1)
      const fill = Source.filler(source, 3, () => {})
      const buffer = Buffer.alloc(8)
      const { to } = yield* fill(buffer, 0)
      assert.strictEqual(buffer.toString("latin1", 0, to), "123")
      // in this turn it fails, and nobody has asked yet
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      const failed = yield* Effect.either(fill(buffer, 0))
      if (Either.isRight(failed)) assert.fail("it goes on")
      assert.include(failed.left.message, "EIO")
    })
  )
})

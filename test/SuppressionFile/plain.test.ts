import * as fs from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Stream from "effect/Stream"
import type { Kind, RowBlock } from "../../src/DncEntry.js"
import * as DncValidator from "../../src/DncValidator.js"
import * as Csv from "../../src/SuppressionFile/Csv.js"
import type { InputError } from "../../src/SuppressionFile/InputError.js"
import * as Plain from "../../src/SuppressionFile/Plain.js"
import * as Records from "../../src/SuppressionFile/Records.js"
import * as SuppressionFile from "../../src/SuppressionFile.js"
import { mutated } from "../fuzz/inputs.js"
import { folder } from "../support/files.js"

const examples = [
  "phone,reason,expires,country\n+14155550101,OPT_OUT,2031-01-31,US\n(415) 555-0102,,,\n\n030 23125-123,REGULATORY,2020-01-01,de\n1.681,x,soon,XX\n,,,\n",
  "reason;note;phone;expires;requestedAt\r\nCUSTOMER_REQUEST;'=1+1;'+14155550101;2031-01-31T10:00:00Z;2026-01-01\r\n;;'-2;;\r\n a ; b;  +1 415 555 0103\t;  ;later\r\n",
  "phone\tcountry\n4155550101\tUS\n4155550102.0\t\n\t\t\t\n4155550103\tGB\textra\n+442079460018\t\t \n4.155550101E9\t\n415-555-0104 x12\t\n",
  'id,phone\n1\n2,+14155550105\n3,"+14155550106"\n4,+14155550107,\n5,+14155550108,x\n\n   \n6,call me\n7,+4915112345678901\n',
  "email,expires\na@b.example,2031-01-31\nA@B.EXAMPLE,\n a@b,\nnobody,2031-02-30\n",
  `phone,note\n${"+14155550109,".padEnd(300, "n")}\n+14155550110,ü\n+14155550111,ok\r+14155550112,cr\n`
]

const now = Date.UTC(2026, 0, 1)
const limit = 250

const validators = Object.fromEntries(
  (["phone", "email", "custom"] as const).map((kind) => [
    kind,
    Effect.runSync(DncValidator.make({ kind, strictReasons: false, reasons: { OPT_OUT: "CUSTOMER_REQUEST" } }))
  ])
)

interface Found {
  readonly rows: Array<unknown>
  readonly malformed: Array<unknown>
  readonly entries: Array<unknown>
  readonly rejects: Array<unknown>
  readonly unreadable: Array<number>
  unknownReasons: number
}

const nothing = (): Found => ({
  rows: [],
  malformed: [],
  entries: [],
  rejects: [],
  unreadable: [],
  unknownReasons: 0
})

const collect = (found: Found, block: RowBlock, kind: Kind): void => {
  const judged = validators[kind].validate(block, now)
  for (let i = 0; i < judged.length; i++) found.entries.push(DncValidator.entryAt(judged, i))
  found.rejects.push(...judged.rejects)
  found.unreadable.push(...(judged.requestsUnreadable ?? []))
  found.unknownReasons += judged.unknownReasons
  found.malformed.push(...block.malformed)
  for (let i = 0; i < block.length; i++) {
    const { country, expires, phoneNumber, reason, requestedAt } = block
    found.rows.push([
      block.line[i],
      ...[phoneNumber, reason, expires, country, requestedAt].map((column) => column?.[i]),
      block.cells(i)
    ])
  }
}

/** As text, all at once. */
const ofText = (file: SuppressionFile.SuppressionFile, text: string, kind: Kind): Either.Either<Found, InputError> => {
  const input = { name: file.name, path: file.path }
  const { delimiter, mapping } = file
  return Either.gen(function* () {
    const records = yield* Records.make({ input, delimiter, limit }).push(text, true)
    const first = text.slice(records.start[0], records.end[0])
    const width = Csv.split(first, delimiter)?.length ?? 0
    const layout = { input, delimiter, width, own: file.columns.length, mapping, header: true, kind }
    const block = yield* Csv.make(layout)(records, true)
    const found = nothing()
    collect(found, block, kind)
    return found
  })
}

const error = ({ line, message, reason }: InputError) => ({ line, message, reason })

describe("plain lines", () => {
  let plainRows = 0

  it.effect.prop(
    "are read from their bytes as they are from text, wherever buffers end",
    [
      mutated(examples).filter((text) => !text.includes("\0")),
      FastCheck.oneof(FastCheck.integer({ min: 1, max: 60 }), FastCheck.integer({ min: 61, max: 2000 })),
      FastCheck.constantFrom("phone" as const, "phone" as const, "email" as const, "custom" as const),
      FastCheck.boolean()
    ],
    ([content, bufferSize, kind, releases]) =>
      Effect.gen(function* () {
        const path = join(yield* folder, "in.csv")
        fs.writeFileSync(path, content)
        const text = fs.readFileSync(path, "utf8").replace(/^\uFEFF/, "")
        const opened = yield* Effect.either(
          SuppressionFile.open(path, { kind, format: "csv", bufferSize, recordLimit: limit })
        )
        if (Either.isLeft(opened)) return
        const file = opened.right
        const found = nothing()
        const kept: Array<RowBlock> = []
        const result = yield* Effect.either(
          Stream.runForEach(file.blocks, (block) =>
            Effect.sync(() => {
              if (Plain.of(block) !== undefined) plainRows += block.length
              if (!releases) return kept.push(block)
              collect(found, block, kind)
              Plain.release(block)
            })
          )
        )
        // blocks that are kept stay as they were, whatever has been read since
        for (const block of kept) collect(found, block, kind)
        const expected = ofText(file, text, kind)
        if (Either.isLeft(expected) || Either.isLeft(result)) {
          assert.deepStrictEqual(
            Either.mapLeft(result, error),
            Either.mapBoth(expected, { onLeft: error, onRight: () => {} })
          )
          return
        }
        assert.deepStrictEqual(found, expected.right)
      }).pipe(Effect.scoped),
    {
      fastCheck: {
        numRuns: Number(process.env.PLAIN_RUNS ?? 400),
        examples: examples.flatMap((text) => [
          [text, 4096, "phone", true],
          [text, 40, "phone", false]
        ]) as never
      }
    }
  )

  it("were among them", () => {
    assert.isAtLeast(plainRows, 100)
  })

  it.effect("belong to whoever reads them, until they are released", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "in.csv")
      fs.writeFileSync(path, `phone,reason\n${"+14155550101,OPT_OUT\n".repeat(2000)}`)
      const file = yield* SuppressionFile.open(path, { bufferSize: 1000 })
      const blocks = Array.from(yield* Stream.runCollect(file.blocks))
      assert.isAbove(blocks.length, 10)
      const [first, second] = blocks
      const copied = { ...first, phoneNumber: ["+14155550199"] }
      assert.isUndefined(Plain.of(copied))
      assert.strictEqual(validators.phone.validate({ ...copied, length: 1 }, now).number[0], 14155550199)
      Plain.release(first)
      assert.throws(() => first.phoneNumber)
      assert.throws(() => first.cells(0))
      assert.strictEqual(copied.reason?.[0], "OPT_OUT")
      assert.deepStrictEqual(second.cells(0), ["+14155550101", "OPT_OUT"])
    }).pipe(Effect.scoped)
  )
})

import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import { AuditChain, Contract, type DncEntry, DncSubmitter } from "genesys-dnc"
import { hmac } from "../../src/AuditSink/hmac.js"
import { protect } from "../../src/AuditSink/numbers.js"
import type { AuditEvent } from "../../src/AuditSink.js"
import * as Packed from "../../src/DncEntry/packed.js"

const integers = FastCheck.array(
  FastCheck.oneof(
    FastCheck.integer({ min: 1, max: 999_999_999 }),
    FastCheck.bigInt({ min: 1n, max: 999_999_999_999_999n }).map(Number),
    FastCheck.constantFrom(1e7, 1e7 - 1, 1e14, 1e15 - 1)
  ),
  { maxLength: 30 }
)

const others = FastCheck.record({
  runId: FastCheck.string(),
  dncListId: FastCheck.string(),
  action: FastCheck.constantFrom("add" as const, "remove" as const),
  index: FastCheck.nat(),
  reason: FastCheck.constantFrom("REGULATORY" as const, null),
  expires: FastCheck.constantFrom(Number.POSITIVE_INFINITY, Date.UTC(2030, 0, 1), Date.UTC(2031, 5, 1, 3, 4))
})

/** The same batch as bytes and as strings. */
const both = (numbers: ReadonlyArray<number>, other: Omit<DncEntry.Batch, "phoneNumbers">) => ({
  packed: Packed.withNumbers({ ...other }, Packed.pack(Float64Array.from(numbers))) as DncEntry.Batch,
  plain: { ...other, phoneNumbers: numbers.map((number) => `+${number}`) }
})

const check = (f: (packed: DncEntry.Batch, plain: DncEntry.Batch) => void): void =>
  FastCheck.assert(
    FastCheck.property(integers, others, (numbers, other) => {
      const { packed, plain } = both(numbers, other)
      f(packed, plain)
    })
  )

const bodyOf = (contract: Contract.Contract, batch: DncEntry.Batch): string => {
  const { body } = contract.request(batch, "key")
  assert.strictEqual(body._tag, "Uint8Array")
  assert.strictEqual(body.contentType, "application/json")
  return body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""
}

describe("packed numbers", () => {
  it("are the strings that they stand for, also in a copy", () =>
    check((packed, plain) => {
      assert.strictEqual(Packed.sizeOf(packed), plain.phoneNumbers.length)
      const copy = { ...packed }
      assert.deepStrictEqual(copy, plain)
      assert.isUndefined(Packed.packedOf(copy))
      const [, ...rest] = packed.phoneNumbers
      const part = { ...packed, phoneNumbers: rest }
      assert.deepStrictEqual(bodyOf(Contract.entries, part), bodyOf(Contract.entries, { ...plain, phoneNumbers: rest }))
    }))

  it("make the body that JSON.stringify makes, by both contracts", () =>
    check((packed, plain) => {
      assert.strictEqual(
        bodyOf(Contract.entries, packed),
        JSON.stringify({
          phoneNumbers: plain.phoneNumbers,
          reason: plain.reason,
          expires: plain.expires === Number.POSITIVE_INFINITY ? null : new Date(plain.expires).toISOString()
        })
      )
      assert.strictEqual(
        bodyOf(Contract.platform(), packed),
        JSON.stringify({
          action: plain.action === "add" ? "Add" : "Remove",
          phoneNumbers: plain.phoneNumbers,
          ...(plain.expires === Number.POSITIVE_INFINITY
            ? {}
            : { expirationDateTime: `${new Date(plain.expires).toISOString().slice(0, 16)}Z` })
        })
      )
      for (const contract of [Contract.entries, Contract.platform(), Contract.platform({ kind: "whatsapp" })])
        assert.strictEqual(bodyOf(contract, packed), bodyOf(contract, plain))
    }))

  it("have the key that the strings have", () =>
    check((packed, plain) =>
      assert.strictEqual(DncSubmitter.idempotencyKey(packed), DncSubmitter.idempotencyKey(plain))
    ))

  it("stand in the log as the strings do, by each policy", () => {
    const key = Redacted.make("the key")
    check((packed, plain) => {
      const numbers = Packed.packedOf(packed)!
      const hashed = hmac("the key").of(plain.phoneNumbers)
      const intended = { operation: "BATCH_INTENDED", runId: "run", dncListId: "list" } as unknown as AuditEvent
      const kept = { masked: undefined, hashed, whole: plain.phoneNumbers }
      for (const policy of ["masked", "hashed", "whole"] as const) {
        const record = protect(policy, key)!
        const [ofBytes, ofStrings] = [
          Packed.withNumbers({ ...intended }, numbers),
          { ...intended, phoneNumbers: plain.phoneNumbers }
        ].map((event) => {
          const { event: held, numbers } = record(event)
          return AuditChain.follow(AuditChain.empty, held, numbers)
        })
        assert.deepStrictEqual({ ...ofBytes.record }, { ...ofStrings.record })
        assert.deepStrictEqual(ofBytes.record.phoneNumbers, kept[policy])
        assert.strictEqual(ofBytes.line, ofStrings.line)
        assert.deepStrictEqual(JSON.parse(ofBytes.line), { ...ofBytes.record })
      }
    })
  })
})

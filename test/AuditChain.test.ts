import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { AuditChain } from "genesys-dnc"
import { pack, textsOf } from "../src/DncEntry/packed.js"

const chain = (records: ReadonlyArray<object>, head = AuditChain.empty): ReadonlyArray<string> =>
  records.map((record) => {
    const next = AuditChain.follow(head, record)
    head = next.head
    return next.line
  })

const verify = (lines: ReadonlyArray<string>, expected?: string): AuditChain.Verdict => {
  const verifier = AuditChain.verifier(expected)
  for (const line of lines) verifier.take(line)
  return verifier.finish()
}

const record = FastCheck.record({
  operation: FastCheck.constantFrom("RUN_STARTED", "BATCH_DONE"),
  result: FastCheck.dictionary(
    FastCheck.string(),
    FastCheck.oneof(FastCheck.string(), FastCheck.double({ noNaN: true, noDefaultInfinity: true }))
  ),
  phoneNumbers: FastCheck.array(FastCheck.string())
})

/** At least three, no two alike. */
const records = FastCheck.array(record, { minLength: 3, maxLength: 12 }).map((items) =>
  items.map((item, at) => ({ ...item, at }))
)

const digestOf = (line: string): string => JSON.parse(line).digest

describe("AuditChain.canonical", () => {
  it("is what RFC 8785 gives for its examples", () => {
    assert.strictEqual(
      AuditChain.canonical({
        numbers: [Number("333333333.33333329"), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
        string: '\u20ac$\u000f\nA\'B"\\\\"/',
        literals: [null, true, false]
      }),
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert.strictEqual(
      AuditChain.canonical({ "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7 }),
      '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}'
    )
  })

  it("does not depend on the order of fields, and leaves out what is not there", () => {
    assert.strictEqual(AuditChain.canonical({ b: [{ d: 1, c: undefined }], a: -0 }), '{"a":0,"b":[{"d":1}]}')
    assert.throws(() => AuditChain.canonical({ a: Number.NaN }))
  })
})

const value = FastCheck.oneof(
  FastCheck.string({ unit: "binary" }),
  FastCheck.constantFrom("\ud800", '","phoneNumbers":[', "\u2028", -0, Number.MAX_VALUE, 5e-324, 2 ** 53),
  FastCheck.double({ noNaN: true, noDefaultInfinity: true }),
  FastCheck.constantFrom(true, null, undefined)
)

describe("AuditChain.follow", () => {
  it.prop(
    "writes the canonical JSON with its digest behind, however the numbers are given",
    {
      head: FastCheck.record({ sequence: FastCheck.nat(), digest: FastCheck.stringMatching(/^[0-9a-f]{64}$/) }),
      fields: FastCheck.dictionary(
        FastCheck.oneof(
          FastCheck.string({ unit: "binary" }),
          FastCheck.constantFrom(
            "phoneNumber",
            "phoneNumbers1",
            "phoneNumberz",
            "operation",
            "result",
            "validationErrors"
          )
        ).filter((name) => !["__proto__", "digest", "phoneNumbers", "previous", "sequence"].includes(name)),
        FastCheck.oneof(
          value,
          FastCheck.array(value.map((item) => item ?? null)),
          FastCheck.dictionary(FastCheck.string(), value)
        )
      ),
      numbers: FastCheck.option(FastCheck.array(FastCheck.integer({ min: 1, max: 999_999_999 })), { nil: undefined })
    },
    ({ fields, head, numbers }) => {
      const packed = numbers && pack(Float64Array.from(numbers))
      const phoneNumbers = packed && textsOf(packed)
      const { bytes, head: next, line, record } = AuditChain.follow(head, fields, packed)
      const placed = { ...fields, phoneNumbers, sequence: head.sequence + 1, previous: head.digest }
      const json = AuditChain.canonical(placed)
      const digest = createHash("sha256").update(json).digest("hex")
      assert.strictEqual(line, `${json.slice(0, -1)},"digest":"${digest}"}`)
      assert.deepStrictEqual(bytes, Buffer.from(line))
      assert.deepStrictEqual(next, { sequence: head.sequence + 1, digest })
      assert.deepStrictEqual(
        { ...record },
        { ...fields, ...(numbers && { phoneNumbers }), ...next, previous: head.digest }
      )
      assert.deepStrictEqual(AuditChain.linkOf(JSON.parse(line)), { ...next, previous: head.digest, intact: true })
    }
  )
})

describe("AuditChain", () => {
  it.prop("a log that is as it was written has no fault, and its head is found", { records }, ({ records }) => {
    const lines = chain(records)
    const verdict = verify(lines, digestOf(lines[records.length >> 1]))
    assert.strictEqual(verdict.fault, undefined)
    assert.deepStrictEqual(verdict.head, { sequence: records.length, digest: digestOf(lines.at(-1)!) })
    // other spaces and another order of fields are the same record
    const reformatted = lines.map((line) =>
      JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(line)).reverse()), null, 1).replaceAll("\n", " ")
    )
    assert.deepStrictEqual(verify(reformatted), verdict)
  })

  const at = FastCheck.nat()

  it.prop(
    "names a record that was altered, with or without its digest",
    { records, at, forged: FastCheck.boolean() },
    ({ at, forged, records }) => {
      const lines = chain(records)
      const index = at % (records.length - (forged ? 1 : 0))
      const altered = { ...JSON.parse(lines[index]), operation: "ALTERED" }
      const { digest: _, sequence, previous, ...rest } = altered
      const line = forged
        ? AuditChain.follow({ sequence: sequence - 1, digest: previous }, rest).line
        : JSON.stringify(altered)
      const { fault } = verify(lines.with(index, line))
      assert.strictEqual(fault?.kind, "altered")
      assert.strictEqual(fault?.sequence, index + 1)
      assert.strictEqual(fault?.line, index + 1)
    }
  )

  it.prop("names a record that was removed", { records, at }, ({ at, records }) => {
    const lines = chain(records)
    // the last one's removal is a tail that was cut
    const index = at % (records.length - 1)
    const { fault } = verify(lines.toSpliced(index, 1))
    assert.deepInclude(fault, { kind: "removed", sequence: index + 1 })
  })

  it.prop("names a record that stands elsewhere", { records, at, to: FastCheck.nat() }, ({ at, records, to }) => {
    const lines = chain(records)
    const [from, behind] = [at % (records.length - 1), to % records.length]
    FastCheck.pre(behind > from)
    const moved = lines.toSpliced(from, 1).toSpliced(behind, 0, lines[from])
    assert.deepInclude(verify(moved).fault, { kind: "moved", sequence: from + 1 })
  })

  it.prop(
    "names a record that was put in: a copy, or one that was forged to fit",
    { records, at, forged: FastCheck.boolean() },
    ({ at, forged, records }) => {
      const lines = chain(records)
      const index = 1 + (at % (records.length - 1))
      const before = { sequence: index, digest: digestOf(lines[index - 1]) }
      const line = forged ? AuditChain.follow(before, { operation: "FORGED" }).line : lines[index - 1]
      const { fault } = verify(lines.toSpliced(index, 0, line))
      assert.strictEqual(fault?.kind, "inserted")
      assert.include([index + 1, index + 2], fault?.line)
    }
  )

  it.prop("misses a tail that was cut only where no digest of it is known", { records, at }, ({ at, records }) => {
    const lines = chain(records)
    const kept = at % records.length
    const head = digestOf(lines.at(-1)!)
    assert.strictEqual(verify(lines.slice(0, kept)).fault, undefined)
    assert.deepInclude(verify(lines.slice(0, kept), head).fault, { kind: "cut", sequence: kept + 1 })
  })

  it.prop("passes over a line that a crash cut short, and only over such a one", { records, at }, ({ at, records }) => {
    const lines = chain(records)
    const index = at % records.length
    const torn = lines.toSpliced(index, 0, lines[index].slice(0, -5))
    assert.deepInclude(verify(torn), { fault: undefined, torn: 1 })
    FastCheck.pre(index < records.length - 1)
    const garbled = verify(lines.with(index, lines[index].slice(0, -5)))
    assert.deepInclude(garbled.fault, { kind: "unreadable", sequence: index + 1, line: index + 1 })
  })

  it("counts what is from before the chain, and takes nothing of the kind behind it", () => {
    const lines = chain([{ a: 1 }, { a: 2 }])
    assert.deepInclude(verify(['{"old":1}', ...lines]), { fault: undefined, unchained: 1, records: 3 })
    assert.deepInclude(verify([...lines, '{"old":1}']).fault, { kind: "inserted", line: 3 })
  })

  it("a field that is named twice is tampering, though the last one is what was written", () => {
    const lines = chain([{ accepted: 3 }, { accepted: 4 }])
    for (const forged of [
      lines[0].replace('"accepted":3', '"accepted":9999,"accepted":3'),
      lines[0].replace('"accepted":3', '"accepted":9999,"\\u0061ccepted":3')
    ]) {
      assert.strictEqual(verify([forged, lines[1]]).fault?.kind, "altered", forged)
    }
  })
})

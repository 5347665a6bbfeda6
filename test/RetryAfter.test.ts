import { assert, describe, it } from "@effect/vitest"
import { Duration, FastCheck as fc } from "effect"
import { Answer } from "genesys-dnc"

const now = Date.UTC(2026, 9, 21, 7, 0, 0)

const millis = (header: string | undefined): number | undefined => {
  const pause = Answer.parseRetryAfter(header, now)
  return pause === undefined ? undefined : Duration.toMillis(pause)
}

describe("parseRetryAfter", () => {
  it("reads seconds", () => {
    assert.strictEqual(millis("0"), 0)
    assert.strictEqual(millis("30"), 30_000)
    assert.strictEqual(millis(" 30 "), 30_000)
    assert.strictEqual(millis("1.5"), 1500)
    assert.strictEqual(millis("86400"), 86_400_000)
  })

  it("reads an HTTP date, seen from now", () => {
    assert.strictEqual(millis("Wed, 21 Oct 2026 07:28:00 GMT"), 28 * 60_000)
    assert.strictEqual(millis("Wednesday, 21-Oct-26 07:00:10 GMT"), 10_000)
    assert.strictEqual(millis("Wed Oct 21 07:00:10 2026"), 10_000)
  })

  it("asks for no pause where the date has gone by", () => {
    assert.strictEqual(millis("Wed, 21 Oct 2026 06:59:00 GMT"), 0)
    assert.strictEqual(millis("Sun, 06 Nov 1994 08:49:37 GMT"), 0)
  })

  it("takes nothing else", () => {
    for (const header of [
      undefined,
      "",
      " ",
      "soon",
      "Soon, 5",
      "Wed 1",
      "-5",
      "+5",
      "1e3",
      "0x10",
      "1.",
      ".5",
      "5s",
      "5, 6",
      "NaN",
      "Infinity",
      "2026-10-21T07:28:00Z",
      "21 Oct 2026 07:28:00 GMT",
      "Wed, 99 Oct 2026 07:28:00 GMT"
    ]) {
      assert.isUndefined(millis(header), header)
    }
  })

  it.prop(
    "reads back every second that an HTTP date can say",
    [fc.integer({ min: -86_400, max: 86_400 })],
    ([seconds]) => assert.strictEqual(millis(new Date(now + seconds * 1000).toUTCString()), Math.max(0, seconds * 1000))
  )

  it.prop(
    "never asks for a negative pause or none that can be told",
    [
      fc.oneof(
        fc.string(),
        fc.stringMatching(/^[-+]?[\d.e]{0,400}$/),
        fc.double().map(String),
        fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
        fc.stringMatching(/^[A-Z][a-z]{2,8},? [-+\w :]{0,20}$/)
      )
    ],
    ([header]) => {
      const pause = millis(header)
      assert.isTrue(pause === undefined || pause >= 0, `${header} gave ${pause}`)
    },
    { fastCheck: { numRuns: 2000 } }
  )
})

/** The short form of `npm run chaos`: each named step once, and some random moments. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { once, steps } from "./chaos/chaos.js"

const runs = [...steps, "any time", "any time"].map((step, seed) => ({
  step: step as (typeof steps)[number] | "any time",
  seed: seed + 1,
  api: seed % 2 === 0 ? ("platform" as const) : ("entries" as const)
}))

describe("a process that is killed", { timeout: 120_000 }, () => {
  it.scopedLive.each(runs)("$step: what is gone on with is done, once", (run) =>
    Effect.map(once({ ...run, rows: 1500, kills: 1 }), ({ kills, starts }) => {
      // a random moment may come too late
      if (run.step !== "any time") assert.strictEqual(kills, 1)
      assert.strictEqual(starts, kills + 1)
    })
  )
})

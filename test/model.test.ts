/** Random runs, killed and gone on with, against a plain model; `npm run model` is the long form. */
import { describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { properties } from "./model/model.js"

const runs: Readonly<Record<string, number>> = { push: 250, live: 250 }

describe("the list is what the model says, whatever happens on the way", { timeout: 180_000 }, () => {
  it.each(Object.entries(properties))("%s", async (name, property) => {
    await FastCheck.assert(property, { numRuns: runs[name] ?? 100 })
  })
})

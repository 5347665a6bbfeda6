/** The command, killed in the middle and given again. */

import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Sandbox } from "genesys-dnc/sandbox"
import { csv, environment, file, onList, readRecords, run, start, until } from "../support/cli.js"

describe("genesys-dnc push, killed", { timeout: 120_000 }, () => {
  it.scopedLive("goes on when it is given again, and says so; --fresh begins anew", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ contract: "platform", faults: { latencyMs: 200 } })
      const path = yield* file(csv(3000))
      const cwd = Path.dirname(path)
      const given = { cwd, env: environment(sandbox) }
      const words = ["push", "optouts.csv", "--api", "platform", "--batch-size", "100", "--size-lag", "0s"]
      const started = yield* start(words, given)
      yield* until("some batches on the list", () => onList(sandbox).size > 0)
      started.signal("SIGKILL")
      yield* started.ended
      const records = readRecords(Path.join(cwd, "genesys-dnc-audit.jsonl"))
      const { code, stderr, stdout } = yield* run(words, given)
      assert.strictEqual(code, 0, stderr)
      assert.include(stderr, `Going on with run ${records[0].runId}`)
      assert.include(stdout, "it was gone on with")
      assert.include(stdout, `run ${records[0].runId}`)
      assert.strictEqual(onList(sandbox).size, 3000)
      const fresh = yield* run([...words, "--fresh"], given)
      assert.strictEqual(fresh.code, 0)
      assert.notInclude(fresh.stdout, `run ${records[0].runId}`)
    })
  )
})

import { execFile } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { promisify } from "node:util"
import { assert, describe, it } from "vitest"

const run = promisify(execFile)

const expected: Readonly<Record<string, RegExp>> = {
  "01-push-a-file.ts": /VALIDATED_WITH_REJECTS: 117 of 146 rows are new on the list\n22 were rejected/,
  "02-compose-the-services.ts": /on 2 lists, 2 of them new\nnot accepted: .*\nnot accepted: .*extension/,
  "03-a-live-stream.ts":
    /read: 5,\s+created: 2,\s+updated: 1,[\s\S]*duplicateInFile: 1,[\s\S]*'\+14155550101', reason: 'UNSPECIFIED', expires: null/,
  "04-swap-layers-in-a-test.ts": /both tests pass/,
  "05-custom-retry-and-cap.ts": /117 created; never more than 2 requests open\n4 requests were repetitions/
}

describe("examples", () => {
  it("has an expectation for each", () => {
    const programs = readdirSync("examples").filter((name) => name.endsWith(".ts"))
    assert.deepEqual(programs.sort(), Object.keys(expected).sort())
  })

  for (const [name, output] of Object.entries(expected)) {
    it.concurrent(name, async () => {
      const { stdout } = await run(process.execPath, ["--import", "tsx", `examples/${name}`])
      assert.match(stdout, output)
    }, 60_000)
  }
})

describe("package", () => {
  it("says the same version everywhere", async () => {
    const { version } = await import("../src/version.js")
    assert.strictEqual(version, JSON.parse(readFileSync("package.json", "utf8")).version)
    assert.include(readFileSync("CHANGELOG.md", "utf8"), `## ${version}`)
  })

  it("says the same exit codes in the README as in the help", async () => {
    const { explained } = await import("../src/cli/ExitCode.js")
    const readme = readFileSync("README.md", "utf8")
    for (const [code, meaning] of explained.slice(0, -1)) assert.include(readme, `| ${code} | ${meaning} |`)
  })
})

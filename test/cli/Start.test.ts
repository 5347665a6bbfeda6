/** What the command loads before it does anything, as its bundle says: a start stays quick only if nobody adds to that unseen. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { AsnConvert } from "@peculiar/asn1-schema"
import { PKIStatus, PKIStatusInfo, TimeStampReq, TimeStampResp } from "@peculiar/asn1-tsp"
import * as Effect from "effect/Effect"
import type { Metafile } from "esbuild"
import { Sandbox } from "genesys-dnc/sandbox"
import { bundle } from "../../src/cli/build/bundle.js"
import * as ExitCode from "../../src/cli/ExitCode.js"
import { help } from "../../src/cli/help.js"
import { version } from "../../src/version.js"
import { csv, environment, folder, run, serve } from "../support/cli.js"

const made = Effect.flatMap(folder, (folder) =>
  Effect.map(
    Effect.promise(() => bundle(folder)),
    (metafile) => ({ folder, metafile })
  )
)

/** The sources of which something is evaluated before a module of ours, or with it. */
const loadedWith = ({ outputs }: Metafile, ...sources: ReadonlyArray<string>): ReadonlyArray<string> => {
  const files = new Set<string>()
  const add = (file: string) => {
    if (files.has(file)) return
    files.add(file)
    for (const { external, kind, path } of outputs[file].imports) {
      if (kind === "import-statement" && external !== true) add(path)
    }
  }
  for (const source of sources) {
    // a module that others import too may stand in a file that they share
    const file = Object.keys(outputs).find(
      (file) => outputs[file].entryPoint === source || (outputs[file].inputs[source]?.bytesInOutput ?? 0) > 0
    )
    assert.isDefined(file, source)
    add(file!)
  }
  return [...files].flatMap((file) => Object.keys(outputs[file].inputs))
}

describe("the bundle of the command", { timeout: 120_000 }, () => {
  it.scopedLive("has for the first page of help nothing but its words, and a command only what it needs", () =>
    Effect.gen(function* () {
      const { metafile } = yield* made
      assert.deepStrictEqual([...loadedWith(metafile, "src/cli/main.ts")].sort(), [
        "src/cli/ExitCode.ts",
        "src/cli/help.ts",
        "src/cli/main.ts",
        "src/version.ts"
      ])
      const commands = new Set(
        metafile.inputs["src/cli/command.ts"].imports.flatMap(({ kind, path }) =>
          kind === "dynamic-import" ? [Path.basename(path, ".ts")] : []
        )
      )
      const parts = {
        "Node's HTTP client": /node_modules\/undici\//,
        "time stamps": /node_modules\/(asn1js|@peculiar)\//,
        "the sandbox": /^src\/sandbox\//,
        "phone numbers": /^src\/Phone\/compiled|node_modules\/libphonenumber-js\//,
        "quoted CSV": /node_modules\/papaparse\//,
        "the stages of a run": /^src\/Pipeline[./]/
      }
      const loaders = (part: RegExp) =>
        [...commands].filter((name) =>
          loadedWith(metafile, "src/cli/command.ts", `src/cli/${name}.ts`).some((path) => part.test(path))
        )
      // whoever sends, or stamps, loads these on its way
      assert.deepStrictEqual(loaders(parts["Node's HTTP client"]), [])
      assert.deepStrictEqual(loaders(parts["time stamps"]), [])
      assert.deepStrictEqual(loaders(parts["the sandbox"]), ["sandbox", "demo"])
      // who only talks to the API (lists, doctor, export, login, webhook) has none of these
      assert.deepStrictEqual(loaders(parts["the stages of a run"]), ["push", "sync", "expire", "demo"])
      const judging = ["push", "sync", "expire", "audit", "runs", "evidence", "demo"]
      assert.deepStrictEqual(loaders(parts["phone numbers"]), judging)
      assert.deepStrictEqual(loaders(parts["quoted CSV"]), judging)
      for (const part of Object.values(parts)) {
        assert.isTrue(
          Object.keys(metafile.inputs).some((path) => part.test(path)),
          String(part)
        )
      }
      for (const [source, { imports }] of Object.entries(metafile.inputs)) {
        for (const { external, kind, path } of imports) {
          if (!source.startsWith("src/") || kind !== "dynamic-import" || external === true) continue
          assert.strictEqual(metafile.inputs[path].format, "esm", `${path} would come without its names`)
        }
      }
      assert.deepStrictEqual(
        Object.keys(metafile.inputs).filter((path) => /undici\/(index\.js|lib\/(mock|interceptor)\/)/.test(path)),
        [],
        "no more of undici than sends"
      )
      assert.deepStrictEqual(
        Object.keys(metafile.inputs).filter((path) => /@effect\/sql|libsql/.test(path)),
        [],
        "drivers are the user's own"
      )
    })
  )

  it.scopedLive("has the licence of every package in it beside it", () =>
    Effect.gen(function* () {
      const { folder, metafile } = yield* made
      const names = new Set(
        Object.values(metafile.outputs).flatMap(({ inputs }) =>
          Object.keys(inputs).flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [])
        )
      )
      const text = Fs.readFileSync(Path.join(folder, "THIRD-PARTY-NOTICES.txt"), "utf8")
      const given = text.split(`\n${"-".repeat(80)}\n`)
      assert.isAbove(names.size, 10)
      for (const name of names) {
        const words = given.find((words) => words.includes(`\n${name} `) || words.startsWith(`${name} `))
        assert.match(words ?? "", /copyright/i, name)
      }
    })
  )

  it.scopedLive("loads on its way what a time stamp needs", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const url = yield* serve((request, response) => {
        const parts: Array<Buffer> = []
        request
          .on("data", (part: Buffer) => parts.push(part))
          .on("end", () => {
            const { certReq } = AsnConvert.parse(Buffer.concat(parts), TimeStampReq)
            const status = new PKIStatusInfo({ status: certReq ? PKIStatus.rejection : PKIStatus.waiting })
            response.end(Buffer.from(AsnConvert.serialize(new TimeStampResp({ status }))))
          })
      })
      const { code, stderr } = yield* run(["push", "-", "--timestamp-url", url], {
        cwd: yield* folder,
        env: environment(sandbox),
        stdin: csv(1)
      })
      assert.match(stderr, /no time stamp: it refused, with status 2/)
      assert.strictEqual(code, ExitCode.done)
    })
  )

  it("is not what a program imports", () => {
    const sources = Fs.readdirSync("src", { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".ts") && !name.startsWith("cli")
    )
    assert.include(sources, "index.ts")
    for (const name of sources) {
      assert.notMatch(Fs.readFileSync(Path.join("src", name), "utf8"), /(from|import\() ?"[^"]*\bcli\//, name)
    }
  })
})

describe("the first page of help", { timeout: 120_000 }, () => {
  it.scopedLive("is there by each of its names, and has every command that the parser knows", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      for (const word of ["--help", "-h", "help"]) {
        assert.deepStrictEqual(yield* run([word], { cwd }), { code: ExitCode.done, stdout: help, stderr: "" })
      }
      assert.deepStrictEqual(yield* run(["--version"], { cwd }), {
        code: ExitCode.done,
        stdout: `${version}\n`,
        stderr: ""
      })
      const { stderr } = yield* run(["frobnicate"], { cwd })
      const known = [...stderr.matchAll(/'([a-z]+)'/g)].map(([, name]) => name)
      assert.isAbove(known.length, 10)
      for (const name of known) assert.match(help, new RegExp(`^ {2}genesys-dnc ${name} `, "m"))
      const page = [...help.matchAll(/^ {2}genesys-dnc ([a-z]+) /gm)].map(([, name]) => name)
      assert.deepStrictEqual([...new Set(page)].sort(), known.sort())
    })
  )
})

/** Words of others on their way to a terminal, answers without end, and what others may read. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { Readable } from "node:stream"
import * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { Answer } from "genesys-dnc"
import { Faults, Sandbox } from "genesys-dnc/sandbox"
import { problem, problemLine } from "../src/cli/problem.js"
import { jsonLine, printable } from "../src/cli/terminal.js"
import * as Puts from "../src/HttpClient/put.js"
import { csv, environment, folder, run, serve } from "./support/cli.js"

const nasty = "\u001b]0;owned\u0007 \u009b2J \u202e txt.exe"

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal obeys
const obeyed = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/

describe("a terminal", { timeout: 60_000 }, () => {
  it("obeys nothing of what is printed, and a program reads the same", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.string({ unit: "binary" }), (text) => {
        assert.notMatch(printable(text), obeyed)
        assert.notInclude(printable(text), "\n")
        assert.notMatch(jsonLine({ text }), obeyed)
        assert.deepStrictEqual(JSON.parse(jsonLine({ text })), { text })
      })
    )
    const error = { message: `no\ngenesys-dnc: all is well ${nasty}`, hint: nasty, correlationId: nasty }
    assert.notMatch(problem(error), obeyed)
    assert.strictEqual(problem(error).split("\n").length, 4)
    assert.notMatch(problemLine(1, error), obeyed)
  })

  it.scopedLive("neither by a server's words, nor by the names of files and lists", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({
        lists: [{ id: Sandbox.defaultListId, name: `Opt-outs ${nasty}`, dncSourceType: "rds" }]
      })
      yield* sandbox.inject(Faults.failNext(4, 503, { route: "entries", message: `down ${nasty}` }))
      const cwd = yield* folder
      Fs.writeFileSync(Path.join(cwd, `${nasty.replaceAll("/", "")}.csv`), `${csv(2)}${nasty}\n`)
      const env = environment(sandbox)
      for (const args of [
        ["push", "--log-level", "all", `${nasty}.csv`],
        ["push", `${nasty}.csv`, "--json"],
        ["push", `none ${nasty}.csv`],
        ["push", `${nasty}.csv`, "--list", nasty],
        ["lists"],
        ["lists", "--json"],
        ["doctor"]
      ]) {
        const { stderr, stdout } = yield* run(args, { cwd, env })
        assert.notMatch(stdout, obeyed, args.join(" "))
        assert.notMatch(stderr, obeyed, args.join(" "))
        assert.isTrue(stdout.length + stderr.length > 0)
      }
    })
  )
})

describe("an answer without end", { timeout: 60_000 }, () => {
  /** Writes until the other side goes away; how much it wrote. */
  const endless = (status: number) =>
    Effect.gen(function* () {
      const sent = { bytes: 0 }
      const url = yield* serve((_, response) => {
        response.writeHead(status, { "content-type": "application/json" })
        let closed = false
        const block = Buffer.alloc(1 << 16, " ")
        const more = () => {
          while (!closed && response.write(block)) sent.bytes += block.length
        }
        response.on("drain", more).on("close", () => {
          closed = true
        })
        more()
      })
      return { url, sent }
    })

  it.scopedLive.each([200, 503])("is read up to 10 MB: %i", (status) =>
    Effect.gen(function* () {
      const client = yield* PlatformHttpClient.HttpClient
      const { sent, url } = yield* endless(status)
      const request = HttpClientRequest.get(`${url}/x`)
      const error = yield* Effect.flip(Answer.send(client, request, Duration.seconds(30)))
      assert.strictEqual(error._tag, "UnexpectedResponse")
      assert.match(error.message, /answered with more than 10 MB/)
      assert.isBelow(sent.bytes, 60_000_000)
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it.scopedLive("one that broke before it was read is no empty one", () =>
    Effect.gen(function* () {
      const url = yield* serve((_, response) => void response.end("{}"))
      const client = PlatformHttpClient.tap(yield* PlatformHttpClient.HttpClient, (response) =>
        Effect.sync(() => {
          const { original } = response as unknown as { original: { source: { body: Readable } } }
          original.source.body.destroy(new Error("broke"))
        })
      )
      const sent = Answer.send(client, HttpClientRequest.get(`${url}/x`), Duration.seconds(30))
      assert.strictEqual((yield* Effect.flip(sent))._tag, "TransportError")
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it.scopedLive("of a store too", () =>
    Effect.gen(function* () {
      const client = yield* PlatformHttpClient.HttpClient
      const { url } = yield* endless(200)
      const put = { url: Redacted.make(url), headers: {}, body: Stream.make(new Uint8Array(1)), bytes: 1 }
      const error = yield* Effect.flip(Puts.send(client, put, Duration.seconds(30)))
      assert.strictEqual(error._tag, "UnexpectedResponse")
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )
})

describe.skipIf(process.platform === "win32")("a .env that others may read", { timeout: 60_000 }, () => {
  it.scopedLive.each([
    ["a secret, for all", "GENESYSCLOUD_OAUTHCLIENT_SECRET=s3cr3t\n", 0o644, true],
    ["a secret, for the group", "GENESYSCLOUD_ACCESS_TOKEN=s3cr3t\n", 0o640, true],
    ["a secret, for its owner", "GENESYSCLOUD_OAUTHCLIENT_SECRET=s3cr3t\n", 0o600, false],
    ["none", "GENESYSCLOUD_REGION=us-east-1\nGENESYSCLOUD_OAUTHCLIENT_SECRET=\n", 0o644, false]
  ] as const)("%s", ([_, content, mode, warns]) =>
    Effect.gen(function* () {
      const cwd = yield* folder
      Fs.writeFileSync(Path.join(cwd, ".env"), content)
      Fs.chmodSync(Path.join(cwd, ".env"), mode)
      Fs.writeFileSync(Path.join(cwd, "optouts.csv"), csv(1))
      const { code, stderr } = yield* run(["validate", "optouts.csv"], { cwd })
      assert.strictEqual(code, 0, stderr)
      const line =
        / WARN \.env holds a secret, and others on this machine may read it \(mode 6[04]+\): chmod 600 \.env\n/
      assert.strictEqual(line.test(stderr), warns, stderr)
      assert.notInclude(stderr, "s3cr3t")
    })
  )
})

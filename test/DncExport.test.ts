import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { DncExport, HttpClient, SuppressionFile } from "genesys-dnc"
import { Mocks } from "genesys-dnc/testing"
import { folder, mode } from "./support/cli.js"
import * as Network from "./support/network.js"

const apiUrl = "https://api.example.test"

const uri = `${apiUrl}/api/v2/downloads/abc`

const forEver = Number.POSITIVE_INFINITY

const start = Date.UTC(2026, 0, 1)

/** A server whose export is ready so many seconds after it was asked for; `stale` is one that was there before. */
const server = (options: {
  readonly readySeconds: number
  readonly csv?: string
  readonly stale?: number
  readonly notReady?: 400 | 404
  readonly uri?: string
  readonly stamped?: boolean
}) => {
  let asked: number | undefined
  return Network.make(({ at, method, path }) => {
    const date = { date: new Date(at).toUTCString() }
    if (path.includes("/downloads/")) {
      return Effect.succeed({ status: 200, body: options.csv ?? "", headers: { ...date, "content-type": "text/csv" } })
    }
    if (method === "POST") {
      asked = at
      return Effect.succeed({ status: 200, body: { id: "list" }, headers: date })
    }
    const ready = asked !== undefined && at >= asked + options.readySeconds * 1000
    const stamp = ready ? at : options.stale
    return Effect.succeed(
      stamp === undefined
        ? { status: options.notReady ?? 404, body: { code: "not.found", message: "no export" } }
        : {
            status: 200,
            body: {
              uri: options.uri ?? uri,
              ...(options.stamped === false ? {} : { exportTimestamp: new Date(stamp).toISOString() })
            },
            headers: date
          }
    )
  })
}

const over = (network: ReturnType<typeof Network.make>) =>
  Effect.provide(HttpClient.layer({ apiUrl }).pipe(Layer.provide([Mocks.auth("the-token"), network.layer])))

const rows = (options?: DncExport.Options) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(start)
    return Chunk.toReadonlyArray(
      yield* Network.throughPauses(Stream.runCollect(DncExport.stream("list", options)))
    ).map(({ expires, phoneNumber }) => [phoneNumber, expires] as const)
  })

const csv = [
  "Phone Number,Whatever,Expiration Date",
  "+14155550100,,",
  "+14155550101,,2027-01-01T00:00Z",
  '"+14155550102","a ""note"", of two\nlines",2027-06-30T12:30:00.000Z',
  "+33199000001"
].join("\r\n")

const parsed: Array<readonly [string, number]> = [
  ["+14155550100", forEver],
  ["+14155550101", Date.UTC(2027, 0, 1)],
  ["+14155550102", Date.UTC(2027, 5, 30, 12, 30)],
  ["+33199000001", forEver]
]

/** All of a text, in pieces of this length. */
const parse = (text: string, size = text.length || 1) => {
  const push = DncExport.parser()
  const found: Array<readonly [string, number]> = []
  for (let at = 0; at <= text.length; at += size) {
    const entries = push(text.slice(at, at + size), at + size > text.length)
    if (Either.isLeft(entries)) return entries.left
    for (const { expires, phoneNumber } of entries.right) found.push([phoneNumber, expires])
  }
  return found
}

describe("DncExport", () => {
  it.effect.each([400, 404] as const)(
    "asks, waits while it is answered %i, and downloads with the bearer",
    (notReady) => {
      const network = server({ readySeconds: 20, csv, notReady })
      return Effect.gen(function* () {
        assert.deepStrictEqual(yield* rows(), parsed)
        assert.strictEqual(network.received.filter(({ method }) => method === "POST").length, 1)
        const last = network.received.at(-1)!
        assert.strictEqual(last.url, uri)
        assert.strictEqual(last.headers["authorization"], "Bearer the-token")
      }).pipe(over(network))
    }
  )

  it.effect("asks ever more rarely, at most ten seconds apart", () => {
    const network = server({ readySeconds: 60, csv })
    return Effect.gen(function* () {
      yield* rows()
      const at = network.received.filter(({ method, path }) => method === "GET" && path.endsWith("/export"))
      const pauses = at.slice(1).map((request, i) => (request.at - at[i].at) / 1000)
      assert.deepStrictEqual(pauses.slice(0, 4), [0, 1, 1.5, 2.25])
      assert.isTrue(pauses.slice(-3).every((pause) => pause === 10))
      assert.isBelow(pauses.length, 14)
    }).pipe(over(network))
  })

  it.effect("an export that was there before is not taken for ours", () => {
    const network = server({ readySeconds: 30, csv, stale: start - 3_600_000 })
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* rows(), parsed)
      assert.isAtLeast(network.received.at(-1)!.at, start + 30_000)
    }).pipe(over(network))
  })

  it.effect("one that was made a moment before neither", () => {
    const network = server({ readySeconds: 30, csv, stale: start - 200 })
    return Effect.gen(function* () {
      yield* rows()
      assert.isAtLeast(network.received.at(-1)!.at, start + 30_000)
    }).pipe(over(network))
  })

  it.effect("goes by the server's clock, ten minutes behind ours", () => {
    const behind = 600_000
    let asked = false
    const network = Network.make(({ at, method, path }) => {
      const headers = { date: new Date(at - behind).toUTCString() }
      if (path.includes("/downloads/")) return Effect.succeed({ status: 200, body: csv, headers })
      if (method === "POST") asked = true
      return Effect.succeed(
        asked
          ? { status: 200, body: { uri, exportTimestamp: new Date(at - behind).toISOString() }, headers }
          : { status: 404, headers }
      )
    })
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* rows(), parsed)
    }).pipe(over(network))
  })

  it.effect("without timestamps, another URI is another export", () => {
    const network = server({ readySeconds: 5, csv, stamped: false })
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* rows(), parsed)
    }).pipe(over(network))
  })

  it.effect.each([
    [undefined, /never became ready: there was none for 10m$/],
    [start - 3_600_000, /the only one was made before it was asked for \(2025-12-31T23:00:00.000Z\) for 10m$/]
  ] as const)("gives up after ten minutes", ([stale, said]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(rows())
      assert.strictEqual(error._tag, "ExportError")
      assert.match(error.message, said)
      const waited = ((yield* Clock.currentTimeMillis) - start) / 60_000
      assert.isAtLeast(waited, 10)
    }).pipe(over(server({ readySeconds: 100_000, ...(stale === undefined ? {} : { stale }) })))
  )

  it.effect("or as long as it is told to wait", () => {
    const network = server({ readySeconds: 100_000 })
    return Effect.gen(function* () {
      yield* TestClock.setTime(start)
      const fiber = yield* Effect.fork(Effect.flip(DncExport.request("list", { longest: Duration.seconds(30) })))
      yield* TestClock.adjust("45 seconds")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "ExportError")
    }).pipe(over(network))
  })

  it.effect("a 409 means that another one is under way, and is waited for", () => {
    let conflicts = 2
    const network = Network.make(({ at, method, path }) => {
      if (path.includes("/downloads/")) return Effect.succeed({ status: 200, body: csv })
      if (method === "POST" && conflicts-- > 0)
        return Effect.succeed({ status: 409, body: { code: "general.conflict" } })
      return Effect.succeed(
        method === "POST" || conflicts < 0
          ? { status: 200, body: { id: "list", uri, exportTimestamp: new Date(at).toISOString() } }
          : { status: 404 }
      )
    })
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* rows(), parsed)
      assert.strictEqual(network.received.filter(({ method }) => method === "POST").length, 3)
    }).pipe(over(network))
  })

  it.effect("the token goes to no other host", () => {
    const network = server({ readySeconds: 0, csv, uri: "https://elsewhere.example/downloads/abc" })
    return Effect.gen(function* () {
      const error = yield* Effect.flip(rows())
      assert.include(error.message, "https://elsewhere.example")
      assert.include(error.message, "the token is not sent there")
      assert.isTrue(network.received.every(({ url }) => url.startsWith(apiUrl)))
    }).pipe(over(network))
  })

  it.effect("a list that is not there, or a permission that is missing, is no export to wait for", () =>
    Effect.gen(function* () {
      const absent = Network.make(Network.inOrder({ status: 404 }))
      assert.strictEqual((yield* Effect.flip(rows()).pipe(over(absent)))._tag, "NotFound")
      assert.strictEqual(absent.received.length, 2)
      const forbidden = Network.make(Network.inOrder({ status: 403 }))
      assert.strictEqual((yield* Effect.flip(rows()).pipe(over(forbidden)))._tag, "Forbidden")
      assert.strictEqual(forbidden.received.length, 1)
    })
  )

  describe("parser", () => {
    it("reads it in whatever pieces it comes", () => {
      for (let size = 1; size <= csv.length; size++) assert.deepStrictEqual(parse(csv, size), parsed)
    })

    it.effect("takes a byte order mark off, and characters that are cut", () => {
      const bytes = new TextEncoder().encode(`\uFEFF+14155550100,é,\n+14155550101,é,2027-01-01T00:00Z\n`)
      return Effect.gen(function* () {
        const entries = yield* Stream.runCollect(DncExport.download({ uri, exportedAt: undefined }))
        assert.deepStrictEqual(
          Chunk.toReadonlyArray(entries).map(({ phoneNumber }) => phoneNumber),
          ["+14155550100", "+14155550101"]
        )
      }).pipe(
        Effect.provide(
          Mocks.httpClient(
            () => Effect.void,
            () => Stream.fromIterable(Array.from(bytes, (byte) => Uint8Array.of(byte)))
          )
        )
      )
    })

    it("nothing, a header alone, blank lines", () => {
      assert.deepStrictEqual(parse(""), [])
      assert.deepStrictEqual(parse("phone,x,expires\n"), [])
      assert.deepStrictEqual(parse("phone,x,expires\n\n\r\n+14155550100\n\n"), [["+14155550100", forEver]])
    })

    it("a header may have any names; one that speaks of expiring shows the column", () => {
      assert.deepStrictEqual(parse("a,b,c\n+14155550100,9,2027-01-01T00:00Z"), [["+14155550100", Date.UTC(2027, 0, 1)]])
      assert.deepStrictEqual(parse("number,expirationDateTime,id\n+14155550100,2027-01-01T00:00Z,7"), [
        ["+14155550100", Date.UTC(2027, 0, 1)]
      ])
    })

    it("a first row that is a row counts", () => {
      assert.deepStrictEqual(parse("+14155550100,,\n+14155550101,,\n"), [
        ["+14155550100", forEver],
        ["+14155550101", forEver]
      ])
    })

    it("rows of other contacts are left out", () => {
      assert.deepStrictEqual(parse("phone,email,expires\n,somebody@example.com,\n+14155550100,,\n"), [
        ["+14155550100", forEver]
      ])
    })

    it("an expiration that cannot be read names the line, and shows no number whole", () => {
      const error = parse("phone,x,expires\n+14155550100,,\n\n+14155550101,,call +14155550199\n")
      assert.isTrue(error instanceof DncExport.ExportError)
      if (error instanceof DncExport.ExportError) {
        assert.strictEqual(error.line, 4)
        assert.strictEqual(error.message, 'The export, line 4: "call +1********99" is no expiration date')
      }
    })

    it.each([
      ["<!DOCTYPE html>\n<html>", /line 1: an HTML page/],
      ['phone,x,expires\n+14155550100,"never,\n', /line 2: a quoted cell that is begun here does not end/],
      [`phone,x,expires\n"${"x".repeat(1 << 21)}`, /line 2: a /]
    ])("what is no CSV is not taken for a list", (text, said) => {
      const error = parse(text, 1 << 16)
      assert.isTrue(error instanceof DncExport.ExportError)
      if (error instanceof DncExport.ExportError) assert.match(error.message, said)
    })

    const cell = fc.stringMatching(/^[a-z0-9 ",\n;é]{0,6}$/)
    const row = fc.record({
      number: fc.integer({ min: 1_000_000, max: 999_999_999_999_999 }),
      note: cell,
      expires: fc.option(fc.integer({ min: 0, max: 4_000_000_000 }), { nil: undefined }),
      quoted: fc.boolean()
    })

    it.prop("gives back what was written", [fc.array(row), fc.integer({ min: 1, max: 50 })], ([rows, size]) => {
      const text = rows.map(({ expires, note, number, quoted }) =>
        [`+${number}`, note, expires === undefined ? "" : new Date(expires * 1000).toISOString()]
          .map((cell) => (quoted || /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
          .join(",")
      )
      assert.deepStrictEqual(
        parse(["a,b,c", ...text].join("\n"), size),
        rows.map(({ expires, number }) => [`+${number}`, expires === undefined ? forEver : expires * 1000])
      )
    })
  })

  describe("writeFile", () => {
    const entries: ReadonlyArray<DncExport.Entry> = [
      { phoneNumber: "+14155550100", expires: forEver },
      { phoneNumber: "+14155550101", expires: Date.UTC(2027, 0, 1) }
    ]

    it.scopedLive.each([
      ["csv", "phoneNumber,expires\n+14155550100,\n+14155550101,2027-01-01T00:00:00.000Z\n"],
      [
        "ndjson",
        '{"phoneNumber":"+14155550100","expires":null}\n{"phoneNumber":"+14155550101","expires":"2027-01-01T00:00:00.000Z"}\n'
      ]
    ] as const)("%s that can be fed in again, for its owner alone", ([format, text]) =>
      Effect.gen(function* () {
        const path = Path.join(yield* folder, `export.${format}`)
        const seen: Array<number> = []
        const written = yield* DncExport.writeFile(Stream.fromIterable(entries), {
          path,
          format,
          onProgress: (rows) => seen.push(rows)
        })
        assert.strictEqual(Fs.readFileSync(path, "utf8"), text)
        assert.strictEqual(mode(path), 0o600)
        assert.strictEqual(written.rows, 2)
        assert.strictEqual(written.bytes, text.length)
        assert.deepStrictEqual(seen, [2])
        assert.deepStrictEqual(Fs.readdirSync(Path.dirname(path)), [Path.basename(path)])
        const file = yield* SuppressionFile.open(path)
        const blocks = Chunk.toReadonlyArray(yield* Stream.runCollect(file.blocks))
        assert.deepStrictEqual(
          blocks.flatMap((block) => Array.from(block.phoneNumber, (number, i) => [number, block.expires?.[i]])),
          [
            ["+14155550100", ""],
            ["+14155550101", "2027-01-01T00:00:00.000Z"]
          ]
        )
      })
    )

    it.scopedLive("what was there stays where it fails, and nothing else is left", () =>
      Effect.gen(function* () {
        const path = Path.join(yield* folder, "export.csv")
        Fs.writeFileSync(path, "before")
        const broken = Stream.concat(Stream.fromIterable(entries), Stream.fail("broken" as const))
        assert.strictEqual(yield* Effect.flip(DncExport.writeFile(broken, { path })), "broken")
        assert.strictEqual(Fs.readFileSync(path, "utf8"), "before")
        assert.deepStrictEqual(Fs.readdirSync(Path.dirname(path)), ["export.csv"])
      })
    )

    it.scopedLive("an empty list is a header", () =>
      Effect.gen(function* () {
        const path = Path.join(yield* folder, "export.csv")
        yield* DncExport.writeFile(Stream.empty, { path })
        assert.strictEqual(Fs.readFileSync(path, "utf8"), "phoneNumber,expires\n")
      })
    )

    it.scopedLive("a link stays one, a device is written to, and a folder that is not there is said", () =>
      Effect.gen(function* () {
        const at = yield* folder
        Fs.writeFileSync(Path.join(at, "real.csv"), "")
        Fs.symlinkSync("real.csv", Path.join(at, "link.csv"))
        yield* DncExport.writeFile(Stream.fromIterable(entries), { path: Path.join(at, "link.csv") })
        assert.isTrue(Fs.lstatSync(Path.join(at, "link.csv")).isSymbolicLink())
        assert.include(Fs.readFileSync(Path.join(at, "real.csv"), "utf8"), "+14155550101")
        yield* DncExport.writeFile(Stream.fromIterable(entries), { path: "/dev/null" })
        assert.isTrue(Fs.statSync("/dev/null").isCharacterDevice())
        const path = Path.join(at, "none", "export.csv")
        const error = yield* Effect.flip(DncExport.writeFile(Stream.fromIterable(entries), { path }))
        assert.strictEqual(error.message, `${path} cannot be written (ENOENT)`)
      })
    )
  })
})

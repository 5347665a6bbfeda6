/** The parts of an upload, against servers of our own: what is sent where, and what is made of the answers. */
import * as Fs from "node:fs"
import type * as Http from "node:http"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Auth, DncUpload, HttpClient } from "genesys-dnc"
import { Mocks } from "genesys-dnc/testing"
import { problemsOfRequest } from "./conformance/contract.js"
import { quick, serve } from "./support/cli.js"
import * as Network from "./support/network.js"

const listId = "0ffca115-cafe-4ace-a11c-facade0ca115"

const client = (apiUrl: string) =>
  HttpClient.layer({ apiUrl, retry: { ...quick, attempts: 3 }, timeout: Duration.seconds(5) }).pipe(
    Layer.provide(Auth.layerToken(Redacted.make("the-bearer"))),
    Layer.provide(NodeHttpClient.layerUndici)
  )

interface Received {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: Http.IncomingHttpHeaders
  readonly body: Buffer
}

/** A server that keeps what it is sent, and answers as told. */
const store = (answer: (request: Received, count: number, response: Http.ServerResponse) => void) =>
  Effect.gen(function* () {
    const received: Array<Received> = []
    const url = yield* serve((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const { headers, method, url } = request
        received.push({ method, url, headers, body: Buffer.concat(chunks) })
        answer(received[received.length - 1], received.length, response)
      })
    })
    return { url, received }
  })

const file = (rows: number) =>
  Effect.gen(function* () {
    const writer = yield* DncUpload.makeCsv
    for (let index = 0; index < rows; index++) {
      yield* writer.append(DncUpload.csvRow(`+3319900${String(index).padStart(4, "0")}`, Number.POSITIVE_INFINITY), 1)
    }
    return yield* writer.finish
  })

const address = (
  url: string,
  headers: Readonly<Record<string, string>> = { "x-signed": "yes" }
): DncUpload.Address => ({
  url: Redacted.make(url),
  headers,
  since: 0
})

const nowhere = client("http://127.0.0.1:1")

describe("the file", () => {
  it.scopedLive("numbers and their ends, whole minutes or nothing, for its owner alone, and gone with the scope", () =>
    Effect.gen(function* () {
      const made = yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* DncUpload.makeCsv
          yield* writer.append(
            DncUpload.csvRow("+33199000001", Date.UTC(2027, 0, 2, 3, 4)) +
              DncUpload.csvRow("+33199000002", Number.POSITIVE_INFINITY) +
              DncUpload.csvRow('+1 (317) "555", 2000', Number.POSITIVE_INFINITY),
            3
          )
          const made = yield* writer.finish
          assert.strictEqual(
            Fs.readFileSync(made.path, "utf8"),
            'phoneNumber,expires\n+33199000001,2027-01-02T03:04Z\n+33199000002,\n"+1 (317) ""555"", 2000",\n'
          )
          assert.strictEqual(Fs.statSync(made.path).mode & 0o777, 0o600)
          assert.strictEqual(Fs.statSync(made.path).size, made.bytes)
          assert.strictEqual(made.rows, 3)
          assert.deepStrictEqual([...(yield* DncUpload.numbersAt(made, new Set([2, 9])))], [[2, "+33199000002"]])
          return made
        })
      )
      assert.isFalse(Fs.existsSync(made.path))
      assert.isFalse(Fs.existsSync(made.path.replace(/\/upload.csv$/, "")))
    })
  )

  it.scopedLive("gone as well where whoever made it is interrupted", () =>
    Effect.gen(function* () {
      const path = yield* Deferred.make<string>()
      const fiber = yield* file(10).pipe(
        Effect.tap((made) => Deferred.succeed(path, made.path)),
        Effect.zipRight(Effect.never),
        Effect.scoped,
        Effect.fork
      )
      const made = yield* Deferred.await(path)
      assert.isTrue(Fs.existsSync(made))
      yield* Fiber.interrupt(fiber)
      assert.isFalse(Fs.existsSync(made))
    })
  )
})

describe("bring", () => {
  it.scopedLive("exactly the headers that were given, the length, no bearer, the bytes of the file", () =>
    Effect.gen(function* () {
      const { received, url } = yield* store((_, __, response) => response.end())
      const made = yield* file(5000)
      yield* DncUpload.bring(listId, made, address(`${url}/key?X-Amz-Signature=secret`)).pipe(Effect.provide(nowhere))
      assert.strictEqual(received.length, 1)
      const [{ body, headers, method }] = received
      assert.strictEqual(method, "PUT")
      assert.isTrue(body.equals(Fs.readFileSync(made.path)))
      assert.deepStrictEqual(Object.keys(headers).sort(), ["connection", "content-length", "host", "x-signed"])
      assert.strictEqual(headers["content-length"], String(made.bytes))
    })
  )

  it.scopedLive("the whole file again after a failure", () =>
    Effect.gen(function* () {
      const { received, url } = yield* store((_, count, response) => {
        if (count === 1) return void response.destroy()
        response.statusCode = count === 2 ? 503 : 200
        response.end()
      })
      const made = yield* file(3000)
      const sent: DncUpload.Sent = { attempts: 0, correlationId: undefined, mayHaveArrived: false }
      yield* DncUpload.bring(listId, made, address(url), {}, sent).pipe(Effect.provide(nowhere))
      assert.strictEqual(sent.attempts, 3)
      for (const { body } of received) assert.strictEqual(body.length, made.bytes)
    })
  )

  it.scopedLive("an address that has ended is asked for anew, as the contract says it", () =>
    Effect.gen(function* () {
      const signed = yield* store((request, _, response) => {
        response.statusCode = request.url === "/new" ? 200 : 403
        response.end("<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
      })
      const api = yield* store((_, __, response) => {
        response.setHeader("content-type", "application/json")
        response.end(JSON.stringify({ url: `${signed.url}/new`, uploadKey: "k", headers: { "x-signed": "anew" } }))
      })
      yield* DncUpload.bring(listId, yield* file(10), address(`${signed.url}/old`)).pipe(
        Effect.provide(client(api.url))
      )
      assert.deepStrictEqual(
        signed.received.map(({ headers, url }) => [url, headers["x-signed"], headers.authorization]),
        [
          ["/old", "yes", undefined],
          ["/new", "anew", undefined]
        ]
      )
      const [{ body, headers, method }] = api.received
      assert.strictEqual(headers.authorization, "Bearer the-bearer")
      const path = `${api.url}/api/v2/outbound/dnclists/uploads`
      assert.deepStrictEqual(problemsOfRequest(String(method), path, JSON.parse(body.toString())), [])
      assert.deepStrictEqual(JSON.parse(body.toString()), {
        id: listId,
        contentType: "text/csv",
        phoneColumns: "phoneNumber",
        expirationDateTimeColumn: "expires",
        signedUrlTimeoutSeconds: 3600
      })
    })
  )

  it.scopedLive("no redirection is followed", () =>
    Effect.gen(function* () {
      const elsewhere = yield* store((_, __, response) => response.end())
      const { received, url } = yield* store((_, __, response) => {
        response.writeHead(307, { location: `${elsewhere.url}/other` })
        response.end()
      })
      const error = yield* Effect.flip(
        DncUpload.bring(listId, yield* file(10), address(url)).pipe(Effect.provide(nowhere))
      )
      assert.strictEqual(error._tag, "UnexpectedResponse")
      assert.match(error.message, /redirected, which is not followed/)
      assert.strictEqual(received.length, 1)
      assert.strictEqual(elsewhere.received.length, 0)
    })
  )

  it.effect.each(["http://store.example.test/key", "ftp://127.0.0.1/key", "http://127.0.0.1.example.test/", "no URL"])(
    "nothing is sent to %s",
    (url) =>
      Effect.gen(function* () {
        const network = Network.make(() => Effect.succeed({ status: 200 }))
        const layer = HttpClient.layer({ apiUrl: "https://api.example.test" }).pipe(
          Layer.provide(Auth.layerToken(Redacted.make("token"))),
          Layer.provide(network.layer)
        )
        const error = yield* Effect.flip(
          DncUpload.bring(listId, yield* file(1), address(url)).pipe(Effect.provide(layer))
        )
        assert.match(error.message, /nowhere but by https:/)
        assert.deepStrictEqual(network.received, [])
      }).pipe(Effect.scoped)
  )

  it.scopedLive("what the store says is passed on, but neither the signature nor a number", () =>
    Effect.gen(function* () {
      const { url } = yield* store((_, __, response) => {
        response.statusCode = 400
        response.end("<Error><Code>EntityTooLarge</Code><Message>of +33199000001</Message></Error>")
      })
      const sent: DncUpload.Sent = { attempts: 0, correlationId: undefined, mayHaveArrived: false }
      const error = yield* Effect.flip(
        DncUpload.bring(listId, yield* file(1), address(`${url}/key?X-Amz-Signature=secret`), {}, sent).pipe(
          Effect.provide(nowhere)
        )
      )
      assert.match(error.message, /^PUT http:\S+\/key was answered 400: EntityTooLarge: of \+33\*+01$/)
      assert.notInclude(JSON.stringify(error), "secret")
      assert.isFalse(sent.mayHaveArrived)
    })
  )
})

describe("awaitImport", () => {
  type Status = Readonly<Record<string, unknown>>
  const idle: Status = { totalRecords: 0, completedRecords: 0, percentComplete: 0 }
  const running = (completed: number): Status => ({
    state: "IN_PROGRESS",
    totalRecords: 10,
    completedRecords: completed,
    percentComplete: completed * 10
  })
  const done: Status = { totalRecords: 10, completedRecords: 10, percentComplete: 100 }
  const failed: Status = { ...running(4), state: "FAILED", failureReason: "CONTACT +33199000001" }

  const wait = (statuses: ReadonlyArray<Status>, before: Status = idle, isThere = false) => {
    let next = 0
    const progress: Array<number> = []
    const layer = Mocks.httpClient(() => Effect.succeed(statuses[Math.min(next++, statuses.length - 1)]))
    return Network.throughPauses(
      DncUpload.awaitImport(listId, {
        before,
        rows: 10,
        isThere: Effect.succeed(isThere),
        onProgress: (completed) => progress.push(completed)
      }).pipe(
        Effect.provide(layer),
        Effect.map((imported) => ({ ...imported, progress }))
      )
    )
  }

  it.effect.each<readonly [string, Parameters<typeof wait>, object]>([
    [
      "100 percent without a state",
      [[running(0), running(5), done]],
      { completed: 10, confirmed: true, progress: [0, 5, 10] }
    ],
    [
      "a status of before is not ours",
      [[done, done, running(5), done], done],
      { completed: 10, confirmed: true, progress: [5, 10] }
    ],
    [
      "a failure of before is not ours",
      [[failed, running(5), done], failed],
      { completed: 10, confirmed: true, progress: [5, 10] }
    ],
    ["a state that goes away", [[running(5), idle]], { completed: undefined, confirmed: false, progress: [5] }],
    [
      "the status of another count of rows proves nothing",
      [[{ ...done, totalRecords: 99 }]],
      { completed: 10, confirmed: false, progress: [10] }
    ],
    [
      "the header counted",
      [[{ ...done, totalRecords: 11, completedRecords: 11 }]],
      { completed: 11, confirmed: true, progress: [10] }
    ],
    [
      "never a status, but the list shows it",
      [[idle], idle, true],
      { completed: undefined, confirmed: false, progress: [] }
    ]
  ])("%s", ([, args, expected]) =>
    Effect.map(wait(...args), (imported) => assert.deepStrictEqual(imported, expected as typeof imported))
  )

  it.effect.each<readonly [string, Parameters<typeof wait>, DncUpload.ImportError["reason"], RegExp]>([
    ["a failure, with the server's word, masked", [[running(4), failed]], "Failed", /failed: CONTACT \+33\*+01$/],
    ["never an end", [[running(4)]], "NotReady", /has not ended within 30m/],
    ["never a beginning", [[idle]], "NotReady", /was not seen to begin within 30m/]
  ])("%s", ([, args, reason, words]) =>
    Effect.map(Effect.flip(wait(...args)), (error) => {
      assert.strictEqual(error._tag === "ImportError" && error.reason, reason)
      assert.match(error.message, words)
      assert.notStrictEqual(error.hint, "")
    })
  )
})

describe("rowErrors", () => {
  const at = Date.UTC(2026, 10, 25)
  const event = (minutes: number, other: object = {}, message: object = {}) => ({
    timestamp: new Date(at + minutes * 60_000).toISOString(),
    errorEntity: { id: listId.toUpperCase() },
    eventMessage: { code: "IMPORT_INVALID_PHONE_NUMBERS", message: "Row 3 holds +33199000001.", ...message },
    ...other
  })

  it.effect("only of this list, only since then, over pages, whatever of it is there", () =>
    Effect.gen(function* () {
      const pages: ReadonlyArray<ReadonlyArray<object>> = [
        [
          event(5, {}, { messageParams: { row: "7", value: "+33199000002" }, message: null }),
          event(5, { errorEntity: { id: "other" } }),
          event(4, { errorEntity: null, relatedEntity: { id: listId } })
        ],
        [
          event(3, {}, { code: "APPROACHING_DNC_LIST_PHONE_NUMBER_LIMIT" }),
          event(2, { eventMessage: null }),
          event(-1)
        ],
        [event(-2)]
      ]
      const asked: Array<string> = []
      const layer = Mocks.httpClient((request) => {
        const query = new Map(request.urlParams)
        asked.push(String(query.get("pageNumber")))
        assert.strictEqual(query.get("category"), "DNC_LIST")
        return Effect.succeed({ entities: pages[Number(query.get("pageNumber")) - 1], pageCount: 3 })
      })
      const errors = yield* Effect.provide(DncUpload.rowErrors(listId, at), layer)
      assert.deepStrictEqual(asked, ["1", "2"], "older pages are not asked for")
      assert.deepStrictEqual(
        errors.map(({ phoneNumbers, rows }) => [rows, phoneNumbers]),
        [
          [[7], ["+33199000002"]],
          [[3], ["+33199000001"]]
        ]
      )
    })
  )
})

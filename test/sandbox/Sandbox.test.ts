import * as Http from "node:http"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Scope from "effect/Scope"
import { Faults, Sandbox } from "../../src/sandbox/index.js"
import { call, connect, numbers } from "./support.js"

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe("Sandbox", () => {
  it.scoped("says how to use it", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      assert.match(sandbox.url, /^http:\/\/127\.0\.0\.1:\d+$/)
      assert.match(Sandbox.defaultListId, uuid)
      assert.strictEqual(
        Sandbox.describe(sandbox),
        `Genesys Cloud sandbox at ${sandbox.url}, DNC list ${Sandbox.defaultListId}

export GENESYS_DNC_API_URL=${sandbox.url}
export GENESYSCLOUD_OAUTHCLIENT_ID=sandbox
export GENESYSCLOUD_OAUTHCLIENT_SECRET=sandbox
export GENESYS_DNC_LIST=${Sandbox.defaultListId}`
      )
    })
  )

  it.effect("is a layer", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const client = yield* connect(sandbox)
      assert.strictEqual((yield* client.list()).body.id, sandbox.listId)
    }).pipe(Effect.provide(Sandbox.layer()))
  )

  it.scoped("names the port that is taken", () =>
    Effect.gen(function* () {
      const first = yield* Sandbox.make()
      const error = yield* Effect.flip(Sandbox.make({ port: first.port }))
      assert.strictEqual(error._tag, "SandboxError")
      assert.strictEqual(error.message, `Port ${first.port} of 127.0.0.1 is taken by another program.`)
    })
  )

  it.effect("leaves nothing behind: open requests break, the port is free again", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const sandbox = yield* Sandbox.make({ faults: { latencyMs: 60_000, routes: ["list"] } }).pipe(Scope.extend(scope))
      const client = yield* connect(sandbox)
      const agent = new Http.Agent({ keepAlive: true })
      const broken = new Promise((resolve) => {
        const url = `${sandbox.url}/api/v2/outbound/dnclists/${sandbox.listId}`
        const request = Http.get(url, { agent, headers: client.bearer })
        request.on("error", resolve)
        request.on("finish", () => setImmediate(() => Effect.runFork(Scope.close(scope, Exit.void))))
      })
      assert.instanceOf(yield* Effect.promise(() => broken), Error)
      yield* Scope.close(scope, Exit.void)
      yield* Effect.scoped(Sandbox.make({ port: sandbox.port }))
      assert.isUndefined(Object.values(agent.freeSockets).flat()[0])
    })
  )

  it.scoped("describes its list, with the size where it is asked for", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      const before = yield* client.list()
      assert.strictEqual(before.status, 200)
      assert.strictEqual(before.body.dncSourceType, "rds")
      assert.strictEqual(before.body.contactMethod, "Phone")
      assert.strictEqual(before.body.selfUri, `/api/v2/outbound/dnclists/${sandbox.listId}`)
      assert.notProperty(before.body, "size")
      yield* client.push(numbers(3))
      const after = yield* client.list("?includeSize=true")
      assert.strictEqual(after.body.size, 3)
      assert.isAbove(after.body.version, before.body.version)
    })
  )

  it.scoped("answers what it does not know as Genesys Cloud does", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const client = yield* connect(sandbox)
      const answers = [
        [yield* client.list("", "0ffca115-cafe-4ace-a11c-000000000000"), 404, "not.found"],
        [yield* client.list("", "my-list"), 400, "bad.request"],
        [yield* call(`${sandbox.url}/api/v2/users/search`), 404, "not.found"],
        [yield* call(`${sandbox.url}/sandbox/stats`), 404, "not.found"],
        [yield* call(`${sandbox.url}//`), 404, "not.found"],
        [yield* call(`${sandbox.url}/oauth/token`), 405, "method.not.allowed"],
        [yield* call(`${sandbox.url}/api/v2/outbound/dnclists/${sandbox.listId}`), 401, "authentication.required"]
      ] as const
      for (const [{ body, headers, status }, expected, code] of answers) {
        assert.strictEqual(status, expected)
        assert.match(headers.get("inin-correlation-id")!, uuid)
        assert.isString(body.message)
        assert.deepInclude(body, {
          code,
          status,
          contextId: headers.get("inin-correlation-id"),
          details: [],
          errors: []
        })
      }
      assert.strictEqual(answers[5][0].headers.get("allow"), "POST")
    })
  )

  it.scoped("limits requests by token and window, in the published form", () =>
    Effect.gen(function* () {
      let now = Date.UTC(2030, 0, 1)
      const sandbox = yield* Sandbox.make({ rateLimit: { requests: 2, windowSeconds: 60 }, now: () => now })
      const client = yield* connect(sandbox)
      const other = yield* connect(sandbox)
      const first = yield* client.list()
      assert.strictEqual(first.headers.get("inin-ratelimit-allowed"), "2")
      assert.strictEqual(first.headers.get("inin-ratelimit-count"), "1")
      assert.strictEqual(first.headers.get("inin-ratelimit-reset"), "60")
      yield* client.list()
      now += 17_500
      const { body, headers, status } = yield* client.push(numbers(1))
      assert.strictEqual(status, 429)
      assert.strictEqual(headers.get("retry-after"), "43")
      assert.deepStrictEqual(body, {
        message: "Rate limit exceeded the maximum. Retry the request in [43] seconds",
        code: "too.many.requests.retry.after",
        status: 429,
        contextId: headers.get("inin-correlation-id"),
        details: [],
        errors: []
      })
      assert.strictEqual((yield* other.list()).status, 200)
      now += 42_500
      assert.strictEqual((yield* client.push(numbers(1))).status, 200)
    })
  )

  it.scoped("sends no limit headers without a limit", () =>
    Effect.gen(function* () {
      const client = yield* connect(yield* Sandbox.make())
      assert.isNull((yield* client.list()).headers.get("inin-ratelimit-allowed"))
    })
  )

  it.scoped("counts requests, open requests, attempts by key and tokens, and forgets them on reset", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ faults: { latencyMs: 50, routes: ["entries"] } })
      const client = yield* connect(sandbox)
      const pushes = Array.from({ length: 8 }, (_, index) => client.push(numbers(5, index * 5)))
      yield* Effect.all(pushes, { concurrency: 4 })
      yield* sandbox.inject(Faults.failNext(1, 503))
      yield* client.push(["+14155550199"], {}, "again")
      yield* client.push(["+14155550199"], {}, "again")
      const stats = yield* sandbox.stats
      assert.deepStrictEqual(stats.requests.entries, { "200": 9, "503": 1 })
      assert.deepStrictEqual(stats.requests.token, { "200": 1 })
      assert.strictEqual(stats.openEntries.current, 0)
      assert.isAtLeast(stats.openEntries.max, 2)
      assert.isAtMost(stats.openEntries.max, 4)
      assert.deepStrictEqual(stats.keys["again"].answeredStatuses, [503, 200])
      assert.strictEqual(stats.keys["again"].attempts, 2)
      assert.match(stats.keys["again"].bodyDigest, /^[0-9a-f]{64}$/)
      assert.strictEqual(stats.tokensIssued, 1)
      assert.deepStrictEqual(stats.violations, [])
      yield* sandbox.reset
      const after = yield* sandbox.stats
      assert.deepStrictEqual(after.requests.entries, {})
      assert.deepStrictEqual(after.keys, {})
      assert.deepStrictEqual([...sandbox.entries()], [])
      assert.strictEqual((yield* client.push(["+14155550199"], {}, "again")).body.created, 1)
    })
  )

  it.scoped("logs through the program's logger: requests at debug, violations at warning, numbers masked", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel.label} ${message}`))
      const sandbox = yield* Sandbox.make().pipe(
        Logger.withMinimumLogLevel(LogLevel.Debug),
        Effect.provide(Logger.add(logger))
      )
      const client = yield* connect(sandbox)
      yield* client.push(["14155550100"])
      assert.deepStrictEqual(lines, [
        "DEBUG POST /oauth/token 200",
        `WARN against the contract: phoneNumbers[0] is not in E.164 format: "*********00"`,
        `DEBUG POST /api/v2/outbound/dnclists/${sandbox.listId}/entries 422`
      ])
    })
  )

  it.scoped("keeps the books of as many keys as it is told to", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ maxKeys: 2 })
      const client = yield* connect(sandbox)
      for (const key of ["a", "b", "c"]) yield* client.push(numbers(1), {}, key)
      assert.deepStrictEqual(Object.keys((yield* sandbox.stats).keys), ["b", "c"])
    })
  )

  it.scoped(
    "holds a million entries",
    () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.make({ control: true })
        const client = yield* connect(sandbox)
        const entries = function* () {
          for (let index = 0; index < 1_000_000; index++) yield { phoneNumber: `+${14150000000 + index}` }
        }
        yield* sandbox.seed(entries())
        assert.strictEqual((yield* client.list("?includeSize=true")).body.size, 1_000_000)
        const { text } = yield* call(`${sandbox.url}/sandbox/lists/${sandbox.listId}/entries`)
        assert.strictEqual(text.length, 1_000_000 * text.indexOf("\n") + 1_000_000)
        assert.deepStrictEqual((yield* client.push(["+14150000007"], { reason: "UNSPECIFIED" })).body.duplicate, 1)
      }),
    60_000
  )
})

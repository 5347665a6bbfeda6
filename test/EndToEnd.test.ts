/** Whole runs against the sandbox while it misbehaves, compared with a model of what has to be on the list. */
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import {
  AuditSink,
  Auth,
  Contract,
  type DncEntry,
  DncSubmitter,
  DncValidator,
  GenesysDnc,
  HttpClient,
  WebhookRegistrar
} from "genesys-dnc"
import { Faults, Sandbox, type Webhooks } from "genesys-dnc/sandbox"
import { assertTotals, environment, file, folder, number, onList, quick, serve } from "./support/cli.js"

/** A request to the entries route as it left the client. */
interface Sent {
  readonly key: string | undefined
  readonly digest: string
  readonly authorization: string | undefined
}

/** The library's services, wired as a program would that watches its own network and keeps the log elsewhere. */
const services = (
  sandbox: Sandbox.Service,
  policy: Partial<DncValidator.Policy>,
  sent: Array<Sent>,
  records: Array<AuditSink.AuditRecord>,
  numbers: AuditSink.Options["numbers"] = "whole"
) => {
  const watched = Layer.effect(
    PlatformHttpClient.HttpClient,
    Effect.map(
      PlatformHttpClient.HttpClient,
      PlatformHttpClient.tapRequest(({ body, headers, url }) =>
        Effect.sync(() => {
          if (!url.endsWith("/entries") || body._tag !== "Uint8Array") return
          const digest = createHash("sha256").update(body.body).digest("hex")
          sent.push({ digest, key: headers["idempotency-key"], authorization: headers["authorization"] })
        })
      )
    )
  ).pipe(Layer.provide(NodeHttpClient.layerUndici))
  const clientSecret = Redacted.make(sandbox.clientSecret)
  return Layer.merge(DncSubmitter.layer({ contract: Contract.entries, retry: quick }), WebhookRegistrar.layer()).pipe(
    Layer.provideMerge(HttpClient.layer({ apiUrl: sandbox.url, retry: quick })),
    Layer.provide(Auth.layer({ loginUrl: sandbox.url, clientId: sandbox.clientId, clientSecret, retry: quick })),
    Layer.provide(watched),
    Layer.provideMerge(Layer.merge(DncValidator.layer(policy), AuditSink.layerMemory(records, { numbers })))
  )
}

const reasons = { OPT_OUT: "CUSTOMER_REQUEST", COMPLAINT: "REGULATORY" } as const

/** What the file says, and what it means: a date is over when it is over everywhere. */
const reasonCells = [
  ["", "UNSPECIFIED"],
  ["whatever", "UNSPECIFIED"],
  ["opt_out", "CUSTOMER_REQUEST"],
  ["CUSTOMER_REQUEST", "CUSTOMER_REQUEST"],
  ["Complaint", "REGULATORY"]
] as const
const expiryCells = [
  ["", null],
  ["2034-12-31T18:00:00Z", "2034-12-31T18:00:00.000Z"],
  ["2035-06-30", "2035-07-01T12:00:00.000Z"],
  ["2035-07-01T14:00:00+02:00", "2035-07-01T12:00:00.000Z"],
  ["2036-02-29T00:00", "2036-02-29T12:00:00.000Z"]
] as const

interface Value {
  readonly reason: DncEntry.Reason
  readonly expires: string | null
}

/** In words of its own: for ever, then later, then the stricter reason. */
const stricter = (a: Value, b: Value): Value => {
  const order = ["UNSPECIFIED", "CUSTOMER_REQUEST", "REGULATORY"]
  const rank = ({ expires, reason }: Value) => `${expires ?? "for ever"} ${order.indexOf(reason)}`
  return rank(a) >= rank(b) ? a : b
}

const generator = (seed: number) => {
  let state = seed
  return (below: number) => {
    // Park and Miller
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

/** Numbers that validate: Paris and Rennes. */
const numberOf = (index: number): string =>
  index < 10_000 ? number(index) : `+3326191${String(index - 10_000).padStart(4, "0")}`

/** A file of so many rows, and what it means. */
const generate = (rows: number, seed: number) => {
  const random = generator(seed)
  const lines: Array<string> = []
  const model = new Map<string, Value>()
  let rejected = 0
  let duplicates = 0
  for (let row = 0; row < rows; row++) {
    const [reasonCell, reason] = reasonCells[random(reasonCells.length)]
    const [expiryCell, expires] = expiryCells[random(expiryCells.length)]
    if (random(50) === 0) {
      rejected++
      lines.push(`${["no number", "911", "+1415555010", ""][random(4)]},${reasonCell},${expiryCell},`)
      continue
    }
    const index = random(15_000)
    const phoneNumber = numberOf(index)
    const cell = index % 3 === 0 ? phoneNumber : `0${phoneNumber.slice(3, 4)} ${phoneNumber.slice(4)}`
    lines.push(`${cell},${reasonCell},${expiryCell},${index % 3 === 0 ? "" : "FR"}`)
    const before = model.get(phoneNumber)
    if (before !== undefined) duplicates++
    model.set(phoneNumber, before === undefined ? { reason, expires } : stricter(before, { reason, expires }))
  }
  return { content: `phone,reason,expires,country\n${lines.join("\n")}\n`, model, rejected, duplicates }
}

const shown = ({ expires, reason }: Value) => `${reason} ${expires ?? "for ever"}`

describe("20,000 rows through 10 % 5xx, 10 % 429 and 5 % answers lost", () => {
  it.scopedLive.each([1, 2, 4])(
    "seed %i: every valid number is on the list once, at its strictest",
    (seed) =>
      Effect.gen(function* () {
        const events: Array<Webhooks.Event> = []
        const target = yield* serve((request, response) => {
          let body = ""
          request.setEncoding("utf8")
          request.on("data", (text) => {
            body += text
          })
          request.on("end", () => {
            events.push(JSON.parse(body))
            response.end()
          })
        })
        const sandbox = yield* Sandbox.make({
          seed,
          faults: {
            latencyMs: 2,
            jitterMs: 6,
            status5xxRate: 0.1,
            status429Rate: 0.1,
            retryAfterSeconds: 0,
            dropAfterRate: 0.05
          }
        })
        const { content, duplicates, model, rejected } = generate(20_000, seed)
        // some of them are there already, some as they should be and some with less
        const known = [...model].slice(0, 300)
        yield* sandbox.seed(known.slice(0, 100).map(([phoneNumber, value]) => ({ phoneNumber, ...value })))
        const looser = known.slice(100).filter(([, value]) => value.expires === null || value.expires > "2035")
        yield* sandbox.seed(looser.map(([phoneNumber]) => ({ phoneNumber, expires: "2034-01-01T00:00:00.000Z" })))

        const sent: Array<Sent> = []
        const records: Array<AuditSink.AuditRecord> = []
        const path = yield* file(content)
        const report = yield* Effect.gen(function* () {
          const registrar = yield* WebhookRegistrar.WebhookRegistrar
          yield* registrar.register({ name: "compliance", url: target })
          return yield* GenesysDnc.pushFile(path, { dncListId: sandbox.listId })
        }).pipe(
          Effect.provide(services(sandbox, { reasons }, sent, records)),
          Logger.withMinimumLogLevel(LogLevel.Error)
        )

        assert.strictEqual(report.outcome, "completed")
        assert.strictEqual(report.complianceStatus, "VALIDATED_WITH_REJECTS")
        assertTotals(report.totals, {
          read: 20_000,
          rejected,
          duplicateInFile: duplicates,
          duplicateOnList: 100,
          updated: looser.length,
          created: model.size - 100 - looser.length
        })
        const list = onList(sandbox)
        assert.strictEqual(list.size, model.size)
        for (const [phoneNumber, value] of model) assert.strictEqual(list.get(phoneNumber), shown(value))

        const { keys, openEntries, requests, violations } = yield* sandbox.stats
        assert.deepStrictEqual(violations, [])
        assert.isAtLeast(openEntries.max, 2)
        assert.isAtMost(openEntries.max, 5)
        // the trouble was there
        assert.isAbove(Number(requests.entries["429"]), 0)
        assert.isAbove(Number(requests.entries["dropped"]), 0)
        assert.isAbove(sent.length, report.batches.cut)
        assert.strictEqual(report.requests, sent.length)

        // as many batches as the values need, and one key and one body for all attempts of each
        const groups = new Map<string, number>()
        for (const value of model.values()) groups.set(shown(value), (groups.get(shown(value)) ?? 0) + 1)
        const { largestBatch } = Contract.entries
        const batches = Array.from(groups.values()).reduce((sum, count) => sum + Math.ceil(count / largestBatch), 0)
        assert.deepStrictEqual(report.batches, { cut: batches, done: batches, failed: 0 })
        const bodies = new Map<string, Set<string>>()
        for (const { digest, key = "no key" } of sent) bodies.set(key, (bodies.get(key) ?? new Set()).add(digest))
        assert.strictEqual(bodies.size, batches)
        // the webhook has a key too
        assert.strictEqual(Object.keys(keys).length, batches + 1)
        for (const [key, digests] of bodies) assert.deepStrictEqual([...digests], [keys[key].bodyDigest])
        assert.strictEqual(new Set(sent.map(({ digest }) => digest)).size, batches)
        for (const key of bodies.keys()) {
          const requests = sent.filter((request) => request.key === key)
          // one may have met a connection that was closed already
          assert.isAtLeast(keys[key].attempts, 1)
          assert.isAtMost(keys[key].attempts, requests.length)
        }

        // the log can say of every number what became of it
        const intended = records.filter(({ operation }) => operation === "BATCH_INTENDED")
        assert.deepStrictEqual(
          intended.flatMap(({ phoneNumbers = [] }) => phoneNumbers).sort(),
          [...model.keys()].sort()
        )
        assert.strictEqual(records.filter(({ operation }) => operation === "BATCH_DONE").length, batches)

        yield* sandbox.delivered
        const told = Array.from(new Map(events.map((event) => [event.id, event])).values()).flatMap(
          ({ entries }) => entries
        )
        const there = new Set([...known.slice(0, 100), ...looser].map(([phoneNumber]) => phoneNumber))
        assert.deepStrictEqual(
          told.map((entry) => `${entry.phoneNumber} ${shown(entry)}`).sort(),
          [...model]
            .filter(([phoneNumber]) => !there.has(phoneNumber))
            .map(([phoneNumber, value]) => `${phoneNumber} ${shown(value)}`)
            .sort()
        )
      }),
    120_000
  )

  it.scopedLive("a second run of the same file changes nothing", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const { content, duplicates, model, rejected } = generate(3000, 4)
      const path = yield* file(content)
      const push = GenesysDnc.pushFile(path, { dncListId: sandbox.listId })
      const layer = services(sandbox, { reasons }, [], [])
      yield* Effect.provide(push, layer)
      const before = onList(sandbox)
      const report = yield* Effect.provide(push, layer)
      assertTotals(report.totals, { read: 3000, rejected, duplicateInFile: duplicates, duplicateOnList: model.size })
      assert.deepStrictEqual(onList(sandbox), before)
    })
  )
})

describe("secrets and numbers", () => {
  it.scopedLive("stand in no log, no error and no record, at any level", () =>
    Effect.gen(function* () {
      const clientSecret = "s3cr3t-of-the-client"
      const sandbox = yield* Sandbox.make({ clientSecret, refuse: [number(5)], refusals: "silent" })
      const words = { route: "entries", message: `cannot store ${number(3)} or 415-555-0101 now` } as const
      yield* sandbox.inject(Faults.failNext(4, 503, words), Faults.dropNext(1, "after", { route: "entries" }))
      const said: Array<string> = []
      const logger = Logger.make(({ annotations, cause, message, spans }) => {
        said.push(JSON.stringify([message, [...annotations], [...spans], Cause.pretty(cause)]))
      })
      const sent: Array<Sent> = []
      const records: Array<AuditSink.AuditRecord> = []
      const layer = services(sandbox, {}, sent, records, "masked")
      const numbers = Array.from({ length: 10 }, (_, index) => number(index))
      const raw = ["+1 415 555 010", "0199001234567", "415.555.2671 home"]
      const path = yield* file(`phone\n${[...numbers, ...raw].join("\n")}\n`)
      const push = (options?: Partial<GenesysDnc.PushOptions>) =>
        GenesysDnc.pushFile(path, { dncListId: sandbox.listId, ...options })
      const results = yield* Effect.gen(function* () {
        const report = yield* push()
        assertTotals(report.totals, { read: 13, created: 9, rejected: 4 })
        yield* sandbox.inject(Faults.failNext(20, 422, words))
        const failed = yield* push()
        assert.isAbove(failed.totals.failed, 0)
        const tooMany = yield* Effect.flip(push({ maxRejects: { rows: 0 } }))
        const missing = yield* Effect.flip(push({ dncListId: "00000000-0000-0000-0000-000000000000" }))
        return [report, failed, tooMany, missing]
      }).pipe(
        Effect.provide(layer),
        Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
        Logger.withMinimumLogLevel(LogLevel.All)
      )
      const wrong = yield* push().pipe(
        Effect.provide(services({ ...sandbox, clientSecret: "another-s3cr3t" }, {}, [], [])),
        Effect.flip
      )

      const tokens = new Set(sent.map(({ authorization }) => authorization?.replace("Bearer ", "")))
      assert.isTrue(said.some((text) => text.includes("cannot store +33*******03 or ********01 now")))
      assert.isAbove(tokens.size, 0)
      const inspected = [...results, wrong].map((result) =>
        [JSON.stringify(result), String(result), result instanceof Error ? Cause.pretty(Cause.fail(result)) : ""].join()
      )
      for (const text of [...said, ...inspected, JSON.stringify(records)]) {
        for (const token of tokens) assert.isFalse(text.includes(String(token)), text)
        assert.isFalse(text.includes("s3cr3t"), text)
        assert.isFalse(text.includes(btoa(`${sandbox.clientId}:${clientSecret}`)), text)
        for (const phoneNumber of [...numbers, ...raw, "415-555-0101"]) {
          assert.isFalse(text.includes(phoneNumber), text)
          assert.isFalse(text.includes(phoneNumber.replace("+33", "")), text)
        }
      }
    })
  )

  it.scopedLive("nor does a token that was given and is refused", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make()
      const accessToken = "a-t0ken-that-ended"
      const path = yield* file(`phone\n${number(1)}\n`)
      const error = yield* GenesysDnc.pushFile(path, { dncListId: sandbox.listId }).pipe(
        Effect.provide(
          GenesysDnc.layer({
            apiUrl: String(environment(sandbox)["GENESYS_DNC_API_URL"]),
            credentials: { accessToken: Redacted.make(accessToken) },
            auditLog: `${yield* folder}/audit.jsonl`,
            retry: quick
          })
        ),
        Effect.flip
      )
      assert.strictEqual(error._tag, "Unauthorized")
      assert.include(String("hint" in error && error.hint), "GENESYSCLOUD_ACCESS_TOKEN")
      assert.notInclude(JSON.stringify(error) + Cause.pretty(Cause.fail(error)), accessToken)
      assert.isFalse(Fs.existsSync(`${path}.failed.csv`))
    })
  )
})

/** From a push with ends that the list cannot say to the day when they have come, against the sandbox. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { DncExport, DncLists, GenesysDnc, HttpClient, type RunReport } from "genesys-dnc"
import { Faults, Sandbox } from "genesys-dnc/sandbox"
import { assertTotals, folder, mode, number, readRecords, settings } from "./support/cli.js"

const day = 86_400_000
const minute = 60_000

interface More {
  readonly action?: "remove"
  readonly ends?: string
  readonly upload?: "append" | "replace"
}

/** A sandbox whose days go by when they are told to. */
const world = (options: Partial<Sandbox.Options> = {}) =>
  Effect.gen(function* () {
    let ahead = 0
    const now = () => Date.now() + ahead
    const sandbox = yield* Sandbox.make({ contract: "platform", exportDelayMs: 10, now, ...options })
    const cwd = yield* folder
    const at = (name: string) => Path.join(cwd, name)
    const [ends, audit, failedPath] = [at("ends.jsonl"), at("audit.jsonl"), at("failed.csv")]
    const layer = GenesysDnc.layer({ ...settings(sandbox, audit), api: "platform" })
    let files = 0
    const pushFile = (path: string, { upload, ...more }: More) =>
      Effect.gen(function* () {
        const client = yield* HttpClient.HttpClient
        return yield* GenesysDnc.pushFile(path, {
          dncListId: sandbox.listId,
          now: now(),
          allowShorten: true,
          sizeLag: 0,
          ends,
          listed: Stream.provideService(DncExport.stream(sandbox.listId), HttpClient.HttpClient, client),
          ...(upload === undefined ? {} : { upload: { above: 0, client, import: upload } }),
          ...more
        })
      }).pipe(Effect.provide(layer))
    return {
      sandbox,
      ends,
      audit,
      failedPath,
      later: (days: number) => {
        ahead += days * day
      },
      list: () => new Map(Array.from(sandbox.entries(), ({ expires, phoneNumber }) => [phoneNumber, expires])),
      /** Rows of a number and the days until its end, if it has one. */
      push: (rows: ReadonlyArray<readonly [index: number, days?: number]>, more: More = {}) =>
        Effect.gen(function* () {
          const path = at(`in-${files++}.csv`)
          const lines = rows.map(([index, days]) =>
            [number(index), days === undefined ? "" : new Date(now() + days * day).toISOString()].join(",")
          )
          Fs.writeFileSync(path, `phoneNumber,expires\n${lines.join("\n")}\n`)
          return yield* pushFile(path, more)
        }),
      pushFile,
      expire: (more: Partial<GenesysDnc.ExpireOptions> = {}) =>
        GenesysDnc.expire({
          dncListId: sandbox.listId,
          ends,
          now: now(),
          sizeLag: 0,
          failedPath,
          keep: [audit],
          ...more
        }).pipe(Effect.provide(layer))
    }
  })

const requests = (sandbox: Sandbox.Service) => Effect.map(sandbox.stats, ({ requests }) => requests)

const keptIn = ({ ends }: RunReport.RunReport) => ends

describe("GenesysDnc.expire", { timeout: 60_000 }, () => {
  it.scopedLive("takes off what is due and as it was written, leaves the rest, purges, and says so in the log", () =>
    Effect.gen(function* () {
      const { audit, ends, expire, later, list, push, sandbox } = yield* world()
      yield* sandbox.seed([{ phoneNumber: number(9) }])
      const report = yield* push([[0, 200], [1, 200], [2, 200], [3, 400], [4], [5, 30], [9, 200]])
      assertTotals(report.totals, { read: 7, accepted: 7 })
      assert.deepStrictEqual(keptIn(report), { path: ends, kept: 4, forEver: 1, unseen: 0 })
      assert.strictEqual(mode(ends), 0o600)
      assert.strictEqual(list().get(number(0)), null)
      later(100)
      // one is taken off by hand, one gets an end by hand
      yield* push([[1]], { action: "remove", ends: `${ends}.other` })
      yield* push([[2, 150]], { ends: `${ends}.other` })
      later(110)
      const looked = yield* expire({ dryRun: true })
      assert.deepInclude(looked, { due: 3, toRemove: 1, gone: 1, changed: 1, later: 1 })
      assert.isUndefined(looked.report)
      assert.sameMembers(Array.from(list().keys()), [0, 2, 3, 4, 9].map(number))
      const expired = yield* expire()
      assert.deepInclude(expired, { due: 3, toRemove: 1, gone: 1, changed: 1, renewed: 0, later: 1, purge: "done" })
      assertTotals(expired.report!.totals, { read: 1, accepted: 1 })
      assert.sameMembers(Array.from(list().keys()), [2, 3, 4, 9].map(number))
      const records = readRecords(audit).filter(({ runId }) => runId === expired.report!.runId)
      assert.deepStrictEqual(
        records.map(({ operation }) => operation),
        ["RUN_STARTED", "BATCH_INTENDED", "BATCH_DONE", "RUN_FINISHED"]
      )
      const [started, intended] = records
      assert.deepStrictEqual(started?.operation === "RUN_STARTED" && started.result.expiry, {
        due: 3,
        gone: 1,
        changed: 1,
        renewed: 0
      })
      assert.strictEqual(intended?.operation === "BATCH_INTENDED" && intended.result.action, "remove")
      assert.notInclude(Fs.readFileSync(audit, "utf8"), number(0))
      // forgotten: put on by hand, it stays
      yield* sandbox.seed([{ phoneNumber: number(0) }, { phoneNumber: number(1) }, { phoneNumber: number(2) }])
      assert.deepInclude(yield* expire(), { due: 0, toRemove: 0, later: 1 })
      assert.sameMembers(Array.from(list().keys()), [0, 1, 2, 3, 4, 9].map(number))
      later(200)
      assert.deepInclude(yield* expire(), { due: 1, toRemove: 1, later: 0 })
      assert.isFalse(list().has(number(3)))
    })
  )

  it.scopedLive("not before the end has come, and never earlier than the row said", () =>
    Effect.gen(function* () {
      const { expire, later, list, push } = yield* world()
      yield* push([[0, 200]])
      later(200 - (2 * minute) / day)
      assert.deepInclude(yield* expire(), { due: 0, later: 1 })
      later((2 * minute) / day)
      assert.deepInclude(yield* expire(), { due: 1, toRemove: 1 })
      assert.strictEqual(list().size, 0)
    })
  )

  it.scopedLive("an end that has come near, pushed as a file: the list says for ever still, so it is kept", () =>
    Effect.gen(function* () {
      const { expire, later, list, push } = yield* world()
      yield* push([
        [0, 200],
        [1, 200],
        [2, 300]
      ])
      later(100)
      // what is on the list with a later end keeps it
      const { totals, upload } = yield* push(
        [
          [0, 100],
          [1, 150],
          [2, 150],
          [3, 100]
        ],
        { upload: "replace" }
      )
      assert.isDefined(upload)
      assertTotals(totals, { read: 4, accepted: 4 })
      assert.isNull(list().get(number(0)))
      later(101)
      assert.deepInclude(yield* expire(), { due: 1, toRemove: 1, later: 2 })
      assert.sameMembers(Array.from(list().keys()), [1, 2].map(number))
      later(50)
      assert.deepInclude(yield* expire(), { due: 1, toRemove: 1, later: 1 })
      later(50)
      assert.deepInclude(yield* expire(), { due: 1, toRemove: 1, later: 0 })
      assert.strictEqual(list().size, 0)
    })
  )

  it.scopedLive("a list that is put back from its copy, as the hint says, keeps its ends", () =>
    Effect.gen(function* () {
      const { expire, later, list, push, pushFile } = yield* world({ uploadMode: "replace" })
      yield* push([[0, 200], [1]])
      const { error, upload } = yield* push([[2]], { upload: "append" })
      assert.sameMembers(Array.from(list().keys()), [2].map(number))
      const [, path, ends] = /genesys-dnc push (\S+) .*--ends (\S+?)[.;]? /.exec(error?.hint ?? "") ?? []
      assert.strictEqual(path, upload?.copy)
      assert.strictEqual((yield* pushFile(path, { ends })).outcome, "completed")
      assert.sameMembers(Array.from(list().keys()), [0, 1, 2].map(number))
      later(201)
      assert.deepInclude(yield* expire(), { due: 1, toRemove: 1 })
      assert.sameMembers(Array.from(list().keys()), [1, 2].map(number))
    })
  )

  it.scopedLive("nothing due: no export, no run, but a purge; and where it is not wanted not even that", () =>
    Effect.gen(function* () {
      const { audit, ends, expire, sandbox } = yield* world()
      assert.deepInclude(yield* expire({ purge: false }), { due: 0, toRemove: 0 })
      assert.isUndefined((yield* requests(sandbox)).phonenumbers[204])
      assert.strictEqual((yield* expire()).purge, "done")
      assert.isFalse(Fs.existsSync(ends))
      assert.deepStrictEqual(readRecords(audit), [])
    })
  )

  it.scopedLive(
    "without outbound:dnc:delete numbers are taken off all the same, and the purge says what is missing",
    () =>
      Effect.gen(function* () {
        const permissions = Sandbox.defaults.permissions.filter((name) => name !== "outbound:dnc:delete")
        const { expire, later, list, push } = yield* world({ permissions })
        yield* push([[0, 200]])
        later(201)
        const { purge, report } = yield* expire()
        assert.strictEqual(report?.totals.accepted, 1)
        assert.strictEqual(typeof purge === "object" && purge._tag, "Forbidden")
        assert.strictEqual(list().size, 0)
      })
  )

  it.scopedLive("a push by a role that may not look at the list sends all and keeps no end", () =>
    Effect.gen(function* () {
      const permissions = Sandbox.defaults.permissions.filter((name) => name !== "outbound:dnc:view")
      const { ends, list, push } = yield* world({ permissions })
      const report = yield* push([[0, 200], [1]])
      assert.deepStrictEqual(keptIn(report), { path: ends, kept: 0, forEver: 0, unseen: 1 })
      assert.strictEqual(list().size, 2)
      assert.isFalse(Fs.existsSync(ends))
    })
  )

  it.scopedLive("ends that cannot be written: nothing is sent, and nothing is on record as sent", () =>
    Effect.gen(function* () {
      const { audit, ends, list, push } = yield* world()
      const error = yield* Effect.flip(push([[0, 200], [1]], { ends: Path.join(ends, "no", "folder") }))
      assert.strictEqual(error._tag, "EndsError")
      assert.strictEqual(list().size, 0)
      assert.deepStrictEqual(readRecords(audit), [])
      // what has no such end needs no file
      yield* push([[1]], { ends: Path.join(ends, "no", "folder") })
      assert.strictEqual(list().size, 1)
    })
  )

  it.scopedLive("a removal that is refused goes to a private file, and is tried again the next time", () =>
    Effect.gen(function* () {
      const { expire, failedPath, later, list, push, sandbox } = yield* world()
      yield* push([
        [0, 200],
        [1, 200]
      ])
      later(201)
      const stopped = yield* expire({ stop: Effect.void })
      assert.strictEqual(stopped.report?.outcome, "stopped")
      assert.isUndefined(stopped.purge)
      assert.strictEqual(list().size, 2)
      // once for each attempt
      yield* sandbox.inject(Faults.failNext(10, 503, { route: "phonenumbers" }))
      const failed = yield* expire()
      assertTotals(failed.report!.totals, { read: 2, failed: 2 })
      assert.strictEqual(mode(failedPath), 0o600)
      assert.include(Fs.readFileSync(failedPath, "utf8"), number(0))
      const again = yield* expire()
      assertTotals(again.report!.totals, { read: 2, accepted: 2 })
      assert.strictEqual(list().size, 0)
    })
  )
})

describe("DncLists.purgeExpired", () => {
  it.scopedLive("what is not expired stays", () =>
    Effect.gen(function* () {
      const { later, list, sandbox } = yield* world()
      const soon = new Date(Math.ceil(Date.now() / minute) * minute + day).toISOString()
      yield* sandbox.seed([{ phoneNumber: number(0) }, { phoneNumber: number(1), expires: soon }])
      later(2)
      yield* DncLists.purgeExpired(sandbox.listId).pipe(
        Effect.provide(GenesysDnc.layerClient(settings(sandbox, "unused")))
      )
      assert.deepStrictEqual(Array.from(list().keys()), [number(0)])
    })
  )

  it("nothing else in the library sends a DELETE: without its parameter it would empty a list", () => {
    const root = new URL("../src", import.meta.url).pathname
    const senders = (Fs.readdirSync(root, { recursive: true }) as Array<string>)
      .filter((path) => path.endsWith(".ts") && !path.startsWith("sandbox"))
      .flatMap((path) =>
        Fs.readFileSync(Path.join(root, path), "utf8")
          .split("\n")
          .flatMap((line) => (/\bdel\b|\bDELETE\b/.test(line) ? [`${path}: ${line.trim()}`] : []))
      )
    assert.deepStrictEqual(senders.length, 1, senders.join("\n"))
    assert.match(senders[0], /^DncLists\.ts: HttpClientRequest\.del\(/)
    const source = Fs.readFileSync(Path.join(root, "DncLists.ts"), "utf8")
    assert.match(
      source,
      /HttpClientRequest\.del\(.*\/phonenumbers`\)\.pipe\(\s*HttpClientRequest\.setUrlParams\(\{ expiredOnly: true \}\)/
    )
  })
})

import * as fs from "node:fs"
import { join } from "node:path"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AuditSink } from "genesys-dnc"
import * as Sql from "genesys-dnc/sql"
import * as Libsql from "genesys-dnc/sql/libsql"
import { folder } from "../support/files.js"
import { append, batchOf, intended, libsqlClient, pgClient, postgres, records, refused, schema } from "./support.js"

const clientOf = (layer: Layer.Layer<SqlClient.SqlClient>) =>
  Effect.map(Layer.build(Layer.fresh(layer)), Context.get(SqlClient.SqlClient))

const sinkOn = (sql: SqlClient.SqlClient, options?: Sql.Options) =>
  Layer.provide(Sql.layer(options), Layer.succeed(SqlClient.SqlClient, sql))

const mode = (path: string) => (fs.statSync(path).mode & 0o777).toString(8)

describe("Libsql", () => {
  it.scopedLive("its files are for their owner alone, also one that was there with other rights", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "audit.db")
      const names = [path, `${path}-wal`, `${path}-shm`]
      yield* Effect.gen(function* () {
        yield* append(intended(0))
        assert.deepStrictEqual(names.map(mode), ["600", "600", "600"])
      }).pipe(Effect.provide(Libsql.layer(path)))
      // all of it is in the one file again
      const copy = join(path, "..", "copy.db")
      fs.copyFileSync(path, copy)
      assert.deepStrictEqual((yield* Effect.provide(records, Libsql.layer(copy))).map(batchOf), [0])
      fs.chmodSync(path, 0o644)
      yield* Effect.provide(append(intended(1)), Libsql.layer(path))
      assert.strictEqual(mode(path), "600")
    })
  )

  it.scopedLive("what is no database, or cannot be one, is an AuditError before anything begins", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const text = join(path, "audit.jsonl")
      fs.writeFileSync(text, '{"operation":"RUN_STARTED"}\n'.repeat(100))
      for (const place of [path, join(path, "no", "such", "folder.db"), text]) {
        const error = yield* Effect.flip(Effect.provide(append(intended(0)), Libsql.layer(place)))
        assert.instanceOf(error, AuditSink.AuditError)
        assert.include(error.message, place)
        assert.include(error.hint, "Nothing is sent without evidence")
      }
      assert.isTrue(fs.readFileSync(text, "utf8").startsWith('{"operation":"RUN_STARTED"}\n'))
    })
  )

  it.scopedLive("a program's own transaction on another database is not joined", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const sql = yield* clientOf(libsqlClient(join(path, "own.db")))
      yield* sql.withTransaction(append(intended(0))).pipe(Effect.provide(Libsql.layer(join(path, "audit.db"))))
      yield* Effect.flip(
        sql.withTransaction(
          Effect.zipRight(
            Effect.provide(append(intended(1)), Libsql.layer(join(path, "audit.db"))),
            Effect.fail("back")
          )
        )
      )
      const found = yield* Effect.provide(records, Libsql.layer(join(path, "audit.db")))
      assert.deepStrictEqual(found.map(batchOf), [0, 1])
      assert.deepStrictEqual(yield* sql`select name from sqlite_master`, [])
    })
  )

  it.scopedLive.skipIf(!fs.existsSync("/proc/self/fd"))("a hundred appends open no more files", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "audit.db")
      const open = () => fs.readdirSync("/proc/self/fd").length
      yield* Effect.gen(function* () {
        yield* append(intended(0))
        const before = open()
        for (let i = 0; i < 100; i++) yield* append(intended(i))
        assert.isAtMost(open(), before + 5)
      }).pipe(Effect.provide(Libsql.layer(path)))
    })
  )

  it.scopedLive("others read it while it is written, and its writer does not wait for them", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "audit.db")
      const reader = yield* clientOf(libsqlClient(path))
      yield* Effect.gen(function* () {
        yield* append(intended(0))
        const count = reader<{ n: number }>`select count(*) as n from genesys_dnc_audit`
        yield* reader`begin`
        assert.strictEqual((yield* count)[0].n, 1)
        yield* append(intended(1))
        assert.strictEqual((yield* count)[0].n, 1)
        yield* reader`commit`
        assert.strictEqual((yield* count)[0].n, 2)
      }).pipe(Effect.provide(Libsql.layer(path)))
    })
  )
})

describe("Sql", () => {
  it.scopedLive("the columns say what a record is about", () =>
    Effect.gen(function* () {
      const sql = yield* clientOf(libsqlClient(join(yield* folder, "any.db")))
      const [first, second] = yield* Effect.all([append(intended(0)), append(refused("x", "y"))]).pipe(
        Effect.provide(sinkOn(sql))
      )
      assert.deepStrictEqual(
        (yield* sql`select sequence, run_id, dnc_list_id, operation, timestamp from genesys_dnc_audit order by 1`).map(
          (row) => ({ ...row })
        ),
        [
          { sequence: 1, run_id: "run", dnc_list_id: "list", operation: "BATCH_INTENDED", timestamp: first.timestamp },
          { sequence: 2, run_id: "run", dnc_list_id: null, operation: "BATCH_FAILED", timestamp: second.timestamp }
        ]
      )
    })
  )

  it.scopedLive("verify finds what was altered, removed or cut", () =>
    Effect.gen(function* () {
      const sql = yield* clientOf(libsqlClient(join(yield* folder, "any.db")))
      const verify = (expected?: string) => Effect.provideService(Sql.verify(expected), SqlClient.SqlClient, sql)
      const given = yield* Effect.provide(
        Effect.forEach(Array.from({ length: 250 }), (_, i) => append(intended(i)), { concurrency: "unbounded" }),
        sinkOn(sql)
      )
      const last = given[249].digest
      const { fault, head, records } = yield* verify(last)
      assert.deepStrictEqual([fault, head, records], [undefined, { sequence: 250, digest: last }, 250])
      const cases = [
        [
          "altered",
          sql`update genesys_dnc_audit set record = replace(record, 'REGULATORY', 'OTHER') where sequence = 150`
        ],
        ["removed", sql`delete from genesys_dnc_audit where sequence = 150`],
        ["cut", sql`delete from genesys_dnc_audit where sequence > 150`]
      ] as const
      yield* sql`create table kept as select * from genesys_dnc_audit`
      for (const [kind, change] of cases) {
        yield* change
        assert.strictEqual((yield* verify(last)).fault?.kind, kind)
        yield* sql`delete from genesys_dnc_audit`
        yield* sql`insert into genesys_dnc_audit select * from kept`
      }
      assert.isUndefined((yield* verify(last)).fault)
    })
  )

  it.scopedLive("a row that is no record is never passed over", () =>
    Effect.gen(function* () {
      const sql = yield* clientOf(libsqlClient(join(yield* folder, "any.db")))
      yield* Effect.provide(
        Effect.forEach([0, 1, 2], (i) => append(intended(i))),
        sinkOn(sql)
      )
      yield* sql`update genesys_dnc_audit set record = 'torn' where sequence = 2`
      const reading = yield* Effect.flip(Effect.provide(records, sinkOn(sql)))
      assert.include(reading.message, "Row 2 of table genesys_dnc_audit is not the record")
      yield* sql`update genesys_dnc_audit set sequence = 9 where sequence = 3`
      const opening = yield* Effect.flip(Effect.provide(append(intended(3)), sinkOn(sql)))
      assert.include(opening.message, "Row 9 of table genesys_dnc_audit is not the record")
    })
  )

  it.scopedLive("another table of that name is an AuditError before anything is appended to it", () =>
    Effect.gen(function* () {
      const sql = yield* clientOf(libsqlClient(join(yield* folder, "any.db")))
      yield* sql`create table orders (id integer primary key)`
      const error = yield* Effect.flip(Effect.provide(append(intended(0)), sinkOn(sql, { table: "orders" })))
      assert.instanceOf(error, AuditSink.AuditError)
      assert.include(error.message, "The audit log in table orders cannot be written")
      assert.deepStrictEqual(yield* sql`select * from orders`, [])
    })
  )
})

describe.skipIf(!postgres)("Sql in PostgreSQL", () => {
  it.scopedLive("who has lost its connection writes nothing more, and another can go on", () =>
    Effect.gen(function* () {
      const table = `${yield* schema}.audit`
      const layer = Layer.provide(Sql.layer({ table }), pgClient())
      const sql = yield* clientOf(pgClient())
      yield* Effect.gen(function* () {
        yield* append(intended(0))
        const ended = yield* sql`
          select pg_terminate_backend(pid) from pg_locks
          where locktype = 'advisory' and objid = ${table}::regclass::oid`
        assert.strictEqual(ended.length, 1)
        const error = yield* Effect.flip(append(intended(1)))
        assert.instanceOf(error, AuditSink.AuditError)
        // the lock is free, and whoever takes it is not disturbed by the first
        yield* Effect.provide(append(intended(2)), Layer.fresh(layer))
        yield* Effect.flip(append(intended(3)))
      }).pipe(Effect.provide(layer))
      assert.deepStrictEqual((yield* Effect.provide(records, Layer.fresh(layer))).map(batchOf), [0, 2])
    })
  )

  it.scopedLive("a connection goes back to its pool without the lock, and as it was", () =>
    Effect.gen(function* () {
      const table = `${yield* schema}.audit`
      const sql = yield* clientOf(pgClient({ synchronous_commit: "off" }))
      for (const i of [0, 1]) yield* Effect.provide(append(intended(i)), sinkOn(sql, { table }))
      assert.deepStrictEqual(
        yield* sql`select 1 from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`,
        []
      )
      assert.deepStrictEqual(yield* sql`show synchronous_commit`, [{ synchronous_commit: "off" }])
    })
  )

  it.scopedLive("a record is on the disk when append returns, even where the server would not wait for that", () =>
    Effect.gen(function* () {
      const name = yield* schema
      const admin = yield* clientOf(pgClient())
      const layer = Layer.provide(Sql.layer({ table: `${name}.audit` }), pgClient({ synchronous_commit: "off" }))
      yield* Effect.provide(append(intended(0)), layer)
      yield* admin`alter table ${admin(`${name}.audit`)} add column commits text default current_setting('synchronous_commit')`
      yield* Effect.provide(append(intended(1)), Layer.fresh(layer))
      const rows = yield* admin`select commits from ${admin(`${name}.audit`)} where sequence = 2`
      assert.deepStrictEqual(rows, [{ commits: "on" }])
    })
  )

  it.scopedLive("a transaction that is rolled back takes no record with it", () =>
    Effect.gen(function* () {
      const table = `${yield* schema}.audit`
      const sql = yield* clientOf(pgClient({}, 2))
      const layer = sinkOn(sql, { table })
      yield* Effect.flip(sql.withTransaction(Effect.zipRight(append(intended(0)), Effect.fail("back")))).pipe(
        Effect.provide(layer)
      )
      assert.deepStrictEqual((yield* Effect.provide(records, Layer.fresh(layer))).map(batchOf), [0])
    })
  )

  it.scopedLive("who may only select and insert can keep the log", () =>
    Effect.gen(function* () {
      const name = yield* schema
      const admin = yield* clientOf(pgClient())
      const table = `${name}.audit`
      yield* Effect.acquireRelease(admin`create role ${admin(name)}`, () =>
        Effect.ignore(Effect.zipRight(admin`drop owned by ${admin(name)}`, admin`drop role ${admin(name)}`))
      )
      yield* Effect.provide(append(intended(0)), Layer.provide(Sql.layer({ table }), pgClient()))
      yield* admin`grant usage on schema ${admin(name)} to ${admin(name)}`
      yield* admin`grant select, insert on ${admin(table)} to ${admin(name)}`
      const limited = Layer.provide(Sql.layer({ table }), pgClient({ role: name }))
      yield* Effect.provide(append(intended(1)), limited)
      assert.deepStrictEqual((yield* Effect.provide(records, Layer.fresh(limited))).map(batchOf), [0, 1])
      const other = Layer.provide(Sql.layer({ table: `${name}.other` }), pgClient({ role: name }))
      const error = yield* Effect.flip(Effect.provide(append(intended(0)), other))
      assert.include(error.message, "permission denied")
    })
  )

  it.scopedLive("two that create the table at once: one writes, the other is told so", () =>
    Effect.gen(function* () {
      const table = `${yield* schema}.audit`
      const results = yield* Effect.all(
        Array.from({ length: 4 }, (_, i) =>
          Effect.either(
            Effect.scoped(
              Effect.flatMap(Layer.build(Layer.provide(Sql.layer({ table }), pgClient())), (context) =>
                Effect.as(Effect.provide(append(intended(i)), context), i)
              )
            )
          )
        ),
        { concurrency: "unbounded" }
      )
      const told = results.flatMap((result) => (result._tag === "Left" ? [result.left] : []))
      assert.isBelow(told.length, 4)
      for (const error of told) assert.include(error.message, "is being written by another run")
      const found = yield* Effect.provide(records, Layer.provide(Sql.layer({ table }), pgClient()))
      assert.strictEqual(found.length, 4 - told.length)
    })
  )
})

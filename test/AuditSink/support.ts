import { randomUUID } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as SqlClient from "@effect/sql/SqlClient"
import { LibsqlClient } from "@effect/sql-libsql"
import { PgClient } from "@effect/sql-pg"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { AuditSink } from "genesys-dnc"
import * as Sql from "genesys-dnc/sql"
import * as Libsql from "genesys-dnc/sql/libsql"
import { folder } from "../support/files.js"

export const intended = (
  batch: number,
  phoneNumbers: ReadonlyArray<string> = ["+14155550100"]
): AuditSink.AuditEvent => ({
  operation: "BATCH_INTENDED",
  runId: "run",
  dncListId: "list",
  complianceStatus: "VALIDATED",
  phoneNumbers,
  result: {
    batch,
    idempotencyKey: "key",
    generation: 0,
    size: phoneNumbers.length,
    action: "add",
    reason: "REGULATORY",
    expires: "2027-01-31T00:00:00.000Z",
    contentDigest: "digest"
  }
})

export const refused = (raw: string, message: string): AuditSink.AuditEvent => ({
  operation: "BATCH_FAILED",
  runId: "run",
  dncListId: null,
  complianceStatus: "INCOMPLETE",
  validationErrors: [{ code: "RefusedByServer", raw, message }],
  result: {
    batch: 0,
    idempotencyKey: "key",
    outcome: "failed",
    error: "BadRequest",
    message,
    attempts: 1,
    correlationId: null
  }
})

export const append = (event: AuditSink.AuditEvent) => Effect.flatMap(AuditSink.AuditSink, (sink) => sink.append(event))

export const records = Effect.flatMap(AuditSink.AuditSink, (sink) => {
  const found: Array<AuditSink.AuditRecord> = []
  return Effect.as(
    sink.forEach((record) => {
      found.push(record)
    }),
    found
  )
})

export const batchOf = (record: AuditSink.AuditRecord) =>
  record.operation === "BATCH_INTENDED" ? record.result.batch : undefined

/** A log of its own, which is gone when the scope is closed. */
export interface Place {
  readonly layer: (options?: AuditSink.Options) => Layer.Layer<AuditSink.AuditSink, AuditSink.AuditError>
  /** As they are kept, in order; nothing where they are kept as records. */
  readonly lines?: Effect.Effect<ReadonlyArray<string>>
  /** When a second writer is told so. */
  readonly secondWriter?: "opening" | "appending"
  /** Makes the next write fail, and what would let those after it succeed. */
  readonly breakIt?: Effect.Effect<Effect.Effect<void>>
}

export interface Provider {
  readonly name: string
  readonly skip?: boolean
  readonly place: Effect.Effect<Place, never, Scope.Scope>
}

const memory: Provider = {
  name: "memory",
  place: Effect.sync(() => {
    const kept: Array<AuditSink.AuditRecord> = []
    return { layer: (options) => AuditSink.layerMemory(kept, options) }
  })
}

const file: Provider = {
  name: "file",
  place: Effect.map(folder, (path) => {
    const log = join(path, "audit.jsonl")
    return {
      layer: (options) => AuditSink.layerFile(log, options),
      lines: Effect.sync(() => fs.readFileSync(log, "utf8").split("\n").slice(0, -1)),
      secondWriter: "opening",
      breakIt: Effect.sync(() => {
        const { size } = fs.statSync(log)
        fs.appendFileSync(log, "{}\n")
        return Effect.sync(() => fs.truncateSync(log, size))
      })
    }
  })
}

const inTable = (
  table: string,
  client: Layer.Layer<SqlClient.SqlClient>
): Required<Pick<Place, "lines" | "breakIt">> => {
  const use = <A>(f: (sql: SqlClient.SqlClient) => Effect.Effect<A, unknown>) =>
    Effect.provide(Effect.orDie(Effect.flatMap(SqlClient.SqlClient, f)), client)
  const [schema, name] = table.includes(".") ? table.split(".") : ["main", table]
  return {
    lines: Effect.map(
      use((sql) => sql<{ record: string }>`select record from ${sql(table)} order by sequence`),
      (rows) => rows.map(({ record }) => record)
    ),
    breakIt: Effect.as(
      use((sql) => sql`alter table ${sql(table)} rename to away`),
      Effect.asVoid(use((sql) => sql`alter table ${sql(`${schema}.away`)} rename to ${sql(name)}`))
    )
  }
}

export const libsqlClient = (path: string): Layer.Layer<SqlClient.SqlClient> =>
  LibsqlClient.layer({ url: pathToFileURL(path) })

const libsqlFile: Provider = {
  name: "libSQL file",
  place: Effect.map(folder, (path) => {
    const database = join(path, "audit.db")
    return {
      layer: (options) => Libsql.layer(database, options),
      secondWriter: "opening",
      ...inTable(Sql.defaultTable, libsqlClient(database))
    }
  })
}

const libsql: Provider = {
  name: "libSQL client",
  place: Effect.map(folder, (path) => {
    const client = libsqlClient(join(path, "any.db"))
    return {
      layer: (options) => Layer.provide(Sql.layer({ ...options, table: "log" }), Layer.fresh(client)),
      secondWriter: "appending",
      ...inTable("log", client)
    }
  })
}

const postgresUrl = Effect.runSync(
  Config.redacted("GENESYS_DNC_TEST_POSTGRES_URL").pipe(
    Config.withDefault(Redacted.make("postgres://postgres@127.0.0.1:5432/postgres"))
  )
)

export const pgClient = (
  settings: Record<string, string> = {},
  maxConnections = 1
): Layer.Layer<SqlClient.SqlClient> => {
  const url = new URL(Redacted.value(postgresUrl))
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`)
  if (options.length > 0) url.searchParams.set("options", options.join(" "))
  return Layer.orDie(Layer.fresh(PgClient.layer({ url: Redacted.make(url.href), maxConnections })))
}

/** Whether one answers; where none does, what needs it is skipped. */
export const postgres = await Effect.runPromise(
  Effect.isSuccess(Effect.scoped(Layer.build(PgClient.layer({ url: postgresUrl, connectTimeout: "3 seconds" }))))
)

/** A schema of its own. */
export const schema = Effect.gen(function* () {
  const sql = Context.get(yield* Layer.build(pgClient()), SqlClient.SqlClient)
  return yield* Effect.acquireRelease(
    Effect.suspend(() => {
      const name = `genesys_dnc_test_${randomUUID().replaceAll("-", "")}`
      return Effect.as(sql`create schema ${sql(name)}`, name)
    }),
    (name) => Effect.ignore(sql`drop schema ${sql(name)} cascade`)
  )
}).pipe(Effect.orDie)

const pg: Provider = {
  name: "PostgreSQL",
  skip: !postgres,
  place: Effect.map(schema, (schema) => ({
    layer: (options) => Layer.provide(Sql.layer({ ...options, table: `${schema}.audit` }), pgClient()),
    secondWriter: "opening",
    ...inTable(`${schema}.audit`, pgClient())
  }))
}

export const providers: ReadonlyArray<Provider> = [memory, file, libsqlFile, libsql, pg]

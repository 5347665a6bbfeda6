/**
 * The audit log as a table of a database, for those who keep evidence in one: PostgreSQL, libSQL or another SQLite.
 *
 * @since 0.1.0
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import type { Statement } from "@effect/sql/Statement"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as AuditChain from "../AuditChain.js"
import * as AuditSink from "../AuditSink.js"
import * as GroupCommit from "./groupCommit.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options extends AuditSink.Options {
  /** The table, which is created where it is not there: `genesys_dnc_audit` unless told otherwise; `schema.table` works. */
  readonly table?: string
}

/**
 * @since 0.1.0
 */
export const defaultTable = "genesys_dnc_audit"

type Kept = ReturnType<Parameters<AuditSink.Store["keep"]>[0]>

interface Row {
  /** A string from PostgreSQL, whose bigint it is. */
  readonly sequence: string | number | bigint
  readonly record: string
}

/** Rows that are held at a time while a log is read: of the largest batches some 70 kB each. */
const pageSize = 100

/** Rows of one insert: SQLite takes 32,766 values in a statement, PostgreSQL 65,535. */
const largestInsert = 500

/**
 * What a table is read and written through. A program's own transaction is never joined, as a record has to last even
 * where that is rolled back.
 */
interface Table {
  readonly sql: SqlClient.SqlClient
  readonly name: string
  readonly run: <A extends object>(statement: Statement<A>) => Effect.Effect<ReadonlyArray<A>, SqlError>
}

const through = (client: SqlClient.SqlClient, name: string, connection: Connection | undefined): Table => {
  const one = Effect.unsafeMakeSemaphore(1)
  return {
    sql: client,
    name,
    run: <A extends object>(statement: Statement<A>) => {
      const rows: Effect.Effect<ReadonlyArray<A>, SqlError> = connection === undefined
        ? Effect.mapInputContext(statement, (_: Context.Context<never>) => Context.empty())
        : Effect.suspend(() => connection.execute(...statement.compile(true), undefined))
      // to interrupt it would be to ask PostgreSQL to cancel whatever this connection does by then
      return Effect.uninterruptible(one.withPermits(1)(rows))
    }
  }
}

const dialectOf = (client: SqlClient.SqlClient) =>
  client.onDialectOrElse({ pg: () => "pg" as const, sqlite: () => "sqlite" as const, orElse: () => undefined })

const lastRow = ({ name, run, sql }: Table) =>
  run(sql<Row>`select sequence, record from ${sql(name)} order by sequence desc limit 1`)

/** Looked for first, since PostgreSQL asks for the right to create tables even where there is nothing to create. */
const ensure = (table: Table) =>
  Effect.orElse(lastRow(table), () => {
    const { name, run, sql } = table
    return run(
      dialectOf(sql) === "pg"
        ? sql`create table if not exists ${sql(name)} (sequence bigint primary key, run_id text, dnc_list_id text, operation text not null, timestamp timestamptz not null, record text not null)`
        : sql`create table if not exists ${sql(name)} (sequence integer primary key, run_id text, dnc_list_id text, operation text not null, timestamp text not null, record text not null)`
    ).pipe(
      // another run may have created it at the same time
      Effect.catchAll((error) => Effect.mapError(lastRow(table), () => error))
    )
  })

/** "gdnc", so that no other program's advisory lock is meant. */
const lockSpace = 0x67646e63

/**
 * Holds PostgreSQL's advisory lock of the table for as long as the scope is open: the server lets go of it when the
 * connection ends, and no record can be written through a connection that has lost it.
 */
const hold = ({ name, run, sql }: Table): Effect.Effect<void, AuditSink.AuditError | SqlError, Scope.Scope> => {
  const [identifier] = sql`${sql(name)}`.compile(true)
  const key = sql`((${lockSpace}::bigint << 32) | ${identifier}::regclass::oid::bigint)`
  return Effect.acquireRelease(
    Effect.filterOrFail(
      run(sql<{ held: boolean }>`select pg_try_advisory_lock(${key}) as held`),
      ([row]) => row.held,
      () => taken(name)
    ),
    () => Effect.ignore(run(sql`select pg_advisory_unlock(${key})`))
  )
}

/** What returns before it is on the server's disk would be no evidence. */
const durable = ({ run, sql }: Table): Effect.Effect<void, SqlError, Scope.Scope> => {
  const set = (value: string, where: string) =>
    run(
      sql`select set_config('synchronous_commit', ${value}, false) where current_setting('synchronous_commit') = ${where}`
    )
  return Effect.acquireRelease(set("on", "off"), (changed) =>
    changed.length === 0 ? Effect.void : Effect.ignore(set("off", "on"))
  )
}

const headOf = (name: string, row: Row | undefined): Effect.Effect<AuditChain.Head, AuditSink.AuditError> => {
  if (row === undefined) return Effect.succeed(AuditChain.empty)
  const record = AuditChain.parse(row.record)
  const link = record && AuditChain.linkOf(record)
  return link !== undefined && link.sequence === Number(row.sequence)
    ? Effect.succeed({ sequence: link.sequence, digest: link.digest })
    : Effect.fail(unreadable(name, row))
}

const forEachRow = (
  { name, run, sql }: Table,
  f: (row: Row) => Effect.Effect<void, AuditSink.AuditError> | undefined,
  only?: ReadonlySet<string>
): Effect.Effect<void, AuditSink.AuditError> => {
  const wanted = only === undefined ? sql`` : sql`and ${sql.in("operation", [...only])}`
  const from = (last: Row["sequence"]): Effect.Effect<void, AuditSink.AuditError> =>
    run(
      sql<Row>`select sequence, record from ${sql(name)} where sequence > ${last} ${wanted} order by sequence limit ${pageSize}`
    ).pipe(
      Effect.mapError((error) => unavailable(name, "read", error)),
      Effect.flatMap((rows) => {
        for (const row of rows) {
          const failed = f(row)
          if (failed !== undefined) return failed
        }
        return rows.length < pageSize ? Effect.void : from(rows[rows.length - 1].sequence)
      })
    )
  return from(0)
}

const open = (name: string): Effect.Effect<AuditSink.Store, AuditSink.AuditError, SqlClient.SqlClient | Scope.Scope> =>
  Effect.gen(function* () {
    const client = (yield* SqlClient.SqlClient).withoutTransforms()
    const dialect = dialectOf(client)
    if (dialect === undefined) {
      return yield* new AuditSink.AuditError({
        message: "The audit log can be kept in PostgreSQL or SQLite, and this database is neither",
        hint: "Give a client of @effect/sql-pg or @effect/sql-libsql, or keep the log in a file."
      })
    }
    const table = through(client, name, dialect === "pg" ? yield* client.reserve : undefined)
    yield* ensure(table)
    if (dialect === "pg") {
      yield* hold(table)
      yield* durable(table)
    }
    const [last] = yield* lastRow(table)
    const head = yield* headOf(name, last)
    const append = GroupCommit.make((group: ReadonlyArray<Kept>) =>
      Effect.forEach(inserts(group), (kept) => table.run(insert(table, kept)), { discard: true })
    )
    return {
      head,
      keep: (next) =>
        append(next).pipe(
          Effect.map(({ record }) => record),
          Effect.mapError((error) => unwritable(name, error))
        ),
      forEach: (f, only) =>
        forEachRow(
          table,
          (row) => {
            const record = AuditChain.parse(row.record)
            if (record === undefined) return Effect.fail(unreadable(name, row))
            f(record as AuditSink.AuditRecord)
            return undefined
          },
          only
        )
    } satisfies AuditSink.Store
  }).pipe(Effect.catchTag("SqlError", (error) => Effect.fail(unwritable(name, error))))

const inserts = (group: ReadonlyArray<Kept>): ReadonlyArray<ReadonlyArray<Kept>> => {
  const parts: Array<ReadonlyArray<Kept>> = []
  for (let at = 0; at < group.length; at += largestInsert) parts.push(group.slice(at, at + largestInsert))
  return parts
}

const insert = ({ name, sql }: Table, group: ReadonlyArray<Kept>) =>
  sql`insert into ${sql(name)} ${sql.insert(
    group.map(({ line, record }) => ({
      sequence: record.sequence,
      run_id: record.runId,
      dnc_list_id: record.dncListId,
      operation: record.operation,
      timestamp: record.timestamp,
      record: line
    }))
  )}`

/**
 * Keeps the records in a table, one row each in the order of `sequence`; `record` is the line that a file would hold. Rows
 * are only ever inserted. Records that arrive while some are being inserted share the next insert.
 *
 * One writer at a time. In PostgreSQL a second one is refused at once, by an advisory lock of the table that is held on a
 * connection of its own: one of the client's pool for as long as the layer lives, and not through a pooler that hands
 * connections from one transaction to the next. Elsewhere the second one to insert is refused, by the primary key.
 *
 * Durable when `append` returns: PostgreSQL as its `synchronous_commit` says, which is set to `on` where it is `off`;
 * SQLite as its pragma `synchronous` says, so give it a client that leaves that at `full` or `extra`. An append waits for
 * a transaction that is open on the same client of SQLite, so do not append within one.
 *
 * @example
 * ```ts
 * import { PgClient } from "@effect/sql-pg"
 * import { Layer, Redacted } from "effect"
 * import * as Sql from "genesys-dnc/sql"
 *
 * const audit = Sql.layer({ numbers: "masked" }).pipe(
 *   Layer.provide(PgClient.layer({ url: Redacted.make("postgres://dnc@localhost/evidence") }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<AuditSink.AuditSink, AuditSink.AuditError, SqlClient.SqlClient> =>
  Layer.scoped(AuditSink.AuditSink, AuditSink.make(open(options?.table ?? defaultTable), options))

/**
 * Holds the log in a table against its chain, as `AuditLog.verify` does with a file: a line of it is a row. It may be
 * written meanwhile.
 *
 * @since 0.1.0
 */
export const verify = (
  expected?: string,
  options?: Pick<Options, "table">
): Effect.Effect<AuditChain.Verdict, AuditSink.AuditError, SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (client) => {
    const { finish, take } = AuditChain.verifier(expected)
    const table = through(client.withoutTransforms(), options?.table ?? defaultTable, undefined)
    return Effect.map(
      forEachRow(table, (row) => {
        take(row.record)
        return undefined
      }),
      finish
    )
  })

const taken = (name: string): AuditSink.AuditError =>
  new AuditSink.AuditError({
    message: `The audit log in table ${name} is being written by another run`,
    hint: "Wait until it has ended, or give this run a table of its own."
  })

const unreadable = (name: string, row: Row): AuditSink.AuditError =>
  new AuditSink.AuditError({
    message: `Row ${row.sequence} of table ${name} is not the record of an audit log`,
    hint: "Find out who has changed it, or give another table."
  })

const unwritable = (name: string, error: SqlError): AuditSink.AuditError =>
  isTaken(error) ? taken(name) : unavailable(name, "written", error)

/** Its message alone: the rest of what a driver says may repeat the row. */
const unavailable = (name: string, what: "read" | "written", error: SqlError): AuditSink.AuditError => {
  const { code, message } = said(error)
  return new AuditSink.AuditError({
    message: `The audit log in table ${name} cannot be ${what}: ${message || code || error.message}`,
    hint:
      what === "read"
        ? "Check the table, and the rights of the user."
        : "Nothing is sent without evidence. See to the database, then run the same again."
  })
}

const said = ({ cause }: SqlError): { readonly code?: string; readonly message?: string } =>
  typeof cause === "object" && cause !== null ? cause : {}

const isTaken = (error: SqlError): boolean => {
  const { code, message = "" } = said(error)
  return code === "23505" || message.includes("UNIQUE constraint failed")
}

/** The command as a process of its own, a sandbox to talk to, and files to give it. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as Path from "node:path"
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { type AuditSink, type GenesysDnc, RetryPolicy, RunReport } from "genesys-dnc"
import type { Sandbox } from "genesys-dnc/sandbox"
import * as Exchanges from "../../src/sandbox/Exchanges.js"
import * as Compiled from "./compiled.js"

export { csv, file, folder, number } from "./files.js"

/** The command as it is published, or as `npm start` starts it. */
const entry = (name: "main" | "start") =>
  name === "main" ? Path.join(Compiled.command, "main.js") : Path.join(Compiled.folder, "src", "cli", "start.js")

export interface Ended {
  /** 130 too where the signal itself ended the process, as a shell has it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly stdout: () => string
  readonly stderr: () => string
  readonly stdin: ChildProcessWithoutNullStreams["stdin"]
  readonly signal: (signal: NodeJS.Signals) => void
  readonly ended: Effect.Effect<Ended>
}

export interface StartOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  readonly entry?: "main" | "start"
  /** The user that it is, where the tests are root. */
  readonly uid?: number | undefined
}

/** What makes a process one that may not write into others' folders: nothing, or another user's id. Undefined where neither can be. */
export const unprivileged = (): { readonly uid?: number } | undefined => {
  if (process.getuid?.() !== 0) return process.getuid === undefined ? undefined : {}
  const uid = 65534
  const looked = spawnSync(process.execPath, ["-e", "fs.accessSync(process.argv[1])", entry("main")], { uid })
  return looked.status === 0 ? { uid } : undefined
}

/** The process ends with the scope at the latest. Its environment is what is given, `PATH` and `HOME`. */
export const start = (args: ReadonlyArray<string>, options: StartOptions): Effect.Effect<Started, never, Scope.Scope> =>
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [entry(options.entry ?? "main"), ...args], {
          cwd: options.cwd,
          ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
          env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...options.env }
        })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
    })
    // whoever reads nothing closes its end
    child.stdin.on("error", () => {})
    const closed = new Promise<Ended>((resolve) =>
      child.on("close", (code, signal) => resolve({ code: code ?? (signal === "SIGINT" ? 130 : -1), stdout, stderr }))
    )
    return {
      stdout: () => stdout,
      stderr: () => stderr,
      stdin: child.stdin,
      signal: (signal) => void child.kill(signal),
      ended: Effect.promise(() => closed)
    }
  })

/** Runs the command to its end. */
export const run = (
  args: ReadonlyArray<string>,
  options: StartOptions & { readonly stdin?: string }
): Effect.Effect<Ended> =>
  Effect.scoped(
    Effect.flatMap(start(args, options), (started) => {
      started.stdin.end(options.stdin ?? "")
      return started.ended
    })
  )

/** Waits until it is so; a minute is for ever. */
export const until = (what: string, isSo: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (isSo() ? Effect.void : Effect.fail("not yet" as const))).pipe(
    Effect.retry(Schedule.spaced("20 millis")),
    Effect.timeoutFail({ duration: "60 seconds", onTimeout: () => new Error(`This did not come: ${what}`) }),
    Effect.orDie
  )

export interface Gate {
  readonly url: string
  /** Requests to the entries route that have come to the gate. */
  readonly arrived: () => number
  /** Their keys. */
  readonly keys: () => ReadonlyArray<string>
  readonly open: () => void
}

/** Stands before a sandbox, and lets a request through once what it is waiting for has happened; the URL. */
export const before = (
  sandbox: Sandbox.Service,
  wait: (request: Http.IncomingMessage) => Promise<unknown> | undefined
): Effect.Effect<string, never, Scope.Scope> =>
  serve((request, response) => {
    const forward = () =>
      request.pipe(
        Http.request(
          `${sandbox.url}${request.url}`,
          { method: request.method, headers: request.headers, agent: false },
          (answer) => {
            response.writeHead(answer.statusCode ?? 502, answer.headers)
            answer.pipe(response)
          }
        ).on("error", () => response.destroy())
      )
    const waiting = wait(request)
    if (waiting === undefined) forward()
    else void waiting.then(forward)
  })

/** Stands before a sandbox and keeps requests to the entries route until it is opened. */
export const gate = (sandbox: Sandbox.Service): Effect.Effect<Gate, never, Scope.Scope> =>
  Effect.gen(function* () {
    const keys: Array<string> = []
    let open = () => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    const url = yield* before(sandbox, (request) => {
      if (!request.url?.endsWith("/entries")) return undefined
      keys.push(String(request.headers["idempotency-key"]))
      return opened
    })
    return { url, arrived: () => keys.length, keys: () => keys, open }
  })

/** What it is answered is the test's own invention. */
const hear = (request: Http.IncomingMessage) => {
  const parts: Array<Buffer> = []
  const { push } = request
  // a listener for its data would keep it from whoever reads later
  request.push = (chunk: Buffer | null, encoding) => {
    if (chunk !== null) parts.push(chunk)
    else {
      const { method = "GET", url: path = "/" } = request
      Exchanges.channel.publish({ method, path, body: Buffer.concat(parts).toString(), answer: undefined })
    }
    return push.call(request, chunk, encoding)
  }
}

/** A server on this machine; the URL. */
export const serve = (listener: Http.RequestListener): Effect.Effect<string, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(
        () =>
          new Promise<Http.Server>((resolve) => {
            const server = Http.createServer((request, response) => {
              hear(request)
              listener(request, response)
            }).listen(0, "127.0.0.1", () => resolve(server))
          })
      ),
      (server) =>
        Effect.sync(() => {
          server.close()
          server.closeAllConnections()
        })
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  )

/** What points the command to a sandbox. */
export const environment = (sandbox: Sandbox.Service): Readonly<Record<string, string>> => ({
  GENESYS_DNC_API_URL: sandbox.url,
  GENESYSCLOUD_OAUTHCLIENT_ID: sandbox.clientId,
  GENESYSCLOUD_OAUTHCLIENT_SECRET: sandbox.clientSecret,
  GENESYS_DNC_LIST: sandbox.listId
})

/** Tries as often as usual, with pauses that a test can wait for. */
export const quick: RetryPolicy.Options = {
  ...RetryPolicy.defaults,
  firstDelay: Duration.millis(2),
  longestDelay: Duration.millis(20),
  retryAfterJitter: Duration.millis(5)
}

/** What points the library to a sandbox. */
export const settings = (sandbox: Sandbox.Service, auditLog: string): GenesysDnc.Options => ({
  apiUrl: sandbox.url,
  credentials: { clientId: sandbox.clientId, clientSecret: Redacted.make(sandbox.clientSecret) },
  auditLog,
  api: "entries",
  retry: quick
})

export const readRecords = (path: string): ReadonlyArray<AuditSink.AuditRecord> =>
  Fs.readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))

export const mode = (path: string): number => Fs.statSync(path).mode & 0o777

/** Requests that reached the entries route, whatever became of them. */
export const posts = (sandbox: Sandbox.Service): Effect.Effect<number> =>
  Effect.map(sandbox.stats, ({ requests }) => Object.values(requests.entries).reduce((sum, count) => sum + count, 0))

/** The list as a map from number to value. */
export const onList = (sandbox: Sandbox.Service): ReadonlyMap<string, string> =>
  new Map(
    Array.from(sandbox.entries(), ({ expires, phoneNumber, reason }) => [
      phoneNumber,
      `${reason} ${expires ?? "for ever"}`
    ])
  )

/** Totals that are not named are 0; all of them add up. */
export const assertTotals = (actual: RunReport.Totals, expected: Partial<RunReport.Totals>): void => {
  assert.deepStrictEqual(
    { ...actual },
    {
      created: 0,
      updated: 0,
      duplicateOnList: 0,
      duplicateInFile: 0,
      accepted: 0,
      rejected: 0,
      failed: 0,
      skipped: 0,
      read: 0,
      ...expected
    }
  )
  assert.strictEqual(RunReport.imbalance(actual), 0)
}

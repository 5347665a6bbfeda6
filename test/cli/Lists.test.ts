/** The commands that read lists, as processes, against a server that speaks the platform's routes. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ExitCode from "../../src/cli/ExitCode.js"
import { folder, mode, run, serve, start, until } from "../support/cli.js"

const timeout = 120_000

const id = (index: number) => `0ffca115-cafe-4ace-a11c-${String(index).padStart(12, "0")}`

const list = (index: number, name: string, other: object = {}) => ({
  id: id(index),
  name,
  dncSourceType: "rds",
  contactMethod: "Phone",
  size: index * 1000,
  division: { id: "d", name: "Home" },
  ...other
})

const lists = [
  list(1, "Opt-outs"),
  list(2, "Registry", { importStatus: { state: "IN_PROGRESS", percentComplete: 40 } }),
  list(3, "Twin"),
  list(4, "Twin"),
  list(5, "Bought", { dncSourceType: "dnc.com", contactMethod: null, size: null })
]

interface Org {
  readonly url: string
  /** What `GENESYS_DNC_…` and `GENESYSCLOUD_…` are to be. */
  readonly env: Readonly<Record<string, string>>
  readonly seen: ReadonlyArray<string>
}

const org = (
  options: {
    readonly csv?: string
    readonly forbidden?: string
    readonly used?: boolean
    readonly never?: boolean
  } = {}
) =>
  Effect.gen(function* () {
    const seen: Array<string> = []
    let exportedAt: number | undefined
    const url: string = yield* serve((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://server")
      seen.push(`${request.method} ${pathname}`)
      const say = (status: number, body?: unknown) => {
        response.writeHead(status, { "content-type": "application/json" })
        response.end(typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body))
      }
      request.resume()
      if (pathname === "/oauth/token") return say(200, { access_token: "the-token", expires_in: 3600 })
      if (request.headers.authorization !== "Bearer the-token") return say(401, { code: "bad.credentials" })
      if (options.forbidden !== undefined && `${request.method} ${pathname}`.includes(options.forbidden)) {
        return say(403, { code: "missing.permissions", message: "You are missing a permission" })
      }
      if (pathname.startsWith("/api/v2/downloads/")) return say(200, options.csv ?? "number,x,expires\n")
      if (pathname.endsWith("/campaigns")) {
        return say(200, {
          entities: options.used === false ? [] : [{ name: "Spring", campaignStatus: "on", dncLists: [{ id: id(1) }] }],
          pageCount: 1
        })
      }
      if (pathname.endsWith("/phonenumbers")) return say(204)
      if (pathname.endsWith("/export")) {
        if (request.method === "POST") exportedAt = Date.now()
        return exportedAt === undefined || options.never === true
          ? say(request.method === "POST" ? 200 : 404, { code: "not.found" })
          : say(200, {
              id: id(1),
              uri: `${url}/api/v2/downloads/1`,
              exportTimestamp: new Date(exportedAt).toISOString()
            })
      }
      const one = /\/dnclists\/([^/]+)$/.exec(pathname)?.[1]
      if (one !== undefined) {
        const found = lists.find(({ id }) => id === one)
        return found === undefined ? say(404, { code: "not.found" }) : say(200, found)
      }
      const name = searchParams.get("name")
      return say(200, { entities: name === null ? lists : lists.filter((list) => list.name === name), pageCount: 1 })
    })
    const env = {
      GENESYS_DNC_API_URL: url,
      GENESYSCLOUD_OAUTHCLIENT_ID: "id",
      GENESYSCLOUD_OAUTHCLIENT_SECRET: "secret"
    }
    return { url, env, seen } satisfies Org
  })

describe("genesys-dnc lists", { timeout }, () => {
  it.scopedLive("a table, and no log", () =>
    Effect.gen(function* () {
      const { env } = yield* org()
      const cwd = yield* folder
      const { code, stderr, stdout } = yield* run(["lists"], { cwd, env })
      assert.strictEqual(code, ExitCode.done, stderr)
      assert.deepStrictEqual(stdout.split("\n").slice(0, 3), [
        "NAME      ID                                    SOURCE    CONTACT   SIZE  IMPORT  DIVISION",
        `Opt-outs  ${id(1)}  Internal  Phone    1,000          Home`,
        `Registry  ${id(2)}  Internal  Phone    2,000  40 %    Home`
      ])
      assert.include(stdout, `Bought    ${id(5)}  dnc.com`)
      assert.deepStrictEqual(Fs.readdirSync(cwd), [])
    })
  )

  it.scopedLive.each([
    ["twin", [id(3), id(4)]],
    ["nothing like it", []]
  ] as const)("a part of a name, as JSON: %s", ([part, expected]) =>
    Effect.gen(function* () {
      const { env } = yield* org()
      const { code, stderr, stdout } = yield* run(["lists", part, "--json"], { cwd: yield* folder, env })
      assert.strictEqual(code, ExitCode.done, stderr)
      assert.deepStrictEqual(
        JSON.parse(stdout).map((list: { readonly id: string }) => list.id),
        expected
      )
    })
  )
})

describe("genesys-dnc doctor", { timeout }, () => {
  it.scopedLive("all is well: 0", () =>
    Effect.gen(function* () {
      const { env } = yield* org()
      const { code, stderr, stdout } = yield* run(["doctor", "--list", "opt-outs", "--for", "add,export"], {
        cwd: yield* folder,
        env
      })
      assert.strictEqual(code, ExitCode.done, stderr)
      assert.match(stdout, /^OK {4}credentials and region: http.* takes the token\.\n/)
      assert.match(stdout, /^OK {4}campaigns: 1 campaign uses the list: "Spring" \(on\)\./m)
      assert.notMatch(stdout, /^(WARN|FAIL)/m)
    })
  )

  it.scopedLive("warnings alone: 0", () =>
    Effect.gen(function* () {
      const { env } = yield* org({ used: false })
      const { code, stdout } = yield* run(["doctor"], {
        cwd: yield* folder,
        env: { ...env, GENESYS_DNC_LIST: id(1) }
      })
      assert.strictEqual(code, ExitCode.done)
      assert.match(stdout, /^WARN {2}campaigns: No voice campaign .* suppresses nothing.*\n {8}Add the list to/m)
    })
  )

  it.scopedLive("a permission that is missing: 1, with the fix, as JSON", () =>
    Effect.gen(function* () {
      const { env } = yield* org({ forbidden: "PATCH" })
      const { code, stderr, stdout } = yield* run(["doctor", "--list", id(1), "--json"], { cwd: yield* folder, env })
      assert.strictEqual(code, ExitCode.aborted, stderr)
      const { exitCode, findings } = JSON.parse(stdout)
      assert.strictEqual(exitCode, 1)
      const failed = findings.filter(({ status }: { readonly status: string }) => status === "FAIL")
      assert.deepStrictEqual(failed, [
        {
          check: "permission outbound:dnc:edit",
          status: "FAIL",
          message: "The client does not have it.",
          fix: failed[0].fix
        }
      ])
      assert.include(failed[0].fix, "outbound:dnc:edit")
    })
  )

  it.scopedLive("a host that is not there is said soon: 1", () =>
    Effect.gen(function* () {
      const { env } = yield* org()
      const { code, stdout } = yield* run(["doctor", "--list", id(1)], {
        cwd: yield* folder,
        env: { ...env, GENESYS_DNC_API_URL: "http://127.0.0.1:1" }
      })
      assert.strictEqual(code, ExitCode.aborted)
      assert.match(stdout, /^FAIL {2}credentials and region: No token.*ECONNREFUSED/)
    })
  )

  it.scopedLive.each([
    ["no list", ["doctor"], /No list is given\n.*genesys-dnc lists/],
    ["unknown work", ["doctor", "--list", "x", "--for", "add,delete"], /--for delete: there is no such work/]
  ] as const)("%s: 2", ([, args, said]) =>
    Effect.gen(function* () {
      const { code, stderr } = yield* run(args, { cwd: yield* folder })
      assert.strictEqual(code, ExitCode.wrongUsage)
      assert.match(stderr, said)
    })
  )
})

describe("genesys-dnc export", { timeout }, () => {
  const csv = "number,x,expires\n+33199000001,,\n+33199000002,,2099-01-01T00:00Z\n"

  const exported = "phoneNumber,expires\n+33199000001,\n+33199000002,2099-01-01T00:00:00.000Z\n"

  it.scopedLive("to a file for its owner alone, which push takes", () =>
    Effect.gen(function* () {
      const { env } = yield* org({ csv })
      const cwd = yield* folder
      const { code, stderr, stdout } = yield* run(["export", "--list", "Opt-outs", "--output", "list.csv"], {
        cwd,
        env
      })
      assert.strictEqual(code, ExitCode.done, stderr)
      assert.strictEqual(stdout, "")
      assert.include(stderr, `2 numbers of "Opt-outs" (${id(1)}) written to list.csv`)
      assert.strictEqual(Fs.readFileSync(Path.join(cwd, "list.csv"), "utf8"), exported)
      assert.strictEqual(mode(Path.join(cwd, "list.csv")), 0o600)
      assert.deepStrictEqual(Fs.readdirSync(cwd), ["list.csv"])
      const again = yield* run(["validate", "list.csv", "--json"], { cwd })
      assert.strictEqual(again.code, ExitCode.done, again.stderr)
    })
  )

  it.scopedLive("Ctrl-C ends the wait: 130, and no file", () =>
    Effect.gen(function* () {
      const { env, seen } = yield* org({ never: true })
      const cwd = yield* folder
      const started = yield* start(["export", "--list", "Opt-outs", "--output", "list.csv"], { cwd, env })
      yield* until("a line of progress", () => started.stderr().includes("waiting for the export"))
      assert.isAtLeast(seen.filter((request) => request.startsWith("GET") && request.endsWith("/export")).length, 3)
      started.signal("SIGINT")
      const { code } = yield* started.ended
      assert.strictEqual(code, ExitCode.interrupted)
      assert.deepStrictEqual(Fs.readdirSync(cwd), [])
    })
  )

  it.scopedLive("to standard output, in either format", () =>
    Effect.gen(function* () {
      const { env } = yield* org({ csv })
      const cwd = yield* folder
      assert.strictEqual((yield* run(["export", "--list", id(1), "--output", "-"], { cwd, env })).stdout, exported)
      const { stdout } = yield* run(["export", "--list", id(1), "--format=ndjson"], { cwd, env })
      assert.strictEqual(
        stdout,
        '{"phoneNumber":"+33199000001","expires":null}\n{"phoneNumber":"+33199000002","expires":"2099-01-01T00:00:00.000Z"}\n'
      )
    })
  )

  it.scopedLive.each([
    ["an ambiguous name", "Twin", csv, ExitCode.wrongUsage, /2 DNC lists are called "Twin": .*\n {2}Give the id/],
    [
      "a name that is nearly right",
      "Regisrty",
      csv,
      ExitCode.aborted,
      /no DNC list "Regisrty" among the 5.*\n {2}Did you mean "Registry"\?/
    ],
    [
      "an export that cannot be read",
      "Opt-outs",
      "a,b,c\n+33199000001,,soon\n",
      ExitCode.aborted,
      /line 2: "soon" is no expiration date/
    ]
  ] as const)("%s: no file", ([, name, csv, expected, said]) =>
    Effect.gen(function* () {
      const { env } = yield* org({ csv })
      const cwd = yield* folder
      const { code, stderr } = yield* run(["export", "--list", name, "--output", "list.csv"], { cwd, env })
      assert.strictEqual(code, expected)
      assert.match(stderr, said)
      assert.notInclude(stderr, "199000001")
      assert.deepStrictEqual(Fs.readdirSync(cwd), [])
    })
  )
})

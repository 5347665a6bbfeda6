/**
 * Every parser of what comes from outside, and what has to hold of it for any input: it ends, with a value that keeps its
 * promises or with the failure that its signature names, and what it gives is no larger than a constant times its input.
 */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import {
  Answer,
  AuditChain,
  Contract,
  DncExport,
  DncLists,
  DncUpload,
  type GenesysError,
  HttpClient,
  IntendedEnds,
  Masking,
  SuppressionFile
} from "genesys-dnc"
import * as TokenEndpoint from "../../src/Auth/tokenEndpoint.js"
import { problem, problemLine } from "../../src/cli/problem.js"
import { kinds } from "../../src/DncEntry.js"
import { anywhereOnEarth, parseExpiry } from "../../src/DncValidator/expiry.js"
import * as Phone from "../../src/DncValidator/phone.js"
import { judgeEmail, judgeValue } from "../../src/DncValidator/text.js"
import * as Puts from "../../src/HttpClient/put.js"
import * as Csv from "../../src/SuppressionFile/Csv.js"
import * as Header from "../../src/SuppressionFile/Header.js"
import * as Ndjson from "../../src/SuppressionFile/Ndjson.js"
import * as Records from "../../src/SuppressionFile/Records.js"
import * as Sniff from "../../src/SuppressionFile/Sniff.js"
import { json, mutated, pieces } from "./inputs.js"

/** A parser under attack; `run` throws where it breaks a promise. */
export interface Target {
  readonly name: string
  readonly property: (guard: Guard) => FastCheck.IRawProperty<unknown>
}

/** Stands around one input: the long form measures how long it takes. */
export type Guard = <A>(f: () => A) => A

const sync = <A>(name: string, inputs: FastCheck.Arbitrary<A>, check: (input: A) => void): Target => ({
  name,
  property: (guard) =>
    FastCheck.property(inputs, (input) => guard(() => check(input))) as FastCheck.IRawProperty<unknown>
})

const async_ = <A>(name: string, inputs: FastCheck.Arbitrary<A>, check: (input: A) => Promise<void>): Target => ({
  name,
  property: (guard) =>
    FastCheck.asyncProperty(inputs, (input) => guard(() => check(input))) as unknown as FastCheck.IRawProperty<unknown>
})

const ensure = (holds: boolean, what: () => string): void => {
  if (!holds) throw new Error(what())
}

/** The value, or the failure by its tag; a defect is thrown. */
const settled = <A, E extends { readonly _tag: string }>(exit: Exit.Exit<A, E>, tags: ReadonlyArray<string>): A | E => {
  if (Exit.isSuccess(exit)) return exit.value
  const failure = Cause.failureOption(exit.cause)
  if (failure._tag === "None") throw Cause.squash(exit.cause)
  ensure(tags.includes(failure.value._tag), () => `failed with ${failure.value._tag}`)
  return failure.value
}

const named = { name: "in.csv", path: "in.csv" }

const number = "+14155552671"

// --- files of rows ---------------------------------------------------------------------------------------------------

const csvFiles = [
  "phone,reason,expires\n+14155552671,REGULATORY,2027-01-31\n+442079460123,,\n",
  'Phone Number;Notiz\r\n"+49 30 23125123";"a ""b"" c"\r\n030 23125124;x\r\n',
  '\uFEFFmsisdn\tcountry\n0199000001\tFR\n"+33 1 99 00 00 02"\tFR\n',
  'phone|note\n+14155552671|"two\nlines, with 5"" pipes"\n4155552672|=1+1\n',
  "name,email,line,code,message\nJ,j@example.com,2,InvalidEmail,no\n",
  'phone,note\n"4155552671","x\n4155552672,y\n4155552673,""z\n'
]

const ndjsonFiles = [
  '{"phoneNumber":"+14155552671","reason":"REGULATORY","expires":"2027-01-31"}\n{"phone":442079460123}\n',
  '{"phoneNumber":"+14155552671","note":{"phoneNumber":"x"}}\r\n\r\n{"phoneNumber":null}\n[1]\n'
]

const cuts = FastCheck.array(FastCheck.nat(1 << 16), { maxLength: 5 })

const limit = 4096

/** Rows and rejects of some text, cut anywhere; what the splitter gave beside it. */
const blocks = (
  parts: ReadonlyArray<string>,
  delimiter: string | undefined,
  toBlock: (records: Records.Records, first: boolean, final: boolean) => ReturnType<ReturnType<typeof Csv.make>>
) => {
  const splitter = Records.make({ input: named, delimiter, limit })
  const counts = { records: 0, rows: 0, characters: 0 }
  for (let i = 0; i <= parts.length; i++) {
    const final = i === parts.length
    const records = splitter.push(parts[i] ?? "", final)
    if (Either.isLeft(records)) return records.left
    for (let r = 0; r < records.right.start.length; r++) {
      const [start, end] = [records.right.start[r], records.right.end[r]]
      ensure(start <= end && end <= records.right.text.length, () => `a record from ${start} to ${end}`)
      counts.records++
    }
    const block = toBlock(records.right, counts.records === records.right.start.length, final)
    if (Either.isLeft(block)) return block.left
    const { cells, length, malformed, phoneNumber } = block.right
    ensure(phoneNumber.length === length, () => `${phoneNumber.length} numbers in ${length} rows`)
    for (let row = 0; row < length; row++) for (const cell of cells(row)) counts.characters += cell.length
    for (const reject of malformed) {
      ensure(reject.raw.length <= 200, () => "a reject shows too much")
      for (const cell of reject.cells ?? []) counts.characters += cell.length
    }
    counts.rows += length + malformed.length
  }
  return counts
}

const csv = sync(
  "CSV",
  FastCheck.tuple(mutated(csvFiles), cuts, FastCheck.constantFrom(...kinds), FastCheck.boolean()),
  ([text, cuts, kind, header]) => {
    const delimiter = Sniff.delimiter(text, undefined, kind)
    ensure(delimiter.length === 1, () => `the delimiter "${delimiter}"`)
    const splitter = Records.make({ input: named, delimiter, limit })
    const records = splitter.push(text, true)
    if (Either.isLeft(records) || records.right.start.length === 0) return
    const first = Csv.split(records.right.text.slice(records.right.start[0], records.right.end[0]), delimiter)
    if (first === undefined || records.right.kind[0] === Records.TOO_LONG) return
    const all = header ? Either.right(first) : Header.names(named, first.length, {}, kind)
    if (Either.isLeft(all)) return
    const mapping = Header.map(named, all.right, {}, 1, kind)
    const columns = first.length
    const layout = {
      ...{ input: named, delimiter, width: columns, own: columns, header, kind },
      mapping: Either.getOrElse(mapping, () => ({
        phoneNumber: 0,
        reason: undefined,
        expires: undefined,
        country: undefined
      }))
    }
    const toBlock = Csv.make(layout)
    const counts = blocks(pieces(text, cuts), delimiter, (records, first) => toBlock(records, header && first))
    if ("_tag" in counts) return
    ensure(counts.rows === counts.records - (header ? 1 : 0), () => `${counts.records} records, ${counts.rows} rows`)
    ensure(
      counts.characters <= text.length + 200 * counts.records,
      () => `${counts.characters} of ${text.length} characters`
    )
  }
)

const ndjson = sync(
  "NDJSON",
  FastCheck.tuple(mutated(ndjsonFiles), cuts, FastCheck.constantFrom(...kinds)),
  ([text, cuts, kind]) => {
    const toBlock = Ndjson.make(named, {}, kind)
    const counts = blocks(pieces(text, cuts), undefined, (records, _, final) => toBlock(records, final))
    if ("_tag" in counts) return
    ensure(counts.rows === counts.records, () => `${counts.records} lines, ${counts.rows} rows`)
    ensure(
      counts.characters <= text.length + 200 * counts.records,
      () => `${counts.characters} of ${text.length} characters`
    )
  }
)

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "genesys-dnc-fuzz-"))
process.once("exit", () => Fs.rmSync(folder, { recursive: true, force: true }))

const file = async_(
  "file of rows",
  FastCheck.tuple(
    mutated([...csvFiles, ...ndjsonFiles]),
    FastCheck.boolean(),
    FastCheck.constantFrom(7, 64, 1000, 1 << 15)
  ),
  async ([text, latin1, bufferSize]) => {
    const path = Path.join(folder, "in")
    Fs.writeFileSync(path, Buffer.from(text, latin1 ? "latin1" : "utf8"))
    const read = Effect.scoped(
      Effect.gen(function* () {
        const file = yield* SuppressionFile.open(path, { bufferSize, recordLimit: limit })
        return yield* Stream.runFold(file.blocks, 0, (sum, block) => sum + block.length + block.malformed.length)
      })
    )
    const rows = settled(await Effect.runPromiseExit(read), ["InputError"])
    ensure(typeof rows !== "number" || rows <= text.length, () => `${rows} rows of ${text.length} characters`)
  }
)

// --- cells -----------------------------------------------------------------------------------------------------------

const phone = sync(
  "phone number",
  FastCheck.tuple(
    mutated([
      number,
      "(415) 555-2671",
      "+44 20 7946 0123",
      "030 23125123",
      "tel:+1-415-555-2671;ext=5",
      "1.4E+10",
      "0033199000001"
    ]),
    FastCheck.constantFrom("US" as const, "GB" as const, "DE" as const, "FR" as const, "AR" as const)
  ),
  ([raw, country]) => {
    const phone = Phone.make(country)
    const judged = phone.judge(raw)
    if (typeof judged !== "number") return ensure(judged.message.length < 300, () => "a long message")
    ensure(/^[1-9]\d{6,14}$/.test(String(judged)), () => `accepted +${judged}`)
    ensure(/^(?:[A-Z]{2}|001)$/.test(phone.country()), () => `of ${phone.country()}`)
    ensure(phone.judge(`+${judged}`) === judged, () => `+${judged} is not accepted by itself`)
  }
)

const zones = [anywhereOnEarth, DateTime.zoneUnsafeMakeNamed("America/New_York"), DateTime.zoneMakeOffset(0)]

const expiry = sync(
  "expiry",
  FastCheck.tuple(
    mutated([
      "2027-01-31",
      "2027-01-31T23:59:59.999Z",
      "2028-02-29 24:00",
      "2027-03-14T02:30",
      "9999-12-31",
      "2027-01-31T10:00:60,5+05:30"
    ]),
    FastCheck.constantFrom(...zones)
  ),
  ([text, zone]) => {
    const end = parseExpiry(text, zone)
    if (end === undefined || end === Number.POSITIVE_INFINITY) return
    ensure(Number.isInteger(end), () => `${end}`)
    ensure(/^\d{4}-/.test(new Date(end).toISOString()), () => new Date(end).toISOString())
    // a date alone ends a day after it has begun, by a clock that is 14 hours away at most
    ensure(
      Math.abs(end - Date.parse(text.slice(0, 10))) <= 3 * 86_400_000,
      () => `${text} is ${new Date(end).toISOString()}`
    )
  }
)

const controls = /[\p{Cc}\u2028\u2029]/u

const email = sync(
  "e-mail address",
  mutated([
    "jane.doe+x@example.com",
    '"j d"@example.com',
    "J@MÜLLER.example",
    "a@b.c@d.example",
    "<a@b.example>",
    "a@xn--p1ai.example"
  ]),
  (cell) => {
    const judged = judgeEmail(cell)
    if (typeof judged !== "string") return
    ensure(/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(judged) && !controls.test(judged), () => `accepted ${judged}`)
    ensure(judged.length <= cell.length + 2 && judged.length <= 400, () => `accepted ${judged.length} characters`)
    ensure(judgeEmail(judged) === judged, () => `${judged} is another address by itself`)
  }
)

const value = sync("custom value", mutated(["ACC-0042", " 12 ", "a b", "=1+1", "\u0928\u200d\u092e"]), (cell) => {
  const judged = judgeValue(cell)
  if (typeof judged !== "string") return
  ensure(
    judged !== "" && judged.length <= 255 && judged.trim() === judged && !controls.test(judged),
    () => `accepted ${judged}`
  )
  ensure(judgeValue(judged) === judged, () => `${judged} is another value by itself`)
})

const masking = sync(
  "masking",
  mutated([
    "call +1 (415) 555-2671 or j.doe@example.com",
    "0e7e2c9c-3a3c-4c6f-9d51-0d0c7a1b2c3d 2027-01-31T10:00:00Z",
    "a@".repeat(20),
    `${"1 ".repeat(20)}x`
  ]),
  (text) => {
    const masked = Masking.mask(text)
    ensure(masked.length <= 4 * text.length + 10, () => `${masked.length} of ${text.length} characters`)
    // a UUID may be of digits alone; what stands on either side of it is not one number
    ensure(!/\d{10}/.test(masked.replace(/[\da-f]{8}-[\da-f-]{27}/gi, " ")), () => `it shows a number: ${masked}`)
  }
)

// --- answers ---------------------------------------------------------------------------------------------------------

const retryAfter = sync(
  "Retry-After",
  mutated([
    "120",
    "1.5",
    "Fri, 31 Dec 1999 23:59:59 GMT",
    "Friday, 31-Dec-99 23:59:59 GMT",
    "Fri Dec 31 23:59:59 1999",
    "-1",
    "1e9"
  ]),
  (header) => {
    const pause = Answer.parseRetryAfter(header, 946_684_000_000)
    if (pause === undefined) return
    const millis = Duration.toMillis(pause)
    ensure(millis >= 0, () => `a pause of ${millis} ms`)
  }
)

const phoneNumbers = [number, "+442079460123", "+493023125123"]

const batch = {
  ...{ runId: "r", action: "add" as const, dncListId: "l", index: 0, phoneNumbers, reason: "REGULATORY" as const },
  expires: Number.POSITIVE_INFINITY
}

const entriesBodies = [
  { created: 2, duplicate: 1, updated: 0, error: [] },
  { created: 1, errors: [{ phoneNumber: number, message: "no", code: "invalid.number" }, "+442079460123"] },
  { created: null, error: [number, number] }
]

const errorBodies = [
  {
    message: `The number ${number} is not valid`,
    code: "invalid.value",
    status: 400,
    contextId: "0e7e2c9c-3a3c-4c6f-9d51-0d0c7a1b2c3d"
  },
  {
    code: "bad.request",
    errors: [
      { message: "no", phoneNumbers: [number] },
      { fieldName: "phoneNumbers[1]", message: "neither" }
    ]
  },
  { error: "invalid_client", error_description: "client not found", description: "x" },
  { code: "dnc.records.per.list.limit.exceeded", limit: { key: "x", value: 1e6 }, details: [[[{ a: number }]]] }
]

const entries = sync("entries answer", json(entriesBodies), (body) => {
  const answer = { status: 200, body, correlationId: undefined, headers: {} }
  const counts = settled(Effect.runSyncExit(Contract.entries.counts(answer, batch)), ["UnexpectedResponse"])
  if ("_tag" in counts) return ensure(counts.message.length < 1000, () => "a long message")
  for (const count of [counts.created, counts.duplicate, counts.updated]) {
    ensure(Number.isInteger(count) && count >= 0, () => `a count of ${count}`)
  }
  ensure(
    counts.rejected.every((refused) => phoneNumbers.includes(refused.phoneNumber) && refused.message.length <= 1100),
    () => "refuses what was not sent, or says too much"
  )
  ensure(
    new Set(counts.rejected.map((refused) => refused.phoneNumber)).size === counts.rejected.length,
    () => "refuses twice"
  )
})

const refusal = sync(
  "numbers that a refusal names",
  FastCheck.tuple(json(errorBodies), FastCheck.constantFrom(...kinds)),
  ([body, kind]) => {
    const refusals = Contract.namedNumbers(body, batch, kind)
    ensure(refusals.length <= phoneNumbers.length, () => `${refusals.length} of ${phoneNumbers.length}`)
    ensure(
      refusals.every((refused) => phoneNumbers.includes(refused.phoneNumber) && refused.message.length <= 1100),
      () => "names what was not sent, or says too much"
    )
  }
)

/** A client that is answered so. */
const answering = (status: number, headers: Readonly<Record<string, string>>, body: string) =>
  PlatformHttpClient.make((request) =>
    Effect.sync(() =>
      // a 204 has no body
      HttpClientResponse.fromWeb(request, new Response(body === "" ? null : body, { status, headers: { ...headers } }))
    )
  )

const tags = [
  ...["Unauthorized", "Forbidden", "NotFound", "IdempotencyConflict", "UnprocessableEntries", "BadRequest"],
  ...["PayloadTooLarge", "RateLimited", "ServerError", "TransportError", "RequestTimeout", "UnexpectedResponse"]
]

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal obeys
const obeyed = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/

/** What a person and a program would see of a failure. */
const shown = (error: GenesysError.GenesysError): void => {
  const text = problem(error)
  ensure(!obeyed.test(text), () => `a terminal would obey ${JSON.stringify(text)}`)
  ensure(!obeyed.test(problemLine(4, error)), () => "a terminal would obey the line")
  ensure(!text.includes(number), () => `it shows a number: ${text}`)
  ensure(text.length < 5000, () => `${text.length} characters for a person`)
}

const statuses = [200, 201, 302, 400, 401, 403, 404, 408, 409, 413, 418, 422, 429, 500, 501, 503]

const bodies = [...errorBodies, ...entriesBodies].map((body) => JSON.stringify(body))

const answer = async_(
  "answer of the API",
  FastCheck.tuple(
    FastCheck.constantFrom(...statuses),
    mutated([...bodies, "<html>no</html>", ""]),
    mutated(["3", "x"])
  ),
  async ([status, body, retryAfter]) => {
    const headers = /^[ -~]*$/.test(retryAfter) ? { "retry-after": retryAfter } : {}
    const sent = Answer.send(
      answering(status, headers, body),
      HttpClientRequest.get("https://api.example.test/x"),
      Duration.seconds(30)
    )
    const result = settled(await Effect.runPromiseExit(sent), tags)
    if ("_tag" in result) shown(result)
  }
)

const stored = async_(
  "answer of a store",
  FastCheck.tuple(
    FastCheck.constantFrom(...statuses),
    mutated([`<Error><Code>AccessDenied</Code><Message>no ${number}</Message></Error>`, ""])
  ),
  async ([status, body]) => {
    const put = {
      ...{ url: Redacted.make("https://store.example.test/f?sig=s3cr3t"), headers: {}, bytes: 1 },
      body: Stream.make(new Uint8Array(1))
    }
    const sent = Puts.send(answering(status, {}, body), put, Duration.seconds(30))
    const result = settled(await Effect.runPromiseExit(sent), tags)
    if (result !== undefined) {
      shown(result)
      ensure(!problem(result).includes("s3cr3t"), () => "it shows the signature")
    }
  }
)

const token = async_(
  "answer of the login host",
  FastCheck.tuple(
    FastCheck.constantFrom(200, 400, 401, 500),
    mutated([
      ...bodies,
      '{"access_token":"t0k3n","token_type":"bearer","expires_in":86400}',
      '{"error":"invalid_client","description":"s3cr3t is wrong"}'
    ])
  ),
  async ([status, body]) => {
    const asked = TokenEndpoint.ask(answering(status, {}, body), {
      ...{ loginUrl: "https://login.example.test", clientId: "id", clientSecret: Redacted.make("s3cr3t") },
      ...{ form: { grant_type: "client_credentials" }, hint: "Check them." }
    })
    const result = settled(await Effect.runPromiseExit(asked), tags)
    if ("_tag" in result) {
      shown(result)
      ensure(!`${problem(result)}${problemLine(4, result)}`.includes("s3cr3t"), () => "it shows the secret")
    } else {
      ensure(result.endsAt > 0 && Redacted.value(result.token) !== "", () => "a token that is none")
    }
  }
)

const exported = sync(
  "export",
  FastCheck.tuple(
    mutated([
      `Phone Number,Contact Method,Expiration\n${number},Phone,\n"+442079460123",Phone,2027-01-31T10:00Z\n`,
      `${number}\n+442079460123\n`,
      'email,x,expirationDateTime\r\n"a ""b"", c@d.example",,2027-01-31T10:00:00.000Z\r\n'
    ]),
    cuts
  ),
  ([text, cuts]) => {
    const parse = DncExport.parser()
    let characters = 0
    const parts = pieces(text, cuts)
    for (let i = 0; i <= parts.length; i++) {
      const entries = parse(parts[i] ?? "", i === parts.length)
      if (Either.isLeft(entries)) return ensure(entries.left.message.length < 300, () => "a long message")
      for (const { expires, phoneNumber } of entries.right) {
        ensure(phoneNumber !== "" && !Number.isNaN(expires), () => `${phoneNumber} ends ${expires}`)
        characters += phoneNumber.length
      }
    }
    ensure(characters <= text.length, () => `${characters} of ${text.length} characters`)
  }
)

/** The API, answering everything so. */
const api = (body: unknown) =>
  HttpClient.HttpClient.of({
    ...{ apiUrl: "https://api.example.test", concurrency: 5 },
    execute: () => Effect.succeed({ status: 200, body, correlationId: undefined, headers: {}, attempts: 1 }),
    stream: () => Stream.empty,
    put: () => Effect.void
  })

const asked = <A>(effect: Effect.Effect<A, GenesysError.GenesysError, HttpClient.HttpClient>, body: unknown) =>
  settled(Effect.runSyncExit(Effect.provideService(effect, HttpClient.HttpClient, api(body))), ["UnexpectedResponse"])

const importStatus = sync(
  "import status",
  json([
    { state: "IN_PROGRESS", totalRecords: 10, completedRecords: 4, percentComplete: 40 },
    { state: "FAILED", failureReason: "EXCEEDED_DNC_RECORD_LIMIT" }
  ]),
  (body) => {
    const status = asked(DncLists.importStatus("l"), body)
    if ("_tag" in status) ensure(status.message.length < 5000, () => "a long message")
  }
)

const listId = "0e7e2c9c-3a3c-4c6f-9d51-0d0c7a1b2c3d"

const lists = sync(
  "listing of lists",
  json([
    { entities: [{ id: listId, name: "a", size: 1, division: { id: "d", name: "Home" } }], pageCount: 1 },
    {
      entities: [{ id: listId, name: "b", importStatus: { state: "FAILED", failureReason: "x" } }, { id: "2" }],
      pageCount: 2
    }
  ]),
  (body) => {
    const found = asked(DncLists.search(undefined), body)
    if ("_tag" in found) ensure(found.message.length < 5000, () => "a long message")
  }
)

const events = sync(
  "event log",
  json([
    {
      entities: [
        {
          ...{ timestamp: "2026-11-25T10:00:00Z", errorEntity: { id: listId } },
          eventMessage: {
            ...{ code: "IMPORT_INVALID_PHONE_NUMBERS", message: `row 3: ${number} is not valid` },
            messageParams: { rows: "3", line: 4, number }
          }
        }
      ],
      pageCount: 1
    }
  ]),
  (body) => {
    const errors = asked(DncUpload.rowErrors(listId, 0), body)
    if ("_tag" in errors) return
    for (const { phoneNumbers, rows } of errors) {
      ensure(
        phoneNumbers.every((text) => /^\+\d{7,15}$/.test(text)),
        () => `names ${phoneNumbers}`
      )
      ensure(rows.every(Number.isInteger), () => `names the rows ${rows}`)
    }
  }
)

// --- what earlier runs left ------------------------------------------------------------------------------------------

const records = Array.from({ length: 5 }, (_, index) => ({ operation: "BATCH_DONE", runId: "r", index, n: [1.5, "ü"] }))

const log = records.reduce<{ readonly head: AuditChain.Head; readonly lines: ReadonlyArray<string> }>(
  ({ head, lines }, record) => {
    const next = AuditChain.follow(head, record)
    return { head: next.head, lines: [...lines, next.line] }
  },
  { head: AuditChain.empty, lines: [] }
)

const whole = `${log.lines.join("\n")}\n`

const chained = (text: string): ReadonlyArray<string> =>
  text.split("\n").flatMap((line) => {
    const record = AuditChain.parse(line)
    return record === undefined || AuditChain.linkOf(record) === undefined ? [] : [JSON.stringify(record)]
  })

const audit = sync(
  "audit log",
  mutated([
    whole,
    whole,
    `{"old":1}\n${whole}`,
    `${"[".repeat(9000)}\n`,
    `{"previous":"","digest":"","sequence":1,"a":${"[".repeat(9000)}${"]".repeat(9000)}}\n`
  ]),
  (text) => {
    const { finish, take } = AuditChain.verifier(log.head.digest)
    for (const line of text.split("\n")) take(line)
    const { fault, head, records } = finish()
    ensure(records <= text.length, () => `${records} records`)
    if (fault !== undefined) return
    ensure(head.digest === log.head.digest, () => `the head is ${head.digest}`)
    ensure(chained(text).join("\n") === chained(whole).join("\n"), () => "another log is taken for this one")
  }
)

const list = { target: "https://api.example.test", dncListId: "l" }

const end = (fields: object) =>
  `${JSON.stringify({ at: "2026-11-25T10:00:00.000Z", runId: "r", ...list, end: "kept", expires: "2028-01-31T00:00:00.000Z", phoneNumbers, ...fields })}\n`

const ends = async_(
  "file of ends",
  mutated([
    end({}) + end({ end: "removed", expires: undefined }) + end({ expires: null }),
    end({ end: "listed" }),
    end({})
  ]),
  async (text) => {
    const path = Path.join(folder, "ends.jsonl")
    Fs.writeFileSync(path, text)
    const known = settled(await Effect.runPromiseExit(IntendedEnds.make(path).known(list)), ["EndsError"])
    if ("_tag" in known) return
    ensure(known.ends.size * 8 <= text.length, () => `${known.ends.size} numbers of ${text.length} characters`)
    for (const [number, expires] of known.ends) {
      ensure(/^[1-9]\d{6,14}$/.test(String(number)), () => `the number ${number}`)
      ensure(!Number.isNaN(expires), () => `an end of ${expires}`)
    }
  }
)

export const targets: ReadonlyArray<Target> = [
  ...[csv, ndjson, file, phone, expiry, email, value, masking, retryAfter, entries, refusal, answer, stored, token],
  ...[exported, importStatus, lists, events, audit, ends]
]

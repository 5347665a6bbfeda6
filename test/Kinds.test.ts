/** E-mail addresses, WhatsApp numbers and custom values on the way that numbers go. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck as fc, Stream } from "effect"
import {
  Contract,
  DncEntry,
  DncExport,
  DncSubmitter,
  DncValidator,
  GenesysDnc,
  HttpClient,
  Masking,
  type Pipeline,
  SuppressionSet
} from "genesys-dnc"
import { Sandbox } from "genesys-dnc/sandbox"
import { Mocks } from "genesys-dnc/testing"
import validator from "validator/lib/isEmail.js"
import { problemsOfRequest } from "./conformance/contract.js"
import { assertTotals, folder, number, readRecords, run, settings } from "./support/cli.js"

const isEmail = validator.default
const kinds = DncEntry.kinds.filter((kind) => kind !== "phone")
const forEver = Number.POSITIVE_INFINITY
const now = Date.UTC(2026, 0, 1)

/** One contact of the kind for each index. */
const contacts: Readonly<Record<DncEntry.Kind, (index: number) => string>> = {
  phone: number,
  whatsapp: number,
  email: (index) => `person.${index}@example.com`,
  custom: (index) => `ACCOUNT-${index}, "Ltd"`
}
const routes = {
  phone: "phonenumbers",
  email: "emailaddresses",
  whatsapp: "whatsappnumbers",
  custom: "customexclusioncolumns"
} as const
const lists: Readonly<Record<DncEntry.Kind, Partial<Sandbox.Options["lists"][number]>>> = {
  phone: { dncSourceType: "rds", contactMethod: "Phone" },
  email: { dncSourceType: "rds", contactMethod: "Email" },
  whatsapp: { dncSourceType: "rds", contactMethod: "WhatsApp" },
  custom: { dncSourceType: "rds_custom", customExclusionColumn: "Account" }
}

const sandboxOf = (kind: DncEntry.Kind, options: Partial<Sandbox.Options> = {}) =>
  Sandbox.make({
    contract: "platform",
    lists: [{ id: Sandbox.defaultListId, name: "The list", ...lists[kind] } as Sandbox.Options["lists"][number]],
    ...options
  })

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()

const world = (sandbox: Sandbox.Service, kind: DncEntry.Kind) =>
  Effect.map(folder, (path) => {
    const auditLog = Path.join(path, "audit.jsonl")
    const file = Path.join(path, "in.csv")
    const layer = GenesysDnc.layer({ ...settings(sandbox, auditLog), api: { detect: sandbox.listId }, kind })
    return {
      auditLog,
      file,
      push: (
        lines: ReadonlyArray<string>,
        options: Partial<Omit<Pipeline.Options, "ends" | "against">> & { readonly verified?: boolean } = {},
        header = `${DncEntry.names[kind].column},expires`
      ) =>
        Effect.gen(function* () {
          Fs.writeFileSync(file, `${[header, ...lines].join("\n")}\n`)
          const client = yield* HttpClient.HttpClient
          const exported = Stream.provideService(DncExport.stream(sandbox.listId), HttpClient.HttpClient, client)
          return yield* GenesysDnc.pushFile(file, {
            dncListId: sandbox.listId,
            sizeLag: "2 seconds",
            ...(options.verified ? { verify: exported } : {}),
            ...options
          })
        }).pipe(Effect.provide(layer)),
      onList: () => new Map(Array.from(sandbox.contacts(routes[kind]), ({ contact, expires }) => [contact, expires]))
    }
  })

describe("through the sandbox", { timeout: 60_000 }, () => {
  it.scopedLive.each(kinds)("%s: put on a list with their ends, verified, and taken off", (kind) =>
    Effect.gen(function* () {
      const sandbox = yield* sandboxOf(kind)
      const { auditLog, onList, push } = yield* world(sandbox, kind)
      const line = (index: number, expires = "") => `${quoted(contacts[kind](index))},${expires}`
      const soon = inDays(30)
      const lines = [
        ...Array.from({ length: 1200 }, (_, index) => line(index)),
        ...Array.from({ length: 30 }, (_, index) => line(2000 + index, soon)),
        ...[line(3000, inDays(200)), line(7), line(2001)]
      ]
      const report = yield* push(lines, { verified: true })
      assertTotals(report.totals, { read: 1233, accepted: 1231, duplicateInFile: 2 })
      assert.strictEqual(report.outcome, "completed")
      assert.strictEqual(report.kind, kind)
      assert.strictEqual(report.contract, "platform")
      assert.strictEqual(report.verified, 1231)
      assert.strictEqual(report.withoutExpiry, 1)
      // 1,202 for ever and 29 with an end
      assert.strictEqual(report.batches.done, 3)
      const list = onList()
      assert.strictEqual(list.size, 1231)
      assert.strictEqual(list.get(contacts[kind](2001)), null)
      assert.isAtLeast(Date.parse(String(list.get(contacts[kind](2002)))), Date.parse(soon))
      assert.deepStrictEqual((yield* sandbox.stats).violations, [])
      for (const record of readRecords(auditLog)) assert.strictEqual(record.kind, kind)
      const removed = yield* push(lines.slice(0, 1000), { action: "remove", verified: true })
      assertTotals(removed.totals, { read: 1000, accepted: 1000 })
      assert.strictEqual(removed.verified, 1000)
      assert.strictEqual(onList().size, 231)
    })
  )

  it.scopedLive.each(
    kinds.flatMap((kind) => (["named", "silent"] as const).map((refusals) => [kind, refusals] as const))
  )("%s: what the server refuses (%s) is found out, and the rest goes through", ([kind, refusals]) =>
    Effect.gen(function* () {
      // culprits in both halves would look like a refusal of all
      const refused = new Set((refusals === "named" ? [3, 77, 98] : [77]).map(contacts[kind]))
      const refuse = (contact: string) => (refused.has(contact) ? `Do not send ${contact}!` : undefined)
      const sandbox = yield* sandboxOf(kind, { refuse, refusals })
      const { auditLog, file, onList, push } = yield* world(sandbox, kind)
      const report = yield* push(Array.from({ length: 100 }, (_, index) => `${quoted(contacts[kind](index))},`))
      assertTotals(report.totals, { read: 100, accepted: 100 - refused.size, rejected: refused.size })
      assert.deepStrictEqual(report.rejectsByCode, { RefusedByServer: refused.size })
      assert.strictEqual(onList().size, 100 - refused.size)
      for (const contact of refused) assert.isFalse(onList().has(contact))
      assert.strictEqual(report.requests <= 4, refusals === "named")
      const log = Fs.readFileSync(auditLog, "utf8")
      for (const contact of refused) {
        assert.notInclude(log, contact)
        assert.notInclude(log, JSON.stringify(contact).slice(1, -1))
      }
      // mended by somebody, the file of rejects goes in as it is
      const again = yield* world(yield* sandboxOf(kind), kind)
      const [header, ...lines] = Fs.readFileSync(`${file}.rejects.csv`, "utf8").trimEnd().split("\n")
      const mended = yield* again.push(lines, {}, header)
      assertTotals(mended.totals, { read: refused.size, accepted: refused.size })
      assert.deepStrictEqual(new Set(again.onList().keys()), refused)
    })
  )

  it.scopedLive.each(kinds)("%s: what failed goes in again from its file", (kind) =>
    Effect.gen(function* () {
      const sandbox = yield* sandboxOf(kind)
      const { file, onList, push } = yield* world(sandbox, kind)
      const line = (index: number) => `${quoted(contacts[kind](index))},`
      const report = yield* push([line(1), line(2)], {
        verify: Stream.make({ phoneNumber: contacts[kind](1), expires: forEver })
      })
      assertTotals(report.totals, { read: 2, accepted: 1, failed: 1 })
      const [header, ...lines] = Fs.readFileSync(`${file}.failed.csv`, "utf8").trimEnd().split("\n")
      assert.match(header, new RegExp(`^${DncEntry.names[kind].column},reason,expires`))
      assertTotals((yield* push(lines, {}, header)).totals, { read: 1, accepted: 1 })
      assert.strictEqual(onList().size, 2)
    })
  )

  const misfits = DncEntry.kinds.flatMap((kind) =>
    DncEntry.kinds.flatMap((other) => (other === kind ? [] : [[kind, other] as const]))
  )
  it.scopedLive.each(misfits)("%s do not go on a list for %s, and nothing is sent", ([kind, other]) =>
    Effect.gen(function* () {
      const sandbox = yield* sandboxOf(other)
      const { push } = yield* world(sandbox, kind)
      const error = yield* Effect.flip(push([`${quoted(contacts[kind](1))},`]))
      assert.strictEqual(error._tag, "BadRequest")
      assert.include(String("hint" in error && error.hint), kind === "custom" ? "rds_custom" : "hoose")
      assert.deepStrictEqual((yield* sandbox.stats).requests[routes[kind]] ?? {}, {})
    })
  )

  it.scopedLive("a list for any contact method takes all but custom values", () =>
    Effect.gen(function* () {
      for (const kind of ["email", "whatsapp"] as const) {
        const sandbox = yield* Sandbox.make({
          contract: "platform",
          lists: [{ id: Sandbox.defaultListId, name: "Any", dncSourceType: "rds", contactMethod: "Any" }]
        })
        const { onList, push } = yield* world(sandbox, kind)
        assertTotals((yield* push([`${contacts[kind](1)},`])).totals, { read: 1, accepted: 1 })
        assert.deepStrictEqual([...onList().keys()], [contacts[kind](1)])
      }
    })
  )

  it.scopedLive("no whole address and no whole value is in the audit log, rejects of all sorts included", () =>
    Effect.gen(function* () {
      const secret = "xylophone"
      for (const [kind, lines] of [
        [
          "email",
          [`${secret}@example.com,`, `${secret} x@example.com,`, `a@b.example; ${secret}@c.example,`, `${secret},`]
        ],
        [
          "email",
          [`${secret}@example.com,yesterday`, `"${secret}" <a@b.example>,`, `${secret}@example.com,2020-01-01`]
        ],
        ["custom", [`${secret}-1,`, `${secret}-${"9".repeat(300)},`, `${secret}\u0007,`, `${secret},a,b,c`]]
      ] as const) {
        const { auditLog, file, push } = yield* world(yield* sandboxOf(kind), kind)
        const report = yield* push(lines)
        assert.isAbove(report.totals.rejected, 1)
        assert.notInclude(Fs.readFileSync(auditLog, "utf8"), secret)
        assert.include(Fs.readFileSync(`${file}.rejects.csv`, "utf8"), secret)
      }
    })
  )
})

describe("Contract.platform", () => {
  const batch = (phoneNumbers: ReadonlyArray<string>): DncEntry.Batch => ({
    runId: "run",
    dncListId: Sandbox.defaultListId,
    action: "add",
    index: 0,
    phoneNumbers,
    reason: null,
    expires: now
  })

  it.each(DncEntry.kinds)("%s: the published operation", (kind) => {
    const request = Contract.platform({ kind }).request(batch([contacts[kind](1)]), "key")
    assert.isTrue(request.url.endsWith(`/${routes[kind]}`))
    const body = JSON.parse(
      new TextDecoder().decode(request.body._tag === "Uint8Array" ? request.body.body : new Uint8Array())
    )
    assert.deepStrictEqual(problemsOfRequest("PATCH", `https://api.example.com${request.url}`, body), [])
    assert.isTrue(Object.values(body).some((value) => Array.isArray(value) && value[0] === contacts[kind](1)))
  })

  const named = (body: unknown, sent: ReadonlyArray<string>, kind: DncEntry.Kind) =>
    Contract.namedNumbers(body, batch(sent), kind).map(({ phoneNumber }) => phoneNumber)

  it("finds out which addresses and values a refusal names, and takes no part of one for another", () => {
    const sent = ["o'brien@x.example", "brien@x.example", "a@x.example", "a@x.example.org"]
    assert.deepStrictEqual(named({ message: "o'brien@x.example is refused" }, sent, "email"), [sent[0]])
    assert.deepStrictEqual(named({ message: "'a@x.example' is refused" }, sent, "email"), [sent[2]])
    assert.deepStrictEqual(named({ message: 'refused: "a@x.example.org".' }, sent, "email"), [sent[3]])
    assert.deepStrictEqual(named({ message: "Sorry for a@x.example." }, sent, "email"), [sent[2]])
    assert.deepStrictEqual(named({ fieldName: "emailAddresses[1]" }, sent, "email"), [sent[1]])
    assert.deepStrictEqual(named({ fieldName: "phoneNumbers[1]" }, sent, "email"), [])
    const values = ["bad.request", "12", "Ann"]
    const body = { code: "bad.request", message: "12 of 99", details: [{ entityName: "Ann" }] }
    assert.deepStrictEqual(named(body, values, "custom"), [])
    assert.deepStrictEqual(named({ ...body, messageParams: { entry: "Ann" } }, values, "custom"), ["Ann"])
    assert.deepStrictEqual(named({ fieldName: "customExclusionColumnEntries[0]" }, values, "custom"), ["bad.request"])
  })
})

describe("DncValidator", () => {
  const judge = (kind: DncEntry.Kind, cell: string) =>
    Effect.runSync(DncValidator.make({ kind })).validate(DncEntry.rowBlock([{ phoneNumber: cell }]), now)
  const codeOf = (kind: DncEntry.Kind, cell: string) => {
    const block = judge(kind, cell)
    return block.length === 1 ? block.text?.[0] : block.rejects[0].code
  }

  it("e-mail addresses: one a cell, trimmed, the domain in lower case", () => {
    for (const [cell, verdict] of [
      ["John.Doe+x@Example.COM", "John.Doe+x@example.com"],
      [" o'brien@example.co.uk ", "o'brien@example.co.uk"],
      ["jörg@müller.example", "jörg@müller.example"],
      ["", "MissingEmail"],
      ["n/a", "InvalidEmail"],
      ["john@localhost", "InvalidEmail"],
      ["john@127.0.0.1", "InvalidEmail"],
      ["mailto:john@example.com", "InvalidEmail"],
      ["john\u200b@example.com", "InvalidEmail"],
      ["john..doe@example.com", "InvalidEmail"],
      ["a@b.example, c@d.example", "AmbiguousEmail"],
      ["a@b.example;c@d.example", "AmbiguousEmail"],
      ["John <john@example.com>", "AmbiguousEmail"],
      ["john doe@example.com", "AmbiguousEmail"],
      ['"john doe"@example.com', "AmbiguousEmail"],
      ["a@b@example.com", "AmbiguousEmail"]
    ]) {
      assert.strictEqual(codeOf("email", cell), verdict, cell)
    }
  })

  it("custom values: any text of one line that is not too long", () => {
    for (const [cell, verdict] of [
      ["  42, Ltd ", "42, Ltd"],
      ["نامه\u200cها", "نامه\u200cها"],
      ["", "MissingValue"],
      ["two\nlines", "InvalidValue"],
      ["bell\u0007", "InvalidValue"],
      ["half \ud800", "InvalidValue"],
      ["x".repeat(255), "x".repeat(255)],
      ["x".repeat(256), "InvalidValue"]
    ]) {
      assert.strictEqual(codeOf("custom", cell), verdict, JSON.stringify(cell))
    }
  })

  it("WhatsApp numbers are judged as phone numbers are", () => {
    const cells = ["+14155550100", "(415) 555-0100", "+33199001234", "911", "", "+41446681800", "415-555-0100 x12"]
    const [phones, whatsapps] = (["phone", "whatsapp"] as const).map((kind) => cells.map((cell) => judge(kind, cell)))
    assert.deepStrictEqual(
      whatsapps.map((block) => [Array.from(block.number), block.rejects.map(({ code }) => code)]),
      phones.map((block) => [Array.from(block.number), block.rejects.map(({ code }) => code)])
    )
  })

  const cell = fc.oneof(
    fc.emailAddress(),
    fc
      .tuple(fc.emailAddress(), fc.constantFrom(",", " ", ", ", ";", "<", ">", "@", "|", "\t"), fc.emailAddress())
      .map((parts) => parts.join("")),
    fc.tuple(fc.string({ unit: "binary", maxLength: 5 }), fc.emailAddress()).map((parts) => parts.join("")),
    fc.emailAddress().map((address) => `Name <${address}>`),
    fc.string({ unit: fc.constantFrom(..."aB1.-_+@ ,;<>\"'É") }),
    fc.string({ unit: "binary" })
  )

  it.prop(
    "an accepted address is one by the library, plain, and accepted again as it is; a plain one by the library is accepted",
    [cell],
    ([text]) => {
      const verdict = judge("email", text)
      if (verdict.length === 0) {
        const plain = !/[\s,;<>()"[\]|\p{C}]/u.test(text.trim())
        return assert.isFalse(plain && isEmail(text.trim()))
      }
      const address = verdict.text![0]
      assert.isTrue(isEmail(text.trim()) && isEmail(address))
      assert.notMatch(address, /[\s,;<>"]|@.*@/)
      assert.strictEqual(address.toLowerCase(), text.trim().toLowerCase())
      assert.strictEqual(codeOf("email", address), address)
    },
    { fastCheck: { numRuns: 3000 } }
  )

  it.effect("and a contract of another kind: refused before anything is read", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(GenesysDnc.pushFile([], { dncListId: Sandbox.defaultListId }))
      assert.strictEqual(error._tag, "BadRequest")
      assert.include(error.message, "e-mail addresses")
    }).pipe(
      Effect.provide([
        DncValidator.layer({ kind: "email" }),
        DncSubmitter.layerDryRun(Contract.platform()),
        Mocks.auditSink()
      ])
    )
  )
})

describe("SuppressionSet of texts", () => {
  const text = fc.constantFrom("a@x.example", "A@x.example", "b@y.example", "__proto__", "1", "é@x.example", "😀")
  const row = fc.tuple(text, fc.integer({ min: 0, max: 2 }), fc.constantFrom(now, now + 60_000, forEver))
  const batchOf = { runId: "run", dncListId: "list", action: "add" as const }

  it.prop(
    "holds what a plain map holds",
    [fc.array(fc.array(row, { maxLength: 12 }), { maxLength: 5 }), fc.integer({ min: 1, max: 4 })],
    ([blocks, largest]) => {
      const set = SuppressionSet.make(SuppressionSet.Codec.ofKind("email"))
      const model = new Map<string, { reason: number; expires: number; place: number }>()
      let base = 0
      for (const rows of blocks) {
        let duplicates = 0
        for (const [index, [contact, reason, expires]] of rows.entries()) {
          const known = model.get(contact)
          if (known === undefined) model.set(contact, { reason, expires, place: base + index + 1 })
          else {
            duplicates++
            if (DncEntry.isStricter(expires, reason, known.expires, known.reason))
              Object.assign(known, { reason, expires })
          }
        }
        const given = set.add(
          {
            length: rows.length,
            line: rows.map((_, index) => index + 1),
            number: [],
            text: rows.map(([contact]) => contact),
            reason: rows.map(([, reason]) => reason),
            expires: rows.map(([, , expires]) => expires),
            rejects: [],
            unknownReasons: 0
          },
          base
        )
        assert.strictEqual(given, duplicates)
        base += rows.length
      }
      assert.strictEqual(set.size(), model.size)
      for (const [contact, { expires, place, reason }] of model) {
        assert.deepStrictEqual(set.value(contact), { reason: DncEntry.reasons[reason], expires })
        assert.strictEqual(set.place(contact), place)
        assert.strictEqual(set.expires(set.numberOf(contact.replace("x.example", "X.Example"))), expires)
      }
      assert.isNaN(set.numberOf("nobody@x.example"))
      assert.isUndefined(set.value("nobody@x.example"))
      const cut = [...set.cut(largest, batchOf)]
      assert.sameMembers(
        cut.flatMap(({ phoneNumbers }) => phoneNumbers),
        [...model.keys()]
      )
      for (const { expires, phoneNumbers } of cut) {
        for (const contact of phoneNumbers) assert.strictEqual(expires, model.get(contact)?.expires)
      }
      const [first] = model.keys()
      if (first === undefined) return
      set.unsend([first])
      set.see(set.numberOf([...model.keys()].at(-1)!))
      const others = [...model.keys()].slice(1)
      assert.deepStrictEqual([...set.sent(true)], others.slice(-1))
      assert.deepStrictEqual([...set.sent(false)], others.slice(0, -1))
    },
    { fastCheck: { numRuns: 500 } }
  )
})

describe("Masking", () => {
  it("of an address the first character and the domain stay, of a value the last two", () => {
    for (const [text, masked] of [
      ["john.doe@example.com", "j***@example.com"],
      ["refused: <john.doe@example.com>.", "refused: <j***@example.com>."],
      ["a@x.example, o'brien@y.example", "***@x.example, o***@y.example"],
      ['"john doe"@example.com', "***@example.com"],
      ["4155552671@vtext.com", "4***@vtext.com"],
      ["j***@example.com", "j***@example.com"]
    ]) {
      assert.strictEqual(Masking.mask(text), masked)
    }
    assert.strictEqual(Masking.maskValue("ACCOUNT-123"), "***23")
    assert.strictEqual(Masking.maskValue("1234"), "***")
    assert.strictEqual(Masking.maskValues("no (A.C-123), BA.C-1234", ["A.C-123"]), "no (***23), BA.C-1234")
  })

  it.prop(
    "of no address is more left",
    // A star and no more before the at is what three of them end with.
    [fc.emailAddress().filter((address) => !/\*\*|^\*@/.test(address)), fc.string(), fc.string()],
    ([address, before, after]) => {
      const masked = Masking.mask(`${before} ${address} ${after}`)
      assert.notInclude(masked, address)
      assert.strictEqual(Masking.mask(masked), masked)
    }
  )
})

describe("the command", { timeout: 120_000 }, () => {
  it.scopedLive("push --kind email, then validate and a usage error", () =>
    Effect.gen(function* () {
      const sandbox = yield* sandboxOf("email")
      const cwd = yield* folder
      Fs.writeFileSync(Path.join(cwd, "in.csv"), "E-Mail,phone\nann@Example.com,1\nann@example.com,2\nbob,3\n")
      const env = {
        GENESYS_DNC_API_URL: sandbox.url,
        GENESYSCLOUD_OAUTHCLIENT_ID: sandbox.clientId,
        GENESYSCLOUD_OAUTHCLIENT_SECRET: sandbox.clientSecret,
        GENESYS_DNC_LIST: sandbox.listId
      }
      const pushed = yield* run(["push", "in.csv", "--kind", "email", "--size-lag", "1s", "--verify"], { cwd, env })
      assert.strictEqual(pushed.code, 3, pushed.stderr)
      assert.include(pushed.stdout, "verified: 1 e-mail addresses")
      assert.notMatch(pushed.stdout + pushed.stderr, /ann@/i)
      assert.deepStrictEqual(
        Array.from(sandbox.contacts("emailaddresses"), ({ contact }) => contact),
        ["ann@example.com"]
      )
      const checked = yield* run(["validate", "in.csv", "--kind", "custom", "--column", "phone", "--json"], {
        cwd,
        env
      })
      assert.strictEqual(checked.code, 0, checked.stderr)
      assert.include(JSON.parse(checked.stdout), { kind: "custom", distinctNumbers: 3 })
      const wrong = yield* run(["push", "in.csv", "--kind", "email", "--api", "entries"], { cwd, env })
      assert.strictEqual(wrong.code, 2, wrong.stderr)
      assert.include(wrong.stderr, "--api entries")
    })
  )
})

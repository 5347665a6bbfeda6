import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import type * as Http from "node:http"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ContentInfo, EncapsulatedContent, EncapsulatedContentInfo, SignedData } from "@peculiar/asn1-cms"
import { AsnConvert, OctetString } from "@peculiar/asn1-schema"
import { MessageImprint, PKIStatus, PKIStatusInfo, TimeStampReq, TimeStampResp, TSTInfo } from "@peculiar/asn1-tsp"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"
import { AuditLog, AuditTimestamp, Evidence, GenesysDnc } from "genesys-dnc"
import { Sandbox } from "genesys-dnc/sandbox"
import { csv, folder, readRecords, serve, settings } from "./support/cli.js"

type Answer = (query: Buffer, response: Http.ServerResponse) => void

/** A service on this machine that answers so; its URL. */
const service = (answer: Answer) =>
  serve(async (request, response) => {
    const parts: Array<Buffer> = []
    for await (const part of request) parts.push(part)
    const isQuery = request.headers["content-type"] === "application/timestamp-query"
    if (isQuery) answer(Buffer.concat(parts), response)
    else response.writeHead(415).end()
  })

const genTime = "2026-03-01T12:00:00.000Z"

/** An answer that is right, but for what is changed, and that nobody signed. */
const reply =
  (change: (info: TSTInfo) => void = () => {}, status = PKIStatus.granted): Answer =>
  (query, response) => {
    const { messageImprint, nonce } = AsnConvert.parse(query, TimeStampReq)
    const info = new TSTInfo({
      policy: "1.2.3",
      messageImprint,
      serialNumber: new Uint8Array([1]).buffer,
      genTime: new Date(genTime),
      ...(nonce === undefined ? {} : { nonce })
    })
    change(info)
    const eContent = new EncapsulatedContent({ single: new OctetString(AsnConvert.serialize(info)) })
    const content = new SignedData({
      version: 3,
      encapContentInfo: new EncapsulatedContentInfo({ eContentType: "1.2.840.113549.1.9.16.1.4", eContent })
    })
    const timeStampToken = new ContentInfo({
      contentType: "1.2.840.113549.1.7.2",
      content: AsnConvert.serialize(content)
    })
    const isGranted = status === PKIStatus.granted
    const answer = new TimeStampResp({
      status: new PKIStatusInfo({ status }),
      ...(isGranted ? { timeStampToken } : {})
    })
    response.end(Buffer.from(AsnConvert.serialize(answer)))
  }

const head = { sequence: 3, digest: "ab".repeat(32) }

const stamp = (answer: Answer) =>
  Effect.flatMap(service(answer), (url) => Effect.flatMap(AuditTimestamp.make(url), (stamper) => stamper(head)))

describe("AuditTimestamp", { timeout: 60_000 }, () => {
  it.scopedLive("a stamp of the digest and of the request is taken", () =>
    Effect.gen(function* () {
      const stamped = yield* stamp(reply())
      assert.deepInclude(stamped, { ...head, genTime })
    })
  )

  it.scopedLive.each<[string, Answer, string]>([
    ["a refusal", reply(undefined, PKIStatus.rejection), "it refused, with status 2"],
    [
      "another digest",
      reply((info) => {
        const { hashAlgorithm } = info.messageImprint
        info.messageImprint = new MessageImprint({ hashAlgorithm, hashedMessage: new OctetString(new ArrayBuffer(32)) })
      }),
      "of another digest"
    ],
    [
      "another nonce",
      reply((info) => {
        info.nonce = new Uint8Array([7]).buffer
      }),
      "of another request"
    ],
    [
      "no nonce",
      reply((info) => {
        delete info.nonce
      }),
      "of another request"
    ],
    ["garbage", (_, response) => void response.end("<html>"), "cannot be read"],
    ["nothing", (_, response) => void response.end(), "cannot be read"],
    ["an error", (_, response) => void response.writeHead(503).end(), "status 503"],
    ["a redirection", (_, response) => void response.writeHead(302, { location: "/" }).end(), "status 302"],
    ["a broken answer", (_, response) => void response.write("x", () => response.destroy()), "broke off"],
    ["an answer without end", (_, response) => void response.end(Buffer.alloc(1 << 20)), "more than 262144 bytes"]
  ])("%s is none", ([, answer, words]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(stamp(answer))
      assert.strictEqual(error._tag, "TimestampError")
      assert.include(error.message, words)
    })
  )

  it.scoped("a service that does not answer is given up", () =>
    Effect.gen(function* () {
      let asked = () => {}
      const arrived = new Promise<void>((resolve) => {
        asked = resolve
      })
      const fiber = yield* Effect.fork(Effect.flip(stamp(() => asked())))
      yield* Effect.promise(() => arrived)
      yield* TestClock.adjust("30 seconds")
      assert.include((yield* Fiber.join(fiber)).message, "no whole answer within 30 seconds")
    })
  )

  it.effect.each(["http://tsa.example.com", "ftp://x", "tsa", "", "https://a:b@tsa.example.com"])(
    "%s is no service",
    (url) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(AuditTimestamp.make(url))
        assert.notInclude(error.message, "a:b")
      })
  )

  it.scopedLive("openssl's answer is taken, kept in the log and the evidence, and verified by openssl", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const openssl = (...words: ReadonlyArray<string>) =>
        execFileSync("openssl", words, { cwd: path, encoding: "utf8", stdio: "pipe" })
      Fs.writeFileSync(
        Path.join(path, "tsa.cnf"),
        "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\nsigner_cert = tsa.pem\nsigner_key = key.pem\nsigner_digest = sha256\ndefault_policy = 1.2.3\ndigests = sha256\n"
      )
      Fs.writeFileSync(Path.join(path, "serial"), "01\n")
      openssl(
        ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "tsa.pem", "-days", "30"],
        ...["-subj", "/CN=a TSA", "-addext", "extendedKeyUsage=critical,timeStamping"]
      )
      const url = yield* service((query, response) => {
        Fs.writeFileSync(Path.join(path, "query"), query)
        openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply")
        response.end(Fs.readFileSync(Path.join(path, "reply")))
      })
      const sandbox = yield* Sandbox.make({ contract: "entries" })
      const auditLog = Path.join(path, "audit.jsonl")
      Fs.writeFileSync(Path.join(path, "in.csv"), csv(3))
      const push = (stamper: AuditTimestamp.Stamper) =>
        Effect.provide(
          GenesysDnc.pushFile(Path.join(path, "in.csv"), { dncListId: sandbox.listId }),
          GenesysDnc.layer({ ...settings(sandbox, auditLog), audit: { stamper } })
        )
      const { auditHead, outcome, runId, stampedHead } = yield* push(yield* AuditTimestamp.make(url))
      assert.strictEqual(outcome, "completed")
      const [end, stamped] = readRecords(auditLog).slice(-2)
      assert.deepStrictEqual([end.operation, stamped.operation], ["RUN_FINISHED", "HEAD_TIMESTAMPED"])
      assert.deepStrictEqual(stamped.result, stampedHead as typeof stamped.result)
      assert.deepInclude(stampedHead, { url, digest: end.digest, sequence: end.sequence })
      assert.deepInclude(yield* AuditLog.verify(auditLog, auditHead), { fault: undefined })
      const evidence = Path.join(path, "evidence")
      yield* Evidence.write(auditLog, (yield* AuditLog.history(auditLog, runId))!, evidence)
      const page = Fs.readFileSync(Path.join(evidence, "certificate.html"), "utf8")
      const [, command] = /<pre>openssl (ts [^<]+)<\/pre>/.exec(page)!
      Fs.copyFileSync(Path.join(path, "tsa.pem"), Path.join(evidence, "tsa.pem"))
      const verify = (command: string) =>
        execFileSync("openssl", command.split(" "), { cwd: evidence, encoding: "utf8", stdio: "pipe" })
      assert.include(verify(command), "Verification: OK")
      assert.throws(() => verify(command.replace(end.digest, head.digest)))

      // a run is as good without
      const said: Array<string> = []
      const logger = Logger.make(({ message }) => said.push(String(message)))
      const broken = yield* AuditTimestamp.make(yield* service((_, response) => void response.end("no")))
      const report = yield* Effect.provide(push(broken), Logger.replace(Logger.defaultLogger, logger))
      assert.strictEqual(report.outcome, "completed")
      assert.strictEqual(report.stampedHead, undefined)
      assert.include(said.join(), "gave no time stamp: its answer cannot be read")
    })
  )
})

import { execFileSync } from "node:child_process"
import { generateKeyPairSync } from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { AuditChain, AuditLog, AuditSignature, Evidence, GenesysDnc } from "genesys-dnc"
import { Sandbox } from "genesys-dnc/sandbox"
import * as ExitCode from "../src/cli/ExitCode.js"
import { csv, folder, readRecords, run, settings } from "./support/cli.js"

/** A key of its own in files, as openssl writes them. */
const keyIn = (path: string, name: string, mode = 0o600) => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  const files = { secret: Path.join(path, `${name}.pem`), open: Path.join(path, `${name}.pub.pem`) }
  Fs.writeFileSync(files.secret, privateKey.export({ format: "pem", type: "pkcs8" }), { mode })
  Fs.writeFileSync(files.open, publicKey.export({ format: "pem", type: "spki" }))
  return { ...files, pem: privateKey.export({ format: "pem", type: "pkcs8" }).toString() }
}

const operator = "Ann \u001b[31mOther"

/** One run that was signed, by an operator. */
const world = Effect.gen(function* () {
  const sandbox = yield* Sandbox.make({ contract: "entries" })
  const path = yield* folder
  const auditLog = Path.join(path, "audit.jsonl")
  const key = keyIn(path, "key")
  Fs.writeFileSync(Path.join(path, "in.csv"), csv(3))
  const audit = { operator, signer: yield* AuditSignature.fromFile(key.secret) }
  const push = (audit: GenesysDnc.Settings["audit"], ...fresh: ReadonlyArray<boolean>) =>
    Effect.provide(
      GenesysDnc.pushFile(Path.join(path, "in.csv"), { dncListId: sandbox.listId, fresh: fresh[0] === true }),
      GenesysDnc.layer({ ...settings(sandbox, auditLog), ...(audit === undefined ? {} : { audit }) })
    )
  return { audit, auditLog, key, path, push, report: yield* push(audit) }
})

const listId = "0ffca115-cafe-4ace-a11c-facade0ca115"

describe("AuditSignature", { timeout: 60_000 }, () => {
  it("the text that is signed", () => {
    assert.strictEqual(AuditSignature.text({ sequence: 7, digest: "ab" }), "genesys-dnc head v1\n7\nab\n")
  })

  it.scopedLive(
    "a run ends with the signature of its head, by who ran it; what was not so configured has neither",
    () =>
      Effect.gen(function* () {
        const { audit, auditLog, key, push, report } = yield* world
        const publicKey = yield* AuditSignature.publicKeyFromFile(key.open)
        const records = readRecords(auditLog)
        const [first] = records
        assert.deepInclude(first.result, { operator })
        const [end, signed] = records.slice(-2)
        assert.deepStrictEqual([end.operation, signed.operation], ["RUN_FINISHED", "HEAD_SIGNED"])
        assert.deepInclude(signed.result, { sequence: end.sequence, digest: end.digest, publicKey })
        assert.deepStrictEqual(report.signedHead, signed.result as AuditSignature.Signed)
        assert.strictEqual(report.auditHead, signed.digest)
        assert.isTrue(AuditSignature.isBy(report.signedHead!, [publicKey]))
        for (const head of [end.digest, signed.digest]) {
          const { fault, signatures } = yield* AuditLog.verify(auditLog, head, [publicKey])
          assert.strictEqual(fault, undefined)
          const last = { sequence: end.sequence, digest: end.digest }
          assert.deepStrictEqual(signatures, { found: 1, checked: true, last })
        }
        assert.notInclude(JSON.stringify(audit), key.pem.split("\n")[1])
        const unsigned = yield* push(undefined, true)
        assert.strictEqual(unsigned.signedHead, undefined)
        const [plain, ...more] = (yield* AuditLog.summaries(auditLog)).map(({ run }) => run).reverse()
        assert.deepStrictEqual([plain.operator, ...more.map(({ operator }) => operator)], [null, operator])
        const evil = yield* AuditLog.verify(auditLog, undefined, [
          yield* AuditSignature.publicKeyFromFile(keyIn(yield* folder, "other").open)
        ])
        assert.deepInclude(evil.fault, { kind: "signature", sequence: signed.sequence })
      })
  )

  it.scopedLive(
    "a signature that was changed, or is of another head, is a fault, though the chain was written anew",
    () =>
      Effect.gen(function* () {
        const { auditLog, key } = yield* world
        const publicKeys = [yield* AuditSignature.publicKeyFromFile(key.open)]
        const records = readRecords(auditLog)
        const verdict = (
          change: (result: AuditSignature.Signed) => object | undefined,
          keys?: ReadonlyArray<string>
        ) => {
          const verifier = AuditChain.verifier(undefined, keys)
          let head = AuditChain.empty
          for (const { digest: _, previous: _p, sequence: _s, ...record } of records) {
            const next = AuditChain.follow(
              head,
              record.operation === "HEAD_SIGNED" ? { ...record, result: change(record.result) } : record
            )
            head = next.head
            verifier.take(next.line)
          }
          return verifier.finish().fault
        }
        assert.strictEqual(
          verdict((signed) => signed, publicKeys),
          undefined
        )
        const other = Buffer.alloc(64, 7).toString("base64")
        for (const signature of [other, "", 7]) {
          assert.deepInclude(
            verdict((signed) => ({ ...signed, signature }), publicKeys),
            { kind: "signature" }
          )
        }
        for (const keys of [publicKeys, undefined]) {
          assert.strictEqual(verdict((signed) => ({ ...signed, sequence: 1 }), keys)?.kind, "signature")
          assert.strictEqual(verdict((signed) => ({ ...signed, digest: "ab".repeat(32) }), keys)?.kind, "signature")
          assert.strictEqual(verdict(() => undefined, keys)?.kind, "signature")
        }
      })
  )

  it.scopedLive("a run is gone on with by whoever runs it again, and the log names both", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ contract: "entries" })
      const path = yield* folder
      const auditLog = Path.join(path, "audit.jsonl")
      Fs.writeFileSync(Path.join(path, "in.csv"), csv(2000))
      const push = (operator: string, stopAfter = Number.POSITIVE_INFINITY) =>
        Effect.gen(function* () {
          const stop = yield* Deferred.make<void>()
          return yield* GenesysDnc.pushFile(Path.join(path, "in.csv"), {
            dncListId: sandbox.listId,
            stop: Deferred.await(stop),
            onProgress: ({ settled }) => {
              if (settled >= stopAfter) Deferred.unsafeDone(stop, Effect.void)
            }
          }).pipe(
            Effect.provide(GenesysDnc.layer({ ...settings(sandbox, auditLog), concurrency: 1, audit: { operator } }))
          )
        })
      assert.strictEqual((yield* push("Ann", 1)).outcome, "stopped")
      assert.isDefined((yield* push("Bob")).resumed)
      const [{ run }, ...others] = yield* AuditLog.summaries(auditLog)
      assert.deepStrictEqual(others, [])
      assert.deepInclude(run, { operator: "Ann", resumedBy: ["Bob"], outcome: "completed" })
    })
  )

  it.scopedLive("only a private key for Ed25519 in PKCS #8 is taken, and others that may read it are warned of", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const wrong = Path.join(path, "wrong.pem")
      const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 })
      const ed = generateKeyPairSync("ed25519")
      const texts = [
        rsa.privateKey.export({ format: "pem", type: "pkcs8" }),
        rsa.privateKey.export({ format: "pem", type: "pkcs1" }),
        ed.publicKey.export({ format: "pem", type: "spki" }),
        ed.privateKey.export({ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "x" }),
        "-----BEGIN PRIVATE KEY-----\nsecret words\n-----END PRIVATE KEY-----\n",
        ""
      ]
      for (const text of texts) {
        Fs.writeFileSync(wrong, text)
        const error = yield* Effect.flip(AuditSignature.fromFile(wrong))
        assert.include(error.message, "holds no private key for Ed25519")
        assert.notInclude(JSON.stringify(error), "secret words")
        if (!String(text).includes("PUBLIC")) yield* Effect.flip(AuditSignature.publicKeyFromFile(wrong))
      }
      assert.include((yield* Effect.flip(AuditSignature.fromFile(`${wrong}-2`))).message, "ENOENT")
      const said: Array<string> = []
      const logger = Logger.make(({ message }) => said.push(String(message)))
      const load = (mode: number) =>
        Effect.provide(
          AuditSignature.fromFile(keyIn(path, `of-${mode}`, mode).secret),
          Logger.replace(Logger.defaultLogger, logger)
        )
      yield* load(0o600)
      assert.deepStrictEqual(said, [])
      yield* load(0o644)
      assert.include(said.join(), "mode 644): chmod 600")
    })
  )

  it.scopedLive("the folder of evidence has what openssl needs, and names the operator", () =>
    Effect.gen(function* () {
      const { auditLog, path, report } = yield* world
      const history = yield* AuditLog.history(auditLog, report.runId)
      const output = Path.join(path, "evidence")
      const summary = yield* Evidence.write(auditLog, history!, output)
      assert.deepStrictEqual(summary.signed, report.signedHead)
      const page = Fs.readFileSync(Path.join(output, "certificate.html"), "utf8")
      assert.include(page, "Ann  [31mOther")
      const [, command] = /<pre>(openssl pkeyutl [^<]+)<\/pre>/.exec(page)!
      const [program, ...words] = command.split(" ")
      const answer = () => execFileSync(program, words, { cwd: output, encoding: "utf8", stdio: "pipe" })
      assert.include(answer(), "Signature Verified Successfully")
      Fs.appendFileSync(Path.join(output, "head.txt"), " ")
      assert.throws(answer)
    })
  )

  it.scopedLive(
    "the command checks signatures, escapes the operator, and refuses a wrong key before anything is sent",
    () =>
      Effect.gen(function* () {
        const { auditLog, key, path, report } = yield* world
        const cli = (...words: ReadonlyArray<string>) => run([...words, "--audit", auditLog], { cwd: path })
        const checked = yield* cli("audit", "verify", "--public-key", key.open)
        assert.strictEqual(checked.code, 0, checked.stderr)
        assert.include(checked.stdout, "1 signatures, each by the key")
        assert.include((yield* cli("audit", "verify")).stdout, "1 signatures, not checked")
        const other = yield* cli("audit", "verify", "--public-key", keyIn(path, "other").open)
        assert.strictEqual(other.code, ExitCode.tampered)
        const shown = yield* cli("runs", "show", report.runId)
        assert.include(shown.stdout, "Operator: Ann  [31mOther")
        assert.include((yield* cli("runs", "list")).stdout, "Ann  [31mOther")
        const before = readRecords(auditLog).length
        const wrong = yield* cli("push", "in.csv", "--dry-run", "--list", listId, "--sign-key", key.open)
        assert.strictEqual(wrong.code, ExitCode.wrongUsage)
        assert.include(wrong.stderr, "holds no private key")
        const long = yield* cli("push", "in.csv", "--dry-run", "--list", listId, "--operator", "x".repeat(201))
        assert.strictEqual(long.code, ExitCode.wrongUsage)
        assert.strictEqual(readRecords(auditLog).length, before)
        for (const { stderr, stdout } of [checked, shown, wrong]) {
          assert.notInclude(stdout + stderr, key.pem.split("\n")[1])
        }
        assert.notInclude(Fs.readFileSync(auditLog, "utf8"), key.pem.split("\n")[1])
      })
  )
})

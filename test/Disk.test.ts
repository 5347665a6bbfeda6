/** Disks that lose power, are full, or fail: nothing is sent without evidence, and what is found afterwards can be gone on with. */
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as TestClock from "effect/TestClock"
import { AuditChain, AuditSink, GenesysDnc, IntendedEnds, type RunReport } from "genesys-dnc"
import { Sandbox } from "genesys-dnc/sandbox"
import { afterAll, vi } from "vitest"
import { fold, isValid, now, pool, type Row, row, said, show, toRow } from "./model/model.js"
import { dead, dncListId, type Refusal, type Settings, world } from "./model/world.js"
import { environment, folder, run, unprivileged } from "./support/cli.js"
import * as Disk from "./support/disk.js"

vi.mock("node:fs/promises", async (original) => {
  const { over } = await import("./support/disk.js")
  return over(await original<typeof import("node:fs/promises")>())
})
vi.mock("node:fs", async (original) => {
  const { overSync } = await import("./support/disk.js")
  return overSync(await original<typeof import("node:fs")>())
})

interface Case {
  readonly api: Settings["api"]
  readonly rows: ReadonlyArray<Row>
  readonly troubles: ReadonlyArray<Disk.Trouble & Disk.Loss>
}

const cases = (trouble: FastCheck.Arbitrary<Disk.Trouble>): FastCheck.Arbitrary<Case> =>
  FastCheck.record({
    api: FastCheck.constantFrom("entries" as const, "platform" as const),
    rows: FastCheck.array(row, { minLength: 1, maxLength: 14 }),
    troubles: FastCheck.array(
      FastCheck.tuple(
        trouble,
        FastCheck.record({ keep: FastCheck.constantFrom(0, 0.3, 0.9, 1), zeros: FastCheck.boolean() })
      ).map(([trouble, loss]) => ({ ...trouble, ...loss })),
      { minLength: 1, maxLength: 3 }
    )
  })

/** One number is refused by name, so that there is a file of rejects; one batch fails for good. */
const refusals = new Map<string, Refusal>([[pool[3], "named"]])

/** They stay to the end: another file of the same inode would be taken for one that a dead process has locked. */
const folders = Fs.mkdtempSync(Path.join(Os.tmpdir(), "genesys-dnc-disk-"))
afterAll(() => Fs.rmSync(folders, { recursive: true, force: true }))
const newFolder = () => Fs.mkdtempSync(Path.join(folders, "boot-"))

/** Runs through all troubles, each followed by a loss of power, and once more without any. */
const survived = (given: Case): Effect.Effect<void, unknown> =>
  Effect.gen(function* () {
    yield* TestClock.setTime(now)
    const { api } = given
    const settings = { api, action: "add" as const, largestBatch: 2, most: 9, faults: [], refusals, seeded: new Map() }
    const { list, process, received } = world(settings)
    let place = newFolder()
    const csv = given.rows.map(toRow).map((row) => [row.phoneNumber, row.reason, row.expires].join())
    Fs.writeFileSync(Path.join(place, "in.csv"), `phone,reason,expires\n${csv.join("\n")}\n`)
    const model = fold(given.rows)
    const at = (name: string) => Path.join(place, name)

    const push = (trouble: Disk.Trouble) => {
      const pushed = GenesysDnc.pushFile(at("in.csv"), {
        ...{ dncListId, stop: dead, sizeLag: "0 seconds", ends: at("ends.jsonl"), keep: [at("audit.jsonl")] }
      })
      return Effect.either(
        process(pushed, undefined, AuditSink.layerFile(at("audit.jsonl"), { numbers: "whole" }), (kill) =>
          Disk.mount(place, trouble, kill)
        )
      )
    }

    /** Takes the power away, and looks at what is there when it is back. */
    const recover = (loss: Disk.Loss) =>
      Effect.gen(function* () {
        const next = newFolder()
        yield* Effect.promise(() => Disk.recover(next, loss))
        place = next
        const log = Fs.existsSync(at("audit.jsonl")) ? Fs.readFileSync(at("audit.jsonl"), "utf8") : ""
        const verifier = AuditChain.verifier()
        const intended = new Set<string>()
        let last: AuditSink.AuditRecord | undefined
        for (const line of log.split("\n")) {
          verifier.take(line)
          const record = AuditChain.parse(line) as AuditSink.AuditRecord | undefined
          last = record ?? last
          if (record?.operation !== "BATCH_INTENDED") continue
          intended.add(record.result.idempotencyKey).add(record.phoneNumbers?.join() ?? "")
        }
        assert.strictEqual(verifier.finish().fault, undefined)
        const { ends } = yield* IntendedEnds.make(at("ends.jsonl")).known({
          dncListId,
          target: "https://api.example.test"
        })
        for (const { key, phoneNumbers } of received) {
          assert.isTrue(intended.has(key ?? phoneNumbers.join()), "it was sent, and no evidence of it is left")
          if (api !== "platform") continue
          for (const phoneNumber of phoneNumbers) {
            const end = model.get(phoneNumber)?.expires ?? null
            if (end === null || said(api, model.get(phoneNumber)!).expires !== null) continue
            assert.strictEqual(ends.get(Number(phoneNumber.slice(1))), Date.parse(end), "its end is lost")
          }
        }
        return last
      })

    for (const trouble of given.troubles) {
      const before = received.length
      const result = yield* push(trouble)
      if (trouble.room === 0) assert.strictEqual(received.length, before, "it was sent without evidence")
      if (result._tag === "Left") {
        assert.include(["AuditError", "EndsError", "OutputError"], result.left._tag)
        assert.match((result.left as AuditSink.AuditError).hint, /space on the disk/)
        assert.strictEqual(received.length, before)
      } else if (result.right?.outcome === "aborted") {
        assert.include(["AuditError", "OutputError", "EndsError"], result.right.error?.tag)
      }
      yield* recover(trouble)
    }
    const last = yield* push({})
    assert.strictEqual(last._tag, "Right")
    const report = (last as { readonly right: RunReport.RunReport | undefined }).right
    assert.strictEqual(report?.outcome, "completed")
    const wanted = Array.from(model, ([phoneNumber, value]) => [phoneNumber, show(said(api, value))])
    assert.deepStrictEqual(
      Array.from(list, ([phoneNumber, value]) => [phoneNumber, show(value)]).sort(),
      wanted.filter(([phoneNumber]) => phoneNumber !== pool[3]).sort()
    )
    const bad = given.rows.filter((row) => !isValid(row)).length
    assert.strictEqual(report?.totals.rejected, bad + (model.has(pool[3]) ? 1 : 0))
    // and the files that the last record names are there with the content that it says, if the power fails now
    const finished = yield* recover({ keep: 0, zeros: false })
    assert.strictEqual(finished?.operation, "RUN_FINISHED")
    if (finished?.operation !== "RUN_FINISHED") return
    assert.strictEqual(finished.result.files.length > 0, report?.totals.rejected !== 0)
    for (const { path, sha256 } of finished.result.files) {
      const survivor = at(Path.basename(path))
      assert.isTrue(Fs.existsSync(survivor), `${Path.basename(path)} is gone`)
      assert.strictEqual(createHash("sha256").update(Fs.readFileSync(survivor)).digest("hex"), sha256)
    }
  }).pipe(Logger.withMinimumLogLevel(LogLevel.None))

const runs = { fastCheck: { numRuns: 40 } }

const other = unprivileged()

describe("a disk", { timeout: 120_000 }, () => {
  const loss = FastCheck.record({ lossAt: FastCheck.nat(40), after: FastCheck.boolean() })
  it.effect.prop("that loses power at any write or sync", { given: cases(loss) }, ({ given }) => survived(given), runs)

  const full = FastCheck.record({ room: FastCheck.oneof(FastCheck.constant(0), FastCheck.nat(12_000)) })
  it.effect.prop(
    "that is full at any byte, and then is not",
    { given: cases(full) },
    ({ given }) => survived(given),
    runs
  )

  const broken = FastCheck.record({ brokenSync: FastCheck.nat(25) })
  it.effect.prop("that fails at any sync", { given: cases(broken) }, ({ given }) => survived(given), runs)

  it.scopedLive.skipIf(other === undefined)("whose folder is read-only: nothing is sent", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.make({ contract: "entries" })
      const cwd = yield* folder
      Fs.writeFileSync(Path.join(cwd, "in.csv"), "phone\n+33199000001\n", { mode: 0o644 })
      Fs.chmodSync(cwd, 0o555)
      const { code, stderr } = yield* run(["push", "in.csv"], { cwd, env: environment(sandbox), ...other })
      Fs.chmodSync(cwd, 0o755)
      assert.strictEqual(code, 1)
      assert.match(stderr, /genesys-dnc-audit\.jsonl cannot be written: EACCES.*\n.*Nothing is sent without evidence/)
      assert.deepStrictEqual(Fs.readdirSync(cwd), ["in.csv"])
      assert.strictEqual(Array.from(sandbox.entries()).length, 0)
    })
  )

  it.scopedLive.skipIf(!Fs.existsSync("/dev/full"))(
    "that is full: the command sends nothing, and says what to do",
    () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.make()
        const cwd = yield* folder
        Fs.writeFileSync(Path.join(cwd, "in.csv"), `phone\n${pool[0]}\n`)
        const { code, stderr } = yield* run(["push", "in.csv", "--audit", "/dev/full"], {
          cwd,
          env: environment(sandbox)
        })
        assert.strictEqual(code, 1, stderr)
        assert.include(stderr, "ENOSPC")
        assert.include(stderr, "Free space on the disk")
        assert.deepStrictEqual([...sandbox.entries()], [])
      })
  )
})

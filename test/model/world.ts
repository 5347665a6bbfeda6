/** A DNC list in memory that refuses, fails and lies as a case says, and processes that can be killed while they talk to it. */
import assert from "node:assert/strict"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { AuditSink, Contract, type DncEntry, DncSubmitter, DncValidator, HttpClient, RetryPolicy } from "genesys-dnc"
import { Mocks } from "genesys-dnc/testing"
import * as Network from "../support/network.js"

export const dncListId = "list"

/** What a list says of a number. */
export interface Value {
  readonly reason: string
  readonly expires: string | null
}

/** What becomes of one request, in the order in which they come. */
export type Fault =
  | "none"
  /** Nothing was done, and it may be asked again. */
  | "429"
  | "503"
  | "dropped"
  | "409"
  /** It was done, and nobody hears of it. */
  | "503 after"
  | "dropped after"
  | "broken answer"
  | "broken body"
  /** The counts are not those of what was done. */
  | "fewer"
  | "more"
  | "foreign"
  /** It says that it was done, and it was not. */
  | "lie"
  /** No other request can succeed. */
  | "403"

export type Refusal = "named" | "pointed" | "unnamed" | "silent"

export interface Settings {
  readonly api: "entries" | "platform"
  readonly action: DncEntry.Action
  readonly largestBatch: number
  /** More numbers than this are answered 413. */
  readonly most: number
  readonly faults: ReadonlyArray<Fault>
  readonly refusals: ReadonlyMap<string, Refusal>
  readonly seeded: ReadonlyMap<string, Value>
  /** Whether what was sent is on the list for good: a later request never says less. */
  readonly grows?: (phoneNumber: string, before: Value, after: Value) => void
}

/** When a process ends: at so many of its requests and records, before or after it took effect. */
export interface Kill {
  readonly at: number
  readonly after: boolean
}

const retry: RetryPolicy.Options = {
  ...RetryPolicy.defaults,
  attempts: 3,
  firstDelay: Duration.zero,
  longestDelay: Duration.zero,
  retryAfterJitter: Duration.zero
}

/** Unlike `Effect.never`, it holds no timer once nobody waits for it. */
export const dead = Effect.async<never>(() => {})

const told = (body: unknown, status = 200): Network.Answered => ({ status, body })

export const world = (settings: Settings) => {
  const { action, api, largestBatch, most, refusals } = settings
  const list = new Map(settings.seeded)
  const faults = [...settings.faults]
  const records: Array<AuditSink.AuditRecord> = []
  const replays = new Map<string, { readonly text: string; readonly answer: Network.Answered }>()
  /** What was intended by now: by key, or by numbers where the contract has none. */
  const intended = new Set<string>()
  const applied = new Set<Fault>()
  const received: Array<{ readonly key: string | undefined; readonly phoneNumbers: ReadonlyArray<string> }> = []
  const contract: Contract.Contract = {
    ...(api === "entries" ? Contract.entries : Contract.platform({ largestBatch })),
    largestBatch
  }

  const change = (phoneNumbers: ReadonlyArray<string>, value: Value): Network.Answered => {
    const counts = { created: 0, duplicate: 0, updated: 0, errors: [] as Array<unknown> }
    for (const phoneNumber of phoneNumbers) {
      if (refusals.get(phoneNumber) === "silent" && api === "entries") {
        counts.errors.push({ phoneNumber, message: "no" })
        continue
      }
      const before = list.get(phoneNumber)
      if (before === undefined) counts.created++
      else if (before.reason === value.reason && before.expires === value.expires) counts.duplicate++
      else counts.updated++
      if (action === "remove") list.delete(phoneNumber)
      else {
        if (before !== undefined && !settings.seeded.has(phoneNumber)) settings.grows?.(phoneNumber, before, value)
        list.set(phoneNumber, value)
      }
    }
    return api === "entries" ? told(counts) : { status: 204 }
  }

  const refuse = (phoneNumbers: ReadonlyArray<string>): Network.Answered | undefined => {
    if (phoneNumbers.length > most) return told({ message: "too large" }, 413)
    const culprits = phoneNumbers.filter((phoneNumber) => (refusals.get(phoneNumber) ?? "silent") !== "silent")
    const named = culprits.filter((phoneNumber) => refusals.get(phoneNumber) !== "unnamed")
    if (named.length > 0) {
      const errors = named.map((phoneNumber) => ({
        message: "cannot be stored",
        fieldName:
          refusals.get(phoneNumber) === "pointed"
            ? `phoneNumbers[${phoneNumbers.indexOf(phoneNumber)}]`
            : `the number ${phoneNumber}`
      }))
      return told({ message: "Some cannot be stored", errors }, 400)
    }
    return culprits.length > 0 ? told({ message: "Something is wrong" }, 400) : undefined
  }

  const entriesOf = (text: string) => {
    const body = JSON.parse(text)
    const phoneNumbers: ReadonlyArray<string> = body.phoneNumbers
    const value: Value =
      api === "entries"
        ? { reason: body.reason, expires: body.expires }
        : { reason: "UNSPECIFIED", expires: body.expirationDateTime ?? null }
    return { phoneNumbers, value }
  }

  const serve = ({ headers, method, text }: Network.Arrived): Effect.Effect<Network.Answered, Error> => {
    if (method === "GET") {
      return Effect.succeed(told({ id: dncListId, name: "A list", dncSourceType: "rds", size: list.size }))
    }
    const { phoneNumbers, value } = entriesOf(text)
    const key = headers["idempotency-key"]
    assert.ok(intended.has(key ?? phoneNumbers.join()), "a request that no record of the log intends")
    const replay = key === undefined ? undefined : replays.get(key)
    if (replay !== undefined) assert.strictEqual(replay.text, text, "two contents under one key")
    const fault = faults.shift() ?? "none"
    applied.add(fault)
    received.push({ key, phoneNumbers })
    switch (fault) {
      case "429":
        return Effect.succeed({ ...told({}, 429), headers: { "retry-after": "0" } })
      case "503":
        return Effect.succeed(told({}, 503))
      case "409":
        return Effect.succeed(told({}, 409))
      case "403":
        return Effect.succeed(told({}, 403))
      case "dropped":
        return Effect.fail(new Error("gone"))
      case "lie":
        if (api === "platform") return Effect.succeed({ status: 204 })
        break
      default:
    }
    const answer = replay?.answer ?? refuse(phoneNumbers) ?? change(phoneNumbers, value)
    if (key !== undefined && answer.status === 200) replays.set(key, { text, answer })
    const counts = answer.body as { readonly created: number; readonly errors: ReadonlyArray<unknown> }
    switch (answer.status < 300 ? fault : "none") {
      case "503 after":
        return Effect.succeed(told({}, 503))
      case "dropped after":
        return Effect.fail(new Error("gone"))
      case "broken answer":
        return Effect.succeed(told("<html>"))
      case "broken body":
        return Effect.succeed({ status: 200, stream: new ReadableStream({ start: (c) => c.error(new Error("gone")) }) })
      case "fewer":
        if (api === "entries" && counts.created > 0)
          return Effect.succeed(told({ ...counts, created: counts.created - 1 }))
        break
      case "more":
        if (api === "entries") return Effect.succeed(told({ ...counts, created: counts.created + 1 }))
        break
      case "foreign":
        if (api === "entries") return Effect.succeed(told({ ...counts, errors: [...counts.errors, "+14155559999"] }))
        break
      default:
    }
    return Effect.succeed(answer)
  }

  /** What is on the list, as an export has it. */
  const exported = Stream.suspend(() =>
    Stream.fromIterable(
      Array.from(list, ([phoneNumber, { expires }]) => ({
        phoneNumber,
        expires: expires === null ? Number.POSITIVE_INFINITY : Date.parse(expires)
      }))
    )
  )

  /** One process; nothing of it happens once it was killed, which gives nothing. `began` gets what kills it. */
  const process = <A, E, E2 = never>(
    effect: Effect.Effect<A, E, DncSubmitter.DncSubmitter | DncValidator.DncValidator | AuditSink.AuditSink>,
    kill?: Kill,
    audit: Layer.Layer<AuditSink.AuditSink, E2> = Mocks.auditSink(records),
    began: (kill: () => void) => void = () => {}
  ): Effect.Effect<A | undefined, E | E2> =>
    Effect.gen(function* () {
      const killed = yield* Deferred.make<undefined>()
      let events = 0
      let alive = true
      began(() => {
        alive = false
        Deferred.unsafeDone(killed, Effect.succeed(undefined))
      })
      const event = <B, E2>(happens: Effect.Effect<B, E2>): Effect.Effect<B, E2> =>
        Effect.suspend(() => {
          if (!alive) return dead
          if (events++ !== kill?.at)
            return Effect.filterOrElse(
              happens,
              () => alive,
              () => dead
            )
          alive = false
          return Effect.zipRight(
            kill.after ? Effect.exit(happens) : Effect.void,
            Effect.zipRight(Deferred.succeed(killed, undefined), dead)
          )
        })
      const network = Network.make((request) => event(serve(request)))
      const watched = Layer.effect(
        AuditSink.AuditSink,
        Effect.map(AuditSink.AuditSink, ({ append, forEach }) => ({
          forEach,
          append: (what: AuditSink.AuditEvent) =>
            event(
              Effect.tap(append(what), () =>
                Effect.sync(() => {
                  if (what.operation !== "BATCH_INTENDED") return
                  intended.add(api === "entries" ? what.result.idempotencyKey : (what.phoneNumbers ?? []).join())
                })
              )
            )
        }))
      ).pipe(Layer.provide(audit))
      const client = HttpClient.layer({ apiUrl: "https://api.example.test", concurrency: 3, retry }).pipe(
        Layer.provide([Mocks.auth(), network.layer])
      )
      const layer = Layer.mergeAll(
        DncSubmitter.layer({ contract, retry }).pipe(Layer.provide(client)),
        Layer.orDie(DncValidator.layer())
      ).pipe(Layer.provideMerge(watched))
      const running = yield* Effect.forkDaemon(Effect.provide(effect, layer))
      return yield* Effect.raceFirst(Fiber.join(running), Deferred.await(killed))
    })

  return { applied, exported, list, process, received, records }
}

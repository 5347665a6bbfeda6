/**
 * Rows to entries, or to rejects that say why: the rules of one row. Synchronous and pure, a block at a time.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type CountryCode, isSupportedCountry } from "libphonenumber-js/max"
import type { Entry, EntryBlock, Kind, Reason, Reject, RejectCode, Row, RowBlock } from "./DncEntry.js"
import * as DncEntry from "./DncEntry.js"
import { columnsOf } from "./DncValidator/columns.js"
import { anywhereOnEarth, parseExpiry, parseRequest } from "./DncValidator/expiry.js"
import * as Memo from "./DncValidator/memo.js"
import * as Phone from "./DncValidator/phone.js"
import * as Text from "./DncValidator/text.js"

/**
 * What decides about a row, as data.
 *
 * @since 0.1.0
 * @category models
 */
export interface Policy {
  /**
   * What the rows hold. WhatsApp numbers are judged as phone numbers; e-mail addresses and custom values have rules of their
   * own, and belong to no country.
   */
  readonly kind: Kind
  /** ISO 3166 alpha-2: the country of a number in national form whose row names none. */
  readonly defaultCountry: string
  /** Countries whose numbers are admitted. */
  readonly allowedCountries: ReadonlyArray<string>
  /** Internal reason codes, ignoring case; the three reasons stand for themselves unless it names them. */
  readonly reasons: Readonly<Record<string, Reason>>
  /** Refuses a reason that is not in the table, instead of taking it for `UNSPECIFIED`. */
  readonly strictReasons: boolean
  /** IANA name or `±hh:mm` for dates and local times; none means anywhere on Earth, the latest reading. */
  readonly timezone: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export const defaults: Policy = {
  kind: "phone",
  defaultCountry: "US",
  allowedCountries: ["US", "CA", "GB", "DE", "FR"],
  reasons: {},
  strictReasons: false,
  timezone: undefined
}

/**
 * The policy itself is wrong: a country or a time zone that does not exist.
 *
 * @since 0.1.0
 * @category errors
 */
export class PolicyError extends Schema.TaggedError<PolicyError>("genesys-dnc/PolicyError")("PolicyError", {
  message: Schema.String,
  hint: Schema.String
}) {}

/**
 * @since 0.1.0
 * @category services
 */
export class DncValidator extends Context.Tag("genesys-dnc/DncValidator")<
  DncValidator,
  {
    /** Entries in the order of the rows, and rejects; `now` (milliseconds since 1970) decides what has expired. */
    readonly validate: (block: RowBlock, now: number) => EntryBlock
    /** What goes on the record of a run. */
    readonly policy: Policy
  }
>() {}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (options?: Partial<Policy>): Effect.Effect<typeof DncValidator.Service, PolicyError> =>
  Effect.gen(function* () {
    const policy: Policy = { ...defaults, ...options }
    const defaultCountry = yield* countryOf(policy.defaultCountry, "default country")
    const allowed = new Set<string>()
    for (const country of policy.allowedCountries) allowed.add(yield* countryOf(country, "allowed country"))
    const zone = yield* zoneOf(policy.timezone)
    const requestZone = zoneOfRequests(policy)
    const reasonIndex = reasonTable(policy.reasons)
    const text = Text.ofKind(policy.kind)
    const missing = {
      code: text?.missing ?? ("MissingPhoneNumber" as const),
      message: `The row has no ${DncEntry.names[policy.kind].one}.`
    }
    const phoneOf = byCountry()
    const reasons = Memo.make((code) => (code === "" ? 0 : reasonIndex(code)))
    const expiries = Memo.make((end) => (end === "" ? Number.POSITIVE_INFINITY : parseExpiry(end, zone)))
    const phones = Memo.make((named) => {
      const country = named === "" ? defaultCountry : named.toUpperCase()
      return isSupportedCountry(country) ? phoneOf(country) : undefined
    })

    const validate = (block: RowBlock, now: number): EntryBlock => {
      const out = collector(block, policy.kind, now, requestZone)
      const [contacts, codes, ends, countries] = columnsOf(block)
      for (let i = 0; i < block.length; i++) {
        if (contacts.isEmpty(i)) {
          out.reject(i, "", missing.code, missing.message)
          continue
        }
        let number = 0
        let contact = ""
        if (text === undefined) {
          const phone = countries.know(phones, i)
          if (phone === undefined) {
            const named = countries.text(i)
            out.reject(i, named, "UnknownCountry", `"${named}" is not an ISO 3166 country code of two letters.`)
            continue
          }
          number = contacts.number(phone, i)
          if (number <= 0) {
            const raw = contacts.text(i)
            const judged = phone.judge(raw, number)
            if (typeof judged !== "number") {
              out.reject(i, raw, judged.code, judged.message)
              continue
            }
            number = judged
          }
          const country = phone.country()
          if (!allowed.has(country)) {
            out.reject(i, contacts.text(i), "CountryNotAllowed", Phone.notAllowed(country), country)
            continue
          }
        } else {
          const judged = text.judge(contacts.text(i))
          if (typeof judged !== "string") {
            out.reject(i, contacts.text(i), judged.code, judged.message)
            continue
          }
          contact = judged
        }
        const reason = codes.know(reasons, i)
        if (reason === undefined && policy.strictReasons) {
          const code = codes.text(i)
          out.reject(i, code, "UnknownReason", `The reason "${code}" is not in the table of reasons.`)
          continue
        }
        const expires = ends.know(expiries, i)
        if (expires === undefined) {
          const end = ends.text(i)
          out.reject(i, end, "InvalidExpiration", `"${end}" is not an ISO 8601 date or time such as 2027-01-31.`)
          continue
        }
        if (expires <= now) {
          const end = ends.text(i)
          out.reject(i, end, "ExpirationInPast", `The entry would have expired on ${end} already.`)
          continue
        }
        if (reason === undefined) out.unknownReason()
        out.entry(i, number, contact, reason ?? 0, expires)
      }
      return out.done()
    }

    return DncValidator.of({ validate, policy })
  })

/** One judge a country, however its code is written. */
const byCountry = (): ((country: CountryCode) => Phone.Judge) => {
  const judges = new Map<CountryCode, Phone.Judge>()
  return (country) => {
    const judge = judges.get(country) ?? Phone.make(country)
    judges.set(country, judge)
    return judge
  }
}

const countryOf = (text: string, what: string): Effect.Effect<CountryCode, PolicyError> => {
  const country = text.trim().toUpperCase()
  return isSupportedCountry(country)
    ? Effect.succeed(country)
    : Effect.fail(
        new PolicyError({
          message: `The ${what} "${text}" is not an ISO 3166 country code of two letters`,
          hint: "Use codes such as US, CA, GB, DE, FR."
        })
      )
}

const zoneOf = (name: string | undefined): Effect.Effect<DateTime.TimeZone, PolicyError> =>
  name === undefined
    ? Effect.succeed(anywhereOnEarth)
    : Option.match(Option.filter(DateTime.zoneFromString(name), isOnEarth), {
        onNone: () =>
          Effect.fail(
            new PolicyError({
              message: `There is no time zone "${name}"`,
              hint: "Use a name such as America/New_York or Europe/Berlin, or an offset such as -05:00."
            })
          ),
        onSome: Effect.succeed
      })

/**
 * Where the days of requests are: the policy's time zone, else UTC.
 *
 * @since 0.1.0
 */
export const zoneOfRequests = ({ timezone }: Pick<Policy, "timezone">): DateTime.TimeZone =>
  Option.getOrElse(Option.flatMap(Option.fromNullable(timezone), DateTime.zoneFromString), () => utc)

const utc = DateTime.zoneMakeOffset(0)

/** How far ahead of the run a request may lie, in milliseconds: today's date begins earlier in the east than in UTC. */
const ahead = 86_400_000

const isOnEarth = (zone: DateTime.TimeZone): boolean => zone._tag === "Named" || Math.abs(zone.offset) <= 14 * 3_600_000

const reasonTable = (table: Readonly<Record<string, Reason>>): ((code: string) => number | undefined) => {
  const index = new Map<string, number>(DncEntry.reasons.map((reason, i) => [reason, i]))
  for (const [code, reason] of Object.entries(table))
    index.set(code.trim().toUpperCase(), DncEntry.reasons.indexOf(reason))
  return (code) => index.get(code.toUpperCase())
}

const collector = (block: RowBlock, kind: Kind, now: number, requestZone: DateTime.TimeZone) => {
  const line = new Float64Array(block.length)
  const number = new Float64Array(block.length)
  const reason = new Uint8Array(block.length)
  const expires = new Float64Array(block.length)
  const texts = Text.ofKind(kind) === undefined ? undefined : ([] as Array<string>)
  const rejects: Array<Reject> = []
  const lines = block.line
  let length = 0
  let unknownReasons = 0
  const requests = block.requestedAt === undefined ? undefined : new Float64Array(block.length)
  const requestsUnreadable: Array<number> = []
  const requestOf = (i: number): number => {
    const text = block.requestedAt?.[i] ?? ""
    if (text === "") return Number.POSITIVE_INFINITY
    const time = parseRequest(text, requestZone)
    if (time !== undefined && time <= now + ahead) return time
    requestsUnreadable.push(lines[i])
    return Number.POSITIVE_INFINITY
  }
  return {
    /** The digits of a number, or the text of another contact as it is sent. */
    entry: (i: number, digits: number, text: string, reasonIndex: number, end: number) => {
      if (requests !== undefined) requests[length] = requestOf(i)
      line[length] = lines[i]
      number[length] = digits
      reason[length] = reasonIndex
      expires[length] = end
      texts?.push(text)
      length++
    },
    reject: (i: number, raw: string, code: RejectCode, message: string, country?: string) => {
      const [line, cells] = [lines[i], block.cells(i)]
      rejects.push(
        country === undefined ? { line, raw, code, message, cells } : { line, raw, code, message, country, cells }
      )
    },
    unknownReason: () => {
      unknownReasons++
    },
    done: (): EntryBlock => ({
      length,
      line: line.subarray(0, length),
      number: number.subarray(0, texts === undefined ? length : 0),
      ...(texts === undefined ? {} : { text: texts }),
      reason: reason.subarray(0, length),
      expires: expires.subarray(0, length),
      ...(requests === undefined ? {} : { requestedAt: requests.subarray(0, length), requestsUnreadable }),
      rejects,
      unknownReasons
    })
  }
}

/**
 * One row by itself.
 *
 * @since 0.1.0
 * @category views
 */
export const validateRow = (
  validator: typeof DncValidator.Service,
  row: Row,
  now: number
): Either.Either<Entry, Reject> => {
  const block = validator.validate(DncEntry.rowBlock([row]), now)
  return block.length === 1 ? Either.right(entryAt(block, 0)) : Either.left(block.rejects[0])
}

/**
 * Entry `index` of a block.
 *
 * @since 0.1.0
 * @category views
 */
export const entryAt = (block: EntryBlock, index: number): Entry => ({
  line: block.line[index],
  phoneNumber: block.text?.[index] ?? `+${block.number[index]}`,
  reason: DncEntry.reasons[block.reason[index]],
  expires: block.expires[index],
  ...DncEntry.requested(block.requestedAt?.[index])
})

/**
 * The rules of a kind by their defaults, and what the policy says otherwise.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * import { Contract, DncSubmitter, DncValidator } from "genesys-dnc"
 * import { Layer } from "effect"
 *
 * const emails = Layer.merge(
 *   DncValidator.layer({ kind: "email" }),
 *   DncSubmitter.layer({ contract: Contract.platform({ kind: "email" }) })
 * )
 */
export const layer = (policy?: Partial<Policy>): Layer.Layer<DncValidator, PolicyError> =>
  Layer.effect(DncValidator, make(policy))

/**
 * Reads the policy from configuration.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  policy: Config.Config.Wrap<Partial<Policy>>
): Layer.Layer<DncValidator, PolicyError | ConfigError.ConfigError> =>
  Layer.effect(DncValidator, Effect.flatMap(Config.unwrap(policy), make))

/**
 * A validator made from a function of one row: for rules that the policy cannot say. An entry whose number is not E.164
 * is rejected as `InvalidPhoneNumber`, one that is no good address or value as the policy's kind would reject it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFromRow = (
  f: (
    row: Row,
    now: number
  ) => Either.Either<Pick<Entry, "phoneNumber" | "reason" | "expires">, Pick<Reject, "code" | "message">>,
  policy: Policy = defaults
): Layer.Layer<DncValidator> =>
  Layer.succeed(
    DncValidator,
    DncValidator.of({
      policy,
      validate: (block, now) => {
        const out = collector(block, policy.kind, now, zoneOfRequests(policy))
        const text = Text.ofKind(policy.kind)
        for (let i = 0; i < block.length; i++) {
          const row: Row = {
            phoneNumber: block.phoneNumber[i],
            reason: block.reason?.[i],
            expires: block.expires?.[i],
            country: block.country?.[i],
            requestedAt: block.requestedAt?.[i]
          }
          Either.match(f(row, now), {
            onLeft: ({ code, message }) => out.reject(i, row.phoneNumber, code, message),
            onRight: ({ expires, phoneNumber, reason }) => {
              const judged = text?.judge(phoneNumber)
              if (typeof judged === "object") return out.reject(i, row.phoneNumber, judged.code, judged.message)
              if (judged !== undefined) return out.entry(i, 0, judged, DncEntry.reasons.indexOf(reason), expires)
              return /^\+[1-9]\d{1,14}$/.test(phoneNumber)
                ? out.entry(i, Number(phoneNumber.slice(1)), "", DncEntry.reasons.indexOf(reason), expires)
                : out.reject(
                    i,
                    row.phoneNumber,
                    "InvalidPhoneNumber",
                    `"${phoneNumber}" is not a number in E.164 form.`
                  )
            }
          })
        }
        return out.done()
      }
    })
  )

/**
 * Putting numbers on a DNC list: `POST /api/v2/outbound/dnclists/{id}/entries`.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import { type Reason, reasons } from "../DncEntry.js"
import * as Idempotency from "./Idempotency.js"
import * as Lists from "./Lists.js"
import * as Route from "./Route.js"
import * as State from "./State.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Numbers to refuse: a function that says why, or `undefined` to accept; or patterns, `*` standing for any digits
   * (`+1415*`).
   */
  readonly refuse: ((phoneNumber: string) => string | undefined) | ReadonlyArray<string>
  /**
   * How a request with refused numbers is answered: `named`, 422 that names them; `silent`, 422 that does not;
   * `partial`, 200 with the refused ones listed and the others carried out.
   */
  readonly refusals: "named" | "silent" | "partial"
  /** Numbers in one request; more get 413. */
  readonly maxNumbers: number
  /** Bytes in one request; more get 413. */
  readonly maxBytes: number
  readonly idempotency: "replay" | "conflict"
  readonly now: () => number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Dependencies {
  readonly lists: ReadonlyMap<string, State.List>
  readonly keys: Idempotency.Idempotency
  /** Told of the new numbers of each request; `undefined` while nobody listens. */
  readonly onCreated: () =>
    | ((list: State.List, phoneNumbers: ReadonlyArray<string>, body: Body, request: Route.Request) => void)
    | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Body {
  readonly phoneNumbers: ReadonlyArray<string>
  readonly reason: Reason
  readonly expires: string | null
}

/**
 * A contact that is refused, by its place in the request.
 *
 * @since 0.1.0
 * @category models
 */
export interface Refusal {
  readonly index: number
  readonly phoneNumber: string
  readonly message: string
}

/** What the contract says, whatever an option says. */
const mostNumbers = 499
const longestKey = 255
const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/
const fields = new Set(["phoneNumbers", "reason", "expires"])
const notE164 = "The phone number is not in E.164 format."

/**
 * The function behind `refuse`; `undefined` where nothing is refused.
 *
 * @since 0.1.0
 */
export const compile = (refuse: Options["refuse"]): ((phoneNumber: string) => string | undefined) | undefined => {
  if (typeof refuse === "function") return refuse
  if (refuse.length === 0) return undefined
  const sources = refuse.map((pattern) => pattern.replace(/[^\d*]/g, "\\$&").replaceAll("*", "\\d*"))
  const pattern = new RegExp(`^(?:${sources.join("|")})$`)
  return (phoneNumber) => (pattern.test(phoneNumber) ? "The phone number is refused by this list." : undefined)
}

const isRealInstant = (text: string): boolean => {
  if (!instant.test(text)) return false
  const milliseconds = Date.parse(text)
  return !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString() === text
}

/** The shape of the body; its values come later, when it is known that they are not a repetition. */
const refusalOfShape = (request: Route.Request, value: unknown): Route.Reply | undefined => {
  const refuse = (message: string) => Route.failure(request, 400, "invalid.property", message, { violation: true })
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse("The body must be an object with phoneNumbers, reason and expires.")
  }
  const unknown = Object.keys(value).filter((field) => !fields.has(field))
  if (unknown.length > 0) return refuse(`The body has fields that are not known: ${unknown.join(", ")}.`)
  const numbers = (value as { readonly phoneNumbers?: unknown }).phoneNumbers
  if (!Array.isArray(numbers) || numbers.some((number) => typeof number !== "string")) {
    return refuse("phoneNumbers must be an array of strings.")
  }
  return undefined
}

const refusalOfValues = (request: Route.Request, body: Body, now: number): Route.Reply | undefined => {
  const refuse = (code: string, fieldName: string, message: string, violation = true) =>
    Route.failure(request, 422, code, message, { violation, details: [{ errorCode: code, fieldName }] })
  if (!reasons.includes(body.reason)) {
    return refuse("invalid.value", "reason", `reason must be one of ${reasons.join(", ")}.`)
  }
  if (body.expires !== null && (typeof body.expires !== "string" || !isRealInstant(body.expires))) {
    const message = "expires must be null or an instant such as 2030-01-31T00:00:00.000Z."
    return refuse("invalid.date.value", "expires", message)
  }
  if (body.expires !== null && Date.parse(body.expires) <= now) {
    // no violation: it may have passed on the way
    return refuse("invalid.date.value", "expires", "expires is in the past.", false)
  }
  const distinct = new Set(body.phoneNumbers).size
  if (distinct < body.phoneNumbers.length) {
    const repeated = body.phoneNumbers.length - distinct
    return refuse("constraint.validation", "phoneNumbers", `phoneNumbers holds ${repeated} number(s) more than once.`)
  }
  return undefined
}

/**
 * The refusal of a request that names the numbers which it is for.
 *
 * @since 0.1.0
 * @category constructors
 */
export const named = (
  request: Route.Request,
  refused: ReadonlyArray<Refusal>,
  violation: string | undefined,
  { code, field, status } = { status: 422, code: "invalid.value", field: "phoneNumbers" }
): Route.Reply => {
  const details = refused.map(({ index }) => ({ errorCode: code, fieldName: `${field}[${index}]` }))
  return Route.failure(request, status, code, `${refused.length} phone number(s) are refused.`, {
    details,
    errors: refused.map(({ message, phoneNumber }, position) => ({
      message,
      code,
      status,
      messageParams: { phoneNumber },
      contextId: request.correlationId,
      details: [details[position]],
      errors: []
    })),
    ...(violation === undefined ? {} : { violation })
  })
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const route = (options: Options, { keys, lists, onCreated }: Dependencies): Route.Route => {
  const refuse = compile(options.refuse)

  const findRefused = (phoneNumbers: ReadonlyArray<string>): ReadonlyArray<Refusal> => {
    const refused: Array<Refusal> = []
    for (let index = 0; index < phoneNumbers.length; index++) {
      const phoneNumber = phoneNumbers[index]
      const message = State.parseE164(phoneNumber) === 0 ? notE164 : refuse?.(phoneNumber)
      if (message !== undefined) refused.push({ index, phoneNumber, message })
    }
    return refused
  }

  const apply = (
    list: State.List,
    body: Body,
    refused: ReadonlyArray<Refusal>,
    violation: string | undefined,
    request: Route.Request
  ): Route.Reply => {
    const listener = onCreated()
    const created: Array<string> | undefined = listener === undefined ? undefined : []
    const taken = new Set(refused.map(({ index }) => index))
    const accepted = taken.size === 0 ? body.phoneNumbers : body.phoneNumbers.filter((_, index) => !taken.has(index))
    const counts = list.put(accepted, body.reason, body.expires, created)
    if (created !== undefined && created.length > 0) listener?.(list, created, body, request)
    const error = refused.map(({ message, phoneNumber }) => ({ phoneNumber, message }))
    return { ...Route.json(200, { ...counts, error }), violation }
  }

  const handle = (request: Route.Request, id: string): Route.Turn => {
    const found = Lists.find(lists, request, id)
    if ("refusal" in found) return Route.answer(found.refusal)
    const { list } = found
    if (list.dncSourceType !== "rds") {
      const words = "Only Internal DNC lists may be appended to"
      return Route.answer(Route.failure(request, 400, "dnc.source.operation.not.supported", words))
    }
    const read = Route.readJson(request, options.maxBytes)
    if ("refusal" in read) return Route.answer(read.refusal)
    const misshapen = refusalOfShape(request, read.value)
    if (misshapen !== undefined) return Route.answer(misshapen)
    const body = read.value as Body
    if (body.phoneNumbers.length === 0) {
      return Route.answer(Route.json(200, { created: 0, duplicate: 0, updated: 0, error: [] }))
    }
    if (body.phoneNumbers.length > options.maxNumbers) {
      const words = `phoneNumbers holds ${body.phoneNumbers.length} numbers; at most ${options.maxNumbers} are allowed.`
      const violation = body.phoneNumbers.length > mostNumbers
      return Route.answer(Route.failure(request, 413, "request.entity.too.large", words, { violation }))
    }
    const key = request.headers["idempotency-key"]
    if (typeof key !== "string" || key === "" || key.length > longestKey) {
      const words = `The header Idempotency-Key must be there, with 1 to ${longestKey} characters.`
      return Route.answer(Route.failure(request, 400, "bad.request", words, { violation: true }))
    }
    return claimed(request, list, key, body)
  }

  const claimed = (request: Route.Request, list: State.List, key: string, body: Body): Route.Turn => {
    // before the key is taken: a `refuse` that throws must not hold it for ever
    const invalid = refusalOfValues(request, body, options.now())
    const refused = invalid === undefined ? findRefused(body.phoneNumbers) : []
    const alien = refused.find(({ message }) => message === notE164)
    const violation =
      alien === undefined
        ? undefined
        : `phoneNumbers[${alien.index}] is not in E.164 format: ${JSON.stringify(alien.phoneNumber)}`
    const claim = keys.claim(key, `${list.id} ${digest(request.body)}`)
    const repeated = Idempotency.repetition(request, claim, options.idempotency)
    if (repeated !== undefined) return Route.answer(repeated)
    const abandon = () => keys.release(key)
    const refusal = invalid ?? refusalOfNumbers(request, refused, violation)
    if (refusal !== undefined) {
      return {
        abandon,
        commit: () => {
          keys.release(key)
          return refusal
        }
      }
    }
    return {
      abandon,
      commit: () => {
        const reply = apply(list, body, refused, violation, request)
        keys.keep(key, reply)
        return reply
      }
    }
  }

  const refusalOfNumbers = (
    request: Route.Request,
    refused: ReadonlyArray<Refusal>,
    violation: string | undefined
  ): Route.Reply | undefined => {
    if (refused.length === 0 || options.refusals === "partial") return undefined
    if (options.refusals === "named") return named(request, refused, violation)
    const extra = violation === undefined ? {} : { violation }
    return Route.failure(request, 422, "constraint.validation", "The request cannot be processed.", extra)
  }

  return {
    name: "entries",
    method: "POST",
    path: /^\/api\/v2\/outbound\/dnclists\/([^/]+)\/entries$/,
    permissions: ["outbound:dnc:add"],
    handle
  }
}

/**
 * SHA-256 in hex.
 *
 * @since 0.1.0
 */
export const digest = (body: Buffer): string => createHash("sha256").update(body).digest("hex")

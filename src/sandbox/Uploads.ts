/**
 * Uploads of whole files: `POST …/dnclists/uploads` gives a signed address and the headers to send, a `PUT` there brings
 * the file, and `GET …/importstatus` tells how far its import is.
 *
 * @since 0.1.0
 */
import { randomBytes, randomUUID } from "node:crypto"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import * as Contacts from "./Contacts.js"
import type * as Events from "./Events.js"
import * as Import from "./Import.js"
import * as Lists from "./Lists.js"
import * as Route from "./Route.js"
import type * as State from "./State.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options extends Import.Options {
  /** Bytes of an uploaded file. */
  readonly maxUploadBytes: number
  readonly maxBytes: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Dependencies {
  readonly lists: ReadonlyMap<string, State.List>
  readonly events: Events.Events
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Uploads {
  readonly routes: ReadonlyArray<Route.Route>
  readonly importStatus: (list: State.List) => Lists.ImportStatus
  /** Waits until no import is under way. */
  readonly settled: Effect.Effect<void>
  /** Forgets everything and interrupts what is under way. */
  readonly clear: () => void
}

interface Signed extends Import.Upload {
  readonly key: string
  readonly signature: string
  readonly expiresAt: number
  readonly headers: Readonly<Record<string, string>>
}

const mostUploads = 10_000
const idle: Lists.ImportStatus = { totalRecords: 0, completedRecords: 0, percentComplete: 0 }
const contentTypes = [
  "text/csv",
  "application/vnd.ms-excel",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
]
const columnFields: ReadonlyArray<readonly [string, State.Kind]> = [
  ["phoneColumns", "phonenumbers"],
  ["emailColumns", "emailaddresses"],
  ["whatsAppColumns", "whatsappnumbers"],
  ["customExclusionColumns", "customexclusioncolumns"]
]
const fields = new Set([
  "id",
  "contentType",
  "signedUrlTimeoutSeconds",
  "expirationDateTimeColumn",
  ...columnFields.map(([field]) => field)
])

/** An answer in the form of the store that takes the files, which is none of the API's. */
const stored = (status: number, code: string, message: string, violation?: string): Route.Reply => ({
  status,
  headers: { "content-type": "application/xml" },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  violation
})

/**
 * Closing the scope interrupts what is still being imported.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options, { events, lists }: Dependencies): Effect.Effect<Uploads, never, Scope.Scope> =>
  Effect.gen(function* () {
    const fibers = yield* FiberSet.make()
    const run = yield* FiberSet.runtime(fibers)<never>()
    const uploads = new Map<string, Signed>()
    const statuses = new Map<string, Lists.ImportStatus>()

    const sign = (request: Route.Request): Route.Reply => {
      const body = Route.readJson(request, options.maxBytes)
      if ("refusal" in body) return body.refusal
      const { value } = body
      const refuse = (code: string, message: string) => Route.failure(request, 400, code, message, { violation: true })
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        return refuse("invalid.property", "The body must be an object with id, contentType and columns.")
      }
      const unknown = Object.keys(value).filter((field) => !fields.has(field))
      if (unknown.length > 0) {
        return refuse("invalid.property", `The body has fields that are not known: ${unknown.join(", ")}.`)
      }
      const given = value as { readonly [field: string]: unknown }
      if (typeof given["id"] !== "string") return refuse("invalid.property", "id must be that of a DNC list.")
      const { contentType, signedUrlTimeoutSeconds: seconds = 600 } = given
      if (typeof contentType !== "string" || !contentTypes.includes(contentType)) {
        const words = `Value [${contentType}] is not valid for field type [contentType]. Allowable values are: ${contentTypes.join(", ")}`
        return refuse("invalid.value", words)
      }
      if (typeof seconds !== "number" || !Number.isInteger(seconds) || seconds < 1 || seconds > 604_800) {
        return refuse("invalid.value", "signedUrlTimeoutSeconds must be a whole number from 1 to 604800.")
      }
      const texts = [...columnFields.map(([field]) => field), "expirationDateTimeColumn"]
      const wrong = texts.find((field) => !["string", "undefined"].includes(typeof (given[field] ?? undefined)))
      if (wrong !== undefined) return refuse("invalid.property", `${wrong} must be a string.`)
      const found = Lists.find(lists, request, given["id"])
      if ("refusal" in found) return found.refusal
      const columns = new Map<State.Kind, ReadonlyArray<string>>()
      for (const [field, kind] of columnFields) {
        const names = String(given[field] ?? "")
          .split(",")
          .flatMap((name) => (name.trim() === "" ? [] : [name.trim()]))
        if (names.length === 0) continue
        const words = Contacts.misfit(found.list, kind)
        if (words !== undefined) return Route.failure(request, 400, "dnc.source.operation.not.supported", words)
        columns.set(kind, names)
      }
      if (columns.size === 0) return refuse("constraint.validation", "At least one column must be named.")
      const key = randomUUID()
      const upload: Signed = {
        key,
        signature: randomBytes(32).toString("hex"),
        expiresAt: options.now() + seconds * 1000,
        headers: { "Content-Type": contentType, "x-amz-meta-upload-key": key },
        list: found.list,
        columns,
        expiryColumn: String(given["expirationDateTimeColumn"] ?? "").trim() || undefined
      }
      uploads.set(key, upload)
      if (uploads.size > mostUploads) uploads.delete(uploads.keys().next().value!)
      const url = `http://${request.headers.host}/uploads/dnclists/${key}?X-Amz-Expires=${seconds}&X-Amz-Signature=${upload.signature}`
      return Route.json(200, { url, uploadKey: key, headers: upload.headers })
    }

    const take = (request: Route.Request, key: string): Route.Reply => {
      const upload = uploads.get(key)
      if (upload === undefined || request.query.get("X-Amz-Signature") !== upload.signature) {
        return stored(403, "SignatureDoesNotMatch", "The signature of the request does not match.")
      }
      if (request.headers.authorization !== undefined) {
        const words = "Only one way of authorization is allowed: the address is signed, and takes no bearer."
        return stored(400, "InvalidArgument", words, words)
      }
      for (const [name, value] of Object.entries(upload.headers)) {
        if (request.headers[name.toLowerCase()] === value) continue
        const words = `The header ${name} of an upload must be ${value}.`
        return stored(403, "SignatureDoesNotMatch", words, words)
      }
      if (upload.expiresAt <= options.now()) return stored(403, "AccessDenied", "Request has expired")
      if (request.tooLarge)
        return stored(400, "EntityTooLarge", `The file is longer than ${options.maxUploadBytes} bytes.`)
      const report = (status: Lists.ImportStatus) => void statuses.set(upload.list.id, status)
      report({ ...idle, state: "IN_PROGRESS" })
      run(Import.run(options, { lists, events, report }, upload, request.body.toString("utf8"), request.correlationId))
      return { status: 200, headers: {}, body: "" }
    }

    const importStatus = (list: State.List) => statuses.get(list.id) ?? idle

    const show = (request: Route.Request, id: string): Route.Reply => {
      const found = Lists.find(lists, request, id)
      return "refusal" in found ? found.refusal : Route.json(200, importStatus(found.list))
    }

    return {
      routes: [
        {
          name: "uploads",
          method: "POST",
          path: /^\/api\/v2\/outbound\/dnclists\/uploads$/,
          permissions: ["outbound:dncList:upload"],
          handle: (request) => Route.turn(() => sign(request))
        },
        {
          name: "upload",
          method: "PUT",
          path: /^\/uploads\/dnclists\/([^/]+)$/,
          permissions: undefined,
          maxBytes: options.maxUploadBytes,
          handle: (request, key) => Route.turn(() => take(request, key))
        },
        {
          name: "importstatus",
          method: "GET",
          path: /^\/api\/v2\/outbound\/dnclists\/([^/]+)\/importstatus$/,
          permissions: ["outbound:dncList:view"],
          handle: (request, id) => Route.turn(() => show(request, id))
        }
      ],
      importStatus,
      settled: FiberSet.awaitEmpty(fibers),
      clear: () => {
        for (const fiber of fibers) fiber.unsafeInterruptAsFork(FiberId.none)
        uploads.clear()
        statuses.clear()
      }
    }
  })

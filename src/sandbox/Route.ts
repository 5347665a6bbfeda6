/**
 * What a part of the sandbox's API is made of: a route looks at a request first and changes something later, so that
 * latency and faults can come between the two.
 *
 * @since 0.1.0
 */
import type { IncomingHttpHeaders } from "node:http"

/**
 * The routes that faults can be aimed at: all but the sandbox's own.
 *
 * @since 0.1.0
 */
export const targets = [
  "token",
  "list",
  "lists",
  "entries",
  "webhooks",
  "phonenumbers",
  "emailaddresses",
  "whatsappnumbers",
  "customexclusioncolumns",
  "export",
  "download",
  "uploads",
  "upload",
  "importstatus",
  "events",
  "campaigns",
  "conversations",
  "limits"
] as const

/**
 * @since 0.1.0
 */
export const names = [...targets, "control", "unknown"] as const

/**
 * The names under which requests are counted and faults are aimed.
 *
 * @since 0.1.0
 * @category models
 */
export type Name = (typeof names)[number]

/**
 * A request whose body has arrived.
 *
 * @since 0.1.0
 * @category models
 */
export interface Request {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The body was longer than the sandbox takes, and was thrown away. */
  readonly tooLarge: boolean
  readonly correlationId: string
}

/**
 * An answer, its body serialised; an iterable body is streamed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Iterable<string>
  /** What the client did against the contract. */
  readonly violation?: string | undefined
}

/**
 * A request that was looked at and has changed nothing yet: exactly one of the two is called.
 *
 * @since 0.1.0
 * @category models
 */
export interface Turn {
  readonly commit: () => Reply
  /** Leaves everything as if the request had never come. */
  readonly abandon: () => void
}

/**
 * One operation of the API.
 *
 * @since 0.1.0
 * @category models
 */
export interface Route {
  readonly name: Name
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  /** Its first group, if there is one, is given to `handle`. */
  readonly path: RegExp
  /** The permissions that a bearer token must carry; `undefined` asks for no token at all. */
  readonly permissions: ReadonlyArray<string> | undefined
  /** Bytes of the longest body, where it is not that of the API. */
  readonly maxBytes?: number
  readonly handle: (request: Request, parameter: string) => Turn
}

/**
 * A turn that changes nothing.
 *
 * @since 0.1.0
 * @category constructors
 */
export const answer = (reply: Reply): Turn => ({ commit: () => reply, abandon: () => {} })

/**
 * A turn that does all its work when it is carried out.
 *
 * @since 0.1.0
 * @category constructors
 */
export const turn = (commit: () => Reply): Turn => ({ commit, abandon: () => {} })

/**
 * 204.
 *
 * @since 0.1.0
 * @category constructors
 */
export const noContent: Reply = { status: 204, headers: {}, body: "" }

/**
 * An answer in JSON.
 *
 * @since 0.1.0
 * @category constructors
 */
export const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  headers: { "content-type": "application/json; charset=utf-8", ...headers },
  body: JSON.stringify(value)
})

/**
 * A field that an error is about.
 *
 * @since 0.1.0
 * @category models
 */
export interface Detail {
  readonly errorCode: string
  readonly fieldName: string
  readonly entityId?: string
  readonly entityName?: string
}

/**
 * The limit that a request would exceed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Limit {
  readonly key: string
  readonly namespace: string
  readonly value: number
}

/**
 * What an error body can say beyond its code and its message.
 *
 * @since 0.1.0
 * @category models
 */
export interface Extra {
  readonly headers?: Readonly<Record<string, string>>
  readonly details?: ReadonlyArray<Detail>
  readonly errors?: ReadonlyArray<unknown>
  readonly messageParams?: Readonly<Record<string, string>>
  readonly limit?: Limit
  /** `true` where the message itself says what the client did against the contract. */
  readonly violation?: boolean | string
}

/**
 * An answer in the form of Genesys Cloud's `ErrorBody`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const failure = (request: Request, status: number, code: string, message: string, extra: Extra = {}): Reply => ({
  ...json(
    status,
    {
      message,
      code,
      status,
      ...(extra.messageParams === undefined ? {} : { messageParams: extra.messageParams }),
      contextId: request.correlationId,
      details: extra.details ?? [],
      errors: extra.errors ?? [],
      ...(extra.limit === undefined ? {} : { limit: extra.limit })
    },
    extra.headers
  ),
  violation: extra.violation === true ? message : extra.violation || undefined
})

/**
 * 429 in the form that all published APIs have had since 2021-11-10.
 *
 * @since 0.1.0
 * @category constructors
 */
export const tooManyRequests = (request: Request, seconds: number, headers?: Readonly<Record<string, string>>): Reply =>
  failure(
    request,
    429,
    "too.many.requests.retry.after",
    `Rate limit exceeded the maximum. Retry the request in [${seconds}] seconds`,
    { headers: { ...headers, "retry-after": String(seconds) } }
  )

/**
 * The refusal of a body that is not JSON or too long, or the value that it holds.
 *
 * @since 0.1.0
 */
export const readJson = (
  request: Request,
  maxBytes: number
): { readonly value: unknown } | { readonly refusal: Reply } => {
  const contentType = request.headers["content-type"] ?? ""
  if (!/^application\/json\s*(;|$)/i.test(contentType)) {
    const found = contentType === "" ? "none" : `"${contentType}"`
    return {
      refusal: failure(
        request,
        415,
        "unsupported.media.type",
        `The Content-Type must be application/json, but was ${found}.`,
        { violation: true }
      )
    }
  }
  if (request.tooLarge) {
    return {
      refusal: failure(
        request,
        413,
        "request.entity.too.large",
        `The request is over the size limit. Maximum bytes: ${maxBytes}`,
        { violation: true }
      )
    }
  }
  try {
    return { value: JSON.parse(request.body.toString("utf8")) }
  } catch {
    return {
      refusal: failure(request, 400, "bad.request", "The body of the request is not valid JSON.", { violation: true })
    }
  }
}

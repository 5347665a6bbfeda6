/**
 * The HTTP server below the sandbox. It stands on bare `node:http`, for some faults happen on the socket.
 *
 * @since 0.1.0
 */
import { randomUUID } from "node:crypto"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Masking from "../Masking.js"
import { digest } from "./Entries.js"
import * as Exchanges from "./Exchanges.js"
import type * as Faults from "./Faults.js"
import type * as Journal from "./Journal.js"
import * as OAuth from "./OAuth.js"
import * as Route from "./Route.js"
import type { Router } from "./Router.js"

/**
 * The sandbox could not start.
 *
 * @since 0.1.0
 * @category errors
 */
export class SandboxError extends Schema.TaggedError<SandboxError>("genesys-dnc/SandboxError")("SandboxError", {
  message: Schema.String,
  /** What the reader can do about it. */
  hint: Schema.String,
  cause: Schema.optional(Schema.Defect)
}) {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly maxBytes: number
  readonly now: () => number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Dependencies {
  readonly router: Router
  readonly faults: Faults.Faults
  readonly journal: Journal.Journal
}

/** Parts of a slow body. */
const slowParts = 10
/** A client that sends this many times the longest body is cut off. */
const patience = 64

const usualWords: Readonly<Record<number, readonly [code: string, message: string]>> = {
  401: ["bad.credentials", "Invalid login credentials."],
  403: ["not.authorized", "You are not authorized to perform the requested action."],
  404: ["not.found", "The requested resource was not found."],
  408: ["client.timeout", "The client did not produce a request within the server timeout limit."],
  409: ["general.conflict", "The request conflicts with the current state of the target resource."],
  413: ["request.entity.too.large", "The request is over the size limit."],
  422: ["constraint.validation", "The request cannot be processed."],
  500: ["internal.server.error", "The server encountered an unexpected condition."],
  501: ["not.implemented", "Feature not enabled."],
  502: ["bad.gateway", "The server received an invalid answer from another one."],
  503: ["service.unavailable", "Service Unavailable - The server is currently unavailable."],
  504: ["request.timeout", "The request timed out."]
}

const injected = (
  name: Route.Name,
  request: Route.Request,
  { code, message, retryAfter, status }: Faults.Next & { readonly type: "fail" }
): Route.Reply => {
  const headers: Record<string, string> = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }
  if (name === "token") {
    const reply = OAuth.failure(
      status,
      code ?? (status < 500 ? "invalid_request" : "server_error"),
      message ?? "injected by the sandbox"
    )
    return { ...reply, headers: { ...reply.headers, ...headers } }
  }
  if (status === 429 && code === undefined && message === undefined) {
    if (typeof retryAfter === "number") return Route.tooManyRequests(request, retryAfter)
    return Route.failure(request, 429, "too.many.requests", "Rate limit exceeded the maximum.", { headers })
  }
  const [usualCode, usualMessage] = usualWords[status] ?? ["bad.request", "Refused by the sandbox, as it was asked to."]
  return Route.failure(request, status, code ?? usualCode, message ?? usualMessage, { headers })
}

const html: Route.Reply = {
  status: 200,
  headers: { "content-type": "text/html; charset=utf-8" },
  body: "<!doctype html><html><head><title>Sign in</title></head><body>Please sign in to the network.</body></html>"
}

const listen = (server: Http.Server, { host, port }: Options): Effect.Effect<number, SandboxError> =>
  Effect.async((resume) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === "EADDRINUSE"
      const message = taken
        ? `Port ${port} of ${host} is taken by another program.`
        : `Cannot listen on port ${port} of ${host}: ${cause.code ?? cause.message}.`
      const hint = taken ? "Choose another port, or 0 for any free one." : "Choose another host or port."
      resume(Effect.fail(new SandboxError({ message, hint, cause })))
    })
    server.listen(port, host, () => resume(Effect.succeed((server.address() as AddressInfo).port)))
  })

const close = (server: Http.Server): Effect.Effect<void> =>
  Effect.async((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })

/**
 * Listens until the scope is closed, which destroys all sockets; gives the port.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options, dependencies: Dependencies): Effect.Effect<number, SandboxError, Scope.Scope> =>
  Effect.gen(function* () {
    const { faults, journal, router } = dependencies
    const run = yield* FiberSet.makeRuntime<never>()
    // what a client keeps alive is closed by the client: a server that does it first makes a race of the next POST
    const server = Http.createServer({ keepAliveTimeout: 600_000 }, (incoming, outgoing) => {
      const [path, query = ""] = (incoming.url ?? "/").split("?", 2)
      const method = incoming.method ?? "GET"
      const match = router(method, path)
      const maxBytes = match.maxBytes ?? options.maxBytes
      const visit = journal.visit(match.name)
      outgoing.once("close", visit.left)
      outgoing.on("error", visit.left)
      const chunks: Array<Buffer> = []
      let length = 0
      incoming.on("data", (chunk: Buffer) => {
        length += chunk.length
        if (length <= maxBytes) chunks.push(chunk)
        else if (length > Math.max(maxBytes, patience * options.maxBytes)) incoming.destroy()
      })
      incoming.once("end", () => {
        const request: Route.Request = {
          method,
          path,
          query: new URLSearchParams(query),
          headers: incoming.headers,
          body: Buffer.concat(chunks),
          tooLarge: length > maxBytes,
          correlationId: randomUUID()
        }
        const key = incoming.headers["idempotency-key"]
        if (typeof key === "string") visit.carries(key, digest(request.body))
        run(serve({ request, match, visit, outgoing, faults, journal, now: options.now }))
      })
    })
    return yield* Effect.acquireRelease(listen(server, options), () => close(server))
  })

interface Exchange {
  readonly request: Route.Request
  readonly match: ReturnType<Router>
  readonly visit: Journal.Visit
  readonly outgoing: Http.ServerResponse
  readonly faults: Faults.Faults
  readonly journal: Journal.Journal
  readonly now: () => number
}

const serve = (exchange: Exchange): Effect.Effect<void> => {
  const { faults, journal, match, outgoing, request, visit } = exchange
  return Effect.gen(function* () {
    const { delayMs, fault } = faults.plan(match.name)
    const { headers, turn } = match.begin(request)
    const send = (reply: Route.Reply, after?: Faults.Next) => write(exchange, reply, headers, after)
    if (delayMs > 0) yield* Effect.sleep(delayMs)
    if (fault?.type === "fail" || fault?.type === "html" || (fault?.type === "drop" && fault.when === "before")) {
      turn.abandon()
      tell(request, undefined)
      if (fault.type === "drop") return yield* drop(exchange)
      return yield* send(fault.type === "html" ? html : injected(match.name, request, fault))
    }
    const reply = turn.commit()
    tell(request, reply)
    if (reply.violation !== undefined) {
      const words = Masking.mask(reply.violation)
      journal.violation(words)
      yield* Effect.logWarning(`against the contract: ${words}`)
    }
    yield* fault?.type === "drop" ? drop(exchange) : send(reply, fault)
  }).pipe(
    Effect.catchAllDefect((defect) => {
      if (outgoing.headersSent) return Effect.logError("an answer broke off", defect)
      const reply = Route.failure(request, 500, "internal.server.error", "The sandbox itself failed; see its log.")
      return Effect.logError("the sandbox failed", defect).pipe(Effect.andThen(write(exchange, reply, {}, undefined)))
    }),
    Effect.annotateLogs({ correlationId: request.correlationId }),
    Effect.ensuring(Effect.sync(visit.left))
  )
}

const tell = ({ body, method, path, query }: Route.Request, reply: Route.Reply | undefined): void => {
  if (!Exchanges.channel.hasSubscribers) return
  const exchange: Exchanges.Exchange = {
    method,
    path: query.size === 0 ? path : `${path}?${query}`,
    body: body.toString(),
    answer: reply && {
      status: reply.status,
      contentType: reply.headers["content-type"],
      body: typeof reply.body === "string" ? reply.body : undefined
    }
  }
  Exchanges.channel.publish(exchange)
}

const drop = ({ outgoing, request, visit }: Exchange) =>
  Effect.sync(() => {
    visit.answered("dropped")
    outgoing.destroy()
  }).pipe(Effect.andThen(Effect.logDebug(`${request.method} ${Masking.mask(request.path)} dropped`)))

const write = (
  exchange: Exchange,
  reply: Route.Reply,
  headers: Readonly<Record<string, string>>,
  after: Faults.Next | undefined
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { now, outgoing, request, visit } = exchange
    const { body, status } = reply
    // nothing of an answer without a body can be cut off but all of it
    if (body === "" && after?.type === "truncate") return yield* drop(exchange)
    yield* Effect.logDebug(`${request.method} ${Masking.mask(request.path)} ${status}`)
    const date = new Date(now()).toUTCString()
    const head = { date, ...headers, ...reply.headers, "inin-correlation-id": request.correlationId }
    if (typeof body !== "string") {
      visit.answered(status)
      outgoing.writeHead(status, head)
      return yield* stream(outgoing, body, after)
    }
    const bytes = Buffer.from(body)
    outgoing.writeHead(status, status === 204 ? head : { ...head, "content-length": bytes.length })
    if (after?.type === "truncate") {
      visit.answered(status)
      return void outgoing.write(bytes.subarray(0, bytes.length >> 1), () => outgoing.destroy())
    }
    let rest = bytes
    if (after?.type === "slow") {
      const step = Math.ceil(bytes.length / slowParts)
      outgoing.flushHeaders()
      while (rest.length > step) {
        outgoing.write(rest.subarray(0, step))
        rest = rest.subarray(step)
        yield* Effect.sleep(after.milliseconds / slowParts)
      }
    }
    visit.answered(status)
    outgoing.end(rest)
  })

/** A body of many pieces: truncated, it breaks off after the first one; slow, it keeps the reader waiting for that. */
const stream = (
  outgoing: Http.ServerResponse,
  body: Iterable<string>,
  after: Faults.Next | undefined
): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (after?.type === "truncate") {
      const [first = ""] = body
      return void outgoing.write(first, () => outgoing.destroy())
    }
    if (after?.type === "slow") {
      outgoing.flushHeaders()
      yield* Effect.sleep(after.milliseconds)
    }
    // a reader that leaves early is no failure of the sandbox
    yield* Effect.ignore(Effect.tryPromise(() => pipeline(Readable.from(body), outgoing)))
  })

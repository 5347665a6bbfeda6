/**
 * A person signs in: a browser is sent to the login host, and comes back with a code to a port of this machine.
 *
 * @since 0.1.0
 */
import { createHash, timingSafeEqual } from "node:crypto"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { GenesysError } from "../GenesysError.js"
import { escape } from "../html.js"
import * as AuthorizationCode from "./authorizationCode.js"
import type { Issued } from "./tokenEndpoint.js"

/**
 * Nobody signed in: the port is taken, the login host said no, or the time was up.
 *
 * @since 0.1.0
 * @category errors
 */
export class SignInError extends Schema.TaggedError<SignInError>("genesys-dnc/SignInError")("SignInError", {
  message: Schema.String,
  hint: Schema.String
}) {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** `https://login.{domain}`. */
  readonly loginUrl: string
  readonly clientId: string
  /** Where the browser comes back to on this machine; 0 takes a free one. */
  readonly port: number
  /** For how long somebody is waited for. */
  readonly patience: Duration.Duration
  /** Told where the browser has to go. */
  readonly show: (url: string) => Effect.Effect<void>
  /** Told of what came to the port and was not the browser's answer. */
  readonly warn: (words: string) => Effect.Effect<void>
}

/** What came to the port under the right state; the browser waits for `conclude`. */
interface Callback {
  readonly code: string | undefined
  readonly error: string | undefined
  readonly conclude: (status: number, title: string, words: string) => void
}

/**
 * Signs in, and does with the token what `keep` says before the browser is told that all is well. Interruption leaves no
 * port open.
 *
 * @since 0.1.0
 */
export const signIn = <A, E, R>(
  options: Options,
  keep: (issued: Issued) => Effect.Effect<A, E, R>
): Effect.Effect<A, SignInError | GenesysError | E, PlatformHttpClient.HttpClient | R> =>
  Effect.scoped(
    Effect.gen(function* () {
      const client = yield* PlatformHttpClient.HttpClient
      const answer = yield* Deferred.make<Callback>()
      const state = yield* Deferred.make<string>()
      const port = yield* listen(options, answer, state)
      const begun = AuthorizationCode.begin({ ...options, redirectUri: `http://localhost:${port}` })
      yield* Deferred.succeed(state, begun.state)
      yield* options.show(begun.url)
      const { code, conclude, error } = yield* Effect.timeoutFail(Deferred.await(answer), {
        duration: options.patience,
        onTimeout: () =>
          new SignInError({
            message: `Nobody signed in within ${Duration.format(options.patience)}`,
            hint: `If the page said that the redirect URI is wrong: the OAuth client must name ${begun.redirectUri}, to the letter.`
          })
      })
      if (code === undefined) {
        conclude(403, "Not signed in", error ?? "no code came back")
        return yield* new SignInError({
          message: `The login host did not sign anybody in: ${error ?? "no code came back"}`,
          hint: "Sign in again and allow it; if that is of no help, look at the OAuth client's grant and scopes."
        })
      }
      return yield* AuthorizationCode.exchange(client, begun, Redacted.make(code)).pipe(
        Effect.flatMap(keep),
        Effect.tapBoth({
          onFailure: () => Effect.sync(() => conclude(502, "Not signed in", "The terminal says why.")),
          onSuccess: () => Effect.sync(() => conclude(200, "Signed in", "You can close this window."))
        })
      )
    })
  )

const listen = (
  { port, warn }: Options,
  answer: Deferred.Deferred<Callback>,
  state: Deferred.Deferred<string>
): Effect.Effect<number, SignInError, Scope.Scope> =>
  Effect.gen(function* () {
    const run = Runtime.runFork(yield* Effect.runtime<never>())
    const handle = (request: Http.IncomingMessage, response: Http.ServerResponse) =>
      Effect.gen(function* () {
        const conclude = (status: number, title: string, words: string) => page(response, status, title, words)
        const url = new URL(request.url ?? "/", "http://localhost")
        const query = url.searchParams
        const isAnswer = query.has("code") || query.has("error")
        if (request.method !== "GET" || url.pathname !== "/" || !isAnswer) return conclude(404, "Not here", "")
        const said = query.get("error")
        const error =
          said === null ? undefined : printable([said, query.get("error_description") ?? ""].filter(Boolean).join(": "))
        if (!equal(query.get("state") ?? "", yield* Deferred.await(state))) {
          const words = "The answer does not belong to this sign-in; open the page that the terminal shows."
          conclude(400, "Not signed in", words)
          return yield* warn(
            `An answer of another sign-in came and was not taken${error === undefined ? "" : ` (${error})`}`
          )
        }
        const code = query.get("code") ?? undefined
        const isFirst = yield* Deferred.succeed(answer, {
          code: error === undefined && code !== "" ? code : undefined,
          error,
          conclude
        })
        if (!isFirst) conclude(409, "Already answered", "The terminal says what became of it.")
      })
    const open = (host: string, port: number) =>
      Effect.acquireRelease(
        Effect.async<Http.Server, NodeJS.ErrnoException>((resume) => {
          const server = Http.createServer((request, response) => void run(handle(request, response)))
          server.once("error", (error) => resume(Effect.fail(error)))
          server.listen(port, host, () => resume(Effect.succeed(server)))
        }),
        (server) =>
          Effect.async<void>((resume) => {
            server.close(() => resume(Effect.void))
            // a page that is being sent may end; a connection that is only kept open may not hold us up
            server.closeIdleConnections()
            setTimeout(() => server.closeAllConnections(), 500).unref()
          })
      )
    const server = yield* Effect.mapError(
      open("127.0.0.1", port),
      (error) =>
        new SignInError({
          message: `The browser cannot come back to port ${port} of this machine: ${error.code ?? error.message}`,
          hint: "Another program may have the port; name one with --port that the OAuth client names as well."
        })
    )
    const taken = (server.address() as AddressInfo).port
    // to some browsers localhost is this one
    yield* Effect.ignore(open("::1", taken))
    return taken
  })

/** In the same time, whatever the other one is. */
const equal = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))

const digest = (text: string) => createHash("sha256").update(text).digest()

/** Words from outside, without what could command a terminal, and not without end. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]+/gu, " ").slice(0, 300)

const page = (response: Http.ServerResponse, status: number, title: string, words: string): void => {
  response
    .writeHead(status, {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'",
      "referrer-policy": "no-referrer",
      connection: "close"
    })
    .end(`<!doctype html><title>${title}</title><h1>genesys-dnc: ${title}</h1><p>${escape(words)}</p>\n`)
}

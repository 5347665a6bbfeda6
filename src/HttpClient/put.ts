/**
 * A file brought to a signed address: a host that is not the API's, and an address that is a key by itself.
 *
 * @since 0.1.0
 */
import * as HttpBody from "@effect/platform/HttpBody"
import type * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type * as Stream from "effect/Stream"
import { late, parseRetryAfter, textOf, unread } from "../Answer.js"
import type { GenesysError } from "../GenesysError.js"
import * as GenesysErrors from "../GenesysError.js"
import { mask } from "../Masking.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Put {
  /** Signed: whoever has it can write there. */
  readonly url: Redacted.Redacted
  /** All that are sent, besides the length and what HTTP itself needs. */
  readonly headers: Readonly<Record<string, string>>
  /** Run anew for each attempt. */
  readonly body: Stream.Stream<Uint8Array, unknown>
  readonly bytes: number
}

/** Slower than this, in bytes a second, an upload counts as one that does not come to its end. */
const slowest = 64_000

const loopback = /^(?:127(?:\.\d+){3}|\[::1\]|localhost)$/

/**
 * The address, or why nothing is sent there.
 *
 * @since 0.1.0
 */
export const addressOf = (url: Redacted.Redacted): Effect.Effect<URL, GenesysErrors.UnexpectedResponse> => {
  const text = Redacted.value(url)
  const address = URL.canParse(text) ? new URL(text) : undefined
  const safe = address?.protocol === "https:" || (address?.protocol === "http:" && loopback.test(address.hostname))
  return address !== undefined && safe
    ? Effect.succeed(address)
    : Effect.fail(
        new GenesysErrors.UnexpectedResponse({
          message: `The server names ${address?.origin ?? "what is no URL"} for an upload; numbers go nowhere but by https:`,
          hint: "Check the API URL; nothing was sent."
        })
      )
}

/**
 * One attempt. Once it is sent it is not interrupted: whoever interrupts waits for its end. No redirection is followed.
 *
 * @since 0.1.0
 */
export const send = (
  client: PlatformHttpClient.HttpClient,
  { body, bytes, headers, url }: Put,
  timeout: Duration.Duration
): Effect.Effect<void, GenesysError> =>
  Effect.flatMap(addressOf(url), (address) => {
    const name = `PUT ${address.origin}${address.pathname}`
    const longest = Duration.sum(timeout, Duration.seconds(Math.ceil(bytes / slowest)))
    const exact = HttpClientRequest.put(address.href).pipe(
      // a content type only where it is among the headers, which are signed
      HttpClientRequest.setBody(HttpBody.stream(body, "", bytes)),
      HttpClientRequest.setHeaders({ ...headers, "content-length": String(bytes) })
    )
    return client.execute(exact).pipe(
      Effect.flatMap((response) => Effect.map(textOf(response), (text) => ({ response, text }))),
      Effect.mapError((error) => unread(name, error)),
      Effect.timeoutFail({ duration: longest, onTimeout: () => late(name, longest) }),
      Effect.interruptible,
      Effect.forkDaemon,
      Effect.flatMap(Fiber.join),
      Effect.uninterruptible,
      Effect.flatMap(({ response, text }) =>
        response.status >= 200 && response.status < 300
          ? Effect.void
          : Effect.flatMap(Clock.currentTimeMillis, (now) =>
              Effect.fail(refusal(name, response.status, text, parseRetryAfter(response.headers["retry-after"], now)))
            )
      )
    )
  })

/** Stores answer in XML. */
const refusal = (
  name: string,
  status: number,
  text: string,
  retryAfter: Duration.Duration | undefined
): GenesysError => {
  const said = (tag: string) => new RegExp(`<${tag}>([^<]{1,300})</${tag}>`).exec(text)?.[1]
  const [code, words] = [said("Code"), said("Message")].map((part) => (part === undefined ? undefined : mask(part)))
  if (status < 300 || status >= 500 || status === 408 || status === 429) {
    return GenesysErrors.fromAnswer({
      request: name,
      status,
      words,
      code,
      correlationId: undefined,
      retryAfter,
      body: text
    })
  }
  const what = [code, words].filter((part) => part !== undefined).join(": ")
  return status < 400
    ? new GenesysErrors.UnexpectedResponse({
        message: `${name} was redirected, which is not followed`,
        hint: "The store that takes the file answers itself; look at what stands between (a proxy).",
        status
      })
    : new GenesysErrors.BadRequest({
        message: `${name} was answered ${status}${what === "" ? "" : `: ${what}`}`,
        hint: "The store did not take the file; its words say why.",
        status,
        ...(code === undefined ? {} : { code }),
        body: Redacted.make(text)
      })
}

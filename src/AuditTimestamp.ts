/**
 * Time stamps (RFC 3161) over the head of the audit log, by a service that is configured. The imprint, the nonce and the
 * status are looked at here; the service's own signature is for whom has its certificate to verify.
 *
 * @since 0.1.0
 */
import { randomBytes } from "node:crypto"
import * as PlatformHttpClient from "@effect/platform/HttpClient"
import * as Request from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Head } from "./AuditChain.js"
import * as Undici from "./HttpClient/undici.js"

/**
 * There is no time stamp: of a service that cannot be used, or whose answer cannot. No run fails by it.
 *
 * @since 0.1.0
 * @category errors
 */
export class TimestampError extends Schema.TaggedError<TimestampError>("genesys-dnc/TimestampError")("TimestampError", {
  message: Schema.String,
  hint: Schema.String
}) {}

/**
 * A head that was stamped, as a record holds it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stamped extends Head {
  readonly url: string
  /** ISO 8601: when the service had the digest before it, as it says. */
  readonly genTime: string
  /** The token (a CMS `SignedData` over `TSTInfo`), DER in base64. */
  readonly token: string
}

/**
 * Gets time stamps of one service.
 *
 * @since 0.1.0
 * @category models
 */
export type Stamper = (head: Head) => Effect.Effect<Stamped, TimestampError>

/** Of the whole exchange. */
const longest = "30 seconds"

/** Bytes of an answer; with the service's certificates it has a few thousand. */
const largest = 1 << 18

const sha256 = "2.16.840.1.101.3.4.2.1"
const signedData = "1.2.840.113549.1.7.2"
const tstInfo = "1.2.840.113549.1.9.16.1.4"

const failed = (url: string, what: string) =>
  new TimestampError({
    message: `The time stamp service ${url} gave no time stamp: ${what}`,
    hint: "The run is as good without. See whether the service is up, or name another one with --timestamp-url."
  })

/** Loaded only where a stamp is wanted. */
const load = Effect.promise(() => import("./AuditTimestamp/asn1.js"))

const toHex = (bytes: ArrayBuffer | ArrayBufferView): string =>
  (ArrayBuffer.isView(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : Buffer.from(bytes)
  ).toString("hex")

/**
 * A stamper of the service at a URL, which is `https:` or on this machine.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (url: string): Effect.Effect<Stamper, TimestampError> => {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const isHere = parsed !== undefined && ["localhost", "127.0.0.1", "[::1]"].includes(parsed.hostname)
  if (parsed === undefined || !(parsed.protocol === "https:" || (parsed.protocol === "http:" && isHere))) {
    return Effect.fail(
      new TimestampError({
        message: "The time stamp service is not given as a URL of https:",
        hint: "Give one such as https://tsa.example.com with --timestamp-url or GENESYS_DNC_TIMESTAMP_URL; http: is for this machine alone."
      })
    )
  }
  if (parsed.username !== "" || parsed.password !== "") {
    return Effect.fail(
      new TimestampError({
        message: "The URL of the time stamp service holds a login, which would stand in the log",
        hint: "Name a service that needs none."
      })
    )
  }
  return Effect.succeed((head) =>
    Effect.interruptible(Effect.scoped(stamp(url, head))).pipe(
      Effect.timeoutFail({ duration: longest, onTimeout: () => failed(url, `no whole answer within ${longest}`) }),
      Effect.provide(Undici.layer)
    )
  )
}

/**
 * Asks for a stamp with whatever client there is.
 *
 * @since 0.1.0
 */
export const stamp = (
  url: string,
  { digest, sequence }: Head
): Effect.Effect<Stamped, TimestampError, PlatformHttpClient.HttpClient> =>
  Effect.gen(function* () {
    const asn1 = yield* load
    const client = yield* PlatformHttpClient.HttpClient
    // positive, and of no more bytes than it needs
    const nonce = Buffer.concat([Buffer.from([0x40 | (randomBytes(1)[0] & 0x3f)]), randomBytes(15)])
    const toBytes = (bytes: Buffer) => new Uint8Array(bytes).buffer
    const query = new asn1.TimeStampReq({
      messageImprint: new asn1.MessageImprint({
        hashAlgorithm: new asn1.AlgorithmIdentifier({ algorithm: sha256, parameters: null }),
        hashedMessage: new asn1.OctetString(toBytes(Buffer.from(digest, "hex")))
      }),
      nonce: toBytes(nonce),
      certReq: true
    })
    const body = new Uint8Array(asn1.AsnConvert.serialize(query))
    const request = Request.post(url).pipe(
      Request.setHeader("accept", "application/timestamp-reply"),
      Request.bodyUint8Array(body, "application/timestamp-query")
    )
    const response = yield* Effect.mapError(client.execute(request), ({ reason }) =>
      failed(url, `it was not reached (${reason})`)
    )
    if (response.status !== 200) return yield* failed(url, `it answered with status ${response.status}`)
    const answer = yield* Stream.runFoldEffect(response.stream, Buffer.alloc(0) as Buffer, (read, bytes) =>
      read.length + bytes.length > largest
        ? Effect.fail(failed(url, `its answer has more than ${largest} bytes`))
        : Effect.succeed(Buffer.concat([read, bytes]))
    ).pipe(Effect.mapError((error) => (error._tag === "TimestampError" ? error : failed(url, "its answer broke off"))))
    const judged = yield* Effect.try({
      try: () => {
        const { status, timeStampToken } = asn1.AsnConvert.parse(answer, asn1.TimeStampResp)
        if (status.status !== asn1.PKIStatus.granted && status.status !== asn1.PKIStatus.grantedWithMods) {
          return `it refused, with status ${status.status}`
        }
        if (timeStampToken?.contentType !== signedData) return "its answer holds no token"
        const { encapContentInfo } = asn1.AsnConvert.parse(timeStampToken.content, asn1.SignedData)
        const content = encapContentInfo.eContent?.single?.buffer
        if (encapContentInfo.eContentType !== tstInfo || content === undefined) return "its answer holds no token"
        const info = asn1.AsnConvert.parse(content, asn1.TSTInfo)
        const { hashAlgorithm, hashedMessage } = info.messageImprint
        if (hashAlgorithm.algorithm !== sha256 || toHex(hashedMessage.buffer) !== digest) {
          return "its time stamp is of another digest"
        }
        if (info.nonce === undefined || toHex(info.nonce) !== nonce.toString("hex")) {
          return "its time stamp is of another request"
        }
        const token = Buffer.from(asn1.AsnConvert.serialize(timeStampToken)).toString("base64")
        return { genTime: info.genTime.toISOString(), token }
      },
      catch: () => failed(url, "its answer cannot be read")
    })
    return typeof judged === "string" ? yield* failed(url, judged) : { sequence, digest, url, ...judged }
  }).pipe(Effect.scoped, Effect.withSpan("genesys-dnc/AuditTimestamp.stamp"))

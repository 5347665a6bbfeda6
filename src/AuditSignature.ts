/**
 * Signatures (Ed25519, RFC 8032) over the head of the audit log. One proves that the holder of the key vouched for all
 * records up to that head; not when, and not that the records are true.
 *
 * @since 0.1.0
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Head } from "./AuditChain.js"

/**
 * A key cannot be used.
 *
 * @since 0.1.0
 * @category errors
 */
export class SignatureError extends Schema.TaggedError<SignatureError>("genesys-dnc/SignatureError")("SignatureError", {
  message: Schema.String,
  hint: Schema.String
}) {}

/**
 * A head that was signed, as a record holds it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Signed extends Head {
  /** Of {@link text}, in base64. */
  readonly signature: string
  /** SPKI in base64: whose signature it claims to be. */
  readonly publicKey: string
}

/**
 * The text that is signed, in ASCII: its purpose and version, the place of the record, its digest, each a line. No other
 * use of the key can be taken for it.
 *
 * @since 0.1.0
 */
export const text = ({ digest, sequence }: Head): string => `genesys-dnc head v1\n${sequence}\n${digest}\n`

/**
 * Signs heads. The key is in no field of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Signer {
  readonly publicKey: string
  readonly sign: (head: Head) => Signed
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (key: KeyObject): Signer => {
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" }).toString("base64")
  return {
    publicKey,
    sign: ({ digest, sequence }) => ({
      sequence,
      digest,
      signature: sign(null, Buffer.from(text({ digest, sequence })), key).toString("base64"),
      publicKey
    })
  }
}

const makeKey = "openssl genpkey -algorithm ed25519 -out head-key.pem, then chmod 600 head-key.pem"

const read = <A>(
  path: string,
  kind: "private" | "public",
  parse: (pem: string) => A,
  hint: string
): Effect.Effect<A, SignatureError> =>
  Effect.flatMap(
    Effect.tryPromise({
      try: () => Fs.readFile(path, "utf8"),
      catch: (cause) =>
        new SignatureError({
          message: `The ${kind} key ${path} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? "no file"}`,
          hint: "Check the path and its permissions."
        })
    }),
    (pem) =>
      Effect.try({
        try: () => parse(pem),
        // what is wrong with it is not said in words that may hold some of it
        catch: () => new SignatureError({ message: `${path} holds no ${kind} key for Ed25519 in PEM`, hint })
      })
  )

const onlyEd25519 = (key: KeyObject): KeyObject => {
  if (key.asymmetricKeyType !== "ed25519") throw new Error("another kind of key")
  return key
}

/**
 * The signer of a private key in a file: PEM, PKCS #8, not encrypted. Others that may read the file are warned of.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromFile = (path: string): Effect.Effect<Signer, SignatureError> =>
  Effect.gen(function* () {
    const key = yield* read(
      path,
      "private",
      (pem) => {
        if (!pem.includes("-----BEGIN PRIVATE KEY-----")) throw new Error("no PKCS #8")
        return onlyEd25519(createPrivateKey({ key: pem, format: "pem" }))
      },
      `Make one: ${makeKey}. A key with a password, or of another kind, cannot be used.`
    )
    const mode = yield* Effect.promise(() =>
      Fs.stat(path)
        .then(({ mode }) => mode & 0o777)
        .catch(() => 0)
    )
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      yield* Effect.logWarning(
        `${path} is the key that heads are signed with, and others on this machine may read it (mode ${mode.toString(8)}): chmod 600 ${path}`
      )
    }
    return make(key)
  })

/**
 * A public key in a file of PEM, as SPKI in base64: what {@link Signed} names.
 *
 * @since 0.1.0
 * @category constructors
 */
export const publicKeyFromFile = (path: string): Effect.Effect<string, SignatureError> =>
  read(
    path,
    "public",
    (pem) => {
      if (!pem.includes("-----BEGIN PUBLIC KEY-----")) throw new Error("no public key")
      return onlyEd25519(createPublicKey({ key: pem, format: "pem" }))
        .export({ format: "der", type: "spki" })
        .toString("base64")
    },
    "The public part of the signing key is written by openssl pkey -in head-key.pem -pubout -out head-key.pub.pem"
  )

/**
 * A public key in PEM, as openssl reads it.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toPem = (publicKey: string): string =>
  `-----BEGIN PUBLIC KEY-----\n${publicKey.match(/.{1,64}/g)?.join("\n")}\n-----END PUBLIC KEY-----\n`

/**
 * Whether the signature is that of the head by one of these public keys.
 *
 * @since 0.1.0
 */
export const isBy = (signed: Signed, publicKeys: ReadonlyArray<string>): boolean =>
  publicKeys.some((publicKey) => {
    try {
      const key = createPublicKey({ key: Buffer.from(publicKey, "base64"), format: "der", type: "spki" })
      return verify(null, Buffer.from(text(signed)), key, Buffer.from(signed.signature, "base64"))
    } catch {
      return false
    }
  })

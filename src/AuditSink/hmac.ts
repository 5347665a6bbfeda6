/**
 * HMAC-SHA-256 by two plain digests over buffers that are filled once, which takes half as long as `createHmac` for what is
 * as short as a phone number.
 *
 * @since 0.1.0
 */
import * as Crypto from "node:crypto"

const block = 64

/**
 * The HMAC-SHA-256 of texts under one key, in hex.
 *
 * @since 0.1.0
 */
export const hmac = (key: string): ((text: string) => string) => {
  const given = Buffer.from(key, "utf8")
  const short = given.length > block ? Crypto.createHash("sha256").update(given).digest() : given
  let inner = Buffer.alloc(block + 256, 0x36)
  const outer = Buffer.alloc(block + 32, 0x5c)
  for (const [at, byte] of short.entries()) {
    inner[at] = byte ^ 0x36
    outer[at] = byte ^ 0x5c
  }
  return (text) => {
    // no character takes more than three bytes
    const most = block + text.length * 3
    if (most > inner.length) {
      const larger = Buffer.alloc(most)
      inner.copy(larger, 0, 0, block)
      inner = larger
    }
    const end = block + inner.write(text, block, "utf8")
    outer.write(digest(inner.subarray(0, end)), block, "hex")
    return digest(outer)
  }
}

const digest = (bytes: Buffer): string => Crypto.hash("sha256", bytes, "hex")

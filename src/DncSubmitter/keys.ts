/**
 * The names of things by their content: of a batch its key and its digest.
 *
 * @since 0.1.0
 */
import { createHash, hash } from "node:crypto"
import { packedOf } from "../DncEntry/packed.js"
import type { Batch } from "../DncEntry.js"
import * as DncEntry from "../DncEntry.js"

/**
 * The key of a batch, derived from run, list, content and generation: whoever sends the same content in the same run,
 * again or anew, sends the same key.
 *
 * @since 0.1.0
 */
export const idempotencyKey = (batch: Batch, generation = 0): string => keyOf(batch, contentDigest(batch), generation)

/**
 * Like {@link idempotencyKey}, of a batch whose digest is known.
 *
 * @since 0.1.0
 */
export const keyOf = ({ dncListId, runId }: Batch, digest: string, generation: number): string =>
  digestUuid(`${runId}\n${dncListId}\n${generation}\n${digest}`)

/**
 * The SHA-256 of a text, as a UUID of version 8.
 *
 * @since 0.1.0
 */
export const digestUuid = (text: string): string => {
  const hex = hash("sha256", text)
  const variant = ((Number.parseInt(hex[16], 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/**
 * SHA-256 in hex of reason (after "remove" where that is meant), expiry and numbers, one a line.
 *
 * @since 0.1.0
 */
export const contentDigest = (batch: Batch): string =>
  createHash("sha256")
    .update(
      `${batch.action === "remove" ? "remove " : ""}${batch.reason ?? ""}\n${DncEntry.formatExpires(batch.expires, "")}\n`
    )
    .update(packedOf(batch)?.lines ?? batch.phoneNumbers.join("\n"))
    .digest("hex")

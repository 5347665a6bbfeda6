/**
 * Every request that the sandbox got and what it answered, as they happen, on a diagnostics channel of Node: for a test
 * suite that holds all of them against the published contract, whoever made the sandbox and wherever.
 *
 * @since 0.1.0
 */
import * as DiagnosticsChannel from "node:diagnostics_channel"

/**
 * One request and its answer. Bodies are whole, phone numbers and all.
 *
 * @since 0.1.0
 * @category models
 */
export interface Exchange {
  readonly method: string
  /** With the query, without the host. */
  readonly path: string
  /** `""` if there was none. */
  readonly body: string
  /** What the API had to say, whether or not it arrived; `undefined` where a fault on purpose got ahead of it. */
  readonly answer:
    | {
        readonly status: number
        readonly contentType: string | undefined
        /** `undefined` for one that is streamed. */
        readonly body: string | undefined
      }
    | undefined
}

/**
 * The name of the channel; its messages are {@link Exchange}s. Nothing is made where nobody listens.
 *
 * @since 0.1.0
 */
export const name = "genesys-dnc/exchanges"

/**
 * @since 0.1.0
 */
export const channel = DiagnosticsChannel.channel(name)

/**
 * Genesys Cloud as a server on this machine, for trials without an account and for tests.
 *
 * @since 0.1.0
 */
export * as Events from "./Events.js"
export * as Faults from "./Faults.js"
export * as Journal from "./Journal.js"
export * as Sandbox from "./Sandbox.js"
export * as State from "./State.js"
export * as Table from "./Table.js"
export * as Webhooks from "./Webhooks.js"

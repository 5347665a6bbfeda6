/**
 * For the tests of programs that use this library: a mock Layer for each service, and a programmable network.
 *
 * @since 0.1.0
 */
export * as Mocks from "./Mocks.js"
export * as Stub from "./Stub.js"

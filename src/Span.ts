/**
 * Spans where somebody collects them.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"

/** Keeps nothing of what it is told. */
const native = Context.get(DefaultServices.liveServices, Tracer.Tracer)

/**
 * `Effect.withSpan` for what happens hundreds of times a second: none is made for the tracer that is there by default, and
 * no stack is looked at.
 *
 * @since 0.1.0
 */
export const within =
  (name: string, attributes: Readonly<Record<string, unknown>>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.tracerWith((tracer) =>
      tracer === native ? effect : Effect.withSpan(effect, name, { attributes, captureStackTrace: false })
    )

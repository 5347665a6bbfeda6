/** The client over undici, loaded by whoever sends something: without it the rest starts in half the time. */
import type { HttpClient } from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export const layer: Layer.Layer<HttpClient> = Layer.unwrapEffect(
  Effect.promise(async () => (await import("./pool.js")).layer)
)

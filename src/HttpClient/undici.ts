/** Node's client, a megabyte of modules, loaded by whoever sends something. */
import type { HttpClient } from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export const layer: Layer.Layer<HttpClient> = Layer.unwrapEffect(
  Effect.promise(async () => (await import("@effect/platform-node/NodeHttpClient")).layerUndici)
)

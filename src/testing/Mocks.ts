/**
 * A Layer for each service that stands still: for tests of programs that are composed of them.
 *
 * @since 0.1.0
 */
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { type AuditRecord, type AuditSink, layerMemory } from "../AuditSink.js"
import { type Auth, layerToken } from "../Auth.js"
import * as Contract from "../Contract.js"
import type { Batch, Receipt } from "../DncEntry.js"
import { DncSubmitter, idempotencyKey } from "../DncSubmitter.js"
import { type DncValidator, defaults, layerFromRow } from "../DncValidator.js"
import type { GenesysError } from "../GenesysError.js"
import { HttpClient, type Outcome } from "../HttpClient.js"
import { type Registration, WebhookRegistrar } from "../WebhookRegistrar.js"

/**
 * A token that never ends.
 *
 * @since 0.1.0
 * @category layers
 */
export const auth = (token = "test-token"): Layer.Layer<Auth> => layerToken(Redacted.make(token))

/**
 * Answers each request with what the function gives: a body for a 200, or a failure. Downloads are what `stream` gives;
 * none unless it is given. Uploads go to `put`.
 *
 * @since 0.1.0
 * @category layers
 */
export const httpClient = (
  answer: (request: HttpClientRequest.HttpClientRequest) => Effect.Effect<unknown, GenesysError>,
  stream: (typeof HttpClient.Service)["stream"] = () => Stream.dieMessage("no download is mocked"),
  put: (typeof HttpClient.Service)["put"] = () => Effect.dieMessage("no upload is mocked")
): Layer.Layer<HttpClient> =>
  Layer.succeed(
    HttpClient,
    HttpClient.of({
      apiUrl: "https://api.example.test",
      concurrency: 5,
      execute: (request) =>
        Effect.map(
          answer(request),
          (body): Outcome => ({ status: 200, body, correlationId: undefined, headers: {}, attempts: 1 })
        ),
      stream,
      put
    })
  )

/**
 * The validator made from a function of a row; see `DncValidator.layerFromRow`.
 *
 * @since 0.1.0
 * @category layers
 */
export const dncValidator = (f: Parameters<typeof layerFromRow>[0], policy = defaults): Layer.Layer<DncValidator> =>
  layerFromRow(f, policy)

/**
 * The receipt of a batch all of whose numbers were created; any part of it can be given otherwise.
 *
 * @since 0.1.0
 * @category constructors
 */
export const receipt = (batch: Batch, other: Partial<Receipt> = {}): Receipt => ({
  created: batch.phoneNumbers.length,
  duplicate: 0,
  updated: 0,
  accepted: 0,
  skipped: 0,
  rejected: [],
  failed: [],
  latencyMs: 1,
  attempts: 1,
  idempotencyKey: idempotencyKey(batch),
  correlationId: undefined,
  ...other
})

/**
 * Submits each batch to the function; without one, every number is created.
 *
 * @since 0.1.0
 * @category layers
 */
export const dncSubmitter = (
  submit: (typeof DncSubmitter.Service)["submit"] = (batch) => Effect.succeed(receipt(batch))
): Layer.Layer<DncSubmitter> =>
  Layer.succeed(
    DncSubmitter,
    DncSubmitter.of({
      contract: Contract.entries,
      target: "https://api.example.test",
      concurrency: 5,
      check: (id) => Effect.succeed({ id, name: "Test list" }),
      submit
    })
  )

/**
 * Registers in memory.
 *
 * @since 0.1.0
 * @category layers
 */
export const webhookRegistrar = (registrations: Array<Registration> = []): Layer.Layer<WebhookRegistrar> =>
  Layer.succeed(
    WebhookRegistrar,
    WebhookRegistrar.of({
      list: Effect.sync(() => registrations.slice()),
      register: ({ name, url }) =>
        Effect.sync(() => {
          const standing = registrations.find((other) => other.name === name && other.url === url)
          if (standing !== undefined) return standing
          const registration: Registration = {
            id: `webhook-${registrations.length + 1}`,
            name,
            url,
            apiUrl: "https://api.example.test",
            registeredAt: "2026-01-01T00:00:00.000Z"
          }
          registrations.push(registration)
          return registration
        })
    })
  )

/**
 * Keeps the records in the caller's array, numbers whole.
 *
 * @since 0.1.0
 * @category layers
 */
export const auditSink = (records: Array<AuditRecord> = []): Layer.Layer<AuditSink> =>
  // only a hashing one without a key can fail
  Layer.orDie(layerMemory(records, { numbers: "whole" }))

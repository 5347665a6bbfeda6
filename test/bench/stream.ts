/**
 * What it is compared with: the Effect stream that comes to mind first. Text, lines, a map and a filter for each row, groups
 * of 499, each sent by the platform's client, five at once; reason and expiry of a group are those of its first row.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Child from "./child.js"
import { parse, type Row } from "./rows.js"

const { started, task } = Child.begin()

const Token = Schema.Struct({ access_token: Schema.String })
const Answer = Schema.Struct({ created: Schema.Number })

let rows = 0

const program = Effect.gen(function* () {
  const client = HttpClient.filterStatusOk(yield* HttpClient.HttpClient).pipe(
    HttpClient.mapRequest(HttpClientRequest.prependUrl(task.url))
  )
  const { access_token } = yield* HttpClientRequest.post("/oauth/token").pipe(
    HttpClientRequest.basicAuth(task.clientId, task.clientSecret),
    HttpClientRequest.bodyUrlParams({ grant_type: "client_credentials" }),
    client.execute,
    Effect.flatMap((response) => response.json),
    Effect.flatMap(Schema.decodeUnknown(Token))
  )
  const post = (group: ReadonlyArray<Row>) =>
    HttpClientRequest.post(`/api/v2/outbound/dnclists/${task.listId}/entries`).pipe(
      HttpClientRequest.bearerToken(access_token),
      HttpClientRequest.setHeader("Idempotency-Key", crypto.randomUUID()),
      HttpClientRequest.bodyJson({
        phoneNumbers: group.map(({ phoneNumber }) => phoneNumber),
        reason: group[0].reason,
        expires: group[0].expires
      }),
      Effect.flatMap(client.execute),
      Effect.flatMap((response) => response.json),
      Effect.flatMap(Schema.decodeUnknown(Answer))
    )
  return yield* (yield* FileSystem.FileSystem).stream(task.file).pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.drop(1),
    Stream.map((line) => {
      rows++
      return parse(line)
    }),
    Stream.filter((row) => row !== undefined),
    Stream.grouped(499),
    Stream.mapEffect((group) => post(Chunk.toReadonlyArray(group)), { concurrency: 5 }),
    Stream.runFold({ numbersOnList: 0, requests: 0 }, ({ numbersOnList, requests }, { created }) => ({
      numbersOnList: numbersOnList + created,
      requests: requests + 1
    }))
  )
})

const counts = await program.pipe(
  Effect.provide(Layer.merge(NodeFileSystem.layer, NodeHttpClient.layerUndici)),
  Effect.runPromise
)

Child.end(Child.since(started), { rows, ...counts, stages: {} })

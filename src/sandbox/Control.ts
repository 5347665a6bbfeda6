/**
 * The sandbox's own endpoints, below `/sandbox`, through which another process injects faults and reads what happened.
 * They ask for no token.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Faults from "./Faults.js"
import type { Stats } from "./Journal.js"
import * as Lists from "./Lists.js"
import * as Route from "./Route.js"
import { kinds, type List } from "./State.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Dependencies {
  readonly lists: ReadonlyMap<string, List>
  readonly maxBytes: number
  readonly inject: (fault: Faults.Fault) => void
  readonly faults: () => Faults.Snapshot
  readonly stats: () => Stats
  readonly reset: () => void
}

const linesPerChunk = 1000
const OneOrMore = Schema.Union(Faults.Fault, Schema.Array(Faults.Fault))

const ndjson = function* (entries: Iterable<unknown>): Generator<string> {
  let chunk = ""
  let lines = 0
  for (const entry of entries) {
    chunk += `${JSON.stringify(entry)}\n`
    if (++lines % linesPerChunk === 0) {
      yield chunk
      chunk = ""
    }
  }
  if (chunk !== "") yield chunk
}

const lines = (entries: Iterable<unknown>): Route.Reply => ({
  status: 200,
  headers: { "content-type": "application/x-ndjson" },
  body: ndjson(entries)
})

/**
 * @since 0.1.0
 * @category constructors
 */
export const routes = (dependencies: Dependencies): ReadonlyArray<Route.Route> => {
  const inject = (request: Route.Request): Route.Reply => {
    const read = Route.readJson(request, dependencies.maxBytes)
    if ("refusal" in read) return { ...read.refusal, violation: undefined }
    const decoded = Schema.decodeUnknownEither(OneOrMore, { onExcessProperty: "error" })(read.value)
    if (Either.isLeft(decoded)) {
      const words = `No such fault: ${ParseResult.TreeFormatter.formatErrorSync(decoded.left)}`
      return Route.failure(request, 400, "invalid.value", words)
    }
    const faults = "type" in decoded.right ? [decoded.right] : decoded.right
    for (const fault of faults) dependencies.inject(fault)
    return Route.json(200, dependencies.faults())
  }

  const make = (
    method: "GET" | "POST",
    path: RegExp,
    commit: (request: Route.Request, parameter: string) => Route.Reply
  ): Route.Route => ({
    name: "control",
    method,
    path,
    permissions: undefined,
    handle: (request, parameter) => ({ commit: () => commit(request, parameter), abandon: () => {} })
  })

  return [
    make("POST", /^\/sandbox\/faults$/, inject),
    make("GET", /^\/sandbox\/stats$/, () => Route.json(200, dependencies.stats())),
    make("POST", /^\/sandbox\/reset$/, () => {
      dependencies.reset()
      return Route.json(200, {})
    }),
    make("GET", /^\/sandbox\/lists\/([^/]+)\/entries$/, (request, id) => {
      const found = Lists.find(dependencies.lists, request, id)
      return "refusal" in found ? found.refusal : lines(found.list.entries())
    }),
    ...kinds.map((kind) =>
      make("GET", new RegExp(`^/sandbox/lists/([^/]+)/${kind}$`), (request, id) => {
        const found = Lists.find(dependencies.lists, request, id)
        return "refusal" in found ? found.refusal : lines(found.list.contacts(kind))
      })
    )
  ]
}

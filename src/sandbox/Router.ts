/**
 * From a method and a path to the route that answers, past the token, the request limit and the permissions.
 *
 * @since 0.1.0
 */
import type { OAuth } from "./OAuth.js"
import type { RateLimit } from "./RateLimit.js"
import * as Route from "./Route.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Begun {
  readonly turn: Route.Turn
  /** Headers for the answer, whatever it will be. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Match {
  readonly name: Route.Name
  readonly maxBytes?: number | undefined
  readonly begin: (request: Route.Request) => Begun
}

/**
 * @since 0.1.0
 * @category models
 */
export type Router = (method: string, path: string) => Match

const noHeaders = {}

const refused = (reply: Route.Reply, headers: Begun["headers"] = noHeaders): Begun => ({
  turn: Route.answer(reply),
  headers
})

const unknown: Match = {
  name: "unknown",
  begin: (request) =>
    refused(Route.failure(request, 404, "not.found", `There is no ${request.method} ${request.path} here.`))
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (routes: ReadonlyArray<Route.Route>, oauth: OAuth, rateLimit: RateLimit): Router => {
  const begin = (route: Route.Route, parameter: string, request: Route.Request): Begun => {
    if (route.permissions === undefined) return { turn: route.handle(request, parameter), headers: noHeaders }
    const authenticated = oauth.authenticate(request)
    if ("refusal" in authenticated) return refused(authenticated.refusal)
    const { headers, retryAfter } = rateLimit.take(authenticated.token)
    if (retryAfter !== undefined) return refused(Route.tooManyRequests(request, retryAfter), headers)
    const forbidden = oauth.authorize(request, route.permissions)
    if (forbidden !== undefined) return refused(forbidden, headers)
    return { turn: route.handle(request, parameter), headers }
  }

  const wrongMethod = (allowed: ReadonlyArray<Route.Route>): Match => ({
    name: allowed[0].name,
    begin: (request) => {
      const allow = allowed.map(({ method }) => method).join(", ")
      const words = `${request.path} takes ${allow}, not ${request.method}.`
      return refused(Route.failure(request, 405, "method.not.allowed", words, { headers: { allow } }))
    }
  })

  return (method, path) => {
    const here = routes.filter((route) => route.path.test(path))
    const route = here.find((route) => route.method === method)
    if (route === undefined) return here.length === 0 ? unknown : wrongMethod(here)
    const parameter = route.path.exec(path)?.[1] ?? ""
    return { name: route.name, maxBytes: route.maxBytes, begin: (request) => begin(route, parameter, request) }
  }
}

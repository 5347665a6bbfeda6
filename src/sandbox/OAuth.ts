/**
 * The token endpoint, for the grant of client credentials, and the check of the tokens that it gave out.
 *
 * @since 0.1.0
 */
import { randomBytes } from "node:crypto"
import * as Route from "./Route.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly clientId: string
  readonly clientSecret: string
  readonly tokenLifetimeSeconds: number
  /** What the roles of the client permit. */
  readonly permissions: ReadonlyArray<string>
  readonly now: () => number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface OAuth {
  readonly route: Route.Route
  /** The token of a request, or the refusal of a request that has no good one. */
  readonly authenticate: (request: Route.Request) => { readonly token: string } | { readonly refusal: Route.Reply }
  /** The refusal of a request for which the client lacks permissions. */
  readonly authorize: (request: Route.Request, needed: ReadonlyArray<string>) => Route.Reply | undefined
  /** Ends all tokens that were given out. */
  readonly expire: () => void
}

const mostTokens = 10_000

/**
 * An error of the token endpoint, which has a form of its own.
 *
 * @since 0.1.0
 * @category constructors
 */
export const failure = (status: number, error: string, description: string, violation?: string): Route.Reply => ({
  ...Route.json(status, { error, description, error_description: description }, { "cache-control": "no-store" }),
  violation
})

const basicCredentials = (header: string | undefined) => {
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header ?? "")?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, "base64").toString("utf8")
  const colon = text.indexOf(":")
  return colon < 0 ? undefined : { id: text.slice(0, colon), secret: text.slice(colon + 1) }
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options, onIssued: () => void): OAuth => {
  const tokens = new Map<string, number>()

  const issue = (): Route.Reply => {
    const token = randomBytes(32).toString("base64url")
    tokens.set(token, options.now() + options.tokenLifetimeSeconds * 1000)
    if (tokens.size > mostTokens) tokens.delete(tokens.keys().next().value!)
    onIssued()
    return Route.json(
      200,
      { access_token: token, token_type: "bearer", expires_in: options.tokenLifetimeSeconds },
      { "cache-control": "no-store" }
    )
  }

  const exchange = (request: Route.Request): Route.Reply | undefined => {
    const credentials = basicCredentials(request.headers.authorization)
    if (credentials === undefined) {
      const words = "client credentials must come as Basic authorization"
      return failure(400, "invalid_request", words, `Token request: ${words}.`)
    }
    if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers["content-type"] ?? "")) {
      const words = "the body must be application/x-www-form-urlencoded"
      return failure(400, "invalid_request", words, `Token request: ${words}.`)
    }
    const grant = new URLSearchParams(request.body.toString("utf8")).get("grant_type")
    if (grant === null) {
      const words = "grant_type is missing from the body"
      return failure(400, "invalid_request", words, `Token request: ${words}.`)
    }
    if (grant !== "client_credentials") return failure(400, "unsupported_grant_type", "grant type not supported")
    if (credentials.id !== options.clientId) return failure(400, "invalid_client", "client not found")
    if (credentials.secret !== options.clientSecret) return failure(401, "invalid_client", "authentication failed")
    return undefined
  }

  return {
    route: {
      name: "token",
      method: "POST",
      path: /^\/oauth\/token$/,
      permissions: undefined,
      handle: (request) => ({ commit: () => exchange(request) ?? issue(), abandon: () => {} })
    },
    authenticate: (request) => {
      const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1]
      if (token === undefined) {
        const words = "No authentication bearer token specified in authorization header."
        return { refusal: Route.failure(request, 401, "authentication.required", words) }
      }
      const expiresAt = tokens.get(token)
      if (expiresAt === undefined) {
        return { refusal: Route.failure(request, 401, "bad.credentials", "Invalid login credentials.") }
      }
      if (expiresAt <= options.now()) {
        return { refusal: Route.failure(request, 401, "credentials.expired", "The authentication token has expired.") }
      }
      return { token }
    },
    authorize: (request, needed) => {
      const missing = needed.filter((permission) => !options.permissions.includes(permission))
      if (missing.length === 0) return undefined
      return Route.failure(
        request,
        403,
        "missing.permissions",
        `You are missing the following permission(s): ${missing.join(", ")}`,
        { messageParams: { permissions: missing.join(", ") } }
      )
    },
    expire: () => {
      for (const token of tokens.keys()) tokens.set(token, 0)
    }
  }
}

/**
 * The login host: tokens by every grant, a sign-in page that signs in at once, and the check of the tokens that were given
 * out.
 *
 * @since 0.1.0
 */
import { createHash, randomBytes } from "node:crypto"
import * as Route from "./Route.js"

/**
 * Who signs in where a person is asked for.
 *
 * @since 0.1.0
 * @category models
 */
export interface User {
  readonly id: string
  readonly name: string
  readonly email: string
}

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
  /** Who signs in. */
  readonly user?: User
  /** Short name of the organization, which the SAML2 bearer grant asks for; `sandbox` unless given. */
  readonly organization?: string
  /** What becomes of who signs in: a code, or `access_denied`. */
  readonly signIn?: "allow" | "deny"
  /** Where a browser may be sent back to, to the letter; any URL of this machine unless given. */
  readonly redirectUris?: ReadonlyArray<string>
  /** Whether a person's token comes with a refresh token; it does unless told otherwise. */
  readonly refreshTokens?: boolean
  /** Token requests in a window; what is more is answered 400 `rate limit exceeded`. */
  readonly tokenRateLimit?: { readonly requests: number; readonly windowSeconds: number } | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface OAuth {
  /** The token endpoint. */
  readonly route: Route.Route
  /** The token endpoint, the sign-in page, and who one is (`/api/v2/users/me`). */
  readonly routes: ReadonlyArray<Route.Route>
  /** The token of a request, or the refusal of a request that has no good one. */
  readonly authenticate: (request: Route.Request) => { readonly token: string } | { readonly refusal: Route.Reply }
  /** The refusal of a request for which the client lacks permissions. */
  readonly authorize: (request: Route.Request, needed: ReadonlyArray<string>) => Route.Reply | undefined
  /** Ends all tokens that were given out. */
  readonly expire: () => void
}

const mostTokens = 10_000

/** Seconds for which a code is good. */
const codeLifetime = 300

const defaultUser: User = {
  id: "c0ffee00-cafe-4ace-a11c-facade0ca115",
  name: "Sandy Box",
  email: "sandy.box@example.com"
}

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

const against = (words: string): Route.Reply => failure(400, "invalid_request", words, `Token request: ${words}.`)

const basicCredentials = (header: string | undefined) => {
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header ?? "")?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, "base64").toString("utf8")
  const colon = text.indexOf(":")
  return colon < 0 ? undefined : { id: text.slice(0, colon), secret: text.slice(colon + 1) }
}

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

const random = () => randomBytes(32).toString("base64url")

interface Token {
  readonly user: User | undefined
  endsAt: number
}

interface Code {
  readonly redirectUri: string
  readonly challenge: string | undefined
  readonly endsAt: number
  /** The refresh tokens that came of it, once it was used. */
  family: Set<string> | undefined
}

interface Grant {
  readonly user: User | undefined
  /** The refresh tokens that came of one sign-in; `undefined` where none is due. */
  readonly family: Set<string> | undefined
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options, onIssued: () => void): OAuth => {
  const { organization = "sandbox", refreshTokens = true, user = defaultUser } = options
  const tokens = new Map<string, Token>()
  const codes = new Map<string, Code>()
  const families = new Map<string, Set<string>>()
  let window = { began: Number.NEGATIVE_INFINITY, requests: 0 }

  const issue = ({ family, user }: Grant): Route.Reply => {
    const token = random()
    tokens.set(token, { user, endsAt: options.now() + options.tokenLifetimeSeconds * 1000 })
    if (tokens.size > mostTokens) tokens.delete(tokens.keys().next().value!)
    const refreshToken = family === undefined ? undefined : random()
    if (family !== undefined && refreshToken !== undefined) {
      family.clear()
      family.add(refreshToken)
      families.set(refreshToken, family)
      if (families.size > mostTokens) families.delete(families.keys().next().value!)
    }
    onIssued()
    return Route.json(
      200,
      {
        access_token: token,
        ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
        token_type: "bearer",
        expires_in: options.tokenLifetimeSeconds
      },
      { "cache-control": "no-store" }
    )
  }

  const throttled = (): boolean => {
    if (options.tokenRateLimit === undefined) return false
    const { requests, windowSeconds } = options.tokenRateLimit
    const now = options.now()
    if (now >= window.began + windowSeconds * 1000) window = { began: now, requests: 0 }
    return ++window.requests > requests
  }

  /** The refusal of the client, which a public one may answer for by its id alone. */
  const refuseClient = (request: Route.Request, form: URLSearchParams, isPublic: boolean): Route.Reply | undefined => {
    const credentials = basicCredentials(request.headers.authorization)
    if (credentials === undefined) {
      if (!isPublic) return against("client credentials must come as Basic authorization")
      if (form.get("client_id") === null) return against("client_id is missing from the body")
      return form.get("client_id") === options.clientId ? undefined : failure(400, "invalid_client", "client not found")
    }
    if (credentials.id !== options.clientId) return failure(400, "invalid_client", "client not found")
    if (credentials.secret !== options.clientSecret) return failure(401, "invalid_client", "authentication failed")
    return undefined
  }

  const ofCode = (form: URLSearchParams): Grant | Route.Reply => {
    const code = codes.get(form.get("code") ?? "")
    if (code === undefined || code.endsAt <= options.now()) {
      return failure(400, "invalid_grant", "authorization code is not valid")
    }
    if (code.family !== undefined) {
      // somebody else has it as well: what came of it ends
      code.family.clear()
      return failure(400, "invalid_grant", "authorization code was used before")
    }
    if (form.get("redirect_uri") !== code.redirectUri) {
      return failure(400, "invalid_grant", "redirect_uri is not that of the code")
    }
    const verifier = form.get("code_verifier") ?? ""
    if (code.challenge !== undefined && createHash("sha256").update(verifier).digest("base64url") !== code.challenge) {
      return failure(400, "invalid_grant", "code_verifier does not fit")
    }
    code.family = new Set()
    return { user, family: refreshTokens ? code.family : undefined }
  }

  const ofRefreshToken = (form: URLSearchParams): Grant | Route.Reply => {
    const refreshToken = form.get("refresh_token") ?? ""
    const family = families.get(refreshToken)
    if (family === undefined) return failure(400, "invalid_grant", "refresh token is not valid")
    if (!family.has(refreshToken)) {
      family.clear()
      return failure(400, "invalid_grant", "refresh token was used before")
    }
    return { user, family }
  }

  const ofAssertion = (form: URLSearchParams): Grant | Route.Reply => {
    if (form.get("orgName") !== organization) return failure(400, "invalid_grant", "organization not found")
    const assertion = Buffer.from(form.get("assertion") ?? "", "base64").toString("utf8")
    return /^\s*<.*Assertion/s.test(assertion)
      ? { user, family: undefined }
      : failure(400, "invalid_grant", "assertion is not valid")
  }

  const exchange = (request: Route.Request): Route.Reply => {
    if (throttled()) {
      return failure(400, "invalid_request", "rate limit exceeded; too many token requests, try again later")
    }
    const form = new URLSearchParams(request.body.toString("utf8"))
    const grant = form.get("grant_type")
    const code = grant === "authorization_code" ? codes.get(form.get("code") ?? "") : undefined
    const isPublic = grant === "refresh_token" || (grant === "authorization_code" && form.has("code_verifier"))
    if (!isPublic && basicCredentials(request.headers.authorization) === undefined) {
      return against("client credentials must come as Basic authorization")
    }
    if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers["content-type"] ?? "")) {
      return against("the body must be application/x-www-form-urlencoded")
    }
    if (grant === null) return against("grant_type is missing from the body")
    const find = grants.get(grant)
    if (find === undefined) return failure(400, "unsupported_grant_type", "grant type not supported")
    const refusal = refuseClient(request, form, isPublic && (code === undefined || code.challenge !== undefined))
    if (refusal !== undefined) return refusal
    const found = find(form)
    return "status" in found ? found : issue(found)
  }

  const grants = new Map<string, (form: URLSearchParams) => Grant | Route.Reply>([
    ["client_credentials", () => ({ user: undefined, family: undefined })],
    ["authorization_code", ofCode],
    ["refresh_token", ofRefreshToken],
    ["urn:ietf:params:oauth:grant-type:saml2-bearer", ofAssertion]
  ])

  /** What cannot be answered by sending the browser back is answered here: the address to send it to is wrong itself. */
  const signIn = ({ query }: Route.Request): Route.Reply => {
    const redirectUri = query.get("redirect_uri") ?? ""
    const target = URL.canParse(redirectUri) ? new URL(redirectUri) : undefined
    const isKnown =
      options.redirectUris === undefined
        ? target !== undefined && loopback.test(target.hostname)
        : options.redirectUris.includes(redirectUri)
    if (query.get("client_id") !== options.clientId) return failure(400, "invalid_client", "client not found")
    if (target === undefined || !isKnown)
      return failure(400, "invalid_request", "redirect_uri is not that of the client")

    const back = (answer: Readonly<Record<string, string>>): Route.Reply => {
      for (const [name, value] of Object.entries(answer)) target.searchParams.set(name, value)
      const state = query.get("state")
      if (state !== null) target.searchParams.set("state", state)
      return { status: 302, headers: { location: target.href, "cache-control": "no-store" }, body: "" }
    }
    if (query.get("response_type") !== "code") return back({ error: "unsupported_response_type" })
    const challenge = query.get("code_challenge") ?? undefined
    if (challenge !== undefined && query.get("code_challenge_method") !== "S256") {
      return back({ error: "invalid_request", error_description: "code_challenge_method must be S256" })
    }
    if (options.signIn === "deny") {
      return back({ error: "access_denied", error_description: "The resource owner denied the request" })
    }
    const code = random()
    codes.set(code, { redirectUri, challenge, endsAt: options.now() + codeLifetime * 1000, family: undefined })
    if (codes.size > mostTokens) codes.delete(codes.keys().next().value!)
    return back({ code })
  }

  const bearer = (request: Route.Request) => /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1]

  const me = (request: Route.Request): Route.Reply => {
    const user = tokens.get(bearer(request) ?? "")?.user
    return user === undefined
      ? Route.failure(request, 400, "not.a.user", "This request requires a user context.")
      : Route.json(200, { ...user, organization: { id: "", name: organization } })
  }

  const route: Route.Route = {
    name: "token",
    method: "POST",
    path: /^\/oauth\/token$/,
    permissions: undefined,
    handle: (request) => ({ commit: () => exchange(request), abandon: () => {} })
  }

  return {
    route,
    routes: [
      route,
      {
        name: "token",
        method: "GET",
        path: /^\/oauth\/authorize$/,
        permissions: undefined,
        handle: (request) => ({ commit: () => signIn(request), abandon: () => {} })
      },
      {
        name: "token",
        method: "GET",
        path: /^\/api\/v2\/users\/me$/,
        permissions: [],
        handle: (request) => Route.answer(me(request))
      }
    ],
    authenticate: (request) => {
      const token = bearer(request)
      if (token === undefined) {
        const words = "No authentication bearer token specified in authorization header."
        return { refusal: Route.failure(request, 401, "authentication.required", words) }
      }
      const found = tokens.get(token)
      if (found === undefined) {
        return { refusal: Route.failure(request, 401, "bad.credentials", "Invalid login credentials.") }
      }
      if (found.endsAt <= options.now()) {
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
      for (const token of tokens.values()) token.endsAt = 0
    }
  }
}

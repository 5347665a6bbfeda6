/** The published operations as a judge: whether an exchange is one that the contract file describes. */
import * as Fs from "node:fs"
import { Ajv2020 } from "ajv/dist/2020.js"
import formats from "ajv-formats"
import type { Json } from "../sandbox/support.js"

/** An exchange as it was on the wire; a body that is not JSON is given as text. */
export interface Exchange {
  readonly method: string
  readonly url: string
  readonly status: number
  readonly contentType: string | null
  readonly body: unknown
}

const contract: Json = JSON.parse(Fs.readFileSync(new URL("platform-dnc.openapi.json", import.meta.url), "utf8"))

// the file requires a state and says in the same breath that it is absent when no import is under way
const { ImportStatus } = contract.components.schemas
ImportStatus.required = ImportStatus.required.filter((field: string) => field !== "state")

// a field that is not published is as wrong as one of another type
for (const schema of Object.values<Json>(contract.components.schemas)) {
  if (schema.properties !== undefined) schema.additionalProperties ??= false
}

const ajv = new Ajv2020({ strict: false, allErrors: true })
formats.default(ajv)
ajv.addSchema(contract, "contract")

const codes = new Set<string>()
const templates = Object.keys(contract.paths).map((path) => ({
  path,
  // an operation of a fixed name goes before one of any id
  holes: path.split("{").length,
  pattern: new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`)
}))
templates.sort((one, other) => one.holes - other.holes)
for (const operations of Object.values<Json>(contract.paths)) {
  for (const { responses } of Object.values<Json>(operations)) {
    for (const response of Object.values<Json>(responses)) {
      for (const code of response["x-error-codes"] ?? []) codes.add(code)
    }
  }
}

/** The operation behind a URL, or `undefined` if the contract has none there. */
const find = (method: string, url: string) => {
  const { pathname } = new URL(url)
  const template = templates.find(({ pattern }) => pattern.test(pathname))
  if (template === undefined) return undefined
  const operation = contract.paths[template.path][method.toLowerCase()]
  if (operation === undefined) return undefined
  const pointer = (parts: ReadonlyArray<string>) =>
    `contract#/${["paths", template.path, method.toLowerCase(), ...parts]
      .map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")))
      .join("/")}`
  return { operation, pointer }
}

const validate = (reference: string, value: unknown): ReadonlyArray<string> => {
  const schema = ajv.getSchema(reference) ?? ajv.compile({ $ref: reference })
  if (schema(value)) return []
  return (schema.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`
  )
}

const json = ["content", "application/json", "schema"]

/** What is wrong with an answer; `undefined` for a request that the contract knows nothing of. */
export const problems = (exchange: Exchange): ReadonlyArray<string> | undefined => {
  const { body, contentType, method, status, url } = exchange
  const found = find(method, url)
  if (found === undefined) return undefined
  const { operation, pointer } = found
  const isGood = status >= 200 && status < 300
  const name = status in operation.responses ? String(status) : "default"
  const response = isGood || name !== "default" ? operation.responses[name] : undefined
  if (response === undefined) return [`the status ${status} is not listed`]
  if (response.content === undefined) return body === "" ? [] : ["there is a body where none is published"]
  if (!contentType?.startsWith("application/json")) return [`the body is ${contentType}`]
  const faults = validate(pointer(["responses", name, ...json]), body)
  const code = (body as Json).code
  return isGood || codes.has(code) ? faults : [...faults, `the code ${code} is not published`]
}

/** What is wrong with a request; `undefined` for one that the contract knows nothing of. */
export const problemsOfRequest = (method: string, url: string, body: unknown): ReadonlyArray<string> | undefined => {
  const found = find(method, url)
  if (found === undefined) return undefined
  const { operation, pointer } = found
  const known = new Set((operation.parameters ?? []).map((parameter: Json) => parameter.name))
  const unknown = [...new URL(url).searchParams.keys()].filter((name) => !known.has(name))
  const faults = unknown.map((name) => `the query parameter ${name} is not published`)
  if (operation.requestBody === undefined) return body === undefined ? faults : [...faults, "there is a body"]
  return [...faults, ...validate(pointer(["requestBody", ...json]), body)]
}

/**
 * Run before each test file: whatever the sandbox and the stub get and answer in it is held against the contract file,
 * and the test in which something does not fit fails. A request may be wrong where it is refused for that.
 */
import * as DiagnosticsChannel from "node:diagnostics_channel"
import { afterAll, afterEach } from "vitest"
import * as Exchanges from "../../src/sandbox/Exchanges.js"

/** What the contract file does not describe: the other contract, and what stands around the lists. */
const leftOut =
  /^(?!\/api\/v2\/)|^\/api\/v2\/(?:outbound\/dnclists\/[^/]+\/entries|platform\/webhooks|downloads\/.*|outbound\/campaigns|users\/me|organizations\/limits\/.*)$/

const refusals: ReadonlySet<number | undefined> = new Set([400, 404, 405, 413, 415, 422])

let seen: Array<Exchanges.Exchange> = []

DiagnosticsChannel.subscribe(Exchanges.name, (message) => {
  const exchange = message as Exchanges.Exchange
  if (!leftOut.test(exchange.path.split("?", 1)[0])) seen.push(exchange)
})

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** What does not fit of the exchanges since the last time. */
export const problems = async (): Promise<ReadonlyArray<string>> => {
  if (seen.length === 0) return []
  const exchanges = seen
  seen = []
  // most files have nothing to judge, and need not read the contract
  const Contract = await import("../conformance/contract.js")
  return exchanges.flatMap(({ answer, body, method, path }) => {
    const url = `http://sandbox${path}`
    const found: Array<string> = []
    if (!refusals.has(answer?.status)) {
      const value = body === "" ? undefined : parsed(body)
      found.push(...(Contract.problemsOfRequest(method, url, value) ?? ["it is not published"]))
    }
    if (answer !== undefined) {
      const said = { status: answer.status, contentType: answer.contentType ?? null, body: parsed(answer.body ?? "") }
      found.push(...(Contract.problems({ method, url, ...said }) ?? []))
    }
    return found.map((words) => `${method} ${path} ${answer?.status ?? "fault"}: ${words}`)
  })
}

const check = async () => {
  const found = await problems()
  if (found.length > 0) throw new Error(`Not as the contract file has it:\n${found.slice(0, 20).join("\n")}`)
}

afterEach(check)
afterAll(check)

/** What is on the sandbox's list after a run, held against what the file says. */
import { createInterface } from "node:readline"
import { Readable } from "node:stream"
import type { ReadableStream } from "node:stream/web"
import { type Corpus, values } from "./data.js"
import type { Server } from "./processes.js"

export interface Inspection {
  readonly onList: number
  /** Valid numbers of the file that are not on the list. */
  readonly missing: number
  /** Numbers on the list that are no valid ones of the file. */
  readonly unexpected: number
  /** Numbers with another value than their strictest. */
  readonly otherValue: number
  /** What the client did against the contract. */
  readonly violations: number
}

export const inspect = async ({ listId, url }: Server, { expected }: Corpus): Promise<Inspection> => {
  const valueIds = new Map(values.map(({ expires, reason }, index) => [`${reason} ${expires}`, index]))
  let onList = 0
  let found = 0
  let otherValue = 0
  const list = await get(`${url}/sandbox/lists/${listId}/entries`)
  for await (const line of createInterface(Readable.fromWeb(list.body as ReadableStream))) {
    const { expires, phoneNumber, reason } = JSON.parse(line)
    const value = expected.get(Number(phoneNumber.slice(1)))
    onList++
    if (value === undefined) continue
    found++
    if (value !== valueIds.get(`${reason} ${expires}`)) otherValue++
  }
  const stats = (await (await get(`${url}/sandbox/stats`)).json()) as { readonly violationCount: number }
  return {
    onList,
    missing: expected.size - found,
    unexpected: onList - found,
    otherValue,
    violations: stats.violationCount
  }
}

const get = async (url: string): Promise<Response> => {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url} answers ${response.status}`)
  return response
}

/** The library's: exactly the valid numbers, each at its strictest value where the contract has values. */
export const exact = (inspection: Inspection, corpus: Corpus, api: "entries" | "platform"): void => {
  const { expected } = corpus
  const { missing, onList, otherValue, unexpected, violations } = inspection
  const wrong = missing + unexpected + violations + (api === "entries" ? otherValue : 0)
  assert(onList === expected.size && wrong === 0, "genesys-dnc", { ...inspection, expected: expected.size })
}

/** A first try's: as many as the `min` metadata calls valid. */
export const counted = (inspection: Inspection, { expected, unassigned }: Corpus, who: string): void =>
  assert(inspection.onList === expected.size + unassigned && inspection.missing === 0, who, {
    ...inspection,
    expected: expected.size + unassigned
  })

const assert = (holds: boolean, who: string, found: object): void => {
  if (!holds) throw new Error(`After a run of ${who} the list is not as it should be: ${JSON.stringify(found)}`)
}

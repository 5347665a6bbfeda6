/**
 * What it is compared with: a straightforward loop over the vendor's JavaScript SDK. Lines by readline, libphonenumber-js,
 * a PATCH for each thousand, one after the other. It says no expiry, so that all are on the list for ever; the ends of the
 * file are further ahead than the published API takes.
 */
import { createReadStream } from "node:fs"
import { createInterface } from "node:readline"
import platformClient from "purecloud-platform-client-v2"
import * as Child from "./child.js"
import { parse } from "./rows.js"

const { started, task } = Child.begin()

const { hostname, port } = new URL(task.url)
const client = platformClient.ApiClient.instance
// its own file of settings is another machine's business
client.config.live_reload_config = false
client.setGateway({ protocol: "http", host: hostname, port: Number(port) })
await client.loginClientCredentialsGrant(task.clientId, task.clientSecret)
const api = new platformClient.OutboundApi()

let rows = -1
let numbersOnList = 0
let requests = 0
let phoneNumbers: Array<string> = []
const flush = async (): Promise<void> => {
  await api.patchOutboundDnclistPhonenumbers(task.listId, { action: "Add", phoneNumbers })
  numbersOnList += phoneNumbers.length
  requests++
  phoneNumbers = []
}
for await (const line of createInterface(createReadStream(task.file))) {
  // the first is the header
  if (rows++ < 0) continue
  const row = parse(line)
  if (row === undefined) continue
  phoneNumbers.push(row.phoneNumber)
  if (phoneNumbers.length === 1000) await flush()
}
if (phoneNumbers.length > 0) await flush()

Child.end(Child.since(started), { rows, numbersOnList, requests, stages: {} })

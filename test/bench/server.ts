/**
 * A server that answers both contracts and keeps no list, so that the clients are what is measured. It counts requests and
 * numbers, says so at `/stats`, and says where it is on its first line. It ends when its standard input does.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

const latencyMs = Number(process.argv[2] ?? 0)
const listId = "0ffca115-cafe-4ace-a11c-facade0ca115"
const path = `/api/v2/outbound/dnclists/${listId}`

let requests = 0
let numbers = 0

const json = (response: ServerResponse, body: object): void => {
  const bytes = Buffer.from(JSON.stringify(body))
  response.writeHead(200, { "content-type": "application/json", "content-length": bytes.length }).end(bytes)
}

/** How many numbers a body holds: each begins with the only plus signs that there are. */
const count = (body: Buffer): number => {
  let found = 0
  for (let at = body.indexOf(0x2b); at !== -1; at = body.indexOf(0x2b, at + 1)) found++
  return found
}

const answer = (method: string, route: string, body: Buffer, response: ServerResponse): void => {
  if (route === "/oauth/token") {
    json(response, { access_token: "bench", token_type: "bearer", expires_in: 86_400 })
  } else if (route === "/stats") {
    json(response, { requests, numbers })
  } else if (route === path && method === "GET") {
    json(response, { id: listId, name: "Bench", dncSourceType: "rds", contactMethod: "Phone", size: numbers })
  } else if (route === `${path}/entries` || route === `${path}/phonenumbers`) {
    const created = count(body)
    requests++
    numbers += created
    if (method === "POST") json(response, { created, duplicate: 0, updated: 0, error: [] })
    else response.writeHead(204).end()
  } else response.writeHead(404).end()
}

const serve = (request: IncomingMessage, response: ServerResponse): void => {
  const chunks: Array<Buffer> = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.once("end", () => {
    const { method = "GET", url = "/" } = request
    const now = () => answer(method, url.split("?", 1)[0], Buffer.concat(chunks), response)
    if (latencyMs > 0) setTimeout(now, latencyMs)
    else now()
  })
}

// what a client keeps alive is closed by the client: a server that does it first makes a race of the next POST
const server = createServer({ keepAliveTimeout: 600_000 }, serve).listen(0, "127.0.0.1", () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  process.stdout.write(`${JSON.stringify({ url, listId, clientId: "bench", clientSecret: "bench" })}\n`)
})
process.stdin.on("close", () => process.exit(0)).resume()

/**
 * What it is compared with: the class that a tutorial would show. The whole file in memory, the default metadata of
 * libphonenumber-js, axios, one slice after the other; reason and expiry of a slice are those of its first entry.
 */
import { readFileSync } from "node:fs"
import axios, { type AxiosInstance, isAxiosError } from "axios"
import { type CountryCode, parsePhoneNumber } from "libphonenumber-js"
import * as Child from "./child.js"

interface DncRecord {
  readonly phoneNumber: string
  readonly reason: string
  readonly expires: string | null
}

interface AuditEntry {
  readonly timestamp: string
  readonly operation: string
  readonly dncListId: string
  readonly slice: number
  readonly size: number
  readonly latencyMs: number
  readonly created: number
}

class DncListManager {
  readonly audit: Array<AuditEntry> = []
  private client: AxiosInstance | undefined

  constructor(private readonly task: Child.Task) {}

  private async authenticate(): Promise<AxiosInstance> {
    if (this.client === undefined) {
      const { clientId, clientSecret, url } = this.task
      const answer = await axios.post(`${url}/oauth/token`, new URLSearchParams({ grant_type: "client_credentials" }), {
        auth: { username: clientId, password: clientSecret }
      })
      this.client = axios.create({
        baseURL: url,
        headers: { Authorization: `Bearer ${answer.data.access_token}`, "Content-Type": "application/json" }
      })
    }
    return this.client
  }

  readFile(path: string): { readonly rows: number; readonly records: ReadonlyArray<DncRecord> } {
    const [header, ...lines] = readFileSync(path, "utf8").trim().split("\n")
    const columns = header.split(",")
    const at = (name: string) => columns.indexOf(name)
    const [phone, reason, expires] = [at("phone"), at("reason"), at("expires")]
    const records: Array<DncRecord> = []
    for (const line of lines) {
      const cells = line.split(",")
      const phoneNumber = this.validate(cells[phone])
      if (phoneNumber !== undefined) {
        records.push({ phoneNumber, reason: cells[reason], expires: cells[expires] === "" ? null : cells[expires] })
      }
    }
    return { rows: lines.length, records }
  }

  private validate(text: string): string | undefined {
    try {
      const phone = parsePhoneNumber(text, "US")
      return phone.isValid() && countries.includes(phone.country) ? phone.number : undefined
    } catch {
      return undefined
    }
  }

  async submit(records: ReadonlyArray<DncRecord>): Promise<number> {
    const client = await this.authenticate()
    let created = 0
    for (let from = 0; from < records.length; from += sliceSize) {
      const slice = records.slice(from, from + sliceSize)
      const start = Date.now()
      const answer = await this.post(client, slice)
      created += answer.created
      this.audit.push({
        timestamp: new Date().toISOString(),
        operation: "ADD_ENTRIES",
        dncListId: this.task.listId,
        slice: from / sliceSize,
        size: slice.length,
        latencyMs: Date.now() - start,
        created: answer.created
      })
    }
    return created
  }

  private async post(client: AxiosInstance, slice: ReadonlyArray<DncRecord>): Promise<{ readonly created: number }> {
    const send = async () => {
      const answer = await client.post(
        `/api/v2/outbound/dnclists/${this.task.listId}/entries`,
        {
          phoneNumbers: slice.map((record) => record.phoneNumber),
          reason: slice[0].reason,
          expires: slice[0].expires
        },
        { headers: { "Idempotency-Key": crypto.randomUUID() } }
      )
      return answer.data
    }
    try {
      return await send()
    } catch (error) {
      if (!isAxiosError(error) || error.response?.status !== 429) throw error
      const seconds = Number(error.response.headers["retry-after"] ?? 1)
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
      return send()
    }
  }
}

const sliceSize = 499
const countries: ReadonlyArray<CountryCode | undefined> = ["US", "CA", "GB", "DE", "FR"]

const { started, task } = Child.begin()
const manager = new DncListManager(task)
const { records, rows } = manager.readFile(task.file)
const read = Child.since(started)
const sending = Child.mark()
// without a server only reading is measured
const numbersOnList = task.url === "" ? records.length : await manager.submit(records)

Child.end(Child.since(started), {
  rows,
  numbersOnList,
  requests: manager.audit.length,
  stages: { read, send: Child.since(sending) }
})

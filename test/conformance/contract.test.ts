import { assert, describe, it } from "@effect/vitest"
import * as Contract from "./contract.js"

const list = "https://api.mypurecloud.com/api/v2/outbound/dnclists/0ffca115-cafe-4ace-a11c-facade0ca115"
const json = "application/json"

describe("the judge", () => {
  it("finds what is not in the contract", () => {
    const answers = [
      ["GET", list, 200, json, { name: "A", dncSourceType: "rds" }, 0],
      ["GET", list, 200, json, { name: "A" }, 1],
      ["GET", list, 200, json, { name: "A", dncSourceType: "excel", size: "3", entries: [] }, 3],
      ["GET", list, 200, "text/html", "<html>", 1],
      ["GET", list, 404, json, { code: "not.found", status: 404 }, 0],
      ["GET", list, 404, json, { code: "list.not.found", status: 404 }, 1],
      ["GET", list, 422, json, { code: "not.found", status: 422 }, 1],
      ["GET", `${list}/export`, 501, json, { code: "not.implemented" }, 0],
      ["GET", list, 501, json, { code: "not.implemented" }, 1],
      ["PATCH", `${list}/phonenumbers`, 204, null, "", 0],
      ["PATCH", `${list}/phonenumbers`, 200, json, { created: 1 }, 1],
      ["POST", `${list}/phonenumbers`, 202, null, "", 0],
      ["GET", list.replace(/[^/]+$/, "divisionviews"), 200, json, { entities: [{ version: 1 }] }, 1]
    ] as const
    for (const [method, url, status, contentType, body, expected] of answers) {
      const problems = Contract.problems({ method, url, status, contentType, body })
      assert.strictEqual(problems?.length, expected, `${method} ${url} ${status}: ${problems}`)
    }
    const unknown = { method: "POST", url: `${list}/entries`, status: 200, contentType: json, body: {} }
    assert.isUndefined(Contract.problems(unknown))
  })

  it("finds what a request should not say", () => {
    const path = `${list}/phonenumbers`
    const good = { action: "Add", phoneNumbers: ["+14155550100"], expirationDateTime: "2030-01-31T00:00Z" }
    const requests = [
      ["PATCH", path, good, 0],
      ["PATCH", path, { ...good, expirationDateTime: "2030-01-31T00:00:00.000Z" }, 1],
      ["PATCH", path, { ...good, action: "add", reason: "REGULATORY" }, 2],
      ["POST", `${path}?expirationDateTime=2030-01-31T00:00Z`, ["+14155550100"], 0],
      ["POST", `${path}?expires=never`, { phoneNumbers: [] }, 2],
      ["DELETE", `${path}?expiredOnly=true`, undefined, 0],
      ["DELETE", path, {}, 1]
    ] as const
    for (const [method, url, body, expected] of requests) {
      const problems = Contract.problemsOfRequest(method, url, body)
      assert.strictEqual(problems?.length, expected, `${method} ${url}: ${problems}`)
    }
  })
})

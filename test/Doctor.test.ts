import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { Auth, DncLists, Doctor, GenesysError, HttpClient } from "genesys-dnc"
import * as Network from "./support/network.js"
import { refusal } from "./support/server.js"

const apiUrl = "https://api.example.test"

const id = "0ffca115-cafe-4ace-a11c-facade0ca115"

const list: DncLists.DncList = {
  id,
  name: "Opt-outs",
  dncSourceType: "rds",
  contactMethod: "Phone",
  size: 10_000
}

/** All is well. */
const facts: Doctor.Facts = {
  apiUrl,
  asked: id,
  work: Doctor.works,
  token: Either.right(undefined),
  list: Either.right(list),
  view: Either.left(refusal(404)),
  edit: Either.right(undefined),
  events: Either.right({}),
  campaigns: Either.right([{ name: "Spring", status: "on" }]),
  clockAhead: 0,
  rate: { allowed: 300, count: 10, resetSeconds: 42 }
}

const look = (check: string, other: Partial<Doctor.Facts>): Doctor.Finding => {
  const found = Doctor.judge({ ...facts, ...other }).find((finding) => finding.check === check)
  if (found === undefined) throw new Error(`${check} is not among the findings`)
  return found
}

const transport = new GenesysError.TransportError({
  message: "GET /x got no whole answer: ENOTFOUND",
  hint: "Check the host."
})

describe("Doctor", () => {
  it("finds nothing wrong where nothing is", () => {
    const findings = Doctor.judge(facts)
    assert.isFalse(Doctor.hasFailed(findings))
    assert.deepStrictEqual(
      findings.filter(({ status }) => status !== "OK").map(({ check, status }) => [check, status]),
      [
        ["permission outbound:dncList:upload", "WARN"],
        ["permission outbound:dnc:delete", "WARN"]
      ]
    )
  })

  it.each<readonly [string, string, Partial<Doctor.Facts>, Doctor.Finding["status"], RegExp]>([
    [
      "refused credentials",
      "credentials and region",
      { token: Either.left(refusal(401)), list: undefined },
      "FAIL",
      /^No token/
    ],
    [
      "a host that is not there",
      "credentials and region",
      { token: Either.left(transport), list: undefined },
      "FAIL",
      /ENOTFOUND.*GENESYSCLOUD_REGION/s
    ],
    [
      "another region's token",
      "credentials and region",
      { list: Either.left(refusal(401)) },
      "FAIL",
      /belongs to another region.*GENESYSCLOUD_REGION/s
    ],
    ["another API", "credentials and region", { list: Either.left(transport) }, "FAIL", /does not answer as it should/],
    ["no such list", "list", { list: Either.left(refusal(404)) }, "FAIL", /no list/],
    ["a list that may not be seen", "list", { list: Either.left(refusal(403)) }, "FAIL", /outbound:dncList:view/],
    [
      "an ambiguous name",
      "list",
      {
        list: Either.left(new DncLists.AmbiguousList({ message: "2 DNC lists", hint: "Give the id.", candidates: [] }))
      },
      "FAIL",
      /^2 DNC lists\. Give the id\.$/
    ],
    [
      "another source",
      "list type",
      { list: Either.right({ ...list, dncSourceType: "dnc.com" }) },
      "FAIL",
      /DNC\.com; only lists of the source Internal/
    ],
    [
      "custom columns",
      "list type",
      { list: Either.right({ ...list, dncSourceType: "rds_custom" }) },
      "FAIL",
      /custom columns/
    ],
    [
      "another source, only read",
      "list type",
      { list: Either.right({ ...list, dncSourceType: "gryphon" }), work: ["export"] },
      "WARN",
      /Gryphon/
    ],
    [
      "another contact method",
      "list type",
      { list: Either.right({ ...list, contactMethod: "Email" }) },
      "FAIL",
      /for Email/
    ],
    ["any contact method", "list type", { list: Either.right({ ...list, contactMethod: "Any" }) }, "OK", /any contact/],
    [
      "no list to be seen",
      "permission outbound:dncList:view",
      { list: Either.left(refusal(403)) },
      "FAIL",
      /role of the OAuth client/
    ],
    [
      "no such name",
      "permission outbound:dncList:view",
      { list: Either.left(refusal(404)), asked: "Opt" },
      "OK",
      /has it/
    ],
    [
      "no such id",
      "permission outbound:dncList:view",
      { list: Either.left(refusal(404)) },
      "SKIP",
      /could not be asked for/
    ],
    [
      "no export permitted",
      "permission outbound:dnc:view",
      { view: Either.left(refusal(403)) },
      "FAIL",
      /outbound:dnc:view/
    ],
    [
      "no export yet (400)",
      "permission outbound:dnc:view",
      { view: Either.left(refusal(400)) },
      "OK",
      /no export at present/
    ],
    [
      "an export that fails",
      "permission outbound:dnc:view",
      { view: Either.left(refusal(503)) },
      "WARN",
      /answered 503/
    ],
    [
      "no change permitted",
      "permission outbound:dnc:edit",
      { edit: Either.left(refusal(403)) },
      "FAIL",
      /outbound:dnc:edit/
    ],
    [
      "an empty change refused",
      "permission outbound:dnc:edit",
      { edit: Either.left(refusal(400)) },
      "WARN",
      /not proved.*one number/s
    ],
    [
      "no event log permitted",
      "permission outbound:eventLog:view",
      { events: Either.left(refusal(403)) },
      "FAIL",
      /eventLog/
    ],
    ["no campaign", "campaigns", { campaigns: Either.right([]) }, "WARN", /suppresses nothing.*callbacks/],
    [
      "no campaign to be seen",
      "campaigns",
      { campaigns: Either.left(refusal(403)) },
      "SKIP",
      /suppresses nothing.*callbacks.*outbound:campaign:view/s
    ],
    ["a campaign", "campaigns", {}, "OK", /1 campaign uses the list: "Spring" \(on\)/],
    ["30 s ahead", "clock", { clockAhead: 30_000 }, "OK", /30 s ahead of/],
    ["31 s behind", "clock", { clockAhead: -31_000 }, "WARN", /31 s behind.*have passed already/],
    ["ten minutes ahead", "clock", { clockAhead: 600_000 }, "FAIL", /10 min ahead of.*taken for past.*NTP/s],
    ["no clock", "clock", { clockAhead: undefined }, "SKIP", /what time/],
    [
      "little headroom",
      "request limit",
      { rate: { allowed: 300, count: 271, resetSeconds: 5 } },
      "WARN",
      /29 of 300.*next 5 s/
    ],
    [
      "no headroom",
      "request limit",
      { rate: { allowed: 300, count: 310, resetSeconds: undefined } },
      "WARN",
      /^0 of 300 requests are left\./
    ],
    ["no limit said", "request limit", { rate: undefined }, "SKIP", /how many/],
    ["nearly full", "list size", { list: Either.right({ ...list, size: 900_000 }) }, "WARN", /900,000 of 1,000,000/],
    ["full", "list size", { list: Either.right({ ...list, size: 1_000_000 }) }, "FAIL", /full/],
    [
      "full, only read",
      "list size",
      { list: Either.right({ ...list, size: 1_000_000 }), work: ["remove"] },
      "WARN",
      /full/
    ],
    [
      "an import",
      "import",
      {
        list: Either.right({
          ...list,
          importStatus: { state: "IN_PROGRESS", totalRecords: 5000, completedRecords: 12 }
        })
      },
      "WARN",
      /12 of 5,000/
    ],
    [
      "a failed import",
      "import",
      { list: Either.right({ ...list, importStatus: { state: "FAILED", failureReason: "NO_HEADER" } }) },
      "WARN",
      /NO_HEADER/
    ],
    [
      "an import that is done",
      "import",
      { list: Either.right({ ...list, importStatus: { percentComplete: 100 } }) },
      "OK",
      /None/
    ]
  ])("%s", (_, check, other, status, said) => {
    const finding = look(check, other)
    assert.strictEqual(finding.status, status)
    assert.match([finding.message, finding.fix].filter((part) => part !== undefined).join(" "), said)
    if (status === "FAIL") assert.isDefined(finding.fix, "a failure says what to do")
  })

  it("looks at the permissions of the work alone", () => {
    const checked = (work: ReadonlyArray<Doctor.Work>) =>
      Doctor.judge({ ...facts, work })
        .filter(({ check }) => check.startsWith("permission"))
        .map(({ check }) => check.split(":").slice(1).join(":"))
    assert.deepStrictEqual(checked(["add"]), ["dncList:view", "dnc:edit"])
    assert.deepStrictEqual(checked(["export", "add"]), ["dncList:view", "dnc:view", "dnc:edit"])
    assert.deepStrictEqual(checked(["upload"]), ["dncList:view", "dnc:view", "dncList:upload", "eventLog:view"])
  })

  it("without a token, nothing else is guessed at", () => {
    const findings = Doctor.judge({
      ...facts,
      token: Either.left(refusal(401)),
      list: undefined,
      view: undefined,
      edit: undefined,
      events: undefined,
      campaigns: undefined,
      clockAhead: undefined,
      rate: undefined
    })
    assert.deepStrictEqual(
      findings.filter(({ status }) => status !== "SKIP").map(({ check, status }) => [check, status]),
      [
        ["credentials and region", "FAIL"],
        ["permission outbound:dncList:upload", "WARN"],
        ["permission outbound:dnc:delete", "WARN"]
      ]
    )
  })

  describe("gather", () => {
    /** An org whose clock is so far behind ours, and whose role lacks these. */
    const org = (options: { readonly behind?: number; readonly forbidden?: ReadonlyArray<string> } = {}) =>
      Network.make(({ at, headers, method, path, url }) => {
        if (path === "/oauth/token") {
          return Effect.succeed(
            headers["authorization"] === `Basic ${btoa("id:secret")}`
              ? Network.token("token")
              : { status: 401, body: { error: "invalid_client" } }
          )
        }
        const standard = {
          date: new Date(at - (options.behind ?? 0)).toUTCString(),
          "inin-ratelimit-allowed": "300",
          "inin-ratelimit-count": "7",
          "inin-ratelimit-reset": "33"
        }
        if (options.forbidden?.some((part) => `${method} ${path}`.includes(part))) {
          return Effect.succeed({ status: 403, headers: standard, body: { code: "missing.permissions" } })
        }
        const ok = (body: unknown) => Effect.succeed({ status: 200, headers: standard, body })
        if (path.endsWith("/export")) return Effect.succeed({ status: 404, headers: standard })
        if (path.endsWith("/phonenumbers")) return Effect.succeed({ status: 204, headers: standard })
        if (path.endsWith("/events")) return ok({ entities: [] })
        if (path.endsWith("/campaigns")) {
          const page = Number(new URL(url).searchParams.get("pageNumber"))
          return ok({
            entities: [
              { name: `Campaign ${page}`, campaignStatus: "off", dncLists: [{ id: page === 2 ? id : "another" }] },
              { name: "None" }
            ],
            pageCount: 2
          })
        }
        return ok(list)
      })

    const over = (network: ReturnType<typeof Network.make>, secret = "secret") =>
      Effect.provide(
        HttpClient.layer({ apiUrl }).pipe(
          Layer.provideMerge(Auth.layer({ loginUrl: apiUrl, clientId: "id", clientSecret: Redacted.make(secret) })),
          Layer.provide(network.layer)
        )
      )

    const examine = (work: ReadonlyArray<Doctor.Work>) =>
      Effect.zipRight(TestClock.setTime(Date.UTC(2027, 0, 1, 0, 0, 0, 400)), Doctor.examine(id, work))

    it.effect("asks what the work needs, and changes nothing", () => {
      const network = org()
      return Effect.gen(function* () {
        const findings = yield* examine(Doctor.works)
        assert.deepStrictEqual(
          findings.filter(({ status }) => status !== "OK").map(({ check }) => check),
          ["permission outbound:dncList:upload", "permission outbound:dnc:delete"]
        )
        assert.match(
          findings.find(({ check }) => check === "campaigns")!.message,
          /^1 campaign uses the list: "Campaign 2"/
        )
        assert.match(findings.find(({ check }) => check === "request limit")!.message, /^293 of 300 .* next 33 s/)
        const changing = network.received.filter(({ method, path }) => method !== "GET" && path !== "/oauth/token")
        assert.deepStrictEqual(
          changing.map(({ method, text }) => [method, JSON.parse(text)]),
          [["PATCH", { action: "Add", phoneNumbers: [] }]]
        )
      }).pipe(over(network))
    })

    it.effect("does not so much as touch a list that is only to be read", () => {
      const network = org()
      return Effect.gen(function* () {
        yield* examine(["export"])
        assert.isTrue(network.received.every(({ method, path }) => method === "GET" || path === "/oauth/token"))
        assert.isFalse(network.received.some(({ path }) => path.endsWith("/events")))
      }).pipe(over(network))
    })

    it.effect("says each permission that is missing", () =>
      Effect.gen(function* () {
        const findings = yield* examine(Doctor.works)
        assert.deepStrictEqual(
          findings.filter(({ status }) => status === "FAIL").map(({ check }) => check),
          ["permission outbound:dnc:edit", "permission outbound:dnc:view", "permission outbound:eventLog:view"]
        )
        assert.strictEqual(findings.find(({ check }) => check === "campaigns")!.status, "SKIP")
      }).pipe(over(org({ forbidden: ["export", "PATCH", "events", "campaigns"] })))
    )

    it.effect.each([
      [0, "OK", "agrees with"],
      [45_000, "WARN", "ahead of"],
      [600_000, "FAIL", "10 min ahead of"],
      [-600_000, "FAIL", "10 min behind"]
    ] as const)("a server whose clock is %i ms behind", ([behind, status, said]) =>
      Effect.gen(function* () {
        const clock = (yield* examine(["add"])).find(({ check }) => check === "clock")!
        assert.strictEqual(clock.status, status)
        assert.include(clock.message, said)
      }).pipe(over(org({ behind })))
    )

    it.effect("wrong credentials end it", () => {
      const network = org()
      return Effect.gen(function* () {
        const findings = yield* examine(["add"])
        assert.isTrue(Doctor.hasFailed(findings))
        assert.match(findings[0].fix!, /GENESYSCLOUD_OAUTHCLIENT_ID/)
        assert.isTrue(network.received.every(({ path }) => path === "/oauth/token"))
      }).pipe(over(network, "wrong"))
    })
  })
})

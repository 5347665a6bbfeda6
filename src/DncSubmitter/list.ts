/**
 * A look at the list before anything is sent.
 *
 * @since 0.1.0
 */
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import type { Contract } from "../Contract.js"
import * as Contracts from "../Contract.js"
import type { Batch } from "../DncEntry.js"
import * as DncEntry from "../DncEntry.js"
import * as DncLists from "../DncLists.js"
import type { GenesysError } from "../GenesysError.js"
import * as GenesysErrors from "../GenesysError.js"
import { HttpClient } from "../HttpClient.js"
import { idempotencyKey } from "./keys.js"

/** The contact method of a list that takes the kind; Any takes all of these. */
const methods: Readonly<Record<DncEntry.Kind, string | undefined>> = {
  phone: "Phone",
  email: "Email",
  whatsapp: "WhatsApp",
  custom: undefined
}

/**
 * Whether a list is there, and takes what the contract brings; see `DncSubmitter.check`.
 *
 * @since 0.1.0
 */
export const makeCheck = (
  client: typeof HttpClient.Service,
  contract: Contract
): ((dncListId: string) => Effect.Effect<DncLists.DncList | undefined, GenesysError>) =>
  Effect.fn("genesys-dnc/DncSubmitter.check")(
    function* (dncListId: string) {
      const list = yield* lookAt(client, dncListId, contract.name === "platform")
      const { contactMethod, dncSourceType } = list
      const { kind } = contract
      const wanted = kind === "custom" ? "rds_custom" : "rds"
      if (dncSourceType !== undefined && dncSourceType !== wanted) {
        return yield* new GenesysErrors.BadRequest({
          message: `The list ${list.name || dncListId} is of the source type ${dncSourceType}`,
          hint: `Only lists of the source type ${kind === "custom" ? "Internal-Custom (rds_custom)" : "Internal (rds)"} take ${DncEntry.names[kind].many}; choose another list${dncSourceType === "rds_custom" ? ", or give --kind custom for values of its column" : ""}.`,
          code: "dnc.source.operation.not.supported"
        })
      }
      const method = methods[kind]
      const known = contactMethod !== undefined && Object.values(methods).includes(contactMethod)
      if (method !== undefined && known && contactMethod !== method) {
        return yield* new GenesysErrors.BadRequest({
          message: `The list ${list.name || dncListId} is for the contact method ${contactMethod}`,
          hint: `Choose a list for the contact method ${method} or Any, or give --kind ${DncLists.kindOf(list)} for what this one takes.`
        })
      }
      return list
    },
    Effect.catchTag("Forbidden", (error) =>
      Effect.as(Effect.logWarning(`The list cannot be looked at before it is written to: ${error.message}`), undefined)
    )
  )

const lookAt = (client: typeof HttpClient.Service, dncListId: string, includeSize: boolean) =>
  Effect.flatMap(
    client.execute(HttpClientRequest.get(`${Contracts.listPath(dncListId)}${includeSize ? "?includeSize=true" : ""}`)),
    (answer) => DncLists.decode(DncLists.DncList, answer, "a DNC list")
  )

/**
 * Finds out which contract a list is served by: an org that does not know the entries route is asked by the published API,
 * and so is every org where the kind is none of phone numbers. Sends the entries route a request with no numbers in it.
 *
 * @since 0.1.0
 */
export const detect = Effect.fn("genesys-dnc/DncSubmitter.detect")(function* (
  dncListId: string,
  platform: Contract = Contracts.platform()
) {
  if (platform.kind !== "phone") return platform
  const client = yield* HttpClient
  yield* lookAt(client, dncListId, false)
  const nobody: Batch = {
    runId: crypto.randomUUID(),
    dncListId,
    action: "add",
    index: 0,
    phoneNumbers: [],
    reason: "UNSPECIFIED",
    expires: Number.POSITIVE_INFINITY
  }
  const probe = Contracts.entries.request(nobody, idempotencyKey(nobody))
  const contract = yield* client.execute(probe).pipe(
    Effect.as(Contracts.entries),
    Effect.catchAll((error) =>
      error.status === 404 || error.status === 405 || error.status === 501
        ? Effect.succeed(platform)
        : error.status !== undefined &&
            error.status < 500 &&
            error._tag !== "Unauthorized" &&
            error._tag !== "RateLimited"
          ? Effect.succeed(Contracts.entries)
          : Effect.fail(error)
    )
  )
  yield* Effect.logInfo(`The contract is ${contract.name}: the list was asked`)
  return contract
})

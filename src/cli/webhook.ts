/** `genesys-dnc webhook register` and `webhook list`. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AuditLog from "../AuditLog.js"
import * as AuditKey from "../AuditSink/key.js"
import * as Connection from "../GenesysDnc/connection.js"
import * as WebhookRegistrar from "../WebhookRegistrar.js"
import * as options from "./options/basic.js"
import { jsonLine, printable } from "./terminal.js"

const register = Command.make(
  "register",
  {
    name: Options.text("name").pipe(Options.withDescription("Name of the webhook")),
    url: Options.text("url").pipe(Options.withDescription("Where events are posted: https:, or http: on this machine")),
    ...options.output,
    ...options.audit,
    ...options.connection
  },
  (given) =>
    Effect.gen(function* () {
      const registrar = yield* WebhookRegistrar.WebhookRegistrar
      const registration = yield* registrar.register({ name: given.name, url: given.url })
      process.stdout.write(given.json ? jsonLine(registration) : `${printable(registration.id)}\n`)
    }).pipe(
      Effect.provide(
        Effect.all([options.checkUrls(given), Connection.connection(given)]).pipe(
          Effect.map(([, connection]) =>
            WebhookRegistrar.layerFromLog(given.audit).pipe(
              Layer.provide(Connection.layerClient(connection)),
              Layer.provide(AuditKey.layerFile(given.audit, given.auditNumbers))
            )
          ),
          Layer.unwrapEffect
        )
      )
    )
).pipe(Command.withDescription("Register the compliance webhook, once for a name and URL; prints its id."))

const list = Command.make("list", { ...options.output, ...options.audit }, (given) =>
  Effect.map(AuditLog.registrations(given.audit), (registrations) => {
    process.stdout.write(
      given.json
        ? jsonLine(registrations)
        : registrations.length === 0
          ? `${given.audit} holds no registrations\n`
          : registrations
              .map(
                ({ apiUrl, id, name, registeredAt, url }) =>
                  `${printable(`${id}  ${registeredAt}  ${name}  ${url}  at ${apiUrl}`)}\n`
              )
              .join("")
    )
  })
).pipe(Command.withDescription("List the webhooks that the audit log says were registered."))

export const webhook = Command.make("webhook", {}, () =>
  Effect.fail(
    new options.UsageError({ message: "webhook what: register or list?", hint: "See genesys-dnc webhook --help." })
  )
).pipe(
  Command.withDescription("The webhook by which a compliance platform learns of new entries."),
  Command.withSubcommands([register, list])
)

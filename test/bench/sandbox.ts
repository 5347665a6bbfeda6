/** The sandbox in a process of its own: says where it is on its first line, ends when its standard input does. */
import { Effect } from "effect"
import { Sandbox } from "genesys-dnc/sandbox"

const latencyMs = Number(process.argv[2] ?? 0)

const parentGone = Effect.async<void>((resume) => {
  process.stdin.on("close", () => resume(Effect.void)).resume()
})

const program = Effect.gen(function* () {
  const { clientId, clientSecret, listId, url } = yield* Sandbox.make({ control: true, faults: { latencyMs } })
  process.stdout.write(`${JSON.stringify({ url, listId, clientId, clientSecret })}\n`)
  yield* parentGone
})

await Effect.runPromise(Effect.scoped(program))
process.exit(0)

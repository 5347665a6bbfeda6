/** Folders and files that are gone with their scope, and what to put in them. */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** A folder that is gone when the scope closes. */
export const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "genesys-dnc-test-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

/** A file in a folder of its own. */
export const file = (content: string | Uint8Array, name = "optouts.csv"): Effect.Effect<string, never, Scope.Scope> =>
  Effect.map(folder, (path) => {
    Fs.writeFileSync(Path.join(path, name), content)
    return Path.join(path, name)
  })

/** Numbers that validate: Paris, ten thousand of them. */
export const number = (index: number): string => `+33199${String(index).padStart(6, "0")}`

/** A CSV file of so many numbers, from the first on. */
export const csv = (count: number, first = 0): string =>
  `phone\n${Array.from({ length: count }, (_, index) => `${number(first + index)}\n`).join("")}`

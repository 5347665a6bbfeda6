/**
 * Where a run writes, and whether it can: looked at before anything is read, as numbers that are sent and fail must not be
 * lost for want of a place.
 *
 * @since 0.1.0
 */
import { constants } from "node:fs"
import { access, stat } from "node:fs/promises"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import { OutputError } from "../OutputFile/error.js"
import type { OutputFile } from "../RunReport.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface OutputPaths {
  /** One file for the rejects of all inputs; otherwise `<input>.rejects.csv` beside each. */
  readonly rejectsPath?: string | undefined
  /** Otherwise `<input>.failed.csv` beside the first input. */
  readonly failedPath?: string | undefined
  /** Otherwise `<input>.held-back.csv` beside the first input. */
  readonly heldBackPath?: string | undefined
  /** What no output may be written over, besides the inputs: the audit log. */
  readonly keep?: ReadonlyArray<string> | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface SyncPaths extends OutputPaths {
  /** Otherwise `<input>.failed-removals.csv` beside the first input. */
  readonly failedRemovalsPath?: string | undefined
  /** Otherwise `<input>.plan.csv` beside the first input. */
  readonly planPath?: string | undefined
}

/** One output, and the input that it lies beside unless its path was given. */
export interface Output {
  readonly kind: OutputFile["kind"] | "plan"
  readonly path: string
  readonly beside?: string
}

/** Those of the rejects, one for each input or one for all, and the single ones. Standard input is `-`. */
export const outputPaths = (
  inputs: ReadonlyArray<string>,
  paths: SyncPaths
): {
  readonly rejects: ReadonlyArray<Output>
  readonly failed: Output
  readonly failedRemovals: Output
  readonly heldBack: Output
  readonly plan: Output
} => {
  const beside = (input: string | undefined, kind: Output["kind"]): Output =>
    input === undefined || input === "-"
      ? { kind, path: `stdin.${kind}.csv` }
      : { kind, path: `${input}.${kind}.csv`, beside: input }
  const single = (kind: Output["kind"], path: string | undefined): Output =>
    path === undefined ? beside(inputs[0], kind) : { kind, path }
  return {
    rejects:
      paths.rejectsPath === undefined
        ? inputs.map((input) => beside(input, "rejects"))
        : [{ kind: "rejects", path: paths.rejectsPath }],
    failed: single("failed", paths.failedPath),
    failedRemovals: single("failed-removals", paths.failedRemovalsPath),
    heldBack: single("held-back", paths.heldBackPath),
    plan: single("plan", paths.planPath)
  }
}

/**
 * What a path stands for, under any of its names: a file, or the place where one would come into being. A device takes
 * everything, so it is none.
 */
export const identity = (path: string): Effect.Effect<string | undefined> =>
  Effect.promise(async () => {
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined) return found.isFile() ? `${found.dev}:${found.ino}` : undefined
    const folder = await stat(Path.dirname(path)).catch(() => undefined)
    return folder === undefined ? Path.resolve(path) : `${folder.dev}:${folder.ino}/${Path.basename(path)}`
  })

/** Fails unless every output has a place of its own that can be written, and warns of what an earlier run left there. */
export const check = (
  inputs: ReadonlyArray<string>,
  outputs: ReadonlyArray<Output>,
  keep: ReadonlyArray<string> = []
): Effect.Effect<void, OutputError> =>
  Effect.gen(function* () {
    const taken = new Map<string, (output: Output) => string>()
    const take = (path: string, why: (output: Output) => string) =>
      Effect.map(identity(path), (id) => {
        if (id !== undefined) taken.set(id, why)
      })
    for (const path of keep) yield* take(path, (output) => `${output.path} is ${path}, which is kept`)
    for (const path of inputs) if (path !== "-") yield* take(path, (output) => `${output.path} is the input ${path}`)
    for (const output of outputs) {
      // an input that is not there is what its reader says
      if (output.beside !== undefined && !(yield* exists(output.beside))) continue
      const id = yield* identity(output.path)
      const why = id === undefined ? undefined : taken.get(id)
      if (why !== undefined) return yield* unusable(output.path, why(output), "Name another path for the output.")
      if (id !== undefined) {
        taken.set(id, ({ kind, path }) =>
          kind === output.kind
            ? `${path} cannot hold the rejected rows of two inputs`
            : `${path} cannot hold both the ${contents[output.kind]} and the ${contents[kind]}`
        )
      }
      yield* writable(output)
    }
  })

const contents: Readonly<Record<Output["kind"], string>> = {
  rejects: "rejected rows",
  failed: "failed numbers",
  "failed-removals": "failed removals",
  "held-back": "held-back numbers",
  plan: "plan"
}

const exists = (path: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    stat(path).then(
      () => true,
      () => false
    )
  )

const writable = ({ kind, path }: Output): Effect.Effect<void, OutputError> =>
  Effect.gen(function* () {
    const left = yield* Effect.tryPromise({
      try: async () => {
        const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== "ENOENT") throw error
        })
        // the slash: what is no folder is refused
        await access(found === undefined ? `${Path.dirname(path)}/` : path, constants.W_OK)
        return found
      },
      catch: (cause) => cause as NodeJS.ErrnoException
    }).pipe(
      Effect.catchAll(({ code, message }) =>
        unusable(
          path,
          `${path} cannot be written (${code === "ENOENT" ? `there is no folder ${Path.dirname(path)}` : (code ?? message)})`,
          `Check the folder and its permissions, or name another path with --${kind}.`
        )
      )
    )
    if (left?.isDirectory()) yield* unusable(path, `${path} is a folder`, "Name a file.")
    if (left?.isFile() && left.size > 0 && kind !== "plan") {
      yield* Effect.logWarning(
        `${path} is of an earlier run; it stays as it is unless this run has ${contents[kind]} too`
      )
    }
  })

const unusable = (path: string, message: string, hint: string) =>
  Effect.fail(new OutputError({ message, hint, path, reason: "Path" }))

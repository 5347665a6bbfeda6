/**
 * The command with what it needs of its packages, in a few files: out of the packages' own files, some hundreds, it takes four
 * times as long to start. What is imported dynamically has files of its own, read when it is asked for. The library is not
 * made of these: a program that imports it shares its packages.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build, type Metafile, type Plugin } from "esbuild"

const root = fileURLToPath(new URL("../../..", import.meta.url))

const noticesFile = "THIRD-PARTY-NOTICES.txt"

/** Of undici's index no more than sends requests: the rest takes as much memory again. */
const agentOnly: Plugin = {
  name: "agent-only",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^@effect\/platform-node\/Undici$/ }, ({ path }) => ({ path, namespace: "agent-only" }))
    onLoad({ filter: /.*/, namespace: "agent-only" }, () => ({
      contents: `
        import request from "undici/lib/api/api-request.js"
        import Agent from "undici/lib/dispatcher/agent.js"
        import Dispatcher from "undici/lib/dispatcher/dispatcher.js"
        Object.assign(Dispatcher.prototype, { request })
        export { Agent }`,
      resolveDir: root
    }))
  }
}

/** Names, lines and messages stay as they are written: a stack trace is worth more than a smaller file. */
const made = (folder: string) =>
  build({
    absWorkingDir: root,
    entryPoints: { main: "src/cli/main.ts" },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    chunkNames: "[name]-[hash]",
    // drivers are the user's own
    external: ["@effect/sql", "@effect/sql-*"],
    // packages in the older form ask for Node's modules so
    banner: {
      js: 'import { createRequire as requireOf } from "node:module";\nconst require = requireOf(import.meta.url);'
    },
    plugins: [agentOnly],
    // what is asked of undici beyond that
    logOverride: { "import-is-undefined": "error" },
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
    write: false
  })

/** Writes the command to a folder that has nothing else in it, `main.js` at last: others may be starting it. */
export const bundle = async (folder: string): Promise<Metafile> => {
  const { metafile, outputFiles } = await made(folder)
  const files = new Map(outputFiles.map(({ contents, path }) => [path, contents]))
  const main = join(folder, "main.js")
  const order = [...[...files.keys()].filter((path) => path !== main), main]
  mkdirSync(folder, { recursive: true })
  for (const path of order) {
    writeFileSync(`${path}.${process.pid}`, files.get(path)!, { mode: path === main ? 0o755 : 0o644 })
    renameSync(`${path}.${process.pid}`, path)
  }
  writeFileSync(join(folder, noticesFile), notices(metafile))
  for (const name of readdirSync(folder)) {
    if (name.endsWith(".js") && !files.has(join(folder, name))) rmSync(join(folder, name), { force: true })
  }
  return metafile
}

/** The folders of the packages of which something stands in the bundle, from the project's. */
const packages = ({ outputs }: Metafile): ReadonlyArray<string> => {
  const folders = Object.values(outputs).flatMap(({ inputs }) =>
    Object.keys(inputs).flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [])
  )
  return [...new Set(folders)].sort()
}

/** What the licences ask for: the words of each. A package without any cannot be in the bundle. */
const notices = (metafile: Metafile): string => {
  const all = packages(metafile).map((folder) => {
    const path = join(root, folder)
    const { license, name, version } = JSON.parse(readFileSync(join(path, "package.json"), "utf8"))
    const files = readdirSync(path).filter((file) => /^(licen[cs]e|notice)/i.test(file))
    if (files.length === 0) throw new Error(`${name} has no licence that could be given on with the command`)
    const words = files.map((file) => readFileSync(join(path, file), "utf8").trim())
    return `${name} ${version} (${license})\n\n${words.join("\n\n")}\n`
  })
  const line = "-".repeat(80)
  return `The command genesys-dnc holds code of these packages, under their licences.\n\n${all.join(`\n${line}\n\n`)}`
}

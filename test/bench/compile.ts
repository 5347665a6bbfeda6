/** Library and measured programs as JavaScript, so that what is measured is what is published and no loader is in it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** Compiles into a new folder, from which the project's dependencies are found, and returns it. */
export const compile = (): string => {
  const cache = join(root, "node_modules", ".cache")
  mkdirSync(cache, { recursive: true })
  const out = mkdtempSync(join(cache, "genesys-dnc-bench-"))
  writeFileSync(
    join(out, "package.json"),
    JSON.stringify({
      name: "genesys-dnc",
      type: "module",
      exports: { ".": "./src/index.js", "./sandbox": "./src/sandbox/index.js", "./phone": "./src/Phone.js" }
    })
  )
  for (const folder of ["src", "test/bench", "test/support"]) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".ts")) continue
      const to = join(out, folder, name.replace(/\.ts$/, ".js"))
      mkdirSync(dirname(to), { recursive: true })
      const { outputText } = ts.transpileModule(readFileSync(join(root, folder, name), "utf8"), {
        fileName: name,
        compilerOptions: {
          target: ts.ScriptTarget.ES2022,
          module: ts.ModuleKind.ESNext,
          verbatimModuleSyntax: true
        }
      })
      writeFileSync(to, outputText)
    }
  }
  return out
}

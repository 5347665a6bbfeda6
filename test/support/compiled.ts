/**
 * Run once before the suite: the command as it is published, and the sources as JavaScript, since starting them under a loader
 * takes more than twice the time. A file is compiled anew whenever its source, or the compiler, is not the one that its copy was made of.
 */
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import type { TestProject } from "vitest/node"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** Below the project, from where its dependencies are found. */
export const folder = Path.join(root, "node_modules", ".cache", "genesys-dnc-test")

/** As deep below it as in the package, as the demonstration looks for its file from there. */
export const command = Path.join(folder, "dist", "cli")

/** Others may be reading, or compiling too. */
const replace = (path: string, text: string) => {
  Fs.mkdirSync(Path.dirname(path), { recursive: true })
  Fs.writeFileSync(`${path}.${process.pid}`, text)
  Fs.renameSync(`${path}.${process.pid}`, path)
}

export const compile = async () => {
  // whoever only asks for the folder needs no compiler
  const { default: ts } = await import("typescript")
  const { bundle } = await import("../../src/cli/build/bundle.js")
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
    inlineSourceMap: true
  }
  replace(Path.join(folder, "package.json"), '{ "type": "module" }')
  // the demonstration looks for its file there
  if (!Fs.existsSync(Path.join(folder, "examples"))) {
    Fs.symlinkSync(Path.join(root, "examples"), Path.join(folder, "examples"), "junction")
  }
  await bundle(command)
  const sources = Fs.readdirSync(Path.join(root, "src"), { recursive: true, encoding: "utf8" })
  for (const name of [...sources.map((name) => Path.join("src", name)), Path.join("test", "chaos", "child.ts")]) {
    if (!name.endsWith(".ts")) continue
    const source = Path.join(root, name)
    const text = Fs.readFileSync(source, "utf8")
    const mark = `//# of ${createHash("sha256").update(ts.version).update(text).digest("hex")}\n`
    const copy = Path.join(folder, name.replace(/\.ts$/, ".js"))
    if (Fs.existsSync(copy) && Fs.readFileSync(copy, "utf8").endsWith(mark)) continue
    replace(copy, `${ts.transpileModule(text, { fileName: source, compilerOptions }).outputText}\n${mark}`)
  }
}

export default async (project: TestProject) => {
  await compile()
  // while the suite is watched
  project.onTestsRerun(compile)
}

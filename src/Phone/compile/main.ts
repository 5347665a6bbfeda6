/**
 * Makes `src/Phone/compiled.ts` from the installed library: `npm run tables`. With `--check` it writes nothing, and fails
 * where the file is not of this library.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { compile, text } from "./compile.js"

const require = createRequire(import.meta.url)
const file = new URL("../compiled.ts", import.meta.url)
const library: string = require("libphonenumber-js/package.json").version
const made = text(compile(require("libphonenumber-js/metadata.max.json"), library))

if (!process.argv.includes("--check")) writeFileSync(file, made)
else if (readFileSync(file, "utf8") !== made) {
  process.stderr.write(
    `The tables of src/Phone/compiled.ts are not those of libphonenumber-js ${library}, which is installed. Make them anew with "npm run tables", then prove them with "npm run verify:phones".\n`
  )
  process.exitCode = 1
}

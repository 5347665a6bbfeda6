#!/usr/bin/env node
/** The command `genesys-dnc`. Its first page of help is there at once: all else is loaded by who needs it. */
import { setFlagsFromString } from "node:v8"
import { version } from "../version.js"
import * as ExitCode from "./ExitCode.js"
import { help } from "./help.js"

// what is alive is the same throughout a run, but V8 would let the heap grow to four times that before it looks
setFlagsFromString("--heap-growing-percent=20")

const words = process.argv.slice(2)

if (words.length === 0) {
  // nothing to do is no success: a script whose words got lost must not look as if it had sent something
  process.exitCode = ExitCode.wrongUsage
  process.stderr.write(help)
} else if (words.length === 1 && ["--help", "-h", "help"].includes(words[0])) {
  // the parser's own page for the whole command is too wide to read
  process.stdout.write(help)
} else if (words.length === 1 && words[0] === "--version") {
  process.stdout.write(`${version}\n`)
} else {
  await import("./command.js")
  // after loading, a half of the young generation has 4 MB; V8 would let it grow to 16 and more, for memory and no speed
  setFlagsFromString("--semi-space-growth-factor=1")
}

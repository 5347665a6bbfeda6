/**
 * The long form of the differential in `test/Phone.test.ts`:
 *
 *     npm run verify:phones -- [--inputs 100000000] [--seed N] [--processes 1]
 *
 * The exit code is 1 where the fast way and the library disagree about a number, its country or whether it is valid; such
 * cells are shown, and become fixed cases of the test. The numbers are drawn at random: show them to nobody.
 */
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { number, table } from "../bench/table.js"
import * as Options from "../support/options.js"
import { compare, type Report } from "./differential.js"
import { type Kind, kinds } from "./inputs.js"

/** Cells of one seed; each part of the work has a seed of its own. */
const part = 1_000_000
const shown = 50

if (process.send !== undefined) {
  const [inputs, seed] = process.argv.slice(2).map(Number)
  process.send(compare(inputs, seed))
} else {
  const given = Options.read(import.meta.url, {
    inputs: "100000000",
    seed: Options.anySeed(),
    processes: "1"
  })
  await verify(
    Options.whole("inputs", given.inputs, 1),
    Options.whole("seed", given.seed, 0),
    Options.whole("processes", given.processes, 1)
  )
}

async function verify(inputs: number, seed: number, processes: number): Promise<void> {
  const totals = new Map<Kind, { inputs: number; answered: number; valid: number }>(
    kinds.map((kind) => [kind, { inputs: 0, answered: 0, valid: 0 }])
  )
  const started = performance.now()
  let begun = 0
  let done = 0
  let disagreements = 0
  let parts = 0

  const take = ({ counts, disagreements: found }: Report): void => {
    for (const [kind, total] of totals) {
      total.inputs += counts[kind].inputs
      total.answered += counts[kind].answered
      total.valid += counts[kind].valid
      done += counts[kind].inputs
    }
    for (const { fast, home, kind, library, text } of found) {
      if (disagreements++ < shown) {
        process.stdout.write(`${kind}: ${JSON.stringify(text)} in ${home}: ${fast}, by the library ${library}\n`)
      }
    }
    const rate = done / ((performance.now() - started) / 1000)
    process.stderr.write(`${number(done)} of ${number(inputs)}, ${number(rate)}/s, ${disagreements} disagreements\n`)
  }

  const compareAside = (count: number, partSeed: number): Promise<Report> =>
    new Promise((resolve, reject) => {
      fork(fileURLToPath(import.meta.url), [String(count), String(partSeed)])
        .once("message", (report) => resolve(report as Report))
        .once("error", reject)
        .once("exit", (code) => reject(new Error(`A part ended with ${code}`)))
    })

  const work = async (): Promise<void> => {
    while (begun < inputs) {
      const count = Math.min(part, inputs - begun)
      begun += count
      const partSeed = (seed + parts++) >>> 0
      take(await (processes === 1 ? compare(count, partSeed) : compareAside(count, partSeed)))
    }
  }

  process.stdout.write(`seed ${seed}\n`)
  await Promise.all(Array.from({ length: processes }, work))
  const rows = [...totals].map(([kind, { answered, inputs, valid }]) => [
    kind,
    number(inputs),
    number(answered),
    number(valid)
  ])
  const sum = (of: "inputs" | "answered" | "valid") => [...totals.values()].reduce((all, each) => all + each[of], 0)
  rows.push(["all", number(sum("inputs")), number(sum("answered")), number(sum("valid"))])
  process.stdout.write(
    `${[...table([["", "cells", "answered by the tables", "valid"], ...rows])].join("\n")}\n${disagreements} disagreements in ${((performance.now() - started) / 1000).toFixed(0)} s\n`
  )
  process.exitCode = disagreements === 0 ? 0 : 1
}

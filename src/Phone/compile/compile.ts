/**
 * The library's full metadata as tables.
 */
import { deflateRawSync } from "node:zlib"
import { type Cut, fingerprint, type Plan as PlanTable, type Tables } from "../tables.js"
import { type Forest, forest, numbering } from "./automaton.js"
import * as Plan from "./plan.js"
import * as Prefix from "./prefix.js"

/** The library's metadata, as its own JSON file has them. */
export interface FullMetadata {
  readonly country_calling_codes: Readonly<Record<string, ReadonlyArray<string>>>
  readonly countries: Readonly<Record<string, Plan.Metadata>>
  readonly nonGeographic: Readonly<Record<string, Plan.Metadata>>
}

/** The tables for `metadata`, which are those of version `library` of libphonenumber-js. */
export const compile = (metadata: FullMetadata, library: string): Tables => {
  const nationals = forest()
  const prefixes = forest()
  const answers = numbering<Plan.Answer>()
  const cuts = numbering<Cut>()
  const untouched = ~cuts.of(Prefix.whole)

  const codes = [
    ...Object.entries(metadata.country_calling_codes).map(([code, names]) => ({ code, names, countries: true })),
    ...Object.keys(metadata.nonGeographic).map((code) => ({ code, names: [""], countries: false }))
  ].map(({ code, countries, names }) => {
    const plans = names.map((name) => (countries ? metadata.countries[name] : metadata.nonGeographic[code]))
    return {
      code: Number(code),
      root: nationals.add(Plan.machine(plans, countries, answers.of)),
      plans: plans.map((plan, index) => {
        if (plan[0] !== code) throw new Error(`${names[index]} does not belong to +${code}`)
        const prefix = plan[7] || plan[5]
        return {
          country: names[index],
          lengths: plan[3],
          idd: plan[1] ? prefixes.add(Prefix.machine(plan[1], undefined, cuts.of)) : untouched,
          prefix: prefix ? prefixes.add(Prefix.machine(prefix, plan[8] || undefined, cuts.of)) : untouched
        }
      })
    }
  })

  return {
    library,
    fingerprint: fingerprint(metadata),
    codes: codes.map(({ code, plans, root }) => ({
      code,
      root: nationals.rename(root, answers.values.length),
      plans: plans.map(
        ({ idd, prefix, ...plan }): PlanTable => ({
          ...plan,
          idd: prefixes.rename(idd, cuts.values.length),
          prefix: prefixes.rename(prefix, cuts.values.length)
        })
      )
    })),
    answers: answers.values.map(({ exact, general, valid }) => [exact, valid, general]),
    cuts: cuts.values,
    nationals: pack(nationals, answers.values.length),
    prefixes: pack(prefixes, cuts.values.length)
  }
}

const pack = (automata: Forest, leaves: number): string => {
  const table = automata.table(leaves)
  const bytes = Buffer.alloc(table.length * 2)
  table.forEach((cell, index) => void bytes.writeUInt16LE(cell, index * 2))
  return deflateRawSync(bytes, { level: 9 }).toString("base64")
}

/** The tables as a module, which parses them when they are asked for. */
export const text = (tables: Tables): string =>
  `/** Made by \`npm run tables\` of libphonenumber-js ${tables.library}; not to be edited. */
import type { Tables } from "./tables.js"

export const read = (): Tables =>
  JSON.parse(
    '${JSON.stringify(tables)}'
  )
`

/**
 * The numbering plans of all countries, ready to be walked.
 */
import { Metadata } from "libphonenumber-js/max"
import * as Compiled from "./compiled.js"
import { fingerprint, type Tables, unpack } from "./tables.js"

export type Plans = ReturnType<typeof prepare>

/** The tables, unless they are of another library than the one that is loaded. */
export const load = (): Plans | "of another library" => {
  const { metadata } = new Metadata() as unknown as { readonly metadata: object }
  const tables = Compiled.read()
  return fingerprint(metadata) === tables.fingerprint ? prepare(tables) : "of another library"
}

/** A plan has a number; the plans of a calling code stand together, its main one first. */
const prepare = (tables: Tables) => {
  const all = tables.codes.flatMap(({ code, plans, root }) =>
    plans.map((plan, index) => ({ ...plan, code, root, index }))
  )
  const ofCode = new Int16Array(1000).fill(-1)
  for (let plan = all.length - 1; plan >= 0; plan--) ofCode[all[plan].code] = plan
  return {
    /** The first plan of a calling code, or −1. */
    ofCode,
    code: Int16Array.from(all, ({ code }) => code),
    codeLength: Int8Array.from(all, ({ code }) => String(code).length),
    /** Where the automaton of the calling code begins. */
    root: Uint16Array.from(all, ({ root }) => root),
    /** The position within the calling code. */
    index: Int8Array.from(all, ({ index }) => index),
    country: all.map(({ country }) => (country === "" ? undefined : country)),
    /** Possible lengths as bits, and the last of them. */
    lengths: Int32Array.from(all, ({ lengths }) => lengths.reduce((bits, length) => bits | (1 << length), 0)),
    longest: Int8Array.from(all, ({ lengths }) => lengths[lengths.length - 1]),
    idd: Uint16Array.from(all, ({ idd }) => idd),
    prefix: Uint16Array.from(all, ({ prefix }) => prefix),
    exact: Int8Array.from(tables.answers, ([exact]) => exact),
    valid: Int32Array.from(tables.answers, ([, valid]) => valid),
    general: Int32Array.from(tables.answers, ([, , general]) => general),
    cuts: tables.cuts,
    nationals: unpack(tables.nationals),
    prefixes: unpack(tables.prefixes)
  }
}

/** The results as lines for a terminal. */
import { besideSet, type Results, type Section } from "./results.js"
import { number, spreadText, table } from "./table.js"

export const facts = (results: Results): ReadonlyArray<readonly [name: string, value: string]> => {
  const { load, machine, seconds, seed, short, startedAt, turns } = results
  return [
    ["Begun", `${startedAt}, took ${number(seconds)} s`],
    ["Machine", `${machine.cores} cores (${machine.cpu}), ${machine.memoryGB} GB, ${machine.platform}`],
    ["Node", machine.node],
    ["Load", `${number(load[0], 1)} before, ${number(load[1], 1)} after`],
    ["Data", `seed ${seed}`],
    ["Turns", `${turns}${short ? "; short: of fewer rows than the goals are for" : ""}`]
  ]
}

/** What the figures mean. */
export const legend = [
  "Median (min–max). All programs of a section run in turn, each in a process of its own, against a server in another that keeps no list, unless it says otherwise.",
  "“genesys-dnc does”: how many times as much in the same turn. A slow program runs fewer rows: what counts is the rate over them.",
  "CPU is user and system, from the start of the work; RSS is the peak of the whole process, prepared bodies included."
]

export const columns = ({ unit }: Pick<Section, "unit">): ReadonlyArray<string> => [
  unit,
  "genesys-dnc does",
  "peak RSS MB",
  `CPU s per million ${unit === "rows/s" ? "rows" : "numbers"}`,
  "over rows"
]

export const cells = ({ lines }: Section): ReadonlyArray<ReadonlyArray<string>> =>
  lines.map(({ cpuSecondsPerMillion, name, peakRssMB, rate, ratio, rows }, index) => [
    name,
    spreadText(rate),
    index === 0 ? "" : `× ${spreadText(ratio, 2)}`,
    spreadText(peakRssMB),
    spreadText(cpuSecondsPerMillion, 2),
    number(rows)
  ])

export const growthColumns = ["rows", "seconds", "peak RSS MB", "set MB", "peak RSS without the set MB"]

export const growthCells = ({ growth }: Results): ReadonlyArray<ReadonlyArray<string>> =>
  growth.map((size) => [
    number(size.rows),
    spreadText(size.seconds, 1),
    spreadText(size.peakRssMB),
    number(size.setMB, 1),
    number(besideSet(size))
  ])

export const checkedColumns = ["", "rows", "on the list", "missing", "not valid", "another value"]

export const checkedCells = ({ checked }: Results): ReadonlyArray<ReadonlyArray<string>> =>
  checked.map(({ api, missing, name, onList, otherValue, rows, unexpected }) => [
    name,
    number(rows),
    number(onList),
    number(missing),
    number(unexpected),
    // the published API has no reasons, and the ends are further ahead than it takes
    api === "platform" ? "–" : number(otherValue)
  ])

export const goalsTitle = ({ short }: Results): string =>
  short ? "Goals, which are for the rows of the long form" : "Goals"

export const verdict = (met: boolean): string => (met ? "met" : "NOT met")

export const render = (results: Results): string => {
  const { checked, goals, growth, sections } = results
  return [
    "",
    ...facts(results).map(([name, value]) => `${name.padEnd(8)}${value}`),
    "",
    ...legend,
    ...sections.flatMap((section) => [
      "",
      `${section.title}${section.note === undefined ? "" : ` (${section.note})`}`,
      ...table([["", ...columns(section)], ...cells(section)])
    ]),
    ...(growth.length === 0 ? [] : ["", "Growth, 0 ms of latency", ...table([growthColumns, ...growthCells(results)])]),
    ...(checked.length === 0
      ? []
      : ["", "Held against the sandbox's whole list", ...table([checkedColumns, ...checkedCells(results)])]),
    ...(goals.length === 0
      ? []
      : ["", goalsTitle(results), ...table(goals.map(({ found, met, text }) => [text, found, verdict(met)]))]),
    ""
  ].join("\n")
}

/** The parts that compare: phone numbers, reading, the set, the whole way. */
import { join } from "node:path"
import * as Data from "./data.js"
import type { Measured } from "./processes.js"
import { type Goal, type Part, type Section, section, stage, whole } from "./results.js"
import { number, spread } from "./table.js"
import { alone, type Bench, inTurn, send } from "./turns.js"

export const names = {
  ours: "genesys-dnc",
  oursPlatform: "genesys-dnc, published API",
  design: "design document",
  stream: "naive Effect stream",
  sdk: "vendor's SDK, a loop",
  undici: "bare undici, bodies prepared",
  library: "libphonenumber-js (max)",
  map: "a Map, grouped and sliced"
} as const

/** At least so many times the other, or so much a second, or at most so many MB. */
const goal = (text: string, found: number, unit: string, met: boolean): Goal => ({
  text,
  found: `${number(found, found < 100 ? 2 : 0)}${unit}`,
  met
})

export const numbers = async (bench: Bench): Promise<Part> => {
  const { fewNumbers, numbers: count, seed, turns } = bench
  const entrant = (name: string, way: "ours" | "other", count: number) => ({
    name,
    run: () => alone(bench, "numbers", { way, count, seed }, count)
  })
  const [ours, other] = await inTurn(turns, [
    entrant(names.ours, "ours", count),
    entrant(names.library, "other", fewNumbers)
  ])
  return {
    sections: [
      section({ title: "Phone numbers alone", unit: "numbers/s", note: "from text to a verdict, on one thread" }, [
        [names.ours, ours.map(whole)],
        [names.library, other.map(whole)]
      ])
    ]
  }
}

export const read = async (bench: Bench): Promise<Part> => {
  const [file, few] = [await bench.file(bench.rows), await bench.file(bench.fewRows)]
  const ours = async (): Promise<Measured> => {
    const measured = await alone(bench, "read", { file: file.path }, file.rows)
    if (measured.rows === file.rows && measured.numbersOnList === file.distinct) return measured
    throw new Error(`Reading alone finds ${measured.numbersOnList} numbers in ${measured.rows} rows`)
  }
  const [own, design] = await inTurn(bench.turns, [
    { name: names.ours, run: ours },
    { name: names.design, run: () => alone(bench, "baseline", { file: few.path }, few.rows) }
  ])
  const found = section(
    { title: "Read and validate", unit: "rows/s", note: "nothing is sent; ours writes the file of rejects, too" },
    [
      [names.ours, own.map(whole)],
      [names.design, design.map(whole)]
    ]
  )
  const { median } = spread(found.lines[0].rate)
  return {
    sections: [found],
    goals: [goal("validate at least 600,000 rows/s", median, " rows/s", median >= 600_000)]
  }
}

export const set = async (bench: Bench): Promise<Part> => {
  const { seed, setRows: count, turns } = bench
  const entrant = (name: string, way: "ours" | "other") => ({
    name,
    run: () => alone(bench, "set", { way, count, seed }, count)
  })
  const [ours, other] = await inTurn(turns, [entrant(names.ours, "ours"), entrant(names.map, "other")])
  const of = (title: string, name: string, note: string): Section =>
    section({ title, unit: "numbers/s", note }, [
      [names.ours, ours.map(stage(name, "rows"))],
      [names.map, other.map(stage(name, "rows"))]
    ])
  const fewest = `10,000 ends in ${number(ours[0].requests)} requests, the fewest`
  const add = of("Set: folding numbers in", "add", "10,000 ends")
  const cut = of(
    "Set: cutting batches",
    "cut",
    `${fewest}; the set packs the bytes of requests, the Map has kept texts`
  )
  const { median } = spread(cut.lines[0].rate)
  const peak = await pushEnds(bench)
  return {
    sections: [add, cut],
    goals: [
      // the program itself fails where they are not the fewest
      goal("10,000 ends: the smallest number of requests", ours[0].requests, " requests", true),
      goal("10,000 ends: cutting at least 5,000,000 numbers/s", median, " numbers/s", median >= 5_000_000),
      goal("10,000 ends: peak RSS at most 150 MB", peak, " MB", peak <= 150)
    ]
  }
}

/** Peak memory in MB of the command that pushes numbers with 10,000 ends in random order, in the fewest requests. */
const pushEnds = (bench: Bench): Promise<number> =>
  bench.withFolder(async (folder) => {
    const file = await Data.writeEnds(join(folder, "ends.csv"), bench.setRows, 10_000, bench.seed)
    await bench.command()
    const pushed = await send(bench, file, { program: "command", latencyMs: 0, api: "platform" })
    const fewest = file.perEnd.reduce((sum, count) => sum + Math.ceil(count / 1000), 0)
    if (pushed.requests !== fewest) throw new Error(`${pushed.requests} requests, where ${fewest} are the fewest`)
    return pushed.peakRssMB
  })

export const way = async (bench: Bench): Promise<Part> => {
  const file = await bench.file(bench.rows)
  const few = await bench.file(bench.fewRows)
  const sections: Array<Section> = []
  const goals: Array<Goal> = []
  for (const latencyMs of bench.latencies) {
    const [ours, platform, undici, design, stream, sdk] = await inTurn(bench.turns, [
      { name: names.ours, run: () => send(bench, file, { program: "push", latencyMs }) },
      { name: names.oursPlatform, run: () => send(bench, file, { program: "push", latencyMs, api: "platform" }) },
      { name: names.undici, run: () => send(bench, file, { program: "undici", latencyMs }) },
      { name: names.design, run: () => send(bench, few, { program: "baseline", latencyMs }) },
      { name: names.stream, run: () => send(bench, few, { program: "stream", latencyMs }) },
      { name: names.sdk, run: () => send(bench, few, { program: "sdk", latencyMs }) }
    ])
    const at = `${latencyMs} ms of latency`
    const sent = stage("send", "numbersOnList")
    const all = section({ title: `Whole way, ${at}`, unit: "rows/s", note: "499 a request" }, [
      [names.ours, ours.map(whole)],
      [names.design, design.map(whole)],
      [names.stream, stream.map(whole)]
    ])
    const byPublished = section(
      {
        title: `Whole way by the published API, ${at}`,
        unit: "rows/s",
        note: "1,000 a request; the design document's approach has 499, as it knows the entries contract only"
      },
      [
        [names.ours, platform.map(whole)],
        [names.sdk, sdk.map(whole)],
        [names.design, design.map(whole)]
      ]
    )
    const sending = section(
      { title: `Sending, ${at}`, unit: "numbers/s", note: "499 a request; the second stage of the whole way" },
      [
        [names.ours, ours.map(sent)],
        [names.design, design.map(sent)],
        [names.undici, undici.map(sent)]
      ]
    )
    sections.push(all, byPublished, sending)
    const times = latencyMs === 0 ? 20 : latencyMs === 20 ? 9.5 : undefined
    if (times !== undefined) {
      for (const [how, line] of [
        ["", all.lines[1]],
        [", by the published API", byPublished.lines[2]]
      ] as const) {
        const { median } = spread(line.ratio)
        goals.push(goal(`${at}${how}: at least ${times} times the design document`, median, " times", median >= times))
      }
    }
    if (latencyMs === 20) {
      const { median } = spread(sending.lines[2].ratio)
      goals.push(goal(`${at}: at least 0.95 of bare undici's requests/s`, median, "", median >= 0.95))
    }
  }
  return { sections, goals }
}

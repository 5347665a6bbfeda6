/** What a benchmark found, as it stands in its JSON. */
import type { Inspection } from "./check.js"
import type { Stage } from "./child.js"
import type { Measured } from "./processes.js"
import type { Machine } from "./setup.js"
import { spread } from "./table.js"

/** One program at one thing, a figure for each turn. */
export interface Line {
  readonly name: string
  /** Over so many rows. */
  readonly rows: number
  /** In the unit of its section. */
  readonly rate: ReadonlyArray<number>
  /** How many times as much the first line of the section does in the same turn. */
  readonly ratio: ReadonlyArray<number>
  readonly peakRssMB: ReadonlyArray<number>
  readonly cpuSecondsPerMillion: ReadonlyArray<number>
}

/** The first line is the library's. */
export interface Section {
  readonly title: string
  readonly unit: "rows/s" | "numbers/s"
  readonly note?: string
  readonly lines: ReadonlyArray<Line>
}

export interface Size {
  readonly rows: number
  readonly seconds: ReadonlyArray<number>
  readonly peakRssMB: ReadonlyArray<number>
  /** Of the library's set of numbers. */
  readonly setMB: number
}

export interface Checked extends Inspection {
  readonly name: string
  readonly rows: number
  readonly api: "entries" | "platform"
}

export interface Goal {
  readonly text: string
  readonly found: string
  readonly met: boolean
}

/** What one part of the benchmark adds. */
export interface Part {
  readonly sections?: ReadonlyArray<Section>
  readonly growth?: ReadonlyArray<Size>
  readonly checked?: ReadonlyArray<Checked>
  readonly goals?: ReadonlyArray<Goal>
}

export interface Results extends Required<Part> {
  readonly startedAt: string
  readonly seconds: number
  readonly machine: Machine
  /** Before and after, over a minute. */
  readonly load: readonly [before: number, after: number]
  readonly seed: number
  readonly turns: number
  /** Of fewer rows than the goals are for. */
  readonly short: boolean
}

/** What one run of a program says of the section's subject. */
export interface Figure extends Stage {
  /** Rows, or numbers, that it took the time for. */
  readonly count: number
  readonly rows: number
  readonly peakRssMB: number
}

export const whole = (run: Measured): Figure => ({ ...run, count: run.rows })

/** One stage of a run; of the rows, or of the numbers that it put on the list. */
export const stage =
  (name: string, of: "rows" | "numbersOnList") =>
  (run: Measured): Figure => ({ ...run, ...run.stages[name], count: run[of] })

/** Names and the figures of all turns, the library's first. */
export const section = (
  head: Omit<Section, "lines">,
  figures: ReadonlyArray<readonly [name: string, figures: ReadonlyArray<Figure>]>
): Section => {
  const rates = (figures: ReadonlyArray<Figure>) => figures.map(({ count, seconds }) => count / seconds)
  const first = rates(figures[0][1])
  return {
    ...head,
    lines: figures.map(([name, figures]) => {
      const rate = rates(figures)
      return {
        name,
        rows: figures[0].rows,
        rate,
        ratio: rate.map((rate, turn) => first[turn] / rate),
        peakRssMB: figures.map(({ peakRssMB }) => peakRssMB),
        cpuSecondsPerMillion: figures.map(({ count, cpuSeconds }) => (cpuSeconds / count) * 1e6)
      }
    })
  }
}

/** The peak without the set. */
export const besideSet = ({ peakRssMB, setMB }: Size): number => spread(peakRssMB).median - setMB

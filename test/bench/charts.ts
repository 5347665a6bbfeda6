/** Charts as inline SVG, which take their colours from the page. */
import { escape } from "../../src/html.js"
import { besideSet, type Line, type Section, type Size } from "./results.js"
import { number, spread, spreadText } from "./table.js"

const px = (figure: number): string => figure.toFixed(1)

const text = (x: number, y: number, words: string, attributes = ""): string =>
  `<text x="${px(x)}" y="${px(y)}"${attributes}>${escape(words)}</text>`

const svg = (height: number, label: string, parts: ReadonlyArray<string>): string =>
  `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(label)}">\n${parts.join("\n")}\n</svg>`

const width = 720

const rowHeight = 30
const barsFrom = 196
const barsTo = 480

/** A bar for each line, its whisker from the least to the most, and how many times as much the library does. */
export const bars = ({ lines, title, unit }: Section): string => {
  const most = Math.max(...lines.flatMap(({ rate }) => rate))
  const scale = (figure: number) => barsFrom + (figure / most) * (barsTo - barsFrom)
  const bar = ({ name, rate, ratio }: Line, index: number): string => {
    const { max, median, min } = spread(rate)
    const [top, middle] = [index * rowHeight + 6, index * rowHeight + 15]
    const ours = index === 0
    return [
      text(0, middle + 4, name, ours ? ' class="strong"' : ""),
      `<rect class="${ours ? "ours" : "other"}" x="${barsFrom}" y="${top}" width="${px(Math.max(1, scale(median) - barsFrom))}" height="18" rx="2"/>`,
      ...(rate.length === 1
        ? []
        : [
            `<path class="whisker" d="M${px(scale(min))} ${middle}H${px(scale(max))}M${px(scale(min))} ${middle - 5}v10M${px(scale(max))} ${middle - 5}v10"/>`
          ]),
      text(barsTo + 14, middle + 4, `${number(median)} ${unit}`),
      ...(ours ? [] : [text(width, middle + 4, `× ${number(spread(ratio).median, 2)}`, ' class="end strong"')])
    ].join("")
  }
  const label = lines.map(({ name, rate }) => `${name} ${spreadText(rate)}`).join("; ")
  return svg(lines.length * rowHeight, `${title}, ${unit}: ${label}`, lines.map(bar))
}

interface Curve {
  readonly name: string
  readonly points: ReadonlyArray<readonly [rows: number, figure: number]>
}

interface Axis {
  readonly ticks: ReadonlyArray<number>
  /** From 0 at the bottom to 1 at the top. */
  readonly at: (figure: number) => number
}

const logarithmic = (least: number, most: number): Axis => {
  const low = Math.floor(Math.log10(least))
  const high = Math.max(low + 1, Math.ceil(Math.log10(most)))
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
    at: (figure) => (Math.log10(figure) - low) / (high - low)
  }
}

const linear = (most: number): Axis => {
  const step = [1, 2, 5, 10].map((times) => times * 10 ** Math.floor(Math.log10(most / 4))).find((s) => s * 5 >= most)!
  const ticks = Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step)
  return { ticks, at: (figure) => figure / ticks[ticks.length - 1] }
}

const plot = { left: 60, right: 560, top: 12, bottom: 190, height: 232 }

/** Curves over the number of rows, which goes by powers of ten. */
const curves = (title: string, unit: string, y: Axis, given: ReadonlyArray<Curve>): string => {
  const rows = given[0].points.map(([rows]) => rows)
  const x = logarithmic(rows[0], rows[rows.length - 1])
  const left = (figure: number) => plot.left + x.at(figure) * (plot.right - plot.left)
  const top = (figure: number) => plot.bottom - y.at(figure) * (plot.bottom - plot.top)
  const ends = given.map(({ points }) => top(points[points.length - 1][1]))
  return svg(plot.height, title, [
    ...y.ticks.map(
      (tick) =>
        `<path class="grid" d="M${plot.left} ${px(top(tick))}H${plot.right}"/>${text(plot.left - 8, top(tick) + 4, tick.toLocaleString("en-US"), ' class="end faint"')}`
    ),
    ...x.ticks.map(
      (tick) =>
        `<path class="grid" d="M${px(left(tick))} ${plot.top}V${plot.bottom}"/>${text(left(tick), plot.bottom + 18, tick.toLocaleString("en-US"), ' class="middle faint"')}`
    ),
    text((plot.left + plot.right) / 2, plot.bottom + 38, "rows", ' class="middle faint"'),
    ...given.map(({ name, points }, index) => {
      const path = points.map(([rows, figure], at) => `${at === 0 ? "M" : "L"}${px(left(rows))} ${px(top(figure))}`)
      const dots = points.map(
        ([rows, figure]) =>
          `<circle class="curve${index}" cx="${px(left(rows))}" cy="${px(top(figure))}" r="3.5"><title>${escape(`${name}: ${number(figure, 1)} ${unit}, ${number(rows)} rows`)}</title></circle>`
      )
      // names that would lie on one another are moved apart
      const label = index > 0 && Math.abs(ends[index] - ends[0]) < 16 ? ends[0] + 16 : ends[index]
      return `<path class="curve${index}" d="${path.join("")}"/>${dots.join("")}${text(plot.right + 10, label + 4, name)}`
    })
  ])
}

export const timeByRows = (sizes: ReadonlyArray<Size>): string => {
  const points = sizes.map(({ rows, seconds }) => [rows, spread(seconds).median] as const)
  const figures = points.map(([, figure]) => figure)
  const axis = logarithmic(Math.min(...figures), Math.max(...figures))
  return curves("Seconds by rows", "s", axis, [{ name: "seconds", points }])
}

export const memoryByRows = (sizes: ReadonlyArray<Size>): string => {
  const whole = sizes.map(({ peakRssMB, rows }) => [rows, spread(peakRssMB).median] as const)
  return curves("Peak memory by rows", "MB", linear(Math.max(...whole.map(([, figure]) => figure))), [
    { name: "peak RSS, MB", points: whole },
    { name: "without the set", points: sizes.map((size) => [size.rows, besideSet(size)] as const) }
  ])
}

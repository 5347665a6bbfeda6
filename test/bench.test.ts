/** What a benchmark says of its figures: the statistics, the charts and the page. */
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { escape } from "../src/html.js"
import { bars, memoryByRows, timeByRows } from "./bench/charts.js"
import { page } from "./bench/page.js"
import { type Results, section } from "./bench/results.js"
import { spread, table } from "./bench/table.js"
import { render } from "./bench/text.js"

const figure = FastCheck.double({ min: 1e-3, max: 1e9, noNaN: true })
const figures = FastCheck.array(figure, { minLength: 1, maxLength: 9 })

/** Names with what HTML and SVG could stumble over. */
const name = FastCheck.string({ unit: FastCheck.constantFrom(..."ab <>&\"'(1)/") })

const sections = FastCheck.tuple(FastCheck.nat({ max: 4 }), FastCheck.integer({ min: 1, max: 5 })).chain(
  ([others, turns]) =>
    FastCheck.array(
      FastCheck.tuple(
        name,
        FastCheck.array(
          FastCheck.record({ count: figure, rows: figure, seconds: figure, cpuSeconds: figure, peakRssMB: figure }),
          { minLength: turns, maxLength: turns }
        )
      ),
      { minLength: others + 1, maxLength: others + 1 }
    ).map((lines) => section({ title: "<b>", unit: "rows/s", note: "a & b" }, lines))
)

const sizes = FastCheck.uniqueArray(FastCheck.integer({ min: 1, max: 1e8 }), { minLength: 1, maxLength: 5 })
  .map((rows) => rows.sort((a, b) => a - b))
  .chain((rows) =>
    FastCheck.tuple(
      ...rows.map((rows) =>
        FastCheck.record({
          rows: FastCheck.constant(rows),
          seconds: figures,
          peakRssMB: FastCheck.array(FastCheck.double({ min: 50, max: 4000, noNaN: true }), { minLength: 1 }),
          setMB: FastCheck.double({ min: 0, max: 50, noNaN: true })
        })
      )
    )
  )

/** All numbers in the places of an SVG that say where something is. */
const assertDrawn = (svg: string): void => {
  assert.notMatch(svg, /NaN|Infinity|undefined/)
  for (const [, x] of svg.matchAll(/ (?:x|cx)="([^"]*)"/g)) assert.isTrue(Number(x) >= 0 && Number(x) <= 720, x)
  for (const [, y] of svg.matchAll(/ (?:y|cy)="([^"]*)"/g)) assert.isTrue(Number(y) >= 0 && Number(y) <= 300, y)
}

const results = (over: Partial<Results>): Results => ({
  startedAt: "2026-11-25T12:00:00.000Z",
  seconds: 1,
  machine: { node: "v20", platform: "linux x64", cpu: "<cpu>", cores: 2, memoryGB: 8 },
  load: [0, 0],
  seed: 1,
  turns: 1,
  short: true,
  goals: [],
  sections: [],
  growth: [],
  checked: [],
  ...over
})

describe("spread", () => {
  it("the median has as many figures on either side, in whatever order they come", () => {
    FastCheck.assert(
      FastCheck.property(figures, (figures) => {
        const { max, median, min } = spread(figures)
        assert.deepStrictEqual(spread(figures.toReversed()), { max, median, min })
        assert.include(figures, min)
        assert.include(figures, max)
        assert.isTrue(figures.every((figure) => min <= figure && figure <= max))
        assert.isAtMost(figures.filter((figure) => figure < median).length, figures.length / 2)
        assert.isAtMost(figures.filter((figure) => figure > median).length, figures.length / 2)
      })
    )
  })
})

describe("section", () => {
  it("a ratio is between rates of the same turn", () => {
    const of = (seconds: number) => ({ count: 100, rows: 100, seconds, cpuSeconds: seconds / 2, peakRssMB: 50 })
    const { lines } = section({ title: "", unit: "rows/s" }, [
      ["ours", [of(1), of(2)]],
      ["other", [of(10), of(4)]]
    ])
    assert.deepStrictEqual(lines[0].ratio, [1, 1])
    assert.deepStrictEqual(lines[1].ratio, [10, 2])
    assert.deepStrictEqual(lines[0].rate, [100, 50])
    assert.deepStrictEqual(lines[0].cpuSecondsPerMillion, [5000, 10_000])
  })
})

describe("charts", () => {
  it("what is escaped is no markup, and can be had back", () => {
    const codes = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" } as const
    FastCheck.assert(
      FastCheck.property(name, (text) => {
        const escaped = escape(text)
        assert.notMatch(escaped, /[<>"']/)
        const back = escaped.replace(/&([^;]*);/g, (_, code) => codes[code as keyof typeof codes])
        assert.strictEqual(back, text)
      })
    )
  })

  it("bars: as long as their medians, all on the canvas", () => {
    FastCheck.assert(
      FastCheck.property(sections, (section) => {
        const svg = bars(section)
        assertDrawn(svg)
        const widths = Array.from(svg.matchAll(/ width="([\d.]+)"/g), ([, width]) => Number(width))
        const medians = section.lines.map(({ rate }) => spread(rate).median)
        const most = Math.max(...section.lines.flatMap(({ rate }) => rate))
        assert.strictEqual(widths.length, medians.length)
        const full = 480 - 196
        widths.forEach((width, index) => {
          assert.approximately(width, Math.max(1, (medians[index] / most) * full), 0.06)
        })
      })
    )
  })

  it("growth: on the canvas for any sizes", () => {
    FastCheck.assert(
      FastCheck.property(sizes, (sizes) => {
        for (const svg of [timeByRows(sizes), memoryByRows(sizes)]) assertDrawn(svg)
      })
    )
  })
})

describe("page", () => {
  it("needs nothing else, runs nothing, and lets no name through as markup", () => {
    FastCheck.assert(
      FastCheck.property(sections, sizes, name, (section, growth, words) => {
        const html = page(
          results({ sections: [section], growth, goals: [{ text: `<${words}>`, found: "1", met: false }] })
        )
        assert.notMatch(html, /<script|https?:|url\(|@import|<b>|<cpu>/)
        assert.include(html, escape(`<${words}>`))
        assert.include(html, "NOT met")
      }),
      { numRuns: 20 }
    )
  })
})

describe("text", () => {
  it("columns stand under one another", () => {
    const lines = table([
      ["", "rows/s"],
      ["genesys-dnc", "1"],
      ["x", "1,000,000"]
    ])
    assert.deepStrictEqual(lines, [
      "                   rows/s",
      "  genesys-dnc           1",
      "  x             1,000,000"
    ])
  })

  it("says which goals are met, and that a short run is not what they are for", () => {
    const goals = [
      { text: "a", found: "1", met: true },
      { text: "b", found: "2", met: false }
    ]
    assert.match(render(results({ goals })), /rows of the long form\n {2}a +1 +met\n {2}b +2 +NOT met\n/)
    assert.match(render(results({ goals, short: false })), /\nGoals\n/)
  })
})

/** The results as one HTML document that needs nothing else, in light and dark, and prints on A4. */
import { escape } from "../../src/html.js"
import { bars, memoryByRows, timeByRows } from "./charts.js"
import type { Results, Section } from "./results.js"
import * as Text from "./text.js"

export const page = (results: Results): string => {
  const { checked, goals, growth, sections, startedAt } = results
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>genesys-dnc, measured ${escape(startedAt.slice(0, 10))}</title>
<style>${css}</style>
</head>
<body>
<header>
<p class="kind">Benchmark</p>
<h1>genesys-dnc, measured ${escape(startedAt.slice(0, 10))}</h1>
<dl class="facts">
${Text.facts(results)
  .map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(value)}</dd></div>`)
  .join("\n")}
</dl>
</header>
${Text.legend.map((words) => `<p>${escape(words)}</p>`).join("\n")}
${goals.length === 0 ? "" : `<h2>${Text.goalsTitle(results)}</h2>\n${goalTable(results)}`}
${sections.map(chapter).join("\n")}
${
  growth.length === 0
    ? ""
    : `<section class="long">
<h2>Growth</h2>
<p>The whole way without latency. The set of distinct numbers grows with the file; nothing else should.</p>
<figure>${timeByRows(growth)}<figcaption>Time, both axes by powers of ten</figcaption></figure>
<figure>${memoryByRows(growth)}<figcaption>Memory, rows by powers of ten</figcaption></figure>
${table(Text.growthColumns, Text.growthCells(results))}
</section>`
}
${
  checked.length === 0
    ? ""
    : `<section>
<h2>What is on the list afterwards</h2>
<p>Each program once against the sandbox, and every entry of its list held against the file. “Another value” is another reason or end than the strictest that the file gives.</p>
${table(Text.checkedColumns, Text.checkedCells(results))}
</section>`
}
</body>
</html>
`
}

const chapter = (section: Section): string => `<section>
<h2>${escape(section.title)}</h2>
${section.note === undefined ? "" : `<p>${escape(section.note[0].toUpperCase() + section.note.slice(1))}.</p>`}
<figure>${bars(section)}</figure>
${table(["", ...Text.columns(section)], Text.cells(section))}
</section>`

const goalTable = ({ goals }: Results): string =>
  table(
    ["Goal", "Found", ""],
    goals.map(({ found, met, text }) => [text, found, Text.verdict(met)])
  )

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => `<table>
<thead><tr>${head.map((cell) => `<th scope="col">${escape(cell)}</th>`).join("")}</tr></thead>
<tbody>
${rows.map((cells) => `<tr>${cells.map((cell) => `<td>${spreadOnItsLine(escape(cell))}</td>`).join("")}</tr>`).join("\n")}
</tbody>
</table>`

/** What is in brackets at the end, such as the least and the most of a figure, below it. */
const spreadOnItsLine = (cell: string): string => cell.replace(/^(.*\d) (\(\d.*\))$/, "$1<br><small>$2</small>")

const css = `
:root{color-scheme:light dark;--ink:#1c1e21;--paper:#fff;--faint:#5d636b;--line:#d5dae1;--ours:#1f6f5c;--other:#a9b1bc}
@media (prefers-color-scheme:dark){:root{--ink:#e7e9ec;--paper:#17191c;--faint:#a2a9b3;--line:#363c44;--ours:#4fb597;--other:#78828f}}
@page{size:A4;margin:16mm 14mm}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.25rem;max-width:52rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1{margin:.2rem 0 1rem;font-size:1.6rem;line-height:1.25}
h2{margin:2.2rem 0 .4rem;font-size:1.1rem;break-after:avoid}
p{margin:.4rem 0;color:var(--faint);font-size:.92rem}
section:not(.long),figure{break-inside:avoid}
figure{margin:.6rem 0}
figcaption{color:var(--faint);font-size:.85rem}
.kind{margin:0}
.facts{margin:0 0 1rem;border-top:1px solid var(--line)}
.facts div{display:grid;grid-template-columns:7rem 1fr;gap:1rem;padding:.3rem 0;border-bottom:1px solid var(--line)}
dt{color:var(--faint)}
dd{margin:0}
table{width:100%;margin:.5rem 0;border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}
th,td{padding:.3rem 0 .3rem .8rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}
th:first-child,td:first-child{padding-left:0;text-align:left}
th{color:var(--faint);font-weight:normal}
td:not(:first-child){white-space:nowrap}
small{color:var(--faint)}
tr{break-inside:avoid}
svg{display:block;width:100%;height:auto;font:13px system-ui,sans-serif;font-variant-numeric:tabular-nums}
svg text{fill:var(--ink)}
svg .faint{fill:var(--faint)}
svg .strong{font-weight:600}
svg .end{text-anchor:end}
svg .middle{text-anchor:middle}
.ours{fill:var(--ours)}
.other{fill:var(--other)}
.whisker{stroke:var(--ink);fill:none;stroke-width:1.2}
.grid{stroke:var(--line);fill:none}
path.curve0,path.curve1{fill:none;stroke:var(--ours);stroke-width:2}
circle.curve0,circle.curve1{fill:var(--ours)}
path.curve1{stroke:var(--other);stroke-dasharray:5 4}
circle.curve1{fill:var(--other)}
@media print{:root{--ink:#000;--paper:#fff;--faint:#444;--line:#bbb;--ours:#1f6f5c;--other:#a9b1bc}body{max-width:none;padding:0;font-size:10pt}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
`

/**
 * The certificate's section on the time from request to list; its chart reads as well in black and white.
 *
 * @since 0.1.0
 */
import type { Honour, PastDue } from "../Honour.js"

/** What the page writes texts and numbers with. */
interface Words {
  readonly text: (value: unknown) => string
  readonly n: (value: number) => string
  readonly table: (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>) => string
}

/**
 * HTML, or nothing where no row said when it was asked for.
 *
 * @since 0.1.0
 */
export const honour = (found: Honour | undefined, words: Words): string => {
  if (found === undefined) return ""
  const { n, table, text } = words
  const { businessDays, due, earlier, honoured, open, pastDue, requestedAtUnreadable, timezone } = found
  const late = [
    ["honoured too late", pastDue],
    ["not honoured at the end of the run, and past due", open.pastDue]
  ] as const
  return `<h2>How long it took from request to list</h2>
<p>The rows say when they were asked for. ${n(honoured)} requests were honoured by this run${honoured === 0 ? "" : `: half of them within ${days(businessDays.median, n)}, 95 % within ${days(businessDays.p95, n)}, the last within ${days(businessDays.max, n)}`}. Each is counted up to the moment at which the server's answer came, which is the latest at which its number can have been on the list. ${n(open.count)} were not honoured when the run ended.${earlier === 0 ? "" : ` ${n(earlier)} more were on the list before this run, since when it cannot know.`}${requestedAtUnreadable === 0 ? "" : ` ${n(requestedAtUnreadable)} rows have a time of request that could not be read; they were treated like all others, but are not counted here.`}</p>
${honoured === 0 ? "" : chart(found, words)}
${
  late.every(([, { count }]) => count === 0)
    ? "<p><strong>None was past due.</strong></p>"
    : table(
        ["Past due", "Requests", "By country", "Oldest request"],
        late.flatMap(([what, of]) =>
          of.count === 0 ? [] : [[text(what), n(of.count), text(countries(of, n)), text(of.oldest ?? "")]]
        )
      )
}
<p>Deadlines: ${text(
    Object.entries(due)
      .map(
        ([country, { businessDays, days, holidays = [] }]) =>
          `${country === "default" ? "wherever nothing else is said" : country} ${businessDays === undefined ? `${days} days` : `${businessDays} business days`}${holidays.length === 0 ? "" : `, ${n(holidays.length)} ${holidays.length === 1 ? "holiday" : "holidays"} left out`}`
      )
      .join("; ")
  )}. Days are those of the time zone ${text(timezone)}; business days are Monday to Friday.</p>
`
}

const days = (count: number, n: Words["n"]): string =>
  count === 0 ? "the same day" : `${n(count)} business ${count === 1 ? "day" : "days"}`

const countries = ({ byCountry }: PastDue, n: Words["n"]): string =>
  Object.entries(byCountry)
    .map(([country, count]) => `${country} ${n(count)}`)
    .join(", ")

const row = 26
const barFrom = 190
const barWidth = 340

/** One bar a class, its number beside it; what is past due is hatched. */
const chart = ({ distribution }: Honour, { n, text }: Words): string => {
  const most = Math.max(1, ...distribution.map(({ count }) => count))
  const described = distribution.map(({ count, label }) => `${label}: ${n(count)}`).join("; ")
  const bars = distribution.map(({ count, label }, index) => {
    const isLate = index === distribution.length - 1
    const width = count === 0 ? 0 : Math.max(2, Math.round((barWidth * count) / most))
    const y = index * row
    return `<text x="${barFrom - 10}" y="${y + 17}" text-anchor="end">${text(label)}</text><rect x="${barFrom}" y="${y + 4}" width="${width}" height="${row - 8}" fill="${isLate ? "url(#late)" : "currentColor"}" stroke="currentColor"/><text x="${barFrom + width + 8}" y="${y + 17}">${n(count)}</text>`
  })
  return `<svg viewBox="0 0 620 ${distribution.length * row}" width="100%" role="img" aria-label="${text(`Requests by the time until they were honoured: ${described}`)}" style="font:13px system-ui,sans-serif;fill:currentColor;break-inside:avoid">
<defs><pattern id="late" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="2.5" height="6" fill="currentColor"/></pattern></defs>
${bars.join("\n")}
</svg>`
}

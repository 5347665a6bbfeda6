/**
 * The expiry of the published routes: a UTC minute, `yyyy-MM-ddTHH:mmZ`, at most 180 days ahead.
 *
 * @since 0.1.0
 */

/**
 * Why an expiry is refused: it has another form, it is no real minute, it is over, or it is too far away.
 *
 * @since 0.1.0
 * @category models
 */
export type Fault = "form" | "calendar" | "past" | "beyond"

const form = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}Z$/
const mostMilliseconds = 180 * 86_400_000

/**
 * The ISO 8601 instant with milliseconds that a text stands for, or why it is none.
 *
 * @since 0.1.0
 */
export const parse = (text: string, now: number): { readonly expires: string } | { readonly fault: Fault } => {
  if (!form.test(text)) return { fault: "form" }
  const milliseconds = Date.parse(text)
  if (Number.isNaN(milliseconds)) return { fault: "calendar" }
  const expires = new Date(milliseconds).toISOString()
  if (!expires.startsWith(text.slice(0, -1))) return { fault: "calendar" }
  if (milliseconds <= now) return { fault: "past" }
  return milliseconds > now + mostMilliseconds ? { fault: "beyond" } : { expires }
}

/**
 * An instant as an export shows it.
 *
 * @since 0.1.0
 */
export const format = (instant: string | null): string => (instant === null ? "" : `${instant.slice(0, 16)}Z`)

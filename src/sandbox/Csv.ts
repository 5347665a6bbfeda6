/**
 * The rows of an uploaded file.
 *
 * @since 0.1.0
 */

/** Where a record with a quote ends: its line break, or -1 where a quote is never closed. */
const endOfQuoted = (text: string, start: number): number => {
  let isQuoted = false
  for (let index = start; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 34) isQuoted = !isQuoted
    else if (code === 10 && !isQuoted) return index
  }
  return isQuoted ? -1 : text.length
}

/** The next place of something at or behind an index, or the end of the text. */
const next = (text: string, what: string, from: number): number => {
  const index = text.indexOf(what, from)
  return index < 0 ? text.length : index
}

const cells = (record: string): ReadonlyArray<string> => {
  if (!record.includes('"')) return record.split(",")
  const found: Array<string> = []
  for (const [, quoted, plain = ""] of record.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    found.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
  }
  return found
}

/**
 * The cells of each row of a CSV file, or `undefined` for a rest that cannot be read, since a quote is never closed.
 *
 * @since 0.1.0
 */
export const rows = function* (text: string): Generator<ReadonlyArray<string> | undefined> {
  let start = text.charCodeAt(0) === 0xfeff ? 1 : 0
  let quote = -1
  while (start < text.length) {
    // looked for once, not once a row: most files have none
    if (quote < start) quote = next(text, '"', start)
    let end = next(text, "\n", start)
    if (quote < end) end = endOfQuoted(text, start)
    if (end < 0) return yield undefined
    const record = text.slice(start, text.charCodeAt(end - 1) === 13 ? end - 1 : end)
    start = end + 1
    if (record !== "") yield cells(record)
  }
}

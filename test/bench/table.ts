/** Figures as text. */

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export const spread = (figures: ReadonlyArray<number>): Spread => {
  const sorted = [...figures].sort((a, b) => a - b)
  const middle = sorted.length >>> 1
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  return { median, min: sorted[0], max: sorted[sorted.length - 1] }
}

export const number = (figure: number, digits = 0): string =>
  figure.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })

/** Median (min–max); one figure by itself. */
export const spreadText = (figures: ReadonlyArray<number>, digits = 0): string => {
  const { max, median, min } = spread(figures)
  return figures.length === 1
    ? number(median, digits)
    : `${number(median, digits)} (${number(min, digits)}–${number(max, digits)})`
}

/** Rows of equal length as lines, the first column to the left and the others to the right. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? `  ${cell.padEnd(widths[0])}` : cell.padStart(widths[column])))
      .join("   ")
      .trimEnd()
  )
}

/**
 * Days from Monday to Friday that are no holidays, counted without walking through them. Days are numbers from 1970-01-01, a
 * Thursday, which is day 0.
 *
 * @since 0.1.0
 */

/**
 * Milliseconds of a day.
 *
 * @since 0.1.0
 */
export const dayMs = 86_400_000

/**
 * True from Monday to Friday.
 *
 * @since 0.1.0
 */
export const isWeekday = (day: number): boolean => day - 7 * Math.floor((day + 3) / 7) < 2

/**
 * How many business days it took from one day to another: the day itself is none, and what is done at a weekend is done
 * within the business day that follows, which is later than the one before. So a deadline of n business days is kept where
 * this is n or less. `holidays` are weekdays, ascending.
 *
 * @since 0.1.0
 */
export const businessDaysTaken = (from: number, to: number, holidays: ReadonlyArray<number>): number =>
  to <= from
    ? 0
    : 1 + weekdaysBefore(to) - weekdaysBefore(from + 1) - (countBelow(holidays, to) - countBelow(holidays, from + 1))

/** Weekdays before a day, counted from a Monday. */
const weekdaysBefore = (day: number): number => {
  const weeks = Math.floor((day + 3) / 7)
  return weeks * 5 + Math.min(day + 3 - weeks * 7, 5)
}

const countBelow = (sorted: ReadonlyArray<number>, bound: number): number => {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (sorted[middle] < bound) from = middle + 1
    else to = middle
  }
  return from
}

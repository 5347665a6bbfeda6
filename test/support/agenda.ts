/** What happens at its time, in order: a clock for simulations that have no fibers. */
export const agenda = () => {
  const events: Array<{ readonly at: number; readonly f: (now: number) => void }> = []
  const later = (at: number, f: (now: number) => void): void => {
    let low = 0
    for (let high = events.length; low < high; ) {
      const middle = (low + high) >> 1
      if (events[middle]!.at <= at) high = middle
      else low = middle + 1
    }
    events.splice(low, 0, { at, f })
  }
  const until = (end: number): void => {
    for (let next = events.pop(); next !== undefined && next.at < end; next = events.pop()) next.f(next.at)
  }
  return { later, until }
}

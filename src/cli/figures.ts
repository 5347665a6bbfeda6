/** Figures as a person reads them. */

const count = new Intl.NumberFormat("en-US")

export const seconds = (milliseconds: number): string => {
  const whole = Math.round(milliseconds / 1000)
  if (milliseconds < 10_000) return `${(milliseconds / 1000).toFixed(1)} s`
  if (whole < 60) return `${whole} s`
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${whole % 60} s`
    : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

export const number = (value: number): string => count.format(value)

/** How a first try reads a row: split at commas, the default metadata of libphonenumber-js, nothing of the refused kept. */
import { type CountryCode, parsePhoneNumber } from "libphonenumber-js"

export interface Row {
  readonly phoneNumber: string
  readonly reason: string
  readonly expires: string | null
}

const countries: ReadonlyArray<CountryCode | undefined> = ["US", "CA", "GB", "DE", "FR"]

/** The row, or `undefined` where its number is not valid. The columns are phone, reason, expires. */
export const parse = (line: string): Row | undefined => {
  const [cell, reason, expires] = line.split(",")
  try {
    const phone = parsePhoneNumber(cell, "US")
    if (!phone.isValid() || !countries.includes(phone.country)) return undefined
    return { phoneNumber: phone.number, reason, expires: expires === "" ? null : expires }
  } catch {
    return undefined
  }
}

/**
 * Phone numbers of a plainly regular form, faster than by libphonenumber and with its verdicts: the library builds its
 * regular expressions anew for every number; these are the same ones, built once. A test holds the two against each other.
 *
 * @since 0.1.0
 */
import { type CountryCode, Metadata } from "libphonenumber-js/max"

/**
 * A valid number.
 *
 * @since 0.1.0
 * @category models
 */
export interface Phone {
  /** The digits of its E.164 form. */
  readonly digits: string
  readonly country: string
}

/** A cell in E.164 form. */
const international = /^\+[1-9]\d{7,14}$/

/** Ten digits as North Americans write them. */
const national = /^(?:\(([2-9]\d\d)\) ?|([2-9]\d\d)[ .-]?)(\d{3})[ .-]?(\d{4})$/

/**
 * The number that a cell holds, where the cell is of a plainly regular form and the number is valid; `undefined` otherwise,
 * which says nothing about the number.
 *
 * @since 0.1.0
 */
export const plain = (cell: string, defaultCountry: CountryCode): Phone | undefined => {
  if (international.test(cell)) {
    for (let end = 2; end <= 4; end++) {
      const code = planOf(cell.slice(1, end))
      if (code !== undefined) return inPlan(code, cell.slice(1), cell.slice(end))
    }
    return undefined
  }
  const code = defaultCountry === "US" || defaultCountry === "CA" ? planOf("1") : undefined
  const match = code === undefined ? null : national.exec(cell)
  if (code === undefined || match === null) return undefined
  const number = (match[1] ?? match[2]) + match[3] + match[4]
  return inPlan(code, `1${number}`, number)
}

/** One calling code: its countries in the library's order. */
interface Plan {
  /** What the library strips from the front of a national number, and what needs its judgement therefore. */
  readonly prefix: RegExp | undefined
  readonly countries: ReadonlyArray<{
    readonly country: string
    /** Where it is there, it alone tells the country. */
    readonly leadingDigits: RegExp | undefined
    readonly valid: (nationalNumber: string) => boolean
  }>
}

const inPlan = ({ countries, prefix }: Plan, digits: string, nationalNumber: string): Phone | undefined => {
  if (prefix?.test(nationalNumber)) return undefined
  for (const { country, leadingDigits, valid } of countries) {
    const only = countries.length === 1
    if (!only && leadingDigits !== undefined) {
      if (!leadingDigits.test(nationalNumber)) continue
      return valid(nationalNumber) ? { digits, country } : undefined
    }
    if (valid(nationalNumber)) return { digits, country }
    if (only) return undefined
  }
  return undefined
}

/** The parts of the library's metadata that its types leave out. */
interface NumberingPlan {
  readonly nationalNumberPattern: () => string
  readonly nationalPrefixForParsing: () => string | undefined
  readonly leadingDigits: () => string | undefined
  readonly type: (
    type: string
  ) => { readonly pattern: () => string; readonly possibleLengths: () => Array<number> } | undefined
}

interface FullMetadata {
  readonly getCountryCodesForCallingCode: (callingCode: string) => ReadonlyArray<string> | undefined
  readonly selectNumberingPlan: (country: string) => void
  readonly numberingPlan: NumberingPlan
}

const plans = new Map<string, Plan | undefined>()

const planOf = (callingCode: string): Plan | undefined => {
  if (!plans.has(callingCode)) plans.set(callingCode, compile(callingCode))
  return plans.get(callingCode)
}

const compile = (callingCode: string): Plan | undefined => {
  const metadata = new Metadata() as unknown as FullMetadata
  const countries = metadata.getCountryCodesForCallingCode(callingCode)
  if (countries === undefined) return undefined
  metadata.selectNumberingPlan(callingCode)
  const prefix = metadata.numberingPlan.nationalPrefixForParsing()
  return {
    prefix: prefix ? new RegExp(`^(?:${prefix})`) : undefined,
    countries: countries.map((country) => {
      metadata.selectNumberingPlan(country)
      const plan = metadata.numberingPlan
      const leadingDigits = plan.leadingDigits()
      return {
        country,
        leadingDigits: leadingDigits ? new RegExp(`^(?:${leadingDigits})`) : undefined,
        valid: validIn(plan)
      }
    })
  }
}

/** The types of the library; a number of none of them is not valid. */
const types = [
  "FIXED_LINE",
  "MOBILE",
  "PREMIUM_RATE",
  "TOLL_FREE",
  "SHARED_COST",
  "VOIP",
  "PERSONAL_NUMBER",
  "PAGER",
  "UAN",
  "VOICEMAIL"
]

const validIn = (plan: NumberingPlan): ((nationalNumber: string) => boolean) => {
  const whole = new RegExp(`^(?:${plan.nationalNumberPattern()})$`)
  const ofType = types.flatMap((name) => {
    const type = plan.type(name)
    const pattern = type?.pattern()
    return type === undefined || !pattern
      ? []
      : [{ lengths: type.possibleLengths() as Array<number> | undefined, pattern: new RegExp(`^(?:${pattern})$`) }]
  })
  return (nationalNumber) =>
    whole.test(nationalNumber) &&
    ofType.some(
      ({ lengths, pattern }) =>
        (lengths === undefined || lengths.includes(nationalNumber.length)) && pattern.test(nationalNumber)
    )
}

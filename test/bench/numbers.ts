/** Phone numbers alone, from text to a verdict: by the library's tables, or by libphonenumber-js with its full metadata. */
import * as Phone from "genesys-dnc/phone"
import { parsePhoneNumberFromString } from "libphonenumber-js/max"
import * as Child from "./child.js"
import * as Data from "./data.js"

const { task } = Child.begin()
const texts = Data.cells(task.count ?? 0, task.seed ?? 1)
const parser = Phone.parser("US")

const byLibrary = (text: string): boolean =>
  parsePhoneNumberFromString(text, { defaultCountry: "US", extract: false })?.isValid() === true

/** What the tables do not decide, they hand over. */
const byTables = (text: string): boolean => {
  const found = parser.ofText(text)
  return found > 0 || (found < 0 && byLibrary(text))
}

const isValid = task.way === "other" ? byLibrary : byTables
// some first, so that what is measured is compiled
for (let index = 0; index < Math.min(texts.length, 20_000); index++) isValid(texts[index])

const started = Child.mark()
let valid = 0
for (const text of texts) if (isValid(text)) valid++

Child.end(Child.since(started), { rows: texts.length, numbersOnList: valid, requests: 0, stages: {} })

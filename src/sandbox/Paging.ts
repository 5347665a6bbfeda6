/**
 * Pages of a listing, and the filters and orders that the published listings have in common.
 *
 * @since 0.1.0
 */
import * as Route from "./Route.js"

const largestPage = 100

const wholeNumber = (request: Route.Request, name: string, fallback: number, most: number): number | Route.Reply => {
  const text = request.query.get(name)
  if (text === null) return fallback
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (value >= 1 && value <= most) return value
  const words = `The query parameter ${name} must be a whole number from 1 to ${most}.`
  return Route.failure(request, 400, "invalid.query.param.value", words, { violation: true })
}

/**
 * One page of these items; `allowEmptyResult=true` in the query makes an empty page of one that is not there.
 *
 * @since 0.1.0
 * @category constructors
 */
export const page = <Item>(
  request: Route.Request,
  items: ReadonlyArray<Item>,
  render: (item: Item) => unknown
): Route.Reply => {
  const pageSize = wholeNumber(request, "pageSize", 25, largestPage)
  if (typeof pageSize !== "number") return pageSize
  const pageNumber = wholeNumber(request, "pageNumber", 1, 999_999_999)
  if (typeof pageNumber !== "number") return pageNumber
  const pageCount = Math.ceil(items.length / pageSize)
  if (pageNumber > Math.max(pageCount, 1) && request.query.get("allowEmptyResult") !== "true") {
    const words = `There is no page ${pageNumber}: there are ${pageCount}.`
    return Route.failure(request, 400, "invalid.query.param.value", words)
  }
  const uri = (number: number) => {
    const query = new URLSearchParams(request.query)
    query.set("pageSize", String(pageSize))
    query.set("pageNumber", String(number))
    return `${request.path}?${query}`
  }
  return Route.json(200, {
    entities: items.slice((pageNumber - 1) * pageSize, pageNumber * pageSize).map(render),
    pageSize,
    pageNumber,
    total: items.length,
    firstUri: uri(1),
    selfUri: uri(pageNumber),
    lastUri: uri(Math.max(pageCount, 1)),
    ...(pageNumber < pageCount ? { nextUri: uri(pageNumber + 1) } : {}),
    ...(pageNumber > 1 ? { previousUri: uri(pageNumber - 1) } : {}),
    pageCount
  })
}

/** Of a text against what was asked for, both in lower case. */
const comparisons: Readonly<Record<string, (text: string, wanted: string) => boolean>> = {
  Equals: (text, wanted) => text === wanted,
  RegEx: (text, wanted) => new RegExp(wanted, "i").test(text),
  Contains: (text, wanted) => text.includes(wanted),
  Prefix: (text, wanted) => text.startsWith(wanted),
  BeginsWith: (text, wanted) => text.startsWith(wanted),
  EndsWith: (text, wanted) => text.endsWith(wanted),
  LessThan: (text, wanted) => text < wanted,
  LessThanEqualTo: (text, wanted) => text <= wanted,
  GreaterThan: (text, wanted) => text > wanted,
  GreaterThanEqualTo: (text, wanted) => text >= wanted
}

const isPattern = (text: string): boolean => {
  try {
    new RegExp(text)
    return true
  } catch {
    return false
  }
}

/**
 * Whether a name is one that the query's `name` and `filterType` ask for, regardless of case.
 *
 * @since 0.1.0
 */
export const byName = (
  request: Route.Request
): { readonly matches: (name: string) => boolean } | { readonly refusal: Route.Reply } => {
  const wanted = request.query.get("name")
  const filterType = request.query.get("filterType") ?? "Prefix"
  const compare = comparisons[filterType]
  if (compare === undefined || (filterType === "RegEx" && wanted !== null && !isPattern(wanted))) {
    const words = `Value [${filterType}] is not valid for field type [filterType]. Allowable values are: ${Object.keys(comparisons).join(", ")}`
    return { refusal: Route.failure(request, 400, "invalid.query.param.value", words, { violation: true }) }
  }
  if (wanted === null) return { matches: () => true }
  const lower = wanted.toLowerCase()
  return { matches: (name) => compare(name.toLowerCase(), lower) }
}

/**
 * The values of a parameter that may come more than once, or with commas; `undefined` where it does not come at all.
 *
 * @since 0.1.0
 */
export const many = (request: Route.Request, name: string): ReadonlySet<string> | undefined => {
  const values = request.query.getAll(name).flatMap((text) => text.split(","))
  return values.length === 0 ? undefined : new Set(values)
}

/**
 * The items in the order of the query's `sortBy` and `sortOrder`; without them, as they are.
 *
 * @since 0.1.0
 */
export const sort = <Item>(
  request: Route.Request,
  items: ReadonlyArray<Item>,
  fields: Readonly<Record<string, (item: Item) => string | number>>
): ReadonlyArray<Item> => {
  const field = fields[request.query.get("sortBy") ?? ""]
  const isDescending = request.query.get("sortOrder")?.toLowerCase().startsWith("d") ?? false
  const sorted =
    field === undefined
      ? [...items]
      : items.toSorted((one, other) => {
          const [left, right] = [field(one), field(other)]
          return left < right ? -1 : left > right ? 1 : 0
        })
  return isDescending ? sorted.reverse() : sorted
}

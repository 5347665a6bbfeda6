/**
 * The regions of Genesys Cloud and their hosts, as the vendor's SDK 262 lists them.
 *
 * @since 0.1.0
 */

/**
 * AWS region name to domain.
 *
 * @since 0.1.0
 */
export const domains: Readonly<Record<string, string>> = {
  "us-east-1": "mypurecloud.com",
  "us-east-2": "use2.us-gov-pure.cloud",
  "us-west-2": "usw2.pure.cloud",
  "ca-central-1": "cac1.pure.cloud",
  "mx-central-1": "mxc1.pure.cloud",
  "sa-east-1": "sae1.pure.cloud",
  "eu-west-1": "mypurecloud.ie",
  "eu-west-2": "euw2.pure.cloud",
  "eu-central-1": "mypurecloud.de",
  "eu-central-2": "euc2.pure.cloud",
  "eusc-de-east-1": "edee1.eusc-pure.cloud",
  "me-central-1": "mec1.pure.cloud",
  "ap-south-1": "aps1.pure.cloud",
  "ap-southeast-1": "apse1.pure.cloud",
  "ap-southeast-2": "mypurecloud.com.au",
  "ap-northeast-1": "mypurecloud.jp",
  "ap-northeast-2": "apne2.pure.cloud",
  "ap-northeast-3": "apne3.pure.cloud"
}

/**
 * The hosts of a region given by AWS name (with underscores too, as the vendor's CLI writes some), by domain, or by one of
 * the domain's own hosts (`https://api.mypurecloud.de/`); `undefined` where there is no such region.
 *
 * @since 0.1.0
 */
export const hosts = (region: string): { readonly apiUrl: string; readonly loginUrl: string } | undefined => {
  const name = plain(region)
  const awsName = name.replaceAll("_", "-")
  const domain =
    (Object.hasOwn(domains, awsName) ? domains[awsName] : undefined) ??
    Object.values(domains).find((other) => other === name.replace(/^(?:api|login|apps)\./, ""))
  return domain === undefined ? undefined : { apiUrl: `https://api.${domain}`, loginUrl: `https://login.${domain}` }
}

/**
 * What to tell somebody whose region does not exist: what may have been meant, and what there is.
 *
 * @since 0.1.0
 */
export const explainUnknown = (region: string): string => {
  const name = plain(region)
  const invented = /(?:^|\.)(genesyscloud\.com|genesys\.cloud)$/.exec(name)?.[1]
  const nearest = invented === undefined ? nearestTo(name) : undefined
  return [
    ...(invented === undefined ? [] : [`No region's hosts are below ${invented}, whatever some pages say.`]),
    ...(nearest === undefined ? [] : [`Did you mean ${nearest}?`]),
    `Use an AWS name or a domain: ${Object.entries(domains)
      .map(([name, domain]) => `${name} (${domain})`)
      .join(", ")}.`
  ].join(" ")
}

/** Without scheme, port and path. */
const plain = (region: string): string =>
  region
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, "")
    .replace(/(?::\d+)?(?:\/.*)?$/s, "")

const nearestTo = (name: string): string | undefined => {
  const bare = name.replace(/^(?:api|login|apps)\./, "").replaceAll("_", "-")
  const [nearest] = Object.entries(domains)
    .flat()
    .map((known) => [known, distance(bare, known)] as const)
    .sort(([, a], [, b]) => a - b)
  return nearest[1] <= Math.min(3, bare.length / 3) ? nearest[0] : undefined
}

/** Letters to change, add or leave out. */
const distance = (one: string, other: string): number => {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i)
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[other.length]
}

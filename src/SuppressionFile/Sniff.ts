/**
 * What a file is, told from its first bytes.
 *
 * @since 0.1.0
 */
import type { Kind } from "../DncEntry.js"
import { fieldOf } from "./Header.js"

const magic: ReadonlyArray<readonly [hex: string, what: string, todo: string]> = [
  ["1f8b", "is compressed with gzip", "Decompress it first: gunzip -c FILE | genesys-dnc … -"],
  ["504b0304", "is a ZIP archive or an Excel workbook (.xlsx)", "Unpack it, or in Excel save it as “CSV UTF-8”."],
  ["d0cf11e0", "is an old Excel workbook (.xls)", "In Excel save it as “CSV UTF-8”."],
  ["425a68", "is compressed with bzip2", "Decompress it first."],
  ["28b52ffd", "is compressed with zstd", "Decompress it first."],
  ["fd377a585a00", "is compressed with xz", "Decompress it first."],
  ["25504446", "is a PDF document", "Export the numbers as CSV in UTF-8."]
]

const toUtf8 = "Convert it to UTF-8: save it as “CSV UTF-8” in Excel, or iconv -f UTF-16 -t UTF-8."

/**
 * Says what the bytes are if they are no UTF-8 text, and what to do.
 *
 * @since 0.1.0
 * @category sniffing
 */
export const notText = (bytes: Buffer): { readonly what: string; readonly hint: string } | undefined => {
  const hex = bytes.subarray(0, 8).toString("hex")
  if (hex.startsWith("fffe") || hex.startsWith("feff")) return { what: "is UTF-16 text, not UTF-8", hint: toUtf8 }
  const known = magic.find(([prefix]) => hex.startsWith(prefix))
  if (known !== undefined) return { what: known[1], hint: known[2] }
  if (!bytes.includes(0)) return undefined
  let even = 0
  let odd = 0
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === 0) i % 2 === 0 ? even++ : odd++
  }
  // A few are damage: whoever reads on says on which line.
  if (even + odd < bytes.length / 20) return undefined
  const share = Math.max(even, odd) / (bytes.length / 2)
  return share > 0.6 && Math.min(even, odd) < Math.max(even, odd) / 4
    ? { what: "looks like UTF-16 text without a byte order mark, not UTF-8", hint: toUtf8 }
    : { what: "looks binary: it holds NUL bytes", hint: "Save the numbers as CSV in UTF-8." }
}

const candidates = [",", ";", "\t", "|"]

/**
 * The delimiter of a header, outside quotes: the one that leaves a column of the kind, else the one most used.
 *
 * @since 0.1.0
 * @category sniffing
 */
export const delimiter = (text: string, phoneColumn?: string | number, kind: Kind = "phone"): string => {
  const isPhoneColumn = (name: string) =>
    typeof phoneColumn === "string"
      ? name.toLowerCase() === phoneColumn.trim().toLowerCase()
      : fieldOf(name, kind) === "phoneNumber"
  const head = text.replace(/^\s*[\r\n]/, "")
  let quoted = false
  let end = 0
  let header = ""
  for (; end < head.length; end++) {
    const char = head[end]
    if (char === '"') quoted = !quoted
    else if (!quoted && (char === "\n" || char === "\r")) break
    else header += quoted ? (candidates.includes(char) ? " " : char) : char
  }
  if (quoted) header = head.slice(0, head.search(/[\r\n]|$/))
  const counted = candidates
    .map((candidate) => ({ candidate, count: header.split(candidate).length - 1 }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
  const mapping = counted.find(({ candidate }) => header.split(candidate).some((name) => isPhoneColumn(name.trim())))
  return (mapping ?? counted[0])?.candidate ?? ","
}

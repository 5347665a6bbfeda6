/** The words of the command line, put so that the parser understands what people write. */

const withoutValue = [
  "--json",
  "--dry-run",
  "--no-header",
  "--strict-reasons",
  "--help",
  "--verify",
  "--yes",
  "--fresh",
  "--allow-rejects",
  "--allow-shorten",
  "--no-purge"
]

const withFiles = ["push", "remove", "sync", "validate"]

/** `--name=value` as two words. */
const split = (word: string): ReadonlyArray<string> => /^(--[a-z][a-z-]*)=(.*)$/s.exec(word)?.slice(1) ?? [word]

/**
 * The parser knows `--name=value` only before the first file, no option behind a `-`, an option that is repeated only side
 * by side, and takes a file `a=b.csv` behind `--reason` for a reason. So options go first, and files behind `--`.
 */
export const arrange = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (!withFiles.includes(words[0])) return words.flatMap(split)
  const reasons: Array<string> = []
  const options: Array<string> = []
  const files: Array<string> = []
  for (let i = 1; i < words.length; i++) {
    if (words[i] === "--") {
      files.push(...words.slice(i + 1))
      break
    }
    const [name, ...value] = split(words[i] === "-h" ? "--help" : words[i])
    if (!name.startsWith("--")) {
      files.push(name)
      continue
    }
    if (value.length === 0 && !withoutValue.includes(name)) value.push(...words.slice(++i, i + 1))
    const to = name === "--reason" ? reasons : options
    to.push(name, ...value)
  }
  return [words[0], ...reasons, ...options, ...(files.length === 0 ? [] : ["--", ...files])]
}

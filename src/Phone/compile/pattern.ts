/**
 * The regular expressions of numbering plans, as programs for a machine of many threads. They know digits, classes, groups,
 * alternatives, bounded repetition and `$`; whatever else one held would be refused here, when the tables are made.
 */

/** A step of a thread; what it does not consume it passes at once. */
export type Instruction =
  /** One digit, of those whose bit is set. */
  | { readonly op: "digit"; readonly set: number }
  /** Goes on at both places; the first has precedence. */
  | { readonly op: "split"; readonly first: number; readonly second: number }
  | { readonly op: "jump"; readonly to: number }
  /** Keeps the position: of group n, its start under 2n and its end under 2n+1. */
  | { readonly op: "save"; readonly slot: number }
  /** Only where the digits end. */
  | { readonly op: "end" }
  | { readonly op: "match" }

export interface Program {
  readonly instructions: ReadonlyArray<Instruction>
  readonly groups: number
}

type Node =
  | { readonly kind: "digit"; readonly set: number }
  | { readonly kind: "end" }
  | { readonly kind: "all"; readonly of: ReadonlyArray<Node> }
  | { readonly kind: "any"; readonly of: ReadonlyArray<Node> }
  | { readonly kind: "group"; readonly index: number; readonly of: Node }
  | { readonly kind: "repeat"; readonly least: number; readonly most: number; readonly of: Node }

const everyDigit = 0b11_1111_1111

export const program = (source: string): Program => {
  const { groups, node } = parse(source)
  const instructions: Array<Instruction> = []
  emit(node, instructions)
  instructions.push({ op: "match" })
  return { instructions, groups }
}

const parse = (source: string): { readonly node: Node; readonly groups: number } => {
  let at = 0
  let groups = 0
  const refuse = (): never => {
    throw new Error(`The pattern ${source} holds something unknown at ${at}: ${source.slice(at, at + 10)}`)
  }
  const take = (text: string): boolean => {
    if (!source.startsWith(text, at)) return false
    at += text.length
    return true
  }
  const expect = (text: string): void => {
    if (!take(text)) refuse()
  }
  const digit = (): number => (/^\d$/.test(source[at] ?? "") ? Number(source[at++]) : refuse())

  const alternatives = (): Node => {
    const of = [sequence()]
    while (take("|")) of.push(sequence())
    return of.length === 1 ? of[0] : { kind: "any", of }
  }
  const sequence = (): Node => {
    const of: Array<Node> = []
    while (at < source.length && source[at] !== "|" && source[at] !== ")") of.push(repeated(atom()))
    return { kind: "all", of }
  }
  const atom = (): Node => {
    if (take("\\d")) return { kind: "digit", set: everyDigit }
    if (take("$")) return { kind: "end" }
    if (take("[")) return { kind: "digit", set: members() }
    if (take("(?:")) return inner()
    if (take("(")) {
      const index = ++groups
      return { kind: "group", index, of: inner() }
    }
    return { kind: "digit", set: 1 << digit() }
  }
  const inner = (): Node => {
    const node = alternatives()
    expect(")")
    return node
  }
  const members = (): number => {
    let set = 0
    do {
      if (take("\\d")) set |= everyDigit
      else {
        const from = digit()
        const to = take("-") ? digit() : from
        for (let each = from; each <= to; each++) set |= 1 << each
      }
    } while (!take("]"))
    return set
  }
  const repeated = (of: Node): Node => {
    if (take("?")) return optional(0, 1, of)
    const [text, least, most] = /^\{(\d+)(?:,(\d+))?\}/.exec(source.slice(at)) ?? []
    if (text === undefined) return of
    at += text.length
    return optional(Number(least), Number(most ?? least), of)
  }
  /** JavaScript takes no turn that reads nothing; those would need a rule of their own here. */
  const optional = (least: number, most: number, of: Node): Node => {
    if (least < most && canBeEmpty(of)) throw new Error(`The pattern ${source} repeats at will what can be empty`)
    return { kind: "repeat", least, most, of }
  }

  const node = alternatives()
  if (at < source.length) refuse()
  return { node, groups }
}

const canBeEmpty = (node: Node): boolean => {
  switch (node.kind) {
    case "digit":
      return false
    case "end":
      return true
    case "all":
      return node.of.every(canBeEmpty)
    case "any":
      return node.of.some(canBeEmpty)
    case "group":
      return canBeEmpty(node.of)
    case "repeat":
      return node.least === 0 || canBeEmpty(node.of)
  }
}

const emit = (node: Node, into: Array<Instruction>): void => {
  switch (node.kind) {
    case "digit":
      into.push({ op: "digit", set: node.set })
      return
    case "end":
      into.push({ op: "end" })
      return
    case "all":
      for (const each of node.of) emit(each, into)
      return
    case "group":
      into.push({ op: "save", slot: 2 * node.index })
      emit(node.of, into)
      into.push({ op: "save", slot: 2 * node.index + 1 })
      return
    case "any": {
      const ends: Array<number> = []
      for (const each of node.of.slice(0, -1)) {
        const split = into.push({ op: "match" }) - 1
        emit(each, into)
        ends.push(into.push({ op: "match" }) - 1)
        into[split] = { op: "split", first: split + 1, second: into.length }
      }
      emit(node.of[node.of.length - 1], into)
      for (const end of ends) into[end] = { op: "jump", to: into.length }
      return
    }
    case "repeat": {
      for (let each = 0; each < node.least; each++) emit(node.of, into)
      const splits: Array<number> = []
      for (let each = node.least; each < node.most; each++) {
        splits.push(into.push({ op: "match" }) - 1)
        emit(node.of, into)
      }
      for (const split of splits) into[split] = { op: "split", first: split + 1, second: into.length }
      return
    }
  }
}

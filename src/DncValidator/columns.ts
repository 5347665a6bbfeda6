/**
 * The columns of a block as the rules look at them: by their bytes where there are some, else by their texts.
 *
 * @since 0.1.0
 */
import { type RowBlock, rowFields } from "../DncEntry.js"
import * as Plain from "../SuppressionFile/Plain.js"
import type { Memo } from "./memo.js"
import type { Judge } from "./phone.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Column {
  readonly isEmpty: (i: number) => boolean
  readonly text: (i: number) => string
  /** What a memo knows of a cell. */
  readonly know: <A>(memo: Memo<A>, i: number) => A
  /** The number in a cell, as {@link Judge.ofText} has it. */
  readonly number: (judge: Judge, i: number) => number
}

/**
 * The columns in the order of `rowFields`; one that a block does not have is empty.
 *
 * @since 0.1.0
 */
export const columnsOf = (block: RowBlock): ReadonlyArray<Column> => {
  const plain = Plain.of(block)
  if (plain === undefined) return rowFields.map((name) => ofTexts(block[name]))
  const view = new DataView(plain.bytes.buffer, plain.bytes.byteOffset, plain.bytes.length)
  return rowFields.map((_, field) => {
    const [from, to] = [plain.from[field], plain.to[field]]
    return from === undefined || to === undefined ? ofTexts(undefined) : ofBytes(plain, view, field, from, to)
  })
}

const ofTexts = (cells: ArrayLike<string> | undefined): Column => ({
  isEmpty: (i) => cells === undefined || cells[i] === "",
  text: (i) => cells?.[i] ?? "",
  know: (memo, i) => memo.ofText(cells?.[i] ?? ""),
  number: (judge, i) => judge.ofText(cells?.[i] ?? "")
})

const ofBytes = (
  { bytes, cell }: Plain.Plain,
  view: DataView,
  field: number,
  from: Uint32Array,
  to: Uint32Array
): Column => ({
  isEmpty: (i) => from[i] === to[i],
  text: (i) => cell(field, i),
  know: (memo, i) => memo.ofBytes(view, from[i], to[i]),
  number: (judge, i) => judge.ofBytes(bytes, from[i], to[i])
})

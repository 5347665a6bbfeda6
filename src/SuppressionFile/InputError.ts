/**
 * Why an input cannot be read as a whole; a single bad row is a reject instead.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * What is wrong with the input, for programs.
 *
 * @since 0.1.0
 * @category models
 */
export const InputErrorReason = Schema.Literal(
  "NotFound",
  "NotAFile",
  "Unreadable",
  "Empty",
  "Encoding",
  "Header",
  "UnclosedQuote",
  "TooLong",
  "Changed",
  "Read"
)

/**
 * @since 0.1.0
 * @category models
 */
export type InputErrorReason = typeof InputErrorReason.Type

/**
 * An input that cannot be trusted to yield every row it holds. `message` names the input and, where known, the line.
 *
 * @since 0.1.0
 * @category errors
 */
export class InputError extends Schema.TaggedError<InputError>("genesys-dnc/InputError")("InputError", {
  message: Schema.String,
  /** What the reader can do about it. */
  hint: Schema.String,
  reason: InputErrorReason,
  /** As given: `-` for standard input. */
  path: Schema.String,
  /** The physical line, from 1. */
  line: Schema.optional(Schema.Number),
  cause: Schema.optional(Schema.Defect)
}) {}

/**
 * The input as people know it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Named {
  /** The path as given, or "standard input". */
  readonly name: string
  readonly path: string
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const inputError = (
  input: Named,
  reason: InputErrorReason,
  what: string,
  hint: string,
  at: { readonly line?: number | undefined; readonly cause?: unknown } = {}
): InputError =>
  new InputError({
    message: at.line === undefined ? `${input.name} ${what}` : `${input.name}, line ${at.line}: ${what}`,
    hint,
    reason,
    path: input.path,
    line: at.line,
    cause: at.cause
  })

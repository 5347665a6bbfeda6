/**
 * What goes wrong with a file that is written.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * A file that could not be written.
 *
 * @since 0.1.0
 * @category errors
 */
export class OutputError extends Schema.TaggedError<OutputError>("genesys-dnc/OutputError")("OutputError", {
  message: Schema.String,
  /** What the reader can do about it. */
  hint: Schema.String,
  path: Schema.String,
  /** `Path`: it is no place for an output, which shows before anything is read; `Write`: it went wrong later. */
  reason: Schema.Literal("Path", "Write"),
  cause: Schema.optional(Schema.Defect)
}) {}

/**
 * Writes, and says what a failure means.
 *
 * @since 0.1.0
 */
export const attempt = <A>(path: string, operation: () => Promise<A>): Effect.Effect<A, OutputError> =>
  Effect.tryPromise({
    try: operation,
    catch: (cause) =>
      new OutputError({
        message: `${path} cannot be written (${(cause as NodeJS.ErrnoException).code ?? cause})`,
        hint: "Check the folder, its permissions and the space on the disk, or name another path.",
        path,
        reason: "Write",
        cause
      })
  })

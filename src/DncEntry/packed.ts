/**
 * Numbers of a batch as bytes, as they are hashed and sent. Strings are made of them once somebody asks for `phoneNumbers`:
 * five hundred strings of each batch that is in the air are what the collector of garbage spends its time on.
 *
 * @since 0.1.0
 */

/**
 * Between two strings of a JSON array.
 *
 * @since 0.1.0
 */
export const quoted = '","'

/**
 * Numbers in E.164 form, or what stands for them (ASCII that JSON needs not escape), one a line.
 *
 * @since 0.1.0
 * @category models
 */
export interface Packed {
  readonly lines: Buffer
  /** How many. */
  readonly length: number
}

/**
 * Such that come into being where they are wanted, as what is copied from somewhere else is garbage there: so many bytes,
 * with {@link quoted} between the numbers.
 *
 * @since 0.1.0
 * @category models
 */
export interface Unwritten {
  readonly bytes: number
  readonly write: (to: Buffer, at: number) => void
  /** How many numbers. */
  readonly length: number
}

const packed = new WeakMap<object, Packed | Unwritten>()
const texts = new WeakMap<Packed | Unwritten, ReadonlyArray<string>>()

/**
 * The numbers as strings, which are made once.
 *
 * @since 0.1.0
 */
export const textsOf = (numbers: Packed | Unwritten): ReadonlyArray<string> => {
  const made = texts.get(numbers) ?? (numbers.length === 0 ? [] : split(numbers))
  texts.set(numbers, made)
  return made
}

const split = (numbers: Packed | Unwritten): ReadonlyArray<string> => {
  if ("lines" in numbers) return numbers.lines.toString("latin1").split("\n")
  const bytes = Buffer.allocUnsafe(numbers.bytes)
  numbers.write(bytes, 0)
  return bytes.toString("latin1").split(quoted)
}

/** One function for all, as V8 makes a hidden class for each other one. A spread copies what it gives. */
const phoneNumbers: PropertyDescriptor = {
  enumerable: true,
  get(this: object) {
    return textsOf(packed.get(this)!)
  }
}

/**
 * The object with these numbers as its `phoneNumbers`. Copies of it have the strings alone.
 *
 * @since 0.1.0
 * @category constructors
 */
export const withNumbers = <A extends object>(
  object: A,
  numbers: Packed | Unwritten
): A & { readonly phoneNumbers: ReadonlyArray<string> } => {
  packed.set(object, numbers)
  return Object.defineProperty(object, "phoneNumbers", phoneNumbers) as A & {
    readonly phoneNumbers: ReadonlyArray<string>
  }
}

/**
 * The numbers of an object that has them as bytes.
 *
 * @since 0.1.0
 */
export const packedOf = (object: object): Packed | undefined => {
  const numbers = packed.get(object)
  return numbers !== undefined && "lines" in numbers ? numbers : undefined
}

/**
 * How many `phoneNumbers` there are.
 *
 * @since 0.1.0
 */
export const sizeOf = (object: { readonly phoneNumbers: ReadonlyArray<string> }): number =>
  packed.get(object)?.length ?? object.phoneNumbers.length

/** A plus sign and 15 digits, and the end of the line. */
const longestLine = 17

/**
 * Integers from 1 to 10^15 (without it) as numbers in E.164 form.
 *
 * @since 0.1.0
 * @category constructors
 */
export const pack = (numbers: Float64Array): Packed => {
  const bytes = Buffer.allocUnsafe(longestLine * numbers.length)
  let end = 0
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]
    const high = Math.floor(number / 1e7)
    const digits = high === 0 ? countDigits(number) : 7 + countDigits(high)
    bytes[end] = plus
    const low = writeDigits(bytes, end + digits, number - high * 1e7, high === 0 ? digits : 7)
    if (high > 0) writeDigits(bytes, low, high, digits - 7)
    end += 1 + digits
    bytes[end++] = newline
  }
  return { lines: bytes.subarray(0, Math.max(0, end - 1)), length: numbers.length }
}

/**
 * Gives so many bytes of memory.
 *
 * @since 0.1.0
 * @category models
 */
export type Allocate = (size: number) => Buffer

/**
 * The JSON of an object with an array of these numbers: what stands `before` them, with its opening bracket, and `after` them.
 * Behind it there are `room` bytes more in the same memory.
 *
 * @since 0.1.0
 */
export const toJson = (
  before: string,
  numbers: Packed | Unwritten,
  after: string,
  room = 0,
  allocate: Allocate = Buffer.allocUnsafe
): Buffer => {
  const { length } = numbers
  const size = "write" in numbers ? numbers.bytes : numbers.lines.length + 2 * length
  const bytes = allocate(3 * (before.length + after.length) + size + 2 + room)
  let at = bytes.write(before, "utf8")
  if (length > 0) bytes[at++] = quote
  at = writeNumbers(bytes, at, numbers)
  if (length > 0) bytes[at++] = quote
  at += bytes.write(after, at, "utf8")
  return bytes.subarray(0, at)
}

/** Returns where what comes next goes. */
const writeNumbers = (bytes: Buffer, at: number, numbers: Packed | Unwritten): number => {
  if ("write" in numbers) {
    numbers.write(bytes, at)
    return at + numbers.bytes
  }
  return writeQuoted(bytes, at, numbers.lines)
}

/** Quotes and a comma take the place of the end of a line; returns where what comes next goes. */
const writeQuoted = (bytes: Uint8Array, at: number, lines: Uint8Array): number => {
  for (let i = 0; i < lines.length; i++) {
    const byte = lines[i]
    if (byte === newline) {
      bytes[at++] = quote
      bytes[at++] = comma
      bytes[at++] = quote
    } else bytes[at++] = byte
  }
  return at
}

const [newline, quote, plus, comma] = [0x0a, 0x22, 0x2b, 0x2c]

/** Of an integer from 0 to 10^8. */
const countDigits = (integer: number): number => {
  let digits = 1
  for (let bound = 10; integer >= bound; bound *= 10) digits++
  return digits
}

/** `00` to `99`, one behind the other: two digits are written for one division. */
const pairs = Buffer.from(Array.from({ length: 100 }, (_, pair) => String(pair).padStart(2, "0")).join(""))

/** Writes so many digits of a 32-bit integer, the last one at `at`; returns where the next one to the left goes. */
const writeDigits = (bytes: Uint8Array, at: number, integer: number, digits: number): number => {
  let left = digits
  for (; left > 1; left -= 2) {
    const rest = (integer / 100) | 0
    const pair = (integer - rest * 100) << 1
    bytes[at--] = pairs[pair + 1]
    bytes[at--] = pairs[pair]
    integer = rest
  }
  if (left === 1) bytes[at--] = 48 + (integer % 10)
  return at
}

/**
 * What others have worded (a server, a file of rows, who named a list or a file) on its way to a terminal, which would obey
 * the control characters in it, and show what is written from right to left in another order.
 */

/** C0, C1 and DEL, line separators, and what changes the direction of writing. */
const obeyed = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/** One line. */
export const printable = (text: string): string => text.replace(obeyed, " ")

/** Lines of ours, with others' words in them. */
export const printableLines = (text: string): string =>
  text.replace(obeyed, (character) => (character === "\n" ? character : " "))

/** A value as a program reads it: one line of JSON, which says the same without the characters themselves. */
export const jsonLine = (value: unknown): string =>
  `${JSON.stringify(value).replace(obeyed, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)}\n`

/** Text for the pages that are written. */

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

/** For HTML, between tags or in an attribute's quotes. */
export const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character])

/**
 * HTML as a template whose every value is text: nothing a stranger wrote becomes markup, turns the
 * writing direction of what stands beside it, or hides.
 */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Value = string | number | Markup | undefined | false | ReadonlyArray<Value>

const names: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
}

/**
 * Shown as a mark: control characters, those that override the writing direction, invisible ones, and the
 * tag characters that people cannot see and machines read.
 */
const unseen =
  // deno-lint-ignore no-control-regex -- these are what it is about
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu

export const inert = (text: string): string => text.replaceAll("\r", "").replace(unseen, "\ufffd")

export const escaped = (text: string): string =>
  inert(text).replace(/[&<>"']/g, (one) => names[one] ?? one)

const written = (value: Value): string => {
  if (value === undefined || value === false) return ""
  if (value instanceof Markup) return value.text
  if (typeof value === "string") return escaped(value)
  if (typeof value === "number") return String(value)
  return value.map(written).join("")
}

export const html = (parts: TemplateStringsArray, ...values: ReadonlyArray<Value>): Markup =>
  new Markup(parts.map((part, i) => part + written(values[i])).join(""))

/** Text with all its spaces and line ends, whatever a formatter does to the template around it. */
export const verbatim = (element: "div" | "p" | "pre", name: string, text: string): Markup =>
  new Markup(`<${element} class="${escaped(name)}" dir="auto">${escaped(text)}</${element}>`)

/** The line end after the tag is HTML's own: it is no part of the text. */
export const textarea = (id: string, name: string, text: string): Markup =>
  new Markup(
    `<textarea id="${escaped(id)}" name="${escaped(name)}" rows="10" required>\n${
      escaped(text)
    }</textarea>`,
  )

export const nothing = new Markup("")

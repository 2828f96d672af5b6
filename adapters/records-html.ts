/** HTML of strangers as plain text: read once from left to right, nothing in it is followed or run. */

const htmlCharsMax = 1024 * 1024

const named: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  ndash: "–",
  mdash: "—",
  hellip: "…",
  lsquo: "‘",
  rsquo: "’",
  ldquo: "“",
  rdquo: "”",
  laquo: "«",
  raquo: "»",
  bull: "•",
  middot: "·",
  copy: "©",
  reg: "®",
  trade: "™",
  euro: "€",
  pound: "£",
  auml: "ä",
  ouml: "ö",
  uuml: "ü",
  Auml: "Ä",
  Ouml: "Ö",
  Uuml: "Ü",
  szlig: "ß",
  eacute: "é",
  egrave: "è",
  agrave: "à",
  ccedil: "ç",
  times: "×",
  deg: "°",
}

const character = (code: number): string =>
  code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
    ? String.fromCodePoint(code)
    : "\ufffd"

const decodeEntities = (text: string): string =>
  text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z]{2,8}));/g,
    (written: string, decimal?: string, hex?: string, name?: string) =>
      decimal !== undefined
        ? character(Number(decimal))
        : hex !== undefined
        ? character(parseInt(hex, 16))
        : named[name ?? ""] ?? written,
  )

const blocks = new Set(
  ("p,div,br,hr,li,ul,ol,dl,dt,dd,h1,h2,h3,h4,h5,h6,tr,table,blockquote,pre,section,article,header," +
    "footer,figure,figcaption,td,th").split(","),
)
/** What stands in these is no text. */
const hidden = new Set([
  "script",
  "style",
  "template",
  "noscript",
  "head",
  "svg",
  "object",
  "iframe",
])

/** Text of HTML; of plain text itself. */
export const plainText = (html: string): string => {
  const source = html.slice(0, htmlCharsMax)
  if (!/[<&]/.test(source)) return source.replace(/[ \t\u00a0]+/g, " ").trim()
  const lower = source.toLowerCase()
  const out: Array<string> = []
  let at = 0
  while (at < source.length) {
    const open = source.indexOf("<", at)
    if (open < 0) {
      out.push(source.slice(at))
      break
    }
    out.push(source.slice(at, open))
    if (source.startsWith("<!--", open)) {
      const end = source.indexOf("-->", open + 4)
      at = end < 0 ? source.length : end + 3
      continue
    }
    const name = /^<[/!?]?([a-zA-Z][a-zA-Z0-9]{0,20})/.exec(source.slice(open, open + 24))?.[1]
      ?.toLowerCase()
    if (name === undefined) {
      out.push("<")
      at = open + 1
      continue
    }
    const close = source.indexOf(">", open)
    if (close < 0) break
    at = close + 1
    const closes = source[open + 1] === "/"
    if (name === "li") out.push(closes ? "" : "\n- ")
    else if (blocks.has(name)) out.push("\n")
    if (hidden.has(name) && !closes && source[close - 1] !== "/") {
      const end = lower.indexOf(`</${name}`, at)
      const after = end < 0 ? -1 : source.indexOf(">", end)
      at = after < 0 ? source.length : after + 1
    }
  }
  return decodeEntities(out.join("")).replace(/[ \t\u00a0]+/g, " ").replace(/ ?\n ?/g, "\n")
    .replace(/\n{3,}/g, "\n\n").trim()
}

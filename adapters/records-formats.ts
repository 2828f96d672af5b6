/**
 * Tells what a file is by its first bytes, and in which encoding. A name decides nothing; it may only keep
 * a program from being taken for a note.
 */
import type { Buffer } from "node:buffer"
import type { RecordFormat } from "../actors/record-reader.ts"
import { cellsOf, normaliseColumn } from "./records-csv.ts"
import { startsLikeCalendar } from "./records-calendar.ts"
import { startsLikeFeed } from "./records-feed.ts"
import { startsLikeJson, startsLikeLines as startsLikeJsonLines } from "./records-json.ts"
import { startsLikeLines } from "./records-lines-csv.ts"
import { startsLikeMail } from "./records-mail.ts"
import { startsLikeMarkdown } from "./records-markdown.ts"
import { startsLikeMbox } from "./records-mbox.ts"
import { startsLikeMessages } from "./records-messages-csv.ts"
import { listOf } from "./records-people-csv.ts"

/** How much of a file its format is told from. */
export const headBytesMax = 64 * 1024
/** Zero bytes in so many first ones say that a file is no text. */
const binaryBytesLooked = 4096

const utf16 = (encoding: string) => encoding.startsWith("utf-16")

const encodingOf = (head: Buffer, whole: boolean): string => {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le"
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be"
  if (head.length >= 4 && head[0] !== 0 && head[1] === 0 && head[2] !== 0 && head[3] === 0) {
    return "utf-16le"
  }
  if (head.length >= 4 && head[0] === 0 && head[1] !== 0 && head[2] === 0 && head[3] !== 0) {
    return "utf-16be"
  }
  const declared = /^(?:\xef\xbb\xbf)?\s*<\?xml[^>]{0,100}encoding=["']([A-Za-z0-9_.:-]{1,40})["']/
    .exec(head.toString("latin1", 0, 300))?.[1]?.toLowerCase()
  if (declared !== undefined && declared !== "utf-8" && !utf16(declared)) {
    try {
      return new TextDecoder(declared).encoding
    } catch {
      // A name that nobody knows: its bytes say more.
    }
  }
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: !whole })
    return "utf-8"
  } catch {
    return "windows-1252"
  }
}

/** Tables that are no records here, known by their header: what they are and what to do. */
const adviceOf = (text: string): string | undefined => {
  const names = (cellsOf(text.slice(0, 16_384).split(/\r?\n/, 1)[0] ?? "", ",") ?? [])
    .map(normaliseColumn)
  const has = (...wanted: ReadonlyArray<string>) => wanted.every((name) => names.includes(name))
  const own =
    "AIOS's own export: AIOS has what is in it (to bring a company back, use aios restore)"
  if (
    has("payment", "kind", "status", "amount", "of", "system") ||
    has("number", "status", "total", "paidon", "system", "source") ||
    has("date", "direction", "from", "to", "text", "conversation") ||
    /^\ufeff?---\r?\n(?:[^\n]*\n){0,100}?aios: export\r?\n/.test(text)
  ) return own
  const money = names.some((name) => /^(?:amount|amountdue|total)$/.test(name)) && has("currency")
  const dated = names.some((name) => /^(?:created|createddate|date)utc$/.test(name))
  return money && dated && names[0] === "id"
    ? "a CSV export of Stripe's dashboard: AIOS reads Stripe's objects, as JSON. With Stripe's own " +
      "command line, `stripe charges list --limit 100 > charges.json` and `stripe invoices list " +
      "--limit 100 > invoices.json` write them; import those files"
    : undefined
}

export interface Recognised {
  readonly format: RecordFormat
  /** Label for TextDecoder. */
  readonly encoding: string
  readonly json: boolean
  /** JSON with a value on each line. */
  readonly jsonLines: boolean
}

/** Objects whose kind Stripe writes in `object`. */
const stripe =
  /"object"\s*:\s*"(?:list|event|invoice|charge|payment_intent|refund|dispute|customer|invoice_payment|credit_note|account|balance|balance_transaction|subscription|price|product|plan|payment_method|invoiceitem|line_item|payout|search_result|checkout\.session|setup_intent|card|source)"/
const salesforce =
  /"attributes"\s*:\s*\{[^{}]*"(?:type|referenceId|url)"\s*:|"totalSize"\s*:\s*\d+|"nextRecordsUrl"\s*:/

const jsonFormat = (text: string): RecordFormat | undefined =>
  startsLikeFeed(text)
    ? "feed"
    : salesforce.test(text)
    ? "salesforce"
    : stripe.test(text)
    ? "stripe"
    : undefined

/** `whole`: the head is all there is. Undefined: no format we know. */
export const recognise = (head: Buffer, whole: boolean, name: string): Recognised | undefined => {
  if (head.length === 0) return undefined
  if (startsLikeMbox(head)) {
    return { format: "mbox", encoding: "utf-8", json: false, jsonLines: false }
  }
  const encoding = encodingOf(head, whole)
  const as = (format: RecordFormat, json = false, jsonLines = false): Recognised => ({
    format,
    encoding,
    json,
    jsonLines,
  })
  const text = new TextDecoder(encoding).decode(head, { stream: true })
  if (startsLikeCalendar(text)) return as("calendar")
  if (startsLikeJson(text)) {
    const format = jsonFormat(text)
    if (format !== undefined) return as(format, true, startsLikeJsonLines(text))
    return undefined
  }
  if (startsLikeFeed(text)) return as("feed")
  if (adviceOf(text) !== undefined) return undefined
  const binary = !utf16(encoding) && head.subarray(0, binaryBytesLooked).includes(0)
  if (startsLikeMail(head)) return as("eml")
  if (binary) return undefined
  // A text about lists may quote their headers; no list begins with a heading.
  if (/^\s*#{1,6} \S/.test(text) && startsLikeMarkdown(text, name)) return as("markdown")
  if (startsLikeLines(text)) return as("invoice lines")
  if (startsLikeMessages(text)) return as("linkedin messages")
  // A front matter is not mistaken for a header; other Markdown may have lines with commas in it.
  const list = /^\s*---[ \t]*\r?\n/.test(text) ? undefined : listOf(text)
  if (list !== undefined) return as(list)
  return startsLikeMarkdown(text, name) ? as("markdown") : undefined
}

const packed: ReadonlyArray<readonly [magic: string, advice: string]> = [
  ["504b0304", "a ZIP archive or an Office document: unpack it, or export the sheet as CSV"],
  ["504b0506", "an empty ZIP archive: export it again"],
  ["1f8b", "packed with gzip: unpack it first"],
  ["425a68", "packed with bzip2: unpack it first"],
  ["fd377a58", "packed with xz: unpack it first"],
  ["28b52ffd", "packed with zstd: unpack it first"],
  ["377abcaf", "a 7-Zip archive: unpack it first"],
  ["52617221", "a RAR archive: unpack it first"],
  ["2142444e", "an Outlook .pst file: export its folders as mbox or .eml"],
  ["d0cf11e0", "an Outlook .msg or old Office file: save it as .eml or CSV"],
  ["25504446", "a PDF: AIOS reads no PDFs"],
]

const knownFormats =
  "AIOS reads mail (mbox, also of Google Takeout; .eml), people (CSV of LinkedIn, HubSpot, Salesforce " +
  "and others; Salesforce JSON), LinkedIn messages, Stripe objects and events (JSON), invoices as CSV " +
  "of their lines, calendars (ICS), feeds (RSS, Atom, JSON Feed) and Markdown"

/** Why a file is not read, and what to do. */
export const whyUnknown = (
  path: string,
  head: Buffer,
): { readonly message: string; readonly advice?: string } => {
  const advice = adviceOf(new TextDecoder(encodingOf(head, false)).decode(head))
  if (advice !== undefined) return { message: `${path} is ${advice}.`, advice }
  const magic = packed.find(([magic]) => head.toString("hex", 0, 4).startsWith(magic))
  const why = head.length === 0
    ? "is empty: export it again"
    : magic !== undefined
    ? `is ${magic[1]}`
    : startsLikeJson(head.toString("utf8"))
    ? "is JSON, but neither Stripe's nor Salesforce's nor a JSON Feed"
    : head.subarray(0, binaryBytesLooked).includes(0)
    ? "is a binary file of a kind that is not known here"
    : "is text, but none that is known here: neither mail nor a list with column names in its first lines, " +
      "nor a calendar, feed or Markdown"
  return {
    message: `${path} ${why}. ${knownFormats}.`,
    ...(magic === undefined || head.length === 0 ? {} : { advice: magic[1] }),
  }
}

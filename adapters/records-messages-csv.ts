/**
 * Reads LinkedIn's `messages.csv`, with the columns of older and newer exports. Which of the people is
 * the founder the file does not say; whoever is in every conversation is. So it is read twice.
 */
import type { ParsedMessage } from "../actors/intake.ts"
import type { ReadItem } from "../actors/record-reader.ts"
import {
  cellIn,
  cellsOf,
  columnsOf,
  type CsvLayout,
  delimiters,
  headerIn,
  namesOf,
  normaliseColumn,
  readRows,
} from "./records-csv.ts"
import { parseListDate } from "./records-dates.ts"

const textBytesMax = 64 * 1024
const lineCharsMax = 500
const receiversMax = 50
/** People counted; more are no founder's network. */
const peopleMax = 100_000
/** So many conversations, and this share of them, say who the founder is. */
const conversationsMin = 2
const shareMin = 0.8

type Field =
  | "conversation"
  | "title"
  | "from"
  | "fromUrl"
  | "to"
  | "toUrls"
  | "date"
  | "subject"
  | "content"
  | "folder"
  | "draft"

const fieldOf = namesOf<Field>({
  conversation: "conversationid",
  title: "conversationtitle",
  from: "from",
  fromUrl: "senderprofileurl",
  to: "to",
  toUrls: "recipientprofileurls",
  date: "date",
  subject: "subject",
  content: "content",
  folder: "folder",
  draft: "ismessagedraft",
})

interface Layout extends CsvLayout {
  readonly columns: ReadonlyMap<Field, ReadonlyArray<number>>
}

const layoutOf = (row: string): Layout | undefined => {
  for (const delimiter of delimiters) {
    const cells = cellsOf(row, delimiter)
    if (cells === undefined) continue
    const columns = columnsOf(cells.map(normaliseColumn), fieldOf)
    const ours = columns.has("from") && columns.has("date") && columns.has("content") &&
      (columns.has("conversation") || columns.has("fromUrl") || columns.has("folder"))
    if (!ours) continue
    const last = (field: Field) => columns.get(field)?.[0] ?? 0
    const lastNeeded = Math.max(last("from"), last("date"), last("content"))
    return { delimiter, columns, width: cells.length, lastNeeded }
  }
  return undefined
}

export const startsLikeMessages = (head: string): boolean => headerIn(head, layoutOf) !== undefined

const cell = (cells: ReadonlyArray<string>, layout: Layout, field: Field) =>
  cellIn(cells, layout.columns, field, lineCharsMax)

const listed = (text: string) =>
  text.split(/[,;]/).map((one) => one.trim()).filter((one) => one !== "").slice(0, receiversMax)

/** Who is in (nearly) every conversation: profile or name; empty where nobody is. */
export const ownerOf = async (texts: AsyncIterable<string>): Promise<string> => {
  const conversations = new Set<string>()
  const seen = new Map<string, Set<string>>()
  for await (const row of readRows(texts, layoutOf)) {
    if ("reason" in row || row.layout === undefined) continue
    const at = (field: Field) => cell(row.cells, row.layout!, field)
    const [from, urls] = [at("fromUrl") || at("from"), listed(at("toUrls"))]
    const conversation = at("conversation") || at("title")
    if (conversation === "" || conversations.size > peopleMax) continue
    conversations.add(conversation)
    for (const one of [from, ...(urls.length > 0 ? urls : listed(at("to")))]) {
      if (one === "" || (seen.size >= peopleMax && !seen.has(one))) continue
      seen.set(one, (seen.get(one) ?? new Set()).add(conversation))
    }
  }
  if (conversations.size < conversationsMin) return ""
  const [first, second] = [...seen].sort((a, b) => b[1].size - a[1].size)
  const enough = first !== undefined && first[1].size >= conversations.size * shareMin
  return enough && first[1].size > (second?.[1].size ?? 0) ? first[0] : ""
}

/** Newer exports have HTML in what people wrote. */
const plain = (text: string) =>
  /<(?:p|br|a|span|div|strong|em|ul|li)\b[^>]*>/i.test(text)
    ? text.replace(/<br\s*\/?>|<\/(?:p|div|li)>/gi, "\n").replace(/<[^<>]{0,2000}>/g, "")
      .replace(/&nbsp;/g, " ").replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"')
      .replace(/&#39;/g, "'").replace(/&amp;/g, "&").trim()
    : text

/** At most so many bytes of UTF-8, without half a character. */
export const cutBytes = (text: string, most: number): string => {
  if (text.length * 3 <= most) return text
  const bytes = new TextEncoder().encode(text)
  return bytes.length <= most
    ? text
    : new TextDecoder().decode(bytes.subarray(0, most), { stream: true })
}

/** Messages in order; what `owner` wrote lies in `SENT`. */
export async function* readMessages(
  texts: AsyncIterable<string>,
  owner: string,
  file: string,
): AsyncGenerator<ReadItem> {
  for await (const row of readRows(texts, layoutOf)) {
    const { at } = row
    const fault = (reason: string): ReadItem => ({ fault: { at, reason } })
    if ("reason" in row) {
      yield fault(row.reason)
      continue
    }
    const { cells, layout } = row
    if (layout === undefined || cells.every((one) => one === "")) continue
    const read = (field: Field) => cell(cells, layout, field)
    const from = { name: read("from"), url: read("fromUrl") }
    if (from.name === "" && from.url === "") {
      yield fault("the message names no sender")
      continue
    }
    if (/^(?:yes|true)$/i.test(read("draft"))) {
      yield fault("the message is a draft that was never sent: left out")
      continue
    }
    if (/^spam/i.test(read("folder"))) {
      yield fault("the message lies in the spam folder: left out")
      continue
    }
    const [names, urls] = [listed(read("to")), listed(read("toUrls"))]
    const to = Array.from(
      { length: Math.max(names.length, urls.length) },
      // One name with a comma in it against one profile is one person.
      (_, index) => ({
        name: urls.length === 1 ? read("to") : names[index] ?? "",
        url: urls[index] ?? "",
      }),
    ).slice(0, urls.length === 1 ? 1 : receiversMax)
    const raw = (layout.columns.get("content") ?? []).map((index) => cells[index] ?? "").join("")
    const sentAt = parseListDate(read("date"))
    const own = owner !== "" && (from.url || from.name) === owner
    const message: ParsedMessage = {
      record: "message",
      network: "linkedin",
      conversation: read("conversation") || read("title"),
      from,
      to,
      subject: read("subject") || read("title"),
      text: cutBytes(plain(raw).toWellFormed(), textBytesMax),
      ...(sentAt === undefined ? {} : { sentAt }),
      folder: own ? "SENT" : read("folder"),
      source: { file, at },
    }
    yield message.text === "" && message.subject === ""
      ? fault("the message is empty")
      : { record: message }
  }
}

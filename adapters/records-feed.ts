/** Reads feeds (RSS 0.9 to 2.0, Atom, JSON Feed) by feedsmith. A feed that is broken is read entry by entry. */
import { parseFeed } from "feedsmith"
import { sha256Hex } from "../actors/ids.ts"
import type { ParsedFeedItem } from "../actors/intake.ts"
import type { ReadItem } from "../actors/record-reader.ts"
import { parseMailDate } from "./records-dates.ts"
import { plainText } from "./records-html.ts"
import { member, textAt } from "./records-json.ts"

/** A larger feed is no feed. */
export const feedCharsMax = 32 * 1024 * 1024
const itemsMax = 20_000
const summaryCharsMax = 2_000
const lineCharsMax = 500
const urlCharsMax = 2_000

export const startsLikeFeed = (head: string): boolean => {
  const start = head.slice(0, 64 * 1024).replace(/^\s+/, "")
  if (start.startsWith("{")) {
    return /"version"\s*:\s*"https?:\\?\/\\?\/(?:www\.)?jsonfeed\.org\\?\/version/.test(start)
  }
  return /^<(?:\?xml|!--|!DOCTYPE|rss|feed|rdf:RDF|[a-z]+:feed)/i.test(start) &&
    /<(?:[a-z]+:)?(?:rss|feed|RDF)[\s>]/.test(start) && !/^<!DOCTYPE html/i.test(start)
}

/** Where the entries of a feed stand, as lines. */
const placesOf = (text: string): ReadonlyArray<{ readonly at: string; readonly xml: string }> => {
  const places: Array<{ readonly at: string; readonly xml: string }> = []
  let line = 1
  let counted = 0
  const opening = /<(item|entry)(?=[\s>])/g
  for (let found = opening.exec(text); found !== null; found = opening.exec(text)) {
    if (places.length >= itemsMax) break
    const close = `</${found[1]}>`
    const end = text.indexOf(close, found.index)
    const stop = end < 0 ? text.length : end + close.length
    for (let at = text.indexOf("\n", counted); at >= 0 && at < found.index;) {
      line++
      counted = at + 1
      at = text.indexOf("\n", counted)
    }
    places.push({ at: `line ${line}`, xml: text.slice(found.index, stop) })
    opening.lastIndex = stop
    if (end < 0) break
  }
  return places
}

const first = (...texts: ReadonlyArray<string>): string =>
  texts.find((one) => one.trim() !== "") ?? ""
const line = (text: string) =>
  plainText(text).replace(/\s+/g, " ").trim().slice(0, lineCharsMax).toWellFormed()

/** The link that a reader would follow. */
const linkOf = (thing: unknown): string => {
  const links = member(thing, "links")
  const list = Array.isArray(links) ? links : []
  const best = list.find((one) => ["", "alternate"].includes(textAt(one, "rel"))) ??
    list.find((one) => textAt(one, "rel") !== "self")
  return first(
    textAt(thing, "link"),
    textAt(best, "href"),
    textAt(thing, "url"),
    textAt(thing, "home_page_url"),
    textAt(thing, "external_url"),
  )
}

const absolute = (url: string, base: string): string => {
  const text = url.trim().slice(0, urlCharsMax)
  if (text === "") return ""
  const whole = base !== "" && URL.canParse(text, base) ? new URL(text, base).href : text
  // A link that runs something is no link.
  return /^(?:javascript|data|vbscript|file):/i.test(whole) ? "" : whole
}

const dateOf = (...texts: ReadonlyArray<string>): number | undefined => {
  for (const text of texts) {
    const found = text === "" ? undefined : parseMailDate(text.trim())
    if (found !== undefined) return found
  }
  return undefined
}

const itemOf = (
  item: unknown,
  feed: ParsedFeedItem["feed"],
  base: string,
  source: ParsedFeedItem["source"],
): ParsedFeedItem | undefined => {
  const guid = first(textAt(item, "guid", "value"), textAt(item, "guid"), textAt(item, "id"))
  const link = linkOf(item)
  const permalink = /^https?:\/\//.test(guid) ? guid : ""
  const url = absolute(
    first(link, permalink, textAt(item, "rdf", "about"), textAt(item, "enclosures", 0, "url")),
    base,
  )
  const summary = plainText(first(
    textAt(item, "summary", "value"),
    textAt(item, "summary"),
    textAt(item, "description", "value"),
    textAt(item, "description"),
    textAt(item, "dc", "descriptions", 0),
    textAt(item, "itunes", "summary"),
    textAt(item, "content_text"),
    textAt(item, "content_html"),
    textAt(item, "content", "value"),
    textAt(item, "content", "encoded"),
    textAt(item, "content"),
    textAt(item, "media", "descriptions", 0, "value"),
  )).slice(0, summaryCharsMax).toWellFormed()
  const title = line(first(
    textAt(item, "title", "value"),
    textAt(item, "title"),
    textAt(item, "dc", "titles", 0),
    textAt(item, "itunes", "title"),
    textAt(item, "media", "title", "value"),
  )) || line(summary).slice(0, 100)
  if (title === "" && url === "" && summary === "") return undefined
  const publishedAt = dateOf(
    textAt(item, "pubDate"),
    textAt(item, "published"),
    textAt(item, "date_published"),
    textAt(item, "dc", "dates", 0),
    textAt(item, "updated"),
    textAt(item, "date_modified"),
    textAt(item, "dcterms", "created"),
    textAt(item, "atom", "updated"),
  )
  return {
    record: "feedItem",
    feed,
    id: (guid || url || `sha256:${sha256Hex(`${title}\u0000${summary}`)}`).slice(0, urlCharsMax),
    title,
    url,
    author: line(first(
      textAt(item, "authors", 0, "name"),
      textAt(item, "authors", 0),
      textAt(item, "author", "name"),
      textAt(item, "dc", "creators", 0),
      textAt(item, "itunes", "author"),
      textAt(item, "authors", 0, "email"),
    )),
    summary,
    ...(publishedAt === undefined ? {} : { publishedAt }),
    source,
  }
}

const parse = (text: string): unknown => {
  try {
    return parseFeed(text)
  } catch {
    return undefined
  }
}

const headOf = (feed: unknown) => {
  const self = member(feed, "links")
  const own = Array.isArray(self)
    ? textAt(self.find((one) => textAt(one, "rel") === "self"), "href")
    : ""
  const home = first(textAt(feed, "xml", "base"), linkOf(feed), textAt(feed, "feed_url"), own)
  return {
    feed: {
      title: line(first(textAt(feed, "title", "value"), textAt(feed, "title"))),
      url: absolute(first(linkOf(feed), textAt(feed, "feed_url"), own), home).slice(
        0,
        lineCharsMax,
      ),
    },
    base: home,
  }
}

/** A feed is read whole; `text` has no byte order mark. */
export function* readFeed(text: string, file: string): Generator<ReadItem> {
  // Entities of a stranger's own making are nothing that a feed needs.
  const clean = text.trimStart().replace(/<!DOCTYPE[^>[]*(?:\[[\s\S]{0,100000}?\]\s*)?>/i, "")
  const json = clean.startsWith("{")
  const places = json ? [] : placesOf(text)
  const whole = member(parse(clean), "feed")
  const nothing = (at: string): ReadItem => ({
    fault: { at, reason: "the entry has neither title, link nor text" },
  })
  if (whole !== undefined) {
    const list = member(whole, "items") ?? member(whole, "entries")
    const items = Array.isArray(list) ? list : []
    const { feed, base } = headOf(whole)
    for (const [index, item] of items.slice(0, itemsMax).entries()) {
      const at = places.length === items.length ? places[index]!.at : `line ${index + 1}`
      const read = itemOf(item, feed, base, { file, at: json ? `entry ${index + 1}` : at })
      yield read === undefined ? nothing(at) : { record: read }
    }
    if (items.length === 0) yield { fault: { at: "", reason: "the feed has no entries" } }
    if (items.length > itemsMax) {
      yield {
        fault: {
          at: "",
          reason: `the feed has more than ${itemsMax} entries: the rest is left out`,
        },
      }
    }
    return
  }
  yield {
    fault: {
      at: "line 1",
      reason: json
        ? "the feed is no JSON: export it again"
        : "the feed is not well-formed XML: its entries are read one by one",
    },
  }
  const opening = /<(?:rss|feed|rdf:RDF)[^>]{0,5000}>/.exec(clean)?.[0] ?? '<rss version="2.0">'
  const start = clean.slice(0, clean.search(/<(?:item|entry)[\s>]/) >>> 0)
  const { feed, base } = headOf({
    title: /<title[^>]{0,200}>([^<]{0,500})/.exec(start)?.[1] ?? "",
    link: /<link>([^<]{0,2000})/.exec(start)?.[1] ?? "",
  })
  for (const { at, xml } of places) {
    const atom = xml.startsWith("<entry")
    const alone = atom
      ? `${
        opening.startsWith("<feed") ? opening : '<feed xmlns="http://www.w3.org/2005/Atom">'
      }${xml}</feed>`
      : `${
        opening.startsWith("<rss") ? opening : '<rss version="2.0">'
      }<channel>${xml}</channel></rss>`
    const one = member(parse(alone), "feed")
    const item = member(one, "items", 0) ?? member(one, "entries", 0)
    const read = item === undefined ? undefined : itemOf(item, feed, base, { file, at })
    yield read === undefined
      ? { fault: { at, reason: "this entry cannot be read: its XML is broken" } }
      : { record: read }
  }
}

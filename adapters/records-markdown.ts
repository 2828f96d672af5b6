/**
 * Reads a Markdown file of the founder's, with or without front matter (YAML). Front matter that is
 * broken is named, and the text goes in all the same.
 */
import { basename, dirname } from "node:path"
import { parseDocument } from "yaml"
import type { ParsedNote } from "../actors/intake.ts"
import type { ReadItem } from "../actors/record-reader.ts"
import type { Json } from "../machines/agent.ts"
import { parseListDate } from "./records-dates.ts"
import { member } from "./records-json.ts"

/** A longer text is no note. */
export const markdownCharsMax = 8 * 1024 * 1024
const matterCharsMax = 64 * 1024
const matterLinesMax = 2_000
/** An anchor that is named more often makes more of little than it should. */
const aliasesMax = 50
const depthMax = 50
const tagsMax = 50
const lineCharsMax = 300
/** A text with a title and so many words is an article, where nothing says what it is. */
const articleWordsMin = 300

/** Files of these endings are programs and settings, whose comments look like headings. */
const programs =
  /\.(?:py|rb|sh|bash|zsh|pl|r|ya?ml|toml|ini|conf|cfg|env|js|mjs|cjs|ts|tsx|jsx|c|h|cc|cpp|hpp|rs|go|java|kt|swift|php|sql|css|scss|lua|nix|tf|diff|patch|log|lock|json|xml|html?|tex|svg|csv|tsv)$/i

const frontMatter = /^---[ \t]*\r?\n/
const heading = /^#{1,6}[ \t]+\S/

/** Whether a text is Markdown: front matter, or marks that nothing else has. The name can only say no. */
export const startsLikeMarkdown = (head: string, name: string): boolean => {
  if (programs.test(name)) return false
  const text = head.replace(/^\s+/, "")
  if (text === "") return false
  if (frontMatter.test(text)) return true
  if (/^\+\+\+[ \t]*\r?\n/.test(text)) return true
  const lines = text.split(/\r?\n/, 500)
  if (
    lines.some((line) =>
      line.startsWith("#!") || /^\s*(?:import|#include|package|def|function) /.test(line)
    )
  ) {
    return false
  }
  const setext = lines.some((line, index) =>
    index > 0 && /^(?:={3,}|-{3,})\s*$/.test(line) && lines[index - 1]!.trim() !== ""
  )
  const marks = [
    lines.some((line) => heading.test(line)),
    setext,
    lines.filter((line) => /^\s{0,3}(?:[-*+]|\d{1,3}\.)[ \t]+\S/.test(line)).length > 1,
    /\[[^\]\n]{1,200}\]\([^)\s]{1,500}\)/.test(text),
    /^(?:```|~~~)/m.test(text),
    /(?:^|\s)(?:\*\*|__)[^*_\n]{1,200}(?:\*\*|__)/.test(text),
    /^> \S/m.test(text),
  ].filter((one) => one).length
  const blankAfter = heading.test(lines[0] ?? "") &&
    (lines.length === 1 || (lines[1] ?? "").trim() === "")
  return blankAfter || marks >= 2 || (/\.(?:md|markdown|mdown|mkd)$/i.test(name) && text.length > 0)
}

interface Split {
  readonly matter: string | undefined
  readonly text: string
  readonly line: number
  readonly fault?: string
}

const split = (text: string): Split => {
  const toml = /^\+\+\+[ \t]*\r?\n/.test(text)
  if (!toml && !frontMatter.test(text)) return { matter: undefined, text, line: 1 }
  const lines = text.split(/\r?\n/, matterLinesMax + 1)
  const end = lines.findIndex((line, index) =>
    index > 0 && (toml ? /^\+\+\+\s*$/ : /^(?:---|\.\.\.)\s*$/).test(line)
  )
  if (end < 0) {
    return {
      matter: undefined,
      text,
      line: 1,
      fault: "the front matter has no end: close it with a line of ---",
    }
  }
  const matter = lines.slice(1, end).join("\n")
  // Line ends may be of either kind: cut behind the closing line of the original.
  let at = 0
  for (let n = 0; n <= end; n++) {
    const next = text.indexOf("\n", at)
    at = next < 0 ? text.length : next + 1
  }
  const rest = text.slice(at)
  if (toml) {
    return {
      matter: undefined,
      text: rest,
      line: 1,
      fault: "its front matter is TOML (+++): write it as YAML (---)",
    }
  }
  return matter.length > matterCharsMax
    ? {
      matter: undefined,
      text: rest,
      line: 1,
      fault: `the front matter has more than ${matterCharsMax} characters`,
    }
    : { matter, text: rest, line: end + 1 }
}

/** YAML as JSON: no types of its own, no more than `depthMax` deep. */
const plain = (value: unknown, depth = 0): Json => {
  if (depth > depthMax) return null
  if (typeof value === "string") return value.toWellFormed()
  if (typeof value === "boolean" || value === null) return value
  if (typeof value === "number") return Number.isFinite(value) ? value : null
  if (typeof value === "bigint") return String(value)
  if (Array.isArray(value)) return value.map((one) => plain(one, depth + 1))
  if (typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, plain(one, depth + 1)]),
    )
  }
  return null
}

const matterOf = (yaml: string): { readonly matter: Json; readonly fault?: string } => {
  if (/^[ \t]*(?:[[{] *){51}/m.test(yaml)) {
    return { matter: {}, fault: `the front matter is nested deeper than ${depthMax} levels` }
  }
  try {
    const document = parseDocument(yaml, {
      schema: "core",
      uniqueKeys: false,
      prettyErrors: true,
      logLevel: "silent",
      stringKeys: true,
    })
    const error = document.errors[0]
    if (error !== undefined) {
      return {
        matter: {},
        fault: `the front matter cannot be read: ${error.message.split("\n")[0]}`,
      }
    }
    const value: unknown = document.toJS({ maxAliasCount: aliasesMax })
    const matter = plain(value)
    if (typeof matter !== "object" || matter === null || Array.isArray(matter)) {
      return matter === null
        ? { matter: {} }
        : { matter: {}, fault: "the front matter has no fields: write them as `name: value`" }
    }
    return JSON.stringify(matter).length > matterCharsMax
      ? { matter: {}, fault: "the front matter unfolds to more than a file may say" }
      : { matter }
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message.split("\n")[0] : String(cause)
    return { matter: {}, fault: `the front matter cannot be read: ${detail}` }
  }
}

const slug = (text: string): string =>
  text.trim().toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "")
    .replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 100)

const field = (matter: Json, ...names: ReadonlyArray<string>): string => {
  for (const name of names) {
    for (const written of [name, `${name[0]!.toUpperCase()}${name.slice(1)}`]) {
      const found = member(matter, written)
      if (typeof found === "string" && found.trim() !== "") return found.trim()
      if (typeof found === "number" || typeof found === "boolean") return String(found)
    }
  }
  return ""
}

const numbered = (kind: string, value: string): string =>
  /^#?\d+$/.test(value) ? `${kind}-${value.replace("#", "")}` : slug(value)

/** `newsletter-47` of a folder or a file so named. */
const ofName = (name: string): string =>
  /(?:^|[-_ ])(newsletter|issue|ausgabe|episode)[-_ #]*(\d{1,5})(?:$|[-_ .])/i.exec(name)?.slice(1)
    .join("-").toLowerCase() ?? ""

const topicOf = (matter: Json, path: string, stem: string): string => {
  for (const kind of ["newsletter", "issue", "episode"]) {
    const value = field(matter, kind)
    if (value === "" || /^(?:true|false)$/.test(value)) continue
    return numbered(kind === "issue" ? "newsletter" : kind, value)
  }
  return slug(field(matter, "topic", "series")) ||
    ofName(stem).replace(/^(?:issue|ausgabe)-/, "newsletter-") ||
    ofName(basename(dirname(path))).replace(/^(?:issue|ausgabe)-/, "newsletter-") || slug(stem) ||
    "note"
}

const kindOf = (matter: Json, words: number, title: string, has: boolean): ParsedNote["kind"] => {
  const type = field(matter, "type", "kind", "layout").toLowerCase()
  const status = field(matter, "status", "state").toLowerCase()
  const published = field(matter, "published").toLowerCase()
  if (/^(?:note|idea|notiz|snippet|clipping)s?$/.test(type)) return "note"
  if (
    /^(?:draft|entwurf|wip|in progress|review|todo|idea)/.test(status) || type === "draft" ||
    field(matter, "draft") === "true" || published === "false"
  ) return "draft"
  if (
    /^(?:published|final|done|sent|scheduled|veröffentlicht|live)/.test(status) ||
    (published !== "" && published !== "false") ||
    /^(?:article|post|newsletter|issue|essay|page|blog|artikel)$/.test(type) ||
    field(matter, "draft") === "false"
  ) return "article"
  if (field(matter, "due", "publish", "publish_on", "publish_at") !== "") return "draft"
  return has && title !== "" && words >= articleWordsMin ? "article" : "note"
}

const tagsOf = (matter: Json): ReadonlyArray<string> => {
  const found = ["tags", "tag", "keywords", "categories"].flatMap((name) => {
    const value = member(matter, name)
    return Array.isArray(value)
      ? value.map((one) => typeof one === "string" || typeof one === "number" ? String(one) : "")
      : typeof value === "string"
      ? value.split(value.includes(",") ? "," : /\s+/)
      : []
  })
  return [...new Set(found.map((one) => one.trim().replace(/^#/, "").slice(0, 60)))]
    .filter((one) => one !== "").slice(0, tagsMax)
}

const dated = (text: string) => text === "" ? undefined : parseListDate(text)

/** A file is one note. `path` is for its topic, `changedAt` for its date where it says none. */
export function* readMarkdown(
  text: string,
  path: string,
  changedAt: number | undefined,
): Generator<ReadItem> {
  const file = basename(path)
  const whole = split(text.replace(/^\s*\n(?=---)/, ""))
  const { matter, fault } = whole.matter === undefined
    ? { matter: {}, fault: whole.fault }
    : matterOf(whole.matter)
  if (fault !== undefined) yield { fault: { at: "line 1", reason: fault } }
  const stem = file.replace(/\.[A-Za-z0-9]{1,10}$/, "")
  const body = whole.text.replaceAll("\0", "").trim()
  const title = field(matter, "title", "subject", "name") ||
    /^#{1,2}[ \t]+(.{1,300}?)[ \t]*#*$/m.exec(body.slice(0, 20_000))?.[1]?.trim() || ""
  const words = body.slice(0, 100_000).split(/\s+/).length
  if (body === "" && title === "") {
    yield { fault: { at: "line 1", reason: "the note is empty" } }
    return
  }
  const kind = kindOf(matter, words, title, whole.matter !== undefined)
  const dueAt = dated(field(matter, "due", "publish", "publish_on", "publish_at", "scheduled")) ??
    dated(field(matter, "date"))
  const writtenAt = dated(field(matter, "updated", "lastmod", "modified", "created", "written")) ??
    (kind === "draft" ? undefined : dated(field(matter, "date", "published"))) ?? changedAt
  yield {
    record: {
      record: "note",
      kind,
      topic: topicOf(matter, path, stem),
      title: (title || stem).replace(/\s+/g, " ").slice(0, lineCharsMax).toWellFormed(),
      text: body.toWellFormed(),
      tags: tagsOf(matter),
      matter,
      ...(dueAt === undefined ? {} : { dueAt }),
      ...(writtenAt === undefined ? {} : { writtenAt: Math.trunc(writtenAt) }),
      source: { file, at: `line ${whole.line}` },
    },
  }
}

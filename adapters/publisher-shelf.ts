/** The rules of publishing over any journal: one line per key, and names that no two articles share. */
import { Effect, Schema } from "effect"
import { type Publisher, PublisherUnavailable } from "../actors/publisher.ts"
import type { KeyedJournal } from "./keyed-journal.ts"

/** Of the record format. */
export const version = 1
/** With the date in front, well below what any file system takes. */
const slugCharsMax = 60

export const Line = Schema.Struct({
  version: Schema.Int,
  /** The call's key; of a withdrawal `unpublish:<key>`. */
  key: Schema.String,
  kind: Schema.Literals(["published", "unpublished"]),
  /** File name, `2026-11-26-pricing.md`. */
  name: Schema.String,
})
export type Line = typeof Line.Type

/** Lower case, Latin letters, digits and single hyphens; nothing that means something in a path or URL. */
export const slugOf = (title: string): string => {
  const slug = title.replace(/ß/g, "ss").replace(/[æÆ]/g, "ae").replace(/[øØ]/g, "o")
    .normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
    .replace(/[^a-z0-9]+/g, "-").slice(0, slugCharsMax).replace(/^-+|-+$/g, "")
  return slug === "" ? "untitled" : slug
}

type Article = Parameters<Publisher["Service"]["publish"]>[0]

export interface Showing {
  readonly put: (name: string, article: Article, key: string) => void
  readonly remove: (name: string) => void
  /** Something else has this name. */
  readonly taken: (name: string) => boolean
  readonly where: (name: string) => string
  readonly trouble: (cause: unknown) => PublisherUnavailable
}

export const shelfOver = (
  journal: KeyedJournal<Line>,
  { put, remove, taken, trouble, where }: Showing,
): Publisher["Service"] => {
  const nameFor = ({ publishAt, title, topic }: Article): string => {
    const date = new Date(publishAt).toISOString().slice(0, 10)
    const slug = slugOf(title.trim() === "" ? topic : title)
    const used = new Set(journal.lines().map((line) => line.name))
    for (let n = 1;; n++) {
      const name = `${date}-${slug}${n === 1 ? "" : `-${n}`}.md`
      if (!used.has(name) && !taken(name)) return name
    }
  }
  const guarded = (act: () => string) =>
    Effect.try({
      try: () => ({ where: where(journal.alone(act)) }),
      catch: (cause) => cause instanceof PublisherUnavailable ? cause : trouble(cause),
    })
  return {
    version,
    publish: Effect.fn("Publisher.publish")((article, key) =>
      guarded(() => {
        const known = journal.find(key)
        const name = known?.name ?? nameFor(article)
        if (known === undefined) journal.append({ version, key, kind: "published", name })
        else journal.confirm()
        if (journal.find(`unpublish:${key}`) === undefined) put(name, article, key)
        return name
      })
    ),
    unpublish: Effect.fn("Publisher.unpublish")((key) =>
      guarded(() => {
        const known = journal.find(key)
        if (known === undefined) {
          throw new PublisherUnavailable({
            message: `Nothing was published as ${key}; nothing was taken back`,
            retryable: false,
          })
        }
        const word = `unpublish:${key}`
        if (journal.find(word) === undefined) {
          journal.append({ version, key: word, kind: "unpublished", name: known.name })
        } else journal.confirm()
        remove(known.name)
        return known.name
      })
    ),
  }
}

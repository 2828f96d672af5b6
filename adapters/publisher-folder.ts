/**
 * Publishing as Markdown files with front matter in a folder, which any static site takes as it is.
 * `.book.ndjson` beside them is the truth about which key has which name. A file is made public whole.
 */
import { Layer } from "effect"
import { existsSync, rmSync } from "node:fs"
import { basename, join } from "node:path"
import { stringify } from "yaml"
import { Publisher, PublisherUnavailable } from "../actors/publisher.ts"
import { fileTrouble, flush, writeWhole } from "./durable-file.ts"
import { inFile, JournalUnreadable } from "./keyed-journal.ts"
import { Line, shelfOver, version } from "./publisher-shelf.ts"

const oneLine = (text: string) => text.replace(/[\p{Cc}\s]+/gu, " ").trim()

const fileOf = (
  article: { readonly title: string; readonly topic: string; readonly text: string },
  publishAt: number,
): string => {
  const matter = stringify({
    title: oneLine(article.title),
    date: new Date(publishAt).toISOString(),
    topic: oneLine(article.topic),
  })
  return `---\n${matter}---\n\n${article.text.replaceAll("\0", "").trim()}\n`
}

export const layer = (folder: string): Layer.Layer<Publisher> =>
  Layer.sync(
    Publisher,
    () =>
      Publisher.of(shelfOver(inFile(join(folder, ".book.ndjson"), version, Line), {
        put: (name, article) => {
          const path = join(folder, name)
          // What is public stays as it was made public.
          if (!existsSync(path)) writeWhole(path, fileOf(article, article.publishAt))
          else flush(folder)
        },
        remove: (name) => {
          rmSync(join(folder, name), { force: true })
          flush(folder)
        },
        taken: (name) => existsSync(join(folder, name)),
        where: (name) => `${basename(folder)}/${name}`,
        trouble: (cause) =>
          cause instanceof JournalUnreadable
            ? new PublisherUnavailable({ message: cause.message, retryable: false, cause })
            : new PublisherUnavailable({
              message: fileTrouble(cause, folder, "the article"),
              retryable: true,
              cause,
            }),
      })),
  )

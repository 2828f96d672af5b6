/** Makes an approved article public, once: the ask's id is its key. */
import { Effect } from "effect"
import { publishArticle as declaration } from "../../machines/executor.ts"
import { implement } from "../activity.ts"
import { Publisher } from "../publisher.ts"
import { opened } from "./opened.ts"

export const publishArticle = implement(declaration, (article, run) =>
  Effect.gen(function* () {
    const publisher = yield* Publisher
    const title = yield* opened(article.title)
    const text = yield* opened(article.text)
    const { topic, publishAt } = article
    return yield* publisher.publish({ topic, title, text, publishAt }, run.askId)
  }))

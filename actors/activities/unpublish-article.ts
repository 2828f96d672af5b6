/** Takes an article back. It was made public under the ask that asked for it. */
import { Effect } from "effect"
import { unpublishArticle as declaration } from "../../machines/executor.ts"
import { implement } from "../activity.ts"
import { Publisher } from "../publisher.ts"

export const unpublishArticle = implement(
  declaration,
  (done) => Effect.flatMap(Publisher, (publisher) => publisher.unpublish(done.ask)),
)

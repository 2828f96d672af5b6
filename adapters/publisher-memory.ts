/** Publishing in memory: the rules of the shelf without files, for tests and trials. */
import { Layer } from "effect"
import { Publisher, PublisherUnavailable } from "../actors/publisher.ts"
import { inMemory } from "./keyed-journal.ts"
import { shelfOver } from "./publisher-shelf.ts"

/** `shelf` holds what is public, text by name. */
export const layerWith = (shelf: Map<string, string>): Layer.Layer<Publisher> =>
  Layer.sync(
    Publisher,
    () =>
      Publisher.of(shelfOver(inMemory(), {
        put: (name, article) => {
          if (!shelf.has(name)) shelf.set(name, `${article.title}\n\n${article.text}`)
        },
        remove: (name) => void shelf.delete(name),
        taken: (name) => shelf.has(name),
        where: (name) => `memory:${name}`,
        trouble: (cause) =>
          new PublisherUnavailable({ message: String(cause), retryable: false, cause }),
      })),
  )

/** Port: makes an article public, under a key: the same key again changes nothing. */
import { Context, type Effect, Schema } from "effect"

export class PublisherUnavailable
  extends Schema.TaggedError<PublisherUnavailable>()("PublisherUnavailable", {
    message: Schema.String,
    retryable: Schema.Boolean,
    cause: Schema.optionalKey(Schema.Defect()),
  }) {}

export class Publisher extends Context.Service<Publisher, {
  readonly version: number
  /** `text` is Markdown. `where` tells a person where it now is. */
  publish(
    article: {
      readonly topic: string
      readonly title: string
      readonly text: string
      readonly publishAt: number
    },
    key: string,
  ): Effect.Effect<{ readonly where: string }, PublisherUnavailable>
  /** Twice is success. */
  unpublish(key: string): Effect.Effect<{ readonly where: string }, PublisherUnavailable>
}>()("actors/Publisher") {}

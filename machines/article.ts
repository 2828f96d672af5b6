/**
 * One issue of the newsletter, or one article: from notes to a draft, a review, a date and a file in
 * the publisher's folder. Publishing leaves the house, so the executor does it and the gate holds it.
 */
import { Schema } from "effect"
import { activity, event, personal, staleAfterMillisDefault } from "./agent.ts"
import { Instant } from "./record.ts"

const base = {
  topic: Schema.String,
  /** Stream of the imported record. */
  record: Schema.String,
}

export const NoteCollected = event("NoteCollected", {
  ...base,
  title: personal(Schema.String),
  tags: personal(Schema.Array(Schema.String)),
  dueAt: Schema.optionalKey(Instant),
  at: Instant,
})
/** The founder wrote a draft, or a newer version of it. */
export const DraftWritten = event("DraftWritten", {
  ...base,
  title: personal(Schema.String),
  text: personal(Schema.String),
  /** Records of the notes it covers, as far as the text shows. */
  covers: Schema.Array(Schema.String),
  dueAt: Schema.optionalKey(Instant),
  at: Instant,
})
/** The founder calls the text finished. */
export const ArticleFinished = event("ArticleFinished", {
  ...base,
  title: personal(Schema.String),
  text: personal(Schema.String),
  dueAt: Schema.optionalKey(Instant),
  at: Instant,
})
export const ReviewPassed = event("ReviewPassed", { by: Schema.String })
export const ReviewFailed = event("ReviewFailed", {
  by: Schema.String,
  reason: personal(Schema.String),
})

/** Makes a draft from the notes. By a template here; later by a model. */
export const draftArticle = activity({
  name: "draftArticle",
  input: Schema.Struct({ topic: Schema.String, records: Schema.Array(Schema.String) }),
  output: Schema.Struct({
    title: personal(Schema.String),
    text: personal(Schema.String),
    covers: Schema.Array(Schema.String),
    made: Schema.String,
  }),
  lane: "batch",
  timeoutMillis: 10_000,
  staleAfterMillis: staleAfterMillisDefault,
})

/** What an article hears: its notes, its drafts, that it is finished, and what came of the review. */
import { Schema } from "effect"
import { event, personal } from "./agent.ts"
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
  /** The same for every version of one note. */
  note: Schema.optionalKey(Schema.String),
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
/** The founder calls it finished. */
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

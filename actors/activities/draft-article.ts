/**
 * Makes a draft of an article from the founder's notes by a fixed template: each note under its own
 * title, word for word, in the order they were written. Nothing is invented, and nothing is left out.
 */
import { Effect, Schema } from "effect"
import { isSealed } from "../../machines/agent.ts"
import { draftArticle as declaration } from "../../machines/article.ts"
import { NoteRecorded } from "../../machines/record.ts"
import { implement } from "../activity.ts"
import { BlobStore } from "../blob-store.ts"
import { EventLog, eventOf } from "../event-log.ts"
import { Vault } from "../vault.ts"

const madeBy = "template-1"
/** A longer draft is no article any more; notes that do not fit are not covered. */
const textCharsMax = 60_000

/** There is no note left to make it of. */
export class NotesMissing extends Schema.TaggedError<NotesMissing>()("NotesMissing", {
  message: Schema.String,
  retryable: Schema.Boolean,
}) {}

const decodeNote = Schema.decodeUnknownEffect(NoteRecorded)

interface Note {
  readonly record: string
  readonly title: string
  readonly text: string
}

/** `newsletter-47` becomes `Newsletter 47`. */
const titleOf = (topic: string) => {
  const words = topic.replace(/[-_]+/g, " ").replace(/\.md$/i, "").trim()
  return words.slice(0, 1).toUpperCase() + words.slice(1)
}

export const compose = (topic: string, notes: ReadonlyArray<Note>) => {
  const parts: Array<string> = []
  const covers: Array<string> = []
  let length = 0
  for (const { record, text, title } of notes) {
    const part = `## ${title.trim()}\n\n${text.trim()}\n`
    if (length + part.length > textCharsMax) continue
    length += part.length
    parts.push(part)
    covers.push(record)
  }
  return { title: titleOf(topic), text: parts.join("\n"), covers, made: madeBy }
}

const readNote = Effect.fnUntraced(function* (record: string) {
  const log = yield* EventLog
  const vault = yield* Vault
  const blobs = yield* BlobStore
  const events = yield* log.readPage(record, { limit: 1 })
  const [event] = events
  if (event?.type !== "NoteRecorded") return []
  const note = yield* Effect.orDie(decodeNote(eventOf(event)))
  const opened = isSealed(note.content) ? vault.open(note.content) : note.content
  if (opened === undefined) return []
  const content = yield* Effect.orDie(decodeContent(opened))
  const bytes = note.textBlob === undefined ? undefined : yield* blobs.get(note.textBlob)
  const text = bytes === undefined ? content.text : new TextDecoder().decode(bytes)
  return [{ record, title: content.title, text }]
})

const decodeContent = Schema.decodeUnknownEffect(Schema.Struct({
  title: Schema.String,
  text: Schema.String,
}))

export const draftArticle = implement(declaration, ({ records, topic }) =>
  Effect.gen(function* () {
    const notes = (yield* Effect.forEach(records, readNote).pipe(
      Effect.mapError((cause) => ({
        _tag: cause._tag,
        message: cause.message,
        retryable: true,
      })),
    )).flat()
    if (notes.length === 0) {
      return yield* new NotesMissing({
        message: "The notes cannot be read any more. Import them again: aios import",
        retryable: false,
      })
    }
    return compose(topic, notes)
  }))

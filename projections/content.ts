/**
 * Issues and articles on their way: which notes there are, which of them the draft covers, and by when
 * it has to be out. Rows by `timeline.ts`: `topic:<key>`; notes carry envelopes of their titles.
 */
import { keyOf, type RecordedEvent } from "../actors/event-log.ts"
import type { JsonObject } from "../machines/agent.ts"
import {
  listOf,
  namesIn,
  numberOf,
  objectOf,
  sealedOf,
  sealedRow,
  textOf,
  textsOf,
} from "./fields.ts"
import { defineProjection, type Handler } from "./projection.ts"
import { turn } from "./timeline.ts"

const notesMax = 50
const eventsMax = 10

const change = (
  more: (data: JsonObject, row: JsonObject, event: RecordedEvent) => JsonObject,
): Handler =>
(event, rows) => {
  if (!event.stream.startsWith("article-")) return
  const data = objectOf(event.data)
  turn(rows, "topic", keyOf(event.stream), event, (row) => ({
    ...row,
    ...(typeof data["topic"] === "string" ? { topic: data["topic"] } : {}),
    ...(typeof data["dueAt"] === "number" ? { dueAt: data["dueAt"] } : {}),
    ...more(data, row, event),
    state: namesIn(event.metadata.value, "text").at(-1) ?? textOf(row["state"]),
    shelved: namesIn(event.metadata.value, "text").includes("shelved"),
    events: [...textsOf(row["events"]), event.id].slice(-eventsMax),
  }), event.metadata.at)
}

const titleIn = (data: JsonObject): JsonObject => {
  const title = sealedOf(data["title"])
  return title === undefined ? {} : { title: sealedRow(title) }
}

const written = (by: string): Handler =>
  change((data, row, event) => ({
    ...titleIn(data),
    draft: by,
    draftAt: numberOf(data["at"]) || event.metadata.at,
    covers: textsOf(data["covers"]).length > 0 ? textsOf(data["covers"]) : textsOf(row["covers"]),
  }))

export const content = defineProjection({
  name: "content",
  version: 1,
  on: {
    NoteCollected: change((data, row, event) => {
      const record = textOf(data["record"])
      // A newer version of a note takes the place of the older.
      const note = textOf(data["note"])
      const others = listOf(row["notes"]).map(objectOf).filter((one) =>
        one["record"] !== record && (note === "" || one["note"] !== note)
      )
      return {
        notes: [...others, { record, note, event: event.id, ...titleIn(data) }].slice(-notesMax),
      }
    }),
    DraftWritten: written("founder"),
    ArticleFinished: written("finished"),
    ReviewPassed: change(() => ({ review: "passed" })),
    ReviewFailed: change(() => ({ review: "failed" })),
    ActivitySucceeded: change((data, row) => {
      const output = objectOf(data["output"])
      // A template's draft never takes the place of the founder's.
      return output["text"] === undefined || row["draft"] === "founder" ? {} : {
        ...titleIn(output),
        draft: textOf(output["made"]),
        covers: textsOf(output["covers"]),
      }
    }),
    WorkCarriedOut: change((_, __, event) => ({ publishedAt: event.metadata.at })),
    WorkRejected: change(() => ({})),
    WorkTakenBack: change(() => ({})),
    WorkFailed: change((data) => ({ problem: textOf(data["problem"]) })),
    TimerFired: change(() => ({})),
  },
})

/** Events that are the founder's own word on a draft, on work or on a conversation, told as such. */
import { keyOf, type RecordedEvent } from "../actors/event-log.ts"
import type { JsonObject } from "../machines/agent.ts"
import { oneLine } from "./aios-words.ts"
import type { Known } from "./event-words.ts"
import type { Words } from "./event-words-outcomes.ts"
import { textOf } from "./fields.ts"

const detailCharsMax = 160
const forgotten = "(forgotten)"
const line = (text: string) => oneLine(text, detailCharsMax)

export const founderTeller: {
  readonly [type: string]: (fields: JsonObject, known: Known, event: RecordedEvent) => Words
} = {
  ConversationDealtWith: (_, known, event) => ({
    what: `You dealt with the conversation with ${
      known.nameOf(keyOf(event.stream))
    } otherwise; nothing is open there`,
    detail: "",
  }),
  ReviewPassed: () => ({ what: "You passed the draft in review", detail: "" }),
  ReviewFailed: (fields) => ({
    what: "You sent the draft back",
    detail: line(textOf(fields["reason"])),
  }),
  DraftEdited: (fields) => ({
    what: "You put your own words in place of the draft's",
    detail: line(textOf(fields["text"])) || forgotten,
  }),
  WorkHappened: () => ({ what: "It happened before it could be stopped", detail: "" }),
  WorkUndone: () => ({ what: "You took back what was done", detail: "" }),
  WorkReopened: () => ({ what: "You had it decided again", detail: "" }),
}

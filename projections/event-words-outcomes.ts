/** What an activity came to, in the founder's words: what was done, how it was made, and what went wrong. */
import type { RecordedEvent } from "../actors/event-log.ts"
import { phraseOf } from "../actors/reading.ts"
import type { JsonObject } from "../machines/agent.ts"
import { oneLine } from "./aios-words.ts"
import { memoryOutcome } from "./event-words-memory.ts"
import { listOf, numberOf, objectOf, textOf, textsOf } from "./fields.ts"

const detailCharsMax = 160

export interface Words {
  readonly what: string
  /** More of it: the first line of a text, the reason. Empty where there is none. */
  readonly detail: string
}

const quoted = (text: string) => text === "" ? "(forgotten)" : `“${oneLine(text)}”`
const line = (text: string) => oneLine(text, detailCharsMax)
/** The words that show it; each is found in the event it is from. */
const evidenceLine = (output: JsonObject) =>
  line(listOf(output["evidence"]).map((one) => quoted(textOf(objectOf(one)["quote"]))).join(" · "))
/** `asks for a price, warm 78`. */
const readingText = (output: JsonObject) =>
  typeof output["warmth"] !== "number"
    ? ""
    : `${phraseOf(textOf(output["intent"]))}, warm ${numberOf(output["warmth"])}`

const kinds: { readonly [activity: string]: string } = {
  draftMail: "The mail was drafted",
  draftOutreach: "The mail was drafted",
  draftArticle: "The article was drafted",
  sendMail: "The mail was handed over",
  recallMail: "The mail was taken back",
  refundPayment: "The refund was recorded",
  cancelRefund: "The refund was cancelled",
  draftInvoice: "The invoice was drafted",
  voidInvoice: "The draft invoice was voided",
  publishArticle: "The article was published",
  unpublishArticle: "The article was taken back",
  noteContact: "The contact was noted in the CRM",
  noteReminder: "The reminder was noted with the payments",
  recordPayment: "The payment was recorded",
  weighConversation: "The conversation was weighed",
  readConversation: "What the person wants was read",
  composeReport: "The report was made",
}
/** `sendMail` → `send mail`. */
export const spoken = (name: string) =>
  name.replaceAll(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`)
export const sentence = (text: string) =>
  text === "" ? "" : `${text[0]!.toUpperCase()}${text.slice(1)}`

/** `activity`: the name of what was asked for. */
export const outcomeWords = (event: RecordedEvent, fields: JsonObject, activity: string): Words => {
  const output = objectOf(fields["output"])
  const error = objectOf(fields["error"])
  const problem = textOf(error["message"]) || textOf(fields["reason"]) || textOf(error["name"])
  const done = kinds[activity] ?? `${sentence(spoken(activity) || "an activity")} was done`
  const name = spoken(activity) || "an activity"
  switch (event.type) {
    case "ActivitySucceeded": {
      const ofMemory = memoryOutcome(activity, output)
      if (ofMemory !== undefined) return ofMemory
      const subject = textOf(output["subject"])
      const made = textOf(output["made"])
      const refused = textsOf(output["refusedModel"])
      const about = subject === "" ? readingText(output) : quoted(subject)
      return {
        what: `${done}${about === "" ? "" : `: ${about}`}${made === "" ? "" : ` (by ${made})`}${
          refused.length === 0 ? "" : `; a model's was not taken: ${refused.join(", ")}`
        }`,
        detail: textOf(output["where"]) || line(textOf(output["text"])) ||
          line(textsOf(output["reasons"]).join(" · ")) || evidenceLine(output),
      }
    }
    case "ActivityFailed":
      return { what: `${sentence(name)} failed (${textOf(error["name"])})`, detail: line(problem) }
    case "ActivitySkipped":
      return { what: `${sentence(name)} was skipped`, detail: line(problem) }
    case "ActivityQuarantined":
      return { what: `Nobody knows whether ${name} happened`, detail: line(problem) }
    case "ActivityReleased":
      return { what: `You said that ${name} did not happen: it is held back no more`, detail: "" }
    default:
      return { what: `${sentence(name)} was begun`, detail: "" }
  }
}

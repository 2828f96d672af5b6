/** What memory does, in the founder's words: its plans, its summaries, its archive. */
import type { RecordedEvent } from "../actors/event-log.ts"
import type { JsonObject } from "../machines/agent.ts"
import { oneLine } from "./aios-words.ts"
import type { Words } from "./event-words-outcomes.ts"
import { listOf, numberOf, objectOf, textOf, textsOf } from "./fields.ts"

const detailCharsMax = 160
const line = (text: string) => oneLine(text, detailCharsMax)
const counted = (n: number, one: string, many = `${one}s`) =>
  `${n.toLocaleString("en-US")} ${n === 1 ? one : many}`
const by = (fields: JsonObject) =>
  textOf(fields["by"]) === "operator" ? "You" : `The ${textOf(fields["by"]) || "memory"}`
const subjects: { readonly [of: string]: string } = {
  thread: "a conversation",
  person: "a person",
  campaign: "a campaign",
}
const reasons: { readonly [reason: string]: string } = {
  age: "too old",
  count: "too many",
  importance: "of too little importance",
  summarised: "too many, and summarised",
}

export const memoryTeller: {
  readonly [type: string]: (fields: JsonObject, known: unknown, event: RecordedEvent) => Words
} = {
  SummariesRequested: (fields) => ({ what: `${by(fields)} asked for summaries now`, detail: "" }),
  EvictionRequested: (fields) => ({
    what: `${by(fields)} wanted the tiers of memory looked at`,
    detail: "",
  }),
  MemoryPolicyChosen: (fields) => {
    const policy = objectOf(fields["policy"])
    const hot = objectOf(policy["hot"])
    return {
      what: `You chose version ${numberOf(policy["version"])} of memory's policy`,
      detail: `at most ${counted(numberOf(hot["itemsMax"]), "item")} at hand, for ` +
        counted(numberOf(hot["daysMax"]), "day"),
    }
  },
  SummaryWithdrawn: (fields) => ({
    what: `You took a summary of ${counted(listOf(fields["events"]).length, "event")} back`,
    detail: line(textOf(fields["reason"])),
  }),
  ItemsRecalled: (fields) => ({
    what: `You wanted ${counted(listOf(fields["items"]).length, "item")} kept at hand`,
    detail: "",
  }),
  ItemsReleased: (fields) => ({
    what: `You left ${counted(listOf(fields["items"]).length, "item")} to memory's policy again`,
    detail: "",
  }),
  SegmentArchived: (fields) => ({
    what: `${counted(listOf(fields["items"]).length, "old item")} went into segment ${
      textOf(fields["segment"])
    }`,
    detail: "read back and compared; the log keeps everything",
  }),
  SegmentRestored: (fields) => ({
    what: `${counted(listOf(fields["items"]).length, "item")} of segment ${
      textOf(fields["segment"])
    } came back into the index`,
    detail: "",
  }),
}

/** What an activity of memory gave; undefined where it is none of them. */
export const memoryOutcome = (activity: string, output: JsonObject): Words | undefined => {
  const evicted = listOf(output["evict"]).length
  const recalled = listOf(output["recall"]).length
  switch (activity) {
    case "planEviction":
      return {
        what: evicted + recalled === 0 ? "Memory looked at its tiers: nothing has to move" : [
          ...(evicted === 0 ? [] : [`${counted(evicted, "item")} left the hot tier`]),
          ...(recalled === 0 ? [] : [`${counted(recalled, "item")} came back to it`]),
        ].join(", "),
        detail: Object.entries(objectOf(output["because"])).map(([reason, n]) =>
          `${numberOf(n)} ${reasons[reason] ?? reason}`
        ).join(" · "),
      }
    case "gatherSubjects": {
      const found = listOf(output["subjects"]).length
      return {
        what: found === 0
          ? "There was nothing to summarise"
          : `${counted(found, "subject")} to summarise ${found === 1 ? "was" : "were"} found`,
        detail: numberOf(output["left"]) === 0 ? "" : `${numberOf(output["left"])} are left`,
      }
    }
    case "summarise": {
      const of = textOf(output["of"])
      const about = subjects[of] ?? `the day ${textOf(output["key"])}`
      const made = textOf(output["made"])
      return output["accepted"] === true
        ? {
          what: `A summary of ${about} was accepted (by ${made})`,
          detail: line(textOf(output["text"])),
        }
        : {
          what: `A summary of ${about} was refused (by ${made})`,
          detail: line(textsOf(output["refused"]).join(" · ")),
        }
    }
    default:
      return undefined
  }
}

/**
 * What the memory's own agent did, and what the founder told it, as changes of items. Its activities are
 * known by their outputs, as they stand in `machines/memory.ts`.
 */
import { Option, Schema } from "effect"
import type { RecordedEvent } from "../actors/event-log.ts"
import type { JsonObject } from "../machines/agent.ts"
import { MemoryPolicyChosen } from "../machines/memory.ts"
import { numberOf, objectOf, textOf, textsOf } from "./fields.ts"
import type { ItemChange } from "./memory-items.ts"

const isPolicy = Schema.decodeUnknownOption(MemoryPolicyChosen.fields.policy)

/** Of an event in the stream of the memory's agent. */
export const memoryChanges = (
  event: RecordedEvent,
  data: JsonObject,
): ReadonlyArray<ItemChange> => {
  const items = textsOf(data["items"])
  const segment = textOf(data["segment"])
  switch (event.type) {
    case "MemoryPolicyChosen": {
      const policy = isPolicy(data["policy"])
      return Option.isSome(policy) ? [{ change: "policy", policy: policy.value }] : []
    }
    case "ItemsRecalled":
      return [{ change: "keep", items }]
    case "ItemsReleased":
      return [{ change: "release", items }]
    case "SummaryWithdrawn":
      return [{ change: "withdraw", summary: textOf(data["summary"]) }]
    case "SegmentArchived": {
      const { bytes, from, sha256, to } = data
      const facts = { sha256: textOf(sha256), bytes: numberOf(bytes), from: numberOf(from) }
      return [{
        change: "archive",
        segment,
        items,
        facts: { ...facts, to: numberOf(to), items: items.length, at: event.metadata.at },
      }]
    }
    case "SegmentRestored":
      return [{ change: "restore", segment, items }]
    case "ActivitySucceeded":
      return outcomeChanges(event, objectOf(data["output"]))
    default:
      return []
  }
}

const outcomeChanges = (event: RecordedEvent, output: JsonObject): ReadonlyArray<ItemChange> => {
  if (Array.isArray(output["evict"])) {
    return [
      { change: "move", items: textsOf(output["evict"]), tier: "cold" },
      { change: "move", items: textsOf(output["recall"]), tier: "hot" },
    ]
  }
  if (typeof output["accepted"] !== "boolean") return []
  const facts = objectOf(output["facts"])
  const questions = objectOf(output["questions"])
  const person = textOf(output["person"])
  return [{
    change: "summary",
    record: {
      id: event.id,
      of: textOf(output["of"]),
      key: textOf(output["key"]),
      ...(person === "" ? {} : { person }),
      state: output["accepted"] ? "accepted" : "refused",
      text: output["text"] ?? "",
      made: textOf(output["made"]),
      facts: { found: numberOf(facts["found"]), kept: numberOf(facts["kept"]) },
      questions: {
        asked: numberOf(questions["asked"]),
        answered: numberOf(questions["answered"]),
      },
      persons: textsOf(output["persons"]),
      refused: output["refused"] ?? [],
      attempts: output["attempts"] ?? [],
      events: textsOf(output["events"]),
      upTo: numberOf(output["upTo"]),
      tokens: numberOf(output["tokens"]),
      at: event.metadata.at,
      position: event.position,
    },
  }]
}

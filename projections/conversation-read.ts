/** Rows of how a conversation was read, by a model or the rules: `read:<person>:<at>:<position>`. */
import { keyOf, type RecordedEvent } from "../actors/event-log.ts"
import type { Json, JsonObject } from "../machines/agent.ts"
import type { Cite, Forecast } from "./aios-made.ts"
import {
  listOf,
  numberOf,
  objectOf,
  padded,
  sealedOf,
  sealedRow,
  textOf,
  textsOf,
} from "./fields.ts"
import type { Rows } from "./projection.ts"
import type { ReadStore } from "./read-store.ts"
import { worldTime } from "./timeline.ts"

/** True where the outcome was one. */
export const keepReading = (event: RecordedEvent, output: JsonObject, rows: Rows): boolean => {
  if (typeof output["warmth"] !== "number" || typeof output["intent"] !== "string") return false
  const at = worldTime(event)
  const evidence = sealedOf(output["evidence"])
  const refused = textsOf(output["refusedModel"])
  rows.set(`read:${keyOf(event.stream)}:${padded(at)}:${padded(event.position)}`, {
    at,
    event: event.id,
    intent: output["intent"],
    warmth: output["warmth"],
    by: textOf(output["by"]),
    made: textOf(output["made"]),
    ...(evidence === undefined ? {} : { evidence: sealedRow(evidence) }),
    ...(refused.length === 0 ? {} : { refusedModel: [...refused] }),
  })
  return true
}

export const citesIn = (value: Json): ReadonlyArray<Cite> =>
  listOf(value).map(objectOf).map((one) => ({
    event: textOf(one["event"]),
    quote: textOf(one["quote"]),
  })).filter(({ event, quote }) => event !== "" && quote !== "")

/** How the person was read last, right before `to`; undefined where nobody did. */
export const readingOf = (
  person: string,
  store: ReadStore["Service"],
  table: string,
  opened: (value: Json | undefined) => Json,
  to: number,
): Forecast | undefined => {
  const prefix = `read:${person}:`
  const [found] = store.scan(table, {
    prefix,
    before: prefix + padded(to),
    backwards: true,
    limit: 1,
  })
  if (found === undefined || store.get(table, `closed:${person}`) !== undefined) return undefined
  const row = objectOf(found[1])
  const refused = textsOf(row["refusedModel"])
  return {
    intent: textOf(row["intent"]),
    warmth: numberOf(row["warmth"]),
    by: row["by"] === "model" ? "model" : "rules",
    made: textOf(row["made"]),
    evidence: citesIn(opened(row["evidence"])),
    event: textOf(row["event"]),
    ...(refused.length === 0 ? {} : { refusedModel: refused }),
  }
}

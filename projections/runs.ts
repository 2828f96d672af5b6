/**
 * Every run of an activity that ended, in order of time, with what it took: what reports count.
 * Rows: `run:<settled at>:<ask>`; `ask:<ask>` while it is under way; `breaker:<at>:<event id>` when an
 * adapter's circuit opened.
 */
import { activityOf, type JsonObject } from "../machines/agent.ts"
import { agents } from "../machines/mod.ts"
import { askId, type RecordedEvent } from "../actors/event-log.ts"
import { askNamedIn, numberOf, objectOf, padded, textOf } from "./fields.ts"
import { defineProjection, type Rows } from "./projection.ts"

/** Which adapter an activity goes through, by its name; those without one work inside. */
export const adapterOf: ReadonlyMap<string, string> = new Map(
  agents.flatMap(({ machine }) =>
    Object.values(machine.implementations.actors).flatMap((logic) => {
      const declared = activityOf(logic)
      return declared?.adapter === undefined ? [] : [[declared.name, declared.adapter] as const]
    })
  ),
)

const settle = (status: string) => (event: RecordedEvent, rows: Rows) => {
  const ask = askNamedIn(event.data)
  if (ask === undefined) return
  const id = `${event.stream}/${ask}`
  const asked = rows.get(`ask:${id}`)
  if (asked === undefined) return
  const data = objectOf(event.data)
  const { activity, at } = objectOf(asked)
  const made = objectOf(data["output"])["made"]
  const cost: JsonObject = data["cost"] === undefined ? {} : { cost: data["cost"] }
  rows.delete(`ask:${id}`)
  rows.set(`run:${padded(event.metadata.at)}:${id}`, {
    activity: textOf(activity),
    agent: event.stream.slice(0, event.stream.indexOf("-")),
    status,
    askedAt: numberOf(at),
    attempts: numberOf(data["attempts"]),
    millis: numberOf(data["millis"]),
    event: event.id,
    ...(typeof made === "string" ? { made } : {}),
    ...cost,
    ...(status === "failed" ? { problem: textOf(objectOf(data["error"])["name"]) } : {}),
  })
}

export const runs = defineProjection({
  name: "runs",
  version: 1,
  on: {
    ActivitySucceeded: settle("done"),
    ActivityFailed: settle("failed"),
    ActivitySkipped: settle("skipped"),
    AdapterDegraded: (event, rows) => {
      const { adapter, reason } = objectOf(event.data)
      rows.set(`breaker:${padded(event.metadata.at)}:${event.id}`, {
        adapter: textOf(adapter),
        reason: textOf(reason),
      })
    },
    "*": (event, rows) => {
      for (const [place, ask] of event.metadata.asks?.entries() ?? []) {
        if (ask.ask === "stop") rows.delete(`ask:${event.stream}/${ask.of}`)
        if (ask.ask !== "activity") continue
        rows.set(`ask:${askId(event.stream, event.revision, place)}`, {
          activity: ask.src,
          at: event.metadata.at,
        })
      }
    },
  },
})

/** Every actor as its last event left it: one row per stream with a chart. */
import type { Json } from "../machines/agent.ts"
import { objectOf } from "./fields.ts"
import { defineProjection } from "./projection.ts"

/** Row `<stream>`: `{ state, status, revision, last, at }`. */
export const agents = defineProjection({
  name: "agents",
  version: 1,
  on: {
    "*": (event, rows) => {
      const { chart, value, status, at } = event.metadata
      if (chart === undefined) return
      const state: Json | undefined = value ?? objectOf(rows.get(event.stream))["state"]
      rows.set(event.stream, {
        state: state ?? "",
        status: status ?? "active",
        revision: event.revision,
        last: event.id,
        at,
      })
    },
  },
})

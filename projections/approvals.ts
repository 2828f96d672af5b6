/**
 * What was asked of the founder, and what was decided. The content stays sealed here; the log, not this
 * read model, answers whether something was approved.
 *
 * Rows: `id:<approval id>` the approval; `awaiting:<position>` the ids of those still to decide, oldest
 * first.
 */
import { keyOf, type RecordedEvent } from "../actors/event-log.ts"
import { objectOf, padded, stateNames, textOf } from "./fields.ts"
import { defineProjection, type Rows } from "./projection.ts"

/** Every event of a gatekeeper may change the state; the decision's own events say who and why. */
const follow = (event: RecordedEvent, rows: Rows) => {
  if (!event.stream.startsWith("gatekeeper-")) return
  const id = keyOf(event.stream)
  const row = objectOf(rows.get(`id:${id}`))
  if (typeof row["position"] !== "number") return
  const names = stateNames(event.metadata.value)
  const state = names.at(-1) ?? textOf(row["state"])
  const data = objectOf(event.data)
  const awaiting = `awaiting:${padded(row["position"])}`
  if (state === "awaitingApproval") rows.set(awaiting, id)
  else rows.delete(awaiting)
  const decides = row["decidedAt"] === undefined && state !== "awaitingApproval"
  rows.set(`id:${id}`, {
    ...row,
    state,
    last: event.id,
    ...(!decides ? {} : {
      decidedAt: event.metadata.at,
      decision: state === "carriedOut" ? "approved" : state,
      by: textOf(data["by"]) || (event.type === "ApprovalRequested" ? "policy" : "time"),
      reason: data["reason"] ?? "",
    }),
    ...(event.type === "ApprovalCarriedOut" ? { outcome: textOf(data["outcome"]) } : {}),
  })
}

export const approvals = defineProjection({
  name: "approvals",
  version: 1,
  on: {
    ApprovalRequested: (event, rows) => {
      if (!event.stream.startsWith("gatekeeper-")) return
      const { type: _, ...asked } = objectOf(event.data)
      const key = `id:${keyOf(event.stream)}`
      if (rows.get(key) !== undefined) return
      rows.set(key, {
        ...asked,
        id: keyOf(event.stream),
        position: event.position,
        requestedAt: event.metadata.at,
        state: "awaitingApproval",
        request: event.id,
      })
    },
    "*": follow,
  },
})

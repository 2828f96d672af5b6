/**
 * What was asked of the founder, and what was decided. The content stays sealed here; the log, not this
 * read model, answers whether something was approved.
 *
 * Rows: `id:<approval id>` the approval; `awaiting:<position>` the ids of those still to decide, oldest
 * first. What is postponed is not decided and does not wait until it comes back.
 */
import { keyOf, type RecordedEvent } from "../actors/event-log.ts"
import { objectOf, padded, stateNames, textOf } from "./fields.ts"
import { defineProjection, type Rows } from "./projection.ts"

/** The founder has said nothing that stands: it waits, or comes back to wait. */
const isOpen = (state: string) => state === "awaitingApproval" || state === "postponed"

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
  // A decision that was taken back is none.
  const { by: _by, decidedAt, decision: _decision, reason: _reason, ...undecided } = row
  const decides = decidedAt === undefined && !isOpen(state)
  rows.set(`id:${id}`, {
    ...(isOpen(state) ? undecided : row),
    state,
    last: event.id,
    ...(!decides ? {} : {
      decidedAt: event.metadata.at,
      decision: state === "carriedOut" ? "approved" : state,
      by: textOf(data["by"]) || (event.type === "ApprovalRequested" ? "policy" : "time"),
      reason: data["reason"] ?? "",
    }),
    ...(event.type === "ApprovalPostponed" ? { postponedUntil: data["until"] ?? 0 } : {}),
    ...(event.type === "ApprovalCarriedOut" ? { outcome: textOf(data["outcome"]) } : {}),
    ...(event.type === "ApprovalRegretted" ? { regrettedAt: event.metadata.at } : {}),
  })
}

export const approvals = defineProjection({
  name: "approvals",
  version: 2,
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

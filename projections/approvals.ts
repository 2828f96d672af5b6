/**
 * What was asked of the founder, what was decided, and what became of it. The content stays sealed here;
 * the log, not this read model, answers whether something was approved.
 *
 * Rows: `id:<approval id>` the approval; `awaiting:<position>` the ids of those still to decide, oldest
 * first; `decided:<at>:<position>` each word of somebody about one; `ask:<ask>` the approval of an ask
 * that is under way; `draft:<stream>` how the last draft of that work came about.
 */
import { keyOf, type RecordedEvent } from "../actors/event-log.ts"
import type { JsonObject } from "../machines/agent.ts"
import {
  askNamedIn,
  numberOf,
  objectOf,
  padded,
  sealedOf,
  sealedRow,
  stateNames,
  textOf,
  textsOf,
} from "./fields.ts"
import { defineProjection, type Rows } from "./projection.ts"
import { worldTime } from "./timeline.ts"

/** States in which the founder's word is wanted, or put off. */
const undecided = new Set(["reviewing", "awaitingApproval", "postponed"])

const decisions: Readonly<Record<string, string>> = {
  ApprovalGranted: "approved",
  ApprovalRejected: "rejected",
  ApprovalPostponed: "postponed",
  ApprovalRegretted: "regretted",
  ApprovalWithdrawn: "withdrawn",
}

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
  const open = undecided.has(state)
  const decides = !open && row["decidedAt"] === undefined
  const decision = decisions[event.type]
  if (decision !== undefined) {
    rows.set(`decided:${padded(event.metadata.at)}:${padded(event.position)}`, {
      id,
      decision,
      by: textOf(data["by"]),
      at: event.metadata.at,
      event: event.id,
      ...(data["reason"] === undefined ? {} : { reason: data["reason"] }),
    })
  }
  // A decision that was taken back is none.
  const { by: _by, decidedAt: _at, decision: _decision, reason: _reason, ...undecidedRow } = row
  rows.set(`id:${id}`, {
    ...(open ? undecidedRow : row),
    state,
    last: event.id,
    // Put off, or taken back, it has its whole time again.
    ...(state === "awaitingApproval" && row["state"] !== state
      ? { awaitingSince: worldTime(event) }
      : {}),
    ...(!decides ? {} : {
      decidedAt: event.metadata.at,
      decision: state === "carriedOut" ? "approved" : state,
      by: textOf(data["by"]) || (event.type === "ApprovalRequested" ? "policy" : "time"),
      reason: data["reason"] ?? "",
    }),
    // What is postponed does not wait until then; a past day in between is told so.
    ...(event.type === "ApprovalPostponed"
      ? { postponedUntil: numberOf(data["until"]), postponedAt: event.metadata.at }
      : {}),
    ...(event.type === "ApprovalRegretted" ? { regrettedAt: event.metadata.at } : {}),
    ...(event.type === "ApprovalSuperseded" ? { supersededBy: textOf(data["by"]) } : {}),
    ...(event.type === "ApprovalCarriedOut" ? { outcome: textOf(data["outcome"]) } : {}),
  })
}

/** What became of an ask that somebody approved. */
const outcome = (status: string) => (event: RecordedEvent, rows: Rows) => {
  const ask = `${event.stream}/${askNamedIn(event.data)}`
  const id = rows.get(`ask:${ask}`)
  if (typeof id !== "string") return
  const row = objectOf(rows.get(`id:${id}`))
  const data = objectOf(event.data)
  const where = objectOf(data["output"])["where"]
  const problem = textOf(objectOf(data["error"])["message"]) || textOf(data["reason"])
  rows.set(`id:${id}`, {
    ...row,
    became: status,
    becameAt: event.metadata.at,
    outcomeEvent: event.id,
    ...(typeof where === "string" ? { where } : {}),
    ...(problem === "" ? {} : { problem }),
  })
  rows.delete(`ask:${ask}`)
}

/** How a mail was drafted, and what it rests on. */
const keepDraft = (event: RecordedEvent, rows: Rows) => {
  const output = objectOf(objectOf(event.data)["output"])
  if (!event.stream.startsWith("executor-") || output["text"] === undefined) return
  const cites = sealedOf(output["cites"])
  const refused = textsOf(output["refusedModel"])
  rows.set(`draft:${event.stream}`, {
    event: event.id,
    made: textOf(output["made"]),
    ...(cites === undefined ? {} : { cites: sealedRow(cites) }),
    ...(refused.length === 0 ? {} : { refusedModel: [...refused] }),
  })
}

export const approvals = defineProjection({
  name: "approvals",
  version: 6,
  on: {
    ApprovalRequested: (event, rows) => {
      if (!event.stream.startsWith("gatekeeper-")) return
      const { type: _, ...asked } = objectOf(event.data)
      const id = keyOf(event.stream)
      if (rows.get(`id:${id}`) !== undefined) return
      const row: JsonObject = {
        ...asked,
        id,
        position: event.position,
        requestedAt: event.metadata.at,
        awaitingSince: worldTime(event),
        state: "awaitingApproval",
        request: event.id,
      }
      const draft = rows.get(`draft:${textOf(asked["stream"])}`)
      rows.set(
        `id:${id}`,
        draft === undefined || asked["activity"] !== "sendMail" ? row : { ...row, draft },
      )
      rows.set(`ask:${textOf(asked["ask"])}`, id)
      const edits = `id:${textOf(asked["edits"])}`
      const edited = rows.get(edits)
      if (edited !== undefined) rows.set(edits, { ...objectOf(edited), editedBy: id })
    },
    ActivitySucceeded: (event, rows) => {
      keepDraft(event, rows)
      outcome("done")(event, rows)
    },
    ActivityFailed: outcome("failed"),
    ActivitySkipped: outcome("skipped"),
    ActivityQuarantined: (event, rows) => {
      const id = rows.get(`ask:${event.stream}/${askNamedIn(event.data)}`)
      if (typeof id !== "string") return
      rows.set(`id:${id}`, { ...objectOf(rows.get(`id:${id}`)), became: "unknown" })
    },
    ActivityReleased: (event, rows) => {
      const id = rows.get(`ask:${event.stream}/${askNamedIn(event.data)}`)
      if (typeof id !== "string") return
      const { became: _, ...row } = objectOf(rows.get(`id:${id}`))
      rows.set(`id:${id}`, row)
    },
    "*": follow,
  },
})

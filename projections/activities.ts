/**
 * The effect ledger: one row per activity that was ever asked for, with what became of it. It is what
 * the log says, so `started` without an outcome means exactly that nobody knows.
 *
 * Rows: `<ask id>` the activity; `gate:<gatekeeper stream>` the ask that it holds or held.
 */
import { askId, type RecordedEvent } from "../actors/event-log.ts"
import type { JsonObject } from "../machines/agent.ts"
import { askNamedIn, numberOf, objectOf, textOf } from "./fields.ts"
import { defineProjection, type Rows } from "./projection.ts"

export type LedgerStatus =
  | "open"
  | "gated"
  | "started"
  | "done"
  | "failed"
  | "skipped"
  | "quarantined"
  | "stopped"

const settled = new Set(["done", "failed", "skipped", "stopped"])

const change = (
  rows: Rows,
  id: string,
  status: LedgerStatus,
  more: JsonObject = {},
) => {
  const row = rows.get(id)
  if (row === undefined || settled.has(textOf(objectOf(row)["status"]))) return
  rows.set(id, { ...objectOf(row), status, ...more })
}

const becomes = (status: LedgerStatus) => (event: RecordedEvent, rows: Rows) => {
  const ask = askNamedIn(event.data)
  if (ask === undefined) return
  const data = objectOf(event.data)
  const { cost, error, reason } = data
  change(rows, `${event.stream}/${ask}`, status, {
    ...(settled.has(status) ? { outcome: event.id, settledAt: event.metadata.at } : {}),
    ...(data["attempts"] === undefined ? {} : { attempts: numberOf(data["attempts"]) }),
    ...(data["millis"] === undefined ? {} : { millis: numberOf(data["millis"]) }),
    ...(cost === undefined ? {} : { cost }),
    ...(error === undefined ? {} : { error }),
    ...(reason === undefined ? {} : { reason }),
  })
}

/** The gate opened or closed for good: held asks go on. A decision taken back holds its ask again. */
const gateMoves = (from: LedgerStatus, to: LedgerStatus) => (event: RecordedEvent, rows: Rows) => {
  const ask = rows.get(`gate:${event.stream}`)
  if (typeof ask === "string" && objectOf(rows.get(ask))["status"] === from) change(rows, ask, to)
}
const gateDecided = gateMoves("gated", "open")

export const activities = defineProjection({
  name: "activities",
  version: 2,
  on: {
    ActivityStarted: becomes("started"),
    ActivitySucceeded: becomes("done"),
    ActivityFailed: becomes("failed"),
    ActivitySkipped: becomes("skipped"),
    ActivityQuarantined: becomes("quarantined"),
    ActivityReleased: (event, rows) => {
      const ask = `${event.stream}/${askNamedIn(event.data)}`
      // Whom the gate held, it holds again.
      const held = objectOf(rows.get(ask))["approval"] !== undefined
      change(rows, ask, held ? "gated" : "open")
    },
    ApprovalRequested: (event, rows) => {
      const ask = askNamedIn(event.data)
      if (ask === undefined || objectOf(rows.get(ask))["status"] !== "open") return
      change(rows, ask, "gated", { approval: event.stream })
      rows.set(`gate:${event.stream}`, ask)
    },
    ApprovalGranted: gateDecided,
    ApprovalRejected: gateDecided,
    ApprovalSuperseded: gateDecided,
    ApprovalWithdrawn: gateMoves("open", "gated"),
    "*": (event, rows) => {
      const { asks, at, $causationId, $correlationId } = event.metadata
      for (const [place, ask] of asks?.entries() ?? []) {
        if (ask.ask === "stop") change(rows, `${event.stream}/${ask.of}`, "stopped")
        if (ask.ask !== "activity") continue
        rows.set(askId(event.stream, event.revision, place), {
          stream: event.stream,
          activity: ask.src,
          child: ask.child,
          status: "open",
          askedAt: at,
          position: event.position,
          correlation: $correlationId,
          events: $causationId === undefined ? [event.id] : [$causationId, event.id],
        })
      }
    },
  },
})

/**
 * Every piece of work that somebody asked the executor for, and what holds it up: a fact that is
 * missing, or somebody more important who writes to the same person first.
 *
 * Rows by `timeline.ts`: `work:<executor stream>`; `floor` in it says who has the floor instead.
 */
import type { RecordedEvent } from "../actors/event-log.ts"
import type { JsonObject } from "../machines/agent.ts"
import { numberOf, objectOf, sealedOf, sealedRow, stateNames, textOf, textsOf } from "./fields.ts"
import { defineProjection, type Handler } from "./projection.ts"
import { turn } from "./timeline.ts"

/** States in which somebody else may have the floor. */
const waitsForFloor = new Set(["waitingForFloor", "claiming"])

const change = (
  more: (data: JsonObject, row: JsonObject, event: RecordedEvent) => JsonObject,
): Handler =>
(event, rows) => {
  if (!event.stream.startsWith("executor-")) return
  const names = stateNames(event.metadata.value)
  turn(rows, "work", event.stream, event, (row) => {
    const next = { ...row, ...more(objectOf(event.data), row, event) }
    const waits = names.length === 0 || names.some((one) => waitsForFloor.has(one))
    return {
      ...next,
      ...(waits ? {} : { floor: null }),
      state: names.at(-1) ?? textOf(row["state"]),
      event: event.id,
    }
  }, event.metadata.at)
}

const sealedIn = (data: JsonObject, name: string): JsonObject => {
  const sealed = sealedOf(data[name])
  return sealed === undefined ? {} : { [name]: sealedRow(sealed) }
}

const plainIn = (data: JsonObject, ...names: ReadonlyArray<string>): JsonObject =>
  Object.fromEntries(names.flatMap((name) => {
    const value = data[name]
    return value === undefined ? [] : [[name, value]]
  }))

const requested = (kind: string): Handler =>
  change((data, row, event) => ({
    kind,
    requester: textOf(data["requester"]),
    person: textOf(data["person"]),
    records: textsOf(data["records"]),
    requestedAt: numberOf(row["requestedAt"]) || event.metadata.at,
    asked: event.id,
    problem: "",
    ...plainIn(data, "purpose", "dueAt", "answers", "invoice", "amount", "payment", "topic"),
    ...plainIn(data, "publishAt"),
    ...sealedIn(data, "title"),
    ...sealedIn(data, "description"),
  }))

const floor: Handler = change((data, _, event) => ({
  floor: {
    holder: textOf(data["holder"]),
    purpose: textOf(data["purpose"]),
    until: numberOf(data["until"]),
    event: event.id,
  },
}))

export const works = defineProjection({
  name: "works",
  version: 1,
  on: {
    MailRequested: requested("mail"),
    RefundRequested: requested("refund"),
    InvoiceRequested: requested("invoice"),
    PublicationRequested: requested("publication"),
    WorkWithdrawn: change(() => ({ withdrawn: true, floor: null })),
    WorkRetried: change(() => ({ problem: "" })),
    WorkReopened: change(() => ({ reopened: true })),
    WorkUndone: change(() => ({ undone: true })),
    DraftEdited: change(() => ({ edited: true })),
    FloorDenied: floor,
    FloorRevoked: floor,
    FloorGranted: change(() => ({ floor: null })),
    ActivitySucceeded: change((data) => {
      const where = objectOf(data["output"])["where"]
      return { problem: "", ...(typeof where === "string" ? { where } : {}) }
    }),
    ActivityFailed: change((data) => {
      const error = objectOf(data["error"])
      return error["name"] === "Rejected" ? {} : { problem: textOf(error["message"]) }
    }),
    ActivitySkipped: change(() => ({ skipped: true })),
    TimerFired: change(() => ({})),
  },
})

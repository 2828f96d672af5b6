/**
 * What a brief of any day is made of. Leads are kept with the states they were in and the mails they
 * wrote, by the clock of the world, so a past day can be told; what came in and what was done counts
 * when it was recorded, for that is when it became news.
 *
 * Rows: `lead:<stream>` the state a lead is in, `state:<stream>:<at>:<revision>` each it was in,
 * `mail:<stream>:<sent at>:<event id>` a mail it wrote,
 * `news:<quarter of an hour>`, `done:<at>:<event id>`, `held:<at>:<event id>`, `gate:<ask id>` while something waits at the gate, `unclear:<ask id>` while nobody knows whether it
 * happened.
 */
import { keyOf, type RecordedEvent } from "../actors/event-log.ts"
import { type JsonObject, staleAfterMillisDefault } from "../machines/agent.ts"
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

/** All zones are whole quarters of an hour apart, so a day is a whole number of these. */
export const quarterMillis = 15 * 60 * 1000

type Counter = "mails" | "people" | "skipped" | "refused"

const count = (counter: Counter) => (event: RecordedEvent, rows: Rows) => {
  const key = `news:${padded(event.metadata.at - event.metadata.at % quarterMillis)}`
  const row = objectOf(rows.get(key))
  rows.set(key, { ...row, [counter]: numberOf(row[counter]) + 1 })
}

/** What was old when it came in is history, and no news of the day it was imported. */
const isNews = (event: RecordedEvent) =>
  event.metadata.at - (event.metadata.occurredAt ?? event.metadata.at) <= staleAfterMillisDefault

const note = (
  rows: Rows,
  event: RecordedEvent,
  where: "done" | "held",
  what: string,
  more: JsonObject,
) => {
  if (!isNews(event)) return
  rows.set(`${where}:${padded(event.metadata.at)}:${event.id}`, {
    what,
    events: [event.id],
    ...more,
  })
}

const personOf = (event: RecordedEvent): JsonObject => ({
  person: textOf(objectOf(event.data)["person"]),
})

/** A mail of a lead: written once and never again, however many there are. */
const keepMail = (event: RecordedEvent, rows: Rows) => {
  const data = objectOf(event.data)
  const signals = objectOf(data["signals"])
  const quotes = sealedOf(data["quotes"])
  const at = numberOf(data["sentAt"])
  rows.set(`mail:${event.stream}:${padded(at)}:${event.id}`, {
    at,
    event: event.id,
    record: textOf(data["record"]),
    warmth: signals["instructsReader"] === true ? 0 : numberOf(signals["warmth"]),
    intents: textsOf(signals["intents"]),
    ...(quotes === undefined ? {} : { quotes: sealedRow(quotes) }),
  })
}

/** A lead's line through time, which never runs backwards, as its chart's clock does not. */
const followLead = (event: RecordedEvent, rows: Rows) => {
  if (!event.stream.startsWith("lead-")) return
  const key = `lead:${event.stream}`
  const before = objectOf(rows.get(key))
  const state = stateNames(event.metadata.value).at(-1) ?? ""
  if (state === "" || state === before["state"]) return
  const at = Math.max(numberOf(before["at"]), event.metadata.occurredAt ?? event.metadata.at)
  const row = { person: keyOf(event.stream), at, state, event: event.id }
  rows.set(key, row)
  rows.set(`state:${event.stream}:${padded(at)}:${padded(event.revision)}`, row)
}

/** The outcome of an activity that passed the gate is news; of others only that they were skipped. */
const outcome = (what: string) => (event: RecordedEvent, rows: Rows) => {
  const ask = `${event.stream}/${askNamedIn(event.data)}`
  if (rows.get(`unclear:${ask}`) !== undefined) rows.delete(`unclear:${ask}`)
  const gate = rows.get(`gate:${ask}`)
  if (gate === undefined) {
    if (what === "skipped") count("skipped")(event, rows)
    return
  }
  const { activity, person, events } = objectOf(gate)
  const data = objectOf(event.data)
  const error = objectOf(data["error"])
  const rejected = error["name"] === "Rejected"
  rows.delete(`gate:${ask}`)
  note(rows, event, "done", rejected ? "rejected" : what, {
    activity: textOf(activity),
    person: textOf(person),
    events: [...textsOf(events), event.id],
    ...(data["output"] === undefined ? {} : { output: data["output"] }),
    // Why the founder rejected it is the founder's own knowledge.
    ...(data["error"] === undefined || error["name"] === "Rejected"
      ? {}
      : { reason: textOf(error["message"]) }),
    ...(data["reason"] === undefined ? {} : { reason: data["reason"] }),
  })
}

export const brief = defineProjection({
  name: "brief",
  version: 1,
  on: {
    MailReceived: count("mails"),
    PersonListed: count("people"),
    TellRefused: count("refused"),
    LeadWrote: (event, rows) => {
      if (event.stream.startsWith("lead-")) keepMail(event, rows)
      const data = objectOf(event.data)
      if (objectOf(data["signals"])["instructsReader"] !== true) return
      const quotes = sealedOf(data["quotes"])
      note(rows, event, "held", "instructsReader", {
        ...personOf(event),
        ...(quotes === undefined ? {} : { quotes: sealedRow(quotes) }),
      })
    },
    LeadUnsubscribed: (event, rows) => note(rows, event, "done", "unsubscribed", personOf(event)),
    ApprovalRequested: (event, rows) => {
      const { ask, activity, person, events } = objectOf(event.data)
      rows.set(`gate:${textOf(ask)}`, {
        activity: textOf(activity),
        person: textOf(person),
        events: [...textsOf(events), event.id],
      })
    },
    ActivityQuarantined: (event, rows) => {
      const ask = `${event.stream}/${askNamedIn(event.data)}`
      const { activity = "", person = "" } = objectOf(rows.get(`gate:${ask}`))
      rows.set(`unclear:${ask}`, { ask, activity, person, at: event.metadata.at, event: event.id })
    },
    ActivitySucceeded: outcome("succeeded"),
    ActivityFailed: outcome("failed"),
    ActivitySkipped: outcome("skipped"),
    "*": followLead,
  },
})

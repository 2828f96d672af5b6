/**
 * What a brief of any day is made of. Leads are kept with the states they were in and the mails they
 * wrote, by the clock of the world, so a past day can be told. What came is counted when it happened,
 * what was taken in and what was done when it was recorded: an import of an old mailbox is no news.
 *
 * Rows: `lead:<stream>` the state a lead is in, `state:<stream>:<at>:<revision>` each it was in,
 * `mail:<stream>:<sent at>:<event id>` a mail it wrote,
 * `came:<quarter of an hour>` by the clock of the world, `news:<quarter>` and `in:<counter>:<quarter>` by
 * that of the log, `sent:<record>` a mail of the founder's own, `paid:<payment>`,
 * `done:<at>:<event id>`, `held:<at>:<record>`,
 * `gate:<ask id>` while something waits at the gate, `unclear:<ask id>` while nobody knows whether it
 * happened, `service:<name>` while it is out, `takenUp` the last time the model came back,
 * `degraded:<adapter>` of anything else that is down.
 */
import { keyOf, type RecordedEvent } from "../actors/event-log.ts"
import { isIgnoredLabel, isSentLabel } from "../actors/addresses.ts"
import { type JsonObject, staleAfterMillisDefault } from "../machines/agent.ts"
import { Service } from "../machines/integration-events.ts"
import { memoryStream } from "../machines/memory.ts"
import {
  askNamedIn,
  listOf,
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

/** Shorter outages are no news. */
const outageMillisTold = 10_000
/** Summaries made so long after the model was back had waited for it. */
const takenUpMillisMax = 60 * 60 * 1000

type Counter =
  | "mails"
  | "people"
  | "messages"
  | "invoices"
  | "payments"
  | "meetings"
  | "feedItems"
  | "notes"
  | "leads"
  | "variants"
  | "skipped"
  | "refused"

const count = (counter: Counter) => (event: RecordedEvent, rows: Rows) => {
  const quarter = event.metadata.at - event.metadata.at % quarterMillis
  const key = `news:${padded(quarter)}`
  const row = objectOf(rows.get(key))
  // The first of a quarter also says that there was some then.
  if (row[counter] === undefined) rows.set(`in:${counter}:${padded(quarter)}`, event.metadata.at)
  const at = event.metadata.occurredAt
  const oldest = row["oldest"] === undefined
    ? at
    : Math.min(numberOf(row["oldest"]), at ?? Infinity)
  rows.set(key, {
    ...row,
    [counter]: numberOf(row[counter]) + 1,
    ...(dated.has(counter) && oldest !== undefined ? { oldest } : {}),
  })
}

/** What says how far back an import goes; lists of people and notes may be of any age. */
const dated = new Set<Counter>(["mails", "messages", "invoices", "payments"])

/** Counts what came when it happened; what does not say when came when it was taken in. */
const came = (event: RecordedEvent, rows: Rows, counter: Counter, by: 1 | -1 = 1) => {
  const at = event.metadata.occurredAt ?? event.metadata.at
  const key = `came:${padded(at - at % quarterMillis)}`
  const row = objectOf(rows.get(key))
  rows.set(key, { ...row, [counter]: numberOf(row[counter]) + by })
}

/** What was old when it came in is history, and no news of the day it was imported. */
const isNews = (event: RecordedEvent) =>
  event.metadata.at - (event.metadata.occurredAt ?? event.metadata.at) <= staleAfterMillisDefault

const note = (
  rows: Rows,
  event: RecordedEvent,
  what: string,
  more: JsonObject,
) => {
  if (!isNews(event)) return
  rows.set(`done:${padded(event.metadata.at)}:${event.id}`, { what, events: [event.id], ...more })
}

/** What a founder should be warned of, once per record however many read it. */
const hold = (
  rows: Rows,
  event: RecordedEvent,
  record: string,
  what: ReadonlyArray<string>,
  more: JsonObject,
) => {
  if (what.length === 0 || !isNews(event)) return
  const known = rows.get(`heldAt:${record}`)
  const at = typeof known === "number" ? known : event.metadata.at
  if (known === undefined) rows.set(`heldAt:${record}`, at)
  const key = `held:${padded(at)}:${record}`
  const row = objectOf(rows.get(key))
  rows.set(key, {
    ...row,
    ...more,
    record,
    what: [...new Set([...textsOf(row["what"]), ...what])],
    events: [...new Set([...textsOf(row["events"]), event.id])],
  })
}

const personOf = (event: RecordedEvent): JsonObject => ({
  person: textOf(objectOf(event.data)["person"]),
})

const wordsOf = (data: JsonObject): JsonObject => {
  const quotes = sealedOf(data["quotes"])
  return quotes === undefined ? {} : { quotes: sealedRow(quotes) }
}

/** A mail that came in: what it warns of, and whether it was filed without anybody looking at it. */
const receiveMail = (event: RecordedEvent, rows: Rows) => {
  count("mails")(event, rows)
  const data = objectOf(event.data)
  const labels = textsOf(data["labels"])
  if (labels.some(isSentLabel)) rows.set(`sent:${event.stream}`, event.metadata.at)
  else if (!labels.some(isIgnoredLabel)) came(event, rows, "mails")
  hold(rows, event, event.stream, textsOf(data["suspicions"]), personOf(event))
  if (data["variantOf"] !== undefined) {
    count("variants")(event, rows)
    note(rows, event, "variant", personOf(event))
  }
  const kind = textOf(data["kind"])
  if (kind === "list" || kind === "automatic") {
    note(rows, event, "filed", { ...personOf(event), kind })
  }
}

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
    channel: textOf(data["channel"]) || "mail",
    amounts: listOf(data["amounts"]),
    ...(quotes === undefined ? {} : { quotes: sealedRow(quotes) }),
  })
}

/**
 * Since when it is one: `firstAt` by what it wrote or a list says, `knownAt` when a list that says nothing
 * was taken in. Exports are in no order, so the earliest counts.
 */
const dateLead = (event: RecordedEvent, rows: Rows): JsonObject => {
  const key = `lead:${event.stream}`
  const row = objectOf(rows.get(key))
  const at = event.metadata.occurredAt
  if (event.type !== "LeadListed" && event.type !== "LeadWrote") return row
  const name = at === undefined && event.type === "LeadListed" ? "knownAt" : "firstAt"
  const when = at ?? event.metadata.at
  if (row[name] !== undefined && numberOf(row[name]) <= when) return row
  const next = { ...row, [name]: when }
  rows.set(key, next)
  return next
}

/** A lead's line through time, which never runs backwards, as its chart's clock does not. */
const followLead = (event: RecordedEvent, rows: Rows) => {
  if (!event.stream.startsWith("lead-")) return
  const key = `lead:${event.stream}`
  const before = dateLead(event, rows)
  const state = stateNames(event.metadata.value).at(-1) ?? ""
  if (state === "" || state === before["state"]) return
  const at = Math.max(numberOf(before["at"]), event.metadata.occurredAt ?? event.metadata.at)
  const row = {
    person: keyOf(event.stream),
    at,
    state,
    event: event.id,
    ...(before["listed"] === true ? { listed: true } : {}),
    ...(before["firstAt"] === undefined ? {} : { firstAt: before["firstAt"] }),
    ...(before["knownAt"] === undefined ? {} : { knownAt: before["knownAt"] }),
  }
  rows.set(key, row)
  rows.set(`state:${event.stream}:${padded(at)}:${padded(event.revision)}`, row)
}

/** It works again. Hiccups are not told; of longer outages also how many summaries were taken up since. */
const recover = (event: RecordedEvent, rows: Rows) => {
  const service = keyOf(event.stream)
  rows.delete(`service:${service}`)
  const millis = numberOf(objectOf(event.data)["millis"])
  if (millis < outageMillisTold) return
  note(rows, event, "recovered", { service, millis, takenUp: 0 })
  if (service === "ollama") {
    rows.set("takenUp", {
      at: event.metadata.at,
      key: `done:${padded(event.metadata.at)}:${event.id}`,
    })
  }
}

/** A summary that was made soon after the model was back had waited for it. */
const takeUp = (event: RecordedEvent, rows: Rows) => {
  if (objectOf(objectOf(event.data)["output"])["accepted"] === undefined) return
  const { at, key } = objectOf(rows.get("takenUp"))
  if (at === undefined || event.metadata.at - numberOf(at) > takenUpMillisMax) return
  const row = objectOf(rows.get(textOf(key)))
  rows.set(textOf(key), { ...row, takenUp: numberOf(row["takenUp"]) + 1 })
}

/** The outcome of an activity that passed the gate without the founder's word; of others that they were skipped. */
const outcome = (what: string) => (event: RecordedEvent, rows: Rows) => {
  const ask = `${event.stream}/${askNamedIn(event.data)}`
  if (rows.get(`unclear:${ask}`) !== undefined) rows.delete(`unclear:${ask}`)
  const gate = rows.get(`gate:${ask}`)
  if (gate === undefined) {
    if (what === "skipped") {
      count("skipped")(event, rows)
      rows.set(`done:${padded(event.metadata.at)}:${event.id}`, {
        what: "stale",
        events: [event.id],
      })
    }
    return
  }
  rows.delete(`gate:${ask}`)
  const { activity, decided, events, person } = objectOf(gate)
  const data = objectOf(event.data)
  // What the founder decided is told with the decision.
  if (decided === true || objectOf(data["error"])["name"] === "Rejected") return
  const done = data["by"] === "operator" ? "told" : "carriedOut"
  note(rows, event, what === "succeeded" ? done : what, {
    activity: textOf(activity),
    person: textOf(person),
    events: [...textsOf(events), event.id],
    ...(data["error"] === undefined ? {} : { reason: textOf(objectOf(data["error"])["message"]) }),
    ...(data["reason"] === undefined ? {} : { reason: data["reason"] }),
  })
}

const decidedBySomebody = (event: RecordedEvent, rows: Rows) => {
  const ask = rows.get(`gateOf:${event.stream}`)
  if (typeof ask !== "string") return
  const gate = rows.get(`gate:${ask}`)
  if (gate !== undefined) rows.set(`gate:${ask}`, { ...objectOf(gate), decided: true })
}

/** A second list that names a lead: one person, known from both. */
const listLead = (event: RecordedEvent, rows: Rows) => {
  const key = `lead:${event.stream}`
  const row = objectOf(rows.get(key))
  if (row["listed"] === true) {
    const data = objectOf(event.data)
    rows.set(`done:${padded(event.metadata.at)}:${event.id}`, {
      what: "merged",
      events: [event.id],
      list: textOf(data["list"]),
      ...personOf(event),
    })
  } else rows.set(key, { ...row, listed: true })
}

export const brief = defineProjection({
  name: "brief",
  version: 6,
  on: {
    MailReceived: receiveMail,
    PersonListed: count("people"),
    MessageReceived: (event, rows) => {
      count("messages")(event, rows)
      if (textOf(objectOf(event.data)["direction"]) === "inward") came(event, rows, "messages")
    },
    InvoiceRecorded: count("invoices"),
    PaymentRecorded: (event, rows) => {
      count("payments")(event, rows)
      const { kind, payment, status } = objectOf(event.data)
      const key = `paid:${textOf(payment)}`
      // Several records may tell of one payment.
      if (kind !== "charge" || status !== "succeeded" || rows.get(key) !== undefined) return
      rows.set(key, event.metadata.at)
      came(event, rows, "payments")
    },
    MeetingRecorded: count("meetings"),
    FeedItemRead: (event, rows) => {
      count("feedItems")(event, rows)
      note(rows, event, "feedItem", {})
    },
    NoteRecorded: count("notes"),
    TellRefused: count("refused"),
    LeadListed: listLead,
    LeadWrote: (event, rows) => {
      if (event.stream.startsWith("lead-")) keepMail(event, rows)
      const data = objectOf(event.data)
      if (objectOf(data["signals"])["instructsReader"] !== true) return
      hold(rows, event, textOf(data["record"]), ["instructsReader"], {
        ...personOf(event),
        ...wordsOf(data),
      })
    },
    MailRead: (event, rows) => {
      const data = objectOf(event.data)
      const record = textOf(data["record"])
      // Only who is known to be the founder says that a mail is their own.
      if (data["direction"] === "outward" && rows.get(`sent:${record}`) === undefined) {
        rows.set(`sent:${record}`, event.metadata.at)
        came(event, rows, "mails", -1)
      }
      const findings = objectOf(data["findings"])
      const instructs = findings["instructsReader"] === true
      hold(rows, event, record, [
        ...textsOf(findings["suspicions"]),
        ...(instructs ? ["instructsReader"] : []),
      ], { ...personOf(event), ...(instructs ? wordsOf(data) : {}) })
    },
    LeadUnsubscribed: (event, rows) => note(rows, event, "unsubscribed", personOf(event)),
    LeadBounced: (event, rows) => note(rows, event, "bounced", personOf(event)),
    PaymentReceived: (event, rows) => {
      const { by, payment } = objectOf(event.data)
      const key = `matched:${event.stream}:${textOf(payment)}`
      if (!event.stream.startsWith("invoice-") || by === "operator") return
      // Several records may tell of one payment.
      if (rows.get(key) !== undefined) return
      rows.set(key, event.metadata.at)
      note(rows, event, "matched", {
        ...personOf(event),
        amount: objectOf(event.data)["amount"] ?? null,
        at: numberOf(objectOf(event.data)["at"]),
      })
    },
    ApprovalRequested: (event, rows) => {
      const { ask, activity, person, events } = objectOf(event.data)
      rows.set(`gate:${textOf(ask)}`, {
        activity: textOf(activity),
        person: textOf(person),
        events: [...textsOf(events), event.id],
      })
      rows.set(`gateOf:${event.stream}`, textOf(ask))
    },
    ApprovalGranted: decidedBySomebody,
    ApprovalRejected: decidedBySomebody,
    ActivityQuarantined: (event, rows) => {
      const ask = `${event.stream}/${askNamedIn(event.data)}`
      const { activity = "", person = "" } = objectOf(rows.get(`gate:${ask}`))
      rows.set(`unclear:${ask}`, { ask, activity, person, at: event.metadata.at, event: event.id })
    },
    ActivityReleased: (event, rows) =>
      rows.delete(`unclear:${event.stream}/${askNamedIn(event.data)}`),
    ActivitySucceeded: (event, rows) =>
      event.stream === memoryStream ? takeUp(event, rows) : outcome("succeeded")(event, rows),
    ActivityFailed: outcome("failed"),
    ActivitySkipped: outcome("skipped"),
    AdapterDegraded: (event, rows) => {
      const { adapter, reason } = objectOf(event.data)
      // Of services their own actor tells more.
      if (Service.literals.some((service) => service === adapter)) return
      rows.set(`degraded:${textOf(adapter)}`, {
        at: event.metadata.at,
        reason: textOf(reason),
        event: event.id,
      })
    },
    AdapterRecovered: (event, rows) =>
      rows.delete(`degraded:${textOf(objectOf(event.data)["adapter"])}`),
    CircuitOpened: (event, rows) => {
      const { reason, trouble } = objectOf(event.data)
      rows.set(`service:${keyOf(event.stream)}`, {
        at: event.metadata.at,
        trouble: textOf(trouble),
        reason: textOf(reason),
        event: event.id,
      })
    },
    CircuitClosed: recover,
    "*": (event, rows) => {
      if (event.revision === 0 && event.stream.startsWith("lead-")) count("leads")(event, rows)
      followLead(event, rows)
    },
  },
})

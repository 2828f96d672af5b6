/**
 * Composes the brief of one day from rows. It reads no clock: the day's limits in the founder's zone are
 * given, so the same morning twice gives the same brief.
 */
import { phraseOf } from "../actors/reading.ts"
import type { Json, JsonObject } from "../machines/agent.ts"
import { historyMax, scoreOf, scoreWindowMillis } from "../machines/lead.ts"
import type { Approval, Brief, BriefLead } from "./aios.ts"
import { brief, quarterMillis } from "./brief.ts"
import { numberOf, objectOf, padded, textOf, textsOf } from "./fields.ts"
import type { ReadStore } from "./read-store.ts"
import { tableOf } from "./fold.ts"

/** Mails a lead's reasons quote, words quoted of each, and events listed. */
const mailsQuotedMax = 3
const quotesPerMailMax = 2
const eventsMax = 10
/** Items that are listed of what was done or held; the rest is counted. */
const itemsMax = 20
const millisPerDay = 24 * 60 * 60 * 1000
/** Mail older than this is worth a remark. */
const mailAgeMillisMax = 2 * millisPerDay

export interface BriefDay {
  /** Local date, `2026-11-23`. */
  readonly date: string
  /** Epoch ms: what came before is no news; usually the brief of the day before. */
  readonly since: number
  /** Epoch ms: end of the day in the founder's zone, or the present where that is earlier. */
  readonly to: number
  /** What the caller knows to be missing, such as settings. */
  readonly unknown: ReadonlyArray<string>
}

export interface BriefSources {
  readonly store: ReadStore["Service"]
  readonly opened: (value: Json | undefined) => Json
  readonly approvals: ReadonlyArray<Approval>
  /** Name or address of a person, undefined where not known (any more). */
  readonly nameOf: (person: string) => string | undefined
}

/** States of a lead that the founder is told of. */
const listed = new Set(["warm", "hot"])

/** Only so many mails are looked at. */
const wrote = (mails: number) =>
  mails === 1
    ? "wrote once"
    : mails < historyMax
    ? `wrote ${mails} times`
    : `wrote ${mails} times or more`

const table = tableOf(brief)
const unknownPerson = "someone unknown or forgotten"

const stateBefore = (stream: string, to: number, sources: BriefSources): JsonObject => {
  const prefix = `state:${stream}:`
  const before = prefix + padded(to)
  const [found] = sources.store.scan(table, { prefix, before, backwards: true, limit: 1 })
  return objectOf(found?.[1])
}

const leadOf = (
  key: string,
  row: JsonObject,
  day: BriefDay,
  sources: BriefSources,
): BriefLead | undefined => {
  const stream = key.slice("lead:".length)
  const state = numberOf(row["at"]) < day.to ? row : stateBefore(stream, day.to, sources)
  if (!listed.has(textOf(state["state"]))) return undefined
  const prefix = `mail:${stream}:`
  const mails = sources.store.scan(table, {
    prefix,
    before: prefix + padded(day.to),
    backwards: true,
    limit: historyMax,
  }).map(([, mail]) => objectOf(mail)).reverse()
  const history = mails.map((mail) => ({
    record: textOf(mail["record"]),
    sentAt: numberOf(mail["at"]),
    warmth: numberOf(mail["warmth"]),
  }))
  const from = (history.at(-1)?.sentAt ?? 0) - scoreWindowMillis
  const recent = mails.filter((mail) => numberOf(mail["at"]) >= from)
  const reasons = recent.slice(-mailsQuotedMax).reverse().flatMap((mail) => {
    const intents = textsOf(mail["intents"]).map(phraseOf).join(", ")
    const quotes = textsOf(sources.opened(mail["quotes"])).slice(0, quotesPerMailMax)
      .map((quote) => `“${quote}”`).join(" … ")
    const reason = [intents, quotes].filter((part) => part !== "").join(": ")
    return reason === "" ? [] : [reason]
  })
  const person = textOf(row["person"])
  return {
    person: sources.nameOf(person) ?? unknownPerson,
    key: person,
    state: textOf(state["state"]),
    score: scoreOf(history),
    reasons: [...reasons, wrote(recent.length)],
    events: [...recent.map((mail) => textOf(mail["event"])), textOf(state["event"])]
      .filter((id, place, all) => all.indexOf(id) === place).slice(-eventsMax),
  }
}

interface Item {
  readonly what: string
  readonly events: ReadonlyArray<string>
}

const outcomes: Readonly<Record<string, string>> = {
  succeeded: "done",
  failed: "failed",
  skipped: "skipped",
  rejected: "rejected",
}
const activityWords: Readonly<Record<string, string>> = { sendMail: "mail to" }

const itemOf = (row: JsonObject, sources: BriefSources): Item => {
  const person = sources.nameOf(textOf(row["person"])) ?? unknownPerson
  const events = textsOf(row["events"])
  switch (row["what"]) {
    case "unsubscribed":
      return { what: `unsubscribe honoured: ${person}`, events }
    case "instructsReader": {
      const [quote] = textsOf(sources.opened(row["quotes"]))
      const words = quote === undefined ? "" : `: “${quote}”`
      return {
        what: `a mail of ${person} tells its reader's AI what to do${words}; ` +
          "nothing in it was followed",
        events,
      }
    }
    default: {
      const activity = textOf(row["activity"])
      const outcome = outcomes[textOf(row["what"])] ?? textOf(row["what"])
      const sent = outcome === "done" && activity === "sendMail" ? "sent" : outcome
      const reason = textOf(sources.opened(row["reason"]))
      return {
        what: `${activityWords[activity] ?? `${activity} for`} ${person} ${sent}` +
          (reason === "" ? "" : `: ${reason}`),
        events,
      }
    }
  }
}

const itemsOf = (where: "done" | "held", day: BriefDay, sources: BriefSources) => {
  const rows = sources.store.scan(table, {
    after: `${where}:${padded(day.since)}`,
    before: `${where}:${padded(day.to)}`,
  })
  const items = rows.slice(0, itemsMax).map(([, row]) => itemOf(objectOf(row), sources))
  return rows.length <= itemsMax
    ? items
    : [...items, { what: `and ${rows.length - itemsMax} more`, events: [] }]
}

/** Counters of what was recorded in [since, to), in whole quarters of an hour. */
const countersOf = (day: BriefDay, sources: BriefSources) => {
  const rows = sources.store.scan(table, {
    prefix: "news:",
    after: `news:${padded(day.since - quarterMillis)}`,
    before: `news:${padded(day.to)}`,
  }).map(([, row]) => objectOf(row))
  const sum = (name: string) => rows.reduce((sum, row) => sum + numberOf(row[name]), 0)
  return { mails: sum("mails"), people: sum("people"), skipped: sum("skipped") }
}

const unclearOf = (sources: BriefSources): ReadonlyArray<Item> =>
  sources.store.scan(table, { prefix: "unclear:" }).map(([, row]) => {
    const { activity, ask, event } = objectOf(row)
    return {
      what: `nobody knows whether ${textOf(activity) || "an activity"} happened: ` +
        `aios settle ${textOf(ask)}`,
      events: [textOf(event)],
    }
  })

const unknownOf = (day: BriefDay, sources: BriefSources): ReadonlyArray<string> => {
  const newest = sources.store.scan(table, {
    prefix: "news:",
    before: `news:${padded(day.to)}`,
    backwards: true,
  }).find(([, row]) => numberOf(objectOf(row)["mails"]) > 0)
  if (newest === undefined) return ["no mail was imported yet: aios import FILE…"]
  const age = day.to - Number(newest[0].slice("news:".length))
  return age <= mailAgeMillisMax + millisPerDay ? [] : [
    `mail was last imported ${
      Math.floor(age / millisPerDay)
    } days ago; newer mail is not known here`,
  ]
}

export const composeBrief = (day: BriefDay, sources: BriefSources): Brief => {
  const { mails, people, skipped } = countersOf(day, sources)
  const leads = sources.store.scan(table, { prefix: "lead:" })
    .flatMap(([key, row]) => leadOf(key, objectOf(row), day, sources) ?? [])
    .sort((a, b) => b.score - a.score || (a.key < b.key ? -1 : 1))
  const stale = skipped === 0
    ? []
    : [{ what: `${skipped} skipped, because they were too old to act upon`, events: [] }]
  return {
    date: day.date,
    leads,
    approvals: sources.approvals,
    timeZone: "UTC",
    now: [],
    week: [],
    invoices: [],
    money: { overdue: [], overdueCount: 0, expected: [], received: [] },
    replies: [],
    content: [],
    meetings: [],
    decided: [],
    checklist: [],
    news: { mails, people, leads: 0, payments: 0, since: day.since },
    done: [...itemsOf("done", day, sources), ...stale],
    held: [...itemsOf("held", day, sources), ...unclearOf(sources)]
      .map((item) => ({ ...item, action: "" })),
    unknown: [...unknownOf(day, sources), ...day.unknown],
  }
}

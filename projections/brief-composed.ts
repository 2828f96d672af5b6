/**
 * Composes the brief of one day from rows. It reads no clock: the day's limits in the founder's zone are
 * given, so the same morning twice gives the same brief.
 */
import { historyMax, scoreOf, scoreWindowMillis } from "../machines/lead.ts"
import { phraseOf } from "../actors/reading.ts"
import type { JsonObject } from "../machines/agent.ts"
import type { Brief } from "./aios.ts"
import { brief, quarterMillis } from "./brief.ts"
import { topicsOf } from "./brief-content.ts"
import { itemsOf } from "./brief-items.ts"
import { aboutOf, dueIn, moneyIn, type StandingLead, type Work } from "./brief-matters.ts"
import { checklistOf } from "./brief-checklist.ts"
import { decidedOf, doneOf, heldOf, unknownOf } from "./brief-sections.ts"
import { type BriefDay, type BriefSources, nameOf } from "./brief-sources.ts"
import { forecastWords } from "./aios-made.ts"
import { readingOf } from "./conversation-read.ts"
import { conversations } from "./conversations.ts"
import { listOf, numberOf, objectOf, padded, textOf, textsOf } from "./fields.ts"
import { tableOf } from "./fold.ts"
import { invoiceOf, type InvoiceRow, invoices } from "./invoices.ts"
import type { ReadStore } from "./read-store.ts"
import { allAsOf } from "./timeline.ts"
import { daysBetween, quoted, startOfDay, sums } from "./words.ts"

export type { BriefDay, BriefSources } from "./brief-sources.ts"

/** Mails a lead's reasons quote, words quoted of each, and events listed. */
const mailsQuotedMax = 3
const quotesPerMailMax = 2
const eventsMax = 10
const draftMillisMax = 60 * 24 * 60 * 60 * 1000
const weekMillis = 7 * 24 * 60 * 60 * 1000

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

const stateBefore = (stream: string, to: number, store: ReadStore["Service"]): JsonObject => {
  const prefix = `state:${stream}:`
  const [found] = store.scan(table, {
    prefix,
    before: prefix + padded(to),
    backwards: true,
    limit: 1,
  })
  return objectOf(found?.[1])
}

const leadOf = (
  key: string,
  row: JsonObject,
  day: BriefDay,
  sources: BriefSources,
): StandingLead | undefined => {
  const stream = key.slice("lead:".length)
  const state = numberOf(row["at"]) < day.to ? row : stateBefore(stream, day.to, sources.store)
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
      .map((quote) => quoted(quote)).join(" … ")
    const reason = [intents, quotes].filter((part) => part !== "").join(": ")
    return reason === "" ? [] : [reason]
  })
  const person = textOf(row["person"])
  const last = recent.at(-1)
  const reading = readingOf(person, sources.store, tableOf(conversations), sources.opened, day.to)
  const told = reading === undefined ? "" : forecastWords(reading)
  return {
    ...(last === undefined ? {} : {
      wrote: {
        at: numberOf(last["at"]),
        channel: textOf(last["channel"]),
        intents: textsOf(last["intents"]),
        amounts: listOf(last["amounts"]).flatMap((one) => moneyIn(one) ?? []),
        quotes: textsOf(sources.opened(last["quotes"])),
      },
    }),
    person: nameOf(person, sources),
    key: person,
    state: textOf(state["state"]),
    score: scoreOf(history),
    ...(reading === undefined ? {} : { reading }),
    reasons: [...reasons, wrote(recent.length), ...(told === "" ? [] : [told])],
    events: [...recent.map((mail) => textOf(mail["event"])), textOf(state["event"])]
      .filter((id, place, all) => all.indexOf(id) === place).slice(-eventsMax),
  }
}

/** Rows of counters in [from, to), in whole quarters of an hour. */
const quarters = (name: string, from: number, to: number, store: ReadStore["Service"]) =>
  store.scan(table, {
    prefix: `${name}:`,
    after: `${name}:${padded(from - quarterMillis)}`,
    before: `${name}:${padded(to)}`,
  }).map(([, row]) => objectOf(row))

const counterOf = (rows: ReadonlyArray<JsonObject>) => (name: string) =>
  Math.max(0, rows.reduce((sum, row) => sum + numberOf(row[name]), 0))

const recordKinds = [
  "mails",
  "people",
  "messages",
  "invoices",
  "payments",
  "meetings",
  "feedItems",
  "notes",
]

/** The day's records, whenever they happened: an import is said apart from what came. */
const takenInOf = (day: BriefDay, store: ReadStore["Service"]): Brief["news"]["takenIn"] => {
  const rows = quarters("news", startOfDay(day.to - 1, day.timeZone), day.to, store)
  const counter = counterOf(rows)
  const oldest = rows.flatMap((row) => row["oldest"] === undefined ? [] : numberOf(row["oldest"]))
  return {
    records: recordKinds.reduce((sum, name) => sum + counter(name), 0),
    ...(oldest.length === 0 ? {} : { oldest: Math.min(...oldest) }),
  }
}

/** Who became a lead in [since, to): nobody whom a list named before. */
const isNewLead = (row: JsonObject, { since, to }: BriefDay): boolean => {
  const { firstAt, knownAt } = row
  return typeof firstAt === "number" && firstAt >= since && firstAt < to &&
    !(typeof knownAt === "number" && knownAt < since)
}

export const invoicesAsOf = (
  store: ReadStore["Service"],
  to: number,
): ReadonlyArray<InvoiceRow> =>
  allAsOf(store, tableOf(invoices), "invoice", to).map(([key, row]) => invoiceOf(key, row))

/** The name on the invoice. */
const billedTo = (one: InvoiceRow, sources: BriefSources): string =>
  textOf(objectOf(sources.opened(one.contact))["name"]) || nameOf(one.person, sources)

/**
 * A draft is the founder's to send: until an invoice of the same sum to the same person is known, or was
 * to be expected for so long that nobody knows any more, it is no income to count on.
 */
const isInvoiced = (work: Work, all: ReadonlyArray<InvoiceRow>, to: number): boolean =>
  work.requestedAt < to - draftMillisMax ||
  all.some((one) =>
    one.person === work.person && one.total === work.amount?.minor &&
    one.currency === work.amount.currency && one.dueAt >= work.requestedAt
  )

/** MONEY: what is late, what is to come within the week, what came in since the last brief. */
const moneyOf = (
  all: ReadonlyArray<InvoiceRow>,
  toInvoice: ReadonlyArray<{ readonly minor: number; readonly currency: string }>,
  day: BriefDay,
  sources: BriefSources,
): Brief["money"] => {
  // What rests is history: it is counted among what is not known.
  const open = all.filter((one) => one.open > 0 && !one.resting)
  const amountOf = (one: InvoiceRow) => ({ minor: one.open, currency: one.currency })
  const late = open.filter((one) => one.dueAt < day.to).sort((a, b) => a.dueAt - b.dueAt)
  const soon = open.filter((one) => one.dueAt >= day.to && one.dueAt < day.to + weekMillis)
  const [oldest] = late
  return {
    overdue: sums(late.map(amountOf)),
    overdueCount: late.length,
    ...(oldest === undefined ? {} : {
      oldest: {
        person: billedTo(oldest, sources),
        days: daysBetween(oldest.dueAt, day.to, day.timeZone),
      },
    }),
    expected: sums(soon.map(amountOf)),
    accepted: sums(toInvoice),
    received: sums(
      all.flatMap((one) =>
        one.payments.filter(({ at }) => at >= day.since && at < day.to)
          .map(({ minor }) => ({ minor, currency: one.currency }))
      ),
    ),
  }
}

export const composeBrief = (day: BriefDay, sources: BriefSources): Brief => {
  const { store } = sources
  const counter = counterOf(quarters("news", day.since, day.to, store))
  const came = counterOf(quarters("came", day.since, day.to, store))
  const leadRows = store.scan(table, { prefix: "lead:" })
  const leads = leadRows
    .flatMap(([key, row]) => leadOf(key, objectOf(row), day, sources) ?? [])
    .sort((a, b) => b.score - a.score || (a.key < b.key ? -1 : 1))
  const all = invoicesAsOf(store, day.to)
  const items = itemsOf(day, sources, all, leads)
  const waitingFor = new Set(sources.approvals.map((one) => one.agent))
  const toInvoice = items.works.filter((work) =>
    work.kind === "invoice" &&
    (waitingFor.has(work.stream) || work.done && !isInvoiced(work, all, day.to))
  ).flatMap((work) => work.amount ?? [])
  const dueOf = new Map(items.works.map((work) => [work.stream, work.dueAt]))
  return {
    date: day.date,
    timeZone: day.timeZone,
    now: items.now,
    week: items.week,
    leads: leads.map(({ wrote: _, ...lead }) => lead),
    approvals: sources.approvals.map(({ person: _, expiresAt: __, ...approval }) => {
      const dueAt = dueOf.get(approval.agent)
      return dueAt === undefined ? approval : { dueAt, ...approval }
    }),
    invoices: all.filter((one) => one.open > 0 || one.overpaid > 0 || one.disputed !== "")
      .map((one) => ({
        key: one.key,
        number: one.number,
        person: billedTo(one, sources),
        state: one.state,
        total: { minor: one.total, currency: one.currency },
        open: { minor: one.open, currency: one.currency },
        dueAt: one.dueAt,
        // Nothing is late of what is not owed.
        daysLate: one.open > 0 ? daysBetween(one.dueAt, day.to, day.timeZone) : 0,
        events: one.events,
      })).sort((a, b) => a.dueAt - b.dueAt || (a.key < b.key ? -1 : 1)),
    money: moneyOf(all, toInvoice, day, sources),
    replies: items.owed.map((one) => {
      const dueAt = one.weighed?.dueAt ?? dueIn(one, day)[0]?.dueAt
      return {
        person: nameOf(one.person, sources),
        key: one.person,
        subject: one.unanswered.at(-1)?.subject ?? "",
        about: aboutOf(one),
        since: one.unanswered[0]?.at ?? 0,
        mails: one.unanswered.length,
        pressing: one.weighed?.pressing ?? 0,
        ...(dueAt === undefined ? {} : { dueAt }),
        quotes: one.unanswered.flatMap((mail) => mail.quotes).slice(-eventsMax),
        events: one.unanswered.map((mail) => mail.event),
        ...(one.read === undefined ? {} : { reading: one.read }),
      }
    }).sort((a, b) => b.pressing - a.pressing || a.since - b.since),
    content: topicsOf(day, sources).filter((topic) => !topic.published).map((topic) => ({
      topic: topic.topic,
      title: topic.title,
      state: topic.state,
      notes: topic.notes,
      covered: topic.covered,
      uncovered: topic.uncovered,
      events: topic.events,
      ...(topic.dueAt === undefined ? {} : { dueAt: topic.dueAt }),
    })),
    meetings: sources.meetings
      .filter((one) => daysBetween(day.to - 1, one.startsAt, day.timeZone) <= 0)
      .map((one) => ({
        title: one.title,
        startsAt: one.startsAt,
        endsAt: one.endsAt,
        allDay: one.allDay,
        with: one.with,
        events: [one.event],
      })),
    news: {
      mails: came("mails"),
      messages: came("messages"),
      people: counter("people"),
      leads: leadRows.filter(([, row]) => isNewLead(objectOf(row), day)).length,
      payments: came("payments"),
      since: day.since,
      takenIn: takenInOf(day, store),
      known: store.scan(table, { prefix: "in:", limit: 1 }).length > 0,
    },
    decided: decidedOf(day, sources),
    done: doneOf(day, sources),
    held: heldOf(day, sources, items.works),
    unknown: unknownOf(day, sources, all.filter((one) => one.open > 0 && one.resting).length),
    checklist: checklistOf(day, sources),
  }
}

/**
 * The items of a brief in order: what wants the founder now, and what is due within the week. Each has
 * one sentence, one action, its evidence, and a rank that `brief-ranking.ts` explains.
 */
import type { BriefItem } from "./aios.ts"
import { contentItems, type Told } from "./brief-content.ts"
import {
  aboutOf,
  conversationsOf,
  decideCommand,
  dueIn,
  dueIs,
  lateMillisMax,
  type Matter,
  owes,
  placeOf,
  type StandingLead,
  type Waiting,
  type Work,
  worksAsOf,
} from "./brief-matters.ts"
import { rankOf, type Relationship } from "./brief-ranking.ts"
import { amountIn, preparedWords, shortOf, whatOf, whyOf, wroteOnly } from "./brief-sentences.ts"
import { type BriefDay, type BriefSources, handleOf, nameOf } from "./brief-sources.ts"
import type { Conversation } from "./conversations.ts"
import type { InvoiceRow } from "./invoices.ts"
import { counted, daysBetween, dueUntil, majorOf } from "./words.ts"

const eventsMax = 10
/** That an approval expires is said so many days before. */
const expiryToldDays = 3
/** What is due later has time. */
const aheadMillisMax = 30 * 24 * 60 * 60 * 1000
/** From here on an unanswered mail is for today. */
const pressingToday = 50

const relationshipOf = (matter: Matter, about: string): Relationship => {
  const purpose = matter.waiting[0]?.work?.purpose
  if (about === "complaint" || purpose === "complaint") return "complaint"
  if (matter.conversation?.unanswered.some((mail) => mail.intents.includes("accepts"))) {
    return "accepts"
  }
  if (about === "deal" || matter.lead !== undefined) return "deal"
  if (matter.due.some((one) => one.mine)) return "promise"
  return about === "question" || purpose === "answer" ? "question" : "none"
}

const itemOf = (matter: Matter, day: BriefDay, sources: BriefSources): Told => {
  const { conversation, waiting } = matter
  const unanswered = conversation?.unanswered ?? []
  const about = conversation === undefined ? "" : aboutOf(conversation)
  const what = whatOf(matter, about, day, sources)
  const dues = [
    ...matter.due.map((one) => one.dueAt),
    ...waiting.flatMap(({ work }) => work?.dueAt ?? []),
    ...(unanswered.length > 0 ? [conversation?.weighed?.dueAt ?? 0] : []),
  ].map((at) => dueUntil(at, day.timeZone)).filter((at) =>
    at > day.to - lateMillisMax && at < day.to + aheadMillisMax
  )
  const dueAt = dues.length === 0 ? undefined : Math.min(...dues)
  const since = Math.min(
    day.to,
    ...waiting.map(({ approval }) => approval.requestedAt),
    ...unanswered.map((mail) => mail.at),
    ...wroteOnly(matter).map((one) => one.at),
    ...matter.blocked.map((work) => work.requestedAt),
  )
  const named = amountIn(conversation?.unanswered ?? wroteOnly(matter))
  const amounts = [
    ...waiting.flatMap(({ work }) => work?.amount ?? []),
    ...(named === undefined ? [] : [named]),
    ...matter.invoices.map((one) => ({
      minor: Math.max(one.open, one.overpaid),
      currency: one.currency,
    })),
  ]
  const relationship = relationshipOf(matter, about)
  const dueInDays = dueAt === undefined ? undefined : daysBetween(day.to, dueAt, day.timeZone)
  const pressing = unanswered.length === 0 ? 0 : conversation?.weighed?.pressing ?? 0
  const [first, ...others] = waiting
  const isOwed = unanswered.length + matter.due.length > 0
  const prepared = first !== undefined
    ? withExpiry(first, day)
    : matter.blocked.length > 0
    ? `no draft: ${matter.blocked[0]!.problem}`
    : ""
  return {
    // What somebody waits for until tomorrow has to be done today.
    now: waiting.length > 0 || (dueInDays ?? 2) <= (unanswered.length > 0 ? 1 : 0) ||
      relationship === "complaint" ||
      matter.invoices.some((one) => one.disputed === "bank" || one.overpaid > 0) ||
      (unanswered.length > 0 && (relationship === "accepts" || pressing >= pressingToday)),
    item: {
      what,
      short: shortOf(matter, about, dueAt, day, sources),
      prepared,
      action: first === undefined
        ? isOwed
          ? `aios done ${handleOf(matter.person, sources)}`
          : `aios history ${handleOf(matter.person, sources)}`
        : decideCommand(first, sources),
      more: [
        ...others.map((one) => ({
          prepared: withExpiry(one, day),
          action: decideCommand(one, sources),
        })),
        // Nothing is prepared: all that is known helps, and stands beside the word.
        ...(first === undefined && isOwed
          ? [{ prepared: "", action: `aios history ${handleOf(matter.person, sources)}` }]
          : []),
      ],
      why: whyOf(matter, what, day, sources),
      ...(dueAt === undefined ? {} : { dueAt }),
      since,
      kind: first !== undefined ? "approval" : isOwed ? "reply" : "invoice",
      ...(matter.person === ""
        ? {}
        : { person: nameOf(matter.person, sources), key: matter.person }),
      approvals: waiting.map(({ approval }) => approval.id),
      events: [
        ...matter.due.map((one) => one.event),
        ...unanswered.map((mail) => mail.event),
        ...matter.invoices.flatMap((one) => one.events),
        ...(matter.lead?.events ?? []),
        ...(conversation?.read?.by === "model"
          ? conversation.read.evidence.map(({ event }) => event)
          : []),
        ...waiting.flatMap(({ approval }) => approval.events),
      ].filter((id, place, all) => id !== "" && all.indexOf(id) === place).slice(-eventsMax),
      rank: rankOf({
        ...dueIs(dueAt, day),
        money: Math.max(0, ...amounts.map((one) => majorOf(one.minor, one.currency))),
        relationship,
        pressing,
        waitingDays: daysBetween(since, day.to, day.timeZone),
        unanswered: unanswered.length,
        decision: waiting.length > 0,
      }),
    },
  }
}

/** What is prepared, and when it will not be done any more, where that is near. */
const withExpiry = (one: Waiting, day: BriefDay): string => {
  const { expiresAt } = one.approval
  const days = expiresAt === undefined ? Infinity : daysBetween(day.to, expiresAt, day.timeZone)
  return days > expiryToldDays
    ? preparedWords(one)
    : `${preparedWords(one)}, expires ${days <= 0 ? "today" : `in ${counted(days, "day")}`}`
}

export interface Items {
  readonly now: ReadonlyArray<BriefItem>
  readonly week: ReadonlyArray<BriefItem>
  /** Conversations in which the founder owes an answer. */
  readonly owed: ReadonlyArray<Conversation>
  readonly works: ReadonlyArray<Work>
}

/** The day's items, in order. */
export const itemsOf = (
  day: BriefDay,
  sources: BriefSources,
  invoices: ReadonlyArray<InvoiceRow>,
  leads: ReadonlyArray<StandingLead>,
): Items => {
  const all = worksAsOf(day, sources)
  const workOf = new Map(all.map((work) => [work.stream, work]))
  const waiting = sources.approvals.map((approval): Waiting => ({
    approval,
    work: workOf.get(approval.agent),
  }))
  const leadOf = new Map(leads.map((lead) => [lead.key, lead]))
  const personOf = ({ approval, work }: Waiting) => work?.person || (approval.person ?? "")
  const byPerson = Map.groupBy(waiting, personOf)
  const talks = new Map(conversationsOf(day, sources).map((one) => [one.person, one]))
  const owed = [...talks.values()].filter((one) => owes(one, day.to))
  const due = new Map(
    [...talks.values()].map((one) => [one.person, dueIn(one, day)] as const)
      .filter(([, dates]) => dates.length > 0),
  )
  const troubled = invoices.filter((one) =>
    (one.overpaid > 0 && !one.resting) || one.disputed === "bank"
  )
  const blocked = all.filter((work) =>
    work.problem !== "" && work.kind !== "publication" &&
    ["blocked", "failed"].includes(work.state)
  )
  const people = new Set([
    ...byPerson.keys(),
    ...owed.map((one) => one.person),
    ...due.keys(),
    ...troubled.map((one) => one.person),
    ...blocked.map((one) => one.person),
    // Who wrote over a network only has no conversation by mail, and is answered there.
    ...leads.filter((one) => one.state === "hot" && !talks.has(one.key)).map((one) => one.key),
  ])
  people.delete("")
  // What the founder put off comes back by itself.
  for (const person of sources.postponed) if (!byPerson.has(person)) people.delete(person)
  const told = [...people].map((person): Told => {
    const waits = (byPerson.get(person) ?? []).toSorted((a, b) => placeOf(a) - placeOf(b))
    const reminded = waits.flatMap(({ work }) =>
      work?.purpose === "reminder" ? [work.invoiceNumber] : []
    )
    const conversation = talks.get(person)
    return itemOf(
      {
        person,
        waiting: waits,
        conversation: conversation !== undefined &&
            (owed.includes(conversation) || due.has(person) || waits.length > 0)
          ? conversation
          : undefined,
        due: due.get(person) ?? [],
        invoices: invoices.filter((one) =>
          one.person === person &&
          ((one.overpaid > 0 && !one.resting) || one.disputed !== "" ||
            reminded.includes(one.number))
        ),
        blocked: blocked.filter((work) => work.person === person),
        lead: leadOf.get(person),
      },
      day,
      sources,
    )
  })
  const articles = contentItems(day, sources, waiting)
  const withTopic = new Set(articles.flatMap(({ item }) => item.approvals))
  const nobody = (byPerson.get("") ?? []).filter(({ approval }) => !withTopic.has(approval.id)).map(
    (one) => impersonal(one, day, sources),
  )
  const others = [...told, ...nobody, ...articles]
    .sort((a, b) => b.item.rank - a.item.rank || (a.item.what < b.item.what ? -1 : 1))
  return {
    now: others.filter((one) => one.now).map((one) => one.item),
    week: others.filter((one) => !one.now).map((one) => one.item),
    owed,
    works: all,
  }
}

/** An approval that concerns nobody; publications are told with their topic. */
const impersonal = (one: Waiting, day: BriefDay, sources: BriefSources): Told => ({
  now: true,
  item: {
    what: `${one.approval.activity} of ${one.approval.agent} waits for your word`,
    short: `${one.approval.activity} of ${one.approval.agent} waits for your word`,
    more: [],
    prepared: withExpiry(one, day),
    action: decideCommand(one, sources),
    why: one.approval.reasons,
    ...(one.work?.dueAt === undefined ? {} : { dueAt: one.work.dueAt }),
    since: one.approval.requestedAt,
    kind: "approval",
    approvals: [one.approval.id],
    events: one.approval.events,
    rank: rankOf({
      money: 0,
      relationship: "none",
      pressing: 0,
      waitingDays: daysBetween(one.approval.requestedAt, day.to, day.timeZone),
      unanswered: 0,
      decision: true,
    }),
  },
})

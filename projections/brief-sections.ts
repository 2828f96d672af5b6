/**
 * The lower half of a brief: what was decided and what became of it, what was done without the founder,
 * what was held back, what is not known today, and what to mend.
 */
import type { Json, JsonObject } from "../machines/agent.ts"
import { undecidedMillisMax } from "../machines/gatekeeper.ts"
import type { Brief } from "./aios.ts"
import { brief } from "./brief.ts"
import type { Work } from "./brief-matters.ts"
import {
  type BriefDay,
  type BriefSources,
  type DecidedRow,
  nameOf,
  unknownPerson,
  whoIs,
} from "./brief-sources.ts"
import { toldWhere } from "./aios-words.ts"
import { numberOf, objectOf, padded, textOf, textsOf } from "./fields.ts"
import { tableOf } from "./fold.ts"
import { outageWords, serviceName } from "./service-words.ts"
import { counted, daysBetween, dayWords, moneyWords, quoted } from "./words.ts"

/** Of a group so many are named one by one, and so many events listed; all are counted. */
const eachMax = 200
const eventsMax = 20
const heldMax = 20
const idCharsShown = 8
const dayMillis = 24 * 60 * 60 * 1000
/** Mail and calendars that were imported longer ago are worth a remark. */
const mailDaysMax = 3
const calendarDaysMax = 3

const table = tableOf(brief)

/** Rows of what was done or held in (since, to): what AIOS did in the instant of the last brief is in that one. */
export const newsRows = (
  where: "done" | "held",
  day: { readonly since: number; readonly to: number },
  store: BriefSources["store"],
): ReadonlyArray<JsonObject> =>
  store.scan(table, {
    after: `${where}:${padded(day.since + 1)}`,
    before: `${where}:${padded(day.to)}`,
  }).map(([, row]) => objectOf(row))

interface Group {
  readonly one: string
  readonly many: string
  readonly each: (row: JsonObject, sources: BriefSources) => string
  /** So few are told each in the line itself, in place of how many they are. */
  readonly namedMax?: number
}

const person = (row: JsonObject, sources: BriefSources) => whoIs(textOf(row["person"]), sources)
const recordWords = (row: JsonObject, sources: BriefSources) => {
  const words = sources.records.get(textsOf(row["events"])[0] ?? "")
  return words === undefined
    ? nameOf(textOf(row["person"]), sources)
    : `${words.from}: ${quoted(words.subject, 70)}`
}
const activityWords: Readonly<Record<string, string>> = {
  sendMail: "mail",
  refundPayment: "refund",
  createInvoice: "invoice",
  draftInvoice: "invoice",
  publishArticle: "publication",
}
export const activityWordsOf = (name: string) => activityWords[name] ?? name

/** `Ollama works again, after 14 minutes; 6 summaries were taken up`. */
const recoveredWords = (row: JsonObject): string => {
  const takenUp = numberOf(row["takenUp"])
  return `${serviceName(textOf(row["service"]))} works again, after ${
    outageWords(numberOf(row["millis"]))
  }${takenUp === 0 ? "" : `; ${counted(takenUp, "summary was", "summaries were")} taken up`}`
}

const activityFor = (row: JsonObject, sources: BriefSources) =>
  `${activityWordsOf(textOf(row["activity"]))} for ${person(row, sources)}`

/** In the order in which they are told. */
const groups: Readonly<Record<string, Group>> = {
  filed: { one: "mail filed", many: "mails filed", each: recordWords },
  merged: {
    one: "duplicate merged",
    many: "duplicates merged",
    each: (row, sources) => `${person(row, sources)}, also in ${textOf(row["list"])}`,
  },
  unsubscribed: { one: "unsubscribe honoured", many: "unsubscribes honoured", each: person },
  bounced: { one: "dead address noted", many: "dead addresses noted", each: person },
  matched: {
    one: "payment matched",
    many: "payments matched",
    each: (row, sources) => {
      const { currency, minor } = objectOf(row["amount"])
      const amount = typeof minor === "number" && typeof currency === "string"
        ? moneyWords({ minor, currency })
        : "a payment"
      return `${amount} from ${person(row, sources)}`
    },
  },
  variant: {
    one: "changed copy kept beside its mail",
    many: "changed copies kept beside their mails",
    each: recordWords,
  },
  feedItem: { one: "feed item filed", many: "feed items filed", each: () => "" },
  told: { one: "done, as you said", many: "done, as you said", each: activityFor },
  recovered: {
    one: "service works again",
    many: "services work again",
    each: (row) => recoveredWords(row),
    namedMax: 3,
  },
  carriedOut: { one: "approved by policy", many: "approved by policy", each: activityFor },
  failed: {
    one: "failed",
    many: "failed",
    each: (row, sources) =>
      `${activityWordsOf(textOf(row["activity"]))} for ${person(row, sources)}: ${
        textOf(sources.opened(row["reason"]))
      }`,
  },
  stale: { one: "too old to act on", many: "too old to act on", each: () => "" },
  skipped: {
    one: "skipped",
    many: "skipped",
    each: (row, sources) =>
      `${activityWordsOf(textOf(row["activity"]))} for ${person(row, sources)}: ${
        textOf(sources.opened(row["reason"]))
      }`,
  },
}

export const doneOf = (day: BriefDay, sources: BriefSources): Brief["done"] => {
  const by = Map.groupBy(newsRows("done", day, sources.store), (row) => textOf(row["what"]))
  const expired = sources.expired.length === 0 ? [] : [{
    what: `${sources.expired.length} expired undecided`,
    count: sources.expired.length,
    each: sources.expired.slice(-eachMax).map((row) =>
      `${headline(row, sources)} · to decide after all: aios undo ${sources.short(row.id)}`
    ),
    events: sources.expired.map((row) => row.event).slice(-eventsMax),
  }]
  return [
    ...expired,
    ...Object.entries(groups).flatMap(([what, group]) => {
      const rows = by.get(what) ?? []
      if (rows.length === 0) return []
      return [{
        what: rows.length <= (group.namedMax ?? 0)
          ? rows.map((row) => group.each(row, sources)).join(", ")
          : counted(rows.length, group.one, group.many),
        count: rows.length,
        each: rows.slice(-eachMax).map((row) => group.each(row, sources)).filter((one) =>
          one !== ""
        ),
        events: rows.flatMap((row) => textsOf(row["events"])).slice(-eventsMax),
      }]
    }),
  ]
}

const purposes: Readonly<Record<string, string>> = {
  complaint: "answer to a complaint",
  answer: "answer",
  reminder: "reminder",
  followUp: "follow-up",
}

export const article = (word: string) => /^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`

/** How long somebody else has the floor. A day is known only once their mail was decided. */
const floorUntil = (floor: NonNullable<Work["floor"]>, day: BriefDay, sources: BriefSources) =>
  sources.approvals.some((one) => one.agent === floor.holder)
    ? ` (until the ${purposes[floor.purpose] ?? "mail"} is decided)`
    : floor.until > day.to
    ? ` (until ${dayWords(floor.until, day.to, day.timeZone)})`
    : ""

/** `a reminder to Brightside waits: an answer goes first`. */
const floorsOf = (day: BriefDay, sources: BriefSources, works: ReadonlyArray<Work>) =>
  works.flatMap(({ floor, person, purpose, stream }) =>
    floor === undefined ? [] : [{
      what: `${article(purposes[purpose] ?? "mail")} to ${whoIs(person, sources)} waits: ` +
        `${article(purposes[floor.purpose] ?? "mail")} goes first` +
        floorUntil(floor, day, sources),
      action: `aios why-not ${sources.actor(stream)}`,
      events: [floor.event],
    }]
  )

/** Where the address is what is wrong, it is shown; otherwise the name will do. */
const suspicionWords = (row: JsonObject, sources: BriefSources): string => {
  const what = textsOf(row["what"])
  const written = sources.records.get(textOf(row["record"]))?.from
  const name = nameOf(textOf(row["person"]), sources)
  const parts: Array<string> = []
  if (what.includes("instructsReader")) {
    parts.push("tells its reader's AI what to do; nothing in it was followed")
  }
  if (what.includes("forgedFrom")) parts.push("is not from whom it says")
  if (what.includes("lookalikeAddress")) parts.push("comes from an address that imitates another")
  if (what.includes("activeContent")) parts.push("held scripts or programs; only its text was kept")
  if (what.includes("oversized")) parts.push("was too large; parts were left out")
  const isAddress = what.includes("forgedFrom") || what.includes("lookalikeAddress")
  const from = isAddress || name === unknownPerson ? written ?? name : name
  return `a mail of ${from} ${parts.join(", and ")}`
}

const expiredNamed = 2

/** `9 decisions expired undecided after 30 days, so nothing was done: Ada Weiss, Marco Rossi and 7 more`. */
const expiredHeld = (sources: BriefSources): Brief["held"] => {
  const { expired } = sources
  if (expired.length === 0) return []
  const names = [
    ...new Set(
      expired.map(({ approval }) =>
        textOf(approval["person"]) === ""
          ? activityWordsOf(textOf(approval["activity"]))
          : nameOf(textOf(approval["person"]), sources)
      ),
    ),
  ]
  const more = names.length - expiredNamed
  return [{
    what: `${counted(expired.length, "decision")} expired undecided after ${
      undecidedMillisMax / dayMillis
    } days and will not be done: ${names.slice(0, expiredNamed).join(", ")}${
      more > 0 ? ` and ${more} more` : ""
    }`,
    action: "aios brief --done",
    events: expired.map((row) => row.event).slice(-eventsMax),
  }]
}

export const heldOf = (
  day: BriefDay,
  sources: BriefSources,
  works: ReadonlyArray<Work>,
): Brief["held"] => {
  const rows = newsRows("held", day, sources.store)
  const mails = rows.slice(-heldMax).map((row) => {
    const events = textsOf(row["events"])
    return {
      what: suspicionWords(row, sources),
      action: `aios why ${(events[0] ?? "").slice(0, idCharsShown)}`,
      events,
    }
  })
  const more = rows.length - mails.length
  return [
    ...mails,
    ...(more > 0
      ? [{ what: `and ${more} more mails`, action: "aios brief --json", events: [] }]
      : []),
    ...floorsOf(day, sources, works),
    ...expiredHeld(sources),
  ]
}

const mailWords = (content: Json): string => {
  const subject = objectOf(content)["subject"]
  return typeof subject === "string" ? ` ${quoted(subject, 60)}` : ""
}

const headline = (row: DecidedRow, sources: BriefSources): string => {
  const { activity, person } = row.approval
  const amount = objectOf(objectOf(row.content)["amount"])
  const sum = typeof amount["minor"] === "number" && typeof amount["currency"] === "string"
    ? ` of ${moneyWords({ minor: amount["minor"], currency: amount["currency"] })}`
    : ""
  const to = textOf(person) === "" ? "" : ` to ${nameOf(textOf(person), sources)}`
  return `${activityWordsOf(textOf(activity))}${sum}${to}${mailWords(row.content)}`
}

/** What lies in a folder of this house was prepared; the rest is the founder's to do. */
const inFolders: Readonly<Record<string, readonly [prepared: string, left: string]>> = {
  sendMail: ["written to", "yours to send"],
  draftInvoice: ["drafted as", "yours to send"],
  refundPayment: ["recorded in", "yours to pay"],
}
const ownFolder = /^(?:outbox|payments)\//

const doneAt = (activity: string, where: string): string => {
  if (where === "") return "done"
  if (where === toldWhere) return "you said that it happened"
  const [prepared, left] = inFolders[activity] ?? []
  return prepared === undefined || !ownFolder.test(where)
    ? `done: ${where}`
    : `${prepared} ${where}, ${left}`
}

/** What became of it, as far as it is known. */
const outcomeOf = (row: DecidedRow, day: BriefDay): string => {
  const { approval } = row
  if (row.decision === "rejected") return "not done"
  if (row.decision === "postponed") {
    return `comes back ${dayWords(numberOf(approval["postponedUntil"]), day.to, day.timeZone)}`
  }
  if (row.decision === "withdrawn") return "decision taken back; it waits for you again"
  if (row.decision === "regretted") return "taken back after it was done"
  const where = textOf(approval["where"])
  switch (approval["became"]) {
    case "done":
      return doneAt(textOf(approval["activity"]), where)
    case "failed":
      return `failed: ${textOf(approval["problem"])}`
    case "skipped":
      return `skipped: ${textOf(approval["problem"])}`
    case "unknown":
      return "nobody knows whether it happened"
    default:
      return textOf(approval["supersededBy"]) === "" ? "waits for its turn" : "not needed any more"
  }
}

export const decidedOf = (day: BriefDay, sources: BriefSources): Brief["decided"] =>
  sources.decided.map((row) => ({
    id: row.id,
    decision: row.decision,
    what: headline(row, sources),
    outcome: outcomeOf(row, day),
    at: row.at,
    events: [row.event, textOf(row.approval["outcomeEvent"])].filter((id) => id !== ""),
  }))

/** When records of a kind last came in, epoch ms. */
const lastIn = (counter: string, day: BriefDay, sources: BriefSources): number | undefined => {
  const prefix = `in:${counter}:`
  const [found] = sources.store.scan(table, {
    prefix,
    before: prefix + padded(day.to),
    backwards: true,
    limit: 1,
  })
  return found === undefined ? undefined : Number(found[0].slice(prefix.length))
}

/** Calendars stamp what they export with the moment of it: then all entries have the same stamp. */
const exportedDays = (day: BriefDay, sources: BriefSources): number => {
  const stamps = new Set(sources.meetings.map((one) => one.stampedAt ?? 0))
  const [at = 0] = stamps
  return sources.meetings.length < 2 || stamps.size !== 1 || at === 0
    ? 0
    : daysBetween(at, day.to, day.timeZone)
}

/** `resting`: invoices that are open on paper and that nobody reminds of any more. */
export const unknownOf = (
  day: BriefDay,
  sources: BriefSources,
  resting: number,
): ReadonlyArray<string> => {
  const age = (counter: string) => {
    const at = lastIn(counter, day, sources)
    return at === undefined ? undefined : daysBetween(at, day.to, day.timeZone)
  }
  const unknown: Array<string> = []
  const [mail, calendar, invoices] = [age("mails"), age("meetings"), age("invoices")]
  const exported = exportedDays(day, sources)
  if (mail === undefined) unknown.push("no mail was imported yet: aios import FILE…")
  else if (mail >= mailDaysMax) {
    unknown.push(`mail was last imported ${counted(mail, "day")} ago; newer mail is not known here`)
  }
  if (mail !== undefined && calendar === undefined) {
    unknown.push("no calendar was imported; meetings are not known")
  } else if (calendar !== undefined && Math.max(calendar, exported) >= calendarDaysMax) {
    unknown.push(
      `the calendar was last ${calendar >= exported ? "imported" : "exported"} ${
        counted(Math.max(calendar, exported), "day")
      } ago; meetings may be missing`,
    )
  }
  if (mail !== undefined && invoices === undefined) {
    unknown.push("no invoices were imported; what is owed to you is not known")
  }
  if (resting > 0) {
    unknown.push(
      `whether ${counted(resting, "old invoice")} will still be paid; left out of MONEY: ` +
        "aios agents invoice",
    )
  }
  return unknown
}

/** What a lead makes of the mails the person wrote: how warm they are, and what in them is acted upon. */
import type { LeadWrote } from "./lead-events.ts"
import type { Money } from "./record.ts"

const day = 24 * 60 * 60 * 1000
/** Mails older than this before the newest one do not count for the score. */
export const scoreWindowMillis = 90 * day
/** How many mails a lead remembers; older ones are in the log. */
export const historyMax = 10

export interface Mail {
  readonly record: string
  readonly sentAt: number
  readonly warmth: number
}

export type Wrote = typeof LeadWrote.Type

export const says = (event: Wrote, ...intents: ReadonlyArray<string>) =>
  event.signals.intents.some((intent) => intents.includes(intent))

/** What a mail adds. One that instructs its reader's AI adds nothing, whatever the rules read in it. */
const warmthOf = (event: Wrote) => event.signals.instructsReader ? 0 : event.signals.warmth

/** The mails remembered once this one is. In the order they were sent, whatever order they come in. */
export const withMail = (history: ReadonlyArray<Mail>, event: Wrote): ReadonlyArray<Mail> => {
  const after = history.findLastIndex((mail) => mail.sentAt <= event.sentAt) + 1
  const mail = { record: event.record, sentAt: event.sentAt, warmth: warmthOf(event) }
  return [...history.slice(0, after), mail, ...history.slice(after)].slice(-historyMax)
}

export const scoreOf = (history: ReadonlyArray<Mail>): number => {
  const from = (history.at(-1)?.sentAt ?? 0) - scoreWindowMillis
  const sum = history.reduce((sum, mail) => mail.sentAt < from ? sum : sum + mail.warmth, 0)
  return Math.max(0, Math.min(100, sum))
}

/** The one amount that was accepted; undefined where none or several are named. */
export const acceptedIn = (event: Wrote): Money | undefined => {
  const [amount, ...others] = event.amounts ?? []
  return says(event, "accepts") && !says(event, "complains") && others.length === 0
    ? amount
    : undefined
}

/** The one amount that is named, by who does not complain: of a yes that is not answered yet, it is the newer one. */
export const correctedIn = (event: Wrote): Money | undefined => {
  const [amount, ...others] = event.amounts ?? []
  return says(event, "complains") || others.length > 0 ? undefined : amount
}

/** What was not asked, and changes all the same what an answer has to say. */
export const changesFacts = (event: Wrote) =>
  says(event, "namesDate") || (event.amounts ?? []).length > 0

/** What an outreach can answer. Another question is for the founder: the analyst keeps track of it. */
export const answerable = ["asksPrice", "asksMeeting", "namesBudget", "accepts"]

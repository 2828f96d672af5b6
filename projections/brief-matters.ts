/**
 * What belongs together in a brief: a person's mails, invoices, drafts and approvals are one matter,
 * because to the founder they are one problem. Here matters are put together from rows; how they are told is
 * in `brief-sentences.ts`.
 */
import { staleAfterMillisDefault } from "../machines/agent.ts"
import { wantsAnswer } from "../machines/conversation.ts"
import type { BriefLead } from "./aios.ts"
import type { BriefApproval, BriefDay, BriefSources } from "./brief-sources.ts"
import {
  type Conversation,
  type ConversationMail,
  conversationOf,
  conversations,
} from "./conversations.ts"
import { numberOf, objectOf, textOf } from "./fields.ts"
import { tableOf } from "./fold.ts"
import type { InvoiceRow } from "./invoices.ts"
import { allAsOf } from "./timeline.ts"
import { daysBetween } from "./words.ts"
import { works } from "./works.ts"

const hourMillis = 60 * 60 * 1000
const dayMillis = 24 * hourMillis
/** A conversation that fell silent before that is history. */
const freshMillisMax = staleAfterMillisDefault
/** What was due longer ago is not told as due any more. */
export const lateMillisMax = 14 * dayMillis
export const weekMillis = 7 * dayMillis

/** Intents that want an answer, whatever else a mail says. */
const wanting = new Set([
  "asksPrice",
  "namesBudget",
  "asksMeeting",
  "asksQuestion",
  "accepts",
  "complains",
])

export interface Work {
  readonly stream: string
  readonly kind: string
  readonly purpose: string
  readonly requester: string
  readonly person: string
  readonly state: string
  readonly problem: string
  readonly dueAt?: number
  readonly amount?: { readonly minor: number; readonly currency: string }
  readonly invoiceNumber: string
  readonly edited: boolean
  /** It lies where it was put, and was not taken back. */
  readonly done: boolean
  readonly floor?: {
    readonly holder: string
    readonly purpose: string
    readonly until: number
    readonly event: string
  }
  readonly event: string
  readonly requestedAt: number
}

export const moneyIn = (value: unknown) => {
  const { currency, minor } = objectOf(value)
  return typeof minor === "number" && typeof currency === "string" ? { minor, currency } : undefined
}

/** Every piece of work as it stood. */
export const worksAsOf = (day: BriefDay, sources: BriefSources): ReadonlyArray<Work> =>
  allAsOf(sources.store, tableOf(works), "work", day.to).map(([stream, row]): Work => {
    const amount = moneyIn(row["amount"])
    const floor = objectOf(row["floor"])
    return {
      stream,
      kind: textOf(row["kind"]),
      purpose: textOf(row["purpose"]),
      requester: textOf(row["requester"]),
      person: textOf(row["person"]),
      state: textOf(row["state"]),
      problem: textOf(row["problem"]),
      invoiceNumber: textOf(objectOf(row["invoice"])["number"]),
      edited: row["edited"] === true,
      done: textOf(row["where"]) !== "" && row["undone"] !== true,
      event: textOf(row["asked"]),
      requestedAt: numberOf(row["requestedAt"]),
      ...(typeof row["dueAt"] === "number" ? { dueAt: row["dueAt"] } : {}),
      ...(amount === undefined ? {} : { amount }),
      ...(textOf(floor["holder"]) === "" || row["withdrawn"] === true ? {} : {
        floor: {
          holder: textOf(floor["holder"]),
          purpose: textOf(floor["purpose"]),
          until: numberOf(floor["until"]),
          event: textOf(floor["event"]),
        },
      }),
    }
  })

/** The command that deals with it: what may have happened already is not approved, but settled. */
export const decideCommand = (
  { approval }: Waiting,
  { short }: { readonly short: (id: string) => string },
): string =>
  approval.unclear === true
    ? `aios settle ${short(approval.id)} --happened`
    : `aios approve ${short(approval.id)}`

/** An approval with the work it is for. */
export interface Waiting {
  readonly approval: BriefApproval
  readonly work: Work | undefined
}

/** A lead, with the newest of what it wrote; over a network there is nothing else to tell it by. */
export interface StandingLead extends BriefLead {
  readonly wrote?: {
    readonly at: number
    readonly channel: string
    readonly intents: ReadonlyArray<string>
    readonly amounts: ReadonlyArray<{ readonly minor: number; readonly currency: string }>
    readonly quotes: ReadonlyArray<string>
  }
}

/** All that concerns one person. */
export interface Matter {
  readonly person: string
  readonly waiting: ReadonlyArray<Waiting>
  readonly conversation: Conversation | undefined
  /** Promises and wishes with a date that nobody met yet. */
  readonly due: ReadonlyArray<
    {
      readonly dueAt: number
      readonly words: string
      readonly mine: boolean
      readonly event: string
      /** When it was said. */
      readonly at: number
    }
  >
  /** Overpaid, disputed, or what a reminder is about. */
  readonly invoices: ReadonlyArray<InvoiceRow>
  readonly blocked: ReadonlyArray<Work>
  readonly lead: StandingLead | undefined
}

/** Reply first: it is what the other side waits for. */
const order: Readonly<Record<string, number>> = { mail: 0, refund: 1, invoice: 2, publication: 3 }
export const placeOf = ({ work }: Waiting) => order[work?.kind ?? "mail"] ?? 4

/** A mail that wants something, as far as rules can tell. */
const wants = (mail: ConversationMail): boolean =>
  mail.asks || mail.commitments.length > 0 || mail.intents.some((intent) => wanting.has(intent))

/**
 * Mails of the person that still want an answer: those of the last weeks, from the first that asks for
 * something. What was polite and long ago is history, though nobody answered it.
 */
export const openMails = (conversation: Conversation, to: number) => {
  const fresh = conversation.unanswered.filter((mail) => mail.at > to - freshMillisMax)
  const first = fresh.findIndex(wants)
  return first < 0 ? fresh.slice(-1).filter(wantsAnswer) : fresh.slice(first)
}

/** Does the founder owe an answer? Who says no is not asked to say it again. */
export const owes = (conversation: Conversation, to: number): boolean => {
  const newest = conversation.unanswered.at(-1)
  if (conversation.closed || newest === undefined || newest.at < to - freshMillisMax) return false
  if (newest.intents.includes("declines") && conversation.weighed?.about !== "complaint") {
    return false
  }
  if (conversation.turn !== "") {
    return conversation.turn.startsWith("ours") && !conversation.turn.endsWith("lapsed")
  }
  const about = conversation.weighed?.about
  if (about === "thanks") return false
  return conversation.unanswered.some((mail) =>
    mail.asks || mail.intents.some((intent) => wanting.has(intent)) || mail.commitments.length > 0
  ) || about === "complaint" || about === "deal" || about === "question"
}

export const aboutOf = ({ unanswered, weighed }: Conversation): string => {
  if (weighed !== undefined && weighed.about !== "other") return weighed.about
  const intents = new Set(unanswered.flatMap((mail) => mail.intents))
  if (intents.has("complains")) return "complaint"
  if (["accepts", "namesBudget", "asksPrice", "asksMeeting"].some((one) => intents.has(one))) {
    return "deal"
  }
  return unanswered.some((mail) => mail.asks) ? "question" : weighed?.about ?? "other"
}

/** What the founder has to do by a date: promised, or wanted of them, and not answered since. */
export const dueIn = (conversation: Conversation, day: BriefDay): Matter["due"] => {
  if (conversation.closed) return []
  const lastSent = conversation.mails.findLast((mail) => !mail.inward)
  const open = [...conversation.unanswered, ...(lastSent === undefined ? [] : [lastSent])]
  return open.flatMap((mail) =>
    mail.commitments.filter(({ by, dueAt }) =>
      by === "founder" && dueAt > day.to - lateMillisMax && dueAt < day.to + weekMillis
    ).map(({ dueAt, words }) => ({
      dueAt,
      words,
      mine: !mail.inward,
      event: mail.event,
      at: mail.at,
    }))
  ).sort((a, b) => a.dueAt - b.dueAt)
}

/** How far off it is, by the calendar and by the clock. */
export const dueIs = (dueAt: number | undefined, day: BriefDay) =>
  dueAt === undefined ? {} : {
    dueInDays: daysBetween(day.to, dueAt, day.timeZone),
    dueInHours: (dueAt - day.to) / hourMillis,
  }

/** Conversations that are not history yet. */
export const conversationsOf = (
  day: BriefDay,
  sources: BriefSources,
): ReadonlyArray<Conversation> => {
  const table = tableOf(conversations)
  return sources.store.scan(table, { prefix: "conversation:" })
    .filter(([, row]) => numberOf(objectOf(row)["last"]) > day.to - freshMillisMax)
    .map(([key, row]) => {
      const whole = conversationOf(
        key.slice("conversation:".length),
        objectOf(row),
        sources.store,
        table,
        sources.opened,
        day.to,
      )
      return { ...whole, unanswered: openMails(whole, day.to) }
    })
}

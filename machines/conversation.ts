/**
 * What a conversation with one person is made of: the mails as rules read them, what was promised, which
 * invoices it may be about, and how they are weighed together. The chart is in `analyst.ts`.
 */
import { Schema } from "effect"
import type { OutputFrom } from "xstate"
import { activity, event, personal, staleAfterMillisDefault } from "./agent.ts"
import { Signals } from "./lead.ts"
import { Instant, InvoiceKey, Mailbox, Money, PersonKey, Suspicion } from "./record.ts"

/** A promise with a date, or a date by which something is wanted. */
export const Commitment = Schema.Struct({
  /** Who has to do it. */
  by: Schema.Literals(["founder", "person"]),
  /** Epoch ms: the end of the day or the minute that was named, in the founder's zone. */
  dueAt: Instant,
  /** Stream of the record that says so. */
  record: Schema.String,
})
export type Commitment = typeof Commitment.Type

/** What rules extracted from one mail. Plain; the words they were read from are in `quotes`. */
export const Findings = Schema.Struct({
  ...Signals.fields,
  amounts: Schema.Array(Money),
  commitments: Schema.Array(Commitment),
  /** The person asks something. */
  asks: Schema.Boolean,
  /** What a founder should be warned of. */
  suspicions: Schema.Array(Suspicion),
})
export type Findings = typeof Findings.Type

/** A mail of the conversation, in or out, as read by rules. */
export const MailRead = event("MailRead", {
  person: PersonKey,
  record: Schema.String,
  direction: Schema.Literals(["inward", "outward"]),
  sentAt: Instant,
  contact: personal(Mailbox),
  subject: personal(Schema.String),
  messageId: personal(Schema.String),
  findings: Findings,
  /** At most 8, at most 12 words each. */
  quotes: personal(Schema.Array(Schema.String)),
  /** What was committed to, in the mail's words, in the order of `findings.commitments`. */
  commitmentWords: personal(Schema.Array(Schema.String)),
  /** Numbers of invoices that the mail names, lower case. */
  invoices: Schema.optionalKey(Schema.Array(Schema.String)),
  /** It was long past when it was told of: it is remembered, and nothing follows from it. */
  history: Schema.optionalKey(Schema.Boolean),
})

/** The founder says that it is dealt with, by telephone or otherwise: nothing is owed, what was promised is kept. */
export const ConversationDealtWith = event("ConversationDealtWith", { by: Schema.String })

/** AIOS wrote to the person, as approved: whatever they had written up to `answers` is answered. */
export const AnswerHandedOver = event("AnswerHandedOver", {
  person: PersonKey,
  /** Stream of the executor. */
  work: Schema.String,
  answers: Instant,
})
/** The founder took that mail back. */
export const AnswerTakenBack = event("AnswerTakenBack", {
  person: PersonKey,
  work: Schema.String,
})

/** What an invoice of this person's has come to, told by the invoice itself: a complaint may be about it. */
export const InvoiceNoted = event("InvoiceNoted", {
  person: PersonKey,
  invoice: InvoiceKey,
  number: Schema.String,
  standing: Schema.Literals(["open", "overdue", "disputed", "overpaid", "settled"]),
  total: Money,
  dueAt: Instant,
  /** Charges beyond what is owed. */
  overpaid: Schema.Array(Schema.Struct({ payment: Schema.String, amount: Money })),
})

/** The person is not to be written to any more: nothing is owed. */
export const ConversationClosed = event("ConversationClosed", { because: Schema.String })

/** Weighs a conversation: what it is about and how pressing. By rules here; later by a model. */
export const weighConversation = activity({
  name: "weighConversation",
  input: Schema.Struct({
    person: PersonKey,
    /** Newest last, at most 10. */
    mails: Schema.Array(Schema.Struct({
      record: Schema.String,
      direction: Schema.Literals(["inward", "outward"]),
      sentAt: Instant,
      findings: Findings,
    })),
  }),
  output: Schema.Struct({
    about: Schema.Literals(["complaint", "deal", "question", "promise", "thanks", "other"]),
    /** 0 to 100: what it costs not to act. */
    pressing: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })),
    /** When it has to be dealt with, where somebody named a time. */
    dueAt: Schema.optionalKey(Instant),
    /** `rules-2`, later a model's name. */
    made: Schema.String,
    /** A line each: `named a budget`, `third mail without an answer`. Nothing personal. */
    reasons: Schema.Array(Schema.String),
  }),
  timeoutMillis: 10_000,
  staleAfterMillis: staleAfterMillisDefault,
})

const day = 24 * 60 * 60 * 1000
/** A mail that waits longer for its answer is overdue. */
export const replyMillisMax = 3 * day
/** Nobody answers a mail any more that is older. */
export const lapseMillis = 30 * day
/** So long before its time a commitment is due. */
export const dueSoonMillis = day
/** A broken commitment is spoken of so long. */
export const brokenMillisMax = 30 * day
/** How many of each a conversation remembers. */
export const mailsMax = 10
export const commitmentsMax = 10
export const invoicesMax = 20

export type Read = typeof MailRead.Type
type Noted = Omit<typeof InvoiceNoted.Type, "type" | "person">
interface Mail {
  readonly record: string
  readonly direction: Read["direction"]
  readonly sentAt: number
  readonly findings: Findings
}

export interface AnalystContext {
  readonly person: string
  /** The newest ones, oldest first. */
  readonly mails: ReadonlyArray<Mail>
  /** Epoch ms; 0 where there is none. */
  readonly lastInwardAt: number
  readonly lastOutwardAt: number
  /** When the oldest mail was sent that nobody answered. */
  readonly unansweredSince: number
  /** The newest mail of the person's. */
  readonly latest: Omit<Read, "type" | "findings"> | null
  readonly weighed: OutputFrom<typeof weighConversation> | null
  /** Those still to be kept, soonest first. */
  readonly pending: ReadonlyArray<Commitment>
  readonly broken: ReadonlyArray<Commitment>
  readonly invoices: ReadonlyArray<Noted & { readonly disputed: boolean }>
  /** Works asked for so far, and the one under way. */
  readonly works: number
  readonly open: { readonly work: string; readonly answers: number } | null
  /** Complaints up to here were answered or otherwise dealt with. */
  readonly dealtWithUntil: number
  /** The last mail that AIOS wrote, and what was answered before it: it may be taken back. */
  readonly answered: {
    readonly work: string
    readonly lastOutwardAt: number
    readonly dealtWithUntil: number
    /** Invoices whose dispute it settled. */
    readonly settled: ReadonlyArray<string>
  } | null
}

const isForged = ({ suspicions }: Findings) =>
  suspicions.includes("forgedFrom") || suspicions.includes("lookalikeAddress")
/** What may be somebody else's, or speaks to an AI, is remembered and leads to nothing. */
export const isHeldBack = ({ direction, findings }: Pick<Mail, "direction" | "findings">) =>
  direction === "inward" && (findings.instructsReader || isForged(findings))

export const isHistory = ({ history, sentAt }: Read) =>
  history === true || Date.now() - sentAt > lapseMillis

export const isNewest = (context: AnalystContext, event: Read) =>
  event.sentAt >= Math.max(context.lastInwardAt, context.lastOutwardAt)

/** Intents that want nothing by themselves: a thank-you, a no, a date. */
const quietIntents = new Set(["thanks", "declines", "namesDate"])
/** Thanks, a no, or what the person will do, end a conversation; a question or a wish takes it up. */
export const wantsAnswer = (
  { asks, commitments, intents }: {
    readonly asks: boolean
    readonly commitments: ReadonlyArray<{ readonly by: string }>
    readonly intents: ReadonlyArray<string>
  },
) =>
  asks || commitments.some(({ by }) => by === "founder") ||
  (intents.length === 0 && commitments.length === 0) ||
  intents.some((intent) => !quietIntents.has(intent))

export const withMail = (mails: ReadonlyArray<Mail>, event: Read): ReadonlyArray<Mail> => {
  const { direction, findings, record, sentAt } = event
  const after = mails.findLastIndex((mail) => mail.sentAt <= sentAt) + 1
  return [...mails.slice(0, after), { record, direction, sentAt, findings }, ...mails.slice(after)]
    .slice(-mailsMax)
}

/** A mail of whoever promised keeps the promise, as far as rules can tell, and may make a new one. */
export const pendingWith = (context: AnalystContext, event: Read): ReadonlyArray<Commitment> => {
  const writer = event.direction === "outward" ? "founder" : "person"
  const kept = isNewest(context, event) && !isHeldBack(event)
    ? context.pending.filter(({ by }) => by !== writer)
    : context.pending
  const made = isHeldBack(event) || isHistory(event)
    ? []
    : event.findings.commitments.filter(({ dueAt }) => dueAt > Date.now())
  return [...kept, ...made].sort((a, b) => a.dueAt - b.dueAt).slice(0, commitmentsMax)
}
export const brokenWith = (context: AnalystContext, event: Read): ReadonlyArray<Commitment> => {
  if (!isNewest(context, event) || isHeldBack(event)) return context.broken
  const writer = event.direction === "outward" ? "founder" : "person"
  return context.broken.filter(({ by }) => by !== writer)
}

/** The invoice a complaint is about: it is named, or it is the only one that was paid twice. */
export const invoiceMeant = (context: AnalystContext) => {
  const { latest } = context
  const named = context.invoices.find(({ number, standing }) =>
    standing !== "settled" && latest?.invoices?.includes(number.toLowerCase()) === true
  )
  if (named !== undefined) return named
  const saysTwice = context.mails.some(({ direction, findings, sentAt }) =>
    direction === "inward" && sentAt > context.lastOutwardAt &&
    findings.intents.includes("chargedTwice")
  )
  const overpaid = context.invoices.filter((one) => one.overpaid.length > 0)
  return saysTwice && overpaid.length === 1 ? overpaid[0] : undefined
}

/** Invoices that this person disputed by mail. */
export const disputedIn = ({ invoices }: AnalystContext): ReadonlyArray<string> =>
  invoices.filter(({ disputed }) => disputed).map(({ invoice }) => invoice)

/** Asks for the reply to a complaint: all that was not answered yet, with what is known of its invoice. */
export const complaintReply = (
  context: AnalystContext,
  latest: NonNullable<AnalystContext["latest"]>,
  dueAt: number | undefined,
) => {
  const { contact, messageId, quotes, sentAt, subject } = latest
  const unanswered = context.mails.filter((mail) =>
    mail.direction === "inward" && mail.sentAt > context.lastOutwardAt
  )
  const language = unanswered.findLast(({ findings }) => findings.language !== undefined)
    ?.findings.language
  const meant = invoiceMeant(context)
  const facts = (one: NonNullable<typeof meant>) => ({
    ...{ invoice: one.invoice, number: one.number, total: one.total },
    ...{ dueAt: one.dueAt, overpaid: one.overpaid },
  })
  return {
    type: "MailRequested",
    requester: `analyst-${context.person}`,
    person: context.person,
    records: unanswered.map(({ record }) => record),
    ...(dueAt === undefined ? {} : { dueAt }),
    purpose: "complaint",
    answers: sentAt,
    intents: [...new Set(unanswered.flatMap(({ findings }) => findings.intents))],
    ...{ contact, subject, messageId, quotes },
    ...(language === undefined ? {} : { language }),
    ...(meant === undefined ? {} : { invoice: facts(meant) }),
  }
}

/** What a lead hears: that it is listed, wrote, was answered, does not want mail, and what its outreach came to. */
import { Schema } from "effect"
import { event, personal } from "./agent.ts"
import { Instant, Language, Mailbox, Money, PersonKey } from "./record.ts"

/** What rules read in a mail. Plain, so a chart may decide by it; the quotes behind it are sealed. */
export const Signals = Schema.Struct({
  /** Which rules read it: `rules-1`. */
  reader: Schema.String,
  /** -100 to 100: how much this mail warms the lead. */
  warmth: Schema.Int.check(Schema.isBetween({ minimum: -100, maximum: 100 })),
  /** Such as `asksPrice`, `namesBudget`, `namesDate`, `accepts`, `declines`, `complains`, `asksMeeting`. */
  intents: Schema.Array(Schema.String),
  /** The mail addresses a reader's AI with instructions; nothing in it was followed. */
  instructsReader: Schema.Boolean,
  /** What the mail is written in; absent where its words do not say. */
  language: Schema.optionalKey(Language),
})

/** The person stands in a list that was imported. */
export const LeadListed = event("LeadListed", {
  person: PersonKey,
  /** Stream of the imported record. */
  record: Schema.String,
  list: Schema.String,
  contact: personal(Mailbox),
})

/** The person wrote to the founder. */
export const LeadWrote = event("LeadWrote", {
  person: PersonKey,
  record: Schema.String,
  sentAt: Instant,
  contact: personal(Mailbox),
  subject: personal(Schema.String),
  messageId: personal(Schema.String),
  signals: Signals,
  /** The words the signals were read from. */
  quotes: personal(Schema.Array(Schema.String)),
  /** Amounts the rules found, as written; absent where nobody looked for them. */
  amounts: Schema.optionalKey(Schema.Array(Money)),
  /** How it came; a message of a network cannot be answered by mail. Default `mail`. */
  channel: Schema.optionalKey(Schema.Literals(["mail", "linkedin"])),
})

/** The founder wrote to the person, outside AIOS; or sent what AIOS had written. */
export const LeadAnswered = event("LeadAnswered", {
  person: PersonKey,
  record: Schema.String,
  sentAt: Instant,
  contact: personal(Mailbox),
  /** Its Message-ID, where that is of the kind that AIOS gives. */
  messageId: Schema.optionalKey(Schema.String),
})

/** The person asked not to be written to. */
export const LeadUnsubscribed = event("LeadUnsubscribed", {
  person: PersonKey,
  record: Schema.String,
  sentAt: Instant,
  contact: Schema.optionalKey(personal(Mailbox)),
  quotes: personal(Schema.Array(Schema.String)),
})

/** A mail to the person came back for good. */
export const LeadBounced = event("LeadBounced", {
  person: PersonKey,
  record: Schema.String,
  sentAt: Instant,
})

/** The outreach was approved and the mail handed over. */
export const LeadContacted = event("LeadContacted", {
  person: PersonKey,
  /** Its stream. */
  outreach: Schema.String,
  /** When the mail it answers was sent. */
  answers: Instant,
  /** Of the answer. */
  messageId: Schema.optionalKey(Schema.String),
})

/** The founder rejected the outreach: that mail is dealt with. */
export const LeadOutreachRejected = event("LeadOutreachRejected", {
  person: PersonKey,
  outreach: Schema.String,
  answers: Instant,
})

/** The outreach could not be made or handed over, or came too late. The mail is still unanswered. */
export const LeadOutreachFailed = event("LeadOutreachFailed", {
  person: PersonKey,
  outreach: Schema.String,
  answers: Instant,
  /** Name of what was wrong, such as `Skipped`. */
  problem: Schema.String,
})

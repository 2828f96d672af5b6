/**
 * One conversation with one person: who owes whom an answer, what was promised and by when, and how
 * pressing that is. The rules read each mail before it comes here; the analyst weighs them together.
 */
import { Schema } from "effect"
import { activity, event, personal, staleAfterMillisDefault } from "./agent.ts"
import { Signals } from "./lead.ts"
import { Instant, Mailbox, Money, PersonKey, Suspicion } from "./record.ts"

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

/**
 * One piece of work that somebody asked for: a mail, a refund, an invoice, a publication. The executor
 * drafts it, gets the floor where a person is to be written to, and carries out exactly what was
 * approved. It is the only agent whose activities leave the house, so editing, undoing and reopening
 * are the same for all of them.
 */
import { Schema } from "effect"
import { activity, event, personal, staleAfterMillisDefault } from "./agent.ts"
import { Evidence, Instant, InvoiceKey, Language, Mailbox, Money, PersonKey } from "./record.ts"

/** What a mail is for. The coordinator ranks them: see `floorRank`. */
export const Purpose = Schema.Literals(["complaint", "answer", "reminder", "followUp"])
export type Purpose = typeof Purpose.Type

/** An invoice as a draft or an evidence line names it. */
export const InvoiceFacts = Schema.Struct({
  invoice: InvoiceKey,
  number: Schema.String,
  total: Money,
  /** What is still to be paid, where a part of it was. */
  owed: Schema.optionalKey(Money),
  dueAt: Schema.optionalKey(Instant),
  /** Charges beyond what is owed: id and amount of each. */
  overpaid: Schema.optionalKey(
    Schema.Array(Schema.Struct({ payment: Schema.String, amount: Money })),
  ),
  /** Reminders sent before this one. */
  reminders: Schema.optionalKey(Schema.Int),
})
export type InvoiceFacts = typeof InvoiceFacts.Type

/** Stream of an executor. */
export const Work = Schema.String.check(Schema.isPattern(/^executor-\S{1,200}$/))

const work = {
  /** Stream of the actor that wants it; it is told what became of it. */
  requester: Schema.String,
  person: PersonKey,
  /** Streams of the records that led here, oldest first. */
  records: Schema.Array(Schema.String),
  /** When it should be done, where somebody named a time. */
  dueAt: Schema.optionalKey(Instant),
}

/** A mail to one person. Asked again while it is open, it is drafted anew for the newer facts. */
export const MailRequested = event("MailRequested", {
  ...work,
  purpose: Purpose,
  /** When the mail was sent that this answers; of others, when the reason for it arose. */
  answers: Instant,
  intents: Schema.Array(Schema.String),
  contact: personal(Mailbox),
  /** Of the mail it answers; empty otherwise. */
  subject: personal(Schema.String),
  messageId: personal(Schema.String),
  /** What the person wrote, word for word. */
  quotes: personal(Schema.Array(Schema.String)),
  invoice: Schema.optionalKey(InvoiceFacts),
  /** What the person wrote in; absent where nobody knows. */
  language: Schema.optionalKey(Language),
})

export const RefundRequested = event("RefundRequested", {
  ...work,
  invoice: InvoiceFacts,
  payment: Schema.String,
  amount: Money,
  reason: Schema.String,
  contact: personal(Mailbox),
})

/** Somebody accepted a price: the invoice for it. */
export const InvoiceRequested = event("InvoiceRequested", {
  ...work,
  amount: Money,
  contact: personal(Mailbox),
  description: personal(Schema.String),
})

export const PublicationRequested = event("PublicationRequested", {
  requester: Schema.String,
  topic: Schema.String,
  /** Sealed under the founder's key. */
  title: personal(Schema.String),
  text: personal(Schema.String),
  publishAt: Instant,
})

/** Nobody needs it any more. */
export const WorkWithdrawn = event("WorkWithdrawn", {
  /** Type of the event that made it so. */
  because: Schema.String,
})
/** What was missing is there now, or what was broken is mended: try again. */
export const WorkRetried = event("WorkRetried", {})
/** The founder's own words in place of the draft's. New content: a new approval. */
export const DraftEdited = event("DraftEdited", {
  person: Schema.optionalKey(PersonKey),
  subject: Schema.optionalKey(personal(Schema.String)),
  text: personal(Schema.String),
})
/** What was stopped was under way already, and has happened: told by the actor system. */
export const WorkHappened = event("WorkHappened", {
  activity: Schema.String,
  /** What it was asked with. */
  input: Schema.Json,
})
/** It was carried out and is to be taken back, as far as that can be. */
export const WorkUndone = event("WorkUndone", { by: Schema.String })
/** It was rejected, and is to be decided again. */
export const WorkReopened = event("WorkReopened", { by: Schema.String })

/** The coordinator's answers: see `coordinator.ts`. */
export const FloorGranted = event("FloorGranted", { person: PersonKey })
/** Somebody else writes to this person now. `until`: when it is worth asking again. */
export const FloorDenied = event("FloorDenied", {
  person: PersonKey,
  /** Stream and purpose of who has the floor. */
  holder: Schema.String,
  purpose: Purpose,
  until: Instant,
})
/** Something more important wants this person: what waited for approval is postponed. */
export const FloorRevoked = event("FloorRevoked", {
  person: PersonKey,
  holder: Schema.String,
  purpose: Purpose,
  until: Instant,
})

/** What the requester is told. */
export const WorkCarriedOut = event("WorkCarriedOut", {
  /** Stream of the executor. */
  work: Schema.String,
  kind: Schema.Literals(["mail", "refund", "invoice", "publication"]),
  /** From the request; 0 where it has none. */
  answers: Instant,
  /** Of a mail: the Message-ID it was given, by which it is known again among the founder's sent mail. */
  messageId: Schema.optionalKey(Schema.String),
  /** Of a mail: whether it asks something back; absent where nobody knows. */
  asks: Schema.optionalKey(Schema.Boolean),
})
export const WorkRejected = event("WorkRejected", {
  work: Schema.String,
  kind: Schema.Literals(["mail", "refund", "invoice", "publication"]),
  answers: Instant,
})
/** It had been carried out and the founder took it back: the matter is the requester's again. */
export const WorkTakenBack = event("WorkTakenBack", {
  work: Schema.String,
  kind: Schema.Literals(["mail", "refund", "invoice", "publication"]),
  answers: Instant,
})
export const WorkFailed = event("WorkFailed", {
  work: Schema.String,
  kind: Schema.Literals(["mail", "refund", "invoice", "publication"]),
  answers: Instant,
  /** Name of what was wrong, such as `Skipped`. */
  problem: Schema.String,
})

/** What a compensation is given: the run to undo, by its ask's id, which was its key outside. */
export const Done = Schema.Struct({
  ask: Schema.String,
  input: Schema.Json,
  output: Schema.Json,
})

/** Writes the mail. Fails with `MissingSettings` where a fact is missing: there are no placeholders. */
export const draftMail = activity({
  name: "draftMail",
  input: Schema.Struct({
    person: PersonKey,
    purpose: Purpose,
    answers: Instant,
    intents: Schema.Array(Schema.String),
    contact: personal(Mailbox),
    subject: personal(Schema.String),
    quotes: personal(Schema.Array(Schema.String)),
    invoice: Schema.optionalKey(InvoiceFacts),
    dueAt: Schema.optionalKey(Instant),
    language: Schema.optionalKey(Language),
  }),
  output: Schema.Struct({
    person: PersonKey,
    from: personal(Mailbox),
    to: personal(Mailbox),
    subject: personal(Schema.String),
    text: personal(Schema.String),
    /** What made it: `template-2`, or a model and its words: `gemma3:270m draftMail@1f2e3d4c`. */
    made: Schema.String,
    /** It asks something back: silence after it may be followed up. Absent where nobody knows. */
    asks: Schema.optionalKey(Schema.Boolean),
    /** What it rests on, word for word: what the person wrote, what is remembered. Absent where nothing is. */
    cites: Schema.optionalKey(personal(Schema.Array(Evidence))),
    /** Why a model's draft was not taken, a line each, nothing personal. Absent where none was tried. */
    refusedModel: Schema.optionalKey(Schema.Array(Schema.String)),
  }),
  // From its turn on, a model gets 32 s of it, what is remembered 6 s. Waiting for the turn is not in it.
  timeoutMillis: 45_000,
  staleAfterMillis: staleAfterMillisDefault,
})

/** Hands the mail over. Its input is what the founder approves. */
export const sendMail = activity({
  name: "sendMail",
  input: Schema.Struct({
    person: PersonKey,
    purpose: Purpose,
    from: personal(Mailbox),
    to: personal(Mailbox),
    subject: personal(Schema.String),
    text: personal(Schema.String),
    /** Message-ID of the mail this answers; empty where it answers none. */
    inReplyTo: personal(Schema.String),
    /** How the text came about: the draft's `made`, or `founder` once edited. */
    made: Schema.String,
  }),
  output: Schema.Struct({
    messageId: Schema.String,
    /** Where the mail now is. */
    where: Schema.String,
  }),
  risk: "outward",
  idempotency: "keyed",
  adapter: "mailer",
  retriesMax: 8,
  retryDelayMillisMax: 60_000,
  compensation: "recallMail",
})

/** Takes a mail back that was handed over and is still in the outbox. Fails with `TooLate` otherwise. */
export const recallMail = activity({
  name: "recallMail",
  input: Done,
  output: Schema.Struct({ where: Schema.String }),
  idempotency: "keyed",
  adapter: "mailer",
})

export const refundPayment = activity({
  name: "refundPayment",
  input: Schema.Struct({
    person: PersonKey,
    invoice: InvoiceKey,
    number: Schema.String,
    payment: Schema.String,
    amount: Money,
    reason: Schema.String,
    to: personal(Mailbox),
  }),
  output: Schema.Struct({ refund: Schema.String, where: Schema.String }),
  risk: "money",
  idempotency: "keyed",
  adapter: "payments",
  compensation: "cancelRefund",
})
export const cancelRefund = activity({
  name: "cancelRefund",
  input: Done,
  output: Schema.Struct({ where: Schema.String }),
  idempotency: "keyed",
  adapter: "payments",
})

export const draftInvoice = activity({
  name: "draftInvoice",
  input: Schema.Struct({
    person: PersonKey,
    to: personal(Mailbox),
    amount: Money,
    description: personal(Schema.String),
  }),
  output: Schema.Struct({ number: Schema.String, where: Schema.String }),
  risk: "money",
  idempotency: "keyed",
  adapter: "payments",
  compensation: "voidInvoice",
})
export const voidInvoice = activity({
  name: "voidInvoice",
  input: Done,
  output: Schema.Struct({ where: Schema.String }),
  idempotency: "keyed",
  adapter: "payments",
})

export const publishArticle = activity({
  name: "publishArticle",
  input: Schema.Struct({
    topic: Schema.String,
    title: personal(Schema.String),
    text: personal(Schema.String),
    publishAt: Instant,
  }),
  output: Schema.Struct({ where: Schema.String }),
  risk: "outward",
  idempotency: "keyed",
  adapter: "publisher",
  compensation: "unpublishArticle",
})
export const unpublishArticle = activity({
  name: "unpublishArticle",
  input: Done,
  output: Schema.Struct({ where: Schema.String }),
  idempotency: "keyed",
  adapter: "publisher",
})

/** Notes in the CRM that the person was written to: contact upserted, note added. Nobody is told. */
export const noteContact = activity({
  name: "noteContact",
  input: Schema.Struct({
    person: PersonKey,
    contact: personal(Mailbox),
    note: personal(Schema.String),
    at: Instant,
  }),
  output: Schema.Struct({ where: Schema.String }),
  lane: "batch",
  idempotency: "keyed",
  adapter: "crm",
})

/** Notes with the payments adapter that a reminder was sent, once. */
export const noteReminder = activity({
  name: "noteReminder",
  input: Schema.Struct({
    person: PersonKey,
    invoice: InvoiceKey,
    number: Schema.String,
    amount: Money,
    at: Instant,
  }),
  output: Schema.Struct({ where: Schema.String }),
  lane: "batch",
  idempotency: "keyed",
  adapter: "payments",
})

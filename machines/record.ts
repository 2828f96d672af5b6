/**
 * What was imported: first a fact of its own, in a stream of its own, which no chart can refuse. A
 * router tells the agents concerned afterwards.
 */
import { Schema } from "effect"
import { defineJournal, event, personal } from "./agent.ts"

/** 32 hex digits from `Vault.personKey`: opaque, nothing personal in it. */
export const PersonKey = Schema.String.check(Schema.isPattern(/^[0-9a-f]{32}$/))
/** Epoch ms. */
export const Instant = Schema.Int

/** Where a record was read: the file's name (no folders) and a byte offset or a line. */
export const Source = Schema.Struct({
  file: Schema.String,
  /** `byte 1042` or `line 17`. */
  at: Schema.String,
})

export const Blob = Schema.Struct({
  sha256: Schema.String,
  subject: Schema.String,
  bytes: Schema.Int,
})

export const Mailbox = Schema.Struct({ name: Schema.String, address: Schema.String })

export const MailContent = Schema.Struct({
  messageId: Schema.String,
  inReplyTo: Schema.String,
  references: Schema.Array(Schema.String),
  from: Mailbox,
  to: Schema.Array(Mailbox),
  cc: Schema.Array(Mailbox),
  deliveredTo: Schema.Array(Schema.String),
  subject: Schema.String,
  /** Plain text, at most 64 KiB; empty where it is in `textBlob`. */
  text: Schema.String,
  attachmentNames: Schema.Array(Schema.String),
})

/** Words as they stand in an event, and that event: where something is known from. */
export const Evidence = Schema.Struct({ event: Schema.String, quote: Schema.String })
export type Evidence = typeof Evidence.Type

/** What a person writes in, as far as rules can tell. `de-informal` says du. */
export const Language = Schema.Literals(["en", "de", "de-informal"])
export type Language = typeof Language.Type

/**
 * `forgedFrom`: the sender is not who the mail says; `lookalikeAddress`: letters of another alphabet, or
 * a domain one letter off a known one; `activeContent`: scripts, forms or programs; `oversized`: parts or
 * headers were left out.
 */
export const Suspicion = Schema.Literals([
  "forgedFrom",
  "lookalikeAddress",
  "activeContent",
  "oversized",
])

/** One mail, in or out. Sealed under the key of `person`, the other side. */
export const MailReceived = event("MailReceived", {
  person: PersonKey,
  content: personal(MailContent),
  /** From the Date header; where that is missing or broken, from the envelope or the import. */
  sentAt: Instant,
  /** Gmail's labels, as written. */
  labels: Schema.Array(Schema.String),
  /** What kind of mail its headers say it is. */
  kind: Schema.Literals(["personal", "list", "automatic", "bounce"]),
  /** `mail:` and 32 hex digits: the same for all mails of a thread, as far as they name each other. */
  thread: Schema.optionalKey(Schema.String),
  textBlob: Schema.optionalKey(Blob),
  attachments: Schema.Array(Schema.Struct({ mediaType: Schema.String, blob: Blob })),
  source: Source,
  /** What a founder should be warned of, as far as headers and parts show it. */
  suspicions: Schema.optionalKey(Schema.Array(Suspicion)),
  /** Record that has the same Message-ID and other content. */
  variantOf: Schema.optionalKey(Schema.String),
})

/** One row of a list of people. */
export const PersonListed = event("PersonListed", {
  person: PersonKey,
  listing: personal(Schema.Struct({
    name: Schema.String,
    address: Schema.String,
    company: Schema.String,
    position: Schema.String,
    phone: Schema.String,
    url: Schema.String,
    otherAddresses: Schema.optionalKey(Schema.Array(Schema.String)),
  })),
  /** The list says that they want no mail: nobody writes to them. */
  optedOut: Schema.optionalKey(Schema.Boolean),
  /** The list's kind. */
  list: Schema.Literals(["linkedin", "hubspot", "salesforce", "people"]),
  /** When they were connected or created, where the list says so. */
  since: Schema.optionalKey(Instant),
  source: Source,
})

/** Money in the smallest unit of its currency: `{ minor: 120000, currency: "EUR" }` is 1,200.00 EUR. */
export const Money = Schema.Struct({
  minor: Schema.Int,
  /** ISO 4217, upper case. */
  currency: Schema.String.check(Schema.isPattern(/^[A-Z]{3}$/)),
})
export type Money = typeof Money.Type

/** 32 hex digits, derived from where the invoice comes from and its id there: the key of its actor. */
export const InvoiceKey = Schema.String.check(Schema.isPattern(/^[0-9a-f]{32}$/))

/** A message of a network (LinkedIn): like a mail, but it cannot be answered by mail. */
export const MessageReceived = event("MessageReceived", {
  person: PersonKey,
  network: Schema.Literal("linkedin"),
  direction: Schema.Literals(["inward", "outward"]),
  content: personal(Schema.Struct({
    conversation: Schema.String,
    from: Schema.Struct({ name: Schema.String, url: Schema.String }),
    to: Schema.Array(Schema.Struct({ name: Schema.String, url: Schema.String })),
    subject: Schema.String,
    /** At most 64 KiB. */
    text: Schema.String,
  })),
  sentAt: Instant,
  /** `chat:` and 32 hex digits: its conversation. */
  thread: Schema.optionalKey(Schema.String),
  source: Source,
})

/** An invoice of the founder's to a customer, as a billing system or a list of lines has it. */
export const InvoiceRecorded = event("InvoiceRecorded", {
  person: PersonKey,
  invoice: InvoiceKey,
  system: Schema.Literals(["stripe", "lines"]),
  /** What is written on it, and its id in the system it comes from. */
  number: Schema.String,
  status: Schema.Literals(["draft", "open", "paid", "void", "uncollectible"]),
  customer: personal(Mailbox),
  total: Money,
  paid: Money,
  issuedAt: Instant,
  dueAt: Schema.optionalKey(Instant),
  /** It is collected when it is issued: there is no term. */
  dueOnIssue: Schema.optionalKey(Schema.Boolean),
  paidAt: Schema.optionalKey(Instant),
  /** The invoice that this one cancels: a credit note, or a line-item list's `C536379`. */
  cancels: Schema.optionalKey(InvoiceKey),
  /** At most 50; `more` counts those left out. */
  lines: personal(Schema.Array(Schema.Struct({
    description: Schema.String,
    quantity: Schema.Finite,
    minor: Schema.Int,
  }))),
  more: Schema.Int,
  source: Source,
})

/** Money that moved, or failed to, as a payment system has it. */
export const PaymentRecorded = event("PaymentRecorded", {
  person: PersonKey,
  system: Schema.Literal("stripe"),
  /** Id in that system: `ch_…`, `re_…`, `dp_…`. */
  payment: Schema.String,
  kind: Schema.Literals(["charge", "refund", "dispute"]),
  status: Schema.Literals(["succeeded", "pending", "failed", "won", "lost", "open"]),
  amount: Money,
  /** What it pays, where that is said. */
  invoice: Schema.optionalKey(InvoiceKey),
  /** Of a refund or dispute: the charge it concerns. */
  of: Schema.optionalKey(Schema.String),
  customer: personal(Mailbox),
  description: personal(Schema.String),
  paidAt: Instant,
  source: Source,
})

/** An entry of a calendar. A series is one record; which days it falls on is worked out when asked. */
export const MeetingRecorded = event("MeetingRecorded", {
  /** The person met, or the founder's own key where nobody else is named. */
  person: PersonKey,
  /** Derived from UID and RECURRENCE-ID; the greatest `sequence`, then the newest record counts. */
  meeting: Schema.String,
  sequence: Schema.Int,
  status: Schema.Literals(["confirmed", "tentative", "cancelled"]),
  content: personal(Schema.Struct({
    title: Schema.String,
    location: Schema.String,
    notes: Schema.String,
    organiser: Mailbox,
    attendees: Schema.Array(Mailbox),
    /** The VEVENT with the VTIMEZONE it names, in a VCALENDAR of its own: at most 64 KiB. */
    ics: Schema.String,
  })),
  startsAt: Instant,
  endsAt: Instant,
  allDay: Schema.Boolean,
  /** IANA name, empty for floating times (then the founder's zone counts). */
  timeZone: Schema.String,
  /** It comes again, by RRULE or RDATE. */
  repeats: Schema.Boolean,
  /** Minutes before the start. */
  alarms: Schema.Array(Schema.Int),
  source: Source,
})

/** An entry of a feed the founder follows. Public, so nothing in it is sealed. */
export const FeedItemRead = event("FeedItemRead", {
  feed: Schema.Struct({ title: Schema.String, url: Schema.String }),
  id: Schema.String,
  title: Schema.String,
  url: Schema.String,
  author: Schema.String,
  /** Plain text, at most 2,000 characters. */
  summary: Schema.String,
  publishedAt: Instant,
  source: Source,
})

/** A Markdown file of the founder's: a note, a draft or a finished article, by its front matter. */
export const NoteRecorded = event("NoteRecorded", {
  kind: Schema.Literals(["note", "draft", "article"]),
  /** What it belongs to, such as `newsletter-47`, from the front matter; else its own file's name. */
  topic: Schema.String,
  content: personal(Schema.Struct({
    title: Schema.String,
    /** At most 64 KiB; empty where it is in `textBlob`. */
    text: Schema.String,
    tags: Schema.Array(Schema.String),
    /** The front matter as JSON. */
    matter: Schema.Json,
  })),
  textBlob: Schema.optionalKey(Blob),
  /** Day it is to be published, from the front matter (`due`, `date`, `publish`). */
  dueAt: Schema.optionalKey(Instant),
  writtenAt: Instant,
  source: Source,
})

/** A tell or a routed record that its receiver's chart did not take. It loses nothing and stays visible. */
export const TellRefused = event("TellRefused", {
  to: Schema.String,
  /** The refused event's type. */
  refused: Schema.String,
  state: Schema.Json,
  reason: Schema.String,
})

export const record = defineJournal({
  name: "record",
  events: [
    MailReceived,
    PersonListed,
    MessageReceived,
    InvoiceRecorded,
    PaymentRecorded,
    MeetingRecorded,
    FeedItemRead,
    NoteRecorded,
    TellRefused,
  ],
})

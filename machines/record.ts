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
  textBlob: Schema.optionalKey(Blob),
  attachments: Schema.Array(Schema.Struct({ mediaType: Schema.String, blob: Blob })),
  source: Source,
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
  })),
  /** The list's kind. */
  list: Schema.Literals(["linkedin", "hubspot", "people"]),
  /** When they were connected or created, where the list says so. */
  since: Schema.optionalKey(Instant),
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
  events: [MailReceived, PersonListed, TellRefused],
})

/**
 * What importers read, in plain: one shape per kind of record. It is sealed before it is stored; what
 * is stored is in `machines/record.ts`.
 */
import type { Json } from "../machines/agent.ts"

export type ParsedRecord =
  | ParsedMail
  | ParsedPerson
  | ParsedMessage
  | ParsedInvoice
  | ParsedPayment
  | ParsedMeeting
  | ParsedFeedItem
  | ParsedNote

export interface ParsedSource {
  /** File name without folders. */
  readonly file: string
  /** `byte 1042` or `line 17`. */
  readonly at: string
}

export interface ParsedMailbox {
  readonly name: string
  readonly address: string
}

export interface ParsedMail {
  readonly record: "mail"
  /** SHA-256 (hex) of headers and body without transport headers (`Received`, `X-Gmail-*`). */
  readonly digest: string
  readonly messageId: string
  readonly inReplyTo: string
  readonly references: ReadonlyArray<string>
  readonly from: ParsedMailbox
  readonly to: ReadonlyArray<ParsedMailbox>
  readonly cc: ReadonlyArray<ParsedMailbox>
  readonly deliveredTo: ReadonlyArray<string>
  readonly subject: string
  readonly text: string
  /** Epoch ms; undefined where neither header nor envelope gives a date. */
  readonly sentAt?: number
  readonly labels: ReadonlyArray<string>
  readonly kind: "personal" | "list" | "automatic" | "bounce"
  readonly attachments: ReadonlyArray<
    { readonly name: string; readonly mediaType: string; readonly content: Uint8Array }
  >
  readonly suspicions?: ReadonlyArray<
    "forgedFrom" | "lookalikeAddress" | "activeContent" | "oversized"
  >
  readonly source: ParsedSource
}

export interface ParsedPerson {
  readonly record: "person"
  readonly list: "linkedin" | "hubspot" | "salesforce" | "people"
  readonly name: string
  readonly address: string
  readonly company: string
  readonly position: string
  readonly phone: string
  readonly url: string
  /** Further addresses: kept with the listing. Mail from them is not yet told to be this person's. */
  readonly otherAddresses?: ReadonlyArray<string>
  /** The list says that they want no mail. */
  readonly optedOut?: boolean
  readonly since?: number
  readonly source: ParsedSource
}

/** Whoever names the same profile is the same person: see `profileKey`. */
export interface ParsedMessage {
  readonly record: "message"
  readonly network: "linkedin"
  readonly conversation: string
  readonly from: { readonly name: string; readonly url: string }
  readonly to: ReadonlyArray<{ readonly name: string; readonly url: string }>
  readonly subject: string
  readonly text: string
  readonly sentAt?: number
  /** The export's folder: `INBOX`, `SENT`; empty where it does not say. */
  readonly folder: string
  readonly source: ParsedSource
}

export interface ParsedMoney {
  /** In the smallest unit of the currency; in hundredths where that is not known. */
  readonly minor: number
  /** ISO 4217, upper case; empty where the file does not say: the founder's currency is meant. */
  readonly currency: string
}

export interface ParsedCustomer extends ParsedMailbox {
  /** Id in the system it comes from; identifies who has no address. */
  readonly id: string
}

export interface ParsedInvoice {
  readonly record: "invoice"
  readonly system: "stripe" | "lines"
  /** Id in that system: `in_…`, `536365`. */
  readonly id: string
  readonly number: string
  readonly status: "draft" | "open" | "paid" | "void" | "uncollectible"
  readonly customer: ParsedCustomer
  readonly total: ParsedMoney
  readonly paid: ParsedMoney
  readonly issuedAt?: number
  readonly dueAt?: number
  /** It is collected when it is issued, from a card on file say: there is no term. */
  readonly dueOnIssue?: boolean
  readonly paidAt?: number
  /** Id (in the same system) of the invoice that this one cancels. */
  readonly cancels?: string
  readonly lines: ReadonlyArray<
    { readonly description: string; readonly quantity: number; readonly minor: number }
  >
  /** Lines left out. */
  readonly more: number
  /** When this state of it was reached, where the file says so (a Stripe event's `created`). */
  readonly at?: number
  readonly source: ParsedSource
}

export interface ParsedPayment {
  readonly record: "payment"
  readonly system: "stripe"
  readonly id: string
  readonly kind: "charge" | "refund" | "dispute"
  readonly status: "succeeded" | "pending" | "failed" | "won" | "lost" | "open"
  readonly amount: ParsedMoney
  /** Id of the invoice it pays. */
  readonly invoice?: string
  /** Of a refund or dispute: id of the charge. */
  readonly of?: string
  readonly customer: ParsedCustomer
  readonly description: string
  readonly paidAt?: number
  readonly source: ParsedSource
}

export interface ParsedMeeting {
  readonly record: "meeting"
  readonly uid: string
  /** RECURRENCE-ID as written; empty for a single entry or a whole series. */
  readonly recurrence: string
  readonly sequence: number
  readonly status: "confirmed" | "tentative" | "cancelled"
  readonly title: string
  readonly location: string
  readonly notes: string
  readonly organiser: ParsedMailbox
  readonly attendees: ReadonlyArray<ParsedMailbox>
  readonly ics: string
  /** Epoch ms; of floating times and whole days the wall clock as if it were UTC. */
  readonly startsAt: number
  readonly endsAt: number
  readonly allDay: boolean
  /** IANA name; empty for floating times and whole days: the founder's zone is meant. */
  readonly timeZone: string
  readonly repeats: boolean
  readonly alarms: ReadonlyArray<number>
  readonly source: ParsedSource
}

export interface ParsedFeedItem {
  readonly record: "feedItem"
  readonly feed: { readonly title: string; readonly url: string }
  readonly id: string
  readonly title: string
  readonly url: string
  readonly author: string
  readonly summary: string
  readonly publishedAt?: number
  readonly source: ParsedSource
}

export interface ParsedNote {
  readonly record: "note"
  readonly kind: "note" | "draft" | "article"
  readonly topic: string
  readonly title: string
  readonly text: string
  readonly tags: ReadonlyArray<string>
  readonly matter: Json
  readonly dueAt?: number
  readonly writtenAt?: number
  readonly source: ParsedSource
}

/**
 * Records other than mails and people as events: whose each one is, and the id that it always gets. The
 * id stands for what a record says about a thing, so the same thing in the same state is one fact,
 * however often and from wherever it is read, and a thing that changed is another fact about it. What
 * an id is made of goes through the vault: nobody can guess a record from its id.
 */
import type { Json } from "../machines/agent.ts"
import type { Proposal } from "./actor-system.ts"
import { normaliseAddress } from "./addresses.ts"
import { instantOf } from "./cadence.ts"
import { decimalsOf } from "./currencies.ts"
import { derivedId, sha256Hex } from "./ids.ts"
import type {
  ParsedCustomer,
  ParsedFeedItem,
  ParsedInvoice,
  ParsedMailbox,
  ParsedMeeting,
  ParsedMessage,
  ParsedMoney,
  ParsedNote,
  ParsedPayment,
} from "./parsed-record.ts"
import type { Settings } from "./settings.ts"
import type { Vault } from "./vault.ts"

/** What is needed to say whose a record is. */
export interface Surroundings {
  readonly vault: typeof Vault.Service
  readonly settings: Settings
  readonly own: ReadonlySet<string>
  /** Epoch ms. */
  readonly now: number
  /** The person a profile or customer was found to be; undefined where nobody has said. */
  readonly known: (profile: string) => string | undefined
}

export interface RecordEvent {
  readonly id: string
  readonly event: Proposal
  /** When it happened, where that is told and not in the future. */
  readonly occurredAt: number | undefined
}

const separator = "\u0000"

/** A profile's address without what varies: `linkedin.com/in/ada`. */
export const profileOf = (url: string): string =>
  url.trim().toLowerCase().replace(/^https?:\/\//, "").replace(/^www\./, "")
    .replace(/^[a-z]{2}\.linkedin\.com\//, "linkedin.com/").replace(/[?#].*$/, "")
    .replace(/\/+$/, "")

/** A customer's page at Stripe: by it a list of customers and their invoices find each other. */
export const stripeCustomerUrl = (customer: string): string =>
  `https://dashboard.stripe.com/customers/${customer}`

const identified = (vault: typeof Vault.Service, parts: ReadonlyArray<Json | undefined>): string =>
  derivedId(`record:${vault.personKey(`record:${sha256Hex(parts.map(text).join(separator))}`)}`)
const text = (part: Json | undefined): string =>
  typeof part === "string" ? part : JSON.stringify(part ?? null)

const past = (at: number | undefined, now: number): number | undefined =>
  at !== undefined && at > 0 && at <= now ? at : undefined

const moneyOf = ({ minor, currency }: ParsedMoney, own: string) => ({
  minor: currency === "" ? Math.round(minor * 10 ** (decimalsOf(own) - 2)) : minor,
  currency: currency === "" ? own : currency,
})

const invoiceKey = (vault: typeof Vault.Service, system: string, id: string) =>
  vault.personKey(`invoice:${system}:${id}`)

const customerKey = (
  customer: ParsedCustomer,
  system: string,
  of: string,
  { vault, known }: Surroundings,
): string => {
  // Whoever pays by another address is the same customer still.
  const listed = system === "stripe" && customer.id !== ""
    ? known(profileOf(stripeCustomerUrl(customer.id)))
    : undefined
  if (listed !== undefined) return listed
  const address = normaliseAddress(customer.address)
  if (address !== "") return vault.personKey(address)
  if (customer.id !== "") return vault.personKey(`customer:${system}:${customer.id}`)
  return vault.personKey(
    customer.name === "" ? `unknown:${system}:${of}` : `name:${customer.name.toLowerCase()}|`,
  )
}

const mailbox = ({ name, address }: ParsedMailbox) => ({ name, address })

/** The founder's own key, for what concerns nobody else. */
const ownKey = ({ vault, settings }: Surroundings): string =>
  vault.personKey(normaliseAddress(settings.addresses[0] ?? "") || "founder")

const messageEvent = (one: ParsedMessage, around: Surroundings): RecordEvent => {
  const { vault, settings, now, known } = around
  const named = (name: string) =>
    name.trim().toLowerCase() !== "" &&
    name.trim().toLowerCase() === settings.name?.trim().toLowerCase()
  const outward = /^sent/i.test(one.folder) || named(one.from.name)
  const other = outward ? one.to.find((to) => !named(to.name)) ?? one.to[0] ?? one.from : one.from
  const profile = profileOf(other.url)
  const person = profile !== ""
    ? known(profile) ?? vault.personKey(`url:${profile}`)
    : vault.personKey(`name:${other.name.toLowerCase()}|`)
  const sentAt = past(one.sentAt, now) ?? now
  return {
    id: identified(vault, [
      one.network,
      one.conversation,
      profileOf(one.from.url) || one.from.name,
      one.sentAt,
      one.subject,
      one.text,
    ]),
    event: {
      type: "MessageReceived",
      person,
      network: one.network,
      direction: outward ? "outward" : "inward",
      content: {
        conversation: one.conversation,
        from: { ...one.from },
        to: one.to.map((to) => ({ ...to })),
        subject: one.subject,
        text: one.text,
      },
      sentAt,
      ...(one.conversation === ""
        ? {}
        : { thread: `chat:${vault.personKey(`thread:${one.network}:${one.conversation}`)}` }),
      source: { ...one.source },
    },
    occurredAt: past(one.sentAt, now),
  }
}

const invoiceEvent = (one: ParsedInvoice, around: Surroundings): RecordEvent => {
  const { vault, settings, now } = around
  const [total, paid] = [
    moneyOf(one.total, settings.currency),
    moneyOf(one.paid, settings.currency),
  ]
  const issuedAt = one.issuedAt ?? past(one.at, now) ?? now
  return {
    id: identified(vault, [
      "invoice",
      one.system,
      one.id,
      one.number,
      one.status,
      total,
      paid.minor,
      one.dueAt,
      one.paidAt,
      one.cancels,
    ]),
    event: {
      type: "InvoiceRecorded",
      person: customerKey(one.customer, one.system, one.id, around),
      invoice: invoiceKey(vault, one.system, one.id),
      system: one.system,
      number: one.number,
      status: one.status,
      customer: mailbox(one.customer),
      total,
      paid,
      issuedAt,
      ...(one.dueAt === undefined ? {} : { dueAt: one.dueAt }),
      ...(one.dueOnIssue === true ? { dueOnIssue: true } : {}),
      ...(one.paidAt === undefined ? {} : { paidAt: one.paidAt }),
      ...(one.cancels === undefined ? {} : { cancels: invoiceKey(vault, one.system, one.cancels) }),
      lines: one.lines.map((line) => ({ ...line })),
      more: one.more,
      source: { ...one.source },
    },
    occurredAt: past(
      one.at ?? (one.status === "paid" ? one.paidAt : undefined) ?? one.issuedAt,
      now,
    ),
  }
}

const paymentEvent = (one: ParsedPayment, around: Surroundings): RecordEvent => {
  const { vault, settings, now } = around
  const amount = moneyOf(one.amount, settings.currency)
  return {
    id: identified(vault, [
      "payment",
      one.system,
      one.id,
      one.kind,
      one.status,
      amount,
      one.invoice,
      one.of,
    ]),
    event: {
      type: "PaymentRecorded",
      person: customerKey(one.customer, one.system, one.id, around),
      system: one.system,
      payment: one.id,
      kind: one.kind,
      status: one.status,
      amount,
      ...(one.invoice === undefined ? {} : { invoice: invoiceKey(vault, one.system, one.invoice) }),
      ...(one.of === undefined ? {} : { of: one.of }),
      customer: mailbox(one.customer),
      description: one.description,
      paidAt: one.paidAt ?? now,
      source: { ...one.source },
    },
    occurredAt: past(one.paidAt, now),
  }
}

/** Lines that programs write anew at every export. */
const exportStamps =
  /^(?:DTSTAMP|LAST-MODIFIED|CREATED|PRODID|X-MOZ-[A-Z-]*|X-LIC-[A-Z-]*)[:;].*\r?\n(?:[ \t].*\r?\n)*/gm

const meetingEvent = (one: ParsedMeeting, around: Surroundings): RecordEvent => {
  const { vault, settings, own } = around
  const others = [one.organiser, ...one.attendees].filter(({ address }) => {
    const normal = normaliseAddress(address)
    return normal !== "" && !own.has(normal)
  })
  const other = normaliseAddress(others[0]?.address ?? "")
  const fixed = (at: number): number => {
    if (one.timeZone !== "") return at
    const text = new Date(at).toISOString()
    const minute = Math.floor(at / 60_000) * 60_000
    return instantOf(text.slice(0, 10), text.slice(11, 16), settings.timeZone) + at - minute
  }
  return {
    id: identified(vault, [
      "meeting",
      one.uid,
      one.recurrence,
      one.sequence,
      one.status,
      one.startsAt,
      one.endsAt,
      sha256Hex(one.ics.replace(exportStamps, "")),
    ]),
    event: {
      type: "MeetingRecorded",
      person: other === "" ? ownKey(around) : vault.personKey(other),
      meeting: vault.personKey(`meeting:${one.uid}${separator}${one.recurrence}`),
      sequence: one.sequence,
      status: one.status,
      content: {
        title: one.title,
        location: one.location,
        notes: one.notes,
        organiser: mailbox(one.organiser),
        attendees: one.attendees.map(mailbox),
        ics: one.ics,
      },
      startsAt: fixed(one.startsAt),
      endsAt: fixed(one.endsAt),
      allDay: one.allDay,
      timeZone: one.timeZone,
      repeats: one.repeats,
      alarms: [...one.alarms],
      source: { ...one.source },
    },
    occurredAt: undefined,
  }
}

const feedItemEvent = (one: ParsedFeedItem, { vault, now }: Surroundings): RecordEvent => ({
  id: identified(vault, [
    "feed item",
    one.feed.url === "" ? one.feed.title : profileOf(one.feed.url),
    one.id,
    one.title,
    one.url,
    one.summary,
  ]),
  event: {
    type: "FeedItemRead",
    feed: { ...one.feed },
    id: one.id,
    title: one.title,
    url: one.url,
    author: one.author,
    summary: one.summary,
    publishedAt: past(one.publishedAt, now) ?? now,
    source: { ...one.source },
  },
  occurredAt: past(one.publishedAt, now),
})

/** `textBlob` is set by who files the text, where it is long. */
const noteEvent = (one: ParsedNote, { vault, now }: Surroundings): RecordEvent => ({
  id: identified(vault, [
    "note",
    one.source.file,
    one.kind,
    one.topic,
    one.title,
    one.matter,
    one.text,
  ]),
  event: {
    type: "NoteRecorded",
    kind: one.kind,
    topic: one.topic,
    content: { title: one.title, text: one.text, tags: [...one.tags], matter: one.matter },
    ...(one.dueAt === undefined ? {} : { dueAt: one.dueAt }),
    writtenAt: past(one.writtenAt, now) ?? now,
    source: { ...one.source },
  },
  occurredAt: past(one.writtenAt, now),
})

export type ParsedOther =
  | ParsedMessage
  | ParsedInvoice
  | ParsedPayment
  | ParsedMeeting
  | ParsedFeedItem
  | ParsedNote

export const eventOfRecord = (one: ParsedOther, around: Surroundings): RecordEvent => {
  switch (one.record) {
    case "message":
      return messageEvent(one, around)
    case "invoice":
      return invoiceEvent(one, around)
    case "payment":
      return paymentEvent(one, around)
    case "meeting":
      return meetingEvent(one, around)
    case "feedItem":
      return feedItemEvent(one, around)
    case "note":
      return noteEvent(one, around)
  }
}

/** Profiles by which the person of a record may be known already. */
export const profilesOf = (one: ParsedOther): ReadonlyArray<string> =>
  one.record === "message"
    ? [one.from, ...one.to].map(({ url }) => profileOf(url)).filter((profile) => profile !== "")
    : (one.record === "invoice" || one.record === "payment") && one.system === "stripe" &&
        one.customer.id !== ""
    ? [profileOf(stripeCustomerUrl(one.customer.id))]
    : []

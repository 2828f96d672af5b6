/**
 * Who is told what about a record: pure rules. Own mail to oneself, lists, automatic mail, spam, trash
 * and drafts lead to nothing; a bounce or an answer only concerns people who are leads already.
 */
import type { LeadWrote } from "../machines/lead.ts"
import type { MailContent, MailReceived, PersonListed } from "../machines/record.ts"
import type { Proposal } from "./actor-system.ts"
import { isIgnoredLabel, normaliseAddress, sidesOf } from "./addresses.ts"
import type { BlobRef } from "./blob-store.ts"
import { readText } from "./reading.ts"

/** A mail to more people than this is no answer to one of them. */
const receiversMax = 20
/** A bounce names few people; the rest of its text is not searched. */
const bounceCharsMax = 64 * 1024
const bouncedMax = 20

export interface Route {
  /** Stream of the agent. */
  readonly to: string
  readonly event: Proposal
  readonly occurredAt?: number
  /** Told only if there is such an agent already. */
  readonly onlyIfKnown: boolean
}

export interface Mail {
  readonly stream: string
  readonly person: string
  readonly content: typeof MailContent.Type
  readonly kind: (typeof MailReceived.Type)["kind"]
  readonly labels: ReadonlyArray<string>
  readonly sentAt: number
  readonly textBlob?: BlobRef
  /** Absent where the mail has no usable date. */
  readonly occurredAt?: number
}

export interface Listing {
  readonly stream: string
  readonly person: string
  readonly list: (typeof PersonListed.Type)["list"]
  readonly row: { readonly name: string; readonly address: string }
}

const leadOf = (person: string) => `lead-${person}`

/**
 * A list that gives no date says nothing about when: it is told as of the epoch, else mail of years
 * ago that is imported after it would look like today's to the lead, whose clock never goes back.
 */
export const routesOfListing = (
  listing: Listing,
  known: { readonly own: ReadonlySet<string>; readonly since?: number },
): ReadonlyArray<Route> => {
  const { list, person, row, stream } = listing
  const address = normaliseAddress(row.address)
  if (known.own.has(address)) return []
  const contact = { name: row.name, address }
  return [{
    to: leadOf(person),
    event: { type: "LeadListed", person, record: stream, list, contact },
    occurredAt: known.since ?? 0,
    onlyIfKnown: false,
  }]
}

/** Addresses a delivery report says cannot be reached for good. A mail that is only late is no bounce. */
export const bouncedAddresses = (text: string): ReadonlyArray<string> => {
  const report = text.slice(0, bounceCharsMax)
  const failed = new Set<string>()
  for (const part of report.split(/^Final-Recipient:/im).slice(1)) {
    const action = /^Action:\s{0,20}([a-z]{1,20})/im.exec(part)?.[1]?.toLowerCase()
    const status = /^Status:\s{0,20}(\d)\./im.exec(part)?.[1]
    if (action !== "failed" || (status !== undefined && status !== "5")) continue
    failed.add(normaliseAddress((part.split("\n", 1)[0] ?? "").replace(/^.{0,40};/, "")))
  }
  const named = /^X-Failed-Recipients: (.{1,1000})$/im.exec(report)?.[1]
  if (named !== undefined) named.split(",").forEach((one) => failed.add(normaliseAddress(one)))
  failed.delete("")
  return [...failed].slice(0, bouncedMax)
}

/** `key` gives the opaque key of a normalised address. */
export const routesOfMail = (
  mail: Mail,
  text: string,
  own: ReadonlySet<string>,
  key: (address: string) => string,
): ReadonlyArray<Route> => {
  const { content, kind, labels, sentAt, stream } = mail
  if (labels.some(isIgnoredLabel)) return []
  const when = mail.occurredAt === undefined ? {} : { occurredAt: mail.occurredAt }
  const base = { record: stream, sentAt }
  if (kind === "bounce") {
    return bouncedAddresses(text).filter((address) => !own.has(address)).map((address) => {
      const person = key(address)
      return {
        to: leadOf(person),
        event: { type: "LeadBounced", person, ...base },
        ...when,
        onlyIfKnown: true,
      }
    })
  }
  if (kind !== "personal") return []
  const { direction, others } = sidesOf(content, labels, own)
  if (direction === "self" || others.length > receiversMax) return []
  if (direction === "outward") {
    return others.map(({ address, name }) => {
      const person = key(address)
      return {
        to: leadOf(person),
        event: { type: "LeadAnswered", person, ...base, contact: { name, address } },
        ...when,
        onlyIfKnown: true,
      }
    })
  }
  const [sender] = others
  if (sender === undefined) return []
  const person = key(sender.address)
  const reading = readText(content.subject, text)
  const quotes = [...reading.quotes]
  const contact = { name: sender.name, address: sender.address }
  const event: Proposal = reading.unsubscribes
    ? { type: "LeadUnsubscribed", person, ...base, contact, quotes }
    : {
      type: "LeadWrote",
      person,
      ...base,
      contact,
      subject: content.subject,
      messageId: content.messageId,
      signals: signalsJson(reading.signals),
      quotes,
    }
  return [{ to: leadOf(person), event, ...when, onlyIfKnown: false }]
}

const signalsJson = (signals: (typeof LeadWrote.Type)["signals"]) => ({
  reader: signals.reader,
  warmth: signals.warmth,
  intents: [...signals.intents],
  instructsReader: signals.instructsReader,
})

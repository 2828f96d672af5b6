/**
 * Who is told what about a record that is no mail: pure rules. What a mail leads to stands in
 * `routes-mail.ts`.
 */
import type { MessageReceived, PersonListed } from "../machines/record.ts"
import type { Proposal } from "./actor-system.ts"
import { normaliseAddress } from "./addresses.ts"
import { readText } from "./reading.ts"

export interface Route {
  /** Stream of the agent. */
  readonly to: string
  readonly event: Proposal
  readonly occurredAt?: number
  /** Told only if there is such an agent already. */
  readonly onlyIfKnown: boolean
  /**
   * The first fact of an actor is told as of now: what a billing system says of an invoice holds today,
   * and what follows from it is to be done today, however old the invoice is.
   */
  readonly startsNow?: boolean
}

/** What the rules go by. */
export interface Ground {
  /** The founder's own addresses. */
  readonly own: ReadonlySet<string>
  /** The opaque key of a normalised address. */
  readonly key: (address: string) => string
  readonly timeZone: string
  /** When the founder's working day ends, `17:00`. */
  readonly dayEndsAt: string
  /** Epoch ms. */
  readonly now: number
}

export interface Listing {
  readonly stream: string
  readonly person: string
  readonly list: (typeof PersonListed.Type)["list"]
  readonly row: { readonly name: string; readonly address: string }
  /** The list says that they want no mail. */
  readonly optedOut?: boolean
}

export const leadOf = (person: string) => `lead-${person}`
export const analystOf = (person: string) => `analyst-${person}`

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
  const occurredAt = known.since ?? 0
  const told = { to: leadOf(person), occurredAt, onlyIfKnown: false }
  const said = { person, record: stream }
  return [
    { ...told, event: { type: "LeadListed", ...said, list, contact } },
    ...(listing.optedOut === true
      ? [{
        ...told,
        event: { type: "LeadUnsubscribed", ...said, sentAt: occurredAt, contact, quotes: [] },
      }]
      : []),
  ]
}

export interface Message {
  readonly stream: string
  readonly person: string
  readonly direction: (typeof MessageReceived.Type)["direction"]
  readonly sentAt: number
  readonly from: string
  readonly subject: string
  readonly text: string
  readonly occurredAt?: number
}

/** A message of a network warms a lead as a mail does, but cannot be answered by mail. */
export const routesOfMessage = (message: Message, ground: Ground): ReadonlyArray<Route> => {
  const { direction, from, occurredAt, person, sentAt, stream, subject, text } = message
  if (direction !== "inward") return []
  const reading = readText(subject, text, { ...ground, sentAt })
  const base = { person, record: stream, sentAt, contact: { name: from, address: "" } }
  return [{
    to: leadOf(person),
    event: reading.unsubscribes
      ? { type: "LeadUnsubscribed", ...base, quotes: [...reading.quotes] }
      : {
        type: "LeadWrote",
        ...base,
        subject,
        messageId: "",
        signals: { ...reading.signals, intents: [...reading.signals.intents] },
        quotes: [...reading.quotes],
        amounts: reading.amounts.map((one) => ({ ...one })),
        channel: "linkedin",
      },
    ...(occurredAt === undefined ? {} : { occurredAt }),
    onlyIfKnown: false,
  }]
}

/**
 * Who is told what about a mail: pure rules. Own mail to oneself, lists, automatic mail, spam, trash and
 * drafts lead to nothing; a bounce or an answer only concerns people who are leads already.
 */
import { lapseMillis } from "../machines/conversation.ts"
import type { MailContent, MailReceived } from "../machines/record.ts"
import type { Proposal } from "./actor-system.ts"
import { isIgnoredLabel, normaliseAddress, sidesOf } from "./addresses.ts"
import type { BlobRef } from "./blob-store.ts"
import { bareSubject, type Reading, readText, type Suspicion } from "./reading.ts"
import { amountsIn } from "./reading-amounts.ts"
import { newText, quoteOf, sentencesOf } from "./reading-text.ts"
import { analystOf, type Ground, leadOf, type Route } from "./routes.ts"

/** A mail to more people than this is no answer to one of them. */
const receiversMax = 20
/** A mail speaks to so many people at once at most. */
const addressedMax = 5
/** A bounce names few people; the rest of its text is not searched. */
const bounceCharsMax = 64 * 1024
const bouncedMax = 20
/** Addresses that nobody writes from. */
const machineNames =
  /^(?:no[-_.]?reply|do[-_.]?not[-_.]?reply|donotreply|notifications?|newsletter|mailer|mailer-daemon|postmaster|bounces?|alerts?|automated)(?:[-+_.].{0,40})?@/

export interface Mail {
  readonly stream: string
  readonly person: string
  readonly content: typeof MailContent.Type
  readonly kind: (typeof MailReceived.Type)["kind"]
  readonly labels: ReadonlyArray<string>
  readonly sentAt: number
  readonly textBlob?: BlobRef
  readonly suspicions: ReadonlyArray<Suspicion>
  /** Absent where the mail has no usable date. */
  readonly occurredAt?: number
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

/** The sender is not, or may not be, who the mail says. */
export const isForged = (suspicions: ReadonlyArray<Suspicion>): boolean =>
  suspicions.includes("forgedFrom") || suspicions.includes("lookalikeAddress")

/** What may be somebody else's says nothing that anybody acts upon. */
const unheard = (reading: Reading): Reading => ({
  ...reading,
  signals: { ...reading.signals, warmth: 0, intents: [] },
  amounts: [],
  commitments: [],
  asks: false,
  invoices: [],
})

/** The signals as data. What may come from somebody else warms nobody. */
const signalsOf = ({ signals }: Reading, suspicions: ReadonlyArray<Suspicion>) => ({
  reader: signals.reader,
  warmth: isForged(suspicions) ? 0 : signals.warmth,
  intents: [...signals.intents],
  instructsReader: signals.instructsReader,
  ...(signals.language === undefined ? {} : { language: signals.language }),
})

/** Intents whose words are quoted before an amount is. */
const speaking = ["asksPrice", "asksMeeting", "namesBudget", "accepts"]
const quotesMax = 8

/** A mail that only says what it comes to now is quoted with that. */
const quotesWithAmount = (reading: Reading, text: string): ReadonlyArray<string> => {
  const { amounts, quotes, signals } = reading
  if (amounts.length !== 1 || signals.intents.some((one) => speaking.includes(one))) return quotes
  if (quotes.some((one) => amountsIn(one).length > 0)) return quotes
  const named = sentencesOf(newText(text)).find((one) => amountsIn(one).length > 0)
  return named === undefined ? quotes : [...quotes.slice(0, quotesMax - 1), quoteOf(named, 0)]
}

/** A Message-ID of the kind that AIOS gives: the lead knows which it has sent. Of others nothing is said. */
const ownId = (messageId: string) =>
  /^<[0-9a-f]{32}@[^<>\s]{1,255}>$/.test(messageId) ? { messageId } : {}

/** The mail as the analyst of its conversation is told of it. */
const mailRead = (
  mail: Mail,
  reading: Reading,
  now: number,
  direction: "inward" | "outward",
  other: {
    readonly person: string
    readonly contact: { readonly name: string; readonly address: string }
  },
): Proposal => {
  const [writer, reader] = direction === "inward"
    ? ["person", "founder"] as const
    : ["founder", "person"] as const
  return {
    type: "MailRead",
    person: other.person,
    record: mail.stream,
    direction,
    sentAt: mail.sentAt,
    contact: other.contact,
    subject: mail.content.subject,
    messageId: mail.content.messageId,
    findings: {
      ...signalsOf(reading, mail.suspicions),
      amounts: reading.amounts.map((one) => ({ ...one })),
      commitments: reading.commitments.map(({ by, dueAt }) => ({
        by: by === "writer" ? writer : reader,
        dueAt,
        record: mail.stream,
      })),
      asks: reading.asks,
      suspicions: [...mail.suspicions],
    },
    quotes: [...reading.quotes],
    commitmentWords: reading.commitments.map(({ words }) => words),
    invoices: [...reading.invoices],
    ...(now - mail.sentAt > lapseMillis ? { history: true } : {}),
  }
}

export const routesOfMail = (mail: Mail, text: string, ground: Ground): ReadonlyArray<Route> => {
  const { key, own } = ground
  const { content, kind, labels, sentAt, stream, suspicions } = mail
  if (labels.some(isIgnoredLabel)) return []
  const when = mail.occurredAt === undefined ? {} : { occurredAt: mail.occurredAt }
  const base = { record: stream, sentAt }
  if (kind === "bounce") {
    return bouncedAddresses(text).filter((address) => !own.has(address)).flatMap((address) => {
      const person = key(address)
      return [
        {
          to: leadOf(person),
          event: { type: "LeadBounced", person, ...base },
          ...when,
          onlyIfKnown: true,
        },
        {
          to: analystOf(person),
          event: { type: "ConversationClosed", because: "LeadBounced" },
          ...when,
          onlyIfKnown: true,
        },
      ]
    })
  }
  if (kind !== "personal") return []
  const { direction, others } = sidesOf(content, labels, own)
  if (direction === "self" || others.length > receiversMax) return []
  if (direction === "outward") {
    const reading = readText(content.subject, text, { ...ground, sentAt })
    const addressed = new Set(
      content.to.slice(0, addressedMax).map((to) => normaliseAddress(to.address)),
    )
    return others.flatMap(({ address, name }) => {
      const person = key(address)
      const contact = { name, address }
      return [
        {
          to: leadOf(person),
          event: { type: "LeadAnswered", person, ...base, contact, ...ownId(content.messageId) },
          ...when,
          onlyIfKnown: true,
        },
        // Who gets a copy only is not spoken to.
        ...(!addressed.has(address) ? [] : [{
          to: analystOf(person),
          event: mailRead(mail, reading, ground.now, "outward", { person, contact }),
          ...when,
          onlyIfKnown: false,
        }]),
      ]
    })
  }
  const [sender] = others
  if (sender === undefined || machineNames.test(sender.address)) return []
  const person = key(sender.address)
  const read = readText(content.subject, text, { ...ground, sentAt })
  const forged = isForged(suspicions)
  const reading = forged ? unheard(read) : read
  const contact = { name: sender.name, address: sender.address }
  const event: Proposal = reading.unsubscribes
    ? { type: "LeadUnsubscribed", person, ...base, contact, quotes: [...reading.quotes] }
    : {
      type: "LeadWrote",
      person,
      ...base,
      contact,
      // An answer's subject says what it is about: that is what an invoice and a draft name.
      subject: bareSubject(content.subject),
      messageId: content.messageId,
      signals: signalsOf(reading, suspicions),
      quotes: [...quotesWithAmount(reading, text)],
      amounts: reading.amounts.map((one) => ({ ...one })),
      channel: "mail",
    }
  return [
    // Who may be somebody else accepts nothing and gets no answer. Their wish to be left alone counts.
    ...(forged && !reading.unsubscribes
      ? []
      : [{ to: leadOf(person), event, ...when, onlyIfKnown: false }]),
    {
      to: analystOf(person),
      event: reading.unsubscribes
        ? { type: "ConversationClosed", because: "LeadUnsubscribed" }
        : mailRead(mail, reading, ground.now, "inward", { person, contact }),
      ...when,
      onlyIfKnown: false,
    },
  ]
}

/**
 * What a summary is made of: the events it would stand for, opened and in one shape. What is forgotten is
 * left out; so is what is not to be trusted, a forged mail or one that tells its reader's AI what to do:
 * nothing of it gets into a summary, whatever it says was agreed.
 */
import { Effect, Option, Schema } from "effect"
import { isRunning } from "../machines/billing.ts"
import * as record from "../machines/record.ts"
import { opened } from "./activities/opened.ts"
import { isIgnoredLabel, normaliseAddress, sidesOf } from "./addresses.ts"
import { BlobStore } from "./blob-store.ts"
import { EventLog, eventOf, type RecordedEvent } from "./event-log.ts"
import { dayWords, localDay } from "./grounded-dates.ts"
import { amountWords } from "./grounded-numbers.ts"
import { readText } from "./reading.ts"
import { newText } from "./reading-text.ts"
import { currentSettings } from "./settings.ts"

/** Of one source; what is longer is a document, and its beginning says what it is. */
const textCharsMax = 20_000
const namesMax = 10

export interface SummarySource {
  readonly event: string
  readonly what:
    | "mail"
    | "message"
    | "note"
    | "meeting"
    | "invoice"
    | "payment"
    | "sent"
    | "published"
  /** Epoch ms. */
  readonly at: number
  /** Key of the person on the other side. */
  readonly person?: string
  /** Who says it, as the mail has it; `you` is the founder. */
  readonly by: string
  /** Everybody it names in its head, without the founder. */
  readonly names: ReadonlyArray<string>
  readonly subject: string
  /** What was written now, without what is quoted. */
  readonly text: string
}

export interface Sources {
  /** Oldest first; of an invoice that was recorded more than once, as it stands now. */
  readonly used: ReadonlyArray<SummarySource>
  /** Invoices as they were before: they are told only by what is left of them. */
  readonly superseded: ReadonlyArray<SummarySource>
  /** Ids of events that are there and not to be trusted. */
  readonly withheld: ReadonlyArray<string>
  readonly timeZone: string
}

/** The log or the keys could not be read. */
export class SourcesUnavailable
  extends Schema.TaggedError<SourcesUnavailable>()("SourcesUnavailable", {
    message: Schema.String,
    retryable: Schema.Boolean,
  }) {}

const you = "you"
/** Who bought and gave no name: nobody was forgotten. */
export const unnamed = "a customer without a name"
const dangerous = new Set(["forgedFrom", "lookalikeAddress"])

const decode = {
  MailReceived: Schema.decodeUnknownOption(record.MailReceived),
  MessageReceived: Schema.decodeUnknownOption(record.MessageReceived),
  NoteRecorded: Schema.decodeUnknownOption(record.NoteRecorded),
  MeetingRecorded: Schema.decodeUnknownOption(record.MeetingRecorded),
  InvoiceRecorded: Schema.decodeUnknownOption(record.InvoiceRecorded),
  PaymentRecorded: Schema.decodeUnknownOption(record.PaymentRecorded),
}
/** What an activity was asked for; fields may be sealed. */
const decodeSent = Schema.decodeUnknownOption(Schema.Struct({
  person: Schema.String,
  to: Schema.Unknown,
  subject: Schema.Unknown,
  text: Schema.Unknown,
}))
const decodePublished = Schema.decodeUnknownOption(
  Schema.Struct({ title: Schema.Unknown, text: Schema.Unknown }),
)
const decodeAsk = Schema.decodeUnknownOption(Schema.Struct({ ask: Schema.String }))

const oneLine = (text: string) => text.replace(/[\p{Cc}\s]+/gu, " ").trim()
const isText = Schema.is(Schema.String)
const isAddress = Schema.is(record.Mailbox)
/** The name a mail gives, else the address. */
const nameOf = ({ address, name }: typeof record.Mailbox.Type) =>
  oneLine(name).replace(/^["']+|["']+$/g, "") || address

const isSuperseded = ({ subject, what }: SummarySource, later: ReadonlyArray<SummarySource>) =>
  what === "invoice" && later.some((one) => one.what === what && one.subject === subject)

interface Read {
  readonly source?: SummarySource
  readonly withheld?: boolean
}

const make = Effect.gen(function* () {
  const log = yield* EventLog
  const blobs = yield* BlobStore
  const { addresses, name: own = "", proposedAddresses, timeZone } = yield* currentSettings
  const ownAddresses = new Set([...addresses, ...proposedAddresses].map(normaliseAddress))
  const isOwnName = (name: string) => name === own || ownAddresses.has(normaliseAddress(name))

  /** Undefined where the person was forgotten. */
  const plain = <A>(field: A) => Effect.map(Effect.option(opened(field)), Option.getOrUndefined)

  const blobText = Effect.fnUntraced(function* (
    ref: typeof record.Blob.Type | undefined,
    text: string,
  ) {
    if (ref === undefined) return text
    const bytes = yield* blobs.get(ref)
    return bytes === undefined ? "" : new TextDecoder().decode(bytes.slice(0, 4 * textCharsMax))
  })

  const day = (at: number) => dayWords(localDay(at, timeZone))
  const dueOn = (at: number | undefined) => at === undefined ? "" : `, due ${day(at)}`
  const around = (names: ReadonlyArray<string>) =>
    [...new Set(names.map(oneLine).filter((name) => name !== "" && !isOwnName(name)))]
      .slice(0, namesMax)

  /** What an outcome in an executor's stream was asked for with. */
  const askedFor = Effect.fnUntraced(function* (event: RecordedEvent) {
    const data = Option.getOrUndefined(decodeAsk(event.data))
    const [, revision, place] = /^(\d+)\.(\d+)$/.exec(data?.ask ?? "") ?? []
    if (revision === undefined) return { src: "", input: null }
    const [asking] = yield* log.readPage(event.stream, { from: Number(revision), limit: 1 })
    const asked = asking?.metadata.asks?.[Number(place)]
    return asked?.ask === "activity" ? asked : { src: "", input: null }
  })

  const carriedOut = Effect.fnUntraced(function* (event: RecordedEvent) {
    const { input, src } = yield* askedFor(event)
    const at = event.metadata.occurredAt ?? event.metadata.at
    if (src === "sendMail") {
      const mail = Option.getOrUndefined(decodeSent(input))
      const to: unknown = yield* plain(mail?.to)
      const subject: unknown = yield* plain(mail?.subject)
      const text: unknown = yield* plain(mail?.text)
      if (mail === undefined || !isText(text) || !isText(subject)) return {}
      return {
        source: {
          ...{ event: event.id, what: "sent" as const, at, by: you, person: mail.person },
          names: around(isAddress(to) ? [nameOf(to)] : []),
          subject: oneLine(subject),
          text: newText(text),
        },
      }
    }
    if (src === "publishArticle") {
      const article = Option.getOrUndefined(decodePublished(input))
      const title: unknown = yield* plain(article?.title)
      const text: unknown = yield* plain(article?.text)
      if (!isText(title) || !isText(text)) return {}
      return {
        source: {
          ...{ event: event.id, what: "published" as const, at, by: you, names: [] },
          ...{ subject: oneLine(title), text: text.slice(0, textCharsMax) },
        },
      }
    }
    return {}
  })

  const readEvent = Effect.fnUntraced(function* (event: RecordedEvent) {
    const data = eventOf(event)
    const base = { event: event.id, names: [] as ReadonlyArray<string> }
    switch (event.type) {
      case "MailReceived": {
        const mail = Option.getOrUndefined(decode.MailReceived(data))
        const content = yield* plain(mail?.content)
        if (mail === undefined || content === undefined) return {}
        const isSuspect = (mail.suspicions ?? []).some((one) => dangerous.has(one)) ||
          mail.labels.some(isIgnoredLabel)
        const text = (yield* blobText(mail.textBlob, content.text)).slice(0, textCharsMax)
        if (isSuspect || readText(content.subject, text).signals.instructsReader) {
          return { withheld: true }
        }
        const { direction } = sidesOf(content, mail.labels, ownAddresses)
        return {
          source: {
            ...{ ...base, what: "mail" as const, at: mail.sentAt, person: mail.person },
            by: direction === "inward" ? nameOf(content.from) : you,
            names: around(
              [content.from, ...content.to, ...content.cc].filter((one) =>
                !ownAddresses.has(normaliseAddress(one.address))
              ).map(nameOf),
            ),
            subject: oneLine(content.subject),
            text: newText(text),
          },
        }
      }
      case "MessageReceived": {
        const message = Option.getOrUndefined(decode.MessageReceived(data))
        const content = yield* plain(message?.content)
        if (message === undefined || content === undefined) return {}
        if (readText(content.subject, content.text).signals.instructsReader) {
          return { withheld: true }
        }
        const isOurs = message.direction === "outward"
        const others = isOurs ? content.to.map(({ name }) => name) : [content.from.name]
        return {
          source: {
            ...{ ...base, what: "message" as const, at: message.sentAt, person: message.person },
            by: isOurs ? you : oneLine(content.from.name),
            names: around(others),
            subject: oneLine(content.subject),
            text: newText(content.text.slice(0, textCharsMax)),
          },
        }
      }
      case "NoteRecorded": {
        const note = Option.getOrUndefined(decode.NoteRecorded(data))
        const content = yield* plain(note?.content)
        if (note === undefined || content === undefined) return {}
        return {
          source: {
            ...{ ...base, what: "note" as const, at: note.writtenAt, by: you },
            subject: oneLine(content.title),
            text: (yield* blobText(note.textBlob, content.text)).slice(0, textCharsMax),
          },
        }
      }
      case "MeetingRecorded": {
        const meeting = Option.getOrUndefined(decode.MeetingRecorded(data))
        const content = yield* plain(meeting?.content)
        if (meeting === undefined || content === undefined) return {}
        const status = meeting.status === "confirmed" ? "" : ` (${meeting.status})`
        const names = around([content.organiser, ...content.attendees].map(nameOf))
        return {
          source: {
            ...{ ...base, what: "meeting" as const, at: meeting.startsAt, person: meeting.person },
            ...{ by: you, names, subject: oneLine(content.title) },
            text: `Meeting on ${day(meeting.startsAt)}: ${oneLine(content.title)}${status}.`,
          },
        }
      }
      case "InvoiceRecorded": {
        const invoice = Option.getOrUndefined(decode.InvoiceRecorded(data))
        const customer = yield* plain(invoice?.customer)
        if (invoice === undefined || customer === undefined) return {}
        const { dueAt, issuedAt, number, status, total } = invoice
        return {
          source: {
            ...{ ...base, what: "invoice" as const, at: issuedAt, person: invoice.person },
            ...{ by: you, names: around([nameOf(customer)]), subject: `Invoice ${number}` },
            text: `Invoice ${number} to ${nameOf(customer) || unnamed}: ${
              amountWords(total)
            }, ${status}${status === "open" ? dueOn(dueAt) : ""}.`,
          },
        }
      }
      case "PaymentRecorded": {
        const payment = Option.getOrUndefined(decode.PaymentRecorded(data))
        const customer = yield* plain(payment?.customer)
        if (payment === undefined || customer === undefined) return {}
        const { amount, kind, of = "", paidAt, status } = payment
        const running = isRunning({ of, payment: payment.payment })
        return {
          source: {
            ...{ ...base, what: "payment" as const, at: paidAt, person: payment.person },
            ...{ by: nameOf(customer) || unnamed, names: around([nameOf(customer)]), subject: "" },
            text: `${
              kind === "charge"
                ? "Payment"
                : running
                ? "Refunded in all, of one charge: sum"
                : kind === "refund"
                ? "Refund"
                : "Dispute"
            } of ${amountWords(amount)}${
              nameOf(customer) === "" ? "" : `, ${nameOf(customer)}`
            }: ${status}.`,
          },
        }
      }
      case "ActivitySucceeded":
        return yield* carriedOut(event)
      default:
        return {}
    }
  })

  return (ids: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const used: Array<SummarySource> = []
      const withheld: Array<string> = []
      for (const id of ids) {
        for (const event of yield* log.byId(id)) {
          const read: Read = yield* readEvent(event)
          if (read.withheld === true) withheld.push(id)
          if (read.source !== undefined) used.push(read.source)
        }
      }
      // What happened at one time stays in the order it was recorded in.
      used.sort((a, b) => a.at - b.at)
      const isOld = used.map((one, n) => isSuperseded(one, used.slice(n + 1)))
      return {
        used: used.filter((_, n) => !isOld[n]),
        superseded: used.filter((_, n) => isOld[n]),
        withheld,
        timeZone,
      } satisfies Sources
    })
})

/** Opens the events of a subject. */
export const sourcesOf = (ids: ReadonlyArray<string>) =>
  Effect.flatMap(make, (read) => read(ids)).pipe(
    Effect.mapError((cause) =>
      new SourcesUnavailable({
        message: `The events of a summary could not be read: ${cause.message}`,
        retryable: true,
      })
    ),
  )

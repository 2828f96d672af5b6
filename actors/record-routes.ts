/**
 * Opens a record and says who is told what about it. Records of forgotten people lead to nothing. It
 * remembers the domains of people it has seen, so that a mail from one that only looks like them shows.
 */
import { Effect, Option, Schema } from "effect"
import { isSealed, type Sealed } from "../machines/agent.ts"
import { NoteCollected } from "../machines/article.ts"
import {
  InvoiceRecorded,
  MailReceived,
  MessageReceived,
  NoteRecorded,
  PaymentRecorded,
  PersonListed,
} from "../machines/record.ts"
import type { Proposal } from "./actor-system.ts"
import { isIgnoredLabel, isSentLabel, normaliseAddress } from "./addresses.ts"
import { type BlobRef, BlobStore } from "./blob-store.ts"
import { EventLog, eventOf, isOurs, type RecordedEvent } from "./event-log.ts"
import { chargeIds, waitingMax } from "./ids.ts"
import { KnownDomains } from "./lookalikes.ts"
import { covers, routesOfInvoice, routesOfNote, routesOfPayment } from "./routes-facts.ts"
import { type Mail, routesOfMail } from "./routes-mail.ts"
import { type Ground, type Route, routesOfListing, routesOfMessage } from "./routes.ts"
import { Vault } from "./vault.ts"

/** Events before the checkpoint that known domains are learnt from, once per start. */
const learnEventsMax = 50_000
const pageEventsMax = 500

const decodeMail = Schema.decodeUnknownEffect(MailReceived)
const decodeListing = Schema.decodeUnknownEffect(PersonListed)
const decodeInvoice = Schema.decodeUnknownEffect(InvoiceRecorded)
const decodePayment = Schema.decodeUnknownEffect(PaymentRecorded)
const decodeNote = Schema.decodeUnknownEffect(NoteRecorded)
const decodeMessage = Schema.decodeUnknownEffect(MessageReceived)

/** What an article knows of its notes. */
const decodeNotes = Schema.decodeUnknownOption(Schema.Struct({
  notes: Schema.Array(Schema.Struct({
    record: Schema.String,
    title: NoteCollected.fields.title,
    tags: NoteCollected.fields.tags,
  })),
}))

type OpenedField<A> = Exclude<A, Sealed>

const none: ReadonlyArray<Route> = []

/** Types of records that somebody is told of. */
const routed: ReadonlySet<string> = new Set([
  "MailReceived",
  "PersonListed",
  "MessageReceived",
  "InvoiceRecorded",
  "PaymentRecorded",
  "NoteRecorded",
])
export const isRouted = (event: RecordedEvent): boolean =>
  event.stream.startsWith("record-") && routed.has(event.type) && isOurs(event)

export const makeRecordRoutes = Effect.gen(function* () {
  const log = yield* EventLog
  const vault = yield* Vault
  const blobs = yield* BlobStore
  const domains = new KnownDomains()
  let learnt = false

  /** The plain value; undefined where the person was forgotten. */
  const open = <A>(field: A): OpenedField<A> | undefined =>
    (isSealed(field) ? vault.open(field) : field) as OpenedField<A> | undefined

  const openMail = Effect.fnUntraced(function* (event: RecordedEvent) {
    const mail = yield* Effect.orDie(decodeMail(eventOf(event)))
    const content = open(mail.content)
    return content === undefined ? undefined : { mail, content }
  })
  type OpenedMail = NonNullable<Effect.Success<ReturnType<typeof openMail>>>

  /** A person's mail that is wanted, or a row of a list, says whose domain is known. */
  const learnFrom = ({ content, mail }: OpenedMail) => {
    if (mail.kind !== "personal" || mail.labels.some(isIgnoredLabel)) return
    if (mail.labels.some(isSentLabel)) {
      content.to.forEach((to) => domains.add(to, true))
    } else if (!domains.isLookalike(content.from)) domains.add(content.from, false)
  }

  /** What was learnt before this start is learnt again, once. */
  const learn = Effect.fnUntraced(function* (until: number) {
    if (learnt) return
    learnt = true
    let from = Math.max(0, until - learnEventsMax)
    while (from <= until) {
      const page = yield* log.readAll({ from, limit: Math.min(pageEventsMax, until - from + 1) })
      for (const event of page) {
        if (!isRouted(event)) continue
        if (event.type === "MailReceived") {
          const opened = yield* openMail(event)
          if (opened !== undefined) learnFrom(opened)
        } else if (event.type === "PersonListed") {
          const { listing } = yield* Effect.orDie(decodeListing(eventOf(event)))
          const row = open(listing)
          if (row !== undefined) domains.add(row, true)
        }
      }
      const last = page.at(-1)
      if (last === undefined) return
      from = last.position + 1
    }
  })

  /** Empty where the blob is gone. */
  const blobText = (ref: BlobRef) =>
    Effect.map(
      blobs.get(ref),
      (bytes) => bytes === undefined ? "" : new TextDecoder().decode(bytes),
    )

  const mailRoutes = Effect.fnUntraced(function* (event: RecordedEvent, ground: Ground) {
    const opened = yield* openMail(event)
    if (opened === undefined) return none
    const { content, mail } = opened
    const { kind, labels, person, sentAt, textBlob } = mail
    const isOwn = ground.own.has(normaliseAddress(content.from.address))
    const looksLike = kind === "personal" && !isOwn && domains.isLookalike(content.from)
    learnFrom(opened)
    const text = textBlob === undefined ? content.text : yield* blobText(textBlob)
    const whole: Mail = {
      stream: event.stream,
      person,
      content,
      kind,
      labels,
      sentAt,
      suspicions: [
        ...new Set([...mail.suspicions ?? [], ...(looksLike ? ["lookalikeAddress" as const] : [])]),
      ],
      ...occurred(event),
    }
    return routesOfMail(whole, text, ground)
  })

  const listingRoutes = Effect.fnUntraced(function* (event: RecordedEvent, { own }: Ground) {
    const { list, listing, optedOut, person } = yield* Effect.orDie(decodeListing(eventOf(event)))
    const row = open(listing)
    if (row === undefined) return none
    domains.add(row, true)
    const { occurredAt: since } = event.metadata
    const listed = { stream: event.stream, person, list, row }
    return routesOfListing(optedOut === true ? { ...listed, optedOut } : listed, {
      own,
      ...(since === undefined ? {} : { since }),
    })
  })

  const messageRoutes = Effect.fnUntraced(function* (event: RecordedEvent, ground: Ground) {
    const message = yield* Effect.orDie(decodeMessage(eventOf(event)))
    const content = open(message.content)
    if (content === undefined) return none
    const { direction, person, sentAt } = message
    const { from, subject, text } = content
    return routesOfMessage({
      stream: event.stream,
      person,
      direction,
      sentAt,
      from: from.name,
      subject,
      text,
      ...occurred(event),
    }, ground)
  })

  const invoiceRoutes = Effect.fnUntraced(function* (event: RecordedEvent, { timeZone }: Ground) {
    const invoice = yield* Effect.orDie(decodeInvoice(eventOf(event)))
    const customer = open(invoice.customer)
    if (customer === undefined) return none
    const at = event.metadata.occurredAt ?? event.metadata.at
    return routesOfInvoice(event.stream, invoice, customer, at, timeZone)
  })

  /**
   * A charge brings the refunds and disputes with it that came before it and name nothing but it. Those
   * that came after it know its invoice themselves.
   */
  const paymentRoutes = Effect.fnUntraced(function* (event: RecordedEvent) {
    const payment = yield* Effect.orDie(decodePayment(eventOf(event)))
    const { invoice, kind, payment: charge, person, system } = payment
    const routes = [...routesOfPayment(event.stream, payment)]
    const ids = chargeIds(vault.personKey, system, charge)
    if (kind !== "charge" || invoice === undefined || event.id !== ids.charge) return routes
    for (let place = 1; place <= waitingMax; place++) {
      const [waiting] = yield* log.byId(ids.waiting(place))
      if (waiting === undefined) break
      const late = yield* Effect.orDie(decodePayment(eventOf(waiting)))
      routes.push(...routesOfPayment(waiting.stream, { ...late, invoice, person }))
    }
    return routes
  })

  const noteRoutes = Effect.fnUntraced(function* (event: RecordedEvent) {
    const note = yield* Effect.orDie(decodeNote(eventOf(event)))
    const content = open(note.content)
    if (content === undefined) return none
    const text = note.textBlob === undefined ? content.text : yield* blobText(note.textBlob)
    return routesOfNote(event.stream, note, { ...content, text }, {
      article: vault.personKey(`topic:${note.topic}`),
      note: vault.personKey(`note:${note.topic}:${note.source.file}`),
    }, event.metadata.occurredAt)
  })

  const routesOf = (event: RecordedEvent, ground: Ground) => {
    switch (event.type) {
      case "MailReceived":
        return mailRoutes(event, ground)
      case "PersonListed":
        return listingRoutes(event, ground)
      case "MessageReceived":
        return messageRoutes(event, ground)
      case "InvoiceRecorded":
        return invoiceRoutes(event, ground)
      case "PaymentRecorded":
        return paymentRoutes(event)
      case "NoteRecorded":
        return noteRoutes(event)
      default:
        return Effect.succeed(none)
    }
  }

  /** The draft with the notes it covers, of those its article (`context`) knows. */
  const withCovers = (event: Proposal, context: unknown): Proposal => {
    const { text } = event
    const notes = Option.getOrElse(decodeNotes(context), () => ({ notes: [] })).notes
    const covered = notes.filter(({ tags, title }) => {
      const [plainTitle, plainTags] = [open(title), open(tags)]
      return plainTitle !== undefined && plainTags !== undefined && typeof text === "string" &&
        covers(text, { title: plainTitle, tags: plainTags })
    })
    return { ...event, covers: covered.map(({ record }) => record) }
  }

  return {
    openMail,
    routesOf,
    withCovers,
    /** Call it before the first record after `until` (a position in the log) is routed. */
    learn: (until: number, own: ReadonlySet<string>) => {
      own.forEach((address) => domains.add({ name: "", address }, true))
      return learn(until)
    },
  }
})

const occurred = ({ metadata: { occurredAt } }: RecordedEvent) =>
  occurredAt === undefined ? {} : { occurredAt }

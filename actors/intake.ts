/**
 * Takes in what importers read: finds whose it is, seals it, files blobs and records each as one event
 * under an id derived from what it is, so that importing twice adds nothing. The first mail with a
 * Message-ID has the event id that stands for that Message-ID: so the log itself, and no index that
 * could lag behind it, tells a later variant which record it varies.
 */
import { Clock, Context, Effect, Layer, Semaphore } from "effect"
import type { Json } from "../machines/agent.ts"
import { ActorSystem, type Proposal, type Refusal, type SystemClosed } from "./actor-system.ts"
import { normaliseAddress, OwnAddressEvidence, sidesOf } from "./addresses.ts"
import { type BlobRef, BlobStore, type BlobsUnavailable, inlineBytesMax } from "./blob-store.ts"
import { EventLog, type LogUnavailable } from "./event-log.ts"
import { derivedId } from "./ids.ts"
import { currentSettings, ownAddresses } from "./settings.ts"
import { Vault, type VaultUnavailable } from "./vault.ts"

/** Records of a batch taken in at the same time, so that they share commits. */
const recordsAtOnceMax = 256
/** A date this much after now is a wrong clock's and becomes now. */
const aheadMillisMax = 24 * 60 * 60 * 1000
/** No mail is older. */
const sentAtMin = Date.UTC(1971, 0)
/** So many mails delivered to one address say whose mailbox it is, before the import is complete. */
const deliveredCountSure = 20

/** What an importer read, in plain. It is sealed before it is stored. */
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
  readonly since?: number
  readonly source: ParsedSource
}

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
  /** In the smallest unit of the currency. */
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
  readonly startsAt: number
  readonly endsAt: number
  readonly allDay: boolean
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

export type IntakeFailed = LogUnavailable | VaultUnavailable | BlobsUnavailable | SystemClosed

export interface Taken {
  /** Records that are new. */
  readonly imported: number
  /** Records that were there before. */
  readonly duplicates: number
  /** Records that could not be taken in. */
  readonly faults: ReadonlyArray<{ readonly source: ParsedSource; readonly reason: string }>
  /** Records that were taken in with a correction, such as a date in the future. */
  readonly notes: ReadonlyArray<{ readonly source: ParsedSource; readonly reason: string }>
}

export class Intake extends Context.Service<Intake, {
  /** Everything of the batch is durable afterwards. The same batch again adds nothing. */
  accept(batch: ReadonlyArray<ParsedRecord>): Effect.Effect<Taken, IntakeFailed>
}>()("actors/Intake") {}

type Outcome =
  | { readonly outcome: "imported" | "duplicate"; readonly note?: string }
  | { readonly outcome: "fault"; readonly reason: string }

interface Known {
  readonly own: ReadonlySet<string>
  readonly now: number
}

const separator = "\u0000"

/** Stream and event id of a mail. The id is the Message-ID's if it has one and no record has it yet. */
const mailStream = (mail: ParsedMail) =>
  `record-${derivedId(`mail:${mail.messageId}:${mail.digest}`)}`

const make = Effect.gen(function* () {
  const log = yield* EventLog
  const vault = yield* Vault
  const blobs = yield* BlobStore
  const system = yield* ActorSystem
  const oneBatch = yield* Semaphore.make(1)
  const evidence = new OwnAddressEvidence()
  const settings = currentSettings.pipe(
    Effect.provideService(EventLog, log),
    Effect.provideService(Vault, vault),
  )

  const record = (stream: string, event: Proposal, id: string, occurredAt: number | undefined) =>
    system.record(stream, event, {
      id,
      actor: "importer",
      ...(occurredAt === undefined ? {} : { occurredAt }),
    }).pipe(
      Effect.map((accepted): Outcome => ({
        outcome: accepted.duplicate ? "duplicate" : "imported",
      })),
      Effect.catch((refusal: Refusal): Effect.Effect<Outcome, IntakeFailed> => {
        switch (refusal._tag) {
          case "LogUnavailable":
          case "VaultUnavailable":
          case "SystemClosed":
            return Effect.fail(refusal)
          case "EventTooLarge":
            return Effect.succeed({
              outcome: "fault",
              reason: `the record takes ${refusal.bytes} bytes, more than an event may`,
            })
          default:
            return Effect.succeed({ outcome: "fault", reason: refusal.message })
        }
      }),
    )

  const dateOf = (sentAt: number | undefined, now: number) => {
    if (sentAt === undefined || sentAt < sentAtMin) {
      return { sentAt: now, note: "it has no usable date: the time of the import is used" }
    }
    return sentAt > now + aheadMillisMax
      ? { sentAt: now, note: "its date lies in the future: the time of the import is used" }
      : { sentAt }
  }

  const takeMail = Effect.fnUntraced(function* (mail: ParsedMail, { own, now }: Known) {
    const stream = mailStream(mail)
    const first = derivedId(`message:${mail.messageId === "" ? mail.digest : mail.messageId}`)
    const known = yield* log.byId(first)
    if (known.some((event) => event.stream === stream)) {
      return { outcome: "duplicate" } satisfies Outcome
    }
    const original = known[0]?.stream
    const id = original === undefined ? first : derivedId(`variant:${stream}`)
    const { others, direction } = sidesOf(mail, mail.labels, own)
    const address = others[0]?.address ??
      (direction === "self" ? normaliseAddress(mail.from.address) : "")
    const person = vault.personKey(address === "" ? `unknown:${mail.digest}` : address)
    const bytes = new TextEncoder().encode(mail.text)
    const inline = bytes.length <= inlineBytesMax
    const textBlob: BlobRef | undefined = inline ? undefined : yield* blobs.put(person, bytes)
    const attachments: Array<{ readonly mediaType: string; readonly blob: BlobRef }> = []
    for (const { mediaType, content } of mail.attachments) {
      attachments.push({ mediaType, blob: yield* blobs.put(person, content) })
    }
    const { sentAt, note } = dateOf(mail.sentAt, now)
    const { messageId, inReplyTo, references, from, to, cc, deliveredTo, subject } = mail
    const event = {
      type: "MailReceived",
      person,
      content: {
        messageId,
        inReplyTo,
        references,
        from: { ...from },
        to: to.map((one) => ({ ...one })),
        cc: cc.map((one) => ({ ...one })),
        deliveredTo,
        subject,
        text: inline ? mail.text : "",
        attachmentNames: mail.attachments.map((one) => one.name),
      },
      sentAt,
      labels: mail.labels,
      kind: mail.kind,
      ...(textBlob === undefined ? {} : { textBlob: blobJson(textBlob) }),
      ...(mail.suspicions === undefined ? {} : { suspicions: [...mail.suspicions] }),
      attachments: attachments.map(({ mediaType, blob }) => ({ mediaType, blob: blobJson(blob) })),
      source: { ...mail.source },
      ...(original === undefined ? {} : { variantOf: original }),
    }
    const outcome = yield* record(stream, event, id, note === undefined ? sentAt : undefined)
    return outcome.outcome === "imported" && note !== undefined ? { ...outcome, note } : outcome
  })

  const takePerson = Effect.fnUntraced(function* (listed: ParsedPerson, { now }: Known) {
    const { list, name, company, position, phone, url, since, source } = listed
    const address = normaliseAddress(listed.address)
    const row = [list, name, address, company, position, phone, url, since ?? ""].join(separator)
    // Through the vault, so that a row cannot be guessed from its id.
    const id = derivedId(`person:${vault.personKey(`row:${row}`)}`)
    const person = vault.personKey(
      address !== ""
        ? address
        : url !== ""
        ? `url:${url.toLowerCase().replace(/^https?:\/\/(www\.)?|\/+$/g, "")}`
        : `name:${name.toLowerCase()}|${company.toLowerCase()}`,
    )
    const event = {
      type: "PersonListed",
      person,
      listing: { name, address, company, position, phone, url },
      list,
      ...(since === undefined ? {} : { since }),
      source: { ...source },
    }
    const past = since !== undefined && since <= now ? since : undefined
    return yield* record(`record-${id}`, event, id, past)
  })

  const take = (one: ParsedRecord, known: Known) =>
    one.record === "mail"
      ? takeMail(one, known)
      : one.record === "person"
      ? takePerson(one, known)
      : Effect.die(new Error(`${one.record} is not taken in yet`))

  /** Records that may be the same or variants of each other are taken in one after the other. */
  const groupOf = (one: ParsedRecord): string =>
    one.record === "mail"
      ? `mail:${one.messageId === "" ? one.digest : one.messageId}`
      : one.record === "person"
      ? `person:${one.list}:${one.name}:${one.address}:${one.url}`
      : `${one.record}:${one.source.file}:${one.source.at}`

  const accept = Effect.fn("Intake.accept")(function* (batch: ReadonlyArray<ParsedRecord>) {
    for (const one of batch) {
      if (one.record === "mail") evidence.add({ ...one, from: one.from.address })
    }
    const known: Known = {
      own: new Set([
        ...ownAddresses(yield* settings),
        ...evidence.winners(deliveredCountSure),
      ]),
      now: yield* Clock.currentTimeMillis,
    }
    const groups = [...Map.groupBy(batch, groupOf).values()]
    const taken = (yield* Effect.forEach(
      groups,
      (group) =>
        Effect.forEach(
          group,
          (one) => Effect.map(take(one, known), (outcome) => ({ one, outcome })),
        ),
      { concurrency: recordsAtOnceMax },
    )).flat()
    const place = new Map(batch.map((one, index) => [one, index]))
    taken.sort((a, b) => place.get(a.one)! - place.get(b.one)!)
    const count = (outcome: Outcome["outcome"]) =>
      taken.filter((one) => one.outcome.outcome === outcome).length
    return {
      imported: count("imported"),
      duplicates: count("duplicate"),
      faults: taken.flatMap(({ one, outcome }) =>
        outcome.outcome === "fault" ? [{ source: one.source, reason: outcome.reason }] : []
      ),
      notes: taken.flatMap(({ one, outcome }) =>
        outcome.outcome !== "fault" && outcome.note !== undefined
          ? [{ source: one.source, reason: outcome.note }]
          : []
      ),
    } satisfies Taken
  })

  return Intake.of({ accept: (batch) => oneBatch.withPermits(1)(accept(batch)) })
})

const blobJson = ({ sha256, subject, bytes }: BlobRef): Json => ({ sha256, subject, bytes })

export const layer = Layer.effect(Intake, make)

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
import { type DiskLow, DiskSpace, roomForImports } from "./disk-space.ts"
import { EventLog, eventOf, type LogUnavailable } from "./event-log.ts"
import { chargeIds, derivedId, waitingMax } from "./ids.ts"
import { eventOfRecord, type ParsedOther, profileOf, profilesOf } from "./intake-events.ts"
import type {
  ParsedMail,
  ParsedPayment,
  ParsedPerson,
  ParsedRecord,
  ParsedSource,
} from "./parsed-record.ts"
import { founder } from "./registry.ts"
import { currentSettings, ownAddresses, type Settings } from "./settings.ts"
import { Vault, type VaultUnavailable } from "./vault.ts"

/** Records of a batch taken in at the same time, so that they share commits. */
const recordsAtOnceMax = 256
/** A date this much after now is a wrong clock's and becomes now. */
const aheadMillisMax = 24 * 60 * 60 * 1000
/** No mail is older. */
const sentAtMin = Date.UTC(1971, 0)
/** So many mails delivered to one address say whose mailbox it is, before the import is complete. */
const deliveredCountSure = 20

export type * from "./parsed-record.ts"

export type IntakeFailed =
  | LogUnavailable
  | VaultUnavailable
  | BlobsUnavailable
  | SystemClosed
  | DiskLow

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
  readonly settings: Settings
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
  const space = yield* DiskSpace
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

  /** Of the mail it answers, where that is here; else of the first that its headers name. Opaque, as persons are. */
  const threadOf = Effect.fnUntraced(function* (mail: ParsedMail) {
    const { digest, inReplyTo, messageId, references } = mail
    const [parent] = inReplyTo === "" ? [] : yield* log.byId(derivedId(`message:${inReplyTo}`))
    const known = parent === undefined ? undefined : eventOf(parent)["thread"]
    const root = references[0] ?? (inReplyTo || messageId || digest)
    return typeof known === "string" ? known : `mail:${vault.personKey(`thread:${root}`)}`
  })

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
      thread: yield* threadOf(mail),
      ...(textBlob === undefined ? {} : { textBlob: blobJson(textBlob) }),
      ...(mail.suspicions === undefined ? {} : { suspicions: [...mail.suspicions] }),
      attachments: attachments.map(({ mediaType, blob }) => ({ mediaType, blob: blobJson(blob) })),
      source: { ...mail.source },
      ...(original === undefined ? {} : { variantOf: original }),
    }
    const outcome = yield* record(stream, event, id, note === undefined ? sentAt : undefined)
    return outcome.outcome === "imported" && note !== undefined ? { ...outcome, note } : outcome
  })

  /** The id of the first listing that gives a profile an address: by it the log knows whose it is. */
  const profileId = (profile: string) =>
    derivedId(`profile:${vault.personKey(`profile:${profile}`)}`)

  const personOfProfile = (profile: string) =>
    Effect.map(log.byId(profileId(profile)), (events) => {
      const person = events[0] === undefined ? undefined : eventOf(events[0])["person"]
      return typeof person === "string" ? person : undefined
    })

  const takePerson = Effect.fnUntraced(function* (listed: ParsedPerson, { now }: Known) {
    const { list, name, company, position, phone, url, since, source } = listed
    const address = normaliseAddress(listed.address)
    const profile = profileOf(url)
    const { optedOut = false, otherAddresses = [] } = listed
    const row = [list, name, address, company, position, phone, url, since ?? "", ...otherAddresses]
      .join(separator) + (optedOut ? `${separator}opted out` : "")
    // Through the vault, so that a row cannot be guessed from its id.
    const rowId = derivedId(`person:${vault.personKey(`row:${row}`)}`)
    const stream = `record-${rowId}`
    if ((yield* log.byId(rowId)).length > 0) return { outcome: "duplicate" } satisfies Outcome
    const first = profile === "" ? [] : yield* log.byId(profileId(profile))
    if (first.some((event) => event.stream === stream)) {
      return { outcome: "duplicate" } satisfies Outcome
    }
    const names = profile !== "" && address !== "" && first.length === 0
    const person = address !== ""
      ? vault.personKey(address)
      : profile !== ""
      ? (yield* personOfProfile(profile)) ?? vault.personKey(`url:${profile}`)
      : vault.personKey(`name:${name.toLowerCase()}|${company.toLowerCase()}`)
    const event = {
      type: "PersonListed",
      person,
      listing: {
        name,
        address,
        company,
        position,
        phone,
        url,
        ...(otherAddresses.length === 0 ? {} : { otherAddresses: [...otherAddresses] }),
      },
      list,
      ...(optedOut ? { optedOut } : {}),
      ...(since === undefined ? {} : { since }),
      source: { ...source },
    }
    const past = since !== undefined && since <= now ? since : undefined
    return yield* record(stream, event, names ? profileId(profile) : rowId, past)
  })

  /** What is known of a charge: who paid, and which invoice where that is said. */
  const chargeOf = Effect.fnUntraced(function* (system: string, charge: string) {
    const ids = chargeIds(vault.personKey, system, charge)
    const [known] = [...(yield* log.byId(ids.charge)), ...(yield* log.byId(ids.payer))]
    return known === undefined ? undefined : eventOf(known)
  })

  /**
   * A refund or a dispute often names its charge only: it is the charge's person's, and about the
   * charge's invoice. Where the charge is not known yet, the record waits under an id at which the
   * charge looks for it. `duplicate`: the record is there.
   */
  const joined = Effect.fnUntraced(function* (one: ParsedPayment, event: Proposal, id: string) {
    if ((yield* log.byId(id)).length > 0) return "duplicate" as const
    const stream = `record-${id}`
    if (one.kind === "charge") {
      const ids = chargeIds(vault.personKey, one.system, one.id)
      const first = one.invoice === undefined ? ids.payer : ids.charge
      const known = yield* log.byId(first)
      if (known.some((event) => event.stream === stream)) return "duplicate" as const
      return { id: known.length === 0 ? first : id, event }
    }
    if (one.invoice !== undefined || one.of === undefined) return { id, event }
    const ids = chargeIds(vault.personKey, one.system, one.of)
    let free: string | undefined
    for (let place = 1; place <= waitingMax && free === undefined; place++) {
      const [waiting] = yield* log.byId(ids.waiting(place))
      if (waiting?.stream === stream) return "duplicate" as const
      if (waiting === undefined) free = ids.waiting(place)
    }
    const { invoice, person = event["person"] } = (yield* chargeOf(one.system, one.of)) ?? {}
    if (person === undefined) return { id, event }
    return invoice === undefined
      ? { id: free ?? id, event: { ...event, person } }
      : { id, event: { ...event, person, invoice } }
  })

  const takeOther = Effect.fnUntraced(function* (one: ParsedOther, { now, own, settings }: Known) {
    const found = new Map<string, string | undefined>()
    for (const profile of profilesOf(one)) found.set(profile, yield* personOfProfile(profile))
    const known = (profile: string) => found.get(profile)
    const { id, event, occurredAt } = eventOfRecord(one, { vault, settings, own, now, known })
    if (one.record === "payment") {
      const found = yield* joined(one, event, id)
      return found === "duplicate"
        ? { outcome: "duplicate" } satisfies Outcome
        : yield* record(`record-${id}`, found.event, found.id, occurredAt)
    }
    const bytes = one.record === "note" ? new TextEncoder().encode(one.text) : undefined
    if (one.record !== "note" || bytes === undefined || bytes.length <= inlineBytesMax) {
      return yield* record(`record-${id}`, event, id, occurredAt)
    }
    if ((yield* log.byId(id)).length > 0) return { outcome: "duplicate" } satisfies Outcome
    const { title, tags, matter } = one
    const filed = {
      ...event,
      content: { title, text: "", tags: [...tags], matter },
      textBlob: blobJson(yield* blobs.put(founder, bytes)),
    }
    return yield* record(`record-${id}`, filed, id, occurredAt)
  })

  const take = (one: ParsedRecord, known: Known) =>
    one.record === "mail"
      ? takeMail(one, known)
      : one.record === "person"
      ? takePerson(one, known)
      : takeOther(one, known)

  /** Records that may be the same or variants of each other are taken in one after the other. */
  const groupOf = (one: ParsedRecord): string =>
    one.record === "mail"
      ? `mail:${one.messageId === "" ? one.digest : one.messageId}`
      : one.record === "person"
      ? `person:${profileOf(one.url) || `${one.list}:${one.name}:${one.address}`}`
      : one.record === "payment"
      ? `payment:${one.of ?? one.id}`
      : one.record === "invoice"
      ? `invoice:${one.id}`
      : one.record === "meeting"
      ? `meeting:${one.uid}`
      : `${one.record}:${one.source.file}:${one.source.at}`

  /**
   * Who gives a profile an address comes before those who name the profile only, and charges before the
   * refunds that name them only.
   */
  const inTurn = (
    batch: ReadonlyArray<ParsedRecord>,
  ): ReadonlyArray<ReadonlyArray<ParsedRecord>> => {
    const giving = (one: ParsedRecord) =>
      one.record === "person" && one.address !== "" && one.url !== ""
    const naming = (one: ParsedRecord) => one.record === "payment" && one.kind !== "charge"
    return [
      batch.filter(giving),
      batch.filter((one) => !giving(one) && !naming(one)),
      batch.filter(naming),
    ]
  }

  const accept = Effect.fn("Intake.accept")(function* (batch: ReadonlyArray<ParsedRecord>) {
    yield* roomForImports(space)
    for (const one of batch) {
      if (one.record === "mail") evidence.add({ ...one, from: one.from.address })
    }
    const now = yield* Clock.currentTimeMillis
    const current = yield* settings
    const known: Known = {
      own: new Set([...ownAddresses(current), ...evidence.winners(deliveredCountSure)]),
      settings: current,
      now,
    }
    const taken = (yield* Effect.forEach(inTurn(batch), (turn) =>
      Effect.forEach(
        [...Map.groupBy(turn, groupOf).values()],
        (group) =>
          Effect.forEach(
            group,
            (one) => Effect.map(take(one, known), (outcome) => ({ one, outcome })),
          ),
        { concurrency: recordsAtOnceMax },
      ))).flat(2)
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

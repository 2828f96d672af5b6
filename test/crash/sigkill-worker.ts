/**
 * A process that lives a story without end on a data directory, until it is killed. Every line it prints
 * is written at once, so what was printed before a kill had happened before it:
 * `owned`, `ack <id> <stream> <revision> <position>` for what the log has taken, `mail` for what is out and
 * not recorded yet, `step <n>` once everything of a step was settled. Given a last step it ends there and prints what it found as JSON.
 * Whoever starts it again says from which step; what of that step was lived already must not count twice.
 */
import { Clock, Effect, Layer } from "effect"
import { writeSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import * as implementations from "../../actors/activities/mod.ts"
import { approvalStream, contentHash, openContent } from "../../actors/activities/gate.ts"
import * as runner from "../../actors/activities/runner.ts"
import { type Accepted, ActorSystem } from "../../actors/actor-system.ts"
import { BlobStore, inlineBytesMax } from "../../actors/blob-store.ts"
import * as contacts from "../../actors/contacts.ts"
import { askId, EventLog, type RecordedEvent } from "../../actors/event-log.ts"
import { derivedId } from "../../actors/ids.ts"
import { Mailer } from "../../actors/mailer.ts"
import * as languageModel from "../../actors/language-model.ts"
import * as recall from "../../actors/recall.ts"
import * as subjectItems from "../../actors/summary-subjects.ts"
import { replay } from "../../actors/replay.ts"
import * as reports from "../../actors/reports.ts"
import * as tiers from "../../actors/tiers.ts"
import * as system from "../../actors/system.ts"
import { ActorEngine } from "../../actors/system.ts"
import { Vault } from "../../actors/vault.ts"
import * as dataDirectory from "../../adapters/data-directory.ts"
import * as mailer from "../../adapters/mailer-folder.ts"
import * as outsideFolders from "../../adapters/outside-folders.ts"
import * as readStore from "../../adapters/read-store-sqlite.ts"
import { coordinatorKey } from "../../machines/coordinator.ts"
import { isSealed, type Json, type JsonObject, type Sealed } from "../../machines/agent.ts"
import { agents, journals } from "../../machines/mod.ts"
import type { MailReceived } from "../../machines/record.ts"
import { settingsStream } from "../../machines/settings.ts"
import * as openAsks from "../../projections/open-asks.ts"
import { projections } from "../../projections/mod.ts"
import * as follower from "../../projections/runner.ts"
import { Projections } from "../../projections/runner.ts"
import { everything } from "../contract/event-log.ts"
import { extraAgents } from "./story.ts"

const [directory = "", first = "0", last] = process.argv.slice(2)
const from = Number(first)

const day = 24 * 60 * 60 * 1000
const start = Date.UTC(2026, 10, 2, 8)
const stepMillis = 2 * day
const people = 40
const lettersPerStep = 4
const settleMillisMax = 20_000
const answerMillis = 5
const drainPolls = 200
const drainMillis = 25
const amount = { minor: 8_900, currency: "EUR" }
const coordinator = `coordinator-${coordinatorKey}`

const atOf = (step: number) => start + (step + 1) * stepMillis
/** Moved by the steps. An earlier life was in step `from` already. */
let now = atOf(from)

const handClock = Layer.effect(
  Clock.Clock,
  Effect.map(Clock.Clock, (real): Clock.Clock => ({
    currentTimeMillisUnsafe: () => now,
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanosUnsafe: () => BigInt(now) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => BigInt(now) * 1_000_000n),
    monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: real.monotonicTimeNanos,
    sleep: (duration) => real.sleep(duration),
  })),
)

/** The mailer is slow to answer, so that there is time to die between a mail and its record. */
const slowMailer = Layer.effect(
  Mailer,
  Effect.map(
    Mailer,
    (mailer) =>
      Mailer.of({
        ...mailer,
        send: (mail, key) =>
          mailer.send(mail, key).pipe(
            Effect.tap(() => Effect.sync(() => print("mail"))),
            Effect.tap(() => Effect.sleep(answerMillis)),
          ),
      }),
  ),
).pipe(Layer.provide(mailer.layer(join(directory, "outbox"))))

const outside = Layer.mergeAll(
  slowMailer,
  recall.absent,
  languageModel.absent,
  reports.absent,
  subjectItems.absent,
  tiers.absent,
)
  .pipe(
    Layer.provideMerge(outsideFolders.layer(directory)),
  )
const house = runner.layer().pipe(
  Layer.provide(implementations.layer.pipe(Layer.provide(outside))),
  Layer.provideMerge(contacts.layer),
  Layer.provideMerge(system.layer({ agents: [...agents, ...extraAgents], journals })),
  Layer.provideMerge(openAsks.layer),
  Layer.provideMerge(follower.layer(projections)),
  Layer.provideMerge(readStore.layer(join(directory, "read.db"))),
  Layer.provideMerge(dataDirectory.layer({ directory })),
  Layer.provideMerge(handClock),
)

const print = (line: string) => {
  const bytes = new TextEncoder().encode(`${line}\n`)
  for (let done = 0; done < bytes.length;) done += writeSync(1, bytes, done)
}
const acknowledged = ({ event }: Accepted) =>
  print(`ack ${event.id} ${event.stream} ${event.revision} ${event.position}`)

const settled = Effect.flatMap(ActorSystem, (system) => system.settle(settleMillisMax))
const give = (stream: string, event: object, id: string, how: "propose" | "record" = "propose") =>
  Effect.gen(function* () {
    const system = yield* ActorSystem
    acknowledged(yield* system[how](stream, event as never, { id: derivedId(id), occurredAt: now }))
  })

interface Letter {
  readonly name: string
  readonly person: string
  readonly place: number
  readonly round: number
  readonly sentAt: number
}
const lettersOf = (step: number): ReadonlyArray<Letter> =>
  Array.from({ length: lettersPerStep }, (_, place) => {
    const n = step * lettersPerStep + place
    const who = n % people
    return {
      name: `${who}-${Math.floor(n / people)}`,
      person: who.toString(16).padStart(2, "0").repeat(16),
      place,
      round: Math.floor(n / people),
      sentAt: atOf(step),
    }
  })

/** Too long for the log: it is kept in a blob. */
const longText = (name: string) => `Letter ${name}. `.repeat(inlineBytesMax / 8)

const arrives = ({ name, person, place, sentAt }: Letter) =>
  Effect.gen(function* () {
    const blobs = yield* BlobStore
    const address = { name: `Writer ${name}`, address: `${name}@lumen.example` }
    const blob = place === 0
      ? yield* blobs.put(person, new TextEncoder().encode(longText(name)))
      : undefined
    yield* give(
      `record-${derivedId(name)}`,
      {
        type: "MailReceived",
        person,
        content: {
          messageId: `<${name}@lumen.example>`,
          inReplyTo: "",
          references: [],
          from: address,
          to: [],
          cc: [],
          deliveredTo: [],
          subject: `Letter ${name}`,
          text: blob === undefined ? `Short letter ${name}` : "",
          attachmentNames: [],
        },
        sentAt,
        labels: [],
        kind: "personal",
        ...(blob === undefined ? {} : { textBlob: blob }),
        attachments: [],
        source: { file: "letters.mbox", at: `line ${name}` },
      },
      `record:${name}`,
      "record",
    )
    yield* give(`lead-${person}`, {
      type: "LeadWrote",
      person,
      record: `record-${derivedId(name)}`,
      sentAt,
      contact: address,
      subject: `Letter ${name}`,
      messageId: `<${name}@lumen.example>`,
      signals: { reader: "rules-1", warmth: 30, intents: ["asksPrice"], instructsReader: false },
      quotes: [`what does letter ${name} cost`],
    }, `wrote:${name}`)
  })

/** The executor that answers this person's letter. */
const workOf = (person: string) =>
  Effect.gen(function* () {
    const system = yield* ActorSystem
    const lead = yield* system.view(`lead-${person}`)
    const { contacted, open } = (lead?.context ?? {}) as {
      open?: { outreach: string } | null
      contacted?: string | null
    }
    const outreach = yield* system.view(open?.outreach ?? contacted ?? "outreach-none")
    return (outreach?.context as { work?: string | null } | undefined)?.work ?? undefined
  })

/** The approval that waits for the founder before this work may be done. */
const approvalOf = (work: string) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const vault = yield* Vault
    const [event] = yield* log.readPage(work, { backwards: true, limit: 1 })
    const place = event?.metadata.asks?.findIndex((ask) =>
      ask.ask === "activity" && (ask.src === "sendMail" || ask.src === "refundPayment")
    ) ?? -1
    const ask = event?.metadata.asks?.[place]
    if (event === undefined || ask?.ask !== "activity") {
      return undefined
    }
    const content = openContent(ask.input ?? null, vault)
    if (content === undefined) {
      return yield* Effect.die(new Error("What is to be done is sealed"))
    }
    const hash = contentHash(content)
    return { hash, stream: approvalStream(askId(event.stream, event.revision, place), hash) }
  })

const decide = ({ name, person, place, round }: Letter) =>
  Effect.gen(function* () {
    const how = place === 0 || (place === 2 && round % 2 === 1)
      ? "ApprovalGranted"
      : place === 1
      ? "ApprovalRejected"
      : undefined
    if (how === undefined) return
    const work = yield* workOf(person)
    const approval = work === undefined ? undefined : yield* approvalOf(work)
    if (approval === undefined) return
    const system = yield* ActorSystem
    const view = yield* system.view(approval.stream)
    if (view?.value !== "awaitingApproval") return
    yield* give(
      approval.stream,
      how === "ApprovalGranted"
        ? { type: how, hash: approval.hash, by: "operator" }
        : { type: how, reason: `not ${name}`, by: "operator", person },
      `${how}:${name}`,
    )
  })

/** Who was rejected had paid twice, and gets it back. */
const refundOf = ({ person, round }: Letter) => `executor-${person}~r${round}`
const asksRefund = (letter: Letter) =>
  give(refundOf(letter), {
    type: "RefundRequested",
    requester: "operator",
    person: letter.person,
    records: [`record-${derivedId(letter.name)}`],
    invoice: { invoice: letter.person, number: letter.name, total: amount },
    payment: `ch_${letter.name}`,
    amount,
    reason: "charged twice",
    contact: { name: `Writer ${letter.name}`, address: `${letter.name}@lumen.example` },
  }, `refund:${letter.name}`)
const approvesRefund = (letter: Letter) =>
  Effect.gen(function* () {
    const approval = yield* approvalOf(refundOf(letter))
    if (approval === undefined) return
    const system = yield* ActorSystem
    if ((yield* system.view(approval.stream))?.value !== "awaitingApproval") return
    const { hash, stream } = approval
    yield* give(stream, { type: "ApprovalGranted", hash, by: "operator" }, `refunds:${letter.name}`)
  })

/** Some of what was sent or given back in the step before is taken back. */
const undo = (letter: Letter) =>
  Effect.gen(function* () {
    const system = yield* ActorSystem
    const work = letter.place === 1 ? refundOf(letter) : yield* workOf(letter.person)
    const view = work === undefined ? undefined : yield* system.view(work)
    if (work === undefined || view?.accepts.includes("WorkUndone") !== true) return
    yield* give(work, { type: "WorkUndone", by: "operator" }, `undo:${letter.name}`)
  })

const side = { concurrency: "unbounded", discard: true } as const

const live = (step: number) =>
  Effect.gen(function* () {
    now = Math.max(now, atOf(step))
    const letters = lettersOf(step)
    yield* Effect.forEach(letters, arrives, side)
    // The founder's day begins and ends; now and then the mailer is down for a step.
    const date = new Date(now).toISOString().slice(0, 10)
    for (const slot of ["daily", "nightly"]) {
      yield* give(coordinator, { type: "SlotReached", slot, date, missed: 0 }, `${slot}:${date}`)
    }
    yield* give(
      coordinator,
      step % 2 === 0
        ? { type: "AdapterDegraded", adapter: "mailer", reason: "refuses" }
        : { type: "AdapterRecovered", adapter: "mailer" },
      `adapter:${step}`,
    )
    yield* give(`order-${step}`, { type: "OrderPlaced", sku: `sku ${step}` }, `order:${step}`)
    yield* settled
    // Who asks not to be written to, while the answer waits for the founder.
    yield* Effect.forEach(
      letters.filter(({ place, round }) => place === 3 && round === 1),
      ({ name, person, sentAt }) =>
        give(`lead-${person}`, {
          type: "LeadUnsubscribed",
          person,
          record: `record-${derivedId(name)}`,
          sentAt,
          quotes: ["please stop"],
        }, `unsubscribed:${name}`),
      side,
    )
    const paidTwice = letters.filter(({ place }) => place === 1)
    yield* Effect.forEach(letters, decide, side)
    yield* Effect.forEach(paidTwice, asksRefund, side)
    yield* settled
    yield* Effect.forEach(paidTwice, approvesRefund, side)
    yield* settled
    if (step % 3 === 1) {
      yield* Effect.forEach(lettersOf(step - 1).filter(({ place }) => place < 2), undo, side)
      yield* settled
    }
    print(`step ${step}`)
  })

const envelopesIn = (value: unknown): ReadonlyArray<Sealed> =>
  isSealed(value)
    ? [value]
    : typeof value === "object" && value !== null
    ? Object.values(value).flatMap(envelopesIn)
    : []

/** Whether the blob that an event names is there as it was put; undefined where it names none. */
const blobOpens = ({ data }: RecordedEvent) =>
  Effect.gen(function* () {
    const { textBlob, source } = data as unknown as Partial<typeof MailReceived.Type>
    if (textBlob === undefined || source === undefined) return undefined
    const blobs = yield* BlobStore
    const bytes = yield* blobs.get(textBlob)
    return new TextDecoder().decode(bytes) === longText(source.at.slice("line ".length))
  })

/** Everything that must not depend on kills. Envelopes differ by their nonces. */
const found = Effect.gen(function* () {
  const system = yield* ActorSystem
  const { registry } = yield* ActorEngine
  const vault = yield* Vault
  const projected = yield* Projections
  const log = yield* EventLog
  yield* settled
  // Notes are batch work, which nobody waits for but here.
  for (let n = 0; n < drainPolls && (yield* system.remaining).batch > 0; n++) {
    yield* Effect.sleep(drainMillis)
  }
  const remaining = yield* settled
  const events = yield* everything(log)
  const blobs = (yield* Effect.forEach(events, blobOpens)).filter((one) => one !== undefined)
  const envelopes = events.flatMap(({ data, metadata }) => envelopesIn([data, metadata.asks]))
  const actors: Record<string, { value: Json; status: Json; context: Json; events: Json }> = {}
  for (const [stream, own] of Map.groupBy(events, (event) => event.stream)) {
    const view = yield* system.view(stream)
    if (view === undefined) continue
    actors[stream] = {
      status: view.status,
      value: view.value,
      context: JSON.parse(
        JSON.stringify(view.context, (_, value) => isSealed(value) ? "sealed" : value),
      ),
      // Whether the floor is taken from somebody who gives it back at that moment is a matter of luck.
      events: own.map(({ type }) => type).filter((type) => type !== "FloorRevoked").sort(),
    }
  }
  const rebuilt: Array<{ name: string; equal: boolean }> = []
  for (const name of projected.names) {
    const { equal } = yield* projected.rebuild(name)
    rebuilt.push({ name, equal })
  }
  const { divergences, actors: replayed } = yield* replay(registry, undefined, () => {})
  return {
    placed: events.map(({ id, stream, revision, position }) =>
      `${id} ${stream} ${revision} ${position}`
    ),
    sent: events.flatMap(({ stream, type, data }) => {
      const { output } = data as { output?: JsonObject }
      const where = output?.["where"]
      const isMail = type === "ActivitySucceeded" && output?.["messageId"] !== undefined
      // What was taken back is not out any more.
      return isMail && typeof where === "string" && actors[stream]?.value !== "undone"
        ? [where]
        : []
    }),
    undone: Object.values(actors).filter(({ value }) => value === "undone").length,
    refunds: events.flatMap(({ stream, type, data }) => {
      const { output } = data as { output?: JsonObject }
      const refund = output?.["refund"]
      return type === "ActivitySucceeded" && refund !== undefined ? [`${stream} ${refund}`] : []
    }),
    envelopes: envelopes.length,
    envelopesClosed: envelopes.filter((one) => vault.open(one) === undefined).length,
    blobs: blobs.length,
    blobsDamaged: blobs.filter((fine) => !fine).length,
    actors,
    rebuilt,
    divergences,
    replayed,
    remaining: JSON.parse(JSON.stringify(remaining)) as Json,
  }
})
export type Found = Effect.Success<typeof found>

const program = Effect.gen(function* () {
  print("owned")
  yield* give(
    settingsStream,
    {
      type: "SettingsRecorded",
      name: "Mara Lindqvist",
      addresses: ["mara@northlight.example"],
    },
    "settings",
    "record",
  )
  yield* settled
  const end = last === undefined ? Infinity : Number(last)
  for (let step = from; step < end; step++) yield* live(step)
  print(`found ${JSON.stringify(yield* found)}`)
})

await Effect.runPromise(Effect.scoped(Effect.provide(program, house)))

/**
 * Everything known about a person, in the order it happened in the world, each with where it comes from.
 * It is read from the log, from the first event to the last, so nothing is left out that is there.
 */
import { Effect } from "effect"
import { categoryOf, EventLog, type RecordedEvent } from "../actors/event-log.ts"
import { isRunning } from "../machines/billing.ts"
import type { History, HistoryEntry } from "./aios.ts"
import { door } from "./aios-failures.ts"
import { noteAsks, type Reading, readKnown } from "./aios-known.ts"
import { noSuchPerson, personNamed } from "./aios-persons.ts"
import { sourceOf, wordsOf } from "./event-words.ts"
import { numberOf, objectOf, textOf } from "./fields.ts"
import { stateText } from "./aios-words.ts"

const pageEvents = 2_000

/** Streams in which a person is one of many. */
const shared = new Set(["record", "coordinator", "settings"])
/** Their work is told by what follows from it. */
const untold = new Set(["coordinator", "settings", "analyst"])
/** What says the same as another event, or nothing to a founder. */
const silent = new Set([
  "ActivityStarted",
  "ActorStarted",
  "InvoiceIssued",
  "ChartUpgraded",
  "FloorRequested",
  "FloorReleased",
  "FloorGranted",
  "ApprovalCarriedOut",
  "ApprovalRegretted",
  "OutreachRequested",
  "ApprovalSuperseded",
  "LeadContacted",
  "LeadListed",
  "LeadOutreachRejected",
  "LeadOutreachFailed",
  "MailRead",
  "WorkCarriedOut",
  "WorkRejected",
  "WorkTakenBack",
  "WorkFailed",
])
/** Told only where they moved the actor to another state. */
const told = new Set(["TimerFired", "LeadWrote", "LeadAnswered"])
/** Work of the house about a person that the founder need not read. */
const unspoken = new Set(["weighConversation", "noteContact", "noteReminder"])

const isAbout = (event: RecordedEvent, key: string, streams: ReadonlySet<string>): boolean =>
  streams.has(event.stream) || textOf(objectOf(event.data)["person"]) === key

const sentAt = ({ metadata: { at, occurredAt = at } }: RecordedEvent): number =>
  occurredAt < datedMin ? at : occurredAt

/** States of a person's lead are worth a line; those of the house's own workers are not. */
const stateLine = (event: RecordedEvent, before: string | undefined): string | undefined => {
  const state = stateText(event.metadata.value)
  return categoryOf(event.stream) === "lead" && state !== "" && state !== before ? state : undefined
}

interface Refund {
  readonly payment: string
  readonly of: string
  readonly minor: number
  readonly recorded: boolean
  readonly running: boolean
}

/** A refund, as its record or as the invoice has it. */
const refundIn = ({ data, type }: RecordedEvent): Refund | undefined => {
  const fields = objectOf(data)
  const recorded = type === "PaymentRecorded"
  if (recorded ? fields["kind"] !== "refund" : type !== "PaymentRefunded") return undefined
  const [of, payment] = [textOf(fields["of"]), textOf(fields["payment"])]
  const minor = numberOf(objectOf(fields["amount"])["minor"])
  return { payment, of, minor, recorded, running: isRunning({ of, payment }) }
}

/** Told once: by its record, and not by a charge's running total where the refunds themselves are known. */
const isTold = (refund: Refund, all: ReadonlyArray<Refund>): boolean => {
  const records = all.filter(({ recorded }) => recorded)
  if (!refund.recorded && records.some(({ payment }) => payment === refund.payment)) return false
  if (!refund.running) return true
  const of = all.filter((one) => one.of === refund.of)
  const single = new Map(of.filter(({ running }) => !running).map((one) => [one.payment, one]))
  const known = [...single.values()].reduce((sum, { minor }) => sum + minor, 0)
  return known < refund.minor && !of.some((one) => one.running && one.minor > refund.minor)
}

/** Nothing a founder has to do with is older: an earlier date stands for none. */
const datedMin = Date.UTC(1971, 0)

/** Whether nobody said when it happened, so that it stands at the time of its import. */
const isUndated = (event: RecordedEvent): boolean => {
  const { metadata: { occurredAt }, type } = event
  return occurredAt === undefined
    ? type === "MailReceived" || refundIn(event)?.running === true
    : occurredAt < datedMin
}

/** The gate has said it, with the reason. */
const isRejection = ({ data, type }: RecordedEvent): boolean =>
  type === "ActivityFailed" && textOf(objectOf(objectOf(data)["error"])["name"]) === "Rejected"

/** A payment that was imported stands there as its record. */
const isRecorded = ({ data, type }: RecordedEvent): boolean =>
  type === "PaymentReceived" && textOf(objectOf(data)["by"]) !== "operator"

const entryOf = (
  event: RecordedEvent,
  reading: Reading,
  before: string | undefined,
): HistoryEntry | undefined => {
  const moved = stateLine(event, before)
  const activity = reading.activityOf(event.stream, textOf(objectOf(event.data)["ask"]))
  const isSilent = silent.has(event.type) || isRejection(event) || isRecorded(event) ||
    unspoken.has(activity) ||
    (told.has(event.type) && moved === undefined)
  const undated = isUndated(event)
  if (isSilent && (moved === undefined || undated)) return undefined
  const words = wordsOf(event, reading)
  const detail = words.detail
  const what = undated ? `${words.what} (date unknown, shown as of its import)` : words.what
  const source = sourceOf(event)
  return {
    at: sentAt(event),
    what: moved === undefined
      ? what
      : isSilent
      ? `As a lead: ${moved}`
      : `${what}: as a lead ${moved}`,
    detail,
    event: event.id,
    ...(source === undefined ? {} : { source }),
  }
}

export const history = Effect.fnUntraced(function* (written: string) {
  const log = yield* EventLog
  const person = yield* personNamed(written)
  if (person === undefined) return yield* noSuchPerson(written)
  const reading = yield* readKnown
  const { key } = person
  const streams = new Set<string>([`lead-${key}`, `analyst-${key}`])
  const states = new Map<string, string>()
  const entries: Array<
    HistoryEntry & { readonly position: number; readonly refund: Refund | undefined }
  > = []
  for (let from = 0;;) {
    const page = yield* door(log.readAll({ from, limit: pageEvents }))
    for (const event of page) {
      if (!isAbout(event, key, streams)) continue
      const category = categoryOf(event.stream)
      if (untold.has(category) && event.type !== "ConversationDealtWith") continue
      if (!shared.has(category)) streams.add(event.stream)
      noteAsks(event, reading)
      const entry = entryOf(event, reading, states.get(event.stream))
      states.set(event.stream, stateText(event.metadata.value))
      if (entry !== undefined) {
        entries.push({ ...entry, position: event.position, refund: refundIn(event) })
      }
    }
    const last = page.at(-1)
    if (last === undefined) break
    from = last.position + 1
    yield* Effect.yieldNow
  }
  entries.sort((a, b) => a.at - b.at || a.position - b.position)
  const refunds = entries.flatMap(({ refund }) => refund ?? [])
  const known = person.name ?? person.address
  return {
    person: known ?? "forgotten, or never named: what was said cannot be read any more",
    key,
    address: person.address ?? "",
    entries: entries.filter(({ refund }) => refund === undefined || isTold(refund, refunds))
      .map(({ position: _, refund: _refund, ...entry }) => entry),
  } satisfies History
})

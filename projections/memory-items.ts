/**
 * What can be remembered: one item per fact that was recorded, per piece of work that was done, and per
 * accepted summary. An item names the events it stands for; its text is opened from them when it is needed.
 * This is the pure rule by which an event changes items; `memories.ts` keeps them as rows.
 */
import { isIgnoredLabel, isSentLabel } from "../actors/addresses.ts"
import { keyOf, type RecordedEvent } from "../actors/event-log.ts"
import type { Json, JsonObject } from "../machines/agent.ts"
import { type MemoryPolicy, memoryStream } from "../machines/memory.ts"
import { memoryChanges } from "./memory-outcomes.ts"
import { listOf, numberOf, objectOf, textOf, textsOf } from "./fields.ts"
import { worldTime } from "./timeline.ts"

export type Tier = "hot" | "warm" | "cold"

/** People and their preferences; the state of products and money; campaigns (what was written and published); work and its reasons. */
export type MemoryKind = "person" | "product" | "campaign" | "task"

export interface MemoryItem {
  /** Id of the event that made it. */
  readonly id: string
  readonly tier: Tier
  readonly kind: MemoryKind
  /** `mail`, `message`, `note`, `meeting`, `invoice`, `payment`, `feedItem`, `listing`, `sent`, `published`, `work`, `decision`, `summary`. */
  readonly what: string
  readonly person?: string
  /** What it belongs to: a thread, a topic, a campaign; summaries are made of these. */
  readonly thread?: string
  /** When it happened in the world, epoch ms. */
  readonly at: number
  readonly position: number
  /** Stream of the event that made it. */
  readonly stream: string
  /** Ids of the events it stands for: itself, or those a summary is made of. */
  readonly events: ReadonlyArray<string>
  /** 0 to 1. */
  readonly importance: number
  /** Once it moved: where it began, then each move, in order. As of a past position it may have been elsewhere. */
  readonly moved: ReadonlyArray<{ readonly position: number; readonly tier: Tier }>
  /** The accepted summary that stands for it. */
  readonly summary?: string
  /** In a compressed segment, and out of the index. */
  readonly segment?: string
  /** Spam, not from whom it says, or it speaks to an AI: never more than cold, never part of a summary or a draft. */
  readonly suspect?: boolean
  /** The founder wants it in the hot tier, whatever the policy says. */
  readonly kept?: boolean
  /** Of a summary: position from which it stands for nothing any more. */
  readonly until?: number
}

/** What became of an attempt at a summary. */
export interface SummaryRecord {
  readonly id: string
  readonly of: string
  readonly key: string
  readonly person?: string
  /** `replaced`: a newer one of the same subject stands in its place. */
  readonly state: "accepted" | "refused" | "withdrawn" | "replaced"
  /** Envelope. */
  readonly text: Json
  readonly made: string
  readonly facts: { readonly found: number; readonly kept: number }
  readonly questions: { readonly asked: number; readonly answered: number }
  /** Everybody it is about. */
  readonly persons: ReadonlyArray<string>
  /** Envelopes: lines, and every text that was tried. */
  readonly refused: Json
  readonly attempts: Json
  readonly events: ReadonlyArray<string>
  readonly upTo: number
  readonly tokens: number
  readonly at: number
  readonly position: number
}

export type ItemChange =
  | { readonly change: "put"; readonly item: MemoryItem }
  /** The rules read it: what they found makes it more or less important. */
  | { readonly change: "weigh"; readonly stream: string; readonly more: number }
  /** Read beside what was known it is not from whom it says, or speaks to an AI. */
  | { readonly change: "distrust"; readonly stream: string }
  | { readonly change: "move"; readonly items: ReadonlyArray<string>; readonly tier: Tier }
  /** The founder wants these hot. */
  | { readonly change: "keep"; readonly items: ReadonlyArray<string> }
  /** The policy counts for these again: the next plan looks at them. */
  | { readonly change: "release"; readonly items: ReadonlyArray<string> }
  | { readonly change: "summary"; readonly record: SummaryRecord }
  | { readonly change: "withdraw"; readonly summary: string }
  | {
    readonly change: "archive"
    readonly segment: string
    readonly items: ReadonlyArray<string>
    readonly facts: JsonObject
  }
  | {
    readonly change: "restore"
    readonly segment: string
    readonly items: ReadonlyArray<string>
  }
  | { readonly change: "policy"; readonly policy: MemoryPolicy }

/** What earlier events said that later ones do not repeat. */
export interface Asked {
  readonly activity: string
  readonly person: string
  readonly thread: string
}
export interface Before {
  readonly policy: MemoryPolicy
  /** An ask of the executor that is under way, or an approval by its gatekeeper's stream. */
  readonly asked: (name: string) => Asked | undefined
  /** Something is remembered about this person already. */
  readonly isKnown: (person: string) => boolean
}

const dayMillis = 24 * 60 * 60 * 1000
/** No item weighs more for what is known about it than this. */
const within = (n: number) => Math.round(Math.min(1, Math.max(0, n)) * 1000) / 1000

/** Where an item goes when it is made, or comes back: history that is imported late is history still. */
export const tierAt = (
  item: Pick<MemoryItem, "at" | "importance" | "suspect">,
  policy: MemoryPolicy,
  now: number,
): Tier =>
  item.suspect === true || item.importance < policy.hot.importanceMin ||
    now - item.at > policy.hot.daysMax * dayMillis
    ? "cold"
    : "hot"

/** The tier it had when the log ended there; undefined before it was. */
export const tierAsOf = (item: MemoryItem, position: number): Tier | undefined => {
  if (item.position > position) return undefined
  if (item.until !== undefined && item.until <= position) return undefined
  if (item.moved.length === 0) return item.tier
  return item.moved.findLast((one) => one.position <= position)?.tier
}

/** Greater amounts are remembered better: 100 adds 0.1, 10,000 adds 0.2. */
const byAmount = (money: Json | undefined) =>
  Math.min(0.25, Math.log10(Math.max(1, numberOf(objectOf(money)["minor"]) / 100)) / 20)

interface Facts {
  readonly kind: MemoryKind
  readonly what: string
  readonly importance: number
  readonly thread?: string
  readonly suspect?: boolean
  readonly at?: number
}

const threadOf = (data: JsonObject) => {
  const thread = textOf(data["thread"])
  return thread === "" ? {} : { thread }
}

/** Not from whom it says. */
const distrusted = new Set(["forgedFrom", "lookalikeAddress"])

const mailFacts = (data: JsonObject, known: boolean): Facts => {
  const labels = textsOf(data["labels"])
  const suspicions = textsOf(data["suspicions"])
  const forged = suspicions.some((one) => distrusted.has(one))
  const ignored = labels.some(isIgnoredLabel)
  const kind = textOf(data["kind"])
  const byKind = kind === "list" ? 0.2 : kind === "automatic" ? 0.3 : kind === "bounce" ? 0.15 : 0.5
  const importance = byKind + (kind === "personal" && known ? 0.1 : 0) +
    (labels.some(isSentLabel) ? 0.05 : 0)
  return {
    // Newsletters and notices of machines tell of products and money; people tell of themselves.
    kind: kind === "list" || kind === "automatic" ? "product" : "person",
    what: "mail",
    importance: ignored ? 0.05 : suspicions.length > 0 ? importance * 0.4 : importance,
    ...(forged || ignored ? { suspect: true } : {}),
    ...threadOf(data),
  }
}

const owed = new Set(["open", "uncollectible"])
const troubled = new Set(["failed", "open", "lost"])

const recordFacts: {
  readonly [type: string]: (data: JsonObject, known: boolean) => Facts
} = {
  MailReceived: mailFacts,
  MessageReceived: (data, known) => ({
    kind: "person",
    what: "message",
    importance: known ? 0.6 : 0.5,
    ...threadOf(data),
  }),
  PersonListed: () => ({ kind: "person", what: "listing", importance: 0.3 }),
  InvoiceRecorded: (data) => ({
    kind: "product",
    what: "invoice",
    importance: (owed.has(textOf(data["status"])) ? 0.6 : 0.45) + byAmount(data["total"]),
    thread: `invoice:${textOf(data["invoice"])}`,
  }),
  PaymentRecorded: (data) => ({
    kind: "product",
    what: "payment",
    importance: (data["kind"] !== "charge" || troubled.has(textOf(data["status"])) ? 0.6 : 0.35) +
      byAmount(data["amount"]),
    ...(textOf(data["invoice"]) === "" ? {} : { thread: `invoice:${textOf(data["invoice"])}` }),
  }),
  MeetingRecorded: (data) => ({
    kind: "person",
    what: "meeting",
    importance: data["status"] === "cancelled" ? 0.3 : 0.6,
    thread: `meeting:${textOf(data["meeting"])}`,
    at: numberOf(data["startsAt"]),
  }),
  FeedItemRead: () => ({ kind: "product", what: "feedItem", importance: 0.2 }),
  NoteRecorded: (data) => ({
    kind: "campaign",
    what: "note",
    importance: data["kind"] === "article" ? 0.7 : 0.6,
    thread: `topic:${textOf(data["topic"])}`,
    at: numberOf(data["writtenAt"]),
  }),
}

/** What leaves the house, or moves money: worth remembering with its reason. */
export const carriedOut: { readonly [activity: string]: Facts } = {
  sendMail: { kind: "campaign", what: "sent", importance: 0.6 },
  publishArticle: { kind: "campaign", what: "published", importance: 0.7 },
  refundPayment: { kind: "task", what: "work", importance: 0.7 },
  draftInvoice: { kind: "task", what: "work", importance: 0.7 },
}

/** Words of the founder about what was asked of them. */
const decisions = new Set([
  "ApprovalGranted",
  "ApprovalRejected",
  "ApprovalPostponed",
  "ApprovalWithdrawn",
  "ApprovalRegretted",
])
/** Words of the founder about a matter, to the agent that has it. */
const matters = new Set(["ConversationDealtWith", "ReviewPassed", "ReviewFailed"])

const put = (
  event: RecordedEvent,
  facts: Facts,
  person: string,
  { policy }: Before,
): ReadonlyArray<ItemChange> => {
  const { importance, kind, suspect, thread, what } = facts
  const at = facts.at !== undefined && facts.at > 0 ? facts.at : worldTime(event)
  const item = {
    id: event.id,
    kind,
    what,
    ...(person === "" ? {} : { person }),
    ...(thread === undefined ? {} : { thread }),
    at,
    position: event.position,
    stream: event.stream,
    events: [event.id],
    importance: within(importance),
    moved: [],
    ...(suspect === undefined ? {} : { suspect }),
  }
  return [{
    change: "put",
    item: { ...item, tier: tierAt(item, policy, event.metadata.at) },
  }]
}

/** Intents that say somebody wants something, or that something is at stake. */
const telling = new Set([
  "asksPrice",
  "namesBudget",
  "accepts",
  "declines",
  "complains",
  "chargedTwice",
])

const weighed = (data: JsonObject): ReadonlyArray<ItemChange> => {
  const findings = objectOf(data["findings"])
  const intents = textsOf(findings["intents"])
  const stream = textOf(data["record"])
  if (
    findings["instructsReader"] === true ||
    textsOf(findings["suspicions"]).some((one) => distrusted.has(one))
  ) return [{ change: "distrust", stream }]
  const more = (findings["asks"] === true ? 0.05 : 0) +
    (intents.some((one) => telling.has(one)) ? 0.15 : 0) +
    (listOf(findings["commitments"]).length > 0 ? 0.1 : 0) +
    (listOf(findings["amounts"]).length > 0 ? 0.05 : 0)
  return more === 0 || stream === "" ? [] : [{ change: "weigh", stream, more }]
}

/** What an event changes in memory; most change nothing. */
export const itemChanges = (event: RecordedEvent, before: Before): ReadonlyArray<ItemChange> => {
  const { stream, type } = event
  const data = objectOf(event.data)
  const person = textOf(data["person"])
  if (stream.startsWith("record-")) {
    const facts = recordFacts[type]
    return facts === undefined
      ? []
      : put(event, facts(data, before.isKnown(person)), person, before)
  }
  if (stream === memoryStream) return memoryChanges(event, data)
  if (type === "MailRead") return stream.startsWith("analyst-") ? weighed(data) : []
  if (stream.startsWith("executor-") && type === "ActivitySucceeded") {
    const asked = before.asked(`${stream}/${textOf(data["ask"])}`)
    const facts = asked === undefined ? undefined : carriedOut[asked.activity]
    if (asked === undefined || facts === undefined) return []
    return put(event, { ...facts, thread: asked.thread }, asked.person, before)
  }
  if (stream.startsWith("gatekeeper-") && decisions.has(type) && data["by"] === "operator") {
    const asked = before.asked(stream)
    const thread = asked === undefined ? {} : { thread: asked.thread }
    const facts: Facts = { kind: "task", what: "decision", importance: 0.7, ...thread }
    return put(event, facts, person || (asked?.person ?? ""), before)
  }
  if (matters.has(type) && data["by"] === "operator") {
    const about = stream.startsWith("analyst-") ? keyOf(stream) : ""
    return put(event, { kind: "task", what: "decision", importance: 0.6 }, about, before)
  }
  if (type === "PaymentReceived" && data["by"] === "operator" && stream.startsWith("invoice-")) {
    const thread = `invoice:${keyOf(stream)}`
    const importance = 0.5 + byAmount(data["amount"])
    return put(event, { kind: "product", what: "payment", importance, thread }, person, before)
  }
  return []
}

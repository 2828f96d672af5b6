/**
 * AIOS as its front doors see it: one operation per command. It runs in the process that owns the log
 * or, over a Unix socket, in another one; the door cannot tell which.
 */
import { Context, type Effect, Schema, type Stream } from "effect"
import type { RecordedEvent } from "../actors/event-log.ts"
import type { ParsedRecord } from "../actors/intake.ts"
import type { Settings } from "../actors/settings.ts"
import type { Json, StateValue } from "../machines/agent.ts"
import type { Remaining } from "../actors/actor-system.ts"
import type { Cite, Forecast } from "./aios-made.ts"
import type { LogUser, LogUserChange } from "./log-door.ts"
import type {
  Archived,
  Costs,
  MemoryState,
  ModelUse,
  PolicyEffect,
  Recalled,
  RecallOptions,
  Segment,
  ServiceRow,
  SummaryRow,
  TranscriptRow,
} from "./aios-memory.ts"

/** An operation failed; `kind` decides the exit code, `message` says what to do next. */
export class OperationFailed extends Schema.TaggedError<OperationFailed>()("OperationFailed", {
  /** failed 1 · usage 2 · later 75 · configuration 78 */
  kind: Schema.Literals(["failed", "usage", "later", "configuration"]),
  /** The typed error's tag, for scripts. */
  error: Schema.String,
  message: Schema.String,
  detail: Schema.optionalKey(Schema.Json),
}) {}

export type { Settings }

export interface Money {
  /** In the smallest unit of the currency. */
  readonly minor: number
  readonly currency: string
}

export interface Approval {
  readonly id: string
  /** Stream of the actor that asked. */
  readonly agent: string
  readonly activity: string
  readonly risk: string
  readonly reasons: ReadonlyArray<string>
  /** The exact content, opened. */
  readonly content: Json
  /** SHA-256 over the canonical JSON of `content`, 64 hex digits. */
  readonly hash: string
  /** Event ids that led here, oldest first. */
  readonly events: ReadonlyArray<string>
  readonly requestedAt: number
  /** How risky the policy finds it, and the rule that says so. */
  readonly grade: "low" | "normal" | "high"
  readonly rule: string
  /** Approvals of one group are alike, of low risk, and may be approved together. */
  readonly group?: string
  /** When it should be done, where somebody named a time. */
  readonly dueAt?: number
  /** It was postponed until then, and waits again since. */
  readonly postponedUntil?: number
  /** Nobody knows whether it happened already, such as after a restore: only `settle` is of use. */
  readonly unclear?: boolean
  /** How a draft was written, what it rests on, and why a model's was not taken. */
  readonly made?: string
  readonly evidence?: ReadonlyArray<Cite>
  readonly refusedModel?: ReadonlyArray<string>
}

/** Something of which nobody knows whether it happened. */
export interface Unclear {
  readonly ask: string
  /** Of the approval that it waits for, where it needs one. */
  readonly approval?: string
  /** Such as `mail to Ada Weiss <ada@lumen.example>: “Re: Sponsorship”`. */
  readonly what: string
}

export interface BriefLead {
  /** As a person reads it: name or address. */
  readonly person: string
  readonly key: string
  readonly state: string
  readonly score: number
  readonly reasons: ReadonlyArray<string>
  readonly events: ReadonlyArray<string>
  readonly reading?: Forecast
}

/** One thing that wants the founder, with all that is needed to decide. */
export interface BriefItem {
  /** What happened: who, when, how much. */
  readonly what: string
  /** The same where there is only a line for it: who, what, how much and until when, without quotes. */
  readonly short: string
  /** What is prepared already, such as `draft ready`; empty where nothing is. */
  readonly prepared: string
  /** The one command that deals with it. */
  readonly action: string
  /** What else is prepared for it, each with the command that decides about it. */
  readonly more: ReadonlyArray<{ readonly prepared: string; readonly action: string }>
  /** The evidence, a phrase each, with a few words quoted. What was inferred says from what. */
  readonly why: ReadonlyArray<string>
  /** When it is due, epoch ms. */
  readonly dueAt?: number
  /** Since when it waits, epoch ms; items of an earlier brief show their age. */
  readonly since: number
  readonly kind: "approval" | "reply" | "lead" | "invoice" | "content" | "meeting" | "held"
  /** Name of the person, where it is about one, and their key. */
  readonly person?: string
  readonly key?: string
  /** Approvals it is about, most important first. */
  readonly approvals: ReadonlyArray<string>
  readonly events: ReadonlyArray<string>
  /** Greater comes first: what it costs not to act, see `projections/brief-ranking.ts`. */
  readonly rank: number
}

export interface BriefInvoice {
  /** Key of its actor. */
  readonly key: string
  readonly number: string
  readonly person: string
  readonly state: string
  readonly total: Money
  readonly open: Money
  readonly dueAt: number
  /** Days past due; negative before, 0 where nothing is owed. */
  readonly daysLate: number
  readonly events: ReadonlyArray<string>
}

/** A conversation in which the founder owes an answer. */
export interface BriefReply {
  readonly person: string
  readonly key: string
  readonly subject: string
  readonly about: string
  /** When the oldest unanswered mail was sent. */
  readonly since: number
  readonly mails: number
  readonly pressing: number
  readonly dueAt?: number
  readonly quotes: ReadonlyArray<string>
  readonly events: ReadonlyArray<string>
  readonly reading?: Forecast
}

export interface BriefContent {
  readonly topic: string
  readonly title: string
  readonly state: string
  readonly dueAt?: number
  readonly notes: number
  /** Notes that the draft covers, and titles of those it does not. */
  readonly covered: number
  readonly uncovered: ReadonlyArray<string>
  readonly events: ReadonlyArray<string>
}

/** A decision of the last day, with what became of it. */
export interface BriefDecided {
  readonly id: string
  readonly decision: string
  readonly what: string
  readonly outcome: string
  readonly at: number
  readonly events: ReadonlyArray<string>
}

/** A group of what was done without the founder, such as `2 duplicates merged`; `each` tells the newest. */
export interface BriefDone {
  readonly what: string
  readonly count: number
  readonly each: ReadonlyArray<string>
  readonly events: ReadonlyArray<string>
}

export interface Brief {
  /** Local date, `2026-11-23`, and the zone that times are told in. */
  readonly date: string
  readonly timeZone: string
  /** In order: `now` is due today or waits for a decision, `week` is due within 7 days. */
  readonly now: ReadonlyArray<BriefItem>
  readonly week: ReadonlyArray<BriefItem>
  readonly leads: ReadonlyArray<BriefLead>
  readonly approvals: ReadonlyArray<Approval>
  readonly invoices: ReadonlyArray<BriefInvoice>
  readonly money: {
    readonly overdue: ReadonlyArray<Money>
    readonly overdueCount: number
    /** The oldest of them. */
    readonly oldest?: { readonly person: string; readonly days: number }
    /** Due within 7 days. */
    readonly expected: ReadonlyArray<Money>
    /** Accepted; the invoice waits for a decision. */
    readonly accepted: ReadonlyArray<Money>
    /** Received since the last brief. */
    readonly received: ReadonlyArray<Money>
  }
  readonly replies: ReadonlyArray<BriefReply>
  readonly content: ReadonlyArray<BriefContent>
  /** Meetings of the day, in order. */
  readonly meetings: ReadonlyArray<
    {
      readonly title: string
      readonly startsAt: number
      readonly endsAt: number
      readonly allDay: boolean
      readonly with: string
      readonly events: ReadonlyArray<string>
    }
  >
  /** What happened since the last brief. */
  readonly news: {
    readonly mails: number
    /** Of networks such as LinkedIn. */
    readonly messages: number
    /** Rows of lists of people that were taken in. */
    readonly people: number
    readonly leads: number
    readonly payments: number
    readonly since: number
    /** Records taken in on this day, whenever they happened, and when the oldest mail or payment of them did. */
    readonly takenIn: { readonly records: number; readonly oldest?: number }
    /** Anything was ever taken in. */
    readonly known: boolean
  }
  readonly decided: ReadonlyArray<BriefDecided>
  /** Done without the founder. */
  readonly done: ReadonlyArray<BriefDone>
  /** Held back, with the command that shows why. */
  readonly held: ReadonlyArray<
    { readonly what: string; readonly action: string; readonly events: ReadonlyArray<string> }
  >
  /** What is not known today. */
  readonly unknown: ReadonlyArray<string>
  /** At most five things to mend, most important first, each with its command. */
  readonly checklist: ReadonlyArray<{ readonly what: string; readonly fix: string }>
}

export interface Decision {
  readonly id: string
  readonly decision: "approved" | "rejected" | "postponed"
  /** True where it had been decided the same before: nothing changed now. */
  readonly already: boolean
  /** What became of it, as far as it is known now: `sent to …`, or what it waits for. */
  readonly outcome: string
}

export interface Edited {
  /** The approval that was edited, and the one that takes its place. */
  readonly id: string
  readonly approval: Approval
  /** Line by line, `- ` and `+ `. */
  readonly difference: string
}

export interface Undone {
  readonly id: string
  /** What was taken back: the word only, or what had been done. */
  readonly undone: "decision" | "effect"
  readonly outcome: string
}

/** What the founder says of a conversation: it was dealt with otherwise, by telephone, in person. */
export interface Done {
  readonly person: string
  readonly key: string
  /** The conversation's state now, as its chart calls it. */
  readonly state: string
  /** False where nothing changed: it was dealt with before, or is closed. */
  readonly changed: boolean
  readonly outcome: string
}

/** A draft as it stands, and what follows from the founder's word on it. */
export interface Review {
  /** Key of its actor. */
  readonly article: string
  readonly topic: string
  readonly title: string
  /** As the chart calls it: `inReview`, `scheduled`, `writing`. */
  readonly state: string
  /** Empty where there is no draft. */
  readonly text: string
  /** Who wrote it: `founder`, or what made it of the notes. */
  readonly made: string
  readonly notes: number
  /** The day it is to be published. */
  readonly dueAt?: number
  /** What was decided, or what can be. */
  readonly outcome: string
}

/** One step in a chain of causes. */
export interface Cause {
  readonly event: string
  readonly type: string
  readonly stream: string
  readonly at: number
  /** In words, with names opened. */
  readonly what: string
  /** The imported line: file and place. */
  readonly source?: { readonly file: string; readonly at: string }
  /** Models that were asked on the way. */
  readonly models?: ReadonlyArray<ModelUse>
}

export interface Why {
  /** What was asked about, in words. */
  readonly of: string
  /** Newest first; the last one is where it began. */
  readonly causes: ReadonlyArray<Cause>
}

export interface WhyNot {
  readonly agent: string
  readonly key: string
  readonly state: StateValue
  /** What keeps it from going on: guards, rules, gates, floors, each with its evidence. */
  readonly obstacles: ReadonlyArray<
    { readonly by: string; readonly what: string; readonly events: ReadonlyArray<string> }
  >
  /** What would move it on. */
  readonly accepts: ReadonlyArray<string>
}

export interface HistoryEntry {
  readonly at: number
  readonly what: string
  readonly detail: string
  readonly event: string
  readonly source?: { readonly file: string; readonly at: string }
}
export interface History {
  readonly person: string
  readonly key: string
  readonly address: string
  readonly entries: ReadonlyArray<HistoryEntry>
}

export interface PersonRow {
  readonly key: string
  readonly name: string
  readonly address: string
  readonly company: string
  readonly mails: number
  readonly lastAt?: number
  readonly lists: ReadonlyArray<string>
  readonly reading?: Forecast
}

export interface ReportRow {
  readonly slot: string
  readonly date: string
  readonly title: string
  readonly text: string
  readonly figures: { readonly [name: string]: number }
  readonly event: string
}

/** A consistent copy of all that must not be lost, made beside it in the data directory. */
export interface BackupCopy {
  readonly folder: string
  readonly files: ReadonlyArray<
    { readonly path: string; readonly bytes: number; readonly sha256: string }
  >
  /** The log's last position in it. */
  readonly head: number
  readonly at: number
}

export interface AgentRow {
  readonly agent: string
  readonly key: string
  readonly state: StateValue
  readonly status: string
  readonly revision: number
  readonly accepts: ReadonlyArray<string>
}

export interface Replay {
  readonly actors: number
  readonly events: number
  readonly divergences: ReadonlyArray<{
    readonly stream: string
    readonly revision: number
    readonly expected: string
    readonly actual: string
  }>
  readonly millis: number
}

export interface Rebuilt {
  readonly name: string
  readonly version: number
  readonly events: number
  readonly before: string
  readonly after: string
  readonly equal: boolean
  readonly millis: number
}

export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
  /** One command or sentence that mends it; empty where ok. */
  readonly fix: string
}

/** Progress of long work: `done` of `total` (0 where unknown). */
export type Progress = (
  step: { readonly what: string; readonly done: number; readonly total: number },
) => void

type Op<A> = Effect.Effect<A, OperationFailed>

export class Aios extends Context.Service<Aios, {
  readonly settings: Op<Settings>
  configure(patch: { readonly [name: string]: Json }): Op<Settings>
  /** Records what a file gave; `duplicates` were there before. */
  intake(
    batch: ReadonlyArray<ParsedRecord>,
  ): Op<{
    readonly imported: number
    readonly duplicates: number
    /** Records that could not be taken in, by place in their file. */
    readonly faults: ReadonlyArray<{ readonly at: string; readonly reason: string }>
  }>
  /**
   * Routes what was taken in, fires due timers and works until nothing interactive is runnable. With 0
   * it does nothing but say what remains.
   */
  settle(millisMax: number): Op<Remaining>
  /** Without a date: does what is due (timers, today's slot) first. With one: only reads. */
  brief(date?: string): Op<Brief>
  readonly approvals: Op<ReadonlyArray<Approval>>
  approve(id: string): Op<Decision>
  reject(id: string, reason: string): Op<Decision>
  /** Approves all that wait in a group of alike, low-risk ones. */
  approveGroup(group: string, ids?: ReadonlyArray<string>): Op<ReadonlyArray<Decision>>
  /** What approving would do, without doing it. */
  preview(id: string): Op<{ readonly id: string; readonly effect: string }>
  /** Other content in place of what waits: a new approval, which waits in turn. */
  edit(id: string, patch: { readonly subject?: string; readonly text: string }): Op<Edited>
  later(id: string, until: number): Op<Decision>
  undo(id: string): Op<Undone>
  /** The founder says that an invoice was paid, by number or key; default: all that is open, now. */
  paid(
    invoice: string,
    /** `force`: also more than is open. */
    payment: { readonly amount?: Money; readonly at?: number; readonly force?: boolean },
  ): Op<{ readonly invoice: string; readonly state: string; readonly outcome: string }>
  /** The founder dealt with a conversation otherwise; the next mail takes it up again. */
  done(person: string): Op<Done>
  /** A draft by topic or key. With a verdict the word on it: passed, or sent back with the reason. */
  review(
    article: string,
    verdict?: { readonly passed: boolean; readonly reason?: string },
  ): Op<Review>
  /** The chain of causes of an event, an activity (ask) or an approval, by id or its beginning. */
  why(id: string): Op<Why>
  /** Why an actor, `AGENT/KEY`, does not go on; a person's name or address stands for their lead. */
  whyNot(agent: string): Op<WhyNot>
  /** By name, address or key. */
  history(person: string): Op<History>
  people(filter?: string): Op<ReadonlyArray<PersonRow>>
  reports(slot?: string): Op<ReadonlyArray<ReportRow>>
  /** An actor as it is now, from the log; context with envelopes opened. */
  view(stream: string): Op<{
    readonly stream: string
    readonly revision: number
    readonly status: string
    readonly state: StateValue
    readonly context: Json
    readonly accepts: ReadonlyArray<string>
    readonly clock: number
    readonly problem?: string
  }>
  /** An event for an actor, from outside; refused as `NotAccepted` with the state and what it would take. */
  propose(
    stream: string,
    event: { readonly [name: string]: Json },
    options: { readonly id?: string; readonly revision?: number; readonly occurredAt?: number },
  ): Op<{ readonly event: RecordedEvent; readonly duplicate: boolean }>
  /** The rows of a read model, after a key, envelopes opened. */
  rows(
    projection: string,
    options: { readonly prefix?: string; readonly after?: string; readonly limit?: number },
  ): Op<ReadonlyArray<readonly [key: string, row: Json]>>
  readonly projections: Op<
    ReadonlyArray<
      {
        readonly name: string
        readonly version: number
        readonly position: number
        readonly head: number
        readonly events: number
        readonly problem?: string
      }
    >
  >
  /** Copies the log, keys, secret, blobs, outbox and settings consistently while running. */
  backup(progress: Progress): Op<BackupCopy>
  /** Removes the copy. */
  backupDone(folder: string): Op<null>
  /** Records for an export in open formats, opened, a page at a time in order of position. */
  exported(options: { readonly after: number; readonly limit: number }): Op<{
    readonly items: ReadonlyArray<{ readonly event: RecordedEvent; readonly opened: Json }>
    readonly last: number
    readonly done: boolean
  }>
  /** Plain content of a blob that an event names, in base64; null where there is none, or it was forgotten. */
  blob(ref: { readonly sha256: string; readonly subject: string }): Op<string | null>
  agents(filter?: string): Op<ReadonlyArray<AgentRow>>
  events(
    options: { readonly stream?: string; readonly after?: number; readonly limit?: number },
  ): Op<ReadonlyArray<RecordedEvent>>
  follow(
    options: { readonly stream?: string; readonly after?: number },
  ): Stream.Stream<RecordedEvent, OperationFailed>
  replay(filter: string | undefined, progress: Progress): Op<Replay>
  rebuild(
    projection: string | undefined,
    progress: Progress,
  ): Op<{ readonly projections: ReadonlyArray<Rebuilt> }>
  recall(question: string, options: RecallOptions): Op<Recalled>
  costs(options: { readonly since?: number; readonly agent?: string }): Op<Costs>
  readonly memory: Op<MemoryState>
  summaries(state?: SummaryRow["state"]): Op<ReadonlyArray<SummaryRow>>
  withdrawSummary(id: string, reason: string): Op<SummaryRow>
  /** The night's work now, to its end: gather, summarise, test, evict. */
  summarise(progress: Progress): Op<MemoryState>
  /** A changed policy: what it would do, or with `apply` does. */
  memoryPolicy(patch: { readonly [name: string]: Json }, apply: boolean): Op<PolicyEffect>
  /** Cold items older than `days` (default: the policy's) into compressed segments. */
  archive(
    options: { readonly days?: number; readonly dryRun?: boolean },
    progress: Progress,
  ): Op<Archived>
  readonly segments: Op<ReadonlyArray<Segment>>
  restoreSegment(segment: string, progress: Progress): Op<Segment>
  readonly services: Op<ReadonlyArray<ServiceRow>>
  /** The founder's word on models, routes, budgets and prices; without a patch only the present one. */
  modelPolicy(patch: { readonly [name: string]: Json } | null): Op<Json>
  /** What models were asked by the run whose outcome the event is, word for word. */
  transcripts(event: string): Op<ReadonlyArray<TranscriptRow>>
  readonly doctor: Op<{ readonly ok: boolean; readonly checks: ReadonlyArray<Check> }>
  /** Of what nobody knows whether it happened, oldest first. */
  readonly unclear: Op<ReadonlyArray<Unclear>>
  /** The operator's word on an activity whose outcome is unknown, named by its ask, its approval or a beginning of that. */
  resolve(which: string, happened: boolean): Op<Unclear & { readonly happened: boolean }>
  /**
   * Opens the door for clients of the log for as long as this is read, and gives the path of its Unix
   * socket once it is open. What listens for them is the caller's.
   */
  serveLog(secure: boolean): Stream.Stream<string, OperationFailed>
  logUsers(change?: LogUserChange): Op<ReadonlyArray<LogUser>>
}>()("projections/Aios") {}

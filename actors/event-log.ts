/**
 * Port: the append-only log that everything else is a fold of. A fact and what it asks for are one
 * append. A stream is `<agent>-<key>`; its category is the text before the first `-`.
 */
import { Context, type Effect, Schema, type Stream } from "effect"
import type { Json, JsonObject, StateValue } from "../machines/agent.ts"

/**
 * Something a transition asked for, stored with the event that asked. `id`s are not stored: an ask is
 * named `<stream>/<revision>.<place in asks>` (see `askId`), and `of` names an earlier ask of the
 * same stream as `<revision>.<place>`, so open asks can be told from the log without folding.
 */
export type Ask =
  /** Run activity `src`; its outcome returns as an `Activity…` event of this stream. */
  | {
    readonly ask: "activity"
    readonly child: string
    readonly src: string
    readonly input?: Json
  }
  /** Start a child machine in stream `to`. */
  | {
    readonly ask: "spawn"
    readonly child: string
    readonly src: string
    readonly to: string
    readonly input?: Json
  }
  /** Stop the activity or child machine that ask `of` started; `to` is the child machine's stream. */
  | { readonly ask: "stop"; readonly child: string; readonly of: string; readonly to?: string }
  /** Wake at `due` (epoch ms) with `event`; with `to` the event goes to that stream instead. */
  | {
    readonly ask: "timer"
    readonly name: string
    readonly due: number
    readonly event: Json
    readonly to?: string
  }
  | { readonly ask: "cancel"; readonly name: string; readonly of: string }
  /** Give `event` to the actor whose stream is `to`. */
  | { readonly ask: "tell"; readonly to: string; readonly event: Json }

/** Which chart folded the event. */
export interface ChartRef {
  readonly name: string
  readonly version: number
  /** 16 hex digits over the chart's configuration and implementations. */
  readonly hash: string
}

/**
 * What an event that was not written by AIOS has beyond our record, so that it is given back byte for
 * byte: see `foreign-events.ts`. An empty one says only that it is none of ours.
 */
export interface Foreign {
  /** Its content is said to be JSON. */
  readonly json?: boolean
  /** Base64 of the content, where it is no JSON or is not written as we would write it. */
  readonly data?: string
  /** Base64 of its metadata, where it has any. */
  readonly metadata?: string
  /** Its own id, where another event of its stream has that already. */
  readonly id?: string
}

export interface Metadata {
  /** Epoch ms when it was recorded. */
  readonly at: number
  /** Epoch ms when it happened in the world, where that differs from `at`. */
  readonly occurredAt?: number
  /** UUID of the story this belongs to. */
  readonly $correlationId: string
  /** UUID of the event that caused this one. */
  readonly $causationId?: string
  readonly chart?: ChartRef
  readonly asks?: ReadonlyArray<Ask>
  /** Hash of the actor's state after the event, 16 hex digits. */
  readonly state?: string
  /** The chart's state value after the event, so a reader need not fold to know it. */
  readonly value?: StateValue
  /** Set once the actor has ended: `done`, `error` or `stopped`. */
  readonly status?: "done" | "error" | "stopped"
  /** Who proposed it: `operator`, `importer`, `timer`, `activity`, `cadence` or a stream. */
  readonly actor?: string
  /** Of an event that another actor told: which of that actor's asks it was, `<revision>.<place>`. */
  readonly ask?: string
  /** W3C trace context; when absent, see `traceparentOf`. */
  readonly traceparent?: string
  readonly foreign?: Foreign
}

export interface NewEvent {
  /** UUID, the idempotency key within its stream. */
  readonly id: string
  readonly type: string
  /** The event's fields without `type`. */
  readonly data: Json
  readonly metadata: Metadata
}

export interface RecordedEvent extends NewEvent {
  readonly stream: string
  /** 0-based place in its stream. */
  readonly revision: number
  /** Place in the whole log: grows, may have gaps. */
  readonly position: number
}

/** One atomic append: all of `events` or none. */
export interface Append {
  readonly stream: string
  /** The stream's last revision as the caller knows it; -1 where it has no events. */
  readonly expected: number
  readonly events: ReadonlyArray<NewEvent>
}

export interface Appended {
  /** Of the last event of the append. */
  readonly revision: number
  /** Of each event of the append, in order. */
  readonly positions: ReadonlyArray<number>
  /** True where all these ids were in the stream already: nothing was written, these are the first's. */
  readonly duplicate: boolean
}

/** Another writer was first. Reload and decide again. */
export class VersionConflict extends Schema.TaggedError<VersionConflict>()("VersionConflict", {
  stream: Schema.String,
  expected: Schema.Int,
  actual: Schema.Int,
}) {}

/** An event, with its metadata as JSON, is larger than `bytesMaxOf` allows. Put the content in a blob. */
export class EventTooLarge extends Schema.TaggedError<EventTooLarge>()("EventTooLarge", {
  stream: Schema.String,
  bytes: Schema.Int,
}) {}

/** The log did not take or give what was asked; `message` says what to do next. */
export class LogUnavailable extends Schema.TaggedError<LogUnavailable>()("LogUnavailable", {
  /** full: no space; corrupt, foreign: not (any more) a log of ours; owned: another process has it. */
  reason: Schema.Literals([
    "full",
    "corrupt",
    "foreign",
    "owned",
    "closed",
    "configuration",
    "failed",
  ]),
  message: Schema.String,
  /** Whether the same call may succeed later without anyone changing the installation. */
  retryable: Schema.Boolean,
  cause: Schema.optionalKey(Schema.Defect()),
}) {}

/** The most one event may take with its metadata as JSON, on every adapter. */
export const eventBytesMax = 900 * 1024
/**
 * The most for an event of others: 1 MiB of content as the protocol allows, in base64, and once more as
 * the JSON that it is.
 */
export const foreignBytesMax = 8 * 1024 * 1024
export const bytesMaxOf = (event: NewEvent): number =>
  event.metadata.foreign === undefined ? eventBytesMax : foreignBytesMax

export interface ReadOptions {
  /** First revision (of a stream) or first position (of all) to give; default the first there is. */
  readonly from?: number
  /** How many at the most. */
  readonly limit?: number
  readonly backwards?: boolean
  /**
   * A page ends before its content is more than roughly this; one event is always given. So a short
   * page is not the last, and only an empty one is the end.
   */
  readonly bytesMax?: number
}

export class EventLog extends Context.Service<EventLog, {
  /**
   * Appends a batch in one durable commit. Each append stands or falls on its own: one that is
   * refused does not hold up the rest. Appends see those before them in the batch. The result has one
   * entry per append, in order, and is given only after everything is on disk.
   */
  appendBatch(
    batch: ReadonlyArray<Append>,
  ): Effect.Effect<ReadonlyArray<Appended | VersionConflict | EventTooLarge>, LogUnavailable>

  /** One append. Calls made at the same time share a commit. */
  append(
    stream: string,
    expected: number,
    events: ReadonlyArray<NewEvent>,
  ): Effect.Effect<Appended, VersionConflict | EventTooLarge | LogUnavailable>

  /** The events of one stream; ends at the last. An unknown stream is empty. */
  read(stream: string, options?: ReadOptions): Stream.Stream<RecordedEvent, LogUnavailable>

  /** A page of one stream as an array: the short way to fold an actor. Default limit 1,000. */
  readPage(
    stream: string,
    options?: ReadOptions,
  ): Effect.Effect<ReadonlyArray<RecordedEvent>, LogUnavailable>

  /** A page of the whole log in order of position. Default limit 1,000. */
  readAll(options?: ReadOptions): Effect.Effect<ReadonlyArray<RecordedEvent>, LogUnavailable>

  /**
   * Everything after `position` (from the start: -1), then what comes, for ever, as pages of at least
   * one event. Never misses, doubles or reorders. A slow reader holds up nobody.
   */
  follow(position: number): Stream.Stream<ReadonlyArray<RecordedEvent>, LogUnavailable>

  /** The events with this id: none, or one per stream that has it. */
  byId(id: string): Effect.Effect<ReadonlyArray<RecordedEvent>, LogUnavailable>

  /** Position of the last event, -1 in an empty log. */
  readonly head: Effect.Effect<number, LogUnavailable>

  /** Stream names of a category, in order of first event; `after` is the last name of the page before. */
  streams(
    category: string,
    after?: string,
    limit?: number,
  ): Effect.Effect<ReadonlyArray<string>, LogUnavailable>
}>()("actors/EventLog") {}

/**
 * Whether AIOS wrote it. What others wrote is kept and given back, but nothing is believed or done for
 * it, whatever its type and stream say.
 */
export const isOurs = (event: NewEvent): boolean => event.metadata.foreign === undefined

/** The global name of the `place`th ask of an event. */
export const askId = (stream: string, revision: number, place: number): string =>
  `${stream}/${revision}.${place}`

export const categoryOf = (stream: string): string => {
  const dash = stream.indexOf("-")
  return dash < 0 ? stream : stream.slice(0, dash)
}
export const keyOf = (stream: string): string => {
  const dash = stream.indexOf("-")
  return dash < 0 ? "" : stream.slice(dash + 1)
}

/** Categories in which AIOS keeps what is about its own running: leases of work, content in parts. */
const bookkeeping: ReadonlySet<string> = new Set(["claim", "blob"])

/** No fact of the company: read models and memory never see it, unless they ask for it. */
export const isBookkeeping = (stream: string): boolean => bookkeeping.has(categoryOf(stream))

/** The event as its Schema has it: `data` with its `type`. */
export const eventOf = ({ type, data }: Pick<NewEvent, "type" | "data">): JsonObject => ({
  type,
  ...(data as JsonObject),
})

/** The event's own trace context: its story is the trace, its id's tail the span. */
export const traceparentOf = (event: NewEvent): string =>
  event.metadata.traceparent ??
    `00-${event.metadata.$correlationId.replaceAll("-", "")}-${
      event.id.replaceAll("-", "").slice(16)
    }-01`

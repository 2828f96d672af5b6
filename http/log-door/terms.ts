/** What the parts of the door call things: the log below it, appends and their outcomes, events as they are read. */
import type { EventLog, RecordedEvent } from "../../actors/event-log.ts"
import type { WireEvent } from "../../actors/foreign-events.ts"

export type Log = EventLog["Service"]

/** The last revision of a stream as the caller knows it, or what is enough for them. */
export type Expected = number | "any" | "noStream" | "streamExists"

/** What became of an append; `revision` and `position` are those of its last event. */
export type AppendOutcome =
  | {
    readonly _tag: "Appended"
    /** -1 where nothing was appended to a stream without events. */
    readonly revision: number
    /** -1 where nothing was appended. */
    readonly position: number
  }
  /** `current` is -1 where there is no stream. */
  | { readonly _tag: "WrongExpectedVersion"; readonly current: number }
  /** The stream has a tombstone. */
  | { readonly _tag: "StreamDeleted" }
  /** Some of the events are there already and some are not. */
  | { readonly _tag: "InvalidTransaction" }

/** An event as it is given to readers: with the link that led to it, where one did. */
export interface Resolved {
  /** Absent where a link leads nowhere. */
  readonly event: RecordedEvent | undefined
  readonly link: RecordedEvent | undefined
}

/** What of a stream, or of the whole log, is read at once. */
export interface StreamRange {
  /** First revision to give; default the first, or backwards the last, that there is. */
  readonly from?: number
  readonly limit: number
  readonly backwards?: boolean
  /** Ends the page before its content is more, roughly; one event is always given. */
  readonly bytesMax?: number
}

/** For tests and services that write events of their own: JSON content, JSON metadata. */
export const jsonEvent = (
  id: string,
  type: string,
  data: unknown,
  metadata?: unknown,
): WireEvent => ({
  id,
  type,
  json: true,
  data: new TextEncoder().encode(JSON.stringify(data)),
  metadata: metadata === undefined
    ? new Uint8Array()
    : new TextEncoder().encode(JSON.stringify(metadata)),
})

/**
 * The log as the event store's protocol sees it: appends with any expected revision, streams that can be
 * truncated, deleted and closed for ever, links, and what comes next. Every service of the door stands on
 * this. Deletion is a fact like any other, so nothing is ever taken from the log.
 */
import type { EventLog, RecordedEvent } from "../../actors/event-log.ts"
import type { WireEvent } from "../../actors/foreign-events.ts"
import { type Access, open } from "./access.ts"
import { type Appends, appends } from "./appends.ts"
import { type Budget, budget } from "./budget.ts"
import { type Reads, reads } from "./reads.ts"
import { type States, states } from "./states.ts"
import { type Tail, tail } from "./tail.ts"

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

export interface Door extends Appends, Reads {
  readonly log: Log
  readonly access: Access
  readonly states: States
  readonly tail: Tail
  /** What is held for callers. */
  readonly held: Budget
  /** Ends followers; the log is the caller's. */
  close(): Promise<void>
}

export interface DoorOptions {
  readonly log: Log
  /** Made over what streams say of themselves (their `$acl`). Default: everybody may everything. */
  readonly access?: (states: States) => Access
  /** Epoch milliseconds. Default: the machine's clock. */
  readonly now?: () => number
  /** What callers together may hold in memory. Default 224 MiB. */
  readonly heldBytesMax?: number
}

export const makeDoor = (options: DoorOptions): Door => {
  const { log, now = Date.now } = options
  const known = states(log)
  const following = tail(log, known)
  return {
    log,
    access: (options.access ?? (() => open))(known),
    states: known,
    tail: following,
    held: budget(options.heldBytesMax),
    ...appends(log, known, now),
    ...reads(log, known, now),
    close: following.close,
  }
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

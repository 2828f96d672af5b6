/** One reading under way, of a page or of a subscription: how its events are had and given. */
import type { Buffer } from "node:buffer"
import type { RecordedEvent } from "../../actors/event-log.ts"
import { pageBytesMax, withPage } from "./budget.ts"
import type { Caller, Send, Serving } from "./calls.ts"
import { linkType } from "./derived.ts"
import { type IdForm, readAnswers } from "./encoding.ts"
import type { StreamRead } from "./reads.ts"

/** How ids are written, what takes the answers, when to stop. */
export interface Reading {
  readonly serving: Serving
  readonly caller: Caller
  readonly send: Send<Buffer>
  readonly form: IdForm
  readonly resolveLinks: boolean
}

/** Gives one event, with what its link names where that is wanted. */
export const give = async (reading: Reading, event: RecordedEvent): Promise<void> => {
  const { serving: { door }, send, form, resolveLinks } = reading
  const resolved = resolveLinks && event.type === linkType
    ? await door.resolve(event)
    : { event, link: undefined }
  const full = send(readAnswers.event(resolved, form))
  if (full !== undefined) await full
}

/** One page for this caller, counted while it is used. */
export const page = <P, A>(
  { serving: { door }, caller: { left } }: Reading,
  read: (bytesMax: number) => Promise<P>,
  eventsOf: (page: P) => ReadonlyArray<RecordedEvent>,
  use: (page: P) => Promise<A>,
): Promise<A> => withPage({ held: door.held, left, read: () => read(pageBytesMax), eventsOf, use })

export const themselves = (events: ReadonlyArray<RecordedEvent>) => events
export const eventsOfRead = (read: StreamRead): ReadonlyArray<RecordedEvent> =>
  read._tag === "Page" ? read.events : []

/** Positions above what numbers hold exactly are beyond every log. */
export const positionOf = (position: { getCommitPosition(): string }): number =>
  Math.min(Number(position.getCommitPosition()), Number.MAX_SAFE_INTEGER)

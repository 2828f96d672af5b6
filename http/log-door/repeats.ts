/**
 * Appends of events that are in the stream already, or of which some are. As a server of this protocol
 * has it: with a revision that is past, the same events at the places that follow it are the same
 * append; with any revision, all of them anywhere in the stream are. At the current revision a known
 * event is appended once more: the log has each id once per stream, so it is kept under another.
 */
import { Effect } from "effect"
import { randomUUID } from "node:crypto"
import type { NewEvent, RecordedEvent } from "../../actors/event-log.ts"
import { aliased, sent } from "../../actors/foreign-events.ts"
import type { AppendOutcome, Expected, Log } from "./terms.ts"

interface Tried {
  readonly stream: string
  readonly expected: Expected
  readonly events: ReadonlyArray<NewEvent>
  /** The revision it was tried at. */
  readonly at: number
}

export type RepeatOutcome =
  | AppendOutcome
  /** The revision was not the current one: look and try again. */
  | { readonly _tag: "Again" }
  /** To be appended once more, under other ids. */
  | {
    readonly _tag: "AppendAs"
    readonly at: number
    readonly events: ReadonlyArray<NewEvent>
  }

const wrong = (current: number): RepeatOutcome => ({ _tag: "WrongExpectedVersion", current })

/** Of the first outcome: its last event. */
const earlier = (event: RecordedEvent): RepeatOutcome => ({
  _tag: "Appended",
  revision: event.revision,
  position: event.position,
})

/** Whether it is the stream's event of this revision. */
export const isThere = async (
  log: Log,
  stream: string,
  revision: number,
  { id }: NewEvent,
): Promise<boolean> => {
  const [found] = await Effect.runPromise(log.readPage(stream, { from: revision, limit: 1 }))
  return found?.revision === revision && sent(found).id === id
}

export const outcomeOfRepeat = async (
  log: Log,
  { stream, expected, events, at }: Tried,
): Promise<RepeatOutcome> => {
  const read = (from: number | undefined, limit: number, backwards = false) =>
    Effect.runPromise(
      log.readPage(stream, { limit, backwards, ...(from === undefined ? {} : { from }) }),
    )
  const [lastEvent] = await read(undefined, 1, true)
  const last = lastEvent?.revision ?? -1
  const lenient = expected === "any" || expected === "streamExists"

  /** The events under ids of which none is in the stream. */
  const again = async (): Promise<RepeatOutcome> => {
    const seen = new Set<string>()
    const renamed: Array<NewEvent> = []
    for (const event of events) {
      const known = (await Effect.runPromise(log.byId(event.id))).some((one) =>
        one.stream === stream
      )
      renamed.push(known || seen.has(event.id) ? aliased(event, randomUUID()) : event)
      seen.add(event.id)
    }
    return { _tag: "AppendAs", at: last, events: renamed }
  }

  if (lenient) {
    const wanted = new Map<string, RecordedEvent>()
    for (const { id } of events) {
      for (const one of await Effect.runPromise(log.byId(id))) {
        if (one.stream === stream) wanted.set(id, one)
      }
    }
    const first = events[0]
    if (first === undefined || !wanted.has(first.id)) {
      return last === at && events.length > 0 ? await again() : { _tag: "Again" }
    }
    const known = events.map((event) => wanted.get(event.id))
    const end = known.at(-1)
    return known.every((one) => one !== undefined) && end !== undefined ? earlier(end) : wrong(last)
  }

  if (at > last) return wrong(last)
  if (at === last) return events.length === 0 ? { _tag: "Again" } : await again()
  if (events.length === 0) return wrong(last)
  const there = await read(at + 1, events.length)
  const same = events.every((event, place) => {
    const found = there[place]
    return found !== undefined && sent(found).id === event.id
  })
  const end = there.at(-1)
  return same && end !== undefined ? earlier(end) : wrong(last)
}

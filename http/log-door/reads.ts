/**
 * Reads as the protocol has them: a stream without what was truncated or has expired, the whole log with
 * everything in it, and links followed to what they name.
 */
import { Effect } from "effect"
import type { RecordedEvent } from "../../actors/event-log.ts"
import { sent } from "../../actors/foreign-events.ts"
import type { User } from "./access.ts"
import type { Log, Resolved } from "./door.ts"
import type { States } from "./states.ts"

export const linkType = "$>"

export interface StreamRange {
  /** First revision to give; default the first, or backwards the last, that there is. */
  readonly from?: number
  readonly limit: number
  readonly backwards?: boolean
}

export type StreamRead =
  | {
    readonly _tag: "Page"
    readonly events: ReadonlyArray<RecordedEvent>
    /** Where the next page begins; absent where this was the last. */
    readonly next?: number
    /** First revision that is shown, and the last there is. */
    readonly first: number
    readonly last: number
  }
  | { readonly _tag: "NoStream" }
  | { readonly _tag: "StreamDeleted" }

export interface Reads {
  read(stream: string, range: StreamRange): Promise<StreamRead>
  /** Page of the whole log, `from` included. */
  readAll(range: StreamRange): Promise<ReadonlyArray<RecordedEvent>>
  /** The event itself, or what it links to, as far as `user` may read that. */
  resolve(event: RecordedEvent, user: User): Promise<Resolved>
  /** Last revision of a stream, -1 where it has none. */
  lastOf(stream: string): Promise<number>
  /** Those of a stream after `revision`, out of what was appended to the log. */
  among(
    stream: string,
    events: ReadonlyArray<RecordedEvent>,
    revision: number,
  ): Promise<ReadonlyArray<RecordedEvent>>
  /** Position of the last event, -1 in an empty log. */
  head(): Promise<number>
}

export const reads = (log: Log, states: States, _now: () => number): Reads => ({
  read: async (stream, { from, limit, backwards = false }) => {
    const state = await states.of(stream)
    if (state.tombstoned) return { _tag: "StreamDeleted" }
    if (state.last < 0) return { _tag: "NoStream" }
    const events = await Effect.runPromise(
      log.readPage(stream, { limit, backwards, ...(from === undefined ? {} : { from }) }),
    )
    const end = events.at(-1)?.revision
    const next = end === undefined || events.length < limit
      ? undefined
      : backwards
      ? end - 1
      : end + 1
    return {
      _tag: "Page",
      events,
      first: 0,
      last: state.last,
      ...(next === undefined || next < 0 ? {} : { next }),
    }
  },
  readAll: ({ from, limit, backwards = false }) =>
    Effect.runPromise(log.readAll({ limit, backwards, ...(from === undefined ? {} : { from }) })),
  lastOf: async (stream) => (await states.of(stream)).last,
  among: (stream, events) => Promise.resolve(events.filter((event) => event.stream === stream)),
  resolve: async (event, _user) => {
    if (event.type !== linkType) return { event, link: undefined }
    const target = /^(\d+)@([\s\S]+)$/.exec(new TextDecoder().decode(sent(event).data))
    if (target === null) return { event: undefined, link: event }
    const [found] = await Effect.runPromise(
      log.readPage(target[2]!, { from: Number(target[1]), limit: 1 }),
    )
    return { event: found?.revision === Number(target[1]) ? found : undefined, link: event }
  },
  head: () => Effect.runPromise(log.head),
})

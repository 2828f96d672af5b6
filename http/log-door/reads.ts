/**
 * Reads as the protocol has them: a stream without what was truncated or has expired, the whole log with
 * everything in it, and links followed to what they name. Streams that a server's projections would
 * make are in `derived.ts`.
 */
import { Effect } from "effect"
import type { RecordedEvent } from "../../actors/event-log.ts"
import { sent } from "../../actors/foreign-events.ts"
import type { User } from "./access.ts"
import { derivedStreams, isDerived, linkType } from "./derived.ts"
import { isMetastream, isTombstone, type States, streamOfMeta } from "./states.ts"
import type { Log, Resolved, StreamRange } from "./terms.ts"

export { linkType }

/** A page's content, roughly, above which the next page has fewer events. */
const pageBytesMax = 4 * 1024 * 1024
/** Events of the first page, before sizes are known. */
const pageBegin = 32

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
  /** The event itself, or what it links to. */
  resolve(event: RecordedEvent, user?: User): Promise<Resolved>
  /** Last revision of a stream, -1 where it has none. */
  lastOf(stream: string): Promise<number>
  /** Position of the last event, -1 in an empty log. */
  head(): Promise<number>
}

/** How many events the next page may have, so that large ones do not fill the memory. */
export interface PageSize {
  readonly limit: (wanted: number) => number
  /** To be told how many bytes the page before was. */
  readonly read: (bytes: number) => void
}
export const pageSize = (max: number): PageSize => {
  let size = Math.min(pageBegin, max)
  return {
    limit: (wanted) => Math.min(wanted, size),
    read: (bytes) => {
      if (bytes > pageBytesMax) size = Math.max(1, Math.ceil(size / 4))
      else if (bytes < pageBytesMax / 4) size = Math.min(max, size * 4)
    },
  }
}

export const reads = (log: Log, states: States, now: () => number): Reads => {
  const derived = derivedStreams(log)

  /** Where a stream's events come from: the log, or what a projection would have linked. */
  const sourceOf = async (stream: string) => {
    // Asked of the log each time: what runs in this process appends to it without telling.
    const [end] = await Effect.runPromise(log.readPage(stream, { backwards: true, limit: 1 }))
    if (end !== undefined || !isDerived(stream)) {
      return {
        last: end?.revision ?? -1,
        tombstoned: end !== undefined && isTombstone(end),
        page: (range: StreamRange) => Effect.runPromise(log.readPage(stream, range)),
      }
    }
    return { ...await derived.of(stream), tombstoned: false }
  }

  /** Metadata streams show their last event only. */
  const shownFrom = async (stream: string, last: number) => {
    const { metadata: { truncateBefore = 0, maxCount = Infinity } } = await states.of(stream)
    if (isMetastream(stream)) return last
    return Math.max(0, truncateBefore, last - maxCount + 1)
  }

  const read = async (
    stream: string,
    { from, limit, backwards = false, bytesMax }: StreamRange,
  ): Promise<StreamRead> => {
    const { metadata } = await states.of(stream)
    if (isMetastream(stream) && (await states.of(streamOfMeta(stream))).tombstoned) {
      return { _tag: "StreamDeleted" }
    }
    const source = await sourceOf(stream)
    const { last } = source
    if (source.tombstoned) return { _tag: "StreamDeleted" }
    if (last < 0 || metadata.truncateBefore === Infinity) return { _tag: "NoStream" }
    const first = await shownFrom(stream, last)
    const start = backwards ? Math.min(from ?? last, last) : Math.max(from ?? 0, first)
    if (limit <= 0 || start > last || start < first) {
      return { _tag: "Page", events: [], first, last }
    }
    const page = await source.page({
      from: start,
      limit,
      backwards,
      ...(bytesMax === undefined ? {} : { bytesMax }),
    })
    const end = page.at(-1)?.revision
    const next = end === undefined ? undefined : backwards ? end - 1 : end + 1
    const born = metadata.maxAgeSeconds === undefined
      ? -Infinity
      : now() - metadata.maxAgeSeconds * 1000
    const events = born === -Infinity && (!backwards || (end ?? 0) >= first)
      ? page
      : page.filter((event) => event.revision >= first && event.metadata.at >= born)
    return {
      _tag: "Page",
      events,
      first,
      last,
      ...(next === undefined || next < first || next > last ? {} : { next }),
    }
  }

  const target = async (link: RecordedEvent): Promise<RecordedEvent | undefined> => {
    const known = derived.targetOf(link)
    const named = /^(\d+)@([\s\S]+)$/.exec(new TextDecoder().decode(sent(link).data))
    if (named === null) return undefined
    const [, revision = "", stream = ""] = named
    const found = await read(stream, { from: Number(revision), limit: 1 })
    if (found._tag !== "Page" || Number(revision) < found.first) return undefined
    if (known !== undefined) return known
    const [event] = found.events
    return event?.revision === Number(revision) ? event : undefined
  }

  return {
    read,
    readAll: (range) => Effect.runPromise(log.readAll(range)),
    lastOf: async (stream) => (await sourceOf(stream)).last,
    resolve: async (event) =>
      event.type === linkType
        ? { event: await target(event), link: event }
        : { event, link: undefined },
    head: () => Effect.runPromise(log.head),
  }
}

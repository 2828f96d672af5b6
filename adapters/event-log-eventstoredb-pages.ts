/**
 * Pages of a log on a server. It gives the whole log only with its system events, and only from positions
 * that are there: so a page begins at one that is known not to be after what was asked for, and what is
 * none of ours is left out.
 */
import type { ReadOptions, RecordedEvent } from "../actors/event-log.ts"
import { pageMax } from "./event-log-embedded.ts"
import { isVisible, recordOf, sizeOf } from "./event-log-eventstoredb-events.ts"
import {
  type Connection,
  type ReadAt,
  type StoredEvent,
  StoreFailure,
} from "./event-log-eventstoredb-seam.ts"
import type { LogIndex } from "./log-index-sqlite.ts"
import { recent } from "../actors/recent.ts"

/** Events of a further read, where the first brought less than was asked for. */
const furtherEvents = 500
/** Positions that are remembered as being there: where readers stand. */
const standsMax = 5_000

export interface Pages {
  /** The next events after `after`, at most `limit` and about `bytesMax`. */
  readonly next: (
    after: number,
    limit: number,
    bytesMax?: number,
  ) => Promise<ReadonlyArray<RecordedEvent>>
  readonly all: (options: ReadOptions) => Promise<ReadonlyArray<RecordedEvent>>
  readonly ofStream: (
    stream: string,
    options: ReadOptions,
    bytesMax?: number,
  ) => Promise<ReadonlyArray<RecordedEvent>>
  /** The event at a position, if it is the one with this id. */
  readonly at: (position: number, id: string) => Promise<RecordedEvent | undefined>
  /** Position of the last event, system events left out; -1 where there is none. */
  readonly head: () => Promise<number>
  /** Position of the last event of any kind, as of a moment after the call. */
  readonly rawHead: () => Promise<number>
}

const positionOf = (event: StoredEvent): number => {
  if (event.position !== undefined) return event.position
  throw new StoreFailure("refused", "the server does not tell positions: it is too old")
}

/** `placed`: the position of an event that the server gave without one. */
export const pages = (
  connection: Connection,
  index: LogIndex,
  placed: (event: StoredEvent) => Promise<number>,
): Pages => {
  const stands = recent<number, true>(standsMax)
  /** A position that is there and not after `position`; undefined: the beginning. */
  const notAfter = (position: number): number | undefined =>
    position < 0 ? undefined : stands.get(position) ? position : index.notAfter(position)

  /** Reads on until `take` has enough or the log ends. */
  const readOn = async (at: ReadAt, take: (event: StoredEvent) => boolean): Promise<void> => {
    let { from, limit } = at
    while (true) {
      let count = 0
      let last = from
      let enough = false
      await connection.readAll(
        { ...at, ...(from === undefined ? {} : { from }), limit },
        (event) => {
          count++
          last = positionOf(event)
          enough = !take(event)
          return !enough
        },
      )
      if (enough || count < limit || last === from) return
      from = last
      limit = Math.max(furtherEvents, Math.min(at.limit, pageMax))
    }
  }

  const next: Pages["next"] = async (after, limit, bytesMax = Infinity) => {
    const page: Array<RecordedEvent> = []
    if (limit <= 0) return page
    const from = notAfter(after)
    let bytes = 0
    let last = after
    // One more, since reading begins with an event that is known.
    await readOn({ ...(from === undefined ? {} : { from }), limit: limit + 1 }, (event) => {
      const position = positionOf(event)
      if (position <= last) return true
      if (!isVisible(event)) return true
      bytes += bytesMax === Infinity ? 0 : sizeOf(event)
      if (bytes > bytesMax && page.length > 0) return false
      last = position
      page.push(recordOf(event, position))
      return page.length < limit
    })
    const end = page.at(-1)
    if (end !== undefined) stands.set(end.position, true)
    return page
  }

  const before = async (until: number, limit: number, bytesMax = Infinity) => {
    const page: Array<RecordedEvent> = []
    let bytes = 0
    if (limit <= 0 || until < 0) return page
    const from = index.after(until)
    await readOn(
      { ...(from === undefined ? {} : { from }), backwards: true, limit },
      (event) => {
        const position = positionOf(event)
        if (position > until || !isVisible(event)) return true
        bytes += bytesMax === Infinity ? 0 : sizeOf(event)
        if (bytes > bytesMax && page.length > 0) return false
        page.push(recordOf(event, position))
        return page.length < limit
      },
    )
    return page
  }

  const ofStream: Pages["ofStream"] = async (stream, options, bytesMax = Infinity) => {
    const { backwards = false, from, limit = pageMax } = options
    if (limit <= 0 || (backwards && from !== undefined && from < 0)) return []
    // The protocol's own: nothing in it is for us, and the server may not even let us look.
    if (stream.startsWith("$")) return []
    const found: Array<StoredEvent> = []
    let bytes = 0
    const start = backwards ? from : Math.max(0, from ?? 0)
    await connection.readStream(
      stream,
      { ...(start === undefined ? {} : { from: start }), backwards, limit },
      (event) => {
        if (!isVisible(event)) return true
        bytes += bytesMax === Infinity ? 0 : sizeOf(event)
        if (bytes > bytesMax && found.length > 0) return false
        found.push(event)
        return true
      },
    )
    const page: Array<RecordedEvent> = []
    for (const event of found) page.push(recordOf(event, event.position ?? await placed(event)))
    return page
  }

  const head = async () => {
    let found = -1
    await readOn({ backwards: true, limit: 1 }, (event) => {
      const position = positionOf(event)
      // What comes before is known.
      if (position <= index.covered) found = index.last?.position ?? -1
      else if (isVisible(event)) found = position
      else return true
      return false
    })
    return found
  }

  let running: Promise<number> | undefined
  let after: Promise<number> | undefined
  const readHead = async () => {
    let found = -1
    await connection.readAll({ backwards: true, limit: 1 }, (event) => {
      found = positionOf(event)
      return true
    })
    return found
  }
  /** Callers of the same moment share one read, but never one that was under way before. */
  const rawHead = (): Promise<number> => {
    const start = () => {
      const reading = readHead().finally(() => {
        if (running === reading) running = undefined
      })
      return running = reading
    }
    if (running === undefined) return start()
    return after ??= running.catch(() => {}).then(() => {
      after = undefined
      return start()
    })
  }

  return {
    next,
    all: ({ backwards = false, bytesMax, from, limit = pageMax }) =>
      backwards
        ? before(from ?? Number.MAX_SAFE_INTEGER, limit, bytesMax)
        : next(Math.max(-1, (from ?? 0) - 1), limit, bytesMax),
    ofStream,
    at: async (position, id) => {
      let found: RecordedEvent | undefined
      await connection.readAll({ from: position, limit: 1 }, (event) => {
        if (event.id === id) found = recordOf(event, positionOf(event))
        return true
      })
      return found
    },
    head,
    rawHead,
  }
}

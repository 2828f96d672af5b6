/**
 * What a group has put aside: links in its parked stream. Parking is in order and many at a time. What is
 * replayed stays parked until it is done, so a crash in the middle loses nothing.
 */
import type { Message } from "./persistent-buffer.ts"
import type { GroupStore, Placed } from "./persistent-store.ts"

/** Parked in one append. */
const togetherMax = 100
/** As many wait for their append at the most before the group gives nothing more. */
const waitingMax = 1_000

export interface Parking {
  readonly park: (message: Message, reason: string) => void
  /** Loads what is parked, up to revision `stopAt`, as room allows. */
  readonly replay: (stopAt?: number) => Promise<void>
  readonly feed: () => void
  /** A replayed message is done. */
  readonly settled: (place: number) => void
  readonly tick: () => void
  readonly count: () => number
  readonly isFull: () => boolean
  readonly isReplaying: () => boolean
  readonly close: () => void
}

export interface ParkingOptions {
  readonly store: GroupStore
  readonly batch: number
  readonly hasRoom: () => boolean
  /** Gets what is replayed. */
  readonly take: (parked: Placed) => void
  /** Told when a message is safely parked. */
  readonly parked: (message: Message) => void
}

export const makeParking = (options: ParkingOptions): Parking => {
  const { store, batch, hasRoom, take, parked } = options
  let waiting: Array<{ readonly message: Message; readonly reason: string }> = []
  let storing = false
  let closed = false

  /** The first revision that is parked, and the one the next will have. */
  let { first, next } = store.parked
  /** All before it were loaded for a replay. */
  let loaded = first
  let replay: { readonly stop: number } | undefined
  let loading = false
  let truncating = false
  /** Loaded and not done, in order. */
  const open = new Set<number>()

  const flush = async () => {
    if (storing || closed) return
    storing = true
    try {
      while (waiting.length > 0) {
        const together = waiting.slice(0, togetherMax)
        next = await store.park(together.map(({ message, reason }) => ({
          resolved: message.resolved,
          place: message.place,
          reason,
        })))
        waiting = waiting.slice(together.length)
        if (closed) return
        for (const { message } of together) parked(message)
      }
    } catch {
      // Tried again at the next tick; until then the messages are behind the checkpoint.
    } finally {
      storing = false
    }
  }

  const feed = async () => {
    if (loading || closed || replay === undefined) return
    loading = true
    try {
      while (replay !== undefined && hasRoom() && !closed) {
        const { stop } = replay
        const page = await store.parkedPage(loaded, Math.min(batch, stop - loaded))
        for (const one of page) {
          // What cannot be found any more is not parked any more.
          if (one.resolved.event === undefined) continue
          open.add(one.place)
          take(one)
        }
        const end = page.at(-1)?.place
        loaded = end === undefined ? stop : end + 1
        if (loaded >= stop) replay = undefined
      }
    } catch {
      // Tried again at the next tick.
    } finally {
      loading = false
    }
  }

  const truncate = async () => {
    const [lowest = loaded] = open
    if (truncating || closed || lowest <= first) return
    truncating = true
    try {
      await store.truncateParked(lowest)
      first = lowest
    } catch {
      // Tried again at the next tick.
    } finally {
      truncating = false
    }
  }

  return {
    park: (message, reason) => {
      waiting.push({ message, reason })
      void flush()
    },
    replay: async (stopAt) => {
      if (replay !== undefined) return
      next = Math.max(next, await store.parkedEnd())
      const stop = stopAt === undefined ? next : Math.min(stopAt, next)
      if (stop <= loaded) return
      replay = { stop }
      await feed()
    },
    feed: () => void feed(),
    settled: (place) => void open.delete(place),
    tick: () => {
      void flush()
      void feed()
      void truncate()
    },
    count: () => Math.max(0, next - Math.max(first, loaded)),
    isFull: () => waiting.length >= waitingMax,
    isReplaying: () => replay !== undefined,
    close: () => {
      closed = true
    },
  }
}

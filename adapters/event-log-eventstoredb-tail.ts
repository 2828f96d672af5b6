/**
 * The end of a log on a server, as it grows: one subscription for the whole process, whose last events
 * are kept in memory for whoever follows. A reader who is too slow for that reads pages from the server
 * until it has caught up, so nobody waits for it and nothing piles up. When the subscription breaks, it
 * goes on after the last event it had.
 */
import type { RecordedEvent } from "../actors/event-log.ts"
import { pageBytesMax } from "./event-log-embedded.ts"
import { isVisible, recordOf, sizeOf } from "./event-log-eventstoredb-events.ts"
import type { Connection, StoreFailure } from "./event-log-eventstoredb-seam.ts"
import type { Waits } from "./event-log-eventstoredb-waits.ts"

/** Of events kept, and what they may take. */
const eventsMax = 20_000
const bytesMax = 16 * 1024 * 1024
const eventBytesBeside = 200
/** Between a break and the next try, doubled each time. */
const pauseMillisMin = 50
const pauseMillisMax = 2_000
/** Shorter breaks nobody hears of. */
const awayMillisMin = 5_000

export interface Tail {
  /**
   * From here on it has, or had, everything; undefined until it knows. A page that was read after this
   * was known and is empty says that there is nothing up to here.
   */
  readonly start: number | undefined
  /** Events after `after`; undefined where it does not go so far back. */
  page(after: number, limit: number): ReadonlyArray<RecordedEvent> | undefined
  /** Calls back once there is something after `after`, or it knows more; at once where that is so. */
  wait(after: number, then: () => void): () => void
  /** Where this event is, once it comes by. */
  readonly expect: (
    stream: string,
    revision: number,
    then: (position: number) => void,
  ) => () => void
  readonly isLive: boolean
}

export const tail = (
  connection: Connection,
  /** Checks the log; fails where it cannot be reached or is none of ours. */
  ready: () => Promise<void>,
  rawHead: () => Promise<number>,
  waits: Waits,
  /** Is told when the server answers again after it was away for a while. */
  back: () => void = () => {},
): Tail => {
  let kept: Array<RecordedEvent> = []
  let sizes: Array<number> = []
  let bytes = 0
  /** The kept ones begin here: those before are dropped now and then, not one by one. */
  let first = 0
  let start: number | undefined
  /** Everything up to here came by. */
  let reached = -1
  let last = -1
  let isLive = false
  const sleepers = new Set<() => void>()
  const expected = new Map<string, (position: number) => void>()

  const wake = () => {
    const woken = [...sleepers]
    sleepers.clear()
    for (const resume of woken) resume()
  }
  const keep = (event: RecordedEvent, size: number) => {
    kept.push(event)
    sizes.push(size)
    bytes += size
    while (first < kept.length - 1 && (bytes > bytesMax || kept.length - first > eventsMax)) {
      start = kept[first]!.position
      bytes -= sizes[first++]!
    }
    if (first > eventsMax) {
      kept = kept.slice(first)
      sizes = sizes.slice(first)
      first = 0
    }
  }
  /** The place in `kept` of the first event after `after`. */
  const placeAfter = (after: number): number => {
    let low = first
    let high = kept.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (kept[middle]!.position <= after) low = middle + 1
      else high = middle
    }
    return low
  }

  let woken = false
  const subscribed = (after: number) =>
    new Promise<StoreFailure>((resolve) => {
      const stop = connection.subscribe(after, {
        event: (event) => {
          const { position } = event
          if (position === undefined || position <= reached) return
          reached = position
          if (!isVisible(event)) return
          isLive = true
          last = position
          keep(recordOf(event, position), sizeOf(event) + eventBytesBeside)
          if (expected.size > 0) expected.get(`${event.revision} ${event.stream}`)?.(position)
          // Those that arrive in one turn are told at once.
          if (woken) return
          woken = true
          queueMicrotask(() => {
            woken = false
            wake()
          })
        },
        reached: (position) => {
          isLive = true
          if (position > reached) reached = position
        },
        ended: (failure) => {
          forget()
          resolve(failure)
        },
      })
      const forget = waits.onClose(stop)
    })

  const run = async () => {
    let pause = pauseMillisMin
    let awayFrom = Infinity
    while (!waits.closed) {
      try {
        await ready()
        if (Date.now() - awayFrom > awayMillisMin) back()
        awayFrom = Infinity
        if (start === undefined) {
          start = reached = last = await rawHead()
          wake()
        }
        const began = Date.now()
        await subscribed(reached)
        isLive = false
        awayFrom = Date.now()
        if (Date.now() - began > pauseMillisMax) pause = pauseMillisMin
      } catch {
        // Whoever asks something is told; here it is only tried again.
        awayFrom = Math.min(awayFrom, Date.now())
      }
      await waits.sleep(pause)
      pause = Math.min(pause * 2, pauseMillisMax)
    }
    wake()
  }
  void run()
  waits.onClose(wake)

  return {
    get start() {
      return start
    },
    page: (after, limit) => {
      if (start === undefined || after < start) return undefined
      const from = placeAfter(after)
      let to = from
      let size = 0
      while (to < kept.length && to - from < limit) {
        size += sizes[to]!
        if (size > pageBytesMax && to > from) break
        to++
      }
      return kept.slice(from, to)
    },
    wait: (after, then) => {
      if (waits.closed || (start !== undefined && last > after)) {
        then()
        return () => {}
      }
      sleepers.add(then)
      return () => sleepers.delete(then)
    },
    expect: (stream, revision, then) => {
      const key = `${revision} ${stream}`
      expected.set(key, then)
      return () => expected.delete(key)
    },
    get isLive() {
      return isLive
    },
  }
}

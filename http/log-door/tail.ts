/**
 * What was appended last, for everybody who follows: one reader follows the log, all others take from
 * its window or, where they are further behind, read the log themselves. A slow one holds nothing but
 * its position.
 */
import { Effect, Fiber, Schedule, Stream } from "effect"
import type { RecordedEvent } from "../../actors/event-log.ts"
import { bytesOf, pageBytesMax } from "./budget.ts"
import type { States } from "./states.ts"
import type { Log } from "./terms.ts"

/** Events of the window. */
const windowEventsMax = 2_000
/** What large events of the window may take, roughly. */
const windowBytesMax = 16 * 1024 * 1024
/** While the log cannot be used. */
const troubled = Schedule.spaced("1 second")
/** Events in a page that is given to a follower. */
const pageMax = 64

export interface Tail {
  /** Waits for something after `position`. Rejects as `after` does. */
  beyond(position: number, left: AbortSignal): Promise<void>
  /** The next events after `position`; waits for at least one. Rejects once `left` aborts or the door closes. */
  after(position: number, left: AbortSignal): Promise<ReadonlyArray<RecordedEvent>>
  /** Position up to which events were seen; waiters for later ones are woken by what comes. */
  readonly head: () => number
  readonly close: () => Promise<void>
}

export const tail = (log: Log, states: States): Tail => {
  let window: Array<RecordedEvent> = []
  /** The window holds everything after this. */
  let begins = Infinity
  let bytes = 0
  let head = -1
  let running: Fiber.Fiber<unknown, unknown> | undefined
  let closed = false
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const resume of [...waiting]) resume()
  }

  const take = (page: ReadonlyArray<RecordedEvent>) =>
    Effect.sync(() => {
      for (const event of page) {
        if (event.stream.startsWith("$") || event.type.startsWith("$")) {
          states.appended(event.stream, [event], event.revision)
        }
      }
      window.push(...page)
      for (const event of page) bytes += bytesOf(event)
      head = page.at(-1)?.position ?? head
      if (window.length > 2 * windowEventsMax || bytes > windowBytesMax) {
        let first = Math.max(0, window.length - windowEventsMax)
        for (const event of window.slice(0, first)) bytes -= bytesOf(event)
        while (bytes > windowBytesMax / 2 && first < window.length) {
          bytes -= bytesOf(window[first++]!)
        }
        begins = first === 0 ? begins : window[first - 1]!.position
        window = window.slice(first)
      }
      wake()
    })

  /** Starts with the first who follows; ready once the window has its beginning. */
  let ready: Promise<void> | undefined
  const start = (): Promise<void> =>
    ready ??= (async () => {
      head = await Effect.runPromise(log.head)
      begins = head
      running = Effect.runFork(
        Effect.suspend(() => Stream.runForEach(log.follow(head), take)).pipe(
          Effect.retry({ schedule: troubled, while: ({ retryable }) => retryable }),
          Effect.ensuring(Effect.sync(() => {
            closed = true
            wake()
          })),
        ),
      )
    })()

  const something = (position: number, left: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const settle = () => {
        if (!closed && !left.aborted && head <= position) return
        waiting.delete(settle)
        left.removeEventListener("abort", settle)
        if (left.aborted) reject(left.reason)
        else if (closed) reject(new Error("The log is closing."))
        else resolve()
      }
      waiting.add(settle)
      left.addEventListener("abort", settle)
      settle()
    })

  const pageAt = (first: number): ReadonlyArray<RecordedEvent> => {
    let end = first
    for (let size = 0; end < window.length && end - first < pageMax; end++) {
      size += bytesOf(window[end]!)
      if (size > pageBytesMax && end > first) break
    }
    return window.slice(first, end)
  }

  return {
    head: () => head,
    beyond: async (position, left) => {
      await start()
      await something(position, left)
    },
    after: async (position, left) => {
      await start()
      for (;;) {
        if (position >= begins) {
          await something(position, left)
          if (position >= begins) {
            // Positions may have gaps: the first that is later.
            let low = 0, high = window.length
            while (low < high) {
              const middle = (low + high) >> 1
              if (window[middle]!.position <= position) low = middle + 1
              else high = middle
            }
            if (low < window.length) return pageAt(low)
          }
        }
        if (left.aborted) throw left.reason
        const page = await Effect.runPromise(
          log.readAll({ from: position + 1, limit: pageMax, bytesMax: pageBytesMax }),
        )
        if (page.length > 0) return page
        await something(position, left)
      }
    },
    close: async () => {
      closed = true
      wake()
      await ready
      if (running !== undefined) await Effect.runPromise(Fiber.interrupt(running))
    },
  }
}

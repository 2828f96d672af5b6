/**
 * An actor's clock where the actor is not in memory. An event of the present sets the clock, whatever
 * came before it; only where an actor was told of its past must the log be read back to the last such event.
 */
import { Effect } from "effect"
import type { EventLog, LogUnavailable, RecordedEvent } from "./event-log.ts"

/** Events read back at once. */
const eventsPerPage = 50

/** The latest of `clock` and what the stream had seen up to `revision` (epoch ms). */
export const clockAt = Effect.fnUntraced(function* (
  log: EventLog["Service"],
  stream: string,
  revision: number,
  clock: number,
): Effect.fn.Return<number, LogUnavailable> {
  let latest = clock
  let from = revision
  while (from >= 0) {
    const page: ReadonlyArray<RecordedEvent> = yield* log.readPage(stream, {
      from,
      limit: eventsPerPage,
      backwards: true,
    })
    for (const { metadata: { at, occurredAt } } of page) {
      latest = Math.max(latest, occurredAt ?? at)
      if (occurredAt === undefined) return latest
    }
    if (page.length === 0) break
    from -= page.length
  }
  return latest
})

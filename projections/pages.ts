/**
 * Reads the log page by page at a size that suits its events: many small ones at once for speed, few
 * large ones so that memory stays flat.
 */
import { Effect } from "effect"
import type { EventLog, RecordedEvent } from "../actors/event-log.ts"

/** Events read at once: few of large ones, so that a page stays near `pageBytes`. */
const pageEventsMin = 100
const pageEventsMax = 5_000
const pageBytes = 8 * 1024 * 1024
/** Events of a page that are measured to choose the size of the next. */
const pageSamples = 4
/** How many events to read next, so that a page of them is near `pageBytes`. */
const nextLimit = (page: ReadonlyArray<RecordedEvent>): number => {
  let bytes = 0
  for (let n = 0; n < pageSamples; n++) {
    const sample = page[Math.floor((page.length - 1) * n / (pageSamples - 1))]
    bytes += JSON.stringify(sample).length / pageSamples
  }
  return Math.min(pageEventsMax, Math.max(pageEventsMin, Math.floor(pageBytes / bytes)))
}

/** Reads what comes after a position; `last` where there is no more for now. */
export const pageReader = (log: EventLog["Service"]) => {
  let next = pageEventsMin
  return Effect.fnUntraced(function* (after: number) {
    const limit = next
    const page = yield* log.readAll({ from: after + 1, limit })
    if (page.length > 0) next = nextLimit(page)
    return { page, last: page.length === 0 }
  })
}

/**
 * The half of the index that needs nothing but the log: opens what is new and puts its passages among the
 * words. Its checkpoint lies in the index itself, in one transaction with the passages.
 */
import { Effect, Semaphore } from "effect"
import type { EventLog, LogUnavailable, RecordedEvent } from "../actors/event-log.ts"
import { memoryStream } from "../machines/memory.ts"
import type { Progress } from "./aios.ts"
import { objectOf, textOf, textsOf } from "./fields.ts"
import { passagesOf } from "./memory-passages.ts"
import { itemById, type Place, placesInTier } from "./memory-rows.ts"
import { type Opening, textOfEvent, textOfItem } from "./memory-texts.ts"
import type { MemoryItem, Tier } from "./memory-items.ts"
import { type Passage, type PassageIndex, PassageIndexUnavailable } from "./passage-index.ts"
import { type ReadStore, ReadStoreUnavailable } from "./read-store.ts"
import type { Projections } from "./runner.ts"

/** Events read at once, each page one transaction of the index. */
const pageEventsMax = 500
const itemsAtOnceMax = 500
/** Streams in which something may be worth remembering; others are passed over without a look. */
const telling = /^(record|executor|gatekeeper|analyst|article|invoice|memory)-/

/** Calls of the two stores, which are synchronous, as effects. */
export const attempt = <A>(
  what: () => A,
): Effect.Effect<A, PassageIndexUnavailable | ReadStoreUnavailable> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(what())
    } catch (cause) {
      return cause instanceof PassageIndexUnavailable || cause instanceof ReadStoreUnavailable
        ? Effect.fail(cause)
        : Effect.die(cause)
    }
  })

/** All items of a tier, page by page. */
export const eachPage = Effect.fnUntraced(function* (
  store: ReadStore["Service"],
  tier: Tier,
  use: (page: ReadonlyArray<Place>) => void,
) {
  let after = ""
  let more = true
  while (more) {
    const page = yield* attempt(() =>
      placesInTier(store, tier, {
        limit: itemsAtOnceMax,
        ...(after === "" ? {} : { after }),
      })
    )
    yield* attempt(() => use(page))
    after = page.at(-1)?.key ?? ""
    more = page.length > 0
    yield* Effect.yieldNow
  }
})

/** Items that an event of the memory's agent moved. */
export const movedBy = (event: RecordedEvent): ReadonlyArray<string> => {
  const data = objectOf(event.data)
  const output = objectOf(data["output"])
  const summary = textOf(data["summary"])
  return [
    ...textsOf(data["items"]),
    ...textsOf(data["events"]),
    ...(summary === "" ? [] : [summary]),
    ...textsOf(output["evict"]),
    ...textsOf(output["recall"]),
  ]
}

export const isFound = (item: MemoryItem): boolean =>
  item.segment === undefined && item.until === undefined

export const makeWords = Effect.fnUntraced(function* (parts: {
  readonly log: EventLog["Service"]
  /** Asked anew each time: the founder may have moved to another zone. */
  readonly opening: Effect.Effect<Opening, LogUnavailable>
  readonly index: PassageIndex["Service"]
  readonly store: ReadStore["Service"]
  readonly projections: Projections["Service"]
}) {
  const { index, log, opening, projections, store } = parts
  const one = yield* Semaphore.make(1)
  /** Nothing to verify twice: the log of a process is one. */
  let verified = false

  /** It is of this log only if the event at its checkpoint is the one it saw. */
  const checkpoint = Effect.gen(function* () {
    const kept = yield* attempt(() => index.checkpoint())
    if (kept === undefined || verified) return kept?.position ?? -1
    const [event] = kept.position < 0 ? [] : yield* log.readAll({ from: kept.position, limit: 1 })
    verified = true
    if (kept.position < 0 || event?.id === kept.id) return kept.position
    yield* Effect.logWarning("The index of memory is of another log: it is made anew")
    yield* attempt(() => index.clear())
    return -1
  })

  const passagesIn = Effect.fnUntraced(function* (opening: Opening, event: RecordedEvent) {
    const put: Array<Passage> = []
    const drop: Array<string> = []
    const item = itemById(store, event.id)
    if (item !== undefined && item.stream === event.stream && isFound(item)) {
      const opened = yield* textOfEvent(opening, event)
      if (opened !== undefined) put.push(...passagesOf(item, opened))
    }
    if (event.stream === memoryStream && !event.type.startsWith("Activity")) {
      for (const id of movedBy(event)) {
        const moved = itemById(store, id)
        if (moved === undefined) continue
        if (!isFound(moved)) drop.push(id)
        else if (event.type === "SegmentRestored") {
          const opened = yield* textOfItem(opening, moved)
          if (opened !== undefined) put.push(...passagesOf(moved, opened))
        }
      }
    }
    return { put, drop }
  })

  const advance = Effect.fnUntraced(function* (progress: Progress) {
    const head = yield* projections.catchUp
    let at = yield* checkpoint
    if (at >= head) return at
    const opened = yield* opening
    while (at < head) {
      const page = (yield* log.readAll({ from: at + 1, limit: pageEventsMax }))
        // What came meanwhile is no item yet: the read models end at `head`.
        .filter(({ position }) => position <= head)
      const last = page.at(-1)
      if (last === undefined) break
      const put: Array<Passage> = []
      const drop: Array<string> = []
      for (const event of page) {
        if (!telling.test(event.stream)) continue
        const found = yield* passagesIn(opened, event)
        put.push(...found.put)
        drop.push(...found.drop)
      }
      yield* attempt(() =>
        index.apply({ put, drop, checkpoint: { position: last.position, id: last.id } })
      )
      at = last.position
      progress({ what: "words of memory", done: Math.min(at, head), total: head })
      // Others have work too.
      yield* Effect.yieldNow
    }
    return at
  })

  const words = (progress: Progress = () => {}) => one.withPermit(advance(progress))
  return words
})

/**
 * Copies one event log into another, whatever adapters they have, in the order of the whole log. What the
 * target holds already must be the beginning of the source, so a copy that was broken off goes on where
 * it was, and one into a log of something else is refused. Afterwards the target is read back: the
 * count and the hash of every stream must be the source's.
 */
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import { canonical } from "../actors/canonical.ts"
import {
  type Append,
  type EventLog,
  EventTooLarge,
  LogUnavailable,
  type NewEvent,
  type RecordedEvent,
  VersionConflict,
} from "../actors/event-log.ts"
import type { Progress } from "../projections/aios.ts"
import type { LogCopied } from "../projections/log-migration.ts"

/** Events read at a time, and appended in one batch. */
const pageEvents = 500
/** Bytes of content in one batch: a page of large events is appended in several. */
const batchBytesMax = 4 * 1024 * 1024
/** Events of one stream that follow each other are one append up to this: servers take 1 MB at once. */
const appendBytesMax = 256 * 1024
/** Streams named in an answer. */
const namedMax = 20

type Log = EventLog["Service"]
interface Options {
  /** The target puts the appends of a batch into the log in their order; else they are sent one by one. */
  readonly keepsOrder: boolean
  /** The source's positions count its events, so how many there are is known before. */
  readonly isCounted?: boolean
  /** Nothing is written: says what would be. */
  readonly dryRun?: boolean
  readonly progress: Progress
}

/** Events of the protocol itself (metadata of streams, tombstones): a log of AIOS is whole without them. */
export const isSystems = ({ stream, type }: RecordedEvent) =>
  stream.startsWith("$") || type.startsWith("$")

/**
 * What of an event must be the same in the copy. Its place in its stream is told by the order. What others wrote
 * has the time at which its log took it, which is another in each.
 */
const contentOf = ({ data, id, metadata, stream, type }: RecordedEvent): string =>
  canonical([stream, id, type, data, metadata.foreign ?? metadata])

const chain = (before: Buffer | undefined, content: string) =>
  createHash("sha256").update(before ?? "").update(content).digest()

/** What was read of a log so far, event by event. */
interface Tally {
  events: number
  readonly streams: Map<string, { events: number; hash: Buffer }>
  all: Buffer
}
const emptyTally = (): Tally => ({ events: 0, streams: new Map(), all: Buffer.alloc(0) })
const count = (tally: Tally, event: RecordedEvent, content: string) => {
  const before = tally.streams.get(event.stream)
  tally.streams.set(event.stream, {
    events: (before?.events ?? 0) + 1,
    hash: chain(before?.hash, content),
  })
  tally.all = chain(tally.all, content)
  tally.events++
}

/** The events of a log one after the other, without what is the protocol's. */
const reader = (log: Log) => {
  let page: ReadonlyArray<RecordedEvent> = []
  let at = 0
  let from = 0
  let left = 0
  /** How many there are besides. */
  return {
    get leftOut() {
      return left
    },
    next: Effect.fnUntraced(function* () {
      for (;;) {
        const event = page[at++]
        if (event !== undefined) {
          if (!isSystems(event)) return event
          left++
          continue
        }
        page = yield* log.readAll({ from, limit: pageEvents })
        at = 0
        const last = page.at(-1)
        if (last === undefined) return undefined
        from = last.position + 1
      }
    }),
  }
}

const refused = (message: string) =>
  new LogUnavailable({ reason: "foreign", message, retryable: false })

/**
 * Asks and their outcomes name places in streams. Where events before this one are gone, its place would be
 * another in the copy; only what others wrote has nothing to lose by that.
 */
const checkPlace = (event: RecordedEvent, place: number, moved: Set<string>) => {
  if (event.revision === place) return undefined
  moved.add(event.stream)
  return event.metadata.foreign === undefined
    ? refused(
      `${event.stream} has no event ${place}: it was truncated. Its events name each other by their ` +
        "places, so it cannot be copied as it is.",
    )
    : undefined
}

export const copyLog = Effect.fn("copyLog")(function* (from: Log, to: Log, options: Options) {
  const { progress } = options
  const source = reader(from)
  const target = reader(to)
  const taken = emptyTally()
  const moved = new Set<string>()
  let positions = true
  const total = options.isCounted ? (yield* from.head) + 1 : 0

  const take = Effect.fnUntraced(function* () {
    const event = yield* source.next()
    if (event === undefined) return undefined
    const place = taken.streams.get(event.stream)?.events ?? 0
    const problem = checkPlace(event, place, moved)
    if (problem !== undefined) return yield* problem
    const content = contentOf(event)
    count(taken, event, content)
    return { event, content, place }
  })

  // What is there already must be the beginning of what is to be copied.
  let alreadyThere = 0
  let ahead = 0
  for (;;) {
    const there = yield* target.next()
    if (there === undefined) break
    const here = ahead > 0 ? undefined : yield* take()
    if (here === undefined) {
      ahead++
      continue
    }
    if (contentOf(there) !== here.content) {
      return yield* refused(
        `The target holds something else: its event ${alreadyThere + 1} is ${there.type} in ` +
          `${there.stream}, the source's is ${here.event.type} in ${here.event.stream}. Nothing was ` +
          "written. Name an empty log, or the one this was copied to before.",
      )
    }
    if (there.position !== here.event.position) positions = false
    alreadyThere++
    if (alreadyThere % pageEvents === 0) {
      progress({ what: "comparing what is there", done: alreadyThere, total })
    }
  }

  let copied = 0
  let batch: Array<Append & { readonly events: Array<NewEvent> }> = []
  let bytes = 0
  let appendBytes = 0
  const flush = Effect.suspend(() => {
    const appends = batch
    batch = []
    bytes = 0
    return write(to, appends, options.keepsOrder)
  })
  for (let next = yield* take(); next !== undefined; next = yield* take()) {
    copied++
    if (options.dryRun) continue
    const { content, event: { data, id, metadata, stream, type }, place } = next
    const event = { id, type, data, metadata }
    const before = batch.at(-1)
    appendBytes += content.length
    if (before?.stream === stream && appendBytes <= appendBytesMax) before.events.push(event)
    else {
      appendBytes = content.length
      batch.push({ stream, expected: place - 1, events: [event] })
    }
    bytes += content.length
    if (batch.length >= pageEvents || bytes >= batchBytesMax) {
      yield* flush
      progress({ what: "copying", done: alreadyThere + copied, total })
    }
  }
  if (!options.dryRun) yield* flush

  const result: LogCopied = {
    events: taken.events,
    streams: taken.streams.size,
    copied,
    alreadyThere,
    ahead,
    systemEventsLeftOut: source.leftOut,
    renumbered: [...moved].slice(0, namedMax),
    sha256: taken.all.toString("hex"),
    samePositions: positions,
    verified: false,
  }
  if (options.dryRun) return result

  // Read back from the beginning, as whoever opens it next will.
  const read = emptyTally()
  const again = reader(to)
  const first = reader(from)
  while (read.events < taken.events) {
    const event = yield* again.next()
    if (event === undefined) break
    if ((yield* first.next())?.position !== event.position) positions = false
    count(read, event, contentOf(event))
    if (read.events % pageEvents === 0) {
      progress({ what: "reading back", done: read.events, total: taken.events })
    }
  }
  const differing = differencesOf(taken, read)
  if (differing !== undefined) return yield* refused(differing)
  return { ...result, samePositions: positions, verified: true }
})

const differencesOf = (wanted: Tally, found: Tally): string | undefined => {
  const advice = "Do not use the copy: begin again with an empty target."
  if (found.events !== wanted.events) {
    return `The copy has ${found.events} events instead of ${wanted.events}. ${advice}`
  }
  for (const [stream, { events, hash }] of wanted.streams) {
    const there = found.streams.get(stream)
    if (there?.events !== events || !there.hash.equals(hash)) {
      return `${stream} has ${
        there?.events ?? 0
      } of ${events} events in the copy, or others. ${advice}`
    }
  }
  return found.all.equals(wanted.all)
    ? undefined
    : `The streams are the same, but their events come in another order in the copy. ${advice}`
}

/** So that the order of the whole log is kept. */
const write = Effect.fnUntraced(function* (
  to: Log,
  appends: ReadonlyArray<Append>,
  keepsOrder: boolean,
) {
  const batches = keepsOrder ? [appends] : appends.map((append) => [append])
  for (const batch of batches) {
    for (const result of yield* to.appendBatch(batch)) {
      if (result instanceof EventTooLarge) {
        return yield* refused(
          `An event of ${result.stream} takes ${result.bytes} bytes, more than the target takes. ` +
            "The copy stops in front of it.",
        )
      }
      if (result instanceof VersionConflict) {
        return yield* refused(
          `Somebody else writes to ${result.stream} in the target. Stop AIOS and whoever else ` +
            "writes there, then repeat.",
        )
      }
    }
  }
})

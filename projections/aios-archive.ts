/**
 * Old cold items as segments: the recorded events they stand for are written into files, checked, and only
 * then the items leave the index by an event. Whatever breaks off in between leaves the index as it was,
 * and the next run does it again. The log loses nothing.
 */
import { Clock, Effect, Option, Stream } from "effect"
import { ActorSystem, type Proposal } from "../actors/actor-system.ts"
import { EventLog } from "../actors/event-log.ts"
import { memoryStream, policyLimits } from "../machines/memory.ts"
import type { Progress } from "./aios.ts"
import type { Archived, Segment } from "./aios-memory.ts"
import { door, refuse } from "./aios-failures.ts"
import { reading } from "./aios-views.ts"
import { Archive, segmentName } from "./archive.ts"
import { numberOf, objectOf, textOf, textsOf } from "./fields.ts"
import { itemById, type Place, placesInTier, policyNow, segmentsWritten } from "./memory-rows.ts"
import { ReadStore } from "./read-store.ts"
import { Projections } from "./runner.ts"

/** Items of one segment: they are named in one event. */
const itemsMax = 2_000
const pageEvents = 500
const dayMillis = 24 * 60 * 60 * 1000

const archiveThere = Effect.flatMap(
  Effect.serviceOption(Archive),
  Option.match({
    onNone: () =>
      Effect.fail(refuse("failed", "NothingToArchive", "This AIOS keeps nothing on disk.")),
    onSome: Effect.succeed,
  }),
)

interface Listed {
  readonly segment: string
  readonly bytes: number
  readonly sha256: string
  readonly items: number
  readonly from: number
  readonly to: number
  readonly at: number
  readonly restored: boolean
  /** Id of the event that archived it. */
  readonly event: string
}

const listed = Effect.gen(function* () {
  const projections = yield* Projections
  const store = yield* ReadStore
  yield* door(projections.catchUp)
  return (yield* reading(() => segmentsWritten(store))).map((row): Listed => ({
    segment: row.segment,
    bytes: numberOf(row["bytes"]),
    sha256: textOf(row["sha256"]),
    items: numberOf(row["items"]),
    from: numberOf(row["from"]),
    to: numberOf(row["to"]),
    at: numberOf(row["at"]),
    restored: row["restored"] === true,
    event: textOf(row["event"]),
  })).sort((a, b) => a.from - b.from)
})

const asSegment = Effect.fnUntraced(function* (one: Listed) {
  const archive = yield* archiveThere
  const state = yield* door(archive.state(one.segment, one.sha256))
  const { event: _, ...segment } = one
  return { ...segment, ok: state === "whole", problem: state === "whole" ? "" : state }
})

export const segments = Effect.flatMap(listed, Effect.forEach(asSegment))

/** The events of items, page by page in order of position. What is not in the log any more cannot be. */
const eventsOf = (
  items: ReadonlyArray<{ readonly id: string; readonly position: number }>,
  told: (done: number) => void,
) =>
  Stream.unwrap(Effect.gen(function* () {
    const log = yield* EventLog
    const wanted = new Map(items.map(({ id, position }) => [position, id]))
    const positions = items.map(({ position }) => position).sort((a, b) => a - b)
    let next = 0
    return Stream.paginate(0, () =>
      Effect.gen(function* () {
        const from = positions[next]
        if (from === undefined) return [[], Option.none<number>()] as const
        const page = yield* log.readAll({ from, limit: pageEvents })
        const found = page.filter((event) => wanted.get(event.position) === event.id)
        const last = page.at(-1)?.position ?? Infinity
        const passed = positions.findIndex((position, n) => n >= next && position > last)
        const done = passed < 0 ? positions.length : passed
        if (found.length !== done - next) {
          return yield* refuse(
            "failed",
            "LogLacksEvents",
            "The log lacks events that memory names. Nothing was archived: aios rebuild memories, " +
              "then repeat; if it says the same again, aios doctor.",
          )
        }
        next = done
        told(done)
        const more = done < positions.length ? Option.some(done) : Option.none<number>()
        return [[found], more] as const
      }))
  }))

interface Wanted {
  readonly id: string
  readonly position: number
}

const write = Effect.fnUntraced(function* (items: ReadonlyArray<Wanted>, told: Progress) {
  const archive = yield* archiveThere
  const services = yield* Effect.context<EventLog>()
  const positions = items.map(({ position }) => position)
  const from = positions.reduce((least, one) => Math.min(least, one), Infinity)
  const to = positions.reduce((most, one) => Math.max(most, one), 0)
  const segment = segmentName(from, to)
  const pages = eventsOf(
    items,
    (done) => told({ what: segment, done, total: items.length }),
  )
  const written = yield* door(archive.write(segment, Stream.provideContext(pages, services)))
  return { segment, from, to, sha256: written.sha256, bytes: written.bytes }
})

const tell = Effect.fnUntraced(function* (event: Proposal) {
  const system = yield* ActorSystem
  const projections = yield* Projections
  yield* door(system.propose(memoryStream, event, { actor: "operator" }))
  yield* door(projections.catchUp)
})

const itemsNamed = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
  const store = yield* ReadStore
  return yield* reading(() =>
    ids.flatMap((id): ReadonlyArray<Wanted> => {
      const item = itemById(store, id)
      return item === undefined ? [] : [{ id, position: item.position }]
    })
  )
})

/** What the event that archived it names. */
const namedIn = Effect.fnUntraced(function* (one: Listed) {
  const log = yield* EventLog
  const [event] = yield* door(log.byId(one.event))
  return textsOf(objectOf(event?.data)["items"])
})

/** A lost or damaged one, from the log. It may be other bytes than before, so it is said again. */
const writeAgain = Effect.fnUntraced(function* (one: Listed, told: Progress) {
  const items = yield* namedIn(one)
  const again = yield* write(yield* itemsNamed(items), told)
  if (again.sha256 !== one.sha256) yield* tell({ type: "SegmentArchived", ...again, items })
})

const oldOnes = Effect.fnUntraced(function* (before: number, limit: number, after?: string) {
  const store = yield* ReadStore
  return yield* reading(() =>
    placesInTier(store, "cold", {
      ...{ to: before, limit },
      ...(after === undefined ? {} : { after }),
    })
  )
})

const countOld = Effect.fnUntraced(function* (before: number) {
  let count = 0
  let after: string | undefined
  for (;;) {
    const page: ReadonlyArray<Place> = yield* oldOnes(before, itemsMax, after)
    count += page.length
    after = page.at(-1)?.key
    if (page.length < itemsMax) return count
  }
})

export const archive = Effect.fnUntraced(
  function* (options: { readonly days?: number; readonly dryRun?: boolean }, progress: Progress) {
    const store = yield* ReadStore
    const projections = yield* Projections
    const there = yield* archiveThere
    yield* door(projections.catchUp)
    const { archive: { daysMin } } = yield* reading(() => policyNow(store))
    const days = options.days ?? daysMin
    const [least, most] = policyLimits["archive.daysMin"]
    if (!Number.isInteger(days) || days < least || days > most) {
      return yield* refuse(
        "usage",
        "InvalidValue",
        `Days must be a whole number from ${least} to ${
          most.toLocaleString("en-US")
        }, not ${days}.`,
      )
    }
    const before = (yield* Clock.currentTimeMillis) - days * dayMillis
    const total = yield* countOld(before)
    const dryRun = options.dryRun ?? false
    const result = { dryRun, days }
    if (dryRun) return { ...result, items: total, segments: [], again: [] } satisfies Archived
    const again: Array<string> = []
    for (const one of yield* listed) {
      if (one.restored) continue
      if ((yield* door(there.state(one.segment, one.sha256))) === "whole") continue
      yield* writeAgain(one, progress)
      again.push(one.segment)
    }
    const written: Array<Segment> = []
    let items = 0
    for (;;) {
      const places = yield* oldOnes(before, itemsMax)
      if (places.length === 0) break
      const wanted = yield* itemsNamed(places.map(({ id }) => id))
      if (wanted.length === 0) break
      const facts = yield* write(
        wanted,
        ({ done, what }) => progress({ what, done: items + done, total }),
      )
      yield* tell({ type: "SegmentArchived", ...facts, items: wanted.map(({ id }) => id) })
      items += wanted.length
      const one = (yield* listed).find(({ segment }) => segment === facts.segment)
      if (one === undefined) {
        return yield* refuse(
          "failed",
          "NotArchived",
          `${facts.segment} was written, but memory does not know of it. aios doctor says why.`,
        )
      }
      written.push(yield* asSegment(one))
    }
    return { ...result, items, segments: written, again } satisfies Archived
  },
)

/** By its name, with or without its ending. */
const segmentNamed = Effect.fnUntraced(function* (name: string) {
  const all = yield* listed
  const word = name.trim()
  const one = all.find(({ segment }) => segment === word || segment.split(".")[0] === word)
  if (one === undefined) {
    return yield* refuse(
      "usage",
      "UnknownSegment",
      all.length === 0
        ? `There is no segment ${word}: nothing was archived yet.`
        : `There is no segment ${word}. There are: ${
          all.slice(0, 10).map(({ segment }) => segment).join(", ")
        }${all.length > 10 ? ` and ${all.length - 10} more: aios archive list` : ""}.`,
    )
  }
  return one
})

/** What is in a segment, in order of position, for whoever searches it. Fails where its file is not whole. */
export const segmentEvents = Effect.fnUntraced(function* (name: string) {
  const { segment } = yield* segmentNamed(name)
  return (yield* archiveThere).events(segment)
})

export const restoreSegment = Effect.fnUntraced(function* (name: string, progress: Progress) {
  const one = yield* segmentNamed(name)
  const there = yield* archiveThere
  if (!one.restored) {
    if ((yield* door(there.state(one.segment, one.sha256))) !== "whole") {
      yield* writeAgain(one, progress)
    }
    yield* tell({
      type: "SegmentRestored",
      ...{ segment: one.segment, items: yield* namedIn(one) },
    })
  }
  const now = (yield* listed).find(({ segment }) => segment === one.segment) ?? one
  return yield* asSegment(now)
})

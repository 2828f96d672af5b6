/**
 * Appends to a log on a server: those of one stream in order, streams at the same time, a bounded number
 * in flight. The server compares ids only where an append expects less than there is, so whether the ids
 * are in the stream already is looked up before, and after a conflict. An append that broke off is sent
 * again with the same ids before anybody is told.
 */
import {
  type Append,
  type Appended,
  EventTooLarge,
  type NewEvent,
  VersionConflict,
} from "../actors/event-log.ts"
import { eventBytes, pageMax, tooLarge } from "./event-log-embedded.ts"
import { sizeOf } from "./event-log-eventstoredb-events.ts"
import { type Connection, StoreFailure } from "./event-log-eventstoredb-seam.ts"
import type { Pages } from "./event-log-eventstoredb-pages.ts"
import type { Tail } from "./event-log-eventstoredb-tail.ts"
import type { Waits } from "./event-log-eventstoredb-waits.ts"
import type { Indexed, LogIndex, Place } from "./log-index-sqlite.ts"

/** Appends in flight: more keep a server busy whose commits take long, and are sent again when it breaks. */
const inFlightMax = 100
/**
 * An append that broke off may have been written, so it is tried for longer than what can be asked again
 * without a thought; gRPC itself waits a second and more before it connects anew.
 */
const patienceMillis = 10_000
/** Appends of one stream that follow upon each other go as one while they are small. */
const togetherEventsMax = 200
const togetherBytesMax = 256 * 1024
/** What the log says of an event comes by itself, soon; after so long it is asked for. */
const expectMillisMax = 100
/** The revision of a stream that was closed for ever. */
const tombstone = Number.MAX_SAFE_INTEGER

export type Outcome = Appended | VersionConflict | EventTooLarge

export interface Appends {
  /** `done` is called once. */
  append(append: Append, done: (outcome: Outcome | StoreFailure) => void): void
}

interface Job extends Append {
  readonly done: (outcome: Outcome | StoreFailure) => void
  /** Position of the log's last event when the append was asked for. */
  readonly before: Promise<number>
}

type Answer =
  | { readonly revision: number; readonly position: number | undefined; readonly again: boolean }
  | { readonly conflict: number; readonly again: boolean }
  | "tooLarge"

export const appends = (
  connection: Connection,
  index: LogIndex,
  { ofStream, rawHead }: Pick<Pages, "ofStream" | "rawHead">,
  tail: Tail,
  waits: Waits,
): Appends => {
  let inFlight = 0
  const waiting: Array<() => void> = []
  const slot = (): Promise<void> | undefined => {
    if (inFlight < inFlightMax) {
      inFlight++
      return undefined
    }
    return new Promise((resolve) => waiting.push(resolve))
  }
  const release = () => {
    const next = waiting.shift()
    if (next === undefined) inFlight--
    else next()
  }

  /** Sends until there is an answer; throws a `StoreFailure`. */
  const send = async (
    stream: string,
    expected: number,
    events: ReadonlyArray<NewEvent>,
  ): Promise<Answer> => {
    let again = false
    await slot()
    try {
      const answer = await waits.patiently(
        () => connection.append(stream, expected, events),
        {
          millisMax: patienceMillis,
          onRetry: () => {
            again = true
          },
        },
      )
      return { ...answer, again }
    } catch (cause) {
      if (!(cause instanceof StoreFailure)) throw cause
      if (cause.trouble === "conflict") return { conflict: cause.actual, again }
      // Nobody can write to it any more: to us that is somebody else who was first.
      if (cause.trouble === "deleted") return { conflict: tombstone, again }
      if (cause.trouble === "tooLarge") return "tooLarge"
      throw cause
    } finally {
      release()
    }
  }

  /** Reads what is not known yet of a stream up to `revision`; less where the stream ends before. */
  const learn = async (stream: string, revision: number): Promise<void> => {
    let from = index.known(stream) + 1
    while (from <= revision) {
      const limit = Math.min(pageMax, revision - from + 1)
      const page = await waits.patiently(() => ofStream(stream, { from, limit }))
      const last = page.at(-1)
      if (last === undefined) return
      index.ahead(stream, page)
      if (page.length < limit) return
      from = last.revision + 1
    }
  }
  const actualOf = async (stream: string): Promise<number> => {
    const [last] = await waits.patiently(() => ofStream(stream, { backwards: true, limit: 1 }))
    return last?.revision ?? -1
  }

  /** Where the events are, if all are in the stream; "some" if a part is, or one id comes twice. */
  const placesOf = (stream: string, events: ReadonlyArray<NewEvent>) => {
    if (events.length === 1) {
      const place = index.findIn(events[0]!.id, stream)
      return place === undefined ? "none" : [place]
    }
    const found = events.flatMap(({ id }) => index.findIn(id, stream) ?? [])
    if (found.length === events.length) return found
    const repeats = new Set(events.map(({ id }) => id)).size < events.length
    return found.length > 0 || repeats ? "some" : "none"
  }
  const first = (places: ReadonlyArray<Place>, duplicate: boolean): Appended => ({
    revision: places.at(-1)!.revision,
    positions: places.map(({ position }) => position),
    duplicate,
  })

  /** What the append comes to without being sent; undefined where it must be. */
  const settled = ({ stream, expected, events }: Append): Outcome | "ask" | undefined => {
    const bytes = beyond(events)
    if (bytes !== undefined) return new EventTooLarge({ stream, bytes })
    if (events.length === 0 || expected < -1 || expected > index.known(stream)) return "ask"
    const places = placesOf(stream, events)
    if (typeof places === "object") return first(places, true)
    return places === "some" ? "ask" : undefined
  }

  /** As `settled`, where the stream must be read for it. */
  const asked = async (append: Append): Promise<Outcome | undefined> => {
    const { stream, expected, events } = append
    if (events.length === 0) {
      const actual = await actualOf(stream)
      return actual === expected
        ? { revision: actual, positions: [], duplicate: false }
        : new VersionConflict({ stream, expected, actual })
    }
    if (expected < -1) return await refused(append, await actualOf(stream), false)
    await learn(stream, expected)
    const places = placesOf(stream, events)
    if (typeof places === "object") return first(places, true)
    if (places === "none") return undefined
    // Those that are not there may be further on.
    return await refused(append, await actualOf(stream), false)
  }

  /** After a conflict: the ids may be in the stream all the same. */
  const refused = async (
    { stream, expected, events }: Append,
    actual: number,
    again: boolean,
    before = Infinity,
  ): Promise<Outcome> => {
    if (actual !== tombstone) await learn(stream, actual)
    const places = placesOf(stream, events)
    if (typeof places !== "object") return new VersionConflict({ stream, expected, actual })
    // Sent before, and written, but the answer was lost: then it was us.
    return first(places, !again || places.every(({ position }) => position <= before))
  }

  /** Positions of events that the server took together: it tells only that of the last. */
  const positionsOf = async (
    stream: string,
    from: number,
    count: number,
  ): Promise<ReadonlyArray<number>> => {
    const places = await waits.patiently(() => ofStream(stream, { from, limit: count }))
    if (places.length < count) {
      throw new StoreFailure("away", `${stream} does not give what it took`)
    }
    return places.map(({ position }) => position)
  }
  const expectedPositions = (stream: string, from: number, count: number) => {
    if (!tail.isLive) return undefined
    const positions: Array<number> = []
    const stops: Array<() => void> = []
    let missing = count
    const all = new Promise<ReadonlyArray<number>>((resolve) => {
      for (let n = 0; n < count; n++) {
        stops.push(tail.expect(stream, from + n, (position) => {
          if (positions[n] === undefined) missing--
          positions[n] = position
          if (missing === 0) resolve(positions)
        }))
      }
    })
    const stop = () => stops.forEach((end) => end())
    return { all, stop }
  }

  /** Sends jobs of one stream as one append; false where each must be sent by itself. */
  const sendJobs = async (jobs: ReadonlyArray<Job>): Promise<boolean> => {
    const { stream, expected } = jobs[0]!
    const events = jobs.length === 1 ? jobs[0]!.events : jobs.flatMap((job) => job.events)
    // Asked for before anything is sent: what the log had by then, it had before.
    await jobs.at(-1)!.before
    const coming = events.length === 1
      ? undefined
      : expectedPositions(stream, expected + 1, events.length)
    try {
      const answer = await send(stream, expected, events)
      if (jobs.length > 1 && (answer === "tooLarge" || "conflict" in answer)) return false
      const job = jobs[0]!
      if (answer === "tooLarge") {
        const bytes = events.reduce((sum, event) => sum + eventBytes(event), 0)
        job.done(new EventTooLarge({ stream, bytes }))
        return true
      }
      if ("conflict" in answer) {
        job.done(await refused(job, answer.conflict, answer.again, await job.before))
        return true
      }
      const from = answer.revision - events.length + 1
      const positions = events.length === 1 && answer.position !== undefined
        ? [answer.position]
        : (coming !== undefined && from === expected + 1
          ? await Promise.race([coming.all, waits.sleep(expectMillisMax)])
          : undefined) ?? await positionsOf(stream, from, events.length)
      note(stream, events, from, positions)
      let place = 0
      for (const job of jobs) {
        const own = positions.slice(place, place + job.events.length)
        place += job.events.length
        const before = await job.before
        job.done({
          revision: from + place - 1,
          positions: own,
          duplicate: own.every((position) => position <= before),
        })
      }
      return true
    } finally {
      coming?.stop()
    }
  }
  const note = (
    stream: string,
    events: ReadonlyArray<NewEvent>,
    from: number,
    positions: ReadonlyArray<number>,
  ) => {
    if (from > index.known(stream) + 1) return
    const indexed = events.map(({ id }, n): Indexed => ({
      id,
      stream,
      revision: from + n,
      position: positions[n]!,
    }))
    index.ahead(stream, indexed)
  }

  // ---------------------------------------------------------------- the queues

  const queues = new Map<string, Array<Job>>()

  /** The jobs at the front of a queue that can go as one append, taken from it. */
  const together = (queue: Array<Job>): ReadonlyArray<Job> => {
    const jobs = [queue.shift()!]
    const ids = new Set(jobs[0]!.events.map(({ id }) => id))
    let last = jobs[0]!.expected + jobs[0]!.events.length
    let bytes = jobs[0]!.events.reduce((sum, event) => sum + sizeOf(event), 0)
    while (ids.size < togetherEventsMax) {
      const next = queue[0]
      if (next === undefined || next.expected !== last || next.events.length === 0) break
      bytes += next.events.reduce((sum, event) => sum + sizeOf(event), 0)
      if (bytes > togetherBytesMax) break
      if (next.events.some(({ id }) => ids.has(id))) break
      if (placesOf(next.stream, next.events) !== "none") break
      for (const { id } of next.events) ids.add(id)
      last += next.events.length
      jobs.push(queue.shift()!)
    }
    return jobs
  }

  const work = async (queue: Array<Job>, job: Job): Promise<void> => {
    let outcome = settled(job)
    if (outcome === "ask") outcome = await asked(job)
    if (outcome !== undefined) {
      queue.shift()
      job.done(outcome)
      return
    }
    const jobs = together(queue)
    try {
      if (await sendJobs(jobs)) return
    } catch (cause) {
      for (const job of jobs) job.done(asFailure(cause))
      return
    }
    // Something in it is refused: each is asked for by itself.
    for (const job of jobs) {
      const alone = [job]
      try {
        let outcome = settled(job)
        if (outcome === "ask") outcome = await asked(job)
        if (outcome === undefined) await sendJobs(alone)
        else job.done(outcome)
      } catch (cause) {
        job.done(asFailure(cause))
      }
    }
  }

  const serve = async (stream: string, queue: Array<Job>): Promise<void> => {
    while (true) {
      const job = queue[0]
      if (job === undefined) {
        queues.delete(stream)
        return
      }
      try {
        await work(queue, job)
      } catch (cause) {
        if (queue[0] === job) queue.shift()
        job.done(asFailure(cause))
      }
    }
  }

  return {
    append: (append, done) => {
      const before = waits.patiently(rawHead, { millisMax: patienceMillis })
      // Where it fails, the append fails with it.
      before.catch(() => {})
      const job: Job = { ...append, done, before }
      const queue = queues.get(append.stream)
      if (queue !== undefined) {
        queue.push(job)
        return
      }
      const started = [job]
      queues.set(append.stream, started)
      // In the next turn: those that are asked for in this one can go together.
      queueMicrotask(() => void serve(append.stream, started))
    },
  }
}

const asFailure = (cause: unknown): StoreFailure =>
  cause instanceof StoreFailure ? cause : new StoreFailure("refused", String(cause), cause)

/** The size of an event that is too large, counted only where an estimate does not settle it. */
const beyond = (events: ReadonlyArray<NewEvent>): number | undefined =>
  events.some((event) => 6 * sizeOf(event) > 900 * 1024) ? tooLarge(events) : undefined

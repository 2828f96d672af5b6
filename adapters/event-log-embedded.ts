/**
 * The whole `EventLog` port over a synchronous engine in this process: shared commits, streams in
 * pages, and `follow`. A reader holds nothing but its own position: it reads after it, and sleeps only
 * while the head is not beyond it, so nothing is missed, doubled or reordered, and nobody waits for it.
 */
import { Effect, Option, type Scope, Stream } from "effect"
import {
  type Append,
  type Appended,
  bytesMaxOf,
  type EventLog,
  type EventTooLarge,
  LogUnavailable,
  type NewEvent,
  type ReadOptions,
  type RecordedEvent,
  type VersionConflict,
} from "../actors/event-log.ts"
import { groupCommit } from "./group-commit.ts"

/** Events in a page, where the reader does not say. */
export const pageMax = 1000
/** A streaming reader's page is made smaller until its content fits in this. */
export const pageBytesMax = 8 * 1024 * 1024

/** Everything an engine throws that is not a defect is `LogUnavailable`. */
export interface Engine {
  appendBatch(
    batch: ReadonlyArray<Append>,
  ): ReadonlyArray<Appended | VersionConflict | EventTooLarge>
  readPage(stream: string, options: ReadOptions): ReadonlyArray<RecordedEvent>
  readAll(options: ReadOptions): ReadonlyArray<RecordedEvent>
  /** Roughly how much a page of this stream (undefined: of the whole log) would bring into memory. */
  bytesOf(stream: string | undefined, options: ReadOptions): number
  byId(id: string): ReadonlyArray<RecordedEvent>
  /** Position of the last durable event, -1 where there is none. */
  head(): number
  streams(category: string, after: string | undefined, limit: number): ReadonlyArray<string>
  close(): void
}

/** What counts against `bytesMaxOf`. */
export const eventBytes = (event: NewEvent): number =>
  new TextEncoder().encode(JSON.stringify(event.data) + JSON.stringify(event.metadata)).length

/** Bytes of the first event that is too large, if one is. */
export const tooLarge = (events: ReadonlyArray<NewEvent>): number | undefined => {
  for (const event of events) {
    const bytes = eventBytes(event)
    if (bytes > bytesMaxOf(event)) return bytes
  }
  return undefined
}

export const closedLog = () =>
  new LogUnavailable({
    reason: "closed",
    message: "The event log is closed: this process is ending. Start it again and repeat the call.",
    retryable: false,
  })

/** Runs `f`: what is unavailable becomes a typed failure, all else is a defect. */
const attempt = <A>(f: () => A): Effect.Effect<A, LogUnavailable> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(f())
    } catch (cause) {
      return cause instanceof LogUnavailable ? Effect.fail(cause) : Effect.die(cause)
    }
  })

/** The port over the engine that `open` gives; closed with the scope. */
export const fromEngine = (
  open: () => Engine,
): Effect.Effect<EventLog["Service"], LogUnavailable, Scope.Scope> =>
  Effect.gen(function* () {
    let closed = false
    const sleepers = new Set<() => void>()
    const wake = () => {
      const woken = [...sleepers]
      sleepers.clear()
      for (const resume of woken) resume()
    }
    const engine = yield* Effect.acquireRelease(
      attempt(open),
      (engine) =>
        Effect.sync(() => {
          closed = true
          engine.close()
          wake()
        }),
    )
    const call = <A>(f: () => A): Effect.Effect<A, LogUnavailable> =>
      Effect.suspend(() => closed ? Effect.fail(closedLog()) : attempt(f))

    const appendBatch = (batch: ReadonlyArray<Append>) =>
      call(() => {
        const before = engine.head()
        const results = engine.appendBatch(batch)
        if (engine.head() > before) wake()
        return results
      })

    /** The longest page of at most `pageMax` events that fits in memory; one event always does. */
    const fit = (stream: string | undefined, options: ReadOptions): ReadOptions => {
      const { bytesMax = pageBytesMax } = options
      let limit = Math.min(options.limit ?? pageMax, pageMax)
      while (limit > 1 && engine.bytesOf(stream, { ...options, limit }) > bytesMax) {
        limit = Math.ceil(limit / 4)
      }
      return { ...options, limit }
    }

    /** A page is as long as was asked for, unless it was asked for in bytes. */
    const asked = (stream: string | undefined, options: ReadOptions): ReadOptions =>
      options.bytesMax === undefined ? options : fit(stream, options)

    const read = (stream: string, options: ReadOptions = {}) =>
      Stream.paginate(options, (rest: ReadOptions) =>
        call(() => {
          const fitted = fit(stream, rest)
          const page = engine.readPage(stream, fitted)
          const last = page.at(-1)
          const left = rest.limit === undefined ? Infinity : rest.limit - page.length
          const from = last === undefined ? -1 : last.revision + (rest.backwards === true ? -1 : 1)
          const more = page.length === fitted.limit && left > 0 && from >= 0
          const next = { ...rest, from, ...(left === Infinity ? {} : { limit: left }) }
          return [page, more ? Option.some(next) : Option.none()] as const
        }))

    /** Returns once the log has more than `position`, or is closed. */
    const beyond = (position: number) =>
      Effect.callback<void>((resume) => {
        if (closed || engine.head() > position) return resume(Effect.void)
        const wakeUp = () => resume(Effect.void)
        sleepers.add(wakeUp)
        return Effect.sync(() => sleepers.delete(wakeUp))
      })

    const nextPage = (position: number): Effect.Effect<
      ReadonlyArray<RecordedEvent>,
      LogUnavailable
    > =>
      call(() => engine.readAll(fit(undefined, { from: position + 1 }))).pipe(
        Effect.flatMap((page) =>
          page.length > 0
            // A reader that catches up lets the rest of the process run between two pages.
            ? Effect.as(Effect.yieldNow, page)
            : Effect.flatMap(beyond(position), () => nextPage(position))
        ),
      )

    const follow = (position: number) =>
      Stream.paginate(
        position,
        (after: number) =>
          Effect.map(
            nextPage(after),
            (page) => [[page], Option.some(page.at(-1)?.position ?? after)] as const,
          ),
      )

    return {
      appendBatch,
      append: yield* groupCommit(appendBatch, closedLog),
      read,
      readPage: (stream: string, options: ReadOptions = {}) =>
        call(() => engine.readPage(stream, asked(stream, options))),
      readAll: (options: ReadOptions = {}) => call(() => engine.readAll(asked(undefined, options))),
      follow,
      byId: (id: string) => call(() => engine.byId(id)),
      head: call(() => engine.head()),
      streams: (category: string, after?: string, limit = pageMax) =>
        call(() => engine.streams(category, after, limit)),
    }
  })

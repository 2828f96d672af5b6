/**
 * The event log in memory, for tests and trials: same port, same answers, gone with the process. What
 * is appended goes through JSON, so a reader sees what a log on disk would have given.
 */
import { Effect, Layer } from "effect"
import {
  type Append,
  type Appended,
  categoryOf,
  EventLog,
  EventTooLarge,
  type ReadOptions,
  type RecordedEvent,
  VersionConflict,
} from "../actors/event-log.ts"
import { type Engine, eventBytes, fromEngine, pageMax, tooLarge } from "./event-log-embedded.ts"

/** The `limit` events of `events` (ordered by `at`) that `options` name. */
const select = (
  events: ReadonlyArray<RecordedEvent>,
  at: (event: RecordedEvent) => number,
  options: ReadOptions,
): ReadonlyArray<RecordedEvent> => {
  const from = options.from
  const limit = Math.max(0, options.limit ?? pageMax)
  // Revisions and positions have no gaps here, so the place of an event is its number.
  const first = events[0] === undefined ? 0 : at(events[0])
  if (options.backwards === true) {
    const end = from === undefined ? events.length : Math.min(events.length, from - first + 1)
    return events.slice(Math.max(0, end - limit), Math.max(0, end)).reverse()
  }
  const start = Math.max(0, (from ?? first) - first)
  return events.slice(start, start + limit)
}

const makeEngine = (): Engine => {
  const all: Array<RecordedEvent> = []
  const sizes = new WeakMap<RecordedEvent, number>()
  const streams = new Map<string, Array<RecordedEvent>>()
  const categories = new Map<string, Array<string>>()
  const ids = new Map<string, Array<RecordedEvent>>()

  const appendOne = (append: Append): Appended | VersionConflict | EventTooLarge => {
    const { stream, expected, events } = append
    const bytes = tooLarge(events)
    if (bytes !== undefined) return new EventTooLarge({ stream, bytes })
    const actual = (streams.get(stream)?.length ?? 0) - 1
    const known = events.map((event) => ids.get(event.id)?.find((one) => one.stream === stream))
    const last = known.at(-1)
    if (last !== undefined && known.every((one) => one !== undefined)) {
      const positions = known.map((one) => one.position)
      return { revision: last.revision, positions, duplicate: true }
    }
    if (
      expected !== actual || known.some((one) => one !== undefined) ||
      new Set(events.map((event) => event.id)).size < events.length
    ) return new VersionConflict({ stream, expected, actual })
    const positions: Array<number> = []
    for (const event of events) {
      let inStream = streams.get(stream)
      if (inStream === undefined) {
        streams.set(stream, inStream = [])
        const category = categories.get(categoryOf(stream)) ?? []
        category.push(stream)
        categories.set(categoryOf(stream), category)
      }
      const { id, type, data, metadata } = event
      const content = JSON.parse(JSON.stringify({ id, type, data, metadata }))
      const recorded: RecordedEvent = {
        ...content,
        stream,
        revision: inStream.length,
        position: all.length,
      }
      sizes.set(recorded, eventBytes(recorded))
      inStream.push(recorded)
      all.push(recorded)
      ids.set(id, [...(ids.get(id) ?? []), recorded])
      positions.push(recorded.position)
    }
    return { revision: actual + events.length, positions, duplicate: false }
  }

  return {
    appendBatch: (batch) => batch.map(appendOne),
    readPage: (stream, options) =>
      select(streams.get(stream) ?? [], (one) => one.revision, options),
    readAll: (options) => select(all, (one) => one.position, options),
    bytesOf: (kind, options) => {
      const events = kind === undefined ? all : streams.get(kind) ?? []
      const at = (one: RecordedEvent) => kind === undefined ? one.position : one.revision
      return select(events, at, options).reduce((sum, event) => sum + (sizes.get(event) ?? 0), 0)
    },
    byId: (id) => ids.get(id) ?? [],
    head: () => all.length - 1,
    streams: (category, after, limit) => {
      const names = categories.get(category) ?? []
      const start = after === undefined ? 0 : names.indexOf(after) + 1
      return after !== undefined && start === 0 ? [] : names.slice(start, start + limit)
    },
    close: () => {},
  }
}

export const layer: Layer.Layer<EventLog> = Layer.effect(
  EventLog,
  Effect.orDie(fromEngine(makeEngine)),
)

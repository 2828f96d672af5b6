/**
 * The event log in one SQLite file (WAL, an fsync per commit). The process must own the data directory
 * (`owner-lock.ts`): the last revisions of streams are cached here, and a second writer would be kept
 * out by nothing but the unique indexes.
 */
import type { StatementSync } from "node:sqlite"
import { recent } from "../actors/recent.ts"
import { Layer } from "effect"
import {
  type Append,
  type Appended,
  bytesMaxOf,
  eventBytesMax,
  EventLog,
  EventTooLarge,
  LogUnavailable,
  type NewEvent,
  type ReadOptions,
  type RecordedEvent,
  VersionConflict,
} from "../actors/event-log.ts"
import { type Engine, eventBytes, fromEngine, pageMax } from "./event-log-embedded.ts"
import { open, type Options, unavailable } from "./event-log-file.ts"
import { pack, putUuid, unpack } from "./event-log-packing.ts"
import { dictionary } from "./event-log-words.ts"
import {
  isConstraint,
  isFailureOfStorage,
  prepare,
  rowOf,
  rowsOf,
  textIn,
  transaction,
  troubleOf,
} from "./sqlite.ts"

/** Streams whose last revision is kept in memory (up to twice as many). */
const headsMax = 50_000
/** Events that are read when the log is opened, to notice damage early. */
const openCheckEvents = 16
/** What an event's JSON takes besides the texts that are counted. */
const frameBytesMax = 1024

type EventRow = readonly [
  position: number,
  stream: number,
  revision: number,
  id: Uint8Array | string,
  packed: Uint8Array | string,
  asks: string | null,
  data: string,
]
const columns = "position, stream, revision, id, packed, asks, data"

/** Last revision of a stream, as of the transaction that is under way. */
interface Head {
  readonly key: number
  revision: number
}

const makeEngine = (options: Options): Engine => {
  const fail = unavailable(options.file)
  /** What SQLite's errors mean; what is not an error of storage is a defect and passes. */
  const guarded = <A>(f: () => A): A => {
    try {
      return f()
    } catch (cause) {
      if (cause instanceof LogUnavailable) throw cause
      // No JSON, or a number larger than any of ours: we did not write that.
      if (cause instanceof SyntaxError || cause instanceof RangeError) throw fail("corrupt", cause)
      if (isFailureOfStorage(cause)) throw fail(troubleOf(cause, options.file), cause)
      throw cause
    }
  }
  const db = guarded(() => open(options, fail))
  const sql = (text: string): StatementSync => prepare(db, text)

  const make = (): Engine => {
    const inTransaction = transaction(db)
    const words = dictionary(sql, () => fail("corrupt"))
    const insert = sql(`INSERT INTO event (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?)`)
    const lastRevision = sql("SELECT max(revision) FROM event WHERE stream = ?")
    const find = sql("SELECT revision, position FROM event WHERE id = ? AND stream = ?")
    const findAll = sql(`SELECT ${columns} FROM event WHERE id = ? ORDER BY position`)
    const lastPosition = sql("SELECT max(position) FROM event")

    const heads = recent<string, Head>(headsMax)
    let touched: Array<string> = []
    let head = rowOf<readonly [number | null]>(lastPosition.get())?.[0] ?? -1
    let next = head + 1

    const idBytes = new Uint8Array(16)
    const stored = (id: string) => putUuid(id, idBytes, 0) ? idBytes : textIn(id)

    const headOf = (stream: string): Head | undefined => {
      const cached = heads.get(stream)
      if (cached !== undefined) return cached
      const key = words.streamKeyOf(stream)
      if (key === undefined) return undefined
      const row = rowOf<readonly [number | null]>(lastRevision.get(key))
      const read = { key, revision: row?.[0] ?? -1 }
      heads.set(stream, read)
      return read
    }

    /** The first outcome of events that are all in the stream already. */
    const earlier = (events: ReadonlyArray<NewEvent>, key: number): Appended | "some" | "none" => {
      const found = events.map((event) =>
        rowOf<readonly [revision: number, position: number]>(find.get(stored(event.id), key))
      )
      const known = found.filter((row) => row !== undefined)
      const last = known.at(-1)
      if (last === undefined) return "none"
      if (known.length < events.length) return "some"
      return { revision: last[0], positions: known.map((row) => row[1]), duplicate: true }
    }

    /** `checked`: look for ids that are there already, instead of relying on the unique index. */
    const appendOne = (
      { stream, expected, events }: Append,
      checked: boolean,
    ): Appended | VersionConflict | EventTooLarge => {
      let current = headOf(stream)
      const actual = current?.revision ?? -1
      if (checked || expected !== actual) {
        const before = current === undefined ? "none" : earlier(events, current.key)
        if (typeof before === "object") return before
        const repeats = checked && new Set(events.map((event) => event.id)).size < events.length
        if (before === "some" || repeats || expected !== actual) {
          return new VersionConflict({ stream, expected, actual })
        }
      }
      const datas = events.map((event) => JSON.stringify(event.data))
      const asks = events.map(({ metadata }) =>
        metadata.asks === undefined ? null : JSON.stringify(metadata.asks)
      )
      for (let n = 0; n < events.length; n++) {
        const bytes = bytesBeyond(events[n]!, datas[n]!, asks[n])
        if (bytes !== undefined) return new EventTooLarge({ stream, bytes })
      }
      const positions: Array<number> = []
      if (events.length === 0) return { revision: actual, positions, duplicate: false }
      if (current === undefined) {
        current = { key: words.addStream(stream), revision: -1 }
        heads.set(stream, current)
      }
      touched.push(stream)
      for (let n = 0; n < events.length; n++) {
        const event = events[n]!
        const packed = pack(event, words)
        // Loosely packed metadata holds the asks itself.
        const asked = typeof packed === "string" ? null : asks[n]!
        const id = stored(event.id)
        insert.run(next, current.key, ++current.revision, id, packed, asked, datas[n]!)
        positions.push(next++)
      }
      return { revision: current.revision, positions, duplicate: false }
    }

    const commit = (batch: ReadonlyArray<Append>, checked: boolean) => {
      try {
        const outcomes = inTransaction(() => batch.map((append) => appendOne(append, checked)))
        head = next - 1
        words.settle(true)
        touched = []
        return outcomes
      } catch (cause) {
        next = head + 1
        words.settle(false)
        for (const stream of touched) heads.delete(stream)
        touched = []
        throw cause
      }
    }

    const decode = (row: EventRow): RecordedEvent => {
      try {
        const { id, type, metadata } = unpack(row[3], row[4], row[5], words)
        const stream = words.streamNameOf(row[1])
        const data = JSON.parse(row[6])
        return { id, type, data, metadata, stream, revision: row[2], position: row[0] }
      } catch (cause) {
        // We wrote it, so whatever does not read is damage, however it shows.
        throw cause instanceof LogUnavailable ? cause : fail("corrupt", cause)
      }
    }
    const decodeAll = (rows: unknown) => rowsOf<EventRow>(rows).map(decode)

    /** The two orders in which pages are read, with the sizes of what they would bring. */
    const pages = (where: string, by: string) => {
      const of = (select: string, compare: string, order: string) =>
        `SELECT ${select} FROM event WHERE ${where} ${by} ${compare} ? ORDER BY ${by} ${order} LIMIT ?`
      const size = "octet_length(data) + octet_length(packed) + ifnull(octet_length(asks), 0) AS n"
      return {
        forwards: sql(of(columns, ">=", "ASC")),
        backwards: sql(of(columns, "<=", "DESC")),
        bytesForwards: sql(`SELECT sum(n) FROM (${of(size, ">=", "ASC")})`),
        bytesBackwards: sql(`SELECT sum(n) FROM (${of(size, "<=", "DESC")})`),
      }
    }
    const inStream = pages("stream = ? AND", "revision")
    const inAll = pages("", "position")
    const rangeOf = ({ from, limit, backwards }: ReadOptions): readonly [number, number] => [
      from ?? (backwards === true ? Number.MAX_SAFE_INTEGER : 0),
      Math.max(0, limit ?? pageMax),
    ]

    const readAll = (options: ReadOptions) => {
      const statement = options.backwards === true ? inAll.backwards : inAll.forwards
      return decodeAll(statement.all(...rangeOf(options)))
    }
    readAll({ backwards: true, limit: openCheckEvents })

    return {
      appendBatch: (batch) => {
        if (batch.length === 0) return []
        try {
          return commit(batch, false)
        } catch (cause) {
          if (!isConstraint(cause)) throw cause
          return commit(batch, true)
        }
      },
      readPage: (stream, options) => {
        const key = words.streamKeyOf(stream)
        if (key === undefined) return []
        const statement = options.backwards === true ? inStream.backwards : inStream.forwards
        return decodeAll(statement.all(key, ...rangeOf(options)))
      },
      readAll,
      bytesOf: (stream, options) => {
        const of = stream === undefined ? inAll : inStream
        const statement = options.backwards === true ? of.bytesBackwards : of.bytesForwards
        const key = stream === undefined ? [] : [words.streamKeyOf(stream) ?? -1]
        return rowOf<readonly [number | null]>(statement.get(...key, ...rangeOf(options)))?.[0] ?? 0
      },
      byId: (id) => decodeAll(findAll.all(stored(id))),
      head: () => head,
      streams: (category, after, limit) => {
        const key = after === undefined ? 0 : words.streamKeyOf(after)
        return key === undefined ? [] : words.streamsOf(category, key, limit)
      },
      close: () => db.close(),
    }
  }

  try {
    const engine = guarded(make)
    return {
      ...engine,
      appendBatch: (batch) => guarded(() => engine.appendBatch(batch)),
      readPage: (stream, options) => guarded(() => engine.readPage(stream, options)),
      readAll: (options) => guarded(() => engine.readAll(options)),
      bytesOf: (stream, options) => guarded(() => engine.bytesOf(stream, options)),
      byId: (id) => guarded(() => engine.byId(id)),
      streams: (category, after, limit) => guarded(() => engine.streams(category, after, limit)),
    }
  } catch (cause) {
    db.close()
    throw cause
  }
}

/** The event's size, if it is above what it may be. Exact only where an estimate does not settle it. */
const bytesBeyond = (event: NewEvent, data: string, asks: string | null | undefined) => {
  const { actor, value, chart } = event.metadata
  const estimate = frameBytesMax + 3 * (data.length + (asks?.length ?? 0) + (actor?.length ?? 0) +
        (chart?.name.length ?? 0))
  const small = estimate <= eventBytesMax && event.metadata.foreign === undefined &&
    (value === undefined || typeof value === "string")
  if (small) return undefined
  const bytes = eventBytes(event)
  return bytes > bytesMaxOf(event) ? bytes : undefined
}

export const layer = (options: Options): Layer.Layer<EventLog, LogUnavailable> =>
  Layer.effect(EventLog, fromEngine(() => makeEngine(options)))

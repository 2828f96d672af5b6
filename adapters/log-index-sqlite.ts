/**
 * Where every event of a log on a server is: what its protocol cannot be asked for (an event by its id,
 * the streams of a category, the positions that are there) answered from a small SQLite file. It is a
 * fold of the log: deleted, damaged, or of another log, it is made anew. Own appends are known at once,
 * in memory, until they come by in the log.
 */
import { recent } from "../actors/recent.ts"
import { mkdirSync, rmSync } from "node:fs"
import { dirname } from "node:path"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { categoryOf } from "../actors/event-log.ts"
import { putUuid } from "./event-log-packing.ts"
import {
  isFailureOfStorage,
  prepare,
  rowOf,
  rowsOf,
  textIn,
  textOut,
  transaction,
} from "./sqlite.ts"

/** Another number, and the file is made anew. */
const formatVersion = 1
/** Streams whose last revision is kept in memory (up to twice as many). */
const streamsMax = 50_000
const cacheKiB = 16 * 1024

const schema = `
  CREATE TABLE stream (
    key INTEGER PRIMARY KEY, name ANY NOT NULL UNIQUE, category ANY NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX stream_category ON stream (category, first);
  CREATE TABLE event (
    id ANY NOT NULL, stream INTEGER NOT NULL, revision INTEGER NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (id, stream)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX event_position ON event (position);
  CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
`

/** Where an event is. */
export interface Place {
  readonly stream: string
  readonly revision: number
  readonly position: number
}

/** What is indexed of an event. */
export interface Indexed extends Place {
  readonly id: string
}

/** A stream in the file, and its last revision there. */
interface Known {
  readonly key: number
  last: number
}

export interface LogIndex {
  /** Every event up to this position is in the file. */
  readonly covered: number
  /** The last event in the file. */
  readonly last: Indexed | undefined
  /** Takes the next events of the log; with them it is complete up to `upTo`. */
  fold(events: ReadonlyArray<Indexed>, upTo: number): void
  /** The events of a stream that come next after what is known of it: they are ahead of the log. */
  ahead(stream: string, events: ReadonlyArray<Indexed>): void
  /** All events of the stream up to this revision are known, -1 where none is. */
  known(stream: string): number
  /** By position. */
  find(id: string): ReadonlyArray<Place>
  findIn(id: string, stream: string): Place | undefined
  /** The position of the last event that is not after `position`, and of the first that is. */
  notAfter(position: number): number | undefined
  after(position: number): number | undefined
  streams(category: string, after: string | undefined, limit: number): ReadonlyArray<string>
  /** Forgets everything. */
  clear(): void
  close(): void
}

/** The file, made anew where it is none of ours or another process has it: then in memory. */
const openFile = (file: string | undefined): DatabaseSync => {
  if (file === undefined) return opened(":memory:")
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    return opened(file)
  } catch (cause) {
    if (!isFailureOfStorage(cause)) throw cause
  }
  try {
    for (const rest of ["", "-wal", "-shm", "-journal"]) rmSync(file + rest, { force: true })
    return opened(file)
  } catch (cause) {
    if (!isFailureOfStorage(cause)) throw cause
    return opened(":memory:")
  }
}

const opened = (file: string): DatabaseSync => {
  const db = new DatabaseSync(file)
  try {
    db.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
      PRAGMA cache_size = -${cacheKiB}`)
    const version = rowOf<readonly [number]>(prepare(db, "PRAGMA user_version").get())?.[0]
    if (version !== formatVersion) {
      const tables = rowsOf<readonly [string]>(
        prepare(db, "SELECT name FROM sqlite_schema WHERE type = 'table'").all(),
      )
      for (const [name] of tables) db.exec(`DROP TABLE "${name}"`)
      db.exec(`BEGIN; ${schema} PRAGMA user_version = ${formatVersion}; COMMIT`)
    }
    return db
  } catch (cause) {
    db.close()
    throw cause
  }
}

export const open = (file: string | undefined): LogIndex => {
  const db = openFile(file)
  const sql = (text: string): StatementSync => prepare(db, text)
  const inTransaction = transaction(db)
  const keyOf = sql("SELECT key, last FROM stream WHERE name = ?")
  const nameOf = sql("SELECT name FROM stream WHERE key = ?")
  const addStream = sql("INSERT INTO stream (name, category, first, last) VALUES (?, ?, ?, -1)")
  const setLast = sql("UPDATE stream SET last = ? WHERE key = ?")
  const addEvent = sql("INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?)")
  const byId = sql("SELECT stream, revision, position FROM event WHERE id = ? ORDER BY position")
  const byIdIn = sql("SELECT revision, position FROM event WHERE id = ? AND stream = ?")
  const below = sql("SELECT max(position) FROM event WHERE position <= ?")
  const above = sql("SELECT min(position) FROM event WHERE position > ?")
  const lastEvent = sql(
    "SELECT id, stream, revision, position FROM event ORDER BY position DESC LIMIT 1",
  )
  const firstOf = sql("SELECT first FROM stream WHERE name = ?")
  const ofCategory = sql(
    "SELECT name FROM stream WHERE category = ? AND first > ? ORDER BY first LIMIT ?",
  )
  const setCovered = sql("INSERT OR REPLACE INTO meta VALUES ('covered', ?)")
  const getCovered = sql("SELECT value FROM meta WHERE name = 'covered'")

  const cache = () => recent<string, Known>(streamsMax)
  let streams = cache()
  let covered = rowOf<readonly [number]>(getCovered.get())?.[0] ?? -1

  /** What is ahead of the file: by stream, and in the order in which it came. */
  const aheadOf = new Map<string, { last: number; readonly places: Map<string, Place> }>()
  let waiting: Array<Indexed> = []

  const idBytes = new Uint8Array(16)
  const stored = (id: string) => putUuid(id, idBytes, 0) ? idBytes : textIn(id)
  const idOf = (id: Uint8Array | string): string => {
    if (typeof id === "string" || id.length !== 16) return textOut(id)
    const hex = Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join("")
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")
  }
  const streamOf = (name: string) => {
    const cached = streams.get(name)
    if (cached !== undefined) return cached
    const row = rowOf<readonly [number, number]>(keyOf.get(textIn(name)))
    if (row === undefined) return undefined
    const found = { key: row[0], last: row[1] }
    streams.set(name, found)
    return found
  }
  const streamName = (key: number): string =>
    textOut(rowOf<readonly [string | Uint8Array]>(nameOf.get(key))?.[0] ?? "")

  const settle = () => {
    let settled = 0
    while (settled < waiting.length && waiting[settled]!.position <= covered) {
      const { id, stream } = waiting[settled++]!
      const ahead = aheadOf.get(stream)
      ahead?.places.delete(id)
      if (ahead?.places.size === 0) aheadOf.delete(stream)
    }
    if (settled > 0) waiting = waiting.slice(settled)
  }

  const put = ({ id, stream, revision, position }: Indexed): Known => {
    let known = streamOf(stream)
    if (known === undefined) {
      addStream.run(textIn(stream), textIn(categoryOf(stream)), position)
      known = { key: rowOf<readonly [number]>(keyOf.get(textIn(stream)))?.[0] ?? -1, last: -1 }
      streams.set(stream, known)
    }
    addEvent.run(stored(id), known.key, revision, position)
    if (revision > known.last) known.last = revision
    return known
  }

  const known = (stream: string): number =>
    Math.max(aheadOf.get(stream)?.last ?? -1, streamOf(stream)?.last ?? -1)

  return {
    get covered() {
      return covered
    },
    get last() {
      const row = rowOf<readonly [Uint8Array | string, number, number, number]>(lastEvent.get())
      return row === undefined ? undefined : {
        id: idOf(row[0]),
        stream: streamName(row[1]),
        revision: row[2],
        position: row[3],
      }
    },
    fold: (events, upTo) => {
      if (events.length === 0 && upTo <= covered) return
      try {
        inTransaction(() => {
          for (const { key, last } of new Set(events.map(put))) setLast.run(last, key)
          setCovered.run(Math.max(covered, upTo))
        })
      } catch (cause) {
        for (const { stream } of events) streams.delete(stream)
        throw cause
      }
      covered = Math.max(covered, upTo)
      settle()
    },
    ahead: (stream, events) => {
      const ahead = aheadOf.get(stream) ?? { last: -1, places: new Map<string, Place>() }
      for (const event of events) {
        if (event.position <= covered) continue
        ahead.places.set(event.id, event)
        ahead.last = Math.max(ahead.last, event.revision)
        waiting.push(event)
      }
      if (ahead.places.size > 0) aheadOf.set(stream, ahead)
    },
    known,
    find: (id) =>
      rowsOf<readonly [number, number, number]>(byId.all(stored(id))).map((row) => ({
        stream: streamName(row[0]),
        revision: row[1],
        position: row[2],
      })),
    findIn: (id, stream) => {
      const ahead = aheadOf.get(stream)?.places.get(id)
      if (ahead !== undefined) return ahead
      const key = streamOf(stream)?.key
      if (key === undefined) return undefined
      const row = rowOf<readonly [number, number]>(byIdIn.get(stored(id), key))
      return row === undefined ? undefined : { stream, revision: row[0], position: row[1] }
    },
    notAfter: (position) => rowOf<readonly [number | null]>(below.get(position))?.[0] ?? undefined,
    after: (position) => rowOf<readonly [number | null]>(above.get(position))?.[0] ?? undefined,
    streams: (category, after, limit) => {
      const first = after === undefined
        ? -1
        : rowOf<readonly [number]>(firstOf.get(textIn(after)))?.[0]
      if (first === undefined) return []
      const rows = ofCategory.all(textIn(category), first, Math.max(0, limit))
      return rowsOf<readonly [string | Uint8Array]>(rows).map(([name]) => textOut(name))
    },
    clear: () => {
      inTransaction(() => {
        for (const table of ["event", "stream", "meta"]) db.prepare(`DELETE FROM ${table}`).run()
      })
      streams = cache()
      aheadOf.clear()
      waiting = []
      covered = -1
    },
    close: () => db.close(),
  }
}

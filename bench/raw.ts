/** The physical limits: `node:sqlite` alone, doing the least that any durable log must do. */
import { DatabaseSync } from "node:sqlite"
import { join } from "node:path"

const eventBytes = 140
/** A log reduced to the least: position, stream, revision, id and one blob. WAL, an fsync per commit. */
const openRaw = (directory: string) => {
  const db = new DatabaseSync(join(directory, `raw-${Math.random().toString(36).slice(2)}.db`))
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE event (position INTEGER PRIMARY KEY, stream INT, revision INT, id BLOB, body TEXT) STRICT;
    CREATE UNIQUE INDEX in_stream ON event (stream, revision);
    CREATE UNIQUE INDEX by_id ON event (id)`)
  const insert = db.prepare("INSERT INTO event (stream, revision, id, body) VALUES (?, ?, ?, ?)")
  return { db, insert }
}
const body = JSON.stringify({ person: "0".repeat(32), at: 1_795_000_000_000, warmth: 3, rest: "" })
  .padEnd(eventBytes, " ")

const ids = new Uint8Array(16)
let minted = 0
/** Grows with time, as version 7 UUIDs do. */
const nextId = () => {
  crypto.getRandomValues(ids)
  let n = ++minted
  for (let at = 5; at >= 0; at--) {
    ids[at] = n & 255
    n = Math.floor(n / 256)
  }
  return ids
}

/** Events per second in durable groups: `streams` streams take `each` events, round by round. */
export const insertRate = (directory: string, streams: number, each: number): number => {
  const { db, insert } = openRaw(directory)
  const started = performance.now()
  for (let revision = 0; revision < each; revision++) {
    db.exec("BEGIN")
    for (let stream = 0; stream < streams; stream++) insert.run(stream, revision, nextId(), body)
    db.exec("COMMIT")
  }
  const millis = performance.now() - started
  db.close()
  return streams * each / millis * 1000
}

/** Milliseconds of each of `count` single durable inserts. */
export const insertMillis = (directory: string, count: number): ReadonlyArray<number> => {
  const { db, insert } = openRaw(directory)
  const millis = Array.from({ length: count }, (_, n) => {
    const started = performance.now()
    insert.run(0, n, nextId(), body)
    return performance.now() - started
  })
  db.close()
  return millis
}

/** Bytes per event of the raw log after a checkpoint. */
export const rawBytes = (directory: string, streams: number, each: number): number => {
  const { db, insert } = openRaw(directory)
  db.exec("BEGIN")
  for (let revision = 0; revision < each; revision++) {
    for (let stream = 0; stream < streams; stream++) insert.run(stream, revision, nextId(), body)
  }
  db.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
  const size = db.prepare("PRAGMA page_count").get()?.["page_count"]
  db.close()
  return Number(size) * 4096 / (streams * each)
}

/** Reads a log of ours with nothing but SQLite and `JSON.parse`: milliseconds, and events read. */
export const scan = (
  file: string,
  from = 0,
): { readonly millis: number; readonly events: number } => {
  const db = new DatabaseSync(file, { readOnly: true })
  const started = performance.now()
  const rows = db.prepare("SELECT * FROM event WHERE position >= ? ORDER BY position").iterate(from)
  let events = 0
  let parsed: unknown
  for (const row of rows) {
    parsed = JSON.parse(String(row["data"]))
    events++
  }
  const millis = performance.now() - started
  db.close()
  if (events > 0 && parsed === undefined) throw new Error("Nothing was parsed")
  return { millis, events }
}

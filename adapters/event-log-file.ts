/**
 * Makes and opens the file of the SQLite event log. A file is looked at before SQLite may touch it:
 * opening somebody else's database, or one whose beginning is gone, must not change a byte of it.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs"
import { dirname } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { LogUnavailable } from "../actors/event-log.ts"
import { applicationId, prepare, rowOf, type Trouble } from "./sqlite.ts"

/** Pages of 4 KiB in the write-ahead log before they move into the file: fewer, longer pauses. */
const checkpointPages = 4000
const walBytesMax = 64 * 1024 * 1024
const cacheKiB = 64 * 1024
const formatVersion = 1

const schema = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE word (key INTEGER PRIMARY KEY, text NOT NULL UNIQUE);
  CREATE TABLE stream (key INTEGER PRIMARY KEY, category INTEGER NOT NULL, name NOT NULL UNIQUE);
  CREATE INDEX stream_by_category ON stream (category);
  CREATE TABLE event (
    position INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    id NOT NULL,
    packed NOT NULL,
    asks TEXT,
    data TEXT NOT NULL,
    UNIQUE (stream, revision),
    UNIQUE (id, stream)
  );`

export interface Options {
  /** Path of the file. Made where it does not exist. */
  readonly file: string
  /** `NORMAL` is 5-9 times faster for single commits; a power failure may lose the last of them. Default `FULL`. */
  readonly synchronous?: "FULL" | "NORMAL"
  /** The log does not grow beyond this: appends then fail as on a full disk. */
  readonly bytesMax?: number
  /** Id of the installation the log belongs to; a log of another one is refused. */
  readonly installation?: string
}

export type Unavailable = (reason: Trouble, cause?: unknown, message?: string) => LogUnavailable

export const unavailable = (file: string): Unavailable => {
  const advice: Record<Trouble, string> = {
    full: `No space left for the event log ${file}. Nothing was recorded. Free space and repeat.`,
    corrupt: `The event log ${file} is damaged. Nothing was changed. ` +
      "Keep a copy of the folder, then restore the last backup.",
    foreign: `${file} is not an event log of AIOS, or its beginning was overwritten. ` +
      "Nothing was changed. Choose another data directory, or restore the last backup.",
    owned: `The event log ${file} is in use by another program. End that program and repeat.`,
    failed: `The event log ${file} could not be used. Check the disk and permissions, then repeat.`,
  }
  return (reason, cause, message = advice[reason]) =>
    new LogUnavailable({
      reason,
      message,
      retryable: reason === "full" || reason === "owned" || reason === "failed",
      ...(cause === undefined ? {} : { cause }),
    })
}

const syncFolder = (folder: string) => {
  const descriptor = openSync(folder, "r")
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** A new log is made whole under another name, so one that is there but empty was truncated. */
const create = (file: string) => {
  const folder = dirname(file)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const draft = `${file}.new`
  for (const rest of ["", "-wal", "-shm", "-journal"]) rmSync(draft + rest, { force: true })
  const db = new DatabaseSync(draft)
  try {
    // The first statement is prepared, so that a full disk is told from other failures.
    db.prepare(`PRAGMA application_id = ${applicationId}`).run()
    db.exec(`PRAGMA user_version = ${formatVersion}; BEGIN; ${schema} COMMIT`)
    db.exec("PRAGMA journal_mode = WAL")
  } finally {
    db.close()
  }
  renameSync(draft, file)
  syncFolder(folder)
}

/** Reads the header as bytes. Throws where the file is not a whole log of ours. */
const inspect = (file: string, fail: Unavailable) => {
  const { size } = statSync(file)
  if (size === 0) throw fail("corrupt")
  const header = new Uint8Array(100)
  const descriptor = openSync(file, "r")
  try {
    readSync(descriptor, header, 0, header.length, 0)
  } finally {
    closeSync(descriptor)
  }
  const view = new DataView(header.buffer)
  const magic = new TextDecoder("latin1").decode(header.subarray(0, 16))
  if (magic !== "SQLite format 3\0" || view.getUint32(68) !== applicationId) throw fail("foreign")
  const version = view.getUint32(60)
  if (version !== formatVersion) {
    const message = `The event log ${file} has format ${version}; this AIOS knows format ` +
      `${formatVersion}. Nothing was changed. Use the version of AIOS that wrote it.`
    throw fail("foreign", undefined, message)
  }
  const wal = statSync(`${file}-wal`, { throwIfNoEntry: false })
  // While a write-ahead log waits, the file may be shorter than its header says.
  const whole = view.getUint16(16) * view.getUint32(28)
  if ((wal === undefined || wal.size === 0) && size < whole) throw fail("corrupt")
}

const belongsTo = (db: DatabaseSync, installation: string, file: string, fail: Unavailable) => {
  const row = db.prepare("SELECT value FROM meta WHERE name = 'installation'").get()
  if (row === undefined) {
    db.prepare("INSERT INTO meta VALUES ('installation', ?)").run(installation)
  } else if (row["value"] !== installation) {
    const message =
      `The event log ${file} belongs to another installation than the secret in its ` +
      "folder. Nothing was changed. Restore the whole folder from one backup."
    throw fail("foreign", undefined, message)
  }
}

export const open = (options: Options, fail: Unavailable): DatabaseSync => {
  const { file } = options
  if (!existsSync(file)) {
    if (existsSync(`${file}-wal`)) {
      const message = `${file} is missing, but ${file}-wal holds the end of it. Nothing was ` +
        "changed. Restore the file, or move the other one away to start afresh."
      throw fail("corrupt", undefined, message)
    }
    create(file)
  }
  inspect(file, fail)
  const db = new DatabaseSync(file)
  try {
    const pageBytes = rowOf<readonly [number]>(prepare(db, "PRAGMA page_size").get())?.[0] ?? 4096
    db.exec(`PRAGMA synchronous = ${options.synchronous ?? "FULL"};
      PRAGMA wal_autocheckpoint = ${checkpointPages}; PRAGMA journal_size_limit = ${walBytesMax};
      PRAGMA cache_size = -${cacheKiB}`)
    if (options.bytesMax !== undefined) {
      db.exec(`PRAGMA max_page_count = ${Math.ceil(options.bytesMax / pageBytes)}`)
    }
    if (options.installation !== undefined) belongsTo(db, options.installation, file, fail)
    return db
  } catch (cause) {
    db.close()
    throw cause
  }
}

/** The installation a log belongs to; undefined where there is no log or it does not say. */
export const installationOf = (file: string): string | undefined => {
  if (!existsSync(file)) return undefined
  inspect(file, unavailable(file))
  const db = new DatabaseSync(file)
  try {
    const row = db.prepare("SELECT value FROM meta WHERE name = 'installation'").get()
    return typeof row?.["value"] === "string" ? row["value"] : undefined
  } finally {
    db.close()
  }
}

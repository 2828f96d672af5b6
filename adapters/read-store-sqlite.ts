/**
 * Read models in an SQLite file of their own. Everything in it comes back from the log, so it trades
 * durability for speed: after a power cut the last commits may be missing, never half of one, and a
 * file that is damaged is deleted and made anew.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { Effect, Layer } from "effect"
import type { Json } from "../machines/agent.ts"
import { type Checkpoint, ReadStore, ReadStoreUnavailable } from "../projections/read-store.ts"
import { checksumOf } from "./read-store-memory.ts"

/** `AIOS` and the number of this file's layout; another number is deleted and rebuilt. */
const applicationId = 0x41494f53
const layout = 1
/** Pages of 4 KiB in the write-ahead log before they are moved: each move costs an fsync. */
const walPagesMax = 8_000
/** Kept in memory by SQLite: rows change all over a table. */
const cacheKibibytes = 32 * 1024
/** Prepared statements are kept per table and shape; beyond it all are dropped. */
const statementsMax = 500
/** SQLite's own numbers for a file that is damaged (11) or no database (26). */
const damaged = new Set([11, 26])
/** Greater than any character a key has after a prefix. */
const last = "\u{10ffff}"

const codeOf = (cause: unknown): number =>
  typeof cause === "object" && cause !== null && "errcode" in cause &&
    typeof cause.errcode === "number"
    ? cause.errcode & 0xff
    : cause instanceof Error && /malformed|not a database|disk image/.test(cause.message)
    ? 11
    : 0

const quoted = (table: string) => `"rows_${table.replaceAll('"', '""')}"`
const textOf = (value: unknown) => typeof value === "string" ? value : ""

/** Left beside the file when it proved damaged while in use: the next open makes it anew. */
const markOf = (file: string) => `${file}.damaged`

const remove = (file: string) => {
  for (const end of ["", "-wal", "-shm", ".damaged"]) rmSync(file + end, { force: true })
}

const prepareFile = (file: string): DatabaseSync => {
  const db = new DatabaseSync(file)
  try {
    db.exec("PRAGMA journal_mode=WAL")
    db.exec("PRAGMA synchronous=NORMAL")
    db.exec(`PRAGMA wal_autocheckpoint=${walPagesMax}`)
    db.exec(`PRAGMA cache_size=-${cacheKibibytes}`)
    const tables = db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"]
    const id = db.prepare("PRAGMA application_id").get()?.["application_id"]
    const version = db.prepare("PRAGMA user_version").get()?.["user_version"]
    if (tables !== 0 && (id !== applicationId || version !== layout)) {
      throw new Error("file is not a database of this layout")
    }
    db.exec(`PRAGMA application_id=${applicationId}`)
    db.exec(`PRAGMA user_version=${layout}`)
    db.exec(
      `CREATE TABLE IF NOT EXISTS checkpoints (
         name TEXT PRIMARY KEY, position INTEGER NOT NULL, id TEXT NOT NULL, events INTEGER NOT NULL
       ) STRICT, WITHOUT ROWID`,
    )
    db.prepare("SELECT * FROM checkpoints").all()
    return db
  } catch (cause) {
    db.close()
    throw cause
  }
}

const openFile = (file: string): DatabaseSync => {
  if (existsSync(markOf(file))) remove(file)
  try {
    return prepareFile(file)
  } catch (cause) {
    if (!damaged.has(codeOf(cause)) && !`${cause}`.includes("of this layout")) throw cause
    remove(file)
    return prepareFile(file)
  }
}

const makeStore = (file: string, db: DatabaseSync) => {
  const statements = new Map<string, StatementSync>()
  const known = new Set(
    db.prepare("SELECT name FROM checkpoints").all().map((row) => textOf(row["name"])),
  )
  const prepare = (sql: string): StatementSync => {
    let statement = statements.get(sql)
    if (statement === undefined) {
      if (statements.size >= statementsMax) statements.clear()
      statements.set(sql, statement = db.prepare(sql))
    }
    return statement
  }
  const attempt = <A>(what: () => A): A => {
    try {
      return what()
    } catch (cause) {
      const broken = damaged.has(codeOf(cause))
      if (broken) writeFileSync(markOf(file), "")
      throw new ReadStoreUnavailable({
        message: broken
          ? `${file} is damaged. Start AIOS again: it is made anew from the log`
          : `${file} cannot be used (${cause instanceof Error ? cause.message : cause}). ` +
            "Free disk space or delete the file: it is made anew from the log",
        cause,
      })
    }
  }
  const transaction = (what: () => void) =>
    attempt(() => {
      db.exec("BEGIN IMMEDIATE")
      try {
        what()
        db.exec("COMMIT")
      } catch (cause) {
        // A full disk may have rolled back already.
        if (db.isTransaction) db.exec("ROLLBACK")
        throw cause
      }
    })
  const makeTable = (table: string) =>
    db.exec(
      `CREATE TABLE IF NOT EXISTS ${quoted(table)} (
         key TEXT PRIMARY KEY, row TEXT NOT NULL
       ) STRICT, WITHOUT ROWID`,
    )
  const dropTable = (table: string) => {
    db.exec(`DROP TABLE IF EXISTS ${quoted(table)}`)
    prepare("DELETE FROM checkpoints WHERE name = ?").run(table)
  }
  const parse = (row: unknown): Json => JSON.parse(textOf(row))

  return ReadStore.of({
    checkpoint: (table) =>
      attempt((): Checkpoint | undefined => {
        const row = prepare("SELECT position, id, events FROM checkpoints WHERE name = ?")
          .get(table)
        return row && {
          position: Number(row["position"]),
          id: textOf(row["id"]),
          events: Number(row["events"]),
        }
      }),
    get: (table, key) => {
      if (!known.has(table)) return undefined
      return attempt(() => {
        const row = prepare(`SELECT row FROM ${quoted(table)} WHERE key = ?`).get(key)
        return row && parse(row["row"])
      })
    },
    scan: (table, options = {}) => {
      if (!known.has(table)) return []
      return attempt(() => {
        const where: Array<string> = []
        const values: Array<string | number> = []
        if (options.prefix !== undefined && options.prefix !== "") {
          where.push("key >= ?", "key < ?")
          values.push(options.prefix, options.prefix + last)
        }
        if (options.after !== undefined) where.push("key > ?"), values.push(options.after)
        if (options.before !== undefined) where.push("key < ?"), values.push(options.before)
        values.push(options.limit ?? -1)
        return prepare(
          `SELECT key, row FROM ${quoted(table)}` +
            (where.length === 0 ? "" : ` WHERE ${where.join(" AND ")}`) +
            ` ORDER BY key ${options.backwards === true ? "DESC" : "ASC"} LIMIT ?`,
        ).all(...values).map((row) => [textOf(row["key"]), parse(row["row"])] as const)
      })
    },
    commit: (table, checkpoint, rows) => {
      transaction(() => {
        if (!known.has(table)) makeTable(table)
        const put = prepare(
          `INSERT INTO ${quoted(table)} VALUES (?, ?)
             ON CONFLICT (key) DO UPDATE SET row = excluded.row`,
        )
        const remove = prepare(`DELETE FROM ${quoted(table)} WHERE key = ?`)
        for (const [key, row] of rows) {
          if (row === undefined) remove.run(key)
          else put.run(key, JSON.stringify(row))
        }
        prepare("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?)")
          .run(table, checkpoint.position, checkpoint.id, checkpoint.events)
      })
      known.add(table)
    },
    swap: (from, to) => {
      statements.clear()
      transaction(() => {
        dropTable(to)
        db.exec(`ALTER TABLE ${quoted(from)} RENAME TO ${quoted(to)}`)
        prepare("UPDATE checkpoints SET name = ? WHERE name = ?").run(to, from)
      })
      known.delete(from)
      known.add(to)
    },
    drop: (table) => {
      statements.clear()
      transaction(() => dropTable(table))
      known.delete(table)
    },
    tables: () => [...known].sort(),
    checksum: (table) =>
      attempt(() => {
        if (!known.has(table)) return checksumOf([])
        // Not `prepare`: a statement that is being iterated must not be shared.
        const all = db.prepare(`SELECT key, row FROM ${quoted(table)} ORDER BY key`)
        return checksumOf(function* () {
          for (const row of all.iterate()) yield [textOf(row["key"]), textOf(row["row"])] as const
        }())
      }),
  })
}

/** Read models in `file`, made where it is missing. Fails where the folder cannot be written. */
export const layer = (file: string) =>
  Layer.effect(
    ReadStore,
    Effect.acquireRelease(
      Effect.try({
        try: () => openFile(file),
        catch: (cause) =>
          new ReadStoreUnavailable({
            message: `${file} cannot be opened (${
              cause instanceof Error ? cause.message : cause
            }). Check that its folder exists and can be written`,
            cause,
          }),
      }),
      (db) => Effect.sync(() => db.close()),
    ).pipe(Effect.map((db) => makeStore(file, db))),
  )

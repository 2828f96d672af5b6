/**
 * Passages in an SQLite file of their own: their words in an FTS5 index (BM25), the vectors made of them
 * as BLOBs. The words are folded and stemmed before they go in (`passage-words.ts`), so questions never
 * reach FTS5's own syntax. All of it comes back from the log: a damaged file is deleted and made anew.
 */
import { chmodSync, closeSync, existsSync, openSync, rmSync } from "node:fs"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { Effect, Layer } from "effect"
import type { MemoryKind } from "../projections/memory-items.ts"
import {
  type Passage,
  PassageIndex,
  PassageIndexUnavailable,
} from "../projections/passage-index.ts"
import { beginningIn, termsIn, termsOfQuestion } from "../projections/passage-words.ts"
import { codeOf, prepare, rowOf, rowsOf, transaction } from "./sqlite.ts"

/** `AIOS`, and the number of this file's layout: another one is made anew. Raise it when words are folded otherwise. */
const applicationId = 0x41494f53
const layout = 1
const cacheKibibytes = 32 * 1024
/** Values of one statement. */
const valuesMax = 500
/** SQLite's own numbers for a file that is damaged (11) or no database (26). */
const damaged = new Set([11, 26])

const remove = (file: string) => {
  for (const end of ["", "-wal", "-shm"]) rmSync(file + end, { force: true })
}

const openFile = (file: string): DatabaseSync => {
  if (file !== ":memory:" && !existsSync(file)) closeSync(openSync(file, "a", 0o600))
  const db = new DatabaseSync(file)
  try {
    if (file !== ":memory:") chmodSync(file, 0o600)
    db.exec("PRAGMA journal_mode=WAL")
    db.exec("PRAGMA synchronous=NORMAL")
    db.exec(`PRAGMA cache_size=-${cacheKibibytes}`)
    const one = (sql: string) => rowOf<[number]>(prepare(db, sql).get())?.[0]
    const tables = one("SELECT count(*) FROM sqlite_schema")
    const isOurs = one("PRAGMA application_id") === applicationId &&
      one("PRAGMA user_version") === layout
    if (tables !== 0 && !isOurs) throw new AnotherLayout(`${file} is of another layout`)
    db.exec(`PRAGMA application_id=${applicationId}`)
    db.exec(`PRAGMA user_version=${layout}`)
    db.exec(`
      CREATE TABLE IF NOT EXISTS passages (
        row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, item TEXT NOT NULL, text TEXT NOT NULL,
        kind TEXT NOT NULL, person TEXT, at INTEGER NOT NULL, position INTEGER NOT NULL, hash TEXT NOT NULL
      ) STRICT;
      CREATE INDEX IF NOT EXISTS passages_item ON passages (item);
      CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
        text, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2'
      );
      CREATE TABLE IF NOT EXISTS vectors (
        model TEXT NOT NULL, hash TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (model, hash)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    `)
    prepare(db, "SELECT * FROM notes LIMIT 1").all()
    return db
  } catch (cause) {
    db.close()
    throw cause
  }
}

class AnotherLayout extends Error {}

const isDamaged = (cause: unknown) =>
  cause instanceof AnotherLayout || damaged.has(codeOf(cause) & 0xff) ||
  (cause instanceof Error && /malformed|not a database|disk image/.test(cause.message))

const checkpointKey = "~checkpoint"

type PassageRow = [string, string, string, string, string | null, number, number, string]
const columns = "id, item, text, kind, person, at, position, hash"

const kinds: ReadonlyArray<MemoryKind> = ["person", "product", "campaign", "task"]
const passageOf = ([id, item, text, kind, person, at, position, hash]: PassageRow): Passage => ({
  id,
  item,
  text,
  kind: kinds.find((one) => one === kind) ?? "task",
  ...(person === null ? {} : { person }),
  at,
  position,
  hash,
})

const quoted = (term: string) => `"${term.replaceAll('"', '""')}"`

/** Any of the words; the last one may be the beginning of one. */
const matchOf = (question: string): string | undefined => {
  const beginning = beginningIn(question)
  const words = [
    ...termsOfQuestion(question).map(quoted),
    ...(beginning === undefined ? [] : [`${quoted(beginning)} *`]),
  ]
  return words.length === 0 ? undefined : words.join(" OR ")
}

const parts = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from(
    { length: Math.ceil(all.length / valuesMax) },
    (_, n) => all.slice(n * valuesMax, (n + 1) * valuesMax),
  )

const blobOf = (vector: Float32Array) =>
  new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
const vectorOf = (blob: Uint8Array) => new Float32Array(blob.slice().buffer)

/** All that is done with one open file. Throws what SQLite throws. */
const workOn = (db: DatabaseSync) => {
  const statements = new Map<string, StatementSync>()
  const statement = (sql: string): StatementSync => {
    const known = statements.get(sql) ?? prepare(db, sql)
    statements.set(sql, known)
    return known
  }
  const inTransaction = transaction(db)
  const places = (n: number) => Array.from({ length: n }, () => "?").join(", ")

  const dropRow = (row: number) => {
    statement("DELETE FROM words WHERE rowid = ?").run(row)
    statement("DELETE FROM passages WHERE row = ?").run(row)
  }
  const note = (key: string): string | undefined =>
    rowOf<[string]>(statement("SELECT value FROM notes WHERE key = ?").get(key))?.[0]
  const setNote = (key: string, value: string | undefined) => {
    if (value === undefined) statement("DELETE FROM notes WHERE key = ?").run(key)
    else statement("INSERT OR REPLACE INTO notes (key, value) VALUES (?, ?)").run(key, value)
  }

  const put = ({ at, hash, id, item, kind, person, position, text }: Passage) => {
    const known = rowOf<[number]>(statement("SELECT row FROM passages WHERE id = ?").get(id))
    if (known !== undefined) dropRow(known[0])
    const { lastInsertRowid } = statement(
      `INSERT INTO passages (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(id, item, text, kind, person ?? null, at, position, hash)
    statement("INSERT INTO words (rowid, text) VALUES (?, ?)")
      .run(lastInsertRowid, termsIn(text).join(" "))
  }

  return {
    checkpoint: () => {
      const kept = note(checkpointKey)
      const space = kept?.indexOf(" ") ?? -1
      return kept === undefined
        ? undefined
        : { position: Number(kept.slice(0, space)), id: kept.slice(space + 1) }
    },
    apply: (change: Parameters<PassageIndex["Service"]["apply"]>[0]) =>
      inTransaction(() => {
        for (const item of change.drop) {
          const rows = statement("SELECT row FROM passages WHERE item = ?").all(item)
          for (const [row] of rowsOf<[number]>(rows)) dropRow(row)
        }
        for (const passage of change.put) put(passage)
        setNote(checkpointKey, `${change.checkpoint.position} ${change.checkpoint.id}`)
      }),
    search: (
      { limit, person, positionMax, words }: Parameters<PassageIndex["Service"]["search"]>[0],
    ) => {
      const match = matchOf(words)
      if (match === undefined || limit <= 0) return []
      const filters = [
        ...(person === undefined ? [] : ["passages.person = ?"]),
        ...(positionMax === undefined ? [] : ["passages.position <= ?"]),
      ]
      const values = [
        ...(person === undefined ? [] : [person]),
        ...(positionMax === undefined ? [] : [positionMax]),
      ]
      const found = statement(
        filters.length === 0
          // The best rows first, then what they are: BM25 is worked out without touching the texts.
          ? `SELECT passages.id, best.rank FROM (
               SELECT rowid, rank FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?
             ) AS best JOIN passages ON passages.row = best.rowid ORDER BY best.rank`
          : `SELECT passages.id, words.rank FROM words JOIN passages ON passages.row = words.rowid
             WHERE words MATCH ? AND ${filters.join(" AND ")} ORDER BY words.rank LIMIT ?`,
      ).all(match, ...values, limit)
      return rowsOf<[string, number]>(found).map(([id, rank]) => ({ id, score: -rank }))
    },
    get: (ids: ReadonlyArray<string>) =>
      parts(ids).flatMap((some) => {
        const rows = statement(
          `SELECT ${columns} FROM passages WHERE id IN (${places(some.length)})`,
        )
          .all(...some)
        return rowsOf<PassageRow>(rows).map(passageOf)
      }),
    passagesOf: (items: ReadonlyArray<string>) =>
      parts(items).flatMap((some) => {
        const rows = statement(
          `SELECT ${columns} FROM passages WHERE item IN (${places(some.length)}) ORDER BY row`,
        ).all(...some)
        return rowsOf<PassageRow>(rows).map(passageOf)
      }),
    count: () => rowOf<[number]>(statement("SELECT count(*) FROM passages").get())?.[0] ?? 0,
    vectors: (model: string, hashes: ReadonlyArray<string>) =>
      new Map(
        parts(hashes).flatMap((some) => {
          const rows = statement(
            `SELECT hash, vector FROM vectors WHERE model = ? AND hash IN (${places(some.length)})`,
          ).all(model, ...some)
          return rowsOf<[string, Uint8Array]>(rows)
            .map(([hash, vector]) => [hash, vectorOf(vector)] as const)
        }),
      ),
    keepVectors: (model: string, vectors: ReadonlyMap<string, Float32Array>) =>
      inTransaction(() => {
        const keep = statement(
          "INSERT OR REPLACE INTO vectors (model, hash, vector) VALUES (?, ?, ?)",
        )
        for (const [hash, vector] of vectors) keep.run(model, hash, blobOf(vector))
      }),
    note,
    setNote,
    clear: () =>
      inTransaction(() => {
        statement("DELETE FROM words").run()
        statement("DELETE FROM passages").run()
        statement("DELETE FROM notes").run()
      }),
  }
}

/** `anew`: what was there could not be used. */
const opened = (file: string): { readonly db: DatabaseSync; readonly anew: boolean } => {
  try {
    return { db: openFile(file), anew: false }
  } catch (cause) {
    if (!isDamaged(cause)) throw cause
    remove(file)
    return { db: openFile(file), anew: true }
  }
}

const messageOf = (cause: unknown) => cause instanceof Error ? cause.message : `${cause}`

/** `file` may be `:memory:`. Whoever cannot open it has no index: recall then reads the log. */
export const layer = (file: string): Layer.Layer<PassageIndex, PassageIndexUnavailable> =>
  Layer.effect(
    PassageIndex,
    Effect.gen(function* () {
      const start = yield* Effect.try({
        try: () => opened(file),
        catch: (cause) =>
          new PassageIndexUnavailable({
            message: `${file} cannot be opened (${messageOf(cause)}). ` +
              "Free disk space or delete the file: it is made anew from the log",
            anew: false,
            cause,
          }),
      })
      let { db } = start
      yield* Effect.addFinalizer(() => Effect.sync(() => db.close()))
      if (start.anew) {
        yield* Effect.logWarning(
          `${file} was damaged or of another version: it is made anew from the log`,
        )
      }
      let work = workOn(db)
      const attempt = <A>(what: (on: typeof work) => A): A => {
        try {
          return what(work)
        } catch (cause) {
          const broken = isDamaged(cause)
          if (broken) {
            db.close()
            remove(file)
            db = openFile(file)
            work = workOn(db)
          }
          throw new PassageIndexUnavailable({
            message: broken
              ? `${file} was damaged and is made anew from the log`
              : `${file} cannot be used (${messageOf(cause)}). ` +
                "Free disk space or delete the file: it is made anew from the log",
            anew: broken,
            cause,
          })
        }
      }
      return PassageIndex.of({
        checkpoint: () => attempt((on) => on.checkpoint()),
        apply: (change) => attempt((on) => on.apply(change)),
        search: (query) => attempt((on) => on.search(query)),
        get: (ids) => attempt((on) => on.get(ids)),
        passagesOf: (items) => attempt((on) => on.passagesOf(items)),
        count: () => attempt((on) => on.count()),
        vectors: (model, hashes) => attempt((on) => on.vectors(model, hashes)),
        keepVectors: (model, vectors) => attempt((on) => on.keepVectors(model, vectors)),
        note: (key) => attempt((on) => on.note(key)),
        setNote: (key, value) => attempt((on) => on.setNote(key, value)),
        clear: () => attempt((on) => on.clear()),
      })
    }),
  )

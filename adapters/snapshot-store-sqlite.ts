/**
 * Snapshots in `cache.db`, written without waiting for the disk. Nothing here is worth an error: a file
 * that cannot be used is deleted and made anew, and what it held is folded from the log again.
 */
import { mkdirSync, rmSync } from "node:fs"
import { dirname } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Effect, Layer } from "effect"
import { SnapshotStore, type StoredSnapshot } from "../actors/snapshot-store.ts"
import { prepare, rowOf, transaction } from "./sqlite.ts"

/** After this many failures in a row the cache is left alone until the next start. */
const failuresMax = 3

const schema = `PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
  CREATE TABLE IF NOT EXISTS snapshot (
    stream TEXT PRIMARY KEY, revision INTEGER NOT NULL, chart TEXT NOT NULL, text TEXT NOT NULL
  ) WITHOUT ROWID`

interface Cache {
  get(stream: string): StoredSnapshot | undefined
  put(entries: ReadonlyArray<readonly [stream: string, snapshot: StoredSnapshot]>): void
  close(): void
}

const open = (file: string): Cache => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const db = new DatabaseSync(file)
  try {
    db.exec(schema)
    const select = prepare(db, "SELECT revision, chart, text FROM snapshot WHERE stream = ?")
    const replace = prepare(db, "INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?)")
    const inTransaction = transaction(db)
    return {
      get: (stream) => {
        const row = rowOf<readonly [number, string, string]>(select.get(stream))
        return row && { revision: row[0], chartHash: row[1], text: row[2] }
      },
      put: (entries) =>
        inTransaction(() => {
          for (const [stream, { revision, chartHash, text }] of entries) {
            replace.run(stream, revision, chartHash, text)
          }
        }),
      close: () => db.close(),
    }
  } catch (cause) {
    db.close()
    throw cause
  }
}

export interface Options {
  readonly file: string
}

export const layer = ({ file }: Options): Layer.Layer<SnapshotStore> =>
  Layer.effect(
    SnapshotStore,
    Effect.gen(function* () {
      let cache: Cache | undefined
      let failures = 0
      const drop = () => {
        const broken = cache
        cache = undefined
        try {
          broken?.close()
        } finally {
          for (const rest of ["", "-wal", "-shm", "-journal"]) rmSync(file + rest, { force: true })
        }
      }
      /** Runs `use`; on a failure once more on a new file, then goes without. */
      const attempt = <A>(use: (cache: Cache) => A): A | undefined => {
        while (failures < failuresMax) {
          try {
            cache ??= open(file)
            const result = use(cache)
            failures = 0
            return result
          } catch {
            failures++
            try {
              drop()
            } catch {
              // Not even deletable: the next round counts it.
            }
          }
        }
        return undefined
      }
      yield* Effect.addFinalizer(() => Effect.sync(() => cache?.close()))
      return {
        get: (stream) => Effect.sync(() => attempt((open) => open.get(stream))),
        put: (entries) => Effect.sync(() => attempt((open) => open.put(entries))),
      }
    }),
  )

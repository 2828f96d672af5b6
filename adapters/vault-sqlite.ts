/**
 * The vault's keys in `keys.db`, one row per key, fsynced by `flush`. Several processes may have it open:
 * two that make a key for one subject at one time have two, and both open what either sealed. A
 * destroyed key keeps its row with no key in it, so its id is never used again. A worker's folder on
 * another machine has copies of what the control keeps. Where `keys.db` was lost, old envelopes stay
 * closed and `statusOf` tells: new keys are never made for old envelopes.
 */
import { chmodSync, existsSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Effect, Layer } from "effect"
import { toldOnce } from "../actors/told-once.ts"
import { Vault, VaultUnavailable } from "../actors/vault.ts"
import * as installation from "./installation.ts"
import {
  applicationId,
  isFailureOfStorage,
  prepare,
  rowOf,
  transaction,
  troubleOf,
} from "./sqlite.ts"
import { attempt, fromStore, type KeyDesk, type KeyStore, type SubjectKey } from "./vault-crypto.ts"

const formatVersion = 1
/** Several processes share the keys (workers): who saves waits for who saves. */
const busyMillisMax = 10_000
/** Keys that are asked for at once. */
const reconciledKeys = 1_000
const lookMillis = 60_000
const schema = `
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS subject_key (
    place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, key BLOB);
  CREATE INDEX IF NOT EXISTS subject_key_by_subject ON subject_key (subject);`

/** Whoever keeps the keys. */
export interface Keeper extends KeyDesk {
  /** `Vault.life` of the vault that answered last. */
  readonly life: () => string
}

export interface Options {
  readonly directory: string
  /** Where the keys are kept, if the folder is to hold copies only. */
  readonly copiesOf?: Keeper
}

const fileIn = (directory: string) => join(directory, "keys.db")

const unavailable = (file: string, cause: unknown): VaultUnavailable => {
  if (cause instanceof VaultUnavailable) return cause
  const reason = troubleOf(cause, file)
  const advice = {
    full: "No space is left. Free space and repeat.",
    corrupt: "The file is damaged. Keep a copy, then restore it from the last backup.",
    foreign: "The file does not hold keys of AIOS. Restore it from the last backup.",
    owned: "Another program uses the file. End that program and repeat.",
    failed: "Check the disk and the permissions, then repeat.",
  }
  return new VaultUnavailable({
    message: `The keys in ${file} cannot be used. ${advice[reason]}`,
    cause,
  })
}

const guard = (file: string) => <A>(f: () => A): A => {
  try {
    return f()
  } catch (cause) {
    if (cause instanceof VaultUnavailable || isFailureOfStorage(cause)) {
      throw unavailable(file, cause)
    }
    throw cause
  }
}

const copiesOnly = (directory: string) =>
  new VaultUnavailable({
    reason: "configuration",
    message:
      `${directory} is that of workers, with copies of keys. Run this on the control's own data ` +
      "directory; or, if it is aios work, set AIOS_CONTROL to where the control answers.",
  })

const openFile = (directory: string, id: string, isCopy: boolean): DatabaseSync => {
  const file = fileIn(directory)
  const isNew = !existsSync(file)
  const db = new DatabaseSync(file)
  try {
    db.prepare(`PRAGMA busy_timeout = ${busyMillisMax}`).get()
    const mark = rowOf<readonly [number]>(prepare(db, "PRAGMA application_id").get())?.[0]
    const tables = rowOf<readonly [number]>(
      prepare(db, "SELECT count(*) FROM sqlite_master").get(),
    )?.[0]
    if (isNew) chmodSync(file, 0o600)
    else if (mark !== applicationId && (mark !== 0 || tables !== 0)) {
      throw new VaultUnavailable({
        message:
          `${file} does not hold keys of AIOS. Nothing was changed. Restore it from a backup.`,
      })
    }
    // A key that was destroyed is overwritten, not only forgotten.
    db.exec("PRAGMA secure_delete = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    const meta = (name: string) =>
      db.prepare("SELECT value FROM meta WHERE name = ?").get(name)?.["value"]
    if (mark !== applicationId) {
      // Keys are opened before the log is made: with a log already there, these are not its first.
      const remade = ["log.db", "log-elsewhere.json"].some((name) =>
        existsSync(join(directory, name))
      )
      db.exec(`BEGIN IMMEDIATE; ${schema}
        PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${formatVersion};
        INSERT OR REPLACE INTO meta VALUES ('installation', '${id}');
        ${remade ? "INSERT OR REPLACE INTO meta VALUES ('remade', 'yes');" : ""}
        ${isCopy ? "INSERT OR REPLACE INTO meta VALUES ('copies', 'yes');" : ""} COMMIT`)
    } else if (meta("installation") !== id) {
      throw new VaultUnavailable({
        message: `${file} belongs to another installation than ${join(directory, "secret")}. ` +
          "Nothing was changed. Restore the whole folder from one backup.",
      })
    } else if ((meta("copies") !== undefined) !== isCopy) {
      throw isCopy
        ? new VaultUnavailable({
          reason: "configuration",
          message:
            `${directory} is the data directory of a control: its keys are here. Unset AIOS_CONTROL; or ` +
            "give the worker a data directory of its own, with a copy of the file secret.",
        })
        : copiesOnly(directory)
    }
    return db
  } catch (cause) {
    db.close()
    throw cause
  }
}

type KeyRow = readonly [id: string, subject: string, key: Uint8Array | null]

const makeStore = (db: DatabaseSync, file: string): KeyStore => {
  const guarded = guard(file)
  const newest = prepare(
    db,
    `SELECT id, subject, key FROM subject_key WHERE subject = ? AND key IS NOT NULL
      ORDER BY place DESC LIMIT 1`,
  )
  const byId = prepare(db, "SELECT id, subject, key FROM subject_key WHERE id = ?")
  const insert = prepare(
    db,
    `INSERT INTO subject_key (id, subject, key) VALUES (?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET key = NULL WHERE excluded.key IS NULL`,
  )
  const inTransaction = transaction(db)
  const toKey = (row: unknown): SubjectKey | undefined => {
    const found = rowOf<KeyRow>(row)
    return found && { id: found[0], subject: found[1], key: found[2] ?? undefined }
  }
  return {
    current: (subject) => guarded(() => toKey(newest.get(subject))),
    byId: (id) => guarded(() => toKey(byId.get(id))),
    save: (keys) =>
      attempt(() =>
        guarded(() => {
          inTransaction(() => {
            for (const { id, subject, key } of keys) insert.run(id, subject, key ?? null)
          })
          // Else it stays in the write-ahead log until that is full.
          if (keys.some(({ key }) => key === undefined)) {
            db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()
          }
        })
      ),
  }
}

export interface Status {
  readonly keys: number
  readonly destroyed: number
  /** The keys were lost once: what was sealed before cannot be opened until `keys.db` is restored. */
  readonly remade: boolean
  /** They are copies of those that a control elsewhere keeps. */
  readonly copies: boolean
}

/** For a health check; undefined where there are no keys yet. Throws `VaultUnavailable`. */
export const statusOf = (directory: string): Status | undefined => {
  const file = fileIn(directory)
  if (!existsSync(file)) return undefined
  return guard(file)(() => {
    const db = new DatabaseSync(file)
    try {
      // Whoever made the file may have been killed before there was anything in it.
      const isBegun = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'subject_key'").get()
      if (isBegun === undefined) return undefined
      const row = db.prepare(`SELECT count(*) AS keys, count(*) - count(key) AS destroyed,
        (SELECT count(*) FROM meta WHERE name = 'remade') AS remade,
        (SELECT count(*) FROM meta WHERE name = 'copies') AS copies FROM subject_key`).get()
      return {
        keys: Number(row?.["keys"]),
        destroyed: Number(row?.["destroyed"]),
        remade: Number(row?.["remade"]) > 0,
        copies: Number(row?.["copies"]) > 0,
      }
    } finally {
      db.close()
    }
  })
}

/** Refuses a folder of workers, before anything is looked for that a control's would have. */
export const refuseCopies = (directory: string): Effect.Effect<void, VaultUnavailable> =>
  Effect.flatMap(
    attempt(() => statusOf(directory)),
    (status) => status?.copies === true ? Effect.fail(copiesOnly(directory)) : Effect.void,
  )

/**
 * Copies and the keys that they are of, made one again: what was destroyed there is destroyed here, too, and what is
 * not there any more (it was restored from a backup) it gets back.
 */
const reconcile = Effect.fnUntraced(function* (
  db: DatabaseSync,
  vault: Vault["Service"],
  kept: KeyDesk,
) {
  const page = prepare(db, "SELECT id FROM subject_key WHERE id > ? ORDER BY id LIMIT ?")
  for (let after = "";;) {
    const ids = page.all(after, reconciledKeys).map((row) => rowOf<readonly [string]>(row)![0])
    const theirs = yield* kept.lend(ids)
    yield* vault.take(theirs.filter(({ key }) => key === null))
    const known = new Set(theirs.map(({ id }) => id))
    const gone = yield* vault.lend(ids.filter((id) => !known.has(id)))
    if (gone.length > 0) yield* kept.take(gone.filter(({ key }) => key !== null))
    if (ids.length < reconciledKeys) return
    after = ids.at(-1)!
  }
})

/** A vault over copies. Whoever keeps the keys is looked at once a minute: another may have taken its place. */
const ofCopies = Effect.fnUntraced(function* (
  db: DatabaseSync,
  file: string,
  own: installation.Installation,
  kept: Keeper,
) {
  let known = ""
  const again = Effect.suspend(() =>
    Effect.andThen(
      reconcile(db, vault, kept),
      Effect.sync(() => {
        known = kept.life()
      }),
    )
  )
  const reconciled: Effect.Effect<void, VaultUnavailable> = Effect.suspend(() =>
    kept.life() === known ? Effect.void : again
  )
  const told = toldOnce("Keys come from the control again.")
  const telling = (exchange: Effect.Effect<void, VaultUnavailable>) =>
    exchange.pipe(
      Effect.tap(() => told.well),
      Effect.tapError(({ message }) =>
        told.trouble(`What needs keys of the control waits: ${message}`)
      ),
    )
  const vault = fromStore(makeStore(db, file), own, {
    lend: (ids) => Effect.tap(kept.lend(ids), () => reconciled),
    take: (keys) => Effect.andThen(kept.take(keys), reconciled),
    telling,
  })
  const look = telling(Effect.andThen(kept.lend([]), reconciled))
  yield* again
  yield* Effect.forkScoped(
    Effect.forever(Effect.andThen(Effect.sleep(lookMillis), Effect.ignore(look))),
  )
  return vault
})

/** Open it before the log, and under the directory's lock. */
export const layer = ({ copiesOf, directory }: Options): Layer.Layer<Vault, VaultUnavailable> =>
  Layer.effect(
    Vault,
    Effect.gen(function* () {
      const own = yield* installation.open(directory)
      const file = fileIn(directory)
      const db = yield* Effect.acquireRelease(
        Effect.try({
          try: () => guard(file)(() => openFile(directory, own.id, copiesOf !== undefined)),
          catch: (cause) => unavailable(file, cause),
        }),
        (db) => Effect.sync(() => db.close()),
      )
      return copiesOf === undefined
        ? fromStore(makeStore(db, file), own)
        : yield* ofCopies(db, file, own, copiesOf)
    }),
  )

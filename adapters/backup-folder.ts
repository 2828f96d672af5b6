/**
 * Copies a data directory while it is in use. The log comes first, as it was at one position; everything
 * it names (keys, blobs, mails, entries) was on disk before the event that names it, so what is copied
 * afterwards has all of it, and perhaps a little more. Files that SQLite has open are copied by SQLite:
 * to open and close them otherwise would drop the locks of this process.
 */
import { Effect, Layer } from "effect"
import { createHash, randomUUID } from "node:crypto"
import {
  chmodSync,
  copyFileSync,
  createReadStream,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { backup, DatabaseSync } from "node:sqlite"
import { EventLog, LogUnavailable } from "../actors/event-log.ts"
import { type BackupCopy, OperationFailed, type Progress } from "../projections/aios.ts"
import { failureOf } from "../projections/aios-failures.ts"
import { Backups } from "../projections/backups.ts"
import * as sqliteLog from "./event-log-sqlite.ts"
import * as installation from "./installation.ts"
import { copyLog } from "./log-copy.ts"
import { isFailureOfStorage, prepare, rowOf, troubleOf } from "./sqlite.ts"

/** Files that are one number, one secret: copied as they are. What is made anew from the log is left out. */
export const smallFiles = ["secret", "token"]
/**
 * Folders that are copied with all files in them. Memory's own (`chroma`, `models`, `helpers`, the file
 * `memory.db`) are none of them: what is in them is made again.
 */
export const folders = ["blobs", "outbox", "payments", "crm", "published", "archive"]
/** Files in them are replaced, never changed. */
const constantFolders = new Set(["blobs", "archive"])
/** A copy that a crash left is removed by the next backup after this time. */
const leftoverMillis = 24 * 60 * 60 * 1000
const stepPages = 4_096
const prefix = "backup-"

const failed = (directory: string) => (cause: unknown) => {
  if (cause instanceof OperationFailed) return cause
  if (cause instanceof LogUnavailable && cause.reason !== "full") return failureOf(cause)
  const full = isFailureOfStorage(cause) && troubleOf(cause, join(directory, "log.db")) === "full"
  return new OperationFailed({
    kind: full ? "later" : "failed",
    error: full ? "DiskFull" : "BackupFailed",
    message: full
      ? `No space left in ${directory} for the copy that a backup is made of; nothing is left of it. ` +
        "Free space and repeat."
      : `The data directory ${directory} could not be copied (${
        cause instanceof Error ? cause.message : String(cause)
      }). Check the disk and the permissions, then repeat.`,
  })
}

/** Copies an SQLite file as it is at one moment; gives what `look` saw at that moment. */
const copyDatabase = async <A>(
  from: string,
  to: string,
  look: (db: DatabaseSync) => A,
  step: (done: number, total: number) => void,
): Promise<A> => {
  const db = new DatabaseSync(from, { readOnly: true })
  try {
    // A read transaction pins the moment: writers go on, and the copy never begins again.
    prepare(db, "BEGIN").run()
    const seen = look(db)
    const pageBytes = rowOf<readonly [number]>(prepare(db, "PRAGMA page_size").get())?.[0] ?? 0
    await backup(db, to, {
      rate: stepPages,
      progress: ({ remainingPages, totalPages }) =>
        step((totalPages - remainingPages) * pageBytes, totalPages * pageBytes),
    })
    prepare(db, "COMMIT").run()
    chmodSync(to, 0o600)
    return seen
  } finally {
    db.close()
  }
}

/** Every plain file below, by its path from `root`. Links and what is half written are left out. */
const filesBelow = (root: string, folder: string): ReadonlyArray<string> => {
  const at = join(root, folder)
  if (!existsSync(at) || !lstatSync(at).isDirectory()) return []
  return readdirSync(at, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return filesBelow(root, path)
    // Half written, or a lock that nobody needs in a copy.
    const unfinished = entry.name.startsWith(".") && /\.(tmp|lock)$/.test(entry.name) ||
      folder.startsWith("blobs/") && entry.name.endsWith(".new")
    return entry.isFile() && !unfinished ? [path] : []
  })
}

const codeOf = (cause: unknown) =>
  typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined

/** Some files never change, so a second name is a copy; where links are not possible it is a real one. */
const take = (from: string, to: string, constant: boolean): boolean => {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 })
  if (constant) {
    try {
      linkSync(from, to)
      return true
    } catch {
      // Another file system, or one without links.
    }
  }
  try {
    copyFileSync(from, to)
    chmodSync(to, 0o600)
    return true
  } catch (cause) {
    // The founder may move a mail away at any time.
    if (codeOf(cause) === "ENOENT") return false
    throw cause
  }
}

export const hashOf = async (
  path: string,
  read: (bytes: number) => void = () => {},
): Promise<string> => {
  const hash = createHash("sha256")
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    hash.update(chunk)
    read(chunk.length)
  }
  return hash.digest("hex")
}

const removeLeftovers = (directory: string, now: number) => {
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(prefix)) continue
    const path = join(directory, name)
    const found = lstatSync(path)
    if (found.isDirectory() && now - found.mtimeMs > leftoverMillis) {
      rmSync(path, { recursive: true, force: true })
    }
  }
}

const saying = (progress: Progress, what: string) => (done: number, total: number) =>
  progress({ what, done, total })

/** Copies the log as it is now; gives its last position in the copy. */
type CopyLog = (file: string, progress: Progress) => Promise<number>

const copyLogHere = (directory: string): CopyLog => (file, progress) =>
  copyDatabase(
    join(directory, "log.db"),
    file,
    (db) =>
      rowOf<readonly [number | null]>(prepare(db, "SELECT max(position) FROM event").get())?.[0] ??
        -1,
    saying(progress, "copying the log"),
  )

/**
 * A backup is whole by itself wherever the log is: one that is elsewhere is copied, event by event, into a
 * file as a data directory has it. Positions are counted anew in it, and whose it is, it says itself.
 */
const copyLogElsewhere =
  (directory: string, log: EventLog["Service"]): CopyLog => async (file, progress) => {
    const { id } = await Effect.runPromise(installation.open(directory))
    const copy = Effect.gen(function* () {
      const target = yield* EventLog
      yield* copyLog(log, target, { keepsOrder: true, progress })
      return yield* target.head
    }).pipe(
      Effect.provide(sqliteLog.layer({ file, installation: id, synchronous: "NORMAL" })),
      Effect.scoped,
    )
    return await Effect.runPromise(copy)
  }

const copyAll = async (
  directory: string,
  folder: string,
  at: number,
  copyLog: CopyLog,
  progress: Progress,
): Promise<BackupCopy> => {
  mkdirSync(folder, { mode: 0o700 })
  const head = await copyLog(join(folder, "log.db"), progress)
  if (existsSync(join(directory, "keys.db"))) {
    await copyDatabase(
      join(directory, "keys.db"),
      join(folder, "keys.db"),
      () => {},
      saying(progress, "copying the keys"),
    )
  }
  const paths = ["log.db", "keys.db", ...smallFiles]
  for (const name of smallFiles) {
    if (existsSync(join(directory, name))) take(join(directory, name), join(folder, name), false)
  }
  for (const one of folders) {
    for (const path of filesBelow(directory, one)) {
      if (take(join(directory, path), join(folder, path), constantFolders.has(one))) {
        paths.push(path)
      }
    }
  }
  const there = paths.filter((path) => existsSync(join(folder, path)))
  const sizes = there.map((path) => statSync(join(folder, path)).size)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const files: Array<BackupCopy["files"][number]> = []
  let done = 0
  for (const [n, path] of there.entries()) {
    const sha256 = await hashOf(join(folder, path), (bytes) => {
      done += bytes
      progress({ what: "hashing", done, total })
    })
    files.push({ path, bytes: sizes[n] ?? 0, sha256 })
  }
  return { folder, files, head, at }
}

/** Over a log that is elsewhere (`event-log-elsewhere.ts`) the copy is made through the port. */
export const layer = (
  directory: string,
  { logIsElsewhere }: { readonly logIsElsewhere: boolean },
): Layer.Layer<Backups, never, EventLog> =>
  Layer.effect(
    Backups,
    Effect.map(EventLog, (log) =>
      Backups.of({
        copy: Effect.fn("Backups.copy")(function* (progress) {
          const at = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
          const folder = join(directory, `${prefix}${randomUUID()}`)
          return yield* Effect.tryPromise({
            try: async () => {
              if (!existsSync(join(directory, logIsElsewhere ? "secret" : "log.db"))) {
                throw new OperationFailed({
                  kind: "failed",
                  error: "NothingToKeep",
                  message: `There is nothing in ${directory} yet. aios init begins it.`,
                })
              }
              removeLeftovers(directory, Date.now())
              try {
                const copyLog = logIsElsewhere
                  ? copyLogElsewhere(directory, log)
                  : copyLogHere(directory)
                return await copyAll(directory, folder, at, copyLog, progress)
              } catch (cause) {
                rmSync(folder, { recursive: true, force: true })
                throw cause
              }
            },
            catch: failed(directory),
          }).pipe(
            Effect.onInterrupt(() =>
              Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
            ),
          )
        }),
        remove: (folder) =>
          Effect.try({
            try: () => {
              if (dirname(folder) !== directory || !basename(folder).startsWith(prefix)) {
                throw new OperationFailed({
                  kind: "usage",
                  error: "NoCopy",
                  message: `${folder} is no copy for a backup; nothing was removed.`,
                })
              }
              rmSync(folder, { recursive: true, force: true })
            },
            catch: failed(directory),
          }),
      })),
  )

/**
 * What every SQLite file of ours has in common: how it is opened, what its errors mean, and a bounded
 * cache. Transactions are prepared statements, never `exec`: under Deno the errors of `exec` carry no
 * code.
 */
import { Buffer } from "node:buffer"
import { statfsSync } from "node:fs"
import { dirname } from "node:path"
import { DatabaseSync, type StatementSync } from "node:sqlite"

/** "AIOS" in ASCII: marks a SQLite file as ours. */
export const applicationId = 0x41494f53
/** Less free space than this explains an I/O error. */
const freeBytesMin = 1024 * 1024

export type Row = ReadonlyArray<null | number | string | Uint8Array>

/** A statement whose rows come as arrays: twice as fast as objects. */
export const prepare = (db: DatabaseSync, sql: string): StatementSync => {
  const statement = db.prepare(sql)
  statement.setReturnArrays(true)
  return statement
}

/** The types of `node:sqlite` do not know `setReturnArrays`, so the shape of a row is stated here. */
export const rowsOf = <R extends Row>(rows: unknown): ReadonlyArray<R> => rows as ReadonlyArray<R>
export const rowOf = <R extends Row>(row: unknown): R | undefined => row as R | undefined

const property = (cause: unknown, name: string): unknown =>
  typeof cause === "object" && cause !== null && name in cause
    ? Reflect.get(cause, name)
    : undefined

/** SQLite's extended result code, 0 where the error has none. */
export const codeOf = (cause: unknown): number => Number(property(cause, "errcode") ?? 0)

/** An error of SQLite or of the file system: the world's failure, not a mistake of ours. */
export const isFailureOfStorage = (cause: unknown): boolean =>
  property(cause, "code") === "ERR_SQLITE_ERROR" ||
  /^E[A-Z0-9]+$/.test(String(property(cause, "code") ?? ""))

/** A row that must be unique was there already. */
export const isConstraint = (cause: unknown): boolean => (codeOf(cause) & 0xff) === 19

export type Trouble = "full" | "corrupt" | "foreign" | "owned" | "failed"

/** What an error of a statement on `file` means. */
export const troubleOf = (cause: unknown, file: string): Trouble => {
  switch (codeOf(cause) & 0xff) {
    case 13:
      return "full"
    case 11:
      return "corrupt"
    case 26:
      return "foreign"
    case 5:
    case 6:
      return "owned"
    case 10:
    case 14:
      return hasSpace(file) ? "failed" : "full"
    default:
      return property(cause, "code") === "ENOSPC" ? "full" : "failed"
  }
}

const hasSpace = (file: string): boolean => {
  try {
    const { bavail, bsize } = statfsSync(dirname(file))
    return bavail * bsize >= freeBytesMin
  } catch {
    return true
  }
}

/** Runs `work` in one transaction: all of it or nothing. */
export const transaction = (db: DatabaseSync) => {
  const begin = db.prepare("BEGIN IMMEDIATE")
  const commit = db.prepare("COMMIT")
  const rollback = db.prepare("ROLLBACK")
  return <A>(work: () => A): A => {
    begin.run()
    try {
      const result = work()
      commit.run()
      return result
    } catch (cause) {
      try {
        rollback.run()
      } catch {
        // A full disk has rolled back already, and then there is nothing left to roll back.
      }
      throw cause
    }
  }
}

/**
 * SQLite keeps text as UTF-8, which has no lone surrogates, and Deno reads it up to its first NUL. Such
 * text goes in as its UTF-16 bytes and one more: an odd number, so no UUID has as many.
 */
export const textIn = (text: string): string | Uint8Array =>
  text.isWellFormed() && !text.includes("\0")
    ? text
    : Buffer.concat([Buffer.from(text, "utf16le"), Buffer.of(0)])
export const textOut = (stored: string | Uint8Array): string =>
  stored instanceof Uint8Array ? Buffer.from(stored.subarray(0, -1)).toString("utf16le") : stored

/**
 * One owner per data directory, among all processes and runtimes: an exclusive transaction held on
 * `lock.db`, released by the operating system even after kill -9. Take it before any other file there
 * is opened, and never open `lock.db` by other means: this process would lose the lock unnoticed.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { DatabaseSync } from "node:sqlite"
import { Effect, Layer, Schema, type Scope } from "effect"
import { LogUnavailable } from "../actors/event-log.ts"
import { isFailureOfStorage, troubleOf } from "./sqlite.ts"

/** What `owner.json` says. It informs, it does not lock: after a crash it is out of date. */
const Owner = Schema.Struct({
  pid: Schema.Int,
  /** Such as `Deno 2.9.6`. */
  runtime: Schema.String,
  /** ISO 8601. */
  since: Schema.String,
  /** Unix socket on which the owner takes commands, if it does. */
  socket: Schema.optionalKey(Schema.String),
  /** What it does, such as `aios memory night`. */
  command: Schema.optionalKey(Schema.String),
})
export type Owner = typeof Owner.Type

/** Commands that consist of others. */
const groups = new Set(["archive", "costs", "memory", "models"])

/** What a process does, without what it was given: `aios memory night`. */
export const commandOf = (given: ReadonlyArray<string>): string => {
  const [first = "", second = ""] = given.filter((word) => /^[a-z][a-z-]*$/.test(word))
  return ["aios", first, ...(groups.has(first) ? [second] : [])].filter((word) => word !== "")
    .join(" ")
}

export interface Options {
  readonly directory: string
  readonly socket?: string
  /** Whom it refuses is told what is under way. */
  readonly command?: string
}

const ownerFile = (directory: string) => join(directory, "owner.json")

/** Who said last that it owns the directory. */
export const ownerOf = (directory: string): Owner | undefined => {
  try {
    const text = readFileSync(ownerFile(directory), "utf8")
    return Schema.decodeUnknownSync(Schema.fromJsonString(Owner))(text)
  } catch {
    return undefined
  }
}

/**
 * Whether somebody holds the lock now, whatever `owner.json` says; undefined where that cannot be told. It
 * is taken for a moment where it is free, so ask before this process owns it.
 */
export const isOwned = (directory: string): boolean | undefined => {
  const file = join(directory, "lock.db")
  if (!existsSync(file)) return false
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(file)
    db.prepare("PRAGMA busy_timeout = 0").get()
    db.prepare("BEGIN EXCLUSIVE").run()
    return false
  } catch (cause) {
    return isFailureOfStorage(cause) && troubleOf(cause, file) === "owned" ? true : undefined
  } finally {
    db?.close()
  }
}

const refusal = (directory: string, cause: unknown): LogUnavailable => {
  const reason = troubleOf(cause, join(directory, "lock.db"))
  const owner = ownerOf(directory)
  const who = owner === undefined
    ? "another process"
    : `process ${owner.pid} (${owner.runtime}, since ${owner.since})`
  const message = {
    owned: owner !== undefined && owner.socket === undefined
      ? `The data directory ${directory} is in use by ${who}: ${
        owner.command ?? "a command"
      } works on it. Try again when it has ended. While aios start runs, commands work side by side.`
      : `The data directory ${directory} is in use by ${who}. Stop it, or choose another folder.`,
    full: `No space left in ${directory}. Free space and repeat.`,
    corrupt: `${directory}/lock.db is damaged. Delete it and repeat: it holds no data.`,
    foreign: `${directory}/lock.db is not a lock of AIOS. Move it away, or choose another folder.`,
    failed: `The data directory ${directory} cannot be used. Check that you may write there.`,
  }
  const retryable = reason === "owned" || reason === "full"
  return new LogUnavailable({ reason, message: message[reason], retryable, cause })
}

const lock = ({ command, directory, socket }: Options): DatabaseSync => {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const db = new DatabaseSync(join(directory, "lock.db"))
  try {
    db.prepare("PRAGMA busy_timeout = 0").get()
    // Prepared, because under Deno the errors of `exec` have no code.
    db.prepare("BEGIN EXCLUSIVE").run()
  } catch (cause) {
    db.close()
    throw cause
  }
  const owner: Owner = {
    pid: process.pid,
    runtime: process.versions["deno"] === undefined
      ? `Node ${process.versions.node}`
      : `Deno ${process.versions["deno"]}`,
    since: new Date().toISOString(),
    ...(socket === undefined ? {} : { socket }),
    ...(command === undefined ? {} : { command }),
  }
  try {
    const draft = `${ownerFile(directory)}.new`
    writeFileSync(draft, JSON.stringify(owner) + "\n", { mode: 0o600 })
    renameSync(draft, ownerFile(directory))
  } catch {
    // On a full disk the lock holds all the same; a refusal just cannot name the owner.
    rmSync(ownerFile(directory), { force: true })
  }
  return db
}

/** Owns the directory until the scope closes. `reason: "owned"` where somebody else does. */
export const acquire = (options: Options): Effect.Effect<void, LogUnavailable, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      try {
        return Effect.succeed(lock(options))
      } catch (cause) {
        return isFailureOfStorage(cause)
          ? Effect.fail(refusal(options.directory, cause))
          : Effect.die(cause)
      }
    }),
    (db) =>
      Effect.sync(() => {
        rmSync(ownerFile(options.directory), { force: true })
        db.close()
      }),
  ).pipe(Effect.asVoid)

export const layer = (options: Options): Layer.Layer<never, LogUnavailable> =>
  Layer.effectDiscard(acquire(options))

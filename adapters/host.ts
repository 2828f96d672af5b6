/** Checks of the machine AIOS runs on, for `aios doctor`. They work also where AIOS itself does not start. */
import { Effect, Schema } from "effect"
import { existsSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { importFreeBytesMin } from "../actors/disk-space.ts"
import type { Check } from "../projections/aios.ts"
import { aiosVersion } from "../projections/aios-wire.ts"
import { freeBytes } from "./disk-space-statfs.ts"
import { shownOf } from "./event-log-elsewhere.ts"
import { isOwned, type Owner, ownerOf } from "./owner-lock.ts"
/** A backup older than this is worth a word. */
const backupDaysMax = 30
const lastBackup = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ at: Schema.Int, file: Schema.String })),
)

const fine = (name: string, detail: string): Check => ({ name, ok: true, detail, fix: "" })
const wrong = (name: string, detail: string, fix: string): Check => ({
  name,
  ok: false,
  detail,
  fix,
})

const runtime = (): Check => {
  const deno = process.versions["deno"]
  return fine(
    "runtime",
    `AIOS ${aiosVersion} on ${
      deno === undefined ? `Node ${process.versions.node}` : `Deno ${deno}`
    }`,
  )
}

const folder = (dataDir: string): Check => {
  const name = "data directory"
  if (!existsSync(dataDir)) return fine(name, `${dataDir} does not exist yet; aios init makes it`)
  const mode = statSync(dataDir).mode & 0o777
  if ((mode & 0o700) !== 0o700) {
    return wrong(name, `${dataDir} cannot be written`, `chmod 700 '${dataDir}'`)
  }
  return (mode & 0o077) === 0 ? fine(name, dataDir) : wrong(
    name,
    `${dataDir} can be read by others (mode ${mode.toString(8)})`,
    `chmod 700 '${dataDir}'`,
  )
}

const space = (dataDir: string): Check => {
  const name = "disk"
  if (!existsSync(dataDir)) return fine(name, "nothing is stored yet")
  const free = freeBytes(dataDir)
  if (free === undefined) return fine(name, "the system does not tell how much is free")
  const text = free >= 1e9
    ? `${(free / 1e9).toFixed(1)} GB free`
    : `${Math.floor(free / 1e6)} MB free`
  return free >= importFreeBytesMin ? fine(name, text) : wrong(
    name,
    `${text}: imports stop below ${importFreeBytesMin / 1e6} MB; decisions still work`,
    "Free some space",
  )
}

/** Which it is; whether it answers and how far it is, AIOS says once it is open. */
const eventLog = (dataDir: string, connection: string | undefined): Check =>
  fine(
    "event log",
    connection === undefined
      ? join(dataDir, "log.db")
      : `${
        shownOf(connection)
      } (AIOS_EVENT_LOG); keys, attachments and read models stay in ${dataDir}`,
  )

const snapshots = (dataDir: string): Check => {
  const file = join(dataDir, "cache.db")
  return fine(
    "snapshots",
    existsSync(file)
      ? `${(statSync(file).size / 1e6).toFixed(1)} MB in cache.db (may be deleted at any time)`
      : "none yet",
  )
}

/** The file only says who wrote it last; whether that one still runs, the lock says. */
const owner = (found: Owner | undefined, isHeld: boolean | undefined): Check => {
  const name = "owner"
  const who = found === undefined
    ? "a process that gave no name"
    : `process ${found.pid} (${found.runtime}) since ${found.since}${
      found.socket === undefined ? "" : `, socket ${found.socket}`
    }`
  if (isHeld === true) return fine(name, who)
  if (isHeld === undefined) {
    return wrong(
      name,
      "lock.db cannot be read, so nobody can tell who runs here",
      "Stop AIOS, delete lock.db (it holds no data), and repeat",
    )
  }
  return fine(
    name,
    `no other process runs on this data directory${
      found === undefined
        ? ""
        : ` (process ${found.pid} ended without a word; what it had stored is taken up by the next command)`
    }`,
  )
}

const clock = (fixed: string | undefined): Check =>
  fixed === undefined ? fine("clock", "the machine's") : wrong(
    "clock",
    `AIOS_NOW fixes it at ${fixed}`,
    "unset AIOS_NOW, unless this is a test or the demo",
  )

/** What `aios backup` left word of. A backup that was never made is the founder's to know, not a fault. */
const backup = (dataDir: string, now: number): Check => {
  const name = "backup"
  try {
    const { at, file } = lastBackup(readFileSync(join(dataDir, "last-backup.json"), "utf8"))
    const days = Math.max(0, Math.floor((now - at) / 86_400_000))
    const text = `the newest is ${file}, ${
      days === 0 ? "of today" : days === 1 ? "a day old" : `${days} days old`
    }`
    return days <= backupDaysMax ? fine(name, text) : wrong(name, text, "aios backup FILE")
  } catch {
    return fine(name, "none is known of; aios backup FILE makes one")
  }
}

export const checks = (
  dataDir: string,
  fixedClock: string | undefined,
  connection?: string,
): Effect.Effect<ReadonlyArray<Check>> =>
  Effect.sync(() => [
    runtime(),
    folder(dataDir),
    space(dataDir),
    eventLog(dataDir, connection),
    snapshots(dataDir),
    owner(ownerOf(dataDir), isOwned(dataDir)),
    backup(dataDir, fixedClock === undefined ? Date.now() : Date.parse(fixedClock)),
    clock(fixedClock),
  ])

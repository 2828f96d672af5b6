/**
 * An append-only file of JSON lines, one per key: the one truth of a folder whose other files are made
 * from it. A key is taken by its line alone, in one flushed write, so whatever crashes, a key has one
 * line or none. A last line that a crash cut off was never acknowledged and is written over.
 */
import { Schema } from "effect"
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { flush, makeFolder, writeAll } from "./durable-file.ts"
import { troubleOf } from "./sqlite.ts"

/** Another process is amid its own for milliseconds. */
const busyMillisMax = 10_000

/** What every line has. `version` is that of the adapter which wrote it. */
export interface Keyed {
  readonly version: number
  readonly key: string
}

/** The file is not what this version can go on with. A retry does not help. */
export class JournalUnreadable
  extends Schema.TaggedError<JournalUnreadable>()("JournalUnreadable", {
    message: Schema.String,
  }) {}

export interface KeyedJournal<Line extends Keyed> {
  /** In order. */
  readonly lines: () => ReadonlyArray<Line>
  readonly find: (key: string) => Line | undefined
  /** Durable when it returns. The key must be new. */
  readonly append: (line: Line) => void
  /** Runs `act` while no other process is amid its own: what it finds is so until it has appended. */
  readonly alone: <A>(act: () => A) => A
  /** Makes durable what an earlier process may have left on its way to the disk. */
  readonly confirm: () => void
}

export const inMemory = <Line extends Keyed>(): KeyedJournal<Line> => {
  const byKey = new Map<string, Line>()
  return {
    lines: () => [...byKey.values()],
    find: (key) => byKey.get(key),
    append: (line) => void byKey.set(line.key, line),
    alone: (act) => act(),
    confirm: () => {},
  }
}

interface Loaded<Line> {
  readonly byKey: Map<string, Line>
  /** Bytes up to the end of the last whole line, and of the file as this process left it. */
  end: number
  size: number
}

/** Holds the lock until it is closed; the operating system gives it back, however this process ends. */
const locked = (path: string): DatabaseSync => {
  const lock = new DatabaseSync(path)
  try {
    lock.prepare(`PRAGMA busy_timeout = ${busyMillisMax}`).get()
    lock.prepare("BEGIN EXCLUSIVE").run()
    return lock
  } catch (cause) {
    lock.close()
    // As the file system would say it.
    throw troubleOf(cause, path) === "full"
      ? Object.assign(new Error("full"), { code: "ENOSPC" })
      : cause
  }
}

const versionOf = (value: unknown): unknown =>
  typeof value === "object" && value !== null && "version" in value ? value.version : undefined

/** The journal in `file`. Throws errors of the file system, and `JournalUnreadable`. */
export const inFile = <Line extends Keyed>(
  file: string,
  version: number,
  schema: Schema.Codec<Line, unknown>,
): KeyedJournal<Line> => {
  const decode = Schema.decodeUnknownSync(schema)
  let known: Loaded<Line> | undefined

  const parse = (text: string, number: number): Line => {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      throw new JournalUnreadable({
        message: `Line ${number} of ${file} is damaged. Nothing was changed. Mend the line, or ` +
          "restore the file from a backup.",
      })
    }
    const theirs = versionOf(value)
    if (typeof theirs === "number" && theirs > version) {
      throw new JournalUnreadable({
        message: `${file} was written by a newer AIOS (its format is ${theirs}, this one knows ` +
          `${version}). Nothing was changed. Use the newer AIOS.`,
      })
    }
    try {
      return decode(value)
    } catch {
      throw new JournalUnreadable({
        message: `Line ${number} of ${file} is not one of AIOS. Nothing was changed. Mend the ` +
          "line, or restore the file from a backup.",
      })
    }
  }

  const load = (): Loaded<Line> => {
    const there = existsSync(file)
    // Read again only where somebody else changed it.
    if (known !== undefined && (there ? statSync(file).size : 0) === known.size) return known
    const bytes = there ? readFileSync(file) : new Uint8Array()
    const end = bytes.lastIndexOf(10) + 1
    const byKey = new Map<string, Line>()
    const texts = new TextDecoder().decode(bytes.subarray(0, end)).split("\n")
    for (const [n, text] of texts.entries()) {
      if (text.trim() === "") continue
      const line = parse(text, n + 1)
      if (!byKey.has(line.key)) byKey.set(line.key, line)
    }
    return known = { byKey, end, size: bytes.length }
  }

  return {
    lines: () => [...load().byKey.values()],
    find: (key) => load().byKey.get(key),
    append: (line) => {
      const loaded = load()
      known = undefined
      makeFolder(dirname(file))
      const handle = openSync(file, existsSync(file) ? "r+" : "w+", 0o600)
      const bytes = new TextEncoder().encode(`${JSON.stringify(line)}\n`)
      try {
        ftruncateSync(handle, loaded.end)
        writeAll(handle, bytes, loaded.end)
        fsyncSync(handle)
      } catch (cause) {
        try {
          ftruncateSync(handle, loaded.end)
        } catch {
          // The next append does it.
        }
        throw cause
      } finally {
        closeSync(handle)
      }
      flush(dirname(file))
      loaded.byKey.set(line.key, line)
      known = {
        byKey: loaded.byKey,
        end: loaded.end + bytes.length,
        size: loaded.end + bytes.length,
      }
    },
    alone: (act) => {
      makeFolder(dirname(file))
      const lock = locked(join(dirname(file), `.${basename(file)}.lock`))
      try {
        return act()
      } finally {
        lock.close()
      }
    },
    confirm: () => {
      flush(file)
      flush(dirname(file))
    },
  }
}

/**
 * Files that are whole or not there: written beside, flushed, renamed, and the folder flushed, so that a
 * crash at any moment leaves the old one or the new one.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs"
import { basename, dirname, join } from "node:path"

/** Flushes a file or a folder that is open nowhere else. */
export const flush = (path: string): void => {
  const handle = openSync(path, "r")
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Makes a folder that only its owner may enter, and its name durable. */
export const makeFolder = (folder: string): void => {
  const made = mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (made === undefined) return
  for (let at = folder; at.length >= made.length; at = dirname(at)) flush(dirname(at))
}

/** Writes all of it, at `position` or where the file stands. */
export const writeAll = (handle: number, content: Uint8Array, position?: number): void => {
  for (let done = 0; done < content.length;) {
    const at = position === undefined ? null : position + done
    done += writeSync(handle, content, done, content.length - done, at)
  }
}

/** All of it or nothing under this name, on disk when it returns. Its folder must be there. */
export const writeWhole = (path: string, content: Uint8Array | string): void => {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content
  const unfinished = join(dirname(path), `.${basename(path)}.tmp`)
  const handle = openSync(unfinished, "w", 0o600)
  try {
    writeAll(handle, bytes)
    fsyncSync(handle)
  } catch (cause) {
    rmSync(unfinished, { force: true })
    throw cause
  } finally {
    closeSync(handle)
  }
  renameSync(unfinished, path)
  flush(dirname(path))
}

/** Like `writeWhole`, but leaves a file alone that says the same already. */
export const keepWhole = (path: string, content: string): void => {
  try {
    if (readFileSync(path, "utf8") === content) return
  } catch {
    // Not there, or not readable: then writing it says what is wrong.
  }
  writeWhole(path, content)
}

/** Such as `ENOSPC`; empty where the error has none. */
export const errorCodeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""

/** What a file error means to the founder: `what` is then done by itself once it is mended. */
export const fileTrouble = (cause: unknown, folder: string, what: string): string =>
  ["ENOSPC", "EDQUOT"].includes(errorCodeOf(cause))
    ? `No space left for ${folder}: make space; ${what} is then done by itself`
    : `Cannot write to ${folder} (${errorCodeOf(cause) || String(cause)}): make it writable`

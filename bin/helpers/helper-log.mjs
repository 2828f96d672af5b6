/**
 * The log of a helper: what it wrote, without colours, in a file that never grows beyond twice its bound
 * (the last full one is kept beside it). Its last words are remembered: they say why it ended.
 */
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs"
import { dirname } from "node:path"

/** Then a new file is begun. */
export const logBytesMax = 1024 * 1024
const lastWordsCharsMax = 4_000

// deno-lint-ignore no-control-regex -- colours of a terminal
const codes = /\u001b\[[0-9;]*[A-Za-z]/g

/** Logging never stops a helper: on a full disk only the last words are kept. */
export const openLog = (file, bytesMax = logBytesMax) => {
  let fd
  let size = 0
  let tail = ""
  const close = () => {
    if (fd !== undefined) closeSync(fd)
    fd = undefined
  }
  const append = (text) => {
    try {
      if (fd === undefined) {
        mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
        fd = openSync(file, "a", 0o600)
        size = fstatSync(fd).size
      }
      if (size > bytesMax) {
        close()
        renameSync(file, `${file}.1`)
        fd = openSync(file, "a", 0o600)
        size = 0
      }
      size += writeSync(fd, text)
    } catch {
      close()
    }
  }
  return {
    file,
    write: (chunk) => {
      const text = String(chunk).replace(codes, "")
      tail = (tail + text).slice(-lastWordsCharsMax)
      append(text)
    },
    note: (text) => append(`${new Date().toISOString()} aios: ${text}\n`),
    /** The last line that says something. */
    lastWords: () => tail.split("\n").map((line) => line.trim()).filter(Boolean).at(-1),
    begin: () => {
      tail = ""
    },
    close,
  }
}

/**
 * Cuts an mbox into messages without reading it into memory. A separator is a `From ` line of a known
 * shape at the start of the file or after an empty line (some writers leave that out: then a header
 * must follow); every other `From ` line is somebody's sentence and stays in the body.
 */
import { Buffer } from "node:buffer"

/** A message larger than this is left out and named. */
export const messageBytesMax = 64 * 1024 * 1024
/** A separator line, and the line after it that may have to prove it, are looked at this far. */
const separatorBytesMax = 512
const proofBytesMax = 256

export type Cut =
  | { readonly start: number; readonly envelope: string; readonly bytes: Buffer }
  | { readonly start: number; readonly tooLarge: number }

const weekday = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
const month = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
/** `From jo@x.example Tue May 10 11:28:07 2005`, with or without zone, and Takeout's `From 18443@xxx`. */
const certain = new RegExp(
  `^From (?:\\S{0,320} {1,4}${weekday},? {1,2}(?:${month} {1,2}\\d{1,2}|\\d{1,2} ${month})[ ,].{0,10}\\d{1,2}:\\d\\d.{0,40}|\\S{1,320}@\\S{1,255} {1,4}\\d{4}-\\d\\d-\\d\\d[ T]\\d\\d:\\d\\d.{0,40}|\\d{8,20}@xxx.{0,60})$`,
)
/** `From - `, `From jo@x.example`: only if a header follows. */
const likely = /^From (?:-.{0,60}|\S{1,320}@\S{1,320}|MAILER-DAEMON) {0,4}$/
const headerLine = /^(?:>From |[!-9;-~]{1,76}[ \t]{0,4}:)/

const newlineFrom = Buffer.from("\nFrom ")
const from = Buffer.from("From ")
const LF = 10
const CR = 13

/** The line at `at`, cut after `most` bytes; undefined where its end is yet to come. */
const lineAt = (data: Buffer, at: number, most: number, ended: boolean): string | undefined => {
  const end = data.indexOf(LF, at)
  if (end < 0 && !ended && data.length - at < most) return undefined
  const stop = Math.min(end < 0 ? data.length : end, at + most)
  return data.toString("latin1", at, stop).replace(/\r$/, "")
}

type Verdict = "separator" | "text" | "unknown"

/** Whether a separator starts at `at`; `unknown` needs more bytes. */
const judge = (data: Buffer, at: number, apart: boolean, ended: boolean): Verdict => {
  const line = lineAt(data, at, separatorBytesMax, ended)
  if (line === undefined) return "unknown"
  const sure = certain.test(line)
  if (sure && apart) return "separator"
  if (!sure && !(likely.test(line) && (apart || line.startsWith("From - ")))) return "text"
  const next = data.indexOf(LF, at) + 1
  if (next === 0) return ended ? "text" : "unknown"
  const proof = lineAt(data, next, proofBytesMax, ended)
  if (proof === undefined) return "unknown"
  return headerLine.test(proof) ? "separator" : "text"
}

/** Whether a file that starts with these bytes is an mbox. */
export const startsLikeMbox = (head: Buffer): boolean => {
  const at = contentStart(head)
  return head.subarray(at, at + from.length).equals(from) &&
    judge(head, at, true, true) === "separator"
}

const contentStart = (data: Buffer): number => {
  let at = data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf ? 3 : 0
  while (data[at] === LF || data[at] === CR) at++
  return at
}

const afterEmptyLine = (data: Buffer, newline: number): boolean =>
  newline > 0 && (data[newline - 1] === LF ||
    (newline > 1 && data[newline - 1] === CR && data[newline - 2] === LF))

/** `>From ` at the start of a line was `From ` before the mailbox was written. */
const unescape = (bytes: Buffer): Buffer =>
  bytes.includes("\n>From ") || bytes.includes("\n>>")
    ? Buffer.from(bytes.toString("latin1").replace(/^>(>*From )/gm, "$1"), "latin1")
    : bytes

/** Messages in order. Pulls chunks only as they are needed. */
export async function* cutMbox(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Cut> {
  let data: Buffer = Buffer.alloc(0)
  /** Offset of `data[0]` in the file. */
  let base = 0
  let started = false
  let start = 0
  let parts: Array<Buffer> = []
  let size = 0

  const take = (until: number) => {
    if (until <= 0) return
    const part = data.subarray(0, until)
    size += part.length
    if (size > messageBytesMax) parts = []
    else parts.push(part)
    data = data.subarray(until)
    base += until
  }
  const finish = (): Cut | undefined => {
    if (!started) return undefined
    const [bytes, whole] = [Buffer.concat(parts), size]
    parts = []
    size = 0
    if (whole > messageBytesMax) return { start, tooLarge: whole }
    const end = bytes.indexOf(LF)
    const envelope = bytes.toString("latin1", 0, end < 0 ? bytes.length : end).replace(/\r$/, "")
    return { start, envelope, bytes: unescape(bytes.subarray(end < 0 ? bytes.length : end + 1)) }
  }

  const scan = function* (ended: boolean): Generator<Cut> {
    if (!started) {
      const at = contentStart(data)
      if (!ended && data.length < at + separatorBytesMax + proofBytesMax) return
      take(at)
      parts = []
      size = 0
      start = base
      started = data.length > 0
    }
    let search = 0
    while (true) {
      const newline = data.indexOf(newlineFrom, search)
      if (newline < 0) break
      const verdict = judge(data, newline + 1, afterEmptyLine(data, newline), ended)
      if (verdict === "unknown") {
        take(Math.max(0, newline - 2))
        return
      }
      if (verdict === "text") {
        search = newline + 1
        continue
      }
      take(newline + 1)
      const cut = finish()
      if (cut !== undefined) yield cut
      start = base
      search = 0
    }
    if (ended) take(data.length)
    else take(Math.max(0, data.length - newlineFrom.length - 2))
  }

  for await (const chunk of chunks) {
    data = data.length === 0 ? Buffer.from(chunk) : Buffer.concat([data, chunk])
    yield* scan(false)
  }
  yield* scan(true)
  const last = finish()
  if (last !== undefined) yield last
}

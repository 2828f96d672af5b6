/**
 * Opens a file that the user gave, tells its format by its content and streams its records. Nothing
 * is read ahead but one buffer, so the size of a file does not matter.
 */
import { Buffer } from "node:buffer"
import { createReadStream } from "node:fs"
import { open, stat } from "node:fs/promises"
import { basename } from "node:path"
import { Effect, Layer, Stream } from "effect"
import {
  FileUnreadable,
  FormatUnknown,
  type ReadItem,
  type RecordFormat,
  RecordReader,
} from "../actors/record-reader.ts"
import { readMail, startsLikeMail } from "./records-mail.ts"
import { cutMbox, messageBytesMax, startsLikeMbox } from "./records-mbox.ts"
import { listOf, readPeople } from "./records-people-csv.ts"

/** How much of a file its format is told from. */
const headBytesMax = 64 * 1024
/** One read. */
const chunkBytes = 1024 * 1024

type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252"

const encodingOf = (head: Buffer, whole: boolean): Encoding => {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le"
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be"
  if (head.length >= 4 && head[0] !== 0 && head[1] === 0 && head[2] !== 0 && head[3] === 0) {
    return "utf-16le"
  }
  if (head.length >= 4 && head[0] === 0 && head[1] !== 0 && head[2] === 0 && head[3] !== 0) {
    return "utf-16be"
  }
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: !whole })
    return "utf-8"
  } catch {
    return "windows-1252"
  }
}

const decode = (bytes: Uint8Array, encoding: Encoding): string =>
  new TextDecoder(encoding).decode(bytes, { stream: true })

async function* decoded(
  chunks: AsyncIterable<Uint8Array>,
  encoding: Encoding,
): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding)
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true })
  yield decoder.decode()
}

async function* readMbox(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
): AsyncGenerator<ReadItem> {
  for await (const cut of cutMbox(chunks)) {
    yield "tooLarge" in cut
      ? {
        fault: {
          at: `byte ${cut.start}`,
          reason: `the mail has ${cut.tooLarge} bytes, more than ${messageBytesMax}`,
        },
      }
      : await readMail(cut.bytes, { file, byte: cut.start, envelope: cut.envelope })
  }
}

async function* readEml(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
): AsyncGenerator<ReadItem> {
  const parts: Array<Uint8Array> = []
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > messageBytesMax) {
      yield {
        fault: { at: "byte 0", reason: `the mail has more than ${messageBytesMax} bytes` },
      }
      return
    }
    parts.push(chunk)
  }
  const bytes = Buffer.concat(parts)
  const bom = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  let start = bom
  while (bytes[start] === 10 || bytes[start] === 13) start++
  yield await readMail(bytes.subarray(start), { file, byte: 0, envelope: "" })
}

const knownFormats =
  "AIOS reads mailboxes (mbox, also of Google Takeout), single mails (.eml) and lists of people " +
  "(CSV of LinkedIn, HubSpot and others)"

const packed: ReadonlyArray<readonly [magic: string, advice: string]> = [
  ["504b0304", "a ZIP archive or an Office document: unpack it, or export the sheet as CSV"],
  ["1f8b", "packed with gzip: unpack it first"],
  ["2142444e", "an Outlook .pst file: export its folders as mbox or .eml"],
  ["d0cf11e0", "an Outlook .msg or old Office file: save it as .eml or CSV"],
]

const unknown = (path: string, head: Buffer): FormatUnknown => {
  const magic = packed.find(([magic]) => head.toString("hex", 0, 4).startsWith(magic))
  const why = head.length === 0
    ? "is empty: export it again"
    : magic !== undefined
    ? `is ${magic[1]}`
    : head.subarray(0, 4096).includes(0)
    ? "is a binary file of a kind that is not known here"
    : "is text, but neither mail nor a list of people with column names in its first lines"
  return new FormatUnknown({ path, message: `${path} ${why}. ${knownFormats}.` })
}

interface Recognised {
  readonly format: RecordFormat
  readonly encoding: Encoding
}

const recognise = (head: Buffer, whole: boolean): Recognised | undefined => {
  if (startsLikeMbox(head)) return { format: "mbox", encoding: "utf-8" }
  const encoding = encodingOf(head, whole)
  const list = head.length === 0 ? undefined : listOf(decode(head, encoding))
  const binary = !encoding.startsWith("utf-16") && head.subarray(0, 4096).includes(0)
  if (startsLikeMail(head)) return { format: "eml", encoding }
  return list === undefined || binary ? undefined : { format: list, encoding }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "does not exist: check the path",
  EACCES: "may not be read: check its permissions",
  EPERM: "may not be read: check its permissions",
  NotCapable: "may not be read by this process: give it as an argument of the command",
}

const unreadable = (path: string, cause: unknown): FileUnreadable => {
  const code = cause instanceof Error
    ? "code" in cause && typeof cause.code === "string" ? cause.code : cause.name
    : ""
  const detail = cause instanceof Error ? cause.message : String(cause)
  return new FileUnreadable({
    path,
    message: `${path} ${reasons[code] ?? `cannot be read (${detail}): try again`}`,
    cause,
  })
}

const readHead = async (path: string): Promise<{ head: Buffer; bytes: number }> => {
  const info = await stat(path)
  if (info.isDirectory()) throw new Directory()
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytesMax), 0, headBytesMax, 0)
    return { head: buffer.subarray(0, bytesRead), bytes: info.size }
  } finally {
    await handle.close()
  }
}

class Directory extends Error {
  override readonly name = "Directory"
}

export const layer = Layer.succeed(
  RecordReader,
  RecordReader.of({
    open: Effect.fn("RecordReader.open")(function* (path: string) {
      const { head, bytes } = yield* Effect.tryPromise({
        try: () => readHead(path),
        catch: (cause) =>
          cause instanceof Directory
            ? new FileUnreadable({ path, message: `${path} is a folder: give the files in it` })
            : unreadable(path, cause),
      })
      const known = recognise(head, bytes <= head.length)
      if (known === undefined) return yield* unknown(path, head)
      const { format, encoding } = known
      const file = basename(path)
      let read = 0
      const records = Stream.suspend(() => {
        const source = createReadStream(path, { highWaterMark: chunkBytes })
        const chunks = async function* (): AsyncGenerator<Uint8Array> {
          for await (const chunk of source) {
            read += chunk.length
            yield chunk
          }
        }
        const items = format === "mbox"
          ? readMbox(chunks(), file)
          : format === "eml"
          ? readEml(chunks(), file)
          : readPeople(decoded(chunks(), encoding), file)
        return Stream.fromAsyncIterable(items, (cause) => unreadable(path, cause)).pipe(
          Stream.ensuring(Effect.sync(() => source.destroy())),
        )
      })
      return { path, file, format, bytes, bytesRead: () => read, records }
    }),
  }),
)

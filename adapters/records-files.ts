/**
 * Opens a file that the user gave, tells its format by its content and streams its records. Nothing
 * is read ahead but one buffer, so the size of a file does not matter.
 */
import { Buffer } from "node:buffer"
import { createReadStream, type ReadStream } from "node:fs"
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
import { readCalendar } from "./records-calendar.ts"
import { feedCharsMax, readFeed } from "./records-feed.ts"
import { headBytesMax, recognise, type Recognised, whyUnknown } from "./records-formats.ts"
import { cutJson } from "./records-json.ts"
import { readInvoiceLines } from "./records-lines-csv.ts"
import { readMail } from "./records-mail.ts"
import { markdownCharsMax, readMarkdown } from "./records-markdown.ts"
import { cutMbox, messageBytesMax } from "./records-mbox.ts"
import { ownerOf, readMessages } from "./records-messages-csv.ts"
import { readPeople } from "./records-people-csv.ts"
import { readSalesforce } from "./records-salesforce.ts"
import { readStripe } from "./records-stripe.ts"
import { noteReferences, noteRefunds, stripeReferences } from "./records-stripe-references.ts"

/** One read. */
const chunkBytes = 1024 * 1024

async function* decoded(
  chunks: AsyncIterable<Uint8Array>,
  encoding: string,
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

/** Bytes as UTF-8, whatever the file has. */
async function* asUtf8(
  chunks: AsyncIterable<Uint8Array>,
  encoding: string,
): AsyncGenerator<Uint8Array> {
  if (encoding === "utf-8") yield* chunks
  else for await (const text of decoded(chunks, encoding)) yield Buffer.from(text, "utf8")
}

/** A text that is read whole, if it is not longer than it may be. */
async function* readWhole(
  texts: AsyncIterable<string>,
  charsMax: number,
  read: (text: string) => Iterable<ReadItem>,
): AsyncGenerator<ReadItem> {
  const parts: Array<string> = []
  let size = 0
  for await (const text of texts) {
    size += text.length
    if (size > charsMax) {
      yield { fault: { at: "line 1", reason: `the file has more than ${charsMax} characters` } }
      return
    }
    parts.push(text)
  }
  yield* read(parts.join(""))
}

/** Another file of the same import. */
interface Beside {
  readonly chunks: () => AsyncIterable<Uint8Array>
  readonly known: Recognised
}

async function* readStripeTwice(
  chunks: () => AsyncIterable<Uint8Array>,
  { encoding, jsonLines }: Recognised,
  file: string,
  beside: () => Promise<ReadonlyArray<Beside>>,
): AsyncGenerator<ReadItem> {
  const known = stripeReferences()
  for (const other of await beside()) {
    const { encoding, jsonLines } = other.known
    for await (const cut of cutJson(asUtf8(other.chunks(), encoding), jsonLines)) {
      if ("value" in cut) noteRefunds(cut.value, known)
    }
  }
  for await (const cut of cutJson(asUtf8(chunks(), encoding), jsonLines)) {
    if ("value" in cut) noteReferences(cut.value, known)
  }
  yield* readStripe(cutJson(asUtf8(chunks(), encoding), jsonLines), known, file)
}

async function* readMessagesTwice(
  chunks: () => AsyncIterable<Uint8Array>,
  encoding: string,
  file: string,
): AsyncGenerator<ReadItem> {
  const owner = await ownerOf(decoded(chunks(), encoding))
  yield* readMessages(decoded(chunks(), encoding), owner, file)
}

/** Formats whose files are read twice. */
const twice = new Set<RecordFormat>(["stripe", "linkedin messages"])

const itemsOf = (
  chunks: () => AsyncIterable<Uint8Array>,
  known: Recognised,
  path: string,
  changedAt: number,
  beside: () => Promise<ReadonlyArray<Beside>>,
): AsyncIterable<ReadItem> => {
  const file = basename(path)
  const { encoding, format, jsonLines } = known
  const texts = () => decoded(chunks(), encoding)
  switch (format) {
    case "mbox":
      return readMbox(chunks(), file)
    case "eml":
      return readEml(chunks(), file)
    case "stripe":
      return readStripeTwice(chunks, known, file, beside)
    case "salesforce":
      return known.json
        ? readSalesforce(cutJson(asUtf8(chunks(), encoding), jsonLines), file)
        : readPeople(texts(), file)
    case "invoice lines":
      return readInvoiceLines(texts(), file)
    case "linkedin messages":
      return readMessagesTwice(chunks, encoding, file)
    case "calendar":
      return readCalendar(texts(), file)
    case "feed":
      return readWhole(texts(), feedCharsMax, (text) => readFeed(text, file))
    case "markdown":
      return readWhole(texts(), markdownCharsMax, (text) => readMarkdown(text, path, changedAt))
    case "linkedin":
    case "hubspot":
    case "people":
      return readPeople(texts(), file)
  }
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

interface Head {
  readonly head: Buffer
  readonly bytes: number
  readonly changedAt: number
}

class NoFile extends Error {
  override readonly name = "NoFile"
}

const readHead = async (path: string): Promise<Head> => {
  const info = await stat(path)
  if (info.isDirectory()) throw new NoFile("is a folder: give the files in it")
  // A pipe or a device may never end, or never begin.
  if (!info.isFile()) throw new NoFile("is no regular file: save it as one first")
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytesMax), 0, headBytesMax, 0)
    return { head: buffer.subarray(0, bytesRead), bytes: info.size, changedAt: info.mtimeMs }
  } finally {
    await handle.close()
  }
}

/** A list of refunds begins with one. */
const refunds = /"object"\s*:\s*"refund"/
/** Files of the same import that tell of refunds; what cannot be read is said where it is read itself. */
const refundsBeside = async (
  path: string,
  paths: ReadonlyArray<string>,
  chunksOf: (path: string) => AsyncIterable<Uint8Array>,
): Promise<ReadonlyArray<Beside>> => {
  const found: Array<Beside> = []
  for (const other of paths.filter((one) => one !== path)) {
    const first = await readHead(other).catch(() => undefined)
    if (first === undefined || !refunds.test(first.head.toString("latin1"))) continue
    const known = recognise(first.head, first.bytes <= first.head.length, basename(other))
    if (known?.format === "stripe") found.push({ known, chunks: () => chunksOf(other) })
  }
  return found
}

export const layer = Layer.succeed(
  RecordReader,
  RecordReader.of({
    open: Effect.fn("RecordReader.open")(function* (
      path: string,
      paths: ReadonlyArray<string> = [],
    ) {
      const { head, bytes, changedAt } = yield* Effect.tryPromise({
        try: () => readHead(path),
        catch: (cause) =>
          cause instanceof NoFile
            ? new FileUnreadable({ path, message: `${path} ${cause.message}` })
            : unreadable(path, cause),
      })
      const file = basename(path)
      const known = recognise(head, bytes <= head.length, file)
      if (known === undefined) {
        return yield* new FormatUnknown({ path, ...whyUnknown(path, head) })
      }
      const { format } = known
      let read = 0
      const records = Stream.suspend(() => {
        const sources = new Set<ReadStream>()
        const chunksOf = async function* (from: string): AsyncGenerator<Uint8Array> {
          const source = createReadStream(from, { highWaterMark: chunkBytes })
          sources.add(source)
          for await (const chunk of source) {
            if (from === path) read += chunk.length
            yield chunk
          }
          sources.delete(source)
        }
        return Stream.fromAsyncIterable(
          itemsOf(
            () => chunksOf(path),
            known,
            path,
            changedAt,
            () => refundsBeside(path, paths, chunksOf),
          ),
          (cause) => unreadable(path, cause),
        ).pipe(
          Stream.ensuring(Effect.sync(() => sources.forEach((source) => source.destroy()))),
        )
      })
      const passes = twice.has(format) ? 2 : 1
      return { path, file, format, bytes, bytesRead: () => Math.ceil(read / passes), records }
    }),
  }),
)

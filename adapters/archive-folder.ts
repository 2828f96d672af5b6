/**
 * The archive as a folder of gzipped JSON lines, one recorded event per line. Pages are compressed one
 * by one (a gzip file may have several members, and `zcat` reads it), so that neither memory nor the
 * event loop feels a large segment.
 */
import { Effect, Layer, Schema, Stream } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { mkdir, open, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { promisify } from "node:util"
import { createGunzip, gzip } from "node:zlib"
import type { RecordedEvent } from "../actors/event-log.ts"
import { Archive, ArchiveUnavailable, isSegmentName } from "../projections/archive.ts"
import { errorCodeOf, flush } from "./durable-file.ts"

/** Envelopes hardly shrink, what is around them does. */
const gzipLevel = 6
/** Events given at a time when a segment is read. */
const pageEvents = 500
const compress = promisify(gzip)

const trouble = (folder: string) => (cause: unknown): ArchiveUnavailable => {
  if (cause instanceof ArchiveUnavailable) return cause
  const full = ["ENOSPC", "EDQUOT"].includes(errorCodeOf(cause))
  return new ArchiveUnavailable({
    reason: full ? "full" : "failed",
    message: full
      ? `No space left in ${folder}; nothing half done was kept. Free space and repeat.`
      : `The archive ${folder} cannot be used (${errorCodeOf(cause) || String(cause)}). ` +
        "Check the disk and the permissions, then repeat.",
    retryable: full,
    cause,
  })
}

const broken = (reason: "missing" | "damaged", segment: string) =>
  new ArchiveUnavailable({
    reason,
    message: `Segment ${segment} is ${reason}. The log has all that was in it: ` +
      "aios archive writes it again.",
    retryable: false,
  })

const lineOf = (event: RecordedEvent) => `${JSON.stringify(event)}\n`

/** SHA-256 of a file, and of the lines in it where they can be read. */
const readBack = async (file: string) => {
  const whole = createHash("sha256")
  const lines = createHash("sha256")
  let bytes = 0
  const source = createReadStream(file)
  source.on("data", (chunk) => {
    whole.update(chunk)
    bytes += chunk.length
  })
  const plain = source.pipe(createGunzip())
  source.on("error", (cause) => plain.destroy(cause))
  for await (const chunk of plain) lines.update(chunk)
  return { bytes, sha256: whole.digest("hex"), lines: lines.digest("hex") }
}

const hashOf = async (file: string) => {
  const hash = createHash("sha256")
  for await (const chunk of createReadStream(file)) hash.update(chunk)
  return hash.digest("hex")
}

/** As it was written by us, so only its outline is looked at. */
const Line = Schema.fromJsonString(Schema.Struct({
  id: Schema.String,
  stream: Schema.String,
  revision: Schema.Int,
  position: Schema.Int,
  type: Schema.String,
  data: Schema.Json,
  metadata: Schema.Json,
}))
const isLine = Schema.is(Schema.toType(Line))
const parsed = (segment: string, line: string): RecordedEvent => {
  const value: RecordedEvent = JSON.parse(line)
  if (!isLine(value)) throw broken("damaged", segment)
  return value
}

async function* pagesOf(folder: string, segment: string) {
  const source = createReadStream(join(folder, segment))
  const plain = source.pipe(createGunzip())
  source.on("error", (cause) => plain.destroy(cause))
  let page: Array<RecordedEvent> = []
  try {
    for await (const line of createInterface({ input: plain, crlfDelay: Infinity })) {
      page.push(parsed(segment, line))
      if (page.length < pageEvents) continue
      yield page
      page = []
    }
  } finally {
    source.destroy()
  }
  if (page.length > 0) yield page
}

export const layer = (dataDir: string): Layer.Layer<Archive> => {
  const folder = join(dataDir, "archive")
  const failed = trouble(folder)
  const files = <A>(act: () => Promise<A>) => Effect.tryPromise({ try: act, catch: failed })
  const named = (segment: string) =>
    isSegmentName(segment) ? Effect.succeed(join(folder, segment)) : Effect.fail(
      new ArchiveUnavailable({
        reason: "missing",
        message: `${segment} is no name of a segment. aios archive list shows which there are.`,
        retryable: false,
      }),
    )

  return Layer.succeed(
    Archive,
    Archive.of({
      write: Effect.fn("Archive.write")(function* (segment, pages) {
        const file = yield* named(segment)
        const beside = join(folder, `.${segment}.tmp`)
        return yield* Effect.gen(function* () {
          yield* files(() => mkdir(folder, { recursive: true, mode: 0o700 }))
          const handle = yield* Effect.acquireRelease(
            files(() => open(beside, "w", 0o600)),
            (handle) => Effect.promise(() => handle.close().catch(() => {})),
          )
          const lines = createHash("sha256")
          const whole = createHash("sha256")
          let events = 0
          yield* Stream.runForEach(pages, (page) =>
            files(async () => {
              const text = Buffer.from(page.map(lineOf).join(""))
              const packed = await compress(text, { level: gzipLevel })
              lines.update(text)
              whole.update(packed)
              for (let done = 0; done < packed.length;) {
                done += (await handle.write(packed, done)).bytesWritten
              }
              events += page.length
            }))
          yield* files(() => handle.sync())
          const sha256 = whole.digest("hex")
          const seen = yield* files(() => readBack(beside))
          if (seen.sha256 !== sha256 || seen.lines !== lines.digest("hex")) {
            return yield* new ArchiveUnavailable({
              reason: "damaged",
              message: `What was written to ${folder} reads back differently. Nothing was kept; ` +
                "check the disk before you go on.",
              retryable: false,
            })
          }
          yield* files(() => rename(beside, file))
          yield* Effect.try({ try: () => flush(folder), catch: failed })
          return { events, sha256, bytes: seen.bytes }
        }).pipe(
          Effect.scoped,
          Effect.onExit((exit) =>
            exit._tag === "Success"
              ? Effect.void
              : Effect.promise(() => rm(beside, { force: true }).catch(() => {}))
          ),
        )
      }),
      state: (segment, sha256) =>
        Effect.flatMap(named(segment), (file) =>
          files(async () => {
            try {
              return await hashOf(file) === sha256 ? "whole" as const : "damaged" as const
            } catch (cause) {
              if (errorCodeOf(cause) === "ENOENT") return "missing" as const
              throw cause
            }
          })),
      events: (segment) =>
        Stream.unwrap(
          Effect.map(named(segment), () =>
            Stream.fromAsyncIterable(pagesOf(folder, segment), (cause) => {
              const code = errorCodeOf(cause)
              if (code === "ENOENT") {
                return broken("missing", segment)
              }
              return code.startsWith("Z_") || cause instanceof SyntaxError
                ? broken("damaged", segment)
                : failed(cause)
            })),
        ),
    }),
  )
}

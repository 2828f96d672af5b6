/**
 * Blobs in the log itself, for processes that share no folder: stream `blob-<sha256>` holds the sealed
 * bytes in parts. Every part is in the log before `put` returns, and its id and place follow from the
 * content, so two that put the same at one time write the same. Costs a third more bytes than a folder.
 */
import { Buffer } from "node:buffer"
import { Clock, Effect, Layer, Schema } from "effect"
import { BlobStore, BlobsUnavailable } from "../actors/blob-store.ts"
import { EventLog, type NewEvent } from "../actors/event-log.ts"
import { derivedId } from "../actors/ids.ts"
import { Vault } from "../actors/vault.ts"
import { fromSealed, type SealedBlobs, sha256Of } from "./blob-sealing.ts"

/** As base64 in an event it stays below `eventBytesMax`, and below the 1 MiB a server takes at once. */
const partBytes = 512 * 1024
/** Parts read at once. */
const pageParts = 8

const Part = Schema.Struct({
  /** Counts from 0. */
  part: Schema.Int,
  parts: Schema.Int,
  /** Base64. */
  bytes: Schema.String,
})
const isPart = Schema.is(Part)

const streamOf = (sha256: string) => `blob-${sha256}`

const unavailable = (cause: unknown) =>
  new BlobsUnavailable({
    reason: "failed",
    message: "A blob could not be written to the log or read from it. Repeat when the log answers.",
    cause,
  })
const corrupt = (sha256: string) =>
  new BlobsUnavailable({
    reason: "corrupt",
    message: `The blob in stream ${streamOf(sha256)} is damaged or not whole. ` +
      "Put its content in again, or restore the log from a backup: nothing else is affected.",
  })

const partsOf = (sha256: string, bytes: Uint8Array, at: number): ReadonlyArray<NewEvent> => {
  const parts = Math.ceil(bytes.length / partBytes)
  return Array.from({ length: parts }, (_, part) => ({
    id: derivedId(`blob:${sha256}:${part}`),
    type: "BlobPart",
    data: {
      part,
      parts,
      bytes: Buffer.from(bytes.subarray(part * partBytes, (part + 1) * partBytes))
        .toString("base64"),
    },
    metadata: { at, $correlationId: derivedId(`blob:${sha256}`) },
  }))
}

/** Whether all parts of it are in the log. */
export const holds = Effect.fnUntraced(function* (log: EventLog["Service"], sha256: string) {
  const [last] = yield* log.readPage(streamOf(sha256), { backwards: true, limit: 1 })
  const content: unknown = last?.data
  return isPart(content) && content.part === content.parts - 1
})

export const sealedIn = (log: EventLog["Service"]): SealedBlobs => ({
  write: Effect.fnUntraced(function* (sha256: string, sealed: Uint8Array) {
    const at = yield* Clock.currentTimeMillis
    const events = partsOf(sha256, sealed, at)
    const stream = streamOf(sha256)
    const [last] = yield* log.readPage(stream, { backwards: true, limit: 1 })
    // What is there was written in this order; a part that somebody else writes meanwhile is the same.
    for (let n = (last?.revision ?? -1) + 1; n < events.length; n++) {
      yield* log.append(stream, n - 1, [events[n]!])
    }
  }, Effect.mapError(unavailable)),

  read: Effect.fnUntraced(function* (sha256: string) {
    const found: Array<Uint8Array> = []
    for (;;) {
      const page = yield* log.readPage(streamOf(sha256), { from: found.length, limit: pageParts })
        .pipe(Effect.mapError(unavailable))
      for (const { data } of page) {
        const content: unknown = data
        if (!isPart(content)) return yield* corrupt(sha256)
        found.push(Buffer.from(content.bytes, "base64"))
      }
      if (page.length < pageParts) break
    }
    if (found.length === 0) return undefined
    const bytes = Buffer.concat(found)
    if (sha256Of(bytes) !== sha256) return yield* corrupt(sha256)
    return new Uint8Array(bytes)
  }),
})

export const layer: Layer.Layer<BlobStore, never, EventLog | Vault> = Layer.effect(
  BlobStore,
  Effect.gen(function* () {
    return fromSealed(yield* Vault, sealedIn(yield* EventLog))
  }),
)

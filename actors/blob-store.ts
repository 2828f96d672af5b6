/**
 * Port: content too large for the log (above `inlineBytesMax`) and every attachment, sealed under its
 * subject's key and filed under the SHA-256 of what is stored. Durable before `put` returns.
 */
import { Context, type Effect, Schema } from "effect"

export const inlineBytesMax = 64 * 1024

export interface BlobRef {
  /** SHA-256 of the stored (sealed) bytes, 64 hex digits: its name. */
  readonly sha256: string
  /** Whose key seals it. */
  readonly subject: string
  /** Length of the plain content. */
  readonly bytes: number
}

/** The blob could not be written or read. `full` needs space first; else retry later. */
export class BlobsUnavailable extends Schema.TaggedError<BlobsUnavailable>()("BlobsUnavailable", {
  reason: Schema.Literals(["full", "corrupt", "failed"]),
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect()),
}) {}

export class BlobStore extends Context.Service<BlobStore, {
  put(subject: string, content: Uint8Array): Effect.Effect<BlobRef, BlobsUnavailable>
  /** The plain content; undefined where there is none or its subject was forgotten. */
  get(ref: BlobRef): Effect.Effect<Uint8Array | undefined, BlobsUnavailable>
  /** What is stored under this name, sealed as it is; undefined where there is none. */
  sealed(sha256: string): Effect.Effect<Uint8Array | undefined, BlobsUnavailable>
}>()("actors/BlobStore") {}

/** A blob store over any place for sealed bytes: what goes in is sealed, what comes out is opened. */
import { createHash } from "node:crypto"
import { Effect } from "effect"
import { type BlobRef, type BlobStore, BlobsUnavailable } from "../actors/blob-store.ts"
import type { Vault } from "../actors/vault.ts"
import { keyOfBytes } from "./vault-crypto.ts"

/** Sealed bytes by the SHA-256 of themselves, 64 hex digits. What `read` gives was compared with its name. */
export interface SealedBlobs {
  /** Durable when it is done. */
  write(sha256: string, sealed: Uint8Array): Effect.Effect<void, BlobsUnavailable>
  read(sha256: string): Effect.Effect<Uint8Array | undefined, BlobsUnavailable>
}

export const sha256Of = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex")

const withoutKeys = (cause: unknown) =>
  new BlobsUnavailable({
    reason: "failed",
    message: "The keys for a blob could not be kept or had. Nothing was recorded; repeat later.",
    cause,
  })

export const fromSealed = (vault: Vault["Service"], blobs: SealedBlobs): BlobStore["Service"] => {
  const sealed = (sha256: string) =>
    /^[0-9a-f]{64}$/.test(sha256) ? blobs.read(sha256) : Effect.succeed(undefined)
  return {
    put: Effect.fn("BlobStore.put")(function* (subject: string, content: Uint8Array) {
      const bytes = vault.sealBytes(subject, content)
      // Without its key the blob would be noise, so the key is durable first.
      yield* Effect.mapError(vault.flush, withoutKeys)
      const sha256 = sha256Of(bytes)
      yield* blobs.write(sha256, bytes)
      return { sha256, subject, bytes: content.length }
    }),
    get: Effect.fn("BlobStore.get")(function* (ref: BlobRef) {
      const bytes = yield* sealed(ref.sha256)
      if (bytes === undefined) return undefined
      const key = keyOfBytes(bytes)
      if (key !== undefined) yield* Effect.mapError(vault.bring([key]), withoutKeys)
      return vault.openBytes(ref.subject, bytes)
    }),
    sealed,
  }
}

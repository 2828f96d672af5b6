/** Blobs in memory, for tests and trials: sealed and named as on disk, gone with the process. */
import { Effect, Layer } from "effect"
import { BlobStore } from "../actors/blob-store.ts"
import { Vault } from "../actors/vault.ts"
import { fromSealed } from "./blob-sealing.ts"

export const layer: Layer.Layer<BlobStore, never, Vault> = Layer.effect(
  BlobStore,
  Effect.map(Vault, (vault) => {
    const blobs = new Map<string, Uint8Array>()
    return fromSealed(vault, {
      write: (sha256, sealed) => Effect.sync(() => void blobs.set(sha256, sealed)),
      read: (sha256) => Effect.sync(() => blobs.get(sha256)),
    })
  }),
)

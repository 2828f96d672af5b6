/** Blobs in memory, for tests and trials: sealed and named as on disk, gone with the process. */
import { Effect, Layer } from "effect"
import { BlobStore } from "../actors/blob-store.ts"
import { sha256Hex } from "../actors/ids.ts"
import { Vault } from "../actors/vault.ts"

export const layer: Layer.Layer<BlobStore, never, Vault> = Layer.effect(
  BlobStore,
  Effect.gen(function* () {
    const vault = yield* Vault
    const blobs = new Map<string, Uint8Array>()
    return {
      put: (subject, content) =>
        Effect.sync(() => {
          const sealed = vault.sealBytes(subject, content)
          const sha256 = sha256Hex(sealed)
          blobs.set(sha256, sealed)
          return { sha256, subject, bytes: content.length }
        }),
      get: ({ sha256, subject }) =>
        Effect.sync(() => {
          const sealed = blobs.get(sha256)
          return sealed && vault.openBytes(subject, sealed)
        }),
    }
  }),
)

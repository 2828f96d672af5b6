/**
 * Blobs of a data directory: new ones are put where AIOS_BLOBS says, into its folder or into the log, and
 * what is there is found in either, so that the setting may change, and processes may differ in it.
 */
import { Effect, Layer } from "effect"
import { BlobStore } from "../actors/blob-store.ts"
import type { EventLog } from "../actors/event-log.ts"
import type { Vault } from "../actors/vault.ts"
import * as folderBlobs from "./blob-store-folder.ts"
import * as logBlobs from "./blob-store-log.ts"

export interface Options {
  readonly directory: string
  /** Where new ones go. */
  readonly to: "folder" | "log"
}

export const layer = (
  { directory, to }: Options,
): Layer.Layer<BlobStore, never, EventLog | Vault> =>
  Layer.effect(
    BlobStore,
    Effect.gen(function* () {
      const folder = yield* Effect.provide(BlobStore, folderBlobs.layer({ directory }))
      const log = yield* Effect.provide(BlobStore, logBlobs.layer)
      const [first, second] = to === "log" ? [log, folder] : [folder, log]
      return {
        put: first.put,
        get: Effect.fn("BlobStore.get")(function* (ref) {
          return (yield* first.get(ref)) ?? (yield* second.get(ref))
        }),
      }
    }),
  )

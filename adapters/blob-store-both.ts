/**
 * Blobs of a data directory: new ones are put where AIOS_BLOBS says, into its folder or into the log, and
 * what is there is found in either, so that the setting may change, and processes may differ in it. A
 * worker on another machine finds what is in the control's folder, too.
 */
import { Effect, Layer } from "effect"
import { BlobStore } from "../actors/blob-store.ts"
import { EventLog } from "../actors/event-log.ts"
import { Vault } from "../actors/vault.ts"
import { fromSealed, type SealedBlobs } from "./blob-sealing.ts"
import * as folderBlobs from "./blob-store-folder.ts"
import * as logBlobs from "./blob-store-log.ts"

export interface Options {
  readonly directory: string
  /** Where new ones go. */
  readonly to: "folder" | "log"
  /** Where those are that are in neither. */
  readonly elsewhere?: Pick<SealedBlobs, "read">
}

export const layer = (
  { directory, elsewhere, to }: Options,
): Layer.Layer<BlobStore, never, EventLog | Vault> =>
  Layer.effect(
    BlobStore,
    Effect.gen(function* () {
      const folder = folderBlobs.sealedIn(directory)
      const log = logBlobs.sealedIn(yield* EventLog)
      const [first, second] = to === "log" ? [log, folder] : [folder, log]
      return fromSealed(yield* Vault, {
        write: first.write,
        read: Effect.fnUntraced(function* (sha256) {
          return (yield* first.read(sha256)) ?? (yield* second.read(sha256)) ??
            (yield* elsewhere?.read(sha256) ?? Effect.succeed(undefined))
        }),
      })
    }),
  )

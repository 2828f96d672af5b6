/**
 * What a worker has of the data directory: its keys, secret and blobs are everybody's, and in
 * `workers/<name>/` are its own lock, caches and read models, so that it is in nobody's way. The log must be one
 * that several processes share. A worker makes no installation and takes no log: `aios start` was there
 * before.
 */
import { existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import type { BlobStore } from "../actors/blob-store.ts"
import { type EventLog, LogUnavailable } from "../actors/event-log.ts"
import type { SnapshotStore } from "../actors/snapshot-store.ts"
import type { Vault, VaultUnavailable } from "../actors/vault.ts"
import * as blobStore from "./blob-store-both.ts"
import * as elsewhere from "./event-log-elsewhere.ts"
import * as installation from "./installation.ts"
import * as ownerLock from "./owner-lock.ts"
import * as snapshots from "./snapshot-store-sqlite.ts"
import * as vault from "./vault-sqlite.ts"

export interface Options {
  readonly directory: string
  readonly worker: string
  /** Connection string of the log. */
  readonly eventLog: string
  readonly blobs: "folder" | "log"
  readonly command?: string
}

/** What is a worker's own. */
export const ownFolder = (directory: string, worker: string): string =>
  join(directory, "workers", worker)

export const layer = (
  { blobs, command, directory, eventLog, worker }: Options,
): Layer.Layer<EventLog | Vault | BlobStore | SnapshotStore, LogUnavailable | VaultUnavailable> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const missing = ["secret", "keys.db"].find((name) => !existsSync(join(directory, name)))
      if (missing !== undefined) {
        return yield* new LogUnavailable({
          reason: "foreign",
          message:
            `${directory} has no ${missing}: a worker shares the data directory of an AIOS ` +
            "that was started there. Run aios start on it first, or name the right one with --data-dir.",
          retryable: false,
        })
      }
      const own = ownFolder(directory, worker)
      mkdirSync(own, { recursive: true, mode: 0o700 })
      yield* ownerLock.acquire({
        directory: own,
        ...(command === undefined ? {} : { command }),
      })
      const { id } = yield* installation.open(directory)
      const events = elsewhere.shared({ directory, own, connection: eventLog, installation: id })
      return blobStore.layer({ directory, to: blobs }).pipe(
        Layer.provideMerge(events.pipe(Layer.provideMerge(vault.layer({ directory })))),
        Layer.provideMerge(snapshots.layer({ file: join(own, "cache.db") })),
      )
    }),
  )

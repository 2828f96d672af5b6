/**
 * Everything that AIOS keeps on this machine, in one folder, opened in the one safe order: the owner's
 * lock, the secret, the keys, the log. Put other files of the folder behind this layer. The log alone may
 * be elsewhere (`event-log-elsewhere.ts`); all the rest stays here.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import type { BlobStore } from "../actors/blob-store.ts"
import { type EventLog, LogUnavailable } from "../actors/event-log.ts"
import type { SnapshotStore } from "../actors/snapshot-store.ts"
import type { Vault, VaultUnavailable } from "../actors/vault.ts"
import * as blobStore from "./blob-store-both.ts"
import * as elsewhere from "./event-log-elsewhere.ts"
import * as log from "./event-log-sqlite.ts"
import * as installation from "./installation.ts"
import * as ownerLock from "./owner-lock.ts"
import * as snapshots from "./snapshot-store-sqlite.ts"
import * as vault from "./vault-sqlite.ts"

export interface Options {
  readonly directory: string
  /** Where this process takes commands; whom it refuses is told. */
  readonly socket?: string
  /** What is under way, for those who are refused. */
  readonly command?: string
  /** See the SQLite log: `NORMAL` is not safe against power loss. */
  readonly synchronous?: "FULL" | "NORMAL"
  /** Where new blobs go: into the folder, or into the log for processes that share none. Default `folder`. */
  readonly blobs?: "folder" | "log"
  /** Connection string of a log outside of the folder; default: `log.db` in it. */
  readonly eventLog?: string
}

/**
 * Keys are opened before the log, which may be refused: so where there are none yet, the log is looked at
 * before anything is made.
 */
const lookFirst = Effect.fnUntraced(function* (directory: string, eventLog: string) {
  if (existsSync(join(directory, "keys.db"))) return
  const known = yield* installation.find(directory)
  yield* Effect.scoped(Layer.build(Layer.fresh(elsewhere.ownerless(eventLog, known?.id))))
})

export const layer = (
  { blobs = "folder", command, directory, eventLog, socket, synchronous }: Options,
): Layer.Layer<EventLog | Vault | BlobStore | SnapshotStore, LogUnavailable | VaultUnavailable> =>
  Layer.unwrap(
    Effect.gen(function* () {
      yield* vault.refuseCopies(directory)
      if (eventLog !== undefined) yield* lookFirst(directory, eventLog)
      yield* ownerLock.acquire({
        directory,
        ...(socket === undefined ? {} : { socket }),
        ...(command === undefined ? {} : { command }),
      })
      const { id } = yield* installation.open(directory)
      const keys = vault.layer({ directory })
      const rest = (events: Layer.Layer<EventLog, LogUnavailable>) =>
        blobStore.layer({ directory, to: blobs }).pipe(
          // Keys before the log: a log that is there while there are no keys means that they were lost.
          Layer.provideMerge(events.pipe(Layer.provideMerge(keys))),
          Layer.provideMerge(snapshots.layer({ file: join(directory, "cache.db") })),
        )
      if (eventLog !== undefined) {
        return rest(elsewhere.layer({ directory, connection: eventLog, installation: id }))
      }
      yield* elsewhere.refuseElsewhere(directory)
      const file = join(directory, "log.db")
      // Keys are made for events only: a log that is not there although there are keys was lost.
      if (!existsSync(file) && (vault.statusOf(directory)?.keys ?? 0) > 0) {
        return yield* new LogUnavailable({
          reason: "corrupt",
          message: `${file} is missing, but keys of its events are there. Nothing was changed. ` +
            "Restore it from a backup, or choose another data directory.",
          retryable: false,
        })
      }
      return rest(log.layer({
        file,
        installation: id,
        ...(synchronous === undefined ? {} : { synchronous }),
      }))
    }),
  )

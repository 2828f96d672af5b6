/**
 * The log of a data directory by itself, for a process that serves it to others: the owner's lock, the
 * secret, the log. Keys are not opened: whoever folds the log keeps them, here or in another folder.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { type EventLog, LogUnavailable } from "../actors/event-log.ts"
import type { VaultUnavailable } from "../actors/vault.ts"
import * as elsewhere from "./event-log-elsewhere.ts"
import * as log from "./event-log-sqlite.ts"
import * as installation from "./installation.ts"
import * as ownerLock from "./owner-lock.ts"
import * as vault from "./vault-sqlite.ts"

export interface Options {
  readonly directory: string
  readonly command: string
  /** See the SQLite log: `NORMAL` is not safe against power loss. */
  readonly synchronous?: "FULL" | "NORMAL"
}

export const layer = (
  { command, directory, synchronous }: Options,
): Layer.Layer<EventLog, LogUnavailable | VaultUnavailable> =>
  Layer.unwrap(
    Effect.gen(function* () {
      yield* vault.refuseCopies(directory)
      yield* ownerLock.acquire({ directory, command })
      const file = join(directory, "log.db")
      const isNew = !existsSync(file)
      // A log that was copied here by itself: whoever folds it has its secret and its keys.
      const isCopy = !isNew &&
        !["secret", "keys.db"].some((name) => existsSync(join(directory, name)))
      const owner = isCopy ? {} : { installation: (yield* installation.open(directory)).id }
      yield* elsewhere.refuseElsewhere(directory)
      if (isNew && (vault.statusOf(directory)?.keys ?? 0) > 0) {
        return yield* new LogUnavailable({
          reason: "corrupt",
          message: `${file} is missing, but keys of its events are there. Nothing was changed. ` +
            "Restore it from a backup, or choose another data directory.",
          retryable: false,
        })
      }
      const events = log.layer({
        file,
        ...owner,
        ...(synchronous === undefined ? {} : { synchronous }),
      })
      // A log that is there while there are no keys means that they were lost: of a new one that is not so.
      return isNew ? events.pipe(Layer.provide(vault.layer({ directory }))) : events
    }),
  )

/**
 * What a worker has of the data directory: its keys, secret and blobs are everybody's, and in
 * `workers/<name>/` are its own lock, caches and read models, so that it is in nobody's way. The log must be one
 * that several processes share. A worker makes no installation and takes no log: `aios start` was there
 * before. On another machine than the control's the folder has a copy of the secret, and of the keys what
 * the control lent.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import type { BlobStore } from "../actors/blob-store.ts"
import { type EventLog, LogUnavailable } from "../actors/event-log.ts"
import type { SnapshotStore } from "../actors/snapshot-store.ts"
import type { Vault, VaultUnavailable } from "../actors/vault.ts"
import * as blobStore from "./blob-store-both.ts"
import * as controlDesk from "./control-desk.ts"
import * as elsewhere from "./event-log-elsewhere.ts"
import * as keyedLog from "./event-log-keyed.ts"
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
  /** Where the control answers, if it is on another machine. */
  readonly control?: string
  /** The control's token; default: the text of the file `token`. */
  readonly token?: string
  readonly command?: string
}

/** What is a worker's own. */
export const ownFolder = (directory: string, worker: string): string =>
  join(directory, "workers", worker)

const missingThere = (directory: string, name: string, isElsewhere: boolean) =>
  new LogUnavailable({
    reason: "foreign",
    message: isElsewhere
      ? `${directory} has no ${name}: copy secret and token there from the data directory of the control, ` +
        "with mode 0600. See docs/workers.md."
      : `${directory} has no ${name}: a worker shares the data directory of an AIOS that was started ` +
        "there. Run aios start on it first, or name the right one with --data-dir. If the control is on another " +
        "machine, set AIOS_CONTROL.",
    retryable: false,
  })

const taken = (own: string, worker: string) =>
  new LogUnavailable({
    reason: "owned",
    message: `A worker ${worker} runs here already (process ${ownerLock.ownerOf(own)?.pid}). ` +
      "Give this one another name with --name, or stop that one.",
    retryable: true,
  })

/** The control on another machine. */
const deskOf = (
  { control: url, directory, token }: Options,
  installation: string,
): Effect.Effect<controlDesk.ControlDesk | undefined, LogUnavailable> =>
  Effect.suspend(() => {
    if (url === undefined) return Effect.succeed(undefined)
    const file = join(directory, "token")
    if (token === undefined && !existsSync(file)) return missingThere(directory, "token", true)
    return Effect.succeed(
      controlDesk.make({ installation, token: token ?? readFileSync(file, "utf8").trim(), url }),
    )
  })

export const layer = (
  options: Options,
): Layer.Layer<EventLog | Vault | BlobStore | SnapshotStore, LogUnavailable | VaultUnavailable> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { blobs, command, control, directory, eventLog, worker } = options
      const isElsewhere = control !== undefined
      const missing = ["secret", ...isElsewhere ? [] : ["keys.db"]]
        .find((name) => !existsSync(join(directory, name)))
      if (missing !== undefined) return yield* missingThere(directory, missing, isElsewhere)
      const own = ownFolder(directory, worker)
      mkdirSync(own, { recursive: true, mode: 0o700 })
      yield* ownerLock.acquire({
        directory: own,
        ...(command === undefined ? {} : { command }),
      }).pipe(
        Effect.mapError((refusal) => refusal.reason === "owned" ? taken(own, worker) : refusal),
      )
      const { id } = yield* installation.open(directory)
      const shared = elsewhere.shared({ directory, own, connection: eventLog, installation: id })
      const desk = yield* deskOf(options, id)
      const events = desk === undefined ? shared : keyedLog.layer.pipe(Layer.provide(shared))
      const keys = vault.layer({ directory, ...(desk === undefined ? {} : { copiesOf: desk }) })
      return blobStore.layer({
        directory,
        to: blobs,
        ...(desk === undefined ? {} : { elsewhere: desk.blobs }),
      }).pipe(
        Layer.provideMerge(events.pipe(Layer.provideMerge(keys))),
        Layer.provideMerge(snapshots.layer({ file: join(own, "cache.db") })),
      )
    }),
  )

/** What keeps the company safe: copies for backups, and everything opened for an export. */
import { Effect, Option } from "effect"
import { BlobStore } from "../actors/blob-store.ts"
import { EventLog } from "../actors/event-log.ts"
import { Vault } from "../actors/vault.ts"
import type { Progress } from "./aios.ts"
import { door, refuse } from "./aios-failures.ts"
import { Backups } from "./backups.ts"
import { openedDeep } from "./opening.ts"

/** Events of one page of an export. */
const exportedMax = 500

const backups = Effect.flatMap(
  Effect.serviceOption(Backups),
  Option.match({
    onNone: () =>
      Effect.fail(refuse("failed", "NothingToKeep", "This AIOS keeps nothing on disk.")),
    onSome: Effect.succeed,
  }),
)

export const backup = (progress: Progress) =>
  Effect.flatMap(backups, (found) => found.copy(progress))

export const backupDone = (folder: string) =>
  Effect.flatMap(backups, (found) => Effect.as(found.remove(folder), null))

/** A page of the log in order, each event as stored and with its envelopes opened; null where forgotten. */
export const exported = Effect.fnUntraced(
  function* (options: { readonly after: number; readonly limit: number }) {
    const log = yield* EventLog
    const vault = yield* Vault
    const limit = Math.max(1, Math.min(exportedMax, options.limit))
    const page = yield* door(log.readAll({ from: options.after + 1, limit }))
    return {
      items: page.map((event) => ({ event, opened: openedDeep(vault, event.data) })),
      last: page.at(-1)?.position ?? options.after,
      done: page.length < limit,
    }
  },
)

/** The plain content of a blob in base64; null where there is none, or its person was forgotten. */
export const blob = Effect.fnUntraced(
  function* (ref: { readonly sha256: string; readonly subject: string }) {
    const blobs = yield* BlobStore
    const content = yield* door(
      Effect.mapError(
        blobs.get({ ...ref, bytes: 0 }),
        ({ message, reason }) =>
          refuse(reason === "full" ? "later" : "failed", "BlobUnavailable", message),
      ),
    )
    return content === undefined ? null : toBase64(content)
  },
)

const chunkBytes = 0x8000 - (0x8000 % 3)
/** In pieces: the arguments of one call are limited. */
const toBase64 = (content: Uint8Array): string => {
  const parts: Array<string> = []
  for (let at = 0; at < content.length; at += chunkBytes) {
    parts.push(btoa(String.fromCharCode(...content.subarray(at, at + chunkBytes))))
  }
  return parts.join("")
}

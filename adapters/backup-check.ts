/**
 * Proves that an unpacked backup is enough: it is opened as AIOS opens it, every agent is folded again
 * and compared, every key and blob that an event names is there.
 */
import { Effect } from "effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { EventLog, type LogUnavailable } from "../actors/event-log.ts"
import { registryOf } from "../actors/registry.ts"
import { replay } from "../actors/replay.ts"
import { Vault } from "../actors/vault.ts"
import { isSealed, type Json } from "../machines/agent.ts"
import { agents, journals } from "../machines/mod.ts"
import { OperationFailed, type Progress } from "../projections/aios.ts"
import { failureOf } from "../projections/aios-failures.ts"
import * as logBlobs from "./blob-store-log.ts"
import * as dataDirectory from "./data-directory.ts"
import * as vault from "./vault-sqlite.ts"

/** Each may be large. */
const pageEvents = 200

export interface Checked {
  readonly events: number
  readonly actors: number
}

interface Named {
  closed: number
  readonly missing: Array<string>
}

const isBlob = (value: object): value is { readonly sha256: string; readonly subject: string } =>
  "sha256" in value && typeof value.sha256 === "string" && "subject" in value

const look = (
  value: Json,
  open: Vault["Service"]["open"],
  blob: (name: string) => void,
): number => {
  if (typeof value !== "object" || value === null) return 0
  if (isSealed(value)) return open(value) === undefined ? 1 : 0
  if (isBlob(value)) blob(value.sha256)
  return Object.values(value).reduce((sum: number, inner) => sum + look(inner, open, blob), 0)
}

const names = (directory: string, head: number, progress: Progress) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const { open } = yield* Vault
    const found: Named = { closed: 0, missing: [] }
    const seen = new Set<string>()
    const notInFolder: Array<string> = []
    for (let from = 0; from <= head;) {
      const page = yield* log.readAll({ from, limit: pageEvents })
      for (const { data } of page) {
        found.closed += look(data, open, (name) => {
          if (seen.has(name)) return
          seen.add(name)
          const file = join(directory, "blobs", name.slice(0, 2), name.slice(2))
          if (!existsSync(file)) notInFolder.push(name)
        })
      }
      for (const name of notInFolder.splice(0)) {
        if (!(yield* logBlobs.holds(log, name))) found.missing.push(name)
      }
      const last = page.at(-1)
      if (last === undefined) break
      from = last.position + 1
      progress({ what: "checking keys and attachments", done: from, total: head + 1 })
    }
    return found
  })

const wrong = (message: string) =>
  new OperationFailed({ kind: "failed", error: "BackupUnsound", message })

/** `head` is the last position it must have. */
export const check = (
  directory: string,
  head: number,
  progress: Progress,
): Effect.Effect<Checked, OperationFailed> =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const actual = yield* log.head
    if (actual !== head) {
      return yield* wrong(`The log in it ends at ${actual} and should end at ${head}.`)
    }
    const found = yield* names(directory, head, progress)
    const forgotten = vault.statusOf(directory)?.destroyed ?? 0
    // What was forgotten on purpose stays closed.
    if (found.closed > 0 && forgotten === 0) {
      return yield* wrong(`${found.closed} sealed fields cannot be opened with the keys in it.`)
    }
    if (found.missing.length > 0) {
      return yield* wrong(
        `${found.missing.length} attachments are missing in it, the first is ${found.missing[0]}.`,
      )
    }
    const replayed = yield* replay(
      registryOf(agents, journals),
      undefined,
      (actors, events) => progress({ what: `refolding, ${actors} actors`, done: events, total: 0 }),
    )
    if (replayed.divergences.length > 0) {
      const [first] = replayed.divergences
      return yield* wrong(
        `${replayed.divergences.length} states do not fold again as recorded, the first is ` +
          `${first?.stream} at ${first?.revision}. aios replay shows whether this is so in use too.`,
      )
    }
    return { events: replayed.events, actors: replayed.actors }
  }).pipe(
    Effect.provide(dataDirectory.layer({ directory })),
    Effect.mapError((error: LogUnavailable | OperationFailed | Parameters<typeof failureOf>[0]) =>
      failureOf(error)
    ),
  )

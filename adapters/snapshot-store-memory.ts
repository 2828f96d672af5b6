/** Snapshots in memory, for tests and for a process that does not outlive its work. */
import { Effect, Layer } from "effect"
import { SnapshotStore, type StoredSnapshot } from "../actors/snapshot-store.ts"
import { recent } from "../actors/recent.ts"

/** Actors whose snapshot is kept (up to twice as many). */
const snapshotsMax = 10_000

export const layer: Layer.Layer<SnapshotStore> = Layer.sync(SnapshotStore, () => {
  const entries = recent<string, StoredSnapshot>(snapshotsMax)
  return {
    get: (stream) => Effect.sync(() => entries.get(stream)),
    put: (batch) =>
      Effect.sync(() => {
        for (const [stream, snapshot] of batch) entries.set(stream, snapshot)
      }),
  }
})

/**
 * Port: a cache of folded actors. Anything in it may be lost or wrong: an entry is used only where its
 * chart hash and state hash fit, else the actor is folded from the log again.
 */
import { Context, type Effect } from "effect"

export interface StoredSnapshot {
  readonly revision: number
  readonly chartHash: string
  readonly text: string
}

export class SnapshotStore extends Context.Service<SnapshotStore, {
  get(stream: string): Effect.Effect<StoredSnapshot | undefined>
  put(
    entries: ReadonlyArray<readonly [stream: string, snapshot: StoredSnapshot]>,
  ): Effect.Effect<void>
}>()("actors/SnapshotStore") {}

/**
 * Port: a consistent copy of all that must not be lost, made beside it while everything goes on. Packing
 * it and checking it is done by whoever asked, from the copy.
 */
import { Context, type Effect } from "effect"
import type { BackupCopy, OperationFailed, Progress } from "./aios.ts"

export class Backups extends Context.Service<Backups, {
  copy(progress: Progress): Effect.Effect<BackupCopy, OperationFailed>
  /** Removes a copy that `copy` made; a folder that is none is refused. Twice is success. */
  remove(folder: string): Effect.Effect<void, OperationFailed>
}>()("projections/Backups") {}

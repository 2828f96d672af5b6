/** Port: what backup and restore do with files, so that commands need not know how. All fail as operations do. */
import { Context, type Effect } from "effect"
import type { BackupCopy, OperationFailed, Progress } from "../projections/aios.ts"

export interface Unpacked {
  /** Epoch ms when the backup was made. */
  readonly at: number
  /** The log's last position in it. */
  readonly head: number
  readonly files: number
  readonly bytes: number
}

export class Keeping extends Context.Service<Keeping, {
  /** Gives the packed size. On failure the file is gone. */
  pack(copy: BackupCopy, file: string, progress: Progress): Effect.Effect<number, OperationFailed>
  /** Into a folder that does not exist, every file checked. On failure the folder is gone. */
  unpack(file: string, folder: string, progress: Progress): Effect.Effect<Unpacked, OperationFailed>
  /** Opens what was unpacked and folds all of it again. */
  check(
    folder: string,
    head: number,
    progress: Progress,
  ): Effect.Effect<{ readonly events: number; readonly actors: number }, OperationFailed>
  /** Quarantines what may have happened after the backup was made. */
  quarantine(
    folder: string,
    madeAt: string,
  ): Effect.Effect<
    ReadonlyArray<{ readonly ask: string; readonly activity: string; readonly about: string }>,
    OperationFailed
  >
}>()("cli/Keeping") {}

/**
 * Port: what backup, restore and export do with files, in the process that was given their names, so that
 * commands need not know how. All fail as operations do.
 */
import { Context, type Effect, type Scope } from "effect"
import type { Aios, BackupCopy, OperationFailed, Progress } from "./aios.ts"

type Page = Effect.Success<ReturnType<Aios["Service"]["exported"]>>

export interface Exporting {
  /** Writes what a page holds. Large content is asked of `aios`. */
  take(page: Page, aios: Aios["Service"]): Effect.Effect<void, OperationFailed>
  /** All of it is on disk: how many of what were written, by file or folder. */
  readonly finish: Effect.Effect<Readonly<Record<string, number>>, OperationFailed>
}

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
  /**
   * Into a folder that does not exist, every file checked. On failure the folder is gone. `durable`: all
   * of it is on disk when it is done; for a folder that is used, not for one that is looked at.
   */
  unpack(
    file: string,
    folder: string,
    durable: boolean,
    progress: Progress,
  ): Effect.Effect<Unpacked, OperationFailed>
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
  /** Everything in open formats, into a folder that is there and empty. */
  exporting(folder: string): Effect.Effect<Exporting, OperationFailed, Scope.Scope>
}>()("projections/Keeping") {}

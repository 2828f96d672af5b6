/**
 * Port: where projections keep their rows. May be deleted at any time; everything in it comes back
 * from the log. Calls are synchronous: the embedded store is in this process, and a projection reads
 * between two events.
 */
import { Context, Schema } from "effect"
import type { Json } from "../machines/agent.ts"

/** Up to where a projection has seen the log; `id` tells whether it is still the same log. */
export interface Checkpoint {
  readonly position: number
  /** Id of the event at `position`. */
  readonly id: string
  /** Events applied since the start. */
  readonly events: number
}

/** Thrown by every call when the store cannot be used (disk full, file damaged). Delete it and rebuild. */
export class ReadStoreUnavailable
  extends Schema.TaggedError<ReadStoreUnavailable>()("ReadStoreUnavailable", {
    message: Schema.String,
    cause: Schema.optionalKey(Schema.Defect()),
  }) {}

export interface ScanOptions {
  /** Keys that start so. */
  readonly prefix?: string
  /** Keys greater than this. */
  readonly after?: string
  /** Keys less than this. */
  readonly before?: string
  readonly limit?: number
  readonly backwards?: boolean
}

export class ReadStore extends Context.Service<ReadStore, {
  checkpoint(table: string): Checkpoint | undefined
  get(table: string, key: string): Json | undefined
  /** In order of key (code points, see `compareKeys` in rows.ts). Keys hold no NUL. */
  scan(table: string, options?: ScanOptions): ReadonlyArray<readonly [key: string, row: Json]>
  /** Writes rows (undefined deletes) and the checkpoint in one transaction. Makes the table if new. */
  commit(
    table: string,
    checkpoint: Checkpoint,
    rows: Iterable<readonly [key: string, row: Json | undefined]>,
  ): void
  /** Replaces table `to` by table `from` in one transaction; `from` is gone afterwards. */
  swap(from: string, to: string): void
  drop(table: string): void
  tables(): ReadonlyArray<string>
  /** 16 hex digits over all rows in key order: equal for equal content however it was written. */
  checksum(table: string): string
}>()("projections/ReadStore") {}

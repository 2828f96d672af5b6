/**
 * How a read model is written: a pure fold of the log into keyed rows. Rows hold envelopes, never the
 * plain text of personal data, so forgetting a person needs no purge here; queries open them.
 */
import type { RecordedEvent } from "../actors/event-log.ts"
import type { Json } from "../machines/agent.ts"
import type { ScanOptions } from "./read-store.ts"

/** The rows of one projection, as its handlers see them: their own writes included. */
export interface Rows {
  get(key: string): Json | undefined
  set(key: string, row: Json): void
  delete(key: string): void
  scan(options?: ScanOptions): ReadonlyArray<readonly [key: string, row: Json]>
}

export type Handler = (event: RecordedEvent, rows: Rows) => void

export interface Projection {
  readonly name: string
  /** A new number whenever a handler changes: rebuilds beside the old rows, then swaps. */
  readonly version: number
  /** True: sees the streams of AIOS's own bookkeeping too, of which nobody else is told. */
  readonly bookkeeping?: boolean
  /** By event type; `*` sees every event, after the handler of its type. */
  readonly on: Readonly<Record<string, Handler>>
}

export const defineProjection = (projection: Projection): Projection => projection

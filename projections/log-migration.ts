/** Port: copies a whole event log from one place to another, for `aios migrate-log`. */
import { Context, type Effect } from "effect"
import type { OperationFailed, Progress } from "./aios.ts"

export interface LogCopied {
  /** Of the source, without what is the protocol's own. */
  readonly events: number
  readonly streams: number
  readonly copied: number
  /** Copied earlier. */
  readonly alreadyThere: number
  /** Events the target has beyond the source: it was gone on with after an earlier copy. */
  readonly ahead: number
  /** Metadata of streams and tombstones, which stay behind. */
  readonly systemEventsLeftOut: number
  /** Streams of others whose beginning is gone, so that the copy numbers them anew; the first 20. */
  readonly renumbered: ReadonlyArray<string>
  /** Over the content of all events in order: equal for equal logs, wherever they are. */
  readonly sha256: string
  /** Each event has the position it had; else read models are made anew. */
  readonly samePositions: boolean
  /** The target was read back and is the source. False for a dry run. */
  readonly verified: boolean
}

export interface LogMigrated extends LogCopied {
  /** Both as they may be shown. */
  readonly from: string
  readonly to: string
  /** What AIOS_EVENT_LOG is set to, to go on with the target; user and password stand as words in it. */
  readonly eventLog?: string
  readonly dryRun: boolean
}

export class LogMigration extends Context.Service<LogMigration, {
  /** `from`, `to`: a data directory, its `log.db`, or a connection string. */
  migrate(
    from: string,
    to: string,
    dryRun: boolean,
    progress: Progress,
  ): Effect.Effect<LogMigrated, OperationFailed>
}>()("projections/LogMigration") {}

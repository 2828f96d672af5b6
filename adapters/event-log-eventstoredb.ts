/**
 * The event log in EventStoreDB or KurrentDB, over the official client: what the embedded log answers from
 * a file is asked of a server here, so that several processes can share one log.
 */
import { Effect, Layer } from "effect"
import { EventLog, LogUnavailable } from "../actors/event-log.ts"

export interface Options {
  /** `esdb://…`, with anything the client takes: credentials, several hosts, a CA. */
  readonly connection: string
  /** Path of the index that answers what the protocol cannot; may be deleted at any time. Default: in memory. */
  readonly index?: string
  /** Whose log it is: one that says it is another's is refused. */
  readonly installation?: string
}

export const layer = (_options: Options): Layer.Layer<EventLog, LogUnavailable> =>
  Layer.effect(
    EventLog,
    Effect.fail(
      new LogUnavailable({
        reason: "failed",
        message: "Logs in an event store are not served yet: remove AIOS_EVENT_LOG.",
        retryable: false,
      }),
    ),
  )

/**
 * The actor system as everybody else sees it: propose an event to an actor, and it becomes a fact or
 * is refused with a reason. `system.ts` is what does it.
 */
import { Context, type Effect, Schema } from "effect"
import type { Json, JsonObject, StateValue } from "../machines/agent.ts"
import type { EventTooLarge, LogUnavailable, RecordedEvent, VersionConflict } from "./event-log.ts"
import type { VaultUnavailable } from "./vault.ts"

/** The chart cannot take this event now. Nothing was recorded. */
export class NotAccepted extends Schema.TaggedError<NotAccepted>()("NotAccepted", {
  stream: Schema.String,
  type: Schema.String,
  /** The chart's state value, or null where there is no actor yet. */
  state: Schema.Json,
  /** Event types the chart would take now (guards not asked). */
  accepts: Schema.Array(Schema.String),
  message: Schema.String,
}) {}

/** The event is not one of the agent's, or its data does not fit the Schema. Nothing was recorded. */
export class InvalidEvent extends Schema.TaggedError<InvalidEvent>()("InvalidEvent", {
  stream: Schema.String,
  type: Schema.String,
  message: Schema.String,
}) {}

/** The actor is parked after a defect; `cause` says which. Mend the chart, then start again. */
export class ActorParked extends Schema.TaggedError<ActorParked>()("ActorParked", {
  stream: Schema.String,
  message: Schema.String,
}) {}

/** The system is shutting down. Propose again after the next start: the id makes it safe. */
export class SystemClosed extends Schema.TaggedError<SystemClosed>()("SystemClosed", {
  message: Schema.String,
}) {}

export type Refusal =
  | NotAccepted
  | InvalidEvent
  | ActorParked
  | SystemClosed
  | EventTooLarge
  | LogUnavailable
  | VaultUnavailable
  | VersionConflict

/** An event as proposed: plain values, also in personal fields. */
export type Proposal = { readonly type: string } & JsonObject

export interface ProposeOptions {
  /** Idempotency key (UUID). The same id again gives the first outcome. Default: freshly minted. */
  readonly id?: string
  /** Take it only where the actor's last revision is this one (-1: none yet), else `VersionConflict`. */
  readonly revision?: number
  /** Epoch ms when it happened in the world. */
  readonly occurredAt?: number
  /** Who proposes: `operator`, `importer`, … Default `operator`. */
  readonly actor?: string
  readonly causation?: string
  readonly correlation?: string
  readonly traceparent?: string
}

export interface Accepted {
  readonly event: RecordedEvent
  /** The id was known: this is the first outcome, and nothing was recorded now. */
  readonly duplicate: boolean
}

export interface ActorView {
  readonly stream: string
  readonly revision: number
  readonly status: "active" | "done" | "error" | "stopped" | "parked"
  readonly value: StateValue
  /** With its envelopes: what is personal stays sealed. */
  readonly context: Json
  readonly accepts: ReadonlyArray<string>
  /** The actor's clock, epoch ms. */
  readonly clock: number
  /** Event id of its last event. */
  readonly lastEvent: string
  /** Why it is parked or in error. */
  readonly problem?: string
}

/** What is still to do, as `aios` says it at the end of a one-shot command. */
export interface Remaining {
  readonly interactive: number
  readonly batch: number
  /** Held at the gate until the founder decides. */
  readonly gated: number
  readonly quarantined: number
  readonly parked: number
  /** When the next timer is due (epoch ms), if any is. */
  readonly nextDue?: number
}

export class ActorSystem extends Context.Service<ActorSystem, {
  /** To an actor, by stream (`lead-6f…`). The first event starts the actor. */
  propose(
    stream: string,
    event: Proposal,
    options?: ProposeOptions,
  ): Effect.Effect<Accepted, Refusal>
  /** A fact of a journal (a stream category without a chart: `record`, `settings`): never refused by a chart. */
  record(
    stream: string,
    event: Proposal,
    options?: ProposeOptions,
  ): Effect.Effect<Accepted, Refusal>
  /** The actor as of now, from the log and not from a read model; undefined where there is none. */
  view(stream: string): Effect.Effect<ActorView | undefined, LogUnavailable | SystemClosed>
  /** Fires due timers and works until nothing interactive is runnable, or `millisMax` passed. */
  settle(millisMax: number): Effect.Effect<Remaining, LogUnavailable>
  readonly remaining: Effect.Effect<Remaining>
  /**
   * Runs `effect` while nothing happens of its own accord, no timer fires and no activity starts, so that
   * a history that is told in order is lived in order: an actor's timers still fire in front of each
   * event that is later than they are.
   */
  holding<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R>
  /** Operator's answer to a quarantined activity: it happened (with its output), or it did not. */
  resolveQuarantine(
    ask: string,
    outcome: { readonly happened: true; readonly output: Json } | { readonly happened: false },
  ): Effect.Effect<Accepted, Refusal>
}>()("actors/ActorSystem") {}

/**
 * Port: one circuit per service AIOS leans on. Whoever calls a service calls it through its circuit; after
 * too many failures in a row nothing is tried for a while, one probe at a time finds out whether it works
 * again, and both changes are told to the service's `integration` actor. What does it is `circuits-live.ts`.
 */
import { Context, Effect, Layer, Schema } from "effect"
import { type Service, Trouble } from "../machines/integration-events.ts"

/** Nothing was tried: the service failed too often lately. */
export class CircuitOpen extends Schema.TaggedError<CircuitOpen>()("CircuitOpen", {
  service: Schema.String,
  message: Schema.String,
  trouble: Schema.optionalKey(Trouble),
  retryable: Schema.Boolean,
}) {}

/** Why a probe says no. Without a trouble nobody answers. */
export interface ProbeFailure {
  /** In words, without personal data. */
  readonly message: string
  readonly trouble?: Trouble
}

export interface CircuitState {
  readonly service: Service
  /** Nothing is tried, but a probe now and then. */
  readonly open: boolean
  /** Open, and it never answered here: it is not installed, or not yet. No outage, and nobody is told. */
  readonly absent: boolean
  /** It answered in this process. */
  readonly proven: boolean
  /** It can be probed: it is not switched off. */
  readonly wanted: boolean
  readonly trouble?: Trouble
  readonly reason?: string
  /** Epoch ms of the last change; 0: none since the start. */
  readonly since: number
}

export class Circuits extends Context.Service<Circuits, {
  /** Runs `effect` unless the circuit is open. `trouble` tells what a failure is; undefined: it does not count. */
  guard<A, E, R>(
    service: Service,
    effect: Effect.Effect<A, E, R>,
    trouble: (failure: E) => Trouble | undefined,
  ): Effect.Effect<A, E | CircuitOpen, R>
  /** What was answered is of no use, though it came: counts like a failure. `reason`: without personal data. */
  readonly complain: (service: Service, trouble: Trouble, reason: string) => Effect.Effect<void>
  /**
   * How to find out whether the service works, without doing anything: set by who made its adapter. It gets
   * two seconds, and may ask for a helper to be started. `thorough` shows that it can do its work, for one
   * that answered too late, failed or talked nonsense: it gets twenty.
   */
  readonly probe: (
    service: Service,
    effect: Effect.Effect<void, ProbeFailure>,
    thorough?: Effect.Effect<void, ProbeFailure>,
  ) => Effect.Effect<void>
  /**
   * Finds out before something is told of the services. `down`: only those that do not work as far as is
   * known; `untried`: also those that never answered here; `all`: every one that can be probed.
   */
  readonly look: (which: "down" | "untried" | "all") => Effect.Effect<void>
  readonly states: Effect.Effect<ReadonlyArray<CircuitState>>
}>()("actors/Circuits") {}

/** Never open: for tests that are about something else. */
export const closed: Layer.Layer<Circuits> = Layer.succeed(
  Circuits,
  Circuits.of({
    guard: (_, effect) => effect,
    complain: () => Effect.void,
    probe: () => Effect.void,
    look: () => Effect.void,
    states: Effect.succeed([]),
  }),
)

/** One circuit breaker per adapter. The only file that knows Effect's. */
import { Effect, Schedule, type Scope } from "effect"
import { CircuitBreaker } from "effect/persistence"
import type { ActivityFailure } from "../activity.ts"

/** Failures in a row that open the circuit, and how long it stays open. */
const failuresMax = 5
const openDuration = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("60 seconds")])

/** Whether a failure says something about the adapter. That of a model is told to the model's own circuit. */
const counts = ({ _tag, retryable }: ActivityFailure): boolean =>
  retryable && _tag !== "ModelUnavailable"

/** The adapter failed too often lately; nothing was tried. */
export interface CircuitOpen {
  readonly _tag: "CircuitOpen"
}

const circuitOpen: CircuitOpen = { _tag: "CircuitOpen" }

export interface Breakers {
  /** Runs `effect` unless the adapter's circuit is open. Only failures that may pass count against it. */
  readonly guard: <A, R>(
    adapter: string,
    effect: Effect.Effect<A, ActivityFailure, R>,
  ) => Effect.Effect<A, ActivityFailure | CircuitOpen, R>
}

export const makeBreakers: Effect.Effect<Breakers, never, Scope.Scope> = Effect.gen(function* () {
  const breaker = yield* CircuitBreaker.make({
    tripPolicy: CircuitBreaker.consecutive(failuresMax),
    openDuration,
  })
  return {
    guard: <A, R>(adapter: string, effect: Effect.Effect<A, ActivityFailure, R>) =>
      effect.pipe(
        breaker.execute({
          key: adapter,
          classify: (exit) =>
            exit._tag === "Success"
              ? CircuitBreaker.success
              : exit.cause.reasons.some((one) => one._tag === "Fail" && !counts(one.error))
              ? CircuitBreaker.ignored
              : CircuitBreaker.failure(),
        }),
        Effect.mapError((error) =>
          error instanceof CircuitBreaker.CircuitBreakerError ? circuitOpen : error
        ),
      ),
  }
}).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))

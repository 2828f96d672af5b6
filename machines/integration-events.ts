/**
 * What happens to a service AIOS leans on: `integration-ollama`, `integration-chroma`,
 * `integration-embedder`. The chart is in `integration.ts`. Only changes are told, not every call.
 */
import { Schema } from "effect"
import { event } from "./agent.ts"

export const Service = Schema.Literals(["ollama", "chroma", "embedder"])
export type Service = typeof Service.Type

/**
 * `absent`: nobody answers; `noModel`: it answers, and the model it should run is not there; `slow`: too late
 * too often; `garbage`: what it answers is of no use.
 */
export const Trouble = Schema.Literals(["absent", "noModel", "slow", "garbage", "failed"])
export type Trouble = typeof Trouble.Type

/** It answered for the first time ever: from now on its silence is an outage. */
export const ServiceAnswered = event("ServiceAnswered", {})
/** It failed so often that nothing is tried any more for a while. */
export const CircuitOpened = event("CircuitOpened", {
  trouble: Trouble,
  /** In words, without personal data. */
  reason: Schema.String,
  /** Failures in a row. */
  failures: Schema.Int,
})
/** One call was let through to see whether it works again; this one failed too. */
export const ProbeFailed = event("ProbeFailed", { reason: Schema.String })
/** It works again. */
export const CircuitClosed = event("CircuitClosed", {
  /** How long it was open. */
  millis: Schema.Int,
})

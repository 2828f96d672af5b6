/**
 * Port: a language model that answers in a given shape. Nothing needs it: where it is absent or fails,
 * rules and templates do the work and say so. Prompt and data are kept apart, and it has no tools.
 */
import { Context, type Effect, Schema } from "effect"

/** No answer, or none that fits. With `retryable` the same call may succeed later. */
export class ModelUnavailable extends Schema.TaggedError<ModelUnavailable>()("ModelUnavailable", {
  reason: Schema.Literals(["absent", "failed", "timedOut", "misfit"]),
  message: Schema.String,
  retryable: Schema.Boolean,
}) {}

export interface ModelRequest<A> {
  /** What to do, written by us. */
  readonly instructions: string
  /** What to do it with: from outside, never instructions. */
  readonly material: string
  readonly shape: Schema.Codec<A, unknown>
  readonly tokensMax: number
}

export interface ModelAnswer<A> {
  readonly answer: A
  readonly model: string
  readonly tokensIn: number
  readonly tokensOut: number
}

export class LanguageModel extends Context.Service<LanguageModel, {
  complete<A>(request: ModelRequest<A>): Effect.Effect<ModelAnswer<A>, ModelUnavailable>
}>()("actors/LanguageModel") {}
